"""Functions run as the ranks of a job, importable as a training function is, and what tests need to know of ranks."""

import os
import signal
import subprocess
import threading
import time
from collections import defaultdict
from pathlib import Path

import psutil

HERE = Path(__file__).resolve().parent

ODD = {"many": 2**70, "text": "a name of bytes that are no text: \udcff"}
"""JSON can say this, and other formats cannot."""


class Listener:
    """Takes the messages of a job, and knows from them which processes it had."""

    def __init__(self):
        self.events = []
        self.last = time.monotonic()

    def __call__(self, event):
        self.events.append(event)
        self.last = time.monotonic()

    @property
    def pids(self):
        return {event["rank"]: event["pid"] for event in self.events if event["kind"] == "joined"}

    def by_rank(self):
        found = defaultdict(list)
        for event in self.events:
            found[event["rank"]].append({name: value for name, value in event.items() if name not in ("rank", "pid")})
        return dict(found)

    def assert_gone(self, ranks):
        """The ranks, and what they have started."""
        assert sorted(self.pids) == list(range(ranks))
        assert_gone([*self.pids.values(), *(event["started"] for event in self.events if "started" in event)])


def assert_gone(pids, seconds=60.0):
    """No such process, but for a moment in which the system clears it away."""
    limit = time.monotonic() + seconds
    while left := [pid for pid in pids if alive(pid)]:
        assert time.monotonic() < limit, f"left behind: {left}"
        time.sleep(0.05)


def alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def sum_of_ranks(rank, world, emit, factor=1):
    """What needs every rank to be there: each gets the same sum of all."""
    import torch
    import torch.distributed as dist

    mine = torch.tensor(float(factor * (rank + 1)), dtype=torch.float64)
    if world > 1:
        dist.all_reduce(mine)
    emit(kind="step", loss=mine)
    return {"rank": rank, "world": world, "sum": mine.item(), "pid": os.getpid(), "threads": torch.get_num_threads()}


def assert_talked(results, heard):
    """Two ranks that `talks` were one process each, knew of one another, and were heard in full."""
    told = [tuple(result[name] for name in ("rank", "world", "sum", "threads")) for result in results]
    assert told == [(0, 2, 3.0, 1), (1, 2, 3.0, 1)]
    assert {result["rank"]: result["pid"] for result in results} == heard.pids
    for said in heard.by_rank().values():
        assert [event["kind"] for event in said] == ["joined", "step", "started", "odd", *["count"] * 50]
        assert said[1]["loss"] == 3.0
        assert said[3] == {"kind": "odd", **ODD}
        assert [(event["i"], event["text"]) for event in said[4:]] == [(i, "x" * 20_000) for i in range(50)]
    heard.assert_gone(2)


def wait_for_the_others():
    import torch
    import torch.distributed as dist

    dist.all_reduce(torch.zeros(1))


def fails(rank, world, emit, how, culprit):
    """One rank ends in its own way while the others wait for it."""
    wait_for_the_others()
    emit(kind="step", started=starts())
    if rank == culprit:
        print(f"rank {rank} is about to {how}")
        END[how]()
    wait_for_the_others()


def starts():
    """A process of a rank's own, as loaders of data have them."""
    return subprocess.Popen(["sleep", "600"]).pid


def breaks():
    try:
        raise ValueError("the loss is nan")
    except ValueError as error:
        error.add_note("so it is, says \udcff")
        raise


def exits():
    os._exit(13)


def leaves():
    os._exit(0)


def dies():
    os.kill(os.getpid(), signal.SIGKILL)


def hangs():
    time.sleep(600)


END = {"raise": breaks, "exit": exits, "leave": leaves, "kill": dies, "hang": hangs}


def fails_while_the_other_is_deaf(rank, world, emit, how):
    """A rank at work that takes no notice of SIGTERM, as one that wants to save its state first."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    wait_for_the_others()
    emit(kind="step", started=starts())
    if rank == 1:
        print(f"rank 1 is about to {how}")
        END[how]()
    hangs()


def meets_the_other_job(rank, world, emit, folder, mine, other):
    """Ends only when all ranks of both jobs run at the same time, each in its own group."""
    wait_for_the_others()
    Path(folder, f"{mine}-{rank}").touch()
    wanted = [Path(folder, f"{job}-{r}") for job in (mine, other) for r in range(world)]
    limit = time.monotonic() + 60
    while not all(path.exists() for path in wanted):
        assert time.monotonic() < limit, "the other job did not start"
        time.sleep(0.05)
    return sum_of_ranks(rank, world, emit, factor={"a": 1, "b": 10}[mine])["sum"]


def talks(rank, world, emit, number, size):
    """Long messages, longer than what a pipe takes in one piece, from all ranks at once."""
    result = sum_of_ranks(rank, world, emit)
    emit(kind="started", started=starts())
    emit(kind="odd", rank=-1, **ODD)
    for i in range(number):
        emit(kind="count", i=i, text="x" * size)
    return result


def returns_much(rank, world, emit):
    """A result that takes its time to travel."""
    return bytes(100_000_000)


def returns_a_lock(rank, world, emit):
    """A result that cannot travel."""
    return threading.Lock()


def main_that_hangs(**where):
    """The client of a job that does not end by itself; it tells the processes of its ranks."""
    from adaf_xr.training.launch import launch

    def tell(event):
        if event["kind"] == "joined":
            print(event["pid"], flush=True)

    launch(fails, "hang", 1, ranks=2, on_event=tell, **where)
