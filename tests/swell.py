"""A sea of waves whose every value is known, and a small experiment on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from adaf_xr.cf.canonical import VARIABLES
from adaf_xr.osse.background import Background
from adaf_xr.osse.plan import Experiment
from adaf_xr.osse.splits import periods

DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class Swell:
    """A sea of a few travelling waves: its value anywhere, any day, and its autocorrelation are known."""

    seed: int = 0
    start: np.datetime64 = np.datetime64("2012-10-01")  # noqa: RUF009 - immutable
    days: int = 24
    spacing: float = 0.5
    device: str = "cpu"
    amplitude: float = 0.2

    @property
    def latitude(self):
        return np.arange(30.0 + self.spacing / 2, 46.0, self.spacing)

    @property
    def longitude(self):
        return np.arange(-68.0 + self.spacing / 2, -52.0, self.spacing)

    def height(self, day):
        """Eight waves of 4 to 8 degrees, each with a period of 6 to 12 days; land in a corner."""
        rng = np.random.default_rng(self.seed)
        k, phase = rng.normal(0, 1.2, (2, 8)), rng.uniform(0, 2 * np.pi, 8)
        frequency = 2 * np.pi / rng.uniform(6, 12, 8)
        lat, lon = self.latitude[:, None, None], self.longitude[None, :, None]
        zos = self.amplitude * np.cos(k[0] * lat + k[1] * lon + phase + frequency * day).sum(-1) / 2
        return np.where((lat < 33)[..., 0] & (lon < -65)[..., 0], np.nan, zos)

    def snapshots(self) -> Iterator[xr.Dataset]:
        for day in range(self.days):
            zos = self.height(day)
            fields = {
                "zos": zos, "thetao": 18 + 10 * zos, "so": 36 + zos, "uo": zos, "vo": -zos, "heave": 400 * zos,
                "uas": 5 + zos, "vas": 3 * zos,
            }  # fmt: skip
            mean = {"thetao_mean": 18 + 0 * zos, "so_mean": 36 + 0 * zos}
            grid = ("latitude", "longitude")
            yield xr.Dataset(
                {name: (("time", *grid), value[None].astype("f4"), attributes(name)) for name, value in fields.items()}
                | {name: (grid, value.astype("f4"), {"units": "1"}) for name, value in mean.items()},
                coords={
                    "time": ("time", [self.start.astype("M8[ns]") + day * DAY], {"standard_name": "time"}),
                    "latitude": ("latitude", self.latitude, {"standard_name": "latitude", "units": "degrees_north"}),
                    "longitude": ("longitude", self.longitude, {"standard_name": "longitude", "units": "degrees_east"}),
                },
                attrs={"title": "swell", "seed": self.seed, "reduced_gravity": 0.02, "thermocline_depth": 700.0},
            )


def attributes(name):
    known = VARIABLES.get(name)
    return {"units": "m"} if known is None else {"standard_name": known.standard_name, "units": known.units}


NADIRS = ("nadir-reference", "nadir-gfo")

SMALL = Experiment(
    name="small-v1",
    title="waves seen by two altimeters",
    nature=Swell(),
    systems=NADIRS,
    stored=("nadir-gfo",),
    background=Background(lag=2, coarsening=2, perturbation={"zos": 0.05}, scale=300.0, memory=4.0),
    splits=periods(
        test=("2012-10-04", "2012-10-08"), validation=("2012-10-12", "2012-10-14"), train=("2012-10-18", "2012-10-24")
    ),
    region=(-66.0, -54.0, 32.0, 44.0),
    margin=1.0,
    evaluation=(-65.0, -55.0, 33.0, 43.0),
    seed=5,
)
