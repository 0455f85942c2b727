"""The times that fields and their truth share."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import numpy as np
import xarray as xr

from adaf_xr.instants import as_times


def timed(ds: xr.Dataset, what: str) -> xr.Dataset:
    """A single time is a dimension too; several are in order."""
    if "time" in ds.coords and "time" not in ds.dims:
        return ds.expand_dims("time")
    if "time" in ds.dims and not (np.diff(ds.time.values) > np.timedelta64(0)).all():
        raise ValueError(
            f"the times of {what} are repeated or not in ascending order: .sortby('time').drop_duplicates('time') puts "
            "them right"
        )
    return ds


def choose(ds: xr.Dataset, time: Any, period: tuple[Any, Any] | None) -> xr.Dataset:
    """The times that are asked for."""
    if time is None and period is None:
        return ds
    if "time" not in ds.dims:
        raise ValueError("the truth has no time to choose from: leave time and period out")
    chosen = ds
    if period is not None:
        start, stop = as_times(period)
        chosen = chosen.isel(time=np.flatnonzero((ds.time.values >= start) & (ds.time.values < stop)))
    if time is not None:
        days = [time] if isinstance(time, str) else list(time)
        # A partial date means all times of that day, as everywhere in xarray.
        wanted = [chosen.time.sel(time=slice(day, day)) if isinstance(day, str) else as_times(day) for day in days]
        chosen = chosen.sel(time=np.intersect1d(np.concatenate([np.asarray(each) for each in wanted]), chosen.time))
    if not chosen.sizes["time"]:
        asked = [f"time {time}"] * (time is not None) + [f"period {period}"] * (period is not None)
        raise ValueError(f"the truth has no time in {' and '.join(asked)}: it has {_span(ds)}")
    return chosen


def _span(ds: xr.Dataset) -> str:
    """First and last time in words."""
    first, last = (str(t.astype("datetime64[m]")).removesuffix("T00:00") for t in ds.time.values[[0, -1]])
    return f"{first} to {last}" if ds.sizes["time"] > 1 else first


def common(
    truth: xr.Dataset, fields: dict[str, xr.Dataset], notes: list[str], quiet: Container[str] = ()
) -> tuple[xr.Dataset, dict[str, xr.Dataset]]:
    """The times that all have: scores of different times are not comparable."""
    timeless = [name for name, ds in {"the truth": truth, **fields}.items() if "time" not in ds.dims]
    if len(timeless) == len(fields) + 1:
        return truth, fields
    if timeless:
        raise ValueError(f"{timeless[0]} has no time, and others have: assign one, ds.assign_coords(time=...)")
    known = truth.time.values
    common = known
    for name, ds in fields.items():
        has = np.isin(known, ds.time.values)
        if not has.any():
            raise ValueError(
                f"{name} and the truth have no time in common: {name} has {_span(ds)}, the truth {_span(truth)}; the "
                "hours must agree too"
            )
        if not has.all() and name not in quiet:
            notes.append(f"{name} has {has.sum()} of the {known.size} times")
        common = common[np.isin(common, ds.time.values)]
    if not common.size:
        raise ValueError(f"no time of the truth ({_span(truth)}) is one that {', '.join(fields)} all have")
    if common.size < known.size:
        notes.append(f"all are scored at the {common.size} time{'s' * (common.size > 1)} that all have")
    return _at(truth, common), {name: _at(ds, common) for name, ds in fields.items()}


def _at(ds: xr.Dataset, times: np.ndarray) -> xr.Dataset:
    """Some times; a dataset that has no others is left as it is."""
    return ds if np.array_equal(ds.time.values, times) else ds.sel(time=times)
