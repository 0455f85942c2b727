"""The floats of the embedded sample: profiles as the Argo data system hands them out."""

from __future__ import annotations

from functools import lru_cache

import gsw
import numpy as np
from numpy.typing import NDArray

from adaf_xr import ocean_mask
from adaf_xr.osse.sample import ocean

Arrays = dict[str, NDArray]

PROFILES_A_DAY = 40
PRESSURE = np.array([5.0, 10, 20, 30, 50, 75, 100, 150, 200, 300, 400, 500])  # dbar
ERROR = {"thetao": 0.01, "so": 0.01}  # degC, 1e-3
ARGO_ERRORS = {"PRES": 2.4, "TEMP": ERROR["thetao"], "PSAL": ERROR["so"]}


@lru_cache(maxsize=16)
def geometry(day: int, seed: int) -> Arrays:
    """Floats that surface once in the sample, anywhere at sea, in order of time."""
    rng = np.random.default_rng([seed, 8, day])
    at_sea = ocean_mask.sea(ocean.LATITUDE, ocean.LONGITUDE)
    area = (at_sea * np.cos(np.radians(ocean.LATITUDE))[:, None]).ravel()
    cell = rng.choice(area.size, PROFILES_A_DAY, replace=False, p=area / area.sum())
    row, column = np.unravel_index(cell, at_sea.shape)
    offset = (rng.random((2, PROFILES_A_DAY)) - 0.5) * ocean.SPACING
    return {
        "days": np.sort(day + rng.random(PROFILES_A_DAY)),
        "LATITUDE": ocean.LATITUDE[row] + offset[0],
        "LONGITUDE": ocean.LONGITUDE[column] + offset[1],
        "PLATFORM_NUMBER": (9_000_000 + 1000 * day + np.arange(PROFILES_A_DAY)).astype("S8"),
    }


def measure(day: int, seed: int) -> Arrays:
    """Argo profiles: every other float in delayed mode, its salinity drift corrected."""
    where = geometry(day, seed)
    latitude, longitude = where["LATITUDE"], where["LONGITUDE"]
    rng = np.random.default_rng([seed, 9, day])
    pressure = np.broadcast_to(PRESSURE, (latitude.size, PRESSURE.size))
    depth = -gsw.z_from_p(pressure.T, latitude)
    potential, salt = (
        _profile(name, where, depth, day, seed) + ERROR[name] * rng.standard_normal(pressure.shape)
        for name in ("thetao", "so")
    )
    absolute = gsw.SA_from_SP(salt, pressure, longitude[:, None], latitude[:, None])
    temperature = gsw.t_from_CT(absolute, gsw.CT_from_pt(absolute, potential), pressure)
    return _argo_columns({"PRES": pressure, "TEMP": temperature, "PSAL": salt}, rng)


def _profile(name: str, where: Arrays, depth: NDArray, day: int, seed: int) -> NDArray[np.float64]:
    """Truth at float positions, (n_profiles, n_levels)."""
    levels = ocean.at(name, where["LATITUDE"], where["LONGITUDE"], where["days"], day, seed)
    return ocean.at_depth(levels, depth).T


def _argo_columns(good: Arrays, rng: np.random.Generator) -> Arrays:
    """Raw and adjusted parameters with their flags; one level in fifty of the raw temperatures is a flagged spike."""
    delayed = np.arange(good["TEMP"].shape[0])[:, None] % 2 == 1
    spike = rng.random(good["TEMP"].shape) < 0.02
    raw = {"PRES": good["PRES"], "TEMP": good["TEMP"] + 8.0 * spike, "PSAL": good["PSAL"] + 0.3 * delayed}
    bad = {"PRES": np.zeros_like(spike), "TEMP": spike, "PSAL": np.zeros_like(spike)}
    fine = np.full(delayed.shape[0], b"1")
    columns: Arrays = {"DATA_MODE": np.where(delayed[:, 0], b"D", b"R"), "JULD_QC": fine, "POSITION_QC": fine}
    for name, value in good.items():
        missing = np.isnan(value)
        kept = delayed & ~bad[name] & ~missing
        columns[name] = raw[name]
        columns[f"{name}_QC"] = np.select([missing, bad[name]], [b"9", b"4"], b"1")
        columns[f"{name}_ADJUSTED"] = np.where(kept, value, np.nan)
        columns[f"{name}_ADJUSTED_QC"] = np.select([~delayed & ~missing, kept, missing], [b" ", b"1", b"9"], b"4")
        columns[f"{name}_ADJUSTED_ERROR"] = np.where(kept, ARGO_ERRORS[name], np.nan)
    return columns
