"""The one call that trains: checks, prepares, launches."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from adaf_xr.training.configuration import Configuration, load
from adaf_xr.training.material import Material
from adaf_xr.training.run_folder import RunFolder, require_same
from adaf_xr.training.tasks import task_class

OnEvent = Callable[[dict[str, Any]], object]


class InterruptedTrainingError(RuntimeError):
    """A training that was told to stop, and has saved its state."""


def train(
    configuration: str | Path | Mapping[str, Any] | Configuration,
    material: Material | str | Path | None,
    run_folder: str | Path,
    *,
    launcher: str = "none",
    ranks: int | None = None,
    client: Any = None,
    resume: bool = False,
    on_event: OnEvent | None = None,
    stall: float | None = None,
    timeout: float = 300.0,
    **overrides: Any,
) -> dict[str, Any]:
    """Train a model.

    Parameters
    ----------
    configuration : str, Path, mapping or Configuration
        Name of a recipe, path of a YAML file, or the thing itself.
    material : Material, path or None
        What to prepare data from (they go to `run_folder`/shards, and what is there already and fits is kept), or a
        folder of prepared data, or for a resumption None: those it was begun with.
    run_folder : path
        For everything that comes of it, seen by every rank: ``config.yaml``, ``data.json``, ``log.csv`` (a row per
        step), ``epochs.csv`` (a row per epoch), ``tensorboard/``, and ``best.safetensors``, ``last.safetensors`` and
        ``state.pt`` in ``checkpoints/``.
    launcher : {"none", "torchrun", "dask"}
    ranks : int, optional
        Processes that train together; by default what the launcher finds.
    client : distributed.Client, optional
        Of the cluster that trains.
    resume : bool
        Go on with what `run_folder` holds, bit for bit as if it had not stopped (on a CPU and as many ranks).
    on_event : callable, optional
        Takes dicts: `kind` ("prepare", "joined", "begin", "step", "validating", "epoch", "save", "note"), `rank`, and
        numbers.
    stall, timeout : float
        Seconds, as `adaf_xr.training.launch.launch` takes them.
    **overrides
        Dotted keys of the configuration, as ``**{"optimiser.lr": 1e-3}``.

    Returns
    -------
    dict
        What `adaf_xr.training.rank.run` gives for the first rank, and `folder`.

    Raises
    ------
    ConfigurationError
        For a configuration that cannot be trained, or is not the one that the folder was begun with.
    FileExistsError
        Where the folder holds a run, and it is not to be resumed.
    InterruptedTrainingError
        Where a rank got SIGTERM; the state is saved.

    Examples
    --------
    >>> train("adaf-ocean-cnp", "no/such/folder", "run", **{"optimiser.lr": 3e-4})
    Traceback (most recent call last):
        ...
    FileNotFoundError: ...no/such/folder is no folder of prepared data: give one, or Material to prepare it from
    """
    wanted = load(configuration, overrides)
    place = RunFolder(Path(run_folder).absolute())
    if ranks:
        wanted.per_rank(ranks)
    resume = resume and place.begun
    # Where torchrun has started this program as several ranks, the first one prepares and the others wait for it.
    if launcher != "torchrun" or int(os.environ.get("RANK", "0")) == 0:
        _prepare(wanted, material, place, resume, on_event)
    from adaf_xr.training.launch import launch
    from adaf_xr.training.rank import run

    results = launch(
        run,
        str(place.path),
        resume,
        launcher=launcher,
        ranks=ranks,
        client=client,
        on_event=on_event,
        stall=stall,
        timeout=timeout,
        threads=wanted.threads,
    )
    result = {**results[0], "folder": str(place.path)}
    if result["reason"] == "terminated":
        raise InterruptedTrainingError(
            f"told to stop (SIGTERM) after step {result['step']}; the state is saved in {place.path}: go on with "
            "resume=True (--resume)"
        )
    return result


def _prepare(
    wanted: Configuration,
    material: Material | str | Path | None,
    place: RunFolder,
    resume: bool,
    on_event: OnEvent | None,
) -> None:
    """Prepared data and the run folder that says where they are."""
    if resume and place.state.exists():
        require_same(place.configuration().model_dump(mode="json"), wanted, place.path)
    elif not resume:
        place.require_free()
    if isinstance(material, Material):
        shards: str = "shards"

        def progress(done: int, total: int) -> None:
            if on_event is not None:
                on_event({"rank": 0, "kind": "prepare", "done": done, "total": total})

        task_class(wanted.task).prepare(wanted, material, place.path / shards, progress=progress)
        provenance = dict(material.provenance)
    elif material is not None:
        shards, provenance = str(Path(material).absolute()), {}
        if not Path(shards).is_dir():
            raise FileNotFoundError(f"{shards} is no folder of prepared data: give one, or Material to prepare it from")
        if resume and place.shards().resolve() == Path(shards).resolve():
            shards, provenance = place.data()["shards"], place.data()["provenance"]
    elif resume:
        shards, provenance = place.data()["shards"], place.data()["provenance"]
    else:
        raise ValueError("there is nothing to train on: give Material, or the folder of prepared data")
    place.write(wanted, {"shards": shards, "provenance": provenance})
