"""Argo: floats that profile temperature and salinity every ten days."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adaf_xr.osse.observing.array import drifting_array
from adaf_xr.osse.observing.domain import Domain, instants
from adaf_xr.osse.observing.instrument import Instrument, noisy
from adaf_xr.osse.observing.layout import INSTANT, LATITUDE, LONGITUDE, TIME, Arrays, Column, Layout
from adaf_xr.osse.observing.noise import uniform, white
from adaf_xr.seawater import ABSOLUTE_PER_PRACTICAL, depth_from_pressure

LEVELS = (
    *(5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 100.0, 110.0, 120.0, 130.0, 140.0, 150.0),
    *(160.0, 170.0, 180.0, 190.0, 200.0, 220.0, 240.0, 260.0, 280.0, 300.0, 320.0, 340.0, 360.0, 380.0, 400.0),
    *(425.0, 450.0, 475.0, 500.0, 550.0, 600.0, 650.0, 700.0, 750.0, 800.0, 850.0, 900.0, 950.0, 1000.0, 1050.0),
    *(1100.0, 1150.0, 1200.0, 1250.0, 1300.0, 1350.0, 1400.0, 1450.0, 1500.0, 1550.0, 1600.0, 1650.0, 1700.0),
    *(1750.0, 1800.0, 1850.0, 1900.0, 1950.0, 2000.0),
)
"""Pressures of a profile [dbar]."""

PRESSURE_ERROR = 2.4
"""Decibar (Wong et al. 2020, Front. Mar. Sci. 7, 700)."""

SPIKES, SPIKE = 0.02, 8.0
"""Share of raw temperatures that are spikes, and their size [K]; they are flagged."""

DRIFT = 0.3
"""How much too salt the raw salinity of floats in delayed mode is; their adjusted one is not."""

WANDER, TURN = 1.0, (150.0, 600.0)
"""How far floats wander from their place [degrees], and in which periods [days]: some 2 cm s-1, less than the 5
cm s-1 of their parking depth (Lebedev et al. 2007), so that they keep to their boxes for years."""

QC = {"long_name": "quality flag", "conventions": "Argo reference table 2"}
PARAMETERS = {
    "PRES": {"standard_name": "sea_water_pressure", "long_name": "Sea water pressure", "units": "decibar", "axis": "Z"},
    "TEMP": {
        "standard_name": "sea_water_temperature",
        "long_name": "Sea temperature in-situ ITS-90 scale",
        "units": "degree_Celsius",
    },
    "PSAL": {"standard_name": "sea_water_salinity", "long_name": "Practical salinity", "units": "psu"},
}


@dataclass(frozen=True)
class Argo(Instrument):
    """The array of profiling floats, laid out like multi-profile files: raw and adjusted, real time and delayed mode.

    One float for every box of `spacing` degrees within 60 degrees of the equator, that wanders slowly about its place
    and profiles every `cycle` days at a time of its own (Roemmich et al. 2009, Oceanography 22(2), 34).

    Attributes
    ----------
    spacing : float
        Degrees.
    cycle : float
        Days.
    levels : tuple of float
        Pressures [dbar].
    error : tuple of float
        White noise of potential temperature [degC] and of salinity: what Argo states of its data (0.002 degC and 0.01
        in delayed mode; Wong et al. 2020), rounded up. What a point says of a grid cell is left to the user.
    """

    spacing: float = 3.0
    cycle: float = 10.0
    levels: tuple[float, ...] = LEVELS
    error: tuple[float, float] = (0.01, 0.01)

    def __post_init__(self) -> None:
        if self.cycle < 1.0:
            raise ValueError(f"cycle={self.cycle} days: a float profiles once a day at most, give 1 or more")

    def layout(self, domain: Domain) -> Layout:
        """As the multi-profile files of the data centres."""
        domain.require(self.name, "thetao", "so")
        profile, level = ("N_PROF",), ("N_PROF", "N_LEVELS")
        modes = "R : real time; D : delayed mode; A : real time adjusted"
        variables = {
            "DATA_MODE": Column(profile, "S1", {"conventions": modes}),
            "JULD_QC": Column(profile, "S1", QC),
            "POSITION_QC": Column(profile, "S1", QC),
        }
        for name, attrs in PARAMETERS.items():
            error = {"long_name": "Contains the error on the adjusted values", "units": attrs["units"]}
            variables |= {
                name: Column(level, "f4", attrs),
                f"{name}_QC": Column(level, "S1", QC),
                f"{name}_ADJUSTED": Column(level, "f4", attrs),
                f"{name}_ADJUSTED_QC": Column(level, "S1", QC),
                f"{name}_ADJUSTED_ERROR": Column(level, "f4", error),
            }
        return Layout(
            title=f"Argo-like profiles, a float for {self.spacing:g} degrees, noise {self.error[0]} K, {self.error[1]}",
            time="JULD",
            coordinates={
                "JULD": Column(profile, INSTANT, {**TIME, "conventions": "Relative julian days"}),
                "LATITUDE": Column(profile, "f8", {**LATITUDE, "axis": "Y"}),
                "LONGITUDE": Column(profile, "f8", {**LONGITUDE, "axis": "X"}),
                "PLATFORM_NUMBER": Column(profile, "S8", {"long_name": "Float unique identifier"}),
            },
            variables=variables,
            inner={"N_LEVELS": len(self.levels)},
        )

    def rows(self, day: int, seed: int, domain: Domain) -> Arrays:
        """Floats that surface on a day, in order of time."""
        box, boxes = drifting_array(self.spacing)
        phase = self.cycle * uniform(self.key(seed, "phase"), box)
        profile = np.ceil((day - phase) / self.cycle)
        time = phase + profile * self.cycle
        due = time < day + 1.0
        box, time, profile = box[due], time[due], profile[due].astype("i8")
        latitude, longitude = boxes.places(self.key(seed, "place"), box, time, WANDER, TURN)
        seen = np.flatnonzero(domain.holds(latitude, longitude))
        seen = seen[np.argsort(time[seen], kind="stable")]
        return {
            "seconds": (time[seen] - day) * 86400.0,
            "LATITUDE": latitude[seen],
            "LONGITUDE": longitude[seen],
            "PLATFORM_NUMBER": (6_900_000 + box[seen]).astype("S8"),
            "box": box[seen],
            "number": profile[seen] * boxes.count + box[seen],
        }

    def read(self, day: int, seed: int, domain: Domain, noise: bool) -> Arrays:
        """Profiles of in-situ temperature and salinity; every other float is in delayed mode."""
        where = self.rows(day, seed, domain)
        shape = (where["seconds"].size, len(self.levels))
        pressure = np.broadcast_to(np.array(self.levels), shape)
        reading = where["number"][:, None] * shape[1] + np.arange(shape[1])
        potential, salt = (
            noisy(self._true(name, where, pressure, day, domain), error * white(self.key(seed, name), reading), noise)
            for name, error in zip(("thetao", "so"), self.error, strict=True)
        )
        temperature = _in_situ(potential, salt, pressure, where["LONGITUDE"][:, None], where["LATITUDE"][:, None])
        spike = uniform(self.key(seed, "spikes"), reading) < SPIKES
        delayed = where["box"][:, None] % 2 == 1
        good = {"PRES": pressure, "TEMP": temperature, "PSAL": salt}
        return self._columns(good, spike, delayed, noise)

    def _true(self, name: str, where: Arrays, pressure: NDArray, day: int, domain: Domain) -> NDArray[np.float64]:
        """Truth (n_profiles, n_levels) at float positions."""
        latitude, longitude, seconds = (
            np.repeat(where[key], pressure.shape[1]) for key in ("LATITUDE", "LONGITUDE", "seconds")
        )
        depth = depth_from_pressure(pressure.ravel(), latitude)
        value = domain.ocean.at(name, latitude, longitude, instants(day, seconds), depth)
        return value.reshape(pressure.shape)

    def _columns(self, good: Arrays, spike: NDArray, delayed: NDArray, noise: bool) -> Arrays:
        """Raw and adjusted parameters with their flags; without noise, flags alone tell of spikes."""
        raw = {
            "PRES": good["PRES"],
            "TEMP": noisy(good["TEMP"], SPIKE * spike, noise),
            "PSAL": noisy(good["PSAL"], DRIFT * delayed, noise),
        }
        bad = {"PRES": np.zeros_like(spike), "TEMP": spike, "PSAL": np.zeros_like(spike)}
        error = {"PRES": PRESSURE_ERROR, "TEMP": self.error[0], "PSAL": self.error[1]}
        fine = np.full(delayed.shape[0], b"1")
        columns: Arrays = {"DATA_MODE": np.where(delayed[:, 0], b"D", b"R"), "JULD_QC": fine, "POSITION_QC": fine}
        for name, value in good.items():
            missing = np.isnan(value)
            kept = delayed & ~bad[name] & ~missing
            columns[name] = raw[name]
            columns[f"{name}_QC"] = np.select([missing, bad[name]], [b"9", b"4"], b"1")
            columns[f"{name}_ADJUSTED"] = np.where(kept, value, np.nan)
            columns[f"{name}_ADJUSTED_QC"] = np.select([~delayed & ~missing, kept, missing], [b" ", b"1", b"9"], b"4")
            columns[f"{name}_ADJUSTED_ERROR"] = np.where(kept, error[name], np.nan)
        return columns


def _in_situ(
    potential: NDArray, salinity: NDArray, pressure: NDArray, longitude: NDArray, latitude: NDArray
) -> NDArray[np.float64]:
    """What the thermometer of a float reads, by TEOS-10."""
    import gsw

    absolute = gsw.SA_from_SP(salinity, pressure, longitude, latitude)
    # Where the atlas has no sea nearby, on the scale of the reference composition.
    absolute = np.where(np.isfinite(absolute), absolute, ABSOLUTE_PER_PRACTICAL * salinity)
    return gsw.t_from_CT(absolute, gsw.CT_from_pt(absolute, potential), pressure)
