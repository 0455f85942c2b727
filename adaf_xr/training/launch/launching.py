"""One call that runs a function as the ranks of a job: here, under torchrun, or on a dask cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adaf_xr.training.launch.following import Options

LAUNCHERS = ("none", "torchrun", "dask")


def launch(
    fn: Callable[..., Any],
    *args: Any,
    launcher: str = "none",
    ranks: int | None = 1,
    client: Any = None,
    on_event: Callable[[dict[str, Any]], object] | None = None,
    stall: float | None = None,
    timeout: float = 300.0,
    threads: int | None = None,
    backend: str | None = None,
    lease: float = 30.0,
    **kwargs: Any,
) -> list[Any]:
    """Run `fn(rank, world, emit, *args, **kwargs)` once per rank, and give the results in the order of the ranks.

    Under ``"torchrun"`` and ``"dask"`` every rank is a process of its own with `torch.distributed` initialised. The job
    ends as a whole: when one rank fails, the others are ended too, and the error names the rank that began it.

    Parameters
    ----------
    fn : callable
        The function of a rank; it, its arguments and its result travel by cloudpickle, so that large ones are best
        given as paths. `emit(**message)` sends numbers, text, and lists of them to `on_event`.
    *args, **kwargs
        Handed on to `fn`.
    launcher : {"none", "torchrun", "dask"}
        ``"none"``: in this process, one rank, no process group. ``"torchrun"``: processes of this machine; a program
        that torchrun itself started (`RANK` in the environment) acts as the rank that it is, and gets the one result of
        that rank. ``"dask"``: one child process of each dask worker.
    ranks : int, optional
        How many. None: one per dask worker; one per GPU of this machine, or one without any; one in this process.
    client : distributed.Client, optional
        Of the cluster; the current one if None.
    on_event : callable, optional
        Called in this thread with ``{"rank": r, **message}`` for every message, in order per rank. The launcher itself
        says ``kind="joined"`` with the `pid` and `host` of a rank. An error in it ends the job.
    stall : float, optional
        Seconds without a message of any rank after which the job counts as hung; None: never.
    timeout : float
        Seconds for the ranks to find one another, and for any one collective operation.
    threads : int, optional
        Of torch in each rank; by default the cores of a host divided by the ranks on it.
    backend : str, optional
        Of `torch.distributed`: "nccl" where there is a GPU and else "gloo", if None.
    lease : float
        Seconds without a sign of life of this process after which the ranks on a dask cluster end.

    Returns
    -------
    list
        The results by rank.

    Raises
    ------
    RankFailedError
        Where a rank raised, exited, was killed, stalled or lost its worker; with ``launcher="none"`` the error of `fn`
        comes as it is.
    ValueError
        For an unknown launcher, or more ranks than there is room for.

    Examples
    --------
    >>> from adaf_xr.training.launch import launch
    >>> def program(rank, world, emit, factor):
    ...     emit(kind="step", loss=0.5)
    ...     return factor * (rank + 1)
    >>> launch(program, 21, on_event=lambda event: print(event["rank"], event["kind"]))
    0 joined
    0 step
    [21]
    """
    on_event = on_event or _nobody
    if ranks is not None and ranks < 1:
        raise ValueError(f"ranks={ranks}: a job has one rank at least")
    if launcher == "none":
        from adaf_xr.training.launch import none

        if ranks not in (None, 1):
            raise ValueError(f'launcher="none" is one rank in this process, not {ranks}: use "torchrun" or "dask"')
        return none.run(fn, args, kwargs, on_event, threads)
    options = Options(stall, timeout, threads, backend, lease)
    if launcher == "torchrun":
        from adaf_xr.training.launch import torchrun

        start = torchrun.act if torchrun.inside() else torchrun.run
        return start(fn, args, kwargs, ranks, on_event, options)
    if launcher == "dask":
        from adaf_xr.training.launch import cluster

        return cluster.run(fn, args, kwargs, client, ranks, on_event, options)
    raise ValueError(f"unknown launcher {launcher!r}: there are {', '.join(LAUNCHERS)}")


def _nobody(event: dict[str, Any]) -> None:
    """Who does not listen."""
