"""``adaf score``: analyses against a truth or observations, as a table, as files and as pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adaf_xr.cli import options

Analyses = Annotated[
    list[str],
    typer.Argument(metavar="[NAME=]PATH...", help="Analyses: gridded files or zarr stores, each under a name."),
]
Truth = Annotated[
    str | None,
    typer.Option(
        metavar="PATH|NAME", help="A gridded file, or a source of the catalog.", rich_help_panel=options.INPUT
    ),
]
Background = Annotated[
    str | None,
    typer.Option(
        metavar="PATH|NAME",
        help="What the analyses should improve on: a gridded file, or a source of the catalog.",
        rich_help_panel=options.INPUT,
    ),
]
Out = Annotated[
    Path,
    typer.Option("--out", metavar="FOLDER", help="Where to write.", rich_help_panel=options.OUTPUT),
]


def score(
    analyses: Analyses,
    truth: Truth = None,
    obs: options.Observations = None,
    catalog: options.Catalog = None,
    set_: options.Parameters = None,
    background: Background = None,
    out: Out = Path("scores"),
    scheduler: options.Scheduler = None,
    workers: options.Workers = 0,
) -> None:
    """Score analyses against a truth or observations: tables, files and pictures."""
    raise ValueError("nothing to score against: name a truth with --truth, or observations with --obs")
