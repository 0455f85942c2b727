"""Maps of sea level as they may have been some weeks before, made from one map of today.

Maps of real sea level some weeks apart differ in four ways, and each has its arithmetic here. Eddies drift, westward at
the speed of long Rossby waves (Chelton, Schlax and Samelson 2011, doi:10.1016/j.pocean.2011.01.002) and at random; they
grow, die and are born, and so are mixed with eddies of elsewhere; fronts meander; and the sea level of whole basins
changes with season and wind. The constants are such that RMSE by age and latitude, its share in basins and eddies, and
the spectrum are those of real global maps 1 to 13 weeks apart (tests/benchmarks/real_lags.py). In marginal seas, whose
eddies stay where they are, surrogates grow old too fast.

All maps are (720, 1440): cell centres of 0.25 degrees from south to north and around the globe from any meridian.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter, map_coordinates, median_filter

Map = NDArray[np.float32]

VERSION = 2
"""Of the arithmetic: maps made by another one are other maps."""

ROWS, COLUMNS, STEP = 720, 1440, 0.25
LATITUDE = np.arange(-90.0 + STEP / 2, 90.0, STEP)
DEGREE = 111.195
"""Length of a degree of latitude [km]."""

WINDOW = 7.0
"""Side [degrees] of the running median: eddies that fill less than half of it are taken out, fronts stay."""
FRONT = 0.5
"""Standard deviation [degrees] of the Gaussian that smooths the median."""
NEIGHBOURHOOD = 3.0
"""The same of that within which the variance of eddies is taken."""
LEAST = 1e-3
"""Least standard deviation of eddies [m]."""

LIFETIME = 8.0
"""Weeks after which an eddy has changed to 1/e, seen from itself."""
WANDER, FARTHEST = 14.0, 84.0
"""Random displacement of eddies: speed [km/week], and how far it brings them [km]."""
MEANDER, MEANDERING = 30.0, 4.0
"""Random displacement of fronts in the end [km], and the weeks it needs."""
MEMORY = 9.0
"""Weeks in which the sea level of basins forgets."""
CURRENTS = 3.0, 4.0
"""Scales [degrees of latitude, of longitude] of random displacements."""


@dataclass(frozen=True)
class Parts:
    """A map taken apart, to be put together again otherwise.

    Attributes
    ----------
    steady : array (720, 1440)
        Gyres and fronts [m], continued over land: about what a climatology holds.
    eddies : array (720, 1440)
        The rest [m]; 0 on land.
    spread : array (720, 1440)
        Standard deviation of the eddies about each cell [m].
    ocean : array (720, 1440) of bool
        Where the map is.
    """

    steady: Map
    eddies: Map
    spread: Map
    ocean: NDArray[np.bool_]


def surrogate(adt: NDArray, weeks: float, rng: np.random.Generator) -> Map:
    """A map of sea level that may be the one of some weeks before.

    Parameters
    ----------
    adt : array (720, 1440)
        Absolute dynamic topography, or its anomaly [m]; NaN on land. Latitude rises from -89.875 in steps of 0.25.
    weeks : float
        Age, 0 or more; tuned for up to 13.
    rng : numpy.random.Generator
        Decides which of the possible maps it is.

    Returns
    -------
    array (720, 1440)
        Of float32 [m], NaN where the map is; the map itself at an age of 0.

    Raises
    ------
    ValueError
        For a map of another shape or without ocean, or an age below 0.

    Examples
    --------
    >>> rows, columns = np.mgrid[:720, :1440]
    >>> adt = 0.1 * np.sin(rows / 9.0) * np.sin(columns * 2.0 * np.pi / 48.0)
    >>> old = surrogate(adt, 7.0, np.random.default_rng(0))
    >>> bool(0.05 < np.std(old - adt) < 0.15)
    True
    """
    return background(split(adt), weeks, rng)


def split(adt: NDArray) -> Parts:
    """Take a map (720, 1440) [m] apart: once, where many surrogates are to be made of it.

    Examples
    --------
    >>> adt = np.zeros((720, 1440))
    >>> adt[400:408, 700:708] = 0.3
    >>> parts = split(adt)
    >>> round(float(parts.eddies.max()), 3), float(parts.steady.max())
    (0.3, 0.0)
    """
    if adt.shape != (ROWS, COLUMNS):
        raise ValueError(f"a map of shape {adt.shape} is not the globe at 0.25 degrees: regrid it to (720, 1440)")
    ocean = np.isfinite(adt)
    if not ocean.any():
        raise ValueError("the map has no ocean, it is NaN throughout: give sea level in metres, NaN on land alone")
    filled = _continued(adt.astype("f4"), ocean)
    steady = _smooth(_running_median(filled), FRONT)
    eddies = np.where(ocean, filled - steady, 0.0).astype("f4")
    share = np.maximum(_smooth(ocean.astype("f4"), NEIGHBOURHOOD), 1e-3)
    spread = np.sqrt(_smooth(eddies**2, NEIGHBOURHOOD) / share)
    return Parts(steady, eddies, np.maximum(spread, LEAST), ocean)


def background(parts: Parts, weeks: float, rng: np.random.Generator) -> Map:
    """A surrogate, see :func:`surrogate`, of a map taken apart."""
    if not weeks >= 0:
        raise ValueError(f"weeks={weeks!r}: the age of a surrogate is 0 weeks or more")
    north, east = _noise(rng, *CURRENTS), _noise(rng, *CURRENTS)
    wander = np.float32(FARTHEST * np.tanh(WANDER * weeks / FARTHEST))
    to_north, to_east = wander * north, wander * east - drift() * np.float32(weeks)
    kept = np.float32(_kept(weeks, LIFETIME))
    eddies = kept * _moved(parts.eddies / parts.spread, to_north, to_east, order=3)
    # What came out of a coast is no eddy: strangers take its place.
    known = kept * _moved(parts.ocean.astype("f4"), to_north, to_east, order=1)
    eddies += np.sqrt(np.maximum(1.0 - known**2, 0.0)) * _strangers(parts, rng)
    meander = np.float32(MEANDER * np.sqrt(1.0 - _kept(weeks, MEANDERING) ** 2))
    steady = _moved(parts.steady, meander * north, meander * east, order=3)
    made = steady + parts.spread * eddies + _change_of_basins(weeks, rng)
    return np.where(parts.ocean, made, np.nan).astype("f4")


def _kept(weeks: float, life: float) -> float:
    """Correlation after some weeks: slow at first, since maps are smooth in time."""
    return float(np.exp(-((weeks / life) ** 1.5)))


def drift() -> Map:
    """Eastward drift of eddies (720, 1) [km/week]: that of long Rossby waves, and a share of the circumpolar current.

    Examples
    --------
    >>> at = drift()[:, 0]
    >>> [round(float(at[np.searchsorted(LATITUDE, phi)])) for phi in (-52, 20, 35)]
    [16, -39, -10]
    """
    # Speed of gravity waves of the first mode: 2.9 m/s at the equator, 2.5 at 35 degrees, 1.2 at 60 (Chelton et al.,
    # 1998, doi:10.1175/1520-0485(1998)028<0433:GVOTFB>2.0.CO;2).
    gravity = 1.0 + 1.9 * np.exp(-((LATITUDE / 50.0) ** 4))
    coriolis = 1.4584e-4 * np.sin(np.radians(LATITUDE))
    beta = 2.289e-11 * np.cos(np.radians(LATITUDE))
    # A third of it at the equator, beta times the squared radius of deformation elsewhere.
    rossby = -beta * gravity**2 / (coriolis**2 + 3.0 * beta * gravity)
    circumpolar = 0.03 * np.exp(-(((LATITUDE + 52.0) / 7.0) ** 2))
    return (604.8 * (rossby + circumpolar)).astype("f4")[:, None]


def _continued(field: Map, ocean: NDArray[np.bool_], beyond: int = COLUMNS // 8) -> Map:
    """The field with the nearest value of the ocean on land, counted in cells, across the seam too."""
    around = ((0, 0), (beyond, beyond))
    land, wide = np.pad(~ocean, around, mode="wrap"), np.pad(field, around, mode="wrap")
    nearest = distance_transform_edt(land, return_distances=False, return_indices=True)
    return wide[tuple(nearest[:, :, beyond:-beyond])]


def _running_median(field: Map) -> Map:
    """Median of a window about each cell, in steps of three cells."""
    coarse = field.reshape(ROWS // 3, 3, COLUMNS // 3, 3).mean((1, 3))
    side = 2 * round(WINDOW / STEP / 6) + 1
    around = np.pad(np.pad(coarse, ((0, 0), (side, side)), mode="wrap"), ((1, 1), (0, 0)), mode="edge")
    median = median_filter(around, side, mode="nearest")[:, side - 1 : 1 - side]
    rows, columns = ((np.arange(n, dtype="f4") + 0.5) / 3 + 0.5 for n in (ROWS, COLUMNS))
    return map_coordinates(median, np.meshgrid(rows, columns, indexing="ij"), order=1)


def _smooth(field: Map, degrees: float) -> Map:
    return gaussian_filter(field, degrees / STEP, mode=("nearest", "wrap"))


def _moved(field: Map, north: Map, east: Map, order: int) -> Map:
    """The field after displacements [km] of what is in it."""
    narrowing = np.maximum(np.cos(np.radians(LATITUDE)), 0.1).astype("f4")[:, None]
    cell = np.float32(DEGREE * STEP)
    rows = np.arange(ROWS, dtype="f4")[:, None] - north / cell
    columns = np.arange(COLUMNS, dtype="f4") - east / (cell * narrowing)
    return map_coordinates(field, [np.clip(rows, 0, ROWS - 1), columns], order=order, mode="grid-wrap")


def _strangers(parts: Parts, rng: np.random.Generator, number: int = 3) -> Map:
    """Eddies of unit variance from other longitudes at the same latitude, north or south."""
    eddies = parts.eddies / parts.spread
    inland = np.clip(2.0 * _smooth(parts.ocean.astype("f4"), 0.75) - 1.0, 0.0, 1.0)
    total, square = np.zeros_like(eddies), np.full_like(eddies, 0.05)
    for _ in range(number):
        shift = int(rng.integers(COLUMNS // 8, COLUMNS - COLUMNS // 8))
        flip, sign = rng.choice([-1, 1], 2)
        weight = np.exp(_noise(rng, 6.0, 10.0)) * np.roll(inland[::flip], shift, 1)
        total += weight * np.roll(eddies[::flip], shift, 1) * np.float32(sign)
        square += weight**2
    mixed = _smooth((total / np.sqrt(square)).astype("f4"), STEP)
    # An eddy raises the spread about itself, so that its share in it is less than one: made good by latitude.
    power, cells = (gaussian_filter(np.where(parts.ocean, x, 0.0).sum(1), 4.0 / STEP) + 1e-3 for x in (mixed**2, 1.0))
    return mixed * np.sqrt(cells / power).astype("f4")[:, None]


def _change_of_basins(weeks: float, rng: np.random.Generator) -> Map:
    """Change of sea level [m] with season and with wind."""
    begin, turn = rng.uniform(0.0, 2.0 * np.pi), 2.0 * np.pi * weeks / 52.18
    season = (0.080 * _hill(44.0, 20.0) - 0.025 * _hill(-32.0, 18.0)) * (1.0 + 0.4 * _noise(rng, 15.0, 30.0))
    tropics = _hill(0.0, 18.0)
    basins = (0.026 + 0.022 * _hill(35.0, 18.0)) * _noise(rng, 4.0, 10.0)
    waves = 0.075 * tropics * _noise(rng, 3.0, 25.0) + (0.015 + 0.020 * tropics) * _noise(rng, 2.0, 5.0)
    forgotten = np.float32(np.sqrt(1.0 - _kept(weeks, MEMORY) ** 2))
    return season * np.float32(np.cos(begin + turn) - np.cos(begin)) + forgotten * (basins + waves)


def _hill(middle: float, width: float) -> Map:
    """Share (720, 1) by latitude."""
    return np.exp(-(((LATITUDE - middle) / width) ** 2)).astype("f4")[:, None]


def _noise(rng: np.random.Generator, south_north: float, west_east: float) -> Map:
    """Gaussian field of unit variance with correlation exp(-d² / 2L²) at d degrees."""
    rows, columns = _spread_out(south_north, ROWS, False), _spread_out(west_east, COLUMNS, True)
    white = rng.standard_normal((rows.shape[1], columns.shape[1]), dtype="f4")
    return np.asarray(rows @ white @ columns.T, "f4")


@lru_cache(maxsize=32)
def _spread_out(degrees: float, n: int, periodic: bool) -> Map:
    """Weights (n, n_knots) that make white noise on knots a smooth series of unit variance."""
    length = n * STEP
    knots = int(np.ceil(length / degrees * 1.5))
    centres = np.arange(0 if periodic else -4, knots if periodic else knots + 5) * (length / knots)
    apart = (np.arange(n)[:, None] + 0.5) * STEP - centres
    if periodic:
        apart = np.remainder(apart + length / 2, length) - length / 2
    weights = np.exp(-((apart / degrees) ** 2))
    return (weights / np.linalg.norm(weights, axis=1, keepdims=True)).astype("f4")
