"""All scores of an analysis beside those of its background, variable by variable."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial

import numpy as np
import xarray as xr

from adaf_xr.metrics.climatology import climatology_at
from adaf_xr.metrics.days import by_day, times_of_points
from adaf_xr.metrics.ensemble import spread_skill_of
from adaf_xr.metrics.formulas import ANOMALY_METRICS, METRICS, Metric, from_sums
from adaf_xr.metrics.horizontal import Weights, dimensions
from adaf_xr.metrics.improvement import GAIN, share_improved
from adaf_xr.metrics.pairing import time_dimension
from adaf_xr.metrics.regions import Regions
from adaf_xr.metrics.scores import shared
from adaf_xr.metrics.significance import FEWEST, block_bootstrap
from adaf_xr.metrics.statistics import mean, of, sums, sums_and_cells

Fields = xr.Dataset | xr.DataArray

SHOWN: dict[str, Metric] = {**METRICS, "acc": ANOMALY_METRICS["acc"]}
"""Scores on the card, of the analysis and of the background."""

LONG_NAMES = {
    **{name: metric.long_name for name, metric in SHOWN.items()},
    **{f"{name}_background": f"{metric.long_name}, of the background" for name, metric in SHOWN.items()},
    "rmse_low": "root-mean-square error, lower bound",
    "rmse_high": "root-mean-square error, upper bound",
    "improvement": "1 - root-mean-square error / that of the background",
    "improvement_low": "1 - root-mean-square error / that of the background, lower bound",
    "improvement_high": "1 - root-mean-square error / that of the background, upper bound",
    "improved": "share of cells with a smaller mean absolute error than the background",
    "spread_skill": "ratio of spread to root-mean-square error",
    "crps": "continuous ranked probability score",
    "coverage_90": "share of truth in the central 90 % interval",
}

OF_UNIT = {name for name in LONG_NAMES if name.split("_")[0] in ("rmse", "bias", "mae", "crps")}
"""Scores in the unit of the variable; the others have none."""


def scorecard(
    analysis: Fields,
    truth: Fields,
    background: Fields | None = None,
    climatology: Fields | None = None,
    *,
    weights: Weights = "area",
    regions: Regions | None = None,
    level: float = 0.9,
    samples: int = 1000,
    seed: int = 0,
) -> xr.Dataset:
    """Scores pooled over time and place, one row per variable.

    All numbers of a row are of the same places and times: those where the analysis, the truth, and the background, the
    climatology and the spread, as far as they are given for the variable, are all present.

    Parameters
    ----------
    analysis, truth : Dataset or DataArray
        On the same grid and times, or at the same points. Variables that the truth lacks are ignored. Beside ``<name>``
        the analysis may have its standard deviation, ``<name>_std``.
    background : Dataset or DataArray, optional
        What the analysis started from, on the same grid and times.
    climatology : Dataset or DataArray, optional
        As for :func:`adaf_xr.metrics.scores.acc`.
    weights, regions
        As for :func:`adaf_xr.metrics.scores.rmse`.
    level, samples, seed
        Of the confidence intervals, as for :func:`adaf_xr.metrics.significance.block_bootstrap`.

    Returns
    -------
    Dataset
        Dimension ``variable``, with the coordinate ``units``, and the dimensions of the fields other than time and
        place, such as ``depth`` and ``lead_time``; a variable without depth stands at the first depth of the others.
        Always ``bias``, ``mae``, ``rmse``, ``correlation`` and ``rmse_low``, ``rmse_high``, the bounds of its
        confidence interval over time. With a climatology ``acc``. With a background ``bias_background`` and so on,
        ``improvement`` = 1 - rmse / rmse_background with its paired bounds ``improvement_low``, ``improvement_high``,
        and ``improved``, the share of cells. With standard deviations ``spread_skill``, ``crps``, ``coverage_90``.
        Missing where no pair is, where a variable has no background, climatology or standard deviation, and bounds of
        fewer than 8 times; points are drawn by days, and need their times in memory for it. Lazy where an input is, the
        intervals too.

    Raises
    ------
    ValueError
        Where nothing is shared, or grids, places or times differ; the message says where.

    Examples
    --------
    >>> truth = xr.Dataset({"zos": (("time", "obs"), [[0.0, 1.0]])})
    >>> places = {"latitude": ("obs", [0.0, 1.0]), "longitude": ("obs", [0.0, 1.0])}
    >>> truth = truth.assign_coords(places)
    >>> float(scorecard(truth + 1.0, truth, background=truth + 2.0).improvement.sel(variable="zos"))
    0.5
    """
    fields, true, first, usual = _datasets(analysis, truth, background, climatology)
    names = [key for key in shared(fields, true) if str(key).removesuffix("_std") not in set(fields) - {key}]
    for given, other, called in ((background, first, "background"), (climatology, usual, "climatology")):
        if given is not None and not set(names) & set(other):
            raise ValueError(
                f"the {called} has none of {[str(name) for name in names]}, only {sorted(map(str, other.data_vars))}: "
                "rename its variables, or leave it out"
            )
    interval = partial(block_bootstrap, level=level, samples=samples, seed=seed)
    rows = []
    for name in names:
        field, others = fields[name], {}
        if name in first:
            others["background"] = first[name]
        if name in usual:
            others["climatology"] = climatology_at(usual[name], field)
        if f"{name}_std" in fields:
            others["spread"] = fields[f"{name}_std"]
        rows.append(_row(field, true[name], others, weights, regions, interval))
    card = _stacked(rows, names)
    units = [str(fields[name].attrs.get("units", true[name].attrs.get("units", ""))) for name in names]
    return _described(card.assign_coords(units=("variable", units)), level)


def _datasets(*given: Fields | None) -> list[xr.Dataset]:
    """All as Datasets, DataArrays under the name of the first that has one; empty for what is not given."""
    name = next((each.name for each in given if isinstance(each, xr.DataArray) and each.name is not None), "field")
    return [
        xr.Dataset() if each is None else each.to_dataset(name=name) if isinstance(each, xr.DataArray) else each
        for each in given
    ]


def _row(
    field: xr.DataArray,
    truth: xr.DataArray,
    others: dict[str, xr.DataArray],
    weights: Weights,
    regions: Regions | None,
    interval: Callable[..., xr.DataArray],
) -> xr.Dataset:
    """The scores of one variable."""
    time = time_dimension(field)
    given = {"field": field, "truth": truth, **others}
    gain = [GAIN["mae"]] if "background" in others else []
    if time is None:
        daily, cells = _sums_without_time(given, _needed(others), gain, weights, regions)
    else:
        daily, cells = sums_and_cells(given, _needed(others), gain, time, weights, regions)
    along = time if time in daily.dims else "time" if "time" in daily.dims else None
    pooled = daily if along is None else daily.sum([along])
    row = _scores(pooled, "field", "")
    bounded = {"rmse": METRICS["rmse"].formula}
    if "background" in others:
        row |= _scores(pooled, "background", "_background")
        row |= {"improvement": _gain(pooled), "improved": share_improved(cells, "mae", weights, regions, field)}
        bounded["improvement"] = _gain
    if "spread" in others:
        row["spread_skill"] = spread_skill_of(pooled)
        row |= {"crps": mean(pooled, "crps"), "coverage_90": mean(pooled, "within_90")}
    enough = along is not None and daily.sizes[along] >= FEWEST
    for name, formula in bounded.items():
        bounds = interval(daily, formula, dim=along) if enough else None
        for bound in ("low", "high"):
            row[f"{name}_{bound}"] = xr.full_like(row[name], np.nan) if bounds is None else bounds.sel(bound=bound)
    return xr.Dataset({name: score.reset_coords(drop=True) for name, score in row.items()})


def _sums_without_time(
    given: dict[str, xr.DataArray],
    names: list[str],
    names_of_cells: list[str],
    weights: Weights,
    regions: Regions | None,
) -> tuple[xr.Dataset, xr.Dataset]:
    """Sums of each day where points have times, else of everything; and those of each point or cell."""
    field = given["field"]
    points = times_of_points(field)
    first = sums(
        **given, dim=dimensions(field) if points is None else [], weights=weights, regions=regions, names=names
    )
    cells = sums(**given, dim=[], weights=None, regions=None, names=names_of_cells)
    return (first if points is None else by_day(first, points)), cells


def _scores(pooled: xr.Dataset, predictor: str, suffix: str) -> dict[str, xr.DataArray]:
    """Scores of the analysis or of the background."""
    return {f"{name}{suffix}": s for name, s in from_sums(pooled, predictor).items() if name in SHOWN}


def _gain(totals: xr.Dataset) -> xr.DataArray:
    """Relative reduction of the root-mean-square error."""
    return 1.0 - (mean(totals, "squared_error") / mean(totals, "squared_error_background")) ** 0.5


def _needed(others: dict[str, xr.DataArray]) -> list[str]:
    """The sums that the card needs, of what is given."""
    predictors = ["field", "background"] if "background" in others else ["field"]
    metrics = [metric for name, metric in SHOWN.items() if name in METRICS or "climatology" in others]
    names = [of(key, who) for who in predictors for metric in metrics for key in metric.statistics]
    names += ["variance", "crps", "within_90"] if "spread" in others else []
    return list(dict.fromkeys(names))


def _stacked(rows: list[xr.Dataset], names: list[Hashable]) -> xr.Dataset:
    """Rows under each other; one without depth stands at the first depth of those that have it."""
    first = {dim: row[dim].values[:1] for row in reversed(rows) for dim in row.dims if dim in row.coords}
    whole = [row.expand_dims({dim: value for dim, value in first.items() if dim not in row.dims}) for row in rows]
    variable = xr.DataArray([str(name) for name in names], dims="variable", name="variable")
    return xr.concat(whole, variable, join="outer", data_vars="all", coords="minimal", compat="override")


def _described(card: xr.Dataset, level: float) -> xr.Dataset:
    """With CF attributes; a unit only where all variables have the same."""
    units = list(dict.fromkeys(card["units"].values.tolist()))
    for name, score in card.data_vars.items():
        score.attrs = {"long_name": LONG_NAMES[str(name)]}
        if name not in OF_UNIT:
            score.attrs["units"] = "1"
        elif len(units) == 1 and units[0]:
            score.attrs["units"] = units[0]
        if str(name).endswith(("_low", "_high")):
            score.attrs["comment"] = f"block bootstrap over time, interval of probability {level:g}"
    return card[[name for name in LONG_NAMES if name in card]]
