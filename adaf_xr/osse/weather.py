"""Weather over a simulated globe: winds, and the patches that the air leaves in the surface of the sea.

Every field is a function of a seed and a time alone, so that any day can be made without the days before it: random
fields on the sphere, drawn at regular instants, blended in between by weights whose squares sum to one, and carried
eastward. On the mean wind of trades and westerlies lies a rotational one, strongest in the storm tracks.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adaf_xr.kinematics import RADIUS, gradient
from adaf_xr.osse.globe import gaussian, interpolated

SYSTEMS = 450.0
"""Scale of weather systems [km]: standard deviation of the Gaussian that smooths their noise."""

LIFE = 3.0
"""Days after which a weather system is another."""

DRIFT = 8.0
"""Degrees of longitude that the pattern of weather travels eastward in a day."""

_SHAPE = 180, 360
_EPOCH = np.datetime64("1950-01-01", "ns")


def wind(seed: int, time: np.datetime64, latitude: ArrayLike, longitude: ArrayLike) -> tuple[NDArray, NDArray]:
    """Wind at 10 m over a grid.

    Parameters
    ----------
    seed : int
        Decides the weather.
    time : datetime64
        When.
    latitude, longitude : array (n_lat,), (n_lon,)
        Ascending axes [degrees]; longitude in any convention.

    Returns
    -------
    uas, vas : float32 array (n_lat, n_lon)
        [m s-1].

    Examples
    --------
    >>> u, v = wind(0, np.datetime64("2012-10-01"), np.arange(-89.5, 90), np.arange(-179.5, 180))
    >>> u.mean(axis=1)[[105, 137]].round().tolist()  # trades at 15, westerlies at 47 degrees north
    [-6.0, 6.0]
    """
    lat = np.arange(_SHAPE[0]) + 0.5 - 0.5 * _SHAPE[0]
    scale = 1e3 * SYSTEMS * np.sqrt(2.0) * _storminess(lat)[:, None]
    potential = scale * patches(seed, time, scale=SYSTEMS, life=LIFE, drift=DRIFT)
    east, north = gradient(potential, lat, 1.0, 1.0, periodic=True)
    u, v = _climate(lat)
    fields = (u[:, None] - north, v[:, None] + east)
    first, second = (interpolated(field, latitude, longitude).astype("f4") for field in fields)
    return first, second


def patches(seed: int, time: np.datetime64, scale: float, life: float, drift: float = 0.0) -> NDArray[np.float64]:
    """Random field of unit variance on the one-degree globe.

    Parameters
    ----------
    seed : int
        Decides the field.
    time : datetime64
        When.
    scale : float
        Standard deviation of the Gaussian that smooths the noise [km]; patches have a radius of twice as much.
    life : float
        Days after which the field is another.
    drift : float
        Degrees of longitude that it travels eastward in a day.

    Returns
    -------
    array (180, 360)
        From the south pole and from 180 degrees west, without seam.
    """
    days = float((time - _EPOCH) / np.timedelta64(1, "D"))
    instant, between = divmod(days / life, 1.0)
    turn = 0.5 * np.pi * between
    here, there = (_drawn(seed, int(instant) + i, scale) for i in (0, 1))
    waves = np.arange(_SHAPE[1] // 2 + 1)
    carried = np.exp(-1j * waves * np.radians(drift * days % 360.0))
    return np.fft.irfft((np.cos(turn) * here + np.sin(turn) * there) * carried, n=_SHAPE[1], axis=1)


@lru_cache(maxsize=16)
def _drawn(seed: int, instant: int, scale: float) -> NDArray[np.complex128]:
    """Fourier transform along longitude of one random field of unit variance."""
    random = np.random.default_rng([seed, abs(instant), instant < 0, round(scale)])
    rows = np.cos(np.radians(np.arange(_SHAPE[0]) - 0.5 * _SHAPE[0] + 0.5))
    # White noise on the sphere is louder where cells are smaller, so that its Gaussian means have one variance.
    area = rows[:, None] * np.radians(1.0) ** 2
    noise = random.standard_normal(_SHAPE) / np.sqrt(area)
    radians = 1e3 * scale / RADIUS
    field = np.sqrt(4.0 * np.pi) * radians * gaussian(noise, float(np.degrees(radians)))
    return np.fft.rfft(field, axis=1)


def _storminess(latitude: NDArray) -> NDArray:
    """Standard deviation [m s-1] of each component of the wind: as in reanalyses, largest in the storm tracks."""
    return 1.5 + 4.5 * np.exp(-(((np.abs(latitude) - 48.0) / 16.0) ** 2))


def _climate(latitude: NDArray) -> tuple[NDArray, NDArray]:
    """Zonal mean wind [m s-1]: trades towards the equator, westerlies, polar easterlies."""
    off = np.abs(latitude)
    trades, westerlies, polar = (np.exp(-(((off - at) / w) ** 2)) for at, w in ((14, 9), (47, 11), (75, 9)))
    return 7.0 * westerlies - 6.5 * trades - 2.0 * polar, -2.5 * np.tanh(latitude / 4.0) * trades
