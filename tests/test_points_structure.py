"""Where, when and how deep: section 3 of the conventions, and what the output looks like."""

import gsw
import numpy as np
import pytest
import strategies
import xarray as xr

from adaf_xr.cf.canonical import VARIABLES
from adaf_xr.cf.errors import DepthError, NoVariableError, PositionError, TimeError
from adaf_xr.points import to_points
from adaf_xr.points.tree import source_nodes

WHEN = strategies.WHEN


def test_output_is_a_point_set():
    points = to_points(strategies.swath_sst())
    assert points.attrs["featureType"] == "point"
    assert points.sizes == {"obs": 12}
    assert set(points.coords) == {"longitude", "latitude", "depth", "time"}
    assert points.time.dtype == np.dtype("M8[ns]")
    assert points.thetao.attrs == {
        "standard_name": "sea_water_potential_temperature",
        "long_name": "sea water potential temperature",
        "units": "degC",
        "ancillary_variables": "thetao_error",
    }
    assert points.thetao_error.attrs["units"] == "degC"
    assert points.depth.attrs["positive"] == "down"
    assert {points[c].attrs["standard_name"] for c in points.coords} == {"longitude", "latitude", "depth", "time"}


def test_points_of_points_are_the_same():
    points = to_points(strategies.argo())
    xr.testing.assert_identical(to_points(points), points)


@pytest.mark.parametrize("name", VARIABLES)
def test_every_variable_passes(name):
    ds = strategies.grid(name, [0.25, 0.5], VARIABLES[name].units)
    np.testing.assert_array_equal(to_points(ds)[name], [0.25, 0.5])
    with pytest.raises(NoVariableError):
        to_points(ds, next(n for n in VARIABLES if n != name))


def test_parameters_that_do_not_exist():
    ds = strategies.grid("sst", [17.0, 18.0], "degC")
    with pytest.raises(ValueError, match=r"variables 'sst' does not exist: use one of thetao, so"):
        to_points(ds, "sst")
    with pytest.raises(ValueError, match=r"variables is empty"):
        to_points(ds, [])
    with pytest.raises(ValueError, match=r"qc 'best' does not exist: use one of good, all"):
        to_points(ds, qc="best")
    with pytest.raises(ValueError, match=r"source 'buoy' does not exist: use one of insitu, sst"):
        to_points(ds, source="buoy")
    with pytest.raises(TypeError, match=r"not DataArray"):
        to_points(ds.sst)


@pytest.mark.parametrize(
    ("ds", "source"),
    [
        (strategies.argo(), "insitu"),
        (strategies.mooring(), "insitu"),
        (strategies.swath_sst(), "sst"),
        (strategies.grid("analysed_sst", [280.0, 281.0], "K", standard_name="sea_water_temperature"), "sst"),
        (strategies.grid("sst", [17.0, 18.0], "degC").expand_dims(zlev=[0.0]), "sst"),
        (strategies.grid("sss", [35.0, 36.0]), "sss"),
        (strategies.along_track(adt=0.1), "ssh"),
        (strategies.scatterometer(), "wind"),
        (strategies.grid("siconc", [0.1, 0.2]), "ice"),
        (strategies.grid("uo", [0.1, 0.2]), "insitu"),
    ],
)
def test_source_is_inferred_unless_given(ds, source):
    assert to_points(ds).attrs["source"] == source
    assert to_points(ds, source="ice").attrs["source"] == "ice"


def test_sets_of_dimensions_stay_apart():
    ds = xr.Dataset(
        {
            "thetao": (("time", "depth", "lat", "lon"), np.full((1, 2, 2, 2), 10.0), {"units": "degC"}),
            "zos": (("time", "lat", "lon"), np.full((1, 2, 2), 0.5), {"units": "m"}),
        },
        coords={"time": [WHEN], "depth": [5.0, 50.0], "lat": [0.0, 1.0], "lon": [0.0, 1.0]},
    )
    points = to_points(ds)
    assert points.sizes["obs"] == 8 + 4
    deep, surface = points.isel(obs=points.thetao.notnull().values), points.isel(obs=points.zos.notnull().values)
    assert (deep.sizes["obs"], surface.sizes["obs"]) == (8, 4)
    assert np.isnan(deep.zos).all()
    assert np.isnan(surface.thetao).all()
    assert set(surface.depth.values) == {0.0}
    assert set(deep.depth.values) == {5.0, 50.0}


@pytest.mark.parametrize("order", [("lat", "lon", "time"), ("time", "lon", "lat"), ("lon", "time", "lat")])
def test_order_of_dimensions_does_not_matter(order):
    rng = np.random.default_rng(0)
    ds = xr.Dataset(
        {
            "adt": (("time", "lat", "lon"), rng.random((2, 3, 4)), {"units": "m"}),
            "sla": (("time", "lat", "lon"), rng.random((2, 3, 4)), {"units": "m"}),
        },
        coords={"time": strategies.days(2), "lat": [0.0, 1.0, 2.0], "lon": [0.0, 1.0, 2.0, 3.0]},
    )
    turned = ds.assign(adt=ds.adt.transpose(*order))

    def rows(points):
        return sorted(zip(*(points[n].values.tolist() for n in ("longitude", "latitude", "zos", "sla")), strict=True))

    assert rows(to_points(turned)) == rows(to_points(ds))


def test_longitude_convention_does_not_matter():
    east = strategies.grid("adt", np.arange(4) / 10)
    east = east.assign_coords(lon=[190.0, 350.0])
    west = east.assign_coords(lon=[-170.0, -10.0])
    xr.testing.assert_identical(to_points(east), to_points(west))
    assert to_points(east.assign_coords(lon=[180.0, 360.0])).longitude.values.tolist() == [-180.0, 0.0] * 2


def test_fill_values_among_positions_are_dropped():
    ds = strategies.swath_sst(2, 3)
    lat, lon = ds.lat.values.copy(), ds.lon.values.copy()
    lat[0, 0], lat[0, 1], lon[1, 0], lon[1, 1] = np.nan, -32768.0, 1e30, -999.0
    ds = ds.assign_coords(lat=(("nj", "ni"), lat), lon=(("nj", "ni"), lon))
    assert to_points(ds).sizes["obs"] == 2


@pytest.mark.filterwarnings("ignore:saving variable longitude")
def test_default_fill_of_packed_positions_is_dropped(tmp_path):
    ds = strategies.along_track(3, adt=0.1)
    packed = {"dtype": "i4", "scale_factor": 1e-6, "_FillValue": None}
    lon = ds.longitude.values.copy()
    lon[1] = -2147483647e-6
    ds.assign_coords(longitude=("time", lon)).to_netcdf(tmp_path / "a.nc", encoding={"longitude": packed})
    with xr.open_dataset(tmp_path / "a.nc") as opened:
        assert to_points(opened).sizes["obs"] == 2


def test_coordinates_attribute_comes_first():
    ds = strategies.along_track(3, adt=0.1).reset_coords(["latitude", "longitude"])
    ds["lat_gps"] = ds.latitude + 1
    ds.lat_gps.attrs["standard_name"] = "latitude"
    ds.adt.attrs["coordinates"] = "longitude lat_gps"
    assert to_points(ds).latitude.values.tolist() == [-9.0, 1.0, 11.0]
    ds.adt.attrs["coordinates"] = "/data_01/longitude /data_01/lat_gps"
    assert to_points(ds).latitude.values.tolist() == [-9.0, 1.0, 11.0]


def test_equal_candidates_for_position_are_an_error():
    ds = strategies.along_track(3, adt=0.1).rename(latitude="a")
    ds["b"] = ds.a + 1
    for name in "ab":
        ds[name].attrs["standard_name"] = "latitude"
    with pytest.raises(PositionError, match=r"several candidates for latitude, a, b.*attribute coordinates"):
        to_points(ds)


def test_units_give_positions_away():
    ds = strategies.grid("adt", [0.1, 0.2]).rename(lat="Y", lon="X")
    ds.Y.attrs["units"], ds.X.attrs["units"] = "degree_north", "degree_east"
    assert to_points(ds).sizes["obs"] == 2


def test_oceansites_positions_along_their_own_dimension():
    points = to_points(strategies.mooring(times=4, levels=2))
    assert points.sizes["obs"] == 8
    assert points.latitude.values.reshape(4, 2)[:, 0].tolist() == [30.0, 31.0, 32.0, 33.0]
    fixed = to_points(strategies.mooring(times=4, levels=2, positions=1))
    assert set(fixed.latitude.values) == {30.0}
    assert fixed.sizes["obs"] == 8
    with pytest.raises(PositionError):
        to_points(strategies.mooring(times=4, levels=2, positions=3))


def test_flags_along_their_own_dimension():
    ds = strategies.mooring(times=4, levels=2)
    ds.POSITION_QC[1] = 4
    assert set(to_points(ds).latitude.values) == {30.0, 32.0, 33.0}


def test_a_scalar_does_not_replace_a_position_along_a_dimension():
    ds = strategies.grid("adt", [0.1, 0.2, 0.3, 0.4])
    ds["platform_latitude"] = ((), 60.0, {"standard_name": "latitude"})
    assert set(to_points(ds).latitude.values) == {0.0, 1.0}


def test_no_position():
    image = xr.Dataset({"sst": (("y", "x"), np.full((2, 3), 280.0), {"units": "K"})}, coords={"time": WHEN})
    for ds in (image, image.assign_coords(latitude=0.0, longitude=-75.0)):
        with pytest.raises(PositionError, match=r"'sst'.*no latitude.*saw .*sst.*assign_coords\(longitude="):
            to_points(ds)
    lon, lat = np.meshgrid([0.0, 1.0, 2.0], [0.0, 1.0])
    placed = image.assign_coords(longitude=(("y", "x"), lon), latitude=(("y", "x"), lat))
    assert to_points(placed).sizes["obs"] == 6


def test_sub_satellite_point_is_no_position():
    x = {"standard_name": "projection_x_coordinate", "units": "rad"}
    image = xr.Dataset(
        {"SST": (("row", "column"), np.full((2, 3), 280.0), {"units": "K"})},
        coords={"row": ("row", [0.0, 1.0], {"standard_name": "projection_y_coordinate"}), "time": WHEN},
    ).assign_coords(column=("column", [0.0, 1.0, 2.0], x), lat=0.0, lon=-75.0)
    with pytest.raises(PositionError, match="on projected axes"):
        to_points(image)


def test_no_time():
    ds = strategies.grid("sst", [17.0, 18.0], "degC").drop_vars("time").assign_attrs(start_date="2020-01-01")
    ds["row_time"] = ("lat", [3600.0], {"units": "UTC seconds of day"})
    with pytest.raises(TimeError, match=r"'sst'.*no time.*row_time in UTC seconds of day.*assign_coords\(time="):
        to_points(ds)
    assert (to_points(ds.assign_coords(time=WHEN)).time == WHEN).all()


def test_undated_files_are_not_asked_to_be_told_apart():
    ds = strategies.grid("sst", [17.0, 18.0], "degC").drop_vars("time")
    ds["tos"] = ds.sst
    with pytest.raises(TimeError):
        to_points(ds)


def test_single_time_is_broadcast():
    ds = strategies.grid("sst", [17.0, 18.0], "degC").drop_vars("time").assign_coords(time=("time", [WHEN]))
    assert (to_points(ds).time == WHEN).all()


def profile(**coords) -> xr.Dataset:
    """Three levels of temperature at one place."""
    return xr.Dataset(
        {"TEMP": ("level", [15.0, 10.0, 4.0], {"units": "degC"})},
        coords={"lat": 45.0, "lon": -30.0, "time": WHEN} | coords,
    )


def test_depth_from_pressure():
    pressure = np.array([10.0, 1000.0, 4000.0])
    points = to_points(profile(PRES=("level", pressure, {"units": "decibar"})))
    np.testing.assert_allclose(points.depth, -gsw.z_from_p(pressure, 45.0), rtol=1e-12)


def test_depth_is_preferred_to_pressure_where_present():
    pressure, depth = np.array([10.0, 1000.0, 4000.0]), np.array([9.0, np.nan, 3900.0])
    points = to_points(profile(PRES=("level", pressure, {"units": "dbar"}), DEPH=("level", depth, {"units": "m"})))
    np.testing.assert_allclose(points.depth, [9.0, -gsw.z_from_p(1000.0, 45.0), 3900.0])


def test_heights_are_turned_into_depths():
    points = to_points(profile(depth=("level", [-5.0, -50.0, -500.0], {"units": "m", "positive": "up"})))
    assert points.depth.values.tolist() == [5.0, 50.0, 500.0]


def test_depths_in_air_and_beyond_the_ocean():
    points = to_points(profile(depth=("level", [-3.0, -6.0, 12001.0])))
    assert points.depth.values.tolist() == [0.0]


def test_vertical_dimension_without_depth():
    with pytest.raises(DepthError, match=r"'TEMP' has 3 levels along 'level' and no depth.*assign_coords\(depth="):
        to_points(profile())
    with pytest.raises(DepthError):
        to_points(profile(depth=10.0))
    with pytest.raises(DepthError):  # a model level is no depth
        to_points(profile().rename(level="lev").assign_coords(lev=[1, 2, 3]))
    assert to_points(profile(depth=("level", [0.0, 10.0, 20.0]))).sizes["obs"] == 3
    assert to_points(profile().isel(level=[0])).depth.values.tolist() == [0.0]


def test_pressure_under_the_name_of_depth():
    points = to_points(profile(depth=("level", [10.0, 1000.0, 4000.0], {"units": "dbar"})))
    np.testing.assert_allclose(points.depth, -gsw.z_from_p(np.array([10.0, 1000.0, 4000.0]), 45.0))


def test_sea_floor_is_no_depth():
    ds = strategies.along_track(3, adt=0.1)
    ds["depth"] = ("time", np.full(3, 4000.0), {"units": "m", "standard_name": "sea_floor_depth_below_sea_surface"})
    assert set(to_points(ds).depth.values) == {0.0}


@pytest.mark.parametrize(
    "attrs", [{"long_name": "water depth"}, {"standard_name": "sea_floor_depth_below_sea_surface"}, {"axis": "Z"}]
)
@pytest.mark.parametrize("name", ["water_depth", "bottom_depth", "BOTTOM"])
def test_depth_of_the_sea_is_no_depth_of_a_measurement(name, attrs):
    bottom = {name: ((), 4000.0, {"units": "m", "positive": "down"} | attrs)}
    ds = strategies.grid("TEMP", [5.0, 5.0], "degC").assign(bottom)
    np.testing.assert_array_equal(to_points(ds).depth, 0.0)
    np.testing.assert_allclose(to_points(ds).thetao, 5.0)
    np.testing.assert_array_equal(to_points(ds.assign(sensor_depth=20.0)).depth, 20.0)


HEIGHT = {"units": "m", "standard_name": "height", "positive": "up", "axis": "Z"}


@pytest.mark.parametrize("along", [False, True])
def test_height_in_air_is_no_depth(along, tmp_path):
    ds = strategies.grid("uas", [5.0, 6.0], "m s-1").assign_coords(height=((), 10.0, HEIGHT))
    ds.expand_dims("height").to_netcdf(tmp_path / "a.nc") if along else ds.to_netcdf(tmp_path / "a.nc")
    with xr.open_dataset(tmp_path / "a.nc") as opened:
        points = to_points(opened)
    np.testing.assert_array_equal(points.depth, [0.0, 0.0])
    np.testing.assert_array_equal(points.uas, [5.0, 6.0])
    assert points.attrs["source"] == "wind"
    sst = to_points(strategies.grid("tos", [5.0, 6.0], "degC").assign_coords(height=((), -2.0, HEIGHT)))
    assert set(sst.depth.values) == {0.0}
    assert sst.attrs["source"] == "sst"


@pytest.mark.parametrize("level", [1, [1]])
@pytest.mark.parametrize("chunks", [None, {"lat": 1}])
def test_one_level_of_a_model_leaves_surface_quantities_at_the_surface(level, chunks):
    horizontal, flat = ("depth", "lat", "lon"), ("lat", "lon")
    ds = xr.Dataset(
        {"thetao": (horizontal, np.full((3, 2, 2), 10.0)), "zos": (flat, np.full((2, 2), 0.3))},
        coords={"depth": [0.5, 50.0, 450.0], "lat": [1.0, 2.0], "lon": [3.0, 4.0], "time": WHEN},
    ).assign({name: (flat, np.full((2, 2), 5.0)) for name in ("WSPD", "WDIR", "siconc")})
    one = ds.isel(depth=level)
    points = to_points(one if chunks is None else one.chunk(chunks)).compute()
    assert set(points.depth[points.thetao.notnull()].values) == {50.0}
    for name in ("zos", "uas", "vas"):
        assert set(points.depth[points[name].notnull()].values) == {0.0}
    assert points.sizes["obs"] == 8


def test_potential_temperature():
    pressure, salinity = np.array([10.0, 1000.0, 4000.0]), np.array([35.0, np.nan, 99.0])
    ds = profile(PRES=("level", pressure, {"units": "dbar"}), PSAL=("level", salinity, {"units": "psu"}))
    ds = ds.reset_coords("PSAL")
    known = np.array([35.0, 35.0, 35.0])
    absolute = gsw.SA_from_SP(known, pressure, -30.0, 45.0)
    expected = gsw.pt0_from_t(absolute, np.array([15.0, 10.0, 4.0]), pressure)
    np.testing.assert_allclose(to_points(ds).thetao, expected, rtol=1e-12)
    np.testing.assert_allclose(to_points(ds, "thetao").thetao, expected, rtol=1e-12)
    assert abs(expected[2] - 4.0) > 0.3


def test_salinity_matters_where_it_is_known():
    depth = ("level", [10.0, 1000.0, 4000.0], {"units": "m"})
    fresh = profile(depth=depth).assign(PSAL=("level", [20.0, 20.0, 20.0]))
    pressure = gsw.p_from_z(-np.array([10.0, 1000.0, 4000.0]), 45.0)
    absolute = gsw.SA_from_SP(np.full(3, 20.0), pressure, -30.0, 45.0)
    expected = gsw.pt0_from_t(absolute, np.array([15.0, 10.0, 4.0]), pressure)
    np.testing.assert_allclose(to_points(fresh).thetao, expected, rtol=1e-12)


def test_potential_and_surface_temperatures_are_left_alone():
    depth = ("level", [10.0, 1000.0, 4000.0], {"units": "m"})
    for name in ("POTM", "sst"):
        assert to_points(profile(depth=depth).rename(TEMP=name)).thetao.values.tolist() == [15.0, 10.0, 4.0]


def test_where_the_atlas_has_no_ocean():
    ds = profile(depth=("level", [0.0, 10.0, 100.0])).assign_coords(lat=48.0, lon=68.0)
    assert np.isfinite(to_points(ds).thetao).all()


def test_groups_take_coordinates_and_flags_from_their_ancestors():
    place = strategies.along_track(4).assign(rad_rain_flag=("time", [0, 1, 0, 0]), rain_flag=("time", [5, 5, 5, 5]))
    ku = xr.Dataset(
        {"ssha": ("time", [0.1, 0.2, 2.5, -0.3], {"units": "m"}), "range_ocean_qual": ("time", [0, 0, 0, 0])}
    )
    fast = xr.Dataset({"ssha": ("time", [9.0], {"units": "m"})})
    tree = xr.DataTree.from_dict({"/data_01": place, "/data_01/ku": ku, "/data_20/ku": fast})
    assert to_points(tree).sla.values.tolist() == [0.1, -0.3]
    assert to_points(tree, qc="all").sla.values.tolist() == [0.1, 0.2, 2.5, -0.3]
    assert to_points(tree, qc="all").latitude.values.tolist() == place.latitude.values.tolist()


def test_tree_without_variables():
    tree = xr.DataTree.from_dict({"/a": xr.Dataset({"spectrum": ("f", [1.0])}), "/b": xr.Dataset({"bathymetry": 1.0})})
    with pytest.raises(NoVariableError, match=r"bathymetry, spectrum.*set its attribute standard_name"):
        to_points(tree)


@pytest.mark.parametrize("name", ["bathymetry", "SLEV", "TEMP_DOXY"])
def test_no_variable(name):
    with pytest.raises(NoVariableError, match=rf"found among {name}: rename the variable.*standard_name"):
        to_points(strategies.along_track(3, **{name: 1.0}))


def test_zero_length_is_no_error():
    for ds in (strategies.argo(), strategies.mooring(), strategies.swath_sst(), strategies.along_track(3, adt=0.1)):
        dim = next(iter(ds.sizes))
        points = to_points(ds.isel({dim: slice(0)}))
        assert points.sizes["obs"] == 0
        assert set(points.data_vars) - {"thetao_error", "so_error"} <= set(VARIABLES)
    apart = {name: (name, np.empty(0)) for name in ("time", "lat", "lon", "wind_speed", "wind_dir")}
    points = to_points(xr.Dataset(coords=apart, attrs={"institution": "KNMI"}))
    assert points.sizes["obs"] == 0
    assert set(points.data_vars) == {"uas", "vas"}


def test_nothing_left_is_no_error():
    assert to_points(strategies.grid("sst", [np.nan, np.nan])).sizes["obs"] == 0
    bad = strategies.swath_sst()
    assert to_points(bad.assign(quality_level=bad.quality_level * 0)).sizes["obs"] == 0


def test_a_single_value():
    ds = xr.Dataset({"sst": ((), 290.15, {"units": "K"})}, coords={"lat": 1.0, "lon": 2.0, "time": WHEN})
    for each in (ds, ds.chunk()):
        points = to_points(each)
        assert points.thetao.values == pytest.approx([17.0])
        assert points.sizes["obs"] == 1


def test_a_system_that_bears_the_name_of_its_kind_is_taken_once():
    held, own = (xr.Dataset({"sst": ("row", np.array([value]))}) for value in (290.0, 280.0))
    nested = xr.DataTree.from_dict({"/sst/sst": held, "/ssh/left": held, "/nadir/ssh": held})
    taken = [(kind, node.path) for kind, node, _ in source_nodes(nested)]
    assert sorted(taken) == [("ssh", "/nadir/ssh"), ("ssh", "/ssh"), ("sst", "/sst/sst")]
    # What the outer node holds itself is neither lost nor mixed with what lies below it.
    both = xr.DataTree.from_dict({"/sst": own.rename(sst="analysed_sst"), "/sst/sst": held})
    assert [list(obs.data_vars) for _, _, obs in source_nodes(both)] == [["analysed_sst"], ["sst"]]
