"""What instruments look at: an ocean that can be asked for its value anywhere, at any time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from os import PathLike
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import xarray as xr
from dask.base import tokenize
from numpy.typing import NDArray

from adaf_xr.grids import is_periodic, locate_latitude, locate_longitude, sample
from adaf_xr.instants import as_times
from adaf_xr.lattice import Region
from adaf_xr.osse import columns
from adaf_xr.sphere import cell_edges

KEPT = 24
"""Fields (one variable at one time) that are kept in memory."""

Period = tuple[np.datetime64, np.datetime64]

PROFILES = {"thetao": columns.temperature, "so": columns.salinity}


class Ocean(Protocol):
    """What an instrument needs to know of an ocean.

    Attributes
    ----------
    names : frozenset of str
        Quantities it has, by canonical name; and `mdt` [m] where a mean topography is known.
    extent : (west, east, south, north)
        Outer edges [degrees].
    period : (first, last)
        Times between which it is known.
    """

    @property
    def names(self) -> frozenset[str]:
        """Quantities it has."""

    @property
    def extent(self) -> Region:
        """Outer edges [degrees]."""

    @property
    def period(self) -> Period:
        """Times between which it is known."""

    def wet(self, latitude: NDArray, longitude: NDArray) -> NDArray[np.bool_]:
        """Whether there is water at points (...), within the extent."""

    def at(
        self, name: str, latitude: NDArray, longitude: NDArray, time: NDArray, depth: NDArray | None = None
    ) -> NDArray[np.float64]:
        """Values (n,) at points and times (n,); NaN on land and outside. Depth [m]: the surface where not given."""


class GriddedOcean:
    """A nature run as an ocean: bilinear in space, linear in time between its snapshots.

    Parameters
    ----------
    source : Dataset, str or Path
        A nature run on (time, latitude, longitude), latitude and longitude ascending; or the path of its zarr store,
        which travels to workers of a cluster in a few bytes. A few days are kept in memory.

    Notes
    -----
    Static fields, such as a mean topography `mdt`, have no time. Temperature and salinity at depth come from
    :mod:`adaf_xr.osse.columns`. Land is where `thetao_mean` (or, without it, the first snapshot of the first variable)
    is missing: the one field that is read before any value is asked for, because it decides where rows are.

    Examples
    --------
    >>> axes = {"time": np.array(["2020-01-01", "2020-01-02"], "M8[ns]"), "latitude": [30.5, 31.5], "longitude": [1, 2]}
    >>> zos = xr.DataArray(np.arange(8.0).reshape(2, 2, 2), coords=axes)
    >>> ocean = GriddedOcean(xr.Dataset({"zos": zos}))
    >>> ocean.at("zos", np.array([31.0]), np.array([1.5]), np.array(["2020-01-01T12"], "M8[ns]")).tolist()
    [3.5]
    """

    def __init__(self, source: xr.Dataset | str | PathLike) -> None:
        self.source = source if isinstance(source, xr.Dataset) else _located(source)
        # Read from the store directly: a task that computes other tasks would wait for workers that wait for it.
        self._ds = source if isinstance(source, xr.Dataset) else xr.open_zarr(self.source, chunks=None)
        missing = [axis for axis in ("latitude", "longitude", "time") if axis not in self._ds.coords]
        if missing:
            raise ValueError(
                f"the ocean has no coordinate {', '.join(missing)}, only {', '.join(map(str, self._ds.coords))}: give "
                "a nature run on (time, latitude, longitude)"
            )
        self._latitude, self._longitude = (self._ds[axis].values.astype("f8") for axis in ("latitude", "longitude"))
        if any((np.diff(axis) <= 0).any() or axis.size < 2 for axis in (self._latitude, self._longitude)):
            raise ValueError("an ocean needs at least two latitudes and longitudes, ascending: sort the nature run")
        self._times = as_times(self._ds["time"])
        if (np.diff(self._times) <= np.timedelta64(0)).any():
            raise ValueError("the times of an ocean ascend, each but once: sort the nature run by time")
        self._fields: OrderedDict[tuple[str, int], NDArray] = OrderedDict()
        self._lock = threading.Lock()
        self._sea: NDArray[np.bool_] | None = None
        self._token = ""

    def __getstate__(self) -> dict[str, Any]:
        return {"source": self.source}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["source"])  # type: ignore[misc]

    def __dask_tokenize__(self) -> str:
        # A path alone would not tell a run from another that was written over it.
        self._token = self._token or tokenize(self.source, self._ds.attrs, self._times)
        return self._token

    @property
    def names(self) -> frozenset[str]:
        """Quantities it has."""
        return frozenset(map(str, self._ds.data_vars))

    @property
    def extent(self) -> Region:
        """Outer edges [degrees]."""
        south, north = cell_edges(self._latitude, limit=90.0)[[0, -1]]
        if is_periodic(self._longitude):
            return (-180.0, 180.0, float(south), float(north))
        west, east = cell_edges(self._longitude)[[0, -1]]
        return (float(west), float(east), float(south), float(north))

    @property
    def period(self) -> Period:
        """First and last snapshot."""
        return self._times[0], self._times[-1]

    def wet(self, latitude: NDArray, longitude: NDArray) -> NDArray[np.bool_]:
        """Whether there is water at points (...): in the cell that each lies in."""
        j = locate_latitude(self._latitude, latitude)
        i = locate_longitude(self._longitude, longitude)
        row, column = (np.where(axis.weight < 0.5, axis.lower, axis.upper) for axis in (j, i))
        return self._mask()[row, column] & j.inside & i.inside

    def at(
        self, name: str, latitude: NDArray, longitude: NDArray, time: NDArray, depth: NDArray | None = None
    ) -> NDArray[np.float64]:
        """Values (n,) at points and times (n,); NaN on land, outside the grid and before or after the run.

        Parameters
        ----------
        name : str
            A variable of the run.
        latitude, longitude : array (n,)
            Degrees, any longitude convention.
        time : array (n,) of datetime64
            Times.
        depth : array (n,), optional
            Metres, positive down, for `thetao` and `so`. Default: the surface.

        Raises
        ------
        ValueError
            Where the run has no such variable, or not at depth.
        """
        if name not in self._ds:
            raise ValueError(f"the ocean has no {name!r}, it has {', '.join(sorted(self.names))}")
        if depth is None or not np.any(depth):
            return self._surface(name, latitude, longitude, time)
        if name not in PROFILES:
            raise ValueError(f"the ocean knows {name!r} at its surface only: ask for it without a depth")
        surface, mean, heave = (
            self._surface(part, latitude, longitude, time) for part in (name, f"{name}_mean", "heave")
        )
        thermocline = float(self._ds.attrs.get("thermocline_depth", columns.THERMOCLINE))
        return np.asarray(PROFILES[name](depth, surface, mean, heave, thermocline), dtype="f8")

    def _surface(self, name: str, latitude: NDArray, longitude: NDArray, time: NDArray) -> NDArray[np.float64]:
        """Bilinear in space, linear in time."""
        where = (self._latitude, self._longitude, latitude, longitude)
        if "time" not in self._ds[name].dims:
            return sample(self._field(name, 0), *where)
        times = np.asarray(time).astype("M8[ns]")
        before = np.searchsorted(self._times, times, side="right") - 1
        value = np.full(times.shape, np.nan)
        for snapshot in np.unique(before[before >= 0]):
            rows = before == snapshot
            past = (times[rows] - self._times[snapshot]) / np.timedelta64(1, "ns")
            near = sample(self._field(name, snapshot), *where[:2], latitude[rows], longitude[rows])
            if not past.any():
                value[rows] = near
            elif snapshot + 1 < self._times.size:
                weight = past / float((self._times[snapshot + 1] - self._times[snapshot]) / np.timedelta64(1, "ns"))
                far = sample(self._field(name, snapshot + 1), *where[:2], latitude[rows], longitude[rows])
                value[rows] = np.where(weight > 0.0, (1.0 - weight) * near + weight * far, near)
            else:
                value[rows] = np.where(past > 0, np.nan, near)
        return value

    def _field(self, name: str, snapshot: int) -> NDArray:
        """One variable at one time, from memory where it was used lately."""
        key = (name, int(snapshot))
        with self._lock:
            if key in self._fields:
                self._fields.move_to_end(key)
                return self._fields[key]
            da = self._ds[name]
            da = da.isel(time=key[1]) if "time" in da.dims else da
            # In this thread: a task that hands work to the pool it runs in may wait for itself.
            field = da.transpose("latitude", "longitude").compute(scheduler="synchronous").values
            self._fields[key] = field
            while len(self._fields) > KEPT:
                self._fields.popitem(last=False)
            return field

    def _mask(self) -> NDArray[np.bool_]:
        """Where the run has water."""
        if self._sea is None:
            name = "thetao_mean" if "thetao_mean" in self._ds else next(iter(self._ds.data_vars))
            self._sea = np.isfinite(self._field(str(name), 0))
        return self._sea


def _located(source: str | PathLike) -> str:
    """Where a store lies, from whatever folder a worker looks: a path made absolute, or a URL."""
    return str(source) if "://" in str(source) else str(Path(source).absolute())
