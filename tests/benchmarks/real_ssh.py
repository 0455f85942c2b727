"""Real-input run 2: three days of real altimetry, every fifth pass withheld and predicted from the others.

Run ``python tests/benchmarks/real_ssh.py [ROOT] [--model NAME ...]``. Passes of NASA-SSH 2022-01-01..03 end where
latitude turns or time jumps by more than ten minutes. The background is no anomaly at all, about the mean of the passes
kept: a mean dynamic topography, which turns the anomalies into readings of sea level and is taken off again. It is what
eddies leave of the map of 2019-02-23, so that a learned model meets gyres and fronts as it knows them; to optimal
interpolation it is all one. Each fifth of the passes is withheld in turn, since which one it is moves the score by more
than the engine does. The default scales were chosen by cross-validation among the passes that the row 5/5 keeps.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from real_maps import LATITUDE, LONGITUDE, TODAY, data_root, global_map, labelled

import adaf_xr
from adaf_xr.grids import sample
from adaf_xr.models.optimal_interpolation import OptimalInterpolation
from adaf_xr.models.scales import SEA_LEVEL
from adaf_xr.training.adaf_ocean.surrogates import split

TIME = np.datetime64("2022-01-02T12:00", "ns")
PAUSE = np.timedelta64(600, "s")
FIFTHS = 5

MODELS = {
    # One Gaussian and nothing else: the yardstick.
    "plain OI": OptimalInterpolation(length=100.0, std=0.1, error=0.03, representativeness=0.0, broad=0.0),
    "oi": "oi",
}


def along_track(root: Path) -> xr.Dataset:
    """Points of the three days in order of time."""
    days = [root / "ssh" / f"GSFC-alt_ssh2022010{day}.nc" for day in (1, 2, 3)]
    points = []
    for file in days:
        with xr.open_dataset(file) as ds:
            points.append(ds.adaf.points("sla", source="ssh").load())
    return xr.concat(points, "obs", combine_attrs="drop_conflicts").sortby("time")


def pass_numbers(latitude: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Number of the half orbit that each point belongs to."""
    northward = np.diff(latitude) > 0
    turns = np.concatenate([[False], northward[1:] != northward[:-1], [False]])
    return np.cumsum(turns | (np.diff(time, prepend=time[0]) > PAUSE))


def topography(root: Path) -> xr.DataArray:
    """A mean dynamic topography; missing on land."""
    parts = split(global_map(root / TODAY).values)
    return labelled(np.where(parts.ocean, parts.steady, np.nan).astype("f8"))


def rms(x: np.ndarray) -> float:
    """Root mean square [cm] of metres."""
    return 100 * float(np.sqrt(np.mean(np.square(x))))


def scores(points: xr.Dataset, withheld: np.ndarray, mdt: xr.DataArray, model: Any) -> tuple[float, float, float]:
    """RMSE of background and analysis at the withheld points [cm], and of the normalised misfit of the latter."""
    kept, hidden = points.isel(obs=~withheld), points.isel(obs=withheld)
    mean = float(kept.sla.mean())
    kept = kept.assign(sla=(kept.sla - mean).assign_attrs(points.sla.attrs))
    where = {
        "latitude": hidden.latitude.drop_vars(hidden.coords),
        "longitude": hidden.longitude.drop_vars(hidden.coords),
    }
    background = mdt.to_dataset().expand_dims(time=[TIME])
    analysis = adaf_xr.assimilate(kept, background, mdt=mdt, model=model, grid=where).isel(time=0).compute()
    truth = hidden.sla.values - mean
    misfit = truth - (analysis.zos.values - sample(mdt.values, LATITUDE, LONGITUDE, *where.values()))
    known = np.isfinite(misfit)
    sigma = np.hypot(analysis.zos_std.values[known], SEA_LEVEL.error) if "zos_std" in analysis else np.nan
    return rms(truth[known]), rms(misfit[known]), rms(misfit[known] / sigma) / 100


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path, nargs="?", default=data_root())
    parser.add_argument("--model", nargs="*", default=[], help="names of engines or checkpoints to judge beside")
    how = parser.parse_args()
    models = {**MODELS, **{Path(name).stem: name for name in how.model}}
    points, mdt = along_track(how.root), topography(how.root)
    number = pass_numbers(points.latitude.values, points.time.values)
    print(
        f"{points.sizes['obs']} points in {number.max() + 1} passes; RMS at withheld passes [cm], and of misfit / error"
    )
    print(f"{'withheld':>10} {'background':>10} " + " ".join(f"{name:>10} {'misfit':>6}" for name in models))
    table = np.array(
        [[scores(points, number % FIFTHS == fifth, mdt, model) for model in models.values()] for fifth in range(FIFTHS)]
    )
    rows = {f"{fifth + 1}/{FIFTHS}": row for fifth, row in enumerate(table)}
    rows["all"] = np.sqrt(np.mean(table**2, axis=0))
    for name, row in rows.items():
        print(f"{name:>10} {row[0, 0]:>10.2f} " + " ".join(f"{a:>10.2f} {z:>6.2f}" for _, a, z in row))


if __name__ == "__main__":
    main()
