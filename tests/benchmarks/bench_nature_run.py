"""What a nature run costs, a step and as a whole: ``python tests/benchmarks/bench_nature_run.py [--days 400]``.

The cost of a step beside N log N of its cells says whether larger seas cost what theory says. With ``--days`` a run of
the standard size is timed, spin-up and all, on ``--threads`` threads. Processor time is printed for busy machines.
"""

from __future__ import annotations

import argparse
import time
from statistics import median

import numpy as np
import torch

from adaf_xr.osse.nature_run import NatureRun


def step_cost(cells: int, rounds: int) -> float:
    """Median processor seconds of one Runge-Kutta step of a sea of cells x cells."""
    run = NatureRun(shape=(cells, cells), spacing=12.8 / cells)
    sea = run._sea(run.shape)
    state = sea.begin(sea.flow.noise(0, 1, 0.3, wavelength=3e5))
    state = sea.advance(state, 60.0, steps=1)
    seconds = []
    for _ in range(rounds):
        begin = time.process_time()
        state = sea.advance(state, 60.0, steps=1)
        seconds.append(time.process_time() - begin)
    return median(seconds)


def main() -> None:
    """Print the costs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=0, help="of a whole run of 256 x 256 cells to time")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'cells':>10}{'ms a step':>12}{'over N log N [ns]':>20}")
    for cells in (128, 256, 512):
        cost = step_cost(cells, rounds=15)
        print(f"{cells:6}^2  {1e3 * cost:12.1f}{1e9 * cost / (cells**2 * np.log2(cells**2)):20.2f}")
    if options.days:
        torch.set_num_threads(options.threads)
        begin, begin_cpu = time.perf_counter(), time.process_time()
        for _ in NatureRun(days=options.days).snapshots():
            pass
        wall, cpu = time.perf_counter() - begin, time.process_time() - begin_cpu
        print(
            f"256^2, {options.days} days, {options.threads} threads: {wall:.0f} s, processor {cpu:.0f} s, with spin-up"
        )


if __name__ == "__main__":
    main()
