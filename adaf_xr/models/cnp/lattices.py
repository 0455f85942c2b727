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

TOLERANCE = 1e-3
"""Share of a cell by which the spacing of an axis may vary, as axes stored in single precision do."""

DIGITS = 3
"""Decimals of a cell to which the place of an axis on the globe is told: boxes of one grid must agree on it."""


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
    coarse = source.spacing >= configuration.background.spacing
    return lattice_of_phase(source.spacing, configuration.phase if coarse else "cell")


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


def lattice_of_phase(spacing: float, phase: str) -> Lattice:
    """The lattice of a spacing with its centres on whole multiples ("node") or half a cell from them ("cell").

    Examples
    --------
    >>> lattice_of_phase(0.5, "cell")
    Lattice(spacing=0.5, south=-89.75, west=0.25)
    """
    offset = 0.0 if phase == "node" else 0.5 * spacing
    return Lattice(spacing, offset - 90.0, offset)


def finer(lattice: Lattice, configuration: Configuration) -> int:
    """How many cells of a lattice of targets lie side by side in one of the background's lattice.

    Raises
    ------
    ValueError
        Where that is no whole number.
    """
    spacing = configuration.background.spacing
    factor = round(spacing / lattice.spacing)
    if factor < 1 or abs(factor * lattice.spacing - spacing) > 1e-6 * spacing:
        raise ValueError(
            f"targets {lattice.spacing:g} degrees apart do not nest in the network's cells of {spacing:g} degrees: "
            f"take {spacing:g}, or {spacing:g} divided by a whole number"
        )
    return factor


def cells(lattice: Lattice, configuration: Configuration) -> tuple[int, int]:
    """Rows and columns of a window on a lattice of targets.

    Examples
    --------
    >>> from adaf_xr.models.cnp.configuration import RELEASED
    >>> cells(Lattice(0.25, -90.0, 0.0), RELEASED)
    (40, 80)
    """
    high, wide = (round(degrees / configuration.background.spacing) for degrees in configuration.window)
    factor = finer(lattice, configuration)
    return high * factor, wide * factor


def order(lattice: Lattice, configuration: Configuration) -> NDArray[np.int64]:
    """Row-major numbers of the cells of a window in the order of the targets.

    Row-major on the background's own lattice. On a finer one the cells that lie in one coarse cell follow one another,
    for each token serves a run of targets.

    Examples
    --------
    >>> from adaf_xr.models.cnp.configuration import THINNED
    >>> order(Lattice(0.5, -89.75, 0.25), THINNED)[:5].tolist()
    [0, 1, 40, 41, 2]
    """
    (n_lat, n_lon), k = cells(lattice, configuration), finer(lattice, configuration)
    numbers = np.arange(n_lat * n_lon).reshape(n_lat // k, k, n_lon // k, k)
    return numbers.transpose(0, 2, 1, 3).ravel()
