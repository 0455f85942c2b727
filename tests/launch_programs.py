"""Functions that tests run as the ranks of a job: importable, as a training function is."""

import os
import signal
import time
from pathlib import Path


def sum_of_ranks(rank, world, emit, factor=1):
    """What needs every rank to be there: each gets the same sum of all."""
    import torch
    import torch.distributed as dist

    mine = torch.tensor([float(factor * (rank + 1))], dtype=torch.float64)
    if world > 1:
        dist.all_reduce(mine)
    emit(kind="step", loss=mine[0])
    return {"rank": rank, "world": world, "sum": mine.item(), "pid": os.getpid(), "threads": torch.get_num_threads()}


def _wait_for_the_others():
    import torch
    import torch.distributed as dist

    dist.all_reduce(torch.zeros(1))


def fails(rank, world, emit, how, culprit):
    """One rank goes in its own way while the others wait for it."""
    _wait_for_the_others()
    emit(kind="step", epoch=0)
    if rank == culprit:
        print(f"rank {rank} is about to fail")
        end = {"raise": _raise, "exit": lambda: os._exit(13), "kill": lambda: os.kill(os.getpid(), signal.SIGKILL)}
        end.get(how, _hang)()
    _wait_for_the_others()


def _raise():
    raise ValueError("the loss is nan")


def _hang():
    time.sleep(600)


def meets_the_other_job(rank, world, emit, folder, mine, other):
    """Ends only when all ranks of both jobs run at the same time, each in its own group."""
    _wait_for_the_others()
    Path(folder, f"{mine}-{rank}").touch()
    wanted = [Path(folder, f"{job}-{r}") for job in (mine, other) for r in range(world)]
    limit = time.monotonic() + 60
    while not all(path.exists() for path in wanted):
        if time.monotonic() > limit:
            raise TimeoutError("the other job did not start")
        time.sleep(0.05)
    return sum_of_ranks(rank, world, emit, factor={"a": 1, "b": 10}[mine])["sum"]


def many_messages(rank, world, emit, number, size):
    """Long messages from several ranks at once."""
    for i in range(number):
        emit(kind="count", i=i, text="x" * size)
    return number


def unpicklable(rank, world, emit):
    """A result that cannot travel."""
    return open(os.devnull)
