"""Where a call wants its analysis: the `grid` and `region` arguments as coordinates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import xarray as xr

from adaf_xr import cf, ocean_mask
from adaf_xr.grids import locate_latitude, locate_longitude
from adaf_xr.lattice import Region, cut, output_axes
from adaf_xr.models.base import Targets

CELLS_PER_CHUNK = 2**24
"""Largest number of cells in one output chunk; 0.25 degrees on the globe has 2**20."""


@dataclass(frozen=True)
class TargetGrid:
    """Coordinates of the result.

    Attributes
    ----------
    latitude, longitude : float64 array
        Axes of a grid, or positions of points on the dimension `points`.
    points : str or None
        The dimension of points; None for a grid.
    refine : bool
        Whether the shipped ocean mask decides about land beside the background.
    """

    latitude: np.ndarray
    longitude: np.ndarray
    points: str | None = None
    refine: bool = False

    @property
    def dims(self) -> tuple[str, ...]:
        """Horizontal dimensions of the result."""
        return (self.points,) if self.points else ("latitude", "longitude")

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes along `dims`."""
        return (self.latitude.size,) if self.points else (self.latitude.size, self.longitude.size)

    def bands(self) -> tuple[int, ...]:
        """Numbers of rows per output chunk: all, unless the grid is larger than `CELLS_PER_CHUNK`."""
        rows = self.shape[0]
        if self.points:
            return (rows,)
        size = max(1, min(rows, CELLS_PER_CHUNK // max(1, self.longitude.size)))
        # Whole multiples of 64 can be stored in shards of round chunks.
        size -= size % 64 if 64 <= size < rows else 0
        return tuple(min(size, rows - start) for start in range(0, rows, size))

    def band(self, start: int, stop: int) -> TargetGrid:
        """The rows of one output chunk."""
        if self.points:
            return self
        return replace(self, latitude=self.latitude[start:stop])

    def targets(self) -> Targets:
        """What a model gets: the land of the shipped mask is not worth computing."""
        gridded = self.points is None
        sea = None
        if self.refine:
            look = ocean_mask.sea if gridded else ocean_mask.sea_at
            sea = look(self.latitude, self.longitude)
        return Targets(self.latitude, self.longitude, gridded, sea)


def choose(background: xr.Dataset, grid: Any, spacing: float, region: Region | None) -> TargetGrid:
    """Resolve the arguments of a call.

    Parameters
    ----------
    background : Dataset
        Canonical background.
    grid : None, float, Dataset or mapping
        None: `spacing`; a number: degrees; else something with `latitude` and `longitude`.
    spacing : float
        The model's own [degrees].
    region : (west, east, south, north), optional
        Part of the grid.
    """
    lat, lon = background.latitude.values, background.longitude.values
    coarse = is_coarser_than_mask(lat, lon)
    if grid is None or isinstance(grid, int | float | np.number):
        axes = output_axes(lat, lon, float(spacing if grid is None else grid))
    else:
        given = _given(grid)
        _refuse_outside(given, lat, lon)
        if given.points:
            return replace(given, refine=coarse)
        axes = (given.latitude, given.longitude)
    if region is not None:
        axes = cut(*axes, _checked(region))
    return TargetGrid(*axes, refine=coarse)


def is_coarser_than_mask(*axes: np.ndarray) -> bool:
    """Whether the shipped mask knows more of the coast than fields on these axes."""
    return all(a.size > 1 and float(np.median(np.abs(np.diff(a)))) > ocean_mask.SPACING * 1.001 for a in axes)


def _checked(region: Any) -> Region:
    """Four finite numbers, south below north."""
    try:
        west, east, south, north = (float(bound) for bound in region)
    except (TypeError, ValueError):
        raise ValueError(f"region={region!r} is not (west, east, south, north) in degrees") from None
    if not south < north or not np.isfinite([west, east]).all():
        raise ValueError(f"region={region!r}: the order is (west, east, south, north), with south below north")
    return west, east, south, north


def _given(grid: Any) -> TargetGrid:
    """Axes or positions that the user brings."""
    if not isinstance(grid, Mapping | xr.Dataset | xr.DataArray):
        raise TypeError(
            f"grid={grid!r} is neither a spacing in degrees nor something with latitude and longitude: "
            'give 0.25, a Dataset, or {"latitude": [...], "longitude": [...]}'
        )
    found = {role: _axis(grid, role) for role in ("latitude", "longitude")}
    for role, axis in found.items():
        values = np.asarray(axis, dtype="f8")
        if values.ndim != 1 or not values.size or not np.isfinite(values).all():
            raise ValueError(
                f"{role} of the grid must be 1-D, not empty and without missing values, as the axes of a grid or the "
                f"positions of points are; it has shape {values.shape}"
            )
    dims = {getattr(axis, "dims", None) for axis in found.values()}
    shared = dims.pop() if len(dims) == 1 else None
    latitude, longitude = (np.asarray(axis, dtype="f8") for axis in found.values())
    return TargetGrid(latitude, longitude, str(shared[0]) if shared else None)


def _axis(grid: Any, role: Literal["latitude", "longitude"]) -> Any:
    """The coordinate of a mapping by its name, of a dataset by the conventions."""
    if isinstance(grid, xr.Dataset | xr.DataArray):
        ds = grid.to_dataset(name="grid") if isinstance(grid, xr.DataArray) else grid
        variables = [ds[name] for name in ds.data_vars] or [
            xr.DataArray(np.zeros(tuple(ds.sizes.values())), dims=ds.dims)
        ]
        axis = next((a for v in variables if (a := cf.coordinate(ds, v, role)) is not None), None)
    else:
        axis = next((grid[key] for key in (role, role[:3]) if key in grid), None)
    if axis is None:
        raise ValueError(f"the grid has no {role!r}: it holds {sorted(map(str, getattr(grid, 'variables', grid)))}")
    return axis


def _refuse_outside(target: TargetGrid, latitude: np.ndarray, longitude: np.ndarray) -> None:
    """A grid that the background does not touch would give nothing but missing values."""
    inside = [locate_latitude(latitude, target.latitude).inside, locate_longitude(longitude, target.longitude).inside]
    if np.abs(target.latitude).max() > 90.0 or not (inside[0].any() and inside[1].any()):
        raise ValueError(
            f"the grid spans {target.latitude.min():g} to {target.latitude.max():g} degrees north and "
            f"{target.longitude.min():g} to {target.longitude.max():g} degrees east, and the background "
            f"{latitude.min():g} to {latitude.max():g} and {longitude.min():g} to {longitude.max():g}: "
            "they must overlap, and latitudes lie within 90 degrees"
        )
