"""The part of the sphere's lattice that the network works on: whole blocks of coarse cells around a background."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adaf_xr import grids
from adaf_xr.models.base import Background

BLOCK = 8
"""Coarse cells that the deepest layer of the network sees as one. Frames are made of whole blocks, which are anchored
on the globe: what a region sees is part of what the globe sees."""

ROWS, COLUMNS = 180, 360
"""Coarse cells of 1 degree from pole to pole and around the globe."""

REFINEMENT = 4
"""Fine cells in a coarse one, along each direction."""


@dataclass(frozen=True)
class Frame:
    """A rectangle of coarse cells, the cells of the fine lattice nested in them.

    Attributes
    ----------
    south, west : int
        Number of the first row and column; row 0 begins at 90 S, column 0 at 180 W.
    rows, columns : int
        How many; rows beyond the poles are empty.
    wraps : bool
        Whether the last column touches the first.

    Examples
    --------
    >>> square = np.zeros((20, 30))
    >>> box = Background(np.arange(10.5, 30.5), np.arange(-20.5, 9.5), np.empty(0), {"zos": square})
    >>> frame = Frame.around(box)
    >>> frame.shape, frame.latitude[[0, -1]].tolist(), frame.wraps
    ((40, 56), [-1.5, 37.5], False)
    """

    south: int
    west: int
    rows: int
    columns: int

    @classmethod
    def around(cls, background: Background) -> Frame:
        """The smallest frame with a block to spare on every side of a background; the whole turn where it is one."""
        low, high = np.min(background.latitude), np.max(background.latitude)
        south = BLOCK * (int(np.floor((low + 90.0) / BLOCK)) - 1)
        north = BLOCK * (int(np.ceil((high + 90.0) / BLOCK)) + 1)
        south, north = max(south, 0), min(north, BLOCK * -(-ROWS // BLOCK))
        first, last = background.longitude[0] + 180.0, background.longitude[-1] + 180.0
        west = BLOCK * (int(np.floor(first / BLOCK)) - 1)
        east = BLOCK * (int(np.ceil(last / BLOCK)) + 1)
        if grids.is_periodic(background.longitude) or east - west >= COLUMNS:
            return cls(south, 0, north - south, COLUMNS)
        return cls(south, west % COLUMNS, north - south, east - west)

    @property
    def wraps(self) -> bool:
        """Whether the last column touches the first."""
        return self.columns == COLUMNS

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of coarse cells."""
        return self.rows, self.columns

    @property
    def latitude(self) -> NDArray[np.float64]:
        """Centres of the coarse rows [degrees]; those beyond the pole go on beyond 90."""
        return self.south + np.arange(self.rows, dtype="f8") - 89.5

    @property
    def longitude(self) -> NDArray[np.float64]:
        """Centres of the coarse columns [degrees], ascending, from -180 or more on."""
        return self.west + np.arange(self.columns, dtype="f8") - 179.5

    @property
    def fine_latitude(self) -> NDArray[np.float64]:
        """Centres of the fine rows [degrees]."""
        return grids.nest(self.latitude, REFINEMENT)

    @property
    def fine_longitude(self) -> NDArray[np.float64]:
        """Centres of the fine columns [degrees]."""
        return grids.nest(self.longitude, REFINEMENT)

    def axes(self, refinement: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Latitudes and longitudes of the coarse cells (1), or of those nested in them (`REFINEMENT`)."""
        return grids.nest(self.latitude, refinement), grids.nest(self.longitude, refinement)

    def holds(self, latitude: NDArray[np.float64], longitude: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which points (n,) lie inside."""
        inside = (latitude >= self.south - 90.0) & (latitude <= self.south + self.rows - 90.0)
        if not self.wraps:
            inside &= np.mod(longitude + 180.0 - self.west, 360.0) <= self.columns
        return inside

    def cells(self, number: NDArray[np.int64], refinement: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Of cells of a lattice of the globe: which are inside (their places in `number`), and their number inside.

        Parameters
        ----------
        number : int64 array (n,)
            Row by row from 90 S, 180 W.
        refinement : int
            Cells of the lattice in a coarse one, along each direction.
        """
        row, column = np.divmod(number, COLUMNS * refinement)
        row -= self.south * refinement
        column = (column - self.west * refinement) % (COLUMNS * refinement)
        width = self.columns * refinement
        inside = np.flatnonzero((row >= 0) & (row < self.rows * refinement) & (column < width))
        return inside, row[inside] * width + column[inside]
