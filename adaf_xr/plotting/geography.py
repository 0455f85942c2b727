"""The sheet a map is drawn on: its window, its land, its degrees."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adaf_xr import ocean_mask
from adaf_xr.lattice import Region, width
from adaf_xr.sphere import wrap_longitude

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LAND, COAST, NO_DATA, GRID = "#c9c7c1", "#4a4845", "#f4f4f2", "#00000018"
"""Colours: land, coastline, sea without a value, and the lines of the graticule."""

_ROOM = 0.62
"""Width [inch] that the text of a longitude wants."""

_STEPS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 90.0)
"""Spacings [degrees] of a graticule."""


def western_edge(longitude: ArrayLike) -> float:
    """Where longitudes, in any convention and order, begin: east of their widest gap.

    A set without a gap, all around the globe, begins with its first element.

    Examples
    --------
    >>> western_edge([178.5, 179.5, -179.5]), western_edge([0.5, 120.5, 240.5])
    (178.5, 0.5)
    """
    lon = np.asarray(longitude, dtype="f8").ravel()
    turned = np.sort(wrap_longitude(lon, lon[0]))
    gaps = np.diff(turned, append=turned[0] + 360.0)
    widest = int(np.argmax(gaps))
    if gaps[widest] <= 1.5 * np.median(gaps):
        return float(lon[0])
    return float(wrap_longitude(turned[(widest + 1) % turned.size]))


def draw_land(ax: Axes, window: Region, *, above: bool) -> None:
    """Land and coastline from the shipped mask.

    Parameters
    ----------
    ax : Axes
        Where.
    window : (west, east, south, north)
        Part of the Earth [degrees]; east above west.
    above : bool
        Whether land covers the field: right for fields coarser than the mask. Beneath, it shows where the field is
        missing, and a coastline that knows less than the field is left out.
    """
    west, east, south, north = window
    step = ocean_mask.SPACING
    # One cell more on each side, so that the outline runs through the frame instead of along it.
    lon = np.arange(np.floor(west / step) - 1.5, np.ceil(east / step) + 2.0) * step
    lat = np.arange(np.floor(south / step) - 1.5, np.ceil(north / step) + 2.0) * step
    land = ~ocean_mask.sea(np.clip(lat, -90.0, 90.0), lon)
    depth = 2.0 if above else 0.5
    ax.contourf(lon, lat, land, levels=[0.5, 1.5], colors=[LAND], zorder=depth)
    if above:
        fine = max(east - west, north - south) < 90.0
        ax.contour(lon, lat, land, levels=[0.5], colors=[COAST], linewidths=0.6 if fine else 0.3, zorder=depth + 0.1)


def frame(ax: Axes, window: Region) -> None:
    """Limits, aspect, degrees and graticule of a map."""
    west, east, south, north = window
    ax.set(xlim=(west, east), ylim=(south, north), facecolor=NO_DATA)
    ax.set_aspect(1.0 / squeeze(window), adjustable="box")
    extent = ax.get_window_extent().transformed(ax.figure.dpi_scale_trans.inverted())
    ax.set_xticks(ticks(west, east, most=int(np.clip(extent.width / _ROOM, 3, 7))))
    ax.set_yticks(ticks(south, north))
    ax.xaxis.set_major_formatter(_formatter(longitude_label))
    ax.yaxis.set_major_formatter(_formatter(latitude_label))
    ax.tick_params(length=2.5, width=0.6, labelsize="small", color=COAST)
    ax.grid(color=GRID, linewidth=0.5, zorder=3.0)
    ax.set_axisbelow(False)
    for spine in ax.spines.values():
        spine.set(linewidth=0.6, color=COAST)


def squeeze(window: Region) -> float:
    """Length of a degree of longitude over one of latitude, in the middle of a map; no map is stretched threefold.

    Examples
    --------
    >>> round(squeeze((-10.0, 10.0, 50.0, 70.0)), 3)
    0.5
    """
    return max(float(np.cos(np.radians(0.5 * (window[2] + window[3])))), 1.0 / 3.0)


def ticks(low: float, high: float, most: int = 7) -> NDArray[np.float64]:
    """Round degrees within an interval, `most` at the most.

    Examples
    --------
    >>> ticks(-80.0, 0.0).tolist()
    [-75.0, -60.0, -45.0, -30.0, -15.0, 0.0]
    """
    steps = np.array(_STEPS)
    first, last = np.ceil(low / steps - 1e-9), np.floor(high / steps + 1e-9)
    coarse = -1 if (last - first >= most).all() else int(np.argmax(last - first < most))
    return np.arange(first[coarse], last[coarse] + 1) * steps[coarse]


def _formatter(text: Callable[[float], str]) -> Callable[[float, float], str]:
    return lambda degrees, position: text(degrees)


def longitude_label(degrees: float) -> str:
    """Text of a longitude, in any convention.

    Examples
    --------
    >>> [longitude_label(x) for x in (-30.0, 0.0, 190.0, 180.0, 12.5)]
    ['30°W', '0°', '170°W', '180°', '12.5°E']
    """
    turned = float(wrap_longitude(degrees))
    side = "" if turned in (0.0, -180.0) else "E" if turned > 0 else "W"
    return f"{abs(turned):g}°{side}"


def latitude_label(degrees: float) -> str:
    """Text of a latitude.

    Examples
    --------
    >>> [latitude_label(x) for x in (-30.0, 0.0, 60.0)]
    ['30°S', '0°', '60°N']
    """
    return f"{abs(degrees):g}°{'' if degrees == 0 else 'N' if degrees > 0 else 'S'}"


def checked(region: Region) -> Region:
    """A region as a window whose east lies east of its west.

    Examples
    --------
    >>> checked((170, -160, -10, 10))
    (170.0, 200.0, -10.0, 10.0)
    """
    west, east, south, north = (float(bound) for bound in region)
    if not south < north or east == west:
        raise ValueError(f"region={region!r}: the order is (west, east, south, north), with south below north")
    return west, west + width((west, east, south, north)), south, north
