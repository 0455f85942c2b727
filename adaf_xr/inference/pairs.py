"""The graph between observation chunks and analysis times: encode every pair that can matter, add up in a tree.

Dask has no collection for "many chunks to many times, but only near ones". This layer holds the pairs as integers and
writes its tasks only when the graph is executed, so building and pickling a call costs the same for a day and a year.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from dask._task_spec import List, Task, TaskRef
from dask.highlevelgraph import Layer
from numpy.typing import NDArray

FAN_IN = 8
"""Partial results merged by one task."""


class PairWork(Protocol):
    """What the tasks of a :class:`PairLayer` do; picklable."""

    def encode(self, chunk: Any, scene: Any, /) -> Any:
        """Give the part of one chunk in the result of one time."""

    def merge(self, parts: list, /) -> Any:
        """Add parts up; of none, the neutral element."""

    def finish(self, whole: Any, scene: Any, /) -> Any:
        """Make the result of one time from its whole."""


class PairLayer(Layer):
    """Tasks ``(name, t)``: the sum over observation chunks of ``encode(chunk, scene[t])``.

    Parameters
    ----------
    name : str
        Prefix of all keys.
    work : PairWork
        What the tasks do.
    chunks : sequence of (str, int)
        Keys of the observation chunks.
    scenes : str
        Name of the array of scenes; scene ``t`` has the key ``(scenes, t)``.
    pairs : sequence of integer arrays
        For every time, the positions in `chunks` of those that can matter; a time without any gets ``merge([])``.
    """

    def __init__(
        self,
        name: str,
        work: PairWork,
        chunks: Sequence[tuple[str, int]],
        scenes: str,
        pairs: Sequence[NDArray[np.intp]],
    ) -> None:
        super().__init__()
        self.name, self.scenes, self.chunks, self.pairs = name, scenes, list(chunks), pairs
        self.work = work

    @cached_property
    def _tasks(self) -> dict[tuple, Task]:
        return {task.key: task for t in range(len(self.pairs)) for task in self._tasks_of(t)}

    def _tasks_of(self, t: int) -> Iterator[Task]:
        """Encode the pairs of one time, then merge by `FAN_IN` until one is left."""
        scene = TaskRef((self.scenes, t))
        level = []
        for c in self.pairs[t]:
            key = (f"{self.name}-pair", t, int(c))
            yield Task(key, self.work.encode, TaskRef(self.chunks[c]), scene)
            level.append(TaskRef(key))
        depth = 0
        while len(level) > FAN_IN:
            groups = [level[i : i + FAN_IN] for i in range(0, len(level), FAN_IN)]
            level = []
            for i, group in enumerate(groups):
                merged = (f"{self.name}-merge", t, depth, i)
                yield Task(merged, self.work.merge, List(*group))
                level.append(TaskRef(merged))
            depth += 1
        whole = (f"{self.name}-whole", t)
        yield Task(whole, self.work.merge, List(*level))
        yield Task((self.name, t), self.work.finish, TaskRef(whole), scene)

    def __reduce__(self) -> tuple:
        return (PairLayer, (self.name, self.work, self.chunks, self.scenes, self.pairs))

    def __getitem__(self, key: tuple) -> Task:
        return self._tasks[key]

    def __iter__(self) -> Iterator[tuple]:
        return iter(self._tasks)

    def __len__(self) -> int:
        return len(self._tasks)

    def is_materialized(self) -> bool:
        """Whether the tasks are written yet."""
        return "_tasks" in self.__dict__

    def get_output_keys(self) -> Set:
        """Keys that other layers may use."""
        return {(self.name, t) for t in range(len(self.pairs))}


@dataclass(frozen=True)
class Overlaps(Sequence):
    """For every analysis time, the chunks whose time bounds meet [time - before, time + after).

    A chunk whose bounds are unknown (NaT) can always matter; one without rows (start after stop) never does. The pairs
    are found when they are asked for, so that carrying this costs as much as the bounds.

    Attributes
    ----------
    start, stop : datetime64[ns], (n_chunks,)
        First and last time of every chunk.
    times : datetime64[ns], (n_times,)
        Analysis times.
    window : (timedelta64, timedelta64)
        Spans before and after.

    Examples
    --------
    >>> day = np.array(["2020-01-01", "2020-01-02", "NaT"], "datetime64[ns]")
    >>> noon, half = day[:2] + np.timedelta64(12, "h"), np.timedelta64(12, "h")
    >>> [pair.tolist() for pair in Overlaps(day, day + np.timedelta64(1, "h"), noon, (half, half))]
    [[0, 2], [1, 2]]
    """

    start: NDArray[np.datetime64]
    stop: NDArray[np.datetime64]
    times: NDArray[np.datetime64]
    window: tuple[np.timedelta64, np.timedelta64]

    def __len__(self) -> int:
        return self.times.size

    def __getitem__(self, t: Any) -> Any:
        before, after = self.window
        time = self.times[t]
        meets = (self.start <= self.stop) & (self.start < time + after) & (self.stop >= time - before)
        return np.flatnonzero(np.isnat(self.start) | meets)
