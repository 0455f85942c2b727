"""From sums to scores: every formula once, for fields, parts of fields and samples of a bootstrap alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import xarray as xr

from adaf_xr.metrics.statistics import mean, of


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
    >>> from adaf_xr.metrics.statistics import sums
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
