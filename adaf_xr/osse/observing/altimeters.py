"""Nadir altimeters: one reading a second below the satellite, on exact repeat orbits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adaf_xr.osse.observing.domain import Domain, scan_lines
from adaf_xr.osse.observing.instrument import Instrument
from adaf_xr.osse.observing.layout import INSTANT, LATITUDE, LONGITUDE, TIME, Arrays, Column, Layout
from adaf_xr.osse.observing.noise import uniform, white
from adaf_xr.osse.observing.sea_level import long_waves, sea_level, sea_level_columns
from adaf_xr.osse.orbits import Orbit

EDITED = 4
"""Seconds that are edited together."""


@dataclass(frozen=True)
class NadirAltimeter(Instrument):
    """Sea level below one or several satellites, as DUACS level 3 files have it.

    Anomalies (`sla_unfiltered`) and mean topography (`mdt`) where the ocean knows a mean topography, else absolute
    dynamic topography (`adt_unfiltered`).

    Attributes
    ----------
    orbits : tuple of Orbit
        One a satellite; their readings are in order of time.
    error : float
        White noise of a reading [m]: 2 to 3 cm at 1 Hz (Dufau et al. 2016, JGR Oceans 121, 3910).
    long_error : float
        Along-track error of wavelengths 1000 to 20000 km [m], what remains of orbit, tide and atmospheric corrections
        after cross calibration: 1 to 2 cm (Pujol et al. 2016, Ocean Sci. 12, 1067).
    edited : float
        Share of readings that editing removes (rain, ice, blooms), 4 s at a time.
    interval : float
        Seconds between readings.
    """

    orbits: tuple[Orbit, ...]
    error: float = 0.028
    long_error: float = 0.01
    edited: float = 0.03
    interval: float = 1.0

    def layout(self, domain: Domain) -> Layout:
        """As DUACS along-track level 3."""
        domain.require(self.name, "zos")
        points = ("time",)
        return Layout(
            title=f"along-track sea level, {self.name}, noise {self.error} m",
            time="time",
            coordinates={
                "time": Column(points, INSTANT, TIME),
                "latitude": Column(points, "f8", LATITUDE),
                "longitude": Column(points, "f8", LONGITUDE),
                "cycle": Column(points, "i4", {"long_name": "cycle the measurement belongs to", "units": "1"}),
                "track": Column(points, "i4", {"long_name": "pass the measurement belongs to", "units": "1"}),
                "satellite": Column(points, "i2", {"long_name": "number of the satellite", "units": "1"}),
            },
            variables=sea_level_columns(domain, points, "sla_unfiltered"),
        )

    def rows(self, day: int, seed: int, domain: Domain) -> Arrays:
        """Readings at sea within the domain that editing leaves, in order of time."""
        parts = [self._below(orbit, k, day, seed, domain) for k, orbit in enumerate(self.orbits)]
        joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        order = np.argsort(joined["seconds"], kind="stable")
        return {name: values[order] for name, values in joined.items()}

    def _below(self, orbit: Orbit, satellite: int, day: int, seed: int, domain: Domain) -> Arrays:
        """Readings of one satellite."""
        number, seconds = scan_lines(orbit, day, self.interval, domain, 0.0)
        latitude, longitude = orbit.track(day + seconds / 86400.0)
        seen = domain.holds(latitude, longitude)
        block = (number * self.interval).astype("i8") // EDITED
        seen &= uniform((*self.key(seed, "editing"), satellite), block) >= self.edited
        passes = orbit.passes(day + seconds[seen] / 86400.0)
        # A pass belongs to the cycle it began in; orbits that do not repeat have cycles of one revolution.
        per_cycle = 2 * max(1, round(orbit.cycle * 1440.0 / orbit.period))
        return {
            "number": number[seen],
            "seconds": seconds[seen],
            "latitude": latitude[seen],
            "longitude": longitude[seen],
            "cycle": passes // per_cycle,
            "track": passes % per_cycle + 1,
            "satellite": np.full(passes.shape, satellite),
        }

    def read(self, day: int, seed: int, domain: Domain, noise: bool) -> Arrays:
        """Truth, white noise and what corrections leave."""
        where = self.rows(day, seed, domain)
        at = (where["latitude"], where["longitude"], day, where["seconds"])
        return sea_level(domain, at, self._errors(where, day, seed), noise, "sla_unfiltered")

    def _errors(self, where: Arrays, day: int, seed: int) -> NDArray[np.float64]:
        """Errors of all readings, satellite by satellite."""
        error = np.zeros(where["seconds"].shape)
        for k, orbit in enumerate(self.orbits):
            mine = where["satellite"] == k
            error[mine] = self.error * white((*self.key(seed, "noise"), k), where["number"][mine])
            error[mine] += self.long_error * long_waves(
                (*self.key(seed, "long"), k), day, where["seconds"][mine], orbit
            )
        return error
