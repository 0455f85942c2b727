"""A rank on a dask worker: a task that minds the child process of the rank, and ends it when it should.

The task leaves its thread to other tasks while it waits. The child needs no more than a pipe to this process: when the
worker goes, however it goes, the pipe closes and the child ends.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dask.system import CPU_COUNT
from distributed import get_worker, secede
from distributed.comm.addressing import get_address_host

from adaf_xr.training.launch.board import Reading
from adaf_xr.training.launch.child import INTERNAL
from adaf_xr.training.launch.errors import ABSENT, STOPPED, Failure
from adaf_xr.training.launch.following import HUNG, Options
from adaf_xr.training.launch.network import LOOPBACK, gloo
from adaf_xr.training.launch.process import SCRIPT, Log, Process, environment, failure, prepare, stands

TICK = 0.1
"""Seconds between two looks at the child."""


@dataclass(frozen=True)
class Place:
    """Of one rank in its job.

    Attributes
    ----------
    job : str
        Name of the job, of its board and of the topic of its messages.
    rank, world : int
        Which rank, and of how many.
    local, sharing : int
        Which it is of the ranks on its host, and of how many.
    meeting : str
        The host of rank 0, where all meet.
    """

    job: str
    rank: int
    world: int
    local: int
    sharing: int
    meeting: str


def host_of(address: str) -> str:
    """The host in the address of a worker; workers that are threads of one process are on its loopback.

    Examples
    --------
    >>> from adaf_xr.training.launch.worker import host_of
    >>> host_of("tls://192.0.2.7:40331"), host_of("tcp://[fd00::2]:40331"), host_of("inproc://192.0.2.7/1234/5")
    ('192.0.2.7', 'fd00::2', '127.0.0.1')
    """
    return LOOPBACK if address.startswith("inproc:") else get_address_host(address)


def mind(program: bytes, place: Place, options: Options) -> dict[str, Any]:
    """Run one rank to its end, as a task of its worker.

    Parameters
    ----------
    program : bytes
        The pickled function and its arguments, which only the child opens.
    place : Place
        Which rank, in which job.
    options : Options
        Of the job.

    Returns
    -------
    dict
        ``{"result": bytes}``, or ``{"failure": ...}`` as `Failure` takes it.
    """
    worker = get_worker()
    secede()
    host = host_of(worker.address)
    threads = options.threads or max(1, CPU_COUNT // place.sharing)
    # Workers of dask-cuda have one GPU each; others that share a host are given one each here.
    variables = environment(threads, CUDA_VISIBLE_DEVICES=str(place.local), **gloo(host))
    with (
        # A worker that comes back under the address of a dead one is given its task again: its job has no board by now.
        closing(Reading(place.job, options.lease)) as board,
        tempfile.TemporaryDirectory(prefix=f"{place.job}-{place.rank}-") as name,
    ):
        folder = Path(name)
        prepare(folder, program, **options.spec(place.world, place.rank, place.meeting, host, threads))
        process = Process([sys.executable, SCRIPT, name], variables, folder / f"rank-{place.rank}.log")
        try:
            # As text: a worker that is to send a number or a string that dask cannot pack loses its scheduler.
            rank = _Rank(place.rank, host, folder, process, lambda said: worker.log_event(place.job, json.dumps(said)))
            rank.say({"rank": place.rank, INTERNAL: "started"})
            return rank.follow(board)
        finally:
            process.end()


@dataclass
class _Rank:
    """A child at work."""

    number: int
    host: str
    folder: Path
    process: Process
    publish: Callable[[list[dict[str, Any]]], None]
    pid: int | None = None
    called: bool = False

    def say(self, *messages: dict[str, Any]) -> None:
        """Send messages to the client, in one piece."""
        for message in messages:
            if message.get(INTERNAL) == "joined":
                self.pid = message["pid"]
        if messages:
            self.publish(list(messages))

    def follow(self, board: Reading) -> dict[str, Any]:
        """Mind the child until it has ended or is to end."""
        log = Log(self.folder / f"rank-{self.number}.log", self.number)
        while (code := self.process.ended()) is None:
            self.say(*self.process.messages())
            log.forward()
            if board.port is not None and self.number and not self.called:
                self.process.tell(str(board.port))
                self.called = True
            if board.stop is not None or board.left:
                told = self._stopped(board.stop)
                break
            time.sleep(TICK)
        self.process.end()
        self.say(*self.process.messages())
        log.forward()
        if code is None:
            return {"failure": told.as_dict()}
        result = self.folder / f"rank-{self.number}.result"
        if code == 0 and result.exists():
            return {"result": result.read_bytes()}
        return {"failure": failure(self.folder, self.number, self.host, code).as_dict()}

    def _stopped(self, why: str | None) -> Failure:
        """What to tell of a child that is about to be ended."""
        if why is None:
            return Failure(self.number, self.host, STOPPED, "its client gave no sign of life")
        if not why.startswith(HUNG):
            return Failure(self.number, self.host, STOPPED, why)
        if self.pid is None:
            return Failure(self.number, self.host, ABSENT, why, when=time.time())
        return next(iter(stands(self.folder, {self.number: self.pid}, self.host, why)))
