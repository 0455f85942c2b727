"""Whether an analysis knows how wrong it is: spread against skill, CRPS, coverage.

The uncertainty comes as a standard deviation, ``spread=...``, of a normal distribution about the field, or as a
dimension of members in the field, ``member="..."``. A place where a member is missing is missing. A
standard deviation below zero is an error, when it computes.
"""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import xarray as xr

from adaf_xr.metrics.horizontal import Weights
from adaf_xr.metrics.pairing import paired
from adaf_xr.metrics.probability import ensemble_crps, within
from adaf_xr.metrics.regions import Regions
from adaf_xr.metrics.statistics import Dimensions, mean, sums


def spread_skill(
    field: xr.DataArray,
    truth: xr.DataArray,
    spread: xr.DataArray | None = None,
    *,
    member: Hashable | None = None,
    dim: Dimensions = None,
    weights: Weights = "area",
    regions: Regions | None = None,
) -> xr.DataArray:
    r"""Ratio of the spread to the error: 1 where they agree on average, below 1 where the analysis is overconfident.

    .. math:: \sqrt{\frac{\langle s^2 \rangle}{\langle (m - y)^2 \rangle}}

    where m is the field or the mean of the members and s the spread. Of M members, s² is their variance with M - 1 in
    the denominator times (M + 1) / M, for the mean of a finite ensemble errs by more than that of an infinite one.

    Parameters
    ----------
    field, truth : DataArray
        As for :func:`adaf_xr.metrics.scores.rmse`.
    spread : DataArray, optional
        Standard deviation, in the unit of the field.
    member : dimension, optional
        Of the field, in place of `spread`: the members of an ensemble.
    dim, weights, regions
        As for :func:`adaf_xr.metrics.scores.rmse`.

    Returns
    -------
    DataArray
        Unit 1; missing where no pair is, infinite where the error vanishes and the spread does not.

    Raises
    ------
    ValueError
        Where neither spread nor members are given, or both, or a single member.

    References
    ----------
    Fortin, V., et al. (2014). Why should ensemble spread match the RMSE of the ensemble mean? J. Hydrometeorology 15,
    1708-1713.

    Examples
    --------
    >>> truth = xr.DataArray([0.0, 0.0], dims="obs")
    >>> float(spread_skill(truth + [1.0, -3.0], truth, 0.0 * truth + 5.0**0.5, dim="obs", weights=None))
    1.0
    """
    centre, spread = _normal(field, spread, member)
    totals = sums(
        centre, truth, spread=spread, dim=dim, weights=weights, regions=regions, names=["variance", "squared_error"]
    )
    return spread_skill_of(totals).rename(field.name)


def spread_skill_of(totals: xr.Dataset) -> xr.DataArray:
    """The ratio from sums."""
    ratio = (mean(totals, "variance") / mean(totals, "squared_error")) ** 0.5
    return ratio.assign_attrs(long_name="ratio of spread to root-mean-square error", units="1")


def crps(
    field: xr.DataArray,
    truth: xr.DataArray,
    spread: xr.DataArray | None = None,
    *,
    member: Hashable | None = None,
    fair: bool = True,
    dim: Dimensions = None,
    weights: Weights = "area",
    regions: Regions | None = None,
) -> xr.DataArray:
    r"""Mean continuous ranked probability score, the mean absolute error of a distribution.

    .. math:: \int (F(z) - [z \ge y])^2 \, dz

    where F is the distribution function: normal about the field with standard deviation `spread`, in closed form, or of
    the members. Unit: that of the field. Range: 0 to infinity; best 0; the fair score of members can be below 0.

    Parameters
    ----------
    field, truth, spread, member, dim, weights, regions
        As for :func:`spread_skill`.
    fair : bool
        Of members, the score that an infinite ensemble of the same kind would get on average; else the score of the
        ensemble as it stands, which prefers large ones. Without meaning for a normal distribution.

    References
    ----------
    Gneiting, T., and Raftery, A. E. (2007). Strictly proper scoring rules, prediction, and estimation. JASA 102.
    Ferro, C. A. T. (2014). Fair scores for ensemble forecasts. Q. J. R. Meteorol. Soc. 140, 1917-1923.

    Examples
    --------
    >>> truth = xr.DataArray([0.0], dims="obs")
    >>> round(float(crps(truth, truth, truth + 1.0, dim="obs", weights=None)), 4)
    0.2337
    """
    if member is None:
        centre, spread = _normal(field, spread, member)
        totals = sums(centre, truth, spread=spread, dim=dim, weights=weights, regions=regions, names=["crps"])
        score = mean(totals, "crps")
    else:
        _refuse_unlike_ensembles(field, spread, member)
        first = field.isel({member: 0}, drop=True)
        true = paired({"field": first, "truth": truth})["truth"]
        each = xr.apply_ufunc(
            ensemble_crps, field, true, kwargs={"fair": fair},
            input_core_dims=[[member], []], dask="parallelized", output_dtypes=["f8"],
            dask_gufunc_kwargs={"allow_rechunk": True},
        )  # fmt: skip
        totals = sums(each.rename(field.name), true, dim=dim, weights=weights, regions=regions, names=["field"])
        score = mean(totals, "field")
    attributes = {"long_name": "continuous ranked probability score", "units": field.attrs.get("units")}
    return score.rename(field.name).assign_attrs({k: v for k, v in attributes.items() if v is not None})


def coverage(
    field: xr.DataArray,
    truth: xr.DataArray,
    spread: xr.DataArray,
    *,
    level: float = 0.9,
    dim: Dimensions = None,
    weights: Weights = "area",
    regions: Regions | None = None,
) -> xr.DataArray:
    """Share of the truth that lies in the central interval of this probability; best: the probability itself.

    Parameters
    ----------
    field, truth, spread, dim, weights, regions
        As for :func:`spread_skill`.
    level : float
        Probability of the interval of the normal distribution, between 0 and 1.

    Examples
    --------
    >>> truth = xr.DataArray([1.6, 1.7], dims="obs")
    >>> float(coverage(0.0 * truth, truth, 0.0 * truth + 1.0, dim="obs", weights=None))
    0.5
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level={level!r}: give a probability between 0 and 1, such as 0.9")
    given = paired({"field": field, "truth": truth, "spread": spread})
    inside = xr.apply_ufunc(
        lambda x, y, s: np.where(np.isnan(x + y + s), np.nan, within(level)(x, y, s)), *given.values(),
        dask="parallelized", output_dtypes=["f8"],
    )  # fmt: skip
    totals = sums(inside.rename(field.name), given["truth"], dim=dim, weights=weights, regions=regions, names=["field"])
    long_name = f"share of truth in the central {100 * level:g} % interval"
    return mean(totals, "field").rename(field.name).assign_attrs(long_name=long_name, units="1")


def _normal(
    field: xr.DataArray, spread: xr.DataArray | None, member: Hashable | None
) -> tuple[xr.DataArray, xr.DataArray]:
    """Centre and standard deviation; of members, inflated for their finite number."""
    if member is None:
        if spread is None:
            raise ValueError("no uncertainty is given: pass spread=..., a standard deviation, or member='...'")
        return field, spread
    _refuse_unlike_ensembles(field, spread, member)
    count = field.sizes[member]
    deviation = field.astype("f8").std([member], ddof=1, skipna=False) * ((count + 1) / count) ** 0.5
    return field.astype("f8").mean([member], skipna=False).assign_attrs(field.attrs).rename(field.name), deviation


def _refuse_unlike_ensembles(field: xr.DataArray, spread: xr.DataArray | None, member: Hashable) -> None:
    """An ensemble has members, several, and no other spread."""
    if spread is not None:
        raise ValueError("both spread=... and member=... are given: the uncertainty is one or the other")
    if member not in field.dims:
        raise ValueError(f"{field.name!r} has no dimension {member!r} of members: it has {field.dims}")
    if field.sizes[member] < 2:
        raise ValueError("one member has no spread: give at least two")
