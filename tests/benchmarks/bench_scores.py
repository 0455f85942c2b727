"""RMSE and ACC of a year of daily global quarter-degree fields: `python tests/benchmarks/bench_scores.py [days]`.

Five variables of analysis, truth and climatology, float32, one dask chunk a day, made on the fly: nothing is read from
disk. Prints the peak of memory, the seconds, the size of the graph, and the ratio of time to a loop of plain NumPy over
some of the same days. The wanted peak is below 3 GiB for 365 days.
"""

from __future__ import annotations

import resource
import sys
import time

import dask
import dask.array as da
import numpy as np
import xarray as xr

from adaf_xr import metrics
from adaf_xr.sphere import cell_area

NAMES = ("zos", "thetao", "so", "uo", "vo")
LAT, LON = np.arange(-89.875, 90, 0.25), np.arange(-179.875, 180, 0.25)
LAND = np.add.outer(np.sin(np.radians(3 * LAT)), np.cos(np.radians(2 * LON))) > 0.6


def day(number: int, kind: int) -> np.ndarray:
    """A field of one day, land missing: cheap noise, so that the scores and not their input are timed."""
    rng = np.random.default_rng((number, kind))
    values = rng.random((LAT.size, LON.size), dtype="f4")
    values[LAND] = np.nan
    return values


def block(start: np.ndarray, kind: int) -> np.ndarray:
    """A chunk of one day."""
    return day(int(start.item()), kind)[None]


def year(kind: int, days: int) -> xr.Dataset:
    """A lazy dataset of all variables."""
    numbers = da.arange(days, chunks=1)[:, None, None]
    when = np.datetime64("2020-01-01", "ns") + np.arange(days) * np.timedelta64(1, "D")
    axes = {"time": when, "latitude": LAT, "longitude": LON}
    shape = ((1,) * days, (LAT.size,), (LON.size,))
    fields = {
        name: (tuple(axes), da.map_blocks(block, numbers, kind=10 * kind + i, chunks=shape, dtype="f4"))
        for i, name in enumerate(NAMES)
    }
    return xr.Dataset(fields, axes)


def by_hand(days: int) -> dict[str, np.ndarray]:
    """The same scores by a loop over days."""
    area = cell_area(LAT, LON)
    rmse, acc = np.zeros((2, len(NAMES), days))
    for i in range(len(NAMES)):
        for number in range(days):
            x, y, c = (day(number, 10 * kind + i).astype("f8") for kind in range(3))
            w = np.where(np.isnan(x + y + c), 0.0, area)
            x, y, c = (np.nan_to_num(v) for v in (x, y, c))
            rmse[i, number] = np.sqrt((w * (x - y) ** 2).sum() / w.sum())
            power = (w * (x - c) ** 2).sum() * (w * (y - c) ** 2).sum()
            acc[i, number] = (w * (x - c) * (y - c)).sum() / np.sqrt(power)
    return {"rmse": rmse, "acc": acc}


def peak() -> float:
    """Largest memory of this process so far [GiB]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def tasks(scores: dict[str, xr.Dataset]) -> int:
    """Size of the graph of all scores."""
    return len(set().union(*(ds.__dask_graph__().to_dict() for ds in scores.values())))


def main() -> None:
    """Print the figures."""
    days = int(sys.argv[1]) if len(sys.argv) > 1 else 365
    analysis, truth, usual, background = (year(kind, days) for kind in range(4))
    begin = time.perf_counter()
    scores = {"rmse": metrics.rmse(analysis, truth), "acc": metrics.acc(analysis, truth, usual)}
    built, count = time.perf_counter() - begin, tasks(scores)
    begin = time.perf_counter()
    (got,) = dask.compute(scores)
    lazy, memory = time.perf_counter() - begin, peak()
    few = max(1, days // 20)
    begin = time.perf_counter()
    expected = by_hand(few)
    plain = (time.perf_counter() - begin) * days / few
    for name, values in expected.items():
        mine = np.stack([got[name][key].values[:few] for key in NAMES])
        np.testing.assert_allclose(mine, values, rtol=1e-9)
    print(f"RMSE and ACC of {days} days, {len(NAMES)} variables, 0.25 degrees: {lazy:.1f} s, peak {memory:.2f} GiB")
    print(f"built in {built:.2f} s, {count} tasks; time against a loop of NumPy over days: {lazy / plain:.2f}")
    some = min(days, 40)
    begin = time.perf_counter()
    card = [ds.isel(time=slice(some)) for ds in (analysis, truth, background, usual)]
    metrics.scorecard(*card).compute()
    print(f"score card of {some} of these days: {time.perf_counter() - begin:.1f} s, peak {peak():.2f} GiB")


if __name__ == "__main__":
    main()
