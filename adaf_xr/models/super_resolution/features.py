"""What the network sees of a field: differences from a local mean, in units of a local amplitude."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adaf_xr.models.extrapolation import Extrapolation

SCALE = 3.0
"""Standard deviation [coarse cells] of the Gaussian that makes local means."""

QUIET = 1e-3
"""Least local amplitude, as a share of the largest: what is calmer counts as noise."""

LARGEST = 6.0
"""Bound of the pattern: inland there is no amplitude to compare the continuation of the sea with."""

ROUNDING = 1e-12
"""Deviations below this share of the largest value are rounding errors: the field is constant."""


@dataclass(frozen=True)
class Features:
    """A coarse field as the network sees it.

    Attributes
    ----------
    pattern : float32, (n_lat, n_lon)
        Difference from the local mean, over the local amplitude, within `LARGEST`.
    amplitude : float32, (n_lat, n_lon)
        In units of `unit`.
    unit : float
        Standard deviation of the field, in its own unit.
    """

    pattern: NDArray[np.float32]
    amplitude: NDArray[np.float32]
    unit: float

    @classmethod
    def of(cls, coarse: NDArray[np.float64], periodic: bool) -> Features | None:
        """Those of a field, NaN on land; None for one that is constant or has no value.

        Parameters
        ----------
        coarse : float64 array (n_lat, n_lon)
        periodic : bool
            Whether the last column touches the first.

        Examples
        --------
        >>> field = np.random.default_rng(0).standard_normal((8, 8))
        >>> here, there = Features.of(field, False), Features.of(1000.0 - 32.0 * field, False)
        >>> bool(np.abs(here.pattern + there.pattern).max() < 1e-5), round(there.unit / here.unit, 9)
        (True, 32.0)
        """
        present = np.isfinite(coarse)
        if not present.any():
            return None
        values = coarse[present]
        centre = values.mean()
        unit = float(np.sqrt(np.mean((values - centre) ** 2)))
        if unit <= ROUNDING * np.abs(values).max():
            return None
        filled = (Extrapolation(present, periodic)(coarse) - centre) / unit
        high = filled - _smoothed(filled, periodic)
        weight = _smoothed(present.astype("f8"), periodic)
        variance = _smoothed(present * high**2, periodic) / (weight + 1e-3)
        amplitude = np.sqrt(variance) + QUIET * np.sqrt(variance.max()) + np.finfo("f4").tiny
        pattern = np.clip(high / amplitude, -LARGEST, LARGEST)
        return cls(pattern.astype("f4"), amplitude.astype("f4"), unit)


def _smoothed(field: NDArray[np.float64], periodic: bool) -> NDArray[np.float64]:
    """Gaussian means; beyond an edge the outer value goes on."""
    from scipy.ndimage import gaussian_filter

    smoothed: NDArray[np.float64] = gaussian_filter(
        field, SCALE, mode=("nearest", "wrap" if periodic else "nearest"), truncate=3.0
    )
    return smoothed
