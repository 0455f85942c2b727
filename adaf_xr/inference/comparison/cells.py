"""The cells that fields on latitude-longitude grids share, found without interpolation unless asked for."""

from __future__ import annotations

import numpy as np
import xarray as xr

from adaf_xr import grids
from adaf_xr.lattice import Region, cut
from adaf_xr.sphere import wrap_longitude

AXES = ("latitude", "longitude")

_SAME = 0.01
"""Share of a cell by which two coordinates of the same place may differ."""


def ascending(ds: xr.Dataset) -> xr.Dataset:
    """Latitude ascending."""
    return ds if ds.latitude[0] < ds.latitude[-1] else ds.isel(latitude=slice(None, None, -1))


def _turned(ds: xr.Dataset, start: float) -> xr.Dataset:
    """Longitude ascending from `start`."""
    lon = wrap_longitude(ds.longitude.values, start)
    order = np.argsort(lon, kind="stable")
    ordered = ds if np.array_equal(order, np.arange(order.size)) else ds.isel(longitude=order)
    return ordered.assign_coords(longitude=("longitude", lon[order], ds.longitude.attrs))


def cut_out(ds: xr.Dataset, region: Region | None) -> xr.Dataset:
    """The cells whose centres lie in a region; longitude ascends across the seam of its convention."""
    if region is None:
        return ds
    west, _, south, north = region
    if not south < north:
        raise ValueError(f"region={region!r}: the order is (west, east, south, north), with south below north")
    lat, lon = cut(ds.latitude.values, ds.longitude.values, region)
    if min(lat.size, lon.size) < 2:
        raise ValueError(f"region {region} holds {lat.size} × {lon.size} cells of the truth: two a side are the least")
    return _turned(ds.sel(latitude=lat, longitude=lon), west - 1e-6)


def common(
    truth: xr.Dataset, fields: dict[str, xr.Dataset], regrid: bool, notes: list[str]
) -> tuple[xr.Dataset, dict[str, xr.Dataset]]:
    """The cells of the truth that all have, those that are interpolated apart."""
    start = truth.longitude.values[0] - 0.5 * np.diff(truth.longitude.values).min()
    cells = {axis: np.arange(truth.sizes[axis]) for axis in AXES}
    placed = {}
    for name, ds in fields.items():
        moved = _turned(ds, start)
        pairs = {axis: _shared(truth[axis].values, moved[axis].values) for axis in cells}
        ours, theirs = ({axis: pair[side] for axis, pair in pairs.items() if pair} for side in (0, 1))
        if len(ours) == len(cells):
            labels = {axis: truth[axis].isel({axis: i}) for axis, i in ours.items()}
            placed[name] = moved.isel(theirs).assign_coords(labels)
            cells = {axis: np.intersect1d(cells[axis], i) for axis, i in ours.items()}
        elif regrid:
            placed[name] = _regridded(ds, truth)
            notes.append(f"{name} is interpolated bilinearly, from {_grid(ds)} to {_grid(truth)}")
        else:
            raise ValueError(
                f"the grids differ: {name} lies on {_grid(ds)}, the truth on {_grid(truth)}; bring it to the grid of "
                "the truth before, or ask for a bilinear interpolation with --regrid (regrid=True)"
            )
    if min(i.size for i in cells.values()) < 2:
        raise ValueError(f"the truth and {', '.join(fields)} have no cells in common")
    whole, chosen = (truth.sizes["latitude"], truth.sizes["longitude"]), tuple(i.size for i in cells.values())
    if chosen != whole:
        notes.append("all are scored on {} × {} cells that all have, of {} × {}".format(*chosen, *whole))
    truth = truth.isel(cells)
    box = {axis: truth[axis].values for axis in cells}
    return truth, {name: ds.sel(box) for name, ds in placed.items()}


def _shared(ours: np.ndarray, theirs: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Positions on two ascending axes of the coordinates that are the same; None where the axes are unlike."""
    slack = _SAME * np.diff(ours).min()
    at = np.clip(np.searchsorted(ours, theirs - slack), 0, ours.size - 1)
    hit = np.abs(ours[at] - theirs) <= slack
    inside = (theirs >= ours[0] - slack) & (theirs <= ours[-1] + slack)
    if hit.sum() < 2 or (inside & ~hit).any():
        return None
    # Every other cell of ours is no common grid either: that would thin the truth unasked.
    return (at[hit], np.flatnonzero(hit)) if np.median(np.diff(at[hit])) == 1 else None


def _grid(ds: xr.Dataset) -> str:
    """A grid in words."""
    lat, lon = ds.latitude.values, ds.longitude.values
    high, wide = (f"{float(np.median(np.abs(np.diff(axis)))):.4g}°" for axis in (lat, lon))
    spacing = high if high == wide else f"{high} × {wide}"
    return f"{spacing} ({lat.size} × {lon.size} cells from {lat.min():.6g} N, {lon[0]:.6g} E)"


def _regridded(ds: xr.Dataset, truth: xr.Dataset) -> xr.Dataset:
    """Fields at the cells of the truth, lazily; bilinear, periodic where the grid is."""
    target = {axis: truth[axis].values for axis in AXES}

    def at_truth(values: np.ndarray) -> np.ndarray:
        return grids.regrid(values, *(ds[axis].values for axis in AXES), *target.values()).astype(values.dtype)

    def place(da: xr.DataArray) -> xr.DataArray:
        return xr.apply_ufunc(
            at_truth, da.chunk(dict.fromkeys(AXES, -1)) if da.chunks else da,
            input_core_dims=[AXES], output_core_dims=[AXES], exclude_dims=set(AXES), dask="parallelized",
            output_dtypes=[da.dtype], dask_gufunc_kwargs={"output_sizes": {a: t.size for a, t in target.items()}},
            keep_attrs=True,
        ).assign_coords({axis: truth[axis] for axis in AXES})  # fmt: skip

    return xr.Dataset({name: place(da) for name, da in ds.data_vars.items()}, attrs=ds.attrs)
