"""``adaf sample``: days in the folder layout of the published ADAF-Ocean data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adaf_xr.cli import options, terminal

Place = Annotated[
    Path, typer.Option("--out", metavar="DIR", help="The folder to make.", rich_help_panel=options.OUTPUT)
]
Days = Annotated[int, typer.Option(min=1, help="Analysis days.", rich_help_panel=options.EXPERIMENT)]
Start = Annotated[str, typer.Option(metavar="DATE", help="The first of them.", rich_help_panel=options.EXPERIMENT)]
Seed = Annotated[int, typer.Option(help="Another seed, another sea.", rich_help_panel=options.EXPERIMENT)]
Spacing = Annotated[
    float,
    typer.Option(
        metavar="DEGREES",
        help="Of the pixels of sea surface temperature; those of the real product are 0.0416667.",
        rich_help_panel=options.EXPERIMENT,
    ),
]


def sample(
    folder: Place = Path("adaf-ocean-sample"),
    days: Days = 3,
    start: Start = "2020-01-01",
    seed: Seed = 2020,
    spacing: Spacing = 0.25,
) -> None:
    """Write days of a simulated ocean, laid out like the published ADAF-Ocean data.

    All of its sources are there, from the day before the first analysis on.
    """
    from adaf_xr.osse.published_layout import write

    with terminal.progress("writing the sample") as moved:
        root = write(folder, days, start, seed=seed, spacing=_whole(spacing), progress=moved)
    size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
    terminal.show(f"{days} analysis days from {start}, {size / 1e6:.0f} MB")
    terminal.show(
        f"\nsample: {root}\nnext:   adaf catalog adaf_ocean; ADAF_XR_ADAF_OCEAN={root} names it to the catalog"
    )


def _whole(spacing: float) -> float:
    """A spacing that divides the globe, where one was meant and written with few decimals.

    Examples
    --------
    >>> round(1 / _whole(0.04167), 6), _whole(0.7)
    (24.0, 0.7)
    """
    whole = 180.0 / max(1, round(180.0 / spacing))
    return whole if abs(whole - spacing) < 2e-4 * spacing else spacing
