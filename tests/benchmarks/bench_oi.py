"""Optimal interpolation against a plain numpy one: speed in the same run, skill against a real field, cost, memory.

    python tests/benchmarks/bench_oi.py [DATA]

The truth is the absolute dynamic topography of 2019-02-23 in DATA (default: ADAF_XR_REALDATA, else ../shared/data),
sampled along the ground tracks of three altimeters with 2 cm of noise; the background is the truth smoothed
by a Gaussian of 2.5 degrees.
"""

import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

# One thread in each linear algebra call: both contestants bring their own threads.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from adaf_xr import grids
from adaf_xr.models.base import Background, Targets
from adaf_xr.models.optimal_interpolation import OptimalInterpolation
from adaf_xr.osse.orbits import Orbit
from adaf_xr.points.arrays import Points
from adaf_xr.sphere import RADIUS, unit_vectors

TIME = np.datetime64("2019-02-23T12", "ns")
NOISE, LENGTH, STD, NEIGHBOURS, POINTS = 0.02, 100.0, 0.08, 24, 280_000
ROUNDS = 3


@dataclass(frozen=True)
class Case:
    """A truth, a background and what altimeters saw."""

    truth: NDArray
    background: Background
    points: Points

    @property
    def targets(self) -> Targets:
        """Every sea cell of the truth."""
        return Targets(self.background.latitude, self.background.longitude, sea=np.isfinite(self.truth))

    def rmse(self, mean: NDArray) -> float:
        """Root mean square error [cm], every cell weighted by its area."""
        area = np.cos(np.radians(self.background.latitude))[:, None] * self.targets.sea
        return 100 * float(np.sqrt(np.nansum(area * (mean - self.truth) ** 2) / area.sum()))


def real_case(data: Path) -> Case:
    """The case of the module's docstring."""
    with xr.open_dataset(data / "ssh" / "nrt_global_allsat_phy_l4_20190223_20190226.nc") as file:
        truth = file.adt[0].values
        lat, lon = file.latitude.values.astype("f8"), file.longitude.values.astype("f8")
    sea = np.isfinite(truth)
    smooth = [gaussian_filter(x, 10, mode=("nearest", "wrap")) for x in (np.where(sea, truth, 0.0), sea.astype("f8"))]
    background = np.where(sea, smooth[0] / np.where(sea, smooth[1], 1.0), np.nan)
    rng = np.random.default_rng(0)
    where = np.concatenate([_track(i, p, node) for i, p, node in ((66, 112.4, 0), (98.5, 100.6, 40), (92, 99.2, 75))])
    seen = grids.sample(truth, lat, lon, *where.T)
    rows = rng.permutation(np.flatnonzero(np.isfinite(seen)))[:POINTS]
    value = seen[rows] + rng.normal(0.0, NOISE, rows.size)
    return Case(truth, Background(lat, lon, np.empty(0), {"zos": background}), sea_level(*where[rows].T, value))


def _track(inclination: float, period: float, node: float) -> NDArray:
    """Latitude and longitude of an altimeter's points at 1 Hz over two days."""
    return np.column_stack(Orbit(inclination, period, node).track(np.arange(0.0, 2.0, 1 / 86400)))


def sea_level(latitude: NDArray, longitude: NDArray, value: NDArray) -> Points:
    """Points at the analysis time."""
    time = np.full(value.size, TIME)
    columns = {"latitude": latitude, "longitude": longitude, "depth": np.zeros(value.size), "time": time, "zos": value}
    return Points.from_columns(columns, "ssh")


def plain(case: Case) -> tuple[NDArray, NDArray]:
    """The textbook in numpy: neighbours of each cell, and one linear system for each."""
    lat, lon = case.background.latitude, case.background.longitude
    first_guess = case.background.fields["zos"]
    obs, sea = case.points, case.targets.sea
    innovation = obs.value - grids.sample(first_guess, lat, lon, obs.latitude, obs.longitude)
    sites = unit_vectors(obs.latitude, obs.longitude) * RADIUS
    row, column = np.nonzero(sea)
    places = unit_vectors(lat[row], lon[column]) * RADIUS
    _, near = cKDTree(sites).query(places, NEIGHBOURS, workers=-1)
    increment, variance = np.empty((2, row.size))
    for start in range(0, row.size, 20_000):
        rows = slice(start, start + 20_000)
        here = sites[near[rows]]
        squared = np.sum((here[:, :, None] - here[:, None]) ** 2, axis=-1)
        matrix = STD**2 * np.exp(-0.5 * squared / LENGTH**2) + NOISE**2 * np.eye(NEIGHBOURS)
        squared = np.sum((here - places[rows, None]) ** 2, axis=-1)
        gain = STD**2 * np.exp(-0.5 * squared / LENGTH**2)
        weight = np.linalg.solve(matrix, gain[..., None])[..., 0]
        increment[rows] = np.sum(weight * innovation[near[rows]], axis=-1)
        variance[rows] = STD**2 - np.sum(weight * gain, axis=-1)
    mean, std = first_guess.copy(), np.full(first_guess.shape, np.nan)
    mean[sea] += increment
    std[sea] = np.sqrt(np.maximum(variance, 0.0))
    return mean, std


def ours(case: Case, model: OptimalInterpolation) -> tuple[NDArray, NDArray]:
    """The engine, from points to fields."""
    analysis = model.analyse(model.encode(case.points, case.background, TIME), case.background, case.targets)
    return analysis.mean["zos"], analysis.std["zos"]


def timed(call: Callable[[], Any], clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds that a call takes."""
    start = clock()
    call()
    return clock() - start


def cost_of_points() -> None:
    """Seconds to encode 10 million points and 1 million, of a swath and strewn over the globe."""
    rng = np.random.default_rng(1)
    lat, lon = np.arange(-89.5, 90), np.arange(0.5, 360)
    background = Background(lat, lon, np.empty(0), {"zos": np.zeros((180, 360))})
    swath = Orbit(98.5, 100.6, 0).swath(np.arange(100_000) / 86400, np.linspace(-700, 700, 100))
    strewn = (np.degrees(np.arcsin(rng.uniform(-1, 1, 10_000_000))), rng.uniform(-180, 180, 10_000_000))
    model = OptimalInterpolation()
    for name, where in {"a swath": [x.ravel() for x in swath], "strewn": strewn}.items():
        many = sea_level(*where, rng.normal(size=10_000_000))
        # One thread works, so its own seconds are the cost, whatever else the machine does.
        few, all_of_them = (
            median(timed(partial(model.encode, part, background, TIME), time.process_time) for _ in range(ROUNDS))
            for part in (many.take(slice(1_000_000)), many)
        )
        print(f"encode, {name}: 1 M points {few:.2f} s, 10 M points {all_of_them:.2f} s: {all_of_them / few:.1f} x")


def peak() -> float:
    """Largest memory of the process so far [GiB]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main(data: Path) -> None:
    """Print the table."""
    case = real_case(data)
    scales = {"length": LENGTH, "std": STD, "error": NOISE, "representativeness": 0.0, "broad": 0.0}
    contestants = {
        "ours, same settings": partial(ours, case, OptimalInterpolation(**scales, neighbours=NEIGHBOURS)),
        "ours, default": partial(ours, case, OptimalInterpolation()),
        "plain numpy": partial(plain, case),
    }
    results = {name: run() for name, run in contestants.items() if name != "plain numpy"}
    memory = peak()
    # In turns, so that whatever else the machine does falls on all alike.
    seconds = [[timed(run) for run in contestants.values()] for _ in range(ROUNDS)]
    speed = np.median([[row[-1] / s for s in row] for row in seconds], axis=0)
    results["plain numpy"] = expected, _ = plain(case)
    first_guess = case.rmse(case.background.fields["zos"])
    print(f"{case.targets.sea.sum()} sea cells, {len(case.points)} points, background RMSE {first_guess:.2f} cm")
    print(f"{'':20s} {'seconds':>8s} {'speed':>7s} {'RMSE cm':>8s} {'formal cm':>9s} {'rms from plain cm':>17s}")
    for name, spent, ratio in zip(contestants, np.median(seconds, axis=0), speed, strict=True):
        mean, std = results[name]
        off, formal = 100 * np.sqrt(np.nanmean((mean - expected) ** 2)), 100 * np.nanmean(std)
        print(f"{name:20s} {spent:8.2f} {ratio:6.1f}x {case.rmse(mean):8.3f} {formal:9.3f} {off:17.3f}")
    print(f"peak memory of the process without plain numpy {memory:.2f} GiB")
    cost_of_points()


if __name__ == "__main__":
    default = os.environ.get("ADAF_XR_REALDATA", Path(__file__).resolve().parents[3] / "shared" / "data")
    main(Path(sys.argv[1] if len(sys.argv) > 1 else default))
