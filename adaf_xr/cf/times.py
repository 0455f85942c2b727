"""Times of any spelling as datetime64[ns]: section 3 of the conventions."""

from __future__ import annotations

import re
from collections.abc import Hashable
from datetime import UTC
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from adaf_xr.cf.missing import declared_fills

NANOSECONDS: dict[str, int] = {
    **dict.fromkeys(("days", "day", "d"), 86_400_000_000_000),
    **dict.fromkeys(("hours", "hour", "hrs", "hr", "h"), 3_600_000_000_000),
    **dict.fromkeys(("minutes", "minute", "mins", "min"), 60_000_000_000),
    **dict.fromkeys(("seconds", "second", "secs", "sec", "s"), 1_000_000_000),
    **dict.fromkeys(("milliseconds", "millisecond", "msec", "ms"), 1_000_000),
    **dict.fromkeys(("microseconds", "microsecond"), 1_000),
    **dict.fromkeys(("nanoseconds", "nanosecond"), 1),
}
"""Length of the units that have one; months and years do not."""

UNITS_BY_NAME: dict[tuple[str, str], str] = {
    ("mean_acq_time", "dd"): "days since 2000-01-01",
    ("time_mjd", ""): "days since 1858-11-17",
    ("time_mjd", "days"): "days since 1858-11-17",
}
"""CF units of variables that lack them, by lower-case name and units."""

CIVIL = frozenset({"standard", "gregorian", "proleptic_gregorian"})
"""Calendars whose dates a clock shows."""

SIX_NUMBERS = re.compile(r"^scan_time$")
"""Variables whose last dimension is year, month, day, hour, minute, second."""

FIRST, LAST = np.datetime64("1678-01-01", "s"), np.datetime64("2262-01-01", "s")
"""What nanoseconds can say."""


def is_time(ds: xr.Dataset, name: Hashable) -> bool:
    """Whether a variable looks like a time, usable or not."""
    var, key = ds.variables[name], str(name).lower()
    if re.search(r"bnds|bounds|_tai$|_qc$|dtime|climatology|forecast_reference|creat|update", key):
        return False
    if str(var.attrs.get("standard_name", "")).strip().lower() == "forecast_reference_time" or var.dtype.kind in "SU":
        return False
    if var.dtype.kind == "M":
        return True
    units = str(var.attrs.get("units", ""))
    if var.dtype.kind == "O":
        return "calendar" in var.encoding or " since " in str(var.encoding.get("units", "")) or _holds_dates(name, var)
    declared = str(var.attrs.get("standard_name", "")).strip().lower() == "time"
    return declared or " since " in units or (key, units) in UNITS_BY_NAME or _is_six_numbers(name, var)


def flaw(ds: xr.Dataset, name: Hashable) -> str:
    """Why a time cannot be used, empty where it can."""
    var = ds.variables[name]
    if var.dtype.kind == "M" or _is_six_numbers(name, var):
        return ""
    calendar = _calendar(var)
    if calendar not in CIVIL:
        return f"calendar {calendar}"
    if var.dtype.kind == "O":
        return ""
    units = _units(name, var)
    unit, _, epoch = units.partition(" since ")
    if not epoch:
        return f"units {units!r} without a date" if units else "no units"
    return "" if unit.strip().lower() in NANOSECONDS else f"undecoded units {units!r}"


def as_nanoseconds(var: xr.DataArray) -> xr.DataArray:
    """A usable time as datetime64[ns], NaT where missing; lazy input stays lazy.

    Parameters
    ----------
    var : DataArray
        Times decoded by xarray, numbers with CF units, cftime dates of a civil calendar, or six numbers per time.

    Returns
    -------
    DataArray
        The same dimensions, less the one of six numbers.

    Examples
    --------
    >>> as_nanoseconds(xr.DataArray([0.5], dims="x", attrs={"units": "days since 2020-01-01"})).values
    array(['2020-01-01T12:00:00.000000000'], dtype='datetime64[ns]')
    """
    if var.dtype == np.dtype("M8[ns]") and not declared_fills(var):
        return var
    bare = var.variable
    core = [[var.dims[-1]]] if _is_six_numbers(var.name, bare) else [[]]
    units = _units(var.name, bare)
    how = {"units": units, "calendar": _calendar(bare), "fills": _fills(bare, units), "six": bool(core[0])}
    return xr.apply_ufunc(
        _convert,
        var,
        kwargs=how,
        input_core_dims=core,
        dask="parallelized",
        output_dtypes=["M8[ns]"],
        dask_gufunc_kwargs={"allow_rechunk": True},
        keep_attrs=True,
    )


def _convert(values: NDArray[Any], units: str, calendar: str, fills: tuple[float, ...], six: bool) -> NDArray:
    """Times of one block."""
    if values.dtype.kind == "M":
        result = _within(values)
        for fill in fills:
            result = np.where(result == _since(np.array([fill]), units, calendar)[:1], np.datetime64("NaT"), result)
        return result.astype("M8[ns]")
    if six:
        return _from_six_numbers(values)
    if values.dtype.kind == "O":
        return _within(np.asarray(np.frompyfunc(_text, 1, 1)(values)).astype("M8[us]"))
    numbers = np.asarray(values, "f8")
    return _since(np.where(np.isin(numbers, fills), np.nan, numbers), units, calendar)


def _text(date: Any) -> str:
    """A date as text in UTC, whatever class it has."""
    if not hasattr(date, "isoformat"):
        return "NaT"
    if getattr(date, "tzinfo", None) is not None:
        date = date.astimezone(UTC).replace(tzinfo=None)
    return str(date.isoformat())


def _since(numbers: NDArray, units: str, calendar: str) -> NDArray:
    """Numbers after an epoch; whole units and fractions apart, because float64 cannot count nanoseconds."""
    import cftime  # type: ignore[import-untyped]

    unit, _, _ = units.partition(" since ")
    step = NANOSECONDS[unit.strip().lower()]
    zero = cftime.datetime(1970, 1, 1, calendar=calendar)
    start = float(cftime.date2num(zero, units.strip(), calendar=calendar, has_year_zero=None))
    limit = 9.2e18 / step
    elapsed = numbers - start
    good = np.isfinite(elapsed) & (np.abs(elapsed) < limit)
    elapsed = np.where(good, elapsed, 0.0)
    whole = np.floor(elapsed)
    ticks = whole.astype("i8") * step + np.rint((elapsed - whole) * step).astype("i8")
    return np.where(good, ticks.astype("M8[ns]"), np.datetime64("NaT", "ns"))


def _from_six_numbers(values: NDArray[Any]) -> NDArray:
    """Year, month, day, hour, minute, second along the last axis."""
    numbers = np.asarray(values, "f8")
    low, high = np.array([1678, 1, 1, 0, 0, 0]), np.array([2261, 12, 31, 24, 59, 61])
    good: NDArray[np.bool_] = np.all((numbers >= low) & (numbers <= high), axis=-1)
    year, month, day, hour, minute, second = np.moveaxis(np.where(good[..., None], numbers, low), -1, 0)
    date = (year.astype("i8") - 1970).astype("M8[Y]").astype("M8[M]") + (month.astype("i8") - 1)
    ticks = np.rint((((day - 1) * 24 + hour) * 60 + minute) * 60e9 + second * 1e9).astype("i8")
    return np.where(good, date.astype("M8[ns]") + ticks.astype("m8[ns]"), np.datetime64("NaT", "ns"))


def _within(values: NDArray) -> NDArray:
    """In nanoseconds, NaT outside what they can say (a cast would wrap around to a wrong date)."""
    if values.dtype == np.dtype("M8[ns]"):
        return values
    seconds = values.astype("M8[s]")
    inside = (seconds > FIRST) & (seconds < LAST)
    return np.where(inside, values, np.datetime64("NaT")).astype("M8[ns]")


def _units(name: Hashable, var: xr.Variable) -> str:
    """CF units, from where xarray keeps them or from the table of those that lack them."""
    units = str(var.attrs.get("units") or var.encoding.get("units", ""))
    return UNITS_BY_NAME.get((str(name).lower(), units), units)


def _calendar(var: xr.Variable) -> str:
    """The calendar, in lower case."""
    stated = var.attrs.get("calendar") or var.encoding.get("calendar")
    if stated is None and var.dtype.kind == "O" and not var.chunks and var.size:
        stated = getattr(var.values.flat[0], "calendar", None)
    return str(stated or "standard").lower()


def _fills(var: xr.Variable, units: str) -> tuple[float, ...]:
    """Fill values in the time's own numbers; xarray decodes misspelt ones as dates."""
    usable = " since " in units or var.dtype.kind in "iuf"
    numbers = [f for f in declared_fills(var) if isinstance(f, float) and np.isfinite(f)]
    return tuple(numbers) if usable else ()


def _is_six_numbers(name: Hashable, var: xr.Variable) -> bool:
    """Whether the last dimension spells a date."""
    return bool(SIX_NUMBERS.match(str(name).lower())) and var.ndim > 0 and var.shape[-1] == 6


def _holds_dates(name: Hashable, var: xr.Variable) -> bool:
    """Whether an object variable in memory holds dates; called only for variables named after time."""
    if var.chunks or not var.size or not re.search(r"time|juld|date", str(name).lower()):
        return False
    return hasattr(var.values.flat[0], "isoformat")
