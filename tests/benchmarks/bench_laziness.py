"""What a call costs before anything computes: seconds to build and bytes of pickled graph, for a year of days.

Run ``python tests/benchmarks/bench_laziness.py``. Observations lie in 12 chunks; the figures must not grow with their
number. The graph of the inputs themselves is subtracted.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from statistics import median

import cloudpickle
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import toy
import xarray as xr

import adaf_xr

CHUNKS = 12


def pickled(*arrays) -> int:
    """Bytes of the graphs of dask arrays."""
    return len(cloudpickle.dumps([a.__dask_graph__() for a in arrays]))


def measure(label: str, build, inputs) -> None:
    """Print the median build time of five and the size of what the call adds to the graph."""
    seconds = []
    for _ in range(5):
        begin = time.perf_counter()
        result = build()
        seconds.append(time.perf_counter() - begin)
    variables = result.data_vars.values() if isinstance(result, xr.Dataset) else [result]
    added = pickled(*(v.data for v in variables if hasattr(v.data, "dask"))) - pickled(*inputs)
    print(f"{label:58s} {median(seconds):7.3f} s  {added / 1e6:7.3f} MB")


def main() -> None:
    """Measure every call on a year of days."""
    days = 365
    bg = toy.background(days, names=("zos", "uo", "vo"))
    for n in (12_000, 1_200_000):
        obs = toy.lazy(toy.points(n, days=days), n // CHUNKS)
        inputs = [obs[c].data for c in (*obs.coords, "zos")] + [v.data for v in bg.data_vars.values()]
        measure(f"assimilate, 365 days, {n} observations", lambda obs=obs: adaf_xr.assimilate(obs, bg), inputs)
    swath = xr.Dataset(
        {"sst": (("time", "lat", "lon"), np.full((days, 60, 80), 290.0), {"units": "kelvin"})},
        {"time": bg.time.values, "lat": np.linspace(-20, 20, 60), "lon": np.linspace(0, 50, 80)},
    ).chunk(time=1)
    measure("points, 365 daily maps", swath.adaf.points, [swath.sst.data])
    measure("upsample, 365 daily maps", bg.zos.adaf.upsample, [bg.zos.data])


if __name__ == "__main__":
    main()
