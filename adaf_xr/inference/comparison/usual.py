"""The climatology of a comparison, whichever way it is given, at the times that are scored."""

from __future__ import annotations

import numpy as np
import xarray as xr

from adaf_xr.fields import canonical
from adaf_xr.metrics.climatology import DAYS, climatology_at, day_of_year_mean

_WINDOW = 61
"""Days over which a series is averaged around each day of the year."""


def climatology_of(given: xr.Dataset, times: np.ndarray, notes: list[str]) -> xr.Dataset:
    """A climatology at some times, lazily.

    Parameters
    ----------
    given : Dataset
        With ``dayofyear``, without time, or with the very times that are scored: taken as it is. Any other series is a
        training period, averaged by day of the year; what it has of the scored times is left out of that. A period
        too short for this gives its mean.
    times : datetime64 array (n,)
        When fields are scored.
    notes : list of str
        Says which of these it was.

    Returns
    -------
    Dataset
        With time.

    Examples
    --------
    >>> axes = {"time": np.arange("2019-01-01", "2021-01-01", dtype="datetime64[D]").astype("datetime64[ns]"),
    ...         "latitude": [0.5, 1.5], "longitude": [0.5, 1.5]}
    >>> training = xr.Dataset({"zos": (tuple(axes), np.ones((731, 2, 2)), {"units": "m"})}, axes)
    >>> float(climatology_of(training, axes["time"][:5], notes := []).zos.max()), notes
    (1.0, ['climatology: mean by day of the year, 61 days about it, of 726 times that are not scored'])
    """
    if "dayofyear" in given.dims:
        return _on_days(given, times)
    known = canonical(given)
    if "time" not in known.dims:
        return known.drop_vars("time", errors="ignore").expand_dims(time=times)
    rest = known.isel(time=np.flatnonzero(~np.isin(known.time.values, times)))
    if not rest.sizes["time"]:
        return known
    if _near(rest.time.values, times):
        notes.append(
            f"climatology: mean by day of the year, {_WINDOW} days about it, of {rest.sizes['time']} times that are "
            "not scored"
        )
        return _on_days(day_of_year_mean(rest, window=_WINDOW), times)
    notes.append(
        f"climatology: mean of all {rest.sizes['time']} times that are not scored, for they lack days of the year that "
        "are"
    )
    return rest.mean("time", keep_attrs=True).expand_dims(time=times)


def _on_days(ds: xr.Dataset, times: np.ndarray) -> xr.Dataset:
    """Days of the year at times."""
    pointer = xr.DataArray(np.zeros(times.size), {"time": times}, ["time"], name="field")
    return xr.Dataset({name: climatology_at(da, pointer) for name, da in ds.data_vars.items()}, attrs=ds.attrs)


def _near(known: np.ndarray, wanted: np.ndarray) -> bool:
    """Whether every wanted day of the year has a known one within half a window."""
    ours, theirs = (np.unique(xr.DataArray(t, dims="time").dt.dayofyear.values) for t in (wanted, known))
    apart = np.abs(ours[:, None] - theirs[None, :])
    return bool((np.minimum(apart, DAYS - apart).min(axis=1) <= _WINDOW // 2).all())
