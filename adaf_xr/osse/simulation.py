"""Make an experiment: the truth day by day, a background from it, sparse observations of it, and the manifest.

The truth is never in memory as a whole. What is written is noted in ``unfinished.json`` as it goes; the manifest
``experiment.json`` takes its place when everything is there, so a folder without one is no experiment.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from adaf_xr._version import __version__
from adaf_xr.osse import storage
from adaf_xr.osse.background import root_mean_square, squared_errors
from adaf_xr.osse.ledger import Ledger, Progress, Tally, is_finished
from adaf_xr.osse.observation_store import write_observations
from adaf_xr.osse.observing import SYSTEMS, GriddedOcean, observe
from adaf_xr.osse.opening import observation_path
from adaf_xr.osse.plan import Experiment
from adaf_xr.osse.splits import decorrelation_time, gap, require_separate

FORMAT = 1
"""Of the folder; a reader refuses what it does not know."""


def simulate(
    experiment: str | Experiment,
    out: str | Path,
    *,
    progress: Progress | None = None,
    resume: bool = False,
    seed: int | None = None,
    days: int | None = None,
    noise: bool | None = None,
    device: str | None = None,
) -> Path:
    """Simulate an experiment and write it to a folder.

    Parameters
    ----------
    experiment : str or Experiment
        Name of a standard one (see :data:`adaf_xr.osse.standard.EXPERIMENTS`), or one of your own.
    out : str or Path
        The folder to make.
    progress : callable, optional
        Called with (days done, days in all), where the truth, the background and every stored system count their days.
    resume : bool
        Go on with a folder that an interrupted run left. The nature run is computed again from its start, for a sea has
        no past but its own, and is compared with what is there; what is written is not written again.
    seed, days, noise, device : optional
        Change the experiment, see :meth:`adaf_xr.osse.plan.Experiment.variant`.

    Returns
    -------
    Path
        The folder, for :func:`adaf_xr.osse.opening.open_experiment`.

    Raises
    ------
    FileExistsError
        Where the folder is there, and is not to be resumed.
    SplitError
        Where the periods are closer than the sea remembers; move them and resume.
    ValueError
        For an unknown name, or a folder that was begun otherwise.

    Examples
    --------
    >>> from adaf_xr.osse import open_experiment, simulate
    >>> sea = open_experiment(simulate("gulf-stream-v1", "/data/gulf-stream"))  # doctest: +SKIP
    """
    plan = _resolved(experiment).variant(seed=seed, days=days, noise=noise, device=device)
    plan.check()
    folder = Path(out)
    if is_finished(plan, folder, resume):
        return folder
    ledger = Ledger.open(plan, folder, resume)
    tally = Tally(progress, _work(plan))
    with _one_thread():
        _write_truth(plan, folder, ledger, tally)
    truth = storage.open_lazily(folder / "truth.zarr")
    memory = decorrelation_time(truth.zos)
    require_separate(plan.splits, memory, plan.nature.days)
    background = _write_background(plan, folder, truth, tally)
    for name in plan.stored:
        _write_observations(plan, folder, name)
        tally.advance(plan.nature.days)
    ledger.close(_manifest(plan, folder, truth, memory, background))
    return folder


def _resolved(experiment: str | Experiment) -> Experiment:
    """An experiment by its name."""
    if isinstance(experiment, Experiment):
        return experiment
    from adaf_xr.osse.standard import EXPERIMENTS

    if experiment not in EXPERIMENTS:
        raise ValueError(f"no standard experiment {experiment!r}: there are {', '.join(EXPERIMENTS)}")
    return EXPERIMENTS[experiment]


def _work(plan: Experiment) -> int:
    """Days of everything there is to make."""
    return plan.nature.days * (2 + len(plan.stored)) - plan.background.lag


def _write_truth(plan: Experiment, folder: Path, ledger: Ledger, tally: Tally) -> None:
    """Stream the nature run into its store."""
    path, time, done = folder / "truth.zarr", plan.times, ledger.days()
    if done == time.size:
        tally.advance(done)
        return
    snapshots = _counted(plan, tally)
    first = next(snapshots)
    length = storage.days_a_block(first.sizes["latitude"] * first.sizes["longitude"])
    stop = 0
    for block in storage.blocks_of(chain([first], snapshots), length):
        start, stop = stop, stop + block.sizes["time"]
        if not np.array_equal(block.time.values, time[start:stop]):
            raise ValueError(
                f"the nature run gives {block.time.values} where daily snapshots {time[start:stop]} are due"
            )
        if start == 0 and not done:
            storage.create(path, block, time, length)
        if stop > done:
            storage.write(path, block, start)
            ledger.note(stop)
        elif stop == done:
            _require_reproduced(block, path, start)
    if stop != time.size:
        raise ValueError(f"the nature run ended after {stop} days, and {time.size} are due")


@contextmanager
def _one_thread() -> Iterator[None]:
    """A sea that does not depend on how many cores a machine has: sums in another order are another sea in weeks.

    It costs little, for fields of this size are no work for several threads, which on a busy machine wait for each
    other.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _counted(plan: Experiment, tally: Tally) -> Iterator[xr.Dataset]:
    """What is kept of every snapshot."""
    for snapshot in plan.run.snapshots():
        yield plan.cut(snapshot if "time" in snapshot.dims else snapshot.expand_dims("time"))
        tally.advance(1)


def _require_reproduced(block: xr.Dataset, path: Path, start: int) -> None:
    """A resumed run must meet its former self: chaos makes any difference grow."""
    held = storage.open_lazily(path).isel(time=slice(start, start + block.sizes["time"]))
    if not storage.same(block, held[list(block.data_vars)].load()):
        raise ValueError(
            f"{path} cannot be resumed: computed again, day {start} is not the one on disk (another machine, device or "
            "version of the package?). Remove the folder and simulate it as a whole"
        )


def _write_background(plan: Experiment, folder: Path, truth: xr.Dataset, tally: Tally) -> dict[str, float]:
    """Write the background and measure its error: the same days, seen twice."""
    path = folder / "background.zarr"
    guess = plan.background.of(truth, plan.splits, plan.seed)
    length = truth.chunksizes["time"][0]
    sums = []
    for start in range(0, guess.sizes["time"], length):
        block = guess.isel(time=slice(start, start + length)).load()
        if start == 0:
            storage.create(path, block, guess.time.values, length)
        storage.write(path, block, start)
        true = truth[list(block.data_vars)].sel(time=block.time).load()
        sums.append(squared_errors(block, true, plan.background.coarsening))
        tally.advance(block.sizes["time"])
    error = root_mean_square(xr.concat(sums, "block").sum("block"))
    _state(path, error)
    return error


def _state(path: Path, error: dict[str, float]) -> None:
    """Attributes of a background that say how wrong it is."""
    import zarr

    group = zarr.open_group(path, mode="r+")
    for name, rmse in error.items():
        group[name].attrs["rmse_to_truth"] = rmse
    group.attrs["rmse_to_truth"] = (
        "area-weighted over the grid and all days, against the truth averaged to this grid; attribute of each variable"
    )
    storage.consolidate(path)


def _write_observations(plan: Experiment, folder: Path, name: str) -> None:
    """One sparse system as a whole: it is not there until it is complete."""
    path = observation_path(folder, name)
    if path.exists():
        return
    part = path.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.parent.mkdir(exist_ok=True)
    ocean, span = GriddedOcean(folder / "truth.zarr"), (plan.times[0], plan.times[-1])
    instrument = SYSTEMS[name].but(**plan.settings.get(name, {}))
    seen = observe(ocean, instrument, span, seed=plan.seed, noise=plan.noise, region=plan.region)
    write_observations(part, seen)
    os.replace(part, path)


def _manifest(
    plan: Experiment, folder: Path, truth: xr.Dataset, memory: float, background: dict[str, float]
) -> dict[str, Any]:
    """All there is to know of an experiment without opening its data."""
    sizes = {part: storage.size_of(folder / part) for part in ("truth.zarr", "background.zarr", "observations")}
    return {
        "format": FORMAT,
        "version": plan.version,
        "experiment": plan.parameters(),
        "package": __version__,
        "grid": {axis: truth.sizes[axis] for axis in ("latitude", "longitude")},
        "days": plan.nature.days,
        "decorrelation_days": _finite(memory),
        "gap_days": _finite(gap(plan.splits)),
        "background": {
            "what": plan.background.describe(),
            "rmse": background,
            "units": {name: str(truth[name].attrs.get("units", "")) for name in background},
        },
        "observations": {name: "stored" if name in plan.stored else "on demand" for name in plan.systems},
        "packing": {name: step for name, (step, _) in storage.QUANTUM.items() if name in truth},
        "bytes": {**sizes, "total": sum(sizes.values()), "truth_a_day": sizes["truth.zarr"] // plan.nature.days},
    }


def _finite(number: float) -> float | None:
    """JSON has no infinity."""
    return number if np.isfinite(number) else None
