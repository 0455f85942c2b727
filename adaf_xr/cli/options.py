"""Options and arguments of the commands, each with its help."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class OnError(StrEnum):
    """What to do with an observation source that cannot be read."""

    RAISE = "raise"
    SKIP = "skip"


INPUT, ANALYSIS, OUTPUT, MACHINE = "Input", "Analysis", "Output", "Where it runs"
EXPERIMENT = "Experiment"

Observations = Annotated[
    list[str] | None,
    typer.Option(
        "--obs",
        metavar="[SOURCE=]PATH",
        help="An observation file; repeat it for more. SOURCE is insitu, sst, sss, ssh, wind or ice; without it the "
        "file tells.",
        rich_help_panel=INPUT,
    ),
]
Catalog = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Take the observations, and the background, from a catalog.", rich_help_panel=INPUT
    ),
]
Parameters = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE", help="A parameter of the catalog; repeat it for more.", rich_help_panel=INPUT
    ),
]
Background = Annotated[
    str,
    typer.Option(metavar="PATH|NAME", help="A gridded file, or a source of the catalog.", rich_help_panel=INPUT),
]
MDT = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="Mean dynamic topography, through which sea level anomalies meet a zos background.",
        rich_help_panel=INPUT,
    ),
]
OnErrorOption = Annotated[
    OnError,
    typer.Option(help="An observation source that cannot be read: stop, or go on without it.", rich_help_panel=INPUT),
]
Times = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TIME",
        help="An analysis time or day; repeat it for more. Default: the background's.",
        rich_help_panel=ANALYSIS,
    ),
]
Window = Annotated[
    str | None,
    typer.Option(
        metavar="SPAN",
        help="Total, such as 5D, or before and after, such as 3D,1D. Default: the model's.",
        rich_help_panel=ANALYSIS,
    ),
]
Region = Annotated[
    tuple[float, float, float, float] | None,
    typer.Option(metavar="W E S N", help="Part of the grid, degrees.", rich_help_panel=ANALYSIS),
]
Grid = Annotated[
    float | None,
    typer.Option(metavar="DEGREES", help="Spacing of the analysis. Default: the model's.", rich_help_panel=ANALYSIS),
]
Model = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|PATH",
        help="The model: a name, such as cubic, or a checkpoint. Default: for each field the one shipped for its kind.",
        rich_help_panel=ANALYSIS,
    ),
]
Engine = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME|PATH",
        help="The model: a name, such as oi, a checkpoint, or the folder of a published experiment. Default: for each "
        "variable the one shipped for it.",
        rich_help_panel=ANALYSIS,
    ),
]
Factor = Annotated[
    int, typer.Option(min=1, help="Fine cells along one side of a coarse one.", rich_help_panel=ANALYSIS)
]
KeepMeans = Annotated[
    bool,
    typer.Option("--keep-means", help="The fine cells average to the coarse value.", rich_help_panel=ANALYSIS),
]
Store = Annotated[Path, typer.Option("--out", metavar="STORE", help="The zarr store.", rich_help_panel=OUTPUT)]
Resume = Annotated[
    bool,
    typer.Option("--resume", help="Go on with a store whose writing was interrupted.", rich_help_panel=OUTPUT),
]
ResumeFolder = Annotated[
    bool,
    typer.Option("--resume", help="Go on with a folder whose making was interrupted.", rich_help_panel=OUTPUT),
]
Folder = Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where to write.", rich_help_panel=OUTPUT)]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS", help="A running dask scheduler, such as tcp://10.0.0.1:8786.", rich_help_panel=MACHINE
    ),
]
Workers = Annotated[
    int,
    typer.Option(
        min=0,
        help="Start a local dask cluster of this many processes. 0: threads of this process.",
        rich_help_panel=MACHINE,
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="An experiment that `adaf osse` made, or a folder in the published ADAF-Ocean layout.",
        rich_help_panel=INPUT,
    ),
]
Periods = Annotated[
    list[str] | None,
    typer.Option(
        "--period",
        metavar="NAME=START,STOP",
        help="Periods (train, validation, test) instead of those of the data, from START until before STOP; repeat it.",
        rich_help_panel=INPUT,
    ),
]
Device = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Where models compute, such as cuda. Default: the CPU.", rich_help_panel=MACHINE),
]
