"""Maps of real sea level and the older ones made from them, as training of the default model has them."""

import numpy as np
import numpy.testing as npt
import pytest
import xarray as xr
from ocean_days import DAY, land
from small_ocean import axes, sea

from adaf_xr.training.adaf_ocean import maps
from adaf_xr.training.adaf_ocean.options import Data
from adaf_xr.training.material import MaterialError


def sea_level_file(path, spacing=0.25, west=-180.0, times=1, name="adt", rows=slice(None), columns=slice(None)):
    """A map as DUACS has them."""
    latitude, longitude = axes(spacing, (west, west + 360.0, -90.0, 90.0))
    values = sea("zos", latitude[:, None], longitude)
    values[land(latitude[:, None], (longitude + 180.0) % 360.0 - 180.0)] = np.nan
    values = np.broadcast_to(values[rows, columns], (times, *values[rows, columns].shape)).astype("f4")
    standard = {"adt": "sea_surface_height_above_geoid", "sla": "sea_surface_height_above_sea_level"}[name]
    held = {name: (("time", "latitude", "longitude"), values, {"units": "m", "standard_name": standard})}
    coords = {"time": np.datetime64("2019-02-23", "ns") + np.arange(times) * DAY}
    coords |= {"latitude": latitude[rows], "longitude": longitude[columns]}
    xr.Dataset(held, coords).to_netcdf(path)
    return str(path)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    data = Data(sea_level=sea_level_file(tmp_path_factory.mktemp("map") / "adt.nc"), surrogates=2)
    return data, [maps.made(data, index) for index in range(3)]


class TestMaps:
    def test_the_last_is_the_map_itself_and_the_others_grow_older(self, made):
        data, held = made
        latitude, longitude = axes(0.25, None)
        inside = slice(4, 716)
        real, rows = held[-1]["fine"][:720][inside], latitude[inside, None]
        sea_ = np.isfinite(real)
        npt.assert_allclose(real[sea_], sea("zos", rows, longitude)[sea_], atol=1e-5)
        npt.assert_array_equal(sea_, ~land(rows, longitude))
        error = [np.sqrt(np.nanmean((one["fine"] - held[-1]["fine"]) ** 2)) for one in held]
        assert error[0] > error[1] > 0.02 and error[2] == 0.0
        for one in held:
            npt.assert_array_equal(np.isfinite(one["fine"]), np.isfinite(held[-1]["fine"]))
            assert one["fine"].shape == (736, 1440) and one["coarse"].shape == (184, 360)
        times = maps.days(data)[maps.MAPS].astype("M8[D]")
        assert times.astype(str).tolist() == ["2018-12-29", "2019-01-26", "2019-02-23"]

    def test_coarse_cells_are_means(self, made):
        last = made[1][-1]
        blocks = last["fine"][:720].reshape(180, 4, 360, 4)[20:160].astype("f8")
        npt.assert_allclose(last["coarse"][20:160], blocks.mean((1, 3)), atol=1e-3)

    def test_what_is_steady_has_the_gyres_and_no_eddies(self, made):
        fine, steady = (made[1][-1][name][:720].astype("f8") for name in ("fine", "steady_fine"))
        npt.assert_array_equal(np.isfinite(steady), np.isfinite(fine))
        eddies = fine - steady
        steepness = [np.nanstd(np.diff(part, axis=1)) / np.nanstd(part) for part in (steady, eddies)]
        assert steepness[0] < steepness[1]
        assert abs(np.nanmean(eddies)) < 0.1 * np.nanstd(eddies) and np.nanstd(steady) > 0.1 * np.nanstd(fine)

    def test_conventions_of_longitude_are_one(self, made, tmp_path):
        data = Data(sea_level=sea_level_file(tmp_path / "adt.nc", west=0.0), surrogates=2)
        npt.assert_allclose(maps.made(data, 2)["fine"], made[1][2]["fine"], atol=1e-5)
        npt.assert_allclose(maps.made(data, 0)["fine"], made[1][0]["fine"], atol=1e-3)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"name": "sla"}, "no absolute sea level .*give a map of adt"),
            ({"times": 3}, "holds 3 times of sea level: give a file with one map"),
            ({"columns": slice(0, 700)}, "does not go around the globe"),
            ({"spacing": 2.0}, "half a degree or less: give a finer map"),
        ],
        ids=["anomaly", "times", "region", "coarse"],
    )
    def test_files_that_are_no_such_map_are_refused(self, tmp_path, changes, message):
        data = Data(sea_level=sea_level_file(tmp_path / "file.nc", **changes))
        with pytest.raises(MaterialError, match=rf"file\.nc.*{message}"):
            maps.days(data)
            maps.made(data, 0)

    def test_a_file_that_is_not_there_is_named(self):
        with pytest.raises(MaterialError, match=r"data\.sea_level = no/such\.nc: there is no such file"):
            maps.days(Data(sea_level="no/such.nc"))

    def test_there_are_none_unless_asked(self):
        assert maps.days(Data()) == {} and maps.fingerprint(Data()) is None

    def test_a_real_map_is_taken_as_it_is(self, realdata):
        path = realdata / "ssh" / "nrt_global_allsat_phy_l4_20190223_20190226.nc"
        data = Data(sea_level=str(path), surrogates=1)
        with xr.open_dataset(path) as ds:
            adt = ds.adt.isel(time=0).assign_coords(longitude=(ds.longitude + 180.0) % 360.0 - 180.0)
            npt.assert_array_equal(maps.days(data)[maps.MAPS][-1], ds.time.values[0])
        npt.assert_allclose(maps.made(data, 1)["fine"][:720], adt.sortby("longitude").values, atol=1e-5)
