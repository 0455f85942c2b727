"""What an experiment is: a sea, instruments, a first guess, periods, and one seed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from typing import Any, Protocol

import numpy as np
import xarray as xr

from adaf_xr.instants import DAY
from adaf_xr.lattice import Region, cut
from adaf_xr.osse.background import Background
from adaf_xr.osse.splits import Period, gap, require_inside


class Nature(Protocol):
    """A simulated sea: :class:`~adaf_xr.osse.nature_run.NatureRun`, :class:`~adaf_xr.osse.global_run.GlobalRun`, or any
    frozen dataclass that also has a ``seed`` and a ``start``."""  # noqa: D205, D209

    @property
    def start(self) -> np.datetime64:
        """First snapshot."""

    @property
    def days(self) -> int:
        """Number of daily snapshots."""

    def snapshots(self) -> Iterator[xr.Dataset]:
        """Daily snapshots, one after the other."""


@dataclass(frozen=True)
class Experiment:
    """An observing-system simulation experiment, before it is run.

    Attributes
    ----------
    name, title : str
        A name with a version, and a sentence.
    nature : Nature
        The truth.
    systems : tuple of str
        Names of observing systems, see :data:`adaf_xr.osse.observing.systems.SYSTEMS`.
    background : Background
        How the first guess is made.
    splits : mapping of str to pair of datetime64
        Half-open periods, separated by more than the decorrelation time of the truth.
    noise : bool
        Whether instruments err.
    region : tuple of float, optional
        West, east, south, north [degrees] of the observations. Default: all of the nature run.
    margin : float
        Degrees around `region` in which the truth is kept too.
    evaluation : tuple of float, optional
        Box in which scores are meant to be taken. Default: `region`.
    seed : int
        Of everything that is random.
    stored : tuple of str
        Those of `systems` that are written to disk; the others are made from the truth when they are asked for.
    settings : mapping of str to mapping
        Parameters of instruments that differ from the usual, by system.
    """

    name: str
    title: str
    nature: Nature
    systems: tuple[str, ...]
    background: Background
    splits: Mapping[str, Period]
    noise: bool = True
    region: Region | None = None
    margin: float = 0.0
    evaluation: Region | None = None
    seed: int = 0
    stored: tuple[str, ...] = ()
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for what, names in (("stored", self.stored), ("set", self.settings)):
            if strange := sorted(set(names) - set(self.systems)):
                raise ValueError(f"{', '.join(strange)}: {what}, but not among the systems {', '.join(self.systems)}")

    @property
    def version(self) -> int | None:
        """The version that the name ends with, variants apart: 1 of ``gulf-stream-v1-20th``."""
        found = re.search(r"-v(\d+)(-|$)", self.name)
        return int(found[1]) if found else None

    @property
    def run(self) -> Nature:
        """The nature run with the seed of the experiment."""
        return replace(self.nature, seed=self.seed)  # type: ignore[type-var]

    @property
    def times(self) -> np.ndarray:
        """Times of all snapshots, datetime64[ns]."""
        return self.nature.start.astype("M8[ns]") + np.arange(self.nature.days) * DAY

    def check(self) -> None:
        """Refuse what cannot be made, before anything is computed.

        Raises
        ------
        SplitError
            Where periods overlap or lie where there is no background.
        ValueError
            For a seed that is none, or a device that is not there.
        """
        if not isinstance(self.seed, int | np.integer) or self.seed < 0:
            raise ValueError(f"seed={self.seed!r}: a seed is a whole number, 0 or more")
        _require_device(getattr(self.nature, "device", "cpu"))
        gap(self.splits)
        start = self.times[0] + self.background.lag * DAY
        require_inside(self.splits, start, self.times[-1] + DAY)
        self.background.require_period(self.splits)

    def variant(
        self, *, seed: int | None = None, days: int | None = None, noise: bool | None = None, device: str | None = None
    ) -> Experiment:
        """The experiment with some things changed; what changes it beyond its seed is told by its name.

        Parameters
        ----------
        seed : int, optional
            Another sea, other errors.
        days : int, optional
            A shorter or longer run; periods are cut to it, and those that begin later are dropped.
        noise : bool, optional
            Whether instruments err.
        device : str, optional
            Where the nature run computes, such as ``"cuda"``.
        """
        changed = self if seed is None else replace(self, seed=seed)
        if device is not None:
            changed = replace(changed, nature=replace(changed.nature, device=device))  # type: ignore[type-var]
        if noise is not None and noise != self.noise:
            changed = replace(changed, noise=noise, name=f"{changed.name}-{'noisy' if noise else 'noise-free'}")
        return changed if days is None or days == self.nature.days else changed._lasting(days)

    def _lasting(self, days: int) -> Experiment:
        """The experiment over another number of days."""
        if days < 4:
            raise ValueError(f"an experiment of {days} days shows nothing of the sea: simulate at least 4")
        nature = replace(self.nature, days=days)  # type: ignore[type-var]
        stop = self.nature.start.astype("M8[ns]") + days * DAY
        splits = {name: (first, min(last, stop)) for name, (first, last) in self.splits.items() if first < stop}
        needed = self.background.climatology
        if needed is not None and needed in self.splits and needed not in splits:
            first = self.splits[needed][0]
            fewest = int((first - self.times[0]) / DAY) + 1
            raise ValueError(
                f"{days} days do not reach the period {needed!r}, whose mean is the background: it begins on "
                f"{first.astype('M8[D]')}, so simulate at least {fewest} days, or choose another background"
            )
        return replace(self, nature=nature, splits=splits, name=f"{self.name}-{days}d")

    def cut(self, snapshot: xr.Dataset) -> xr.Dataset:
        """The part of a snapshot that is kept: `region` and the margin around it."""
        if self.region is None:
            return snapshot
        west, east, south, north = self.region
        wide = (west - self.margin, east + self.margin, south - self.margin, north + self.margin)
        latitude, longitude = cut(snapshot.latitude.values, snapshot.longitude.values, wide)
        if np.any(np.diff(longitude) < 0.0):
            raise ValueError(
                f"the region {self.region} and its margin cross the seam of the nature run's longitudes, and fields "
                "are kept with longitudes ascending: keep the whole globe (region=None), or a region on one side"
            )
        return snapshot.sel(latitude=latitude, longitude=longitude)

    def parameters(self) -> dict[str, Any]:
        """Everything that decides the result, as JSON can say it.

        Raises
        ------
        TypeError
            Where the nature run is no dataclass.
        """
        if not is_dataclass(self.nature) or isinstance(self.nature, type):
            raise TypeError(f"{self.nature!r} is no dataclass: its parameters cannot be written down")
        return {
            **{key: _plain(getattr(self, key)) for key in self.__dataclass_fields__ if key != "nature"},
            "nature": {"kind": type(self.nature).__name__, **_plain(asdict(self.run))},
            "background": _plain(asdict(self.background)),
        }


def _require_device(device: str) -> None:
    """A device that is missing is better known before a folder is begun than after."""
    if device == "cpu":
        return
    import torch

    try:
        torch.empty(0, device=device)
    except (AssertionError, RuntimeError) as error:
        raise ValueError(
            f"the sea cannot be computed on {device!r} here: {str(error).splitlines()[0]}. Choose another device, "
            "or leave it out for the processor"
        ) from None


def _plain(value: Any) -> Any:
    """A value of a dataclass in the types of JSON."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, np.datetime64):
        return str(value.astype("M8[D]"))
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    return value if isinstance(value, str | int | float | bool | None) else str(value)
