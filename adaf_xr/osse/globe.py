"""Fields of the whole globe: smoothed, continued over land and interpolated, with neither seam nor pole.

Arrays (n_lat, n_lon) on cell-centred axes of square cells [degrees], from the south pole and from 180 degrees west.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import RectBivariateSpline
from scipy.ndimage import gaussian_filter1d

_PAD = 8
"""Cells by which a field goes on around the globe and over the poles below its spline."""


def over_the_poles(field: NDArray, rows: int) -> NDArray:
    """A global field with `rows` more at each end: over the pole lies the other side of the globe.

    Examples
    --------
    >>> over_the_poles(np.array([[1, 2, 3, 4], [5, 6, 7, 8]]), 1).tolist()
    [[3, 4, 1, 2], [1, 2, 3, 4], [5, 6, 7, 8], [7, 8, 5, 6]]
    """
    beyond = np.roll(field, field.shape[1] // 2, axis=1)
    return np.concatenate([beyond[:rows][::-1], field, beyond[-rows:][::-1]])


def gaussian(field: NDArray, sigma: float) -> NDArray:
    """Gaussian mean of a global field without holes; parameters as those of :func:`smooth`.

    Examples
    --------
    >>> bool(np.allclose(gaussian(np.full((18, 36), 5.0), 20.0), 5.0))
    True
    """
    n_lat, n_lon = field.shape
    cell = 360.0 / n_lon
    latitude = (np.arange(n_lat) + 0.5) * cell - 90.0
    wave = np.radians(sigma) * np.arange(n_lon // 2 + 1) / np.cos(np.radians(latitude))[:, None]
    along = np.fft.irfft(np.fft.rfft(field, axis=1) * np.exp(-0.5 * wave**2), n=n_lon, axis=1)
    pad = min(n_lat, int(4.0 * sigma / cell) + 1)
    return gaussian_filter1d(over_the_poles(along, pad), sigma / cell, axis=0, mode="nearest")[pad:-pad]


def smooth(field: NDArray, sigma: float) -> NDArray:
    """Gaussian mean on the sphere of what is there, NaN far from it.

    Parameters
    ----------
    field : array (n_lat, n_lon)
        NaN where missing.
    sigma : float
        Standard deviation [degrees of a great circle]: at least a cell, below which no grid holds a Gaussian.

    Examples
    --------
    >>> ones = np.full((18, 36), 5.0)
    >>> bool(np.allclose(smooth(ones, 20.0), 5.0))
    True
    """
    present = np.isfinite(field)
    total, weight = (gaussian(part, sigma) for part in (np.where(present, field, 0.0), present.astype("f8")))
    return np.where(weight > 0.02, total / np.maximum(weight, 0.02), np.nan)


def filled(field: NDArray) -> NDArray:
    """The field with what is missing taken from ever wider means, and those made one without a seam.

    Examples
    --------
    >>> half = np.where(np.arange(36) < 18, 3.0, np.nan) + np.zeros((18, 1))
    >>> bool(np.allclose(filled(half), 3.0))
    True
    """
    whole = field
    for sigma in (2.0, 5.0, 12.0, 30.0, 80.0):
        if np.isfinite(whole).all():
            break
        whole = np.where(np.isfinite(whole), whole, smooth(whole, sigma))
    return np.where(np.isfinite(field), field, gaussian(whole, 2.0))


def interpolated(field: NDArray, latitude: ArrayLike, longitude: ArrayLike) -> NDArray[np.float64]:
    """Cubic spline of a global field on the outer product of two axes.

    Parameters
    ----------
    field : array (n_lat, n_lon)
        Global, cell-centred from the south pole and 180 degrees west, of square cells.
    latitude, longitude : array (m_lat,), (m_lon,)
        Ascending; longitude in any convention [degrees].

    Examples
    --------
    >>> zonal = np.cos(np.radians(np.arange(-89.5, 90)))[:, None] + np.zeros((180, 360))
    >>> interpolated(zonal, [0.0, 60.0], [180.0]).round(4).tolist()
    [[1.0], [0.5]]
    """
    wide = np.pad(over_the_poles(field, _PAD), [(0, 0), (_PAD, _PAD)], mode="wrap")
    cell = 360.0 / field.shape[1]
    rows, columns = ((np.arange(-_PAD, n + _PAD) + 0.5) * cell for n in field.shape)
    turned = np.mod(np.asarray(longitude) + 180.0, 360.0)
    order = np.argsort(turned)
    spline = RectBivariateSpline(rows, columns, wide)(np.asarray(latitude) + 90.0, turned[order])
    return spline[:, np.argsort(order)]
