"""The pictures of ``adaf score``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

    from adaf_xr.inference.comparison import Comparison, Matched


def draw(matched: Matched, comparison: Comparison, folder: Path) -> list[Path]:
    """Maps and mean errors of each variable, spectra of sea level, and the score card; this computes.

    Parameters
    ----------
    matched : Matched
        Fields and truth.
    comparison : Comparison
        Their scores.
    folder : Path
        Where to write.

    Returns
    -------
    list of Path
        What was written.
    """
    from adaf_xr.inference.comparison import CLIMATOLOGY, error_maps
    from adaf_xr.plotting import figure_of_errors, plot_scorecard, save

    matched = replace(matched, fields={name: ds for name, ds in matched.fields.items() if name != CLIMATOLOGY})
    written = []
    for key in [str(key) for key in matched.truth.data_vars]:
        written.append(save(_maps(matched, key), folder / f"maps_{key}.png"))
        written.append(save(figure_of_errors(error_maps(matched, key), key), folder / f"errors_{key}.png"))
    written += _spectra(matched, comparison, folder)
    if comparison.gains is not None:
        written.append(save(plot_scorecard(comparison.gains, title=span(matched.truth)), folder / "scorecard.png"))
    return written


def span(ds: xr.Dataset) -> str:
    """Times of fields in words."""
    if "time" not in ds.dims:
        return ""
    first, last = (str(t.astype("datetime64[m]")).removesuffix("T00:00") for t in ds.time.values[[0, -1]])
    return first if first == last else f"{first} to {last}, {ds.sizes['time']} times"


def _maps(matched: Matched, key: str) -> Any:
    """Truth, fields and errors at the uppermost level, in the middle of the times."""
    from adaf_xr.inference.comparison import uppermost
    from adaf_xr.plotting import figure_of_comparison

    def chosen(da: xr.DataArray) -> xr.DataArray:
        return uppermost(da.isel(time=da.sizes["time"] // 2) if "time" in da.dims else da)

    pairs = {name: matched.pair(name) for name, ds in matched.fields.items() if key in ds}
    truth = next(iter(pairs.values()))[1]
    return figure_of_comparison(chosen(truth[key]), {name: chosen(field[key]) for name, (field, _) in pairs.items()})


def _spectra(matched: Matched, comparison: Comparison, folder: Path) -> list[Path]:
    """Spectra of sea level, where it has them; where not, the score sheet says why."""
    from adaf_xr.inference.comparison import spectra
    from adaf_xr.plotting import plot_psd_score, plot_spectra, save

    scored = comparison.sheet.table()
    known = scored[scored["score"].isin(["lambda_x", "lambda_t", "resolution"])]
    written = []
    for key in known["variable"].unique():
        found = spectra(matched, key)
        of = known[known["variable"] == key].pivot_table("value", "analysis", "score").reindex(found.analysis.values)
        found["resolution"] = ("analysis", of.get("resolution", of.index.to_series() * np.nan))
        written.append(save(plot_spectra(found, title=f"{key}, {span(matched.truth)}"), folder / f"spectra_{key}.png"))
        for name in found.analysis.values if "psd_score" in found else ():
            scales = {score: of.loc[name, score] for score in ("lambda_x", "lambda_t") if score in of}
            ax = plot_psd_score(found.psd_score.sel(analysis=name), title=f"{name}, {key}", **scales)
            written.append(save(ax, folder / f"psd_score_{key}_{name}.png"))
    return written
