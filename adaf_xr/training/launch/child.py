"""The process of one rank. It is run by its path, and needs the standard library alone until it watches its parent.

Its folder holds ``spec.json`` and ``program.pickle``; it leaves ``rank-R.result`` or ``rank-R.failure`` there, what it
prints in ``rank-R.log``, and on SIGUSR1 where it stands in ``rank-R.stack``. Messages go to the standard output it was
started with, one line each.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import queue
import select
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

MARK = "@@"
"""How a line begins that is a message."""

INTERNAL = "@"
"""The key of what a rank says to its launcher and not to the user."""

ORPHANED = 3
"""Exit code of a rank whose parent went away."""


def main(folder: Path) -> None:
    """Be the rank that the folder describes, and end this process."""
    spec = json.loads((folder / "spec.json").read_text())
    shared = spec["rank"] is None
    rank = int(os.environ["RANK"]) if shared else int(spec["rank"])
    parent = Parent(None if shared else folder)
    say = Messages(folder, rank)
    try:
        _work(folder, spec, rank, say, parent)
        code = 0
    except BaseException as error:
        code = 1
        write(folder / f"rank-{rank}.failure", json.dumps(described(error)).encode())
    # No waiting for threads of the user or of torch: what counts is on disk.
    with suppress(Exception):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _work(folder: Path, spec: dict[str, Any], rank: int, say: Messages, parent: Parent) -> None:
    import cloudpickle

    with (folder / "program.pickle").open("rb") as file:
        fn, args, kwargs = cloudpickle.load(file)
    store = None
    if spec["host"] is None:
        join(spec)
    else:
        store = meet(spec, rank, lambda port: say(**{INTERNAL: "rendezvous", "port": port}), parent.port)
    say(**{INTERNAL: "joined", "pid": os.getpid(), "host": spec["here"]})
    value = fn(rank, spec["world"], say, *args, **kwargs)
    try:
        result = cloudpickle.dumps(value)
    except Exception as error:
        raise TypeError(
            f"the result of the function, a {type(value).__name__}, does not pickle ({error}): "
            "return plain values or arrays, or the path of a file"
        ) from error
    write(folder / f"rank-{rank}.result", result)
    if store is not None:
        leave(store, rank, spec["world"])


def ready(spec: dict[str, Any]) -> str:
    """Set up torch in this process; the backend to use."""
    import torch

    if spec["threads"]:
        torch.set_num_threads(spec["threads"])
    gpu = torch.cuda.is_available()
    if gpu:
        # A dask worker shows its rank one GPU, which is number 0; torchrun shows all and says which.
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    return spec["backend"] or ("nccl" if gpu else "gloo")


def join(spec: dict[str, Any]) -> None:
    """Meet the other ranks where torchrun's environment says."""
    import torch.distributed as dist

    dist.init_process_group(ready(spec), timeout=dt.timedelta(seconds=spec["timeout"]))


def meet(spec: dict[str, Any], rank: int, publish: Callable[[int], None], port: Callable[[float], int]) -> Any:
    """Meet the other ranks at the host of rank 0, on a port that its system chooses.

    The port is bound when it becomes known: nobody else can take it.

    Parameters
    ----------
    spec : dict
        `world`, `timeout`, `threads`, `backend`, and the `host` of rank 0.
    rank : int
        Which one this is.
    publish : callable
        Tells the port, on rank 0.
    port : callable
        Waits for it on the others, no longer than it is given.

    Returns
    -------
    torch.distributed.TCPStore
        Which rank 0 keeps for all.
    """
    import torch.distributed as dist

    limit, backend = dt.timedelta(seconds=spec["timeout"]), ready(spec)
    at = port(spec["timeout"]) if rank else 0
    store = dist.TCPStore(spec["host"], at, spec["world"], not rank, timeout=limit, wait_for_workers=False)
    if rank == 0:
        publish(store.port)
        store.set("adaf/backend", backend)
    elif (chosen := store.get("adaf/backend").decode()) != backend:
        raise RuntimeError(
            f'rank {rank} would use "{backend}" and rank 0 "{chosen}": give every rank a GPU of its own '
            '(dask-cuda does), or say backend="gloo"'
        )
    dist.init_process_group(backend, store=store, rank=rank, world_size=spec["world"], timeout=limit)
    return store


def leave(store: Any, rank: int, world: int) -> None:
    """Part from the others: they may still need what rank 0 keeps, which is the last to go."""
    store.add("adaf/finished", 1)
    while rank == 0 and store.add("adaf/finished", 0) < world:
        time.sleep(0.05)


class Parent:
    """Who started this process, and what becomes of it: without a parent, a rank ends at once.

    The pipe to standard input closes when the parent goes, however it goes. Where torchrun stands between, the parent
    that counts for the pipe is the grandparent, so that the parent's number is watched too.

    Parameters
    ----------
    leftover : Path, optional
        A folder that nobody is left to clear away.
    """

    def __init__(self, leftover: Path | None) -> None:
        self._leftover = leftover
        self._number = os.getppid()
        self._pipe = os.dup(0)
        self._ports: queue.SimpleQueue[int] = queue.SimpleQueue()
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        threading.Thread(target=self._watch, name="parent", daemon=True).start()

    def port(self, timeout: float) -> int:
        """The port that the parent tells, in its only line."""
        try:
            return self._ports.get(timeout=timeout)
        except queue.Empty:
            raise TimeoutError(f"rank 0 did not say within {timeout:g} s where it waits for the others") from None

    def _watch(self) -> None:
        heard = b""
        while os.getppid() == self._number:
            if not select.select([self._pipe], [], [], 1.0)[0]:
                continue
            if not (piece := os.read(self._pipe, 1024)):
                break
            *lines, heard = (heard + piece).split(b"\n")
            for line in lines:
                self._ports.put(int(line))
        if self._leftover is not None:
            clear(self._leftover)
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)  # with whatever the user's function has started
        os._exit(ORPHANED)


def clear(folder: Path, patience: float = 2.0) -> None:
    """Remove a folder in which another thread may be making files: what appears meanwhile is removed as well."""
    limit = time.monotonic() + patience
    while folder.exists() and time.monotonic() < limit:
        shutil.rmtree(folder, ignore_errors=True)


class Messages:
    """What a rank says, on the standard output it was given; whatever else is printed goes to its log.

    Called with keywords, this is the `emit` of the user's function. Several ranks may share one pipe under torchrun: a
    lock keeps their lines whole. Threads may share it too.
    """

    def __init__(self, folder: Path, rank: int) -> None:
        import faulthandler
        import fcntl

        self._rank = rank
        self._out = os.dup(1)
        self._lock = os.open(folder / "spec.json", os.O_RDONLY)
        self._thread = threading.Lock()
        self._flock, self._on, self._off = fcntl.flock, fcntl.LOCK_EX, fcntl.LOCK_UN
        log = os.open(folder / f"rank-{rank}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for stream in (1, 2):
            os.dup2(log, stream)
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        faulthandler.enable()
        self._stack = (folder / f"rank-{rank}.stack").open("w")
        faulthandler.register(signal.SIGUSR1, file=self._stack, all_threads=False)

    def __call__(self, **message: Any) -> None:
        """Say it, as one line of JSON."""
        line = f"{MARK}{encode({**message, 'rank': self._rank})}\n".encode()
        with self._thread:
            self._flock(self._lock, self._on)
            try:
                while line:
                    line = line[os.write(self._out, line) :]
            finally:
                self._flock(self._lock, self._off)


def write(path: Path, content: bytes) -> None:
    """A file that is there as a whole or not at all."""
    draft = path.with_name(path.name + ".draft")
    draft.write_bytes(content)
    os.replace(draft, path)


def described(error: BaseException) -> dict[str, Any]:
    """An error in what can be sent: what it says, its traceback without this file, and when."""
    said = traceback.TracebackException.from_exception(error)
    said.__notes__ = None  # they come after what it says; the traceback has them
    beyond = error.__traceback__
    while beyond is not None and beyond.tb_frame.f_code.co_filename == __file__:
        beyond = beyond.tb_next
    return {
        "detail": list(said.format_exception_only())[-1].strip(),
        "traceback": "".join(traceback.format_exception(type(error), error, beyond or error.__traceback__)),
        "when": dt.datetime.now().timestamp(),
    }


def encode(message: dict[str, Any]) -> str:
    """One line of JSON; numbers of numpy and torch, instants and paths become plain values.

    Raises
    ------
    TypeError
        Where a value is none of these.

    Examples
    --------
    >>> import numpy as np
    >>> from adaf_xr.training.launch.child import encode
    >>> encode({"loss": np.float32(0.5), "shape": (2, 3)})
    '{"loss": 0.5, "shape": [2, 3]}'
    """
    return json.dumps(message, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, dt.date | dt.timedelta) or type(value).__name__ in ("datetime64", "timedelta64"):
        return str(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"emit() takes numbers, text, and lists and mappings of them, not {type(value).__name__}")


if __name__ == "__main__":
    # Python put the folder of this script first on the path, where its neighbours would pass for top-level modules.
    sys.path[:] = [entry for entry in sys.path if entry != os.path.dirname(os.path.abspath(__file__))]
    main(Path(sys.argv[1]))
