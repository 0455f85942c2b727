"""The mean on which the global nature run is draped: surface temperature, salinity, height, and how wild eddies are.

``observed`` is the real ocean's large scales, smoothed, shipped with the package at one degree so that an experiment is
the same everywhere; :mod:`adaf_xr.osse.mean_state_recipe` made it and names the producers. ``analytic`` is an ocean of
zonal bands and gyres that needs no file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adaf_xr.osse import columns
from adaf_xr.osse.globe import interpolated

FILE = Path(__file__).parents[1] / "data" / "mean_state.npz"
"""Differences from column to column of whole numbers of :data:`STEPS`."""

STEPS = {"thetao": 0.01, "so": 0.005, "zos": 0.001, "eddies": 0.0005}
"""Resolution of the shipped values [degC, 1e-3, m, m]."""

KINDS = ("observed", "analytic")


@dataclass(frozen=True)
class MeanState:
    """Fields (n_lat, n_lon) that say what the ocean is like on average; defined on land too.

    Attributes
    ----------
    thetao, so : array
        Surface potential temperature [degC] and practical salinity.
    zos : array
        Mean dynamic topography [m].
    eddies : array
        Standard deviation of the height of eddies [m].
    """

    thetao: NDArray
    so: NDArray
    zos: NDArray
    eddies: NDArray


def mean_state(kind: str, latitude: ArrayLike, longitude: ArrayLike) -> MeanState:
    """A mean state on a grid.

    Parameters
    ----------
    kind : {"observed", "analytic"}
        Which ocean.
    latitude, longitude : array (n_lat,), (n_lon,)
        Axes [degrees], ascending; longitude in any convention.

    Returns
    -------
    MeanState
        float64 fields with continuous slopes, across the date line and the poles too.

    Raises
    ------
    ValueError
        For another kind.

    Examples
    --------
    >>> mean_state("observed", [0.0, 35.0], [-140.0]).thetao.round().ravel().tolist()
    [28.0, 19.0]
    """
    if kind not in KINDS:
        raise ValueError(f"there is no mean state {kind!r}: use one of {', '.join(KINDS)}")
    lat, lon = np.asarray(latitude, dtype="f8"), np.asarray(longitude, dtype="f8")
    return _observed(lat, lon) if kind == "observed" else analytic(lat, lon)


def analytic(latitude: NDArray, longitude: NDArray) -> MeanState:
    """An ocean of zonal bands with a subtropical and a subpolar gyre in each of three basins.

    Gyres are intensified in the west as Stommel's (1948, EOS 29, 202) are, and eddies are wild where they part.

    Examples
    --------
    >>> ocean = analytic(np.array([-90.0, 0.0, 90.0]), np.array([0.0]))
    >>> ocean.thetao.round(1).ravel().tolist()
    [-1.8, 28.0, -1.8]
    """
    phi, lam = np.radians(latitude)[:, None], np.radians(longitude)[None, :]
    warm = np.cos(phi) ** 2
    thetao = -1.8 + 29.8 * warm**1.5
    saltier = 33.8 + 1.7 * warm**0.5 * (1.0 - 0.35 * np.exp(-(((latitude[:, None] - 5.0) / 9.0) ** 2)))
    so = np.minimum(saltier, columns.saltiest(thetao)) + 0.0 * lam
    # Three basins around the globe, each 0 at its western and 1 at its eastern coast, where all gyres have ended.
    across = np.mod(3.0 * lam / (2.0 * np.pi), 1.0)
    basin = np.sin(np.pi * across) ** 2 * np.exp(-4.0 * across)
    zos = 0.6 * (np.cos(2.0 * phi) - 0.3) + 3.0 * basin * np.sin(3.0 * phi) ** 2 * np.cos(phi)
    separation = np.exp(-(((np.abs(latitude[:, None]) - 38.0) / 7.0) ** 2))
    eddies = 0.02 + 0.04 * warm + 0.8 * separation * basin
    return MeanState(thetao + 0.0 * lam, so, zos, np.clip(eddies, 0.01, 0.3))


def _observed(latitude: NDArray, longitude: NDArray) -> MeanState:
    """The shipped fields, by cubic splines: a bilinear height would have currents that jump."""
    with np.load(FILE) as stored:
        shipped = {name: np.cumsum(stored[name], axis=1, dtype="i4") * step for name, step in STEPS.items()}
    on_grid = {name: interpolated(field, latitude, longitude) for name, field in shipped.items()}
    on_grid["eddies"] = np.clip(on_grid["eddies"], 0.01, None)
    return MeanState(**on_grid)
