"""The infrared radiometer: sea surface temperature between clouds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from adaf_xr.osse.observing import clouds
from adaf_xr.osse.observing.domain import Domain
from adaf_xr.osse.observing.instrument import noisy
from adaf_xr.osse.observing.layout import Arrays, Column, Layout, map_axes
from adaf_xr.osse.observing.noise import smooth, white
from adaf_xr.osse.observing.passes import IMAGES, Grid, Imager, overpass

TICK = 4.0
"""Unit of `sst_dtime` in files [s]."""

MARGIN = 0.15
"""Width of cloud margins, in deviations of the cloud field."""

MARGIN_COLD = 1.5
"""How much too cold the margin of a cloud reads [K]."""

BIAS_LENGTH = 3000.0
"""Wavelength of the bias [km]."""

KELVIN = 273.15


@dataclass(frozen=True)
class Radiometer(Imager):
    """AVHRR, laid out like GHRSST level 3: two images a day on the lattice of a posting, each pixel with its time.

    Attributes
    ----------
    orbit : Orbit
        Of the satellite, sun-synchronous.
    posting : float
        Degrees: 1/24 is the grid of Pathfinder, 4 km (Casey et al. 2010).
    reach : float
        Half the width of the swath [km].
    error : float
        White noise [K]: 0.5 K against buoys (Kilpatrick et al. 2001, JGR 106, 9179), of which 0.2 K are the buoys' own
        (O'Carroll et al. 2008, JTECH 25, 1197) and 0.2 K are `bias`.
    bias : float
        Root mean square of a bias [K] that varies over thousands of kilometres and that `sses_bias` knows.
    cover : float
        Share of clouds: 0.65 to 0.7 (King et al. 2013, IEEE TGRS 51, 3826). Their margins read cold, and are flagged.
    """

    reference: ClassVar[tuple[float, float]] = (5400.0, 48600.0)  # `sst_dtime` counts from them
    posting: float = 1.0 / 24.0
    reach: float = 1450.0
    error: float = 0.4
    bias: float = 0.2
    cover: float = 0.65

    def __post_init__(self) -> None:
        if not 0.0 <= self.cover <= 1.0:
            raise ValueError(f"cover={self.cover} is no share of clouds: give 0 (none) to 1 (all is hidden)")

    def layout(self, domain: Domain) -> Layout:
        """As GHRSST L3C."""
        domain.require(self.name, "thetao")
        dims, grid = ("time", "lat", "lon"), Grid.of(domain, self.posting)
        levels = "no_data bad_data worst_quality low_quality acceptable_quality best_quality"
        sst = {"standard_name": "sea_surface_subskin_temperature", "long_name": "SST", "units": "kelvin"}
        delay = {"long_name": "time difference from reference time", "units": "seconds"}
        packing = {"dtype": "int16", "scale_factor": TICK, "add_offset": 0.0, "_FillValue": -32768}
        flags = {"flag_values": np.arange(6, dtype="i1"), "flag_meanings": levels}
        return Layout(
            title=f"SST under clouds, {self.name}, at {self.posting:.3g} degrees, noise {self.error} K",
            time="time",
            coordinates=map_axes("lat", "lon"),
            variables={
                "sea_surface_temperature": Column(dims, "f4", sst),
                "sst_dtime": Column(dims, "f4", delay, packing),
                "sses_bias": Column(dims, "f4", {"long_name": "SSES bias estimate", "units": "kelvin"}),
                "sses_standard_deviation": Column(
                    dims, "f4", {"long_name": "SSES standard deviation", "units": "kelvin"}
                ),
                "quality_level": Column(dims, "i1", {"long_name": "quality level of SST pixel", **flags}),
            },
            fixed={"lat": grid.latitude, "lon": grid.longitude},
            attrs={"processing_level": "L3C", "gds_version_id": "2.0"},
        )

    def image(self, day: int, image: int, seed: int, domain: Domain, grid: Grid, noise: bool) -> Arrays:
        """Surface temperature in kelvin between broken clouds, cold at their margins, with a bias that is known."""
        seconds = overpass(self.orbit, day, image, grid, self.reach)
        delay = TICK * np.round((seconds - self.reference[image]) / TICK)
        cloud = clouds.cloudiness(self.key(seed, "clouds"), day + image / IMAGES, *grid.points)
        limit = clouds.threshold(self.cover)
        clear = np.isfinite(seconds) & (cloud <= limit)
        true = self._true(domain, grid, day, self.reference[image] + delay, clear)
        seen, margin = np.isfinite(true), cloud > limit - MARGIN
        bias = 0.0 * true
        if noise:
            latitude, longitude = grid.points
            bias[seen] = self.bias * smooth(self.key(seed, "bias"), latitude[seen], longitude[seen], BIAS_LENGTH)
        random = self.error * white(self.key(seed, "noise"), grid.number(IMAGES * day + image))
        return {
            "sea_surface_temperature": noisy(true + KELVIN, bias + random - MARGIN_COLD * margin, noise),
            "sst_dtime": delay,
            "sses_bias": bias,
            "sses_standard_deviation": np.where(seen, self.error, np.nan),
            "quality_level": np.select([~seen, margin], [0, 2], 5),
        }

    @staticmethod
    def _true(domain: Domain, grid: Grid, day: int, seconds: NDArray, clear: NDArray) -> NDArray[np.float64]:
        """Truth where it is clear, NaN elsewhere."""
        latitude, longitude = (each[clear] for each in grid.points)
        true = np.full(clear.shape, np.nan)
        true[clear] = domain.sighted("thetao", latitude, longitude, day, seconds[clear])
        return true
