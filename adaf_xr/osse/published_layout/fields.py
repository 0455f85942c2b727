"""Truth, first guess and mask of the layout."""

from __future__ import annotations

from pathlib import Path

import h5py  # type: ignore[import-untyped]
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from adaf_xr.instants import DAY
from adaf_xr.osse.background import SmoothNoise
from adaf_xr.osse.published_layout.files import pieces, write_netcdf
from adaf_xr.osse.published_layout.lattice import LATITUDE, LONGITUDE
from adaf_xr.osse.published_layout.world import World
from adaf_xr.osse.storage import QUANTUM

LEVELS = (
    *(0.0, 2.0, 5.0, 7.0, 11.0, 15.0, 21.0, 29.0, 40.0, 55.0, 77.0, 92.0, 109.0, 130.0, 155.0, 186.0, 222.0, 266.0),
    *(318.0, 380.0, 453.0, 541.0, 643.0),
)
"""Depths of the truth [m]."""

CHANNELS = {"T": "thetao", "S": "so", "U": "uo", "V": "vo", "SSH": "zos"}
"""Names in the files, in the order of the channels of a first guess."""

AGES = (2, 4, 6, 8)
"""By how many days each lead of a forecast lags behind the sea: eddies where they were, further off with every day."""

ERRORS = {"thetao": 0.5, "so": 0.1}
"""Standard deviations of what a forecast has wrong of the fluxes, beside that [degC, 1e-3]."""

FREEZING = -1.8
"""Potential temperature below which a forecast does not go, whatever its errors [degC]."""

REACH, MEMORY = 500.0, 5.0
"""Over which such errors are alike [km, days]."""

LEAD = 2
"""The lead, in days, that analyses start from."""


def forecast(world: World, issued: np.datetime64) -> NDArray[np.float32]:
    """Surface fields (lead, variable, latitude, longitude) of a forecast; lead 0 is valid on its date."""
    axes = tuple(LATITUDE.tolist()), tuple(LONGITUDE.tolist())
    leads = []
    for lead, age in enumerate(AGES):
        valid = issued + lead * DAY
        known = world.fields(valid - age * DAY, LEVELS[:1])
        for number, (name, deviation) in enumerate(ERRORS.items()):
            noise = SmoothNoise(*axes, REACH, MEMORY, world.seed, number)
            known[name] = known[name] + deviation * noise.on(np.array([valid.astype("M8[D]").astype("f8")]))[0]
        known["thetao"] = np.maximum(known["thetao"], FREEZING)
        leads.append(np.stack([known[name].reshape(LATITUDE.size, LONGITUDE.size) for name in CHANNELS.values()]))
    return np.stack(leads)


def write_forecast(world: World, issued: np.datetime64, path: Path) -> None:
    """``forecast_bg/YYYYMMDD.nc``, named by its first day."""
    dims = ("lead", "variable", "lat", "lon")
    channels = forecast(world, issued)
    for number, name in enumerate(CHANNELS.values()):
        channels[:, number] = _rounded(channels[:, number], name)
    ds = xr.Dataset({"seq_pred": (dims, channels)}, attrs={"comment": "a simulation; it describes no real ocean"})
    write_netcdf(ds, path)


def write_truth(world: World, day: np.datetime64, path: Path) -> None:
    """``glorys/YYYY/YYYYMMDD.h5``: bare arrays, whose axes are known and not written."""
    fields = world.fields(day, LEVELS)
    with h5py.File(path, "w") as file:
        for channel, name in CHANNELS.items():
            values = _rounded(fields[name], name)
            packed = {"compression": "gzip", "compression_opts": 1, "shuffle": True, "chunks": pieces(values.shape)}
            file.create_dataset(channel, data=values, **packed)


def write_mask(world: World, path: Path) -> None:
    """``mask/land_sea_mask_glorys_23_181_360.nc``: the simulated sea has no floor above 643 m."""
    wet = np.broadcast_to(world.sea, (len(LEVELS), *world.sea.shape)).astype("i1")
    axes = {"depth": np.array(LEVELS), "lat": LATITUDE, "lon": LONGITUDE}
    write_netcdf(xr.Dataset({"mask": (tuple(axes), wet)}, axes), path)


def _rounded(values: NDArray, name: str) -> NDArray[np.float32]:
    """Values in steps that no instrument resolves: they compress, and noise does not."""
    step, _ = QUANTUM[name]
    return (np.round(values / step) * step).astype("f4")
