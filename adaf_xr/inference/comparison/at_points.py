"""Fields scored against observations, at their places and times."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial, reduce
from typing import Any

import numpy as np
import xarray as xr

from adaf_xr import metrics
from adaf_xr.cf.canonical import VARIABLES
from adaf_xr.fields import canonical
from adaf_xr.inference.comparison.matching import Matched, where_all
from adaf_xr.inference.comparison.scales import SEA_LEVEL, attempt
from adaf_xr.inference.comparison.sheet import Sheet
from adaf_xr.inference.departures import innovations
from adaf_xr.inference.observations import as_points
from adaf_xr.instants import as_times
from adaf_xr.lattice import Region, within
from adaf_xr.points.tree import source_nodes

Observations = xr.Dataset | xr.DataTree
Along = Callable[[xr.DataArray, xr.DataArray], tuple[float, ...]]


def sampled(
    observations: Iterable[Observations],
    fields: Mapping[str, xr.Dataset],
    *,
    variables: Iterable[str] | None = None,
    time: Any = None,
    period: tuple[Any, Any] | None = None,
    region: Region | None = None,
) -> dict[str, Matched]:
    """Observations as a truth, and fields at their places and times, lazily.

    Parameters
    ----------
    observations : iterable of Dataset or DataTree
        Files of one source each, or trees with a node per source.
    fields : mapping of str to Dataset
        Gridded fields by name; see :func:`adaf_xr.innovations` for how they are interpolated.
    variables : iterable of str, optional
        Canonical names. Default: all that observations and a field have.
    time : str or sequence of str, optional
        Days (UTC).
    period : (start, stop), optional
        Half-open.
    region : (west, east, south, north), optional
        Part of the Earth [degrees].

    Returns
    -------
    dict of str to Matched
        By source; a second file of one is ``ssh 2``. What lies outside is missing on both sides, and so is what not all
        fields of a variable have: scores of different places or days are not comparable.

    Raises
    ------
    ValueError
        Where observations and fields have no variable in common.

    Examples
    --------
    >>> where = {"longitude": ("obs", [0.5]), "latitude": ("obs", [0.5]), "depth": ("obs", [0.0])}
    >>> when = {"time": ("obs", np.array(["2020-01-01"], "datetime64[ns]"))}
    >>> points = xr.Dataset({"zos": ("obs", [0.25])}, {**where, **when}, {"featureType": "point", "source": "ssh"})
    >>> axes = {"latitude": [0.0, 1.0], "longitude": [0.0, 1.0]}
    >>> field = xr.Dataset({"zos": (tuple(axes), [[0.0, 0.2], [0.0, 0.2]], {"units": "m"})}, axes)
    >>> float(sampled([points], {"oi": field})["ssh"].fields["oi"].zos[0].round(6))
    0.1
    """
    grids = {name: canonical(ds, variables) for name, ds in fields.items()}
    found: dict[str, Matched] = {}
    offered: set[str] = set()
    for points in (part for obs in observations for part in _sources(obs)):
        offered |= {name for name in VARIABLES if name in points}
        inside = _inside(points, time, period, region)
        shared = [name for name in VARIABLES if name in points and any(name in grid for grid in grids.values())]
        if not shared:
            continue
        kept = points[shared].where(inside).assign_attrs(points.attrs)
        at = {name: _at(kept, grid) for name, grid in grids.items() if any(key in grid for key in shared)}
        found[_label(points.attrs["source"], found)] = Matched(where_all(kept, at), at)
    if not found:
        has = sorted({str(name) for grid in grids.values() for name in grid.data_vars})
        raise ValueError(f"the observations have {sorted(offered)} and the fields {has}: nothing to compare")
    return found


def _at(points: xr.Dataset, grid: xr.Dataset) -> xr.Dataset:
    """A field at points."""
    departures = innovations(points, grid)
    return xr.Dataset({name: points[name] - departures[name] for name in points.data_vars if name in grid})


def span_of(fields: Mapping[str, xr.Dataset]) -> tuple[np.datetime64, np.datetime64] | None:
    """First and last time at which all fields can be held against observations: half a step beyond their own.

    None where no field has two times.

    Examples
    --------
    >>> days = np.array(["2020-01-01", "2020-01-02", "2020-01-03"], "datetime64[ns]")
    >>> axes = {"time": days, "latitude": [0.5, 1.5], "longitude": [0.5, 1.5]}
    >>> oi = xr.Dataset({"zos": (tuple(axes), np.zeros((3, 2, 2)), {"units": "m"})}, axes)
    >>> [str(t)[:13] for t in span_of({"oi": oi})]
    ['2019-12-31T12', '2020-01-03T12']
    """
    times = [ds.time.values for ds in map(canonical, fields.values()) if ds.sizes.get("time", 0) > 1]
    if not times:
        return None
    return (
        max(each[0] - (each[1] - each[0]) // 2 for each in times),
        min(each[-1] + (each[-1] - each[-2]) // 2 for each in times),
    )


def _sources(obs: Observations) -> Iterator[xr.Dataset]:
    """Points of each source."""
    named = list(source_nodes(obs)) if isinstance(obs, xr.DataTree) else []
    for kind, _, held in named:
        yield as_points(held, kind)
    if not named:
        yield as_points(obs)


def _label(source: str, taken: Mapping[str, Any]) -> str:
    """A name for a set of observations."""
    same = [name for name in taken if name.partition(" ")[0] == source]
    return f"{source} {len(same) + 1}" if same else source


def _inside(points: xr.Dataset, time: Any, period: tuple[Any, Any] | None, region: Region | None) -> xr.DataArray:
    """Which points are asked for, lazily where they are."""
    inside = xr.ones_like(points.latitude, dtype=bool).reset_coords(drop=True)
    if region is not None:
        inside = inside & within(region, points.latitude, points.longitude)
    if period is not None:
        start, stop = as_times(period)
        inside = inside & (points.time >= start) & (points.time < stop)
    if time is not None:
        days = as_times([time] if isinstance(time, str) else time).astype("datetime64[D]")
        of_a_day = [(points.time >= day) & (points.time < day + np.timedelta64(1, "D")) for day in days]
        inside = inside & reduce(operator.or_, of_a_day)
    return inside


def along_track(matched: Matched, against: str) -> Sheet:
    """Scores of the 2021a ocean data challenge for observations of sea level along a track; this computes.

    µ and σ of days, and the wavelength down to which the fields are right along the track. The observations must be
    those of a single satellite, in the order of time.
    """
    scores: dict[tuple[tuple[str, str], ...], Along] = {
        (("mu", "1"), ("sigma", "1")): lambda rec, ref: metrics.mu_sigma(rec, ref, definition="2021a"),
        (("lambda_x", "km"),): lambda rec, ref: (metrics.along_track_resolution(rec, ref),),
    }
    found = Sheet()
    for key in [key for key in SEA_LEVEL if key in matched.truth and matched.truth.attrs.get("source") == "ssh"]:
        # What is not scored has no place in the series, nor has its time, which may be missing.
        scored = np.flatnonzero(matched.truth[key].notnull().values)
        track = matched.truth[key][scored]
        for name, field in matched.fields.items():
            for names, function in scores.items() if key in field else ():
                found += attempt(name, key, names, partial(function, field[key][scored], track), against)
    return found
