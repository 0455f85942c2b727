"""How hard the simulated Gulf Stream is: interpolations of its altimetry, beside the data challenge's rows on NATL60.

Run ``python tests/benchmarks/osse_oi.py DIR [--tune]``, where ``adaf osse gulf-stream-v1 --out DIR`` made DIR. Analyses
of the 43 days of the test period are scored on the evaluation box as the 2020a data challenge does, from four nadir
altimeters without noise, and with SWOT beside them:

- the challenge's baseline, in plain numpy: exp(-dt2/7d2 - dx2/1deg2 - dy2/1deg2), noise of 5 % of the deviation, every
  five readings of a track averaged, two weeks on either side, one inverse a day, 0.2 degrees;
- ``oi`` with its default scales, which were tuned on real passes;
- ``oi`` with scales for this background, those that ``--tune`` finds best in mu on the validation period.

The background of all is the experiment's, the mean of its training period.
"""

from __future__ import annotations

import argparse
import itertools
import time
from pathlib import Path

import numpy as np
import xarray as xr
from scipy.linalg import cho_factor, cho_solve

import adaf_xr
from adaf_xr.grids import regrid, sample
from adaf_xr.metrics import lambda_x_t, mu_sigma, tau_from_ssh
from adaf_xr.models.optimal_interpolation import OptimalInterpolation
from adaf_xr.osse import open_experiment
from adaf_xr.osse.observing import CONSTELLATIONS
from adaf_xr.osse.opening import OpenExperiment

PUBLISHED = """Published on NATL60 (ocean-data-challenges/2020a_SSH_mapping_NATL60)
  baseline OI, 4 nadirs              0.83        2.25       15.7
  DUACS, 4 nadirs                    0.92        1.42       12.1
  DUACS, 4 nadirs + SWOT             0.92        1.22       11.4
Published of DUACS geostrophy with SWOT (arXiv 2211.13059): tau uv 83.7, vorticity 53.5, divergence -0.5, strain 24.8"""

NADIRS = CONSTELLATIONS["4-nadirs"]
SYSTEMS = {"4 nadirs": NADIRS, "4 nadirs + SWOT": CONSTELLATIONS["swot+4-nadirs"]}
DEFAULT = OptimalInterpolation()
WINDOW = (np.timedelta64(14, "D"), np.timedelta64(14, "D"))
TUNED = {"std": 0.25, "length": 75.0, "time": 4.0, "error": 0.02}
"""What ``--tune`` chose."""
GRID = {"std": (0.25,), "length": (60.0, 75.0, 90.0), "time": (4.0, 5.0, 7.0), "error": (0.01, 0.02)}


def engine(std: float, length: float, time: float, error: float) -> OptimalInterpolation:
    """Optimal interpolation for a climatological background and readings without noise."""
    own = {"std": std, "length": length, "time": time, "error": error, "broad": 0.0, "representativeness": error}
    return OptimalInterpolation(**{name: {"zos": value} for name, value in own.items()}, window=WINDOW, neighbours=48)


def analysed(experiment: OpenExperiment, split: str, systems: tuple[str, ...], model: object) -> xr.DataArray:
    """Sea level of a period on the grid of the truth, within the evaluation box."""
    part = experiment.select(split)
    background = part.background[["zos"]]
    tree = part.tree(window=WINDOW, systems=systems)
    grid = experiment.evaluated(part.truth)[["latitude", "longitude"]]
    return adaf_xr.assimilate(tree, background, model=model, grid=grid).zos.compute()


def baseline(experiment: OpenExperiment, split: str, systems: tuple[str, ...]) -> xr.DataArray:
    """The challenge's own baseline, on a grid of 0.2 degrees and then on the truth's."""
    part = experiment.select(split)
    background, truth = part.background.zos.load(), experiment.evaluated(part.truth).zos
    where, when, departure = readings(part, background, systems)
    nodes = np.arange(truth.latitude[0], truth.latitude[-1] + 0.2, 0.2)
    columns = np.arange(truth.longitude[0], truth.longitude[-1] + 0.2, 0.2)
    targets = np.stack(np.meshgrid(nodes, columns, indexing="ij"), -1).reshape(-1, 2)
    maps = []
    for day in truth.time.values:
        age = (when - day) / np.timedelta64(1, "D")
        near = np.abs(age) <= 14.0
        increment = daily_inverse(where[near], age[near], departure[near], targets).reshape(nodes.size, columns.size)
        maps.append(regrid(increment, nodes, columns, truth.latitude.values, truth.longitude.values))
    return background.sel(latitude=truth.latitude, longitude=truth.longitude) + xr.zeros_like(truth) + np.array(maps)


def readings(
    part: OpenExperiment, background: xr.DataArray, systems: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places (n, 2) [degrees], times (n,) and departures (n,) [m], five of a track averaged to one."""
    mean = background.isel(time=0)
    gathered = []
    for node in part.tree(window=WINDOW, systems=systems).leaves:
        points = node.to_dataset().adaf.points().compute().dropna("obs", subset=["zos"]).sortby("time")
        first = sample(
            mean.values, mean.latitude.values, mean.longitude.values, points.latitude.values, points.longitude.values
        )
        track = np.cumsum(np.diff(points.time.values, prepend=points.time.values[0]) > np.timedelta64(30, "s"))
        group = np.unique(np.stack([track, np.arange(track.size) // 5]), axis=1, return_inverse=True)[1].ravel()
        count = np.bincount(group)
        columns = (points.latitude.values, points.longitude.values, points.zos.values - first)
        means = [np.bincount(group, column) / count for column in columns]
        middle = points.time.values[np.searchsorted(group, np.arange(count.size))]
        gathered.append((np.stack(means[:2], axis=1), middle, means[2]))
    return tuple(np.concatenate(parts) for parts in zip(*gathered, strict=True))  # type: ignore[return-value]


def daily_inverse(where: np.ndarray, age: np.ndarray, departure: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """One analysis (n_targets,) [m] by the inverse of the covariance of all readings."""
    apart = ((where[:, None] - where[None]) ** 2).sum(-1) + ((age[:, None] - age[None]) / 7.0) ** 2
    ahead = ((targets[:, None] - where[None]) ** 2).sum(-1) + (age / 7.0) ** 2
    factor = cho_factor(np.exp(-apart) + 0.05**2 * np.eye(age.size), overwrite_a=True, check_finite=False)
    return np.exp(-ahead) @ cho_solve(factor, departure)


def tuned(experiment: OpenExperiment) -> dict[str, float]:
    """The row of `GRID` with the best mu on the validation period."""
    truth = experiment.evaluated(experiment.select("validation").truth).zos.load()
    rows = [dict(zip(GRID, values, strict=True)) for values in itertools.product(*GRID.values())]
    scores = [mu_sigma(analysed(experiment, "validation", NADIRS, engine(**row)), truth)[0] for row in rows]
    for row, mu in sorted(zip(rows, scores, strict=True), key=lambda pair: -pair[1])[:5]:
        print(f"  validation mu {mu:.4f}: {row}")
    return rows[int(np.argmax(scores))]


def report(name: str, sea_level: xr.DataArray, truth: xr.Dataset, sigma: float = 2.0) -> None:
    """One line of scores; sigma is the paper's smoothing of maps, its four pixels of 1/20 degree on our 1/10."""
    (mu, sigma_t), (short, brief) = mu_sigma(sea_level, truth.zos), lambda_x_t(sea_level, truth.zos)
    robust = lambda_x_t(sea_level, truth.zos, path="all")
    explained = tau_from_ssh(sea_level, truth.uo, truth.vo, sigma=sigma)
    currents = " ".join(f"{float(explained[q]):6.1f}" for q in ("uv", "vorticity", "divergence", "strain"))
    first = f"{mu:6.3f} {sigma_t:6.3f} {short:6.2f} {brief:6.1f}"
    print(f"  {name:32} {first}   {robust[0]:6.2f} {robust[1]:6.1f}  {currents}")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("experiment", type=Path)
    parser.add_argument("--tune", action="store_true", help="choose scales on the validation period first")
    how = parser.parse_args()
    experiment = open_experiment(how.experiment)
    chosen = tuned(experiment) if how.tune else TUNED
    truth = experiment.evaluated(experiment.select("test").truth)[["zos", "uo", "vo"]].load()
    print(f"{experiment!r}; test period of {truth.sizes['time']} days")
    print(f"  {'':32} {'mu':>6} {'sigma':>6} {'lx':>6} {'lt':>6}   {'lx all':>6} {'lt all':>6}  tau uv vort div strain")
    report("true sea level", truth.zos, truth, sigma=1.0)
    first = experiment.evaluated(experiment.select("test").background).zos
    report("background", (first + xr.zeros_like(truth.zos)).load(), truth)
    for label, systems in SYSTEMS.items():
        if label == "4 nadirs":
            report(f"baseline OI, {label}", baseline(experiment, "test", systems), truth)
        for name, model in {"oi": DEFAULT, "oi tuned": engine(**chosen)}.items():
            begun = time.perf_counter()
            report(f"{name}, {label}", analysed(experiment, "test", systems, model), truth)
            print(f"{'':34} {time.perf_counter() - begun:.0f} s")
    print(PUBLISHED)


if __name__ == "__main__":
    main()
