"""By how much each score of an analysis is better than that of its background, and whether that may be chance."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from adaf_xr.inference.comparison.matching import Matched
from adaf_xr.metrics import block_bootstrap, from_sums, sums
from adaf_xr.metrics.formulas import ANOMALY_METRICS, METRICS
from adaf_xr.metrics.significance import FEWEST
from adaf_xr.metrics.statistics import mean, of

LEVEL = 0.95
"""Probability of the intervals."""

SCORES: dict[str, tuple[str, Callable[[xr.DataArray], xr.DataArray]]] = {
    "rmse": ("rmse", lambda score: score),
    "mae": ("mae", lambda score: score),
    "|bias|": ("bias", abs),
    "1 - r": ("correlation", lambda score: 1.0 - score),
    "1 - acc": ("acc", lambda score: 1.0 - score),
}
"""What is compared, each best at zero: a metric, and a function of it."""

SHARE_OF = {"|bias|": "rmse"}
"""What a gain is a share of, if not of the same score of the background: next to no bias is no measure of another."""

CRPS = "crps"
"""Compared with the MAE of the background, which is the CRPS of a field without spread."""


def sums_of(
    matched: Matched, background: xr.Dataset, climatology: xr.Dataset | None = None
) -> dict[tuple[str, str], xr.Dataset]:
    """Sums by time that gains follow from, by field and variable, lazily.

    Parameters
    ----------
    matched : Matched
        Fields, and the truth.
    background, climatology : Dataset
        On the axes of the truth.
    """
    found = {}
    for name, field in matched.fields.items():
        _, truth = matched.pair(name)
        for key in [str(key) for key in truth.data_vars if key in field and key in background]:
            given = {"background": background, "climatology": climatology, "spread": field}
            names = {"background": key, "climatology": key, "spread": f"{key}_std"}
            others = {
                what: at_depths_of(ds[names[what]], truth[key])
                for what, ds in given.items()
                if ds is not None and names[what] in ds
            }
            found[name, key] = _sums(field[key], truth[key], others)
    return found


def _sums(field: xr.DataArray, truth: xr.DataArray, others: dict[str, Any]) -> xr.Dataset:
    """Of one variable."""
    scores = [score for score, (metric, _) in SCORES.items() if metric in METRICS or "climatology" in others]
    statistics = {name for score in scores for name in _needed(score)}
    statistics |= set(_needed(CRPS)) if "spread" in others else set()
    return sums(field, truth, names=sorted(statistics), **others)


def _needed(score: str) -> list[str]:
    """The sums of one gain, without the weight."""
    if score == CRPS:
        return [CRPS, "absolute_error", of("absolute_error", "background")]
    metrics = [SCORES[score][0]] + ([SHARE_OF[score]] if score in SHARE_OF else [])
    names = [name for metric in metrics for name in (METRICS | ANOMALY_METRICS)[metric].statistics]
    return list(dict.fromkeys(of(name, whose) for whose in ("field", "background") for name in names))


def gains(totals: xr.Dataset) -> xr.Dataset:
    """Improvement of scores on those of the background [%], with the ends of its interval.

    Parameters
    ----------
    totals : Dataset
        Of :func:`sums_of`, computed.

    Returns
    -------
    Dataset
        ``improvement``, ``low`` and ``high`` on ``score``, and ``depth`` where there is one: percent of the score of
        the background, of its RMSE for a bias; 100 where the field is perfect. Of fewer than eight times there is no
        interval.
    """
    whole = totals.sum("time") if "time" in totals.dims else totals
    scores = [score for score in (*SCORES, CRPS) if set(_needed(score)) <= set(totals.data_vars)]
    needed = {score: [*_needed(score), "weight"] for score in scores}
    parts = [_with_interval(totals[names], whole[names], score) for score, names in needed.items()]
    return xr.concat(parts, xr.DataArray(scores, dims="score", name="score"))


def at_depths_of(da: xr.DataArray, truth: xr.DataArray) -> xr.DataArray:
    """The depths of a truth."""
    return da.sel(depth=truth.depth) if "depth" in da.dims and "depth" in truth.dims else da


def _with_interval(totals: xr.Dataset, whole: xr.Dataset, score: str) -> xr.Dataset:
    """One gain from the sums of times and of all times."""
    formula = partial(_gain, score=score)
    gain = formula(whole)
    if totals.sizes.get("time", 1) < FEWEST:
        return xr.Dataset({"improvement": gain, **dict.fromkeys(("low", "high"), xr.full_like(gain, np.nan))})
    bounds = block_bootstrap(totals, formula, level=LEVEL)
    ends = {end: bounds.sel(bound=end, drop=True) for end in ("low", "high")}
    return xr.Dataset({"improvement": gain, **ends})


def _gain(totals: xr.Dataset, score: str) -> xr.DataArray:
    """One gain [%] from sums."""
    mine, first = (from_sums(totals, whose) for whose in ("field", "background"))
    metric, distance = SCORES.get(score, ("mae", abs))
    before = distance(first[metric])
    after = mean(totals, "crps") if score == CRPS else distance(mine[metric])
    scale = first[SHARE_OF[score]] if score in SHARE_OF else before
    # Nothing is better than a perfect background, nor worse by some share of it.
    return 100.0 * (before - after) / scale.where(scale > 0.0)
