"""Parts of the ocean by name."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from adaf_xr.lattice import Region, width, within
from adaf_xr.metrics.horizontal import axes
from adaf_xr.metrics.pairing import matched

Regions = Mapping[str, Region | xr.DataArray]
"""By name boxes (west, east, south, north) in degrees, across the date line too, or masks, zero or missing outside."""

EDGE = 1e-6
"""Degrees by which a centre may miss the edge of a box for rounding."""


def masks(field: xr.DataArray, regions: Regions) -> xr.DataArray:
    """One where a place lies in a region, else zero; dimension ``region``.

    A cell belongs to a box that its centre lies in, edges included, as in :func:`adaf_xr.lattice.cut`.

    Raises
    ------
    ValueError
        Where a region holds no cell of the field, or the field has no positions.

    Examples
    --------
    >>> import numpy as np
    >>> x = xr.DataArray(np.zeros((2, 4)), {"lat": [10, 20], "lon": [-175, -5, 5, 175]}, ("lat", "lon"))
    >>> masks(x, {"date line": (170, -170, 0, 30)}).sum().item()
    4.0
    """
    if not regions:
        raise ValueError('regions is empty: give boxes by name, such as {"Gulf Stream": (-65, -55, 33, 43)}')
    if "region" in field.dims:
        raise ValueError(f"{field.name!r} has a dimension 'region' already: rename it, .rename(region=...)")
    parts = [_mask(field, name, region) for name, region in regions.items()]
    names = xr.DataArray(list(map(str, regions)), dims="region", name="region")
    return xr.concat(parts, names, coords="minimal", compat="override", join="override")


def _mask(field: xr.DataArray, name: str, region: Region | xr.DataArray) -> xr.DataArray:
    """The mask of one region."""
    if isinstance(region, xr.DataArray):
        mask = matched(field, region.reset_coords(drop=True), f"the mask of {name!r}")
        # Missing is outside: masks are often made with .where, and as a truth value NaN is true.
        mask = mask.astype(bool) & mask.notnull()
    else:
        mask = _box(field, name, region)
    if not mask.chunks and not mask.any():
        raise ValueError(
            f"the region {name!r} holds no cell of {field.name!r}: check its bounds (west, east, south, north), or "
            "leave it out"
        )
    return mask.astype("f8").rename(None)


def _box(field: xr.DataArray, name: str, region: Region) -> xr.DataArray:
    """Cells with their centre in a box."""
    found = axes(field)
    if len(found) != 2:
        raise ValueError(f"{field.name!r} has no latitude and longitude: the region {name!r} cannot be found on it")
    if np.shape(region) != (4,):
        raise ValueError(
            f"the region {name!r} is of shape {np.shape(region)}: give (west, east, south, north), or a DataArray"
        )
    if not region[2] <= region[3] or width(region) == 0.0:
        raise ValueError(f"the region {name!r} is {region}: give (west, east, south, north), south below north")
    latitude, longitude = (axis.reset_coords(drop=True) for axis in found)
    return within(region, latitude, longitude, EDGE, EDGE)
