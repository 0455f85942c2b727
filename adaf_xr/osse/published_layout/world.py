"""The ocean of the sample: a global run, as fields on whole degrees and as something for instruments to look at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from adaf_xr import ocean_mask
from adaf_xr.grids import regrid
from adaf_xr.instants import DAY
from adaf_xr.osse.columns import at_depth
from adaf_xr.osse.mean_state import mean_state
from adaf_xr.osse.observing import GriddedOcean
from adaf_xr.osse.published_layout.lattice import LATITUDE, LONGITUDE

SPIN_UP = 30
"""Days of turbulence before the first that is used: at a degree its eddies are large, and soon there."""


@dataclass(frozen=True)
class World:
    """A simulated ocean of some days.

    Attributes
    ----------
    run : Dataset
        A global nature run, with its mean topography ``mdt``.
    """

    run: xr.Dataset

    @classmethod
    def simulated(cls, first: np.datetime64, days: int, seed: int, resolution: float) -> World:
        """A world of `days` days, from 00:00 of the first to 00:00 of the day after the last."""
        from adaf_xr.osse.global_run import GlobalRun

        run = GlobalRun(seed=seed, start=first, days=days + 1, spacing=resolution, spin_up=SPIN_UP).run()
        mean = mean_state("observed", run.latitude.values, run.longitude.values).zos
        return cls(run.assign(mdt=(("latitude", "longitude"), mean.astype("f4"))))

    @property
    def seed(self) -> int:
        """Of the run."""
        return int(self.run.attrs["seed"])

    @cached_property
    def ocean(self) -> GriddedOcean:
        """What instruments look at."""
        return GriddedOcean(self.run)

    @cached_property
    def sea(self) -> NDArray[np.bool_]:
        """Which nodes of whole degrees are sea, (181, 360)."""
        nodes = np.meshgrid(LATITUDE, LONGITUDE, indexing="ij")
        return self.ocean.wet(*nodes) & ocean_mask.sea_at(*nodes)

    def fields(self, day: np.datetime64, depth: tuple[float, ...]) -> dict[str, NDArray[np.float32]]:
        """Temperature, salinity and currents (n_depth, 181, 360) and height (181, 360) at 00:00; NaN on land."""
        snapshot = self.run.sel(time=day.astype("M8[ns]"))
        below = at_depth(snapshot, depth)
        found = {name: self._on_nodes(below[name].values) for name in ("thetao", "so", "uo", "vo")}
        return {**found, "zos": self._on_nodes(snapshot.zos.values)}

    def _on_nodes(self, field: NDArray) -> NDArray[np.float32]:
        """A field of the run on whole degrees."""
        there = regrid(field, self.run.latitude.values, self.run.longitude.values, LATITUDE, LONGITUDE)
        return np.where(self.sea, there, np.nan).astype("f4")


def days_from(first: np.datetime64, days: int) -> list[np.datetime64]:
    """Dates of so many days.

    Examples
    --------
    >>> [str(day) for day in days_from(np.datetime64("2019-12-31"), 2)]
    ['2019-12-31', '2020-01-01']
    """
    return [first.astype("M8[D]") + number * DAY.astype("m8[D]") for number in range(days)]


def stamp(date: np.datetime64) -> str:
    """A date as names of files have it.

    Examples
    --------
    >>> stamp(np.datetime64("2020-01-02"))
    '20200102'
    """
    return str(date.astype("M8[D]")).replace("-", "")
