"""What a client tells the ranks of its job: a variable on the scheduler that it writes, and that they read.

A number on it grows as long as the client lives. Ranks that have not seen it grow for the time of the lease end.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any

from distributed import Client, Variable

LOOK = 0.3
"""Seconds between two looks of a rank at the board."""

ANSWER = 10.0
"""Seconds in which the scheduler should answer."""


class Board:
    """The client's side.

    Parameters
    ----------
    client : distributed.Client
        Of the cluster.
    job : str
        Name of the job, and of the variable.
    lease : float
        Seconds after which ranks end that see no sign of life.
    """

    def __init__(self, client: Client, job: str, lease: float) -> None:
        self._variable = Variable(job, client=client)
        self._content: dict[str, Any] = {"beat": 0, "port": None, "stop": None}
        self._lock, self._over = threading.Lock(), threading.Event()
        self.write()
        self._heart = threading.Thread(target=self._beat, args=(lease / 4,), name="lease of a job", daemon=True)
        self._heart.start()

    def write(self, **content: Any) -> None:
        """Change what is on the board, which is a sign of life too."""
        with self._lock:
            if self._over.is_set():
                return
            self._content.update(content, beat=self._content["beat"] + 1)
            self._variable.set(dict(self._content), callback_timeout=ANSWER)

    def _beat(self, interval: float) -> None:
        while not self._over.wait(interval):
            # A scheduler that does not answer now may do so in time for the lease; if not, the ranks end.
            with suppress(Exception):
                if self._variable.client.status == "running":
                    self.write()

    def remove(self) -> None:
        """The job is over."""
        self._over.set()
        # A last beat may be under way, and must not put the board back.
        self._heart.join(ANSWER)
        with suppress(Exception):
            self._variable.delete()


class Reading:
    """The side of a rank: the board as last seen, looked at by a thread, so that a slow scheduler holds up nobody.

    Parameters
    ----------
    job : str
        Name of the variable.
    lease : float
        Seconds after which a board that does not change counts as left.
    """

    def __init__(self, job: str, lease: float) -> None:
        self._variable, self._lease = Variable(job), lease
        self._content = self._variable.get(timeout=ANSWER)
        self._changed = time.monotonic()
        self._over = threading.Event()
        threading.Thread(target=self._look, name="board of a job", daemon=True).start()

    def _look(self) -> None:
        while not self._over.wait(LOOK):
            with suppress(Exception):
                content = self._variable.get(timeout=ANSWER)
                if content["beat"] != self._content["beat"]:
                    self._content, self._changed = content, time.monotonic()

    @property
    def port(self) -> int | None:
        """Where rank 0 waits."""
        return self._content["port"]

    @property
    def stop(self) -> str | None:
        """Why the job is off, or None."""
        return self._content["stop"]

    @property
    def left(self) -> bool:
        """Whether the client has given no sign of life for the time of the lease; then the board goes too."""
        if time.monotonic() - self._changed <= self._lease:
            return False
        with suppress(Exception):
            self._variable.delete()
        return True

    def close(self) -> None:
        """Look no more."""
        self._over.set()
