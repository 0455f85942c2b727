"""Where an analysis is better than what it started from."""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr

from adaf_xr.metrics.horizontal import Weights, dimensions
from adaf_xr.metrics.pairing import time_dimension
from adaf_xr.metrics.regions import Regions
from adaf_xr.metrics.statistics import mean, of, sums

By = Literal["mae", "rmse"]
ERROR = {"mae": "absolute_error", "rmse": "squared_error"}


def improved(
    field: xr.DataArray,
    truth: xr.DataArray,
    background: xr.DataArray,
    *,
    by: By = "mae",
    weights: Weights = "area",
    regions: Regions | None = None,
) -> xr.DataArray:
    """Share of cells in which the field is closer to the truth than the background, on average over time.

    Parameters
    ----------
    field, truth, background : DataArray
        On the same grid and times, or at the same points. Times at which one of the three is missing do not count.
    by : {"mae", "rmse"}
        What is compared in each cell, over all times: the mean absolute error, or the root-mean-square error. Without a
        dimension of time, as at points, both are the absolute error of each value.
    weights : "area", DataArray or None
        What a cell counts for: its area, a weight without time, or 1.
    regions : mapping, optional
        As for :func:`adaf_xr.metrics.rmse`.

    Returns
    -------
    DataArray
        Without time and horizontal dimensions; unit 1, 0 to 1. A cell of equal errors is not improved. Missing where
        no cell has all three.

    Examples
    --------
    >>> truth = xr.DataArray([0.0, 0.0, 0.0, 0.0], dims="obs", coords={"latitude": ("obs", [0, 1, 2, 3]),
    ...                      "longitude": ("obs", [0, 1, 2, 3])})
    >>> float(improved(truth + [1.0, -1.0, 3.0, 2.0], truth, truth - 2.0))
    0.5
    """
    if by not in ERROR:
        raise ValueError(f"by={by!r}: choose among {list(ERROR)}")
    cells = cells_over_time(field, truth, by, background=background)
    return share_improved(cells, by, weights, regions, field)


def cells_over_time(field: xr.DataArray, truth: xr.DataArray, by: By, **others: xr.DataArray) -> xr.Dataset:
    """Sums over time of the errors of the field and of the background, cell by cell."""
    time = time_dimension(field)
    names = [ERROR[by], of(ERROR[by], "background")]
    return sums(field, truth, dim=[] if time is None else [time], weights=None, regions=None, names=names, **others)


def share_improved(
    cells: xr.Dataset, by: By, weights: Weights, regions: Regions | None, field: xr.DataArray
) -> xr.DataArray:
    """The share from sums of every cell over time, on the horizontal dimensions of a field."""
    mine, first = mean(cells, ERROR[by]), mean(cells, of(ERROR[by], "background"))
    better = (mine < first).where(np.isfinite(mine)).rename(field.name)
    totals = sums(better, better, dim=dimensions(field), weights=weights, regions=regions, names=["field"])
    attributes = {"long_name": f"share of cells with a smaller {by} than the background", "units": "1"}
    return mean(totals, "field").rename(field.name).assign_attrs(attributes)
