"""Where a call wants its analysis: the `grid` and `region` arguments as coordinates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from adaf_xr import ocean_mask
from adaf_xr.lattice import Region, cut, output_axes
from adaf_xr.models.base import Targets

MASK_SPACING = 0.25
"""Spacing [degrees] of the shipped ocean mask: it knows more than a coarser background, and less than a finer one."""

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
    coarse = min(_spacing(lat), _spacing(lon)) > MASK_SPACING * 1.001
    if grid is None or isinstance(grid, int | float):
        axes = output_axes(lat, lon, float(spacing if grid is None else grid))
    else:
        given = _given(grid)
        if given.points:
            return TargetGrid(given.latitude, given.longitude, given.points, coarse)
        axes = (given.latitude, given.longitude)
    if region is not None:
        axes = cut(*axes, _checked(region))
    return TargetGrid(*axes, refine=coarse)


def _spacing(axis: np.ndarray) -> float:
    return float(np.median(np.abs(np.diff(axis)))) if axis.size > 1 else 0.0


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
    found = {}
    for role, short in (("latitude", "lat"), ("longitude", "lon")):
        keys = [key for key in (role, short) if key in (grid.coords if isinstance(grid, xr.DataArray) else grid)]
        if not keys:
            raise ValueError(f"the grid has no {role!r}: it holds {sorted(map(str, grid))}")
        found[role] = grid[keys[0]]
    dims = {getattr(axis, "dims", None) for axis in found.values()}
    values = {role: np.asarray(axis, dtype="f8") for role, axis in found.items()}
    if any(v.ndim != 1 for v in values.values()):
        raise ValueError("latitude and longitude of the grid must be 1-D: the axes of a grid, or positions of points")
    shared = dims.pop() if len(dims) == 1 else None
    return TargetGrid(**values, points=str(shared[0]) if shared else None)
