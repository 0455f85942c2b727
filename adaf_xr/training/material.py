"""What a network is trained on: a truth, a background, what was observed, and the periods to keep apart."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import dask
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from adaf_xr.cf.canonical import SOURCES
from adaf_xr.fields import canonical
from adaf_xr.instants import as_window
from adaf_xr.points import Points, to_points
from adaf_xr.points.tree import source_nodes
from adaf_xr.sphere import cell_edges

Period = tuple[np.datetime64, np.datetime64]
"""A half-open span of time [start, stop)."""


class MaterialError(ValueError):
    """Fields, observations or periods that nothing can be learned from."""


@dataclass(frozen=True)
class Material:
    """Everything that shards are prepared from; all of it lazy.

    Attributes
    ----------
    truth, background : Dataset
        Fields ``(time, [depth,] latitude, longitude)``, found by CF rules and held under their canonical names; the
        truth on the background's grid or a finer one that covers it.
    observe : callable
        ``observe(time, window)`` gives the observations around an analysis time as a tree with nodes named after
        kinds of :data:`adaf_xr.cf.canonical.SOURCES`; it must survive pickling where a cluster prepares.
    periods : mapping of str to pair of datetime64
        Half-open periods of analysis times by name; training needs ``train`` and ``validation``.
    provenance : mapping
        JSON: where all this comes from. It decides whether shards that lie there already still fit.
    columns : callable, optional
        ``columns(depths)`` gives truth and background at depths [m], lazily, where they have none themselves.

    Raises
    ------
    MaterialError
        Where truth and background share no variable, or their grids do not fit.

    Examples
    --------
    >>> axes = {"time": np.array(["2020-01-01"], "M8[ns]"), "latitude": [0.5, 1.5], "longitude": [0.5, 1.5]}
    >>> sea = xr.Dataset({"zos": (("time", "latitude", "longitude"), np.zeros((1, 2, 2)))}, axes)
    >>> january = {"train": (np.datetime64("2020-01-01"), np.datetime64("2020-02-01"))}
    >>> Material(sea, sea, lambda time, window: xr.DataTree(), january).times("train").astype("M8[D]").astype(str)
    array(['2020-01-01'], dtype='<U28')
    """

    truth: xr.Dataset
    background: xr.Dataset
    observe: Callable[[np.datetime64, Any], xr.DataTree]
    periods: Mapping[str, Period]
    provenance: Mapping[str, Any] = field(default_factory=dict)
    columns: Callable[[Sequence[float]], tuple[xr.Dataset, xr.Dataset]] | None = None

    def __post_init__(self) -> None:
        for name in ("truth", "background"):
            object.__setattr__(self, name, canonical(getattr(self, name)))
        shared = [name for name in self.background.data_vars if name in self.truth]
        if not shared:
            raise MaterialError(
                f"truth and background have no variable in common: the truth has {_listing(self.truth)}, the "
                f"background {_listing(self.background)}; give both the fields that shall be learned"
            )
        _require_fitting(self.truth, self.background)

    @classmethod
    def of_experiment(cls, experiment: Any) -> Material:
        """Material of a simulated experiment, as :func:`adaf_xr.osse.open_experiment` opens it."""
        held = experiment.manifest
        provenance = {key: held[key] for key in ("experiment", "package") if key in held}
        fields = experiment.truth, experiment.background
        return cls(*fields, experiment.tree, dict(experiment.splits), provenance, experiment.columns)

    def at_depth(self, depths: Sequence[float]) -> Material:
        """The same below the surface: at some depths [m], or at those that truth and background share.

        Raises
        ------
        MaterialError
            Where nothing is known there.
        """
        if self.columns is not None:
            truth, background = self.columns(depths)
            return replace(self, truth=truth, background=background, columns=None)
        has = [ds.depth.values if "depth" in ds.dims else np.empty(0) for ds in (self.truth, self.background)]
        if not (shared := np.intersect1d(has[0], has[1])).size:
            raise MaterialError(
                "truth and background have no depth in common: give both with the same levels, or an experiment whose "
                "columns are known"
            )
        truth, background = (ds.sel(depth=shared) for ds in (self.truth, self.background))
        return replace(self, truth=truth, background=background)

    def times(self, period: str) -> NDArray[np.datetime64]:
        """Analysis times of a period: those of the background at which the truth is known.

        Raises
        ------
        MaterialError
            Where there is no such period, or nothing in it.
        """
        if period not in self.periods:
            there = ", ".join(f"{name!r}" for name in self.periods) or "none"
            raise MaterialError(f"there is no period {period!r} to take days from; there are: {there}")
        start, stop = self.periods[period]
        known = np.intersect1d(self.background.time.values, self.truth.time.values)
        inside = known[(known >= start) & (known < stop)]
        if not inside.size:
            span = f", which lie between {_date(known[0])} and {_date(known[-1])}" if known.size else ""
            raise MaterialError(
                f"the period {period!r}, {_date(start)} to {_date(stop)}, holds no time that truth and background "
                f"share{span}: move the period, or give fields of those days"
            )
        return inside

    def require(self, variables: Iterable[str], *, observed: Iterable[str] = ()) -> None:
        """Refuse a task whose variables the truth or the background does not have.

        Parameters
        ----------
        variables : iterable of str
            Canonical names that are needed of both.
        observed : iterable of str, optional
            Names needed of the background only.

        Raises
        ------
        MaterialError
            Naming what is missing and where.
        """
        wanted = list(variables)
        for what, ds, names in (("truth", self.truth, wanted), ("background", self.background, [*wanted, *observed])):
            if missing := [name for name in names if name not in ds]:
                raise MaterialError(
                    f"the {what} lacks {', '.join(missing)}: it has {_listing(ds)}. Add the fields, or train on fewer "
                    "variables"
                )

    def points(self, time: np.datetime64, window: Any, kinds: Collection[str] = SOURCES) -> dict[str, Points]:
        """Observations of one analysis time by kind, in memory, cut to [time - before, time + after).

        A kind that is absent had no node in the tree, or no usable row. Kinds that are not asked for are not read.
        """
        before, after = as_window(window)
        found: dict[str, list[Points]] = {}
        # A day is the unit of work. On a cluster its pieces would go back to the scheduler, which would begin the next
        # days meanwhile, until all days are in memory at once.
        with _IN_THIS_THREAD:
            for source, _, node in source_nodes(self.observe(time, window)):
                if source not in kinds:
                    continue
                table = to_points(node.compute(), source=source)
                columns = {str(name): variable.values for name, variable in table.variables.items()}
                points = Points.from_columns(columns, source)
                found.setdefault(source, []).append(points.within(time - before, time + after))
        joined = {source: Points.concatenate(parts) for source, parts in found.items()}
        return {source: points for source, points in joined.items() if len(points)}


class _InThisThread:
    """What dask computes meanwhile stays in the thread that asked.

    Its configuration belongs to all threads, and days are prepared in several: were each to restore what it had found,
    the last to leave would restore what another one had set. So the first to enter sets it, and the last to leave
    restores; unless a client was closed meanwhile, which has taken its own setting away: to restore it would leave
    a scheduler that is gone.
    """

    def __init__(self) -> None:
        self._lock, self._inside = threading.Lock(), 0
        self._set: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._set = dask.config.set(scheduler="synchronous")
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside and dask.config.get("scheduler", None) == "synchronous":
                self._set.__exit__(*error)


_IN_THIS_THREAD = _InThisThread()


def _require_fitting(truth: xr.Dataset, background: xr.Dataset) -> None:
    """The truth is not coarser than the background and covers it."""
    for axis, limit in (("latitude", 90.0), ("longitude", None)):
        fine, coarse = (np.sort(ds[axis].values.astype("f8")) for ds in (truth, background))
        steps = [float(np.median(np.diff(values))) for values in (fine, coarse)]
        if steps[0] > 1.001 * steps[1]:
            raise MaterialError(
                f"the truth has {steps[0]:g} degrees between cells of {axis} and the background {steps[1]:g}: a truth "
                "that is coarser cannot correct it; regrid the background to the truth"
            )
        inner, outer = (cell_edges(values, limit)[[0, -1]] for values in (coarse, fine))
        if inner[0] < outer[0] - steps[1] or inner[1] > outer[1] + steps[1]:
            raise MaterialError(
                f"the truth covers {axis} {outer[0]:g} to {outer[1]:g} and the background {inner[0]:g} to "
                f"{inner[1]:g}: cut the background to the truth, in the same longitude convention"
            )


def _listing(ds: xr.Dataset) -> str:
    return ", ".join(map(str, ds.data_vars))


def _date(time: np.datetime64) -> str:
    return str(time.astype("datetime64[D]"))
