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

    def centre(self, index: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Latitude and longitude of the centres of cells by their number."""
        row = np.searchsorted(self.first, index, side="right") - 1
        return self._centre(row, index - self.first[row])

    def _centre(self, row: NDArray, column: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        # Of the outermost rows only a part is on the globe.
        latitude = np.clip((row + 0.5 - ORIGIN) * self.size - 90.0, -90.0, 90.0)
        return latitude, (column + 0.5 - ORIGIN) * (360.0 / self.columns[row])
