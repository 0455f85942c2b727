"""Write the sample: so many analysis days, with all that their analyses need."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from adaf_xr.instants import DAY, as_times
from adaf_xr.osse.ledger import Progress
from adaf_xr.osse.published_layout import fields, observations
from adaf_xr.osse.published_layout.world import World, days_from, stamp

SPACING = 0.25
"""Of the pixels of sea surface temperature [degrees], by default: those of the product are 36 times as many."""

FOLDERS = ("forecast_bg", "glorys", "insitu", "mask", "SIC", "SSH", "SSS", "SST", "SSW")


def write(
    folder: str | Path,
    days: int = 3,
    start: str | np.datetime64 = "2020-01-01",
    *,
    seed: int = 2020,
    spacing: float = SPACING,
    resolution: float = 1.0,
    progress: Progress | None = None,
) -> Path:
    """Write a sample in the folder layout of the published ADAF-Ocean data, of a simulated ocean.

    Parameters
    ----------
    folder : str or Path
        Where; it must not be there yet, or be empty.
    days : int
        Analysis days. Each has its truth, the forecast that is valid on it at a lead of two days, and the observations
        of the day before; observations go on to the last day.
    start : date
        The first analysis day.
    seed : int
        Another seed, another ocean.
    spacing : float
        Degrees between the pixels of the radiometers; ``1 / 24`` is that of the sea surface temperature's product, with
        37 million in each of two images a day, and takes minutes a day. Salinity is never finer than its 0.25.
    resolution : float
        Degrees between the cells of the simulated ocean; see :class:`adaf_xr.osse.GlobalRun`.
    progress : callable, optional
        Called with (files written, files in all).

    Returns
    -------
    Path
        The folder, for the catalog: ``open_source("adaf_ocean", "glorys", root=folder)``.

    Raises
    ------
    FileExistsError
        Where the folder holds something.
    ValueError
        For less than one day, or a spacing that does not divide the globe.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     root = write(place, days=1, spacing=2.0, resolution=2.0)
    ...     sorted(path.name for path in root.iterdir())
    ['SIC', 'SSH', 'SSS', 'SST', 'SSW', 'forecast_bg', 'glorys', 'insitu', 'mask']
    """
    root, first = Path(folder), as_times(start)[0].astype("M8[D]")
    if days < 1:
        raise ValueError(f"days={days}: a sample has one analysis day at least")
    if not spacing > 0.0 or abs(180.0 / spacing - round(180.0 / spacing)) > 1e-6:
        raise ValueError(f"spacing={spacing:g} degrees does not divide the globe: use 0.25, 1/24 or the like")
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise FileExistsError(f"{root} holds something: give another folder, or remove it")
    # Beside its place until it is complete: half a sample looks like a whole one whose data have gaps.
    part = root.with_name(f"{root.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    for name in FOLDERS:
        (part / name).mkdir(parents=True)
    oldest = min(lead - age for lead, age in enumerate(fields.AGES)) - fields.LEAD
    world = World.simulated(first + oldest * DAY, days - oldest, seed, resolution)
    work = [*_fields(world, part, first, days), *_observations(world, part, first, days, seed, spacing)]
    for done, job in enumerate(work, 1):
        job()
        if progress is not None:
            progress(done, len(work))
    os.replace(part, root)
    return root


def _fields(world: World, root: Path, first: np.datetime64, days: int) -> list[Callable[[], None]]:
    """Mask, truth and first guess of every analysis day."""
    jobs: list[Callable[[], None]] = [
        partial(fields.write_mask, world, root / "mask/land_sea_mask_glorys_23_181_360.nc")
    ]
    for date in days_from(first, days):
        name, issued = stamp(date), date - fields.LEAD * DAY
        (root / "glorys" / name[:4]).mkdir(exist_ok=True)
        jobs.append(partial(fields.write_truth, world, date, root / f"glorys/{name[:4]}/{name}.h5"))
        jobs.append(partial(fields.write_forecast, world, issued, root / f"forecast_bg/{stamp(issued)}.nc"))
    return jobs


def _observations(
    world: World, root: Path, first: np.datetime64, days: int, seed: int, spacing: float
) -> list[Callable[[], None]]:
    """All sources, from the day before the first analysis to the last."""
    jobs: list[Callable[[], None]] = []
    for date in days_from(first - DAY, days + 1):
        day = observations.Day(world, date, seed)
        jobs += [
            partial(observations.write_insitu, day, root / "insitu"),
            partial(observations.write_sst, day, root / "SST", spacing),
            partial(observations.write_sss, day, root / "SSS", spacing),
            partial(observations.write_ssh, day, root / "SSH"),
            partial(observations.write_wind, day, root / "SSW"),
            partial(observations.write_ice, day, root / "SIC"),
        ]
    return jobs
