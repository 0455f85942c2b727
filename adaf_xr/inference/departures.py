"""Observations minus a field at the points."""

from __future__ import annotations

from collections.abc import Mapping

import dask
import dask.array as da
import numpy as np
import xarray as xr
from dask.base import tokenize

from adaf_xr.cf.canonical import VARIABLES
from adaf_xr.fields import canonical
from adaf_xr.grids import observe
from adaf_xr.inference.observations import as_points

WHERE = ("longitude", "latitude", "depth", "time")
"""Coordinates of a point."""


def innovations(observations: xr.Dataset | xr.DataTree, field: xr.Dataset | xr.DataArray) -> xr.Dataset:
    """Departures, observation minus field, at the points.

    Parameters
    ----------
    observations : Dataset or DataTree
        CF observations of one source, or points.
    field : Dataset or DataArray
        Any gridded field; bilinear in space, linear in depth and time. One without depth is compared with points down
        to 10 m. The first and last time hold for half a step beyond them (a daily mean at noon holds for its day); a
        field of one time or none is taken as constant.

    Returns
    -------
    Dataset
        The points, with the values of the variables that both sides have replaced by their departures; missing where
        the field is (on land, outside its box or its time span). Lazy where either side is.

    Raises
    ------
    ValueError
        Where both sides have no variable in common.

    Examples
    --------
    >>> where = {"longitude": ("obs", [0.5]), "latitude": ("obs", [0.5]), "depth": ("obs", [0.0])}
    >>> when = {"time": ("obs", np.array(["2020-01-01"], "datetime64[ns]"))}
    >>> points = xr.Dataset({"zos": ("obs", [0.25])}, {**where, **when}, {"featureType": "point", "source": "ssh"})
    >>> axes = {"latitude": [0.0, 1.0], "longitude": [0.0, 1.0]}
    >>> field = xr.DataArray([[0.0, 0.2], [0.0, 0.2]], axes, ("latitude", "longitude"), "zos", {"units": "m"})
    >>> innovations(points, field).zos.values.round(3).tolist()
    [0.15]
    """
    points = as_points(observations)
    grid = canonical(field)
    shared = [name for name in VARIABLES if name in points and name in grid]
    if not shared:
        raise ValueError(
            f"the observations have {[n for n in VARIABLES if n in points]} and the field {list(grid.data_vars)}: "
            "nothing to compare"
        )
    keep = [name for name in points.data_vars if str(name).removesuffix("_error") in shared]
    return points[keep].assign({name: _departure(points, grid[name], name) for name in shared})


def _departure(points: xr.Dataset, field: xr.DataArray, name: str) -> xr.DataArray:
    """One variable's departures."""
    value, longitude, latitude, depth, time = (points[c].data for c in (name, *WHERE))
    columns = (value, longitude, latitude, depth, time)
    axes = {axis: field[axis].values for axis in ("latitude", "longitude")}
    axes |= {axis: field[axis].values for axis in ("depth", "time") if axis in field.dims}
    if not any(dask.is_dask_collection(a) for a in (*columns, field.data)):
        data = subtract(*columns, field.data, axes=axes)
    else:
        rows = next((c.chunks[0] for c in columns if dask.is_dask_collection(c)), -1)
        arrays = [da.asarray(c).rechunk((rows,)) for c in columns]
        grid = da.asarray(field.data).rechunk(-1)
        operands = [operand for array in arrays for operand in (array, "o")]
        letters = "tzyx"[-field.ndim :] if field.ndim != 3 or "depth" in field.dims else "tyx"
        data = da.blockwise(
            subtract, "o", *operands, grid, letters, axes=axes, concatenate=True, dtype="f8", meta=np.empty(0),
            name=f"adaf-departure-{name}-" + tokenize([a.name for a in arrays], grid.name, axes),
        )  # fmt: skip
    return points[name].copy(data=data)


def subtract(
    value: np.ndarray,
    longitude: np.ndarray,
    latitude: np.ndarray,
    depth: np.ndarray,
    time: np.ndarray,
    field: np.ndarray,
    *,
    axes: Mapping[str, np.ndarray],
) -> np.ndarray:
    """Observed value minus the field at its place and time."""
    steps = field if "time" in axes else field[None]
    grid = (axes["latitude"], axes["longitude"], axes.get("depth", np.empty(0)))
    before, weight = _bracket(axes.get("time", np.empty(0)), time.astype("datetime64[ns]"))
    result = np.full(value.shape, np.nan)
    for step in np.unique(before[before >= 0]):
        rows = np.flatnonzero(before == step)
        here = (latitude[rows], longitude[rows], depth[rows])
        at = observe(steps[step], grid, *here)
        if np.any(weight[rows] > 0):
            at = at * (1 - weight[rows]) + observe(steps[step + 1], grid, *here) * weight[rows]
        result[rows] = at
    return value - result


def _bracket(known: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Step before each wanted time (-1 outside) and the weight of the next."""
    placed = ~np.isnat(wanted)
    if known.size < 2:
        return np.where(placed, 0, -1), np.zeros(wanted.size)
    x, at = known.astype("datetime64[ns]").astype("i8"), wanted.astype("i8")
    before = np.clip(np.searchsorted(x, at, side="right") - 1, 0, x.size - 2)
    weight = np.clip((at - x[before]) / (x[before + 1] - x[before]), 0.0, 1.0)
    inside = placed & (at >= x[0] - (x[1] - x[0]) / 2) & (at <= x[-1] + (x[-1] - x[-2]) / 2)
    return np.where(inside, before, -1), np.where(inside, weight, 0.0)
