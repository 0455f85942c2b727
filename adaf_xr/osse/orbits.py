"""Where a polar orbiter looks: circular orbits over a turning Earth.

The flattening of the Earth enters only where it matters for sampling: it turns the plane of the orbit (J2), and exact
repeat orbits are built so that, with that turn, their ground track closes. Positions are on the sphere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

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
        Minutes, from one ascending crossing of the equator to the next.
    node : float
        Longitude [degrees] of the ascending node at day 0.
    turn : float
        Days in which the Earth turns once below the plane of the orbit: the sidereal day where the plane stands still,
        one day for a sun-synchronous orbit.
    cycle : float
        Days after which the track repeats; 0 where it does not.
    """

    inclination: float
    period: float
    node: float
    turn: float = SIDEREAL_DAY
    cycle: float = 0.0

    @classmethod
    def repeating(cls, inclination: float, days: float, revolutions: int, turns: int, node: float = 0.0) -> Orbit:
        """An orbit whose ground track closes after a cycle.

        Parameters
        ----------
        inclination : float
            Degrees.
        days : float
            Length of the cycle.
        revolutions, turns : int
            Of the satellite, and of the Earth below the plane of its orbit (nodal days), in a cycle.
        node : float
            Longitude [degrees] of the ascending node at day 0.

        Examples
        --------
        >>> jason = Orbit.repeating(66.04, 9.9156, 127, 10)
        >>> round(jason.period, 2)
        112.43
        >>> for day in (3.0, 3.0 + 9.9156):
        ...     print(*np.round(jason.track(day), 6))
        24.736218 158.993044
        24.736218 158.993044
        """
        return cls(inclination, days * 1440.0 / revolutions, node, days / turns, days)

    @property
    def speed(self) -> float:
        """Of the point below along its great circle [km s-1], without the Earth's turn."""
        return 2.0 * np.pi * RADIUS / (self.period * 60.0)

    def track(self, days: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Latitude and longitude [degrees] of the point below, at days since the start."""
        days = np.asarray(days, dtype="f8")
        along = 2.0 * np.pi * days * 1440.0 / self.period
        tilt = np.radians(self.inclination)
        latitude = np.degrees(np.arcsin(np.sin(tilt) * np.sin(along)))
        in_space = np.degrees(np.arctan2(np.cos(tilt) * np.sin(along), np.cos(along)))
        return latitude, wrap_longitude(in_space + self.node - 360.0 * days / self.turn)

    def swath(self, days: NDArray, across: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Latitude and longitude (n_times, n_across) at distances `across` [km] from the track.

        Negative on the left and positive on the right, as the products of swaths count.
        """
        here, _, left = self.frame(days)
        angle = (across / RADIUS)[None, :, None]
        x, y, z = np.moveaxis(np.cos(angle) * here[:, None] - np.sin(angle) * left[:, None], -1, 0)
        return np.degrees(np.arcsin(np.clip(z, -1.0, 1.0))), np.degrees(np.arctan2(y, x))

    def frame(self, days: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Unit vectors (n_times, 3) to the point below, forward along the track over the turning Earth, and left."""
        step = 1.0 / 86400.0
        here = unit_vectors(*self.track(days))
        left = np.cross(here, unit_vectors(*self.track(days + step)) - here)
        left /= np.linalg.norm(left, axis=-1, keepdims=True)
        return here, np.cross(left, here), left

    def passes(self, days: NDArray) -> NDArray[np.int64]:
        """Number of half revolutions since the start, counted from pole to pole; even ones ascend."""
        return np.floor(2.0 * (days * 1440.0 / self.period + 0.25)).astype("i8")
