"""Backgrounds of consecutive days, for engines that make one analysis of several.

Every analysis time gets the fields of the days around it beside its own. They are handed on as they are, so that what
was read once is kept once, and the tasks that do it are written only when the graph is executed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph
from numpy.typing import NDArray

from adaf_xr.inference import background as first_guess
from adaf_xr.inference.encoding import Scene, in_cell
from adaf_xr.inference.pairs import PairLayer
from adaf_xr.instants import DAY
from adaf_xr.models.base import ModelSpec

Days = Mapping[np.datetime64, Mapping[str, NDArray]]


def widened(
    scenes: da.Array, times: NDArray[np.datetime64], series: xr.Dataset, spec: ModelSpec
) -> tuple[da.Array, NDArray[np.datetime64]]:
    """Scenes with the backgrounds around them, and the middles of their days.

    Parameters
    ----------
    scenes : dask array of objects, (n_times,)
        Scenes of the analysis times.
    times : datetime64, (n_times,)
        Those.
    series : Dataset
        All days of the background, as :func:`adaf_xr.inference.background.prepare` makes it.
    spec : ModelSpec
        Of the engine: how many days, and which fields of them. Those with depth are handed on at the shallowest level.

    Raises
    ------
    ValueError
        Where an analysis time is no day of the background, or lies in too short a row of days.
    """
    windows = Windows(times.astype("M8[ns]"), series.time.values.astype("M8[ns]"), spec.days, spec.name)
    wanted = series[[name for name in (*spec.variables, *spec.predictors) if name in series]]
    if "depth" in wanted.dims:
        wanted = wanted.isel(depth=int(np.argmin(wanted.depth.values)), drop=True)
    days = first_guess.scenes(wanted)
    name = "adaf-around-" + tokenize(scenes.name, days.name, windows)
    layer = PairLayer(name, Gathering(), days.__dask_keys__(), scenes.name, windows)
    graph = HighLevelGraph.from_collections(name, layer, dependencies=[scenes, days])
    return da.Array(graph, name, scenes.chunks, dtype=object), windows.centres


@dataclass(frozen=True)
class Windows(Sequence):
    """For every analysis time the numbers of its days in a series: it is in their middle, or as near as it can be.

    Attributes
    ----------
    times, series : datetime64[ns]
        Analysis times, and all days of the background.
    days : int
        How many make a window.
    engine : str
        Name of who wants them, for errors.

    Examples
    --------
    >>> series = np.arange("2020-01-01", "2020-01-06", dtype="M8[D]").astype("M8[ns]")
    >>> [window.tolist() for window in Windows(series[[0, 2, 4]], series, 3, "toy")]
    [[0, 1, 2], [1, 2, 3], [2, 3, 4]]
    """

    times: NDArray[np.datetime64]
    series: NDArray[np.datetime64]
    days: int
    engine: str

    def __post_init__(self) -> None:
        strange = self.times[~np.isin(self.times, self.series)]
        if strange.size:
            raise ValueError(
                f"the engine {self.engine!r} sees days around an analysis, and {_said(strange[0])} is none of the "
                f"background's, {_said(self.series[0])} to {_said(self.series[-1])}: choose times that it has, or "
                "interpolate it, background.interp(time=...)"
            )
        rows = [(start, stop) for start, stop in self._rows if stop - start < self.days]
        short = [(start, stop) for start, stop in rows if np.isin(self.times, self.series[start:stop]).any()]
        if short:
            start, stop = short[0]
            raise ValueError(
                f"the engine {self.engine!r} sees {self.days} consecutive days, and the background has "
                f"{stop - start} in a row at {_said(self.series[start])}, a day apart from one another: give it a "
                "longer series, of every day. Which of its days are analysed is for time=... to say"
            )

    def __len__(self) -> int:
        return self.times.size

    def __getitem__(self, t: Any) -> Any:
        return np.arange(self._starts[t], self._starts[t] + self.days)

    @property
    def centres(self) -> NDArray[np.datetime64]:
        """Middle of each window."""
        first, last = self.series[self._starts], self.series[self._starts + self.days - 1]
        return first + (last - first) // 2

    @cached_property
    def _rows(self) -> list[tuple[int, int]]:
        """Where days follow one another without a gap: the first, and the one after the last."""
        cuts = np.flatnonzero(np.diff(self.series) != DAY) + 1
        edges = [0, *cuts.tolist(), self.series.size]
        return list(pairwise(edges))

    @cached_property
    def _starts(self) -> NDArray[np.intp]:
        """The first day of each window."""
        at = np.searchsorted(self.series, self.times)
        starts, stops = np.array(self._rows).T
        row = np.searchsorted(starts, at, side="right") - 1
        return np.clip(at - self.days // 2, starts[row], stops[row] - self.days)


@dataclass(frozen=True)
class Gathering:
    """The work of a :class:`~adaf_xr.inference.pairs.PairLayer` between days and analysis times."""

    def encode(self, day: np.ndarray, scene: np.ndarray) -> Days:
        """The fields of a day."""
        held: Scene = day[0]
        return {held.time: held.background.fields}

    def merge(self, parts: list[Days]) -> Days:
        """Those of several."""
        return {time: fields for part in parts for time, fields in part.items()}

    def finish(self, whole: Days, scene: np.ndarray) -> np.ndarray:
        """An analysis time with its days in order."""
        here: Scene = scene[0]
        around = {time: whole[time] for time in sorted(whole)}
        return in_cell(replace(here, background=replace(here.background, around=around)))


def _said(time: np.datetime64) -> str:
    return str(time.astype("M8[m]"))
