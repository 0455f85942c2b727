"""The super-observations of one variable, and analyses at any targets from those nearest.

Neighbours and factorisations are shared by groups of targets, and the analyses of overlapping groups are blended, so
that the increments are continuous wherever the observations lie and however dense they are.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from adaf_xr.models.cells import Cells
from adaf_xr.models.local_solve import interpolate
from adaf_xr.models.scales import Part
from adaf_xr.models.super_observations import SuperObservation
from adaf_xr.sphere import RADIUS, unit_vectors

REACH = 4.0
"""Correlation lengths beyond which an observation is not looked at: the correlation is 3e-4 there."""

GROUP = 0.6
"""Distance of the centres of groups in correlation lengths: each has its neighbours and the targets around it."""

NODES = 0.1
"""Spacing of nodes in correlation lengths: linear interpolation errs by 0.3 % of the standard deviation."""

CROWD = 2.0
"""Side of the boxes in which super-observations are counted, in scales."""

MERGE = 0.4
"""Side of the bins they are gathered to where they crowd, in scales: a mean over such a bin is the value at its mean
place to 2 % of the standard deviation."""

WIDE = 1.0 / 6.0
"""Side of the bins from which a broad part is estimated, in its scales."""

MEMBERS = 32
"""Most targets solved together: bounds the padding where positions crowd."""

BLOCK = 512
"""Groups solved by one call: enough to hide the cost of a call; a factor takes 10 MB."""


@dataclass(frozen=True)
class Neighbourhood:
    """Super-observations in the space where distance is correlation.

    The axes are the three of the globe in lengths, time in time scales and depth in vertical scales, so that the
    correlation of two places is ``exp(-distance^2 / 2)`` and the nearest observation is the most correlated one.

    The nearest must reach well beyond a group, or noise does not average out and neighbouring groups share nothing:
    where super-observations crowd, `of` gathers them.

    Attributes
    ----------
    part : Part
        The part of the background error that is estimated.
    sites : float64, (n, 5)
        Coordinates.
    innovation, noise : float64, (n + 1,)
        Innovation and error variance in units of the part's; the last row stands for no observation.
    neighbours : int
        How many super-observations a group of targets is analysed from.
    """

    part: Part
    sites: NDArray[np.float64]
    innovation: NDArray[np.float64]
    noise: NDArray[np.float64]
    neighbours: int

    @classmethod
    def of(cls, observed: SuperObservation, part: Part, neighbours: int) -> Neighbourhood:
        """Prepare the super-observations of one variable to estimate one part of the background error."""
        observed = _eased(observed, part, neighbours)
        std = part.std * observed.fade
        return cls(
            part=part,
            sites=_places(part, observed.latitude, observed.longitude, observed.days, observed.stretched),
            innovation=np.append(observed.innovation / std, 0.0),
            noise=np.append(observed.noise / std**2, 0.0),
            neighbours=neighbours,
        )

    @cached_property
    def tree(self) -> cKDTree:
        """Of the sites."""
        return cKDTree(self.sites)

    @cached_property
    def groups(self) -> Cells:
        """The lattice of their centres."""
        return cells_of(self.part, GROUP)

    def analyse(
        self, latitude: NDArray, longitude: NDArray, stretched: float, threads: int | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and variance of the part at the analysis time, in units of its standard deviation and variance.

        The four groups around a target analyse it, each from the neighbours of its centre, and their weights pass
        from one to the next without a step. The variance of a weighted mean of estimates is at most the weighted mean
        of their variances, which is what is given.

        Parameters
        ----------
        latitude, longitude : array (m,)
            Where [degrees].
        stretched : float
            At which depth, in vertical scales.
        threads : int or None
            Most threads that work.
        """
        if not (latitude.size and self.tree.n):
            return np.zeros(latitude.size), np.ones(latitude.size)
        cell, weight = self.groups.around(latitude, longitude)
        batches = Batches.of(cell.ravel())
        targets = _places(self.part, latitude, longitude, 0.0, stretched)
        mean, known = np.zeros((2, cell.size))

        def work(starts: Iterable[int]) -> None:
            for start in starts:
                rows, *solved = self._solve(batches.take(slice(start, start + BLOCK)), targets, stretched)
                mean[rows], known[rows] = solved

        _spread(work, range(0, batches.first.size, BLOCK), threads)
        return _blended(weight, mean.reshape(cell.shape), known.reshape(cell.shape))

    def _solve(
        self, batches: Batches, targets: NDArray, stretched: float
    ) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
        """Pairs of a target and a group by their number, mean, and 1 - variance, in some groups."""
        centre = _places(self.part, *self.groups.centre(batches.cell), 0.0, stretched)
        _, near = self.tree.query(centre, self.neighbours, distance_upper_bound=REACH)
        near = near.reshape(centre.shape[0], -1).T
        present = near < self.tree.n
        some = present[0]
        near, present, centre, batches = near[:, some], present[:, some], centre[some], batches.take(some)
        # Neighbours come nearest first: rows below the fullest column are empty.
        near, present = (rows[: present.sum(axis=0).max(initial=0)] for rows in (near, present))
        rows, real = batches.rows()
        # Where there is no neighbour any site will do: `interpolate` gives it no weight.
        sites = self.sites[np.where(present, near, 0)] - centre
        wanted = targets[rows % targets.shape[0]] - centre
        mean, variance = interpolate(
            _axes_first(sites), self.innovation[near], self.noise[near], present, _axes_first(wanted)
        )
        return rows[real], mean[real], 1.0 - variance[real]


class Nodes(Neighbourhood):
    """Analyses the nodes of a lattice and interpolates: for a part much wider than the distance of targets."""

    def analyse(
        self, latitude: NDArray, longitude: NDArray, stretched: float, threads: int | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and variance of the part, like `Neighbourhood.analyse`."""
        lattice = cells_of(self.part, NODES)
        cell, weight = lattice.around(latitude, longitude)
        nodes, which = np.unique(cell, return_inverse=True)
        mean, variance = super().analyse(*lattice.centre(nodes), stretched, threads)
        which = which.reshape(cell.shape)
        return _blended(weight, mean[which], 1.0 - variance[which])


def widened(observed: SuperObservation, part: Part) -> SuperObservation:
    """Means over bins of `WIDE` scales, from which a broad part is estimated."""
    return observed.gathered(observed.bins(cells_of(part, WIDE), WIDE * part.time, 1.0))


def cells_of(part: Part, lengths: float) -> Cells:
    """A lattice whose cells are so many correlation lengths wide, if that can be numbered and fits the globe."""
    return Cells(float(np.clip(lengths * np.degrees(part.length / RADIUS), 0.01, 45.0)))


def _blended(weight: NDArray, mean: NDArray, known: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variance from those of the cells around, which give ``known`` = 1 - variance: 1 stays exactly 1."""
    mean, known = (np.einsum("gm,gm->m", weight, x) for x in (mean, known))
    return mean, 1.0 - np.minimum(known, 1.0)


def _eased(observed: SuperObservation, part: Part, neighbours: int) -> SuperObservation:
    """Gather them to `MERGE` where more than `neighbours` lie in a box of `CROWD` scales in each direction.

    A box of the lattice decides for what is in it, so that tiles of one globe decide alike.
    """
    box = observed.bins(cells_of(part, CROWD), CROWD * part.time, CROWD)
    _, box, members = np.unique(box, return_inverse=True, return_counts=True)
    crowded = members[box] > neighbours
    wide = observed.bins(cells_of(part, MERGE), MERGE * part.time, MERGE)
    return observed.gathered(wide, crowded)


def _places(
    part: Part, latitude: NDArray, longitude: NDArray, days: ArrayLike, stretched: ArrayLike
) -> NDArray[np.float64]:
    """Coordinates in which distance is correlation, (n, 5)."""
    globe = unit_vectors(latitude, longitude) * (RADIUS / part.length)
    when, depth = (np.broadcast_to(x, latitude.shape) for x in (np.asarray(days) / part.time, stretched))
    return np.column_stack([globe, when, depth])


@dataclass(frozen=True)
class Batches:
    """Pairs of a target and a cell, one cell after the other, in batches of at most `MEMBERS`.

    Attributes
    ----------
    order : array (n_pairs,)
        Pair numbers, cell by cell.
    first, stop, cell : array (n_batches,)
        Slice of `order` and cell of each batch.
    """

    order: NDArray[np.intp]
    first: NDArray[np.intp]
    stop: NDArray[np.intp]
    cell: NDArray[np.int64]

    @classmethod
    def of(cls, cell: NDArray[np.int64]) -> Batches:
        """Sort pairs by their cell."""
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
        """Pair numbers, (most members, n_batches), and where they are not padding."""
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
