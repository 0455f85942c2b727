"""From a file to plans, one per set of dimensions: what is measured, where, when, how deep (section 3)."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from adaf_xr.cf import times
from adaf_xr.cf.canonical import VARIABLES
from adaf_xr.cf.coordinates import SURFACE_ONLY, VERTICAL, is_image, locate, time_of
from adaf_xr.cf.errors import AmbiguousError, DepthError, NoVariableError, PositionError, TimeError
from adaf_xr.cf.flags import is_altimeter_level_2
from adaf_xr.cf.missing import declared_fills
from adaf_xr.cf.names import choose, is_swath_sst, listing, term_of
from adaf_xr.cf.units import UNITS, refuse_packed, spelling
from adaf_xr.cf.vectors import Pair, pairs
from adaf_xr.points.plan import Column, Inputs, Measured, Plan
from adaf_xr.points.quality import Reader


@dataclass
class Group:
    """The variables on one set of dimensions.

    Attributes
    ----------
    names : dict
        Canonical name -> variable.
    vectors : list of Pair
        Speeds with directions.
    mdt : str, optional
        Mean dynamic topography to which the anomaly `sla` is added to make `zos`.
    """

    names: dict[str, Hashable]
    vectors: list[Pair]
    mdt: Hashable | None = None

    @property
    def any(self) -> Hashable:
        """One of the variables."""
        return next(iter(self.names.values())) if self.names else self.vectors[0].speed

    @property
    def canonical(self) -> tuple[str, ...]:
        """Canonical names of what comes out, in the order of the table."""
        found = set(self.names) | {n for p in self.vectors for n in (p.vector.eastward, p.vector.northward)}
        return tuple(n for n in VARIABLES if n in found or (n == "zos" and self.mdt is not None))


def groups_of(ds: xr.Dataset, wanted: set[str]) -> list[Group]:
    """The variables of a file, by set of dimensions.

    Raises
    ------
    adaf_xr.cf.errors.NoVariableError
        Where nothing that is wanted is found.
    """
    needed = wanted | ({"sla"} if "zos" in wanted and _topography(ds) is not None else set())
    by_dims = {dims: Group(names, []) for dims, names in _chosen(ds, needed).items()}
    for pair in pairs(ds):
        components = {pair.vector.eastward, pair.vector.northward}
        group = by_dims.setdefault(frozenset(ds[pair.speed].dims), Group({}, []))
        if components & wanted and not components & set(group.names):
            group.vectors.append(pair)
    for dims, group in by_dims.items():
        if "zos" in wanted:
            _add_topography(ds, dims, group)
        if "sla" not in wanted and group.mdt is None:
            group.names.pop("sla", None)
    found = [part for g in by_dims.values() if g.names or g.vectors for part in _by_depth(ds, g)]
    if not found:
        raise NoVariableError(_nothing(ds, wanted))
    return found


def plan_of(ds: xr.Dataset, group: Group, wanted: set[str], good: bool) -> tuple[Plan, list[xr.DataArray]]:
    """What has to be done for one group, and its input arrays.

    Raises
    ------
    adaf_xr.cf.errors.PositionError, adaf_xr.cf.errors.TimeError, adaf_xr.cf.errors.DepthError
        Where the file does not say where, when or how deep.
    """
    da = ds[group.any]
    inputs = Inputs(da.dims)
    reader = Reader(ds, da, inputs, good)
    latitude, longitude = (_position(ds, da, role) for role in ("latitude", "longitude"))
    time = _time(ds, da)
    depth, pressure = _vertical(ds, da, reader, (latitude, longitude, time))
    columns = dict(_columns(ds, group, reader, wanted))
    delay = reader.find(["sst_dtime"]) if is_swath_sst(ds) else None
    in_situ = any(column.rule == "in situ" for column in columns.values())
    parts = {
        "longitude": reader.reading(longitude, "longitude"),
        "latitude": reader.reading(latitude, "latitude"),
        "delay": None if delay is None else inputs.add(_delays(delay)),
        "depth": depth,
        "pressure": pressure,
        "place_checks": reader.place_checks(latitude.name, longitude.name, time.name),
        "salinity": _salinity(ds, da, reader) if in_situ else None,
        "columns": columns,
    }
    parts["time"] = inputs.add(times.as_nanoseconds(time).rename(time.name))
    arrays = inputs.ordered()
    axes = tuple(tuple(da.dims.index(d) for d in a.dims) for a in arrays)
    plan = Plan(ndim=max(1, len(da.dims)), axes=axes, questions=tuple(inputs.questions), **parts)  # type: ignore[arg-type]
    return plan, arrays


def _chosen(ds: xr.Dataset, wanted: set[str]) -> dict[frozenset[Hashable], dict[str, Hashable]]:
    """The variable for each quantity; what cannot be dated is refused first, because that help is needed anyway."""
    try:
        return choose(ds, wanted)
    except AmbiguousError:
        for name in ds.data_vars:
            if (term := term_of(ds, name)) is not None and term.name in wanted:
                _time(ds, ds[name])
        raise


def _topography(ds: xr.Dataset) -> Hashable | None:
    """The mean dynamic topography that comes with an anomaly."""
    return next((n for n in ds.variables if str(n).lower() == "mdt"), None)


def _add_topography(ds: xr.Dataset, dims: frozenset[Hashable], group: Group) -> None:
    """Anomaly plus mean topography makes `zos` where there is none, or where it alone is filtered."""
    mdt = _topography(ds)
    if "sla" not in group.names or is_altimeter_level_2(ds):
        return
    is_filtered = {q: str(group.names.get(q, "")).lower().endswith("_filtered") for q in ("zos", "sla")}
    fits = mdt is not None and set(ds[mdt].dims) <= dims
    if fits and ("zos" not in group.names or (is_filtered["zos"] and not is_filtered["sla"])):
        group.names.pop("zos", None)
        group.mdt = mdt


def _by_depth(ds: xr.Dataset, group: Group) -> list[Group]:
    """What lies at the surface apart from the rest, where a single depth places only the rest."""
    surface, rest = (
        Group(
            {canonical: name for canonical, name in group.names.items() if (canonical in SURFACE_ONLY) == at_surface},
            [pair for pair in group.vectors if (pair.vector.eastward in SURFACE_ONLY) == at_surface],
            group.mdt if at_surface else None,
        )
        for at_surface in (True, False)
    )
    if not all(part.names or part.vectors for part in (surface, rest)):
        return [group]
    placed = [any(locate(ds, ds[part.any], role) is not None for role in VERTICAL) for part in (surface, rest)]
    return [group] if placed[0] == placed[1] else [rest, surface]


def _columns(ds: xr.Dataset, group: Group, reader: Reader, wanted: set[str]) -> Iterable[tuple[str, Column]]:
    """How each output variable of a group is made."""
    for name in group.canonical:
        if name not in wanted:
            continue
        if name in group.names:
            variable = group.names[name]
            term = term_of(ds, variable)
            in_situ = name == "thetao" and term is not None and term.kind == "in situ"
            yield name, Column((reader.measured(variable, name),), "in situ" if in_situ else "value")
        elif name == "zos" and group.mdt is not None:
            parts = reader.measured(group.names["sla"], "sla"), reader.measured(group.mdt, "zos")
            yield name, Column(parts, "sum")
        else:
            pair = next(p for p in group.vectors if name in (p.vector.eastward, p.vector.northward))
            speed = "wind speed" if pair.vector.eastward == "uas" else "current speed"
            parts = reader.measured(pair.speed, speed), reader.measured(pair.direction, "direction")
            yield name, Column(parts, "sine" if name == pair.vector.eastward else "cosine", pair.sign)


def _salinity(ds: xr.Dataset, da: xr.DataArray, reader: Reader) -> Measured | None:
    """The salinity on the dimensions of a temperature."""
    found = choose(ds, ["so"]).get(frozenset(da.dims), {}).get("so")
    return None if found is None else reader.measured(found, "so")


def _position(ds: xr.Dataset, da: xr.DataArray, role: str) -> xr.DataArray:
    """Latitude or longitude, or an error that teaches."""
    found = locate(ds, da, role)
    if found is not None:
        return found
    image = ", on projected axes that no single position can place," if is_image(ds, da) else ""
    raise PositionError(
        f"{str(da.name)!r}{image} on {da.dims} has no {role}: looked for its attribute coordinates, standard_name "
        f"{role} and the usual names on these dimensions, and saw {listing(ds.variables)}; assign them, for example "
        f"ds.assign_coords(longitude=({da.dims}, ...), latitude=({da.dims}, ...))"
    )


def _time(ds: xr.Dataset, da: xr.DataArray) -> xr.DataArray:
    """Time, or an error that teaches."""
    found = time_of(ds, da)
    if found is not None:
        return found
    raise TimeError(
        f"{str(da.name)!r} on {da.dims} has no time: looked for standard_name time and units like 'days since "
        f"1950-01-01', and saw {_like_times(ds)} (file names, global attributes and seconds of the day are not dates); "
        "assign it, for example ds.assign_coords(time=np.datetime64('2020-01-01'))"
    )


def _like_times(ds: xr.Dataset) -> str:
    """Variables that sound like time, with their units; all where none does."""
    like = [n for n in ds.variables if re.search(r"time|date|juld|mjd|second", str(n).lower())]
    return listing(f"{n} in {ds[n].attrs.get('units', ds[n].dtype)!s}" for n in like) if like else listing(ds.variables)


def _vertical(
    ds: xr.Dataset, da: xr.DataArray, reader: Reader, placed: Iterable[xr.DataArray]
) -> tuple[Measured | None, Measured | None]:
    """Depth and pressure; a vertical dimension without either is an error."""
    depth, pressure = (locate(ds, da, role) for role in VERTICAL)
    if depth is not None and spelling(depth.attrs.get("units", "")) in UNITS["pressure"]:
        depth, pressure = None, depth if pressure is None else pressure
    spanned = {d for coord in (*placed, *(c for c in (depth, pressure) if c is not None)) for d in coord.dims}
    vertical = [d for d in da.dims if d not in spanned and ds.sizes[d] > 1]
    if vertical:
        raise DepthError(
            f"{str(da.name)!r} has {ds.sizes[vertical[0]]} levels along {str(vertical[0])!r} and no depth: looked for "
            f"standard_name depth or sea_water_pressure and names such as DEPH, depth or PRES on {da.dims}, and saw "
            f"{listing(ds.variables)}; assign it, for example ds.assign_coords(depth=({str(vertical[0])!r}, ...))"
        )
    return tuple(  # type: ignore[return-value]
        None if found is None else reader.measured(found.name, role, nominal=True)
        for role, found in (("depth", depth), ("pressure", pressure))
    )


def _delays(da: xr.DataArray) -> xr.DataArray:
    """Delays, missing where filled, refused where still packed; xarray decodes misspelt fills as durations."""
    refuse_packed(da)
    fills: list[Any] = [fill for fill in declared_fills(da) if isinstance(fill, float)]
    if da.dtype.kind == "m":
        unit = times.NANOSECONDS.get(str(da.encoding.get("units", "")), 1_000_000_000)
        fills = [np.timedelta64(int(fill * unit), "ns") for fill in fills if np.isfinite(fill)]
    return da.where(~da.isin(fills)) if fills else da


def _nothing(ds: xr.Dataset, wanted: set[str]) -> str:
    """What to say where nothing was found."""
    return (
        f"no variable of {', '.join(n for n in VARIABLES if n in wanted)} found among {listing(ds.data_vars)}: rename "
        "the variable to one of these, or set its attribute standard_name, for example to "
        f"{VARIABLES[next(n for n in VARIABLES if n in wanted)].standard_name!r}"
    )
