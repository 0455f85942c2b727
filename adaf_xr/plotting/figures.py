"""Several maps that belong together."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from adaf_xr import cf
from adaf_xr.fields import canonical
from adaf_xr.grids import regrid
from adaf_xr.lattice import Region
from adaf_xr.plotting import geography, style
from adaf_xr.plotting.maps import panels, plot, window
from adaf_xr.sphere import wrap_longitude

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKS = 3000
"""Observations that one map can show beside its field."""


def plot_dataset(
    ds: xr.Dataset,
    *,
    variables: Iterable[Hashable] | None = None,
    region: Region | None = None,
    robust: bool = True,
    columns: int = 2,
) -> Figure:
    """A map of each variable of a gridded dataset or of a set of points; this computes them.

    Parameters
    ----------
    ds : Dataset
        Gridded fields, or points on one dimension.
    variables : iterable of str, optional
        What to draw. Default: all numeric variables that have a latitude and a longitude.
    region : (west, east, south, north), optional
        Part of the Earth [degrees]. Default: what the data cover.
    robust : bool
        Whether colour scales span the 2nd to 98th percentile instead of all values.
    columns : int
        Maps side by side.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        Where no variable can be drawn, or one is more than one map.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("agg")
    >>> where = {"latitude": ("obs", [10.0, 12.0]), "longitude": ("obs", [-30.0, -28.0])}
    >>> points = xr.Dataset({"thetao": ("obs", [20.0, 21.0]), "so": ("obs", [35.0, 36.0])}, where)
    >>> len([ax for ax in plot_dataset(points).axes if ax.get_xlabel() == ""])
    2
    """
    names = [name for name in ds.data_vars if _drawable(ds, name)] if variables is None else list(variables)
    if not names:
        raise ValueError(
            f"nothing to draw: no variable of {sorted(map(str, ds.data_vars))} has numbers along a latitude and a "
            "longitude"
        )
    columns = min(columns, len(names))
    figure, axes = panels(-(-len(names) // columns), columns, window(ds[names[0]], region))
    for ax, name in zip(axes.flat, names, strict=False):
        plot(ds[name], ax=ax, region=region, robust=robust)
    for ax in axes.flat[len(names) :]:
        ax.remove()
    return figure


def _drawable(ds: xr.Dataset, name: Hashable) -> bool:
    """Whether a variable has numbers along 1-D coordinates."""
    da = ds[name]
    axes = [cf.coordinate(ds, da, role) for role in ("latitude", "longitude")]
    return da.dtype.kind in "fiu" and all(axis is not None and axis.ndim == 1 for axis in axes)


def figure_of_analysis(
    background: xr.Dataset,
    analysis: xr.Dataset,
    observations: xr.Dataset | xr.DataTree | Mapping[str, xr.Dataset] | None = None,
    *,
    variables: Iterable[str] | None = None,
    region: Region | None = None,
) -> Figure:
    """Background, analysis, increment and standard error side by side; this computes them.

    One row per variable; a single variable fills two rows of two. Background and analysis share a colour scale. The
    increment is the analysis less the background, interpolated to the grid of the analysis.

    Parameters
    ----------
    background, analysis : Dataset
        Fields of one time and depth; the standard errors are the analysis's ``<name>_std``.
    observations : Dataset, DataTree or mapping of str to Dataset, optional
        Points whose positions are drawn on the increment, those of a variable on its row; of many, every n-th.
    variables : iterable of str, optional
        Canonical names. Default: all that background and analysis share.
    region : (west, east, south, north), optional
        Part of the Earth [degrees]. Default: what the analysis covers.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        Where nothing is shared, or a field is more than one map.
    """
    first = canonical(background)
    names = [str(n) for n in first.data_vars if n in analysis.data_vars] if variables is None else list(variables)
    if not names:
        raise ValueError(
            f"background {sorted(map(str, first.data_vars))} and analysis {sorted(map(str, analysis.data_vars))} "
            "share no variable"
        )
    shape = (len(names), 4) if len(names) > 1 else (2, 2)
    figure, axes = panels(*shape, window(analysis[names[0]], region))
    axes = axes.reshape(len(names), 4)
    for row, name in zip(axes, names, strict=True):
        _draw_row(row, first[name].squeeze(), analysis, name, region)
        _mark(row[2], _positions(observations, name))
    for ax, title in zip(axes[0], ("background", "analysis", "increment", "standard error"), strict=True):
        ax.set_title(title, fontsize="medium", fontweight="bold")
    return figure


def _draw_row(row: np.ndarray, first: xr.DataArray, analysis: xr.Dataset, name: str, region: Region | None) -> None:
    """The four maps of one variable."""
    view = window(analysis[name], region)
    result = analysis[name].squeeze().compute()
    text, unit = style.words(result, name)
    how: dict[str, Any] = {"region": view, "title": "", "label": unit}
    plot(result, ax=row[1], **how)
    low, high = row[1].collections[0].get_clim()
    plot(first, ax=row[0], vmin=low, vmax=high, **how)
    plot(_increment(result, first), ax=row[2], **how)
    if f"{name}_std" in analysis:
        plot(analysis[f"{name}_std"], ax=row[3], **how)
    else:
        row[3].set_axis_off()
    row[0].set_ylabel(text, fontsize="small")


def _increment(result: xr.DataArray, first: xr.DataArray) -> xr.DataArray:
    """Analysis less background, on the grid of the analysis."""
    result = result.transpose("latitude", "longitude")
    there = (first.latitude.values, first.longitude.values, result.latitude.values, result.longitude.values)
    difference = result - regrid(first.transpose("latitude", "longitude").values, *there)
    # What single precision leaves where there was nothing to assimilate is no increment, and would fill the scale.
    rounding = 1e-6 * float(abs(result).max())
    return difference.where(abs(difference) > rounding, 0.0 * difference).rename(f"{result.name}_increment")


def _positions(observations: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Longitude and latitude of the points that have a variable."""
    if observations is None:
        return np.empty(0), np.empty(0)
    if isinstance(observations, xr.DataTree):
        observations = {node.path: node.to_dataset() for node in observations.leaves}
    sources = {"": observations} if isinstance(observations, xr.Dataset) else observations
    columns = [
        np.stack([ds["longitude"].values, ds["latitude"].values])[:, np.isfinite(ds[name].values)]
        for ds in sources.values()
        if name in ds
    ]
    lon, lat = np.concatenate(columns, axis=1) if columns else np.empty((2, 0))
    return lon, lat


def _mark(ax: Axes, positions: tuple[np.ndarray, np.ndarray]) -> None:
    """Positions as small dots, within the window of a map: every n-th of many, so that they do not hide it."""
    (west, east), (south, north) = ax.get_xlim(), ax.get_ylim()
    x, lat = wrap_longitude(positions[0], west), positions[1]
    shown = np.flatnonzero((x <= east) & (lat >= south) & (lat <= north))
    shown = shown[:: 1 + shown.size // _MARKS]
    size = float(np.clip(_MARKS / max(shown.size, 1), 0.5, 6.0))
    ax.scatter(x[shown], lat[shown], s=size, c=geography.COAST, linewidths=0, zorder=4.0, rasterized=True)
    ax.set(xlim=(west, east), ylim=(south, north))
