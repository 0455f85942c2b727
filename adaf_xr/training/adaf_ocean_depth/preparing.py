"""From material to shards: the analysed surface of a day, what profiles say, and truth and background at all levels."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from adaf_xr import checkpoint
from adaf_xr._version import __version__
from adaf_xr.models.adaf_ocean.backdrop import Backdrop, coarse_cells
from adaf_xr.models.adaf_ocean.channels import TOP
from adaf_xr.models.adaf_ocean.deep_sums import deep_sums
from adaf_xr.models.adaf_ocean.depths import BELOW, DEEP, NODES
from adaf_xr.models.adaf_ocean.descent import PLACES
from adaf_xr.models.adaf_ocean.scene import continued_and_guess
from adaf_xr.models.adaf_ocean.sums import SPAN
from adaf_xr.models.base import Background
from adaf_xr.points import Points
from adaf_xr.training.adaf_ocean.maps import GLOBE
from adaf_xr.training.adaf_ocean_depth.options import Data
from adaf_xr.training.adaf_ocean_depth.surface import Surface, run_of
from adaf_xr.training.material import Material, MaterialError
from adaf_xr.training.shards import Shards
from adaf_xr.training.spreading import Counted, Progress, require_written, spread

SPLITS = ("train", "validation")

LEVELS = (5.0, 15.0, 30.0, 50.0, 75.0, 100.0, 150.0, 200.0, 300.0, 400.0, 500.0, 650.0, 800.0, 1000.0, 1300.0, 1700.0,
          2200.0, 3000.0)  # fmt: skip
"""Depths [m] at which an experiment is looked at."""

FINE_LEVELS = {"train": 2, "validation": 8}
"""How many of these are kept at a quarter of a degree; which ones, the day decides."""

USUAL_SIZE = 66_000_000
"""Bytes of a day."""


def fed() -> dict[str, Any]:
    """What decides what the network is fed: shards made otherwise are of no use to it."""
    return {"task": "adaf-ocean-depth", "nodes": list(NODES), "profiles": [each.variable for each in DEEP]}


def prepare(material: Material, folder: Path, data: Data, progress: Progress | None = None) -> None:
    """Write the shards that are missing, with dask: on the current cluster, or as dask is configured.

    Parameters
    ----------
    material : Material
        Of an experiment, or with levels of its own.
    folder : Path
        Where shards go.
    data : Data
        Which days, and the run of the surface network, which was prepared from the same material.
    progress : callable, optional
        Told how far it is.

    Raises
    ------
    MaterialError
        Where no run is named, nothing is known below the surface, or days of the run are not those of the material.
    adaf_xr.training.shards.ShardsError
        Where the folder holds something else, or the disk has no room.
    """
    surface = Surface.of(data.surface)
    deep = material.at_depth(LEVELS)
    deep.require(BELOW)
    if not (deep.background.depth.values > TOP).any():
        raise MaterialError(f"there is no level below {TOP:g} m: the depth stage has nothing to learn")
    chosen = {split: _spread(surface.sampler.times[split], wanted) for split, wanted in _wanted(data).items()}
    for split, times in chosen.items():
        if (lost := np.setdiff1d(times, deep.times(split))).size:
            raise MaterialError(
                f"{len(lost)} days of {split!r} of the surface's training are not in these data (the first is "
                f"{lost[0]}): give the data that it was trained on"
            )
    made_of = {
        **fed(),
        "package": __version__,
        "surface": checkpoint.digest(run_of(data.surface).best),
        "material": dict(material.provenance),
        "depth": deep.background.depth.values.tolist(),
        "thinned": data.thinned,
    }
    shards = Shards.create(folder.absolute(), made_of, chosen)
    shards.require_room(USUAL_SIZE)
    missing = [(split, index) for split in SPLITS for index in shards.missing(split)]
    total = sum(map(shards.count, chosen))
    work = partial(_write, deep, surface, shards, data.thinned)
    spread(work, missing, Counted(total - len(missing), total, progress))
    require_written(shards)


def _wanted(data: Data) -> dict[str, int]:
    return {"train": data.days, "validation": data.validation_days}


def _spread(times: NDArray[np.datetime64], wanted: int) -> NDArray[np.datetime64]:
    """So many of some times, spread over them."""
    count = min(wanted, times.size)
    return times[np.arange(count) * times.size // count]


def _write(material: Material, surface: Surface, shards: Shards, thinned: float, which: tuple[str, int]) -> None:
    """Write one day."""
    split, index = which
    time, rng = shards.time(split, index), np.random.default_rng([SPLITS.index(split), index])
    try:
        place = int(np.flatnonzero(surface.sampler.times[split] == time)[0])
        some = split == "train" and rng.random() < thinned
        arrays = surface.analysed(split, place, rng if some else None)
        arrays |= _below(material, time, FINE_LEVELS[split], rng)
    except Exception as error:
        error.add_note(f"while preparing {np.datetime_as_string(time, 'm')} of {split!r}")
        raise
    shards.write(split, index, arrays)


def _below(material: Material, time: np.datetime64, number: int, rng: np.random.Generator) -> dict[str, NDArray]:
    """Truth and background at all levels, some of them in detail, and the sums of profiles."""
    first, truth = (_columns(ds, time) for ds in (material.background, material.truth))
    points = Points.concatenate(material.points(time, (SPAN, SPAN), ["insitu"]).values())
    sums = deep_sums(points, first, time)
    levels = range(first.depth.size)
    coarse = torch.stack([coarse_cells(first, BELOW, level, GLOBE) for level in levels])
    targets = torch.stack([coarse_cells(truth, BELOW, level, GLOBE) for level in levels]) - coarse
    below = np.flatnonzero(first.depth > TOP)
    fine = rng.choice(below, min(number, below.size), replace=False)
    return {
        "depth": first.depth,
        "water": coarse[:, : len(DEEP)].transpose(0, 1).numpy(),
        "target": targets.numpy().astype("f2"),
        "fine_level": fine,
        "fine_target": torch.stack([_in_detail(truth, first, level) for level in fine]).numpy().astype("f2"),
        "key": sums.key,
        "sums": sums.sums,
    }


def _columns(ds: xr.Dataset, time: np.datetime64) -> Background:
    """The levels of a time, from the top."""
    held = ds[list(BELOW)].sel(time=time).sortby("depth").compute(scheduler="synchronous")
    fields = {str(name): da.transpose("depth", "latitude", "longitude").values for name, da in held.data_vars.items()}
    return Background(held.latitude.values, held.longitude.values, held.depth.values.astype("f8"), fields)


def _in_detail(truth: Background, first: Background, level: int) -> Tensor:
    """Truth minus background of a level on fine cells (4, rows, columns)."""
    laid = Backdrop.of(first, level, GLOBE)
    _, guess = continued_and_guess(laid.coarse, laid.fine, GLOBE.wraps)
    return (Backdrop.of(truth, level, GLOBE).fine - guess)[PLACES]
