"""The background of a call: canonical fields at the analysis times, as one lazy scene per time."""

from __future__ import annotations

from itertools import chain
from typing import Any

import dask
import dask.array as da
import numpy as np
import pandas as pd
import xarray as xr
from dask.base import tokenize

from adaf_xr.fields import canonical
from adaf_xr.inference.encoding import Scene, in_cell
from adaf_xr.inference.notices import warn_if_large
from adaf_xr.instants import as_times
from adaf_xr.models.base import Background


def prepare(background: xr.Dataset | xr.DataArray, time: Any) -> xr.Dataset:
    """Canonical background at the analysis times, one dask chunk per time.

    Raises
    ------
    ValueError
        Where no time is known, or one outside the background's is wanted.
    """
    ds = canonical(background)
    if not any(dask.is_dask_collection(v.data) for v in ds.data_vars.values()):
        warn_if_large(sum(v.nbytes for v in ds.data_vars.values()), "background")
    at = _at_times(ds, time)
    order = [d for d in ("time", "depth", "latitude", "longitude") if d in at.dims]
    return at.transpose(*order).chunk({d: 1 if d == "time" else -1 for d in order})


def whole(background: xr.Dataset | xr.DataArray, first: xr.Dataset) -> xr.Dataset:
    """All times of the background of which `first` are some; one without times has no others."""
    return prepare(background, None) if "time" in canonical(background).dims else first


def _at_times(ds: xr.Dataset, time: Any) -> xr.Dataset:
    """Select, interpolate or assign the analysis times."""
    if "time" not in ds.coords:
        if time is None:
            raise ValueError(
                "the background has no time coordinate, so the analysis time is unknown: give time=..., or assign it "
                "with background.assign_coords(time=...)"
            )
        return ds.expand_dims(time=as_times(time))
    if "time" not in ds.dims:
        ds = ds.expand_dims("time")
    known = ds.time.values
    if np.isnat(known).any() or np.any(np.diff(known) <= np.timedelta64(0)):
        raise ValueError(
            "the times of the background are missing, repeated or not in ascending order: "
            "background.dropna('time').sortby('time').drop_duplicates('time') puts them right"
        )
    fixed = [name for name in ds.data_vars if "time" not in ds[name].dims]
    ds = ds.assign({name: ds[name].expand_dims(time=ds.time) for name in fixed})
    return ds if time is None else _select(ds, time)


def _select(ds: xr.Dataset, time: Any) -> xr.Dataset:
    """The background at given times: its own where they match, else linear in time between its neighbours."""
    if isinstance(time, slice):
        chosen = ds.sel(time=time)
        if not chosen.sizes["time"]:
            raise ValueError(
                f"the background has no time in {time}: it has {ds.time.values[0]} to {ds.time.values[-1]}"
            )
        return chosen
    wanted = as_times(time)
    if isinstance(time, str) and not pd.Timestamp(time).tz:
        # A partial date such as "2020-01-02" means the background's times of that day, as everywhere in xarray.
        of_that_day = ds.sel(time=slice(time, time))
        return of_that_day if of_that_day.sizes["time"] else _between(ds, wanted)
    return _between(ds, wanted)


def _between(ds: xr.Dataset, wanted: np.ndarray) -> xr.Dataset:
    """Linear in time."""
    known = ds.time.values.astype("datetime64[ns]")
    if wanted.min() < known[0] or wanted.max() > known[-1]:
        raise ValueError(
            f"analysis times {wanted.min()} to {wanted.max()} lie outside the background's {known[0]} to {known[-1]}: "
            "choose times inside, or assign the background a time of its own with background.assign_coords(time=...)"
        )
    upper = np.clip(np.searchsorted(known, wanted, side="left"), 0, known.size - 1)
    lower = np.where(known[upper] == wanted, upper, np.maximum(upper - 1, 0))
    span = np.where(upper > lower, known[upper] - known[lower], np.timedelta64(1, "ns"))
    weight = xr.DataArray((wanted - known[lower]) / span, dims="time")
    low = ds.isel(time=lower).assign_coords(time=wanted)
    if np.array_equal(lower, upper):
        return low
    high = ds.isel(time=upper).assign_coords(time=wanted)
    mixed = low * (1 - weight).astype("f4") + high * weight.astype("f4")
    return mixed.assign_attrs(ds.attrs)


def scenes(background: xr.Dataset) -> da.Array:
    """Object array (n_times,): every element a :class:`~adaf_xr.inference.encoding.Scene`.

    The time label travels with its block, so that slicing before or after gives the same.
    """
    labels = time_labels(background)
    names = tuple(str(name) for name in background.data_vars)
    arrays = [background[name].data for name in names]
    indices = ["tzyx" if background[name].ndim == 4 else "tyx" for name in names]
    axes = {axis: background[axis].values for axis in ("latitude", "longitude")}
    axes["depth"] = background.depth.values if "depth" in background.dims else np.empty(0)
    return da.blockwise(
        _scene,
        "t",
        labels,
        "t",
        *chain.from_iterable(zip(arrays, indices, strict=True)),
        names=names,
        axes=axes,
        # Everything that decides the result is in the key: the same fields on shifted axes are another scene.
        name="adaf-scene-" + tokenize(labels.name, [a.name for a in arrays], names, axes),
        concatenate=True,
        dtype=object,
        meta=np.empty(0, dtype=object),
    )


def time_labels(background: xr.Dataset) -> da.Array:
    """Analysis times as a dask array of one label per chunk."""
    labels = background.time.values.astype("datetime64[ns]")
    return da.from_array(labels, chunks=1, name="adaf-time-" + tokenize(labels), inline_array=True)


def _scene(time: np.ndarray, *fields: np.ndarray, names: tuple[str, ...], axes: dict[str, np.ndarray]) -> np.ndarray:
    values = {name: field[0] for name, field in zip(names, fields, strict=True)}
    return in_cell(Scene(time[0], Background(axes["latitude"], axes["longitude"], axes["depth"], values)))
