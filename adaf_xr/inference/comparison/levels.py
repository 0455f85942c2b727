"""The depths that fields and their truth share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

SLACK = 0.01
"""Share of a depth, or metres, by which two numbers for the same level may differ."""


def choose(ds: xr.Dataset, depth: Sequence[float] | None, what: str) -> xr.Dataset:
    """The depths that are asked for."""
    if depth is None or "depth" not in ds.dims:
        return ds
    known = ds.depth.values
    nearest = [int(np.argmin(np.abs(known - wanted))) for wanted in depth]
    for i, wanted in zip(nearest, depth, strict=True):
        if not _same(known[i], wanted):
            raise ValueError(f"{what} has no depth of {wanted:g} m, it has {_listed(known)}: choose among these")
    return ds.isel(depth=nearest)


def _same(one: float, other: float) -> bool:
    return bool(abs(one - other) <= max(SLACK * abs(other), SLACK))


def uppermost(da: xr.DataArray) -> xr.DataArray:
    """The level nearest the surface."""
    return da.isel(depth=int(np.argmin(da.depth.values))) if "depth" in da.dims else da


def of_truth(name: str, ds: xr.Dataset, truth: xr.Dataset, depth: Sequence[float] | None) -> xr.Dataset:
    """Fields at levels of the truth."""
    ds = choose(ds, depth, name)
    result = {key: _levelled(name, da, truth) for key, da in ds.data_vars.items()}
    return _named_alike(name, xr.Dataset(result, attrs=ds.attrs), truth)


def _levelled(name: str, da: xr.DataArray, truth: xr.Dataset) -> xr.DataArray:
    """A variable with the dimension depth where the truth has it."""
    key = str(da.name).removesuffix("_std")
    wants, has = ("depth" in each.dims for each in (truth[key], da))
    if wants == has:
        return da
    # Whoever chose a single level said which one a field without levels is of.
    if wants and truth.sizes["depth"] == 1:
        return da.expand_dims(depth=truth.depth).transpose(*truth[key].dims)
    if has and da.sizes["depth"] == 1:
        return da.isel(depth=0, drop=True)
    deep, flat, known = ("the truth", name, truth.depth) if wants else (name, "the truth", da.depth)
    raise ValueError(
        f"{deep} has {key} at depths of {_listed(known.values)} m and {flat} without depth: choose the one that is "
        "meant, --depth (depth=[...])"
    )


def _listed(depths: np.ndarray) -> str:
    return ", ".join(f"{depth:g}" for depth in depths)


def _named_alike(name: str, ds: xr.Dataset, truth: xr.Dataset) -> xr.Dataset:
    """The levels that the truth has too, under its numbers."""
    if "depth" not in ds.dims:
        return ds
    known = truth.depth.values
    nearest = [int(np.argmin(np.abs(known - level))) for level in ds.depth.values]
    same = [i for i, j in enumerate(nearest) if _same(known[j], float(ds.depth[i]))]
    if not same:
        raise ValueError(
            f"{name} and the truth have no depth in common: {name} has {_listed(ds.depth.values)} m, the truth "
            f"{_listed(known)} m; interpolate before"
        )
    return ds.isel(depth=same).assign_coords(depth=known[[nearest[i] for i in same]])
