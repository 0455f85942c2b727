"""Scores of a field against a truth. Each is a formula of weighted means over the pairs where both are present.

Below, angle brackets are the weighted mean over `dim`, x is the field, y the truth and c the climatology. What is
missing, and what a score of nothing is, :mod:`adaf_xr.metrics.statistics` says once for all.

References
----------
Jolliffe, I. T., and Stephenson, D. B., eds. (2012). Forecast Verification, 2nd ed., chapters 5 and 6. Wiley.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TypeVar

import xarray as xr

from adaf_xr.metrics.climatology import climatology_at
from adaf_xr.metrics.formulas import ANOMALY_METRICS, METRICS, Metric, described
from adaf_xr.metrics.horizontal import Weights
from adaf_xr.metrics.regions import Regions
from adaf_xr.metrics.statistics import Dimensions, sums

Scored = TypeVar("Scored", xr.Dataset, xr.DataArray)


def rmse(
    field: Scored,
    truth: Scored,
    *,
    dim: Dimensions = None,
    weights: Weights = "area",
    regions: Regions | None = None,
) -> Scored:
    r"""Root-mean-square error.

    .. math:: \mathrm{RMSE} = \sqrt{\langle (x - y)^2 \rangle}

    Unit: that of the field. Range: 0 to infinity; best 0. RMSE² is bias² plus the variance of the error.

    Parameters
    ----------
    field, truth : Dataset or DataArray
        On the same grid, or at the same points. Of two Datasets the variables that both have are scored.
    dim : dimension or several, optional
        Average over these. Default: the horizontal ones, or the points.
    weights : "area", DataArray or None
        What a pair counts for: the area of its cell on the sphere, a weight, or 1. Points have no area and count alike.
    regions : mapping, optional
        Score each of these apart, along a new dimension ``region``: by name a box (west, east, south, north) in
        degrees, across the date line where west is east of east, or a mask.

    Returns
    -------
    Dataset or DataArray
        Every dimension but `dim` is kept: time, depth, lead_time. Lazy where the input is; missing where no pair is.

    Raises
    ------
    ValueError
        Where the coordinates of field and truth differ, no horizontal dimension is found, or a region has no cell.

    Examples
    --------
    >>> truth = xr.DataArray([0.0, 0.0], dims="obs")
    >>> float(rmse(truth + [1.0, 7.0], truth, dim="obs", weights=None))
    5.0
    """
    return _score(METRICS["rmse"], field, truth, dim, weights, regions)


def bias(
    field: Scored,
    truth: Scored,
    *,
    dim: Dimensions = None,
    weights: Weights = "area",
    regions: Regions | None = None,
) -> Scored:
    r"""Mean error, positive where the field is too high.

    .. math:: \mathrm{bias} = \langle x - y \rangle

    Unit: that of the field. Range: any; best 0. Arguments and errors as for :func:`rmse`.

    Examples
    --------
    >>> truth = xr.DataArray([0.0, 0.0], dims="obs")
    >>> float(bias(truth + [3.0, -4.0], truth, dim="obs", weights=None))
    -0.5
    """
    return _score(METRICS["bias"], field, truth, dim, weights, regions)


def mae(
    field: Scored,
    truth: Scored,
    *,
    dim: Dimensions = None,
    weights: Weights = "area",
    regions: Regions | None = None,
) -> Scored:
    r"""Mean absolute error.

    .. math:: \mathrm{MAE} = \langle |x - y| \rangle

    Unit: that of the field. Range: 0 to infinity; best 0; never above the RMSE. Arguments and errors as for
    :func:`rmse`.

    Examples
    --------
    >>> truth = xr.DataArray([0.0, 0.0], dims="obs")
    >>> float(mae(truth + [3.0, -4.0], truth, dim="obs", weights=None))
    3.5
    """
    return _score(METRICS["mae"], field, truth, dim, weights, regions)


def correlation(
    field: Scored,
    truth: Scored,
    *,
    dim: Dimensions = None,
    weights: Weights = "area",
    regions: Regions | None = None,
) -> Scored:
    r"""Pearson correlation over `dim`, centred on the weighted means.

    .. math:: r = \frac{\langle x y \rangle - \langle x \rangle \langle y \rangle}
                       {\sqrt{(\langle x^2 \rangle - \langle x \rangle^2)(\langle y^2 \rangle - \langle y \rangle^2)}}

    Unit: 1. Range: -1 to 1; best 1. Missing where field or truth is constant. Blind to bias and to amplitude.
    Arguments and errors as for :func:`rmse`.

    Examples
    --------
    >>> truth = xr.DataArray([0.0, 1.0, 2.0], dims="obs")
    >>> round(float(correlation(5.0 - 2.0 * truth, truth, dim="obs", weights=None)), 12)
    -1.0
    """
    return _score(METRICS["correlation"], field, truth, dim, weights, regions)


def acc(
    field: Scored,
    truth: Scored,
    climatology: Scored,
    *,
    dim: Dimensions = None,
    weights: Weights = "area",
    regions: Regions | None = None,
    centred: bool = False,
) -> Scored:
    r"""Anomaly correlation coefficient: how well the departures from a climatology are placed.

    .. math:: \mathrm{ACC} = \frac{\langle (x - c)(y - c) \rangle}
                                  {\sqrt{\langle (x - c)^2 \rangle \langle (y - c)^2 \rangle}}

    Unit: 1. Range: -1 to 1; best 1. Missing where the anomalies of either side vanish everywhere.

    Parameters
    ----------
    field, truth, dim, weights, regions
        As for :func:`rmse`.
    climatology : Dataset or DataArray
        On the grid of the field. With a dimension ``time``: at the times of the field. With ``dayofyear``: as
        :func:`adaf_xr.metrics.climatology.day_of_year_mean` makes it. With neither: the same at all times.
    centred : bool
        Take the mean anomaly over `dim` from the anomalies first, so that a mean error does not count. The table of
        ADAF-Ocean and WeatherBench 2 do not; the World Meteorological Organization does.

    Raises
    ------
    ValueError
        As for :func:`rmse`; where the climatology lacks a time or a day of the field.

    Examples
    --------
    >>> truth = xr.DataArray([1.0, -1.0, 3.0], dims="obs")
    >>> round(float(acc(2.0 * truth, truth, 0.0 * truth, dim="obs", weights=None)), 12)
    1.0
    """
    metric = ANOMALY_METRICS["centred_acc" if centred else "acc"]
    return _score(metric, field, truth, dim, weights, regions, climatology)


def _score(
    metric: Metric,
    field: Scored,
    truth: Scored,
    dim: Dimensions,
    weights: Weights,
    regions: Regions | None,
    climatology: Scored | None = None,
) -> Scored:
    """Apply one metric to DataArrays, or to the variables that Datasets share."""
    if isinstance(field, xr.DataArray) and isinstance(truth, xr.DataArray):
        if climatology is None or isinstance(climatology, xr.DataArray):
            usual = {} if climatology is None else {"climatology": climatology_at(climatology, field)}
            totals = sums(field, truth, dim=dim, weights=weights, regions=regions, names=metric.statistics, **usual)
            return described(metric.formula(totals), metric, field).rename(field.name)
    elif isinstance(field, xr.Dataset) and isinstance(truth, xr.Dataset):
        if climatology is None:
            keys = shared(field, truth)
            return xr.Dataset({key: _score(metric, field[key], truth[key], dim, weights, regions) for key in keys})
        if isinstance(climatology, xr.Dataset):
            keys, c = shared(field, truth, climatology), climatology
            return xr.Dataset({k: _score(metric, field[k], truth[k], dim, weights, regions, c[k]) for k in keys})
    kinds = " and a ".join(type(each).__name__ for each in (truth, climatology) if each is not None)
    raise TypeError(
        f"a {type(field).__name__} cannot be scored against a {kinds}: give Datasets throughout, or DataArrays"
    )


def shared(field: xr.Dataset, truth: xr.Dataset, *others: xr.Dataset) -> list[Hashable]:
    """Variables with numbers that all have.

    Raises
    ------
    TypeError
        Where one is no Dataset.
    ValueError
        Where there is none.
    """
    every = [truth, *others]
    for ds in (field, *every):
        if not isinstance(ds, xr.Dataset):
            raise TypeError(
                f"a Dataset is wanted, not a {type(ds).__name__}: .to_dataset(name=...) makes one of a field"
            )
    found = [
        key
        for key in field.data_vars
        if all(key in ds.data_vars and ds[key].dtype.kind in "fiu" for ds in (field, *every))
    ]
    if not found:
        have = " and the others ".join(str(sorted(map(str, ds.data_vars))) for ds in every)
        raise ValueError(
            f"nothing to score: the field has {sorted(map(str, field.data_vars))} and the truth {have}; rename the "
            "variables that are meant to be the same, and make numbers of them, .astype(float)"
        )
    return found
