"""Seawater by TEOS-10 (gsw): depth from pressure, pressure from depth, potential temperature."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

REFERENCE_SALINITY = 35.0
"""Practical salinity where none is known: wrong by < 0.005 K in the open ocean, 0.04 K in the deep Black Sea."""

ABSOLUTE_PER_PRACTICAL = 35.16504 / 35.0
"""Ratio where the atlas of composition anomalies has no ocean nearby."""


def depth_from_pressure(pressure: NDArray, latitude: NDArray) -> NDArray[np.float64]:
    """Depth [m, positive down] of a sea pressure [dbar]."""
    import gsw

    return -gsw.z_from_p(pressure, latitude)


def pressure_from_depth(depth: NDArray, latitude: NDArray) -> NDArray[np.float64]:
    """Sea pressure [dbar] at a depth [m, positive down]."""
    import gsw

    return gsw.p_from_z(-depth, latitude)


def potential_temperature(
    temperature: NDArray, salinity: NDArray, pressure: NDArray, longitude: NDArray, latitude: NDArray
) -> NDArray[np.float64]:
    """Potential temperature, reference 0 dbar.

    Parameters
    ----------
    temperature : array (n,)
        In situ [degC].
    salinity : array (n,)
        Practical; NaN where unknown, then 35.
    pressure : array (n,)
        Sea pressure [dbar].
    longitude, latitude : array (n,)
        Degrees.

    Returns
    -------
    array (n,)
        Degrees Celsius.

    Examples
    --------
    >>> one = np.ones(1)
    >>> potential_temperature(2 * one, 35 * one, 4000 * one, 0 * one, 0 * one).round(3)
    array([1.664])
    """
    import gsw

    practical = np.where(np.isfinite(salinity), salinity, REFERENCE_SALINITY)
    absolute = gsw.SA_from_SP(practical, pressure, longitude, latitude)
    absolute = np.where(np.isfinite(absolute), absolute, practical * ABSOLUTE_PER_PRACTICAL)
    return gsw.pt0_from_t(absolute, temperature, pressure)
