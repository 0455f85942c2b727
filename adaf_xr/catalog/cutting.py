"""Times of opened files: cut to a span, and supplied where the catalog knows what the file does not say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from adaf_xr.catalog.files import date_of
from adaf_xr.catalog.times import Span
from adaf_xr.cf.names import is_swath_sst


def cut(obj: Any, span: Span | None) -> Any:
    """Drop what a 1-D time in memory shows to lie outside a span; other times are left to those who compute."""
    if span is None or not isinstance(obj, xr.Dataset):
        return obj
    if is_swath_sst(obj):
        # The time of a satellite SST is nominal: each pixel has an offset to it, of less than a day.
        span = span.widened("1D")
    for name, variable in obj.variables.items():
        if is_time(name, variable) and variable.ndim == 1 and not variable.chunks:
            dim = variable.dims[0]
            inside = (variable.values >= span.start) & (variable.values < span.stop)
            return obj if inside.all() else obj.isel({dim: _as_slice(inside)})
    return obj


def is_time(name: Any, variable: xr.Variable) -> bool:
    """Decoded times, by CF attribute or by name."""
    named = variable.attrs.get("standard_name") == "time" or str(name).lower() in ("time", "juld")
    return variable.dtype.kind == "M" and named


def _as_slice(inside: np.ndarray) -> slice | np.ndarray:
    """A run of true rows as a slice, which keeps chunks whole; anything else as row numbers."""
    rows = np.flatnonzero(inside)
    if rows.size == 0:
        return slice(0, 0)
    return slice(rows[0], rows[-1] + 1) if rows[-1] - rows[0] + 1 == rows.size else rows


def with_epoch(ds: xr.Dataset, epoch: str) -> xr.Dataset:
    """A numeric time without units counts seconds from a date."""
    if "time" not in ds.variables or ds["time"].dtype.kind not in "iuf":
        return ds
    seconds = pd.to_timedelta(ds["time"].values.astype("f8"), unit="s")
    attrs = {**ds["time"].attrs, "standard_name": "time"}
    return ds.assign_coords(time=("time", (pd.Timestamp(epoch) + seconds).to_numpy("datetime64[ns]"), attrs))


def with_date(ds: xr.Dataset, url: str, time_of_day: str) -> xr.Dataset:
    """A file without any time is of the date in its name."""
    if any(variable.dtype.kind == "M" for variable in ds.variables.values()):
        return ds
    stamp = np.array([date_of(url) + pd.Timedelta(f"{time_of_day}:00")], "datetime64[ns]")
    return ds.expand_dims(time=1).assign_coords(time=("time", stamp, {"standard_name": "time"}))
