"""Scores that need whole maps in space and time: how near, how steady, and down to which scale."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial, reduce
from typing import Literal

import numpy as np
import xarray as xr

from adaf_xr import metrics
from adaf_xr.grids import is_periodic
from adaf_xr.inference.comparison.levels import uppermost
from adaf_xr.inference.comparison.matching import Matched
from adaf_xr.inference.comparison.sheet import Missing, Row, Sheet, joined

SEA_LEVEL = ("zos", "sla")
"""Variables that have the scores of the ocean data challenges."""

Scales = Callable[[xr.DataArray, xr.DataArray], tuple[float, ...]]

SCORES: dict[tuple[tuple[str, str], ...], Scales] = {
    (("mu", "1"), ("sigma", "1")): metrics.mu_sigma,
    (("lambda_x", "degrees"), ("lambda_t", "days")): metrics.lambda_x_t,
    (("lambda_x_all", "degrees"), ("lambda_t_all", "days")): lambda rec, ref: metrics.lambda_x_t(rec, ref, path="all"),
    (("resolution", "km"),): lambda rec, ref: (metrics.effective_resolution(rec, ref),),
}
"""Scores of sea level with their units, those that one call gives together."""

NOWHERE = "at no scale the error has less than half the power of the truth"

CURRENTS = ("uv", "vorticity", "divergence", "strain")
"""Explained shares of currents."""


def scales(matched: Matched) -> Sheet:
    """Scores of sea level and currents of every field, and reasons for those that cannot be had; this computes.

    Sea level: µ and σ, λx and λt as the 2020a data challenge has them, λx and λt of all contour lines, and the
    isotropic effective resolution. Currents, at the level nearest the surface: explained shares of the vector,
    vorticity, divergence and strain, filtered as in the 4DVarNet paper, or not at all beside land.
    """
    return joined(_of_field(matched, name) for name in matched.fields)


def _of_field(matched: Matched, name: str) -> Sheet:
    """Scores of one field."""
    field, truth = matched.pair(name)
    found = Sheet()
    for key in [key for key in SEA_LEVEL if key in field and key in truth]:
        found += _of_sea_level(name, key, field[key], truth[key])
    if all(key in ds for key in ("uo", "vo") for ds in (field, truth)):
        found += _of_currents(name, [uppermost(ds[key]) for ds in (field, truth) for key in ("uo", "vo")])
    return found


def _of_sea_level(name: str, key: str, field: xr.DataArray, truth: xr.DataArray) -> Sheet:
    """Scores of the ocean data challenges, and resolution."""
    hindrance = _hindrance(field, truth)
    if hindrance is None and is_periodic(truth.longitude.values):
        hindrance = "it is a score of a region: choose one with --region (region=...)"
    found = Sheet()
    for scores, function in SCORES.items():
        stopped = hindrance if function is not metrics.mu_sigma else None
        found += attempt(name, key, scores, partial(_unless, stopped, function, field, truth))
    return found


def _of_currents(name: str, currents: list[xr.DataArray]) -> Sheet:
    """Explained shares as published; beside land, which has no place in them, those without a filter."""
    hindrance = _hindrance(*currents)
    filters: list[tuple[Literal["paper"] | None, str, str | None]] = [("paper", "", hindrance)]
    filters += [(None, "_unfiltered", None)] if hindrance else []
    return joined(
        attempt(
            name, "uo, vo", tuple((f"tau_{part}{ending}", "%") for part in CURRENTS),
            partial(_unless, stopped, partial(_explained, filter_), *currents),
        )
        for filter_, ending, stopped in filters
    )  # fmt: skip


def _explained(filter_: Literal["paper"] | None, *currents: xr.DataArray) -> tuple[float, ...]:
    """Explained shares of currents [%]: u, v, and those of the truth."""
    u, v, u_ref, v_ref = currents
    shares = metrics.tau(u, v, u_ref, v_ref, filter=filter_).compute()  # all of them in one pass
    return tuple(float(shares[part]) for part in CURRENTS)


def _hindrance(*fields: xr.DataArray) -> str | None:
    """What stands against scores that need whole maps."""
    gaps = int(reduce(operator.or_, (da.isnull() for da in fields)).sum())
    if not gaps:
        return None
    return (
        f"{gaps} of {fields[0].size} values are missing, and it needs them all: choose a box without land or gaps, "
        "--region (region=...)"
    )


def _unless(
    hindrance: str | None, function: Callable[..., tuple[float, ...]], *fields: xr.DataArray
) -> tuple[float, ...]:
    """A score, if nothing stands against it."""
    if "time" not in fields[0].dims:
        raise ValueError("it is a score of series of maps, and the fields have no time")
    if hindrance is not None:
        raise ValueError(hindrance)
    return function(*fields)


def attempt(
    name: str,
    variable: str,
    scores: tuple[tuple[str, str], ...],
    function: Callable[[], tuple[float, ...]],
    against: str = "truth",
) -> Sheet:
    """Scores with their units from a function, or the reason why there are none."""
    try:
        values = function()
    except ValueError as error:
        return Sheet([], [Missing(name, variable, score, str(error), against) for score, _ in scores])
    rows = [Row(name, variable, s, v, unit, against=against) for (s, unit), v in zip(scores, values, strict=True)]
    gaps = [Missing(name, variable, row.score, NOWHERE, against) for row in rows if np.isnan(row.value)]
    return Sheet([row for row in rows if not np.isnan(row.value)], gaps)
