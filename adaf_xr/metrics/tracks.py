"""Two series along the ground track of one satellite, as arrays of the pairs where both are present."""

from __future__ import annotations

from typing import NamedTuple

import dask
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from adaf_xr import cf
from adaf_xr.metrics.pairing import refuse_other_places, refuse_other_units, require_array


class Track(NamedTuple):
    """Pairs in order of time.

    Attributes
    ----------
    time : datetime64[ns] array, shape (n,)
        When.
    rec, ref : float64 array, shape (n,)
        Reconstruction and reference.
    """

    time: NDArray
    rec: NDArray
    ref: NDArray


def as_track(rec: xr.DataArray, ref: xr.DataArray) -> Track:
    """Series of two DataArrays; this computes.

    Raises
    ------
    ValueError
        Where they are no series with time, not at the same times or places, not in order or in one unit, have infinite
        values, or no pair.

    Examples
    --------
    >>> time = np.datetime64("2017-01-01", "ns") + np.arange(3) * np.timedelta64(1, "s")
    >>> ref = xr.DataArray([1.0, np.nan, 3.0], {"time": time}, ["time"])
    >>> as_track(ref + 1.0, ref).rec.tolist()
    [2.0, 4.0]
    """
    time, other = _time(ref, "reference"), _time(rec, "reconstruction")
    if not np.array_equal(time, other):
        raise ValueError(
            f"the two series are not at the same times ({other.size} and {time.size} of them): sample the maps "
            "where and when the reference was measured, and keep both in its order"
        )
    if np.isnat(time).any() or (np.diff(time) < np.timedelta64(0, "ns")).any():
        raise ValueError(
            "the times of the series are missing or not in order: drop the missing ones and sort the series of each "
            'satellite by itself, series.sortby("time")'
        )
    placed = rec if rec.dims == ref.dims else rec.rename(dict(zip(rec.dims, ref.dims, strict=True)))
    refuse_other_units(ref, rec, "the reconstruction")
    refuse_other_places(ref, placed, "the reconstruction")
    x, y = (np.asarray(values, "f8") for values in dask.compute(rec.data, ref.data))
    if np.isinf(x).any() or np.isinf(y).any():
        raise ValueError("some values along the track are infinite: find out why, or mask them, .where(np.isfinite)")
    both = np.isfinite(x) & np.isfinite(y)
    if not both.any():
        raise ValueError(f"no pair of the {time.size} in the two series is present on both sides: nothing to score")
    return Track(time[both], x[both], y[both])


def _time(series: xr.DataArray, called: str) -> NDArray:
    """Times of a one-dimensional series."""
    require_array(series)
    ds = series.to_dataset(name="series")
    time = cf.coordinate(ds, ds["series"], "time")
    if series.ndim != 1 or time is None or time.dims != series.dims:
        raise ValueError(
            f"the {called} has dimensions {series.dims}, and a series along a track has one, with a time for each "
            "value: sample maps at the places and times of the track first"
        )
    return time.values
