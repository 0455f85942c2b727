"""Ranks on a dask cluster: one child process of each worker, followed from the client."""

from __future__ import annotations

import json
import queue
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import cloudpickle
from distributed import Client, Future, default_client

from adaf_xr.training.launch.board import ANSWER, Board
from adaf_xr.training.launch.errors import ABSENT, LOST, STALLED, STOPPED, Failure, RankFailedError
from adaf_xr.training.launch.following import HUNG, Following, OnEvent, Options
from adaf_xr.training.launch.worker import Place, host_of, mind

TICK = 0.1
"""Seconds between two looks at what was heard."""

COUNT = 0.5
"""Seconds between two counts of the workers."""

ASKED = 3
"""How many times in a row the scheduler may fail to say which workers there are, before it counts as gone."""

GRACE = 5.0
"""Seconds for the other ranks to say how they ended, once one has failed."""


def run(
    fn: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    client: Client | None,
    ranks: int | None,
    on_event: OnEvent,
    options: Options,
) -> list[Any]:
    """Run a rank on each of `ranks` workers, and follow them to their end.

    Parameters
    ----------
    fn, args, kwargs
        As for `launch`.
    client : distributed.Client or None
        None: the current one.
    ranks : int or None
        None: one per worker.
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
    ValueError
        Where there is no client, or there are fewer workers than ranks.
    """
    client = client or _current()
    workers = _chosen(client, ranks)
    job = _Job(client, workers, Following(len(workers), options, on_event))
    with job.started(cloudpickle.dumps((fn, args, kwargs))):
        return [cloudpickle.loads(result) for result in job.results()]


def _current() -> Client:
    try:
        return default_client()
    except ValueError:
        raise ValueError(
            'launcher="dask" needs a cluster: make a distributed.Client first, or hand one over as client=...'
        ) from None


def _chosen(client: Client, ranks: int | None) -> list[str]:
    if client.asynchronous:
        raise ValueError("launch() waits for its job, which an asynchronous client cannot: make a Client without it")
    workers = sorted(client.nthreads())
    if not workers or len(workers) < (ranks or 1):
        raise ValueError(
            f"{ranks or 1} rank(s) need as many dask workers, and the cluster has {len(workers)}: scale it up "
            f"and wait, client.wait_for_workers({ranks or 1}), or ask for fewer ranks"
        )
    return workers[:ranks]


class _Job:
    """A job on a cluster, as its client has it in hand."""

    def __init__(self, client: Client, workers: list[str], following: Following) -> None:
        self.name = f"adaf-{uuid.uuid4().hex[:12]}"
        self.client, self.workers, self.following = client, workers, following
        self.heard: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.done: dict[int, bytes] = {}
        self.failures: dict[int, Failure] = {}
        self.futures: list[Future] = []
        self._patience = dict.fromkeys(range(len(workers)), GRACE)
        self._counted = 0.0
        self._unanswered = 0
        self._called = False

    @contextmanager
    def started(self, program: bytes) -> Iterator[None]:
        """Start the ranks; at the end they are gone, whatever happened, and so is every trace on the scheduler."""
        with ExitStack() as ends:
            self.board = Board(self.client, self.name, self.following.options.lease)
            ends.callback(self.board.remove)
            self.client.subscribe_topic(self.name, lambda event: self.heard.put(event[1]))
            ends.callback(self._forget)
            for address, place in zip(self.workers, self._places(), strict=True):
                self.futures.append(self._submit(address, place, program))
            yield

    def _submit(self, address: str, place: Place, program: bytes) -> Future:
        """The task that minds a rank: on its worker, ahead of other tasks, and never again elsewhere."""
        return self.client.submit(
            mind,
            program,
            place,
            self.following.options,
            key=f"{self.name}-rank-{place.rank}",
            workers=[address],
            allow_other_workers=False,
            pure=False,
            retries=0,
            priority=10,
        )

    def _forget(self) -> None:
        self._end("its client gave up")
        # A client without its scheduler has forgotten already, and what it asks for takes half a minute to fail.
        with suppress(Exception):
            if self._connected:
                self.client.cancel(self.futures, force=True)
                self.client.unsubscribe_topic(self.name)

    @property
    def _connected(self) -> bool:
        return bool(self.client.status == "running")

    def _places(self) -> Iterator[Place]:
        hosts = [host_of(address) for address in self.workers]
        sharing, local = Counter(hosts), Counter[str]()
        for rank, host in enumerate(hosts):
            yield Place(self.name, rank, len(hosts), local[host], sharing[host], hosts[0])
            local[host] += 1

    def results(self) -> list[bytes]:
        """Follow the ranks until all have returned."""
        while self._open():
            self._look()
            self._hear()
            if self.failures:
                self._end("another rank failed")
            elif silence := self.following.overdue():
                self._end(silence)
            if self.failures:
                self._hear()
                raise RankFailedError(failure for _, failure in sorted(self.failures.items()))
            time.sleep(TICK)
        return [result for _, result in sorted(self.done.items())]

    def _open(self) -> list[int]:
        """The ranks of which no end is known."""
        return [rank for rank in range(len(self.futures)) if rank not in self.done and rank not in self.failures]

    def _hear(self) -> None:
        while not self.heard.empty():
            for message in json.loads(self.heard.get()):
                self.following.hear(message)
        if self.following.port is not None and not self._called:
            self.board.write(port=self.following.port)
            self._called = True

    def _look(self) -> None:
        """See which ranks have ended, and which workers. What a rank has said is here before its end is."""
        if not self._connected or time.monotonic() - self._counted > COUNT:
            self._counted = time.monotonic()
            self._count()
        for rank in self._open():
            future = self.futures[rank]
            if future.status == "finished":
                # In vain where the worker that keeps the result goes at this moment, which the next count will see,
                # or where the result is large: then there is more patience the next time.
                with suppress(Exception):
                    self._ended(rank, future.result(timeout=self._patience[rank]))
                self._patience[rank] *= 2
            elif future.status != "pending":
                error = future.exception(timeout=GRACE) if future.status == "error" else future.status
                self._fail(rank, LOST, f"the task that minds it ended: {error!r}")

    def _ended(self, rank: int, told: dict[str, Any]) -> None:
        if "result" in told:
            self.done[rank] = told["result"]
        else:
            self.failures[rank] = Failure(**told["failure"])

    def _count(self) -> None:
        alive: set[str] = set()
        gone = "may be there, but the scheduler is gone"
        if self._connected:
            try:
                alive, self._unanswered = self._alive(), 0
                gone = "is gone: killed, out of memory, or scaled away"
            except OSError:
                self._unanswered += 1
                if self._unanswered < ASKED:
                    return
        for rank in self._open():
            if self.workers[rank] not in alive:
                self._fail(rank, LOST, f"{self.workers[rank]} {gone}")

    def _alive(self) -> set[str]:
        """The workers that the scheduler knows, if it says so in time."""
        return set(self.client.sync(self.client.scheduler.ncores, callback_timeout=ANSWER))

    def _fail(self, rank: int, reason: str, detail: str) -> None:
        self.failures[rank] = Failure(rank, host_of(self.workers[rank]), reason, detail, when=time.time())

    def _end(self, why: str) -> None:
        """Call the job off, and wait until every rank has said how it ended."""
        if not self._open():
            return
        with suppress(Exception):
            if self._connected:
                self.board.write(stop=why)
        limit = time.monotonic() + GRACE
        while self._open() and time.monotonic() < limit:
            time.sleep(TICK)
            with suppress(Exception):
                self._look()
        for rank in self._open():
            if rank not in self.following.started:
                self._fail(rank, ABSENT, f"{why}; its worker {self.workers[rank]} is busy with other tasks, or paused")
            elif why.startswith(HUNG):
                self._fail(rank, STALLED, f"{why}, and {self.workers[rank]} does not say where it stands")
            else:
                self._fail(rank, STOPPED, f"{why}, and it did not say how it ended")
