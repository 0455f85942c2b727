"""What users say about time, as half-open spans [start, stop)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from adaf_xr.instants import as_times, as_window

DATE = re.compile(r"\d{4}(-\d{2}(-\d{2}([T ].+)?)?)?$|\d{8}$")
"""ISO dates, whole or in part."""


class Span(NamedTuple):
    """A half-open interval [start, stop)."""

    start: np.datetime64
    stop: np.datetime64

    def meets(self, start: Any, stop: Any) -> bool:
        """Whether [start, stop) shares an instant with the span."""
        return bool(np.datetime64(start) < self.stop and np.datetime64(stop) > self.start)

    def widened(self, margin: str | None) -> Span:
        """The span and a margin on both sides."""
        more = pd.Timedelta(margin or 0).to_timedelta64()
        return Span(self.start - more, self.stop + more)


ALWAYS = Span(np.datetime64("1678-01-01", "ns"), np.datetime64("2262-01-01", "ns"))
"""Every time that nanoseconds can hold."""


def period(time: Any) -> Span | None:
    """The span that a date, a pair of dates or a slice names: both ends are whole, as in xarray's ``sel``.

    Examples
    --------
    >>> start, stop = period("2020-01")
    >>> str(start)[:10], str(stop)[:10]
    ('2020-01-01', '2020-02-01')
    >>> str(period(slice("2020-01-01", "2020-01-03"))[1])[:10]
    '2020-01-04'
    """
    if time is None or isinstance(time, Span):
        return time
    first, last = _ends(time)
    start = ALWAYS.start if first is None else _whole(first).start
    stop = ALWAYS.stop if last is None else _whole(last).stop
    return _ordered(start, stop, time)


def around(time: Any, window: Any) -> Span | None:
    """The span in which observations can matter to analyses at `time`: [first - before, last + after).

    Parameters
    ----------
    time : date, pair, slice, sequence of dates, or None
        Analysis times. None: no limit.
    window : str, timedelta or pair of them
        Total span centred on the time, or (before, after).

    Examples
    --------
    >>> [str(t)[:13] for t in around("2020-01-02", "1D")]
    ['2020-01-01T12', '2020-01-02T12']
    """
    if time is None:
        return None
    before, after = as_window(window)
    first, last = _ends(time)
    # An analysis time given as a date is its first instant.
    start = ALWAYS.start if first is None else _whole(first).start - before
    stop = ALWAYS.stop if last is None else _whole(last).start + after
    return _ordered(start, stop, time)


def days(span: Span) -> pd.DatetimeIndex:
    """Midnights of the days that meet a span."""
    start, stop = (pd.Timestamp(t) for t in span)
    return pd.date_range(start.floor("D"), stop - pd.Timedelta(1, "ns"), freq="D")


def _ends(time: Any) -> tuple[Any, Any]:
    """First and last of what was named; None is open."""
    if isinstance(time, slice):
        return time.start, time.stop
    if isinstance(time, str) or np.ndim(time) == 0:
        return time, time
    values: Sequence[Any] = list(getattr(time, "values", time))
    if not values:
        raise ValueError("time is empty: give a date, a pair of dates, a slice, or None for all there is")
    if len(values) == 2 and any(v is None for v in values):
        return values[0], values[1]
    return min(values, key=pd.Timestamp), max(values, key=pd.Timestamp)


def _whole(date: Any) -> Span:
    """The period that a date names: the month for "2020-01", the day for a timestamp at 00:00."""
    if not isinstance(date, str):
        instant = pd.Timestamp(as_times(date)[0])
        length = pd.Timedelta(1, "D") if instant == instant.normalize() else pd.Timedelta(1, "ns")
        return Span(_ns(instant), _ns(instant + length))
    try:
        # Pandas would read 01/02/2020 as well, one way or the other.
        named = pd.Period(date) if DATE.match(date) else None
    except ValueError:
        named = None
    if named is None:
        raise ValueError(f"{date!r} is not a date: write it like 2020-01-02, 2020-01 or 2020-01-02T12:00")
    return Span(_ns(named.start_time), _ns((named + 1).start_time))


def _ns(time: pd.Timestamp) -> np.datetime64:
    """At the resolution that data have."""
    return time.to_datetime64().astype("datetime64[ns]")


def _ordered(start: np.datetime64, stop: np.datetime64, time: Any) -> Span:
    """The span, refused where it runs backwards."""
    if not start < stop:
        raise ValueError(f"time {time!r} names no interval: its end {stop} is not after its start {start}")
    return Span(start.astype("datetime64[ns]"), stop.astype("datetime64[ns]"))
