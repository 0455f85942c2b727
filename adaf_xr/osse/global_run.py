"""A global truth: turbulence in bands of latitude, draped on a realistic mean state with its coasts and ice.

Eddies of :mod:`adaf_xr.osse.bands` go around the globe without a seam; :mod:`adaf_xr.osse.draping` makes an ocean of
them. What the result is good for, and what not, stands in the documentation under "The global nature run".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from adaf_xr.osse import labels
from adaf_xr.osse.bands import Bands, rows_of
from adaf_xr.osse.columns import THERMOCLINE
from adaf_xr.osse.draping import Drape
from adaf_xr.osse.mean_state import KINDS
from adaf_xr.osse.request import refuse

PRODUCERS = (
    "mean state from OISST v2 (NOAA NCEI), World Ocean Atlas 2018 (NOAA NCEI) and DUACS absolute dynamic topography "
    "(generated using E.U. Copernicus Marine Service Information)"
)
"""Credits of the data in the observed mean state."""


@dataclass(frozen=True)
class GlobalRun:
    """A global eddying sea to sample, decided by its seed.

    Parameters
    ----------
    seed : int
        Decides everything random. One machine with one number of threads repeats a run bit for bit.
    start : datetime64
        Of the first snapshot, 00:00.
    days : int
        Number of daily snapshots.
    spacing : float
        Of the grid [degrees]: 0.25, 0.5, 1, 2, or another that cuts 6 degrees into whole and 24 into an even number of
        cells. The coarser, the larger the eddies.
    device : str
        Where torch computes the eddies.
    mean : {"observed", "analytic"}
        The mean state: shipped fields of the real ocean, or zonal bands and gyres.
    spin_up : int
        Days before the first snapshot.
    reduced_gravity : float
        Of the thermocline [m s-2]: heave is a height of an eddy times gravity over this.

    Examples
    --------
    >>> run = GlobalRun(days=2, spacing=2.0, spin_up=3)
    >>> ds = next(run.snapshots())
    >>> dict(ds.zos.sizes), bool(0.0 < ds.siconc.mean() < 0.2)
    ({'time': 1, 'latitude': 90, 'longitude': 180}, True)
    """

    seed: int = 0
    start: np.datetime64 = np.datetime64("2012-10-01")  # noqa: RUF009 - immutable
    days: int = 60
    spacing: float = 0.25
    device: str = "cpu"
    mean: str = "observed"
    spin_up: int = 60
    reduced_gravity: float = 0.02

    def __post_init__(self) -> None:
        rows_of(self.spacing)  # refuses what bands cannot have, before a day is simulated
        refuse(self.seed, self.start, self.days, self.spin_up)
        if not self.reduced_gravity > 0.0:
            raise ValueError(f"a thermocline of reduced gravity {self.reduced_gravity:g} holds no water up")
        if self.mean not in KINDS:
            raise ValueError(f"there is no mean state {self.mean!r}: use one of {', '.join(KINDS)}")

    def axes(self) -> tuple[np.ndarray, np.ndarray]:
        """Latitudes and longitudes of the cells [degrees]."""
        n_lat, n_lon = round(180.0 / self.spacing), round(360.0 / self.spacing)
        latitude, longitude = ((np.arange(n) + 0.5 - n / 2) * self.spacing for n in (n_lat, n_lon))
        return latitude.round(9), longitude.round(9)

    def snapshots(self) -> Iterator[xr.Dataset]:
        """One dataset a day, in order, in bounded memory."""
        bands = Bands(self.spacing, self.device)
        drape = Drape(*self.axes(), mean=self.mean, seed=self.seed, reduced_gravity=self.reduced_gravity)
        fixed = self._fixed(drape)
        q = bands.begin(self.seed)
        for _ in range(self.spin_up):
            q = bands.advance(q)
        for day in range(self.days):
            time = self.start.astype("datetime64[ns]") + np.timedelta64(day, "D")
            yield labels.snapshot(fixed, time, drape.day(time, *bands.fields(q)))
            if day + 1 < self.days:
                q = bands.advance(q)

    def run(self) -> xr.Dataset:
        """The whole run in memory: 9 fields of 4 bytes a cell and day, twice while they are joined."""
        return labels.joined(self.snapshots())

    def _fixed(self, drape: Drape) -> xr.Dataset:
        """What does not change: the mean profile at the surface, and what the run is."""
        means = {name: np.where(drape.wet, field, np.nan) for name, field in drape.mean.items()}
        credit = PRODUCERS if self.mean == "observed" else "analytic mean state"
        attrs = {
            "title": "Simulated global ocean",
            "source": f"adaf_xr {type(self).__name__}: two-layer quasi-geostrophic turbulence; {credit}",
            "seed": self.seed,
            "mean": self.mean,
            "reduced_gravity": self.reduced_gravity,
            "thermocline_depth": THERMOCLINE,
        }
        return labels.still(drape.latitude, drape.longitude, means, attrs)
