"""Values for missing cells, so that a stencil beside land meets a smooth continuation of the sea."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_NEIGHBOURS = ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))
_WEIGHTS = np.array([1.0] * 4 + [0.5] * 4)


class Extrapolation:
    """Fills missing cells ring by ring, each with the weighted mean of its neighbours that are known by then.

    The map from fields to filled fields is linear, keeps constants, stays within the range of the values present, and
    commutes with flips and, where `periodic`, with rotations. Everything that depends on the mask alone is done once.

    Parameters
    ----------
    present : bool array (n_lat, n_lon)
        Cells that have a value; at least one.
    periodic : bool
        Whether the last column touches the first.

    Examples
    --------
    >>> Extrapolation(np.array([[True, False, True]]), periodic=False)(np.array([[1.0, np.nan, 3.0]])).tolist()
    [[1.0, 2.0, 3.0]]
    """

    def __init__(self, present: NDArray[np.bool_], periodic: bool) -> None:
        neighbours = _neighbours(present.shape, periodic)
        # One more cell than the grid has, which is never known: the neighbour of an edge cell beyond the grid.
        known = np.append(present.ravel(), False)
        self._rings: list[tuple[NDArray, NDArray, NDArray]] = []
        self._missing = np.flatnonzero(~known)
        ring = np.flatnonzero(known)
        while True:
            ring = np.unique(neighbours[ring])
            ring = ring[~known[ring] & (ring < present.size)]
            if not ring.size:
                break
            around = neighbours[ring]
            weights = _WEIGHTS * known[around]
            self._rings.append((ring, around, weights / weights.sum(axis=1, keepdims=True)))
            known[ring] = True

    def __call__(self, field: NDArray) -> NDArray[np.float64]:
        """Fields (..., n_lat, n_lon) without missing cells; those missing in the mask are not read."""
        flat = field.reshape(*field.shape[:-2], -1)
        filled = np.concatenate([flat, np.zeros((*flat.shape[:-1], 1))], axis=-1)
        filled[..., self._missing] = 0.0
        for ring, around, weights in self._rings:
            filled[..., ring] = np.einsum("...rn,rn->...r", filled[..., around], weights)
        return filled[..., :-1].reshape(field.shape)


def _neighbours(shape: tuple[int, ...], periodic: bool) -> NDArray[np.intp]:
    """Numbers of the eight neighbours of each cell, (n_cells + 1, 8); n_cells stands for "beyond the grid"."""
    n_lat, n_lon = shape
    number = np.full((n_lat + 2, n_lon + 2), n_lat * n_lon)
    number[1:-1, 1:-1] = np.arange(n_lat * n_lon).reshape(shape)
    if periodic:
        number[:, 0], number[:, -1] = number[:, -2], number[:, 1]
    around = [number[1 + j : n_lat + 1 + j, 1 + i : n_lon + 1 + i].ravel() for j, i in _NEIGHBOURS]
    return np.append(np.stack(around, axis=1), np.full((1, 8), n_lat * n_lon), axis=0)
