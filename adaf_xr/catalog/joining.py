"""Join files of one source along a dimension, without a value taken from the wrong file."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr

from adaf_xr.cf.coordinates import NAMES, STANDARD

MISSING: dict[str, Any] = {
    "f": np.nan,
    "M": np.datetime64("NaT"),
    "m": np.timedelta64("NaT"),
    "S": b"",
    "U": "",
    "O": b"",
}
"""What says missing in arrays of each kind."""


def open_files(urls: Sequence[str], open_one: Callable[[str], Any], along: str) -> Any:
    """Files as one dataset.

    Axes that all files share must agree; positions that are no axes grow with the data, each file's own; dimensions
    without coordinates, such as the levels of profiles, are padded to the longest with missing values.
    """
    parts = [open_one(url) for url in urls]
    if len(parts) == 1:
        return parts[0]
    parts = [_with_own_positions(ds, along) for ds in _padded(parts, along)]
    try:
        return xr.concat(
            parts,
            along,
            data_vars="minimal",
            coords="minimal",
            compat="override",
            join="exact",
            combine_attrs="drop_conflicts",
        )
    except ValueError as error:
        raise ValueError(f"{urls[0]} … {urls[-1]} do not join along {along!r}: {error}") from error


def _padded(parts: list[xr.Dataset], along: str) -> list[xr.Dataset]:
    """The parts with equal lengths of all dimensions but `along` and those with an axis."""
    longest: dict[Hashable, int] = {}
    for ds in parts:
        for dim, length in ds.sizes.items():
            if dim != along and dim not in ds.indexes:
                longest[dim] = max(length, longest.get(dim, 0))
    return [
        _pad(ds, {dim: length for dim, length in longest.items() if ds.sizes.get(dim, length) < length}) for ds in parts
    ]


def _pad(ds: xr.Dataset, lengths: dict[Hashable, int]) -> xr.Dataset:
    """A dataset with missing values at the ends of short dimensions."""
    longer = dict(ds.variables)
    for dim, length in lengths.items():
        for name in [name for name, variable in longer.items() if dim in variable.dims]:
            longer[name] = _lengthen(longer[name], dim, length - ds.sizes[dim])
    coords = {name: longer.pop(name) for name in ds.coords}
    return xr.Dataset(longer, coords, ds.attrs)


def _lengthen(variable: xr.Variable, dim: Hashable, rows: int) -> xr.Variable:
    """A variable with missing rows at the end of a dimension; numbers that cannot be missing become floating-point."""
    body = variable if variable.dtype.kind in MISSING else variable.astype("f8")
    shape = tuple(rows if d == dim else n for d, n in body.sizes.items())
    # Dask's own padding knows numbers only.
    tail = da.full(shape, MISSING[body.dtype.kind], dtype=body.dtype, chunks=-1)
    return xr.Variable.concat([body, xr.Variable(body.dims, tail)], dim)


def _with_own_positions(ds: xr.Dataset, along: str) -> xr.Dataset:
    """Latitudes and longitudes that lack the dimension, and are no axes, repeated along it: lazily."""
    if along not in ds.dims:
        return ds
    own = {
        name: ds[name].variable.set_dims({along: ds.sizes[along], **ds[name].sizes})
        for name, variable in ds.variables.items()
        if along not in variable.dims and variable.ndim and name not in ds.indexes and _is_position(name, variable)
    }
    return ds.assign_coords(own) if own else ds


def _is_position(name: Hashable, variable: xr.Variable) -> bool:
    """Whether a variable is a latitude or a longitude, by standard name or by name."""
    declared, key = variable.attrs.get("standard_name"), str(name).lower()
    return any(declared in STANDARD[role] or key in NAMES[role] for role in ("latitude", "longitude"))
