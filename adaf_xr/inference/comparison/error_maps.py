"""Maps of mean errors, summed period by period so that their sums and not the fields fill the memory."""

from __future__ import annotations

from collections.abc import Iterator

import dask
import xarray as xr

from adaf_xr.inference.comparison.levels import uppermost
from adaf_xr.inference.comparison.matching import CLIMATOLOGY, Matched
from adaf_xr.metrics import from_sums, sums

CELLS = 2**25
"""Values of one variable that are summed at once: a month of global maps of 0.25 degrees."""


def error_maps(matched: Matched) -> dict[str, xr.Dataset]:
    """Bias and RMSE over time of each cell, at the uppermost level; this computes.

    Parameters
    ----------
    matched : Matched
        Fields, and the truth.

    Returns
    -------
    dict of Dataset
        By field: ``<name>_bias`` and ``<name>_rmse`` (latitude, longitude).
    """
    pairs = {
        (name, str(key)): [uppermost(ds[key]) for ds in matched.pair(name)]
        for name, ds in matched.fields.items()
        for key in matched.truth.data_vars
        if key in ds and name != CLIMATOLOGY
    }
    names = ("error", "squared_error")
    totals: dict[tuple[str, str], xr.Dataset] = {}
    for period in _periods(matched.truth):
        lazy = {
            key: sums(*(da.isel(period) for da in pair), dim=list(period), weights=None, names=names)
            for key, pair in pairs.items()
        }
        (done,) = dask.compute(lazy)
        totals = {key: totals[key] + part if key in totals else part for key, part in done.items()}
    found: dict[str, xr.Dataset] = {}
    for (name, key), total in totals.items():
        unit = pairs[name, key][1].attrs.get("units", "")
        scores = from_sums(total)
        maps = {f"{key}_{score}": scores[score].assign_attrs(units=unit) for score in ("bias", "rmse")}
        found[name] = found.get(name, xr.Dataset()).assign(maps)
    return found


def _periods(truth: xr.Dataset) -> Iterator[dict[str, slice]]:
    """Pieces of the time axis; of fields without time the whole."""
    if "time" not in truth.dims:
        yield {}
        return
    step = max(1, CELLS // (truth.sizes["latitude"] * truth.sizes["longitude"]))
    yield from ({"time": slice(start, start + step)} for start in range(0, truth.sizes["time"], step))
