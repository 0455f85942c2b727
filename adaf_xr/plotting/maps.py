"""One map of one field, or of the values at points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from adaf_xr import cf, ocean_mask
from adaf_xr.lattice import Region
from adaf_xr.plotting import geography, style
from adaf_xr.sphere import cell_edges, wrap_longitude

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CELL = 1.001
"""A field counts as coarser than the ocean mask beyond this multiple of its spacing."""

_GLOBAL = 300.0
"""Points that span more longitudes [degrees] are all around the globe."""


def plot(
    da: xr.DataArray,
    *,
    ax: Axes | None = None,
    region: Region | None = None,
    cmap: str | None = None,
    vmin: float | None = None,
    vmax: float | None = None,
    robust: bool = True,
    title: str | None = None,
    colorbar: bool = True,
    label: str | None = None,
) -> Axes:
    """Draw a map of a field, or of the values at points; this computes them.

    Parameters
    ----------
    da : DataArray
        On 1-D latitude and longitude axes in any order and convention, or on one dimension with latitude and longitude
        along it. Other dimensions must have length 1.
    ax : matplotlib Axes, optional
        Where. Default: a new figure.
    region : (west, east, south, north), optional
        Part of the Earth [degrees]; west 170, east -160 crosses the date line. Default: what the data cover.
    cmap : str, optional
        A colour map of cmocean or matplotlib. Default: by variable.
    vmin, vmax : float, optional
        Ends of the colour scale. Default: from the values within the region; symmetric for signed variables.
    robust : bool
        Whether the default scale spans the 2nd to 98th percentile instead of all values.
    title : str, optional
        Default: the time and depth of the data.
    colorbar : bool
        Whether to draw one.
    label : str, optional
        What it says. Default: the quantity and its unit.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        Where dimensions other than the horizontal are longer than 1, or a region is none.
    ImportError
        Where matplotlib or cmocean is not installed.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("agg")
    >>> sst = xr.DataArray(
    ...     np.full((20, 40), 15.0), dims=("latitude", "longitude"), name="thetao",
    ...     coords={"latitude": np.arange(30.5, 50), "longitude": np.arange(-60.5, -21)},
    ... )
    >>> plot(sst, region=(-50, -30, 35, 45)).get_xlim()
    (np.float64(-50.0), np.float64(-30.0))
    """
    name, view = style.canonical_name(da), window(da, region)
    da, lat, lon = _horizontal(da)
    points = lat.dims == lon.dims
    x, y, values = (_shown_points if points else _shown_cells)(da, lat, lon, view)
    look = style.style_of(name, values)
    low, high = style.limits(values, look, robust)
    scale: dict[str, Any] = {
        "cmap": style.colour_map(cmap or look.cmap),
        "vmin": low if vmin is None else vmin,
        "vmax": high if vmax is None else vmax,
        "rasterized": True,
    }
    ax = panels(1, 1, view)[1][0, 0] if ax is None else ax
    drawn: Any
    if points:
        drawn = ax.scatter(x, y, c=values, s=_dot(len(x)), linewidths=0, zorder=4.0, **scale)
    else:
        drawn = ax.pcolormesh(x, y, values, shading="flat", zorder=1.0, **scale)
    coarse = points or np.diff(y).max() * _CELL >= ocean_mask.SPACING
    geography.draw_land(ax, view, above=bool(coarse))
    geography.frame(ax, view)
    ax.set_title(_when_and_where(da) if title is None else title, fontsize="medium")
    if colorbar:
        _draw_bar(ax, drawn, values, style.label(da, name) if label is None else label)
    return ax


def window(da: xr.DataArray, region: Region | None = None) -> Region:
    """What a map shows: a region, or else what the data cover; east lies east of west.

    Examples
    --------
    >>> lon = ("longitude", [178.5, 179.5, -179.5])
    >>> window(xr.DataArray(np.zeros((2, 3)), {"latitude": [0.5, 1.5], "longitude": lon}, ("latitude", "longitude")))
    (178.0, 181.0, 0.0, 2.0)
    """
    if region is not None:
        return geography.checked(region)
    _, lat, lon = _horizontal(da)
    return (_around if lat.dims == lon.dims else _extent)(lat.values, lon.values)


def panels(rows: int, columns: int, view: Region) -> tuple[Figure, NDArray]:
    """A figure of equal maps (rows, columns), each of the shape of what it shows."""
    import matplotlib.pyplot as plt

    west, east, south, north = view
    shape = (east - west) * geography.squeeze(view) / (north - south)
    narrow, wide = (2.8, 8.0) if columns == 1 else (2.4, 4.6)
    width = float(np.clip(0.55 * wide * shape, narrow, wide))
    # Beside a map stands its colour bar, and above it a title.
    size = (columns * (width + 1.35), rows * (width / shape + 0.55))
    return plt.subplots(rows, columns, figsize=size, squeeze=False, layout="compressed")


def _horizontal(da: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
    """The field without its dimensions of length 1, ordered, and its two coordinates."""
    ds = da.to_dataset(name="field")
    found = {role: cf.coordinate(ds, da, role) for role in ("latitude", "longitude")}
    lat, lon = found["latitude"], found["longitude"]
    if lat is None or lon is None or lat.ndim != 1 or lon.ndim != 1:
        raise ValueError(
            f"{da.name!r} has no 1-D latitude and longitude on its dimensions {da.dims}: a map needs a rectilinear "
            "grid or points"
        )
    dims = list(dict.fromkeys((*lat.dims, *lon.dims)))
    if long := {d: n for d, n in da.sizes.items() if d not in dims and n > 1}:
        choice = ", ".join(f"{d}=0" for d in long)
        raise ValueError(f"{da.name!r} is more than one map (it has {long}): choose one, for example .isel({choice})")
    return da.squeeze([d for d in da.dims if d not in dims]).transpose(*dims), lat, lon


def _extent(lat: NDArray, lon: NDArray) -> Region:
    """What the cells of a grid cover."""
    half_lat, half_lon = _half_cell(lat), _half_cell(lon)
    west = geography.western_edge(lon)
    width = float(np.max(wrap_longitude(lon, west) - west)) + 2.0 * half_lon
    south, north = max(float(lat.min()) - half_lat, -90.0), min(float(lat.max()) + half_lat, 90.0)
    return west - half_lon, west - half_lon + min(width, 360.0), south, north


def _around(lat: NDArray, lon: NDArray) -> Region:
    """Some margin around points; the globe, cut at the date line, where they are all around it, or none is placed."""
    placed = np.isfinite(lat) & np.isfinite(lon)
    if not placed.any():
        return -180.0, 180.0, -90.0, 90.0
    lat, lon = lat[placed], lon[placed]
    west = geography.western_edge(lon)
    width, height = float(np.max(wrap_longitude(lon, west) - west)), float(np.ptp(lat))
    margin = 0.5 + 0.03 * max(width, height)
    south, north = max(float(lat.min()) - margin, -90.0), min(float(lat.max()) + margin, 90.0)
    if width > _GLOBAL:
        return -180.0, 180.0, south, north
    return west - margin, west + width + margin, south, north


def _half_cell(axis: NDArray) -> float:
    # A longitude axis may jump by a turn within.
    return 0.5 * float(np.median(np.abs(wrap_longitude(np.diff(axis))))) if axis.size > 1 else 0.5


def _shown_cells(
    da: xr.DataArray, lat: xr.DataArray, lon: xr.DataArray, view: Region
) -> tuple[NDArray, NDArray, NDArray]:
    """Edges and values of the cells that a window shows, from west to east and south to north."""
    west, east, south, north = view
    half_lat, half_lon = _half_cell(lat.values), _half_cell(lon.values)
    turned = wrap_longitude(lon.values, west - half_lon)
    columns = np.argsort(turned)
    columns = columns[turned[columns] < east + half_lon]
    rows = np.argsort(lat.values)
    rows = rows[(lat.values[rows] > south - half_lat) & (lat.values[rows] < north + half_lat)]
    if rows.size < 2 or columns.size < 2:
        raise ValueError(f"region {view} (west, east, south, north) shows no cells of {da.name!r}")
    values = np.asarray(da.values[np.ix_(rows, columns)], dtype="f8")
    return cell_edges(turned[columns]), cell_edges(lat.values[rows], limit=90.0), values


def _shown_points(
    da: xr.DataArray, lat: xr.DataArray, lon: xr.DataArray, view: Region
) -> tuple[NDArray, NDArray, NDArray]:
    """Positions and values of the points that a window shows."""
    west, east, south, north = view
    x, y, values = wrap_longitude(lon.values, west), lat.values, np.asarray(da.values, dtype="f8")
    shown = np.isfinite(values) & (x <= east) & (y >= south) & (y <= north)
    return x[shown], y[shown], values[shown]


def _dot(n: int) -> float:
    """Area [points²] of the mark of one of n points: many points must not become one blot."""
    return float(np.clip(4000.0 / max(n, 1), 1.5, 24.0))


def _draw_bar(ax: Axes, drawn: Any, values: NDArray, label: str) -> None:
    """A colour bar as tall as the map, with points where values lie beyond its ends."""
    low, high = drawn.get_clim()
    beyond = (bool(np.nanmin(values, initial=low) < low), bool(np.nanmax(values, initial=high) > high))
    extend = {(True, True): "both", (True, False): "min", (False, True): "max", (False, False): "neither"}[beyond]
    bar = ax.figure.colorbar(drawn, cax=ax.inset_axes((1.025, 0.0, 0.03, 1.0)), extend=extend)
    bar.set_label(label, fontsize="small")
    bar.ax.tick_params(labelsize="small", length=2.5, width=0.6)
    bar.outline.set_linewidth(0.6)


def _when_and_where(da: xr.DataArray) -> str:
    """Time and depth of a field, as far as it says."""
    parts = []
    if "time" in da.coords and da.coords["time"].ndim == 0 and da.coords["time"].dtype.kind == "M":
        parts.append(str(da.coords["time"].values.astype("datetime64[m]")).replace("T", " ").removesuffix(" 00:00"))
    if "depth" in da.coords and da.coords["depth"].ndim == 0:
        parts.append(f"{float(da.coords['depth']):.4g} m")
    return ", ".join(parts)
