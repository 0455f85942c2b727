"""Surface drifters: they go where the water goes, and report it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adaf_xr.osse.observing.array import drifting_array
from adaf_xr.osse.observing.domain import Domain, instants
from adaf_xr.osse.observing.instrument import Instrument, noisy
from adaf_xr.osse.observing.layout import INSTANT, LATITUDE, LONGITUDE, TIME, Arrays, Column, Layout, canonical
from adaf_xr.osse.observing.noise import white
from adaf_xr.sphere import RADIUS, wrap_longitude

HOURS = np.array([0.0, 6.0, 12.0, 18.0])
"""Of reports."""

STEP = 2.0
"""Hours of an integration step: 7 km in a current of 1 m s-1."""

WANDER, TURN = 2.0, (30.0, 200.0)
"""How far drifters start a day from their place [degrees], and in which periods that place changes [days]."""


@dataclass(frozen=True)
class Drifters(Instrument):
    """The array of drifting buoys, laid out like the 6-hourly files of the Global Drifter Program.

    A day of the array must be known without the days before it. So every drifter begins each day at a place of its
    own, which changes slowly, and from there goes with the surface current of the ocean until the next midnight
    (midpoint rule, steps of 2 h). Positions follow the flow within a day, and are therefore lazy as the readings are; a
    track of many days has a jump at midnight.

    Attributes
    ----------
    spacing : float
        Degrees: 5, the design of the array (Lumpkin et al. 2016, JTECH 33, 685).
    temperature_error : float
        White noise [K]: 0.1 to 0.2 (Kennedy 2014, Rev. Geophys. 52, 1).
    velocity_error : float
        White noise of each component [m s-1]: 0.015, of positions and slip (Hansen and Poulain 1996, JTECH 13, 900).
    """

    spacing: float = 5.0
    temperature_error: float = 0.15
    velocity_error: float = 0.015

    def layout(self, domain: Domain) -> Layout:
        """As the interpolated data of the drifter program."""
        domain.require(self.name, "thetao", "uo", "vo")
        row = ("obs",)
        temperature = {
            "standard_name": "sea_water_temperature",
            "long_name": "Sea surface bulk temperature",
            "units": "degree_Celsius",
        }
        measured = {"temp": temperature, "ve": canonical("uo"), "vn": canonical("vo")}
        errors = {
            f"err_{name}": Column(row, "f4", {"long_name": f"standard error of {name}", "units": attrs["units"]})
            for name, attrs in measured.items()
        }
        return Layout(
            title=f"drifters, one for {self.spacing:g} degrees, noise {self.temperature_error} K, "
            f"{self.velocity_error} m/s",
            time="time",
            coordinates={
                "time": Column(row, INSTANT, TIME),
                "ID": Column(row, "i8", {"long_name": "number of the drifter", "units": "1"}),
            },
            variables={
                "latitude": Column(row, "f8", LATITUDE),
                "longitude": Column(row, "f8", LONGITUDE),
                **{name: Column(row, "f4", attrs) for name, attrs in measured.items()},
                **errors,
            },
            located=("latitude", "longitude"),
            attrs={"featureType": "trajectory"},
        )

    def rows(self, day: int, seed: int, domain: Domain) -> Arrays:
        """Four reports of every drifter that begins its day in the domain, in order of time."""
        box, _, _ = self._starts(day, seed, domain)
        return {"seconds": np.repeat(HOURS * 3600.0, box.size), "ID": np.tile(box, HOURS.size)}

    def _starts(self, day: int, seed: int, domain: Domain) -> tuple[NDArray, NDArray, NDArray]:
        """Box, latitude and longitude of drifters at midnight."""
        box, boxes = drifting_array(self.spacing)
        latitude, longitude = boxes.places(self.key(seed, "place"), box, np.array(float(day)), WANDER, TURN)
        seen = domain.holds(latitude, longitude)
        return box[seen], latitude[seen], longitude[seen]

    def read(self, day: int, seed: int, domain: Domain, noise: bool) -> Arrays:
        """Positions along the flow, and temperature and current there."""
        box, latitude, longitude = self._starts(day, seed, domain)
        latitude, longitude = (each.ravel() for each in self._drift(day, latitude, longitude, domain))
        time = instants(day, np.repeat(HOURS * 3600.0, box.size))
        reading = (day * HOURS.size + np.repeat(np.arange(HOURS.size), box.size)) * 100_000 + np.tile(box, HOURS.size)
        found: Arrays = {"latitude": latitude, "longitude": longitude}
        for name, quantity, error in (
            ("temp", "thetao", self.temperature_error),
            ("ve", "uo", self.velocity_error),
            ("vn", "vo", self.velocity_error),
        ):
            true = domain.ocean.at(quantity, latitude, longitude, time)
            found[name] = noisy(true, error * white(self.key(seed, name), reading), noise)
            found[f"err_{name}"] = np.where(np.isfinite(true), error, np.nan)
        return found

    def _drift(self, day: int, latitude: NDArray, longitude: NDArray, domain: Domain) -> tuple[NDArray, NDArray]:
        """Positions (n_reports, n_drifters) from those at midnight."""
        kept = {0.0: (latitude, longitude)}
        for hour in np.arange(0.0, HOURS[-1], STEP):
            halfway = _moved(latitude, longitude, self._current(day, hour, latitude, longitude, domain), STEP / 2.0)
            current = self._current(day, hour + STEP / 2.0, *halfway, domain)
            latitude, longitude = _moved(latitude, longitude, current, STEP)
            kept[hour + STEP] = (latitude, longitude)
        north, east = zip(*(kept[hour] for hour in HOURS), strict=True)
        return np.stack(north), np.stack(east)

    @staticmethod
    def _current(day: int, hour: float, latitude: NDArray, longitude: NDArray, domain: Domain) -> NDArray[np.float64]:
        """Surface current (2, n) [m s-1]; none where a drifter has run aground or out of the ocean."""
        time = instants(day, np.full(latitude.shape, hour * 3600.0))
        current = [domain.ocean.at(name, latitude, longitude, time) for name in ("uo", "vo")]
        return np.nan_to_num(np.stack(current))


def _moved(latitude: NDArray, longitude: NDArray, current: NDArray, hours: float) -> tuple[NDArray, NDArray]:
    """Positions after some hours in a current."""
    degrees = np.degrees(hours * 3.6 / RADIUS)  # 1 m s-1 is 3.6 km h-1
    north = np.clip(latitude + degrees * current[1], -89.9, 89.9)
    halfway = np.cos(np.radians(0.5 * (latitude + north)))
    return north, wrap_longitude(longitude + degrees * current[0] / halfway)
