"""The one training function: what each rank of a job runs, whoever launches it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch

from adaf_xr.training import state
from adaf_xr.training.configuration import ConfigurationError
from adaf_xr.training.logs import Logs
from adaf_xr.training.loop import Loop
from adaf_xr.training.run_folder import RunFolder
from adaf_xr.training.state import Progress, StateError
from adaf_xr.training.stepping import Stepper
from adaf_xr.training.sums import everywhere
from adaf_xr.training.tasks import task_class


def run(rank: int, world: int, emit: Callable[..., object], folder: str, resume: bool = False) -> dict[str, Any]:
    """Train what a run folder asks for.

    Where `torch.distributed` is initialised the ranks train together, each on its share of every batch, and give the
    weights of one rank on the whole batches.

    Parameters
    ----------
    rank, world : int
    emit : callable
        Takes `kind=` "begin", "step", "validating", "epoch", "save", "note" and numbers, for the client.
    folder : str
        Of the run, seen by every rank; `adaf_xr.training.train` prepares it.
    resume : bool
        Go on from the saved state. Where none was saved yet the training begins at its first step, and says so.

    Returns
    -------
    dict
        `reason` ("finished", "early stop", or "terminated" where a SIGTERM came: the step in hand was finished and the
        state saved), `epoch` and `step` done, `best` (least validation loss) and `best_epoch`.

    Raises
    ------
    NotFiniteError
        Where the loss or its gradient is no number.
    StateError, ConfigurationError
        Where the saved state cannot be gone on from, or is not the same to all ranks.
    BusyError
        Where another process trains in this folder.
    """
    place = RunFolder(Path(folder))
    wanted = place.configuration()
    wanted.per_rank(world)
    device = device_of(wanted.device)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    with (
        _terminated() as asked,
        torch.random.fork_rng(devices=[device] if device.type == "cuda" else []),
        place.held() if rank == 0 else nullcontext(),
    ):
        task = task_class(wanted.task)(wanted, place.shards())
        stepper = Stepper(task, wanted, device, rank, world)
        loop = Loop(wanted, place, task, stepper, Progress(), emit, asked, rank=rank, world=world)
        if resume and place.state.exists():
            loop.progress = state.restore(place.state, wanted, loop.samples, stepper)
        elif resume:
            emit(kind="note", message=f"{place.state} does not exist: nothing was saved yet, so it begins at step 1")
        _require_the_same_everywhere(loop)
        emit(kind="begin", **_described(loop))
        if rank == 0:
            loop.logs = Logs(
                place, loop.progress.step, wanted.tensorboard, lambda text: emit(kind="note", message=text)
            )
            if over := loop.samples["train"] % wanted.batch:
                left = (
                    f"{over} of {loop.samples['train']} training samples are left out of every epoch, others each time"
                )
                emit(kind="note", message=f"{left}: they do not fill a batch of {wanted.batch}")
        try:
            reason = loop.run()
        finally:
            if loop.logs:
                loop.logs.close()
    done = loop.progress
    return {"reason": reason, "epoch": done.epoch, "step": done.step, "best": done.best, "best_epoch": done.best_epoch}


def device_of(name: str) -> torch.device:
    """The device of this rank.

    A launcher that gives each rank a GPU of its own hides the others; where several are seen, LOCAL_RANK chooses.

    Examples
    --------
    >>> device_of("cpu")
    device(type='cpu')
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigurationError(f"device = {name!r}: {str(error).splitlines()[0]}") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigurationError(f"device = {name!r}, and torch sees no CUDA here: set device to cpu or auto")
    if device.type == "cuda" and device.index is None:
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
    return device


def _require_the_same_everywhere(loop: Loop) -> None:
    """Ranks that begin at different steps, or on different data, would train to something that nobody asked for."""
    seen = everywhere({"step": loop.progress.step, **loop.samples})
    if any(other != seen[0] for other in seen):
        listed = "; ".join(f"rank {rank} {held}" for rank, held in enumerate(seen))
        raise StateError(
            f"the ranks do not see the same steps done and samples in {loop.folder.path}: {listed}. It must be one "
            "folder on a file system that they share; where that is slow to show what was written, resume once more"
        )


def _described(loop: Loop) -> dict[str, Any]:
    return {
        "name": loop.wanted.name,
        "step": loop.progress.step,
        "steps": loop.steps * loop.wanted.epochs,
        "epoch": loop.progress.epoch,
        "epochs": loop.wanted.epochs,
        "parameters": sum(weight.numel() for weight in loop.stepper.network.parameters()),
        "device": str(loop.stepper.device),
        "world": loop.world,
        **{f"{split}_samples": count for split, count in loop.samples.items()},
    }


@contextmanager
def _terminated() -> Iterator[Callable[[], bool]]:
    """Whether a SIGTERM came, as machines that are taken away send it; it does nothing else meanwhile."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    before = signal.signal(signal.SIGTERM, lambda number, frame: asked.set())
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGTERM, before)
