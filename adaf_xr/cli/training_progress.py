"""What a person sees of a training: one bar, and a line for every epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

SMOOTHING = 0.1
"""Weight of a step in the mean duration that is shown."""


class Watch:
    """Takes the events of a training and shows those of its first rank.

    Parameters
    ----------
    bar : Progress
        Moved by steps.
    """

    def __init__(self, bar: Progress) -> None:
        self.bar = bar
        self.task = bar.add_task("starting", total=None, told="")
        self.pace: float | None = None
        self.begun: dict[str, Any] = {}

    def __call__(self, event: Mapping[str, Any]) -> None:
        """One event."""
        if event.get("rank", 0) != 0:
            return
        shown = {
            "prepare": self._prepare,
            "begin": self._begin,
            "step": self._step,
            "validating": self._validating,
            "epoch": self._epoch,
            "note": self._note,
        }
        if (show := shown.get(str(event.get("kind")))) is not None:
            show(event)

    def _prepare(self, event: Mapping[str, Any]) -> None:
        self.bar.update(self.task, description="preparing days", completed=event["done"], total=event["total"])

    def _begin(self, event: Mapping[str, Any]) -> None:
        self.begun = dict(event)
        ranks = "1 rank" if event["world"] == 1 else f"{event['world']} ranks"
        self._say(
            f"{event['name']}: {event['parameters']:,} weights on {event['device']}, {ranks}; "
            f"{event['train_samples']} samples to train, {event['validation_samples']} to validate"
            + (f"; goes on after step {event['step']}" if event["step"] else "")
        )
        self.bar.update(self.task, description="training", completed=event["step"], total=event["steps"])

    def _step(self, event: Mapping[str, Any]) -> None:
        seconds = float(event["seconds"])
        self.pace = seconds if self.pace is None else (1 - SMOOTHING) * self.pace + SMOOTHING * seconds
        loss = f"loss {event['loss']:.4g}, " if "loss" in event else ""
        told = f"epoch {event['epoch']}, {loss}{_pace(self.pace)}, waited {event['waited']:.0%}"
        self.bar.update(self.task, description="training", completed=event["step"], total=event["steps"], told=told)

    def _validating(self, event: Mapping[str, Any]) -> None:
        self.bar.update(self.task, description=f"validating {event['done']}/{event['total']}")

    def _epoch(self, event: Mapping[str, Any]) -> None:
        self._say(line_of(event))

    def _note(self, event: Mapping[str, Any]) -> None:
        self._say(f"note: {event['message']}")

    def _say(self, text: str) -> None:
        self.bar.console.print(escape(text), highlight=False, soft_wrap=True)


def line_of(event: Mapping[str, Any]) -> str:
    """An epoch in a line.

    Examples
    --------
    >>> scores = {"validation_loss": 0.02, "validation_rmse_zos": 0.05, "validation_rmse_zos_background": 0.1}
    >>> line_of({"epoch": 5, "epochs": 40, "loss": 0.0123, **scores, "seconds": 12.0, "waited": 0.01})
    'epoch 5/40: loss 0.0123, validation 0.02 (rmse zos 0.05 / 0.1), 12 s, waited 1%'
    """
    parts = [f"loss {event['loss']:.4g}"] if "loss" in event else []
    if "validation_loss" in event:
        parts.append(f"validation {event['validation_loss']:.4g}{_errors(event)}")
    if "seconds" in event:
        parts.append(f"{event['seconds']:.0f} s")
    if "waited" in event:
        parts.append(f"waited {event['waited']:.0%}")
    return f"epoch {event['epoch']}/{event['epochs']}: {', '.join(parts)}"


def _errors(event: Mapping[str, Any]) -> str:
    """Errors of validation in brackets, each beside that of the background."""
    start, end = "validation_rmse_", "_background"
    names = [name for name in event if name.startswith(start) and not name.endswith(end)]
    told = [
        f"{name.removeprefix(start)} {event[name]:.3g}" + (f" / {event[name + end]:.3g}" if name + end in event else "")
        for name in names
    ]
    return f" (rmse {', '.join(told)})" if told else ""


def _pace(seconds: float) -> str:
    """A pace in words.

    Examples
    --------
    >>> _pace(0.05), _pace(12.0)
    ('20 steps/s', '12 s/step')
    """
    return f"{1.0 / seconds:.3g} steps/s" if 0.0 < seconds < 1.0 else f"{seconds:.3g} s/step"


@contextmanager
def watched() -> Iterator[Watch]:
    """A bar while a training lasts; in a log file the lines alone."""
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[told]}"),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        yield Watch(bar)
