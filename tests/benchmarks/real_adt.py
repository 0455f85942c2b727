"""Real sea level weeks old, corrected by readings of today along the tracks of a real altimeter.

Run ``python tests/benchmarks/real_adt.py [ROOT] [--maps FILE ...] [--model NAME ...] [--altimeters N] [--tune F ...]``.
The truth is a map of real sea level, the background one of weeks before, and the observations are values of the truth
along five days of tracks with 2 cm of noise. RMSE is over cells within the reach of the tracks, weighted by area. The
cases are

- the Mediterranean, June 2005 from seven weeks before;
- global maps, by ``--maps``, each from the youngest of them that is seven weeks older or more (real_maps.py says where
  some are: of those of 1992 the pairs are seven weeks apart, of those of 2006 and 2007 thirteen);
- the global map of 2019-02-23 from surrogates of itself, seven weeks old. Networks may have been trained on it.

Tracks are those of the reference orbit: three days of 2022, one of 2007, which fills passes that these leave out, and
the first once more, moved to passes that none has. A second altimeter flies midway between, as in the interleaved
phases of the real ones.

``--tune`` chooses scales for optimal interpolation: on the Mediterranean of April from maps seven weeks later, and on
the pairs of its files, which must not be judged. Without it, `TUNED` is used.
"""

from __future__ import annotations

import argparse
import time as clock
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from real_maps import MEDITERRANEAN, TODAY, WEEK, SeaLevel, data_root, global_map, labelled, pairs, with_topography

import adaf_xr
from adaf_xr.grids import sample
from adaf_xr.metrics import rmse
from adaf_xr.models.optimal_interpolation import OptimalInterpolation
from adaf_xr.training.adaf_ocean.surrogates import surrogate

TRACKS = [*(f"ssh/GSFC-alt_ssh2022010{day}.nc" for day in (1, 2, 3)), "ssh/COAsT_example_altimetry_data.nc"]
WEEKS, OLDEST = 7, 14
NOISE = 0.02
REACH = 66.0
"""Latitude [degrees] to which the tracks go."""
PASSES = 254
"""Of a cycle, in which the Earth turns ten times below the orbit."""
FLOWN = 78
"""Passes of the three days of 2022, which are 72 to 149 of their cycle; those of 2007 are 183 to 208."""
SURROGATES = 3

DEFAULT = {
    "length": 80.0,
    "time": 10.0,
    "std": 0.09,
    "broad": 0.06,
    "error": 0.03,
    "representativeness": 0.015,
    "neighbours": 32,
}
TUNED = {
    "Mediterranean": DEFAULT | {"length": 50.0, "error": 0.02, "neighbours": 64},
    "globe": DEFAULT | {"time": 100.0, "std": 0.12, "broad": 0.03, "error": 0.02},
}
"""What ``--tune`` chose: on 1992-12-02 from 1992-10-14 for the globe."""
CHOICES = {
    "length": (50.0, 65.0, 80.0, 100.0, 125.0),
    "std": (0.06, 0.09, 0.12),
    "broad": (0.0, 0.03, 0.06, 0.09),
    "error": (0.01, 0.02, 0.03),
    "representativeness": (0.0, 0.015, 0.03),
    "time": (10.0, 30.0, 100.0),
    "neighbours": (32, 64),
}

Where = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Latitude, longitude and day, of [-2.5, 2.5), of readings."""


@dataclass(frozen=True)
class Case:
    """A truth and a background, both `zos` on (latitude, longitude), and readings of the truth."""

    name: str
    truth: xr.DataArray
    background: xr.DataArray
    points: xr.Dataset


def tracks(root: Path, altimeters: int) -> Where:
    """Where one altimeter or more look in five days."""
    days = []
    for file in TRACKS:
        with xr.open_dataset(root / file) as ds:
            points = ds.adaf.points("sla", source="ssh").load()
        days.append((points.latitude.values, points.longitude.values, points.time.values))
    days.append((days[0][0], days[0][1] - 3600.0 * FLOWN / PASSES, days[0][2]))
    latitude, longitude = (np.concatenate([day[i] for day in days]) for i in (0, 1))
    hours = [np.clip((day[2] - day[2].min()) / np.timedelta64(1, "D"), 0.0, 0.999) for day in days]
    day = np.concatenate([hour + number - 2.5 for number, hour in enumerate(hours)])
    moved = [longitude + 3600.0 / PASSES * number / altimeters for number in range(altimeters)]
    return np.tile(latitude, altimeters), np.concatenate(moved), np.tile(day, altimeters)


def read(truth: xr.DataArray, date: np.datetime64, where: Where, seed: int) -> xr.Dataset:
    """Points with the truth and noise."""
    latitude, longitude, day = where
    value = sample(truth.values, truth.latitude.values, truth.longitude.values, latitude, longitude)
    value = value + np.random.default_rng(seed).normal(0.0, NOISE, value.size)
    seen = np.isfinite(value)
    coords = {
        "longitude": ("obs", (longitude[seen] + 180.0) % 360.0 - 180.0),
        "latitude": ("obs", latitude[seen]),
        "depth": ("obs", np.zeros(seen.sum())),
        "time": ("obs", date + (day[seen] * 86400e9).astype("m8[ns]")),
    }
    return xr.Dataset({"zos": ("obs", value[seen], truth.attrs)}, coords, {"featureType": "point", "source": "ssh"})


def case(name: str, date: np.datetime64, truth: xr.DataArray, old: np.ndarray, where: Where, seed: int) -> Case:
    """Truth and background where both are, and the readings."""
    both = np.isfinite(truth.values) & np.isfinite(old)
    truth = truth.where(both)
    background = truth.copy(data=np.where(both, old, np.nan)).expand_dims(time=[date])
    return Case(name, truth, background, read(truth, date, where, seed))


def mediterranean(root: Path, where: Where, tuning: bool) -> Iterator[Case]:
    """Maps seven weeks apart at 0.25 degrees: June from April and May, or, for tuning, April from the weeks after."""
    with xr.open_dataset(root / MEDITERRANEAN) as ds:
        maps = ds.adt.coarsen(latitude=2, longitude=2).mean().load()
    axes = maps.latitude.values.astype("f8"), maps.longitude.values.astype("f8")
    month = maps.sel(time="2005-04" if tuning else "2005-06").time.values
    lag = (1 if tuning else -1) * WEEKS * WEEK
    for seed, date in enumerate(month[2:-2:5]):
        truth = labelled(maps.sel(time=date).values, *axes)
        yield case(str(date)[:10], date, truth, maps.sel(time=date + lag).values, where, seed)


def from_older(maps: list[SeaLevel], where: Where) -> Iterator[Case]:
    """Each global map from an older one."""
    for seed, (old, new) in enumerate(pairs(maps, WEEKS, OLDEST)):
        name = f"{str(new.date)[:10]}, {(new.date - old.date) / WEEK:.0f} weeks"
        yield case(name, new.date, labelled(new.values), old.values, where, seed)


def aged(today: SeaLevel, where: Where) -> Iterator[Case]:
    """A global map from surrogates of itself."""
    for seed in range(SURROGATES):
        old = surrogate(today.values, WEEKS, np.random.default_rng([7, seed]))
        yield case(f"surrogate {seed}", today.date, labelled(today.values), old, where, seed)


def score(sea_level: xr.DataArray, truth: xr.DataArray) -> float:
    """RMSE [cm] within reach of the tracks."""
    return 100.0 * float(rmse(sea_level.where(abs(truth.latitude) < REACH), truth))


def judged(cases: list[Case], model: object) -> np.ndarray:
    """RMSE [cm] of the analysis of each."""
    scores = []
    for item in cases:
        axes = item.truth.to_dataset()[["latitude", "longitude"]]
        analysis = adaf_xr.assimilate(item.points, item.background.to_dataset(), model=model, grid=axes)
        scores.append(score(analysis.zos.isel(time=0, drop=True).compute(), item.truth))
    return np.array(scores)


def interpolation(scales: dict[str, float]) -> OptimalInterpolation:
    """Optimal interpolation with these numbers for sea level."""
    own = {name: {"zos": value} for name, value in scales.items() if name != "neighbours"}
    return OptimalInterpolation(**own, neighbours=int(scales["neighbours"]))


def tuned(cases: list[Case]) -> dict[str, float]:
    """Scales chosen one after the other, twice around."""
    best, least = dict(DEFAULT), float(judged(cases, interpolation(DEFAULT)).mean())
    for name in [*CHOICES, *CHOICES]:
        for tried in [best | {name: value} for value in CHOICES[name] if value != best[name]]:
            reached = float(judged(cases, interpolation(tried)).mean())
            if reached < least:
                best, least = tried, reached
    print(f"  tuned to {least:.2f} cm on other dates: {best}")
    return best


def table(title: str, cases: list[Case], models: dict[str, object]) -> None:
    """RMSE of background and analyses, by case, mean and range."""
    print(f"\n{title}; RMSE [cm]\n{'':28} {'readings':>9} {'background':>10} " + " ".join(f"{m:>12}" for m in models))
    columns, seconds = [np.array([score(c.background.isel(time=0, drop=True), c.truth) for c in cases])], []
    for model in models.values():
        begun = clock.perf_counter()
        columns.append(judged(cases, model))
        seconds.append((clock.perf_counter() - begun) / len(cases))
    rows = np.array(columns).T
    for item, row in zip(cases, rows, strict=True):
        print(f"{item.name:28} {item.points.sizes['obs']:9d} {row[0]:10.2f} " + " ".join(f"{x:12.2f}" for x in row[1:]))
    for name, values in (("mean", rows.mean(0)), ("least", rows.min(0)), ("greatest", rows.max(0))):
        print(f"{name:28} {'':9} {values[0]:10.2f} " + " ".join(f"{x:12.2f}" for x in values[1:]))
    print(f"{'seconds for one':28} {'':20} " + " ".join(f"{x:12.1f}" for x in seconds))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path, nargs="?", default=data_root())
    parser.add_argument("--maps", type=Path, nargs="*", default=[], help="global maps of other dates")
    parser.add_argument("--model", nargs="*", default=[], help="names of engines or checkpoints to judge beside")
    parser.add_argument("--altimeters", type=int, default=1)
    parser.add_argument("--tune", type=Path, nargs="*", help="global maps to choose scales on")
    how = parser.parse_args()
    where = tracks(how.root, how.altimeters)
    spring = list(mediterranean(how.root, where, tuning=True))
    others = list(from_older(with_topography(how.tune or [], how.root), where))

    def models(domain: str, cases: list[Case]) -> dict[str, object]:
        scales = tuned(cases) if how.tune is not None and cases else TUNED[domain]
        return {"oi": "oi", "oi tuned": interpolation(scales), **{Path(name).stem: name for name in how.model}}

    table("Mediterranean, 7 weeks", list(mediterranean(how.root, where, tuning=False)), models("Mediterranean", spring))
    chosen = models("globe", others)
    if far := list(from_older(with_topography(how.maps, how.root), where)):
        table("Globe, from an older map", far, chosen)
    table("Globe, 2019-02-23, 7 weeks", list(aged(global_map(how.root / TODAY), where)), chosen)


if __name__ == "__main__":
    main()
