"""Images of the radiometer as Pathfinder level 3C files have them, made strip by strip: one is 37 million pixels."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from adaf_xr.instants import DAY
from adaf_xr.osse.observing import SYSTEMS, Domain, Ocean
from adaf_xr.osse.observing.domain import EPOCH, instants
from adaf_xr.osse.observing.layout import LATITUDE, LONGITUDE, TIME, Arrays
from adaf_xr.osse.observing.passes import Grid
from adaf_xr.osse.observing.radiometer import Radiometer

NAMES = (("night", "013000"), ("day", "133000"))
"""The images of a day: the satellite goes north at half past nine in the evening and south in the morning."""

PIXELS = 1_000_000
"""Pixels that are made at once."""

FILL = -32768

PACKING = {
    "sea_surface_temperature": (0.01, 273.15, "i2"),
    "sst_dtime": (4.0, 0.0, "i2"),
    "sses_bias": (0.01, 0.0, "i2"),
    "quality_level": (1, 0, "i1"),
}
"""Step, offset and type of the stored integers."""

ATTRS: dict[str, dict[str, object]] = {
    "sea_surface_temperature": {
        "standard_name": "sea_surface_skin_temperature",
        "long_name": "NOAA-like skin SST, simulated",
        "units": "kelvin",
    },
    "sst_dtime": {"long_name": "time difference from reference time", "units": "second"},
    "sses_bias": {"long_name": "SSES bias estimate", "units": "kelvin"},
    "quality_level": {"long_name": "SST measurement quality", "flag_values": np.arange(6, dtype="i1")},
}


def image(ocean: Ocean, date: np.datetime64, number: int, seed: int, spacing: float) -> xr.Dataset:
    """One image of a day, its integers packed as its file has them.

    Parameters
    ----------
    ocean : Ocean
        What is looked at.
    date : datetime64
        The day.
    number : int
        0 of the night, 1 of the day.
    seed : int
        Decides errors and clouds.
    spacing : float
        Degrees between pixels; 1/24 is that of the product.

    Returns
    -------
    Dataset
        On (time, lat, lon), rows from north to south; a file of it is read with its scales and offsets.
    """
    radiometer, domain = SYSTEMS["sst"].but(posting=spacing), Domain(ocean)
    assert isinstance(radiometer, Radiometer)
    latitude, longitude = domain.axes(spacing)
    day = int((date.astype("M8[ns]") - EPOCH) // DAY)
    stored = {name: np.empty((1, latitude.size, longitude.size), kind) for name, (_, _, kind) in PACKING.items()}
    rows = max(1, PIXELS // longitude.size)
    for start in range(0, latitude.size, rows):
        strip = slice(start, min(start + rows, latitude.size))
        seen = radiometer.image(day, number, seed, domain, Grid(latitude[strip], longitude, spacing), noise=True)
        for name, values in _packed(seen).items():
            stored[name][0, strip] = values
    variables = {
        name: (("time", "lat", "lon"), values[:, ::-1], {**ATTRS[name], **_scales(name)})
        for name, values in stored.items()
    }
    axes = {
        "time": ("time", instants(day, np.array([radiometer.reference[number]])), TIME),
        "lat": ("lat", latitude[::-1], LATITUDE),
        "lon": ("lon", longitude, LONGITUDE),
    }
    attrs = {"processing_level": "L3C", "comment": "a simulation; it describes no real ocean"}
    return xr.Dataset(variables, axes, attrs)


def _packed(seen: Arrays) -> dict[str, NDArray]:
    """Integers of one strip; pixels that nothing is known of are filled."""
    found = {}
    for name, (step, offset, kind) in PACKING.items():
        steps = np.round((np.asarray(seen[name], "f8") - offset) / step)
        found[name] = np.where(np.isfinite(steps), steps, FILL).astype(kind)
    return found


def _scales(name: str) -> dict[str, object]:
    """How the integers of a variable are to be read; flags are integers."""
    step, offset, kind = PACKING[name]
    return {} if kind == "i1" else {"scale_factor": step, "add_offset": offset, "_FillValue": np.int16(FILL)}
