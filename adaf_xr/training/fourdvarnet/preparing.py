"""From material to shards: for every day the truth, gridded observations, and the height interpolated from them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from adaf_xr import lattice
from adaf_xr._version import __version__
from adaf_xr.cf.canonical import CODES
from adaf_xr.instants import DAY
from adaf_xr.models.base import Background, Targets
from adaf_xr.models.extrapolation import Extrapolation
from adaf_xr.models.first_guess import at_targets
from adaf_xr.models.fourdvarnet import NAME
from adaf_xr.models.fourdvarnet.gridding import DailySums
from adaf_xr.models.optimal_interpolation import OptimalInterpolation
from adaf_xr.points import Points
from adaf_xr.training.fourdvarnet.options import Data
from adaf_xr.training.material import Material, MaterialError
from adaf_xr.training.shards import Shards
from adaf_xr.training.spreading import Counted, Progress, require_written, spread, warn_of_silence

SPLITS = ("train", "validation")

TRUTH = {"ssh": "zos", "sst": "thetao", "u": "uo", "v": "vo"}
"""What is learned, by its name in a shard, and its canonical name."""

EVEN = 1e-3
"""Share of a step by which the steps of an axis may differ."""


def fed(data: Data) -> dict[str, Any]:
    """What decides which fields of which cells a shard has."""
    held = data.model_dump(mode="json", include={"region", "interpolated", "clouds"})
    return {"task": NAME, **held}


@dataclass(frozen=True)
class Grid:
    """The cells that are learned: those of the truth in a region, from south to north and west to east.

    Attributes
    ----------
    latitude, longitude : array (n_lat,), (n_lon,)
        Centres [degrees], evenly spaced.
    """

    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]

    @classmethod
    def of(cls, material: Material, region: lattice.Region | None) -> Grid:
        """The grid of material.

        Raises
        ------
        MaterialError
            Where its steps differ: the network knows no distances.
        """
        latitude, longitude = (material.truth[name].values.astype("f8") for name in ("latitude", "longitude"))
        if region is not None:
            latitude, longitude = lattice.cut(latitude, longitude, region)
        latitude = np.sort(latitude)
        for name, axis in (("latitude", latitude), ("longitude", np.unwrap(longitude, period=360.0))):
            steps = np.diff(axis)
            if len(axis) < 3 or np.ptp(steps) > EVEN * abs(steps).mean() or steps.min() <= 0.0:
                raise MaterialError(
                    f"{name} of the truth is not evenly spaced, or has fewer than 3 cells: regrid it, or choose "
                    "another data.region"
                )
        return cls(latitude, longitude)

    @property
    def targets(self) -> Targets:
        """As engines take them."""
        return Targets(self.latitude, self.longitude)


def prepare(material: Material, folder: Path, data: Data, progress: Progress | None = None) -> None:
    """Write the shards that are missing, with dask: on the current cluster, or as dask is configured.

    Parameters
    ----------
    material : Material
        Daily fields: a truth with height, temperature and currents, evenly spaced; a background with height.
    folder : Path
        Where shards go; the workers of a cluster must see it too.
    data : Data
        Which region, which interpolated height, which temperature.
    progress : callable, optional
        Told how far it is.

    Raises
    ------
    MaterialError
        Where fields or periods are missing, or the grid is uneven.
    adaf_xr.training.shards.ShardsError
        Where the folder holds something else, or the disk has no room.

    Warns
    -----
    SilentSourceWarning
        Where nothing was observed around some days.
    """
    material.require(["zos"])
    if lacking := [name for name in TRUTH.values() if name not in material.truth]:
        raise MaterialError(
            f"the truth lacks {', '.join(lacking)}: 4DVarNet learns sea surface height and currents, and temperature "
            "beside them; add the fields"
        )
    grid = Grid.of(material, data.region)
    days = {split: material.times(split) for split in SPLITS}
    made_of = {**fed(data), "package": __version__, "material": dict(material.provenance)}
    shards = Shards.create(folder.absolute(), made_of, days)
    shards.require_room(4 * (len(TRUTH) + 3) * grid.latitude.size * grid.longitude.size)
    missing = [(split, index) for split in days for index in shards.missing(split)]
    total = sum(map(shards.count, days))
    counted = Counted(total - len(missing), total, progress)
    silent = spread(partial(_prepare_day, material, grid, data, shards), missing, counted)
    require_written(shards)
    warn_of_silence(silent, len(missing))


def _prepare_day(material: Material, grid: Grid, data: Data, shards: Shards, which: tuple[str, int]) -> list[str]:
    """Write one day; the sources that gave nothing around it."""
    time = shards.time(*which)
    try:
        arrays, silent = _day(material, grid, data, time)
    except Exception as error:
        error.add_note(f"while preparing {np.datetime_as_string(time, 'm')} of {which[0]!r}")
        raise
    shards.write(*which, arrays)
    return silent


def _day(material: Material, grid: Grid, data: Data, time: np.datetime64) -> tuple[dict[str, NDArray[Any]], list[str]]:
    """The arrays of a day, and which sources were silent."""
    engine, own = OptimalInterpolation(threads=1), data.interpolated == "analysis"
    window = engine.window if own else (DAY // 2, DAY // 2)
    found = material.points(time, window, kinds=("ssh", "sst") if data.clouds else ("ssh",))
    points, cells = Points.concatenate(found.values()), (grid.latitude, grid.longitude)
    arrays: dict[str, NDArray[Any]] = dict(zip(("latitude", "longitude"), cells, strict=True))
    for name, canonical in TRUTH.items():
        arrays[name] = _cut(material.truth, canonical, grid, time)
    # The very sums that the engine makes of a day.
    today = DailySums.of(points, np.array([time]), grid.latitude, np.unwrap(grid.longitude, period=360.0))
    arrays["observed"] = today.means("ssh")[0]
    if data.clouds:
        arrays["sst"] = today.means("sst")[0]
    heights = points.where(points.variable == CODES["zos"])
    background = _background(material, time)
    if own:
        guess = engine.analyse(engine.encode(heights, background, time), background, grid.targets).mean["zos"]
    else:
        guess = at_targets(background.fields["zos"], background, grid.targets)[0]
    arrays["oi"] = _without_land(guess).astype("f4")
    return arrays, [] if len(heights) else ["ssh"]


def _without_land(field: NDArray[np.float64]) -> NDArray[np.float64]:
    """A field that goes on inland, as that of the engine does."""
    sea = np.isfinite(field)
    if not sea.any():
        raise MaterialError("the background has no height at all: leave this time out of the periods, or mend its file")
    return Extrapolation(sea, periodic=False)(field)


def _cut(ds: xr.Dataset, name: str, grid: Grid, time: np.datetime64) -> NDArray[np.float32]:
    """A field of the surface on the grid."""
    field = ds[name].sel(time=time)
    if "depth" in field.dims:
        field = field.isel(depth=int(np.argmin(field.depth.values)))
    here = field.sel(latitude=grid.latitude, longitude=grid.longitude).transpose("latitude", "longitude")
    values: NDArray[np.float32] = here.compute(scheduler="synchronous").values.astype("f4")
    return values


def _background(material: Material, time: np.datetime64) -> Background:
    """The height of the background, as engines take it."""
    held = material.background["zos"].sel(time=time).transpose("latitude", "longitude").compute(scheduler="synchronous")
    return Background(held.latitude.values, held.longitude.values, np.empty(0), {"zos": held.values.astype("f8")})
