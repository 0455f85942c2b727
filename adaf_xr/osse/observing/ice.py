"""Sea ice concentration, as daily analyses of passive microwaves give it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adaf_xr.osse.observing.domain import Domain
from adaf_xr.osse.observing.instrument import Instrument, noisy
from adaf_xr.osse.observing.layout import Arrays, Layout, map_axes, with_error
from adaf_xr.osse.observing.noise import white
from adaf_xr.osse.observing.passes import Grid

NOON = 43200.0


@dataclass(frozen=True)
class IceChart(Instrument):
    """Daily concentration at noon on a latitude-longitude grid, in percent, as OSI SAF writes it down.

    Attributes
    ----------
    posting : float
        Degrees.
    error : float
        White noise at half cover [1]; a quarter of it in full ice (Lavergne et al. 2019, Cryosphere 13, 49: some 10 %
        in the marginal zone, 2 to 3 % in the pack). Open water reads zero, as after a weather filter.
    """

    posting: float = 0.25
    error: float = 0.10

    def layout(self, domain: Domain) -> Layout:
        """As the climate data record."""
        domain.require(self.name, "siconc")
        grid = Grid.of(domain, self.posting)
        attrs = {"standard_name": "sea_ice_area_fraction", "long_name": "concentration of sea ice", "units": "%"}
        return Layout(
            title=f"sea ice concentration, daily, {self.posting:g} degrees, noise {100 * self.error:g} % at half cover",
            time="time",
            coordinates=map_axes("lat", "lon"),
            variables=with_error("ice_conc", ("time", "lat", "lon"), attrs, "total_standard_uncertainty"),
            fixed={"lat": grid.latitude, "lon": grid.longitude},
        )

    def rows(self, day: int, seed: int, domain: Domain) -> Arrays:
        """One field at noon."""
        return {"seconds": np.array([NOON])}

    def read(self, day: int, seed: int, domain: Domain, noise: bool) -> Arrays:
        """Ice concentration in percent; open water reads zero exactly."""
        grid = Grid.of(domain, self.posting)
        true = domain.value("siconc", *grid.points, day, np.array(NOON))
        error = self.error * uncertainty(true)
        random = error * white(self.key(seed, "noise"), grid.number(day))
        seen = np.where(true > 0.0, np.clip(noisy(true, random, noise), 0.0, 1.0), true)
        return {"ice_conc": 100.0 * seen[None], "total_standard_uncertainty": 100.0 * error[None]}


def uncertainty(concentration: ArrayLike) -> NDArray[np.float64]:
    """Share of the largest error that a concentration has: 1 at half cover, 0.25 where all or nothing is ice.

    Examples
    --------
    >>> uncertainty([0.0, 0.5, 1.0]).tolist()
    [0.25, 1.0, 0.25]
    """
    c = np.asarray(concentration, dtype="f8")
    return 0.25 + 3.0 * c * (1.0 - c)
