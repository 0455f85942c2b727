"""From material to shards: one for every view of every variable of every dataset."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adaf_xr._version import __version__
from adaf_xr.grids import is_periodic
from adaf_xr.models.super_resolution import NAME
from adaf_xr.training.material import Material, MaterialError
from adaf_xr.training.shards import Shards
from adaf_xr.training.spreading import Counted, Progress, spread
from adaf_xr.training.super_resolution.material import Truth, truths_of
from adaf_xr.training.super_resolution.options import Data
from adaf_xr.training.super_resolution.views import View, pair_of

SPLITS = ("train", "validation")


def plan(material: Material, options: Data, seed: int) -> dict[str, list[dict[str, Any]]]:
    """The views of both splits, as JSON.

    Raises
    ------
    MaterialError
        Where a split has none.
    """
    views: dict[str, list[dict[str, Any]]] = {}
    for number, split in enumerate(SPLITS):
        random = np.random.default_rng([seed, number])
        views[split] = [
            view
            for place, truth in enumerate(truths_of(material))
            for name in options.variables
            if name in truth.fields
            for view in _views(truth, name, split, options, random, {"truth": place, "label": truth.label})
        ]
        if not views[split]:
            there = ", ".join(f"{truth.label} ({', '.join(map(str, truth.fields))})" for truth in truths_of(material))
            raise MaterialError(
                f"there is no field for {split!r}: of {', '.join(options.variables)} there must be some with times in "
                f"that period, or with longitudes {'outside' if split == 'train' else 'inside'} of data.held_out = "
                f"{[list(pair) for pair in options.held_out]}; the material has {there}"
            )
    return views


def prepare(material: Material, options: Data, seed: int, folder: Path, progress: Progress | None = None) -> None:
    """Write the shards that are missing, with dask as it is configured.

    Raises
    ------
    MaterialError
        Where there is nothing to learn from.
    adaf_xr.training.shards.ShardsError
        Where the folder holds something else.
    """
    views = plan(material, options, seed)
    made_of = {
        "task": NAME,
        "package": __version__,
        "material": dict(material.provenance),
        "held_out": options.held_out,
        "views": views,
    }
    # Shards are named after times; views have none of their own, and are counted in seconds.
    counted = {split: np.arange(len(found)).astype("M8[s]") for split, found in views.items()}
    shards = Shards.create(folder.absolute(), made_of, counted)
    truths = truths_of(material)
    shards.require_room(_mean_size(truths, [view for found in views.values() for view in found]))
    missing = [(split, index) for split in SPLITS for index in shards.missing(split)]
    work = partial(_write, truths, views, options, shards)
    total = sum(map(len, views.values()))
    spread(work, missing, Counted(total - len(missing), total, progress))


def _mean_size(truths: tuple[Truth, ...], views: list[dict[str, Any]]) -> int:
    """Bytes of a shard: a residual of two and a mask of one for each fine cell, and the coarse fields."""
    cells = [truth.fields.sizes["latitude"] * truth.fields.sizes["longitude"] for truth in truths]
    return 4 * sum(cells[view["truth"]] for view in views) // len(views)


def _views(
    truth: Truth, name: str, split: str, options: Data, random: np.random.Generator, about: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Those of one variable; none where nothing of it belongs to the split."""
    times = truth.times(split)
    held = held_out(truth.fields.longitude.values, options) if not truth.simulated else None
    if not times.size or (held is not None and not (held if split == "validation" else ~held).any()):
        return
    globe = is_periodic(truth.fields.longitude.values)
    for _ in range(options.views if split == "train" else options.validation_views):
        view = View.drawn(random, options, truth.fields.longitude.size, globe)
        if split == "validation":
            view = View(view.row, view.column)
        depth = int(random.integers(truth.fields[name].sizes.get("depth", 1)))
        where = {"variable": name, "time": int(random.choice(times)), "depth": depth, "simulated": truth.simulated}
        yield {**about, **where, "view": view.as_dict()}


def held_out(longitude: NDArray[np.floating], options: Data) -> NDArray[np.bool_]:
    """Which columns are kept for validation.

    Examples
    --------
    >>> held_out(np.array([0.0, 290.5, 60.5]), Data()).tolist()
    [False, True, True]
    """
    lon = (np.asarray(longitude) + 180.0) % 360.0 - 180.0
    held = np.zeros(lon.shape, bool)
    for west, east in options.held_out:
        held |= (lon > west) & (lon < east)
    return held


def _write(
    truths: tuple[Truth, ...], views: dict[str, list[dict[str, Any]]], options: Data, shards: Shards, which: Any
) -> None:
    """One shard; an empty one where the view shows nothing."""
    split, index = which
    about = views[split][index]
    truth = truths[about["truth"]]
    field = truth.fields[about["variable"]]
    at = {name: about[name] for name in ("time", "depth") if name in field.dims}
    values = field.isel(at).compute(scheduler="synchronous").values.astype("f8")
    latitude, longitude = (truth.fields[name].values.astype("f8") for name in ("latitude", "longitude"))
    view = View(**about["view"])
    pair = pair_of(values, latitude, longitude, view) or {"spread": np.zeros(1, "f4")}
    if "longitude" in pair:
        lon = pair.pop("longitude")
        held = held_out(lon, options)
        if view.angle:  # what is seen there comes from there and elsewhere
            held |= held_out(lon - view.turned * (longitude[1] - longitude[0]), options)
        pair["counts"] = np.ones(held.size, bool) if truth.simulated else held if split == "validation" else ~held
    shards.write(split, index, pair)
