"""The table of the 4DVarNet paper: what it prints of an evaluation, and the published rows beside it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adaf_xr.cli.judging import spacing_of

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from rich.table import Table

    from adaf_xr.inference.comparison import Sheet

Paper = Annotated[
    bool | None,
    typer.Option(
        "--paper/--no-paper",
        help="Whether to make the table of the 4DVarNet paper, in the evaluation box of the experiment or else in "
        "--region. Default: where a model is one of the paper's.",
        rich_help_panel="Output",
    ),
]

FILE = "paper.csv"

WIDTH = 0.2
"""Width [degrees] of the Gaussian over maps of optimal interpolation, as published: four cells of 0.05 degrees."""

DATA = "NATL60"
"""What the published scores are of."""


def sheet_of(
    truth: xr.Dataset,
    fields: Mapping[str, xr.Dataset],
    interpolated: xr.Dataset | None,
    plain: Iterable[str],
    box: Any,
) -> Sheet:
    """Scores of the paper, of analyses and of what they are held against; this computes.

    Parameters
    ----------
    truth : Dataset
        On the grid of the analyses.
    fields : mapping of str to Dataset
        Analyses.
    interpolated : Dataset, optional
        What models of several days started from, whose geostrophic currents are a row of the paper.
    plain : iterable of str
        Analyses whose currents are those of the background, for nothing observed them.
    box : (west, east, south, north), optional
        Where.
    """
    from adaf_xr.inference.comparison import paper_sheet

    rows = {name: ds for name, ds in fields.items() if "zos" in ds}
    if interpolated is not None:
        rows = {"OI": interpolated, **rows}
    # Other heights are smoothed by one cell, as published.
    smoothed = dict.fromkeys(["OI", *plain], max(1.0, WIDTH / spacing_of(truth)))
    return paper_sheet(truth, {"true SSH": truth, **rows}, box, {"true SSH": 1.0, **smoothed})


def table_of(sheet: Sheet, data: str) -> pd.DataFrame:
    """Rows of the paper and of an evaluation, with a column for each score.

    Examples
    --------
    >>> from adaf_xr.inference.comparison.sheet import Row, Sheet
    >>> table = table_of(Sheet([Row("ours", "zos, uo, vo", "test_var_mse_uv", 90.0, "%")]), "toy-v1")
    >>> table["test_var_mse_uv"].head(2).to_dict()
    {('toy-v1', 'ours'): 90.0, ('NATL60', 'true-SSH geostrophy'): 97.0}
    """
    import pandas as pd

    from adaf_xr.metrics import PUBLISHED_ROWS

    found: dict[tuple[str, str], dict[str, float]] = {}
    for row in sheet.rows:
        found.setdefault((data, row.analysis), {})[row.score] = row.value
    for name, scores in PUBLISHED_ROWS.items():
        found[DATA, name] = dict(scores)
    table = pd.DataFrame.from_dict(found, orient="index")
    return table.rename_axis(["data", "analysis"])


def write(table: pd.DataFrame, folder: Path) -> Path:
    """paper.csv."""
    path = folder / FILE
    table.to_csv(path)
    return path


def shown(table: pd.DataFrame, width: int) -> list[Table]:
    """The eight scores of the paper under its names, with the published rows below; then all others.

    What is wider than `width` goes on below, for half a number is none.
    """
    from adaf_xr.metrics.published_rows import COLUMNS

    eight = [name for name in COLUMNS if name in table]
    others = [str(name) for name in table.columns if name not in COLUMNS]
    ours = table[table.index.get_level_values("data") != DATA]
    return [
        *_folded(table, eight, f"Scores of the 4DVarNet paper, and those published of {DATA}", width),
        *_folded(ours, others, "Beside them", width),
    ]


def _folded(table: pd.DataFrame, names: list[str], title: str, width: int) -> list[Table]:
    """One table, or as many as it takes for their columns to fit."""
    from rich.console import Console

    wide, found = Console(width=10_000), []
    while names:
        fits = [n for n in range(1, len(names) + 1) if wide.measure(_of(table[names[:n]], "")).maximum <= width]
        many = max(fits, default=1)
        found.append(_of(table[names[:many]], title))
        names, title = names[many:], ""
    return found


def _of(table: pd.DataFrame, title: str) -> Table:
    """A table for people."""
    from rich.table import Table

    made = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for label in table.index.names:
        made.add_column(str(label), no_wrap=True)
    for name in table.columns:
        made.add_column(_heading(str(name)), justify="right", no_wrap=True)
    for labels, row in zip(table.index, table.to_numpy(), strict=True):
        made.add_row(*map(str, labels), *("" if math.isnan(value) else f"{value:.4g}" for value in row))
    return made


def _heading(name: str) -> str:
    """A name in lines, the whole of it.

    >>> _heading("test_lambda_x_u_all").split()
    ['test_', 'lambda_x', '_u_all']
    """
    return "\n".join(part for part in re.split(r"^(test_)(lambda_[xt]|var_mse|spatial)", name) if part)
