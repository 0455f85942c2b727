"""Fields to learn super-resolution from: each a truth by itself, on a grid of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from adaf_xr.fields import canonical
from adaf_xr.training.material import Material, MaterialError, Period


@dataclass(frozen=True)
class Truth:
    """One dataset.

    Attributes
    ----------
    fields : Dataset
        Under canonical names, on a regular grid.
    label : str
        What it is called.
    periods : mapping of str to pair of datetime64, or None
        Half-open periods "train" and "validation", where times are kept apart; None where longitudes are.
    """

    fields: xr.Dataset
    label: str
    periods: Mapping[str, Period] | None = None

    @property
    def simulated(self) -> bool:
        """Whether it comes from a simulation, which has as many days as one likes."""
        return self.periods is not None

    def times(self, split: str) -> NDArray[np.intp]:
        """Positions in time that belong to a split; a field without time has one."""
        if "time" not in self.fields.dims:
            return np.zeros(1, np.intp)
        if self.periods is None:
            return np.arange(self.fields.sizes["time"])
        start, stop = self.periods[split]
        times = self.fields.time.values
        return np.flatnonzero((times >= start) & (times < stop))


@dataclass(frozen=True)
class Fields(Material):
    """Material without observations, of any number of datasets.

    Attributes
    ----------
    truths : tuple of Truth
        All of them; `truth` and `background` are the first.

    Examples
    --------
    >>> axes = {"latitude": [0.125, 0.375], "longitude": [0.125, 0.375]}
    >>> sst = xr.Dataset({"thetao": (("latitude", "longitude"), np.zeros((2, 2)))}, axes)
    >>> [truth.label for truth in Fields.of([Truth(sst, "sst.nc")]).truths]
    ['sst.nc']
    """

    truths: tuple[Truth, ...] = field(default=())

    @classmethod
    def of(cls, truths: Sequence[Truth], provenance: Mapping[str, Any] | None = None) -> Self:
        """Material of some datasets.

        Raises
        ------
        MaterialError
            Where there is none.
        """
        if not truths:
            raise MaterialError("there is no field to learn from: give at least one dataset")
        first = truths[0].fields
        return cls(first, first, _nothing, {}, provenance or {}, truths=tuple(truths))


def truths_of(material: Material) -> tuple[Truth, ...]:
    """The datasets of any material: that of an experiment has one, whose times are kept apart."""
    if isinstance(material, Fields):
        return material.truths
    return (Truth(material.truth, "truth", material.periods),)


def truth_of(ds: xr.Dataset, label: str, periods: Mapping[str, Period] | None = None) -> Truth:
    """A dataset in any spelling."""
    return Truth(canonical(ds), label, periods)


def _nothing(time: np.datetime64, window: Any) -> xr.DataTree:
    """No observations."""
    return xr.DataTree()
