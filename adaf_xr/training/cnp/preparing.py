"""From material to shards: the day that the network sees, and the truth on the lattice of its targets."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from adaf_xr._version import __version__
from adaf_xr.cell_means import cell_means
from adaf_xr.instants import DAY
from adaf_xr.models.base import Background
from adaf_xr.models.cnp.configuration import Configuration
from adaf_xr.models.cnp.day import Day
from adaf_xr.models.cnp.gridding import Encoded
from adaf_xr.models.cnp.lattices import lattice_of
from adaf_xr.points import Points
from adaf_xr.training.material import Material, MaterialError
from adaf_xr.training.shards import Shards
from adaf_xr.training.spreading import Counted, Progress, require_written, spread, warn_of_silence

SPLITS = ("train", "validation")
GRID, INSITU, TRUTH = "grid/", "insitu", "truth"


def what_sees(configuration: Configuration) -> dict[str, Any]:
    """The part of a configuration that decides what is in a shard; not how wide patches or layers are."""
    kept = ("key", "kind", "channels", "spacing")
    held = configuration.as_dict()
    sources = [{name: source[name] for name in kept} for source in held["sources"]]
    return {"sources": sources, **{name: held[name] for name in ("variables", "phase", "max_depth", "box", "days")}}


def fingerprint(configuration: Configuration, material: Material) -> dict[str, Any]:
    """Everything that decides what the shards hold."""
    return {
        "task": "adaf-ocean-cnp",
        "package": __version__,
        "network": what_sees(configuration),
        "material": dict(material.provenance),
    }


def size_of_a_day(configuration: Configuration) -> int:
    """Bytes of the shard of a day, but for points and names: whole lattices, whatever part of them has values.

    Examples
    --------
    >>> from adaf_xr.models.cnp import RELEASED, THINNED
    >>> [size_of_a_day(each) // 10**6 for each in (THINNED, RELEASED)]
    [4, 316]
    """
    gridded = [source for source in configuration.sources if source.gridded]
    inputs = sum(len(source.channels) * math.prod(lattice_of(source, configuration).shape) for source in gridded)
    targets = len(configuration.variables) * math.prod(lattice_of(configuration.background, configuration).shape)
    return 4 * (inputs + targets)


def prepare(
    configuration: Configuration, material: Material, folder: Path, every: int = 1, progress: Progress | None = None
) -> None:
    """Write the shards that are missing, with dask: on the current cluster, or as dask is configured.

    Parameters
    ----------
    configuration : Configuration
        Of the network.
    material : Material
        Fields and observations.
    folder : Path
        Where shards go; the workers of a cluster must see it too.
    every : int
        How many analysis times of a period there are for one that is prepared.
    progress : callable, optional
        Told how far it is.

    Raises
    ------
    MaterialError
        Where fields or periods are missing, or the grids do not fit the network.
    adaf_xr.training.shards.ShardsError
        Where the folder holds something else.

    Warns
    -----
    SilentSourceWarning
        For each source that gave nothing on some days.
    """
    material.require(configuration.variables, observed=configuration.background.channels)
    days = {split: material.times(split)[::every] for split in SPLITS}
    shards = Shards.create(folder.absolute(), fingerprint(configuration, material), days)
    shards.require_room(size_of_a_day(configuration))
    missing = [(split, index) for split in SPLITS for index in shards.missing(split)]
    total = sum(map(shards.count, SPLITS))
    counted = Counted(total - len(missing), total, progress)
    silent = spread(partial(_prepare_day, configuration, material, shards), missing, counted)
    require_written(shards)
    warn_of_silence(silent, len(missing))


def _prepare_day(configuration: Configuration, material: Material, shards: Shards, which: tuple[str, int]) -> list[str]:
    """Write one day; the sources that were silent."""
    time = shards.time(*which)
    try:
        day, truth = see(configuration, material, time)
    except Exception as error:
        error.add_note(f"while preparing {np.datetime_as_string(time, 'm')} of {which[0]!r}")
        raise
    grids = {f"{GRID}{key}": grid for key, grid in day.grids.items()}
    shards.write(*which, {**grids, INSITU: day.insitu, TRUTH: truth})
    values = {source.key: day.grids[source.key] if source.gridded else day.insitu for source in configuration.observed}
    return [key for key, array in values.items() if not np.isfinite(array).any()]


def see(configuration: Configuration, material: Material, time: np.datetime64) -> tuple[Day, NDArray[np.float32]]:
    """What the network sees at an analysis time, and the truth (variables, n_lat, n_lon) it should find.

    The day is that of :meth:`adaf_xr.models.cnp.engine.AdafOceanCNP.encode`: the same observations, the same lattices.
    """
    window = (
        np.timedelta64(round(configuration.days * (DAY / np.timedelta64(1, "ns"))), "ns"),
        np.timedelta64(0, "ns"),
    )
    points = Points.concatenate(material.points(time, window).values())
    channels = configuration.background.channels
    background, truth = _at(material.background, time, channels), _at(material.truth, time, configuration.variables)
    try:
        label = cell_means(
            np.stack([truth.fields[name] for name in configuration.variables]),
            truth.latitude,
            truth.longitude,
            lattice_of(configuration.background, configuration),
        )
    except ValueError as error:
        raise MaterialError(
            f"the truth does not fit the cells of the network: {error}. Set model.phase (node: cells centred on whole "
            "degrees, cell: between them), or regrid the truth"
        ) from None
    if not np.isfinite(label).any():
        raise MaterialError("the truth has no value at all: leave this time out of the periods, or mend its file")
    return Encoded.of(points, configuration).day(configuration, background), label


def _at(ds: xr.Dataset, time: np.datetime64, names: Iterable[str]) -> Background:
    """The surface of some fields at a time."""
    now = ds[list(names)].sel(time=time)
    surface = now.isel(depth=0) if "depth" in now.dims else now
    held = surface.compute(scheduler="synchronous")
    fields = {str(name): da.transpose("latitude", "longitude").values for name, da in held.data_vars.items()}
    return Background(held.latitude.values, held.longitude.values, np.empty(0), fields)


def day_of(arrays: Mapping[str, NDArray[np.float32]]) -> tuple[Day, NDArray[np.float32]]:
    """The day and the truth of a shard."""
    grids = {name.removeprefix(GRID): array for name, array in arrays.items() if name.startswith(GRID)}
    return Day(grids, arrays[INSITU]), arrays[TRUTH]
