"""Observations on a grid, day by day: sums and numbers of values, which add up.

The sums of the parts of a set of observations are the sums of the whole, so chunks are encoded apart and merged in any
order. Several values in a cell on a day count with their mean; cells without any are missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adaf_xr import grids
from adaf_xr.cf.canonical import CODES, SOURCES
from adaf_xr.models.keyed_sums import reduced
from adaf_xr.points.arrays import Points

DAY = np.timedelta64(86_400_000_000_000, "ns")

OBSERVED = {"ssh": "zos", "sst": "thetao"}
"""What is read of each kind of observations."""


@dataclass(frozen=True)
class DailySums:
    """Sums over the cells of a grid and over days; a commutative monoid under ``+``.

    Attributes
    ----------
    days : datetime64[ns], (n_days,)
        Middles of the days, one after the other; a day is the 24 hours around, [day - 12 h, day + 12 h).
    time : datetime64[ns]
        The one of them that is analysed.
    shape : (n_lat, n_lon)
        Of the grid.
    key : int64, (n,)
        Kind of observation, day and cell in one number, ascending, each once.
    total : float64, (n,)
        Sum of the values [canonical unit].
    count : int64, (n,)
        Their number.

    Examples
    --------
    >>> place = {"longitude": np.full(3, 0.4), "latitude": np.full(3, 40.1), "depth": np.zeros(3)}
    >>> time = np.array(["2020-01-01T20", "2020-01-02T02", "2020-01-02T20"], "M8[ns]")
    >>> points = Points.from_columns({**place, "time": time, "zos": np.array([0.1, 0.3, 0.9])}, "ssh")
    >>> days = np.array(["2020-01-02", "2020-01-03"], "M8[ns]")
    >>> DailySums.of(points, days, [40.0, 41.0], [0.0, 1.0]).means("ssh")[:, 0, 0].tolist()
    [0.20000000298023224, 0.8999999761581421]
    """

    days: NDArray[np.datetime64]
    time: np.datetime64
    shape: tuple[int, int]
    key: NDArray[np.int64]
    total: NDArray[np.float64]
    count: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        points: Points,
        days: NDArray[np.datetime64],
        latitude: ArrayLike,
        longitude: ArrayLike,
        time: np.datetime64 | None = None,
    ) -> Self:
        """Encode points of any sources, in any order; none at all give the neutral element.

        Parameters
        ----------
        points : Points
            Those of other days, beside the grid, and of what is not read count for nothing.
        days : datetime64 (n_days,)
            Each a day after the one before.
        latitude, longitude : array (n_lat,), (n_lon,)
            Centres of the cells [degrees]: latitude in either order, longitude ascending in any convention.
        time : datetime64, optional
            The day that is analysed. Default: the one in the middle.
        """
        days = np.asarray(days, "M8[ns]")
        time = days[days.size // 2] if time is None else time.astype("M8[ns]")
        shape = np.size(latitude), np.size(longitude)
        row, north = _nearest(grids.locate_latitude(latitude, points.latitude))
        column, east = _nearest(grids.locate_longitude(longitude, points.longitude))
        day = (points.time - (days[0] - DAY // 2)) // DAY
        kind = np.full((len(SOURCES), len(CODES)), -1)
        for place, (source, variable) in enumerate(OBSERVED.items()):
            kind[SOURCES.index(source), CODES[variable]] = place
        quantity = kind[points.source, points.variable]
        used = north & east & (quantity >= 0) & (day >= 0) & (day < days.size)
        key = ((quantity * days.size + day) * shape[0] + row) * shape[1] + column
        return cls(days, time, shape, *_summed(key[used], points.value[used], np.ones(np.count_nonzero(used))))

    def __add__(self, other: Self) -> DailySums:
        if (self.shape, self.time) != (other.shape, other.time) or not np.array_equal(self.days, other.days):
            raise ValueError(
                f"observations encoded for {self._said()} and for {other._said()} do not add up: encode both for the "
                "same days on the same grid"
            )
        if not (self.key.size and other.key.size):
            return self if self.key.size else other
        pairs = zip((self.key, self.total, self.count), (other.key, other.total, other.count), strict=True)
        return DailySums(self.days, self.time, self.shape, *_summed(*map(np.concatenate, pairs)))

    def means(self, kind: str) -> NDArray[np.float32]:
        """Means of one of :data:`OBSERVED` over cells and days, (n_days, n_lat, n_lon), NaN where nothing was seen."""
        size = self.days.size * self.shape[0] * self.shape[1]
        start = list(OBSERVED).index(kind) * size
        rows = slice(*np.searchsorted(self.key, [start, start + size]))
        found = np.full(size, np.nan, "f4")
        found[self.key[rows] - start] = self.total[rows] / self.count[rows]
        return found.reshape(-1, *self.shape)

    def _said(self) -> str:
        first, last = self.days[[0, -1]].astype("M8[D]")
        return f"{self.time.astype('M8[D]')} among {first} to {last} on {self.shape[0]} x {self.shape[1]} cells"


def _nearest(at: grids.Axis) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """The cells that hold positions, and which positions any does."""
    return np.where(at.weight < 0.5, at.lower, at.upper), at.inside


def _summed(
    key: NDArray, total: NDArray, count: NDArray
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Keys once each, ascending, with the sums of what they stand for."""
    key, sums = reduced(key.astype("i8"), np.column_stack([total, count]))
    return key, sums[:, 0], sums[:, 1].astype("i8")
