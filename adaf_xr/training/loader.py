"""Batches made ahead in a thread, and how long the steps had to wait for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from queue import Empty, Full, Queue
from types import TracebackType
from typing import Self

from adaf_xr.training.order import Draw
from adaf_xr.training.task import Batch

AHEAD = 2
"""Batches that wait at most: one that is ready while the next is made is enough, unless reading is uneven."""


class Loader:
    """A thread that makes batches while others are used; a context that ends it.

    Parameters
    ----------
    make : callable
        A draw -> its batch; called in the thread.
    draws : iterable of Draw
    ahead : int
        Batches ready at most.

    Attributes
    ----------
    waited : float
        Seconds that `next` has waited for batches so far.

    Examples
    --------
    >>> from adaf_xr.training.order import draws
    >>> with Loader(lambda draw: {"double": 2 * draw.step}, draws(seed=0, samples=4, batch=2, epochs=1)) as loader:
    ...     [(draw.step, batch["double"]) for draw, batch in loader]
    [(1, 2), (2, 4)]
    """

    def __init__(self, make: Callable[[Draw], Batch], draws: Iterable[Draw], ahead: int = AHEAD) -> None:
        self.make, self.draws, self.waited = make, draws, 0.0
        self._ready: Queue[tuple[Draw, Batch] | BaseException | None] = Queue(ahead)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._fill, name="adaf-loader", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._closing.set()
        while self._thread.is_alive():
            try:
                self._ready.get_nowait()
            except Empty:
                self._thread.join(0.02)

    def __iter__(self) -> Iterator[tuple[Draw, Batch]]:
        while True:
            before = time.perf_counter()
            found = self._ready.get()
            self.waited += time.perf_counter() - before
            if found is None:
                return
            if isinstance(found, BaseException):
                raise found
            yield found

    def _fill(self) -> None:
        """What the thread does; whatever goes wrong in it reaches the step that wanted the batch."""
        try:
            for draw in self.draws:
                try:
                    batch = self.make(draw)
                except Exception as error:
                    error.add_note(
                        f"while making the batch of step {draw.step} (epoch {draw.epoch}): samples {list(draw.indices)}"
                    )
                    raise
                if not self._put((draw, batch)):
                    return
            self._put(None)
        except BaseException as error:
            self._put(error)

    def _put(self, thing: tuple[Draw, Batch] | BaseException | None) -> bool:
        """Hand over, unless nobody wants it any more."""
        while not self._closing.is_set():
            try:
                self._ready.put(thing, timeout=0.1)
                return True
            except Full:
                continue
        return False
