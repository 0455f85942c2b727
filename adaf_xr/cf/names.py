"""Which variable of a file is which quantity: section 2 of the conventions, as tables."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import xarray as xr

from adaf_xr.cf.canonical import VARIABLES
from adaf_xr.cf.errors import AmbiguousError

Kind = Literal["potential", "in situ", "surface", "any"]


@dataclass(frozen=True, slots=True)
class Term:
    """What a name or standard name means.

    Attributes
    ----------
    name : str
        Canonical name.
    kind : str
        For temperature and salinity what was measured; other quantities say "any".
    rank : int
        Of two terms for one quantity on the same dimensions, the lower is preferred.
    """

    name: str
    kind: Kind = "any"
    rank: int = 0


POTENTIAL, IN_SITU = Term("thetao", "potential", 0), Term("thetao", "in situ", 1)
FOUNDATION, SUBSKIN, SKIN, SST = (Term("thetao", "surface", rank) for rank in (2, 3, 4, 5))
SALINITY, SURFACE_SALINITY = Term("so", "in situ"), Term("so", "surface")

STANDARD_NAMES: dict[str, Term] = {
    "sea_water_potential_temperature": POTENTIAL,
    "sea_water_temperature": IN_SITU,
    "sea_surface_foundation_temperature": FOUNDATION,
    "sea_surface_subskin_temperature": SUBSKIN,
    "sea_surface_skin_temperature": SKIN,
    "sea_surface_temperature": SST,
    "sea_water_salinity": SALINITY,
    "sea_water_practical_salinity": SALINITY,
    "sea_surface_salinity": SURFACE_SALINITY,
    "sea_surface_height_above_geoid": Term("zos"),
    "sea_surface_height_above_sea_level": Term("sla"),
    "sea_surface_height_above_mean_sea_level": Term("sla"),
    "eastward_sea_water_velocity": Term("uo"),
    "northward_sea_water_velocity": Term("vo"),
    "sea_ice_area_fraction": Term("siconc"),
    "eastward_wind": Term("uas"),
    "northward_wind": Term("vas"),
}

_NAMES: tuple[tuple[Term, str], ...] = (
    (POTENTIAL, "thetao POTM POTM_CORRECTED ptmp theta votemper"),
    (IN_SITU, "TEMP waterTemperature"),
    (SST, "analysed_sst sea_surface_temperature seaSurfaceTemperature sst tos"),
    (SALINITY, "PSAL PSAL_CORRECTED ctd_salinity bottle_salinity so salinity"),
    (SURFACE_SALINITY, "seaSurfaceSalinity sss sss_cap smap_sss SSS_corr"),
    (Term("zos"), "adt_unfiltered adt adt_filtered adt_xgm2016 adt_egm2008 zos absoluteDynamicTopography"),
    (Term("sla"), "sla_unfiltered sla sla_filtered ssha"),
    (Term("uo"), "uo EWCT ud"),
    (Term("vo"), "vo NSCT vd"),
    (Term("siconc"), "siconc seaIceFraction IceConc concentration"),
    (Term("siconc"), "NASA_Team_2_Ice_Concentration Bootstrap_Ice_Concentration"),
    (Term("uas"), "uas u10 uwnd"),
    (Term("vas"), "vas v10 vwnd"),
)

NAMES: dict[str, Term] = {name.lower(): term for term, names in _NAMES for name in names.split()}
"""Meaning of exact names, lower case."""

CHAINS: tuple[tuple[str, ...], ...] = (
    ("potm_corrected", "potm"),
    ("psal_corrected", "psal", "bottle_salinity"),
    ("ctd_salinity", "bottle_salinity"),
    ("adt_unfiltered", "adt", "adt_filtered"),
    ("adt_xgm2016", "adt_egm2008"),
    ("sla_unfiltered", "sla", "sla_filtered"),
    ("ssha_unfiltered", "ssha", "ssha_filtered", "ssha_noiseless", "ssha_unedited"),
    ("nasa_team_2_ice_concentration", "bootstrap_ice_concentration"),
)
"""Names in order of preference; names of different chains are not ordered."""

NEVER = re.compile(
    r"^(err|sigma|anc|n|num|number)_|^err$|_(error|err|uncertainty|standard_deviation|stddev|std|sd|se|rms|acc|bias|med)$"
    r"|_(qc|qual|quality_control|flag|flags|numval|count|counts|nobs|mask|bnds|bounds|climatology)$|^(quality|flag|mask)"
    r"|^mdt|mean_dynamic_topography|^mean_topography|^slev"
    r"|^ssh_smoothed|^ssha_(nr|mle3)|20_?hz|_20_(ku|c|ka|plrm)(_|$)"
    r"|model|_mod_"
    r"|^temp_(doxy|cndc|ph|cpu|nitrate|chla|volt|count|spectro)"
)
"""Lower-case names that are never taken, whatever their standard name says."""

OTHER_QUANTITY = re.compile(
    r"(^|_)(air|atmosphere|conservative|absolute_salinity|preformed|reference_salinity|knudsen|cox|wave|waves"
    r"|mass|mole|moles|chlorophyll|oxygen|flux|tendency|geostrophic|geoid_height|floor|anomaly)(_|$)|\s"
)
"""Standard names that contradict a known name: `temp` may be the air's."""

DESCRIBED: tuple[tuple[str, Term | None], ...] = (("air temp", None), ("potential temp", POTENTIAL))
"""What words of a long name make of a temperature that is known by its name alone."""

SWATH_SST_VARIABLES = frozenset({"sst_dtime", "sses_bias", "sses_standard_deviation"})
SATELLITE_SALINITY = frozenset({"sss_cap", "smap_sss", "sss_corr"})
SATELLITE = re.compile(
    r"\b(smos|smap|aquarius|satellites?|radiometers?|remote sensing|multi[- ]observations?)\b", re.IGNORECASE
)
SATELLITE_ATTRIBUTES = ("platform", "sensor", "instrument", "mission", "source", "title", "summary", "keywords", "id")
MODEL_COMPANY = frozenset({"zos", "uo", "vo"})
"""Quantities that come beside the surface salinity of a model, never beside a satellite's."""

IN_SITU_FEATURES = re.compile(r"point|trajectory|profile|series|station|mooring|drift", re.IGNORECASE)
NOT_IN_SWATH_SST = frozenset({"siconc", "uas", "vas"})
NOT_IN_SATELLITE_SALINITY = frozenset({"thetao", "uas", "vas"})
PRESSURE_LEVEL = re.compile(r"^(plev|isobaric|pressure_level|level_pressure)", re.IGNORECASE)
PRESSURE_UNITS = frozenset({"pa", "hpa", "mbar", "mb", "millibar", "millibars"})


def standard_name(da: xr.DataArray | xr.Variable) -> str:
    """The standard name in lower case, empty where there is none."""
    return str(da.attrs.get("standard_name", "")).strip().lower()


def data_names(ds: xr.Dataset) -> list[Hashable]:
    """Variables that may hold data: data variables, and what an empty subset left as its own empty dimension."""
    return [*ds.data_vars, *(name for name in ds.coords if name in ds.dims and ds[name].size == 0)]


def term_of(ds: xr.Dataset, name: Hashable) -> Term | None:
    """What a variable of a file means; None where it is nothing that is taken."""
    da, key = ds.variables[name], str(name).lower()
    if da.dtype.kind not in "fiu" or NEVER.search(key) or _is_spread(da) or _at_20_hz(da):
        return None
    base = key.removesuffix("_adjusted")
    if base != key and base in {str(n).lower() for n in ds.data_vars}:
        return None  # the adjusted values of a variable that is there: the same quantity, not another candidate
    declared, key = standard_name(da), base
    term = STANDARD_NAMES.get(declared)
    known = NAMES.get(key)
    if term is not None and known is not None and term.name == known.name and known.kind == "surface":
        term = replace(term, kind="surface")  # an analysed_sst that calls itself sea_water_temperature
    if term is None and not OTHER_QUANTITY.search(declared):
        term = _anomaly_of_ssh(ds, da) if key == "ssh" else _as_described(known, da)
    if term is not None and (
        term.name in _not_taken_in(ds) or (term.name in ("uas", "vas") and _on_pressure(ds[name]))
    ):
        return None
    return None if term is not None and term.name == "thetao" and "anom" in key else term


def choose(ds: xr.Dataset, wanted: Iterable[str] | None = None) -> dict[frozenset[Hashable], dict[str, Hashable]]:
    """The variable for each quantity, per set of dimensions.

    Parameters
    ----------
    ds : Dataset
        Any file.
    wanted : iterable of str, optional
        Canonical names; others are not looked at. Default: all.

    Returns
    -------
    dict
        From a set of dimensions to canonical name -> variable name.

    Raises
    ------
    adaf_xr.cf.errors.AmbiguousError
        Where two candidates on the same dimensions are not ordered by the conventions.
    """
    names = set(VARIABLES if wanted is None else wanted)
    groups: dict[frozenset[Hashable], dict[str, list[Hashable]]] = {}
    for name in data_names(ds):
        term = term_of(ds, name)
        if term is not None and term.name in names:
            groups.setdefault(frozenset(ds[name].dims), {}).setdefault(term.name, []).append(name)
    _refuse_bare_ssh(ds, names)
    return {
        dims: {canonical: best(ds, canonical, candidates) for canonical, candidates in found.items()}
        for dims, found in groups.items()
    }


def identify(ds: xr.Dataset) -> dict[Hashable, str]:
    """Which data variables of a file are which quantity.

    Parameters
    ----------
    ds : Dataset
        Any file.

    Returns
    -------
    dict
        Variable name -> canonical name, in the file's order. Variables on different dimensions may share a canonical
        name; wind and current given as speed and direction are not in it.

    Raises
    ------
    adaf_xr.cf.errors.AmbiguousError
        Where two candidates on the same dimensions are not ordered by the conventions.

    Examples
    --------
    >>> ds = xr.Dataset({"analysed_sst": ("x", [280.0]), "mask": ("x", [1])})
    >>> identify(ds)
    {'analysed_sst': 'thetao'}
    """
    chosen = {name: canonical for found in choose(ds).values() for canonical, name in found.items()}
    return {name: chosen[name] for name in data_names(ds) if name in chosen}


def best(ds: xr.Dataset, canonical: str, candidates: list[Hashable]) -> Hashable:
    """The candidate that is preferred over all others."""
    winners = [a for a in candidates if all(a == b or _preferred(ds, a, b) for b in candidates)]
    if len(winners) == 1:
        return winners[0]
    raise AmbiguousError(
        f"{canonical} could be any of {[str(c) for c in candidates]}, all on dimensions {ds[candidates[0]].dims}, and "
        f"nothing orders them: keep one with ds.drop_vars(...), or rename or set standard_name so that only one means "
        f"{VARIABLES[canonical].standard_name}"
    )


def is_swath_sst(ds: xr.Dataset) -> bool:
    """Whether this is GHRSST L2P or L3: an SST with a time, a bias or a quality level of its own per pixel."""
    names = {str(name).lower() for name in ds.variables}
    if names & SWATH_SST_VARIABLES or {"quality_level", "sea_surface_temperature"} <= names:
        return True
    level = str(ds.attrs.get("processing_level", "")).upper()
    return "gds_version_id" in ds.attrs and level.startswith(("L2", "L3"))


def is_satellite_salinity(ds: xr.Dataset) -> bool:
    """Whether this is a satellite's salinity product, whose temperature and wind are borrowed.

    A surface salinity alone does not make it one: models and ships have it too, with temperatures of their own.
    """
    names = {str(name).lower() for name in ds.data_vars}
    if names & SATELLITE_SALINITY:
        return True
    surface = [n for n in ds.data_vars if _means(ds, n) == SURFACE_SALINITY]
    in_situ = any(
        IN_SITU_FEATURES.search(str(ds.attrs.get(k, ""))) for k in ("featureType", "cdm_data_type", "data_type")
    )
    if not surface or in_situ or any((term := _means(ds, n)) and term.name in MODEL_COMPANY for n in ds.data_vars):
        return False
    described = any(SATELLITE.search(str(ds.attrs.get(key, "")).replace("_", " ")) for key in SATELLITE_ATTRIBUTES)
    return described or any(str(n).lower().startswith("sss") for n in surface)


def _means(ds: xr.Dataset, name: Hashable) -> Term | None:
    """What standard name or name say, whatever else the file says."""
    return STANDARD_NAMES.get(standard_name(ds.variables[name])) or NAMES.get(str(name).lower())


def _preferred(ds: xr.Dataset, a: Hashable, b: Hashable) -> bool:
    """Whether the conventions put a before b."""
    first, second = term_of(ds, a), term_of(ds, b)
    if first is not None and second is not None and first.rank != second.rank:
        return first.rank < second.rank
    key_a, key_b = str(a).lower(), str(b).lower()
    return any(key_a in c and key_b in c and c.index(key_a) < c.index(key_b) for c in CHAINS)


def _not_taken_in(ds: xr.Dataset) -> frozenset[str]:
    """Quantities that a product carries only as ancillary fields."""
    if is_swath_sst(ds):
        return NOT_IN_SWATH_SST
    return NOT_IN_SATELLITE_SALINITY if is_satellite_salinity(ds) else frozenset()


def _is_spread(da: xr.Variable) -> bool:
    """Whether the cell methods make this a measure of spread, not a value."""
    return bool(re.search(r"standard_deviation|variance|range", str(da.attrs.get("cell_methods", ""))))


def _as_described(known: Term | None, da: xr.Variable) -> Term | None:
    """What a name means beside its long name, which may say that a temperature is the air's, or potential already."""
    if known is None or known.name != "thetao":
        return known
    long_name = str(da.attrs.get("long_name", "")).lower()
    return next((term for words, term in DESCRIBED if words in long_name), known)


def _at_20_hz(da: xr.Variable) -> bool:
    """Whether a dimension holds the high-rate measurements of an altimeter."""
    return any(re.search(r"meas_ind|20_?hz|_20_(ku|c|ka|plrm)$|^time_20$", str(d).lower()) for d in da.dims)


def _on_pressure(da: xr.DataArray) -> bool:
    """Whether a wind belongs to a pressure level, not to the surface."""

    def is_level(coord: xr.DataArray) -> bool:
        units = str(coord.attrs.get("units", "")).strip().lower()
        axis = coord.ndim == 0 or coord.name in da.dims
        return standard_name(coord) == "air_pressure" or (axis and units in PRESSURE_UNITS)

    return any(PRESSURE_LEVEL.match(str(d)) for d in (*da.dims, *da.coords)) or any(map(is_level, da.coords.values()))


def _anomaly_of_ssh(ds: xr.Dataset, da: xr.Variable) -> Term | None:
    """`ssh` counts only where the file says that it is an anomaly about a mean sea surface."""
    return Term("sla") if "mean_sea_surface" in da.attrs or "nasa_flag" in ds.variables else None


def _refuse_bare_ssh(ds: xr.Dataset, wanted: set[str]) -> None:
    """`ssh` alone may be absolute or an anomaly."""
    for name in ds.data_vars:
        if str(name).lower() != "ssh" or term_of(ds, name) is not None or not wanted & {"zos", "sla"}:
            continue
        raise AmbiguousError(
            f"{str(name)!r} may be absolute dynamic topography (zos) or an anomaly (sla), and its standard_name "
            f"{ds[name].attrs.get('standard_name')!r} does not say: rename it to zos or sla, or set standard_name to "
            "sea_surface_height_above_geoid or sea_surface_height_above_sea_level"
        )


def listing(names: Iterable[Hashable] | Mapping[Hashable, object], most: int = 20) -> str:
    """Names for an error message, not too many."""
    texts = sorted(map(str, names))
    return ", ".join(texts[:most]) + (f" and {len(texts) - most} more" if len(texts) > most else "") or "none"
