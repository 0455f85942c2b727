"""What the demonstration shows: a table of scores, and maps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from adaf_xr.cf.canonical import VARIABLES

if TYPE_CHECKING:
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
