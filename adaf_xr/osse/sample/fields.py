"""The fields of the sample, made and laid out day by day as its observations are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adaf_xr.instants import DAY
from adaf_xr.osse.observing.domain import EPOCH, Domain
from adaf_xr.osse.observing.instrument import Instrument
from adaf_xr.osse.observing.layout import DEPTH, Arrays, Column, Layout, map_axes, state
from adaf_xr.osse.sample import ocean

MAP, VOLUME = ("time", "latitude", "longitude"), ("time", "depth", "latitude", "longitude")
DIMENSIONS = {"zos": MAP, "thetao": VOLUME, "so": VOLUME, "uo": MAP, "vo": MAP, "siconc": MAP}


@dataclass(frozen=True)
class Fields(Instrument):
    """Snapshots at 00:00, without errors of their own.

    Attributes
    ----------
    title : str
        What they are.
    of : callable (day, seed) -> dict of array
        Gives the fields of a day of the sample.
    every : int
        They are on the ocean's grid, or on one of blocks of this many cells.
    """

    title: str
    of: Callable[[int, int], dict[str, NDArray]]
    every: int = 1

    def layout(self, domain: Domain) -> Layout:
        """Canonical names on (time, depth, latitude, longitude)."""
        return Layout(
            title=self.title,
            time="time",
            coordinates={**map_axes(), "depth": Column(("depth",), "f8", {**DEPTH, "axis": "Z"})},
            variables=state(DIMENSIONS),
            fixed={
                "depth": ocean.DEPTH,
                "latitude": ocean.LATITUDE.reshape(-1, self.every).mean(axis=1),
                "longitude": ocean.LONGITUDE.reshape(-1, self.every).mean(axis=1),
            },
        )

    def rows(self, day: int, seed: int, domain: Domain) -> Arrays:
        """Midnight."""
        return {"seconds": np.zeros(1)}

    def read(self, day: int, seed: int, domain: Domain, noise: bool) -> Arrays:
        """All fields of a day."""
        since = day - int((ocean.START - EPOCH) // DAY)
        return {name: values[None] for name, values in self.of(since, seed).items()}
