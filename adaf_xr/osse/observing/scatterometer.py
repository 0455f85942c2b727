"""The scatterometer: wind vectors in two swaths beside the track."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adaf_xr.osse.observing.domain import Domain
from adaf_xr.osse.observing.instrument import Instrument, noisy
from adaf_xr.osse.observing.layout import INSTANT, LATITUDE, LONGITUDE, Arrays, Column, Layout
from adaf_xr.osse.observing.noise import uniform, white
from adaf_xr.osse.observing.swaths import swath_lines
from adaf_xr.osse.orbits import Orbit

CELL = 25.0
"""Kilometres, along and across the track."""

CELLS_ACROSS = np.concatenate([np.arange(-21, 0), np.arange(1, 22)]) * CELL + np.repeat([-352.5, 352.5], 21)
"""Distances of the centres of wind vector cells from the track [km], left side negative: 21 on either side, 755 km
between the innermost, as in files of the product (Figa-Saldana et al. 2002, Can. J. Remote Sens. 28, 404)."""

FLAGS = {
    "some_portion_of_wvc_is_over_ice": 16384,
    "some_portion_of_wvc_is_over_land": 32768,
    "knmi_quality_control_fails": 131072,
}

FAILED = 0.03
"""Share of cells that fail their quality control."""

TOO_STRONG = 15.0
"""How much too strong the wind reads where it fails [m s-1]."""


@dataclass(frozen=True)
class Scatterometer(Instrument):
    """ASCAT, laid out like the level 2 of KNMI: speed and the direction the wind blows to, with bit flags.

    Attributes
    ----------
    orbit : Orbit
        Of the satellite.
    error : float
        White noise of each component [m s-1]: 0.7 to 1 (Vogelzang et al. 2011, JGR 116, C10029, by triple collocation).
    """

    orbit: Orbit
    error: float = 1.0

    @property
    def interval(self) -> float:
        """Seconds from row to row."""
        return 3.75

    def layout(self, domain: Domain) -> Layout:
        """As the 25 km product of KNMI."""
        domain.require(self.name, "uas", "vas")
        dims = ("NUMROWS", "NUMCELLS")
        flags = {"flag_masks": np.array(list(FLAGS.values()), "i4"), "flag_meanings": " ".join(FLAGS)}
        speed = {"standard_name": "wind_speed", "long_name": "wind speed at 10 m", "units": "m s-1"}
        towards = {
            "standard_name": "wind_to_direction",
            "long_name": "direction the wind blows to",
            "units": "degree",
        }
        return Layout(
            title=f"wind vectors, {self.name}, 25 km cells, noise {self.error:g} m/s a component",
            time="time",
            coordinates={"time": Column(dims, INSTANT, {"long_name": "time"})},
            variables={
                "lat": Column(dims, "f8", LATITUDE),
                "lon": Column(dims, "f8", LONGITUDE),
                "wind_speed": Column(dims, "f4", speed),
                "wind_dir": Column(dims, "f4", towards),
                "wvc_quality_flag": Column(dims, "i4", {"long_name": "wind vector cell quality", **flags}),
            },
            inner={"NUMCELLS": CELLS_ACROSS.size},
            located=("lat", "lon"),
        )

    def rows(self, day: int, seed: int, domain: Domain) -> Arrays:
        """Rows that touch the domain."""
        number, seconds = swath_lines(self.orbit, day, self.interval, CELLS_ACROSS, domain)
        return {"number": number, "seconds": seconds}

    def read(self, day: int, seed: int, domain: Domain, noise: bool) -> Arrays:
        """Wind at sea; some cells fail their quality control, and those are far off."""
        rows = self.rows(day, seed, domain)
        latitude, longitude = self.orbit.swath(day + rows["seconds"] / 86400.0, CELLS_ACROSS)
        cell = rows["number"][:, None] * CELLS_ACROSS.size + np.arange(CELLS_ACROSS.size)
        at = (latitude, longitude, day, rows["seconds"][:, None])
        iced = domain.iced(*at)
        eastward, northward = (
            noisy(domain.value(name, *at), self.error * white(self.key(seed, name), cell), noise)
            for name in ("uas", "vas")
        )
        failed = uniform(self.key(seed, "failing"), cell) < FAILED
        return {
            "lat": latitude,
            "lon": np.mod(longitude, 360.0),
            "wind_speed": np.where(iced, np.nan, noisy(np.hypot(eastward, northward), TOO_STRONG * failed, noise)),
            "wind_dir": np.degrees(np.arctan2(eastward, northward)) % 360.0,
            "wvc_quality_flag": self._flags(iced, np.isnan(eastward), failed),
        }

    @staticmethod
    def _flags(*conditions: NDArray[np.bool_]) -> NDArray:
        """Bits of the flag, from conditions in the order of `FLAGS`."""
        return np.sum([bit * met for bit, met in zip(FLAGS.values(), conditions, strict=True)], axis=0)
