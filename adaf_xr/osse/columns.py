"""What lies below the surface of a nature run: profiles of temperature, salinity and current on demand.

A nature run keeps its surface and one number a column, the ``heave`` of its main thermocline. The rest is analytic:

- a mean profile from the surface mean to deep water, a seasonal thermocline upon a main one;
- the main thermocline moved up and down by the first baroclinic mode: the water at depth z is that of z - heave G(z);
- plus what the surface has beyond it, the season's and the weather's, held by the mixed layer and gone below it;
- currents by thermal wind: geostrophic of the surface height at the surface, of zos - (g'/g) heave Phi(z) at depth.

Temperature and salinity have one shape, so that heave only carries the water of a stable column up and down. A column
is stable where its mean is (:func:`saltiest` says how salt the surface may be) and where its surface anomaly is no
denser than the seasonal thermocline is light (:data:`SEASONAL` of the contrast with deep water).

References
----------
Gill (1982), Atmosphere-Ocean Dynamics, chapter 6; Wunsch (1997, JPO 27, 1770) for the dominance of the first mode.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

THERMOCLINE = 700.0
"""Depth [m] at which the main thermocline is half way to deep water, where a run states none."""

BOTTOM = 4000.0
"""Depth [m] at which heave vanishes."""

MIXED_LAYER = 100.0
"""Depth [m] over which a surface anomaly decays."""

SEASONAL = 0.3
"""Share of the contrast between surface and deep water that lies in the seasonal thermocline."""

DEEP_TEMPERATURE = 2.0
"""Potential temperature [degC] of deep water."""

DEEP_SALINITY = 34.75
"""Practical salinity of the deep water of the open ocean."""

_BASIN_SURFACE, _BASIN_DEEP = (37.3, 38.3, 45.0), (DEEP_SALINITY, 37.9, 44.6)
"""Where evaporation makes the surface salter than the open ocean ever is, the basin's deep water is its own."""

_STABLE = (-2.0, 2.0, 5.0, 35.0), (34.05, 34.75, 35.05, 38.65)
"""Mean surface temperature and the surface salinity it holds up: per degree, warm water holds more than cold."""


def temperature(
    depth: ArrayLike, surface: ArrayLike, mean: ArrayLike, heave: ArrayLike, thermocline: float = THERMOCLINE
) -> NDArray:
    """Potential temperature [degC] of water columns.

    Parameters
    ----------
    depth : array
        Depth [m], positive down; broadcasts against the others.
    surface, mean : array
        Surface temperature and its mean state [degC] at the place.
    heave : array
        How much deeper than in the mean state the main thermocline lies [m].
    thermocline : float
        Depth [m] of the main thermocline.

    Returns
    -------
    array
        Exactly `surface` at depth 0.

    Examples
    --------
    >>> temperature([0.0, 700.0, 4000.0], surface=21.0, mean=20.0, heave=[[0.0], [150.0]]).round(1).tolist()
    [[21.0, 8.3, 2.4], [21.0, 9.8, 2.4]]
    """
    return _column(depth, surface, mean, heave, DEEP_TEMPERATURE, thermocline)


def salinity(
    depth: ArrayLike, surface: ArrayLike, mean: ArrayLike, heave: ArrayLike, thermocline: float = THERMOCLINE
) -> NDArray:
    """Practical salinity of water columns; parameters as those of :func:`temperature`.

    Examples
    --------
    >>> salinity([0.0, 700.0, 4000.0], surface=36.0, mean=36.0, heave=0.0).round(2).tolist()
    [36.0, 35.19, 34.78]
    """
    return _column(depth, surface, mean, heave, np.interp(mean, _BASIN_SURFACE, _BASIN_DEEP), thermocline)


def saltiest(mean_temperature: ArrayLike) -> NDArray:
    """Mean surface salinity above which a column of that mean surface temperature [degC] would overturn.

    Basins of evaporation are not held to it: their contrast in salinity is small whatever their surface is.

    Examples
    --------
    >>> saltiest([-1.8, 5.0, 20.0]).round(2).tolist()
    [34.08, 35.05, 36.85]
    """
    return np.interp(mean_temperature, *_STABLE)


def displacement(depth: ArrayLike, thermocline: float = THERMOCLINE) -> NDArray:
    """Share G of the heave at a depth [m]: 0 at the surface, 1 at the thermocline, 0 at the bottom.

    Concave down to the bottom, so that no heave turns the order of the water above the main thermocline round.

    Examples
    --------
    >>> displacement([0.0, 700.0, 4000.0, 6000.0]).tolist()
    [0.0, 1.0, 0.0, 0.0]
    """
    z = np.asarray(depth, dtype="f8")
    inside = (z > 0.0) & (z < BOTTOM)
    above, below = np.where(inside, z, 1.0) / thermocline, np.where(inside, BOTTOM - z, 1.0) / (BOTTOM - thermocline)
    return np.where(inside, np.sqrt(2.0) / np.hypot(1.0 / above, 1.0 / below), 0.0)


def shielding(depth: ArrayLike, thermocline: float = THERMOCLINE) -> NDArray:
    """Share Phi of the thermocline's pressure that a depth [m] feels: 0 at the surface, to 1 in the deep.

    Phi is the integral of the stratification of the main thermocline times :func:`displacement` (for a bottom far
    below), so that the currents it makes are in thermal wind balance with the heaved water.

    Examples
    --------
    >>> shielding([0.0, 700.0, 1e6]).round(3).tolist()
    [0.0, 0.354, 1.0]
    """
    squared = np.square(np.asarray(depth, dtype="f8") / thermocline)
    return (squared / (1.0 + squared)) ** 1.5


def mixed(depth: ArrayLike) -> NDArray:
    """Share M of a surface anomaly that a depth [m] has: 1 at the surface, to 0 below the mixed layer.

    Examples
    --------
    >>> mixed([0.0, 100.0, 1000.0]).round(3).tolist()
    [1.0, 0.368, 0.0]
    """
    return np.exp(-np.square(np.asarray(depth, dtype="f8") / MIXED_LAYER))


def _column(
    depth: ArrayLike, surface: ArrayLike, mean: ArrayLike, heave: ArrayLike, deep: ArrayLike, thermocline: float
) -> NDArray:
    """Heaved main thermocline plus what the mixed layer holds beyond it."""
    z, contrast = np.asarray(depth), (1.0 - SEASONAL) * (np.asarray(mean) - deep)
    # Heave beyond the depth itself brings surface water, not air.
    origin = np.maximum(z - np.asarray(heave) * displacement(z, thermocline), 0.0)
    main = deep + contrast / (1.0 + np.square(origin / thermocline))
    return np.where(z <= 0.0, surface, main + (np.asarray(surface) - deep - contrast) * mixed(z))
