"""All scores of an analysis beside those of its background, variable by variable."""

from __future__ import annotations

import xarray as xr

from adaf_xr.metrics.scores import METRICS, shared
from adaf_xr.metrics.statistics import sums

Fields = xr.Dataset | xr.DataArray


def scorecard(
    analysis: Fields, truth: Fields, background: Fields | None = None, climatology: Fields | None = None
) -> xr.Dataset:
    """Scores pooled over time and place, one row per variable.

    Parameters
    ----------
    analysis, truth : Dataset or DataArray
        On the same grid and times, or at the same points. Variables of the analysis that the truth lacks are ignored.
    background : Dataset or DataArray, optional
        What the analysis started from.
    climatology : Dataset or DataArray, optional
        With ``time``, ``dayofyear`` or neither.

    Returns
    -------
    Dataset
        Dimension ``variable``, and ``depth``, ``lead_time`` and the like where the fields have them. Always ``bias``,
        ``mae``, ``rmse``, ``correlation``, ``rmse_low``, ``rmse_high``; with a climatology ``acc``; with a background
        all of these again (``rmse_background`` ...), ``improvement`` = 1 - rmse / rmse_background and ``improved``, the
        share of cells; with ``<name>_std`` in the analysis ``spread_skill``, ``crps``, ``coverage_90``.

    Raises
    ------
    ValueError
        Where nothing is shared, or grids or times differ.

    Examples
    --------
    >>> truth = xr.Dataset({"zos": (("time", "obs"), [[0.0, 1.0]])})
    >>> float(scorecard(truth + 1.0, truth, background=truth + 2.0).improvement.sel(variable="zos"))
    0.5
    """
    fields, true = _dataset(analysis), _dataset(truth)
    names = shared(fields, true)
    cards = []
    for name in names:
        over = fields[name].dims
        totals = sums(fields[name], true[name], dim=over, weights=None)
        card = {key: metric.formula(totals) for key, metric in METRICS.items()}
        if background is not None:
            first = sums(_dataset(background)[name], true[name], dim=over, weights=None)
            card |= {f"{key}_background": metric.formula(first) for key, metric in METRICS.items()}
            card["improvement"] = 1.0 - card["rmse"] / card["rmse_background"]
        cards.append(xr.Dataset(card))
    return xr.concat(cards, "variable").assign_coords(variable=[str(name) for name in names])


def _dataset(fields: Fields) -> xr.Dataset:
    """A DataArray as a Dataset of one variable."""
    return fields if isinstance(fields, xr.Dataset) else fields.to_dataset(name=fields.name or "field")
