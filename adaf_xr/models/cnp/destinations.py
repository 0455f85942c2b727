"""Where an analysis is wanted, seen from the lattice on which the network is asked."""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from adaf_xr import grids
from adaf_xr.cell_means import TOLERANCE, Lattice, lattice_through
from adaf_xr.models.base import Targets
from adaf_xr.models.cnp.configuration import Configuration
from adaf_xr.models.cnp.lattices import lattice_of_phase


@dataclass(frozen=True)
class Destination:
    """Targets and the lattice that serves them.

    Attributes
    ----------
    targets : Targets
        A grid or points.
    lattice : Lattice
        Where the network is asked.
    direct : bool
        Whether the targets are cells of the lattice; else values are interpolated to them.
    """

    targets: Targets
    lattice: Lattice
    direct: bool

    @classmethod
    def of(cls, targets: Targets, configuration: Configuration, resolution: float | None = None) -> Destination:
        """The network's lattice of the targets' spacing where they have one that nests in its cells.

        Targets between the cells of that lattice are interpolated to. A token serves a cell, and knows its own place
        from nothing but the weights: asked beside the cell, the network would move what belongs there.

        Parameters
        ----------
        targets : Targets
            Where.
        configuration : Configuration
            Of the network.
        resolution : float, optional
            Spacing [degrees] of the lattice; None: that of the targets, or the background's.

        Examples
        --------
        >>> from adaf_xr.models.cnp.configuration import RELEASED
        >>> grid = Targets(np.array([0.0, 0.5]), np.array([-0.5, 0.0]))
        >>> Destination.of(grid, RELEASED).lattice, Destination.of(grid, RELEASED.but(phase="cell")).direct
        (Lattice(spacing=0.5, south=-90.0, west=0.0), False)
        """
        unit = configuration.background.spacing
        own = lattice_through(targets.latitude, targets.longitude, unit) if targets.gridded else None
        spacing = resolution or (own.spacing if own else unit)
        lattice = lattice_of_phase(spacing, configuration.phase)
        direct = own is not None and np.allclose(astuple(own), astuple(lattice), rtol=0.0, atol=TOLERANCE * spacing)
        return cls(targets, lattice, direct)

    def wanted(self, sea: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Cells of the lattice that serve some of the targets, whose mask has the shape of the targets."""
        cells = np.zeros(self.lattice.shape, bool)
        at = self._positions(sea)
        if self.direct:
            cells[self._rows(at[0]), self._columns(at[1])] = True
            return cells
        latitude, longitude = self._axes(0, self.lattice.shape[0])
        rows = grids.locate_latitude(latitude, np.clip(at[0], latitude[0], latitude[-1]))
        columns = grids.locate_longitude(longitude, at[1])
        for row in (rows.lower, rows.upper):
            for column in (columns.lower, columns.upper):
                cells[row, column] = True
        return cells

    def bring(self, values: NDArray[np.float64], first: int) -> NDArray[np.float64]:
        """Values at the targets, ``(names, *targets.shape)``.

        Parameters
        ----------
        values : float64 array (names, rows, n_lon)
            On rows of the lattice; missing where nothing is wanted.
        first : int
            Number of the first of these rows.
        """
        at = self.targets
        if self.direct:
            rows = np.clip(self._rows(at.latitude) - first, 0, values.shape[1] - 1)
            return values[:, rows[:, None], self._columns(at.longitude)]
        bring = grids.regrid if at.gridded else grids.sample
        latitude, longitude = self._axes(first, values.shape[1])
        return bring(values, latitude, longitude, np.clip(at.latitude, latitude[0], latitude[-1]), at.longitude)

    def _axes(self, first: int, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Latitudes of some rows and longitudes of all columns."""
        return self.lattice.latitude(first + np.arange(count)), self.lattice.longitude(np.arange(self.lattice.shape[1]))

    def _rows(self, latitude: NDArray[np.float64]) -> NDArray[np.int64]:
        """Rows of targets on the lattice; a row on the North Pole, which no window holds, takes the one before."""
        return np.minimum(self.lattice.row(latitude), self.lattice.shape[0] - 1)

    def _columns(self, longitude: NDArray[np.float64]) -> NDArray[np.int64]:
        return self.lattice.column(longitude)

    def _positions(self, sea: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Latitude and longitude of the targets that are sea."""
        rows = np.nonzero(sea)
        return self.targets.latitude[rows[0]], self.targets.longitude[rows[-1]]
