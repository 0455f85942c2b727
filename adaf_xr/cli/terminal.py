"""What a person sees: errors as one paragraph, warnings without source lines, a bar for long work."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from typer.core import TyperGroup

INTERRUPTED = 130
"""Exit code of a command that was interrupted."""


class ReadableErrors(TyperGroup):
    """Commands whose errors are one paragraph and exit code 2; ``adaf --traceback`` shows where they came from."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; tell a user's error in one paragraph."""
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            try:
                return super().invoke(ctx)
            except (ValueError, TypeError, OSError, ImportError) as error:
                if ctx.params["traceback"]:
                    raise
                say("error", "bold red", error)
                raise typer.Exit(2) from None


def say(what: str, style: str, message: object) -> None:
    """One paragraph on standard error, where messages belong; those of other libraries run over several lines."""
    text = escape(" ".join(str(message).split()))
    Console(stderr=True).print(f"[{style}]{what}:[/] {text}", highlight=False, soft_wrap=True)


def show(renderable: Any) -> None:
    """Print a result to standard output."""
    Console().print(renderable, highlight=False, soft_wrap=isinstance(renderable, str))


def width() -> int:
    """Characters that fit in a line."""
    return Console().width


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    say("warning", "yellow", message)


@contextmanager
def remembering(notes: list[str]) -> Iterator[None]:
    """Show every warning once, as it comes, and keep it for those who read the results later."""
    with warnings.catch_warnings():
        shown = warnings.showwarning

        def keep(message: Warning | str, *rest: Any, **how: Any) -> None:
            if (text := str(message)) not in notes:
                notes.append(text)
                shown(message, *rest, **how)

        warnings.showwarning = keep
        yield


@contextmanager
def resumable(again: str) -> Iterator[None]:
    """An interruption says how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        say("interrupted", "yellow", again)
        raise typer.Exit(INTERRUPTED) from None


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar that vanishes when the work is over, and the function that moves it: called with (done, in all)."""
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    # In a log file a bar is only noise.
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def cluster(address: str | None, workers: int) -> Iterator[None]:
    """What computes inside: the dask cluster at `address`, one of our own, or the threads of this process."""
    if address is None and not workers:
        yield
        return
    from distributed import Client, LocalCluster

    with ExitStack() as stack:
        where = address or stack.enter_context(LocalCluster(n_workers=workers, dashboard_address=":0"))
        stack.enter_context(Client(where))
        yield
