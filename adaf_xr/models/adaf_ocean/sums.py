"""What is kept of observations: weighted sums over cells, days and channels, which add up.

The sums of the parts of a set of observations are the sums of the whole, so chunks are encoded apart and merged in any
order. They know no background: where in its cell the weight lies is kept, and the innovation follows from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from adaf_xr.cf.canonical import CODES, SOURCES
from adaf_xr.models.adaf_ocean.channels import BINS, DAYS, KEPT, TOP, Channel
from adaf_xr.models.keyed_sums import reduced
from adaf_xr.points.arrays import Points

SPAN = np.timedelta64(DAYS, "D")

FINE, COARSE = 0.25, 1.0
"""Spacing of the two lattices [degrees]. Both cover the globe; their cells nest."""

LEAST = 0.2
"""Least error of an observation as a share of the usual one: a claim beyond that is not believed."""

CHUNK = 400_000
"""Points reduced at once: bounds the memory, and makes the cost of sorting proportional to their number."""

PLACE = 1 << 32
"""Place value of channel and bin in a key; the cell is the rest."""


@dataclass(frozen=True)
class Sums:
    """Sums over cells; a commutative monoid under ``+``.

    Attributes
    ----------
    key : int64, (n,)
        Channel, bin of time and cell in one number, ascending, each once.
    sums : float64, (n, 4)
        Sums of the weight, and of weight times: value, and place east and north in the cell [cells from its centre].
        The weight of an observation is the square of the usual error over its own.
    time : datetime64
        The analysis time.

    Examples
    --------
    >>> place = {"longitude": np.zeros(2), "latitude": np.array([40.1, 40.2]), "depth": np.zeros(2)}
    >>> columns = {**place, "time": np.full(2, np.datetime64("2020-01-01", "ns")), "zos": np.array([0.1, 0.3])}
    >>> points, time = Points.from_columns(columns, "ssh"), np.datetime64("2020-01-01")
    >>> both = Sums.of(points.take(slice(1)), time) + Sums.of(points.take(slice(1, 2)), time)
    >>> both.sums[:, :2].round(3).tolist()
    [[2.0, 0.4]]
    """

    key: NDArray[np.int64]
    sums: NDArray[np.float64]
    time: np.datetime64

    @classmethod
    def of(cls, points: Points, time: np.datetime64) -> Self:
        """Encode points of any sources, in any order; none at all give the neutral element."""
        time = time.astype("datetime64[ns]")
        parts = [(np.empty(0, "i8"), np.empty((0, 4)))]
        for start in range(0, len(points), CHUNK):
            part = points.take(slice(start, start + CHUNK)).within(time - SPAN, time + SPAN)
            number = part.source.astype("i8") * len(CODES) + part.variable
            for place, channel in enumerate(KEPT):
                wanted = number == SOURCES.index(channel.source) * len(CODES) + CODES[channel.variable]
                if (rows := np.flatnonzero(wanted & (part.depth <= TOP))).size:
                    parts.append(reduced(*terms_of(part.take(rows), place, channel, time)))
        key, sums = (np.concatenate(column) for column in zip(*parts, strict=True))
        return cls(*reduced(key, sums), time)

    @classmethod
    def nothing(cls, time: np.datetime64) -> Self:
        """The neutral element."""
        return cls(np.empty(0, "i8"), np.empty((0, 4)), time)

    def __add__(self, other: Self) -> Sums:
        if self.time != other.time:
            raise ValueError(
                f"observations encoded for {self.time} and for {other.time} do not add up: encode both for the same "
                "analysis time"
            )
        if not (self.key.size and other.key.size):
            return self if self.key.size else other
        low, high = (self, other) if self.key[0] < other.key[0] else (other, self)
        key, sums = np.concatenate([low.key, high.key]), np.concatenate([low.sums, high.sums])
        # Chunks of different sources have no key in common and are in order already.
        apart = low.key[-1] < high.key[0]
        return Sums(key, sums, self.time) if apart else Sums(*reduced(key, sums), self.time)

    def of_channel(self, place: int, bin_: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Cells (n,) and sums (n, 4) of a channel, by its place in `KEPT`, in one bin of time."""
        start = (place * BINS + bin_) * PLACE
        rows = slice(*np.searchsorted(self.key, [start, start + PLACE]))
        return self.key[rows] - start, self.sums[rows]


def spacing(channel: Channel) -> float:
    """Side of the cells of a channel [degrees]."""
    return FINE if channel.fine else COARSE


def terms_of(
    points: Points, place: int, channel: Channel, time: np.datetime64
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Key and weighted terms of each point of a channel."""
    row, north = _split((points.latitude + 90.0) / spacing(channel), round(180.0 / spacing(channel)))
    n_columns = round(360.0 / spacing(channel))
    column, east = _split(np.mod(points.longitude + 180.0, 360.0) / spacing(channel), n_columns)
    # Floor, not rounding: 12 hours are no share of a bin of two days that rounding would have to decide.
    days = (points.time - time) / np.timedelta64(1, "D")
    bin_ = np.clip(np.floor((days + DAYS) * (BINS / (2.0 * DAYS))), 0, BINS - 1).astype("i8")
    error = np.where(np.isnan(points.error), channel.error, points.error)
    terms = np.empty((len(points), 4))
    terms[:, 0] = (channel.error / np.maximum(error, LEAST * channel.error)) ** 2
    for number, factor in enumerate((points.value, east, north), start=1):
        terms[:, number] = terms[:, 0] * factor
    return (place * BINS + bin_) * PLACE + row * n_columns + column, terms


def _split(position: NDArray, n: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Number of the cell of a position in cells, and how far from its centre it is [cells]."""
    number = np.minimum(np.floor(position), n - 1).astype("i8")
    return number, position - number - 0.5
