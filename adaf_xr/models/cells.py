"""A fixed lattice of nearly equal cells on the globe, on which models gather observations and group targets.

It is anchored on the globe, never on an input: what falls together does so in any tile, chunk or longitude convention.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

ORIGIN = np.sqrt(2.0) / 10.0
"""Share of a cell by which the lattice is shifted: no round coordinate lies on an edge, where rounding would decide."""


@dataclass(frozen=True)
class Cells:
    """Rows of latitude, each cut into as many columns as make its cells nearly square.

    Attributes
    ----------
    size : float
        Side of a cell [degrees of latitude].

    Examples
    --------
    >>> cells = Cells(0.5)
    >>> here, _, _ = cells.locate([10.0, 10.0, 10.0], [179.9, -180.1, 181.0])
    >>> bool(here[0] == here[1]), bool(here[0] == here[2])
    (True, False)
    """

    size: float

    @cached_property
    def columns(self) -> NDArray[np.int64]:
        """Number of cells in each row of latitude."""
        south = np.arange(np.ceil(180.0 / self.size) + 1) * self.size - 90.0 - ORIGIN * self.size
        # The edge nearer to the equator decides, so that no cell is much wider than high.
        nearest = np.clip(0.0, south, south + self.size)
        return np.maximum(1, np.rint(360.0 / self.size * np.cos(np.radians(nearest)))).astype("i8")

    @cached_property
    def first(self) -> NDArray[np.int64]:
        """Number of the first cell in each row."""
        return np.concatenate([[0], np.cumsum(self.columns)[:-1]])

    def locate(self, latitude: ArrayLike, longitude: ArrayLike) -> tuple[NDArray[np.int64], NDArray, NDArray]:
        """Number of the cell that holds each position, and latitude and longitude of its centre."""
        row = np.floor((np.asarray(latitude, "f8") + 90.0) / self.size + ORIGIN).astype("i8")
        n = self.columns[row]
        column = np.floor(np.mod(longitude, 360.0) * (n / 360.0) + ORIGIN).astype("i8") % n
        return self.first[row] + column, *self._centre(row, column)

    def around(self, latitude: ArrayLike, longitude: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Numbers and weights, (4, n) each, of the cells whose centres surround each position.

        The weights are bilinear: at least 0, 1 together, continuous across every edge, and 0 for a cell once its
        centre is a row or a column away.
        """
        row, above = _split((np.asarray(latitude, "f8") + 90.0) / self.size + ORIGIN)
        cells, weights = [], []
        for step, share in ((0, 1.0 - above), (1, above)):
            near = np.clip(row + step, 0, self.columns.size - 1)
            n = self.columns[near]
            column, east = _split(np.mod(longitude, 360.0) * (n / 360.0) + ORIGIN)
            cells += [self.first[near] + column % n, self.first[near] + (column + 1) % n]
            weights += [share * (1.0 - east), share * east]
        return np.stack(cells), np.stack(weights)

    def centre(self, index: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Latitude and longitude of the centres of cells by their number."""
        row = np.searchsorted(self.first, index, side="right") - 1
        return self._centre(row, index - self.first[row])

    def _centre(self, row: NDArray, column: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        # Of the outermost rows only a part is on the globe.
        latitude = np.clip((row + 0.5 - ORIGIN) * self.size - 90.0, -90.0, 90.0)
        return latitude, (column + 0.5 - ORIGIN) * (360.0 / self.columns[row])


def _split(position: NDArray) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Number of the last cell whose centre is passed, and how far it is, in cells."""
    past = position - 0.5
    number = np.floor(past)
    return number.astype("i8"), past - number
