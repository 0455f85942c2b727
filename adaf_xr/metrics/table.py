"""Several fields against one truth, as a table."""

from __future__ import annotations

from collections.abc import Iterable

import dask
import pandas as pd
import xarray as xr

from adaf_xr.metrics.formulas import METRICS
from adaf_xr.metrics.horizontal import Weights
from adaf_xr.metrics.scores import shared
from adaf_xr.metrics.statistics import sums


def score_table(
    truth: xr.Dataset,
    *,
    metrics: Iterable[str] = ("rmse", "bias", "correlation"),
    weights: Weights = "area",
    **fields: xr.Dataset,
) -> pd.DataFrame:
    """Scores of named fields against a truth, over all dimensions; this computes.

    Parameters
    ----------
    truth : Dataset
        What is true.
    metrics : iterable of str
        Names in :data:`adaf_xr.metrics.formulas.METRICS`.
    weights : "area", DataArray or None
        As in :func:`adaf_xr.metrics.scores.rmse`.
    **fields : Dataset
        What is scored, each on the grid of the truth.

    Returns
    -------
    pandas.DataFrame
        Rows: variables, in the order of the truth. Columns: (metric, field). Missing where a field lacks a variable.

    Raises
    ------
    ValueError
        Where a metric is unknown, no field is given, or a field shares no variable with the truth.

    Examples
    --------
    >>> truth = xr.Dataset({"zos": ("obs", [0.0, 1.0])})
    >>> score_table(truth, metrics=["rmse", "bias"], weights=None, background=truth + 1.0, analysis=truth)
    metric           rmse                bias
    field      background analysis background analysis
    variable
    zos               1.0      0.0        1.0      0.0
    """
    metrics = list(metrics)
    if unknown := [name for name in metrics if name not in METRICS]:
        raise ValueError(f"unknown metric {unknown[0]!r}: choose among {list(METRICS)}")
    if not fields:
        raise ValueError("nothing to score: name the fields, for example score_table(truth, analysis=analysis)")
    needed = list(dict.fromkeys(s for name in metrics for s in METRICS[name].statistics))
    totals = {
        (label, key): sums(ds[key], truth[key], dim=ds[key].dims, weights=weights, names=needed)
        for label, ds in fields.items()
        for key in shared(ds, truth)
    }
    # One computation for all: what the fields share is read once.
    (computed,) = dask.compute(totals)
    columns = pd.MultiIndex.from_product([metrics, fields], names=["metric", "field"])
    rows = pd.Index([key for key in truth.data_vars if any(key in ds for ds in fields.values())], name="variable")
    table = pd.DataFrame(float("nan"), index=rows, columns=columns)
    for (label, key), total in computed.items():
        for name in metrics:
            # The truth may have dimensions that a field lacks.
            table.loc[key, (name, label)] = float(METRICS[name].formula(total.sum()))
    return table
