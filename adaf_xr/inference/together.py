"""Several engines at one analysis, side by side: each analyses variables of its own, as if it were alone."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adaf_xr.cf.canonical import CODES, SOURCES, VARIABLES
from adaf_xr.inference.encoding import Box
from adaf_xr.models.base import Analysis, AssimilationModel, Background, ModelSpec, Targets
from adaf_xr.points.arrays import Points


def credits(parts: Iterable[tuple[Iterable[str], str, str, str]]) -> str:
    """What made which variables, in one line for the history.

    Parameters
    ----------
    parts : iterable of (variables, engine, provenance, sha256 of its checkpoint)
        One for every engine.

    Examples
    --------
    >>> credits([(["zos", "so"], "net", "seed 1", "ab12"), (["siconc"], "oi", "32 neighbours", "")])
    'zos, so by net (seed 1; checkpoint sha256 ab12); siconc by oi (32 neighbours)'
    """
    lines = [
        f"{', '.join(names)} by {engine} ({provenance}{f'; checkpoint sha256 {sha256}' if sha256 else ''})"
        for names, engine, provenance, sha256 in parts
    ]
    return "; ".join(lines)


@dataclass(frozen=True)
class Member:
    """An engine and the variables that it analyses.

    Attributes
    ----------
    engine : AssimilationModel
        Which.
    variables : tuple of str
        Those of the background that are its own.
    levels : tuple of float, optional
        Depths [m] of its levels of variables with depth; None: all.
    box : Box, optional
        Where observations count for it; None: everywhere.
    """

    engine: AssimilationModel
    variables: tuple[str, ...]
    levels: tuple[float, ...] | None = None
    box: Box | None = None

    @property
    def given(self) -> set[str]:
        """All that comes from it."""
        return {*self.variables, *self.engine.spec.adds}

    def selection(self, points: Points, time: np.datetime64) -> Points:
        """The points that it would get alone: of its window and halo, of sources and variables that it uses."""
        spec = self.engine.spec
        before, after = spec.window
        used = np.zeros((len(SOURCES), len(VARIABLES)), bool)
        names = {*self.given, *spec.predictors}
        used[np.ix_([SOURCES.index(s) for s in spec.sources], [CODES[name] for name in names])] = True
        recent = points.within(time - before, time + after)
        own = recent.where(used.ravel()[recent.source * np.intp(len(VARIABLES)) + recent.variable])
        return own if self.box is None else own.where(self.box.contains(own))

    def part_of(self, background: Background) -> Background:
        """The background that it would get alone."""
        fields = {name: background.fields[name] for name in self.variables}
        if not any(values.ndim == 3 for values in fields.values()):
            return replace(background, fields=fields, depth=np.empty(0))
        own = self.own(background.depth)
        cut = {name: values[own] if values.ndim == 3 else values for name, values in fields.items()}
        return replace(background, fields=cut, depth=background.depth[own])

    def own(self, depth: NDArray) -> NDArray[np.bool_] | slice:
        """Its levels among those of a background."""
        return slice(None) if self.levels is None else np.isin(depth, self.levels)


@dataclass(frozen=True)
class Encodings:
    """What each member keeps of observations."""

    parts: tuple[Any, ...]

    def __add__(self, other: Encodings) -> Encodings:
        return Encodings(tuple(map(operator.add, self.parts, other.parts)))


@dataclass(frozen=True)
class Together:
    """Engines that share a background's variables; meets :class:`adaf_xr.models.base.AssimilationModel`.

    Every observation chunk is read once, and each member sees of it what it would see alone: points of its own window,
    halo, sources and variables. Its analysis is that of the member alone on its part of the background.

    Attributes
    ----------
    members : tuple of Member
        In order of rank: a level of a variable is analysed by the first that has it. The spacing of the results is
        that of the first.
    """

    members: tuple[Member, ...]

    def around(self, latitude: NDArray, longitude: NDArray) -> Together:
        """The same for targets at these positions: no member sees farther than its halo from them."""
        boxes = (Box.around(latitude, longitude, member.engine.spec.halo) for member in self.members)
        return Together(tuple(replace(member, box=box) for member, box in zip(self.members, boxes, strict=True)))

    @cached_property
    def spec(self) -> ModelSpec:
        """What the members need and give, all together."""
        specs = [member.engine.spec for member in self.members]
        used = {source for spec in specs for source in spec.sources}
        return ModelSpec(
            name=", ".join(spec.name for spec in specs),
            variables=_union(member.variables for member in self.members),
            sources=tuple(source for source in SOURCES if source in used),
            grid=specs[0].grid,
            window=(max(spec.window[0] for spec in specs), max(spec.window[1] for spec in specs)),
            halo=max(spec.halo for spec in specs),
            provenance=credits(
                (names, spec.name, spec.provenance, spec.checkpoint)
                for names, spec in zip(self._shares(), specs, strict=True)
            ),
            adds=_union(spec.adds for spec in specs),
            predictors=_union(spec.predictors for spec in specs),
            needs=_union(spec.needs for spec in specs),
            gives_std=any(spec.gives_std for spec in specs),
        )

    def encode(self, points: Points, background: Background, time: np.datetime64) -> Encodings:
        """Encode for each member the points that it would see alone."""
        return Encodings(
            tuple(
                member.engine.encode(member.selection(points, time), member.part_of(background), time)
                for member in self.members
            )
        )

    def analyse(self, encoded: Encodings, background: Background, targets: Targets) -> Analysis:
        """The analyses of all members, at every level that of the first that has it."""
        mean: dict[str, NDArray] = {}
        std: dict[str, NDArray] = {}
        deep = {name for name, values in background.fields.items() if values.ndim == 3}
        for member, part in reversed(tuple(zip(self.members, encoded.parts, strict=True))):
            analysis = member.engine.analyse(part, member.part_of(background), targets)
            for name, values in analysis.mean.items():
                levels = member.own(background.depth) if name in deep else slice(None)
                error = analysis.std.get(name, np.full_like(values, np.nan))
                mean[name] = _laid_over(mean.get(name), values, levels)
                std[name] = _laid_over(std.get(name), error, levels)
        return Analysis(mean, std)

    def _shares(self) -> Iterator[list[str]]:
        """Variables of each member, with its levels where it shares them with another."""
        having = Counter(name for member in self.members for name in member.variables)
        for member in self.members:
            at = "other levels" if member.levels is None else _span(member.levels)
            yield [f"{name} at {at}" if having[name] > 1 else name for name in member.variables]


def _laid_over(below: NDArray | None, values: NDArray, levels: NDArray[np.bool_] | slice) -> NDArray:
    """Values at some levels, and at the others what is there."""
    if below is None or isinstance(levels, slice):
        return values
    whole = below.copy()
    whole[levels] = values
    return whole


def _span(depths: tuple[float, ...]) -> str:
    """Depths in words.

    >>> _span((0.5,)), _span((0.5, 2.0, 10.0))
    ('0.5 m', '0.5 to 10 m')
    """
    shallowest, deepest = f"{min(depths):g}", f"{max(depths):g}"
    return f"{shallowest} m" if len(depths) == 1 else f"{shallowest} to {deepest} m"


def _union(names: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """All names in order, each once."""
    return tuple(dict.fromkeys(name for part in names for name in part))
