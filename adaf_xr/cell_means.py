"""Square cells around the globe, and means over them of the finer cells that nest in them.

Every lattice goes around the globe and starts beside the South Pole and the prime meridian, so that a row or a column
has one number, whatever region is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adaf_xr.sphere import cell_area, cell_edges

EDGE = 1e-6
"""Share of a cell by which a place may miss the southern or western edge of its cell through rounding."""

TOLERANCE = 1e-3
"""Share of a cell by which the spacing of an axis may vary, as axes stored in single precision do."""

DIGITS = 3
"""Decimals of a cell to which the place of an axis on the globe is told: boxes of one grid must agree on it."""

SLACK = 1e-4
"""Share of a fine cell by which its edge may miss that of a coarse one through rounding."""


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


def lattice_through(latitude: NDArray[np.float64], longitude: NDArray[np.float64], unit: float) -> Lattice | None:
    """The lattice that the axes of a grid are a piece of, if its spacing is `unit` divided by a whole number.

    A piece means the lattice of the whole: any box of a grid gives the same, to a thousandth of a cell. An axis of one
    value takes the spacing of the other. Rows may come in either order, columns may cross the seam of a convention.

    Returns
    -------
    Lattice or None
        None where the axes are irregular, differ in spacing, or do not nest in cells of `unit` degrees.

    Examples
    --------
    >>> lattice_through(np.array([10.25, 9.75]), np.array([179.75, -179.75]), 1.0)
    Lattice(spacing=0.5, south=-89.75, west=0.25)
    >>> lattice_through(np.array([10.25, 9.75]), np.array([10.0, 10.3]), 1.0) is None
    True
    """
    steps = np.concatenate([np.abs(np.diff(latitude)), np.diff(longitude) % 360.0])
    factor = round(unit / np.median(steps)) if steps.size and np.median(steps) > 0 else 0
    if factor < 1 or not np.allclose(steps, unit / factor, rtol=TOLERANCE, atol=0.0):
        return None
    spacing = unit / factor
    offsets = [round(float(axis[0] / spacing) % 1.0, DIGITS) % 1.0 for axis in (latitude + 90.0, longitude)]
    return Lattice(spacing, offsets[0] * spacing - 90.0, offsets[1] * spacing)


def cell_means(
    fields: NDArray[np.floating], latitude: ArrayLike, longitude: ArrayLike, lattice: Lattice
) -> NDArray[np.float32]:
    """Means over the cells of a lattice of the finer cells that nest in them.

    A coarse value is the area-weighted mean of those fine cells that have one, however few: a cell with any sea is
    sea, as simulated experiments make their backgrounds. A field on the lattice itself stays what it is. Cells of which
    the field has no part are missing.

    Parameters
    ----------
    fields : array (..., n_lat, n_lon)
        NaN on land.
    latitude, longitude : array (n_lat,), (n_lon,)
        Axes of the fields [degrees], regular, in any order and longitude convention.
    lattice : Lattice
        Where values are wanted.

    Returns
    -------
    float32 array (..., n_rows, n_columns)

    Raises
    ------
    ValueError
        Where cells do not nest: a value would have to be shared between two.

    Examples
    --------
    >>> fine = np.array([[1.0, 3.0], [np.nan, 5.0]])
    >>> means = cell_means(fine, [10.25, 10.75], [20.25, 20.75], Lattice(1.0, -89.5, 0.5))
    >>> round(float(means[100, 20]), 3), int(np.isfinite(means).sum())
    (2.999, 1)
    """
    rows = _nested(cell_edges(latitude, limit=90.0), lattice.south, lattice.spacing, "latitude")
    columns = _nested(cell_edges(longitude), lattice.west, lattice.spacing, "longitude") % lattice.shape[1]
    area = cell_area(latitude, longitude)
    inside = (rows >= 0) & (rows < lattice.shape[0])
    cell = (rows[inside, None] * lattice.shape[1] + columns).ravel()
    size = lattice.shape[0] * lattice.shape[1]
    flat = np.asarray(fields)[..., inside, :].reshape(-1, cell.size)
    means = np.full((len(flat), size), np.nan, "f4")
    for values, mean in zip(flat, means, strict=True):
        present = np.isfinite(values)
        weight = np.where(present, area[inside].ravel(), 0.0)
        total = np.bincount(cell, weight * np.where(present, values, 0.0), size)
        share = np.bincount(cell, weight, size)
        np.divide(total, share, out=mean, where=share > 0.0, casting="same_kind")
    return means.reshape(*np.shape(fields)[:-2], *lattice.shape)


def _nested(edges: NDArray[np.float64], first: float, spacing: float, axis: str) -> NDArray[np.int64]:
    """Number of the coarse cell that each fine one lies in."""
    low, high = np.minimum(edges[:-1], edges[1:]), np.maximum(edges[:-1], edges[1:])
    slack = SLACK * (high - low)
    start, stop = (np.floor((at - first) / spacing + 0.5).astype("i8") for at in (low + slack, high - slack))
    if (apart := start != stop).any():
        worst = int(np.flatnonzero(apart)[0])
        raise ValueError(
            f"cells of {axis} do not nest in those of {spacing:g} degrees, the first of which is centred on {first:g}: "
            f"the one from {low[worst]:g} to {high[worst]:g} lies in two; take cells in which they nest, or interpolate"
        )
    return start
