"""The answer of a network on a grid of any size: tile by tile, blended."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adaf_xr.models.fourdvarnet.configuration import Configuration
from adaf_xr.models.fourdvarnet.network import Inversion
from adaf_xr.models.fourdvarnet.scene import Scene
from adaf_xr.models.fourdvarnet.tiles import Cuts
from adaf_xr.models.fourdvarnet.window import Window

Tile = tuple[NDArray[np.intp], NDArray[np.intp]]
"""Rows and columns of a tile."""


def blended(network: Inversion, scene: Scene, tile: int, wanted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Sea surface height and currents of the analysed day.

    Parameters
    ----------
    network : Inversion
        On any device, in evaluation mode.
    scene : Scene
        The window.
    tile : int
        Cells along the side of a tile; a grid that is hardly larger is one tile.
    wanted : bool array (rows, columns)
        Where the answer matters: tiles without any of these cells are left out.

    Returns
    -------
    float64 array (3, rows, columns), or (1, rows, columns) of a network without currents
        Without units. Where nothing was observed in a whole tile the height is the interpolated one, and currents, as
        the height of a network that sees none, are missing.
    """
    configuration, sea = network.configuration, scene.sea & wanted
    fields = np.zeros((1 if configuration.state == "direct" else 3, *sea.shape))
    # Currents that are missing in one of several tiles leave their weight to the others.
    weights = np.zeros(fields.shape)
    for (rows, columns), weight in _tiles(scene, tile, configuration.multiple):
        if not sea[np.ix_(rows, columns)].any():
            continue
        found = _of_tile(network, scene, (rows, columns))
        known = np.isfinite(found)
        place = np.ix_(np.arange(len(fields)), rows, columns)
        fields[place] += np.where(known, found, 0.0) * weight
        weights[place] += known * weight
    return np.divide(fields, weights, out=np.full(fields.shape, np.nan), where=weights > 0.0)


def _tiles(scene: Scene, tile: int, multiple: int) -> Iterator[tuple[Tile, NDArray[np.float64]]]:
    """Every tile of a grid with its weights."""
    down = Cuts.of(scene.sea.shape[0], tile, multiple)
    across = Cuts.of(scene.sea.shape[1], tile, multiple, scene.periodic)
    for i in range(len(down.starts)):
        for j in range(len(across.starts)):
            yield (down.cells(i), across.cells(j)), np.outer(down.weights(i), across.weights(j))


def _of_tile(network: Inversion, scene: Scene, tile: Tile) -> NDArray[np.float64]:
    """What a network says of the analysed day, (fields, rows, columns)."""
    device = next(network.parameters()).device

    def cut(field: NDArray[np.float32] | None) -> Tensor | None:
        return None if field is None else torch.from_numpy(field[np.ix_(np.arange(len(field)), *tile)][None]).to(device)

    ssh = cut(scene.ssh)
    assert ssh is not None
    if not torch.isfinite(ssh).any():
        return _unobserved(scene, tile, network.configuration)
    answer = network(Window(ssh, cut(scene.oi), cut(scene.sst)))[-1]
    parts = [part[0, scene.day] for part in (answer.ssh, answer.u, answer.v) if part is not None]
    return torch.stack(parts).cpu().double().numpy()


def _unobserved(scene: Scene, tile: Tile, known: Configuration) -> NDArray[np.float64]:
    """What there is to say without an observation."""
    rows, columns = tile
    missing = np.full((rows.size, columns.size), np.nan)
    oi = missing if scene.oi is None else scene.oi[scene.day][np.ix_(rows, columns)].astype("f8")
    return np.stack([oi] if known.state == "direct" else [oi, missing, missing])
