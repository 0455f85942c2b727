"""The sample in the folder layout of the published data: what its files hold, and what the catalog makes of them."""

import shutil
import warnings
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import numpy.testing as npt
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import adaf_xr
from adaf_xr import open_observations, open_source
from adaf_xr.catalog import EmptyCatalogWarning, describe
from adaf_xr.catalog.adaf_ocean import DEPTH
from adaf_xr.catalog.files import MissingDaysWarning, engine_of
from adaf_xr.cf.canonical import SOURCES
from adaf_xr.fields import canonical
from adaf_xr.instants import DAY
from adaf_xr.metrics import rmse
from adaf_xr.models.base import Background
from adaf_xr.models.cnp import THINNED, AdafOceanCNP, thinned
from adaf_xr.models.cnp.gridding import Encoded
from adaf_xr.osse.published_layout import write
from adaf_xr.osse.published_layout.lattice import LATITUDE, LONGITUDE, means, nodes
from adaf_xr.osse.published_layout.observations import Day, write_insitu
from adaf_xr.osse.published_layout.pathfinder import image
from adaf_xr.osse.published_layout.world import World
from adaf_xr.points import Points, to_points

DAYS = pd.date_range("2020-01-01", periods=3)
AXES = ("latitude", "longitude")
SEED = 3
"""Of the sample that tests share."""
BEFORE = ("1D", "0h")
"""The published system analyses a day from the observations of the day before."""


@pytest.fixture(scope="module")
def root(published_sample):
    """Three days of coarse pixels."""
    return published_sample


@pytest.fixture(scope="module")
def world():
    """The world that the sample is of."""
    return World.simulated(np.datetime64("2019-12-25"), 10, SEED, resolution=2.0)


@pytest.fixture(scope="module")
def points(root):
    """Everything seen for the second day, as points in memory."""
    tree = open_observations("adaf_ocean", root=root, time="2020-01-02", window=BEFORE)
    return {name: to_points(node.to_dataset(), source=name).compute() for name, node in tree.children.items()}


def present(points: xr.Dataset, name: str) -> xr.Dataset:
    """Rows that have a variable."""
    return points.isel(obs=np.flatnonzero(points[name].notnull()))


class TestFiles:
    def test_every_source_has_its_files_by_date(self, root):
        seen = ["20191231", "20200101", "20200102", "20200103"]
        for folder, each in {"insitu": 1, "SIC": 1, "SSH": 1, "SSW": 1, "SST": 2, "SSS": 2}.items():
            names = [path.name for path in (root / folder).iterdir()]
            assert len(names) == each * len(seen), folder
            assert all(sum(date in name for name in names) == each for date in seen), folder
        assert sorted(p.name for p in (root / "forecast_bg").iterdir()) == [f"{d}.nc" for d in (20191230, *seen[:2])]
        assert sorted(p.name for p in (root / "glorys/2020").iterdir()) == [f"{date}.h5" for date in seen[1:]]
        assert not root.with_name("sample.part").exists()

    def test_truth_guess_and_mask_have_the_shapes_of_the_layout(self, root):
        with h5py.File(root / "glorys/2020/20200102.h5") as file:
            assert {name: file[name].shape for name in file} == {
                **dict.fromkeys("TSUV", (23, 181, 360)), "SSH": (181, 360),
            }  # fmt: skip
            land = np.isnan(file["T"][0])
            assert 0.25 < land.mean() < 0.45
            for name in ("S", "U", "V"):
                npt.assert_array_equal(np.isnan(file[name][:]), np.broadcast_to(land, (23, 181, 360)))
        guess = xr.open_dataset(root / "forecast_bg/20191231.nc").seq_pred
        assert guess.dims == ("lead", "variable", "lat", "lon")
        assert guess.shape == (4, 5, 181, 360)
        mask = xr.open_dataset(root / "mask/land_sea_mask_glorys_23_181_360.nc").mask
        npt.assert_array_equal(mask[0] == 0, land)
        # The Sahara is land and the middle of the Pacific is none, rows from the south and columns from Greenwich.
        assert not mask.sel(depth=0, lat=23, lon=10)
        assert mask.sel(depth=0, lat=0, lon=210)

    def test_rows_of_an_image_run_from_north_to_south(self, root):
        with xr.open_dataset(next((root / "SST").glob("20200101*_day.nc"))) as ds:
            assert ds.lat.values[0] == 89.5
            assert ds.sizes == {"time": 1, "lat": 180, "lon": 360}
            warm = ds.sea_surface_temperature.where(ds.quality_level >= 4).sel(lat=slice(20, -20))
            assert 293.0 < float(warm.mean()) < 304.0

    def test_the_same_seed_sees_the_same_and_another_something_else(self, root, world, tmp_path):
        tables = []
        for folder, seed in (("a", SEED), ("b", SEED + 1)):
            (tmp_path / folder).mkdir()
            write_insitu(Day(world, np.datetime64("2020-01-01"), seed), tmp_path / folder)
            tables.append(pd.read_csv(tmp_path / folder / "20200101.csv"))
        pd.testing.assert_frame_equal(tables[0], pd.read_csv(root / "insitu/20200101.csv"))
        assert not tables[0].head(50).equals(tables[1].head(50))

    def test_half_a_sample_is_none(self, tmp_path, monkeypatch):
        def fails(*_):
            raise OSError("disk full")

        monkeypatch.setattr("adaf_xr.osse.published_layout.fields.write_truth", fails)
        with pytest.raises(OSError, match="disk full"):
            write(tmp_path / "sample", days=1, spacing=2.0, resolution=2.0)
        assert not (tmp_path / "sample").exists()

    def test_what_cannot_be_written_says_why(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(FileExistsError, match="holds something"):
            write(tmp_path)
        with pytest.raises(ValueError, match="one analysis day at least"):
            write(tmp_path / "a", days=0)
        with pytest.raises(ValueError, match=r"spacing=0.7 degrees does not divide the globe"):
            write(tmp_path / "a", spacing=0.7)


class TestFields:
    def test_the_truth_is_the_world_at_midnight(self, root, world):
        truth = open_source("adaf_ocean", "glorys", root=root, time="2020-01-03")
        expected = world.fields(np.datetime64("2020-01-03"), tuple(map(float, DEPTH)))
        npt.assert_array_equal(truth.depth, DEPTH)
        for name, step in {"thetao": 1e-3, "so": 1e-3, "uo": 2e-4, "vo": 2e-4, "zos": 2e-4}.items():
            npt.assert_allclose(truth[name].values[0], expected[name], atol=0.51 * step, err_msg=name)

    @pytest.mark.parametrize("lead", [0, 2, 3])
    def test_a_forecast_is_the_sea_of_some_days_before_and_wrong_about_fluxes(self, root, world, lead):
        day = np.datetime64("2020-01-01") + (lead - 2) * DAY
        guess = open_source("adaf_ocean", "background", root=root, time=str(day)[:10], lead=lead)
        known = world.fields(day - (2 + 2 * lead) * DAY, (0.0,))
        npt.assert_allclose(guess.zos.values[0], known["zos"], atol=1.1e-4)
        wrong = guess.thetao.values[0] - known["thetao"][0]
        assert 0.4 < np.nanstd(wrong) < 0.6
        # Smooth: from cell to cell, a hundred kilometres on the equator, it changes by a fifth of itself or so.
        assert np.nanstd(np.diff(wrong[60:120], axis=1)) < 0.5 * np.nanstd(wrong)

    def test_forecasts_get_worse_with_their_lead(self, root, world):
        issued = np.datetime64("2020-01-01")
        guess = xr.open_dataset(root / "forecast_bg/20200101.nc").seq_pred.values
        errors = []
        for lead in range(3):
            true = world.fields(issued + lead * DAY, (0.0,))["zos"]
            errors.append(np.nanmean((guess[lead, 4] - true) ** 2))
        assert errors[0] < errors[1] < errors[2]

    def test_guess_and_truth_have_the_same_land_and_the_guess_is_wrong(self, root):
        guess = canonical(open_source("adaf_ocean", "background", root=root, time="2020-01-02")).isel(time=0)
        truth = canonical(open_source("adaf_ocean", "glorys", root=root, time="2020-01-02")).isel(time=0, depth=0)
        for name in ("thetao", "so", "uo", "vo", "zos"):
            npt.assert_array_equal(guess[name].isnull(), truth[name].isnull())
            assert 0.0 < float(rmse(guess[name], truth[name])) < float(truth[name].std())


class TestPoints:
    def test_every_source_has_points_of_the_day_before(self, points):
        assert set(points) == set(SOURCES)
        start, stop = np.datetime64("2020-01-01"), np.datetime64("2020-01-02")
        names = {"insitu": "thetao", "sst": "thetao", "sss": "so", "ssh": "sla", "wind": "uas", "ice": "siconc"}
        for source, name in names.items():
            rows = present(points[source], name)
            inside = (rows.time.values >= start) & (rows.time.values < stop)
            # The time of an image of the radiometer is nominal: days beside it are kept for those who compute to cut.
            rows = rows.isel(obs=np.flatnonzero(inside)) if source == "sst" else rows
            assert rows.sizes["obs"] > 500, source
            assert source == "sst" or inside.all()

    def test_readings_are_the_world_with_the_errors_of_their_instruments(self, points, world):
        noon = np.datetime64("2020-01-01T12", "ns")
        # Errors [unit] of a reading, with what a day and a cell of a degree add.
        bars = {("insitu", "thetao"): 0.25, ("sst", "thetao"): 0.6, ("sss", "so"): 1.3, ("ssh", "sla"): 0.05,
                ("wind", "uas"): 2.0, ("wind", "vas"): 2.0, ("ice", "siconc"): 0.12}  # fmt: skip
        for (source, name), bar in bars.items():
            rows = present(points[source], name)
            rows = rows.isel(obs=np.flatnonzero((rows.depth < 1.0) & (abs(rows.time - noon) <= 0.5 * DAY)))
            where = (rows.latitude.values, rows.longitude.values, rows.time.values)
            quantity = "zos" if name == "sla" else name
            true = world.ocean.at(quantity, *where)
            true = true - world.ocean.at("mdt", *where) if name == "sla" else true
            error = rows[name].values - true
            error = error[np.isfinite(error)]
            assert error.size > 500, (source, name)
            assert np.sqrt(np.mean(error**2)) < bar, (source, name)
            assert abs(np.median(error)) < 0.1 * bar + 0.02, (source, name)

    def test_images_of_the_night_are_seen_in_the_evening_and_of_the_day_in_the_morning(self, root):
        for part, hours in (("night", (20, 23)), ("day", (8, 11))):
            ds = xr.open_dataset(next((root / "SST").glob(f"20200101*_{part}.nc")))
            rows = present(to_points(ds, source="sst").compute(), "thetao")
            utc = (rows.time.values - np.datetime64("2020-01-01", "ns")) / np.timedelta64(1, "h")
            # Offsets to the time of an image are stored in steps of four seconds.
            assert ((utc > -0.001) & (utc < 24.001)).all()
            # Far from the poles, where a swath crosses all hours.
            local = np.mod(utc + rows.longitude.values / 15.0, 24.0)[np.abs(rows.latitude.values) < 40]
            assert ((local > hours[0]) & (local < hours[1])).mean() > 0.95

    def test_profiles_go_down_and_drifters_have_no_salinity(self, root):
        table = pd.read_csv(root / "insitu/20200101.csv")
        assert list(table.columns) == ["lat", "lon", "depth", "temp", "sal"]
        drifters = table[table.sal.isna()]
        assert (drifters.depth == 0).mean() > 0.9
        assert table.depth.max() > 1500
        assert table[table.depth < 20].dropna().groupby(["lat", "lon"]).ngroups > 100

    def test_the_wind_blows_where_its_direction_points(self, root, points):
        ds = xr.open_dataset(root / "SSW/20200101.nc")
        row, column = np.argwhere(np.isfinite(ds.wind_speed.values))[100]
        at = {"latitude": float(ds.lat[row]), "longitude": float(ds.lon[column])}
        wind = points["wind"]
        same = np.isclose(wind.latitude, at["latitude"]) & np.isclose(np.mod(wind.longitude - at["longitude"], 360), 0)
        found = wind.isel(obs=np.flatnonzero(same & wind.uas.notnull().values))
        speed, towards = float(ds.wind_speed[row, column]), np.radians(float(ds.wind_dir[row, column]))
        npt.assert_allclose(found.uas, speed * np.sin(towards), atol=1e-4)
        npt.assert_allclose(found.vas, speed * np.cos(towards), atol=1e-4)


class TestMissing:
    @pytest.fixture
    @staticmethod
    def partial(root, tmp_path):
        """The sample without the salinity of a day, and without any ice."""
        copy = shutil.copytree(root, tmp_path / "copy")
        for path in (copy / "SSS").glob("*20200101*"):
            path.unlink()
        shutil.rmtree(copy / "SIC")
        return copy

    def test_a_source_that_is_missing_on_a_day_gives_nothing_and_says_so(self, partial):
        with pytest.warns(EmptyCatalogWarning) as told:
            tree = open_observations("adaf_ocean", root=partial, time="2020-01-02", window=BEFORE)
        assert set(tree.children) == set(SOURCES) - {"sss", "ice"}
        said = [str(each.message) for each in told]
        assert any(each.startswith("sss gives nothing: no file of") and "2020-01-01" in each for each in said)
        assert any(each.startswith("ice gives nothing") for each in said)

    def test_of_several_days_those_that_are_there_are_taken(self, partial):
        with pytest.warns(MissingDaysWarning, match="has no file for 2020-01-01"):
            ds = open_source("adaf_ocean", "sss", root=partial, time=("2019-12-31", "2020-01-02"))
        assert ds.sizes["time"] == 4

    def test_a_missing_guess_is_an_error_that_says_which(self, partial):
        (partial / "forecast_bg/20191231.nc").unlink()
        with pytest.raises(FileNotFoundError, match=r"no file of .*forecast_bg.* for 2019-12-31"):
            open_source("adaf_ocean", "background", root=partial, time="2020-01-02")


class TestReading:
    def test_days_opened_and_read_by_several_threads_are_those_of_one(self, root):
        def ice(day):
            return open_source("adaf_ocean", "ice", root=root, time=day).siconc.load(scheduler="synchronous").values

        days = ["2019-12-31", "2020-01-01", "2020-01-02", "2020-01-03"] * 3
        expected = {day: ice(day) for day in set(days)}
        with ThreadPoolExecutor(8) as pool:
            for day, found in zip(days, pool.map(ice, days), strict=True):
                npt.assert_array_equal(found, expected[day])

    def test_a_file_of_an_older_netcdf_is_read_too(self, root, tmp_path):
        (tmp_path / "SIC").mkdir()
        held = xr.open_dataset(root / "SIC/20200101.nc").load()
        held.to_netcdf(tmp_path / "SIC/20200101.nc", format="NETCDF3_CLASSIC")
        assert engine_of(str(root / "SIC/20200101.nc")) == "h5netcdf"
        assert engine_of(str(tmp_path / "SIC/20200101.nc")) is None
        found = open_source("adaf_ocean", "ice", root=tmp_path, time="2020-01-01")
        npt.assert_array_equal(found.siconc[0], held.sic)

    def test_a_damaged_file_is_named(self, root, tmp_path):
        (tmp_path / "SIC").mkdir()
        (tmp_path / "SIC/20200101.nc").write_bytes((root / "SIC/20200101.nc").read_bytes()[:500])
        with pytest.raises(OSError, match=r"20200101\.nc cannot be read"):
            open_source("adaf_ocean", "ice", root=tmp_path, time="2020-01-01")


def test_the_sample_is_analysed_like_any_other_data(root):
    with warnings.catch_warnings():
        warnings.simplefilter("error", EmptyCatalogWarning)
        seen = open_observations(
            "adaf_ocean", root=root, time="2020-01-02", window=BEFORE, sources=["insitu", "sst", "sss", "wind", "ice"]
        )
    guess = open_source("adaf_ocean", "background", root=root, time="2020-01-02")
    how = {"model": "oi", "window": BEFORE, "region": (-60, -20, 20, 50), "grid": guess}
    analysis = adaf_xr.assimilate(seen, guess, **how).compute()
    truth = canonical(open_source("adaf_ocean", "glorys", root=root, time="2020-01-02")).isel(depth=0)
    here = {axis: analysis[axis].values % 360 if axis == "longitude" else analysis[axis] for axis in AXES}
    before = rmse(*(canonical(ds).thetao.sel(here) for ds in (guess, truth))).compute().item()
    after = rmse(analysis.thetao.assign_coords(here), canonical(truth).thetao.sel(here)).compute().item()
    assert after < before


class TestPublishedNetwork:
    """The network of the published system, on its own layout and through the one door of all models."""

    BOX = (-45.0, -24.0, 20.0, 31.0)

    def analysis(self, root, network):
        seen = open_observations("adaf_ocean", root=root, time="2020-01-02", window=BEFORE)
        guess = open_source("adaf_ocean", "background", root=root, time="2020-01-02")
        lazy = adaf_xr.assimilate(seen, guess, model=AdafOceanCNP(network), region=self.BOX, grid=guess)
        return canonical(guess).sel(lazy[["latitude", "longitude"]].coords).compute(), lazy.compute()

    def test_a_network_that_says_nothing_leaves_the_guess_as_it_is(self, root):
        network = thinned(seed=0)
        for parameter in network.decoder.output_layers.parameters():
            parameter.data.zero_()
        guess, analysis = self.analysis(root, network)
        assert set(analysis.data_vars) == {"thetao", "so", "uo", "vo", "zos"}
        assert np.isfinite(analysis.zos).any()
        for name in analysis.data_vars:
            npt.assert_allclose(analysis[name], guess[name], atol=1e-5, err_msg=name)

    def test_every_source_of_the_layout_reaches_the_network(self, root, points):
        seen = [Points.from_columns({str(k): v.values for k, v in ds.variables.items()}, n) for n, ds in points.items()]
        start, stop = np.datetime64("2020-01-01", "ns"), np.datetime64("2020-01-02", "ns")
        guess = canonical(open_source("adaf_ocean", "background", root=root, time="2020-01-02")).isel(time=0).compute()
        fields = {str(name): da.values for name, da in guess.data_vars.items()}
        first = Background(guess.latitude.values, guess.longitude.values, np.empty(0), fields)
        day = Encoded.of(Points.concatenate(seen).within(start, stop), THINNED).day(THINNED, first)
        for key in ("sate_sss", "sate_sst", "sate_ssw", "sate_sla", "sate_sic"):
            for channel in day.grids[key]:
                assert np.isfinite(channel).sum() > 1000, key
        assert len(day.insitu) > 1000
        # Images of the night and of the day are channels of their own, and seldom of the same places' clouds.
        night, noon = np.isfinite(day.grids["sate_sst"])
        assert (night != noon).any()


class TestMeans:
    @given(
        st.lists(st.tuples(st.floats(-90, 90), st.floats(-720, 720), st.floats(-5, 5)), min_size=1, max_size=40),
        st.sampled_from([1.0, 0.25, 5.0]),
    )
    def test_sums_are_kept_wherever_points_lie(self, rows, spacing):
        latitude, longitude, values = (np.array(column) for column in zip(*rows, strict=True))
        field = means(latitude, longitude, values, spacing)
        assert field.shape == tuple(axis.size for axis in nodes(spacing))
        assert 1 <= np.isfinite(field).sum() <= len(rows)
        assert np.nanmin(field) >= values.min() - 1e-5
        assert np.nanmax(field) <= values.max() + 1e-5

    def test_a_value_at_a_node_stays_there(self):
        at = np.meshgrid(LATITUDE, LONGITUDE - 360.0, indexing="ij")
        values = at[0] + 0.01 * LONGITUDE
        npt.assert_allclose(means(*at, values, 1.0), values, rtol=1e-6)


def test_an_image_does_not_depend_on_the_strips_it_is_made_in(world, monkeypatch):
    whole = image(world.ocean, np.datetime64("2020-01-01"), 1, 5, 2.0)
    monkeypatch.setattr("adaf_xr.osse.published_layout.pathfinder.PIXELS", 1000)
    xr.testing.assert_identical(whole, image(world.ocean, np.datetime64("2020-01-01"), 1, 5, 2.0))


def test_the_catalog_lists_every_source_of_the_layout():
    assert {row["source"] for row in describe("adaf_ocean")} == {"background", "glorys", "mask", *SOURCES}
