"""Maps of fields beside their truth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from adaf_xr.lattice import Region
from adaf_xr.plotting import style
from adaf_xr.plotting.maps import panels, plot, window

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CELLS = 800
"""Cells along one side of a panel, about its pixels."""


def figure_of_comparison(
    truth: xr.DataArray, fields: Mapping[str, xr.DataArray], *, region: Region | None = None, title: str = ""
) -> Figure:
    """Truth, field and error side by side, one row per field; this computes.

    Parameters
    ----------
    truth : DataArray
        One map.
    fields : mapping of str to DataArray
        On the grid of the truth.
    region : (west, east, south, north), optional
        Part of the Earth [degrees]. Default: what the truth covers.
    title : str
        What is shown. Default: the quantity, its time and depth.

    Returns
    -------
    matplotlib Figure
        Truth and fields share one scale of colours, all errors another: at most twice that of the middle one.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("agg")
    >>> axes = {"latitude": np.arange(30.5, 40), "longitude": np.arange(-60.5, -40)}
    >>> truth = xr.DataArray(np.ones((10, 21)), axes, list(axes), name="zos")
    >>> [ax.get_title() for ax in figure_of_comparison(truth, {"oi": truth + 0.1}).axes[:3]]
    ['truth', 'oi', 'error of oi']
    """
    true = _thinned(truth.squeeze()).compute()
    shown = {name: _thinned(da.squeeze()).compute() for name, da in fields.items()}
    errors = {name: (da.astype("f8") - true).rename(f"{truth.name}_increment") for name, da in shown.items()}
    figure, axes = panels(len(fields), 3, window(true, region))
    text, unit = style.words(true, style.canonical_name(true))
    how: dict[str, Any] = {"region": region, "label": unit}
    plot(true, ax=axes[0, 0], **how)
    when = axes[0, 0].get_title()
    axes[0, 0].set_title("truth", fontsize="medium")
    low, high = axes[0, 0].collections[0].get_clim()
    reach = _reach(list(errors.values()))
    for blank in axes[1:, 0]:
        blank.set_axis_off()
    for row, name in zip(axes, shown, strict=True):
        plot(shown[name], ax=row[1], vmin=low, vmax=high, title=name, **how)
        plot(errors[name], ax=row[2], vmin=-reach, vmax=reach, title=f"error of {name}", **how)
    figure.suptitle(title or ", ".join(part for part in (text, when) if part), fontsize="medium")
    return figure


def figure_of_errors(errors: Mapping[str, xr.Dataset], variable: str, *, region: Region | None = None) -> Figure:
    """Bias and root-mean-square error of fields, one row each; this computes.

    Parameters
    ----------
    errors : mapping of str to Dataset
        By field: maps ``<variable>_bias`` and ``<variable>_rmse``.
    variable : str
        Canonical name.
    region : (west, east, south, north), optional
        Part of the Earth [degrees]. Default: what the maps cover.

    Returns
    -------
    matplotlib Figure
        All biases share one scale of colours, all errors another: at most twice that of the middle one.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("agg")
    >>> axes = {"latitude": np.arange(30.5, 40), "longitude": np.arange(-60.5, -40)}
    >>> one = xr.DataArray(np.ones((10, 21)), axes, list(axes))
    >>> figure = figure_of_errors({"oi": xr.Dataset({"zos_bias": -one, "zos_rmse": 2 * one})}, "zos")
    >>> [ax.get_title() for ax in figure.axes[:2]]
    ['oi: bias', 'oi: RMSE']
    """
    shown = {name: ds.map(_thinned) for name, ds in errors.items()}
    bias = {name: ds[f"{variable}_bias"].rename(f"{variable}_increment").compute() for name, ds in shown.items()}
    size = {name: ds[f"{variable}_rmse"].rename(f"{variable}_error").compute() for name, ds in shown.items()}
    first = next(iter(bias.values()))
    figure, axes = panels(len(errors), 2, window(first, region))
    text, unit = style.words(xr.DataArray(0.0), variable)
    reach, top = _reach(list(bias.values())), _reach(list(size.values()))
    for row, name in zip(axes, errors, strict=True):
        plot(bias[name], ax=row[0], vmin=-reach, vmax=reach, region=region, label=unit, title=f"{name}: bias")
        plot(size[name], ax=row[1], vmin=0.0, vmax=top, region=region, label=unit, title=f"{name}: RMSE")
    figure.suptitle(f"{text}, mean over the times scored", fontsize="medium")
    return figure


def _thinned(da: xr.DataArray) -> xr.DataArray:
    """Every n-th cell of a map that is finer than what a panel can show: drawing costs memory by the cell."""
    return da.isel({d: slice(None, None, -(-n // _CELLS)) for d, n in da.sizes.items()})


def _reach(maps: list[xr.DataArray]) -> float:
    """Where a scale that maps share ends: the largest absolute value, but for the last hundredth of each map.

    At most twice that of the middle map (of two the smaller), but a tenth of the largest at least: the errors of a poor
    field, as a background is, would leave those of the others without colour. Arrows on the bar say that there is more.
    """
    finite = (np.abs(da.values[np.isfinite(da.values)]) for da in maps)
    ends = [float(np.percentile(values, 99.0)) for values in finite if values.size]
    positive = [end for end in ends if end > 0.0]
    if not positive:
        return 1.0
    middle = sorted(positive)[(len(positive) - 1) // 2]
    return float(np.clip(2.0 * middle, 0.1 * max(positive), max(positive)))
