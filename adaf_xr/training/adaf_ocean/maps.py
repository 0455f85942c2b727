"""Real sea level among the samples: a global map, and what it may have been some weeks before."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from adaf_xr import checkpoint, grids
from adaf_xr.cf.errors import CFError
from adaf_xr.fields import canonical
from adaf_xr.models.adaf_ocean.backdrop import Backdrop
from adaf_xr.models.adaf_ocean.channels import STATE
from adaf_xr.models.adaf_ocean.frame import COLUMNS, REFINEMENT, ROWS, Frame
from adaf_xr.models.base import Background
from adaf_xr.training.adaf_ocean import surrogates
from adaf_xr.training.adaf_ocean.options import Data
from adaf_xr.training.material import MaterialError

MAPS = "maps"
"""The split of maps: surrogates, ever younger, and the real one last."""

OLDEST = 8.0
"""Weeks."""

GLOBE = Frame(0, 0, 184, COLUMNS)
"""Whole blocks, so that there are rows beyond the North Pole, which are empty."""


def fingerprint(data: Data) -> Any:
    """What decides which maps there are."""
    return [checkpoint.digest(data.sea_level), data.surrogates, surrogates.VERSION] if data.sea_level else None


def days(data: Data) -> dict[str, NDArray[np.datetime64]]:
    """The dates of the maps, from the oldest on; none where there is no real one.

    Raises
    ------
    MaterialError
        Where the file holds no global map of absolute sea level, or more than one.
    """
    if not data.sea_level:
        return {}
    date = _opened(data.sea_level).time.values.astype("M8[ns]")
    return {MAPS: date - (_weeks(data) * 7 * 86400).astype("m8[s]")}


def _weeks(data: Data) -> NDArray[np.float64]:
    """Ages from old to new; the last is the map itself."""
    return np.linspace(OLDEST, 0.0, data.surrogates + 1)


def made(data: Data, index: int) -> dict[str, NDArray[np.float32]]:
    """One map [m] on fine and coarse cells of the globe, and what is steady of it; NaN on land."""
    assert data.sea_level is not None
    weeks, (real, parts) = _weeks(data)[index], _map(data.sea_level)
    random = np.random.default_rng([index, data.surrogates])
    fine = surrogates.background(parts, weeks, random) if weeks else real
    steady = np.where(np.isfinite(fine), parts.steady, np.float32(np.nan))
    return _laid(fine) | {f"steady_{name}": field for name, field in _laid(steady).items()}


def _laid(fine: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """A map on both lattices."""
    axes = GLOBE.fine_latitude[: len(fine)], GLOBE.fine_longitude
    laid = Backdrop.of(Background(*axes, np.empty(0), {"zos": fine}), 0, GLOBE)
    place = STATE.index("zos")
    return {"fine": laid.fine[place].numpy(), "coarse": laid.coarse[place].numpy()}


@lru_cache(maxsize=1)
def _map(path: str) -> tuple[NDArray[np.float32], surrogates.Parts]:
    """Sea level of a file at the fine cells of the globe, (720, 1440), and the parts that older maps are made of."""
    now = _opened(path)
    held = Background(now.latitude.values, now.longitude.values, np.empty(0), {"zos": now.values})
    fine = Backdrop.of(held, 0, GLOBE).fine[STATE.index("zos"), : ROWS * REFINEMENT].numpy()
    if not np.isfinite(fine).any():
        raise MaterialError(f"{path} holds no value of sea level on cells of half a degree or less: give a finer map")
    return fine, surrogates.split(fine)


def _opened(path: str) -> xr.DataArray:
    """The one global map of absolute sea level that a file holds."""
    if not Path(path).is_file():
        raise MaterialError(f"data.sea_level = {path}: there is no such file; set it to a map of sea level, or to null")
    with xr.open_dataset(path) as ds:
        try:
            found = canonical(ds, "zos").zos.load()
        except CFError as error:
            raise MaterialError(
                f"{path} holds no absolute sea level ({error}): give a map of adt, such as DUACS level 4"
            ) from None
    if found.sizes.get("time", 1) != 1 or "time" not in found.coords:
        raise MaterialError(f"{path} holds {found.sizes.get('time', 0)} times of sea level: give a file with one map")
    if not grids.is_periodic(found.longitude.values):
        raise MaterialError(f"{path} does not go around the globe: give a global map")
    return found.isel(time=0) if "time" in found.dims else found
