"""The super-observations of one variable, and analyses at any targets from those nearest to each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from adaf_xr.models.cells import Cells
from adaf_xr.models.local_solve import interpolate
from adaf_xr.models.scales import Scales
from adaf_xr.models.super_observations import SuperObservation
from adaf_xr.sphere import RADIUS, unit_vectors

REACH = 4.0
"""Correlation lengths beyond which an observation is not looked at: the correlation is 3e-4 there."""

GROUP = 0.5
"""Side of a group of targets that share their neighbours, in correlation lengths, and at most in degrees."""

MEMBERS = 16
"""Most targets solved together: bounds the padding where positions crowd."""

BLOCK = 256
"""Groups solved by one call: large enough to hide the cost of a call, small enough for the processor's cache."""


@dataclass(frozen=True)
class Neighbourhood:
    """Super-observations in the space where distance is correlation.

    The axes are the three of the globe in lengths, time in time scales and depth in vertical scales, so that the
    correlation of two places is ``exp(-distance^2 / 2)`` and the nearest observation is the most correlated one.

    Attributes
    ----------
    sites : float64, (n, 5)
        Coordinates.
    innovation, noise : float64, (n + 1,)
        Innovation and error variance in units of the background's; the last row stands for no observation.
    tree : cKDTree
        Of the sites.
    groups : Cells
        Targets in one cell share their neighbours, those nearest to the cell's centre.
    length : float
        Correlation length [km].
    neighbours : int
        How many.
    """

    sites: NDArray[np.float64]
    innovation: NDArray[np.float64]
    noise: NDArray[np.float64]
    tree: cKDTree
    groups: Cells
    length: float
    neighbours: int

    @classmethod
    def of(cls, observed: SuperObservation, scales: Scales, neighbours: int) -> Neighbourhood:
        """Prepare the super-observations of one variable."""
        place = unit_vectors(observed.latitude, observed.longitude) * (RADIUS / scales.length)
        sites = np.column_stack([place, observed.days / scales.time, observed.stretched])
        size = GROUP * min(1.0, np.degrees(scales.length / RADIUS))
        return cls(
            sites=sites,
            innovation=np.append(observed.innovation, 0.0),
            noise=np.append(observed.noise, 0.0),
            tree=cKDTree(sites),
            groups=Cells(size),
            length=scales.length,
            neighbours=neighbours,
        )

    def analyse(
        self, latitude: NDArray, longitude: NDArray, stretched: float, threads: int | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Increment and standard error at positions of one depth, (m,) each, in background standard deviations."""
        increment, share = np.zeros(latitude.size), np.ones(latitude.size)
        if not (latitude.size and self.tree.n):
            return increment, share
        batches = Batches.of(self.groups.locate(latitude, longitude)[0])

        def work(part: Iterable[int]) -> None:
            for start in part:
                rows, mean, variance = self._solve(
                    batches.take(slice(start, start + BLOCK)), latitude, longitude, stretched
                )
                increment[rows], share[rows] = mean, np.sqrt(variance)

        _spread(work, range(0, batches.first.size, BLOCK), threads)
        return increment, share

    def _solve(
        self, batches: Batches, latitude: NDArray, longitude: NDArray, stretched: float
    ) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
        """Rows, mean and variance of the targets in some groups."""
        centre = self._coordinates(*self.groups.centre(batches.cell), stretched)
        _, near = self.tree.query(centre, self.neighbours, distance_upper_bound=REACH)
        near = near.reshape(centre.shape[0], -1).T
        some = near[0] < self.tree.n
        near, centre, batches = (
            near[: np.max(np.sum(near < self.tree.n, axis=0)), some],
            centre[some],
            batches.take(some),
        )
        rows, real = batches.rows()
        wanted = self._coordinates(latitude[rows], longitude[rows], stretched) - centre
        # The row for absent observations is any place: `interpolate` gives it no weight.
        sites = self.sites[np.minimum(near, self.tree.n - 1)] - centre
        mean, variance = interpolate(
            _axes_first(sites), self.innovation[near], self.noise[near], near < self.tree.n, _axes_first(wanted)
        )
        return rows[real], mean[real], variance[real]

    def _coordinates(self, latitude: NDArray, longitude: NDArray, stretched: float) -> NDArray[np.float64]:
        """Places at the analysis time in the space of `sites`, (..., 5)."""
        place = unit_vectors(latitude, longitude) * (RADIUS / self.length)
        when, depth = np.zeros((*place.shape[:-1], 1)), np.full((*place.shape[:-1], 1), stretched)
        return np.concatenate([place, when, depth], axis=-1)


@dataclass(frozen=True)
class Batches:
    """Targets of one cell after the other, in batches of at most `MEMBERS`.

    Attributes
    ----------
    order : array (n_targets,)
        Target numbers, cell by cell.
    first, stop, cell : array (n_batches,)
        Slice of `order` and cell of each batch.
    """

    order: NDArray[np.intp]
    first: NDArray[np.intp]
    stop: NDArray[np.intp]
    cell: NDArray[np.int64]

    @classmethod
    def of(cls, cell: NDArray[np.int64]) -> Batches:
        """Sort targets by the cell they lie in."""
        order = np.argsort(cell, kind="stable")
        cell = cell[order]
        position = np.arange(cell.size)
        fresh = np.diff(cell, prepend=-1) != 0
        rank = position - np.maximum.accumulate(np.where(fresh, position, 0))
        first = np.flatnonzero(rank % MEMBERS == 0)
        return cls(order, first, np.append(first[1:], cell.size), cell[first])

    def take(self, rows: NDArray | slice) -> Batches:
        """Some of the batches."""
        return Batches(self.order, self.first[rows], self.stop[rows], self.cell[rows])

    def rows(self) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Target numbers, (most members, n_batches), and where they are not padding."""
        position = self.first + np.arange(np.max(self.stop - self.first, initial=0))[:, None]
        real = position < self.stop
        return self.order[np.where(real, position, self.first)], real


def _axes_first(places: NDArray) -> NDArray:
    """Coordinates as `interpolate` wants them: axis, member, batch, contiguous."""
    return np.ascontiguousarray(np.moveaxis(places, -1, 0))


def _spread(work: Callable[[Iterable[int]], None], starts: range, threads: int | None) -> None:
    """Do the work for all `starts` in the threads of the process's pool."""
    n = min(_cores() if threads is None else threads, len(starts))
    if n < 2:
        return work(starts)
    # Strides, not slices: dense and empty parts of the ocean fall to all threads alike.
    for done in [_pool().submit(work, starts[i::n]) for i in range(n)]:
        done.result()


def _cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _pool() -> ThreadPoolExecutor:
    """One pool for every analysis of the process, so that calls from many threads do not crowd its cores."""
    return ThreadPoolExecutor(_cores(), thread_name_prefix="adaf-oi")


if hasattr(os, "register_at_fork"):
    # The threads of a pool do not survive a fork, its queue does.
    os.register_at_fork(after_in_child=_pool.cache_clear)
