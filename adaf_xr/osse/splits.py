"""Periods to train on, to choose by and to test on, further apart than the sea remembers.

Two days of sea level a week apart are nearly the same picture. A model that was trained on one has seen the other, so
periods count as separate only where the gap between them is longer than the decorrelation time.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from adaf_xr.instants import DAY, as_times

Period = tuple[np.datetime64, np.datetime64]
"""A half-open span of time [start, stop)."""

CELLS = 4096
"""Cells that the autocorrelation is measured at, about; neighbours say the same."""


ENOUGH = 8
"""Decorrelation times that a record must have for its mean to be worth taking off: in few, any sea seems to forget."""


class SplitError(ValueError):
    """Periods that overlap, lie outside the run or are closer than the sea remembers."""


def periods(**spans: tuple[str, str]) -> dict[str, Period]:
    """Periods from pairs of dates, the second excluded.

    Examples
    --------
    >>> start, stop = periods(test=("2012-10-22", "2012-12-04"))["test"]
    >>> int((stop - start) / np.timedelta64(1, "D"))
    43
    """
    pairs = {name: as_times(list(span)) for name, span in spans.items()}
    return {name: (start, stop) for name, (start, stop) in pairs.items()}


def gap(splits: Mapping[str, Period]) -> float:
    """Days between the two periods that are closest to each other; infinite for a single one.

    Raises
    ------
    SplitError
        Where a period is empty, or two overlap.

    Examples
    --------
    >>> gap(periods(train=("2020-01-01", "2020-02-01"), test=("2020-03-02", "2020-04-01")))
    30.0
    """
    for name, (start, stop) in splits.items():
        if not start < stop:
            raise SplitError(f"the period {name!r} ends on {_date(stop)}, which is not after its start {_date(start)}")
    ordered = sorted(splits.items(), key=lambda item: item[1][0])
    gaps = [np.inf]
    for (before, (_, stop)), (after, (start, _)) in pairwise(ordered):
        if start < stop:
            raise SplitError(f"the periods {before!r} and {after!r} overlap: {after} starts on {_date(start)}, before "
                             f"{before} ends on {_date(stop)}")  # fmt: skip
        gaps.append(float((start - stop) / DAY))
    return min(gaps)


def require_inside(splits: Mapping[str, Period], start: np.datetime64, stop: np.datetime64) -> None:
    """Refuse periods that a run over [start, stop) does not have."""
    for name, (first, last) in splits.items():
        if first < start or last > stop:
            raise SplitError(
                f"the period {name!r}, {_date(first)} to {_date(last)}, is not inside {_date(start)} to {_date(stop)}, "
                "which is all there is (a background that is lagged begins later than the truth): "
                "move the period, or simulate more days"
            )


def require_separate(splits: Mapping[str, Period], decorrelation: float, record: int) -> None:
    """Refuse periods closer to each other than the decorrelation time [days], measured on a record of so many days.

    Raises
    ------
    SplitError
        Where they are too close, or the record is too short to tell. A single period needs no distance.
    """
    between = gap(splits)
    if np.isinf(between):
        return
    if record < ENOUGH * decorrelation:
        raise SplitError(
            f"{record} days are too few to tell in how many the sea forgets: they seem to be {decorrelation:.1f}, and "
            f"{ENOUGH} times that are needed to be sure. Simulate more days, or keep one period only"
        )
    if not between > decorrelation:
        raise SplitError(
            f"the periods are {between:g} days apart, and sea level forgets in {decorrelation:.1f} days: a model "
            "trained on one would have seen the others. Move them further apart than that and simulate again with "
            "resume=True, which keeps the truth that is there"
        )


def decorrelation_time(ssh: xr.DataArray) -> float:
    """Days in which the autocorrelation of sea level anomalies falls to 1/e; computes.

    Anomalies are departures from the mean over time of each place; covariances are averaged over all places before
    their ratio is taken, so that energetic places count for more, then interpolated linearly between lags. A record of
    fewer than `ENOUGH` decorrelation times makes it look shorter than it is, since its own mean is taken off.

    Parameters
    ----------
    ssh : DataArray
        Sea level [m] with an equidistant ``time``; NaN on land. Large fields are thinned to about `CELLS` places.

    Returns
    -------
    float
        Days; infinite where the sea does not change.

    Raises
    ------
    ValueError
        Where there are fewer than four times, or they are not equidistant.

    Examples
    --------
    A wave with a period of 40 days: its autocorrelation is a cosine, which is 1/e after 7.6 days.

    >>> time = np.arange(400) * np.timedelta64(1, "D") + np.datetime64("2020-01-01", "ns")
    >>> days = np.arange(400.0)[:, None, None]
    >>> ssh = np.sin(2 * np.pi * (days / 40.0 + np.arange(8) / 8.0)) * np.ones((1, 3, 1))
    >>> field = xr.DataArray(ssh, {"time": time}, ("time", "latitude", "longitude"))
    >>> round(decorrelation_time(field), 1)
    7.6
    """
    steps = np.diff(ssh.time.values)
    if steps.size < 3 or np.any(steps != steps[0]):
        raise ValueError(
            f"sea level at {ssh.sizes['time']} times, equidistant or not, shows no decorrelation: give at least four, "
            "equally far apart"
        )
    places = [d for d in ssh.dims if d != "time"]
    every = max(1, int(np.ceil(np.sqrt(np.prod([ssh.sizes[d] for d in places]) / CELLS))))
    thinned = ssh.isel({d: slice(None, None, every) for d in places}).transpose("time", *places)
    series = np.asarray(thinned.values, "f8").reshape(ssh.sizes["time"], -1)
    correlation = _autocorrelation(series[:, np.isfinite(series).all(axis=0)])
    return float(_first_below(correlation, np.exp(-1.0)) * float(steps[0] / DAY))


def _autocorrelation(series: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean autocorrelation of the columns of (n_times, n_places) at lags up to half the record."""
    n = series.shape[0]
    anomaly = series - series.mean(axis=0)
    # Padded to twice the length, so that the record does not wrap onto itself.
    power = np.abs(np.fft.rfft(anomaly, 2 * n, axis=0)) ** 2
    covariance = np.fft.irfft(power.sum(axis=1), 2 * n)[: n // 2 + 1]
    unbiased = covariance / (n - np.arange(covariance.size))
    return unbiased / unbiased[0] if unbiased[0] > 0.0 else np.ones_like(unbiased)


def _first_below(correlation: NDArray[np.float64], level: float) -> float:
    """Lag at which a correlation first crosses a level, linearly between lags; infinite where it does not."""
    below = np.flatnonzero(correlation < level)
    if not below.size:
        return np.inf
    after = int(below[0])
    high, low = correlation[after - 1], correlation[after]
    return after - 1 + (high - level) / (high - low)


def _date(time: np.datetime64) -> str:
    return str(time.astype("datetime64[D]"))
