"""Cost of levels: ``python tests/benchmarks/bench_levels.py --model FILE [--threads 2] [--levels 20]``.

A global analysis of five variables at 0.25 degrees from a background of 1 degree with levels down to 1800 m, by weights
with a depth stage, beside that of the surface alone; observations as in ``bench_adaf_ocean.py``. Wall-clock seconds to
analyse, the network loaded, and the most memory that the process had by then.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))

from bench_adaf_ocean import WHEN, first_guess, observed, peak, quarter_degrees

from adaf_xr.models.adaf_ocean.engine import AdafOcean
from adaf_xr.models.base import Background

DEEPEST, THERMOCLINE = 1800.0, 800.0


def with_levels(flat: Background, depth: np.ndarray) -> Background:
    """The background of the surface, fading downwards."""
    fields = {
        name: values if name == "zos" else np.stack([values * np.exp(-z / THERMOCLINE) for z in depth]).astype("f4")
        for name, values in flat.fields.items()
    }
    return replace(flat, depth=depth, fields=fields)


def main() -> None:
    """Print the seconds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--levels", type=int, default=20)
    parser.add_argument("--points", type=int, default=1_000_000)
    how = parser.parse_args()
    torch.set_num_threads(how.threads)
    engine, points = AdafOcean(how.model), observed(how.points)
    flat = first_guess()
    deep = with_levels(flat, np.geomspace(1.0, DEEPEST + 1.0, how.levels) - 0.5)
    for title, first in (("loading", flat), ("the surface", flat), (f"{how.levels} levels", deep)):
        sums = engine.encode(points, first, WHEN)
        begun = time.perf_counter()
        engine.analyse(sums, first, quarter_degrees())
        print(f"{title:12} {time.perf_counter() - begun:6.1f} s {peak():6.2f} GiB", flush=True)


if __name__ == "__main__":
    main()
