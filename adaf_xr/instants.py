"""Times and spans as users write them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

Span = np.timedelta64

DAY = np.timedelta64(86_400_000_000_000, "ns")


def as_times(time: Any) -> np.ndarray:
    """Times in UTC, (n,) datetime64[ns].

    Parameters
    ----------
    time : str, datetime-like, DataArray or sequence of them
        Strings may differ in precision; zones are converted to UTC.

    Raises
    ------
    ValueError
        Where there is none, or one that is no date.

    Examples
    --------
    >>> as_times(["2020-01-01T12", "2020-01-03"]).astype("datetime64[h]").astype(str).tolist()
    ['2020-01-01T12', '2020-01-03T00']
    """
    values = time.values if isinstance(time, xr.DataArray | pd.Index) else time
    if np.ndim(values) == 0:
        values = [values[()] if isinstance(values, np.ndarray) else values]
    if len(values) == 0:
        raise ValueError("time is an empty list: give at least one analysis time, or leave it out for the background's")
    return np.array([_instant(value) for value in values], "datetime64[ns]")


def _instant(value: Any) -> np.datetime64:
    """One time in UTC; a bare number is refused, for it would be nanoseconds since 1970."""
    try:
        if isinstance(value, int | float | np.integer | np.floating):
            raise ValueError("a number has no date")
        stamp = pd.Timestamp(value.isoformat() if hasattr(value, "calendar") else value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"time={value!r} is no date: give one such as '2020-01-02T12:00' ({error})") from None
    if stamp is pd.NaT:
        raise ValueError("time is missing (NaT): give a date such as '2020-01-02T12:00'")
    return (stamp.tz_convert(None) if stamp.tz else stamp).to_datetime64().astype("datetime64[ns]")


def as_window(window: Any) -> tuple[Span, Span]:
    """Spans before and after an analysis time, from a total span centred on it or a pair.

    Examples
    --------
    >>> [str(span / np.timedelta64(1, "h")) for span in as_window("5D")]
    ['60.0', '60.0']
    """
    pair = tuple(window) if isinstance(window, tuple | list) else ()
    if pair and len(pair) != 2:
        raise ValueError(f"window={window!r}: give a total span such as '10D', or a pair (before, after)")
    before, after = (_span(each) for each in pair) if pair else (_span(window) // 2,) * 2
    nothing = np.timedelta64(0, "ns")
    if before < nothing or after < nothing or before + after == nothing:
        raise ValueError(f"window={window!r}: both spans must be positive, such as ('3D', '2D')")
    return before, after


def _span(value: Any) -> Span:
    """One span of time; a bare number is refused, for it would be nanoseconds."""
    bare = isinstance(value, int | float | np.number) and not isinstance(value, np.timedelta64)
    try:
        if bare or (isinstance(value, str) and value.strip().replace(".", "", 1).isdigit()):
            raise ValueError("a number without a unit")
        span = pd.Timedelta(value)
        if span is pd.NaT:
            raise ValueError("it is missing")
        return span.to_timedelta64().astype("timedelta64[ns]")
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"window={value!r} is no span of time ({error}): give one such as '5D' or '36h'") from None
