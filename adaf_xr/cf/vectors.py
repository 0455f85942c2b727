"""Wind and current given as speed and direction (section 2 of the conventions)."""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass

import xarray as xr

from adaf_xr.cf.errors import AmbiguousError
from adaf_xr.cf.names import NEVER, data_names, is_satellite_salinity, is_swath_sst, listing, standard_name


@dataclass(frozen=True, slots=True)
class Vector:
    """How a file may spell one vector.

    Attributes
    ----------
    eastward, northward : str
        Canonical names.
    speed_standard, speed_names : frozenset of str
        Standard names and lower-case names of its speed.
    direction_standard, direction_names : dict
        The same of its direction, with +1 for "towards", -1 for "from", 0 where the name alone does not say.
    """

    eastward: str
    northward: str
    speed_standard: frozenset[str]
    speed_names: frozenset[str]
    direction_standard: dict[str, int]
    direction_names: dict[str, int]


VECTORS = (
    Vector(
        "uas",
        "vas",
        frozenset({"wind_speed"}),
        frozenset({"wind_speed", "wspd"}),
        {"wind_from_direction": -1, "wind_to_direction": 1},
        {"wdir": -1, "wind_dir": 0},
    ),
    Vector(
        "uo",
        "vo",
        frozenset({"sea_water_speed"}),
        frozenset({"hcsp"}),
        {
            "direction_of_sea_water_velocity": 1,
            "sea_water_velocity_to_direction": 1,
            "sea_water_velocity_from_direction": -1,
        },
        {"hcdt": 1},
    ),
)


@dataclass(frozen=True, slots=True)
class Pair:
    """A speed and a direction on the same dimensions; `sign` is +1 for towards and -1 for from."""

    vector: Vector
    speed: Hashable
    direction: Hashable
    sign: int


def pairs(ds: xr.Dataset) -> list[Pair]:
    """Every speed of a file that has a direction on its dimensions (or both are empty).

    Raises
    ------
    adaf_xr.cf.errors.AmbiguousError
        Where several fit, or a direction does not say whether it is "from" or "towards".
    """
    if is_swath_sst(ds) or is_satellite_salinity(ds):
        return []
    found = []
    for vector in VECTORS:
        speeds = _matching(ds, vector.speed_standard, vector.speed_names)
        directions = _matching(ds, frozenset(vector.direction_standard), frozenset(vector.direction_names))
        for dims in dict.fromkeys(frozenset(ds[s].dims) for s in speeds):
            here = [s for s in speeds if frozenset(ds[s].dims) == dims]
            there = [d for d in directions if frozenset(ds[d].dims) == dims or _both_empty(ds, here[0], d)]
            if there:
                speed, direction = _only(here, vector.eastward), _only(there, vector.eastward)
                found.append(Pair(vector, speed, direction, _sign(ds, vector, direction)))
    return found


def vector_of(da: xr.DataArray) -> str | None:
    """The eastward component of the vector that a variable is the speed or direction of, if any.

    Examples
    --------
    >>> vector_of(xr.DataArray([5.0], dims="x", name="WSPD"))
    'uas'
    """
    declared, key = standard_name(da), str(da.name).lower()
    for vector in VECTORS:
        standard = vector.speed_standard | set(vector.direction_standard)
        names = vector.speed_names | set(vector.direction_names)
        if declared in standard or (not declared and key in names):
            return vector.eastward
    return None


def _matching(ds: xr.Dataset, standard: frozenset[str], names: frozenset[str]) -> list[Hashable]:
    """Numeric variables of a standard name, or without one of a name."""

    def matches(name: Hashable) -> bool:
        declared, key = standard_name(ds[name]), str(name).lower()
        return not NEVER.search(key) and (declared in standard or (not declared and key in names))

    return [n for n in data_names(ds) if ds[n].dtype.kind in "fiu" and matches(n)]


def _only(candidates: list[Hashable], quantity: str) -> Hashable:
    """The one candidate."""
    if len(candidates) == 1:
        return candidates[0]
    raise AmbiguousError(
        f"{quantity} could be made from any of {listing(candidates)}: keep one with ds.drop_vars(...), or rename or "
        "set standard_name so that only one is meant"
    )


def _sign(ds: xr.Dataset, vector: Vector, direction: Hashable) -> int:
    """+1 where the direction is that towards which it flows, -1 where it comes from there."""
    declared = standard_name(ds[direction])
    sign = vector.direction_standard.get(declared) or vector.direction_names.get(str(direction).lower(), 0)
    if not sign and _is_scatterometer(ds):
        return 1
    if not sign:
        raise AmbiguousError(
            f"{str(direction)!r} does not say whether the wind blows from there or towards it: set its standard_name "
            "to wind_from_direction or wind_to_direction"
        )
    return sign


def _is_scatterometer(ds: xr.Dataset) -> bool:
    """Whether this is a scatterometer product of KNMI, whose directions are oceanographic."""
    text = " ".join(str(ds.attrs.get(key, "")) for key in ("title", "title_short_name", "institution", "source"))
    cells = any(str(name).lower().startswith("wvc_") for name in ds.variables)
    return cells or bool(re.search(r"KNMI|scat\b|scatterometer", text, re.IGNORECASE))


def _both_empty(ds: xr.Dataset, a: Hashable, b: Hashable) -> bool:
    """Whether neither holds a value: a subset may leave them on different empty dimensions."""
    return ds[a].size == 0 and ds[b].size == 0
