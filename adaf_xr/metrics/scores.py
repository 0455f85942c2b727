"""Scores of a field against a truth. Each is a formula of weighted means over the pairs where both are present.

Below, angle brackets are the weighted mean over `dim`, x is the field and y the truth.

References
----------
Jolliffe, I. T., and Stephenson, D. B., eds. (2012). Forecast Verification, 2nd ed., chapter 5. Wiley.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import TypeVar

import xarray as xr

from adaf_xr.metrics.horizontal import Weights
from adaf_xr.metrics.statistics import mean, sums

Scored = TypeVar("Scored", xr.Dataset, xr.DataArray)
Dimensions = Hashable | Iterable[Hashable] | None


@dataclass(frozen=True)
class Metric:
    """A score as a function of sums that merge.

    Attributes
    ----------
    statistics : tuple of str
        The keys of :data:`adaf_xr.metrics.statistics.STATISTICS` it needs.
    formula : callable
        From their sums to the score.
    """

    statistics: tuple[str, ...]
    formula: Callable[[xr.Dataset], xr.DataArray]


def _correlation(totals: xr.Dataset) -> xr.DataArray:
    """Correlation from sums; missing where either side is constant."""
    x, y = mean(totals, "field"), mean(totals, "truth")
    spread_x = _variance(mean(totals, "squared_field"), x)
    spread_y = _variance(mean(totals, "squared_truth"), y)
    r = (mean(totals, "product") - x * y) / (spread_x * spread_y) ** 0.5
    return r.clip(-1.0, 1.0)


def _variance(square: xr.DataArray, centre: xr.DataArray) -> xr.DataArray:
    """Mean square about the mean; missing where it is the rounding of a constant."""
    variance = square - centre**2
    return variance.where(variance > 1e-13 * square)


METRICS: dict[str, Metric] = {
    "rmse": Metric(("squared_error",), lambda totals: mean(totals, "squared_error") ** 0.5),
    "bias": Metric(("error",), lambda totals: mean(totals, "error")),
    "mae": Metric(("absolute_error",), lambda totals: mean(totals, "absolute_error")),
    "correlation": Metric(("field", "truth", "squared_field", "squared_truth", "product"), _correlation),
}
"""Every score by name."""


def rmse(field: Scored, truth: Scored, *, dim: Dimensions = None, weights: Weights = "area") -> Scored:
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

    Returns
    -------
    Dataset or DataArray
        Lazy where the input is; missing where no pair is.

    Raises
    ------
    ValueError
        Where the coordinates of field and truth differ, or no horizontal dimension is found.

    Examples
    --------
    >>> truth = xr.DataArray([0.0, 0.0], dims="obs")
    >>> float(rmse(truth + [1.0, 7.0], truth, dim="obs", weights=None))
    5.0
    """
    return _score("rmse", field, truth, dim, weights)


def bias(field: Scored, truth: Scored, *, dim: Dimensions = None, weights: Weights = "area") -> Scored:
    r"""Mean error, positive where the field is too high.

    .. math:: \mathrm{bias} = \langle x - y \rangle

    Unit: that of the field. Range: any; best 0. Arguments and errors as for :func:`rmse`.

    Examples
    --------
    >>> truth = xr.DataArray([0.0, 0.0], dims="obs")
    >>> float(bias(truth + [3.0, -4.0], truth, dim="obs", weights=None))
    -0.5
    """
    return _score("bias", field, truth, dim, weights)


def mae(field: Scored, truth: Scored, *, dim: Dimensions = None, weights: Weights = "area") -> Scored:
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
    return _score("mae", field, truth, dim, weights)


def correlation(field: Scored, truth: Scored, *, dim: Dimensions = None, weights: Weights = "area") -> Scored:
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
    return _score("correlation", field, truth, dim, weights)


def _score(name: str, field: Scored, truth: Scored, dim: Dimensions, weights: Weights) -> Scored:
    """Apply one metric to a DataArray, or to the variables that two Datasets share."""
    if isinstance(field, xr.DataArray) and isinstance(truth, xr.DataArray):
        metric = METRICS[name]
        totals = sums(field, truth, dim=dim, weights=weights, names=metric.statistics)
        return metric.formula(totals).rename(field.name)
    if not (isinstance(field, xr.Dataset) and isinstance(truth, xr.Dataset)):
        raise TypeError(
            f"a {type(field).__name__} cannot be scored against a {type(truth).__name__}: "
            "give two Datasets or two DataArrays"
        )
    pairs = {key: (field[key], truth[key]) for key in shared(field, truth)}
    return xr.Dataset({key: _score(name, *pair, dim, weights) for key, pair in pairs.items()})


def shared(field: xr.Dataset, truth: xr.Dataset) -> list[Hashable]:
    """Variables with numbers that both have.

    Raises
    ------
    ValueError
        Where there is none.
    """
    found = [key for key in field.data_vars if key in truth.data_vars and field[key].dtype.kind in "fiu"]
    if not found:
        raise ValueError(
            f"nothing to score: the field has {sorted(map(str, field.data_vars))} and the truth "
            f"{sorted(map(str, truth.data_vars))}; rename the variables that are meant to be the same"
        )
    return found
