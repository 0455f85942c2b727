"""Maps of real sea level that benchmarks read: where they are, what they hold, which are weeks apart.

Beside the folder of real data, global maps of other dates are taken by path. Two public sets are known to serve: the
weekly maps of autumn 1992 of the viewer of tracks of OceanEddies (github.com/jfaghm/OceanEddies, tracks_viewer/SSH),
and four maps of 2006 and 2007 of the demonstration data of the Broadview Radar Altimetry Toolbox
(github.com/altimetry/main, Demo/Datasets/Data/Grid). Both are merged maps of anomalies by SSALTO/DUACS.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy.io import loadmat

from adaf_xr.grids import regrid
from adaf_xr.training.adaf_ocean.surrogates import LATITUDE, split

LONGITUDE = np.arange(-179.875, 180.0, 0.25)
TODAY = "ssh/nrt_global_allsat_phy_l4_20190223_20190226.nc"
MEDITERRANEAN = "ssh/dt_med_allsat_phy_l4_2005T2.nc"
WEEK = np.timedelta64(7, "D")


class SeaLevel(NamedTuple):
    """A map (720, 1440) [m] of the globe at `LATITUDE` and `LONGITUDE`, NaN on land, and its date."""

    date: np.datetime64
    values: np.ndarray


def data_root() -> Path:
    """Where the data are unless the command line says so."""
    default = Path(__file__).resolve().parents[3] / "shared" / "data"
    return Path(os.environ.get("ADAF_XR_REALDATA", default))


def global_map(file: Path) -> SeaLevel:
    """A map in a netCDF file of today's names, or of those of 2007, or in a .mat file of one field in centimetres."""
    if file.suffix == ".mat":
        values = loadmat(file)["data"] / 100.0
        latitude, longitude = (loadmat(file.with_name(f"{axis}.mat"))[axis].ravel() for axis in ("lat", "lon"))
        year, month, day = re.search(r"(\d{4})(\d\d)(\d\d)", file.name).groups()  # type: ignore[union-attr]
        date = np.datetime64(f"{year}-{month}-{day}", "ns")
    else:
        with xr.open_dataset(file) as ds:
            if "Grid_0001" in ds:
                values = ds.Grid_0001.transpose().where(lambda x: x < 1e4).values / 100.0
                latitude, longitude = ds.NbLatitudes.values, ds.NbLongitudes.values
                date = np.datetime64(ds.Grid_0001.attrs["date"][:10], "ns")
            else:
                values = (ds.adt if "adt" in ds else ds.sla).isel(time=0).values
                latitude, longitude, date = ds.latitude.values, ds.longitude.values, ds.time.values[0]
    eastward = np.mod(longitude, 360.0)
    return SeaLevel(date, regrid(values, latitude, eastward, LATITUDE, LONGITUDE))


def with_topography(files: list[Path], root: Path) -> list[SeaLevel]:
    """Maps of anomalies by date, on what eddies leave of the map of 2019-02-23: errors do not depend on it."""
    mean = split(global_map(root / TODAY).values).steady
    maps = sorted((global_map(file) for file in files), key=lambda item: item.date)
    return [SeaLevel(item.date, item.values + mean) for item in maps]


def pairs(maps: list[SeaLevel], weeks: int, most: int) -> Iterator[tuple[SeaLevel, SeaLevel]]:
    """Of each map, the youngest that is so many weeks older, and itself."""
    for new in maps:
        older = [old for old in maps if weeks * WEEK <= new.date - old.date <= most * WEEK]
        if older:
            yield older[-1], new


def labelled(values: np.ndarray, latitude: np.ndarray = LATITUDE, longitude: np.ndarray = LONGITUDE) -> xr.DataArray:
    """Absolute dynamic topography [m] as the package takes it."""
    axes = {
        "latitude": ("latitude", latitude, {"units": "degrees_north"}),
        "longitude": ("longitude", longitude, {"units": "degrees_east"}),
    }
    attrs = {"standard_name": "sea_surface_height_above_geoid", "units": "m"}
    return xr.DataArray(values, axes, ("latitude", "longitude"), "zos", attrs)
