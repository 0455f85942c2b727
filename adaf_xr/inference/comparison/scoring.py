"""Everything that is known of analyses beside a truth, in one pass over the fields."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import dask
import numpy as np
import pandas as pd
import xarray as xr

from adaf_xr import metrics
from adaf_xr.inference.comparison.at_points import along_track
from adaf_xr.inference.comparison.gains import LEVEL, at_depths_of, gains, sums_of
from adaf_xr.inference.comparison.matching import BACKGROUND, CLIMATOLOGY, Matched
from adaf_xr.inference.comparison.pooled import cards, sheet_of
from adaf_xr.inference.comparison.scales import scales
from adaf_xr.inference.comparison.sheet import Row, Sheet


@dataclass(frozen=True)
class Comparison:
    """Scores, computed.

    Attributes
    ----------
    sheet : Sheet
        One row per score, and why others are missing.
    gains : Dataset or None
        ``improvement``, ``low`` and ``high`` [%] on (analysis, variable, score), where there is a background.
    """

    sheet: Sheet
    gains: xr.Dataset | None = None


def compare(matched: Matched, whole: Matched | None = None) -> Comparison:
    """Score fields against their truth; this computes, in one pass but for what needs whole series of maps.

    Parameters
    ----------
    matched : Matched
        Fields named ``background`` and ``climatology`` are what the others are held against; the background is scored
        as well.
    whole : Matched, optional
        The same before cells were left out of its truth, by :func:`adaf_xr.inference.comparison.everywhere`: what the
        score ``covered`` is a share of. Default: `matched`.
    """
    fields = {name: ds for name, ds in matched.fields.items() if name != CLIMATOLOGY}
    sheet, better = Sheet(), dict[tuple[str, str], xr.Dataset]()
    for key in map(str, matched.truth.data_vars):
        # Variables share nothing that would be read twice, and all of them at once would fill the memory.
        found, gained = _pooled(_of_variable(matched, key), _of_variable(whole or matched, key))
        sheet, better = sheet + found, better | gained
    return Comparison(sheet + scales(replace(matched, fields=fields)), _as_table(better) if better else None)


def _of_variable(matched: Matched, key: str) -> Matched:
    """One variable of all fields that have it, with its standard error."""
    fields = {
        name: ds[[each for each in (key, f"{key}_std") if each in ds]]
        for name, ds in matched.fields.items()
        if key in ds
    }
    return replace(matched, truth=matched.truth[[key]], fields=fields)


def _pooled(matched: Matched, whole: Matched) -> tuple[Sheet, dict[tuple[str, str], xr.Dataset]]:
    """Scores over time and place, and gains on the background."""
    fields = dict(matched.fields)
    usual, first = fields.pop(CLIMATOLOGY, None), fields.get(BACKGROUND)
    every = replace(whole, fields=fields)
    analyses = replace(matched, fields={name: ds for name, ds in fields.items() if name != BACKGROUND})
    # One computation for all: what they share is read once.
    done = _computed(
        {
            "cards": cards(analyses, first, usual),
            "first": {} if first is None else cards(replace(matched, fields={BACKGROUND: first}), None, usual),
            "sums": {} if first is None else sums_of(analyses, first, usual),
            "present": {name: _present(every, name) for name in fields},
        }
    )
    sheet = sheet_of(done["cards"] | done["first"]) + _covered(done["present"])
    return sheet, {key: gains(totals) for key, totals in done["sums"].items()}


def _computed(lazy: dict[Any, Any]) -> dict[Any, Any]:
    """One computation for all: what they share is read once."""
    with warnings.catch_warnings():
        # Scores of constant or perfect fields divide by zero; they are missing, and the sheet says why.
        warnings.filterwarnings("ignore", "divide by zero|invalid value", RuntimeWarning)
        (done,) = dask.compute(lazy)
    return done


def _present(matched: Matched, name: str) -> dict[str, xr.DataArray]:
    """Share [%] of the values of the truth that a field has too, by level."""
    field, truth = matched.pair(name)
    found = {}
    for key in [str(key) for key in truth.data_vars if key in field]:
        over = [d for d in truth[key].dims if d != "depth"]
        both, wanted = truth[key].notnull() & field[key].notnull(), truth[key].notnull()
        found[key] = 100.0 * both.sum(over) / wanted.sum(over)
    return found


def _covered(present: dict[str, dict[str, xr.DataArray]]) -> Sheet:
    """Shares as rows."""
    rows = [
        Row(name, key, "covered", float(value), "%", float(depth))
        for name, shares in present.items()
        for key, share in shares.items()
        for value, depth in zip(np.atleast_1d(share.values), _levels(share), strict=True)
    ]
    return Sheet(rows)


def _levels(da: xr.DataArray) -> np.ndarray:
    return da["depth"].values if "depth" in da.dims else np.array([np.nan])


def _as_table(gains: dict[tuple[str, str], xr.Dataset]) -> xr.Dataset:
    """Gains on (analysis, variable, score); levels of a variable are variables of their own."""
    parts: dict[str, list[xr.Dataset]] = {}
    for (name, key), gain in gains.items():
        parts.setdefault(name, []).extend(_by_level(gain, key))
    tables = [xr.concat(part, "variable", join="outer") for part in parts.values()]
    table = xr.concat(tables, xr.DataArray(list(parts), dims="analysis", name="analysis"), join="outer")
    order = [score for score in dict.fromkeys(s for gain in gains.values() for s in gain.score.values.tolist())]
    labels = list(
        dict.fromkeys(v for part in parts.values() for each in part for v in each["variable"].values.tolist())
    )
    return table.sel(score=order, variable=labels).assign_attrs(level=LEVEL)


def _by_level(gain: xr.Dataset, key: str) -> list[xr.Dataset]:
    """One entry per level, under a label that says it."""
    if "depth" not in gain.dims:
        return [gain.drop_vars("depth", errors="ignore").expand_dims(variable=[key])]
    levels = gain.depth.values
    return [
        gain.isel(depth=i, drop=True).expand_dims(variable=[f"{key} {level:g} m"]) for i, level in enumerate(levels)
    ]


def compare_at_points(matched: Matched, against: str) -> Comparison:
    """Score fields at the places and times of observations, against them; this computes.

    Parameters
    ----------
    matched : Matched
        From :func:`adaf_xr.inference.comparison.sampled`.
    against : str
        Name of the observations.
    """
    first = matched.fields.get(BACKGROUND)
    analyses = replace(matched, fields={name: ds for name, ds in matched.fields.items() if name != BACKGROUND})
    lazy: dict[Any, Any] = cards(analyses, first) | (
        {} if first is None else cards(replace(matched, fields={BACKGROUND: first}))
    )
    done = _computed(lazy)
    return Comparison(sheet_of(done, against) + along_track(matched, against))


def calc_metrics_of(matched: Matched) -> dict[str, pd.DataFrame]:
    """The table of ADAF-Ocean by analysis, of the variables that background and climatology have too; this computes."""
    beside = {name: matched.fields[name] for name in (BACKGROUND, CLIMATOLOGY) if name in matched.fields}
    found = {}
    for name in [name for name in matched.fields if name not in (BACKGROUND, CLIMATOLOGY)]:
        field, truth = matched.pair(name)
        keys = [str(key) for key in truth.data_vars if all(key in ds for ds in (field, *beside.values()))]
        others = {
            which: xr.Dataset({key: at_depths_of(ds[key], truth[key]) for key in keys}) for which, ds in beside.items()
        }
        found[name] = metrics.calc_metrics(field[keys], truth[keys], others.get(BACKGROUND), others.get(CLIMATOLOGY))
    return found
