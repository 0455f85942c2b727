"""Warnings of lazy work: they reach the user from threads, processes and dask workers alike."""

from __future__ import annotations

import warnings


class NoObservationsWarning(UserWarning):
    """The analysis rests on the background alone: no observation was usable."""


class SkippedSourceWarning(UserWarning):
    """A source was left out, and how much was lost with it."""


class LargeGraphWarning(UserWarning):
    """In-memory input travels with the graph."""


LARGE = 32 * 2**20
"""Bytes of in-memory input that draw a :class:`LargeGraphWarning`."""


def warn(message: str, category: type[Warning]) -> None:
    """Warn from inside a task; on a dask worker the warning is forwarded to the client."""
    try:
        from distributed import get_worker
        from distributed import warn as warn_client

        get_worker()
    except (ImportError, ValueError):
        warnings.warn(message, category, stacklevel=2)
    else:
        warn_client(message, category)


def warn_if_large(nbytes: int, what: str) -> None:
    """Say that in-memory input would travel to every worker."""
    if nbytes > LARGE:
        warnings.warn(
            f"{nbytes / 2**20:.0f} MiB of {what} are in memory and would travel with the graph to every worker: "
            "open the files with chunks={} instead, or .chunk() the dataset",
            LargeGraphWarning,
            stacklevel=2,
        )
