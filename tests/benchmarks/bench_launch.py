"""Seconds of the launchers, and until a failure is known: ``python tests/benchmarks/bench_launch.py``.

Two ranks on this machine. Start-up counts from the call until both ranks have met, the whole job until its results are
here. Detection counts from the moment at which a rank goes, by its own clock, until the error is here and every process
of the job is gone. A hang is known after the stall time at best, which is 2 s here.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psutil
from distributed import Client, LocalCluster

from adaf_xr.training.launch import RankFailedError, launch

STALL = 2.0
REPEATS = 3


def program(rank: int, world: int, emit: Callable[..., None], how: str) -> int:
    """Meet, and end as told."""
    import torch
    import torch.distributed as dist

    meeting = torch.zeros(1)
    if world > 1:
        dist.all_reduce(meeting)
    if rank == world - 1:
        emit(kind="goes", at=time.time())
        ends = {"raise": _raise, "exit": lambda: os._exit(13), "killed": _die, "hang": _hang, "worker killed": _hang}
        ends.get(how, lambda: None)()
    if world > 1:
        dist.all_reduce(meeting)
    return rank


def _raise() -> None:
    raise ValueError("as asked")


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _hang() -> None:
    time.sleep(600)


class Clock:
    """When things happened in a job, and who took part."""

    def __init__(self, at_start: Callable[[], None]) -> None:
        self.met = self.goes = 0.0
        self.pids: list[int] = []
        self._at_start = at_start

    def __call__(self, event: dict[str, Any]) -> None:
        if event["kind"] == "joined":
            self.met = time.time()
            self.pids.append(event["pid"])
        if event["kind"] == "goes":
            self.goes = event["at"]
            self._at_start()

    def wait_until_all_are_gone(self) -> None:
        """Processes of the job, but this one."""
        while any(psutil.pid_exists(pid) and pid != os.getpid() and _runs(pid) for pid in self.pids):
            time.sleep(0.005)


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@contextmanager
def cluster() -> Iterator[Client]:
    """Two workers."""
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as here, Client(here) as client:
        yield client


def job(how: str, arguments: dict[str, Any], at_start: Callable[[], None] = lambda: None) -> tuple[float, float, float]:
    """Seconds until the ranks met, until the end, and from the failure to the end of all."""
    clock, start = Clock(at_start), time.time()
    try:
        launch(program, how, on_event=clock, stall=STALL if how == "hang" else None, **arguments)
        assert how == "none"
    except RankFailedError as error:
        assert error.rank == arguments["ranks"] - 1, error
    clock.wait_until_all_are_gone()
    end = time.time()
    return clock.met - start, end - start, end - clock.goes


def median(values: list[tuple[float, float, float]], which: int) -> str:
    """What a busy machine moves least."""
    return f"{sorted(value[which] for value in values)[len(values) // 2]:8.2f}"


def main() -> None:
    """Print a table of start-ups and one of failures."""
    with cluster() as client:
        launchers: dict[str, dict[str, Any]] = {
            "none": {"launcher": "none", "ranks": 1},
            "torchrun": {"launcher": "torchrun", "ranks": 2},
            "dask": {"launcher": "dask", "ranks": 2, "client": client},
        }
        print(f"{'launcher':12}{'ranks':>6}{'met (s)':>9}{'job (s)':>9}")
        for name, arguments in launchers.items():
            runs = [job("none", arguments) for _ in range(REPEATS)]
            print(f"{name:12}{arguments['ranks']:6}{median(runs, 0):>9}{median(runs, 1):>9}", flush=True)
        print(f"\n{'failure':16}{'torchrun (s)':>14}{'dask (s)':>10}")
        for how in ("raise", "exit", "killed", "hang"):
            cells = [median([job(how, launchers[name]) for _ in range(REPEATS)], 2) for name in ("torchrun", "dask")]
            print(f"{how:16}{cells[0]:>14}{cells[1]:>10}", flush=True)
        runs = []
        for _ in range(REPEATS):
            client.wait_for_workers(2)
            victim = sorted(client.run(os.getpid).items())[1][1]
            runs.append(job("worker killed", launchers["dask"], lambda pid=victim: os.kill(pid, signal.SIGKILL)))
        print(f"{'worker killed':16}{'':>14}{median(runs, 2):>10}")


if __name__ == "__main__":
    main()
