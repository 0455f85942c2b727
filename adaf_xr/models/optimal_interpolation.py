"""Optimal interpolation: the engine that needs no training, gives formal errors, and is the bar for learned models.

The innovations are gathered into super-observations (:mod:`adaf_xr.models.super_observations`) and interpolated with a
Gaussian covariance (:mod:`adaf_xr.models.scales`) from those nearest in correlation lengths, which count space, time
and depth alike, in overlapping groups that are blended (:mod:`adaf_xr.models.neighbourhood`). Variables are analysed
apart: a temperature says nothing about a salinity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from adaf_xr.cf.canonical import SOURCES
from adaf_xr.models.base import Analysis, Background, ModelSpec, Targets
from adaf_xr.models.cells import Cells
from adaf_xr.models.first_guess import at_targets
from adaf_xr.models.neighbourhood import REACH, Neighbourhood, Nodes, widened
from adaf_xr.models.scales import Override, Scales, scales_with
from adaf_xr.models.super_observations import Bins, SuperObservation, SuperObservations, encode
from adaf_xr.points.arrays import Points


@dataclass(frozen=True, init=False)
class OptimalInterpolation:
    """Local optimal interpolation of innovations.

    Parameters
    ----------
    length, time, vertical, std, representativeness, error, broad : float or mapping, optional
        Numbers that replace those of :data:`adaf_xr.models.scales.SCALES`, where each is defined with its unit: one for
        every variable, or a mapping from variables (``error``: also from observing systems) to numbers.
    neighbours : int
        Super-observations that each group of targets is analysed from.
    cell : float
        Side [degrees] of the cells in which observations are averaged to super-observations. Where more than
        `neighbours` of them crowd within two scales, they are averaged further.
    days : float
        Length [days] of the time bins of super-observations.
    window : tuple of np.timedelta64
        Time before and after the analysis time in which observations count.
    threads : int, optional
        Most threads of this process that work for one analysis; None: one per core. All analyses of a process share
        one pool of a thread per core, so that calls from many threads at once do not crowd it.

    Examples
    --------
    >>> model = OptimalInterpolation(length={"zos": 80.0}, neighbours=24)
    >>> model.scales["zos"].length, model.spec.name
    (80.0, 'oi')
    """

    scales: Mapping[str, Scales]
    neighbours: int
    cell: float
    days: float
    window: tuple[np.timedelta64, np.timedelta64]
    threads: int | None

    def __init__(
        self,
        length: Override = None,
        time: Override = None,
        vertical: Override = None,
        std: Override = None,
        representativeness: Override = None,
        error: Override = None,
        broad: Override = None,
        *,
        neighbours: int = 32,
        cell: float = 0.25,
        days: float = 1.0,
        window: tuple[np.timedelta64, np.timedelta64] = (np.timedelta64(5, "D"), np.timedelta64(5, "D")),
        threads: int | None = None,
    ) -> None:
        if neighbours < 1 or (threads is not None and threads < 1):
            raise ValueError(f"neighbours={neighbours!r}, threads={threads!r}: give at least one of each")
        settings = {
            "scales": scales_with(length, time, vertical, std, representativeness, error, broad),
            "neighbours": int(neighbours),
            "cell": float(cell),
            "days": float(days),
            "window": window,
            "threads": threads,
        }
        for name, value in settings.items():
            object.__setattr__(self, name, value)
        _ = self.bins  # refuses what is too fine

    @property
    def bins(self) -> Bins:
        """What is averaged together."""
        return Bins(Cells(self.cell), self.days, scales=0.5)

    @property
    def spec(self) -> ModelSpec:
        """What the engine needs and what it gives."""
        # The mesoscale is estimated from what the broad part leaves at its observations: their reaches add up.
        # A length for the way to the centre of a group, and three for a box in which super-observations crowd.
        halo = max(
            (REACH + 4.0) * s.length + (REACH + 1.0) * (s.broad_length if s.broad else 0.0)
            for s in self.scales.values()
        )
        return ModelSpec(
            name="oi",
            variables=tuple(self.scales),
            sources=tuple(s for s in SOURCES if s != "wind"),
            grid=0.25,
            window=self.window,
            halo=halo,
            provenance=f"optimal interpolation from {self.neighbours} neighbours: "
            + ", ".join(f"{v} {s.length:g} km {s.time:g} d" for v, s in self.scales.items()),
        )

    def encode(self, points: Points, background: Background, time: np.datetime64) -> SuperObservations:
        """Reduce points to super-observations of their innovations.

        Parameters
        ----------
        points : Points
            Any number, in any order.
        background : Background
            What the innovations are departures from.
        time : datetime64
            The analysis time.
        """
        return encode(points, background, time, self.scales, self.bins)

    def analyse(self, encoded: SuperObservations, background: Background, targets: Targets) -> Analysis:
        """Mean and standard error of each variable of the background in the table of scales.

        Parameters
        ----------
        encoded : SuperObservations
            From `encode`, with the same background.
        background : Background
            The mean where there is no observation; where it is missing at a target, so is the analysis.
        targets : Targets
            Where.
        """
        mean, std = {}, {}
        for name in background.fields:
            if name in self.scales:
                scales = self.scales[name]
                mean[name], std[name] = self._field(name, encoded.of(name, scales), scales, background, targets)
        return Analysis(mean, std)

    def _field(
        self, name: str, observed: SuperObservation, scales: Scales, background: Background, targets: Targets
    ) -> tuple[NDArray, NDArray]:
        """Mean and standard error of one variable on all its levels."""
        values = background.fields[name]
        mean = at_targets(values, background, targets)
        std = np.full(mean.shape, np.nan)
        surface = values.ndim == 2
        parts = self._parts(observed.at_surface() if surface else observed, scales, surface)
        for level, depth in enumerate(np.zeros(1) if surface else background.depth):
            sea = np.flatnonzero(np.isfinite(mean[level]))
            where, stretched = _positions(targets, sea), float(scales.stretch(depth))
            solved = [part.analyse(*where, stretched, self.threads) for part in parts]
            sigma = np.array([part.part.std for part in parts]) * scales.fade(depth)
            increment = sum(s * increment for s, (increment, _) in zip(sigma, solved, strict=True))
            share = sum(s**2 * variance for s, (_, variance) in zip(sigma, solved, strict=True)) / sum(sigma**2)
            mean[level].reshape(-1)[sea] += increment
            std[level].reshape(-1)[sea] = np.sqrt(sum(sigma**2)) * np.sqrt(share)
        shape = values.shape[:-2] + targets.shape
        return mean.reshape(shape), std.reshape(shape)

    def _parts(self, observed: SuperObservation, scales: Scales, surface: bool) -> list[Neighbourhood]:
        """Estimators of the parts of the background error: the broad one first, the mesoscale from what it leaves."""
        mesoscale = scales.mesoscale_part
        if not (surface and scales.broad):
            return [Neighbourhood.of(observed, mesoscale, self.neighbours)]
        part = scales.broad_part
        wide = widened(observed, part)
        # To the broad part the mesoscale is noise, and nearly white from one wide cell to the next.
        wide = replace(wide, noise=wide.noise + mesoscale.std**2)
        broad = Nodes.of(wide, part, self.neighbours)
        seen, _ = broad.analyse(observed.latitude, observed.longitude, 0.0, self.threads)
        left = replace(observed, innovation=observed.innovation - part.std * seen)
        return [broad, Neighbourhood.of(left, mesoscale, self.neighbours)]


def _positions(targets: Targets, rows: NDArray) -> tuple[NDArray, NDArray]:
    """Latitude and longitude of targets by their number."""
    if not targets.gridded:
        return targets.latitude[rows], targets.longitude[rows]
    row, column = np.divmod(rows, targets.longitude.size)
    return targets.latitude[row], targets.longitude[column]
