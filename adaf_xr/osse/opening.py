"""An experiment on disk, opened lazily: truth, background, observations and periods."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from adaf_xr import lattice
from adaf_xr.cf.canonical import SOURCES
from adaf_xr.instants import DAY, as_times, as_window
from adaf_xr.osse import storage
from adaf_xr.osse.columns import at_depth
from adaf_xr.osse.observation_store import open_observations
from adaf_xr.osse.splits import Period

if TYPE_CHECKING:
    from adaf_xr.lattice import Region

MANIFEST, UNFINISHED = "experiment.json", "unfinished.json"

FORMATS = {1}
"""Layouts of the folder that this version reads."""

WINDOW = "10D"
"""Default window of observations around analysis times."""


class NothingObservedError(ValueError):
    """A span of time in which the experiment has no day."""


def kind_of(system: str) -> str:
    """The kind of observations, one of :data:`adaf_xr.cf.canonical.SOURCES`, that a system makes.

    Examples
    --------
    >>> kind_of("nadir-gfo"), kind_of("sst"), kind_of("argo")
    ('ssh', 'sst', 'insitu')
    """
    if system == "swot" or system.startswith("nadir"):
        return "ssh"
    return system if system in SOURCES else "insitu"


def observation_path(folder: Path, system: str) -> Path:
    """Where a stored system lies."""
    return folder / "observations" / f"{system}.zarr"


def open_experiment(path: str | Path) -> OpenExperiment:
    """Open an experiment that :func:`adaf_xr.osse.simulation.simulate` wrote, lazily.

    Parameters
    ----------
    path : str or Path
        Its folder.

    Returns
    -------
    OpenExperiment

    Raises
    ------
    FileNotFoundError
        Where there is no experiment.
    ValueError
        Where its simulation was interrupted, or it is of a later format.
    """
    folder = Path(path)
    if (folder / MANIFEST).is_file():
        manifest = json.loads((folder / MANIFEST).read_text())
        if manifest.get("format") not in FORMATS:
            raise ValueError(
                f"{folder} has format {manifest.get('format')!r}, and this version reads "
                f"{', '.join(map(str, FORMATS))}: it was written by adaf_xr {manifest.get('package')}, install that or "
                "a later one"
            )
        return OpenExperiment(folder, manifest)
    if (folder / UNFINISHED).is_file():
        held = json.loads((folder / UNFINISHED).read_text())
        name, days = held["experiment"]["name"], held["experiment"]["nature"]["days"]
        raise ValueError(
            f"{folder} is not complete: the simulation of {name} was interrupted after {held['days']} of {days} days "
            "of the truth. Finish it with simulate(..., resume=True), or adaf osse NAME --out DIR --resume"
        )
    raise FileNotFoundError(f"no experiment at {folder}: make one with adaf osse NAME --out DIR")


@dataclass(frozen=True)
class OpenExperiment:
    """An experiment on disk. Nothing is read but the manifest until it is asked for, and fields stay lazy.

    Attributes
    ----------
    path : Path
        The folder.
    manifest : dict
        What `experiment.json` says: parameters, measured errors, sizes.
    period : pair of datetime64, optional
        Limits of truth and background, set by :meth:`select`.
    """

    path: Path
    manifest: Mapping[str, Any]
    period: Period | None = None

    def __repr__(self) -> str:
        """Name, place and period."""
        first, last = self.truth.time.values[[0, -1]].astype("M8[D]")
        return f"<experiment {self.name} at {self.path}: {first} to {last}, {', '.join(self.systems)}>"

    @property
    def name(self) -> str:
        """Name, with its version."""
        return str(self.manifest["experiment"]["name"])

    @property
    def systems(self) -> tuple[str, ...]:
        """Names of the observing systems."""
        return tuple(self.manifest["observations"])

    @cached_property
    def splits(self) -> dict[str, Period]:
        """Half-open periods (start, stop) by name."""
        spans = self.manifest["experiment"]["splits"]
        return {name: (first, last) for name, span in spans.items() for first, last in [as_times(span)]}

    @property
    def region(self) -> Region | None:
        """West, east, south, north [degrees] of the observations; None: all of the truth."""
        return _box(self.manifest["experiment"]["region"])

    @property
    def evaluation(self) -> Region | None:
        """The box in which scores are meant to be taken."""
        return _box(self.manifest["experiment"]["evaluation"]) or self.region

    @cached_property
    def truth(self) -> xr.Dataset:
        """The nature run, lazily."""
        return _within(storage.open_lazily(self.path / "truth.zarr"), self.period)

    @cached_property
    def background(self) -> xr.Dataset:
        """The first guess, lazily."""
        return _within(storage.open_lazily(self.path / "background.zarr"), self.period)

    def columns(self, depths: Sequence[float]) -> tuple[xr.Dataset, xr.Dataset]:
        """Truth and first guess at depths [m], lazily: what :func:`adaf_xr.osse.columns.at_depth` makes of each."""
        return at_depth(self.truth, depths), at_depth(self.background, depths)

    @property
    def observations(self) -> Observations:
        """Every system by its name, opened when it is looked up; not limited by :meth:`select`, for what was seen
        before and after a period matters to it."""  # noqa: D205, D209
        return Observations(self)

    def select(self, split: str) -> OpenExperiment:
        """The experiment with truth and background of one period; observations remain, as do the periods.

        Raises
        ------
        ValueError
            Where there is no such period.
        """
        if split not in self.splits:
            raise ValueError(f"{self.name} has no period {split!r}: it has {', '.join(self.splits)}")
        return replace(self, period=self.splits[split])

    def evaluated(self, ds: xr.Dataset) -> xr.Dataset:
        """The part of fields that lies in the evaluation box."""
        if self.evaluation is None:
            return ds
        latitude, longitude = lattice.cut(ds.latitude.values, ds.longitude.values, self.evaluation)
        return ds.sel(latitude=latitude, longitude=longitude)

    def observe(self, system: str, span: Period | None = None, **settings: Any) -> xr.Dataset:
        """Observations of one system, lazily: those of the whole days that meet a half-open span.

        They depend on the span in no other way. `settings` change the instrument (``posting=0.1``), which is then made
        to look again.

        Raises
        ------
        ValueError
            Where the experiment does not have the system.
        NothingObservedError
            Where the span lies outside the experiment.
        """
        if system not in self.systems:
            raise ValueError(f"{self.name} has no observing system {system!r}: it has {', '.join(self.systems)}")
        whole = storage.open_lazily(self.path / "truth.zarr")
        covered = (whole.time.values[0], whole.time.values[-1])
        inside = covered if span is None else _whole_days(span, covered)
        if self.manifest["observations"][system] == "stored" and not settings:
            return open_observations(observation_path(self.path, system), None if span is None else inside)
        from adaf_xr.osse.observing import SYSTEMS, GriddedOcean, observe

        held = self.manifest["experiment"]
        instrument = SYSTEMS[system].but(**{**held["settings"].get(system, {}), **settings})
        how = {"seed": held["seed"], "noise": held["noise"], "region": self.region}
        return observe(GriddedOcean(self.path / "truth.zarr"), instrument, inside, **how)

    def tree(self, time: Any = None, window: Any = WINDOW, systems: Iterable[str] | None = None) -> xr.DataTree:
        """Observations around analysis times, as a tree that ``.adaf.assimilate`` takes.

        Parameters
        ----------
        time : date or sequence of dates, optional
            Analysis times. Default: those of the background.
        window : str, timedelta or pair
            Total span centred on the time, or (before, after).
        systems : iterable of str, optional
            Some of `systems`. Default: all.

        Returns
        -------
        DataTree
            A node ``/SYSTEM/KIND`` per system, such as ``/nadir-gfo/ssh``.
        """
        if isinstance(systems, str):
            raise TypeError(f"systems is a list of names, such as [{systems!r}], not one name")
        times = self.background.time.values if time is None else as_times(time)
        before, after = as_window(window)
        span = (times.min() - before, times.max() + after)
        names = self.systems if systems is None else tuple(systems)
        return xr.DataTree.from_dict({f"/{name}/{kind_of(name)}": self.observe(name, span) for name in names})


@dataclass(frozen=True, repr=False)
class Observations(Mapping[str, xr.Dataset]):
    """Observing systems of an experiment by name, each opened lazily when it is looked up."""

    experiment: OpenExperiment

    def __getitem__(self, system: str) -> xr.Dataset:
        """All observations of a system."""
        if system not in self.experiment.systems:
            raise KeyError(system)
        return self.experiment.observe(system)

    def __iter__(self) -> Iterator[str]:
        return iter(self.experiment.systems)

    def __len__(self) -> int:
        return len(self.experiment.systems)

    def __repr__(self) -> str:
        stored = self.experiment.manifest["observations"]
        return "\n".join(f"{name} ({stored[name]})" for name in self)


def _whole_days(span: Period, covered: Period) -> Period:
    """The days that meet a span, as far as they are covered."""
    first, last = span[0].astype("M8[D]"), (span[1] + DAY - np.timedelta64(1, "ns")).astype("M8[D]")
    start, stop = max(first.astype("M8[ns]"), covered[0]), min(last.astype("M8[ns]"), covered[1])
    if not start < stop:
        raise NothingObservedError(
            f"nothing was observed from {first} to {last}: observations cover {covered[0].astype('M8[D]')} to "
            f"{covered[1].astype('M8[D]')}"
        )
    return start, stop


def _box(held: Any) -> Region | None:
    """A region as the manifest has it."""
    if held is None:
        return None
    west, east, south, north = held
    return west, east, south, north


def _within(ds: xr.Dataset, period: Period | None) -> xr.Dataset:
    """Fields at the times of a half-open period."""
    if period is None:
        return ds
    first, last = np.searchsorted(pd.DatetimeIndex(ds.time.values), period)
    return ds.isel(time=slice(int(first), int(last)))
