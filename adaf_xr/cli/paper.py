"""The table of the 4DVarNet paper: what it prints of an evaluation, and the published rows beside it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

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

SMOOTHED = {"oi": 4.0, "truth": 1.0}
"""Widths of the Gaussian over heights whose geostrophic currents are scored, as published [cells and days]."""

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
    smoothed = dict.fromkeys(plain, SMOOTHED["oi"])
    if interpolated is not None:
        rows, smoothed = {"OI": interpolated, **rows}, {"OI": SMOOTHED["oi"], **smoothed}
    rows, smoothed = {"true SSH": truth, **rows}, {"true SSH": SMOOTHED["truth"], **smoothed}
    return paper_sheet(truth, rows, box, smoothed)


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


def shown(table: pd.DataFrame) -> list[Table]:
    """The eight scores of the paper under its names, with the published rows below; then all others."""
    from adaf_xr.metrics.published_rows import COLUMNS

    eight = [name for name in COLUMNS if name in table]
    others = [str(name) for name in table.columns if name not in COLUMNS]
    ours = table[table.index.get_level_values("data") != DATA]
    found = [_of(table[eight], f"Scores of the 4DVarNet paper, with those published of {DATA}")]
    return [*found, _of(ours[others], "Beside them")] if others else found


def _of(table: pd.DataFrame, title: str) -> Table:
    """A table for people; names of scores may take several lines."""
    from rich.table import Table

    made = Table(title=title, title_justify="left", box=None, pad_edge=False)
    made.add_column("data", style="bold", no_wrap=True)
    made.add_column("analysis", no_wrap=True)
    for name in table.columns:
        made.add_column(str(name), justify="right", overflow="fold", min_width=6)
    for (data, analysis), row in zip(table.index, table.to_numpy(), strict=True):
        made.add_row(str(data), str(analysis), *("" if math.isnan(value) else f"{value:.4g}" for value in row))
    return made
