"""What an assimilation model is: the protocol every engine meets, and the structs that pass through it.

Models take arrays and return arrays; they know no labels, no files and no dask.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from adaf_xr.points.arrays import Points


@dataclass(frozen=True)
class ModelSpec:
    """What a model needs and what it gives.

    Attributes
    ----------
    name : str
        The name users type.
    variables : tuple of str
        State variables it can analyse (canonical names).
    sources : tuple of str
        Observing systems it can use.
    grid : float
        Its own output spacing [degrees].
    window : tuple of np.timedelta64
        Time before and after the analysis time in which observations count, half-open: [t - before, t + after).
    halo : float
        Distance [km] beyond the output region at which an observation can still matter.
    provenance : str
        One line for the `history` of results: version, checkpoint hash, configuration.
    adds : tuple of str
        Variables it gives that the background need not have.
    predictors : tuple of str
        Observed variables it can use although the background does not have them.
    needs : tuple of str
        Variables without which a background is no use to it.
    sees : tuple of str
        Variables without which, observed or in the background, it cannot work.
    gives_std : bool
        Whether it gives standard errors; without them results have no ``<name>_std`` at all.
    checkpoint : str
        sha256 of the file of its weights, which results carry; empty for a model without one.
    days : int
        Consecutive days, each with a background of its own, that one analysis is made of. Where more than 1, it gets
        them as :attr:`Background.around`: the analysis time in the middle, and at an end of the series of backgrounds
        the nearest days within it. Observations then count in the window around the middle of these days.
    """

    name: str
    variables: tuple[str, ...]
    sources: tuple[str, ...]
    grid: float
    window: tuple[np.timedelta64, np.timedelta64]
    halo: float
    provenance: str
    adds: tuple[str, ...] = ()
    predictors: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    gives_std: bool = True
    checkpoint: str = ""
    days: int = 1
    sees: tuple[str, ...] = ()


@dataclass(frozen=True)
class Background:
    """The first guess at one analysis time, on its own rectilinear grid.

    Attributes
    ----------
    latitude, longitude : float64, (n_lat,) and (n_lon,)
        Cell centres [degrees]; latitude in either order, longitude ascending in any convention.
    depth : float64, (n_depth,)
        Levels [m] of the variables that have them; empty where none has.
    fields : mapping of str to array
        Canonical name to values in canonical units, (n_lat, n_lon) at the surface or (n_depth, n_lat, n_lon);
        NaN on land.
    around : mapping of datetime64[ns] to such mappings
        Surface fields of consecutive days, the analysed one among them, in order of time: those of its `variables` and
        `predictors` that the background has, for a model whose spec has more than one of `days`. Empty for others.
    """

    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    depth: NDArray[np.float64]
    fields: Mapping[str, NDArray] = field(repr=False)
    around: Mapping[np.datetime64, Mapping[str, NDArray]] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Targets:
    """Where the analysis is wanted.

    Attributes
    ----------
    latitude, longitude : float64
        The two axes of a grid, (n_lat,) and (n_lon,), or the positions of points, both (n,).
    gridded : bool
        Which of the two.
    sea : bool array, (n_lat, n_lon) or (n,), or None
        Cells worth computing; the rest is missing in the result. None: all.
    """

    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    gridded: bool = True
    sea: NDArray[np.bool_] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one level of the result."""
        return (self.latitude.size, self.longitude.size) if self.gridded else (self.latitude.size,)


@dataclass(frozen=True)
class Analysis:
    """Mean and standard error at the targets, ``(n_depth, *targets.shape)`` or ``targets.shape``, NaN on land.

    `std` is empty where the model gives none.
    """

    mean: Mapping[str, NDArray]
    std: Mapping[str, NDArray] = field(default_factory=dict)


class Encoded(Protocol):
    """What a model keeps of observations: a commutative monoid, so that the parts of a whole can be encoded apart.

    ``a + b`` merges; encoding no points gives the neutral element.
    """

    def __add__(self, other: Self, /) -> Self: ...


class AssimilationModel(Protocol):
    """An engine that turns points and a background into an analysis."""

    @property
    def spec(self) -> ModelSpec:
        """What the engine needs and gives."""
        ...

    def encode(self, points: Points, background: Background, time: np.datetime64) -> Any:
        """Reduce points to something that adds up; `points` may be empty."""
        ...

    def analyse(self, encoded: Any, background: Background, targets: Targets) -> Analysis:
        """Mean and standard deviation at the targets, from everything encoded."""
        ...


class UpsamplingModel(Protocol):
    """An engine that refines fields."""

    name: str
    provenance: str

    def upsample(
        self,
        field: NDArray,
        latitude: NDArray,
        longitude: NDArray,
        factor: int,
        keep_means: bool,
        sea: NDArray[np.bool_] | None,
    ) -> NDArray:
        """Refine a field (..., n_lat, n_lon), NaN on land, to cells nested `factor` times along both directions.

        `sea` is the mask of the fine grid; None: the cells of every coarse cell that has a value.
        """
        ...
