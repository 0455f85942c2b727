"""Global latitude-longitude lattices: where the cells of a source lie, and which cell a place is in.

Every lattice goes around the globe and starts beside the South Pole and the prime meridian, so that a row or a column
has one number, whatever region is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adaf_xr.models.cnp.configuration import Configuration, Source

EDGE = 1e-6
"""Share of a cell by which a place may miss the southern or western edge of its cell through rounding."""


@dataclass(frozen=True)
class Lattice:
    """Square cells of `spacing` degrees; cell (0, 0) has its centre at (`south`, `west`).

    Attributes
    ----------
    spacing : float
        Degrees between centres; divides 180.
    south, west : float
        Latitude and longitude of the first centre [degrees], at most a cell from the South Pole and from Greenwich.

    Examples
    --------
    >>> lattice = Lattice(1.0, -90.0, 0.0)
    >>> lattice.shape, lattice.row([-89.4, 10.0]).tolist(), lattice.column([-0.4, -0.6, 359.0]).tolist()
    ((180, 360), [1, 100], [0, 359, 359])
    """

    spacing: float
    south: float
    west: float

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        return round(180.0 / self.spacing), round(360.0 / self.spacing)

    def latitude(self, rows: ArrayLike) -> NDArray[np.float64]:
        """Latitude of the centres of rows [degrees], counted on beyond a pole."""
        return self.south + self.spacing * np.asarray(rows)

    def longitude(self, columns: ArrayLike) -> NDArray[np.float64]:
        """Longitude of the centres of columns [degrees], counted on around the globe."""
        return self.west + self.spacing * np.asarray(columns)

    def row(self, latitude: ArrayLike) -> NDArray[np.int64]:
        """Row whose cell holds a latitude; below 0 or from ``shape[0]`` on beyond the lattice."""
        return _cell((np.asarray(latitude, dtype="f8") - self.south) / self.spacing)

    def column(self, longitude: ArrayLike) -> NDArray[np.int64]:
        """Column whose cell holds a longitude, in any convention."""
        return _cell((np.asarray(longitude, dtype="f8") - self.west) / self.spacing) % self.shape[1]


def _cell(position: NDArray[np.float64]) -> NDArray[np.int64]:
    """Number of the cell around a position counted in cells; its lower edge belongs to it."""
    return np.floor(position + (0.5 + EDGE)).astype("i8")


def lattice_of(source: Source, configuration: Configuration) -> Lattice:
    """The lattice of a gridded source.

    Cells as wide as the background's lie in the configuration's phase: with their centres on whole multiples ("node")
    or half a cell from them ("cell"). Finer cells fill the globe from the South Pole and Greenwich on.

    Examples
    --------
    >>> from adaf_xr.models.cnp.configuration import RELEASED
    >>> lattice_of(RELEASED.source("sate_sla"), RELEASED), lattice_of(RELEASED.source("sate_ssw"), RELEASED)
    (Lattice(spacing=1.0, south=-90.0, west=0.0), Lattice(spacing=0.25, south=-89.875, west=0.125))
    """
    on_nodes = configuration.phase == "node" and source.spacing >= configuration.background.spacing
    offset = 0.0 if on_nodes else 0.5 * source.spacing
    return Lattice(source.spacing, offset - 90.0, offset)
