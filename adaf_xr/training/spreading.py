"""Work on many days with dask: how far it is, and which observations were missing in the end."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any

import dask
from dask.callbacks import Callback

from adaf_xr.training.material import MaterialError
from adaf_xr.training.shards import Shards

Progress = Callable[[int, int], None]
"""Called with the number of days done and of all."""


class SilentSourceWarning(UserWarning):
    """A source gave nothing on some days; they are kept, for a network must know days without it."""


class Counted:
    """Says how far it is, from the beginning on.

    Parameters
    ----------
    done, total : int
        Days that are there already, and all.
    progress : callable, optional
        Who hears of it.

    Examples
    --------
    >>> counted = Counted(1, 3, lambda done, total: print(done, "of", total))
    1 of 3
    >>> counted()
    2 of 3
    """

    def __init__(self, done: int, total: int, progress: Progress | None) -> None:
        self.done, self.total, self.progress = done, total, progress
        self(0)

    def __call__(self, more: int = 1) -> None:
        """Count `more` days as done."""
        self.done += more
        if self.progress:
            self.progress(self.done, self.total)


def spread(work: Callable[[Any], Any], days: Sequence[Any], counted: Counted) -> list[Any]:
    """Work on all days: on the cluster that is current, or as dask is configured.

    Parameters
    ----------
    work : callable
        From a day to its result; it must survive pickling where a cluster works. What it raises is raised here.
    days : sequence
        What the work takes, one after another.
    counted : Counted
        Called after each day.

    Returns
    -------
    list
        The results: on a cluster in the order in which they came, else in that of the days.

    Examples
    --------
    >>> spread(lambda day: day**2, [1, 2, 3], Counted(0, 3, None))
    [1, 4, 9]
    """
    client = _current_client()
    if client is None:
        # The work holds lazy fields: dask must not look inside, or it would compute them whole.
        tasks = [dask.delayed(work, pure=False, traverse=False)(day) for day in days]
        keys = {task.key for task in tasks}
        with Callback(posttask=lambda key, *_: counted() if key in keys else None):
            return list(dask.compute(*tasks))
    from distributed import as_completed

    results = []
    futures = client.map(work, days, pure=False)
    try:
        for future in as_completed(futures):
            results.append(future.result())
            counted()
    finally:  # what a failed day leaves to do is not wanted any more
        client.cancel(futures)
    return results


def require_written(shards: Shards) -> None:
    """Refuse to go on where days that were prepared are not in the folder that this process sees.

    Raises
    ------
    MaterialError
        Naming the first split that lacks some.
    """
    for split in shards.days:
        if lost := shards.missing(split):
            raise MaterialError(
                f"{len(lost)} days of {split!r} were prepared and are not in {shards.folder}: workers on other "
                "machines need a folder that all of them share"
            )


def warn_of_silence(silent: Iterable[Iterable[str]], days: int) -> None:
    """Say which sources were silent, and on how many of the days that were prepared.

    Parameters
    ----------
    silent : iterable of iterable of str
        Of each day the sources that gave nothing.
    days : int
        How many were prepared.

    Warns
    -----
    SilentSourceWarning
        For each source that gave nothing on some days.
    """
    for kind, times in sorted(Counter(chain.from_iterable(silent)).items()):
        warnings.warn(
            f"{kind} gave nothing on {times} of {days} days that were prepared; the days are kept without it",
            SilentSourceWarning,
            stacklevel=3,
        )


def _current_client() -> Any:
    """The client of the cluster that is current, if any."""
    from distributed import default_client

    try:
        return default_client()
    except ValueError:
        return None
