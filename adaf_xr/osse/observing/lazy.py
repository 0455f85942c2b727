"""Instruments turned on an ocean: a dataset as long as the span, of which nothing is read until it is asked for."""

from __future__ import annotations

from operator import index
from typing import Any

import dask
import dask.array as da
import numpy as np
import xarray as xr
from dask.base import tokenize
from dask.delayed import Delayed
from numpy.typing import NDArray

from adaf_xr.instants import DAY, as_times
from adaf_xr.lattice import Region
from adaf_xr.osse.observing.domain import EPOCH, Domain, instants
from adaf_xr.osse.observing.instrument import Instrument
from adaf_xr.osse.observing.layout import Arrays, Column, Layout
from adaf_xr.osse.observing.ocean import Ocean
from adaf_xr.osse.observing.systems import SYSTEMS


def observe(
    ocean: Ocean,
    system: str | Instrument,
    span: tuple[Any, Any],
    *,
    seed: int,
    noise: bool = True,
    region: Region | None = None,
) -> xr.Dataset:
    """What an instrument sees of an ocean.

    Parameters
    ----------
    ocean : Ocean
        The truth, such as a :class:`GriddedOcean`.
    system : str or Instrument
        A name of `SYSTEMS`, or an instrument such as ``SYSTEMS["swot"].but(posting=10.0)``.
    span : (start, stop)
        The UTC days that meet the half-open interval [start, stop) are observed, whole. What is seen before the first
        or after the last snapshot of the ocean is missing.
    seed : int
        Decides the errors, clouds and positions of floats. A reading depends on the seed and on its day, not on the
        span, the region or the chunks it is asked for in.
    noise : bool
        False gives the truth at the points, at the same points; stated errors remain stated.
    region : (west, east, south, north), optional
        Degrees. Default: all of the ocean.

    Returns
    -------
    Dataset
        Laid out like the published product of its kind, one dask chunk a day (days without a row have none). Times are
        in memory, and positions too except those of swaths and drifters. ``ds.adaf.points()`` reads it.

    Raises
    ------
    ValueError
        Where the name is unknown, the span is empty or outside the times of the ocean, the region outside its grid, or
        the ocean lacks what is measured.

    Examples
    --------
    >>> from adaf_xr.osse.observing import GriddedOcean
    >>> axes = {"time": np.arange("2020-01-01", "2020-01-04", dtype="M8[D]").astype("M8[ns]"),
    ...         "latitude": np.arange(30.5, 40), "longitude": np.arange(-59.5, -50)}
    >>> zos = xr.DataArray(np.zeros((3, 10, 10)), coords=axes)
    >>> track = observe(GriddedOcean(xr.Dataset({"zos": zos})), "nadir-reference", ("2020-01-01", "2020-01-03"), seed=1)
    >>> list(track.data_vars), np.unique(track.time.dt.day).tolist()
    (['adt_unfiltered'], [2])
    """
    instrument, seed = _instrument(system), index(seed)
    domain = Domain(ocean, None if region is None else tuple(map(float, region)))  # type: ignore[arg-type]
    layout, days = instrument.layout(domain), _days(span, ocean)
    known = [_known(instrument, layout, day, seed, domain) for day in days]
    whole = xr.Dataset(
        _lazy(instrument, layout, days, known, (seed, domain, noise)),
        coords=_coordinates(layout, known),
        attrs={
            "Conventions": "CF-1.11",
            "title": layout.title + ("" if noise else "; here without errors"),
            "institution": "simulated",
            "source": f"adaf_xr.osse.observing, {instrument.name}, seed {seed}" + ("" if noise else ", without errors"),
            "comment": "A simulation; it describes no real ocean.",
            **layout.attrs,
        },
    )
    return whole.set_coords(layout.located)


def _instrument(system: str | Instrument) -> Instrument:
    if isinstance(system, Instrument):
        return system
    if system not in SYSTEMS:
        raise ValueError(f"there is no instrument {system!r}: give one of {', '.join(SYSTEMS)}")
    return SYSTEMS[system]


def _days(span: tuple[Any, Any], ocean: Ocean) -> list[int]:
    """Days since EPOCH that meet a span; refused where the ocean knows none of them."""
    start, stop = (as_times(end)[0] for end in span)
    if not start < stop:
        raise ValueError(f"span={span!r} is empty: give (start, stop) with start before stop")
    first, last = ocean.period
    if stop <= first or start > last:
        ends = np.datetime_as_string([start, stop, first, last], "s")
        raise ValueError("nothing is known of the ocean from {} to {}: it runs from {} to {}".format(*ends))
    return list(range(int((start - EPOCH) // DAY), int(-((EPOCH - stop) // DAY))))


def _known(instrument: Instrument, layout: Layout, day: int, seed: int, domain: Domain) -> Arrays:
    """Coordinates of a day, of their final types: all that stays in memory, and a year of the globe is long."""
    rows = instrument.rows(day, seed, domain)
    times = {layout.time: instants(day, rows["seconds"])}
    return times | {
        name: rows[name].astype(column.dtype, copy=False) for name, column in layout.coordinates.items() if name in rows
    }


def _coordinates(layout: Layout, known: list[Arrays]) -> dict[str, xr.Variable]:
    """Coordinates in memory: fixed ones once, the others joined over the days."""
    made = {}
    for name, column in layout.coordinates.items():
        is_fixed = name in layout.fixed
        values = layout.fixed[name] if is_fixed else np.concatenate([each[name] for each in known])
        rows = xr.Variable(column.dims[:1], values.astype(column.dtype, copy=False), dict(column.attrs))
        # Cells of a row share their time, and its memory.
        made[name] = rows.set_dims({column.dims[0]: values.size} | {dim: layout.inner[dim] for dim in column.dims[1:]})
    return made


def _lazy(
    instrument: Instrument, layout: Layout, days: list[int], known: list[Arrays], how: tuple[int, Domain, bool]
) -> dict[str, xr.Variable]:
    """Every variable, a chunk a day; one task a day reads them all."""
    seed, domain, noise = how
    token = tokenize(instrument, seed, domain, noise)
    # One node of the graph holds the ocean, however many tasks look at it.
    sight = dask.delayed(domain, name=f"ocean-{token}", traverse=False)
    read = dask.delayed(_read, pure=True, traverse=False)
    parts = [read(instrument, day, seed, sight, noise, dask_key_name=f"read-{token}-{day}") for day in days]
    made = {}
    for name, column in layout.variables.items():
        shapes = [_shape(layout, column, each) for each in known]
        blocks = [
            da.from_delayed(_pick(part, name, column, f"{name}-{token}-{day}"), shape, column.dtype)
            for part, shape, day in zip(parts, shapes, days, strict=True)
        ]
        made[name] = xr.Variable(column.dims, da.concatenate(blocks), dict(column.attrs), dict(column.encoding))
    return made


def _shape(layout: Layout, column: Column, known: Arrays) -> tuple[int, ...]:
    """Shape of one day of a variable."""
    return known[layout.time].size, *(
        layout.fixed[dim].size if dim in layout.fixed else layout.inner[dim] for dim in column.dims[1:]
    )


def _read(instrument: Instrument, day: int, seed: int, domain: Domain, noise: bool) -> Arrays:
    """What a task of the graph does."""
    return instrument.read(day, seed, domain, noise)


def _pick(part: Delayed, name: str, column: Column, key: str) -> Delayed:
    """One variable of a day."""
    return dask.delayed(_picked, pure=True, traverse=False)(part, name, column.dtype, dask_key_name=key)


def _picked(read: Arrays, name: str, dtype: str) -> NDArray:
    return read[name].astype(dtype)
