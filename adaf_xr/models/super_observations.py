"""Innovations gathered into super-observations: sums over cells of space, time and depth, which add up.

The sums of the parts of an observation set are the sums of the whole, so chunks are encoded apart and merged in any
order. The lattice of bins is absolute: an observation falls into the same bin whatever it comes with.

An observation that comes twice counts twice, as two instruments that agree would: it shares a bin with its copy, whose
error falls from ``e^2 + r^2`` to ``e^2 / 2 + r^2``. The representativeness ``r``, added once to a bin, bounds what any
number of copies can do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from adaf_xr import grids
from adaf_xr.cf.canonical import CODES
from adaf_xr.models.base import Background
from adaf_xr.models.cells import ORIGIN, Cells
from adaf_xr.models.keyed_sums import reduced
from adaf_xr.models.scales import Scales
from adaf_xr.points.arrays import Points
from adaf_xr.sphere import wrap_longitude

LEAST_ERROR = 1e-4
"""Smallest observation error, as a share of the background error: keeps weights and matrices finite."""

CHUNK = 100_000
"""Points reduced at once: bounds the memory, and makes the cost of sorting proportional to the number of points."""

DAY = np.timedelta64(86_400_000_000_000, "ns")


@dataclass(frozen=True)
class Bins:
    """How finely observations are told apart before they are averaged.

    Attributes
    ----------
    cells : Cells
        The lattice of positions.
    days : float
        Length of a time bin, counted from 1970.
    scales : float
        Height of a depth bin in vertical scales.
    """

    cells: Cells
    days: float
    scales: float

    def __post_init__(self) -> None:
        if self.cells.size < 0.01 or self.days < 1 / 24:
            raise ValueError(
                f"super-observations of {self.cells.size} degrees and {self.days} days are too fine to number: take at "
                "least 0.01 degrees and an hour, which keeps nearly every observation by itself"
            )


SHIFTS = (1 << 59, 1 << 50, 1 << 29)
"""Place values of variable, depth bin and time bin in a key; the cell is the rest."""

ALONE = 1 << 62
"""Bins from here on hold one super-observation each."""

EPOCH_BIN = 1 << 20
"""Number of the time bin that starts in 1970."""


@dataclass(frozen=True)
class SuperObservations:
    """Weighted sums over the observations of each bin; a commutative monoid under ``+``.

    Attributes
    ----------
    key : int64, (n,)
        Variable, depth bin, time bin and cell in one number, ascending.
    sums : float64, (n, 6)
        Sums of the weight (inverse error variance) and of weight times: innovation, and latitude, longitude
        [degrees], time [days] and stretched depth counted from the centre of the bin.
    time : datetime64
        The analysis time.
    bins : Bins
        What the numbers in `key` mean.
    """

    key: NDArray[np.int64]
    sums: NDArray[np.float64]
    time: np.datetime64
    bins: Bins

    def __add__(self, other: Self) -> SuperObservations:
        if self.bins != other.bins or self.time != other.time:
            raise ValueError(
                f"super-observations of {self.time} in {self.bins} and of {other.time} in {other.bins} do not add up: "
                "encode both with the same model for the same analysis time"
            )
        if not (self.key.size and other.key.size):
            return self if self.key.size else other
        key, sums = np.concatenate([self.key, other.key]), np.concatenate([self.sums, other.sums])
        return SuperObservations(*reduced(key, sums), self.time, self.bins)

    def of(self, variable: str, scales: Scales) -> SuperObservation:
        """The means of one variable."""
        start = CODES[variable] * SHIFTS[0]
        rows = slice(*np.searchsorted(self.key, [start, start + SHIFTS[0]]))
        weight, moments = self.sums[rows, 0], self.sums[rows, 1:] / self.sums[rows, :1]
        depth_bin, rest = np.divmod(self.key[rows] - start, SHIFTS[1])
        time_bin, cell = np.divmod(rest, SHIFTS[2])
        latitude, longitude = self.bins.cells.centre(cell)
        origin = (self.time - np.datetime64(0, "ns")) / DAY
        stretched = (depth_bin + 0.5) * self.bins.scales + moments[:, 4]
        fade = scales.fade(scales.depth(stretched))
        return SuperObservation(
            latitude=latitude + moments[:, 1],
            longitude=longitude + moments[:, 2],
            days=(time_bin - EPOCH_BIN + 0.5) * self.bins.days - origin + moments[:, 3],
            stretched=stretched,
            innovation=moments[:, 0],
            noise=1.0 / weight + (scales.representativeness * fade) ** 2,
            fade=fade,
        )


@dataclass(frozen=True)
class SuperObservation:
    """Super-observations of one variable, every array of shape (n,).

    Attributes
    ----------
    latitude, longitude : float64
        Degrees.
    days : float64
        Since the analysis time.
    stretched : float64
        Depth in vertical scales.
    innovation, noise : float64
        Mean innovation and its error variance, in the canonical unit and its square.
    fade : float64
        Standard deviation of the background error as a share of that at the surface.
    """

    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    days: NDArray[np.float64]
    stretched: NDArray[np.float64]
    innovation: NDArray[np.float64]
    noise: NDArray[np.float64]
    fade: NDArray[np.float64]

    def at_surface(self) -> SuperObservation:
        """All of them at depth 0."""
        return replace(self, stretched=np.zeros(self.stretched.size), fade=np.ones(self.fade.size))

    def bins(self, cells: Cells, days: float, scales: float) -> NDArray[np.int64]:
        """Number of the bin of each in a lattice of space, time from the analysis time, and stretched depth."""
        cell, _, _ = cells.locate(self.latitude, self.longitude)
        # Shifted like cells: a round time on an edge would leave the choice to rounding.
        time_bin = np.floor(self.days / days + ORIGIN).astype("i8") + EPOCH_BIN
        depth_bin = np.floor(self.stretched / scales + ORIGIN).astype("i8")
        return depth_bin * SHIFTS[1] + time_bin * SHIFTS[2] + cell

    def gathered(self, bins: NDArray[np.int64], where: NDArray[np.bool_] | bool = True) -> SuperObservation:
        """Means over those of equal bins for which `where` holds; the others stay as they are, behind them."""
        bins = np.where(where, bins, ALONE + np.arange(bins.size))
        _, first, label = np.unique(bins, return_index=True, return_inverse=True)
        latitude, longitude = self.latitude[first], self.longitude[first]
        offsets = (self.latitude - latitude[label], wrap_longitude(self.longitude - longitude[label]))
        columns = (*offsets, self.days, self.stretched, self.innovation, self.fade)
        weight = 1.0 / self.noise
        _, sums = reduced(label, np.column_stack([np.ones(weight.size), *columns]) * weight[:, None])
        north, east, days, stretched, innovation, fade = (sums[:, 1:] / sums[:, :1]).T
        return SuperObservation(latitude + north, longitude + east, days, stretched, innovation, 1.0 / sums[:, 0], fade)


def encode(
    points: Points, background: Background, time: np.datetime64, scales: Mapping[str, Scales], bins: Bins
) -> SuperObservations:
    """Reduce points to super-observations of their innovations.

    Parameters
    ----------
    points : Points
        Any number, in any order. Those of variables that the background or `scales` lack, below the deepest level
        that the background has at their place, and outside its sea count for nothing.
    background : Background
        What the innovations are departures from.
    time : datetime64
        The analysis time.
    scales : mapping
        Rows of the table of scales by variable.
    bins : Bins
        What is averaged together.
    """
    time = time.astype("datetime64[ns]")
    sums = [(np.empty(0, "i8"), np.empty((0, 6)))]
    for start in range(0, len(points), CHUNK):
        part = points.take(slice(start, start + CHUNK))
        for name in background.fields:
            if name in scales and (rows := np.flatnonzero(part.variable == CODES[name])).size:
                sums.append(reduced(*_binned(part.take(rows), background, name, scales[name], bins)))
    key, terms = (np.concatenate(column) for column in zip(*sums, strict=True))
    return SuperObservations(*reduced(key, terms), time, bins)


def innovation(points: Points, background: Background, name: str) -> NDArray[np.float64]:
    """Observation minus background at points of one variable, (n,); NaN where the background says nothing."""
    axes = (background.latitude, background.longitude, background.depth)
    at = (points.latitude, points.longitude, points.depth)
    return points.value - grids.observe(background.fields[name], axes, *at)


def _binned(
    points: Points, background: Background, name: str, scales: Scales, bins: Bins
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Key and weighted terms of each usable point of one variable."""
    departure = innovation(points, background, name)
    rows = np.flatnonzero(np.isfinite(departure))
    points, departure = points.take(rows), departure[rows]
    terms = np.empty((rows.size, 6))
    terms[:, 0] = weight = 1.0 / _variance(points, scales)
    terms[:, 1] = departure
    cell, latitude, longitude = bins.cells.locate(points.latitude, points.longitude)
    terms[:, 2] = points.latitude - latitude
    terms[:, 3] = wrap_longitude(points.longitude - longitude)
    days = (points.time - np.datetime64(0, "ns")) / DAY
    time_bin = np.floor(days / bins.days)
    terms[:, 4] = days - (time_bin + 0.5) * bins.days
    stretched = scales.stretch(points.depth)
    depth_bin = np.clip(np.floor(stretched / bins.scales), 0, SHIFTS[0] // SHIFTS[1] - 1)
    terms[:, 5] = stretched - (depth_bin + 0.5) * bins.scales
    terms[:, 1:] *= weight[:, None]
    parts = (np.full(rows.size, CODES[name]), depth_bin, time_bin + EPOCH_BIN)
    return cell + sum(part.astype("i8") * shift for part, shift in zip(parts, SHIFTS, strict=True)), terms


def _variance(points: Points, scales: Scales) -> NDArray[np.float64]:
    """Instrument error variance: the observation's own where it has one."""
    fade = scales.fade(points.depth)
    default = scales.default_errors()[points.source] * fade
    error = np.where(np.isfinite(points.error), points.error, default)
    return np.maximum(error, LEAST_ERROR * scales.std * fade) ** 2
