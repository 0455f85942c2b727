"""Make the shipped mean state again from real fields: ``python -m adaf_xr.osse.mean_state_recipe FOLDER``.

The folder holds the products under ``sst/``, ``reanalysis/`` and ``ssh/``:

- temperature: NOAA NCEI OISST v2.0 (AVHRR_OI, public domain; Reynolds et al. 2007), the mean of an early January and an
  early November;
- salinity: the surface of World Ocean Atlas 2018 (NOAA NCEI, public domain; Zweng et al. 2018), mean of its months,
  brought to the nearest value over which a column is stable (:func:`adaf_xr.osse.columns.saltiest`);
- dynamic topography and amplitude of eddies: DUACS absolute dynamic topography of 2019-02-23, its smooth part and the
  local standard deviation of the rest (generated using E.U. Copernicus Marine Service Information).

All are smoothed on the sphere, continued over land, and kept at one degree in steps of 16 bits.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from adaf_xr.grids import regrid
from adaf_xr.ocean_mask import sea
from adaf_xr.osse import columns
from adaf_xr.osse.globe import filled, smooth
from adaf_xr.osse.mean_state import FILE, STEPS

FINE = np.arange(-89.875, 90.0, 0.25), np.arange(-179.875, 180.0, 0.25)
"""Latitudes and longitudes [degrees] on which fields are smoothed."""

SMOOTHING = 1.2
"""Standard deviation [degrees] of the Gaussian that parts mean from eddies: waves of 6.4 degrees are halved."""

WINDOW = 2.5
"""Standard deviation [degrees] of the Gaussian within which the variance of eddies is taken."""

CALMEST, WILDEST = 0.01, 0.30
"""Bounds of the amplitude of eddies [m]: beside coasts one day says too little or too much."""

WILDEST_IN_ICE = 0.02, 0.03
"""Its upper bound in water at -1.8 degC [m], and how fast that rises with temperature [m K-1]: altimeters that look
between floes measure the floes too."""


def fields(folder: Path) -> dict[str, NDArray]:
    """Mean temperature, salinity and sea surface height, and the amplitude of eddies, at one degree.

    Parameters
    ----------
    folder : Path
        Holds the products.

    Returns
    -------
    dict of array (180, 360)
        `thetao` [degC], `so` [1e-3], `zos` [m], `eddies` [m]; from the south, from 180 degrees west; nothing missing.

    Raises
    ------
    FileNotFoundError
        Where a product has no file there.
    """
    wet = sea(*FINE)
    sst = _product(folder, "sst/*-NCEI-L4_GHRSST-SSTblend-AVHRR_OI-GLOB-*.nc", "analysed_sst")
    january = [int(field.time.dt.month[0]) == 1 for field in sst]
    weights = [1.0 / january.count(one) for one in january]
    kelvin = sum(w * _on_fine(field[0]) for w, field in zip(weights, sst, strict=True)) / sum(weights)
    salinity = _product(folder, "reanalysis/WOA_2018_quarterDeg_coarsened.nc", "s_an")[0]
    adt = _on_fine(_product(folder, "ssh/nrt_global_allsat_phy_l4_20190223_*.nc", "adt")[0][0])
    height = smooth(adt, SMOOTHING)
    eddies = np.sqrt(smooth((adt - height) ** 2, WINDOW))
    thetao = _coarse(filled(smooth(np.where(wet, kelvin - 273.15, np.nan), SMOOTHING)))
    so = _coarse(filled(smooth(_on_fine(salinity.isel(depth=0).mean("time")), SMOOTHING)))
    wildest = np.minimum(WILDEST, WILDEST_IN_ICE[0] + WILDEST_IN_ICE[1] * (thetao + 1.8))
    return {
        "thetao": thetao,
        "so": stable(so, thetao),
        "zos": _coarse(filled(height)),
        "eddies": np.clip(_coarse(filled(eddies)), CALMEST, np.maximum(wildest, CALMEST)),
    }


def stable(salinity: NDArray, temperature: NDArray) -> NDArray:
    """The nearest salinity over which a column of that surface temperature stands.

    Examples
    --------
    >>> stable(np.array([34.0, 36.6, 37.2, 38.9]), np.full(4, 15.0)).round(2).tolist()
    [34.0, 36.25, 37.79, 38.9]
    """
    allowed = columns.saltiest(temperature)
    # In a basin the contrast with its own deep water falls with salinity: the first step on which it is small enough.
    ladder = np.linspace(columns.OPEN_OCEAN, 45.0, 771)
    falling = _contrast(ladder)[::-1]
    step = ladder.size - np.searchsorted(falling, allowed - columns.DEEP_SALINITY, side="right")
    basin = np.append(ladder, np.inf)[step]
    nearest = np.where(basin - salinity < salinity - allowed, basin, allowed)
    return np.where(_contrast(salinity) > allowed - columns.DEEP_SALINITY, nearest, salinity)


def _contrast(salinity: NDArray) -> NDArray:
    """How much salter the surface is than the deep water below it."""
    return salinity - columns.deep_salinity(salinity)


def write(folder: Path, file: Path = FILE) -> None:
    """Make the mean state from the products in `folder` and write it to `file`, in whole numbers of :data:`STEPS`."""
    steps = {name: np.round(field / STEPS[name]).astype("i2") for name, field in fields(folder).items()}
    # The change from column to column packs into half the size of the columns.
    changes = {name: np.diff(field, axis=1, prepend=np.int16(0)) for name, field in steps.items()}
    np.savez_compressed(file, allow_pickle=False, **changes)


def _product(folder: Path, pattern: str, variable: str) -> list[xr.DataArray]:
    """One variable of all files of a pattern, in memory."""
    files = sorted(folder.glob(pattern))
    if not files:
        raise FileNotFoundError(
            f"no file matches {pattern!r} in {folder}: name the folder that holds sst/, reanalysis/ and ssh/"
        )
    found = []
    for file in files:
        with xr.open_dataset(file, decode_times="WOA" not in file.name) as ds:
            found.append(
                ds[variable].rename({"lat": "latitude", "lon": "longitude"} if "lat" in ds.dims else {}).load()
            )
    return found


def _on_fine(field: xr.DataArray) -> NDArray:
    """Values on :data:`FINE` of a global field in any longitude convention."""
    ordered = field.assign_coords(longitude=(field.longitude + 180.0) % 360.0 - 180.0).sortby("longitude")
    values = ordered.transpose("latitude", "longitude").values.astype("f8")
    return regrid(values, ordered.latitude.values, ordered.longitude.values, *FINE)


def _coarse(field: NDArray) -> NDArray:
    """Means of 4 x 4 cells."""
    return field.reshape(180, 4, 360, 4).mean(axis=(1, 3))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m adaf_xr.osse.mean_state_recipe FOLDER, which holds sst/, reanalysis/ and ssh/")
    write(Path(sys.argv[1]))
