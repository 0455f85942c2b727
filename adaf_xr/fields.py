"""Gridded fields under canonical names: what a background, a truth or a mean dynamic topography must look like."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from itertools import pairwise

import numpy as np
import xarray as xr

from adaf_xr import cf
from adaf_xr.cf.canonical import VARIABLES
from adaf_xr.cf.coordinates import Role
from adaf_xr.cf.names import IN_SITU, choose, term_of
from adaf_xr.cf.units import decoding
from adaf_xr.lattice import unroll
from adaf_xr.seawater import potential_temperature, pressure_from_depth

DIMENSIONS: tuple[Role, ...] = ("time", "depth", "latitude", "longitude")
"""Order of dimensions of every canonical field; all but the last two are optional."""


def canonical(obj: xr.Dataset | xr.DataArray, variables: str | Iterable[str] | None = None) -> xr.Dataset:
    """A gridded dataset with canonical names, units and dimension order; lazy input stays lazy.

    Parameters
    ----------
    obj : Dataset or DataArray
        Fields on a rectilinear latitude-longitude grid, any CF spelling of names and units.
    variables : str or iterable of str, optional
        Canonical names to keep. Default: all that are found.

    Returns
    -------
    Dataset
        Dimensions ``(time, depth, latitude, longitude)`` as far as each variable has them; ``longitude`` ascending in
        its own convention. Metadata beyond the CF attributes of `adaf_xr.cf` are dropped.

    Raises
    ------
    adaf_xr.cf.errors.CFError
        Where no state variable is found, or the grid is curvilinear.

    Examples
    --------
    >>> sst = xr.DataArray(
    ...     np.full((2, 3), 290.15), dims=("lat", "lon"), name="analysed_sst", attrs={"units": "kelvin"},
    ...     coords={"lat": [0.5, 1.5], "lon": [10.5, 11.5, 12.5]},
    ... )
    >>> canonical(sst).thetao.mean().item()
    17.0
    """
    if not isinstance(obj, xr.Dataset | xr.DataArray):
        raise TypeError(
            f"gridded fields must be a Dataset or DataArray, not {type(obj).__name__}: open a file with "
            "xarray.open_dataset first, or take one node of a tree with tree['name'].to_dataset()"
        )
    ds = obj.to_dataset(name=obj.name or "field") if isinstance(obj, xr.DataArray) else obj
    wanted = _wanted(variables)
    names = _one_each(ds, wanted)
    found = {new: _place(ds, old, new) for new, old in names.items()}
    if "thetao" in found and term_of(ds, names["thetao"]) == IN_SITU:
        found["thetao"] = _potential(found["thetao"], found.get("so"))
    if not found:
        raise cf.errors.NoVariableError(
            f"no field of {', '.join(v for v in VARIABLES if v in wanted)} among {sorted(map(str, ds.data_vars))}: "
            "rename one to its canonical name, or set its standard_name"
        )
    _refuse_unlike_grids(found)
    result = xr.Dataset(found)
    return result.transpose(*(d for d in DIMENSIONS if d in result.dims), ...)


def _wanted(variables: str | Iterable[str] | None) -> set[str]:
    """Canonical names, checked."""
    names = set(VARIABLES) if variables is None else {variables} if isinstance(variables, str) else set(variables)
    if unknown := sorted(names - set(VARIABLES)):
        raise ValueError(f"variables {unknown} do not exist: use some of {', '.join(VARIABLES)}")
    return names


def _refuse_unlike_grids(fields: dict[str, xr.DataArray]) -> None:
    """All fields share their axes; a merge of staggered ones would be full of holes."""
    for role in DIMENSIONS:
        axes = {name: da[role].values for name, da in fields.items() if role in da.dims}
        for first, name in pairwise(axes):
            if not np.array_equal(axes[name], axes[first]):
                raise cf.errors.StructureError(
                    f"{first!r} and {name!r} lie on different axes of {role} ({axes[first].size} and {axes[name].size} "
                    "values, not the same ones): interpolate them to one grid, or pass them separately"
                )


def _one_each(ds: xr.Dataset, wanted: set[str]) -> dict[str, Hashable]:
    """The variable for each canonical name: of those on different dimensions the preferred, then the one with most."""
    chosen: dict[str, Hashable] = {}
    for canonical_name, name in (pair for found in choose(ds, wanted).values() for pair in found.items()):
        other = chosen.setdefault(canonical_name, name)
        if _precedence(ds, name) < _precedence(ds, other):
            chosen[canonical_name] = name
        elif name != other and _precedence(ds, name) == _precedence(ds, other):
            raise cf.errors.AmbiguousError(
                f"{canonical_name} could be {other!r} on {ds[other].dims} or {name!r} on {ds[name].dims}: "
                "keep one with ds.drop_vars(...)"
            )
    return chosen


def _precedence(ds: xr.Dataset, name: Hashable) -> tuple[int, int]:
    term = term_of(ds, name)
    return (0 if term is None else term.rank, -ds[name].ndim)


def _potential(temperature: xr.DataArray, salinity: xr.DataArray | None) -> xr.DataArray:
    """Potential temperature of an in-situ one; without depth it is one of the surface, where both are the same."""
    if "depth" not in temperature.coords:
        return temperature
    pressure = xr.apply_ufunc(pressure_from_depth, temperature.depth, temperature.latitude)
    practical = xr.full_like(temperature, np.nan) if salinity is None else salinity
    potential = xr.apply_ufunc(
        potential_temperature, temperature, practical, pressure, temperature.longitude, temperature.latitude,
        dask="parallelized", output_dtypes=[temperature.dtype], keep_attrs=False,
    )  # fmt: skip
    return potential.astype(temperature.dtype).transpose(*temperature.dims).assign_attrs(temperature.attrs)


def _place(ds: xr.Dataset, old: Hashable, new: str) -> xr.DataArray:
    """One variable in canonical units on canonical axes."""
    da = ds[old]
    # Position first: on a curvilinear grid nothing else matters.
    latitude, longitude = (_horizontal(ds, da, role) for role in DIMENSIONS[2:])
    if latitude.dims == longitude.dims:
        raise cf.errors.StructureError(
            f"{old!r} is a series of points along {latitude.dims[0]!r}, not a grid: it makes observations, "
            "ds.adaf.points(), but no background"
        )
    axes = {"latitude": latitude, "longitude": longitude}
    axes |= {role: axis for role in DIMENSIONS[:2] if (axis := cf.coordinate(ds, da, role)) is not None}
    renamed: dict[Hashable, str] = {}
    coords = {}
    for role, axis in axes.items():
        if axis.ndim > 1:
            continue
        if axis.ndim == 1:
            renamed[axis.dims[0]] = role
        values = axis.values if role == "time" else decoding(axis, role).apply(axis.values)
        coords[role] = (role if axis.ndim else (), values, _axis_attributes(role))
    _refuse_other_dimensions(old, da, renamed)
    for role, (_, values, _) in coords.items():
        if np.ndim(values):
            _require_values(role, values)
    # Decoding first: it wants the encoding of the file, which does not survive a change of names.
    decoded = cf.to_canonical_units(da, new).variable
    # Unit arithmetic may widen; a background of single precision stays one, and so does its analysis.
    single = da.dtype == np.float32
    placed = xr.DataArray(decoded.astype("f4" if single else "f8", copy=False), name=new)
    placed = placed.rename(renamed).assign_coords(coords)
    return _positive_down(_ascending(placed), axes.get("depth"))


def _horizontal(ds: xr.Dataset, da: xr.DataArray, role: Role) -> xr.DataArray:
    """A 1-D axis of that role."""
    axis = cf.coordinate(ds, da, role)
    if axis is None:
        raise cf.errors.PositionError(
            f"{da.name!r} has no {role} coordinate: assign one, for example ds.assign_coords({role}=...)"
        )
    if axis.ndim != 1:
        raise cf.errors.StructureError(
            f"{da.name!r} lies on a curvilinear grid ({role} {axis.name!r} has dimensions {axis.dims}), and fields "
            "must lie on a rectilinear one: regrid it first, for example with xarray-regrid or xESMF, or turn it into "
            "observations with ds.adaf.points()"
        )
    return axis


def _refuse_other_dimensions(name: Hashable, da: xr.DataArray, known: dict[Hashable, str]) -> None:
    """A dimension that is neither time, depth nor horizontal has no meaning here."""
    if extra := [d for d in da.dims if d not in known]:
        raise cf.errors.StructureError(
            f"dimension(s) {extra} of {name!r} cannot be read as time (decoded dates), depth, latitude or longitude: "
            "decode or assign their coordinates, or select or average over them first, for example ds.isel(...)"
        )


def _require_values(role: str, values: np.ndarray) -> None:
    """An axis has values, all present, in order; horizontally at least two, for one cell has no width."""
    if not values.size:
        raise cf.errors.StructureError(f"the fields have no {role} at all: the selection before is empty")
    if np.isnat(values).any() if role == "time" else not np.isfinite(values).all():
        raise cf.errors.StructureError(f"{role} has missing values: drop them first, ds.dropna({role!r})")
    steps = np.diff(values).astype("f8")
    if role in ("latitude", "depth") and not (np.all(steps > 0) or np.all(steps < 0)):
        raise cf.errors.StructureError(
            f"{role} repeats or jumps back (from {values.min():g} to {values.max():g}): put it in order first, "
            f"ds.drop_duplicates({role!r}).sortby({role!r})"
        )
    if role in ("latitude", "longitude") and values.size < 2:
        raise cf.errors.StructureError(
            f"the fields are one cell wide along {role}, and how far one cell reaches is unknown: select at least two"
        )


def _ascending(da: xr.DataArray) -> xr.DataArray:
    """Longitude ascending and without a hole inside."""
    order, values = unroll(da.longitude.values)
    ordered = da if np.array_equal(order, np.arange(order.size)) else da.isel(longitude=order)
    return ordered.assign_coords(longitude=("longitude", values, da.longitude.attrs))


def _positive_down(da: xr.DataArray, axis: xr.DataArray | None) -> xr.DataArray:
    """Depth positive down, whatever the file's sign."""
    if axis is None or str(axis.attrs.get("positive", "down")).lower() != "up":
        return da
    return da.assign_coords(depth=(da.depth.dims, -da.depth.values, da.depth.attrs))


def _axis_attributes(role: str) -> dict[str, str]:
    """CF attributes of an axis."""
    return {
        "latitude": {"standard_name": "latitude", "units": "degrees_north", "axis": "Y"},
        "longitude": {"standard_name": "longitude", "units": "degrees_east", "axis": "X"},
        "depth": {"standard_name": "depth", "units": "m", "positive": "down", "axis": "Z"},
        "time": {"standard_name": "time", "axis": "T"},
    }[role]
