"""The state and observation variables: one name, one unit, one range each (section 1 of the conventions page)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Variable:
    """A quantity the package knows.

    Attributes
    ----------
    name : str
        The canonical name, the one GLORYS and CMIP use.
    units : str
        The canonical unit.
    standard_name, long_name : str
        CF attributes of results.
    limits : tuple of float
        Values outside are missing, whatever the quality flag says.
    """

    name: str
    units: str
    standard_name: str
    long_name: str
    limits: tuple[float, float]


VARIABLES: dict[str, Variable] = {
    v.name: v
    for v in (
        Variable("thetao", "degC", "sea_water_potential_temperature", "sea water potential temperature", (-2.5, 40.0)),
        Variable("so", "1e-3", "sea_water_salinity", "practical salinity", (0.0, 45.0)),
        Variable("uo", "m s-1", "eastward_sea_water_velocity", "eastward sea water velocity", (-5.0, 5.0)),
        Variable("vo", "m s-1", "northward_sea_water_velocity", "northward sea water velocity", (-5.0, 5.0)),
        Variable("zos", "m", "sea_surface_height_above_geoid", "absolute dynamic topography", (-5.0, 5.0)),
        Variable("sla", "m", "sea_surface_height_above_sea_level", "sea level anomaly", (-5.0, 5.0)),
        Variable("siconc", "1", "sea_ice_area_fraction", "sea ice area fraction", (0.0, 1.0)),
        Variable("uas", "m s-1", "eastward_wind", "eastward wind", (-60.0, 60.0)),
        Variable("vas", "m s-1", "northward_wind", "northward wind", (-60.0, 60.0)),
    )
}
"""Every variable by its canonical name. The order is part of the contract: `Points.variable` counts along it."""

CODES: dict[str, int] = {name: code for code, name in enumerate(VARIABLES)}
"""Position of each variable in `VARIABLES`, as :class:`adaf_xr.points.Points` stores it."""

SOURCES: tuple[str, ...] = ("insitu", "sst", "sss", "ssh", "wind", "ice")
"""Kinds of observing systems. The order is part of the contract: `Points.source` counts along it."""
