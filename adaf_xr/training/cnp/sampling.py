"""Random windows of days, as the tensors that a step takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adaf_xr.models.cnp import patches
from adaf_xr.models.cnp.configuration import Configuration
from adaf_xr.models.cnp.day import Day
from adaf_xr.models.cnp.lattices import lattice_of
from adaf_xr.models.cnp.windows import Tiling
from adaf_xr.training.task import Batch

SURFACE = 0.0
"""Depth [m] that the network is trained at, as published."""


@dataclass(frozen=True)
class Sampler:
    """Windows on the background's lattice.

    Attributes
    ----------
    configuration : Configuration
        Of the network.
    lat_step, lon_step : int
        Cells between the starts of windows that can be drawn.
    """

    configuration: Configuration
    lat_step: int
    lon_step: int

    @cached_property
    def tiling(self) -> Tiling:
        """All windows of the globe: those that an analysis at these steps is made from."""
        lattice = lattice_of(self.configuration.background, self.configuration)
        return Tiling.of(lattice, self.configuration, self.lat_step, self.lon_step)

    def draw(self, truth: NDArray[np.float32], number: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """First rows and columns of random windows, each at most once.

        Parameters
        ----------
        truth : float32 array (variables, n_lat, n_lon)
            NaN on land: a window without any sea is never drawn.
        number : int
            Windows wanted; where fewer have sea, all of those.
        seed : int
            The same seed draws the same windows.
        """
        sea = np.asarray(np.isfinite(truth).any(axis=0))
        rows, columns = self.tiling.touching(sea)
        chosen = np.random.default_rng(seed).permutation(rows.size)[:number]
        return rows[chosen], columns[chosen]

    def windows(
        self, day: Day, truth: NDArray[np.float32], rows: NDArray[np.int64], columns: NDArray[np.int64]
    ) -> Batch:
        """Tensors of some windows of a day.

        Returns
        -------
        dict
            ``inputs`` and ``targets`` as the network takes them; ``truth`` and ``background`` (B, N, variables) at the
            targets in physical units, NaN where missing.
        """
        wanted = self.configuration
        centres = self.tiling.centres(rows, columns)
        channels = [wanted.background.channels.index(name) for name in wanted.variables]
        guess = day.grids[wanted.background.key]
        return {
            "inputs": patches.inputs(day, *centres, SURFACE, wanted),
            "targets": patches.targets(self.tiling.lattice, rows, columns, SURFACE, wanted),
            "truth": self._cells(truth, rows, columns),
            "background": self._cells(guess, rows, columns)[..., channels],
        }

    def _cells(self, fields: NDArray[np.float32], rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Tensor:
        """Values of fields (n, n_lat, n_lon) in windows, (B, cells, n), in the order of the targets."""
        n_lat, n_lon = self.tiling.shape
        i = rows[:, None, None] + np.arange(n_lat)[:, None]
        j = (columns[:, None, None] + np.arange(n_lon)) % fields.shape[-1]
        return torch.from_numpy(np.moveaxis(fields[:, i, j], 0, -1).reshape(rows.size, n_lat * n_lon, -1))


def joined(parts: Sequence[Any]) -> Any:
    """Batches one after another along their leading dimension."""
    first = parts[0]
    if isinstance(first, Mapping):
        return {name: joined([part[name] for part in parts]) for name in first}
    return torch.cat(list(parts))
