"""Derivatives as the published scores of currents take them: smoothed in space and time, and by a lopsided stencil.

They are kept for comparison with published tables only. :mod:`adaf_xr.kinematics` has the derivatives to use.

References
----------
Fablet, R., and others (2024). Inversion of sea surface currents from satellite-derived SST-SSH synergies with
4DVarNets. Journal of Advances in Modeling Earth Systems 16, e2023MS003609.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from adaf_xr.kinematics import GRAVITY, coriolis
from adaf_xr.sphere import great_circle

STENCIL = (-0.7, 0.4, 0.3)
"""Weights of the value behind, at and ahead of a point: unity on a slope of unity, but of first order only."""

SIGMA = 1.0
"""Width of the Gaussian [pixels and days]."""

CROP = 3
"""Pixels left out along each side of the maps."""


class Steps(NamedTuple):
    """Metres from one pixel to the next: northward, and eastward by latitude, shape (n_lat, 1)."""

    north: float
    east: NDArray[np.float64]


def steps(latitude: NDArray, dlat: float, dlon: float) -> Steps:
    """Distances between the pixels of a grid with these steps [degrees].

    Examples
    --------
    >>> north, east = steps(np.array([0.0, 1.0]), 1.0, 1.0)
    >>> round(north), east.round().tolist()
    (111195, [[111195.0], [111178.0]])
    """
    east = great_circle(latitude, 0.0, latitude, dlon)
    return Steps(float(1000.0 * great_circle(0.0, 0.0, dlat, 0.0)), 1000.0 * east[:, None])


def smooth(maps: NDArray, sigma: float) -> NDArray[np.float64]:
    """Gaussian filter along all three axes, time too; beyond an edge the maps are mirrored.

    Examples
    --------
    >>> smooth(np.full((2, 3, 3), 5.0), 1.0).round(12).min()
    np.float64(5.0)
    """
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(np.asarray(maps, "f8"), sigma, mode="reflect") if sigma > 0.0 else np.asarray(maps, "f8")


def gradient(maps: NDArray, grid: Steps) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Eastward and northward derivative of maps (..., n_lat, n_lon), by the lopsided stencil.

    Examples
    --------
    >>> ramp = np.arange(5.0) * np.ones((5, 1))
    >>> gradient(ramp, Steps(1.0, np.ones((5, 1))))[0][:, 1:-1].round(12).min()
    np.float64(1.0)
    """
    from scipy.ndimage import correlate1d

    east, north = (correlate1d(maps, STENCIL, axis=axis, mode="reflect") for axis in (-1, -2))
    return east / grid.east, north / grid.north


def geostrophic(ssh: NDArray, latitude: NDArray, grid: Steps) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Geostrophic currents of maps of sea surface height, by the lopsided stencil."""
    east, north = gradient(ssh, grid)
    factor = GRAVITY / coriolis(latitude)[:, None]
    return -factor * north, factor * east


def derived(u: NDArray, v: NDArray, grid: Steps) -> tuple[NDArray[np.float64], ...]:
    """Vorticity (positive anticlockwise), divergence and strain as on a plane: the metric terms are left out."""
    (u_east, u_north), (v_east, v_north) = gradient(u, grid), gradient(v, grid)
    return v_east - u_north, u_east + v_north, np.hypot(v_east + u_north, u_east - v_north)
