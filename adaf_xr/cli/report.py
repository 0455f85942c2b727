"""What a terminal shows of scores, and the maps of the demonstration."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adaf_xr.cf.canonical import VARIABLES

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from rich.table import Table


def scores(truth: xr.Dataset, first: xr.Dataset, analysis: xr.Dataset) -> Table:
    """RMSE of a background and of the analysis made from it, beside their ratio; this computes."""
    from rich.table import Table

    from adaf_xr.metrics import score_table

    rmse = score_table(truth, metrics=["rmse"], background=first, analysis=analysis)["rmse"]
    table = Table(title="RMSE against the simulated truth", title_justify="left", box=None, pad_edge=False)
    table.add_column("variable", style="bold")
    table.add_column("unit")
    for column in ("background", "analysis", "change"):
        table.add_column(column, justify="right")
    for name in rmse.index:
        before, after = (float(rmse.loc[name, field]) for field in ("background", "analysis"))
        table.add_row(
            name, VARIABLES[name].units, f"{before:.4f}", f"{after:.4f}", f"{round(100 * (after / before - 1)):+d}%"
        )
    return table


def maps(first: xr.Dataset, analysis: xr.Dataset, path: Path) -> None:
    """Draw the surface in the middle of the analysis times, with profiles and tracks of that day; this computes."""
    from adaf_xr.catalog import open_observations
    from adaf_xr.plotting import figure_of_analysis
    from adaf_xr.points import to_points

    middle = {"time": analysis.sizes["time"] // 2, "depth": 0}
    day = analysis.time[middle["time"]].values
    seen = open_observations("demo", time=day, window="1D", sources=["insitu", "ssh"])
    points = {name: to_points(node) for name, node in seen.children.items()}
    figure = figure_of_analysis(first.isel(middle), analysis.isel(middle), points, variables=["zos", "thetao", "so"])
    figure.savefig(path, dpi=150)


POOLED = {
    "rmse": ("rmse", "{:.4f}"),
    "bias": ("bias", "{:+.4f}"),
    "mae": ("mae", "{:.4f}"),
    "correlation": ("r", "{:.3f}"),
    "acc": ("acc", "{:.3f}"),
    "improvement": ("better", "{:+.0f}%"),
    "improved": ("cells", "{:.0f}%"),
    "spread_skill": ("spread/skill", "{:.2f}"),
    "coverage_90": ("in 90%", "{:.0f}%"),
    "crps": ("crps", "{:.4f}"),
    "resolved": ("resolved km", "{:.0f}"),
    "covered": ("covered", "{:.1f}%"),
}
"""Scores of each variable and level: heading and format."""

SCALES = {
    "mu": ("µ", "{:.3f}"),
    "sigma": ("σ", "{:.3f}"),
    "lambda_x": ("λx", "{:.2f}"),
    "lambda_t": ("λt", "{:.1f}"),
    "lambda_x_all": ("λx, all", "{:.2f}"),
    "lambda_t_all": ("λt, all", "{:.1f}"),
    "resolution": ("resolution", "{:.0f}"),
    "tau_uv": ("τ uv", "{:.1f}"),
    "tau_vorticity": ("τ vorticity", "{:.1f}"),
    "tau_divergence": ("τ divergence", "{:.1f}"),
    "tau_strain": ("τ strain", "{:.1f}"),
    "tau_uv_unfiltered": ("τ uv, unfiltered", "{:.1f}"),
    "tau_vorticity_unfiltered": ("τ vorticity", "{:.1f}"),
    "tau_divergence_unfiltered": ("τ divergence", "{:.1f}"),
    "tau_strain_unfiltered": ("τ strain", "{:.1f}"),
}
"""Scores of series of maps, and along tracks."""


def tables(scores: pd.DataFrame, width: int) -> list[Table]:
    """A score sheet as people read it: the scores of each variable, then the scales, by what they are against.

    What is wider than `width` goes on below, for half a number is none.
    """
    found = []
    for against, part in scores.groupby("against", sort=False):
        if (part.loc[part["score"] == "covered", "value"] > 99.95).all():
            part = part[part["score"] != "covered"]  # noqa: PLW2901
        found += _folded(part, POOLED, f"Scores against {_whom(str(against))}{_legend(part)}", width)
        for variable, of in part.groupby("variable", sort=False):
            if of["score"].isin(list(SCALES)).any():
                found += _folded(of, SCALES, f"Scales of {variable}, against {_whom(str(against))}", width)
    return found


def _legend(scores: pd.DataFrame) -> str:
    """What a star means, where there is one."""
    return " (* significant at 95%)" if any(map(_sure, scores.itertuples())) else ""


def _sure(row: Any) -> bool:
    """Whether an improvement is not chance."""
    return bool(row.score == "improvement" and (row.low > 0 or row.high < 0))


def _whom(against: str) -> str:
    return "the truth" if against == "truth" else f"observations ({against})"


def _folded(scores: pd.DataFrame, columns: dict[str, tuple[str, str]], title: str | None, width: int) -> list[Table]:
    """One table, or as many as it takes for their columns to fit."""
    from rich.console import Console

    shown = [score for score in columns if (scores["score"] == score).any()]
    wide = Console(width=10_000)
    found: list[Table] = []
    while shown:
        fits = next(
            (n for n in range(len(shown), 1, -1) if wide.measure(_table(scores, shown[:n], columns)).maximum <= width),
            1,
        )
        found.append(_table(scores, shown[:fits], columns, title))
        shown, title = shown[fits:], None
    return found


def _table(
    scores: pd.DataFrame, shown: list[str], columns: dict[str, tuple[str, str]], title: str | None = None
) -> Table:
    """Rows of variables, levels and analyses; columns of some scores."""
    from rich.markup import escape
    from rich.table import Table

    scores = scores[scores["score"].isin(shown)]
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("variable", style="bold", no_wrap=True)
    table.add_column("analysis", no_wrap=True)
    for score in shown:
        unit = str(scores.loc[scores["score"] == score, "unit"].iloc[0])
        heading = columns[score][0] + (f" [{UNITS.get(unit, unit)}]" if columns is SCALES and unit != "1" else "")
        table.add_column(escape(heading), justify="right", no_wrap=True)
    # Variables and levels in their order, the analyses of each together.
    places = scores.groupby(["variable", "depth"], sort=False, dropna=False).ngroup()
    scores = scores.iloc[places.argsort(kind="stable")]
    last = None
    for (variable, depth, analysis), of in scores.groupby(["variable", "depth", "analysis"], sort=False, dropna=False):
        label = _level(str(variable), float(str(depth)), columns is POOLED)
        cells = {str(row.score): _cell(row, columns[str(row.score)][1]) for row in of.itertuples()}
        table.add_row("" if label == last else escape(label), str(analysis), *(cells.get(score, "") for score in shown))
        last = label
    return table


UNITS = {"degrees": "°", "days": "d"}
"""Units as they are written beside numbers."""


def _level(variable: str, depth: float, with_unit: bool) -> str:
    """A variable, its level and its unit."""
    unit = VARIABLES[variable].units if with_unit else "1"
    level = "" if math.isnan(depth) else f" {depth:g} m"
    return variable + level + ("" if unit in ("1", "1e-3") else f" [{unit}]")


def _cell(row: Any, form: str) -> str:
    """A number; a star where its interval says that it is not zero."""
    return form.format(row.value) + ("*" if _sure(row) else "")
