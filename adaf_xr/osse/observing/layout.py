"""How simulated products are written down: dimensions, stored types and CF attributes, as the real ones have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from adaf_xr.cf.canonical import VARIABLES

Arrays = dict[str, NDArray]

LATITUDE = {"standard_name": "latitude", "long_name": "latitude", "units": "degrees_north"}
LONGITUDE = {"standard_name": "longitude", "long_name": "longitude", "units": "degrees_east"}
TIME = {"standard_name": "time", "long_name": "time"}
DEPTH = {"standard_name": "depth", "long_name": "depth", "units": "m", "positive": "down"}

INSTANT = "datetime64[ns]"
"""Stored type of times."""


@dataclass(frozen=True)
class Column:
    """A variable of a dataset: its dimensions, stored type, attributes, and how files pack it."""

    dims: tuple[str, ...]
    dtype: str
    attrs: Mapping[str, Any]
    encoding: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Layout:
    """A dataset that grows from day to day.

    Attributes
    ----------
    title : str
        What it is, errors included.
    time : str
        Name of the time coordinate, which is always known at once.
    coordinates : mapping of str to Column
        Known at once; those in `fixed` are the same every day, the others grow along their first dimension.
    variables : mapping of str to Column
        Read when asked for. The first dimension of each grows from day to day.
    fixed : mapping of str to array
        Values of coordinates that do not depend on the day.
    inner : mapping of str to int
        Lengths of dimensions without a fixed coordinate.
    located : tuple of str
        Those of `variables` that are coordinates: positions too many to be kept in memory, or not known in advance.
    attrs : mapping
        Further attributes of the dataset.
    """

    title: str
    time: str
    coordinates: Mapping[str, Column]
    variables: Mapping[str, Column]
    fixed: Mapping[str, NDArray] = field(default_factory=dict)
    inner: Mapping[str, int] = field(default_factory=dict)
    located: tuple[str, ...] = ()
    attrs: Mapping[str, Any] = field(default_factory=dict)


def map_axes(latitude: str = "latitude", longitude: str = "longitude", time: str = "time") -> dict[str, Column]:
    """Coordinates of maps on a fixed grid."""
    return {
        time: Column((time,), INSTANT, {**TIME, "axis": "T"}),
        latitude: Column((latitude,), "f8", {**LATITUDE, "axis": "Y"}),
        longitude: Column((longitude,), "f8", {**LONGITUDE, "axis": "X"}),
    }


def state(dimensions: Mapping[str, tuple[str, ...]]) -> dict[str, Column]:
    """Canonical variables."""
    return {name: Column(dims, "f4", canonical(name)) for name, dims in dimensions.items()}


def canonical(name: str) -> dict[str, str]:
    """CF attributes of a canonical variable."""
    known = VARIABLES[name]
    return {"standard_name": known.standard_name, "long_name": known.long_name, "units": known.units}


def with_error(name: str, dims: tuple[str, ...], attrs: Mapping[str, Any], error: str) -> dict[str, Column]:
    """A variable and the standard deviation of its error, which points to each other."""
    declared = {
        "standard_name": f"{attrs['standard_name']} standard_error",
        "long_name": f"standard deviation of the error of {attrs['long_name']}",
        "units": attrs["units"],
    }
    return {
        name: Column(dims, "f4", {**attrs, "ancillary_variables": error}),
        error: Column(dims, "f4", declared),
    }
