"""Coarse fields in, finer ones out, lazily."""

from __future__ import annotations

from typing import Any, TypeVar

import dask.array as da
import numpy as np
import xarray as xr
from dask.base import tokenize

from adaf_xr import cf, ocean_mask
from adaf_xr.cf.missing import Missing, missing_values
from adaf_xr.cf.missing import mask as mask_missing
from adaf_xr.cf.names import term_of
from adaf_xr.cf.units import refuse_packed
from adaf_xr.grids import nest, nest_latitude
from adaf_xr.inference import attributes
from adaf_xr.inference.notices import warn_if_large
from adaf_xr.inference.refiners import Choice, Refiners, told
from adaf_xr.inference.targets import is_coarser_than_mask
from adaf_xr.lattice import unroll
from adaf_xr.models.base import UpsamplingModel

Gridded = TypeVar("Gridded", xr.Dataset, xr.DataArray)


def upsample(
    obj: Gridded,
    factor: int = 4,
    *,
    model: Any = None,
    keep_means: bool = False,
    mask: xr.DataArray | None = None,
    device: str | None = None,
) -> Gridded:
    """Fields on a grid `factor` times finer, lazily: 1 degree to 0.25 degrees by default.

    Parameters
    ----------
    obj : Dataset or DataArray
        Fields on a regular latitude-longitude grid. Variables without both horizontal dimensions pass unchanged;
        flags, codes and dates are repeated, for nothing lies between two of them.
    factor : int
        Cells nested in each coarse cell, along each direction.
    model : str, path or object, optional
        Name of an engine; path or URL of a checkpoint; or any object that meets
        :class:`adaf_xr.models.base.UpsamplingModel`. Default: each field by the first engine of
        :data:`adaf_xr.inference.engines.UPSAMPLING_DEFAULT` that is made for its quantity, its spacing and this
        factor; the `history` of a Dataset names them.
    keep_means : bool
        Whether the area-weighted mean of the fine sea cells must equal the coarse value.
    mask : DataArray of bool, optional
        True on sea, on the fine grid. Default: where the coarse field has values, refined by the shipped 0.25 degree
        ocean mask if the field has land at all.
    device : str, optional
        Where the model computes.

    Returns
    -------
    Dataset or DataArray
        The kind, names, attributes and leading dimensions of the input; one dask chunk per leading chunk.

    Examples
    --------
    >>> coarse = xr.DataArray(
    ...     np.full((3, 4), 7.0), dims=("latitude", "longitude"),
    ...     coords={"latitude": [-1.0, 0.0, 1.0], "longitude": [10.0, 11.0, 12.0, 13.0]},
    ... )
    >>> fine = upsample(coarse, 2)
    >>> fine.shape, fine.latitude.values[:2].tolist(), float(fine.mean())
    ((6, 8), [-1.25, -0.75], 7.0)
    """
    if isinstance(factor, bool) or not isinstance(factor, int | np.integer) or factor < 1:
        raise ValueError(f"factor={factor!r}: give a whole number of cells, 1 or more")
    factor = int(factor)
    refiners = Refiners(model, device)
    if isinstance(obj, xr.DataArray):
        name = obj.name if obj.name is not None else "field"
        choice = _choice(obj.to_dataset(name=name), name, factor, refiners)
        return _upsample_array(obj.rename(name), factor, choice.engine, keep_means, mask).rename(obj.name)
    gridded = {name for name, da_ in obj.data_vars.items() if _axes(obj, da_) is not None}
    if not gridded:
        raise cf.errors.StructureError(
            f"no variable of {sorted(map(str, obj.data_vars))} has 1-D latitude and longitude dimensions to refine"
        )
    choices = {name: _choice(obj, name, factor, refiners) for name in obj.data_vars if name in gridded}
    fine = {name: _upsample_array(obj[name], factor, c.engine, keep_means, mask) for name, c in choices.items()}
    rest = [name for name in obj.data_vars if name not in gridded and not _touches(obj, name, gridded)]
    result = obj[rest].assign(fine)[[n for n in obj.data_vars if n in gridded or n in rest]]
    did = f"upsample(factor={factor}, keep_means={keep_means})"
    made = told((str(name), choice) for name, choice in choices.items() if _is_quantity(obj[name]))
    return result.assign_attrs({**obj.attrs, **attributes.of_dataset(obj.attrs, *made, did)})


def _choice(ds: xr.Dataset, name: Any, factor: int, refiners: Refiners) -> Choice:
    """The engine of one variable."""
    axes, term = _axes(ds, ds[name]), term_of(ds, name)
    spacing = 0.0 if axes is None else float(np.abs(np.diff(axes[0].values[:2])).sum())
    return refiners.of(term.name if term else None, factor, spacing)


def _touches(ds: xr.Dataset, name: Any, gridded: set) -> bool:
    """Whether a variable (cell bounds, say) lies on a horizontal dimension that changes its size."""
    changing = {axis.dims[0] for g in gridded for axis in _axes(ds, ds[g]) or ()}
    return bool(changing & set(ds[name].dims))


def _axes(ds: xr.Dataset, field: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray] | None:
    """Latitude and longitude where both are 1-D dimensions of the field."""
    lat, lon = (cf.coordinate(ds, field, role) for role in ("latitude", "longitude"))
    if lat is None or lon is None or lat.ndim != 1 or lon.ndim != 1 or lat.dims == lon.dims:
        return None
    return (lat, lon) if {*lat.dims, *lon.dims} <= set(field.dims) else None


def _upsample_array(
    field: xr.DataArray, factor: int, engine: UpsamplingModel, keep_means: bool, mask: xr.DataArray | None
) -> xr.DataArray:
    """One variable."""
    axes = _axes(field.to_dataset(name="field"), field)
    if axes is None:
        raise cf.errors.StructureError(
            f"{field.name!r} has no 1-D latitude and longitude dimensions (it has {field.dims}): regrid it to a "
            "rectilinear grid first, for example with xarray-regrid"
        )
    (row,), (column,) = axes[0].dims, axes[1].dims
    lat = axes[0].values
    order, lon = unroll(axes[1].values)
    if not np.array_equal(order, np.arange(order.size)):
        field = field.isel({column: order})
    fine_lat, fine_lon = nest_latitude(lat, factor), nest(lon, factor)
    if field.chunks is None:
        warn_if_large(field.nbytes, f"{field.name!r}")
    leading = [d for d in field.dims if d not in (row, column)]
    coords = {name: c for name, c in field.coords.items() if row not in c.dims and column not in c.dims}
    coords |= {axes[0].name: (row, fine_lat, axes[0].attrs), axes[1].name: (column, fine_lon, axes[1].attrs)}
    if not _is_quantity(field):
        nearest = {d: np.repeat(np.arange(field.sizes[d]), factor) for d in (row, column)}
        return xr.DataArray(field.variable.isel(nearest), coords, field.dims, field.name, field.attrs)
    ordered = field.transpose(*leading, row, column).chunk({row: -1, column: -1})
    how = {"factor": factor, "engine": engine, "keep_means": keep_means}
    how |= {"missing": missing_values(field), "refine": mask is None and is_coarser_than_mask(lat)}
    data = _blocks(ordered.data, _sea(mask, fine_lat, fine_lon, (row, column)), lat, lon, **how)
    return xr.DataArray(data, coords, ordered.dims, field.name, field.attrs).transpose(*field.dims)


def _is_quantity(field: xr.DataArray) -> bool:
    """Whether values between two values mean something; flags, codes, booleans and dates are repeated instead."""
    refuse_packed(field)
    return field.dtype.kind == "f" and not {"flag_values", "flag_meanings", "flag_masks"} & set(field.attrs)


def _sea(mask: xr.DataArray | None, lat: np.ndarray, lon: np.ndarray, dims: tuple) -> np.ndarray | da.Array | None:
    """The user's mask as an array, after a look at its shape."""
    if mask is None:
        return None
    if mask.shape != (lat.size, lon.size):
        raise ValueError(
            f"mask has shape {mask.shape}, and the fine grid ({lat.size}, {lon.size}): give it on the output grid, "
            "for example mask.interp(..., method='nearest')"
        )
    return mask.transpose(*dims).data if set(mask.dims) == set(dims) else mask.data


def _blocks(field: da.Array, sea: Any, lat: np.ndarray, lon: np.ndarray, **how: Any) -> da.Array:
    """Upsample block by block; every block holds the whole horizontal extent."""
    index = (*range(2, field.ndim), 0, 1)
    # The mask has the fine shape: letters of its own keep dask from comparing it with the coarse one.
    mask = () if sea is None else (da.asarray(sea).rechunk(-1), (-1, -2))
    factor = how["factor"]
    token = tokenize(field.name, sea, lat, lon, how)
    return da.blockwise(
        _upsample_block, index, field, index, *mask, latitude=lat, longitude=lon, **how, concatenate=True,
        adjust_chunks={0: lambda n: n * factor, 1: lambda n: n * factor}, dtype=field.dtype, align_arrays=False,
        meta=np.empty((0,) * field.ndim, field.dtype), name="adaf-upsample-" + token,
    )  # fmt: skip


def _upsample_block(
    field: np.ndarray,
    sea: np.ndarray | None = None,
    *,
    latitude: np.ndarray,
    longitude: np.ndarray,
    factor: int,
    engine: UpsamplingModel,
    keep_means: bool,
    refine: bool,
    missing: Missing,
) -> np.ndarray:
    """Upsample one block, every horizontal slice by its own coast."""
    present = mask_missing(field, missing).reshape(-1, *field.shape[-2:])
    shape = (present.shape[-2] * factor, present.shape[-1] * factor)
    how: dict[str, Any] = {"latitude": latitude, "longitude": longitude, "factor": factor, "keep_means": keep_means}
    if sea is not None or not refine:
        return engine.upsample(present, sea=sea, **how).reshape(*field.shape[:-2], *shape).astype(field.dtype)
    fine = np.empty((len(present), *shape), field.dtype)
    for k, (level, coarse) in enumerate(zip(present, np.isfinite(present), strict=True)):
        # The shipped mask is about the ocean: a field without land, such as wind, is left whole.
        inside = None if coarse.all() else _nested(coarse, factor) & _ocean(latitude, longitude, factor)
        fine[k] = engine.upsample(level, sea=inside, **how)
    return fine.reshape(*field.shape[:-2], *shape)


def _nested(coarse: np.ndarray, factor: int) -> np.ndarray:
    """Fine cells whose coarse cell is in the mask."""
    return np.repeat(np.repeat(coarse, factor, axis=0), factor, axis=1)


def _ocean(latitude: np.ndarray, longitude: np.ndarray, factor: int) -> np.ndarray:
    """The shipped ocean mask on the fine grid."""
    return ocean_mask.sea(nest_latitude(latitude, factor), nest(longitude, factor))
