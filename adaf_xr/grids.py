"""Rectilinear latitude-longitude grids: where a point lies in one, and the value of a field there.

This is the observation operator H of every model and the decoder of every background: bilinear, periodic in longitude
where the grid is, and aware of land (missing corners give their weight to the others).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

PERIODIC_TOLERANCE = 1e-3
"""Share of a cell by which a grid may fail to close around the globe and still count as periodic."""

SURFACE = 10.0
"""Depth [m] to which an observation speaks for a field that has only a surface."""


@dataclass(frozen=True)
class Axis:
    """Bracketing cells along one axis: value = (1 - weight) * field[lower] + weight * field[upper]."""

    lower: NDArray[np.intp]
    upper: NDArray[np.intp]
    weight: NDArray[np.float64]
    inside: NDArray[np.bool_]


def is_periodic(longitude: ArrayLike) -> bool:
    """Whether an ascending longitude axis closes around the globe.

    Examples
    --------
    >>> is_periodic(np.arange(0.5, 360)), is_periodic(np.arange(0.5, 90))
    (True, False)
    """
    lon = np.asarray(longitude, dtype="f8")
    if lon.size < 2:
        return False
    step = (lon[-1] - lon[0]) / (lon.size - 1)
    return bool(abs(lon[-1] - lon[0] + step - 360.0) < PERIODIC_TOLERANCE * step * lon.size)


def nest(centres: ArrayLike, factor: int) -> NDArray[np.float64]:
    """Centres of `factor` equal cells nested in each cell of a regular axis, in the same order.

    Examples
    --------
    >>> nest([-89.5, -88.5], 4).tolist()
    [-89.875, -89.625, -89.375, -89.125, -88.875, -88.625, -88.375, -88.125]
    """
    c = np.asarray(centres, dtype="f8")
    if c.size < 2:
        raise ValueError("the width of a single cell is unknown: give at least two centres")
    step = (c[-1] - c[0]) / (c.size - 1)
    if not np.allclose(np.diff(c), step, rtol=1e-3, atol=0.0):
        raise ValueError(
            f"the axis is not regular (steps from {np.diff(c).min():g} to {np.diff(c).max():g}), and cells nest only "
            "in a regular one: interpolate to a regular grid first"
        )
    offsets = (np.arange(factor) + 0.5) / factor - 0.5
    return (c[:, None] + step * offsets).ravel()


def nest_latitude(latitude: ArrayLike, factor: int) -> NDArray[np.float64]:
    """:func:`nest` for latitudes: a row of cells centred on a pole is refused, for half of it is no cell to nest in."""
    fine = nest(latitude, factor)
    if np.abs(fine).max() > 90.0:
        lat = np.asarray(latitude)
        raise ValueError(
            f"a row of cells is centred on a pole (latitudes {lat[0]:g} to {lat[-1]:g}), and half of it is no cell to "
            "nest in: drop the row, for example ds.sel(latitude=slice(-89.9, 89.9))"
        )
    return fine


def locate_latitude(latitude: ArrayLike, at: ArrayLike) -> Axis:
    """Bracket `at` on a monotonic latitude axis; up to half a cell beyond the outer centres counts as inside."""
    return _locate(np.asarray(latitude, dtype="f8"), np.asarray(at, dtype="f8"))


def locate_longitude(longitude: ArrayLike, at: ArrayLike) -> Axis:
    """Bracket `at`, in any convention, on an ascending longitude axis, across the seam where it is periodic."""
    lon = np.asarray(longitude, dtype="f8")
    if not is_periodic(lon):
        # The regional grid is placed in the middle of a turn, so that a point beside it lands on the nearer side.
        start = 0.5 * (lon[0] + lon[-1]) - 180.0
        return _locate(lon, np.mod(np.asarray(at, dtype="f8") - start, 360.0) + start)
    turned = np.mod(np.asarray(at, dtype="f8") - lon[0], 360.0) + lon[0]
    axis = _locate(np.append(lon, lon[0] + 360.0), turned)
    return Axis(axis.lower % lon.size, axis.upper % lon.size, axis.weight, np.isfinite(turned))


def locate_depth(depth: ArrayLike, at: ArrayLike) -> Axis:
    """Bracket `at` on a monotonic depth axis; above the first level its value holds, below the last nothing does."""
    levels, at = np.asarray(depth, dtype="f8"), np.asarray(at, dtype="f8")
    axis = _locate(levels, at)
    inside = (at <= np.max(levels)) if levels.size > 1 else np.isfinite(at)
    return Axis(axis.lower, axis.upper, axis.weight, inside & np.isfinite(at))


def _locate(centres: NDArray, at: NDArray) -> Axis:
    """Bracket on a monotonic axis, clamped to the outer centres."""
    if centres.size == 1:
        zero = np.zeros(at.shape, "intp")
        return Axis(zero, zero, np.zeros(at.shape), np.isfinite(at))
    ascending = centres[-1] > centres[0]
    x = centres if ascending else centres[::-1]
    finite = np.isfinite(at)
    i = np.clip(np.searchsorted(x, np.where(finite, at, x[0]), side="right") - 1, 0, x.size - 2)
    weight = np.clip((np.where(finite, at, x[0]) - x[i]) / (x[i + 1] - x[i]), 0.0, 1.0)
    slack = 0.5 + 1e-6
    inside = finite & (at >= x[0] - slack * (x[1] - x[0])) & (at <= x[-1] + slack * (x[-1] - x[-2]))
    if ascending:
        return Axis(i, i + 1, weight, inside)
    n = centres.size - 1
    return Axis(n - i, n - i - 1, weight, inside)


def sample(
    field: NDArray, latitude: ArrayLike, longitude: ArrayLike, at_latitude: ArrayLike, at_longitude: ArrayLike
) -> NDArray[np.float64]:
    """Bilinear value of a field at points.

    Parameters
    ----------
    field : array (..., n_lat, n_lon)
        NaN on land; missing corners give their weight to the present ones.
    latitude, longitude : array (n_lat,), (n_lon,)
        Axes of the field [degrees].
    at_latitude, at_longitude : array (n,)
        Positions [degrees], in any longitude convention.

    Returns
    -------
    array (..., n)
        NaN outside the grid (more than half a cell beyond the outer centres) and where all four corners are missing.

    Examples
    --------
    >>> field = np.array([[0.0, 1.0], [2.0, np.nan]])
    >>> sample(field, [0.0, 1.0], [0.0, 1.0], [0.0, 0.5], [0.5, 0.0]).tolist()
    [0.5, 1.0]
    """
    j = locate_latitude(latitude, at_latitude)
    i = locate_longitude(longitude, at_longitude)
    total = np.zeros(field.shape[:-2] + i.lower.shape)
    weight = np.zeros_like(total)
    for rows, wy in ((j.lower, 1.0 - j.weight), (j.upper, j.weight)):
        for columns, wx in ((i.lower, 1.0 - i.weight), (i.upper, i.weight)):
            _accumulate(total, weight, field[..., rows, columns], wy * wx)
    return _ratio(total, weight, i.inside & j.inside)


def observe(
    field: NDArray,
    axes: tuple[ArrayLike, ArrayLike, ArrayLike],
    at_latitude: NDArray,
    at_longitude: NDArray,
    at_depth: NDArray,
) -> NDArray[np.float64]:
    """Value of a field at points in depth too: the observation operator H.

    Parameters
    ----------
    field : array (n_lat, n_lon) or (n_depth, n_lat, n_lon)
        A field without depth speaks for points down to `SURFACE`.
    axes : tuple of array
        Latitude and longitude [degrees], and depth [m], which is not looked at for a field without it.
    at_latitude, at_longitude, at_depth : array (n,)
        Positions.

    Returns
    -------
    array (n,)
        Bilinear in the horizontal, linear in depth. NaN outside the field, and where the nearer of the two levels is
        missing: below the sea floor the level above says nothing.

    Examples
    --------
    >>> field = np.array([[[10.0, 10.0]] * 2, [[4.0, 4.0]] * 2])
    >>> where = np.zeros(3), np.zeros(3), np.array([0.0, 50.0, 150.0])
    >>> observe(field, ([0.0, 1.0], [0.0, 1.0], [0.0, 100.0]), *where).tolist()
    [10.0, 7.0, nan]
    """
    latitude, longitude, depth = axes
    if field.ndim == 2:
        value = sample(field, latitude, longitude, at_latitude, at_longitude)
        return np.where(at_depth <= SURFACE, value, np.nan)
    where = locate_depth(depth, at_depth)
    total, weight = np.zeros((2, at_depth.size))
    # Level by level: a point touches two levels, and all levels at all points would not fit in memory.
    for level in range(field.shape[0]):
        share = np.where(where.lower == level, 1.0 - where.weight, 0.0)
        share += np.where(where.upper == level, where.weight, 0.0) * (where.upper != where.lower)
        rows = np.flatnonzero((share > 0.0) & where.inside)
        here = sample(field[level], latitude, longitude, at_latitude[rows], at_longitude[rows])
        present = np.isfinite(here)
        total[rows[present]] += (share[rows] * here)[present]
        weight[rows[present]] += share[rows][present]
    return np.divide(total, weight, out=np.full(at_depth.size, np.nan), where=weight >= 0.5)


def regrid(
    field: NDArray, latitude: ArrayLike, longitude: ArrayLike, to_latitude: ArrayLike, to_longitude: ArrayLike
) -> NDArray[np.float64]:
    """Bilinear values on the outer product of two axes: :func:`sample` for grids, without a list of positions.

    Examples
    --------
    >>> regrid(np.array([[0.0, 1.0], [2.0, 3.0]]), [0.0, 1.0], [0.0, 1.0], [0.5], [0.0, 0.5]).tolist()
    [[1.0, 1.5]]
    """
    j = locate_latitude(latitude, to_latitude)
    i = locate_longitude(longitude, to_longitude)
    total = np.zeros((*field.shape[:-2], j.lower.size, i.lower.size))
    weight = np.zeros_like(total)
    for rows, wy in ((j.lower, 1.0 - j.weight), (j.upper, j.weight)):
        for columns, wx in ((i.lower, 1.0 - i.weight), (i.upper, i.weight)):
            _accumulate(total, weight, field[..., rows[:, None], columns[None, :]], wy[:, None] * wx[None, :])
    return _ratio(total, weight, j.inside[:, None] & i.inside[None, :])


def _accumulate(total: NDArray, weight: NDArray, corner: NDArray, w: NDArray) -> None:
    """Add one corner's share where it is present, in place."""
    present = np.isfinite(corner)
    total += np.where(present, corner, 0.0) * w
    weight += present * w


def _ratio(total: NDArray, weight: NDArray, inside: NDArray) -> NDArray[np.float64]:
    """Weighted mean where there is weight, NaN elsewhere."""
    # Corners with a weight of rounding size must not conjure values out of land.
    good = (weight > 1e-9) & inside
    return np.divide(total, weight, out=np.full(total.shape, np.nan), where=good)
