"""What is usual on a day: climatologies, given or made of a training period."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from adaf_xr.metrics.pairing import along, matched

DAYS = 366
"""Days of a climatology: the last is that of leap years."""

PIECE = 2048
"""Places whose year is made at once."""

Fields = TypeVar("Fields", xr.Dataset, xr.DataArray)


def climatology_at(climatology: xr.DataArray, field: xr.DataArray) -> xr.DataArray:
    """A climatology at the times of a field.

    Parameters
    ----------
    climatology : DataArray
        With ``time`` it is looked up at the field's times, with ``dayofyear`` at their days, else it holds always.
    field : DataArray
        What it is compared with.

    Raises
    ------
    ValueError
        Where it has times or days and the field has no times, or it lacks one of the field or has it twice.

    Examples
    --------
    >>> usual = xr.DataArray(np.arange(1.0, 367.0), {"dayofyear": np.arange(1, 367)}, ["dayofyear"])
    >>> days = np.array(["2021-12-31", "2020-12-31"], "datetime64[ns]")
    >>> climatology_at(usual, xr.DataArray([0.0, 0.0], {"time": days}, ["time"])).values
    array([365., 366.])
    """
    if "time" in climatology.coords and not climatology["time"].ndim:
        # What holds always has no time of its own, such as that of the map it was picked from.
        climatology = climatology.drop_vars("time")
    time = along(climatology, "time")
    if time is not None:
        return _looked_up(climatology, time, field)
    if "dayofyear" in climatology.dims:
        return _looked_up(climatology, "dayofyear", field)
    if unknown := [dim for dim in matched(field, climatology, "the climatology").dims if dim not in field.dims]:
        raise ValueError(
            f"the climatology has dimensions {unknown} that the field lacks: bring it to the field's times and depths "
            "first, with a dimension time or dayofyear"
        )
    return climatology


def _looked_up(climatology: xr.DataArray, dim: Hashable, field: xr.DataArray) -> xr.DataArray:
    """Entries of a climatology, by time or by day of the year, for the times of a field."""
    time = _time(field)
    labels = climatology.indexes.get(dim)
    if labels is None or not labels.is_unique or (dim == "dayofyear" and labels.min() < 1):
        raise ValueError(
            f"the climatology has no {dim} to look up, or one twice, or days that count from 0: label each entry, for "
            f"example .assign_coords({dim}=...), with days of the year from 1 to 366"
        )
    # Bare keys: they label the climatology, and the result is labelled by the times of the field.
    keys = xr.DataArray(_day_of_year(time) if dim == "dayofyear" else time.values, dims=time.dims)
    try:
        found = climatology.sel({dim: keys})
    except KeyError:
        lacking = np.setdiff1d(keys.values, climatology[dim].values)
        raise ValueError(
            f"the climatology has no {dim} {lacking[0]}, which the field has: make one of all days, for example "
            "day_of_year_mean(truth_of_training_period)"
        ) from None
    found = found.drop_vars([dim])
    return found.assign_coords({d: field[d].variable for d in time.dims if d in field.indexes})


def _time(field: xr.DataArray) -> xr.DataArray:
    """The times of a field, along one dimension."""
    dim = along(field, "time")
    time = field[dim] if dim is not None else field.coords.get("time")
    if time is None or time.ndim > 1 or time.dtype.kind != "M":
        raise ValueError(
            f"{field.name!r} has no times, so it has no days of the year: assign them, .assign_coords(time=...)"
        )
    if time.isnull().any():
        raise ValueError(f"some times of {field.name!r} are missing (NaT): drop them, .dropna({str(dim)!r})")
    return time


def _day_of_year(time: xr.DataArray) -> NDArray[np.int64]:
    return np.asarray(time.dt.dayofyear.values)


def day_of_year_mean(truth: Fields, *, window: int = 61) -> Fields:
    """Climatology of a training period: for each day of the year the mean over all days at most half a window away.

    Every day of the period within the window counts alike, so that years with gaps count for what they have.

    Parameters
    ----------
    truth : Dataset or DataArray
        With times, in any order and number of years. Chunked with dask: all times of a place are needed at once, so
        chunks of one time are re-cut along space, which holds the series in memory once; write the result to disk
        before scoring a long series with it.
    window : int
        Days, odd: 1 is the mean of that day alone. The default, two months, smooths away the eddies of a few years. The
        year is a circle: the window of 1 January reaches into December.

    Returns
    -------
    Dataset or DataArray
        With ``dayofyear`` 1 to 366 in place of time, counted in each year as ``time.dt.dayofyear``
        does. Day 366 is there whatever the years: where the window holds no value for it, it is the mean of its
        neighbours 365 and 1. Missing where the window holds no value. Lazy where the truth is. Variables of a Dataset
        without time or numbers are dropped.

    Raises
    ------
    ValueError
        Where there are no times, or the window is even or longer than a year.

    Examples
    --------
    >>> days = np.arange("2019-01-01", "2021-01-01", dtype="datetime64[D]").astype("datetime64[ns]")
    >>> truth = xr.DataArray(np.cos(2 * np.pi * np.arange(days.size) / 365.5), {"time": days}, ["time"])
    >>> usual = day_of_year_mean(truth, window=31)
    >>> usual.sizes["dayofyear"], round(float(usual.sel(dayofyear=1)), 2)
    (366, 0.99)
    """
    if window != int(window) or not 0 < window <= DAYS or window % 2 == 0:
        raise ValueError(f"window={window!r}: give an odd number of days, at most a year")
    if isinstance(truth, xr.Dataset):
        numbers = {name: field for name, field in truth.data_vars.items() if field.dtype.kind in "fiu"}
        timed = [name for name, field in numbers.items() if along(field, "time") is not None]
        if not timed:
            raise ValueError(
                "no variable of numbers has times and so days of the year: assign them, .assign_coords(time=...)"
            )
        return xr.Dataset({name: day_of_year_mean(truth[name], window=window) for name in timed}, attrs=truth.attrs)
    time = _time(truth)
    if not time.ndim:
        raise ValueError("the climatology of a single time is that time: give the whole training period")
    # Few places at a time: a year of a whole global field would be one chunk of gigabytes.
    whole = truth.chunk({d: -1 if d in time.dims else "auto" for d in truth.dims}) if truth.chunks else truth
    mean: xr.DataArray = xr.apply_ufunc(
        _smoothed_days, whole, xr.DataArray(_day_of_year(time), dims=time.dims), kwargs={"half": int(window) // 2},
        input_core_dims=[[time.dims[0]], [time.dims[0]]], output_core_dims=[["dayofyear"]], dask="parallelized",
        output_dtypes=[np.result_type(truth.dtype, "f4")], keep_attrs=True,
        dask_gufunc_kwargs={"output_sizes": {"dayofyear": DAYS}},
    )  # fmt: skip
    days = xr.Variable("dayofyear", np.arange(1, DAYS + 1), {"long_name": "day of the year"})
    order = [d if d != time.dims[0] else "dayofyear" for d in truth.dims]
    return mean.assign_coords(dayofyear=days).transpose(*order)


def _smoothed_days(values: NDArray, days: NDArray[np.int64], half: int) -> NDArray:
    """Means by day of the year, time last; (..., time) to (..., 366). Place by place, in pieces that fit a cache."""
    places = values.reshape(-1, values.shape[-1])
    result = np.empty((len(places), DAYS), np.result_type(values.dtype, "f4"))
    for start in range(0, len(places), PIECE):
        part = slice(start, start + PIECE)
        result[part] = _piece(places[part], days, half)
    return result.reshape(*values.shape[:-1], DAYS)


def _piece(values: NDArray, days: NDArray[np.int64], half: int) -> NDArray[np.float64]:
    """The same for a few places, (place, time) to (place, 366)."""
    present = ~np.isnan(values)
    total, count = np.zeros((2, len(values), DAYS))
    for i, day in enumerate(days):
        total[:, day - 1] += np.where(present[:, i], values[:, i], 0.0)
        count[:, day - 1] += present[:, i]
    total, count = _around(total, half), np.rint(_around(count, half))
    mean = np.where(count > 0.5, total / np.maximum(count, 1.0), np.nan)
    # A period without a leap year has no day 366.
    mean[:, -1] = np.where(count[:, -1] > 0.5, mean[:, -1], 0.5 * (mean[:, -2] + mean[:, 0]))
    return mean


def _around(values: NDArray[np.float64], half: int) -> NDArray[np.float64]:
    """Sum over the circle of days from `half` before to `half` after."""
    if half == 0:
        return values
    run = np.concatenate([values[..., DAYS - half :], values, values[..., :half]], axis=-1)
    upto = np.concatenate([np.zeros((*values.shape[:-1], 1)), np.cumsum(run, axis=-1)], axis=-1)
    return upto[..., 2 * half + 1 :] - upto[..., : -(2 * half + 1)]
