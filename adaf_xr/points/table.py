"""The door: any CF dataset in, a point set out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import dask.array as da
import numpy as np
import xarray as xr

from adaf_xr.cf.canonical import SOURCES, VARIABLES
from adaf_xr.cf.errors import NoVariableError
from adaf_xr.points import bounds
from adaf_xr.points.bounds import Bounds
from adaf_xr.points.build import Table, lazy_table, table_in_memory
from adaf_xr.points.sources import infer
from adaf_xr.points.structure import Group, groups_of, plan_of
from adaf_xr.points.tree import flattened

COORDINATES: dict[str, dict[str, str]] = {
    "longitude": {"standard_name": "longitude", "long_name": "longitude", "units": "degrees_east"},
    "latitude": {"standard_name": "latitude", "long_name": "latitude", "units": "degrees_north"},
    "depth": {"standard_name": "depth", "long_name": "depth", "units": "m", "positive": "down"},
    "time": {"standard_name": "time", "long_name": "time"},
}
"""Coordinates of every point set with their attributes."""


def to_points(
    obj: xr.Dataset | xr.DataTree,
    variables: str | Sequence[str] | None = None,
    qc: Literal["good", "all"] = "good",
    source: str | None = None,
) -> xr.Dataset:
    """Observations of any CF dataset as points.

    Parameters
    ----------
    obj : Dataset or DataTree
        A file as `xarray.open_dataset` or `xarray.open_datatree` gives it.
    variables : str or sequence of str, optional
        Canonical names to take, see :data:`adaf_xr.cf.canonical.VARIABLES`. Default: all that the file has.
    qc : {"good", "all"}
        Keep what its flags call good, or everything.
    source : str, optional
        One of :data:`adaf_xr.cf.canonical.SOURCES`. Default: inferred from what is measured.

    Returns
    -------
    Dataset
        Dimension ``obs``; coordinates ``longitude`` [degrees_east, -180..180), ``latitude`` [degrees_north], ``depth``
        [m, positive down], ``time`` [datetime64[ns], UTC]; the variables in canonical units, NaN where a point lacks
        one, and ``<name>_error`` (standard deviation) where the file gives errors. From arrays in memory only valid
        points; from dask arrays one row per element of the data, all missing where rejected, and nothing is computed
        (only times that lie in memory along the one dimension of the data stay as they are).

    Raises
    ------
    adaf_xr.cf.errors.CFError
        Where the file cannot be read by the conventions; the message names the way out.
    ValueError
        For a `variables`, `qc` or `source` that does not exist.

    Examples
    --------
    >>> ds = xr.Dataset(
    ...     {"sst": (("lat", "lon"), [[290.15, np.nan]], {"units": "kelvin"})},
    ...     coords={"lat": [45.0], "lon": [350.0, 351.0], "time": np.datetime64("2020-01-01", "ns")},
    ... )
    >>> points = to_points(ds)
    >>> points.thetao.values, points.longitude.values, points.attrs["source"]
    (array([17.]), array([-10.]), 'sst')
    """
    wanted = _wanted(variables)
    _refuse_unknown("qc", qc, ("good", "all"))
    if source is not None:
        _refuse_unknown("source", source, SOURCES)
    if not isinstance(obj, xr.Dataset | xr.DataTree):
        raise TypeError(f"points are made from a Dataset or DataTree, not {type(obj).__name__}: da.to_dataset() helps")
    datasets = list(flattened(obj)) if isinstance(obj, xr.DataTree) else [obj]
    found = _found(datasets, wanted)
    tables = [_table(ds, group, wanted, qc == "good") for ds, group in found]
    points = _assembled([columns for columns, _ in tables], source or infer(found))
    if points["time"].chunks is not None:
        points.encoding[bounds.KEY] = (points["time"].data.name, *_bounds(tables))
    return points


def _found(datasets: Sequence[xr.Dataset], wanted: set[str]) -> list[tuple[xr.Dataset, Group]]:
    """Groups of variables in one or several datasets; one that has none is no error while another has some."""
    found, misses = [], []
    for ds in datasets:
        try:
            found += [(ds, group) for group in groups_of(ds, wanted)]
        except NoVariableError as error:
            misses.append(error)
    if not found:
        if len(misses) == 1:
            raise misses[0]
        names = sorted({str(name) for ds in datasets for name in ds.data_vars})
        raise NoVariableError(
            f"no variable of {', '.join(n for n in VARIABLES if n in wanted)} in any of {len(datasets)} groups, among "
            f"{', '.join(names[:30])}: rename the variable to one of these, or set its attribute standard_name"
        )
    return found


def _table(ds: xr.Dataset, group: Group, wanted: set[str], good: bool) -> Table:
    """One group."""
    whole = ds[group.any]
    if whole.size == 0:
        return _empty([n for n in group.canonical if n in wanted]), None
    plan, arrays = plan_of(ds, group, wanted, good)
    if any(a.chunks is not None for a in arrays):
        return lazy_table(plan, arrays, whole)
    return table_in_memory(plan, arrays), None


def _bounds(tables: Sequence[Table]) -> Bounds:
    """First and last time of every chunk of tables one after another; dask leaves out those without rows."""
    parts = []
    for columns, known in tables:
        time, rows = columns["time"], columns["longitude"]
        chunks = rows.chunks if isinstance(rows, da.Array) else ((rows.size,),)
        if rows.size:
            parts.append(known or bounds.bounds_of_blocks(time, (0,), chunks))
    start, stop = zip(*parts, strict=True)
    return np.concatenate(start), np.concatenate(stop)


def _empty(names: Sequence[str]) -> dict[str, Any]:
    """Columns of no points."""
    columns: dict[str, Any] = {name: np.empty(0) for name in ("longitude", "latitude", "depth", *names)}
    return columns | {"time": np.empty(0, "M8[ns]")}


def _assembled(tables: Sequence[dict[str, Any]], source: str) -> xr.Dataset:
    """Tables one after another as one dataset."""
    present = {name for table in tables for name in table}
    names = [n for n in (*COORDINATES, *VARIABLES) if n in present]
    names += [e for n in VARIABLES if (e := f"{n}_error") in present]
    columns = {name: ("obs", _stacked(tables, name), _attributes(name, present)) for name in names}
    return xr.Dataset(
        {name: column for name, column in columns.items() if name not in COORDINATES},
        coords={name: columns[name] for name in COORDINATES},
        attrs={"Conventions": "CF-1.11", "featureType": "point", "source": source},
    )


def _stacked(tables: Sequence[dict[str, Any]], name: str) -> Any:
    """One column of all tables; missing where a table lacks it."""
    parts = [table.get(name, _missing_like(table["longitude"])) for table in tables]
    if len(parts) == 1:
        return parts[0]
    if any(isinstance(part, da.Array) for part in parts):
        return da.concatenate([_as_dask(part, table["longitude"]) for part, table in zip(parts, tables, strict=True)])
    return np.concatenate(parts)


def _missing_like(column: Any) -> Any:
    """A column without any value."""
    if isinstance(column, da.Array):
        return da.full(column.shape, np.nan, chunks=column.chunks, dtype="f8")
    return np.full(column.shape, np.nan)


def _as_dask(part: Any, like: Any) -> da.Array:
    """A column as a dask array, cut like another."""
    if isinstance(part, da.Array):
        return part
    return da.from_array(part, chunks=like.chunks if isinstance(like, da.Array) else -1)


def _attributes(name: str, present: set[str]) -> dict[str, str]:
    """CF attributes of a column."""
    if name in COORDINATES:
        return dict(COORDINATES[name])
    variable = VARIABLES[name.removesuffix("_error")]
    if name.endswith("_error"):
        declared = f"{variable.standard_name} standard_error"
        return {"standard_name": declared, "long_name": f"error of {variable.long_name}", "units": variable.units}
    attrs = {"standard_name": variable.standard_name, "long_name": variable.long_name, "units": variable.units}
    return attrs | ({"ancillary_variables": f"{name}_error"} if f"{name}_error" in present else {})


def _wanted(variables: str | Sequence[str] | None) -> set[str]:
    """Canonical names, checked."""
    if variables is None:
        return set(VARIABLES)
    names = [variables] if isinstance(variables, str) else list(variables)
    if not names:
        raise ValueError(f"variables is empty: name some of {', '.join(VARIABLES)}, or leave it out for all")
    for name in names:
        _refuse_unknown("variables", name, tuple(VARIABLES))
    return set(names)


def _refuse_unknown(parameter: str, value: object, known: Sequence[str]) -> None:
    """Refuse a value that does not exist."""
    if value not in known:
        raise ValueError(f"{parameter} {value!r} does not exist: use one of {', '.join(known)}")
