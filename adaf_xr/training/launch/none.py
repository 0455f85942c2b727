"""The launcher that launches nothing: one rank, in this process."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from adaf_xr.training.launch.following import OnEvent, told_here


def run(
    fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], on_event: OnEvent, threads: int | None
) -> list[Any]:
    """`fn(0, 1, emit, ...)` here and now; its errors come as they are.

    Parameters
    ----------
    fn : callable
        The function of a rank.
    args, kwargs
        What it is called with after `rank, world, emit`.
    on_event : callable
        Takes its messages.
    threads : int, optional
        Of torch, while it runs.

    Returns
    -------
    list
        Its one result.
    """
    emit = told_here(0, on_event)
    emit(kind="joined", pid=os.getpid(), host=platform.node())
    with _threads(threads):
        return [fn(0, 1, emit, *args, **kwargs)]


@contextmanager
def _threads(number: int | None) -> Iterator[None]:
    """Torch's threads as asked for, and put back afterwards: this is the user's own process."""
    if number is None:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
