"""Sums by day of values at points, whose times lie along the same dimension as their places."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import xarray as xr
from numpy.typing import NDArray


def times_of_points(field: xr.DataArray) -> Hashable | None:
    """The dimension of points with times, datetime64 in memory; None of a grid, or where times are lazy or missing."""
    time = field.coords.get("time")
    if time is None or time.ndim != 1 or time.dtype.kind != "M" or time.chunks or np.isnat(time.values).any():
        return None
    return time.dims[0]


def by_day(each: xr.Dataset, dim: Hashable) -> xr.Dataset:
    """Sums of each day, in order of days, from sums of each point.

    Parameters
    ----------
    each : Dataset
        Sums with the dimension of points and its coordinate ``time``.
    dim : dimension
        That of points.

    Returns
    -------
    Dataset
        With ``time`` in place of points: the days, in UTC, that have one.

    Examples
    --------
    >>> times = np.array(["2020-01-02T01", "2020-01-01T12", "2020-01-02T23"], "datetime64[ns]")
    >>> each = xr.Dataset({"error": ("obs", [1.0, 2.0, 3.0])}, {"time": ("obs", times)})
    >>> by_day(each, "obs").error.values.tolist()
    [2.0, 4.0]
    """
    days = each["time"].values.astype("datetime64[D]")
    order = np.argsort(days, kind="stable")
    found, starts = np.unique(days[order], return_index=True)

    def summed(values: NDArray) -> NDArray:
        return np.add.reduceat(values[..., order], starts, axis=-1)

    sums = xr.apply_ufunc(
        summed, each.drop_vars("time"), input_core_dims=[[dim]], output_core_dims=[["time"]], dask="parallelized",
        output_dtypes=["f8"], dask_gufunc_kwargs={"allow_rechunk": True, "output_sizes": {"time": found.size}},
    )  # fmt: skip
    return sums.assign_coords(time=found.astype("datetime64[ns]"))
