"""Sea level as altimeters hand it out: anomalies and their mean where the ocean knows a mean, else heights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from adaf_xr.osse.observing.domain import Domain
from adaf_xr.osse.observing.instrument import noisy
from adaf_xr.osse.observing.layout import Arrays, Column
from adaf_xr.osse.observing.noise import Key, red
from adaf_xr.osse.orbits import Orbit

SHORTEST, LONGEST = 1000.0, 20000.0
"""Wavelengths [km] along the track of the errors that calibration and corrections leave."""


def sea_level_columns(domain: Domain, dims: tuple[str, ...], anomaly: str) -> dict[str, Column]:
    """Variables of a product whose anomalies have a name; absolute dynamic topography where no mean is known."""
    height = {"units": "m", "coordinates": "longitude latitude"}
    above_geoid = {**height, "standard_name": "sea_surface_height_above_geoid"}
    if "mdt" not in domain.ocean.names:
        return {"adt_unfiltered": Column(dims, "f4", {**above_geoid, "long_name": "Absolute dynamic topography"})}
    departure = {**height, "standard_name": "sea_surface_height_above_sea_level", "long_name": "Sea level anomaly"}
    return {
        anomaly: Column(dims, "f4", departure),
        "mdt": Column(dims, "f4", {**above_geoid, "long_name": "Mean dynamic topography"}),
    }


def sea_level(
    domain: Domain, at: tuple[NDArray, NDArray, int, NDArray], error: NDArray, noise: bool, anomaly: str
) -> Arrays:
    """The variables of :func:`sea_level_columns`: at latitudes, longitudes, a day and its seconds."""
    absolute = noisy(domain.sighted("zos", *at), error, noise)
    if "mdt" not in domain.ocean.names:
        return {"adt_unfiltered": absolute}
    mean = domain.value("mdt", *at)
    return {anomaly: absolute - mean, "mdt": mean}


def long_waves(key: Key, day: int, seconds: NDArray, orbit: Orbit) -> NDArray[np.float64]:
    """Errors along a track, deviation 1, of the wavelengths `SHORTEST` to `LONGEST`."""
    return red(key, day * 86400.0 + seconds, SHORTEST / orbit.speed, LONGEST / orbit.speed)
