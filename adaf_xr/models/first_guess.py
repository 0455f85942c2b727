"""The background where an analysis is wanted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from adaf_xr import grids
from adaf_xr.models.base import Background, Targets


def at_targets(values: NDArray, background: Background, targets: Targets) -> NDArray[np.float64]:
    """A field of the background at the targets, bilinear.

    Parameters
    ----------
    values : array (n_lat, n_lon) or (n_depth, n_lat, n_lon)
        On the grid of the background.
    background : Background
    targets : Targets

    Returns
    -------
    float64 array (levels, *targets.shape)
        One level for a field without depth. NaN on land, of the background or of the targets.

    Examples
    --------
    >>> ramp = np.array([[0.0, 1.0], [2.0, 3.0]])
    >>> background = Background(np.array([0.0, 1.0]), np.array([0.0, 1.0]), np.empty(0), {"zos": ramp})
    >>> at_targets(ramp, background, Targets(np.array([0.5]), np.array([0.0, 0.5]))).tolist()
    [[[1.0, 1.5]]]
    """
    bring = grids.regrid if targets.gridded else grids.sample
    found = bring(values, background.latitude, background.longitude, targets.latitude, targets.longitude)
    found = found.reshape(-1, *targets.shape)
    if targets.sea is not None:
        found[:, ~targets.sea] = np.nan
    return found
