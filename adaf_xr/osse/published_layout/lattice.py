"""The grids of the layout, whose nodes are whole multiples of a spacing, and readings averaged on them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LATITUDE = np.arange(-90.0, 91.0)
LONGITUDE = np.arange(0.0, 360.0)
"""Nodes of the fields [degrees], from the south pole and from Greenwich."""


def nodes(spacing: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Latitudes, both poles among them, and longitudes of a spacing [degrees].

    Examples
    --------
    >>> [axis.size for axis in nodes(0.25)]
    [721, 1440]
    """
    rows, columns = (np.arange(round(turn / spacing), dtype="f8") for turn in (180.0 + spacing, 360.0))
    return rows * spacing - 90.0, columns * spacing


def cells(latitude: NDArray, longitude: NDArray, spacing: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Row and column of the node nearest to each point.

    Examples
    --------
    >>> cells(np.array([-89.6, 0.4]), np.array([359.7, -0.7]), 1.0)
    (array([ 0, 90]), array([  0, 359]))
    """
    columns = round(360.0 / spacing)
    row = np.floor((latitude + 90.0) / spacing + 0.5).astype(np.intp)
    column = np.floor(np.mod(longitude, 360.0) / spacing + 0.5).astype(np.intp) % columns
    return row, column


def means(latitude: NDArray, longitude: NDArray, values: NDArray, spacing: float) -> NDArray[np.float32]:
    """Mean of the present values around each node, NaN where there is none.

    Parameters
    ----------
    latitude, longitude, values : array (...)
        Points [degrees] and what was read there; NaN is no reading.
    spacing : float
        Degrees between nodes.

    Returns
    -------
    array (n_lat, n_lon) of float32

    Examples
    --------
    >>> field = means(np.array([10.2, 9.8, 30.0]), np.array([-0.3, 0.4, 5.0]), np.array([1.0, 3.0, np.nan]), 1.0)
    >>> float(field[100, 0]), int(np.isfinite(field).sum())
    (2.0, 1)
    """
    shape = tuple(axis.size for axis in nodes(spacing))
    seen = np.isfinite(values) & np.isfinite(latitude) & np.isfinite(longitude)
    number = np.ravel_multi_index(cells(latitude[seen], longitude[seen], spacing), shape)
    count = np.bincount(number, minlength=shape[0] * shape[1])
    total = np.bincount(number, weights=values[seen], minlength=count.size)
    mean = np.divide(total, count, out=np.full(count.size, np.nan), where=count > 0)
    return mean.reshape(shape).astype("f4")
