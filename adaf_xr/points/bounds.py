"""First and last time of every chunk of points, as far as known without computing anything."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from adaf_xr.cf.missing import range_of_packing
from adaf_xr.cf.times import NANOSECONDS

Bounds = tuple[NDArray[np.datetime64], NDArray[np.datetime64]]
"""First and last time of every chunk."""

KEY = "time_bounds"
"""Entry of a dataset's encoding: the name of the dask array of times, and the bounds of its chunks. Whatever changes
the times or their chunks changes the name, so that bounds which no longer hold are told by it."""

NOTHING = np.datetime64("2000-01-02", "ns"), np.datetime64("2000-01-01", "ns")
"""Bounds of a chunk without any time: it ends before it starts."""

FIRST, LAST = np.datetime64("1678-01-01", "ns"), np.datetime64("2262-01-01", "ns")
"""What nanoseconds can say."""

LONGEST_DELAY = 30 * 86400.0
"""Bounds widened by more [s] would tell nothing."""


ROUNDING = 1.0
"""Of a delay that was unpacked in single precision [s], generously."""


def time_bounds(points: xr.Dataset) -> Bounds:
    """First and last time of every chunk of a point set; nothing is computed.

    Parameters
    ----------
    points : Dataset
        As :func:`adaf_xr.points.to_points` gives it, or a part of it.

    Returns
    -------
    start, stop : array of datetime64[ns], (chunks along obs,)
        The times of a chunk lie between them; rows that are rejected later count as well. NaT where unknown before
        computing; a chunk without any time has ``start > stop``. One chunk where nothing is chunked.

    Raises
    ------
    ValueError
        Where this is no point set.

    Examples
    --------
    >>> days = np.arange("2020-01-01", "2020-01-05", dtype="datetime64[D]")
    >>> ds = xr.Dataset(
    ...     {"sst": (("time", "lat"), np.full((4, 3), 17.0), {"units": "degC"})},
    ...     coords={"time": days.astype("datetime64[ns]"), "lat": [1.0, 2.0, 3.0], "lon": 5.0},
    ... )
    >>> from adaf_xr.points import to_points
    >>> start, stop = time_bounds(to_points(ds.chunk(time=2)))
    >>> start.astype("datetime64[D]"), stop.astype("datetime64[D]")  # doctest: +NORMALIZE_WHITESPACE
    (array(['2020-01-01', '2020-01-03'], dtype='datetime64[D]'),
     array(['2020-01-02', '2020-01-04'], dtype='datetime64[D]'))
    """
    if "obs" not in points.dims or "time" not in points.variables:
        raise ValueError(
            f"times are bounded of points, with time along a dimension obs, and this has dimensions "
            f"{tuple(points.dims)}: make points of it with to_points(...)"
        )
    aligned = points.unify_chunks()
    rows = aligned.chunksizes.get("obs", (points.sizes["obs"],))
    time = aligned["time"].variable
    if time.chunks is None:
        return bounds_of_blocks(time.values.astype("M8[ns]"), (0,), (rows,))
    name, *known = points.encoding.get(KEY, ("",))
    if name == time.data.name and all(len(bound) == len(rows) for bound in known):
        start, stop = known
        return start.copy(), stop.copy()
    return unknown(len(rows))


def bounds_of_blocks(
    time: NDArray[np.datetime64],
    axes: Sequence[int],
    chunks: Sequence[Sequence[int]],
    spread: tuple[float, float] = (0, 0),
) -> Bounds:
    """First and last time of every block of a whole, in C order.

    Parameters
    ----------
    time : array of datetime64[ns]
        Times on some dimensions of the whole, in their order.
    axes : sequence of int
        Which ones.
    chunks : sequence of sequence of int
        How every dimension of the whole is cut.
    spread : tuple of float, optional
        Least and greatest delay [s] that is added to a time.
    """
    start, stop = _where_present(time, LAST), _where_present(time, FIRST)
    for position, axis in enumerate(axes):
        start = _reduced(np.minimum, start, position, chunks[axis], LAST)
        stop = _reduced(np.maximum, stop, position, chunks[axis], FIRST)
    some = start <= stop
    ends = (
        np.where(some, start + _nanoseconds(spread[0]), NOTHING[0]),
        np.where(some, stop + _nanoseconds(spread[1]), NOTHING[1]),
    )
    blocks = tuple(len(lengths) for lengths in chunks)
    widened = tuple(slice(None) if axis in axes else None for axis in range(len(chunks)))
    first, last = (np.broadcast_to(end[widened], blocks).ravel() for end in ends)
    return first, last


def unknown(count: int) -> Bounds:
    """Bounds of chunks that nothing is known of."""
    nothing = np.full(count, np.datetime64("NaT", "ns"))
    return nothing, nothing.copy()


def spread_of(delay: xr.DataArray) -> tuple[float, float] | None:
    """Least and greatest delay [s] that the packing of a variable can hold; None where that bounds nothing.

    Examples
    --------
    >>> delay = xr.DataArray([3.0], dims="x")
    >>> delay.encoding = {"dtype": np.dtype("i1"), "scale_factor": 60.0}
    >>> spread_of(delay)
    (-7681.0, 7621.0)
    """
    unit = 1e-9 * NANOSECONDS.get(str(delay.encoding.get("units")), 0) if delay.dtype.kind == "m" else 1.0
    low, high = (bound * unit for bound in range_of_packing(delay))
    if not unit or max(-low, high) > LONGEST_DELAY:
        return None
    return low - ROUNDING, high + ROUNDING


def _nanoseconds(seconds: float) -> np.timedelta64:
    """A delay, to the nanosecond."""
    return np.timedelta64(round(seconds * 1e9), "ns")


def _where_present(time: NDArray[np.datetime64], otherwise: np.datetime64) -> NDArray[np.datetime64]:
    """Times with something else where they are missing."""
    return np.asarray(np.where(np.isnat(time), otherwise, time), "M8[ns]")


def _reduced(
    ufunc: np.ufunc,
    values: NDArray[np.datetime64],
    axis: int,
    lengths: Sequence[int],
    nothing: np.datetime64,
) -> NDArray[np.datetime64]:
    """Values along an axis reduced to one per chunk; an empty chunk has `nothing`."""
    sizes = np.asarray(lengths)
    starts, some = np.cumsum(sizes) - sizes, sizes > 0
    result = np.full((*values.shape[:axis], len(sizes), *values.shape[axis + 1 :]), nothing)
    if some.any():
        result[(slice(None),) * axis + (some,)] = ufunc.reduceat(values, starts[some], axis=axis)
    return result
