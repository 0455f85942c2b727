"""The part of an ocean that is observed, and which scan lines of a satellite come near it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from dask.base import normalize_token
from numpy.typing import NDArray

from adaf_xr import lattice
from adaf_xr.instants import DAY
from adaf_xr.lattice import Region, cut, width
from adaf_xr.osse.observing.ocean import Ocean
from adaf_xr.osse.orbits import Orbit
from adaf_xr.sphere import RADIUS

EPOCH = np.datetime64("1950-01-01", "ns")
"""Day 0 of all orbits and of all streams of errors."""

ICE = 0.15
"""Concentration from which satellites see ice and no water: the customary edge of the ice."""

COARSE = 20.0
"""Seconds between the points of a track at which it is first looked whether it comes near."""


@dataclass(frozen=True)
class Domain:
    """An ocean, or a region of it.

    Attributes
    ----------
    ocean : Ocean
        What is looked at.
    region : (west, east, south, north), optional
        Degrees. Default: all of the ocean.
    """

    ocean: Ocean
    region: Region | None = None

    def __post_init__(self) -> None:
        if self.region is None:
            return
        if len(self.region) != 4 or not self.region[2] < self.region[3]:
            raise ValueError(f"region={self.region!r} is not (west, east, south, north) with south below north")
        if not _overlap(self.region, self.ocean.extent):
            raise ValueError(f"region={self.region!r} lies outside the ocean, which spans {self.ocean.extent}")

    @property
    def is_global(self) -> bool:
        """Whether it goes round the Earth from pole to pole, or nearly."""
        return all(width(box) == 360.0 and box[3] - box[2] > 160.0 for box in (self.ocean.extent, self.region) if box)

    def inside(self, latitude: NDArray, longitude: NDArray) -> NDArray[np.bool_]:
        """Whether points (...) lie in the boxes of the ocean and the region, be it at sea or on land."""
        return within(self.ocean.extent, latitude, longitude) & within(self.region, latitude, longitude)

    def holds(self, latitude: NDArray, longitude: NDArray) -> NDArray[np.bool_]:
        """Whether points (...) are at sea and within the region."""
        inside = within(self.region, latitude, longitude)
        inside[inside] = self.ocean.wet(latitude[inside], longitude[inside])
        return inside

    def value(self, name: str, latitude: NDArray, longitude: NDArray, day: int, seconds: NDArray) -> NDArray:
        """Truth (...) at the surface, at points (...) and seconds of a day that broadcast; NaN beyond the domain."""
        seconds = np.broadcast_to(seconds, latitude.shape)
        held = self.holds(latitude, longitude)
        value = np.full(latitude.shape, np.nan)
        value[held] = self.ocean.at(name, latitude[held], longitude[held], instants(day, seconds[held]))
        return value

    def iced(self, latitude: NDArray, longitude: NDArray, day: int, seconds: NDArray) -> NDArray[np.bool_]:
        """Whether ice hides the sea at points (...); nowhere in an ocean that knows of none."""
        if "siconc" not in self.ocean.names:
            return np.zeros(latitude.shape, bool)
        return self.value("siconc", latitude, longitude, day, seconds) >= ICE

    def sighted(self, name: str, latitude: NDArray, longitude: NDArray, day: int, seconds: NDArray) -> NDArray:
        """Truth (...) as a satellite sees it: :meth:`value`, missing under ice too."""
        at = (latitude, longitude, day, seconds)
        return np.where(self.iced(*at), np.nan, self.value(name, *at))

    def __dask_tokenize__(self) -> tuple:
        return (normalize_token(self.ocean), self.region)

    def near(self, latitude: NDArray, longitude: NDArray, reach: float) -> NDArray[np.bool_]:
        """Whether points come within a reach [km] of the boxes around the ocean and the region (or somewhat more)."""
        return within(self.ocean.extent, latitude, longitude, reach) & within(self.region, latitude, longitude, reach)

    def axes(self, spacing: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Cell centres of the global lattice of a spacing [degrees] within the domain."""
        rows, columns = ((np.arange(round(turn / spacing)) + 0.5) * spacing - turn / 2.0 for turn in (180.0, 360.0))
        latitude, longitude = cut(rows, columns, self.ocean.extent)
        return (latitude, longitude) if self.region is None else cut(latitude, longitude, self.region)

    def require(self, instrument: str, *names: str) -> None:
        """Say so where the ocean lacks what an instrument measures."""
        lacking = [name for name in names if name not in self.ocean.names]
        if lacking:
            raise ValueError(
                f"{instrument} observes {', '.join(names)}, and the ocean has no {', '.join(lacking)}: leave the "
                f"instrument out, or add the variable; it has {', '.join(sorted(self.ocean.names))}"
            )


def instants(day: int, seconds: NDArray) -> NDArray[np.datetime64]:
    """Times from seconds of a day since `EPOCH`."""
    return EPOCH + day * DAY + np.round(np.asarray(seconds) * 1e9).astype("m8[ns]")


def within(region: Region | None, latitude: NDArray, longitude: NDArray, reach: float = 0.0) -> NDArray[np.bool_]:
    """Whether points lie in a region, widened by a reach [km]."""
    if region is None:
        return np.isfinite(latitude) & np.isfinite(longitude)
    pad = np.degrees(reach / RADIUS)
    # Nearer the pole a reach spans more longitudes, and at last all.
    shrunk = np.cos(np.radians(np.minimum(np.abs(latitude) + pad, 90.0)))
    with np.errstate(divide="ignore", invalid="ignore"):
        pad_longitude = np.where(shrunk > 1e-3, pad / shrunk, 360.0) if reach else 0.0
        return lattice.within(region, latitude, longitude, pad, pad_longitude)


def _overlap(one: Region, other: Region) -> bool:
    """Whether two regions share a part."""
    if one[2] > other[3] or other[2] > one[3]:
        return False
    return (other[0] - one[0]) % 360.0 <= width(one) or (one[0] - other[0]) % 360.0 <= width(other)


def scan_lines(
    orbit: Orbit, day: int, interval: float, domain: Domain, reach: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Scan lines of a day that come within a reach of the domain, numbered since `EPOCH`.

    Parameters
    ----------
    orbit : Orbit
        Whose track the lines cross.
    day : int
        Days since `EPOCH`.
    interval : float
        Seconds from line to line.
    domain : Domain
        What they must come near.
    reach : float
        Half the width of a line [km].

    Returns
    -------
    number, seconds : array (n_lines,)
        Which line it is, whatever the domain; and when, in seconds of the day.
    """
    first, stop = (int(np.ceil(d * 86400.0 / interval - 1e-6)) for d in (day, day + 1))
    step = max(1, int(COARSE / interval))
    coarse = np.arange(first - step, stop + step, step)
    near = domain.near(*orbit.track(coarse * interval / 86400.0), reach + 2.0 * COARSE * orbit.speed)
    number = (coarse[near, None] + np.arange(step)).ravel()
    number = number[(number >= first) & (number < stop)]
    return number, np.maximum(number * interval - day * 86400.0, 0.0)
