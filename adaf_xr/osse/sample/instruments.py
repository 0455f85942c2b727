"""The instruments of the embedded sample: where each one looks on a day, and what it reads there.

Positions and times are cheap and known in advance (`geometry`); readings are the truth plus the stated errors
(`measure`). Both are pure functions of the day and the seed.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from adaf_xr import ocean_mask
from adaf_xr.grids import regrid, sample
from adaf_xr.osse.sample import ocean
from adaf_xr.osse.orbits import Orbit

Arrays = dict[str, NDArray]

SSH_ERROR = 0.03  # m
SST_ERROR = 0.3  # K
SSS_ERROR = 0.5  # 1e-3
ICE_ERROR = 0.05  # 1
WIND_ERROR = 1.0  # m s-1, each component

WVC_FLAGS = {"some_portion_of_wvc_is_over_land": 32768, "knmi_quality_control_fails": 131072}

ALTIMETERS = (Orbit(66.04, 112.43, 20.0), Orbit(98.65, 100.99, 75.0))
SCATTEROMETER = Orbit(98.7, 101.36, 40.0)
CELLS_ACROSS = np.concatenate([np.arange(-21, 0), np.arange(1, 22)]) * 25.0 + np.repeat([-335.0, 335.0], 21)  # km
SST_LATITUDE, SST_LONGITUDE = np.arange(10.1, 60.0, 0.2), np.arange(-79.9, 0.0, 0.2)
SST_PASSES = np.array([1.5, 13.5]) / 24.0
CLOUDY = 0.25  # of the deviation of the cloud field: above it a pixel is cloudy, two pixels in five are
SSS_PASS = 6.0 / 24.0


def _rng(day: int, seed: int, stream: int) -> np.random.Generator:
    return np.random.default_rng([seed, stream, day])


def _in_region(latitude: NDArray, longitude: NDArray) -> NDArray[np.bool_]:
    """Within the outer edges of the sample's grid."""
    half = ocean.SPACING / 2
    north_south = (latitude > ocean.LATITUDE[0] - half) & (latitude < ocean.LATITUDE[-1] + half)
    return north_south & (longitude > ocean.LONGITUDE[0] - half) & (longitude < ocean.LONGITUDE[-1] + half)


@lru_cache(maxsize=16)
def altimeter_geometry(day: int, seed: int) -> Arrays:
    """One reading a second below each satellite, over the sea of the region, in order of time."""
    seconds = day + np.arange(86400) / 86400.0
    parts = []
    for number, orbit in enumerate(ALTIMETERS):
        latitude, longitude = orbit.track(seconds)
        keep = _in_region(latitude, longitude)
        keep[keep] = ocean_mask.sea_at(latitude[keep], longitude[keep])
        rows = np.count_nonzero(keep)
        parts.append(np.stack([seconds[keep], latitude[keep], longitude[keep], np.full(rows, number)]))
    days, latitude, longitude, satellite = np.concatenate(parts, axis=1)
    order = np.argsort(days, kind="stable")
    return {"days": days[order], "latitude": latitude[order], "longitude": longitude[order], "track": satellite[order]}


def altimeter(day: int, seed: int) -> Arrays:
    """Sea level anomaly about a mean topography, with white noise of SSH_ERROR."""
    where = altimeter_geometry(day, seed)
    at = (where["latitude"], where["longitude"])
    mean = sample(ocean.mean_topography(), ocean.LATITUDE, ocean.LONGITUDE, *at)
    total = ocean.at("zos", *at, where["days"], day, seed)
    noise = SSH_ERROR * _rng(day, seed, 1).standard_normal(total.size)
    return {"sla_unfiltered": total - mean + noise, "mdt": mean}


def radiometer_geometry(day: int, seed: int) -> Arrays:
    """A night and a day pass over a fixed grid; each longitude is seen at the same local time."""
    return {"days": day + SST_PASSES}


def radiometer(day: int, seed: int) -> Arrays:
    """Surface temperature in kelvin under broken cloud, cold at its margins, with a known bias per pixel."""
    return _stack([_radiometer_pass(day, number, seed) for number in range(SST_PASSES.size)])


def _radiometer_pass(day: int, number: int, seed: int) -> Arrays:
    rng = _rng(day, seed, 2 + number)
    latitude, longitude = np.meshgrid(SST_LATITUDE, SST_LONGITUDE, indexing="ij")
    # The Earth turns 15 degrees an hour: the west of the region meets the same local time later.
    dtime = np.round(-longitude / 15.0 * 3600.0)
    days = day + SST_PASSES[number] + dtime.ravel() / 86400.0
    true = ocean.at("thetao", latitude.ravel(), longitude.ravel(), days, day, seed)[0].reshape(latitude.shape)
    cloud = _on_sst_grid(ocean.noise_field(seed + 3000 + 2 * day + number, 1500e3))
    bias = 0.2 * _on_sst_grid(ocean.noise_field(seed + 4000, 3000e3))
    margin = (cloud > CLOUDY - 0.15) & (cloud <= CLOUDY)
    sst = true + 273.15 + bias + SST_ERROR * rng.standard_normal(true.shape) - 1.5 * margin
    seen = np.isfinite(true) & ocean_mask.sea_at(latitude, longitude) & (cloud <= CLOUDY)
    return {
        "sea_surface_temperature": np.where(seen, sst, np.nan),
        "sst_dtime": dtime,
        "sses_bias": np.where(seen, bias, np.nan),
        "sses_standard_deviation": np.where(seen, SST_ERROR, np.nan),
        "quality_level": np.select([~seen, margin], [0, 2], 5),
    }


def _on_sst_grid(field: NDArray) -> NDArray[np.float64]:
    return regrid(field, ocean.LATITUDE, ocean.LONGITUDE, SST_LATITUDE, SST_LONGITUDE)


def salinity_geometry(day: int, seed: int) -> Arrays:
    """One morning field on the ocean's grid."""
    return {"days": np.array([day + SSS_PASS])}


def salinity(day: int, seed: int) -> Arrays:
    """Surface salinity in swaths that move on from day to day."""
    true = _midway("so", day, SSS_PASS, seed)[0]
    stripe = (ocean.LONGITUDE[None, :] + 0.3 * ocean.LATITUDE[:, None] + 17.0 * day) % 25.0
    noise = SSS_ERROR * _rng(day, seed, 5).standard_normal(true.shape)
    error = np.where(np.isfinite(true) & (stripe < 11.0), SSS_ERROR, np.nan)
    return _stack([{"Sea_Surface_Salinity": true + noise + 0.0 * error, "Sea_Surface_Salinity_Error": error}])


def ice_geometry(day: int, seed: int) -> Arrays:
    """One field at noon on the ocean's grid."""
    return {"days": np.array([day + 0.5])}


def ice(day: int, seed: int) -> Arrays:
    """Ice concentration in percent; open water reads zero exactly, as after a weather filter."""
    true = _midway("siconc", day, 0.5, seed)
    noise = ICE_ERROR * _rng(day, seed, 6).standard_normal(true.shape)
    seen = np.where(true > 0.0, np.clip(true + noise, 0.0, 1.0), true)
    error = np.where(np.isfinite(true), ICE_ERROR, np.nan)
    return _stack([{"ice_conc": 100.0 * seen, "total_standard_uncertainty": 100.0 * error}])


def _midway(name: str, day: int, part: float, seed: int) -> NDArray[np.float64]:
    """A whole field at a part of a day."""
    return (1.0 - part) * ocean.truth(day, seed)[name] + part * ocean.truth(day + 1, seed)[name]


@lru_cache(maxsize=16)
def scatterometer_geometry(day: int, seed: int) -> Arrays:
    """Rows of wind cells across the track, wherever a cell of the row lies in the region."""
    seconds = day + np.arange(0.0, 86400.0, 3.75) / 86400.0
    latitude, longitude = SCATTEROMETER.track(seconds)
    near = (latitude > 5.0) & (latitude < 65.0) & (longitude > -95.0) & (longitude < 15.0)
    latitude, longitude = SCATTEROMETER.swath(seconds[near], CELLS_ACROSS)
    inside = _in_region(latitude, longitude)
    rows = inside.any(axis=1)
    days = np.repeat(seconds[near][rows, None], CELLS_ACROSS.size, axis=1)
    return {"days": days, "lat": latitude[rows], "lon": longitude[rows] % 360.0}


def scatterometer(day: int, seed: int) -> Arrays:
    """Wind speed and the direction it blows to; three cells in a hundred fail their quality control."""
    where = scatterometer_geometry(day, seed)
    latitude, longitude = where["lat"], (where["lon"] + 180.0) % 360.0 - 180.0
    rng = _rng(day, seed, 7)
    uas, vas = (
        component + WIND_ERROR * rng.standard_normal(component.shape) for component in wind(latitude, longitude, seed)
    )
    failed = rng.random(uas.shape) < 0.03
    seen = _in_region(latitude, longitude) & ocean_mask.sea_at(latitude, longitude)
    return {
        "wind_speed": np.where(seen, np.hypot(uas, vas) + 15.0 * failed, np.nan),
        "wind_dir": np.where(seen, np.degrees(np.arctan2(uas, vas)) % 360.0, np.nan),
        "wvc_quality_flag": np.where(failed, WVC_FLAGS["knmi_quality_control_fails"], 0),
    }


def wind(latitude: NDArray, longitude: NDArray, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Eastward and northward wind [m s-1]: trades, westerlies and weather that stands still."""
    zonal = -6.0 * np.cos(np.radians(6.0 * (latitude - 15.0)))
    gusts = (
        sample(
            ocean.noise_field(seed + number, 2500e3),
            ocean.LATITUDE,
            ocean.LONGITUDE,
            latitude.ravel(),
            longitude.ravel(),
        )
        for number in (5000, 6000)
    )
    east, north = (5.0 * gust.reshape(latitude.shape) for gust in gusts)
    return zonal + east, north


def _stack(passes: list[Arrays]) -> Arrays:
    """Join passes along a new first dimension, time."""
    return {name: np.stack([each[name] for each in passes]) for name in passes[0]}
