"""Readers of the layouts of the published ADAF-Ocean data that no convention describes.

Facts from the published configuration: fields lie on whole degrees, latitude from -90 up, longitude from 0; backgrounds
are forecasts named by their first day, five channels in the order T, S, U, V, SSH; in-situ data are daily CSV tables.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from intake.readers.readers import BaseReader

from adaf_xr.catalog import cutting, files, joining
from adaf_xr.catalog.readers import DailyReader
from adaf_xr.catalog.times import Span, period
from adaf_xr.cf.canonical import VARIABLES

CHANNELS = {"T": "thetao", "S": "so", "U": "uo", "V": "vo", "SSH": "zos"}
"""Names in the published files, in the order of channels, and canonical names."""

DEPTH = (0, 2, 5, 7, 11, 15, 21, 29, 40, 55, 77, 92, 109, 130, 155, 186, 222, 266, 318, 380, 453, 541, 643)
"""Levels [m] of the reanalysis files."""

COLUMNS = {
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lon"),
    "depth": ("depth",),
    "TEMP": ("temp_qc", "temp", "temperature"),
    "PSAL": ("sal_qc", "sal", "salinity"),
}
"""Columns of the in-situ tables, and the names they go by; the first present one is taken."""

UNITS = {
    "latitude": "degrees_north",
    "longitude": "degrees_east",
    "depth": "m",
    "TEMP": "degree_Celsius",
    "PSAL": "psu",
}
STANDARD_NAMES = {
    "latitude": "latitude",
    "longitude": "longitude",
    "depth": "depth",
    "TEMP": "sea_water_temperature",
    "PSAL": "sea_water_practical_salinity",
}


class FieldsReader(DailyReader):
    """Gridded observations: netCDF files of one day, with the keywords of `DailyReader`."""

    threads = True


class ForecastReader(BaseReader):
    """Backgrounds: ``url`` with the first day of a forecast, ``lead_days`` the days, and the index, of the field."""

    output_instance = "xarray:Dataset"

    def _read(self, url: str, span: Any = None, lead_days: int = 2, **how: Any) -> xr.Dataset:
        how.pop("output_instance", None)
        valid, ahead = period(span), np.timedelta64(lead_days, "D")
        issued = None if valid is None else Span(valid.start - ahead, valid.stop - ahead)
        urls = files.daily_files(url, issued, how.get("storage_options"))
        return cutting.cut(joining.open_files(urls, lambda each: _forecast(each, lead_days, how), "time"), valid)


def _forecast(url: str, lead: int, how: dict[str, Any]) -> xr.Dataset:
    """One lead of one forecast, channels as variables, at the time it is valid for."""
    array = files.open_file(url, **{"engine": files.engine_of(url), **how})["seq_pred"]
    if lead >= array.shape[0]:
        raise ValueError(f"{url} has leads 0 to {array.shape[0] - 1}, not {lead}")
    step = array.isel({array.dims[0]: lead})
    channel, rows, columns = step.dims
    fields = {
        name: step.isel({channel: number}, drop=True)
        .reset_coords(drop=True)
        .rename({rows: "latitude", columns: "longitude"})
        for number, name in enumerate(CHANNELS.values())
    }
    first = files.date_of(url)
    return _on_whole_degrees(xr.Dataset(fields)).expand_dims(time=[first + pd.Timedelta(lead, "D")])


class ReanalysisReader(DailyReader):
    """Targets: HDF5 files of one day with T, S, U, V, SSH on whole degrees and 23 levels."""

    engine = "h5netcdf"

    def _open(self, url: str, **how: Any) -> xr.Dataset:
        ds = super()._open(url, phony_dims="sort", **how)
        named = {name: da for name, da in ds.items() if name in CHANNELS}
        if not named:
            raise ValueError(f"{url} has none of {', '.join(CHANNELS)}; it has {', '.join(map(str, ds.data_vars))}")
        fields = {CHANNELS[str(name)]: _with_named_axes(da) for name, da in named.items()}
        day = files.date_of(url)
        return _on_whole_degrees(xr.Dataset(fields)).expand_dims(time=[day])


def _with_named_axes(da: xr.DataArray) -> xr.DataArray:
    """([depth,] latitude, longitude): HDF5 has no names for dimensions."""
    names = ("depth", "latitude", "longitude")[-da.ndim :]
    renamed = da.rename(dict(zip(da.dims, names, strict=True)))
    return renamed.assign_coords(depth=("depth", np.array(DEPTH, "f8")[: da.shape[0]])) if "depth" in names else renamed


def _on_whole_degrees(ds: xr.Dataset) -> xr.Dataset:
    """Coordinates by row and column number, and canonical attributes."""
    for name, da in ds.items():
        variable = VARIABLES[str(name)]
        da.attrs = {"standard_name": variable.standard_name, "units": variable.units, "long_name": variable.long_name}
    axes = {
        "latitude": ("latitude", -90.0 + np.arange(ds.sizes["latitude"]), {"units": "degrees_north"}),
        "longitude": ("longitude", 0.0 + np.arange(ds.sizes["longitude"]), {"units": "degrees_east"}),
    }
    return ds.assign_coords(axes)


class TableReader(DailyReader):
    """In-situ observations: CSV tables of one day, in memory (text cannot be read lazily)."""

    def _open(self, url: str, **how: Any) -> xr.Dataset:
        with files.naming_the_file(url):
            table = pd.read_csv(url, storage_options=how.get("storage_options"))
        found = {
            name: next((c for c in candidates if c in table.columns), None) for name, candidates in COLUMNS.items()
        }
        if missing := [name for name, column in found.items() if column is None]:
            raise ValueError(f"{url} has no column for {', '.join(missing)}; it has {', '.join(table.columns)}")
        ds = xr.Dataset(
            {
                name: (
                    "obs",
                    table[column].to_numpy("f8"),
                    {"standard_name": STANDARD_NAMES[name], "units": UNITS[name]},
                )
                for name, column in found.items()
            }
        )
        noon = (files.date_of(url) + pd.Timedelta(12, "h")).to_datetime64()
        ds = ds.assign(time=("obs", np.full(len(table), noon, "datetime64[ns]"), {"standard_name": "time"}))
        return ds.set_coords(["latitude", "longitude", "depth", "time"])
