"""Which dimensions of a field are horizontal, and how much of the Earth its cells cover."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from adaf_xr import cf
from adaf_xr.lattice import unroll
from adaf_xr.sphere import cell_area

Weights = Literal["area"] | xr.DataArray | None
"""What a cell counts for: its area, something else, or as much as any other."""


def axes(field: xr.DataArray) -> list[xr.DataArray]:
    """Latitude and longitude of a field: two 1-D axes of a grid, or two coordinates on the dimension of points."""
    ds = field.to_dataset(name="field")
    found = [cf.coordinate(ds, field, "latitude"), cf.coordinate(ds, field, "longitude")]
    return [axis for axis in found if axis is not None and axis.ndim]


def dimensions(field: xr.DataArray) -> list[Hashable]:
    """Horizontal dimensions of a field, or the dimension of points.

    Examples
    --------
    >>> import numpy as np
    >>> lat, lon = ("latitude", [0.5, 1.5]), ("longitude", [0.5, 1.5])
    >>> dimensions(xr.DataArray(np.zeros((1, 2, 2)), {"time": [0], "latitude": lat, "longitude": lon},
    ...                         ("time", "latitude", "longitude")))
    ['latitude', 'longitude']
    """
    found = list(dict.fromkeys(d for axis in axes(field) for d in axis.dims))
    if not found:
        raise ValueError(
            f"{field.name!r} has no latitude and longitude on its dimensions {field.dims}: name those to average over, "
            "dim=..., or assign the coordinates"
        )
    return found


def weights_of(field: xr.DataArray, weights: Weights) -> xr.DataArray:
    """Resolve the argument `weights` for one field; points have no area, and count alike."""
    if isinstance(weights, xr.DataArray):
        return weights
    if weights is None:
        return xr.DataArray(1.0)
    if not is_area(weights):
        what = repr(weights) if isinstance(weights, str) else f"a {type(weights).__name__}"
        raise ValueError(f'weights is {what}: give "area", None, or a DataArray')
    found = axes(field)
    if len(found) != 2:
        raise ValueError(
            f"{field.name!r} has no latitude and longitude to tell the area of a cell from: weights=None counts all "
            "cells alike"
        )
    lat, lon = found
    if lat.ndim == lon.ndim == 1 and lat.dims == lon.dims:
        return xr.DataArray(1.0)
    if lat.ndim > 1 or lon.ndim > 1:
        raise ValueError(f"{field.name!r} lies on a curvilinear grid: pass the area of its cells, weights=...")
    # Bare values: the coordinates of the field label the result, and coordinates are not multiplied.
    return xr.DataArray(_area(lat.values, lon.values), dims=(*lat.dims, *lon.dims))


def is_area(weights: Weights) -> bool:
    """Whether cells count by their area; arrays would compare element by element."""
    return isinstance(weights, str) and weights == "area"


def _area(latitude: NDArray, longitude: NDArray) -> NDArray[np.float64]:
    """Area of cells [km2] in the order of the axes; longitudes may jump at the seam of their convention."""
    if min(latitude.size, longitude.size) < 2:
        raise ValueError(
            "the edges of a single row or column of cells are unknown, and so is their area: pass it, weights=..., or "
            "count all cells alike, weights=None"
        )
    step = np.diff(latitude)
    if not (np.all(step > 0) or np.all(step < 0)):
        raise ValueError("the latitudes are not in order, so cells have no edges: put them in order, .sortby")
    order, values = unroll(longitude)
    area = np.empty((latitude.size, longitude.size))
    area[:, order] = cell_area(latitude, values)
    return area
