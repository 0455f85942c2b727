"""Backgrounds under canonical names: right numbers whatever the file calls them, or an error."""

import gsw
import numpy as np
import numpy.testing as npt
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from adaf_xr.fields import canonical

LAT, LON = np.arange(30.5, 36), np.arange(-50.5, -42)
TIME = np.datetime64("2020-01-01", "ns")


def grid(value=10.0, depth=None, dims=("lat", "lon"), **attrs):
    shape = (LAT.size, LON.size) if depth is None else (len(depth), LAT.size, LON.size)
    dims = dims if depth is None else ("depth", *dims)
    return (dims, np.full(shape, value), attrs)


def dataset(variables, depth=None, depth_units="m", **coords):
    axes = {"lat": ("lat", LAT), "lon": ("lon", LON), "time": TIME, **coords}
    if depth is not None:
        axes["depth"] = ("depth", depth, {"units": depth_units, "positive": "down"})
    return xr.Dataset(variables, axes)


@settings(max_examples=20, deadline=None)
@given(st.permutations(["time", "depth", "lat", "lon"]), st.booleans(), st.booleans(), st.booleans())
def test_order_of_dimensions_and_axes_and_convention_of_longitude_change_no_value(dims, down, eastern, lazy):
    field = 10 + LAT[:, None] / 10 + LON / 100
    values = np.broadcast_to(field, (2, 3, *field.shape)) + np.arange(3)[:, None, None]
    coords = {"time": [TIME, TIME + 1], "depth": [0.0, 10.0, 20.0], "lat": LAT, "lon": LON}
    da = xr.DataArray(values, coords, ("time", "depth", "lat", "lon"), "thetao", {"units": "degC"}).transpose(*dims)
    if eastern:
        da = da.assign_coords(lon=da.lon + 360)
    if down:
        da = da.isel(lat=slice(None, None, -1))
    got = canonical(da.chunk() if lazy else da).thetao
    assert got.dims == ("time", "depth", "latitude", "longitude")
    back = got.assign_coords(longitude=got.longitude - 360 * eastern).sortby("latitude")
    npt.assert_allclose(back, values)


def test_longitudes_that_jump_at_a_seam_are_unrolled_there():
    lon = np.concatenate([np.arange(0.5, 180), np.arange(-179.5, 0)])
    da = xr.DataArray(np.tile(lon, (2, 1)), {"lat": [0.5, 1.5], "lon": lon}, ("lat", "lon"), "zos", {"units": "cm"})
    got = canonical(da).zos
    npt.assert_array_equal(got.longitude, np.arange(-179.5, 180))
    npt.assert_allclose(got[0], got.longitude.where(abs(got.longitude) <= 500) / 100)


@pytest.mark.parametrize("start", [0.0, -180.0])
@pytest.mark.parametrize("sort", [False, True])
def test_a_region_across_the_seam_stays_a_region(start, sort):
    arc = np.arange(-10.5, 11) if start == 0 else np.arange(169.5, 191)
    lon = (arc - start) % 360 + start
    lon = np.sort(lon) if sort else lon
    da = xr.DataArray(np.tile(lon, (2, 1)), {"lat": [0.5, 1.5], "lon": lon}, ("lat", "lon"), "zos", {"units": "cm"})
    got = canonical(da).zos
    npt.assert_allclose(got.longitude, arc)
    npt.assert_allclose((got[0] * 100 - arc + 180) % 360, 180)


def test_in_situ_temperature_becomes_potential_as_in_points():
    depth = [0.0, 4000.0]
    variables = {
        "water_temp": grid(2.0, depth, units="degC", standard_name="sea_water_temperature"),
        "salinity": grid(34.5, depth, units="psu", standard_name="sea_water_salinity"),
    }
    got = canonical(dataset(variables, depth))
    pressure = gsw.p_from_z(-4000.0, LAT[0])
    absolute = gsw.SA_from_SP(34.5, pressure, LON[0], LAT[0])
    npt.assert_allclose(got.thetao[:, 0, 0], [2.0, gsw.pt0_from_t(absolute, 2.0, pressure)], atol=1e-3)
    lazy = canonical(dataset(variables, depth).chunk(depth=1))
    npt.assert_array_equal(lazy.thetao, got.thetao)


def test_of_two_variables_for_one_quantity_the_preferred_counts_whatever_their_order():
    depth = [0.5, 100.0]
    theta = grid(8.0, depth, units="degC", standard_name="sea_water_potential_temperature")
    sst = grid(19.0, units="degC", standard_name="sea_surface_temperature")
    for variables in ({"thetao": theta, "tos": sst}, {"tos": sst, "thetao": theta}):
        npt.assert_array_equal(canonical(dataset(variables, depth)).thetao, 8.0)


@pytest.mark.parametrize(("units", "factor"), [("m", 1), ("cm", 0.01), ("mm", 0.001)])
def test_depth_axes_are_metres(units, factor):
    ds = dataset({"thetao": grid(5.0, [0.0, 2.0], units="degC")}, [0.0, 2.0], units)
    npt.assert_allclose(canonical(ds).depth, [0.0, 2.0 * factor])


def test_heights_are_negative_depths():
    ds = dataset({"thetao": grid(5.0, [0.0, 2.0], units="degC")}).assign_coords(
        depth=("depth", [-2.0, 0.0], {"units": "m", "positive": "up", "standard_name": "depth"})
    )
    npt.assert_array_equal(canonical(ds).depth, [2.0, 0.0])


def test_single_precision_stays_single():
    ds = dataset({"analysed_sst": (("lat", "lon"), np.full((6, 9), 290.15, "f4"), {"units": "kelvin"})})
    assert canonical(ds).thetao.dtype == np.float32
    npt.assert_allclose(canonical(ds).thetao, 17.0, rtol=1e-6)


def test_default_fills_of_packed_files_are_missing(tmp_path):
    values = np.full((6, 9), 0.3)
    values[0, 0] = -3.2767
    ds = dataset({"zos": (("lat", "lon"), values, {"units": "m"})})
    with pytest.warns(xr.SerializationWarning):
        ds.to_netcdf(tmp_path / "zos.nc", encoding={"zos": {"dtype": "i2", "scale_factor": 1e-4, "_FillValue": None}})
    with xr.open_dataset(tmp_path / "zos.nc") as stored:
        npt.assert_array_equal(np.isnan(canonical(stored).zos), values < 0)


def curvilinear():
    y, x = np.mgrid[30:36, -50:-41]
    coords = {"nav_lat": (("y", "x"), y + 0.1 * x), "nav_lon": (("y", "x"), x - 0.1 * y)}
    return xr.Dataset({"zos": (("y", "x"), np.zeros(y.shape), {"units": "m"})}, coords)


def staggered():
    def axis(dim, values, name):
        return dim, values, {"standard_name": name}

    return xr.Dataset(
        {"thetao": (("y", "x"), np.ones((2, 2)), {"units": "degC"}), "uo": (("y", "xu"), np.ones((2, 2)))},
        {
            "y": axis("y", [1.0, 2.0], "latitude"),
            "x": axis("x", [1.0, 2.0], "longitude"),
            "xu": axis("xu", [1.5, 2.5], "longitude"),
        },
    )


def track():
    where = {"latitude": ("time", np.arange(3.0)), "longitude": ("time", np.arange(3.0))}
    return xr.Dataset({"sla": ("time", np.ones(3), {"units": "m"})}, {"time": TIME + np.arange(3), **where})


def test_what_nobody_asked_for_may_be_ambiguous():
    ds = dataset({"thetao": grid(5.0, units="degC"), "ssh": grid(units="m")})
    assert list(canonical(ds, "thetao")) == ["thetao"]
    with pytest.raises(ValueError, match="ssh"):
        canonical(ds)
    with pytest.raises(ValueError, match=r"variables .'salt'. do not exist"):
        canonical(ds, ["thetao", "salt"])


@pytest.mark.parametrize(
    ("ds", "message"),
    [
        (staggered(), "'thetao' and 'uo' lie on different axes of longitude"),
        (track(), "a series of points along 'time', not a grid"),
        (curvilinear(), r"curvilinear grid.*regrid it first"),
        (dataset({"bathymetry": grid()}), "no field of thetao, .* among .'bathymetry'"),
        (dataset({"zos": grid(units="furlong")}), "furlong"),
        (dataset({"zos": grid(units="m")}).drop_vars("lon"), "no longitude coordinate"),
        (dataset({"zos": grid(units="m")}).isel(lat=[0]), "one cell wide along latitude"),
        (dataset({"zos": grid(units="m")}).isel(lat=[0, 2, 1]), "latitude repeats or jumps back"),
        (dataset({"zos": grid(units="m")}).isel(lon=[]), "the selection before is empty"),
        (dataset({"zos": (("member", "lat", "lon"), np.zeros((3, 6, 9)), {"units": "m"})}), r"'member'.*ds.isel"),
        (
            xr.Dataset(
                {"zos": (("lat", "lon"), np.zeros((2, 361)), {"units": "m"})},
                {"lat": [0.0, 1.0], "lon": np.arange(0.5, 361)},
            ),
            "drop the cyclic column",
        ),
    ],
)
def test_unusable_fields_say_what_is_wrong_and_the_way_out(ds, message):
    with pytest.raises(ValueError, match=message):
        canonical(ds)
