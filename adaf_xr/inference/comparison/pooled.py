"""Scores pooled over time and place, one row each."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from adaf_xr import metrics
from adaf_xr.cf.canonical import VARIABLES
from adaf_xr.inference.comparison.gains import LEVEL, at_depths_of
from adaf_xr.inference.comparison.matching import BACKGROUND, Matched
from adaf_xr.inference.comparison.sheet import Missing, Row, Sheet, joined

IN_ITS_UNIT = ("rmse", "bias", "mae", "crps")
"""Scores in the unit of the variable."""

PERCENT = ("improvement", "improved", "coverage_90")
"""Shares, shown in percent."""

NEEDS = {
    "acc": "a climatology (--climatology)",
    "improvement": "a background (--background)",
    "improved": "a background (--background)",
    "spread_skill": "standard errors, <name>_std, of the analysis",
    "crps": "standard errors, <name>_std, of the analysis",
}
"""What scores need that may not be given."""

UNDEFINED = "it has no value, for there is no pair, or a side of it is constant or without error"


def cards(
    matched: Matched, background: xr.Dataset | None = None, climatology: xr.Dataset | None = None
) -> dict[tuple[str, str], xr.Dataset]:
    """Score cards by field and variable, lazily: RMSE, bias, MAE, correlation and what else the input allows.

    Parameters
    ----------
    matched : Matched
        Fields, and the truth.
    background, climatology : Dataset, optional
        On the axes of the truth.
    """
    found = {}
    for name in matched.fields:
        field, truth = matched.pair(name)
        for key in [str(key) for key in truth.data_vars if key in field]:
            found[name, key] = _card(field, truth, key, background, climatology)
    return found


def sheet_of(cards: Mapping[tuple[str, str], xr.Dataset], against: str = "truth") -> Sheet:
    """Computed cards as rows, with a reason for each score that the input did not allow."""
    found = joined(_scores(name, key, card, against) for (name, key), card in cards.items())
    gaps = [
        Missing(name, key, score, f"it needs {NEEDS[score]}", against)
        for (name, key), card in cards.items()
        for score in _expected(name, against)
        if score not in card
    ]
    return found + Sheet([], gaps)


def _expected(name: str, against: str) -> list[str]:
    """Scores that more input would allow."""
    if name == BACKGROUND:
        return ["acc"] if against == "truth" else []
    return list(NEEDS) if against == "truth" else ["improvement", "improved"]


def _card(
    field: xr.Dataset, truth: xr.Dataset, key: str, background: xr.Dataset | None, climatology: xr.Dataset | None
) -> xr.Dataset:
    """The score card of one variable."""
    own = [name for name in (key, f"{key}_std") if name in field]
    beside = [
        None if ds is None or key not in ds else at_depths_of(ds[key], truth[key]).to_dataset()
        for ds in (background, climatology)
    ]
    return metrics.scorecard(field[own], truth[[key]], *beside, level=LEVEL).sel(variable=key, drop=True)


def _scores(name: str, key: str, card: xr.Dataset, against: str) -> Sheet:
    """One row per score and depth; what is undefined has a reason instead."""
    sheet = Sheet()
    for score in [str(s) for s in card.data_vars if not str(s).endswith(("_low", "_high", "_background"))]:
        factor = 100.0 if score in PERCENT else 1.0
        unit = VARIABLES[key].units if score in IN_ITS_UNIT else "%" if score in PERCENT else "1"
        ends = [card.get(f"{score}_{end}", xr.full_like(card[score], np.nan)) for end in ("low", "high")]
        for i, depth in enumerate(np.atleast_1d(card["depth"].values) if "depth" in card[score].dims else [np.nan]):
            value, low, high = (factor * float(np.atleast_1d(each.values)[i]) for each in (card[score], *ends))
            if np.isfinite(value):
                sheet.rows.append(Row(name, key, score, value, unit, float(depth), low, high, against))
            else:
                sheet.missing.append(Missing(name, key, score, UNDEFINED, against))
    return sheet
