"""Ranks under torchrun: started by it on this machine, or, inside of it, being one."""

from __future__ import annotations

import os
import platform
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import cloudpickle
from dask.system import CPU_COUNT

from adaf_xr.training.launch import child
from adaf_xr.training.launch.errors import ABSENT, EXITED, STOPPED, Failure, RankFailedError
from adaf_xr.training.launch.following import Following, OnEvent, Options, told_here
from adaf_xr.training.launch.network import LOOPBACK, gloo
from adaf_xr.training.launch.process import SCRIPT, Log, Process, environment, failure, prepare, stands

TICK = 0.1
"""Seconds between two looks at the ranks."""

PATIENCE = 10.0
"""Seconds for torchrun to end by itself."""

GRACE = 3.0
"""Seconds for the other ranks to end by themselves, once one has failed."""


def inside() -> bool:
    """Whether torchrun, or another launcher of its kind, started this program as a rank."""
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


def act(
    fn: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    ranks: int | None,
    on_event: OnEvent,
    options: Options,
) -> list[Any]:
    """Be the rank that torchrun's environment says; the one result of it.

    Raises
    ------
    ValueError
        Where another number of ranks is asked for than torchrun has started.
    """
    import torch.distributed as dist

    rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    if ranks not in (None, world):
        raise ValueError(
            f"ranks={ranks}, but torchrun has started {world}: leave ranks out, or change --nproc-per-node"
        )
    ours = not dist.is_initialized()
    if ours:
        child.join(options.spec(world, rank, None, "", options.threads or 0))
    emit = told_here(rank, on_event)
    emit(kind="joined", pid=os.getpid(), host=platform.node())
    try:
        return [fn(rank, world, emit, *args, **kwargs)]
    finally:
        if ours:
            dist.destroy_process_group()


def run(
    fn: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    ranks: int | None,
    on_event: OnEvent,
    options: Options,
) -> list[Any]:
    """Start torchrun with `ranks` processes on this machine, and follow them to their end.

    Parameters
    ----------
    fn, args, kwargs
        As for `launch`.
    ranks : int or None
        None: one per GPU, or one without any.
    on_event : callable
        Takes the messages.
    options : Options
        Of the job.

    Returns
    -------
    list
        The results by rank.

    Raises
    ------
    RankFailedError
        Where a rank did not return.
    """
    world = ranks or _gpus() or 1
    threads = options.threads or max(1, CPU_COUNT // world)
    with tempfile.TemporaryDirectory(prefix="adaf-torchrun-") as name:
        folder = Path(name)
        prepare(
            folder, cloudpickle.dumps((fn, args, kwargs)), **options.spec(world, None, None, platform.node(), threads)
        )
        # All is on this machine, so that its own loopback will do, whatever its name resolves to.
        command = ["-m", "torch.distributed.run", "--standalone", f"--local-addr={LOOPBACK}"]
        command += [f"--nproc-per-node={world}", SCRIPT, name]
        variables = environment(threads, **gloo(LOOPBACK))
        process = Process([sys.executable, *command], variables, folder / "torchrun.log")
        job = Following(world, options, on_event)
        try:
            return _follow(process, folder, job)
        finally:
            process.end(PATIENCE)
            # Torchrun gives each rank a group of its own, which outlives the rank if it has started something.
            for said in job.joined.values():
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(said["pid"], signal.SIGKILL)


def _gpus() -> int:
    import torch

    return torch.cuda.device_count()


def _follow(process: Process, folder: Path, job: Following) -> list[Any]:
    logs = [Log(folder / f"rank-{rank}.log", rank) for rank in range(job.world)]
    results = [folder / f"rank-{rank}.result" for rank in range(job.world)]
    gone: set[int] = set()
    failed = 0.0
    while (code := process.ended()) is None:
        _listen(process, logs, job)
        if silence := job.overdue():
            raise RankFailedError(_silent(folder, job, silence))
        if not gone and (gone := _gone(folder, job, results)):
            failed = time.monotonic()
        if gone and time.monotonic() - failed > GRACE:
            # Torchrun asks the others to terminate, which a rank at work may take its time to do.
            process.hang_up()
        time.sleep(TICK)
    process.end()
    _listen(process, logs, job)
    if not all(path.exists() for path in results):
        raise RankFailedError(_failures(folder, job, code, gone))
    return [cloudpickle.loads(path.read_bytes()) for path in results]


def _gone(folder: Path, job: Following, results: list[Path]) -> set[int]:
    """The ranks that have ended without a result."""
    silent = {rank for rank, said in job.joined.items() if not _runs(said["pid"]) and not results[rank].exists()}
    return silent | {rank for rank in range(job.world) if _told(folder, rank)}


def _runs(pid: int) -> bool:
    import psutil  # type: ignore[import-untyped]

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _told(folder: Path, rank: int) -> bool:
    """Whether a rank has left its error."""
    return (folder / f"rank-{rank}.failure").exists()


def _listen(process: Process, logs: list[Log], job: Following) -> None:
    for message in process.messages():
        job.hear(message)
    for log in logs:
        log.forward()


_EXIT = re.compile(r"rank\s*:\s*(\d+).*\n\s*exitcode\s*:\s*(-?\d+)")
"""Where torchrun's report on failures names a rank and its exit code."""

_TERMINATED = -15
"""How torchrun ends the other ranks."""


def _failures(folder: Path, job: Following, code: int, gone: set[int]) -> Iterator[Failure]:
    """How each rank ended, where `gone` were the first: others were ended since, by torchrun or because of it."""
    report = Log(folder / "torchrun.log", 0).tail()
    codes = {int(rank): int(exit_code) for rank, exit_code in _EXIT.findall(report)}
    host = platform.node()

    def ended(ranks: Iterable[int]) -> dict[int, Failure]:
        return {rank: failure(folder, rank, host, codes.get(rank, 0)) for rank in ranks}

    known = ended(rank for rank in range(job.world) if _told(folder, rank))
    known |= ended(rank for rank in (gone or codes) if codes.get(rank, _TERMINATED) != _TERMINATED)
    if all(failure.echo for failure in known.values()):
        # Then one went without a word, which the report of torchrun lacks too where it exits with 0.
        known |= ended(gone - set(known))
    yield from (known.get(rank, Failure(rank, host, STOPPED)) for rank in range(job.world))
    if not known:
        yield Failure(0, host, EXITED, f"torchrun itself ended, with exit code {code}", "", report, time.time())


def _silent(folder: Path, job: Following, silence: str) -> Iterator[Failure]:
    host = platform.node()
    yield from stands(folder, {rank: said["pid"] for rank, said in job.joined.items()}, host, silence)
    for rank in set(range(job.world)) - set(job.joined):
        yield Failure(rank, host, ABSENT, silence, "", Log(folder / f"rank-{rank}.log", rank).tail(), time.time())
