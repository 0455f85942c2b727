"""Where an analysis is better than what it started from."""

from __future__ import annotations

from typing import Literal

import xarray as xr

from adaf_xr.metrics.horizontal import Weights, dimensions
from adaf_xr.metrics.pairing import time_dimension
from adaf_xr.metrics.regions import Regions
from adaf_xr.metrics.statistics import mean, sums

By = Literal["mae", "rmse"]
GAIN = {"mae": "gain", "rmse": "squared_gain"}
"""The statistic by which the error of the background exceeds that of the field."""


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
        What a cell counts for: its area, a weight (its mean over time where it varies), or 1.
    regions : mapping, optional
        As for :func:`adaf_xr.metrics.scores.rmse`.

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
    if by not in GAIN:
        raise ValueError(f"by={by!r}: choose among {list(GAIN)}")
    time = time_dimension(field)
    over = [] if time is None else [time]
    cells = sums(field, truth, dim=over, weights=None, names=[GAIN[by]], background=background)
    return share_improved(cells, by, weights, regions, field)


def share_improved(
    cells: xr.Dataset, by: By, weights: Weights, regions: Regions | None, field: xr.DataArray
) -> xr.DataArray:
    """The share of cells with a gain, from their sums over time, on the horizontal dimensions of a field."""
    gain = mean(cells, GAIN[by])
    better = (gain > 0.0).where(gain.notnull()).rename(field.name)
    if isinstance(weights, xr.DataArray):
        # A cell is counted once, whenever it weighs something. A missing weight is zero.
        times = [d for d in weights.dims if d in field.dims and d not in better.dims]
        weights = weights.fillna(0.0).mean(times)
    totals = sums(better, better, dim=dimensions(field), weights=weights, regions=regions, names=["field"])
    attributes = {"long_name": f"share of cells with a smaller {by} than the background", "units": "1"}
    return mean(totals, "field").rename(field.name).assign_attrs(attributes)
