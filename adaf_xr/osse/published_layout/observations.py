"""What was seen on a day, in the files of the layout, one writer a source."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from adaf_xr.instants import DAY
from adaf_xr.osse.observing import SYSTEMS, observe
from adaf_xr.osse.observing.layout import LATITUDE, LONGITUDE
from adaf_xr.osse.published_layout.files import write_netcdf
from adaf_xr.osse.published_layout.lattice import means, nodes
from adaf_xr.osse.published_layout.pathfinder import NAMES, image
from adaf_xr.osse.published_layout.world import World, stamp
from adaf_xr.seawater import depth_from_pressure

ALTIMETERS = ("nadir-reference", "nadir-interleaved")
"""The tracks of Jason-3, and of Jason-2 on its last orbits."""

SALINITY, SEA_LEVEL, WIND, ICE = 0.25, 1.0, 0.25, 1.0
"""Spacing of the grids that readings come on, or are put on [degrees]."""


@dataclass(frozen=True)
class Day:
    """A day of a world, seen by instruments of a seed.

    Attributes
    ----------
    world : World
        What is looked at.
    date : datetime64
        Its day.
    seed : int
        Decides errors, clouds and positions.
    """

    world: World
    date: np.datetime64
    seed: int

    def seen(self, system: str, **settings: Any) -> xr.Dataset:
        """Readings of one instrument, in memory."""
        span = (self.date.astype("M8[ns]"), (self.date + DAY).astype("M8[ns]"))
        lazy = observe(self.world.ocean, SYSTEMS[system].but(**settings), span, seed=self.seed)
        return lazy.compute(scheduler="synchronous")

    @property
    def name(self) -> str:
        """The date as files have it."""
        return stamp(self.date)


def write_insitu(day: Day, folder: Path) -> None:
    """Profiles, and the surface temperatures of drifters, in one table."""
    table = pd.concat([_profiles(day.seen("argo")), _drifters(day.seen("drifters"))], ignore_index=True)
    table.dropna(subset=["temp", "sal"], how="all").to_csv(folder / f"{day.name}.csv", index=False)


def _profiles(argo: xr.Dataset) -> pd.DataFrame:
    """Readings that passed their quality control: adjusted ones of floats in delayed mode, raw ones of the others."""
    delayed = (argo.DATA_MODE.values == b"D")[:, None]
    value = {}
    for name in ("PRES", "TEMP", "PSAL"):
        raw, adjusted = (
            np.where(np.isin(argo[f"{each}_QC"], [b"1", b"2"]), argo[each], np.nan)
            for each in (name, f"{name}_ADJUSTED")
        )
        value[name] = np.where(delayed, adjusted, raw).astype("f8")
    latitude, longitude = (
        np.broadcast_to(argo[name].values[:, None], delayed.shape[:1] + value["PRES"].shape[1:])
        for name in ("LATITUDE", "LONGITUDE")
    )
    depth = depth_from_pressure(value["PRES"], latitude)
    columns = {"lat": latitude, "lon": longitude, "depth": depth, "temp": value["TEMP"], "sal": value["PSAL"]}
    return pd.DataFrame({name: np.round(values.ravel(), 4) for name, values in columns.items()})


def _drifters(seen: xr.Dataset) -> pd.DataFrame:
    """Temperatures just below the surface."""
    columns = {"lat": seen.latitude, "lon": seen.longitude, "depth": 0.0 * seen.temp, "temp": seen.temp}
    return pd.DataFrame({name: np.round(da.values.astype("f8"), 4) for name, da in columns.items()}).assign(sal=np.nan)


def write_sst(day: Day, folder: Path, spacing: float) -> None:
    """The radiometer's two images of a day."""
    for number, (part, clock) in enumerate(NAMES):
        name = f"{day.name}{clock}-NCEI-L3C_GHRSST-SSTskin-AVHRR_Pathfinder-simulated_{part}.nc"
        ds = image(day.world.ocean, day.date, number, day.seed, spacing)
        write_netcdf(ds, folder / name)


def write_sss(day: Day, folder: Path, spacing: float) -> None:
    """The salinity of ascending and of descending passes, on the grid of the product or a coarser one."""
    both = day.seen("sss", posting=max(spacing, SALINITY)).rename(
        Sea_Surface_Salinity="Sea_Surface_Salinity_Rain_Corrected",
        Sea_Surface_Salinity_Error="Sea_Surface_Salinity_Rain_Corrected_Error",
    )
    both.Sea_Surface_Salinity_Rain_Corrected.attrs["ancillary_variables"] = "Sea_Surface_Salinity_Rain_Corrected_Error"
    step = {"dtype": "i2", "scale_factor": 2e-3, "add_offset": 20.0, "_FillValue": -32768}
    for number, part in enumerate(("asc", "des")):
        ds = both.isel(time=[number]).drop_encoding()
        write_netcdf(ds, folder / f"smos_{part}_{day.name}.nc", **step)


def write_ssh(day: Day, folder: Path) -> None:
    """Sea level anomalies along the tracks of two altimeters, averaged on whole degrees."""
    tracks = [day.seen(name) for name in ALTIMETERS]
    latitude, longitude, anomaly = (
        np.concatenate([track[name].values for track in tracks]) for name in ("latitude", "longitude", "sla_unfiltered")
    )
    attrs = {
        "standard_name": "sea_surface_height_above_sea_level",
        "long_name": "sea level anomaly",
        "units": "m",
    }
    sla = ("sla_unfiltered", means(latitude, longitude, anomaly, SEA_LEVEL), attrs)
    _write_map(folder / f"{day.name}.nc", SEA_LEVEL, sla)


def write_wind(day: Day, folder: Path) -> None:
    """Speed of the mean vector of each cell, and the direction towards which it blows, clockwise from north."""
    swath = day.seen("wind")
    good = swath.wvc_quality_flag.values == 0
    towards = np.radians(swath.wind_dir.values)
    eastward, northward = (
        means(swath.lat.values, swath.lon.values, np.where(good, swath.wind_speed * part, np.nan), WIND)
        for part in (np.sin(towards), np.cos(towards))
    )
    speed = {"standard_name": "wind_speed", "long_name": "wind speed at 10 m", "units": "m s-1"}
    direction = {
        "standard_name": "wind_to_direction",
        "long_name": "direction the wind blows to, clockwise from north",
        "units": "degree",
    }
    _write_map(
        folder / f"{day.name}.nc",
        WIND,
        ("wind_speed", np.hypot(eastward, northward), speed),
        ("wind_dir", np.degrees(np.arctan2(eastward, northward)) % 360.0, direction),
    )


def write_ice(day: Day, folder: Path) -> None:
    """Concentration [1], averaged on whole degrees."""
    chart = day.seen("ice", posting=0.5 * ICE)
    latitude, longitude = np.meshgrid(chart.lat.values, chart.lon.values, indexing="ij")
    sic = means(latitude, longitude, 0.01 * chart.ice_conc.values[0], ICE)
    attrs = {"long_name": "sea ice concentration", "units": "1"}
    _write_map(folder / f"{day.name}.nc", ICE, ("sic", sic, attrs))


def _write_map(path: Path, spacing: float, *variables: tuple[str, np.ndarray, dict[str, str]]) -> None:
    """Fields of a day on whole multiples of a spacing; the day is in the name of the file."""
    latitude, longitude = nodes(spacing)
    ds = xr.Dataset(
        {name: (("lat", "lon"), values.astype("f4"), attrs) for name, values, attrs in variables},
        {"lat": ("lat", latitude, LATITUDE), "lon": ("lon", longitude, LONGITUDE)},
        {"comment": "a simulation; it describes no real ocean"},
    )
    write_netcdf(ds, path)
