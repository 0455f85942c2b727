"""The truth on the lattice of the network's targets."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adaf_xr.models.cnp.lattices import Lattice
from adaf_xr.sphere import cell_area, cell_edges

SLACK = 1e-4
"""Share of a fine cell by which its edge may miss that of a coarse one through rounding."""


def cell_means(
    fields: NDArray[np.floating], latitude: ArrayLike, longitude: ArrayLike, lattice: Lattice
) -> NDArray[np.float32]:
    """Means over the cells of a lattice of the finer cells that nest in them.

    A coarse value is the area-weighted mean of those fine cells that have one, however few: a cell with any sea is
    sea, as :func:`adaf_xr.osse` makes its backgrounds. A field on the lattice itself stays what it is. Cells of which
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
            f"cells of {axis} of the truth do not nest in the network's of {spacing:g} degrees, the first of which is "
            f"centred on {first:g}: the one from {low[worst]:g} to {high[worst]:g} lies in two. Set model.phase (node: "
            "cells centred on whole degrees, cell: between them), or regrid the truth"
        )
    return start
