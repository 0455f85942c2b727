"""Where a polar orbiter looks: circular orbits over a turning Earth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adaf_xr.sphere import RADIUS, unit_vectors, wrap_longitude

SIDEREAL_DAY = 0.99726957


@dataclass(frozen=True)
class Orbit:
    """A circular orbit.

    Attributes
    ----------
    inclination : float
        Degrees; beyond 90 the satellite runs westward.
    period : float
        Minutes.
    node : float
        Longitude [degrees] of the ascending node at day 0.
    """

    inclination: float
    period: float
    node: float

    def track(self, days: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Latitude and longitude [degrees] of the point below, at days since the start."""
        along = 2.0 * np.pi * days * 1440.0 / self.period
        tilt = np.radians(self.inclination)
        latitude = np.degrees(np.arcsin(np.sin(tilt) * np.sin(along)))
        in_space = np.degrees(np.arctan2(np.cos(tilt) * np.sin(along), np.cos(along)))
        return latitude, wrap_longitude(in_space + self.node - 360.0 * days / SIDEREAL_DAY)

    def swath(self, days: NDArray, across: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Latitude and longitude (n_times, n_across) at distances `across` [km] to the left of the track."""
        step = 1.0 / 86400.0
        here = unit_vectors(*self.track(days))
        forward = unit_vectors(*self.track(days + step)) - here
        left = np.cross(here, forward)
        left /= np.linalg.norm(left, axis=-1, keepdims=True)
        angle = (across / RADIUS)[None, :, None]
        x, y, z = np.moveaxis(np.cos(angle) * here[:, None] + np.sin(angle) * left[:, None], -1, 0)
        return np.degrees(np.arcsin(np.clip(z, -1.0, 1.0))), np.degrees(np.arctan2(y, x))
