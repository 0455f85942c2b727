"""Small worlds with known answers, and an engine whose arithmetic fits on one line."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import xarray as xr

from adaf_xr.cf.canonical import VARIABLES
from adaf_xr.grids import regrid, sample
from adaf_xr.models.base import Analysis, ModelSpec

DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class Sums:
    """Sum and number of innovations by variable."""

    total: dict
    count: dict

    def __add__(self, other):
        names = {*self.total, *other.total}
        return Sums(
            {n: self.total.get(n, 0.0) + other.total.get(n, 0.0) for n in names},
            {n: self.count.get(n, 0) + other.count.get(n, 0) for n in names},
        )


SPEC = ModelSpec(
    "mean-shift", tuple(VARIABLES), ("ssh", "insitu", "sst", "ice"), 0.25, (5 * DAY, 5 * DAY), 1000.0, "toy"
)


@dataclass(frozen=True)
class MeanShift:
    """Shifts the background by the mean innovation; the standard error is 1 / sqrt(1 + number)."""

    ballast: bytes = field(default=b"", repr=False)
    spec: ModelSpec = SPEC

    def encode(self, points, background, time):
        total, count = {}, {}
        for code, name in enumerate(VARIABLES):
            rows = points.take(points.variable == code)
            if name in background.fields and len(rows):
                at = (background.latitude, background.longitude, rows.latitude, rows.longitude)
                guess = np.atleast_2d(sample(background.fields[name], *at))[0]
                good = np.isfinite(guess)
                total[name], count[name] = float((rows.value - guess)[good].sum()), int(good.sum())
        return Sums(total, count)

    def analyse(self, encoded, background, targets):
        mean, std = {}, {}
        for name, guess in background.fields.items():
            look = regrid if targets.gridded else sample
            at = look(guess, background.latitude, background.longitude, targets.latitude, targets.longitude)
            n = encoded.count.get(name, 0)
            mean[name] = at + (encoded.total[name] / n if n else 0.0)
            if targets.sea is not None:
                mean[name] = np.where(targets.sea, mean[name], np.nan)
            std[name] = np.where(np.isfinite(mean[name]), 1 / np.sqrt(1 + n), np.nan)
        return Analysis(mean, std)


def background(n_times=3, spacing=1.0, box=(-40.0, -30.0, 20.0, 28.0), names=("zos",), depth=None):
    """Linear fields in the open Atlantic, daily at noon; float32 on dask."""
    west, east, south, north = box
    lat = np.arange(south + spacing / 2, north, spacing)
    lon = np.arange(west + spacing / 2, east, spacing)
    time = pd.date_range("2020-01-01T12:00", periods=n_times).values.astype("datetime64[ns]")
    flat = (0.01 * lat[:, None] + 0.02 * lon[None, :]).astype("f4")
    fields = {}
    for name in names:
        values = np.broadcast_to(flat, (n_times, *flat.shape))
        fields[name] = (("time", "latitude", "longitude"), values.copy(), {"units": VARIABLES[name].units})
    coords = {"time": time, "latitude": lat, "longitude": lon}
    if depth is not None:
        coords["depth"] = ("depth", np.asarray(depth, "f8"), {"units": "m", "positive": "down"})
        profile = 15 - 0.01 * np.asarray(depth)[None, :, None, None] + np.zeros((n_times, 1, *flat.shape))
        fields["thetao"] = (("time", "depth", "latitude", "longitude"), profile.astype("f4"), {"units": "degC"})
    return xr.Dataset(fields, coords).chunk(time=1)


def points(n=200, seed=0, box=(-40.0, -30.0, 20.0, 28.0), names=("zos",), days=3.0, source="ssh", offset=0.1):
    """Points that lie `offset` above the fields of `background`; compact, in memory."""
    rng = np.random.default_rng(seed)
    west, east, south, north = box
    lon, lat = rng.uniform(west + 0.6, east - 0.6, n), rng.uniform(south + 0.6, north - 0.6, n)
    time = np.datetime64("2020-01-01", "ns") + (rng.random(n) * days * 86400e9).astype("timedelta64[ns]")
    coords = {
        "longitude": ("obs", lon),
        "latitude": ("obs", lat),
        "depth": ("obs", np.zeros(n)),
        "time": ("obs", time),
    }
    value = 0.01 * lat + 0.02 * lon + offset
    attrs = {"featureType": "point", "source": source}
    return xr.Dataset({name: ("obs", value.copy()) for name in names}, coords, attrs)


def lazy(ds, chunk, time_in_memory=False):
    """The same points on dask, coordinates too; the times may stay known."""
    chunked = ds.chunk(obs=chunk)
    return chunked.assign_coords(time=ds.time) if time_in_memory else chunked
