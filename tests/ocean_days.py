"""Days of a small ocean for training: shards in memory, and a globe whose background errs by waves that points see."""

from functools import cache

import numpy as np
import xarray as xr
from small_ocean import MEAN, SPREAD, WHAT, axes, made, sea

from adaf_xr.models.adaf_ocean.channels import STATE
from adaf_xr.models.adaf_ocean.frame import REFINEMENT
from adaf_xr.points import Points
from adaf_xr.training.adaf_ocean import preparing
from adaf_xr.training.adaf_ocean.maps import GLOBE, MAPS
from adaf_xr.training.material import Material

DAY = np.timedelta64(1, "D")
FIRST = np.datetime64("2020-01-06T12", "ns")
PERIODS = {"train": (FIRST, FIRST + 2 * DAY), "validation": (FIRST + 3 * DAY, FIRST + 4 * DAY)}
PLANES = {
    "truth": (len(STATE), GLOBE.rows * REFINEMENT, GLOBE.columns * REFINEMENT),
    "coarse": (len(STATE), *GLOBE.shape),
    "background": (len(STATE), *GLOBE.shape),
}


STEADY_PART = 10.0
"""What is steady of a map is so much above it."""

MAP = {"fine": "truth", "coarse": "coarse"}


class Observed:
    """What `Material.points` is, of points in memory."""

    def __init__(self, points):
        self.all = points

    def points(self, time, window):
        return {"any": self.all.within(time - window[0], time + window[1])}


class Kept:
    """Shards in memory: observations of calendar days, and days whose every plane holds one number."""

    def __init__(self, times, points=None, start=None, number=0):
        """`times` of every split; points that are observed on `number` days from `start` on."""
        self.days = dict(times)
        if points is not None:
            self.days[preparing.OBSERVED] = start + np.arange(number) * DAY
            self.observed = [preparing._seen(Observed(points), time) for time in self.days[preparing.OBSERVED]]
        else:
            self.days[preparing.OBSERVED] = np.empty(0, "M8[ns]")

    def count(self, split):
        return len(self.days[split])

    def time(self, split, index):
        return self.days[split][index]

    def read(self, split, index):
        if split == preparing.OBSERVED:
            return self.observed[index]
        if split == MAPS:
            steady = np.float32(index + STEADY_PART)
            fields = {name: np.broadcast_to(np.float32(index), PLANES[of][1:]) for name, of in MAP.items()}
            return fields | {f"steady_{name}": np.broadcast_to(steady, PLANES[of][1:]) for name, of in MAP.items()}
        return {name: np.broadcast_to(np.float32(index), shape) for name, shape in PLANES.items()}


def error_of_background(name, latitude, longitude):
    """Waves that no background knows."""
    return 0.6 * (sea(name, latitude, longitude, seed=9) - MEAN.get(name, 0.0))


def land(latitude, longitude):
    """A continent."""
    return (np.abs(latitude) < 30.0) & (np.abs(longitude - 30.0) < 20.0)


@cache
def fields(spacing, wrong, days=5):
    """The globe on some days; a background is `wrong`."""
    latitude, longitude = axes(spacing, None)
    rows, columns = latitude[:, None], longitude[None, :]
    held = {}
    for name in STATE:
        now = sea(name, rows, columns) - wrong * error_of_background(name, rows, columns)
        now = np.where(land(rows, columns), np.nan, now).astype("f4")
        held[name] = (("time", "latitude", "longitude"), np.broadcast_to(now, (days, *now.shape)))
    return xr.Dataset(held, {"time": FIRST + np.arange(days) * DAY, "latitude": latitude, "longitude": longitude})


class Points1000:
    """A thousand places a day of each variable, where the truth is seen; some kinds are silent, some days too."""

    def __init__(self, silent=(), since=None, kinds=("ssh", "sst", "sss", "insitu"), number=1000):
        self.silent, self.since, self.kinds, self.number = set(silent), since, kinds, number

    def __call__(self, time, window):
        before, after = window
        days = np.arange((time - before).astype("M8[D]"), (time + after).astype("M8[D]") + 1)
        days = [day for day in days if day not in self.silent and (self.since is None or day >= self.since)]
        nodes = {f"/{kind}": self.table(kind, days) for kind in self.kinds if days}
        return xr.DataTree.from_dict(nodes) if nodes else xr.DataTree()

    def table(self, kind, days):
        parts = [self.day(kind, day) for day in days]
        joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        coords = {name: ("obs", joined.pop(name)) for name in ("latitude", "longitude", "depth", "time")}
        held = {name: ("obs", values) for name, values in joined.items()}
        return xr.Dataset(held, coords, {"featureType": "point", "source": kind})

    def day(self, kind, day):
        rng = np.random.default_rng([list(WHAT).index(kind), int(day.astype("i8"))])
        latitude, longitude = rng.uniform(-75.0, 75.0, self.number), rng.uniform(-180.0, 180.0, self.number)
        time = day.astype("M8[ns]") + (rng.random(self.number) * 86400e9).astype("m8[ns]")
        place = {"latitude": latitude, "longitude": longitude, "depth": np.zeros(self.number), "time": time}
        values = {}
        for name in WHAT[kind]:
            values[name] = sea(name, latitude, longitude) + 0.02 * SPREAD[name] * rng.standard_normal(self.number)
            values[f"{name}_error"] = np.full(self.number, 0.02 * SPREAD[name])
        return {**place, **values}


def material(observe=None, truth=0.5, background=1.0, **changes):
    """A globe of a truth at half a degree and a background of 1 degree; or of fields that are given."""
    truth = fields(truth, 0.0) if isinstance(truth, float) else truth
    background = fields(background, 1.0) if isinstance(background, float) else background
    parts = {"observe": observe or Points1000(), "periods": PERIODS, "provenance": {"name": "waves"}, **changes}
    return Material(truth, background, **parts)


def tracks(n, seed, box=(-180.0, 180.0, -80.0, 80.0), days=(-5.0, 5.0), error=np.nan):
    """Sea level at places and times at random, of the small ocean."""
    rng = np.random.default_rng(seed)
    latitude, longitude = rng.uniform(box[2], box[3], n), rng.uniform(box[0], box[1], n)
    value = sea("zos", latitude, longitude)
    return made(latitude, longitude, value, "zos", "ssh", error, days=rng.uniform(*days, n))


def joined(*parts):
    return Points.concatenate(list(parts))
