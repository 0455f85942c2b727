"""Sums by key: how models add up what falls into one cell, chunk by chunk."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array


def reduced(key: NDArray[np.int64], terms: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Sums of the terms of equal keys, in order of the keys.

    Parameters
    ----------
    key : int64 array (n,)
        Not negative, in any order.
    terms : float64 array (n, m)
        What to add up.

    Examples
    --------
    >>> key, sums = reduced(np.array([7, 2, 7]), np.array([[1.0], [2.0], [3.0]]))
    >>> key.tolist(), sums.tolist()
    ([2, 7], [[2.0], [4.0]])
    """
    # Stable, for parts that are in order already are merged in linear time.
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    first = np.flatnonzero(np.diff(ordered, prepend=-1))
    # A product with a matrix of ones gathers and adds in one pass, without a sorted copy of the terms.
    rows = csr_array((np.ones(key.size), order, np.append(first, key.size)), shape=(first.size, key.size))
    return ordered[first], rows @ terms
