"""Small files of every family, made by hand, and hypothesis strategies to vary them."""

import numpy as np
import xarray as xr
from hypothesis import strategies as st

WHEN = np.datetime64("2020-01-01T12:00", "ns")


def days(count: int) -> np.ndarray:
    """As many days from `WHEN`."""
    return WHEN + np.arange(count) * np.timedelta64(1, "D")


def text(*rows: str) -> np.ndarray:
    """Characters, one element per letter, as netCDF stores flags."""
    return np.array([[letter.encode() for letter in row] for row in rows], dtype="S1")


def argo(modes: str = "RD", raw_qc=("111", "111"), adjusted_qc=("   ", "111")) -> xr.Dataset:
    """Profiles of three levels; adjusted is raw + 1 K, + 0.5 in salinity, + 10 dbar in pressure."""
    profiles = len(modes)
    both = ("N_PROF", "N_LEVELS")
    pres = np.tile([10.0, 500.0, 1000.0], (profiles, 1))
    temp, psal = np.tile([15.0, 8.0, 4.0], (profiles, 1)), np.tile([35.0, 35.2, 34.9], (profiles, 1))
    sea_water = {"TEMP": "sea_water_temperature", "PSAL": "sea_water_salinity", "PRES": "sea_water_pressure"}
    units = {"TEMP": "degree_Celsius", "PSAL": "psu", "PRES": "decibar"}
    ds = xr.Dataset(
        {
            "JULD": ("N_PROF", days(profiles), {"standard_name": "time"}),
            "JULD_QC": ("N_PROF", text("1" * profiles)[0]),
            "JULD_LOCATION": ("N_PROF", days(profiles) + np.timedelta64(1, "h")),
            "LATITUDE": ("N_PROF", 40.0 + np.arange(profiles), {"units": "degree_north", "standard_name": "latitude"}),
            "LONGITUDE": (
                "N_PROF",
                350.0 + np.arange(profiles),
                {"units": "degree_east", "standard_name": "longitude"},
            ),
            "POSITION_QC": ("N_PROF", text("1" * profiles)[0]),
            "DATA_MODE": ("N_PROF", text(modes)[0]),
        }
    )
    for name, values, shift in (("TEMP", temp, 1.0), ("PSAL", psal, 0.5), ("PRES", pres, 10.0)):
        attrs = {"standard_name": sea_water[name], "units": units[name]}
        ds[name] = (both, values, attrs)
        ds[f"{name}_QC"] = (both, text(*raw_qc))
        ds[f"{name}_ADJUSTED"] = (both, values + shift, attrs)
        ds[f"{name}_ADJUSTED_QC"] = (both, text(*adjusted_qc))
        ds[f"{name}_ADJUSTED_ERROR"] = (both, np.full_like(values, 0.01), {"units": units[name]})
    return ds


def mooring(times: int = 4, levels: int = 2, positions: int | None = None) -> xr.Dataset:
    """An OceanSITES-like file: LATITUDE(LATITUDE) and POSITION_QC(POSITION), byte flags."""
    positions = times if positions is None else positions
    both, shape = ("TIME", "DEPTH"), (times, levels)
    rng = np.random.default_rng(times)
    ds = xr.Dataset(
        {
            "TEMP": (
                both,
                10 + rng.random(shape),
                {"standard_name": "sea_water_temperature", "units": "degree_Celsius"},
            ),
            "PSAL": (both, 35 + rng.random(shape), {"standard_name": "sea_water_practical_salinity", "units": "0.001"}),
            "DEPH": (
                both,
                np.tile(10.0 * np.arange(levels), (times, 1)),
                {"standard_name": "depth", "units": "m", "positive": "down"},
            ),
            "TIME_QC": ("TIME", np.ones(times, "i1")),
            "POSITION_QC": ("POSITION", np.ones(positions, "i1")),
        },
        coords={
            "TIME": ("TIME", days(times), {"standard_name": "time"}),
            "LATITUDE": (
                "LATITUDE",
                30.0 + np.arange(positions),
                {"standard_name": "latitude", "units": "degrees_north"},
            ),
            "LONGITUDE": ("LONGITUDE", -20.0 + np.arange(positions), {"standard_name": "longitude"}),
        },
    )
    for name in ("TEMP", "PSAL", "DEPH"):
        ds[f"{name}_QC"] = (both, np.ones(shape, "i1"))
    return ds


def swath_sst(rows: int = 3, columns: int = 4) -> xr.Dataset:
    """A GHRSST L2P granule, all pixels good."""
    pixel, shape = ("time", "nj", "ni"), (1, rows, columns)
    rng = np.random.default_rng(rows)
    return xr.Dataset(
        {
            "sea_surface_temperature": (
                pixel,
                rng.uniform(280, 300, shape),
                {"standard_name": "sea_surface_subskin_temperature", "units": "kelvin"},
            ),
            "sst_dtime": (pixel, rng.integers(0, 100, shape).astype("f4"), {"units": "seconds"}),
            "sses_bias": (pixel, np.full(shape, 0.25), {"units": "kelvin"}),
            "sses_standard_deviation": (pixel, np.full(shape, 0.5), {"units": "kelvin"}),
            "quality_level": (pixel, np.full(shape, 5.0)),
            "wind_speed": (pixel, np.full(shape, 5.0), {"standard_name": "wind_speed", "units": "m s-1"}),
            "wind_dir": (pixel, np.full(shape, 5.0), {"standard_name": "wind_to_direction", "units": "degree"}),
            "sea_ice_fraction": (pixel, np.zeros(shape), {"standard_name": "sea_ice_area_fraction", "units": "1"}),
        },
        coords={
            "lat": (("nj", "ni"), np.linspace(-60, 60, rows * columns).reshape(rows, columns)),
            "lon": (("nj", "ni"), np.linspace(0, 350, rows * columns).reshape(rows, columns)),
            "time": ("time", [WHEN]),
        },
        attrs={"processing_level": "L2P", "gds_version_id": "2.0"},
    )


def along_track(points: int = 5, **variables: float) -> xr.Dataset:
    """An altimeter pass with the named variables, each constant."""
    return xr.Dataset(
        {name: ("time", np.full(points, value), {"units": "m"}) for name, value in variables.items()},
        coords={
            "time": WHEN + np.arange(points) * np.timedelta64(1, "s"),
            "latitude": ("time", np.linspace(-10, 10, points)),
            "longitude": ("time", np.linspace(170, 190, points)),
        },
    )


def grid(name: str, values, units: str | None = None, **attrs: str) -> xr.Dataset:
    """A field on (lat, lon) at one time."""
    values = np.asarray(values, dtype="f8").reshape(-1, 2)
    attrs = attrs | ({} if units is None else {"units": units})
    return xr.Dataset(
        {name: (("lat", "lon"), values, attrs)},
        coords={"lat": np.arange(len(values)) * 1.0, "lon": [10.0, 20.0], "time": WHEN},
    )


def scatterometer(speed=(10.0, 10.0), direction=(0.0, 90.0), flag=(0, 0)) -> xr.Dataset:
    """Wind vector cells of KNMI."""
    cells = ("NUMROWS", "NUMCELLS")
    return xr.Dataset(
        {
            "wind_speed": (cells, [list(speed)], {"units": "m s-1"}),
            "wind_dir": (cells, [list(direction)], {"units": "degree"}),
            "model_speed": (cells, [list(speed)], {"units": "m s-1", "standard_name": "wind_speed"}),
            "wvc_quality_flag": (cells, np.array([flag], "i4")),
            "time": (cells, np.full((1, len(speed)), WHEN)),
            "lat": (cells, np.zeros((1, len(speed)))),
            "lon": (cells, np.zeros((1, len(speed)))),
        }
    ).set_coords(["lat", "lon"])


def ioda(values=(280.0, 281.0), preqc=(0, 0), name: str = "seaSurfaceTemperature", group: str = "PreQC") -> xr.DataTree:
    """An IODA file with one variable."""
    count = len(values)
    return xr.DataTree.from_dict(
        {
            "/MetaData": xr.Dataset(
                {
                    "latitude": ("Location", np.linspace(-5, 5, count)),
                    "longitude": ("Location", np.linspace(0, 300, count)),
                    "dateTime": ("Location", days(count)),
                }
            ),
            "/ObsValue": xr.Dataset({name: ("Location", list(values))}),
            "/ObsError": xr.Dataset({name: ("Location", np.full(count, 0.3))}),
            f"/{group}": xr.Dataset({name: ("Location", list(preqc))}),
        }
    )


@st.composite
def chunkings(draw: st.DrawFn, sizes: dict) -> dict:
    """Ways of cutting dimensions into chunks."""
    return {dim: draw(st.integers(1, max(1, size))) for dim, size in sizes.items()}
