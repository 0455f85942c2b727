"""``adaf train``: a network from a recipe and data, here, under torchrun or on a dask cluster."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adaf_xr.cli import options, terminal, training_data
from adaf_xr.cli.training_progress import watched

if TYPE_CHECKING:
    from rich.table import Table


class Launcher(StrEnum):
    """Where ranks run."""

    NONE = "none"
    TORCHRUN = "torchrun"
    DASK = "dask"


TRAINING = "Training"

Recipe = Annotated[
    str | None,
    typer.Argument(metavar="[NAME|FILE]", help="A recipe, or a configuration of your own; without it, all are listed."),
]
Run = Annotated[
    Path | None,
    typer.Option("--out", metavar="RUN", help="The folder of the run.", rich_help_panel=options.OUTPUT),
]
Launch = Annotated[
    Launcher,
    typer.Option(
        help="One rank in this process, processes of this machine, or processes of the workers of a dask cluster.",
        rich_help_panel=options.MACHINE,
    ),
]
Ranks = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="How many train together. Default: a rank for each worker, or for each GPU.",
        rich_help_panel=options.MACHINE,
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="A key of the configuration, such as optimiser.lr=3e-4; repeat it for more.",
        rich_help_panel=TRAINING,
    ),
]
Stall = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        help="Give up when no rank has said a word for so long. Default: never.",
        rich_help_panel=options.MACHINE,
    ),
]


def train(
    name: Recipe = None,
    data: options.Data = None,
    out: Run = None,
    set_: Settings = None,
    period: options.Periods = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an interrupted run.", rich_help_panel=TRAINING)
    ] = False,
    list_: Annotated[bool, typer.Option("--list", help="List the recipes.")] = False,
    launcher: Launch = Launcher.NONE,
    ranks: Ranks = None,
    stall: Stall = None,
    scheduler: options.Scheduler = None,
    workers: options.Workers = 0,
) -> None:
    """Train a network.

    `adaf train adaf-ocean-cnp-thinned --data EXPERIMENT --out RUN`, and after an interruption
    `adaf train --resume --out RUN`
    """
    if list_ or (name is None and out is None):
        terminal.show(_listing())
        return
    if out is None:
        raise ValueError(f"a training needs a folder: adaf train {name} --data DIR --out RUN")
    if launcher is Launcher.DASK and scheduler is None and not workers:
        raise ValueError("--launcher dask needs a cluster: --scheduler ADDRESS, or --workers N to start one here")
    what = _what(name, out, resume)
    overrides = settings(set_)
    from adaf_xr.training import load

    load(what, overrides)  # what cannot be trained is said before data are opened
    with terminal.cluster(scheduler, workers), training_data.calm():
        material = None
        if data is not None:
            source = training_data.opened(data, period)
            if _speaks():
                terminal.say("data", "bold", source.what)
            material = source.material
        elif not (resume and (out / "config.yaml").exists()):
            raise ValueError(f"a training needs data: adaf train {what} --data DIR --out {out}")
        again = _again(out, launcher, scheduler, workers)
        how: dict[str, Any] = {"launcher": launcher.value, "ranks": ranks, "stall": stall, "resume": resume}
        result = _run(what, material, out, overrides, how, again)
    if _speaks():
        _tell(result, out, data)


def _speaks() -> bool:
    """Whether this is the program that talks: where torchrun has started it as several ranks, the first."""
    return int(os.environ.get("RANK", "0")) == 0


def settings(items: Sequence[str] | None) -> dict[str, Any]:
    """``KEY=VALUE`` of a configuration, values as YAML has them.

    Examples
    --------
    >>> settings(["optimiser.lr=3e-4", "schedule.milestones=[2, 3]", "ema=null"])
    {'optimiser.lr': 0.0003, 'schedule.milestones': [2, 3], 'ema': None}
    """
    import yaml

    found: dict[str, Any] = {}
    for item in items or []:
        key, equals, text = item.partition("=")
        if not equals or not key:
            raise ValueError(f"--set {item}: write KEY=VALUE, such as optimiser.lr=3e-4")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ValueError(f"--set {item}: {text!r} is no value of YAML ({error})") from error
        found[key] = _number(value)
    return found


def _number(value: Any) -> Any:
    """A number that YAML takes for text, because its exponent has no point before it or no sign."""
    if not isinstance(value, str):
        return value
    try:
        return float(value)
    except ValueError:
        return value


def _what(name: str | None, out: Path, resume: bool) -> str:
    """What is trained: by name, or what the run was begun with."""
    if name is not None:
        return name
    held = out / "config.yaml"
    if not (resume and held.exists()):
        raise ValueError(
            f"{out} holds no run to go on with: name what to train, adaf train NAME --data DIR --out {out}"
            if resume
            else f"name what to train, adaf train NAME --data DIR --out {out}; `adaf train --list` has the recipes"
        )
    return str(held)


def _run(
    what: str, material: Any, out: Path, overrides: Mapping[str, Any], how: Mapping[str, Any], again: str
) -> dict[str, Any]:
    """Train; what stops it is told as errors of commands are."""
    from adaf_xr.training import InterruptedTrainingError
    from adaf_xr.training import train as run

    with watched() as watch, _gently() as begun:

        def heard(event: dict[str, Any]) -> None:
            if event.get("kind") == "begin" and how["launcher"] == Launcher.NONE:
                begun()
            watch(event)

        try:
            return run(what, material, out, on_event=heard, **how, **overrides)
        except (KeyboardInterrupt, InterruptedTrainingError):
            stopped = None
        except RuntimeError as error:
            stopped = error
    if stopped is not None:
        raise ValueError(f"{_headline(stopped)}. {_way_on(out, again)}") from stopped
    terminal.say("interrupted", "yellow", _way_on(out, again))
    raise typer.Exit(terminal.INTERRUPTED)


def _headline(error: RuntimeError) -> str:
    """What went wrong, without the traceback of a rank, which ``adaf --traceback`` shows."""
    return str(error).split("\n\n", 1)[0].rstrip(". ")


def _again(out: Path, launcher: Launcher, scheduler: str | None, workers: int) -> str:
    """The command that goes on with a run where it ran."""
    where = "" if launcher is Launcher.NONE else f" --launcher {launcher}"
    if launcher is Launcher.DASK:
        where += f" --workers {workers}" if scheduler is None else f" --scheduler {scheduler}"
    return f"adaf train --resume --out {out}{where}"


def _way_on(out: Path, again: str) -> str:
    """How to go on with a run that ended before its end."""
    if not (out / "config.yaml").exists():
        return "Nothing is trained yet; the same command again goes on with the data that are prepared"
    saved = (out / "checkpoints" / "state.pt").exists()
    begin = "Go on with" if saved else "Nothing was saved yet; begin again, with the data that are prepared, by"
    return f"{begin}: {again}"


@contextmanager
def _gently() -> Iterator[Callable[[], None]]:
    """Let a training in this process end its step and save its state when it is interrupted; the second time, at once.

    Gives what says that the training has begun: before that an interruption has nothing to save.
    """
    before = signal.getsignal(signal.SIGINT)

    def first(number: int, frame: Any) -> None:
        signal.signal(signal.SIGINT, before)
        terminal.say("interrupted", "yellow", "saving; once more stops at once")
        signal.raise_signal(signal.SIGTERM)

    def begun() -> None:
        signal.signal(signal.SIGINT, first)

    try:
        yield begun
    finally:
        signal.signal(signal.SIGINT, before)


def _listing() -> Table:
    """The recipes."""
    from rich.table import Table

    from adaf_xr.training import load
    from adaf_xr.training.configuration import recipes

    table = Table(box=None, pad_edge=False)
    for number, column in enumerate(("recipe", "epochs", "samples a step", "what it is")):
        table.add_column(column, style="bold" if number == 0 else None, overflow="fold")
    for name, file in sorted(recipes().items()):
        held = load(name)
        table.add_row(name, str(held.epochs), str(held.batch), _about(file.read_text(encoding="utf-8")))
    return table


def _about(text: str) -> str:
    r"""What a recipe is, from the comment at its head: up to a colon or a stop.

    Examples
    --------
    >>> _about("# A small network\n# for tests: fast.\nname: small\n")
    'A small network for tests'
    """
    head = takewhile(lambda line: line.startswith("#"), text.splitlines())
    return re.split(r"[:.] ", " ".join(line.lstrip("# ") for line in head) + " ")[0].rstrip(". ")


def _tell(result: Mapping[str, Any], out: Path, data: Path | None) -> None:
    """How it ended, and where everything is."""
    from adaf_xr.training.run_folder import RunFolder

    best = result.get("best")
    score = "" if best is None else f", least validation loss {best:.4g} in epoch {result['best_epoch']}"
    terminal.show(f"{result['reason']} after {result['epoch']} epochs and {result['step']} steps{score}")
    terminal.show(f"\nweights: {out / 'checkpoints' / 'best.safetensors'}")
    logs = [out / name for name in ("log.csv", "epochs.csv", "tensorboard")]
    terminal.show(f"logs:    {', '.join(str(path) for path in logs if path.exists())}")
    terminal.show(f"next:    {_next(RunFolder(out).configuration().task, out, data)}")


def _next(task: str, out: Path, data: Path | None) -> str:
    """The command that puts what was trained to use.

    Examples
    --------
    >>> _next("adaf-ocean", Path("run"), None), _next("adaf-ocean-sr", Path("run"), None)
    ('adaf evaluate run --data DIR', 'adaf upsample IN OUT --model run/checkpoints/best.safetensors')
    """
    from adaf_xr.inference.engines import UPSAMPLING

    if task in UPSAMPLING:
        return f"adaf upsample IN OUT --model {out / 'checkpoints' / 'best.safetensors'}"
    return f"adaf evaluate {out} --data {data or 'DIR'}"
