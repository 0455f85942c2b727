"""Scores of the ocean data challenges: nearness and its steadiness, and the scales that are resolved.

References
----------
Le Guillou, F., and others (2021). Mapping altimetry in the forthcoming SWOT era by back-and-forth nudging a one-layer
quasigeostrophic model. Journal of Atmospheric and Oceanic Technology 38, 697-710.
Ocean data challenges 2020a_SSH_mapping_NATL60 and 2021a_SSH_mapping_OSE, https://github.com/ocean-data-challenges.
"""

from __future__ import annotations

from typing import Literal

import dask
import numpy as np
import xarray as xr

from adaf_xr.metrics.contours import lines
from adaf_xr.metrics.maps import paired_maps
from adaf_xr.metrics.resolution import HALF
from adaf_xr.metrics.spectra import psd_score
from adaf_xr.metrics.tracks import as_track

FEWEST_A_DAY = 10
"""Points along a track without which a day has no score."""


def mu_sigma(
    rec: xr.DataArray, ref: xr.DataArray, definition: Literal["2020a", "2021a"] = "2020a"
) -> tuple[float, float]:
    r"""Nearness µ of a reconstruction and its spread in time σ, as one ocean data challenge or the other defines them.

    "2020a", for series of maps, every pixel alike, with x the reconstruction and y the reference as it is (its mean not
    taken off):

    .. math:: \mu = 1 - \frac{\sqrt{\langle (x - y)^2 \rangle_{xyt}}}{\sqrt{\langle y^2 \rangle_{xyt}}}, \qquad
              \sigma = \mathrm{std}_t \left(
                       1 - \frac{\sqrt{\langle (x - y)^2 \rangle_{xy}}}{\sqrt{\langle y^2 \rangle_{xy}}} \right)

    "2021a", for series along a track: µ and σ are mean and standard deviation of one score of the latter kind per
    day (UTC) that has at least ten pairs. The challenge takes maps at the places and times of CryoSat-2, for the
    reference sla_unfiltered + mdt - lwe, and points at least 0.25 degrees inside 65-55 W, 33-43 N: choose them first.

    Neither standard deviation is corrected for the number of days.

    Unit: 1. Range of µ: to 1; best 1; 0 for a reconstruction of nothing. σ: from 0; best 0.

    Parameters
    ----------
    rec, ref : DataArray
        "2020a": maps with `time`, `latitude` and `longitude`, in any order. "2021a": one dimension with `time`. Where
        either is missing the pair does not count on any side; a time without a pair has no score.
    definition : {"2020a", "2021a"}
        Which one.

    Returns
    -------
    mu, sigma : float
        This computes.

    Raises
    ------
    ValueError
        Where grids, times or units differ, no pair is left, or the reference is zero.

    Examples
    --------
    What is 10 % too small everywhere and always has µ = 0.9 and σ = 0:

    >>> time = np.datetime64("2012-10-22", "ns") + np.arange(2) * np.timedelta64(1, "D")
    >>> axes = {"time": time, "latitude": [30.0, 31.0], "longitude": [10.0, 11.0]}
    >>> ref = xr.DataArray(np.arange(8.0).reshape(2, 2, 2), axes, list(axes))
    >>> mu, sigma = mu_sigma(0.9 * ref, ref)
    >>> round(mu, 12), round(sigma, 12)
    (0.9, 0.0)
    """
    if definition == "2020a":
        return _of_maps(rec, ref)
    if definition == "2021a":
        return _of_tracks(rec, ref)
    raise ValueError(f'definition={definition!r}: give "2020a" for maps or "2021a" for a series along a track')


def lambda_x_t(rec: xr.DataArray, ref: xr.DataArray, path: Literal["first", "all"] = "first") -> tuple[float, float]:
    """Shortest wavelength and period that a reconstruction resolves, as the 2020a ocean data challenge defines them.

    The :func:`adaf_xr.metrics.psd_score` over time and longitude is drawn over wavelength [degrees] and period [days]
    as a contour of level 0.5 (by matplotlib's default algorithm). λx is the least wavelength on it, λt the least
    period. They are two numbers: nothing says that a feature of size λx and period λt is resolved.

    Parameters
    ----------
    rec, ref : DataArray
        Maps with `time`, `latitude` and `longitude`, in any order; times and longitudes evenly spaced, five at
        least; nothing missing.
    path : {"first", "all"}
        The contour may have several lines. The challenge takes the first that the algorithm finds, which is arbitrary:
        a small change of a map may move λx and λt by a factor of three. "all" takes every line: compare maps by it.

    Returns
    -------
    lambda_x, lambda_t : float
        [degrees of longitude], [days]. Where no line is drawn, which the challenge leaves open: the shortest wavelength
        and period of the spectrum if the score is above 0.5 at every scale (as for ``rec = ref``), NaN if it is above
        at none. This computes.

    Raises
    ------
    ValueError
        Where grids, times or units differ, an axis is short or uneven, a value is missing, or the reference does not
        vary in both time and longitude.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> time = np.datetime64("2012-10-22", "ns") + np.arange(9) * np.timedelta64(1, "D")
    >>> axes = {"time": time, "latitude": np.arange(30.0, 33.0), "longitude": 0.5 * np.arange(9.0)}
    >>> ref = xr.DataArray(rng.normal(size=(9, 3, 9)), axes, list(axes))
    >>> lambda_x_t(0.9 * ref, ref), lambda_x_t(0.1 * ref, ref)
    ((1.125, 2.25), (nan, nan))
    """
    if path not in ("first", "all"):
        raise ValueError(f'path={path!r}: give "first", as the challenge has it, or "all"')
    score = psd_score(rec, ref).transpose("frequency_time", "frequency_longitude").compute()
    varied = np.isfinite(score.values)
    if min(np.count_nonzero(varied.any(axis)) for axis in (0, 1)) < 2:
        raise ValueError(
            f"{ref.name!r} does not vary in both time and longitude, and has no scales to resolve: give a reference "
            "that does"
        )
    x, y = score.wavelength_longitude.values, score.wavelength_time.values
    found = lines(x, y, score.values, HALF)
    if found:
        chosen = found[0] if path == "first" else np.concatenate(found)
        return float(chosen[:, 0].min()), float(chosen[:, 1].min())
    if bool((score > HALF).where(score.notnull(), True).all()):
        return float(x.min()), float(y.min())
    return float("nan"), float("nan")


def _of_maps(rec: xr.DataArray, ref: xr.DataArray) -> tuple[float, float]:
    """µ of everything, σ of times."""
    x, y = paired_maps(rec, ref)
    both = x.notnull() & y.notnull()
    squares = xr.Dataset({"error": (x - y) ** 2, "power": y**2}).where(both, 0.0)
    over = ["latitude", "longitude"]
    sums, count = dask.compute(squares.sum(over), both.sum(over))
    if not int(count.sum()):
        raise ValueError(f"{rec.name!r} and {ref.name!r} have no pair that is present on both sides: nothing to score")
    if (bad := (sums["power"] == 0.0) & (count > 0)).any():
        raise ValueError(
            f"the reference is zero everywhere at {int(bad.sum())} times, and an error relative to nothing has no "
            "score: leave these times out"
        )
    whole = sums.sum()
    daily = 1.0 - (sums["error"] / sums["power"].where(count > 0)) ** 0.5
    return float(1.0 - (whole["error"] / whole["power"]) ** 0.5), float(daily.std("time", ddof=0))


def _of_tracks(rec: xr.DataArray, ref: xr.DataArray) -> tuple[float, float]:
    """Mean and spread of the scores of days."""
    time, x, y = as_track(rec, ref)
    _, day, count = np.unique(time.astype("datetime64[D]"), return_inverse=True, return_counts=True)
    enough = count >= FEWEST_A_DAY
    if not enough.any():
        raise ValueError(
            f"no day has {FEWEST_A_DAY} pairs (the best of {count.size} has {count.max()}): give a longer series"
        )
    error, power = (np.bincount(day, weights=values)[enough] for values in ((x - y) ** 2, y**2))
    if not power.all():
        raise ValueError(
            f"the reference is zero all day on {np.count_nonzero(power == 0.0)} days, and an error relative to nothing "
            "has no score: leave these days out"
        )
    daily = 1.0 - np.sqrt(error / power)
    return float(daily.mean()), float(daily.std(ddof=0))
