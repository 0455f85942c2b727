"""The shortest wavelength that maps resolve, seen along the track of an altimeter that they did not use.

References
----------
Ballarotta, M., and others (2019). On the resolutions of ocean altimetry maps. Ocean Science 15, 1091-1109.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from adaf_xr import cf
from adaf_xr.metrics.resolution import HALF, shortest_resolved
from adaf_xr.metrics.tracks import Track, as_track
from adaf_xr.sphere import great_circle

SPACING = 6.77 * 0.9434
"""Distance [km] of points along the track of CryoSat-2: ground speed [km s-1] times interval [s]."""


def along_track_resolution(
    rec: xr.DataArray,
    ref: xr.DataArray,
    *,
    segment: float = 1000.0,
    spacing: float = SPACING,
    slide: float = 0.25,
    gap: float = 4.0,
    crossing: Literal["published", "first"] = "published",
) -> float:
    r"""Shortest wavelength [km] that is resolved along a track, as the 2021a ocean data challenge defines it.

    The series is cut where it pauses, and each piece into overlapping segments of equal length. Their power spectra
    (Welch's: mean taken off each, Hann window) are averaged for reference y and error x - y, and the wavelength is
    where

    .. math:: 1 - \frac{S_{x - y}}{S_y} = 0.5

    Parameters
    ----------
    rec, ref : DataArray
        One dimension with `time`, in order, of one satellite; where either is missing the series pauses.
    segment : float
        Length of segments [km].
    spacing : float
        Distance of points [km]: one for all, as for points at equal intervals on a circular orbit. Where `ref` has
        `latitude` and `longitude` it is held against them.
    slide : float
        From one segment to the next, as a share of a segment.
    gap : float
        Longest interval [s] between points of one piece.
    crossing : {"published", "first"}
        "published": wavelengths in order of their score, interpolated linearly at 0.5, which means little where the
        score does not fall steadily. "first": from the longest wavelength down, the first fall through
        0.5, linear in wavenumber.

    Returns
    -------
    float
        [km]. The shortest wavelength of the spectrum where all scores are above 0.5, NaN where all are below. This
        computes.

    Raises
    ------
    ValueError
        Where the series do not match, none of their pieces is as long as a segment, or points are not `spacing` apart.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> time = np.datetime64("2017-01-01", "ns") + np.arange(1000) * np.timedelta64(943_400_000, "ns")
    >>> ref = xr.DataArray(rng.normal(size=1000), {"time": time}, ["time"])
    >>> round(along_track_resolution(0.9 * ref, ref), 2), along_track_resolution(0.1 * ref, ref)
    (12.77, nan)
    """
    from scipy.signal import welch

    if crossing not in ("published", "first"):
        raise ValueError(f'crossing={crossing!r}: give "published" or "first"')
    track = as_track(rec, ref)
    _refuse_other_spacing(ref, spacing, gap)
    n = int(segment / spacing)
    if n < 4:
        raise ValueError(f"segments of {segment:g} km hold {n} points {spacing:g} km apart: make them longer")
    chosen = segments(track, n, max(int(slide * n), 1), gap)
    (frequencies, error), (_, power) = (
        welch(values[chosen].ravel(), fs=1.0 / spacing, nperseg=n, noverlap=0)
        for values in (track.rec - track.ref, track.ref)
    )
    # Each segment has lost its mean: the first frequency is none.
    numbers, error, power = frequencies[1:], error[1:], power[1:]
    if not power.all():
        raise ValueError("the reference does not vary along its track, and has no scales to resolve")
    score = 1.0 - error / power
    return _in_order_of_score(numbers, score) if crossing == "published" else shortest_resolved(numbers, score)


def _refuse_other_spacing(series: xr.DataArray, spacing: float, gap: float) -> None:
    """A distance that is not that of the points would be the error of the result; it may be off by a tenth."""
    ds = series.to_dataset(name="series")
    lat, lon, time = (cf.coordinate(ds, ds["series"], role) for role in ("latitude", "longitude", "time"))
    if lat is None or lon is None or time is None or not lat.dims == lon.dims == time.dims or lat.chunks or lon.chunks:
        return
    near = np.diff(time.values) <= np.timedelta64(round(gap * 1e9), "ns")
    apart = great_circle(lat.values[:-1], lon.values[:-1], lat.values[1:], lon.values[1:])[near]
    typical = float(np.nanmedian(apart)) if np.isfinite(apart).any() else spacing
    if abs(typical - spacing) > 0.1 * spacing:
        raise ValueError(
            f"the points of the track are {typical:.4g} km apart, not {spacing:.4g} km (the default is "
            f"that of CryoSat-2): pass spacing={typical:.4g}"
        )


def segments(track: Track, n: int, slide: int, gap: float) -> NDArray[np.intp]:
    """Indices of the points of all segments of n points without a pause, shape (segments, n).

    Raises
    ------
    ValueError
        Where there is none.
    """
    pauses = np.flatnonzero(np.diff(track.time) > np.timedelta64(round(gap * 1e9), "ns")) + 1
    edges = np.concatenate([[0], pauses, [track.time.size]])
    starts = np.concatenate([np.arange(a, b - n + 1, slide) for a, b in pairwise(edges)])
    if not starts.size:
        raise ValueError(
            f"no piece of the track without a pause of more than {gap:g} s is as long as a segment ({n} points; the "
            f"longest has {np.diff(edges).max()}): shorten the segments, or give a longer track"
        )
    return starts.astype(np.intp)[:, None] + np.arange(n)


def _in_order_of_score(numbers: NDArray, score: NDArray) -> float:
    """Wavelength interpolated linearly between the two scores on either side of one half."""
    wavelengths = 1.0 / numbers
    if (score > HALF).all():
        return float(wavelengths.min())
    if (score < HALF).all():
        return float("nan")
    order = np.argsort(score, kind="stable")
    return float(np.interp(HALF, score[order], wavelengths[order]))
