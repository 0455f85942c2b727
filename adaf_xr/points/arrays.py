"""Observations as a plain struct of 1-D arrays: what travels between tasks and enters models.

The public face of observations is a labelled Dataset; inside tasks the labels would only cost time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from adaf_xr.cf.canonical import CODES, SOURCES, VARIABLES


@dataclass(frozen=True, slots=True)
class Points:
    """Point observations, one row per measured value, every array of shape (n,).

    Attributes
    ----------
    longitude : float64
        Degrees east in [-180, 180).
    latitude : float64
        Degrees north.
    depth : float32
        Metres, positive down.
    time : datetime64[ns]
        UTC.
    value : float64
        In the canonical unit of the row's variable.
    error : float32
        Standard deviation of the observation error in the same unit; NaN where the file gives none.
    variable, source : int8
        Positions in :data:`adaf_xr.cf.canonical.VARIABLES` and :data:`adaf_xr.cf.canonical.SOURCES`.
    """

    longitude: NDArray[np.float64]
    latitude: NDArray[np.float64]
    depth: NDArray[np.float32]
    time: NDArray[np.datetime64]
    value: NDArray[np.float64]
    error: NDArray[np.float32]
    variable: NDArray[np.int8]
    source: NDArray[np.int8]

    @classmethod
    def from_columns(cls, columns: Mapping[str, NDArray], source: str) -> Points:
        """Rows of a points table: one per present value of each variable.

        Parameters
        ----------
        columns : mapping of str to array (n,)
            ``longitude``, ``latitude``, ``depth``, ``time`` and any canonical variables, each with an optional
            ``<name>_error``. A missing or impossible value makes no row.
        source : str
            One of :data:`adaf_xr.cf.canonical.SOURCES`.

        Examples
        --------
        >>> where = {"longitude": np.zeros(2), "latitude": np.zeros(2), "depth": np.zeros(2)}
        >>> when = {"time": np.array(["2020-01-01", "2020-01-02"], "datetime64[ns]")}
        >>> len(Points.from_columns({**where, **when, "thetao": np.array([12.5, np.nan])}, "insitu"))
        1
        """
        placed = ~np.isnat(columns["time"])
        for name in ("longitude", "latitude", "depth"):
            placed &= np.isfinite(columns[name])
        return cls.concatenate(cls._of(columns, name, placed, source) for name in VARIABLES if name in columns)

    @classmethod
    def _of(cls, columns: Mapping[str, NDArray], name: str, placed: NDArray, source: str) -> Points:
        """Rows of one variable."""
        value, (low, high) = np.asarray(columns[name]), VARIABLES[name].limits
        valid = placed & (value >= low) & (value <= high)
        n = int(np.count_nonzero(valid))
        # A table without a hole, as files in memory give it, is taken as it is.
        rows = slice(None) if n == value.size else np.flatnonzero(valid)
        error = columns.get(f"{name}_error")
        return cls(
            longitude=columns["longitude"][rows].astype("f8", copy=False),
            latitude=columns["latitude"][rows].astype("f8", copy=False),
            depth=columns["depth"][rows].astype("f4", copy=False),
            time=columns["time"][rows].astype("datetime64[ns]", copy=False),
            value=value[rows].astype("f8", copy=False),
            error=np.full(n, np.nan, "f4") if error is None else error[rows].astype("f4", copy=False),
            variable=np.full(n, CODES[name], "i1"),
            source=np.full(n, SOURCES.index(source), "i1"),
        )

    def __len__(self) -> int:
        return self.value.size

    @classmethod
    def empty(cls) -> Points:
        """No observation at all: a valid input everywhere."""
        f8, f4, i1 = np.empty(0), np.empty(0, "f4"), np.empty(0, "i1")
        return cls(f8, f8, f4, np.empty(0, "datetime64[ns]"), f8, f4, i1, i1)

    @classmethod
    def concatenate(cls, parts: Iterable[Points]) -> Points:
        """Rows of all parts, in order."""
        parts = [p for p in parts if len(p)]
        if len(parts) < 2:
            return parts[0] if parts else cls.empty()
        return cls(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)))

    def take(self, rows: NDArray | slice) -> Points:
        """Rows by boolean mask, index array or slice."""
        return Points(*(getattr(self, f.name)[rows] for f in fields(self)))

    def where(self, mask: NDArray[np.bool_]) -> Points:
        """Rows by boolean mask; the points themselves where all rows are wanted, without a copy."""
        return self if mask.all() else self.take(mask)

    def within(self, start: np.datetime64, stop: np.datetime64) -> Points:
        """Rows with start <= time < stop."""
        return self.where((self.time >= start) & (self.time < stop))

    @property
    def nbytes(self) -> int:
        """Size of all arrays."""
        return sum(getattr(self, f.name).nbytes for f in fields(self))
