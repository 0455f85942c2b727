"""Spectra of a truth, of fields and of their errors, as pictures want them."""

from __future__ import annotations

import dask
import xarray as xr

from adaf_xr import metrics
from adaf_xr.inference.comparison.matching import Matched
from adaf_xr.metrics.spectra import FEWEST


def spectra(matched: Matched, key: str) -> xr.Dataset:
    """Isotropic spectra of one variable, averaged over time; this computes.

    Parameters
    ----------
    matched : Matched
        Fields and truth of a region without land or gaps.
    key : str
        A variable without levels.

    Returns
    -------
    Dataset
        On ``wavenumber`` [cycles km-1] and ``analysis``: ``truth``, ``psd``, ``error`` and
        ``score`` = 1 - error / truth; of times enough ``psd_score`` (analysis, frequency_time, frequency_longitude).

    Raises
    ------
    ValueError
        Where values are missing, or axes are short or uneven.
    """
    names = [name for name, ds in matched.fields.items() if key in ds]
    truth = matched.truth[key]
    fields = {name: matched.fields[name][key] for name in names}
    lazy = {
        "truth": _mean(metrics.isotropic_psd(truth)),
        "psd": [_mean(metrics.isotropic_psd(da)) for da in fields.values()],
        "error": [_mean(metrics.isotropic_psd(da.astype("f8") - truth)) for da in fields.values()],
    }
    if truth.sizes.get("time", 1) >= FEWEST:
        lazy["psd_score"] = [metrics.psd_score(da, truth) for da in fields.values()]
    (done,) = dask.compute(lazy)
    analysis = xr.DataArray(names, dims="analysis", name="analysis")
    found = xr.Dataset({each: xr.concat(done[each], analysis) for each in lazy if each != "truth"})
    found["truth"] = done["truth"].assign_attrs(units=f"{truth.attrs.get('units', '')}2 km")
    found["score"] = 1.0 - found["error"] / found["truth"].where(found["truth"] > 0.0)
    return found


def _mean(spectrum: xr.DataArray) -> xr.DataArray:
    return spectrum.mean("time") if "time" in spectrum.dims else spectrum
