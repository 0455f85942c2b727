"""A network of the published family on a globe of 10 degree cells, and a day of observations for it."""

import numpy as np

from adaf_xr.cf.canonical import CODES, SOURCES
from adaf_xr.models.base import Background, Targets
from adaf_xr.models.cnp import Configuration
from adaf_xr.models.cnp.configuration import Source
from adaf_xr.points.arrays import Points

T, S, UV, SSH = (-3.0, 36.0), (0.0, 40.0), (-3.0, 3.0), (-2.5, 2.5)

SMALL = Configuration(
    sources=(
        Source("bg", "background", ("thetao", "so", "uo", "vo", "zos"), 10.0, (4, 8), (T, S, UV, UV, SSH)),
        Source("in_situ_obs", "insitu", ("thetao", "so"), 0.0, (6, 1), (T, S)),
        Source("sate_sss", "sss", ("so",), 5.0, (8, 16), (S,)),
        Source("sate_sst", "sst", ("thetao:day", "thetao:night"), 5.0, (10, 18), (T, T)),
        Source("sate_ssw", "wind", ("wind_direction", "wind_speed"), 2.5, (16, 32), ((0.0, 360.0), (0.0, 40.0))),
        Source("sate_sla", "ssh", ("sla",), 10.0, (4, 8), ((-1.5, 1.5),)),
        Source("sate_sic", "ice", ("siconc",), 10.0, (4, 8), ((0.0, 1.0),)),
    ),
    window=(40, 80),
    box=(20.0, 40.0, 10.0),
    encoder_width=5,
    encoder_depth=3,
    encoder_skips=(1,),
    latent=32,
    decoder_width=7,
    decoder_depth=3,
    decoder_skips=(2,),
)
"""Windows of 4 x 8 cells; with its cells on whole multiples of 10 degrees."""

WHEN = np.datetime64("2020-01-02T00", "ns")
"""The analysis time."""

MORNING = WHEN - np.timedelta64(6, "h")

WHAT = {
    "insitu": {"thetao": (15.0, 5.0), "so": (35.0, 1.0)},
    "sst": {"thetao": (16.0, 6.0)},
    "sss": {"so": (34.0, 1.0)},
    "ssh": {"sla": (0.0, 0.2)},
    "wind": {"uas": (0.0, 8.0), "vas": (0.0, 8.0)},
    "ice": {"siconc": (0.5, 0.2)},
}
"""Mean and spread of what each kind of observations measures."""


def made(latitude, longitude, value, variable, source, depth=0.0, time=MORNING):
    """Points of one variable and source; numbers are repeated."""
    value = np.atleast_1d(np.asarray(value, "f8"))

    def full(what, dtype):
        return np.broadcast_to(np.asarray(what, dtype), value.shape).copy()

    codes = full(CODES[variable], "i1"), full(SOURCES.index(source), "i1")
    where = full(longitude, "f8"), full(latitude, "f8"), full(depth, "f4"), full(time, "M8[ns]")
    return Points(*where, value, full(np.nan, "f4"), *codes)


def observed(n=120, seed=0, sources=tuple(WHAT)):
    """A day before `WHEN`: `n` places for every source, each with all it measures."""
    parts = []
    for source in sources:
        # Apart from one another, so that leaving a source out does not change the others.
        rng = np.random.default_rng([seed, SOURCES.index(source)])
        latitude = np.degrees(np.arcsin(rng.uniform(-1.0, 1.0, n)))
        longitude = rng.uniform(-180.0, 180.0, n)
        depth = rng.uniform(0.0, 25.0, n) if source == "insitu" else 0.0
        time = WHEN - (rng.uniform(0.0, 1.0, n) * 86_399e9 + 1.0).astype("m8[ns]")
        for name, (mean, spread) in WHAT[source].items():
            value = mean + spread * rng.uniform(-1.0, 1.0, n)
            parts.append(made(latitude, longitude, value, name, source, depth, time))
    return Points.concatenate(parts)


def background(spacing=10.0, phase="cell", seed=1, depth=None, west=0.0):
    """Random fields on a globe; `depth` gives temperature, salinity and currents levels."""
    rng = np.random.default_rng(seed)
    offset = 0.0 if phase == "node" else spacing / 2
    latitude = np.arange(-90.0 + offset, 90.0, spacing)
    longitude = west + np.arange(offset, 360.0, spacing)
    shape = latitude.size, longitude.size
    levels = () if depth is None else (len(depth),)
    fields = {
        name: mean + spread * rng.standard_normal((*(levels if name != "zos" else ()), *shape))
        for name, mean, spread in (
            ("thetao", 15, 5), ("so", 35, 1), ("uo", 0, 0.3), ("vo", 0, 0.3), ("zos", 0, 0.5),
        )
    }  # fmt: skip
    return Background(latitude, longitude, np.asarray(() if depth is None else depth, "f8"), fields)


def cells_of(first, sea=None):
    """The cells of a background as targets."""
    return Targets(first.latitude, first.longitude, sea=sea)
