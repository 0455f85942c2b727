"""When a polar orbiter with a wide swath sees the cells of a grid.

Images are collated as those of level 3 products: one a day of the ascending passes, and one of the descending.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from adaf_xr.osse.observing.domain import Domain
from adaf_xr.osse.observing.instrument import Instrument
from adaf_xr.osse.observing.layout import Arrays
from adaf_xr.osse.orbits import Orbit
from adaf_xr.sphere import RADIUS, chord, unit_vectors

STEP = 20.0
"""Seconds between points of a track; within a step it counts as a straight line."""

IMAGES = 2
"""A day: ascending, descending."""


@dataclass(frozen=True)
class Grid:
    """Cells of a global lattice that lie in a domain.

    Attributes
    ----------
    latitude, longitude : array (n_lat,), (n_lon,)
        Centres.
    spacing : float
        Degrees.
    """

    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    spacing: float

    @classmethod
    def of(cls, domain: Domain, spacing: float) -> Grid:
        """The cells of a spacing [degrees] within a domain."""
        return cls(*domain.axes(spacing), spacing)

    @property
    def points(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Latitude and longitude of every cell, (n_lat, n_lon)."""
        latitude, longitude = np.meshgrid(self.latitude, self.longitude, indexing="ij")
        return latitude, longitude

    def number(self, image: int) -> NDArray[np.int64]:
        """Number of every cell of an image, the same in whatever domain: for errors."""
        rows, columns = round(180.0 / self.spacing), round(360.0 / self.spacing)
        row = np.floor((self.latitude + 90.0) / self.spacing).astype("i8")
        column = np.floor(np.mod(self.longitude + 180.0, 360.0) / self.spacing).astype("i8")
        return (image * rows + row[:, None]) * columns + column[None, :]


def overpass(orbit: Orbit, day: int, image: int, grid: Grid, reach: float) -> NDArray[np.float64]:
    """When each cell is seen on a day.

    Parameters
    ----------
    orbit : Orbit
        Of the satellite.
    day : int
        Days since the epoch of orbits.
    image : int
        0 for ascending passes, 1 for descending.
    grid : Grid
        What is looked at.
    reach : float
        Half the width of the swath [km].

    Returns
    -------
    seconds : array (n_lat, n_lon)
        Of the day, of the pass that comes nearest; NaN where none comes within reach.
    """
    from scipy.spatial import cKDTree

    seconds = np.arange(0.0, 86400.0, STEP)
    seconds = seconds[orbit.passes(day + seconds / 86400.0) % 2 == image]
    here, forward, left = orbit.frame(day + seconds / 86400.0)
    latitude, longitude = grid.points
    cell = unit_vectors(latitude.ravel(), longitude.ravel())
    farthest = float(chord(reach + STEP * orbit.speed))
    distance, nearest = cKDTree(here).query(cell, distance_upper_bound=farthest)
    met = np.isfinite(distance)
    point, near = cell[met], nearest[met]
    across = RADIUS * np.arcsin(np.einsum("nk,nk->n", point, left[near]))
    ahead = np.einsum("nk,nk->n", point, forward[near])
    along = RADIUS * np.arctan2(ahead, np.einsum("nk,nk->n", point, here[near]))
    when = seconds[near] + along / orbit.speed
    # Beyond the end of a pass, near the pole, the next one sees.
    seen = (np.abs(across) <= reach) & (orbit.passes(day + when / 86400.0) % 2 == image)
    seen &= (when >= 0.0) & (when < 86400.0)
    found = np.full(latitude.size, np.nan)
    found[met] = np.where(seen, when, np.nan)
    return found.reshape(latitude.shape)


@dataclass(frozen=True)
class Imager(Instrument):
    """An instrument with a wide swath whose product is two images a day on a lattice.

    Attributes
    ----------
    orbit : Orbit
        Of the satellite.
    posting : float
        Degrees.
    reach : float
        Half the width of the swath [km].
    """

    orbit: Orbit
    posting: float
    reach: float

    reference: ClassVar[tuple[float, float]]
    """Nominal times of the two images [s]."""

    def rows(self, day: int, seed: int, domain: Domain) -> Arrays:
        """Two images."""
        return {"seconds": np.array(self.reference)}

    def read(self, day: int, seed: int, domain: Domain, noise: bool) -> Arrays:
        """Both images of a day."""
        grid = Grid.of(domain, self.posting)
        images = [self.image(day, number, seed, domain, grid, noise) for number in range(IMAGES)]
        return {name: np.stack([each[name] for each in images]) for name in images[0]}

    @abstractmethod
    def image(self, day: int, image: int, seed: int, domain: Domain, grid: Grid, noise: bool) -> Arrays:
        """The variables of one image, on its grid."""
