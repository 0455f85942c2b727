"""Swaths: which lines of an instrument that looks to both sides of its track belong to a day and a domain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from adaf_xr.osse.observing.domain import Domain, scan_lines
from adaf_xr.osse.orbits import Orbit

Lines = tuple[NDArray[np.int64], NDArray[np.float64]]


def swath_lines(orbit: Orbit, day: int, interval: float, across: NDArray, domain: Domain) -> Lines:
    """Number and second of the day of every line that has a pixel within the boxes of the domain.

    Parameters
    ----------
    orbit : Orbit
        Of the satellite.
    day : int
        Days since the epoch of orbits.
    interval : float
        Seconds from line to line.
    across : array (n_pixels,)
        Distances of the pixels from the track [km].
    domain : Domain
        What is observed.
    """
    number, seconds = scan_lines(orbit, day, interval, domain, float(np.abs(across).max()))
    if domain.is_global:
        return number, seconds
    seen = domain.inside(*orbit.swath(day + seconds / 86400.0, across)).any(axis=1)
    return number[seen], seconds[seen]
