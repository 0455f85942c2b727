"""From a day to the tensors of the network: the patch of every source about the centre of a window.

A window of n x m cells that starts at cell (i, j) of its lattice has its centre at cell (i + n // 2, j + m // 2); the
patch of a source is the n' x m' cells of its lattice that start as many halves before the cell that holds that place.
Patches go on around the globe; rows beyond a pole are missing. What is missing is 0 after the values have been scaled
to -1..1, and nothing tells it from a value in the middle of the range, as published.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adaf_xr.cell_means import Lattice
from adaf_xr.models.cnp import coordinates
from adaf_xr.models.cnp.configuration import Configuration, Source
from adaf_xr.models.cnp.day import Day
from adaf_xr.models.cnp.lattices import cells, finer, lattice_of, order
from adaf_xr.normalisation import minmax
from adaf_xr.sphere import wrap_longitude


def inputs(
    day: Day,
    centres_latitude: NDArray[np.float64],
    centres_longitude: NDArray[np.float64],
    depth: float,
    configuration: Configuration,
) -> dict[str, Tensor]:
    """What the network takes for a batch of windows.

    Parameters
    ----------
    day : Day
        Of one analysis time.
    centres_latitude, centres_longitude : float64 array (B,)
        Centres of the windows [degrees].
    depth : float
        Depth [m] of the background and of the targets.
    configuration : Configuration
        That of the network.

    Returns
    -------
    dict of str to float32 tensor (B, N, 5 + channels)
        By key of the source: coordinate features and scaled values of its N points, row-major over latitude and
        longitude.

    Examples
    --------
    >>> from adaf_xr.models.cnp.configuration import THINNED
    >>> nothing = {s.key: np.full((len(s.channels), 180, 360), np.nan, "f4") for s in THINNED.sources if s.gridded}
    >>> tables = inputs(Day(nothing, np.empty((0, 5), "f4")), np.array([40.0]), np.array([0.0]), 0.0, THINNED)
    >>> tables["sate_sst"].shape, [round(feature, 3) for feature in tables["sate_sla"][0, 0].tolist()]
    (torch.Size([1, 200, 7]), [0.574, 0.819, -0.174, 0.985, -1.0, 0.0])
    """
    result = {}
    for source in configuration.sources:
        if source.gridded:
            starts = corners(source, centres_latitude, centres_longitude, configuration)
            shape = source.shape
            parts = [
                patch(day, source, int(i), int(j), shape, depth, configuration) for i, j in zip(*starts, strict=True)
            ]
        else:
            places = zip(centres_latitude, centres_longitude, strict=True)
            parts = [nearby(day, source, latitude, longitude, depth, configuration) for latitude, longitude in places]
        result[source.key] = torch.stack(parts)
    return result


def corners(
    source: Source, latitude: NDArray[np.float64], longitude: NDArray[np.float64], configuration: Configuration
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First row and first column of the patches of a gridded source about places; both may lie beyond the lattice."""
    lattice, (n_lat, n_lon) = lattice_of(source, configuration), source.shape
    return lattice.row(latitude) - n_lat // 2, lattice.column(longitude) - n_lon // 2


def patch(
    day: Day, source: Source, row: int, column: int, shape: tuple[int, int], depth: float, configuration: Configuration
) -> Tensor:
    """Features and scaled values of a block of cells of a gridded source.

    Parameters
    ----------
    day : Day
        Of one analysis time.
    source : Source
        A gridded one.
    row, column : int
        The first cell; columns go on around the globe, rows beyond a pole are missing.
    shape : tuple of int
        Rows and columns of the block.
    depth : float
        Depth [m] of the background; the satellites see the surface.
    configuration : Configuration
        That of the network.

    Returns
    -------
    float32 tensor (rows * columns, 5 + channels)
    """
    lattice, grid = lattice_of(source, configuration), day.grids[source.key]
    rows, columns = row + np.arange(shape[0]), column + np.arange(shape[1])
    level = depth if source.kind == "background" else 0.0
    table = np.empty((*shape, coordinates.COUNT + len(source.channels)), "f4")
    table[..., : coordinates.COUNT] = coordinates.features(
        lattice.latitude(rows)[:, None], lattice.longitude(columns), level, configuration.max_depth
    )
    present = (rows >= 0) & (rows < grid.shape[1])
    around = columns % grid.shape[2]
    for channel, (low, high) in enumerate(source.ranges):
        values = np.full(shape, np.nan, "f4")
        values[present] = grid[channel, rows[present]][:, around]
        table[..., coordinates.COUNT + channel] = scaled(values, low, high)
    return torch.from_numpy(table.reshape(-1, table.shape[-1]))


def nearby(
    day: Day, source: Source, latitude: float, longitude: float, depth: float, configuration: Configuration
) -> Tensor:
    """Features and scaled values of the points in the box around the centre of a window.

    At most as many as the shape of the source says: the first in the order of the day. Fewer are padded with rows of 0
    at latitude, longitude and depth 0, as published.

    Returns
    -------
    float32 tensor (points, 5 + channels)
    """
    high, wide, deep = configuration.box
    place = day.insitu[:, :3].astype("f8")
    near = np.abs(place[:, 0] - latitude) <= high
    near &= np.abs(wrap_longitude(place[:, 1] - longitude)) <= wide
    near &= np.abs(place[:, 2] - depth) <= deep
    kept = day.insitu[np.flatnonzero(near)[: source.points]]
    rows = np.zeros((source.points, day.insitu.shape[1]), "f4")
    rows[: len(kept)] = kept
    features = coordinates.features(rows[:, 0], rows[:, 1], rows[:, 2], configuration.max_depth)
    values = [scaled(rows[:, 3 + channel], *limits) for channel, limits in enumerate(source.ranges)]
    return torch.from_numpy(np.concatenate([features, np.stack(values, axis=1)], axis=1))


def scaled(values: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    """Values with `low` at -1 and `high` at 1; what is missing is 0.

    Examples
    --------
    >>> scaled(np.array([-3.0, 36.0, np.nan], "f4"), -3.0, 36.0).tolist()
    [-1.0, 1.0, 0.0]
    """
    return np.nan_to_num(minmax(low, high).forward(values), copy=False).astype("f4", copy=False)


def targets(
    lattice: Lattice,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    depth: float,
    configuration: Configuration,
) -> Tensor:
    """Coordinate features of the cells of windows, in the order in which the network serves them.

    Parameters
    ----------
    lattice : Lattice
        Of the windows: the background's, or one `k` times finer.
    rows, columns : int array (B,)
        First cell of each window.
    depth : float
        Depth [m].
    configuration : Configuration
        That of the network.

    Returns
    -------
    float32 tensor (B, N, 5)
        In the order of :func:`~adaf_xr.models.cnp.lattices.order`.

    Examples
    --------
    >>> from adaf_xr.models.cnp.configuration import THINNED
    >>> targets(Lattice(0.25, -90.0, 0.0), np.array([0, 20]), np.array([0, 20]), 0.0, THINNED).shape
    torch.Size([2, 3200, 5])
    """
    n_lat, n_lon = cells(lattice, configuration)
    latitude = lattice.latitude(np.asarray(rows)[:, None] + np.arange(n_lat))
    longitude = lattice.longitude(np.asarray(columns)[:, None] + np.arange(n_lon))
    table = coordinates.features(latitude[:, :, None], longitude[:, None, :], depth, configuration.max_depth)
    flat = table.reshape(len(table), -1, coordinates.COUNT)
    return torch.from_numpy(flat if finer(lattice, configuration) == 1 else flat[:, order(lattice, configuration)])
