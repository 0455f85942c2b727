"""``adaf osse``: make a standard experiment on disk, or list them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adaf_xr.cli import options, terminal

if TYPE_CHECKING:
    from rich.table import Table

    from adaf_xr.osse.opening import OpenExperiment

Name = Annotated[str | None, typer.Argument(help="A standard experiment; without it, all are listed.")]
Directory = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="The folder to make.", rich_help_panel=options.OUTPUT),
]
Seed = Annotated[
    int | None,
    typer.Option(help="Another seed, another sea. Default: the experiment's.", rich_help_panel=options.EXPERIMENT),
]
Days = Annotated[
    int | None,
    typer.Option(
        min=4,
        help="A run of another length; periods are cut to it. Default: the experiment's.",
        rich_help_panel=options.EXPERIMENT,
    ),
]
Noise = Annotated[
    bool | None,
    typer.Option("--noise/--no-noise", help="Whether instruments err.", rich_help_panel=options.EXPERIMENT),
]
Device = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Where the sea is computed, such as cuda.", rich_help_panel=options.MACHINE),
]


def osse(
    name: Name = None,
    folder: Directory = None,
    seed: Seed = None,
    days: Days = None,
    noise: Noise = None,
    device: Device = None,
    resume: options.ResumeFolder = False,
) -> None:
    """Simulate a sea, its observations and a first guess: an experiment with a known truth."""
    from adaf_xr.osse import open_experiment, simulate

    if name is None:
        terminal.show(_listing())
        return
    if folder is None:
        raise ValueError(f"an experiment needs a folder: adaf osse {name} --out DIR")
    with terminal.progress(f"simulating {name}") as moved:
        simulate(
            name, folder, progress=moved, resume=resume, seed=seed, days=days, noise=noise, device=device
        )  # fmt: skip
    made = open_experiment(folder)
    terminal.show(_summary(made))
    terminal.show(f"\nexperiment: {folder}")


def _listing() -> Table:
    """The standard experiments."""
    from adaf_xr.osse import EXPERIMENTS

    table = _table("experiment", "days", "what it is")
    for each in EXPERIMENTS.values():
        table.add_row(each.name, str(each.nature.days), each.title)
    return table


def _summary(made: OpenExperiment) -> Table:
    """What was made: size, length, periods, and how wrong the first guess is."""
    said = made.manifest
    sizes, grid, guess = said["bytes"], said["grid"], said["background"]
    table = _table(made.name, "")
    table.add_row("grid", f"{grid['latitude']} x {grid['longitude']}, {said['days']} days")
    table.add_row("on disk", f"{_megabytes(sizes['total'])}, of the truth {_megabytes(sizes['truth_a_day'])} a day")
    for period, (first, last) in made.splits.items():
        table.add_row(f"period {period}", f"{first.astype('M8[D]')} to {last.astype('M8[D]')}, excluded")
    forgets, gap = said["decorrelation_days"], said["gap_days"]
    memory = "does not change" if forgets is None else f"forgets in {forgets:.1f} days"
    # A single period has nothing to be separated from.
    table.add_row("sea level", memory if gap is None else f"{memory}, and the periods are {gap:g} days apart")
    table.add_row("observations", ", ".join(f"{name} ({how})" for name, how in said["observations"].items()))
    table.add_row("background", guess["what"])
    errors = ", ".join(f"{name} {rmse:.3g} {guess['units'][name]}" for name, rmse in guess["rmse"].items())
    table.add_row("its error", f"{errors} (rms)")
    return table


def _table(*columns: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, style="bold" if number == 0 else None, overflow="fold")
    return table


def _megabytes(size: int) -> str:
    """A size in words.

    Examples
    --------
    >>> _megabytes(2_500_000_000), _megabytes(31_400_000), _megabytes(31_400)
    ('2.5 GB', '31 MB', '0.031 MB')
    """
    if size >= 1e9:
        return f"{size / 1e9:.1f} GB"
    return f"{size / 1e6:.0f} MB" if size >= 1e7 else f"{size / 1e6:.2g} MB"
