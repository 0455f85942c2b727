"""Series of maps on regular axes, as spectra and derivatives want them, or an error that says what is wrong."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from adaf_xr import cf
from adaf_xr.cf.coordinates import Role
from adaf_xr.instants import DAY
from adaf_xr.lattice import unroll
from adaf_xr.metrics.pairing import ROLES, along, matched, refuse_other_places, refuse_other_units, require_array

MAP: tuple[Role, ...] = ("time", "latitude", "longitude")
"""Dimensions of a series of maps, in order."""

REGULAR = 1e-2
"""Share of a step by which steps may differ: those of coordinates in single precision do."""


def as_maps(field: xr.DataArray, roles: Iterable[Role] = MAP) -> xr.DataArray:
    """A field with exactly these dimensions, in this order and under these names; latitude and longitude ascend.

    Raises
    ------
    TypeError
        Where it is no DataArray.
    ValueError
        Where a coordinate is missing or not an axis of its own, or a dimension is left over.

    Examples
    --------
    >>> sst = xr.DataArray([[1.0, 2.0], [3.0, 4.0]], {"lon": [0.5, 1.5], "lat": [1.5, 0.5]}, ("lon", "lat"))
    >>> as_maps(sst, ("latitude", "longitude")).values.tolist()
    [[2.0, 4.0], [1.0, 3.0]]
    """
    require_array(field)
    axes = {role: _axis(field, role) for role in roles}
    named = {axis.dims[0]: role for role, axis in axes.items()}
    if len(named) < len(axes):
        raise ValueError(
            f"{field.name!r} is a series of points, not of maps: grid it first, or score it along its track"
        )
    if extra := [d for d in field.dims if d not in named and field.sizes[d] > 1]:
        raise ValueError(f"{field.name!r} has dimensions {extra} beside {list(axes)}: select one, field.isel(...)")
    bare = field.isel({d: 0 for d in field.dims if d not in named}, drop=True).variable
    coords = {role: axis.values if role == "time" else axis.values.astype("f8") for role, axis in axes.items()}
    placed = xr.DataArray(bare, name=field.name).rename(named).assign_coords(coords)
    return _ascending(placed.transpose(*axes))


def paired_maps(
    rec: xr.DataArray, ref: xr.DataArray, roles: Iterable[Role] = MAP, *, called: str = "the reconstruction"
) -> tuple[xr.DataArray, xr.DataArray]:
    """Two fields of :func:`as_maps` on the coordinates of the second, in double precision; `called` is for messages.

    Raises
    ------
    ValueError
        Where grids, times or units differ.

    Examples
    --------
    >>> a = xr.DataArray([1.0, 2.0, 3.0], {"lon": [180.0, 200.0, 220.0]}, ["lon"])
    >>> b = xr.DataArray([1.0, 2.0, 3.0], {"longitude": [-180.0, -160.0, -140.0]}, ["longitude"])
    >>> float(abs(np.subtract(*paired_maps(a, b, ["longitude"]))).max())
    0.0
    """
    roles = tuple(roles)
    here, there = as_maps(ref, roles), as_maps(rec, roles)
    refuse_other_units(ref, rec, called)
    # What maps do not have, such as a depth, must be the same too.
    refuse_other_places(ref, rec, called, [role for role in ROLES if role not in roles])
    return matched(here, there, called).astype("f8"), here.astype("f8")


def step(field: xr.DataArray, role: str) -> float:
    """Spacing of an axis [days or degrees].

    Raises
    ------
    ValueError
        Where the axis has fewer than two values, they are not evenly spaced, or times are no dates.

    Examples
    --------
    >>> step(xr.DataArray([0.0, 0.0, 0.0], {"longitude": [1.0, 1.5, 2.0]}, ["longitude"]), "longitude")
    0.5
    """
    values = field[role].values
    if values.size < 2:
        raise ValueError(f"one {role} alone has no spacing: give a field of several")
    if role == "time" and values.dtype.kind not in "mM":
        raise ValueError(
            "the times are no decoded dates, and how many days lie between them is unknown: assign datetime64 values, "
            "field.assign_coords(time=...)"
        )
    steps = np.diff(values) / DAY if role == "time" else np.diff(values)
    mean = float(steps.sum() / steps.size)
    if not mean > 0 or np.abs(steps - mean).max() > REGULAR * mean:
        raise ValueError(
            f"{role} is not evenly spaced (steps from {steps.min():g} to {steps.max():g} "
            f"{'days' if role == 'time' else 'degrees'}), and scales need even steps: interpolate first, for example "
            f"field.interp({role}=...)"
        )
    return mean


def require_complete(values: NDArray, name: object) -> None:
    """Refuse missing values, which have no spectrum.

    Raises
    ------
    ValueError
        Where one is missing.
    """
    missing = np.count_nonzero(~np.isfinite(values))
    if missing:
        share = "all" if missing == values.size else f"{missing} of {values.size}"
        raise ValueError(
            f"{share} values of {name!r} are missing, and this score needs them all: choose a box and times without "
            "land or gaps, or fill them first, for example with .interpolate_na"
        )


def roles_of(field: xr.DataArray, needed: Iterable[Role]) -> list[Role]:
    """The roles that a score needs, and the others that a field has axes for.

    Examples
    --------
    >>> roles_of(xr.DataArray([0.0, 1.0], {"lat": [0.5, 1.5]}, ["lat"]), ["longitude"])
    ['latitude', 'longitude']
    """
    require_array(field)
    return [role for role in MAP if role in needed or role in field.dims or along(field, role) is not None]


def _axis(field: xr.DataArray, role: Role) -> xr.DataArray:
    """The 1-D coordinate of a role."""
    ds = field.to_dataset(name="field")
    found = cf.coordinate(ds, ds["field"], role)
    if found is None and role == "time" and role in field.dims:
        # Numbers of maps in a row: enough for all but scales in days, which `step` refuses.
        return field[role]
    if found is None:
        hint = "decoded dates (datetime64)" if role == "time" else "degrees"
        raise ValueError(
            f"{field.name!r} has no {role} on its dimensions {field.dims}: assign {hint}, "
            f"field.assign_coords({role}=...)"
        )
    if found.ndim != 1:
        shape = "a single value" if not found.ndim else f"an array on {found.dims}"
        raise ValueError(
            f"the {role} of {field.name!r} is {shape}, not an axis: this score needs maps on a rectilinear grid"
        )
    return found


def _ascending(field: xr.DataArray) -> xr.DataArray:
    """Both horizontal axes ascending, without a hole inside."""
    if "latitude" in field.dims and field.sizes["latitude"] > 1 and field.latitude[0] > field.latitude[-1]:
        field = field.isel(latitude=slice(None, None, -1))
    if "longitude" not in field.dims or not field.sizes["longitude"]:
        return field
    order, values = unroll(field.longitude.values)
    turned = field if np.array_equal(order, np.arange(order.size)) else field.isel(longitude=order)
    return turned.assign_coords(longitude=values)
