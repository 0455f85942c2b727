"""Output grids: cell-centred axes on the global lattice, and boxes of them.

Every output grid of one spacing is a piece of one global lattice whose cell edges are multiples of the spacing, so that
a regional analysis is exactly the piece of the global one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adaf_xr.grids import is_periodic
from adaf_xr.sphere import cell_edges, wrap_longitude

Region = tuple[float, float, float, float]
"""West, east, south, north [degrees]."""

_TOLERANCE = 1e-6


def output_axes(latitude: ArrayLike, longitude: ArrayLike, spacing: float) -> tuple[NDArray, NDArray]:
    """Axes of the output grid that covers a background grid.

    Parameters
    ----------
    latitude, longitude : array (n_lat,), (n_lon,)
        Axes of the background [degrees]; longitude ascending.
    spacing : float
        Spacing of the output [degrees].

    Returns
    -------
    latitude, longitude : float64 array
        The background's own axes where its spacing is the requested one; else cell centres on the global lattice, in
        the background's latitude order and longitude convention.

    Raises
    ------
    ValueError
        Where the spacing is not positive, or does not divide a background that goes around the globe.

    Examples
    --------
    >>> lat, lon = output_axes([10.5, 9.5], [0.5, 1.5], 0.5)
    >>> lat.tolist(), lon.tolist()
    ([10.75, 10.25, 9.75, 9.25], [0.25, 0.75, 1.25, 1.75])
    """
    lat, lon = np.asarray(latitude, dtype="f8"), np.asarray(longitude, dtype="f8")
    if not spacing > 0:
        raise ValueError(f"grid={spacing!r} is no spacing: give degrees, such as 0.25")
    if _has_spacing(lat, spacing) and _has_spacing(lon, spacing):
        return lat, lon
    south, north = np.sort(cell_edges(lat, limit=90.0)[[0, -1]])
    fine = _centres(south, north, spacing)
    return (fine if lat[0] < lat[-1] else fine[::-1]), _longitudes(lon, spacing)


def _has_spacing(axis: NDArray, spacing: float) -> bool:
    return axis.size > 1 and np.allclose(np.abs(np.diff(axis)), spacing, rtol=1e-3, atol=0.0)


def _centres(low: float, high: float, spacing: float) -> NDArray[np.float64]:
    """Lattice cell centres between two edges."""
    first = np.ceil(low / spacing - 0.5 - _TOLERANCE)
    last = np.floor(high / spacing - 0.5 + _TOLERANCE)
    if last < first:
        raise ValueError(
            f"no cell of a {spacing:g} degree grid has its centre between {low:g} and {high:g}: ask for a finer grid"
        )
    return (np.arange(first, last + 1) + 0.5) * spacing


def _longitudes(lon: NDArray, spacing: float) -> NDArray[np.float64]:
    if not is_periodic(lon):
        west, east = cell_edges(lon)[[0, -1]]
        return _centres(west, east, spacing)
    n = round(360.0 / spacing)
    if abs(n * spacing - 360.0) > _TOLERANCE:
        raise ValueError(f"grid={spacing:g} does not divide 360 degrees, and the background goes around the globe")
    step = 360.0 / lon.size
    conventions = np.array([0.0, -180.0])
    near = np.abs(conventions - (lon[0] - 0.5 * step)) <= step
    start = conventions[near][0] if near.any() else np.round((lon[0] - 0.5 * step) / spacing) * spacing
    return start + (np.arange(n) + 0.5) * spacing


def unroll(longitude: ArrayLike) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Order and values that make a longitude axis ascend without a hole inside.

    An axis that ascends without one stays as it is, in any convention. A descending one is turned. One that jumps at
    the seam of its convention (179.5 to -179.5), or was sorted across a hole (0.5..35.5, 354.5..359.5), begins after
    its widest gap and goes on past the seam.

    Raises
    ------
    ValueError
        Where a longitude stands twice, as in a file with a cyclic column.

    Examples
    --------
    >>> unroll([178.5, 179.5, -179.5])[1].tolist(), unroll([0.5, 1.5, 358.5, 359.5])[1].tolist()
    ([178.5, 179.5, 180.5], [-1.5, -0.5, 0.5, 1.5])
    """
    lon = np.asarray(longitude, dtype="f8")
    start = -180.0 if lon.min() < 0 else 0.0
    turned = wrap_longitude(lon, start)
    order = np.argsort(turned, kind="stable")
    gaps = np.diff(turned[order], append=turned[order[0]] + 360.0)
    if gaps.min() < _TOLERANCE:
        raise ValueError(
            f"the longitudes repeat, {lon[0]:g} to {lon[-1]:g}: drop the cyclic column first, "
            "for example ds.isel(lon=slice(None, -1))"
        )
    widest = int(np.argmax(gaps))
    has_hole = gaps[widest] > 1.5 * np.median(gaps)
    first = (widest + 1) % lon.size if has_hole else 0
    order = np.roll(order, -first)
    ascends = np.all(np.diff(lon) > 0)
    if ascends and order[0] == 0:
        return order, lon
    if ascends and not has_hole:
        return np.arange(lon.size), lon
    values = turned[order] + np.where(np.arange(lon.size) >= lon.size - first, 360.0, 0.0)
    # Beginning west of Greenwich reads better as a small negative number than as one near 360.
    return order, values - 360.0 if first and start == 0.0 else values


def cut(latitude: ArrayLike, longitude: ArrayLike, region: Region) -> tuple[NDArray, NDArray]:
    """Cut two axes to the cells whose centres lie in a region; longitudes in order from west to east.

    A region that crosses the seam of the longitude convention (west 170, east -170) keeps the values of the convention.

    Examples
    --------
    >>> lat, lon = cut(np.arange(-89.5, 90), np.arange(-179.5, 180), (178, -178, 0, 2))
    >>> lat.tolist(), lon.tolist()
    ([0.5, 1.5], [178.5, 179.5, -179.5, -178.5])
    """
    lat, lon = np.asarray(latitude, dtype="f8"), np.asarray(longitude, dtype="f8")
    west, _, south, north = region
    eastward = wrap_longitude(lon, west) - west
    columns = np.flatnonzero(eastward <= width(region) + _TOLERANCE)
    rows = (lat >= south - _TOLERANCE) & (lat <= north + _TOLERANCE)
    if not rows.any() or not columns.size:
        raise ValueError(
            f"region {region} (west, east, south, north) holds no cell of the grid, which spans "
            f"{lon.min():g} to {lon.max():g} degrees east and {lat.min():g} to {lat.max():g} degrees north"
        )
    return lat[rows], lon[columns[np.argsort(eastward[columns], kind="stable")]]


def width(region: Region) -> float:
    """Eastward extent of a region [degrees]; equal bounds a whole turn apart mean the whole globe.

    Examples
    --------
    >>> width((170, -170, 0, 1)), width((-180, 180, -90, 90))
    (20.0, 360.0)
    """
    west, east = region[:2]
    return 360.0 if east - west >= 360.0 else float((east - west) % 360.0)


def within(region: Region, latitude: Any, longitude: Any, high: Any = 0.0, wide: Any = 0.0) -> Any:
    """Whether points lie in a region, its bounds included, widened by `high` and `wide` degrees on every side.

    Arithmetic only: NumPy arrays and lazy labelled ones come out as they went in.

    Examples
    --------
    >>> within((170, -170, 0, 1), np.array([0.5, 0.5, 2.0]), np.array([-175.0, 165.0, 175.0])).tolist()
    [True, False, False]
    """
    west, _, south, north = region
    eastward = (longitude - west + wide) % 360.0
    return (latitude >= south - high) & (latitude <= north + high) & (eastward <= width(region) + 2.0 * wide)
