"""Errors of an analysis as shares of those of others."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

COLUMNS = ("analysis", "of", "variable", "depth", "rmse", "mae")
"""Columns of the table of ratios."""


def ratios(scores: pd.DataFrame) -> pd.DataFrame:
    """RMSE and MAE of every analysis divided by those of every other field, the background among them.

    Parameters
    ----------
    scores : DataFrame
        A score sheet as a table, of fields that are scored in the same cells.

    Returns
    -------
    DataFrame
        One row per analysis, other field, variable and depth; below 1 the analysis is the better one.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = [(who, "zos", float("nan"), score, value)
    ...         for who, value in {"ours": 0.03, "oi": 0.04, "background": 0.06}.items() for score in ("rmse", "mae")]
    >>> table = ratios(pd.DataFrame(rows, columns=["analysis", "variable", "depth", "score", "value"]))
    >>> table[["analysis", "of", "rmse"]].round(3).values.tolist()
    [['ours', 'oi', 0.75], ['ours', 'background', 0.5], ['oi', 'ours', 1.333], ['oi', 'background', 0.667]]
    """
    import pandas as pd

    errors = scores[scores["score"].isin(["rmse", "mae"])]
    names = list(dict.fromkeys(errors["analysis"]))
    parts = [errors[errors["analysis"] == name].set_index(["variable", "depth", "score"])["value"] for name in names]
    found = [
        (mine / theirs).unstack("score").reset_index().assign(analysis=name, of=other)
        for name, mine in zip(names, parts, strict=True)
        for other, theirs in zip(names, parts, strict=True)
        if name not in ("background", other)
    ]
    order = {name: i for i, name in enumerate(dict.fromkeys(errors["variable"]))}
    if not found:
        return pd.DataFrame(columns=list(COLUMNS))
    table = pd.concat(found, ignore_index=True).dropna(subset=["rmse"])
    return table.sort_values("variable", key=lambda names: names.map(order), kind="stable")[list(COLUMNS)].sort_values(
        ["analysis", "of"], key=lambda whose: whose.map(names.index), kind="stable", ignore_index=True
    )


def shown(table: pd.DataFrame) -> list[Table]:
    """Ratios of RMSE as people read them: a row per variable and analysis, a column per field it is a share of."""
    from rich.table import Table

    others = list(dict.fromkeys(table["of"]))
    if len(others) < 2:
        return []
    found = Table(title="RMSE as a share of that of", title_justify="left", box=None, pad_edge=False)
    found.add_column("variable", style="bold", no_wrap=True)
    found.add_column("analysis", no_wrap=True)
    for other in others:
        found.add_column(other, justify="right", no_wrap=True)
    last = None
    for (variable, depth, name), of in table.groupby(["variable", "depth", "analysis"], sort=False, dropna=False):
        label = str(variable) + ("" if math.isnan(float(str(depth))) else f" {depth:g} m")
        shares = dict(zip(of["of"], of["rmse"], strict=True))
        cells = [f"{shares[other]:.3f}" if other in shares else "" for other in others]
        found.add_row("" if label == last else label, str(name), *cells)
        last = label
    return [found]
