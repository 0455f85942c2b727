"""What happens to one observation chunk at one analysis time, and what is said where nothing was usable."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from adaf_xr.cf.canonical import SOURCES
from adaf_xr.inference.notices import NoObservationsWarning, warn
from adaf_xr.models.base import AssimilationModel, Background
from adaf_xr.points.arrays import Points
from adaf_xr.sphere import RADIUS

PIECE = 2**20
"""Points encoded at a time: the arrays of a piece stay near the processor, and a model's memory is bounded."""


@dataclass(frozen=True)
class Scene:
    """One analysis time and the background at it."""

    time: np.datetime64
    background: Background

    @property
    def centre(self) -> np.datetime64:
        """What the window of observations is centred on: the analysis time, or the middle of the days around it."""
        days = [*self.background.around]
        return days[0] + (days[-1] - days[0]) // 2 if days else self.time


@dataclass(frozen=True)
class Box:
    """A longitude-latitude box that already contains the halo; `east` lies eastward of `west` by at most a turn."""

    west: float
    width: float
    south: float
    north: float

    @classmethod
    def around(cls, latitude: np.ndarray, longitude: np.ndarray, halo: float) -> Box:
        """Box around target positions with `halo` [km] on every side.

        Examples
        --------
        >>> Box.around(np.array([0.0, 10.0]), np.array([170.0, -170.0]), 0.0)
        Box(west=170.0, width=20.0, south=0.0, north=10.0)
        """
        margin = np.degrees(halo / RADIUS)
        south, north = float(np.min(latitude) - margin), float(np.max(latitude) + margin)
        ordered = np.sort(np.mod(longitude, 360.0))
        gaps = np.diff(ordered, append=ordered[0] + 360.0)
        widest = int(np.argmax(gaps))
        # The complement of the widest gap is the narrowest arc that holds all longitudes.
        west, width = ordered[(widest + 1) % ordered.size], 360.0 - gaps[widest]
        poleward = np.cos(np.radians(min(max(abs(south), abs(north)), 89.0)))
        width = min(360.0, width + 2 * margin / poleward)
        west = float((west - margin / poleward + 180.0) % 360.0 - 180.0)
        return cls(west, float(width), south, north)

    def contains(self, points: Points) -> np.ndarray:
        """Rows inside."""
        inside = (points.latitude >= self.south) & (points.latitude <= self.north)
        if self.width < 360.0:
            inside &= np.mod(points.longitude - self.west, 360.0) <= self.width
        return inside


@dataclass(frozen=True)
class Part:
    """A partial result, and how many rows of every source were valid, in the window, in the region: (n_sources, 3)."""

    encoded: Any
    tally: np.ndarray

    def __add__(self, other: Part) -> Part:
        return Part(self.encoded + other.encoded, self.tally + other.tally)


@dataclass(frozen=True)
class Encoding:
    """The work of a :class:`~adaf_xr.inference.pairs.PairLayer`.

    Attributes
    ----------
    model : AssimilationModel
        The engine.
    box : Box
        Where observations count.
    sources : tuple of str
        Names of the sources that were offered, for the warning.
    idle : tuple of str
        What was said of those without any variable of the background.
    """

    model: AssimilationModel
    box: Box
    sources: tuple[str, ...]
    idle: tuple[str, ...] = ()

    def encode(self, chunk: np.ndarray, scenes: np.ndarray) -> Part:
        """Select by time and place, then encode; an empty selection is a valid input."""
        points: Points = chunk[0]
        scene: Scene = scenes[0]
        before, after = self.model.spec.window
        recent = points.within(scene.centre - before, scene.centre + after)
        near = recent.where(self.box.contains(recent))
        tally = np.stack([np.bincount(p.source, minlength=len(SOURCES)) for p in (points, recent, near)], axis=1)
        pieces = [near.take(slice(i, i + PIECE)) for i in range(0, max(1, len(near)), PIECE)]
        encoded = [self.model.encode(piece, scene.background, scene.time) for piece in pieces]
        return Part(_total(encoded), tally)

    def merge(self, parts: list[Part]) -> Part | None:
        """Add up."""
        return _total(parts) if parts else None

    def finish(self, whole: Part | None, scenes: np.ndarray) -> np.ndarray:
        """Unwrap, after saying so where nothing was usable."""
        scene: Scene = scenes[0]
        if whole is None:
            nothing = self.model.encode(Points.empty(), scene.background, scene.time)
            whole = Part(nothing, np.zeros((len(SOURCES), 3), int))
        if not whole.tally[:, 2].any():
            warn(self._complaint(whole.tally, scene.time), NoObservationsWarning)
        return in_cell(whole.encoded)

    def _complaint(self, tally: np.ndarray, time: np.datetime64) -> str:
        before, after = self.model.spec.window
        day = np.timedelta64(1, "D")
        reasons = [f"{name}: {_reason(*tally[SOURCES.index(name)])}" for name in self.sources]
        reasons += self.idle or ([] if self.sources else ["no source was given"])
        return (
            f"no usable observation at {np.datetime_as_string(time, 'm')}, so the analysis rests on the background "
            f"alone ({'; '.join(reasons)}; window from {before / day:g} days "
            f"before to {after / day:g} days after): widen `window` or `region`, or check the quality flags with "
            'ds.adaf.points(qc="all")'
        )


def _total(parts: list[Any]) -> Any:
    """The sum of at least one part, neighbours first, so that no encoding is copied once for every part."""
    while len(parts) > 1:
        parts = [reduce(operator.add, parts[i : i + 2]) for i in range(0, len(parts), 2)]
    return parts[0]


def _reason(valid: int, recent: int, near: int) -> str:
    """Why a source gave nothing."""
    if not valid:
        return "no valid value in the chunks that could matter"
    if not recent:
        return f"{valid} valid values, none in the time window"
    if not near:
        return f"{recent} values in the time window, none in the region"
    return f"{near} values"


def in_cell(value: Any) -> np.ndarray:
    """Wrap a value as a one-element object array, the form in which it travels through dask arrays."""
    cell = np.empty(1, dtype=object)
    cell[0] = value
    return cell
