"""What the demonstration prints: scores before and after, as a table for a terminal."""

from __future__ import annotations

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
    table = Table(title="\nRMSE against the simulated truth", title_justify="left", box=None, pad_edge=False)
    table.add_column("variable", style="bold")
    table.add_column("unit")
    for column in ("background", "analysis", "change"):
        table.add_column(column, justify="right")
    for name in rmse.index:
        before, after = (float(rmse.loc[name, field]) for field in ("background", "analysis"))
        table.add_row(name, VARIABLES[name].units, f"{before:.4f}", f"{after:.4f}", f"{after / before - 1:+.0%}")
    return table
