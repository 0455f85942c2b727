"""The network at many windows, with the work that neighbouring windows share done once.

What the network makes of a point by itself depends on nothing but that point, for positions are absolute. At the
published step of 5 degrees each pixel lies in eight windows. So a tile of windows is taken together: all points under
it pass the point-wise layers once, and the windows are cut from their features, for the linear map over their points.
The result is that of one window after the other.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adaf_xr.models.cnp.configuration import Configuration, Source
from adaf_xr.models.cnp.day import Day
from adaf_xr.models.cnp.lattices import order
from adaf_xr.models.cnp.network import ConditionalNeuralProcess
from adaf_xr.models.cnp.patches import corners, nearby, patch, targets
from adaf_xr.models.cnp.windows import Tiling

FEATURES = 2**27
"""Largest number of features of one tile, 0.5 GiB."""

GATHERED = 2**25
"""Largest number of features that are cut to windows at once, 0.125 GiB."""

STRIP = 2**15
"""Points that are prepared for the point-wise layers at once."""

DECODED = 2**14
"""Targets that the decoder takes at once."""

Windows = tuple[NDArray[np.int64], NDArray[np.int64]]
"""First rows and columns of windows on the lattice of targets."""


def residuals(
    network: ConditionalNeuralProcess, day: Day, tiling: Tiling, windows: Windows, depth: float, batch: int
) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
    """Normalised residuals window by window, in no particular order.

    Parameters
    ----------
    network : ConditionalNeuralProcess
        On any device.
    day : Day
        What it sees.
    tiling : Tiling
        How windows lie.
    windows : pair of int array (n,)
        First rows and columns of the windows that are wanted.
    depth : float
        Depth [m] of background and targets.
    batch : int
        Largest number of windows that are taken together.

    Yields
    ------
    row, column : int
        Where the window starts.
    values : float32 array (variables, n_lat, n_lon)
    """
    configuration = network.configuration
    back = np.argsort(order(tiling.lattice, configuration))
    for rows, columns in tiles(windows, tiling, tile_shape(configuration, tiling, batch)):
        centres = tiling.centres(rows, columns)
        tokens = torch.cat([_tokens(network, day, source, *centres, depth) for source in configuration.sources], dim=-1)
        at_once = max(1, DECODED // back.size)
        for start in range(0, rows.size, at_once):
            part = slice(start, start + at_once)
            where = targets(tiling.lattice, rows[part], columns[part], depth, configuration)
            residual = network.decode(tokens[part], where.to(tokens.device)).cpu().numpy()
            fields = residual[:, back].transpose(0, 2, 1).reshape(len(residual), -1, *tiling.shape)
            yield from zip(rows[part].tolist(), columns[part].tolist(), fields, strict=True)


def tile_shape(configuration: Configuration, tiling: Tiling, batch: int) -> tuple[int, int]:
    """How many windows, down and across, make a tile: as many as memory and `batch` allow.

    Examples
    --------
    >>> from adaf_xr.models.cnp.configuration import RELEASED
    >>> from adaf_xr.cell_means import Lattice
    >>> tile_shape(RELEASED, Tiling.of(Lattice(1.0, -90.0, 0.0), RELEASED), 300)
    (8, 16)
    """
    gridded = [source for source in configuration.sources if source.gridded]
    steps = [step * tiling.lattice.spacing for step in tiling.steps]
    shape = 1, 1
    while True:
        larger = (shape[0], 2 * shape[1]) if shape[0] == shape[1] else (2 * shape[0], shape[1])
        sides = [
            [n + (many - 1) * step / source.spacing for n, many, step in zip(source.shape, larger, steps, strict=True)]
            for source in gridded
        ]
        points = max(high * wide for high, wide in sides)
        if larger[0] * larger[1] > batch or points * configuration.encoder_width > FEATURES:
            return shape
        shape = larger


def tiles(windows: Windows, tiling: Tiling, shape: tuple[int, int]) -> Iterator[Windows]:
    """Windows grouped by the tile they lie in; tiles, like windows, lie where they lie whatever is wanted.

    Examples
    --------
    >>> from adaf_xr.cell_means import Lattice
    >>> tiling = Tiling(Lattice(1.0, -90.0, 0.0), (10, 20), (5, 5))
    >>> [rows.size for rows, _ in tiles((np.array([0, 5, 5, 10]), np.array([0, 0, 20, 0])), tiling, (2, 4))]
    [2, 1, 1]
    """
    rows, columns = windows
    numbers = [np.searchsorted(tiling.rows, rows) // shape[0], np.searchsorted(tiling.columns, columns) // shape[1]]
    tile = numbers[0] * tiling.columns.size + numbers[1]
    for number in np.unique(tile):
        mine = tile == number
        yield rows[mine], columns[mine]


def _tokens(
    network: ConditionalNeuralProcess, day: Day, source: Source, latitude: NDArray, longitude: NDArray, depth: float
) -> Tensor:
    """Tokens of one source for windows about centres that lie near each other, (B, latent, width)."""
    configuration = network.configuration
    device = next(network.parameters()).device
    if not source.gridded:
        places = zip(latitude, longitude, strict=True)
        table = torch.stack([nearby(day, source, *place, depth, configuration) for place in places])
        return network.mix(source.key, network.encode_points(source.key, table.to(device)))
    rows, columns = corners(source, latitude, longitude, configuration)
    west = int(columns[np.argmin(longitude)])
    # Counted eastward from the westernmost: patches may lie on both sides of the prime meridian.
    east = (columns - west) % day.grids[source.key].shape[2]
    south = int(rows.min())
    north = rows - south
    shape = int(north.max()) + source.shape[0], int(east.max()) + source.shape[1]
    features = _features(network, day, source, (south, west), shape, depth)
    # One buffer for all: fresh memory costs more than what is copied into it.
    at_once = min(rows.size, max(1, GATHERED // (features.shape[0] * source.points)))
    cut = torch.empty((at_once, features.shape[0], *source.shape), device=features.device)
    tokens = []
    for start in range(0, rows.size, at_once):
        corner = list(zip(north[start : start + at_once].tolist(), east[start : start + at_once].tolist(), strict=True))
        for window, (i, j) in zip(cut, corner, strict=False):
            window.copy_(features[:, i : i + source.shape[0], j : j + source.shape[1]])
        tokens.append(network.mix(source.key, cut[: len(corner)].flatten(2).transpose(1, 2)))
    return torch.cat(tokens)


def _features(
    network: ConditionalNeuralProcess,
    day: Day,
    source: Source,
    corner: tuple[int, int],
    shape: tuple[int, int],
    depth: float,
) -> Tensor:
    """Point-wise features of a block of cells, (width, n_lat, n_lon): points last, as the linear map reads them."""
    device = next(network.parameters()).device
    features = torch.empty((network.configuration.encoder_width, *shape), device=device)
    height = max(1, STRIP // shape[1])
    for row in range(0, shape[0], height):
        size = min(height, shape[0] - row), shape[1]
        points = patch(day, source, corner[0] + row, corner[1], size, depth, network.configuration).to(device)
        made = network.encode_points(source.key, points)
        features[:, row : row + size[0]] = made.T.reshape(-1, *size)
    return features
