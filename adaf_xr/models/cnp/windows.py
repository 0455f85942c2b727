"""How windows lie on a lattice of targets, and the mean of what overlapping windows say.

Windows start at multiples of a step, counted from the South Pole and Greenwich, so that a region is analysed from the
windows of the globe that touch it: its analysis is the piece of the global one. They go on around the globe; the last
row of windows ends at the last row of the lattice, whether or not that is a multiple of the step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adaf_xr.cell_means import Lattice
from adaf_xr.models.cnp.configuration import Configuration
from adaf_xr.models.cnp.lattices import cells, finer


@dataclass(frozen=True)
class Tiling:
    """Windows of one size on a lattice.

    Attributes
    ----------
    lattice : Lattice
        Of the targets.
    shape : tuple of int
        Rows and columns of a window.
    steps : tuple of int
        Rows and columns from one window to the next, in cells of the lattice.
    centre : float
        Distance [degrees] from the first cell of those around the middle of a window to its centre, along both axes.
    first : tuple of int
        Row and column that steps are counted from; a window at row 0 holds the rows before.

    Examples
    --------
    >>> from adaf_xr.models.cnp.configuration import RELEASED
    >>> tiling = Tiling.of(Lattice(1.0, -90.0, 0.0), RELEASED)
    >>> tiling.rows.size, tiling.columns.size, tiling.steps
    (35, 72, (5, 5))
    """

    lattice: Lattice
    shape: tuple[int, int]
    steps: tuple[int, int]
    centre: float = 0.0
    first: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        for name, step, size in zip(("lat_step", "lon_step"), self.steps, self.shape, strict=True):
            if not 1 <= step <= size:
                raise ValueError(
                    f"{name}={step}: windows of {self.shape[0]} x {self.shape[1]} cells leave no target out where they "
                    f"start 1 to {size} cells apart"
                )

    @classmethod
    def of(
        cls, lattice: Lattice, configuration: Configuration, lat_step: int | None = None, lon_step: int | None = None
    ) -> Tiling:
        """The windows of a network on a lattice of targets.

        Parameters
        ----------
        lattice : Lattice
            The background's, or a finer one whose cells nest in its cells.
        configuration : Configuration
            Says how many degrees a window has.
        lat_step, lon_step : int, optional
            Cells of the lattice between windows, counted from its first cell, as published. None: half the height of a
            window, 5 degrees, counted from the first cell that begins one of the background's: each token then serves
            the targets in its own cell, while other windows move increments by part of a cell.
        """
        shape, k = cells(lattice, configuration), finer(lattice, configuration)
        step = max(1, shape[0] // 2)
        # Where coarse cells are known by their centres, so is the window: by the coarse cell that begins in its middle.
        centre = 0.5 * (k - 1) * lattice.spacing if configuration.phase == "cell" else 0.0
        # Cells around nodes begin half a cell before them, rounded up to a target.
        begin = (k - k // 2) % k if configuration.phase == "node" else 0
        first = (0 if lat_step else begin, 0 if lon_step else begin)
        return cls(lattice, shape, (lat_step or step, lon_step or step), centre, first)

    @property
    def rows(self) -> NDArray[np.int64]:
        """First rows of the windows, ascending; every row of the lattice is in some window."""
        last = self.lattice.shape[0] - self.shape[0]
        return np.unique(np.concatenate([[0, last], np.arange(self.first[0], last + 1, self.steps[0])]))

    @property
    def columns(self) -> NDArray[np.int64]:
        """First columns of the windows, ascending; the last ones go on beyond the prime meridian."""
        n_lon = self.lattice.shape[1]
        return np.sort((self.first[1] + np.arange(0, n_lon, self.steps[1])) % n_lon)

    def centres(self, rows: NDArray, columns: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Latitude and longitude [degrees] that patches of windows are cut about."""
        n_lat, n_lon = self.shape
        latitude, longitude = self.lattice.latitude(rows + n_lat // 2), self.lattice.longitude(columns + n_lon // 2)
        return latitude + self.centre, longitude + self.centre

    def touching(self, wanted: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """First rows and columns of the windows that hold a wanted cell, row by row.

        Parameters
        ----------
        wanted : bool array (n_lat, n_lon)
            On the whole lattice.
        """
        (n_lat, n_lon), rows, columns = self.shape, self.rows, self.columns
        turned = np.concatenate([wanted, wanted[:, : n_lon - 1]], axis=1)
        # The number of wanted cells in any box, from four corners of their running sum.
        running = np.zeros((turned.shape[0] + 1, turned.shape[1] + 1), "i4")
        running[1:, 1:] = turned.cumsum(axis=0, dtype="i4").cumsum(axis=1)
        north, south = running[rows + n_lat], running[rows]
        inside = north[:, columns + n_lon] - north[:, columns] - south[:, columns + n_lon] + south[:, columns]
        i, j = np.nonzero(inside)
        return rows[i], columns[j]


class OverlapMean:
    """The mean over windows of what they say of their cells, every window with the same weight.

    Parameters
    ----------
    tiling : Tiling
        Where windows lie.
    rows : int array
        First rows of the windows that will come: memory is kept for what they span.
    names : int
        How many values a cell has.

    Attributes
    ----------
    first : int
        Row of the lattice that the mean begins with.

    Examples
    --------
    >>> tiling = Tiling(Lattice(60.0, -60.0, 30.0), (2, 2), (1, 2))
    >>> mean = OverlapMean(tiling, tiling.rows, 1)
    >>> for row in tiling.rows:
    ...     mean.add(row, 0, np.full((1, 2, 2), float(row)))
    >>> mean.values()[0, :, 0].tolist()
    [0.0, 0.5, 1.0]
    """

    def __init__(self, tiling: Tiling, rows: NDArray[np.int64], names: int) -> None:
        (n_lat, n_lon), width = tiling.shape, tiling.lattice.shape[1]
        self.first = int(rows.min()) if rows.size else 0
        last = int(rows.max()) + n_lat if rows.size else 0
        self._columns = np.arange(n_lon)
        self._total = np.zeros((names, last - self.first, width))
        self._count = np.zeros((last - self.first, width), "i4")

    def add(self, row: int, column: int, values: NDArray) -> None:
        """Add what the window that starts at a cell says, (names, n_lat, n_lon)."""
        rows = slice(row - self.first, row - self.first + values.shape[1])
        columns = (column + self._columns) % self._count.shape[1]
        self._total[:, rows, columns] += values
        self._count[rows, columns] += 1

    def values(self) -> NDArray[np.float64]:
        """The mean, (names, rows, n_lon) from row `first` on; NaN where no window was."""
        return np.divide(self._total, self._count, out=np.full(self._total.shape, np.nan), where=self._count > 0)
