"""The embedded sample: five days of a simulated North Atlantic and of all six kinds of observing systems.

It needs no download and no files: every number is computed from a seed when it is asked for. Datasets are laid out like
the published products of their kind and go through the same door as real files.

=========== ================================================================== ===========================
name        layout                                                             error of a good reading
=========== ================================================================== ===========================
truth       zos, thetao, so (3 levels), uo, vo, siconc at 0.25 degrees         none
background  the same at 1 degree                                               0.06 m, 0.5 degC, 0.1 (rms)
insitu      Argo multi-profile, raw and adjusted, 40 profiles a day            0.01 degC, 0.01
sst         GHRSST L3, two cloudy passes a day at 0.2 degrees                  0.3 K about `sses_bias`
sss         daily salinity swaths at 0.25 degrees                              0.5
ssh         DUACS L3 along-track `sla_unfiltered` and `mdt`, two satellites    0.03 m
wind        ASCAT L2 swaths, 25 km                                             1 m/s a component
ice         daily sea ice concentration at 0.25 degrees, in percent            5 % within the ice
=========== ================================================================== ===========================

The region is 80 W to 0, 10 N to 60 N: small enough that a global machine is not needed to try things. Fields are
snapshots at 00:00 of 2020-01-01 to 2020-01-05; observations cover these five days.
"""

from __future__ import annotations

from functools import lru_cache

import dask
import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from adaf_xr.osse.sample.layout import SYSTEMS, Arrays, Column, System
from adaf_xr.osse.sample.ocean import DAYS, START

SEED = 2020
NAMES = tuple(SYSTEMS)
"""Names of the datasets of the sample."""

ONE_DAY = np.timedelta64(86_400_000_000_000, "ns")


def open_sample(name: str, span: tuple[np.datetime64, np.datetime64] | None = None, seed: int = SEED) -> xr.Dataset:
    """A dataset of the embedded sample, lazy: one dask chunk a day, nothing computed but positions and times.

    Parameters
    ----------
    name : str
        One of `NAMES`.
    span : (start, stop), optional
        Keep the days that meet the half-open interval [start, stop). Default: all five.
    seed : int
        Another seed, another ocean.

    Returns
    -------
    Dataset

    Raises
    ------
    ValueError
        For an unknown name, or a span without a day of the sample.

    Examples
    --------
    >>> open_sample("background").zos.sizes["time"]
    5
    """
    if name not in SYSTEMS:
        raise ValueError(f"the embedded sample has no {name!r}; it has {', '.join(NAMES)}")
    system, days = SYSTEMS[name], _days(name, span)
    coordinates = _coordinates(system, days, seed)
    return xr.Dataset(
        {
            v: (column.dims, _lazy(name, v, column, days, seed), dict(column.attrs))
            for v, column in system.variables.items()
        },
        coords=coordinates,
        attrs={
            "Conventions": "CF-1.11",
            "title": f"adaf_xr embedded sample, {name}: {system.title}",
            "institution": "simulated",
            "source": f"adaf_xr.osse.sample, seed {seed}",
            "comment": "A simulation for demonstrations and tests; it describes no real ocean.",
        },
    )


def _days(name: str, span: tuple[np.datetime64, np.datetime64] | None) -> list[int]:
    """Days of the sample that meet a span; a snapshot is at midnight, an observation anywhere in its day."""
    if span is None:
        return list(range(DAYS))
    length = np.timedelta64(1, "ns") if SYSTEMS[name].snapshots else ONE_DAY
    start, stop = span
    days = [d for d in range(DAYS) if START + d * ONE_DAY < stop and START + d * ONE_DAY + length > start]
    if not days:
        last = START + (DAYS - 1) * ONE_DAY
        raise ValueError(
            f"the embedded sample has no {name} between {_short(start)} and {_short(stop)}: "
            f"it covers {_short(START)[:10]} to {_short(last)[:10]}"
        )
    return days


def _short(time: np.datetime64) -> str:
    return str(time.astype("datetime64[s]"))


def _coordinates(system: System, days: list[int], seed: int) -> dict[str, tuple]:
    """Coordinates in memory: fixed ones once, the others joined over the days."""
    daily = [system.geometry(day, seed) for day in days]
    made = {}
    for name, column in system.coordinates.items():
        if name in system.fixed:
            values = system.fixed[name]
        elif name == system.time:
            values = START + np.round(np.concatenate([each["days"] for each in daily]) * 86400e9).astype(
                "timedelta64[ns]"
            )
        else:
            values = np.concatenate([each[name] for each in daily])
        made[name] = (column.dims, values.astype(column.dtype), dict(column.attrs))
    return made


def _lazy(name: str, variable: str, column: Column, days: list[int], seed: int) -> da.Array:
    """One variable, a chunk a day."""
    read = dask.delayed(_read, pure=True, traverse=False)
    parts = [
        da.from_delayed(read(name, variable, day, seed), _shape(name, column, day, seed), column.dtype) for day in days
    ]
    return da.concatenate(parts)


def _shape(name: str, column: Column, day: int, seed: int) -> tuple[int, ...]:
    """Shape of one day of a variable, from the day's positions."""
    system = SYSTEMS[name]
    return tuple(
        system.fixed[dim].size if dim in system.fixed else _length(system, dim, day, seed) for dim in column.dims
    )


def _length(system: System, dim: str, day: int, seed: int) -> int:
    """Length of a dimension on a day: that of the time coordinate, or of a constant inner dimension."""
    dims = system.coordinates[system.time].dims
    if dim in dims:
        return system.geometry(day, seed)["days"].shape[dims.index(dim)]
    return system.inner[dim]


def _read(name: str, variable: str, day: int, seed: int) -> NDArray:
    """What a task of the graph does."""
    system = SYSTEMS[name]
    return _measured(name, day, seed)[variable].astype(system.variables[variable].dtype)


@lru_cache(maxsize=32)
def _measured(name: str, day: int, seed: int) -> Arrays:
    """All variables of a day are measured together."""
    return SYSTEMS[name].measure(day, seed)
