"""Windows of days and crops of them, normalised: what samples are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adaf_xr.instants import DAY
from adaf_xr.models.fourdvarnet import Configuration
from adaf_xr.normalisation import Affine
from adaf_xr.training.fourdvarnet.options import Data
from adaf_xr.training.fourdvarnet.statistics import normalisation_of
from adaf_xr.training.material import MaterialError
from adaf_xr.training.shards import Shards

QUANTITY = {"ssh": "ssh", "observed": "ssh", "oi": "ssh", "sst": "sst", "u": "currents", "v": "currents"}
"""Whose normalisation each array of a shard has."""

TRIES = 50
"""Crops that are drawn until one has an observation."""

Sample = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Windows:
    """What samples are drawn from.

    Parameters
    ----------
    shards : Shards
        Of :mod:`adaf_xr.training.fourdvarnet.preparing`.
    options : Data
        How large samples are, and how many have the mask of another window.
    configuration : Configuration
        Of the network, which decides how many days a window has, and what the sides of samples are multiples of.
    """

    shards: Shards
    options: Data
    configuration: Configuration

    @cached_property
    def normalisation(self) -> dict[str, Affine]:
        """Of the quantities of a checkpoint."""
        return normalisation_of(self.shards)

    @cached_property
    def axes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Latitude and longitude of the grid [degrees]."""
        day = self.shards.read("train", 0)
        return day["latitude"], np.unwrap(day["longitude"], period=360.0)

    @cached_property
    def steps(self) -> tuple[float, float]:
        """Between rows and between columns of the grid [degrees]."""
        latitude, longitude = ((axis[-1] - axis[0]) / (len(axis) - 1) for axis in self.axes)
        return float(latitude), float(longitude)

    @cached_property
    def _starts(self) -> dict[str, list[int]]:
        """Positions of the first days of windows of consecutive days."""
        days, starts = self.configuration.days, {}
        for split in ("train", "validation"):
            times = np.array([self.shards.time(split, index) for index in range(self.shards.count(split))])
            gaps = np.diff(times) != DAY
            starts[split] = [
                first for first in range(len(times) - days + 1) if not gaps[first : first + days - 1].any()
            ]
            if not starts[split]:
                raise MaterialError(
                    f"no {days} consecutive days in the {len(times)} of {split!r}: give a longer period of daily fields"
                )
        return starts

    def count(self, split: str) -> int:
        """How many windows a split has."""
        return len(self._starts[split])

    def whole(self, split: str, number: int) -> Sample:
        """A window of the whole region, as far as the network's cells go.

        Returns
        -------
        dict
            Of float32 arrays (days, rows, columns) without units: `observed` height, NaN where there is none; `oi` and
            `sst`, without gaps but those of clouds; the true `ssh`, `u` and `v`, NaN on land. `latitude` (rows,).
        """
        rows, columns = (len(axis) // self.configuration.multiple * self.configuration.multiple for axis in self.axes)
        return self._cut(self._days(split, number), slice(rows), slice(columns))

    def drawn(self, split: str, number: int, random: np.random.Generator) -> Sample:
        """A crop of a window, observed where it was or, of a share of the samples, where another window was.

        What it would have seen there is the truth. Crops that have no observation are drawn again.

        Raises
        ------
        MaterialError
            Where nearly all crops have none.
        """
        days = self._days(split, number)
        for _ in range(TRIES):
            rows, columns = (
                _span(len(axis), wanted or len(axis), self.configuration.multiple, random)
                for axis, wanted in zip(self.axes, (self.options.rows, self.options.columns), strict=True)
            )
            sample = self._cut(days, rows, columns)
            if random.random() < self.options.permuted:
                other = self._days(split, int(random.integers(self.count(split))))
                elsewhere = np.isfinite([day["observed"][rows, columns] for day in other])
                sample["observed"] = np.where(elsewhere, sample["ssh"], np.float32(np.nan))
            if np.isfinite(sample["observed"]).any():
                return sample
        raise MaterialError(
            f"{TRIES} crops of the window of {split!r} from {self.shards.time(split, self._starts[split][number])} on "
            "had no observation of sea surface height: choose a data.region that is observed, or larger crops"
        )

    def _days(self, split: str, number: int) -> list[Sample]:
        """The days of a window, as they were prepared."""
        first = self._starts[split][number]
        return [self.shards.read(split, day) for day in range(first, first + self.configuration.days)]

    def _cut(self, days: Sequence[Sample], rows: slice, columns: slice) -> Sample:
        """A part of a window, normalised."""
        sample: Sample = {}
        for name, quantity in QUANTITY.items():
            raw = np.stack([day[name][rows, columns] for day in days])
            sample[name] = self.normalisation[quantity].forward(raw).astype("f4")
        sample["latitude"] = self.axes[0][rows].astype("f4")
        return sample


def _span(cells: int, wanted: int, multiple: int, random: np.random.Generator) -> slice:
    """So many neighbouring cells of an axis, at a random place.

    Examples
    --------
    >>> _span(10, 30, 4, np.random.default_rng(0)).stop <= 10
    True
    """
    size = min(wanted, cells) // multiple * multiple
    first = int(random.integers(cells - size + 1))
    return slice(first, first + size)
