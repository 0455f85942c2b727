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


_SHOWN = ("bias", "rmse")


def error_maps(matched: Matched, key: str) -> dict[str, xr.Dataset]:
    """Bias and RMSE over time of each cell, at the uppermost level; this computes.

    Parameters
    ----------
    matched : Matched
        Fields, and the truth.
    key : str
        A variable.

    Returns
    -------
    dict of Dataset
        By field that has the variable: ``<key>_bias`` and ``<key>_rmse`` (latitude, longitude).
    """
    names = [name for name, ds in matched.fields.items() if key in ds and name != CLIMATOLOGY]
    pairs = {name: [uppermost(ds[key]) for ds in matched.pair(name)] for name in names}
    totals: dict[str, xr.Dataset] = {}
    for period in _periods(matched.truth):
        lazy = {
            name: sums(
                *(da.isel(period) for da in pair), dim=list(period), weights=None, names=("error", "squared_error")
            )
            for name, pair in pairs.items()
        }
        (done,) = dask.compute(lazy)
        totals = {name: totals[name] + part if name in totals else part for name, part in done.items()}
    unit = matched.truth[key].attrs.get("units", "")
    return {
        name: xr.Dataset({f"{key}_{score}": from_sums(total)[score].assign_attrs(units=unit) for score in _SHOWN})
        for name, total in totals.items()
    }


def _periods(truth: xr.Dataset) -> Iterator[dict[str, slice]]:
    """Pieces of the time axis; of fields without time the whole."""
    if "time" not in truth.dims:
        yield {}
        return
    step = max(1, CELLS // (truth.sizes["latitude"] * truth.sizes["longitude"]))
    yield from ({"time": slice(start, start + step)} for start in range(0, truth.sizes["time"], step))
