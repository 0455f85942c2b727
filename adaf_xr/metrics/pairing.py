"""No pair is made of unlike places or times: arrays brought into one order, or refused.

Names of dimensions, the order of latitudes and of longitudes and their convention (0..360, -180..180) may differ: these
are spellings. Places and times may not.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from adaf_xr import cf
from adaf_xr.cf.coordinates import Role
from adaf_xr.cf.units import UNITS, spelling
from adaf_xr.sphere import wrap_longitude

ROLES: tuple[Role, ...] = ("time", "depth", "latitude", "longitude")

ROUNDING = 4e-5
"""Degrees that a position in single precision may be off, 4 m."""


def paired(arrays: Mapping[str, xr.DataArray]) -> dict[str, xr.DataArray]:
    """Arrays by name on the axes of the first of them.

    Raises
    ------
    ValueError
        Where places, times, other labels or units differ; the message says which.
    """
    (first, reference), *others = arrays.items()
    for name, other in others:
        _refuse_other_units(reference, other, name)
    return {first: reference, **{name: matched(reference, other, f"the {name}") for name, other in others}}


def matched(reference: xr.DataArray, other: xr.DataArray, called: str) -> xr.DataArray:
    """An array with the names of dimensions and the order of another, at the same places and times.

    Parameters
    ----------
    reference, other : DataArray
        Dimensions that only one of them has are left alone.
    called : str
        What the other is, for messages.

    Examples
    --------
    >>> x = xr.DataArray([1.0, 2.0], {"longitude": [-10.5, 10.5]}, ["longitude"])
    >>> y = xr.DataArray([3.0, 4.0], {"lon": [10.5, 349.5]}, ["lon"])
    >>> matched(x, y, "the truth").values
    array([4., 3.])
    """
    other = _renamed(reference, other)
    for dim in [d for d in reference.dims if d in other.dims]:
        if reference.sizes[dim] != other.sizes[dim] or (dim in reference.indexes and dim in other.indexes):
            other = _reordered(reference, other, dim, called)
    _refuse_other_places(reference, other, called)
    return other


def along(field: xr.DataArray, role: Role) -> Hashable | None:
    """The dimension that a coordinate in some role runs along on its own; None for points, images and scalars."""
    axis = _coordinate(field, role)
    if axis is None or axis.ndim != 1:
        return None
    dim = axis.dims[0]
    # Points have several coordinates on one dimension, which none of them labels.
    return dim if dim in field.indexes and axis.name == dim else None


def _coordinate(field: xr.DataArray, role: Role) -> xr.DataArray | None:
    ds = field.to_dataset(name="field")
    return cf.coordinate(ds, ds["field"], role)


def time_dimension(field: xr.DataArray) -> Hashable | None:
    """The dimension of time: by its coordinate, else by its name."""
    found = along(field, "time")
    return "time" if found is None and "time" in field.dims else found


def _renamed(reference: xr.DataArray, other: xr.DataArray) -> xr.DataArray:
    """Dimensions in the names of the reference, role by role."""
    for role in ROLES:
        mine, theirs = along(reference, role), along(other, role)
        if mine is not None and theirs is not None and mine != theirs and mine not in other.dims:
            other = other.drop_vars([mine], errors="ignore").rename({theirs: mine})
    return other


def _reordered(reference: xr.DataArray, other: xr.DataArray, dim: Hashable, called: str) -> xr.DataArray:
    """The other in the order of the reference along one dimension."""
    mine, theirs = reference[dim].values, other[dim].values
    if mine.shape == theirs.shape and np.array_equal(mine, theirs):
        return other
    order = None
    if dim == along(reference, "latitude"):
        order = _order(mine, theirs)
    elif dim == along(reference, "longitude"):
        order = _order(wrap_longitude(mine), wrap_longitude(theirs), period=360.0)
    if order is None:
        raise ValueError(_difference(reference, other, dim, called))
    unchanged = np.array_equal(order, np.arange(order.size))
    return (other if unchanged else other.isel({dim: order})).assign_coords({dim: reference[dim].variable})


def _order(mine: NDArray, theirs: NDArray, period: float = np.inf) -> NDArray[np.intp] | None:
    """Where each of my values stands among theirs; None unless they are the same values."""
    if mine.shape != theirs.shape:
        return None
    order = np.empty(mine.size, np.intp)
    order[np.argsort(mine, kind="stable")] = np.argsort(theirs, kind="stable")
    for shift in (0, 1, -1):  # A value at the seam may be rounded to either side of it.
        turned = order if not shift else _rotated(mine, order, shift)
        apart = np.abs(mine - theirs[turned])
        if np.all(np.minimum(apart, period - apart) <= ROUNDING):
            return turned
    return None


def _rotated(mine: NDArray, order: NDArray[np.intp], shift: int) -> NDArray[np.intp]:
    """The same order with the sorted values moved on by one place."""
    ranks = np.argsort(mine, kind="stable")
    turned = np.empty_like(order)
    turned[ranks] = np.roll(order[ranks], shift)
    return turned


def _difference(reference: xr.DataArray, other: xr.DataArray, dim: Hashable, called: str) -> str:
    """What differs along one dimension, and the way out."""
    mine, theirs = reference[dim].values, other[dim].values
    lacking = np.setdiff1d(mine, theirs)
    if lacking.size == mine.size:
        way = f"they have none in common; bring both to one axis, for example .interp({dim}=...)"
    elif lacking.size:
        way = (
            f"{called} lacks {lacking.size} of them, the first {_text(lacking[:1])}; if that is meant, select on both "
            f"sides those that both have, .sel({dim}=...)"
        )
    elif theirs.size > mine.size:
        way = f"{called} has {theirs.size - mine.size} more; select those of {reference.name!r}, .sel({dim}=...)"
    else:
        way = f"they are in another order; put both in order, .sortby({str(dim)!r})"
    return (
        f"the coordinates of {reference.name!r} and of {called} differ along {dim!r}, and no pair is made of unlike "
        f"places or times: {_span(mine)} against {_span(theirs)}: {way}"
    )


def _span(values: NDArray) -> str:
    """How many values, from where to where."""
    return f"{values.size} from {_text(values[:1])} to {_text(values[-1:])}" if values.size else "none"


def _text(value: NDArray) -> str:
    """One value as people write it, given in an array of length 1."""
    return np.datetime_as_string(value, "auto")[0] if value.dtype.kind == "M" else str(value[0])


def _refuse_other_units(reference: xr.DataArray, other: xr.DataArray, name: str) -> None:
    """Known units of one quantity must count alike; a spread is a difference, the same in kelvin and in degrees."""
    mine, theirs = (str(array.attrs.get("units", "")) for array in (reference, other))
    a_unit, other_unit = spelling(mine), spelling(theirs)
    known = [(table[a_unit], table[other_unit]) for table in UNITS.values() if {a_unit, other_unit} <= set(table)]
    counted = 1 if name == "spread" else 2
    if known and all(a[:counted] != b[:counted] for a, b in known):
        raise ValueError(
            f"{reference.name!r} is in {mine!r} and the {name} in {theirs!r}: bring both to one unit, for example with "
            "adaf_xr.fields.canonical"
        )


def _refuse_other_places(reference: xr.DataArray, other: xr.DataArray, called: str) -> None:
    """Coordinates of points that are in memory must agree too: no index does it for them."""
    places = {axis.name for role in ROLES if (axis := _coordinate(reference, role)) is not None}
    for name in places & set(other.coords) - set(reference.dims):
        mine, theirs = reference[name], other[name]
        if not mine.ndim or mine.dims != theirs.dims or mine.chunks or theirs.chunks:
            continue
        if mine.dtype.kind in "fiu" and theirs.dtype.kind in "fiu":
            same = np.allclose(mine.values, theirs.values, rtol=0.0, atol=ROUNDING, equal_nan=True)
        elif mine.dtype.kind == theirs.dtype.kind == "M":
            same = np.array_equal(mine.values, theirs.values, equal_nan=True)
        else:
            continue
        if not same:
            raise ValueError(
                f"the coordinates of {reference.name!r} and of {called} differ: {name!r} along {mine.dims} is not the "
                "same, and no pair is made of unlike places or times; sample both at the same points"
            )
