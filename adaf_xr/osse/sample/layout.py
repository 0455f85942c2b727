"""How the embedded sample writes itself down: the dimensions and CF attributes of each of its datasets.

Every observing system is laid out like the product its kind of instrument is published as, flags and traps included,
so that the sample goes through the same door as real files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adaf_xr.cf.canonical import VARIABLES
from adaf_xr.osse.sample import instruments, ocean, profiles

Arrays = dict[str, NDArray]


@dataclass(frozen=True)
class Column:
    """A variable of a dataset: its dimensions, stored type and attributes."""

    dims: tuple[str, ...]
    dtype: str
    attrs: Mapping[str, Any]


@dataclass(frozen=True)
class System:
    """A dataset of the sample.

    Attributes
    ----------
    title : str
        What it is, errors included.
    geometry, measure : callable (day, seed) -> dict of str to array
        Coordinates, known at once, and values, computed when asked for.
    time : str
        Name of the time coordinate; `geometry` gives it as ``days`` since the start.
    coordinates, variables : mapping of str to Column
        The first dimension of each variable grows from day to day; coordinates without it are the same every day.
    fixed : mapping of str to array
        Coordinates that do not depend on the day.
    inner : mapping of str to int
        Lengths of dimensions without a coordinate.
    snapshots : bool
        Whether a day is one instant, 00:00.
    """

    title: str
    geometry: Callable[[int, int], Arrays]
    measure: Callable[[int, int], Arrays]
    time: str
    coordinates: Mapping[str, Column]
    variables: Mapping[str, Column]
    fixed: Mapping[str, NDArray] = field(default_factory=dict)
    inner: Mapping[str, int] = field(default_factory=dict)
    snapshots: bool = False


LATITUDE = {"standard_name": "latitude", "long_name": "latitude", "units": "degrees_north"}
LONGITUDE = {"standard_name": "longitude", "long_name": "longitude", "units": "degrees_east"}
TIME = {"standard_name": "time", "long_name": "time"}
DEPTH = {"standard_name": "depth", "long_name": "depth", "units": "m", "positive": "down"}

GRID = ("time", "latitude", "longitude")
"""Dimensions of maps."""


def _axes(latitude: str = "latitude", longitude: str = "longitude", time: str = "time") -> dict[str, Column]:
    """Coordinates of maps on a fixed grid."""
    return {
        time: Column((time,), "datetime64[ns]", {**TIME, "axis": "T"}),
        latitude: Column((latitude,), "f8", {**LATITUDE, "axis": "Y"}),
        longitude: Column((longitude,), "f8", {**LONGITUDE, "axis": "X"}),
    }


def _state(dimensions: Mapping[str, tuple[str, ...]]) -> dict[str, Column]:
    """Canonical variables."""
    return {
        name: Column(
            dims,
            "f4",
            {
                "standard_name": VARIABLES[name].standard_name,
                "long_name": VARIABLES[name].long_name,
                "units": VARIABLES[name].units,
            },
        )
        for name, dims in dimensions.items()
    }


FIELDS = _state(
    {
        "zos": GRID,
        "thetao": ("time", "depth", "latitude", "longitude"),
        "so": ("time", "depth", "latitude", "longitude"),
        "uo": GRID,
        "vo": GRID,
        "siconc": GRID,
    }
)


def _midnight(day: int, seed: int) -> Arrays:
    """Fields are snapshots at 00:00."""
    return {"days": np.array([float(day)])}


def _snapshot(of: Callable[[int, int], Arrays]) -> Callable[[int, int], Arrays]:
    """Fields of one day with a leading time dimension."""
    return lambda day, seed: {name: values[None] for name, values in of(day, seed).items()}


def _fields(title: str, of: Callable[[int, int], Arrays], every: int) -> System:
    """Fields on the ocean's grid, or on one of blocks of `every` cells."""
    axes = {
        "depth": ocean.DEPTH,
        "latitude": ocean.LATITUDE.reshape(-1, every).mean(axis=1),
        "longitude": ocean.LONGITUDE.reshape(-1, every).mean(axis=1),
    }
    depth = {"depth": Column(("depth",), "f8", {**DEPTH, "axis": "Z"})}
    return System(title, _midnight, _snapshot(of), "time", {**_axes(), **depth}, FIELDS, axes, snapshots=True)


def _along_track() -> System:
    points = ("time",)
    height = {"units": "m", "coordinates": "longitude latitude"}
    return System(
        title=f"along-track sea level of two altimeters, 1 Hz, noise {instruments.SSH_ERROR} m",
        geometry=instruments.altimeter_geometry,
        measure=instruments.altimeter,
        time="time",
        coordinates={
            "time": Column(points, "datetime64[ns]", TIME),
            "latitude": Column(points, "f8", LATITUDE),
            "longitude": Column(points, "f8", LONGITUDE),
            "track": Column(points, "i2", {"long_name": "number of the satellite", "units": "1"}),
        },
        variables={
            "sla_unfiltered": Column(
                points, "f4", {**height, "standard_name": "sea_surface_height_above_sea_level", "long_name": "SLA"}
            ),
            "mdt": Column(points, "f4", {**height, "long_name": "mean dynamic topography"}),
        },
    )


def _radiometer() -> System:
    dims = ("time", "lat", "lon")
    return System(
        title=f"SST of a radiometer, two cloudy passes a day at 0.2 degrees, noise {instruments.SST_ERROR} K",
        geometry=instruments.radiometer_geometry,
        measure=instruments.radiometer,
        time="time",
        coordinates=_axes("lat", "lon"),
        variables={
            "sea_surface_temperature": Column(
                dims, "f4", {"standard_name": "sea_surface_subskin_temperature", "long_name": "SST", "units": "kelvin"}
            ),
            "sst_dtime": Column(dims, "f4", {"long_name": "time difference from reference time", "units": "seconds"}),
            "sses_bias": Column(dims, "f4", {"long_name": "SSES bias estimate", "units": "kelvin"}),
            "sses_standard_deviation": Column(dims, "f4", {"long_name": "SSES standard deviation", "units": "kelvin"}),
            "quality_level": Column(
                dims,
                "i1",
                {
                    "long_name": "quality level of SST pixel",
                    "flag_values": np.arange(6, dtype="i1"),
                    "flag_meanings": "no_data bad_data worst_quality low_quality acceptable_quality best_quality",
                },
            ),
        },
        fixed={"lat": instruments.SST_LATITUDE, "lon": instruments.SST_LONGITUDE},
    )


def _salinity() -> System:
    dims = ("time", "lat", "lon")
    return System(
        title=f"surface salinity in swaths, daily at 0.25 degrees, noise {instruments.SSS_ERROR}",
        geometry=instruments.salinity_geometry,
        measure=instruments.salinity,
        time="time",
        coordinates=_axes("lat", "lon"),
        variables={
            "Sea_Surface_Salinity": Column(
                dims,
                "f4",
                {
                    "standard_name": "sea_surface_salinity",
                    "long_name": "sea surface salinity",
                    "units": "1e-3",
                    "ancillary_variables": "Sea_Surface_Salinity_Error",
                },
            ),
            "Sea_Surface_Salinity_Error": Column(
                dims,
                "f4",
                {
                    "standard_name": "sea_surface_salinity standard_error",
                    "long_name": "standard deviation of the error of salinity",
                    "units": "1e-3",
                },
            ),
        },
        fixed={"lat": ocean.LATITUDE, "lon": ocean.LONGITUDE},
    )


def _ice() -> System:
    dims = ("time", "lat", "lon")
    return System(
        title=f"sea ice concentration, daily at 0.25 degrees, noise {100 * instruments.ICE_ERROR:g} %",
        geometry=instruments.ice_geometry,
        measure=instruments.ice,
        time="time",
        coordinates=_axes("lat", "lon"),
        variables={
            "ice_conc": Column(
                dims,
                "f4",
                {
                    "standard_name": "sea_ice_area_fraction",
                    "long_name": "concentration of sea ice",
                    "units": "%",
                    "ancillary_variables": "total_standard_uncertainty",
                },
            ),
            "total_standard_uncertainty": Column(
                dims,
                "f4",
                {
                    "standard_name": "sea_ice_area_fraction standard_error",
                    "long_name": "standard deviation of the error of concentration",
                    "units": "%",
                },
            ),
        },
        fixed={"lat": ocean.LATITUDE, "lon": ocean.LONGITUDE},
    )


def _scatterometer() -> System:
    dims = ("NUMROWS", "NUMCELLS")
    return System(
        title=f"wind vectors of a scatterometer, 25 km cells, noise {instruments.WIND_ERROR:g} m/s a component",
        geometry=instruments.scatterometer_geometry,
        measure=instruments.scatterometer,
        time="time",
        coordinates={
            "time": Column(dims, "datetime64[ns]", {"long_name": "time"}),
            "lat": Column(dims, "f8", {"long_name": "latitude", "units": "degrees_north"}),
            "lon": Column(dims, "f8", {"long_name": "longitude", "units": "degrees_east"}),
        },
        variables={
            "wind_speed": Column(dims, "f4", {"long_name": "wind speed at 10 m", "units": "m s-1"}),
            "wind_dir": Column(
                dims,
                "f4",
                {"standard_name": "wind_to_direction", "long_name": "direction the wind blows to", "units": "degree"},
            ),
            "wvc_quality_flag": Column(
                dims,
                "i4",
                {
                    "long_name": "wind vector cell quality",
                    "flag_masks": np.array(list(instruments.WVC_FLAGS.values()), "i4"),
                    "flag_meanings": " ".join(instruments.WVC_FLAGS),
                },
            ),
        },
    )


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


def _argo() -> System:
    profile, level = ("N_PROF",), ("N_PROF", "N_LEVELS")
    variables = {
        "DATA_MODE": Column(profile, "S1", {"conventions": "R : real time; D : delayed mode; A : real time adjusted"}),
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
    return System(
        title=f"Argo-like profiles, {profiles.PROFILES_A_DAY} a day, noise 0.01 degC and 0.01",
        geometry=profiles.geometry,
        measure=profiles.measure,
        time="JULD",
        coordinates={
            "JULD": Column(profile, "datetime64[ns]", {**TIME, "conventions": "Relative julian days"}),
            "LATITUDE": Column(profile, "f8", {**LATITUDE, "axis": "Y"}),
            "LONGITUDE": Column(profile, "f8", {**LONGITUDE, "axis": "X"}),
            "PLATFORM_NUMBER": Column(profile, "S8", {"long_name": "Float unique identifier"}),
        },
        variables=variables,
        inner={"N_LEVELS": profiles.PRESSURE.size},
    )


SYSTEMS: dict[str, System] = {
    "truth": _fields("the simulated ocean at 0.25 degrees", ocean.truth, 1),
    "background": _fields(
        "an old, coarse and partly wrong idea of it, at 1 degree", ocean.background, ocean.COARSENING
    ),
    "insitu": _argo(),
    "sst": _radiometer(),
    "sss": _salinity(),
    "ssh": _along_track(),
    "wind": _scatterometer(),
    "ice": _ice(),
}
"""Every dataset of the sample by its name."""
