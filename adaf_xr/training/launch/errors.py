"""What is told of a rank that did not do its work, and which of several failures is the cause of the others."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from textwrap import shorten
from typing import Any

RAISED, EXITED, KILLED, STALLED, WAITED, LOST, ABSENT, STOPPED = (
    "raised",
    "exited",
    "was killed",
    "stalled",
    "waited for another rank",
    "lost its dask worker",
    "never joined",
    "was stopped",
)
"""How a rank can fail. A rank that was stopped did nothing wrong: another one failed, or the user had enough."""

_ECHO = re.compile(
    r"connection (was )?(reset|closed|refused)|broken pipe|closed by peer|remote process exited|socket closed"
    r"|timed out waiting|wait timeout|failed to recv|communicator was aborted",
    re.IGNORECASE,
)
"""What torch says on the other ranks when one of them goes: the ends of their connections to it."""

_TORCH_ERRORS = ("RuntimeError", "DistBackendError", "DistNetworkError", "DistStoreError", "DistError")


@dataclass(frozen=True)
class Failure:
    """The end of one rank, in what can be sent from machine to machine.

    Attributes
    ----------
    rank : int
        Which one.
    host : str
        Where it ran.
    reason : str
        One of the ways of this module.
    detail : str
        The error in one line, the exit code, or where it stood.
    traceback : str
        Of the error, or of what a stalled rank was at; empty where there is none.
    output : str
        The last lines the rank wrote to its standard streams.
    when : float
        Seconds since 1970, by the clock of its host.
    """

    rank: int
    host: str
    reason: str
    detail: str = ""
    traceback: str = ""
    output: str = ""
    when: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @property
    def echo(self) -> bool:
        """Whether this is how torch says that another rank is gone."""
        error = self.detail.split(":", 1)[0].rsplit(".", 1)[-1]
        return self.reason == RAISED and error in _TORCH_ERRORS and bool(_ECHO.search(self.detail))

    def __str__(self) -> str:
        where = f" on {self.host}" if self.host else ""
        return f"rank {self.rank}{where} {self.reason}" + (
            f": {shorten(self.detail, 200, placeholder=' ...')}" if self.detail else ""
        )


class RankFailedError(RuntimeError):
    """A rank of a job failed, and the job was ended: all its processes are gone.

    Attributes
    ----------
    rank, host, reason, detail, traceback, output
        Of the rank that failed first of itself, as in `Failure`.
    others : tuple of Failure
        What the other ranks had to say; most often that their connection to this one was closed.

    Examples
    --------
    >>> from adaf_xr.training.launch.errors import Failure, RankFailedError
    >>> error = RankFailedError([Failure(1, "node7", "exited", "exit code 13"), Failure(0, "node3", "was stopped")])
    >>> error.rank, error.host
    (1, 'node7')
    >>> print(error)
    rank 1 on node7 exited: exit code 13
    """

    def __init__(self, failures: Iterable[Failure]) -> None:
        failures = tuple(failures)
        cause = root_cause(failures)
        self.failures = failures
        self.rank, self.host, self.reason, self.detail = cause.rank, cause.host, cause.reason, cause.detail
        self.traceback, self.output = cause.traceback, cause.output
        self.others = tuple(failure for failure in failures if failure is not cause)
        super().__init__(_message(cause, self.others))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.failures,)


def root_cause(failures: Iterable[Failure]) -> Failure:
    """The failure that brought about the others.

    A rank that was stopped is none; one that complains of a closed connection is one only if nobody else has a better
    reason; of several, the one that happened first.

    Parameters
    ----------
    failures : iterable of Failure
        At least one.

    Examples
    --------
    >>> from adaf_xr.training.launch.errors import Failure, root_cause
    >>> echo = Failure(0, "a", "raised", "RuntimeError: Connection closed by peer [127.0.0.1]:9", when=1.0)
    >>> root_cause([echo, Failure(1, "b", "was killed", "signal 9", when=2.0)]).rank
    1
    """
    return min(failures, key=_order)


def _order(failure: Failure) -> tuple[int, float, int]:
    if failure.reason == STOPPED:
        blame = 3
    elif failure.echo or failure.reason == WAITED:
        blame = 2
    else:
        blame = int(failure.reason == ABSENT)
    return blame, failure.when, failure.rank


def _message(cause: Failure, others: tuple[Failure, ...]) -> str:
    parts = [str(cause)]
    if cause.traceback:
        parts.append(cause.traceback.rstrip())
    if cause.output:
        parts.append(f"last output of rank {cause.rank}:\n{cause.output.rstrip()}")
    told = [_aside(other) for other in others if other.reason != STOPPED]
    if told:
        parts.append("Of the others, " + "; ".join(told))
    return "\n\n".join(parts)


def _aside(other: Failure) -> str:
    return f"rank {other.rank} lost its connection to it" if other.echo else str(other)
