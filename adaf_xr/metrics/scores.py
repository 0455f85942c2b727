"""Scores of a field against a truth. Each is a formula of weighted means over the pairs where both are present.

Below, angle brackets are the weighted mean over `dim`, x is the field, y the truth and c the climatology. What is
missing, and what a score of nothing is, :mod:`adaf_xr.metrics.statistics` says once for all.

References
----------
Jolliffe, I. T., and Stephenson, D. B., eds. (2012). Forecast Verification, 2nd ed., chapters 5 and 6. Wiley.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TypeVar

import xarray as xr

from adaf_xr.metrics.climatology import climatology_at
from adaf_xr.metrics.horizontal import Weights
from adaf_xr.metrics.regions import Regions
from adaf_xr.metrics.statistics import Dimensions, mean, of, sums

Scored = TypeVar("Scored", xr.Dataset, xr.DataArray)


@dataclass(frozen=True)
class Metric:
    """A score as a function of sums that merge.

    Attributes
    ----------
    statistics : tuple of str
        The keys of :data:`adaf_xr.metrics.statistics.STATISTICS` it needs.
    formula : callable
        From their sums to the score.
    long_name : str
        CF attribute of the result.
    of_unit : bool
        Whether it has the unit of the field; else its unit is 1.
    """

    statistics: tuple[str, ...]
    formula: Callable[[xr.Dataset], xr.DataArray]
    long_name: str
    of_unit: bool = True


def _correlation(totals: xr.Dataset, x: str, y: str, product: str) -> xr.DataArray:
    """Correlation from sums; missing where either side is constant."""
    mean_x, mean_y = mean(totals, x), mean(totals, y)
    spread_x = _variance(mean(totals, f"squared_{x}"), mean_x)
    spread_y = _variance(mean(totals, f"squared_{y}"), mean_y)
    r = (mean(totals, product) - mean_x * mean_y) / (spread_x * spread_y) ** 0.5
    return r.clip(-1.0, 1.0)


def _variance(square: xr.DataArray, centre: xr.DataArray) -> xr.DataArray:
    """Mean square about the mean; missing where it is the rounding of a constant."""
    variance = square - centre**2
    return variance.where(variance > 1e-13 * square)


def _anomaly_correlation(totals: xr.Dataset) -> xr.DataArray:
    """Correlation of anomalies about zero; missing where one side has none."""
    power = mean(totals, "squared_anomaly_field") * mean(totals, "squared_anomaly_truth")
    return (mean(totals, "anomaly_product") / power.where(power > 0.0) ** 0.5).clip(-1.0, 1.0)


_ANOMALIES = ("anomaly_field", "anomaly_truth", "anomaly_product")

METRICS: dict[str, Metric] = {
    "rmse": Metric(("squared_error",), lambda totals: mean(totals, "squared_error") ** 0.5, "root-mean-square error"),
    "bias": Metric(("error",), lambda totals: mean(totals, "error"), "mean error"),
    "mae": Metric(("absolute_error",), lambda totals: mean(totals, "absolute_error"), "mean absolute error"),
    "correlation": Metric(
        ("field", "truth", "squared_field", "squared_truth", "product"),
        lambda totals: _correlation(totals, "field", "truth", "product"),
        "correlation with the truth",
        of_unit=False,
    ),
}
"""Every score of field and truth by name."""

ANOMALY_METRICS: dict[str, Metric] = {
    "acc": Metric(
        ("squared_anomaly_field", "squared_anomaly_truth", "anomaly_product"),
        _anomaly_correlation,
        "anomaly correlation with the truth",
        of_unit=False,
    ),
    "centred_acc": Metric(
        (*_ANOMALIES, "squared_anomaly_field", "squared_anomaly_truth"),
        lambda totals: _correlation(totals, *_ANOMALIES),
        "centred anomaly correlation with the truth",
        of_unit=False,
    ),
}
"""Scores that need a climatology."""


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


def described(score: xr.DataArray, metric: Metric, field: xr.DataArray) -> xr.DataArray:
    """A score with its CF attributes."""
    units = {"units": field.attrs["units"]} if "units" in field.attrs else {}
    return score.assign_attrs({"long_name": metric.long_name} | (units if metric.of_unit else {"units": "1"}))


def from_sums(totals: xr.Dataset, predictor: str = "field") -> xr.Dataset:
    """All scores that sums allow, for sums of parts that were added up.

    Parameters
    ----------
    totals : Dataset
        From :func:`adaf_xr.metrics.statistics.sums`, of a part or of several, added or summed over a dimension.
    predictor : {"field", "background", "climatology"}
        Whose scores.

    Examples
    --------
    >>> import numpy as np
    >>> truth = xr.DataArray(np.arange(6.0), dims="obs")
    >>> parts = [slice(0, 2), slice(2, 6)]
    >>> totals = [sums(truth[part] + 1.0, truth[part], dim="obs", weights=None) for part in parts]
    >>> {name: float(score) for name, score in from_sums(totals[0] + totals[1]).items()}
    {'rmse': 1.0, 'bias': 1.0, 'mae': 1.0, 'correlation': 1.0}
    """
    known = {of(name, predictor): name for name in _needed()}
    seen = xr.Dataset({known[name]: total for name, total in totals.items() if name in known})
    if "weight" not in seen:
        raise ValueError("these are no sums: they lack 'weight'; make them with adaf_xr.metrics.sums")
    found = {
        name: metric.formula(seen)
        for name, metric in {**METRICS, **ANOMALY_METRICS}.items()
        if set(metric.statistics) <= set(seen.data_vars)
    }
    if not found:
        raise ValueError(f"no score of the {predictor} follows from the sums {sorted(map(str, totals.data_vars))}")
    return xr.Dataset(found)


def _needed() -> set[str]:
    """Names of all sums that some score needs."""
    return {"weight"}.union(*(metric.statistics for metric in (*METRICS.values(), *ANOMALY_METRICS.values())))


def shared(field: xr.Dataset, truth: xr.Dataset, *others: xr.Dataset) -> list[Hashable]:
    """Variables with numbers that all have.

    Raises
    ------
    ValueError
        Where there is none.
    """
    every = [truth, *others]
    found = [
        key for key in field.data_vars if all(key in ds.data_vars for ds in every) and field[key].dtype.kind in "fiu"
    ]
    if not found:
        have = " and the others ".join(str(sorted(map(str, ds.data_vars))) for ds in every)
        raise ValueError(
            f"nothing to score: the field has {sorted(map(str, field.data_vars))} and the truth {have}; rename the "
            "variables that are meant to be the same"
        )
    return found
