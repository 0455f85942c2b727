"""From material to shards: sums of the observations of every calendar day; truth and background of every analysis day.

A sample is an analysis day and the observations of the days around it, so these are kept apart: each is made and kept
once, and any day's background can be met with any observations.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from adaf_xr._version import __version__
from adaf_xr.instants import DAY
from adaf_xr.models.adaf_ocean.backdrop import Backdrop
from adaf_xr.models.adaf_ocean.channels import BINS, CHANNELS, DAYS, STATE, TOP
from adaf_xr.models.adaf_ocean.frame import REFINEMENT
from adaf_xr.models.adaf_ocean.sums import Sums
from adaf_xr.models.base import Background
from adaf_xr.points import Points
from adaf_xr.training.adaf_ocean import maps
from adaf_xr.training.adaf_ocean.options import Data
from adaf_xr.training.material import Material, MaterialError
from adaf_xr.training.shards import Shards
from adaf_xr.training.spreading import Counted, Progress, require_written, spread, warn_of_silence

SPLITS = ("train", "validation")
OBSERVED = "observed"
"""The split of calendar days of observations; day D has what was observed in [D, D + 1 day)."""

CELL, TERMS = "cell", "sums"

COARSEST = 0.5
"""Degrees between cells of a truth that still tells quarter degrees apart."""

USUAL_SIZE = 9_000_000
"""Bytes of a day of observations of six satellite-era systems."""


def fed() -> dict[str, Any]:
    """What decides what the network is fed: shards of other channels are of no use to it."""
    return {"task": "adaf-ocean", "channels": [[each.source, each.variable, each.fine] for each in CHANNELS]}


def fingerprint(material: Material, data: Data) -> dict[str, Any]:
    """Everything that decides what the shards hold."""
    made_of = {"maps": maps.fingerprint(data), "material": dict(material.provenance)}
    return {**fed(), "package": __version__, **made_of}


def size_of_a_day(split: str) -> int:
    """Bytes of a shard, of observations a usual one.

    Examples
    --------
    >>> [round(size_of_a_day(split) / 1e6, 1) for split in ("train", "observed", "maps")]
    [23.8, 9.0, 4.5]
    """
    if split == OBSERVED:
        return USUAL_SIZE
    coarse = maps.GLOBE.rows * maps.GLOBE.columns
    planes = REFINEMENT**2 + 1 if split == maps.MAPS else len(STATE) * (REFINEMENT**2 + 2)
    return 4 * planes * coarse


def prepare(material: Material, folder: Path, data: Data, progress: Progress | None = None) -> None:
    """Write the shards that are missing, with dask: on the current cluster, or as dask is configured.

    Parameters
    ----------
    material : Material
        Fields and observations, daily; calendar days without observations are kept as such. The truth has at most
        half a degree between its cells. The background counts at 1 degree: finer cells are averaged, others
        interpolated. Where either ends, there is nothing to learn.
    folder : Path
        Where shards go; the workers of a cluster must see it too.
    data : Data
        Whether there are maps of real sea level.
    progress : callable, optional
        Told how far it is.

    Raises
    ------
    MaterialError
        Where fields or periods are missing, analysis times are not a whole number of days apart, the truth is too
        coarse, fields have no value or no level at the surface, or the file of sea level is no map of it.
    adaf_xr.training.shards.ShardsError
        Where the folder holds something else, or the disk has no room.

    Warns
    -----
    SilentSourceWarning
        For each source that gave nothing on some days. Sea level must be absolute: anomalies are not trained on.
    """
    _require_usable(material)
    days = {split: material.times(split) for split in SPLITS}
    days[OBSERVED] = _calendar(days)
    days |= maps.days(data)
    shards = Shards.create(folder.absolute(), fingerprint(material, data), days)
    missing = [(split, index) for split in days for index in shards.missing(split)]
    shards.require_room(sum(size_of_a_day(split) for split, _ in missing) // max(len(missing), 1))
    total = sum(map(shards.count, days))
    counted = Counted(total - len(missing), total, progress)
    silent = spread(partial(_prepare_day, material, shards, data), missing, counted)
    require_written(shards)
    warn_of_silence(silent, sum(split == OBSERVED for split, _ in missing))


def _require_usable(material: Material) -> None:
    """Refuse fields from which the network cannot learn, before anything is computed."""
    material.require(STATE)
    for axis in ("latitude", "longitude"):
        step = float(np.median(np.abs(np.diff(material.truth[axis].values))))
        if step > COARSEST * 1.001:
            raise MaterialError(
                f"the truth has {step:g} degrees between cells of {axis}, and the network learns quarter degrees from "
                f"it: give a truth of {COARSEST:g} degrees or less"
            )
    for what, ds in (("truth", material.truth), ("background", material.background)):
        if "depth" in ds and (top := float(ds.depth.min())) > TOP:
            raise MaterialError(
                f"the shallowest level of the {what} lies at {top:g} m, and the network learns the surface, down to "
                f"{TOP:g} m: add a level above"
            )


def _calendar(days: Mapping[str, NDArray[np.datetime64]]) -> NDArray[np.datetime64]:
    """Days of which some analysis sees observations."""
    times = np.unique(np.concatenate(list(days.values())))
    if (odd := np.flatnonzero((times - times[0]) % DAY != np.timedelta64(0))).size:
        first, other = (np.datetime_as_string(times[k], "m") for k in (0, odd[0]))
        raise MaterialError(
            f"analysis times are not whole days apart ({first} and {other}): give daily truth and background"
        )
    return np.unique((times[:, None] + np.arange(-DAYS, DAYS) * DAY).ravel())


def _prepare_day(material: Material, shards: Shards, data: Data, which: tuple[str, int]) -> list[str]:
    """Write one day of one kind; the sources that were silent, if it is one of observations."""
    split, index = which
    time, silent = shards.time(*which), []
    try:
        if split == maps.MAPS:
            arrays = maps.made(data, index)
        elif split == OBSERVED:
            arrays = _seen(material, time)
            silent = _silent(arrays)
        else:
            arrays = _fields(material, time)
    except Exception as error:
        error.add_note(f"while preparing {np.datetime_as_string(time, 'm')} of {split!r}")
        raise
    shards.write(*which, arrays)
    return silent


def _seen(material: Material, time: np.datetime64) -> dict[str, NDArray]:
    """Sums of a calendar day, channel by channel."""
    points = Points.concatenate(material.points(time, (np.timedelta64(0, "D"), DAY)).values())
    sums = Sums.of(points, time)  # all in the bin of time in the middle
    arrays: dict[str, NDArray] = {}
    for place in range(len(CHANNELS)):
        cell, terms = sums.of_channel(place, BINS // 2)
        arrays[f"{place}/{CELL}"], arrays[f"{place}/{TERMS}"] = cell.astype("i4"), terms.astype("f4")
    return arrays


def _silent(arrays: Mapping[str, NDArray]) -> list[str]:
    """Observing systems of which nothing is there."""
    heard = {channel.source for place, channel in enumerate(CHANNELS) if arrays[f"{place}/{CELL}"].size}
    return sorted({channel.source for channel in CHANNELS} - heard)


def _fields(material: Material, time: np.datetime64) -> dict[str, NDArray]:
    """Truth on fine and coarse cells, and the background on coarse ones, on the whole globe."""
    laid = {}
    for what, ds in (("truth", material.truth), ("background", material.background)):
        laid[what] = Backdrop.of(_surface(ds, time), 0, maps.GLOBE)
        if not laid[what].coarse.isfinite().any():
            raise MaterialError(f"the {what} has no value at all: leave this time out of the periods, or mend its file")
    truth, background = laid["truth"], laid["background"]
    return {"truth": truth.fine.numpy(), "coarse": truth.coarse.numpy(), "background": background.coarse.numpy()}


def _surface(ds: xr.Dataset, time: np.datetime64) -> Background:
    """The shallowest level of the analysed variables at a time."""
    now = ds[list(STATE)].sel(time=time)
    if "depth" in now.dims:
        now = now.isel(depth=int(np.argmin(now.depth.values)))
    held = now.compute(scheduler="synchronous")
    fields = {str(name): da.transpose("latitude", "longitude").values for name, da in held.data_vars.items()}
    return Background(held.latitude.values, held.longitude.values, np.empty(0), fields)
