"""The L-band radiometer: sea surface salinity, best in warm water and far from land."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adaf_xr.osse.observing.domain import Domain, within
from adaf_xr.osse.observing.instrument import noisy
from adaf_xr.osse.observing.layout import Arrays, Layout, map_axes, with_error
from adaf_xr.osse.observing.noise import white
from adaf_xr.osse.observing.passes import IMAGES, Grid, Imager, overpass
from adaf_xr.sphere import RADIUS

WARM = 28.0
"""Temperature [degC] at which the error is the stated one."""

RINGS = (75.0, 150.0)
"""Distances [km] at which land is looked for."""


@dataclass(frozen=True)
class SalinityRadiometer(Imager):
    """SMOS, laid out like a daily level 3: one image of the ascending passes, one of the descending.

    Attributes
    ----------
    orbit : Orbit
        Of the satellite.
    posting : float
        Degrees.
    reach : float
        Half the width of the swath that is of use [km].
    error : float
        White noise of a cell in warm water; 1.0 at 5 degC (Boutin et al. 2018, Remote Sens. Environ. 214, 115: 0.5 to
        1 for single passes), as the sensitivity of the brightness falls in the cold.
    land_bias : float
        How much too fresh a cell is that has only land around it. Default: none.
    """

    reference: ClassVar[tuple[float, float]] = (21600.0, 64800.0)  # local times of the passes
    posting: float = 0.25
    reach: float = 500.0
    error: float = 0.5
    land_bias: float = 0.0

    def layout(self, domain: Domain) -> Layout:
        """As the L3 of CATDS."""
        domain.require(self.name, "so")
        grid = Grid.of(domain, self.posting)
        attrs = {"standard_name": "sea_surface_salinity", "long_name": "sea surface salinity", "units": "1e-3"}
        return Layout(
            title=f"surface salinity in swaths, {self.name}, at {self.posting:g} degrees, noise {self.error} or more",
            time="time",
            coordinates=map_axes("lat", "lon"),
            variables=with_error("Sea_Surface_Salinity", ("time", "lat", "lon"), attrs, "Sea_Surface_Salinity_Error"),
            fixed={"lat": grid.latitude, "lon": grid.longitude},
            attrs={"sensor": "simulated L-band radiometer"},
        )

    def image(self, day: int, image: int, seed: int, domain: Domain, grid: Grid, noise: bool) -> Arrays:
        """Salinity at the time of the image where a swath passes, and the error it states."""
        latitude, longitude = grid.points
        seen = np.isfinite(overpass(self.orbit, day, image, grid, self.reach))
        at = (latitude[seen], longitude[seen], day, np.array(self.reference[image]))
        salt, error = np.full((2, *seen.shape), np.nan)
        salt[seen] = domain.sighted("so", *at)
        warmth = domain.value("thetao", *at) if "thetao" in domain.ocean.names else WARM
        error[seen] = self.error / sensitivity(warmth)
        random = error * white(self.key(seed, "noise"), grid.number(IMAGES * day + image))
        if self.land_bias:
            random[seen] -= self.land_bias * _land_around(domain, *at[:2])
        return {
            "Sea_Surface_Salinity": noisy(salt, random, noise),
            "Sea_Surface_Salinity_Error": np.where(np.isfinite(salt), error, np.nan),
        }


def sensitivity(temperature: ArrayLike) -> NDArray[np.float64]:
    """How much of its effect in warm water salinity has on the brightness at L band.

    Linear in temperature, as the sensitivity of 0.25 K per unit of salinity near freezing and 0.7 K at 28 degC of Yueh
    et al. (2001, IEEE TGRS 39, 1049).

    Examples
    --------
    >>> sensitivity([0.0, 28.0]).round(2).tolist()
    [0.36, 1.0]
    """
    return (0.25 + 0.45 * np.clip(np.asarray(temperature, dtype="f8") / WARM, 0.0, 1.1)) / 0.7


def _land_around(domain: Domain, latitude: NDArray, longitude: NDArray) -> NDArray[np.float64]:
    """Share of land on rings around points (n,); what lies beyond the ocean's grid is no land."""
    land, looked = np.zeros((2, latitude.size))
    for distance in RINGS:
        for bearing in np.radians(np.arange(0.0, 360.0, 45.0)):
            there = latitude + np.degrees(distance / RADIUS) * np.cos(bearing)
            shrunk = np.cos(np.radians(latitude)) * RADIUS
            beside = longitude + np.degrees(distance * np.sin(bearing) / shrunk)
            known = within(domain.ocean.extent, there, beside)
            looked += known
            land += known & ~domain.ocean.wet(np.clip(there, -90.0, 90.0), beside)
    return land / np.maximum(looked, 1.0)
