"""From one division of coarse cells into parts to another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def resampled(fine: NDArray, before: int, after: int) -> NDArray[np.float64]:
    """Means over `after` x `after` equal parts of each coarse cell, from values on `before` x `before` parts.

    Parameters
    ----------
    fine : array (n_lat * before, n_lon * before)
    before, after : int
        Parts along a side of a coarse cell.

    Returns
    -------
    float64 array (n_lat * after, n_lon * after)

    Examples
    --------
    >>> resampled(np.array([[0.0, 2.0], [0.0, 2.0]]), 2, 1).tolist()
    [[1.0]]
    >>> resampled(np.array([[3.0]]), 1, 2).tolist()
    [[3.0, 3.0], [3.0, 3.0]]
    """
    if before == after:
        return fine.astype("f8")
    shares = _overlap(before, after)
    n_lat, n_lon = (size // before for size in fine.shape)
    blocks = fine.reshape(n_lat, before, n_lon, before)
    return np.einsum("pa,iajb,qb->ipjq", shares, blocks, shares, optimize=True).reshape(n_lat * after, n_lon * after)


def _overlap(before: int, after: int) -> NDArray[np.float64]:
    """Share of each of `after` equal parts of a line that lies in each of `before` ones, (after, before).

    Examples
    --------
    >>> _overlap(4, 2).tolist()
    [[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]]
    """
    edges, cuts = np.arange(before + 1) / before, np.arange(after + 1) / after
    low, high = np.maximum(edges[:-1], cuts[:-1, None]), np.minimum(edges[1:], cuts[1:, None])
    return np.maximum(high - low, 0.0) * after
