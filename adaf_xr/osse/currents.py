"""Currents of a simulated sea surface on the globe, equator and coasts included.

Geostrophy fails at the equator, and a difference across a coast is none: here both have an answer, so that a nature run
has currents wherever it has water. Arrays of shape (..., n_lat, n_lon), NumPy only.

References
----------
Lagerloef, G. S. E., Mitchum, G. T., Lukas, R. B., Niiler, P. P. (1999). Tropical Pacific near-surface currents
estimated from altimeter, wind, and drifter data. JGR 104, 23313: the weight of geostrophy beside the equator.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adaf_xr.grids import is_periodic
from adaf_xr.kinematics import GRAVITY, coriolis, gradient

EQUATORIAL = 2.2
"""Latitude [degrees] inside which geostrophy gives way."""


def geostrophic(height: NDArray, latitude: ArrayLike, longitude: ArrayLike) -> tuple[NDArray, NDArray]:
    """Geostrophic currents that vanish at the equator instead of growing without bound.

    Parameters
    ----------
    height : array (..., n_lat, n_lon)
        Sea surface height [m], NaN on land: differences across a coast take the height beside it as the land's.
    latitude, longitude : array (n_lat,), (n_lon,)
        Regular axes [degrees], ascending; longitude may close around the globe.

    Returns
    -------
    u, v : array (..., n_lat, n_lon)
        [m s-1], NaN on land. More than 10 degrees off the equator geostrophic to rounding.

    Examples
    --------
    >>> latitude, longitude = np.arange(-60.5, 61), np.arange(0.5, 10)
    >>> u, v = geostrophic(-0.01 * latitude[:, None] + np.zeros((1, 10)), latitude, longitude)
    >>> u[[0, 60, 61, 90], 0].round(3).tolist()
    [-0.007, -0.035, 0.035, 0.012]
    """
    lat, lon = np.asarray(latitude, dtype="f8"), np.asarray(longitude, dtype="f8")
    wet = np.isfinite(height)
    filled = height if wet.all() else shore(height, periodic=is_periodic(lon))
    east, north = gradient(filled, lat, lat[1] - lat[0], lon[1] - lon[0], periodic=is_periodic(lon))
    factor = np.where(wet, GRAVITY * over_coriolis(lat)[:, None], np.nan)
    return (-factor * north).astype(height.dtype), (factor * east).astype(height.dtype)


def over_coriolis(latitude: ArrayLike) -> NDArray[np.float64]:
    """1 / f [s], brought smoothly to zero at the equator by the weight of Lagerloef et al. (1999).

    Examples
    --------
    >>> over_coriolis([-30.0, 0.0, 30.0]).round(1).tolist()
    [-13713.5, 0.0, 13713.5]
    """
    lat = np.asarray(latitude, dtype="f8")
    f = coriolis(lat)
    return np.divide(-np.expm1(-np.square(lat / EQUATORIAL)), f, out=np.zeros_like(f), where=f != 0.0)


def shore(field: NDArray, periodic: bool) -> NDArray:
    """The field with the land cells beside water filled by the mean of the water around them.

    Examples
    --------
    >>> shore(np.array([[np.nan, 1.0], [np.nan, 3.0]]), periodic=False).tolist()
    [[2.0, 1.0], [2.0, 3.0]]
    """
    wet = np.isfinite(field)
    total = _around(np.where(wet, field, 0.0), periodic)
    count = _around(wet.astype(field.dtype), periodic)
    near = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0.5)
    return np.where(wet, field, near)


def _around(field: NDArray, periodic: bool) -> NDArray:
    """Sum over each cell and its eight neighbours."""
    edges = [(0, 0)] * (field.ndim - 1) + [(1, 1)]
    wide = np.pad(field, edges, mode="wrap" if periodic else "constant")
    three = wide[..., :-2] + wide[..., 1:-1] + wide[..., 2:]
    tall = np.pad(three, [(0, 0)] * (field.ndim - 2) + [(1, 1), (0, 0)])
    return tall[..., :-2, :] + tall[..., 1:-1, :] + tall[..., 2:, :]
