"""A small geostrophic ocean for 4DVarNet: material in memory, its background wrong by waves that points see."""

import numpy as np
import xarray as xr

from adaf_xr import kinematics
from adaf_xr.training.material import Material

DAY = np.timedelta64(1, "D")
FIRST = np.datetime64("2020-03-01", "ns")
LATITUDE, LONGITUDE = np.arange(36.25, 46.0, 0.5), np.arange(-59.75, -46.0, 0.5)
STEP = 0.5
SPLITS = {"train": (0, 12), "validation": (14, 22)}
PERIODS = {name: (FIRST + first * DAY, FIRST + last * DAY) for name, (first, last) in SPLITS.items()}


def height(latitude, longitude, day):
    """A jet and eddies that drift to the west [m]."""
    eddies = np.sin(1.1 * (longitude + 0.1 * day)) * np.cos(0.9 * latitude + 0.2 * day)
    return 0.4 * np.tanh(0.4 * (41.0 - latitude)) + 0.15 * eddies + 0.5


def truth(days=24, land=False):
    """Daily fields; `land` in the north-west."""
    day = np.arange(days)[:, None, None]
    ssh = height(LATITUDE[:, None], LONGITUDE, day)
    u, v = kinematics.geostrophic(ssh, LATITUDE, STEP, STEP)
    fields = {"zos": ssh, "thetao": 15.0 + 8.0 * ssh, "uo": u, "vo": v}
    if land:
        shore = (LATITUDE[:, None] > 43.0) & (LONGITUDE < -57.0)
        fields = {name: np.where(shore, np.nan, field) for name, field in fields.items()}
    axes = {"time": FIRST + np.arange(days) * DAY, "latitude": LATITUDE, "longitude": LONGITUDE}
    return xr.Dataset({name: (tuple(axes), field.astype("f4")) for name, field in fields.items()}, axes)


class Tracks:
    """Heights and temperatures at random places, some every day but those that are `silent`."""

    def __init__(self, number=150, silent=()):
        self.number, self.silent = number, {np.datetime64(day, "D") for day in silent}

    def __call__(self, time, window):
        before, after = window
        days = np.arange((time - before).astype("M8[D]"), (time + after).astype("M8[D]") + 1)
        days = [day for day in days if day not in self.silent]
        nodes = {f"/{kind}": self.table(kind, days) for kind in ("ssh", "sst") if days}
        return xr.DataTree.from_dict(nodes) if nodes else xr.DataTree()

    def table(self, kind, days):
        parts = [self.day(kind, day) for day in days]
        place = {name: ("obs", np.concatenate([part[name] for part in parts])) for name in parts[0]}
        name = {"ssh": "zos", "sst": "thetao"}[kind]
        return xr.Dataset({name: place.pop("value")}, place, {"featureType": "point", "source": kind})

    def day(self, kind, day):
        random = np.random.default_rng([int(day.astype("i8")), kind == "sst"])
        latitude, longitude = (random.uniform(a[0] - 1.0, a[-1] + 1.0, self.number) for a in (LATITUDE, LONGITUDE))
        time = day.astype("M8[ns]") + (random.random(self.number) * 86400e9).astype("m8[ns]")
        days = (time - FIRST) / DAY
        ssh = height(latitude, longitude, days)
        value = ssh if kind == "ssh" else 15.0 + 8.0 * ssh
        return {
            "latitude": latitude,
            "longitude": longitude,
            "depth": np.zeros(self.number),
            "time": time,
            "value": value,
        }


def material(observe=None, land=False, **changes):
    """Material of this ocean; the background is its mean."""
    sea = truth(land=land)
    held = {
        "truth": sea,
        "background": sea[["zos"]].mean("time").expand_dims(time=sea.time),
        "observe": observe or Tracks(),
        "periods": PERIODS,
        "provenance": {"name": "jet"},
    }
    return Material(**{**held, **changes})
