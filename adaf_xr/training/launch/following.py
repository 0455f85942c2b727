"""What the client of a job knows of its ranks, from what they say: who has joined, and for how long all were silent."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from adaf_xr.training.launch.child import INTERNAL, encode

OnEvent = Callable[[dict[str, Any]], object]

HUNG = "no rank said anything"
"""How it begins to be said that a job hangs: then each rank is to tell where it stands."""


def told_here(rank: int, on_event: OnEvent) -> Callable[..., None]:
    """The `emit` of a rank that is in this process: its listener sees what it would see if the rank were far away."""

    def emit(**message: Any) -> None:
        on_event(json.loads(encode({**message, "rank": rank})))

    return emit


@dataclass(frozen=True)
class Options:
    """What holds for all ranks of a job, with the meaning of the arguments of `launch`."""

    stall: float | None = None
    timeout: float = 300.0
    threads: int | None = None
    backend: str | None = None
    lease: float = 30.0

    def spec(self, world: int, rank: int | None, host: str | None, here: str, threads: int) -> dict[str, Any]:
        """What a child is told: `host` is where rank 0 is, `here` where the child itself is.

        A `rank` and `host` of None are in torchrun's environment.
        """
        return {
            "world": world,
            "rank": rank,
            "host": host,
            "here": here,
            "threads": threads,
            "timeout": self.timeout,
            "backend": self.backend,
        }


@dataclass
class Following:
    """The state of a job as heard.

    Attributes
    ----------
    world : int
        Number of ranks.
    options : Options
        Of the job.
    on_event : callable
        Of the user.
    started, joined : dict
        What each rank said of itself when its process was started, and when it had met the others.
    port : int or None
        Where rank 0 waits for the others.
    """

    world: int
    options: Options
    on_event: OnEvent
    started: dict[int, dict[str, Any]] = field(default_factory=dict)
    joined: dict[int, dict[str, Any]] = field(default_factory=dict)
    port: int | None = None
    _since: float = field(default_factory=time.monotonic)

    def hear(self, message: dict[str, Any]) -> None:
        """Take a message: what is meant for the user goes there."""
        rank = message["rank"]
        match message.get(INTERNAL):
            case None:
                self.on_event(message)
            case "started":
                self.started[rank] = message
            case "rendezvous":
                self.port = message["port"]
            case "joined":
                self.joined[rank] = message
                self.on_event({"rank": rank, "kind": "joined", "pid": message["pid"], "host": message["host"]})
        # What the user's function takes its time for is no silence of the ranks.
        self._since = time.monotonic()

    @property
    def complete(self) -> bool:
        """Whether all ranks have met."""
        return len(self.joined) == self.world

    def overdue(self) -> str | None:
        """Why this job is not to be waited for any longer, or None.

        Before all have met, `timeout` counts from the last that was heard, and after that `stall`.
        """
        silent = time.monotonic() - self._since
        if not self.complete:
            # The ranks' own limits, which know more, come first.
            return f"not all ranks met within {self.options.timeout:g} s" if silent > self.options.timeout + 5 else None
        if self.options.stall is None or silent <= self.options.stall:
            return None
        return f"{HUNG} for {self.options.stall:g} s"
