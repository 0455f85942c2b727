"""No pair is made of unlike places or times: arrays brought into one order, or refused.

Names of dimensions, the order of latitudes and of longitudes and their convention (0..360, -180..180) may differ: these
are spellings. Places and times may not.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from adaf_xr import cf
from adaf_xr.cf.coordinates import Role
from adaf_xr.cf.units import UNITLESS, UNITS, spelling
from adaf_xr.sphere import wrap_longitude

ROLES: tuple[Role, ...] = ("time", "depth", "latitude", "longitude")

ROUNDING = 7e-5
"""Degrees that a position of four decimals in single precision may be off, 8 m; metres for a depth."""

SINGLE = 2e-7
"""Share of its value that another label may be off in single precision."""


def paired(arrays: Mapping[str, xr.DataArray]) -> dict[str, xr.DataArray]:
    """Arrays by name on the axes of the first of them.

    Raises
    ------
    TypeError
        Where an array holds no numbers.
    ValueError
        Where places, times, other labels or units differ; the message says which.
    """
    (first, reference), *others = arrays.items()
    for name, array in arrays.items():
        require_array(array)
        if array.dtype.kind not in "biuf":
            raise TypeError(f"the {name} holds {array.dtype}, no numbers to score: convert it, .astype(float)")
    for name, other in others:
        refuse_other_units(reference, other, f"the {name}", shift=name != "spread")
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
    refuse_other_places(reference, other, called)
    return other


def along(field: xr.DataArray, role: Role) -> Hashable | None:
    """The dimension that a coordinate in some role runs along on its own; None for points, images and scalars."""
    axis = _coordinate(field, role)
    if axis is None or axis.ndim != 1:
        return None
    dim = axis.dims[0]
    # Points have several coordinates on one dimension, which none of them labels.
    return dim if dim in field.indexes and axis.name == dim else None


def require_array(field: object) -> None:
    """Refuse Datasets and bare arrays, which do not say what to score or where it is.

    Raises
    ------
    TypeError
        Where it is no DataArray.
    """
    if not isinstance(field, xr.DataArray):
        raise TypeError(f"a field must be a DataArray, not {type(field).__name__}: pick a variable, such as ds.zos")


def _coordinate(field: xr.DataArray, role: Role) -> xr.DataArray | None:
    require_array(field)
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
    elif dim != time_dimension(reference) and _same_but_for_precision(mine, theirs):
        order = np.arange(mine.size)
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


def _same_but_for_precision(mine: NDArray, theirs: NDArray) -> bool:
    """Whether labels such as depths are the same, one side in single precision; whole numbers have no precision."""
    numbers = mine.dtype.kind in "fiu" and theirs.dtype.kind in "fiu" and "f" in (mine.dtype.kind, theirs.dtype.kind)
    return numbers and mine.shape == theirs.shape and np.allclose(mine, theirs, rtol=SINGLE, atol=0.0)


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
    if apart := _nearly(mine, theirs):
        way = f"they differ by at most {apart}; if that is rounding, give both the same, .assign_coords({dim}=...)"
    elif lacking.size == mine.size:
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


def _nearly(mine: NDArray, theirs: NDArray) -> str:
    """By how much two axes differ where that is little beside the steps between values; else nothing."""
    dates = mine.dtype.kind == theirs.dtype.kind == "M"
    if mine.shape != theirs.shape or mine.size < 2 or not (dates or {mine.dtype.kind, theirs.dtype.kind} <= set("fiu")):
        return ""
    one, other = (axis.astype("M8[ns]").astype("i8").astype("f8") if dates else axis for axis in (mine, theirs))
    apart, step = np.abs(one - other).max(), np.abs(np.diff(one)).min()
    return "" if not 0.0 < apart < 0.02 * step else f"{apart / 1e9:.3g} s" if dates else f"{apart:.3g}"


def _span(values: NDArray) -> str:
    """How many values, from where to where; a single one as it is."""
    if values.size == 1:
        return _text(values)
    return f"{values.size} from {_text(values[:1])} to {_text(values[-1:])}" if values.size else "none"


def _text(value: NDArray) -> str:
    """One value as people write it, given in an array of length 1."""
    return np.datetime_as_string(value, "auto")[0] if value.dtype.kind == "M" else str(value[0])


def refuse_other_units(reference: xr.DataArray, other: xr.DataArray, called: str, *, shift: bool = True) -> None:
    """Known units must count alike; without `shift` a difference is meant, the same in kelvin and in degrees.

    Raises
    ------
    ValueError
        Where they do not. Units that are not known may be anything.
    """
    mine, theirs = (str(array.attrs.get("units", "")) for array in (reference, other))
    units = a, b = spelling(mine), spelling(theirs)
    if a == b or UNITLESS & set(units) or not all(any(unit in table for table in UNITS.values()) for unit in units):
        return
    counted = 2 if shift else 1
    if not any(a in table and b in table and table[a][:counted] == table[b][:counted] for table in UNITS.values()):
        raise ValueError(
            f"{reference.name!r} is in {mine!r} and {called} in {theirs!r}: bring both to one unit, for example with "
            "adaf_xr.fields.canonical"
        )


def refuse_other_places(
    reference: xr.DataArray, other: xr.DataArray, called: str, roles: Iterable[Role] = ROLES
) -> None:
    """What no index compares must agree too, as far as it is in memory: places of points, and single ones.

    Raises
    ------
    ValueError
        Where it does not.
    """
    both = set(reference.dims) & set(other.dims)
    for role in roles:
        mine, theirs = _finest(reference, role), _finest(other, role)
        if mine is None or theirs is None or mine.chunks or theirs.chunks:
            continue
        by_label = mine.dims == theirs.dims and {mine.name, theirs.name} <= both
        if mine.size > 1 and (by_label or (mine.ndim != theirs.ndim and {*mine.dims, *theirs.dims} <= both)):
            continue
        mine, theirs = mine.squeeze(), theirs.squeeze()
        if set(mine.dims) - set(other.dims) and set(theirs.dims) - set(reference.dims):
            raise ValueError(
                f"the {role} of {reference.name!r} runs along {mine.dims} and that of {called} along {theirs.dims}: "
                "bring both to the same points or to one grid, or give their dimensions the same names"
            )
        if not _at_one(mine, theirs, role):
            single = not mine.size == theirs.size > 1
            way = f"if that is meant, .drop_vars({theirs.name!r})" if single else "sample both at the same points"
            raise ValueError(
                f"the coordinates of {reference.name!r} and of {called} differ: {mine.name!r}{_along(mine)} is not "
                f"the same, {_span(mine.values.ravel())} against {_span(theirs.values.ravel())}, and no pair is made "
                f"of unlike places or times; {way}"
            )


def _finest(array: xr.DataArray, role: Role) -> xr.DataArray | None:
    """The coordinate in a role; of forecasts the times that they are for, which vary with the lead time too."""
    axis = _coordinate(array, role)
    if axis is None or role != "time":
        return axis
    return max([axis, *(c for c in array.coords.values() if c.dtype.kind == "M")], key=lambda c: c.ndim)


def _along(axis: xr.DataArray) -> str:
    """Where a coordinate runs."""
    return f" along {axis.dims}" if axis.ndim else ""


def _at_one(mine: xr.DataArray, theirs: xr.DataArray, role: Role) -> bool:
    """Whether coordinates are the same wherever both are; numbers and dates cannot be compared."""
    one, other = xr.broadcast(*(xr.DataArray(axis.variable.to_base_variable()) for axis in (mine, theirs)))
    kinds = one.dtype.kind, other.dtype.kind
    if "M" in kinds or role == "time":
        return kinds[0] != kinds[1] or np.array_equal(one.values, other.values, equal_nan=kinds[0] in "fM")
    if not set(kinds) <= set("fiu"):
        return True
    apart = np.abs(one.values.astype("f8") - other.values)
    apart = np.minimum(apart, np.abs(360.0 - apart)) if role == "longitude" else apart
    missing = np.isnan(one.values) & np.isnan(other.values)
    return bool(np.all(missing | (apart <= ROUNDING + SINGLE * np.abs(one.values))))
