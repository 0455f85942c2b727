"""Where and when a variable was measured: section 3 of the conventions."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable
from typing import Literal

import xarray as xr

from adaf_xr.cf import times
from adaf_xr.cf.errors import CalendarError, PositionError, StructureError, TimeError
from adaf_xr.cf.names import listing, standard_name, term_of
from adaf_xr.cf.units import UNITS, spelling
from adaf_xr.cf.vectors import vector_of

Test = Callable[[Hashable], bool]
Role = Literal["latitude", "longitude", "depth", "time"]
VERTICAL = ("depth", "pressure")

NAMES: dict[str, tuple[str, ...]] = {
    "latitude": ("latitude", "lat", "nav_lat"),
    "longitude": ("longitude", "lon", "nav_lon"),
    "depth": (
        *("deph_corrected", "deph", "depth", "depthbelowwatersurface"),
        *("deptht", "depthu", "depthv", "depthw", "zlev", "lev", "nav_lev", "sensor_depth"),
    ),
    "pressure": ("pres_corrected", "pres", "pressure", "ctd_pressure", "sea_water_pressure"),
}
"""Names of coordinates, lower case, in order of preference."""

STANDARD: dict[str, frozenset[str]] = {
    "latitude": frozenset({"latitude"}),
    "longitude": frozenset({"longitude"}),
    "depth": frozenset({"depth"}),
    "pressure": frozenset({"sea_water_pressure", "sea_water_pressure_due_to_sea_water"}),
}
"""Standard names of coordinates."""

NOT_A_COORDINATE = re.compile(
    r"bnds|bounds|vertices|_(qc|qual|quality_control|flag|err|error|uncertainty|std|adjusted|dm)$"
    r"|nadir|sub_?point|sub_?sat|sensor_(?!depth$)|floor"
)
BOTTOM = re.compile(r"floor|bottom|bathym|sounding|^(bot|btm|water|site)_?depth")
"""Names, standard names and long names of the depth of the sea, which is never that of a measurement."""

IN_AIR = re.compile(r"air|atmos|^height$")
"""Standard names of what lies above the surface: CF's height is above ground."""

NEEDS_LENGTH = frozenset({"zlev", "lev", "nav_lev"})
"""Names that are depths only where the units are a length: a model level may bear them too."""

SURFACE_ONLY = frozenset({"zos", "sla", "siconc", "uas", "vas"})
"""Quantities at the surface by their nature: only a depth along one of their own dimensions places them, neither a
scalar, which :meth:`xarray.Dataset.isel` leaves behind, nor an axis of length one elsewhere in the file."""

PROJECTED = re.compile(r"^(x|y|xc|yc|x_?image|y_?image|projection_[xy]_coordinate)$", re.IGNORECASE)


def coordinate(ds: xr.Dataset, da: xr.DataArray, role: Role) -> xr.DataArray | None:
    """The coordinate of a variable in one role.

    Parameters
    ----------
    ds : Dataset
        The file.
    da : DataArray
        A variable of it.
    role : {"latitude", "longitude", "depth", "time"}
        What is looked for.

    Returns
    -------
    DataArray or None
        On dimensions of `da`, or scalar. Latitude, longitude and depth are as the file gives them (depth with its
        attribute ``positive``); time is datetime64[ns]. None where the file has nothing for this role.

    Raises
    ------
    adaf_xr.cf.errors.PositionError, adaf_xr.cf.errors.TimeError
        Where several candidates are equally good, or the only times cannot be used.

    Examples
    --------
    >>> ds = xr.Dataset({"sst": ("LAT", [280.0, 281.0])}, coords={"LAT": [0.5, 1.5]})
    >>> coordinate(ds, ds.sst, "latitude").values
    array([0.5, 1.5])
    """
    if role == "time":
        found = time_of(ds, da)
        return None if found is None else times.as_nanoseconds(found)
    return locate(ds, da, role)


def locate(ds: xr.Dataset, da: xr.DataArray, role: str) -> xr.DataArray | None:
    """Latitude, longitude, depth or pressure of a variable: its coordinates attribute, standard names, names.

    What lies along a dimension comes before any scalar, which may be a satellite's or a station's.
    """
    named = stated_coordinates(da)
    others: tuple[Test, ...] = (
        lambda name: standard_name(ds.variables[name]) in STANDARD[role],
        lambda name: _is_named(ds, name, role),
        lambda name: _by_attributes(ds, name, role) and not (role in VERTICAL and is_surface(ds, da)),
    )
    stated: Test = lambda name: str(name) in named and any(test(name) for test in others)  # noqa: E731
    for least, tests in ((0, (stated,)), (1, others), (0, others)):
        for test in tests:
            candidates = [n for n in ds.variables if n != da.name and _may_play(ds, n, role) and test(n)]
            aligned = {n: align(ds, ds[n], da, role) for n in candidates}
            fitting = {n: a for n, a in aligned.items() if a is not None and a.ndim >= least}
            if role in ("latitude", "longitude"):
                fitting = {n: a for n, a in fitting.items() if a.ndim or not is_image(ds, da)}
            if fitting:
                return fitting[_first(da, role, fitting)]
    return None


def time_of(ds: xr.Dataset, da: xr.DataArray) -> xr.DataArray | None:
    """The time of a variable, still in the file's own spelling.

    Raises
    ------
    adaf_xr.cf.errors.TimeError
        Where there are only times that cannot be used, or several that are equally good.
    """
    fitting = {
        n: a
        for n in ds.variables
        if n != da.name and times.is_time(ds, n) and (a := _align_time(ds, n, da)) is not None
    }
    flaws = {n: why for n in fitting if (why := times.flaw(ds, n))}
    usable = {n: a for n, a in fitting.items() if n not in flaws}
    if usable:
        return usable[_first_time(ds, da, usable)]
    if not flaws:
        return None
    seen = "; ".join(f"{n}: {why}" for n, why in flaws.items())
    if all(why.startswith("calendar") for why in flaws.values()):
        raise CalendarError(
            f"the only time of {str(da.name)!r} follows a calendar without civil dates ({seen}), so its observations "
            "cannot be placed: assign datetime64 values, for example ds.assign_coords(time=...)"
        )
    raise TimeError(
        f"{str(da.name)!r} has no usable time ({seen}): assign datetime64 values, for example "
        "ds.assign_coords(time=...)"
    )


def stated_coordinates(da: xr.DataArray) -> set[str]:
    """Names in the `coordinates` attribute, which xarray moves to the encoding; paths of groups lose their folder."""
    text = da.encoding.get("coordinates") or da.attrs.get("coordinates") or ""
    return {part.rsplit("/", 1)[-1] for part in str(text).split()}


def align(ds: xr.Dataset, var: xr.DataArray, da: xr.DataArray, role: str) -> xr.DataArray | None:
    """A coordinate on dimensions of a variable; None where it does not belong to it.

    A coordinate of one value is a fixed station. One along its own dimension, as long as the variable's time
    (OceanSITES: ``LATITUDE(LATITUDE)``), has one value per time.
    """
    name, bare = var.name, without_coordinates(var)
    extra = [dim for dim in bare.dims if dim not in da.dims]
    if all(bare.sizes[dim] == 1 for dim in extra):
        alone = bare.squeeze(extra, drop=True) if extra else bare
        return None if alone.ndim == 0 and role in VERTICAL and is_surface(ds, da) else alone
    along = time_dimension(ds, da)
    own = bare.ndim == 1 and bare.dims[0] not in da.dims and along is not None
    if own and role in ("latitude", "longitude", "flag") and bare.size == ds.sizes[along]:
        return bare.rename({bare.dims[0]: along}).rename(name)
    return None


def without_coordinates(var: xr.DataArray) -> xr.DataArray:
    """The same variable alone; its encoding, which says how it was packed, is kept."""
    alone = xr.DataArray(var.variable, name=var.name)
    alone.encoding = dict(var.encoding)
    return alone


def is_surface(ds: xr.Dataset, da: xr.DataArray) -> bool:
    """Whether a variable lies at the surface by its nature."""
    term = term_of(ds, da.name) if da.name in ds.data_vars else None
    canonical = vector_of(da) if term is None else term.name
    return canonical in SURFACE_ONLY


def time_dimension(ds: xr.Dataset, da: xr.DataArray) -> Hashable | None:
    """The dimension of a variable along which time runs."""
    for dim in da.dims:
        if str(dim).lower() == "time" or (dim in ds.variables and times.is_time(ds, dim)):
            return dim
    return next((ds[n].dims[0] for n in ds.variables if _runs_along(ds, n, da)), None)


def is_image(ds: xr.Dataset, da: xr.DataArray) -> bool:
    """Whether a variable is an image on projected axes, which no single position can place."""

    def projected(dim: Hashable) -> bool:
        declared = standard_name(ds.variables[dim]) if dim in ds.variables else ""
        return declared.startswith("projection_") or (not declared and bool(PROJECTED.match(str(dim))))

    return any(projected(dim) for dim in da.dims if ds.sizes[dim] > 1)


def _is_named(ds: xr.Dataset, name: Hashable, role: str) -> bool:
    """Whether a variable has one of the names of a role and nothing contradicts it."""
    var = ds.variables[name]
    key = str(name).lower()
    return key in NAMES[role] and (key not in NEEDS_LENGTH or _has_length(var))


def _by_attributes(ds: xr.Dataset, name: Hashable, role: str) -> bool:
    """Whether units (position) or axis and direction (depth) give the role away, as CF allows."""
    var = ds.variables[name]
    units = spelling(var.attrs.get("units", ""))
    if role in ("latitude", "longitude"):
        ending = ("n", "north") if role == "latitude" else ("e", "east")
        return not standard_name(var) and units.startswith("deg") and units.endswith(ending) and units in UNITS[role]
    if role == "depth":
        vertical = str(var.attrs.get("axis", "")).upper() == "Z" or "positive" in var.attrs
        return vertical and _has_length(var) and var.ndim < 2
    return False


def _has_length(var: xr.Variable) -> bool:
    """Whether the units are a length."""
    return spelling(var.attrs.get("units", "")) in UNITS["depth"]


def _may_play(ds: xr.Dataset, name: Hashable, role: str) -> bool:
    """Whether a variable holds numbers and nothing contradicts its being a coordinate in a role."""
    var, key, declared = ds.variables[name], str(name).lower(), standard_name(ds.variables[name])
    if var.dtype.kind not in "fiu" or NOT_A_COORDINATE.search(key):
        return False
    if role not in VERTICAL:
        return True
    described = "" if declared in STANDARD[role] else str(var.attrs.get("long_name", "")).lower()
    return not any(BOTTOM.search(text) for text in (key, declared, described)) and not IN_AIR.search(declared)


def _first(da: xr.DataArray, role: str, fitting: dict[Hashable, xr.DataArray]) -> Hashable:
    """The best of several coordinates: by name, else the one with most dimensions."""
    known = [n for key in NAMES[role] for n in fitting if str(n).lower() == key]
    if known:
        return known[0]
    most = max(a.ndim for a in fitting.values())
    widest = [n for n, a in fitting.items() if a.ndim == most]
    if len(widest) == 1:
        return widest[0]
    error = PositionError if role in ("latitude", "longitude") else StructureError
    raise error(
        f"{str(da.name)!r} has several candidates for {role}, {listing(widest)}: name the right one in its attribute "
        "coordinates, or drop the others with ds.drop_vars(...)"
    )


def _align_time(ds: xr.Dataset, name: Hashable, da: xr.DataArray) -> xr.DataArray | None:
    """A time on dimensions of a variable; six numbers per time have one dimension more."""
    var = ds[name]
    outer = var.dims[:-1] if times.SIX_NUMBERS.match(str(name).lower()) else var.dims
    if set(outer) <= set(da.dims):
        return without_coordinates(var)
    return align(ds, var, da, "time")


def _first_time(ds: xr.Dataset, da: xr.DataArray, usable: dict[Hashable, xr.DataArray]) -> Hashable:
    """The preferred one of several usable times."""
    named = stated_coordinates(da)

    def first(test: Callable[[Hashable], bool], names: Iterable[Hashable]) -> list[Hashable]:
        return [n for n in names if test(n)]

    for test in (
        lambda n: str(n) in named,
        lambda n: str(n).lower() == "time",
        lambda n: n in da.dims,
        lambda n: str(n).lower() == "juld",
        lambda n: str(n).lower() == "juld_location",
        lambda n: standard_name(ds.variables[n]) == "time",
        lambda n: True,
    ):
        found = first(test, usable)
        if len(found) == 1:
            return found[0]
        if found:
            usable = {n: usable[n] for n in found}
    raise TimeError(
        f"{str(da.name)!r} has several times, {listing(usable)}: name the right one in its attribute coordinates, or "
        "ds.assign_coords(time=...)"
    )


def _runs_along(ds: xr.Dataset, name: Hashable, da: xr.DataArray) -> bool:
    """Whether a variable is a time along one dimension of another."""
    var = ds.variables[name]
    return var.ndim == 1 and var.dims[0] in da.dims and times.is_time(ds, name)
