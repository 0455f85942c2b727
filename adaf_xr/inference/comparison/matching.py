"""Fields brought together to be compared: the same variables, times, depths and cells.

Nothing is interpolated unless asked for. Longitudes of another convention and latitudes from north to south are the
same cells under other labels, and are put in order.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

import xarray as xr

from adaf_xr.cf.canonical import VARIABLES
from adaf_xr.fields import canonical
from adaf_xr.inference.comparison import cells, levels, moments
from adaf_xr.inference.comparison.usual import climatology_of
from adaf_xr.lattice import Region

BACKGROUND, CLIMATOLOGY = "background", "climatology"
HELD = (BACKGROUND, CLIMATOLOGY)
"""Names of fields that others are held against."""

_KELVIN = ("K", "kelvin", "Kelvin", "degK")
"""Units in which the spread of a temperature is the same number as in degC."""


@dataclass(frozen=True)
class Matched:
    """Fields on the same axes as their truth.

    Attributes
    ----------
    truth : Dataset
        Canonical, latitude and longitude ascending.
    fields : dict of str to Dataset
        Variables of the truth, and the standard errors ``<name>_std`` of those that have one.
    notes : list of str
        What was left out or interpolated, in words.
    """

    truth: xr.Dataset
    fields: dict[str, xr.Dataset]
    notes: list[str] = field(default_factory=list)

    def pair(self, name: str) -> tuple[xr.Dataset, xr.Dataset]:
        """One field and its truth, at the depths that both have."""
        ds = self.fields[name]
        return ds, self.truth.sel(depth=ds.depth) if "depth" in ds.dims else self.truth


def everywhere(matched: Matched) -> Matched:
    """Fields beside a truth that is known only where all of them are: scores of different cells are not comparable.

    Parameters
    ----------
    matched : Matched
        A climatology among its fields leaves nothing out.

    Examples
    --------
    >>> truth, first = xr.Dataset({"zos": ("cell", [1.0, 2.0, 3.0])}), xr.Dataset({"zos": ("cell", [1.0, 1.0, 1.0])})
    >>> analysis = xr.Dataset({"zos": ("cell", [float("nan"), 2.0, 3.0])})
    >>> everywhere(Matched(truth, {"oi": analysis, "background": first})).truth.zos.values.tolist()
    [nan, 2.0, 3.0]
    """
    fields = {name: ds for name, ds in matched.fields.items() if name != CLIMATOLOGY}
    return replace(matched, truth=where_all(matched.truth, fields))


def where_all(truth: xr.Dataset, fields: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """A truth where every field that has a variable has a value of it."""
    known = {}
    for name, da in truth.data_vars.items():
        there = [ds[name].notnull() for ds in fields.values() if name in ds]
        # A level that a field lacks is no gap in it.
        there = [each.reindex_like(da, fill_value=True) if "depth" in each.dims else each for each in there]
        known[name] = da.where(reduce(operator.and_, there)) if there else da
    return truth.assign(known)


def match(
    truth: xr.Dataset,
    fields: Mapping[str, xr.Dataset],
    *,
    climatology: xr.Dataset | None = None,
    variables: Iterable[str] | None = None,
    time: Any = None,
    period: tuple[Any, Any] | None = None,
    region: Region | None = None,
    depth: Sequence[float] | None = None,
    regrid: bool = False,
) -> Matched:
    """Bring fields and their truth onto common axes, lazily.

    Parameters
    ----------
    truth : Dataset
        Gridded, any CF spelling.
    fields : mapping of str to Dataset
        What is compared with it, by name.
    climatology : Dataset, optional
        Goes with them under its name, at their times: by ``dayofyear``, the same at all times, or of a training period;
        see :func:`adaf_xr.inference.comparison.climatology_of`.
    variables : iterable of str, optional
        Canonical names. Default: those that the truth and an analysis have; what only background or climatology have is
        not scored.
    time : str, datetime-like or sequence of them, optional
        Times or days. Default: all that the truth and every field have.
    period : (start, stop), optional
        Half-open: a time equal to `stop` is not in it.
    region : (west, east, south, north), optional
        Part of the Earth [degrees].
    depth : sequence of float, optional
        Levels [m] of the truth. Default: all that both have.
    regrid : bool
        Whether fields on another grid are interpolated bilinearly to that of the truth; missing corners give their
        weight to the others, and land of the truth stays out.

    Returns
    -------
    Matched
        Nothing is computed.

    Raises
    ------
    ValueError
        Where grids differ and `regrid` is False, or no variable, time, depth or cell is common to all.

    Examples
    --------
    >>> import numpy as np
    >>> axes = {"latitude": [0.5, 1.5], "longitude": [10.5, 11.5]}
    >>> sea = xr.Dataset({"zos": (("latitude", "longitude"), np.eye(2), {"units": "m"})}, axes)
    >>> turned = sea.isel(latitude=[1, 0]).assign_coords(longitude=sea.longitude - 360.0)
    >>> match(sea, {"turned": turned}).fields["turned"].zos.values.tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    how: dict[str, Any] = {"variables": variables, "time": time, "period": period, "region": region}
    if climatology is None:
        return _matched(truth, fields, [], depth, regrid, **how)
    notes: list[str] = []
    known = _matched(truth, fields, [], depth, regrid, **how).truth
    usual = climatology_of(climatology, known["time"].values, notes) if "time" in known.dims else climatology
    return _matched(truth, {**fields, CLIMATOLOGY: usual}, notes, depth, regrid, **how)


def _matched(
    truth: xr.Dataset,
    fields: Mapping[str, xr.Dataset],
    notes: list[str],
    depth: Sequence[float] | None,
    regrid: bool,
    *,
    variables: Iterable[str] | None,
    time: Any,
    period: tuple[Any, Any] | None,
    region: Region | None,
) -> Matched:
    """All on common axes."""
    reference = cells.cut_out(cells.ascending(moments.timed(canonical(truth, variables), "the truth")), region)
    reference = levels.choose(moments.choose(reference, time, period), depth, "the truth")
    placed = {name: moments.timed(_with_spread(name, ds, reference), name) for name, ds in fields.items()}
    reference, placed = moments.common(reference, placed, notes, quiet=[CLIMATOLOGY])
    reference, placed = cells.common(reference, placed, regrid, notes)
    placed = {name: levels.of_truth(name, ds, reference, depth) for name, ds in placed.items()}
    analyses = [ds for name, ds in placed.items() if name not in HELD] or list(placed.values())
    kept = [name for name in VARIABLES if name in reference and any(name in ds for ds in analyses)]
    placed = {
        name: ds[[key for key in ds.data_vars if str(key).removesuffix("_std") in kept]] for name, ds in placed.items()
    }
    for name in [name for name, ds in placed.items() if not ds.data_vars]:
        notes.append(f"{name} has none of the variables that are scored: it is left out")
        del placed[name]
    return Matched(reference[kept], placed, notes)


def _with_spread(name: str, ds: xr.Dataset, truth: xr.Dataset) -> xr.Dataset:
    """The variables that the truth has too, canonical, with their standard errors."""
    found = canonical(ds)
    shared = [key for key in found.data_vars if key in truth.data_vars]
    if not shared:
        raise ValueError(
            f"{name} has {sorted(map(str, found.data_vars))} and the truth {sorted(map(str, truth.data_vars))}: "
            "nothing to compare"
        )
    spread = {f"{key}_std": _spread(ds, str(key)) for key in shared if f"{key}_std" in ds}
    return cells.ascending(found[shared].assign(spread))


def _spread(ds: xr.Dataset, name: str) -> xr.DataArray:
    """The standard error of a variable on canonical axes."""
    given, unit = ds[f"{name}_std"], VARIABLES[name].units
    written = str(given.attrs.get("units", unit))
    if written != unit and not (unit == "degC" and written in _KELVIN):
        raise ValueError(f"{name}_std is in {written!r}: give it in the unit of its variable, {unit!r}, or drop it")
    # Under the name of its variable, so that axes are found alike; its unit now is one without an offset.
    plain = given.rename(name).assign_attrs(units=unit)
    plain.attrs.pop("standard_name", None)
    return canonical(plain)[name].rename(f"{name}_std")
