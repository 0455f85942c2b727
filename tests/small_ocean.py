"""A small network of the family "adaf-ocean", a sea with eddies on any grid, and observations of it."""

from dataclasses import replace
from functools import cache

import numpy as np
import numpy.testing as npt
import torch

from adaf_xr.cf.canonical import CODES, SOURCES
from adaf_xr.models.adaf_ocean.channels import BINS, PREDICTORS, STATE, STATE_CHANNELS
from adaf_xr.models.adaf_ocean.configuration import Configuration
from adaf_xr.models.adaf_ocean.engine import AdafOcean
from adaf_xr.models.adaf_ocean.network import AdafOceanNetwork
from adaf_xr.models.adaf_ocean.planes import blurred
from adaf_xr.models.base import Background, Targets
from adaf_xr.models.first_guess import at_targets
from adaf_xr.points.arrays import Points

SMALL = Configuration((8, 8), (1, 1), 4)

WHEN = np.datetime64("2020-01-06T00", "ns")
"""The analysis time."""

STATIC = 2 * BINS * len(STATE_CHANNELS) + BINS * len(PREDICTORS) + 2 * BINS
"""First of the planes about the background: eddies, large scale, logarithm of the scale, what there is."""

WHAT = {
    "ssh": {"zos": 0.3},
    "sst": {"thetao": 2.0},
    "sss": {"so": 0.6},
    "insitu": {"thetao": 2.0, "so": 0.6, "uo": 0.4, "vo": 0.4},
    "wind": {"uas": 8.0, "vas": 8.0},
    "ice": {"siconc": 0.2},
}
"""What each kind of observations measures, and how strongly it varies."""

MEAN = {"zos": 0.2, "thetao": 15.0, "so": 35.0, "siconc": 0.5}
SPREAD = {name: spread for parts in WHAT.values() for name, spread in parts.items()}


def small(seed=0, configuration=SMALL):
    """Random weights, of which every part of the answer has a share."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = AdafOceanNetwork(configuration)
        for parameter in network.parameters():
            parameter.data += 0.05 * torch.randn_like(parameter)
    return network.eval().requires_grad_(False)


class Nearby(torch.nn.Module):
    """What observations within three cells say of some variables, weighed against the background, and nothing else."""

    configuration = replace(SMALL, fine=0)

    def __init__(self, *names):
        super().__init__()
        self.names, self.nothing = names, torch.nn.Parameter(torch.zeros(()), requires_grad=False)

    def forward(self, coarse, fine, wraps):
        """In units of the scale, in which the variance of the background is 1."""
        output = torch.zeros(1, 2 * len(STATE), *coarse.shape[-2:])
        for name in self.names:
            precision, pull = (torch.zeros_like(coarse[0, 0]) for _ in range(2))
            for place, channel in enumerate(STATE_CHANNELS):
                if channel.variable == name:
                    estimate, known = coarse[0, 2 * BINS * place :][: 2 * BINS].unflatten(0, (2, BINS)).double()
                    weight = torch.expm1(known)
                    precision += weight.sum(0).float()
                    pull += (estimate * (1.0 + weight)).sum(0).float()
            precision, pull = (blurred(plane, 1.0, wraps) for plane in (precision, pull))
            output[0, STATE.index(name)] = pull / (precision + 0.5)
        return output, None


def sea(name, latitude, longitude, seed=0):
    """A smooth field at positions: waves of 9 to 40 degrees, whole numbers of them around the globe."""
    rng = np.random.default_rng([seed, CODES[name]])
    total = 0.0
    for _ in range(6):
        zonal, meridional = rng.integers(9, 28), rng.uniform(9.0, 28.0) * rng.choice([-1.0, 1.0])
        total = total + np.sin(np.radians(zonal * longitude + meridional * latitude) + rng.uniform(0.0, 6.28))
    return MEAN.get(name, 0.0) + SPREAD[name] * total / 3.0


def axes(spacing=1.0, box=(-40.0, -16.0, 24.0, 48.0), phase=0.5):
    """Latitudes and longitudes of the cells of a box (west, east, south, north), or of all of the globe (None)."""
    west, east, south, north = box or (-180.0, 180.0, -90.0, 90.0)
    return (np.arange(n) * spacing + first + phase * spacing for n, first in _sides(west, east, south, north, spacing))


def _sides(west, east, south, north, spacing):
    return (round((north - south) / spacing), south), (round((east - west) / spacing), west)


def background(latitude, longitude, names=STATE, seed=0, land=(), depth=None):
    """The sea on a grid; boxes (west, east, south, north) of `land` are missing."""
    fields = {name: sea(name, latitude[:, None], longitude[None, :], seed) for name in names}
    for west, east, south, north in land:
        inside = (latitude >= south) & (latitude <= north)
        across = np.mod(longitude - west, 360.0) <= east - west
        for values in fields.values():
            values[np.ix_(inside, across)] = np.nan
    return Background(latitude, longitude, np.asarray(() if depth is None else depth, "f8"), fields)


def made(latitude, longitude, value, variable, source, error=np.nan, depth=0.0, days=0.0):
    """Points of one variable and source; numbers are repeated."""
    value = np.atleast_1d(np.asarray(value, "f8"))

    def full(what, dtype):
        return np.broadcast_to(np.asarray(what, dtype), value.shape).copy()

    time = WHEN + (np.broadcast_to(np.asarray(days, "f8"), value.shape) * 86400e9).astype("m8[ns]")
    codes = full(CODES[variable], "i1"), full(SOURCES.index(source), "i1")
    return Points(
        full(longitude, "f8"), full(latitude, "f8"), full(depth, "f4"), time, value, full(error, "f4"), *codes
    )


def observed(n=60, seed=0, box=(-40.0, -16.0, 24.0, 48.0), sources=tuple(WHAT), truth=1):
    """`n` places for every variable of every source, in ten days, of another sea than the background's."""
    west, east, south, north = box or (-180.0, 180.0, -88.0, 88.0)
    parts = []
    for source in sources:
        for name in WHAT[source]:
            rng = np.random.default_rng([seed, SOURCES.index(source), CODES[name]])
            latitude, longitude = rng.uniform(south, north, n), rng.uniform(west, east, n)
            error = rng.choice([np.nan, 0.02, 0.2, 1.0], n) * SPREAD[name]
            days = rng.uniform(-5.0, 5.0, n)
            value = sea(name, latitude, longitude, truth)
            parts.append(made(latitude, longitude, value, name, source, error, rng.uniform(0.0, 11.0, n), days))
    return Points.concatenate(parts)


def quarters(box=(-36.0, -20.0, 28.0, 44.0), spacing=0.25, phase=0.5):
    """Targets on a grid."""
    return Targets(*axes(spacing, box, phase))


BOX = (-40.0, -16.0, 24.0, 48.0)
"""Open sea in the shipped mask, but for a few islands."""

FIRST = background(*axes(1.0, BOX))
POINTS = observed(60)
WHERE = quarters()


@cache
def engine():
    """The small network at work."""
    return AdafOcean(small())


def analysed(points, first=FIRST, where=WHERE, model=None):
    """Encode and analyse."""
    model = model or engine()
    return model.analyse(model.encode(points, first, WHEN), first, where)


def increments(points, first=FIRST, where=WHERE, model=None):
    """Analysis minus background by variable."""
    found = analysed(points, first, where, model).mean
    guess = {name: at_targets(first.fields[name], first, where) for name in found}
    return {name: mean - guess[name].reshape(mean.shape) for name, mean in found.items()}


def same(found, expected, atol=1e-5):
    """Require equality of two analyses, or of two mappings of arrays."""
    if not isinstance(found, dict):
        same(found.std, expected.std, atol)
        found, expected = found.mean, expected.mean
    assert found.keys() == expected.keys()
    for name in found:
        npt.assert_allclose(found[name], expected[name], rtol=0.0, atol=atol, err_msg=name)


def differ(found, expected, least=1e-3):
    """Require that every variable differs somewhere, so that equality of others says something."""
    for name in found.mean:
        assert np.nanmax(np.abs(found.mean[name] - expected.mean[name])) > least, name
