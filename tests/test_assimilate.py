"""Assimilation on labelled data: theorems that hold for every engine, with the engine whose answer is known."""

from dataclasses import dataclass, replace

import cftime
import cloudpickle
import dask
import numpy as np
import numpy.testing as npt
import pytest
import toy
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import adaf_xr
from adaf_xr.inference import targets
from adaf_xr.inference.notices import NoObservationsWarning, SkippedSourceWarning
from adaf_xr.models.base import Analysis

ENGINE = toy.MeanShift()
every_engine = pytest.mark.parametrize("engine", [ENGINE, "oi"], ids=["mean-shift", "oi"])
property_test = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def assimilate(obs, bg, **options):
    return adaf_xr.assimilate(obs, bg, **{"model": ENGINE, **options})


class TestTheResult:
    def test_the_known_shift_is_added_to_the_background_on_the_fine_grid(self):
        an = assimilate(toy.points(offset=0.1), toy.background()).compute()
        inner = an.zos.isel(latitude=slice(2, -2), longitude=slice(2, -2))
        npt.assert_allclose(inner - (0.01 * inner.latitude + 0.02 * inner.longitude), 0.1, atol=1e-6)
        npt.assert_allclose(an.zos_std, 1 / np.sqrt(201), rtol=1e-6)

    def test_the_fine_grid_nests_in_the_background_and_times_are_its_own(self):
        bg = toy.background()
        an = assimilate(toy.points(), bg)
        assert an.sizes == {"time": 3, "latitude": 32, "longitude": 40}
        npt.assert_array_equal(an.time, bg.time)
        npt.assert_allclose(an.latitude.coarsen(latitude=4).mean(), bg.latitude)

    def test_a_background_on_the_requested_grid_keeps_its_own_coordinates(self):
        bg = toy.background(spacing=0.25)
        shifted = bg.assign_coords(latitude=bg.latitude + 0.0371, longitude=bg.longitude - 0.0117)
        an = assimilate(toy.points(), shifted)
        for axis in ("latitude", "longitude"):
            npt.assert_array_equal(an[axis], shifted[axis])

    def test_a_background_that_knows_its_coast_keeps_it(self):
        bg = toy.background(spacing=0.25)
        bg["zos"] = bg.zos.where(bg.longitude > -36)
        an = assimilate(toy.points(), bg).compute()
        npt.assert_array_equal(an.zos.isnull(), bg.zos.isnull())

    def test_a_fraction_stays_a_fraction(self):
        bg = toy.background(names=("siconc",))
        bg["siconc"] = bg.siconc * 0 + 0.97
        obs = toy.points(names=("siconc",), source="ice")
        obs["siconc"] = obs.siconc * 0 + 1.0
        obs["siconc"][:100] = 1.6
        an = assimilate(obs, bg).compute()
        npt.assert_array_equal(an.siconc, np.float32(1.0))

    def test_a_region_is_the_piece_of_the_whole(self):
        obs, bg = toy.points(box=(-38, -32, 22, 26)), toy.background()
        whole, piece = assimilate(obs, bg), assimilate(obs, bg, region=(-36.0, -33.0, 22.0, 25.0))
        assert piece.sizes == {"time": 3, "latitude": 12, "longitude": 12}
        xr.testing.assert_allclose(piece, whole.sel(latitude=piece.latitude, longitude=piece.longitude))

    def test_points_as_a_target(self):
        where = xr.Dataset(coords={"latitude": ("station", [22.0, 25.5]), "longitude": ("station", [-35.0, -31.0])})
        an = assimilate(toy.points(), toy.background(), grid=where).compute()
        assert an.zos.dims == ("time", "station")
        npt.assert_allclose(an.zos[0], 0.01 * where.latitude + 0.02 * where.longitude + 0.1, atol=2e-6)

    def test_axes_as_a_target_are_used_exactly(self):
        grid = {"latitude": [21.3, 22.9, 23.1], "longitude": [-35.2, -33.0]}
        an = assimilate(toy.points(), toy.background(), grid=grid)
        npt.assert_array_equal(an.latitude, grid["latitude"])
        npt.assert_array_equal(an.longitude, grid["longitude"])

    def test_depth_levels_pass_through_to_the_result(self):
        bg = toy.background(depth=[0.5, 100.0, 1000.0])
        an = assimilate(toy.points(), bg).compute()
        assert an.thetao.dims == ("time", "depth", "latitude", "longitude")
        npt.assert_allclose(an.thetao.mean(["time", "latitude", "longitude"]), 15 - 0.01 * bg.depth, rtol=1e-5)

    def test_metadata_are_written_before_anything_computes(self, nothing_computes):
        bg = toy.background().assign_attrs(history="made by hand")
        an = assimilate(toy.lazy(toy.points(), 50), bg)
        assert an.zos.attrs["standard_name"] == "sea_surface_height_above_geoid"
        assert an.zos.attrs["ancillary_variables"] == "zos_std"
        assert an.zos_std.attrs["units"] == "m"
        first, second = an.attrs["history"].split("\n")
        assert first == "made by hand"
        assert "assimilate(ssh into zos; observations from 5 days before to 5 days after)" in second
        assert an.attrs["adaf_model"] == "mean-shift"

    def test_an_engine_without_standard_errors_gives_none_and_promises_none(self):
        class Bare(toy.MeanShift):
            def analyse(self, encoded, background, targets):
                return Analysis(super().analyse(encoded, background, targets).mean)

        bg = toy.background(names=("zos", "siconc"), depth=[0.5, 50.0])
        spec = replace(toy.SPEC, variables=("zos",), adds=("uo",), gives_std=False)
        with pytest.raises(ValueError, match="promised 'uo'"):
            assimilate(toy.points(), bg, model=Bare(spec=spec)).compute()
        bare = assimilate(toy.points(), bg, model=Bare(spec=replace(spec, adds=())))
        full = assimilate(toy.points(), bg, model=toy.MeanShift(spec=replace(spec, adds=(), gives_std=True)))
        assert set(bare.data_vars) == set(full.data_vars) - {"zos_std"} != set(full.data_vars)
        assert not any("ancillary_variables" in bare[name].attrs for name in bare.data_vars)
        xr.testing.assert_identical(
            *(ds.drop_vars("zos_std", errors="ignore").drop_attrs().compute() for ds in (bare, full))
        )

    def test_the_input_is_left_as_it_was(self):
        obs, bg = toy.points(), toy.background()
        before = obs.copy(deep=True), bg.copy(deep=True)
        assimilate(obs, bg).compute()
        xr.testing.assert_identical(obs, before[0])
        xr.testing.assert_identical(bg, before[1])


class TestTheorems:
    @every_engine
    @property_test
    @given(st.randoms(use_true_random=False), st.integers(1, 80), st.booleans())
    def test_neither_order_nor_chunking_of_observations_matters(self, engine, random, chunk, time_in_memory):
        obs, bg = toy.points(90), toy.background()
        obs["zos"] = obs.zos + np.sin(7 * obs.longitude) / 10
        order = random.sample(range(90), 90)
        same = toy.lazy(obs.isel(obs=order), chunk, time_in_memory)
        expected = assimilate(obs, bg, model=engine).compute()
        xr.testing.assert_allclose(assimilate(same, bg, model=engine).compute(), expected, rtol=1e-6, atol=1e-7)

    @every_engine
    @property_test
    @given(st.integers(1, 2000))
    def test_the_chunking_of_the_output_does_not_matter(self, engine, cells):
        obs, bg = toy.points(), toy.background(depth=[0.5, 50.0])
        obs["zos"] = obs.zos + np.sin(7 * obs.longitude) / 10
        whole = assimilate(obs, bg, model=engine).compute()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(targets, "CELLS_PER_CHUNK", cells)
            cut = assimilate(obs, bg, model=engine)
            assert cut.zos.chunks[1][0] == max(1, min(32, cells // 40))
            xr.testing.assert_allclose(cut.compute(), whole, rtol=1e-6, atol=1e-7)

    @every_engine
    @property_test
    @given(st.booleans(), st.sampled_from([0.0, 360.0]), st.sampled_from([0.0, 360.0]))
    def test_latitude_order_and_longitude_convention_are_kept_and_change_nothing(
        self, engine, descending, bg_turn, obs_turn
    ):
        obs, bg = toy.points(), toy.background()
        obs["zos"] = obs.zos + np.sin(7 * obs.longitude) / 10
        straight = assimilate(obs, bg, model=engine).compute()
        turned_obs = obs.assign_coords(longitude=obs.longitude + obs_turn)
        turned_bg = bg.assign_coords(longitude=bg.longitude + bg_turn)
        if descending:
            turned_bg = turned_bg.isel(latitude=slice(None, None, -1))
        an = assimilate(turned_obs, turned_bg, model=engine).compute()
        npt.assert_allclose(an.longitude, straight.longitude + bg_turn)
        assert (an.latitude[0] > an.latitude[-1]) == descending
        back = an.assign_coords(longitude=straight.longitude).sortby("latitude")
        xr.testing.assert_allclose(back, straight, rtol=1e-6, atol=1e-7)

    @property_test
    @given(st.lists(st.sampled_from(["insitu", "sst", "ssh"]), unique=True), st.integers(0, 3))
    def test_sources_may_be_missing_or_empty(self, names, n):
        tree = xr.DataTree.from_dict({f"/{name}": toy.points(n, source=name) for name in names})
        bg = toy.background(1)
        with pytest.warns(NoObservationsWarning) if not (names and n) else _quiet():
            an = assimilate(tree, bg, window="10D").compute()
        npt.assert_allclose(an.zos_std, 1 / np.sqrt(1 + n * len(names)), rtol=1e-6)

    def test_one_point_pulls_the_analysis_towards_itself_and_less_with_distance(self):
        one, bg = toy.points(1, offset=0.1), toy.background(1)
        an = assimilate(one, bg, model="oi").compute()
        assert 0 < adaf_xr.innovations(one, an).zos.item() < 0.05
        with pytest.warns(NoObservationsWarning):
            pull = an.zos - assimilate([], bg, model="oi").zos.compute()
        distance = np.hypot(an.latitude - one.latitude.item(), an.longitude - one.longitude.item())
        rings = [pull.where((distance >= r) & (distance < r + 1)).max().item() for r in (0, 2, 4, 6)]
        assert 0.1 >= rings[0] > 2 * rings[1] > 0
        assert rings == sorted(rings, reverse=True)

    def test_slicing_before_is_slicing_after(self):
        obs, bg = toy.points(days=30), toy.background(30)
        window = ("1D", "1D")
        before = assimilate(obs, bg.isel(time=slice(5, 7)), window=window)
        after = assimilate(obs, bg, window=window).isel(time=slice(5, 7))
        xr.testing.assert_identical(before.compute(), after.compute())

    def test_the_window_is_half_open_and_splits_where_it_says(self):
        obs, bg = toy.points(4), toy.background(1)
        noon = bg.time.values[0]
        hour = np.timedelta64(1, "h")
        obs = obs.assign_coords(time=("obs", [noon - 2 * hour, noon - hour, noon, noon + 2 * hour]))
        counts = {
            ("2h", "2h"): 3,
            ("1h", "2h"): 2,
            ("2h", "3h"): 4,
            "2h": 2,
        }
        for window, n in counts.items():
            an = assimilate(obs, bg, window=window).compute()
            npt.assert_allclose(an.zos_std, 1 / np.sqrt(1 + n), rtol=1e-6)


class TestLaziness:
    def test_building_computes_nothing(self, nothing_computes):
        obs = toy.lazy(toy.points(), 50)
        an = assimilate(xr.DataTree.from_dict({"/ssh": obs}), toy.background())
        assert all(dask.is_dask_collection(v.data) for v in an.data_vars.values())
        assert an.zos.chunks == ((1, 1, 1), (32,), (40,))

    def test_the_graph_of_a_year_is_small_and_blind_to_the_number_of_observations(self):
        bg = toy.background(365)
        sizes = []
        for n in (1_000, 100_000):
            obs = toy.lazy(toy.points(n, days=365), n // 10)
            own = len(cloudpickle.dumps([v.__dask_graph__() for v in (*obs.coords.values(), obs.zos)]))
            own += len(cloudpickle.dumps(bg.__dask_graph__()))
            sizes.append(len(cloudpickle.dumps(assimilate(obs, bg).__dask_graph__())) - own)
        assert max(sizes) < 1e6
        assert abs(sizes[1] - sizes[0]) < 2e4

    def test_the_same_call_has_the_same_keys(self):
        obs, bg = toy.lazy(toy.points(), 50), toy.background()
        assert assimilate(obs, bg).zos.data.name == assimilate(obs, bg).zos.data.name
        assert assimilate(obs, bg).zos.data.name != assimilate(obs, bg, window="4D").zos.data.name

    def test_chunks_with_known_times_are_paired_with_near_analyses_only(self):
        obs = toy.points(400, days=40).sortby("time")
        bg = toy.background(40)
        near = assimilate(toy.lazy(obs, 10, time_in_memory=True), bg, window="2D")
        layer = next(v for k, v in near.__dask_graph__().layers.items() if k.startswith("adaf-encoded"))
        assert max(len(pairs) for pairs in layer.pairs) <= 4
        xr.testing.assert_allclose(near.compute(), assimilate(obs, bg, window="2D").compute(), rtol=1e-6)


class TestTimes:
    def test_a_partial_date_means_the_times_of_that_day(self):
        an = assimilate(toy.points(), toy.background(), time="2020-01-02")
        npt.assert_array_equal(an.time, [np.datetime64("2020-01-02T12:00", "ns")])

    def test_between_its_times_the_background_is_linear(self):
        bg = toy.background(2)
        bg["zos"] = bg.zos + xr.DataArray([0.0, 0.4], dims="time").astype("f4").chunk(time=1)
        an = assimilate(toy.points(0), bg, time=["2020-01-01T18:00"])
        with pytest.warns(NoObservationsWarning):
            got = an.zos.compute()
        flat = assimilate(toy.points(0), toy.background(1))
        with pytest.warns(NoObservationsWarning):
            npt.assert_allclose(got[0] - flat.zos[0].compute(), 0.1, atol=1e-6)

    def test_outside_its_times_is_an_error(self):
        with pytest.raises(ValueError, match="lie outside the background's"):
            assimilate(toy.points(), toy.background(), time="2021-06-01T00:00")

    def test_a_background_without_time_needs_one(self):
        bg = toy.background(1).isel(time=0, drop=True)
        with pytest.raises(ValueError, match=r"give time=\.\.\."):
            assimilate(toy.points(), bg)
        an = assimilate(toy.points(), bg, time="2020-01-01T12:00")
        xr.testing.assert_allclose(an.compute(), assimilate(toy.points(), toy.background(1)).compute())

    def test_a_scalar_time_is_a_time(self):
        bg = toy.background(1)
        xr.testing.assert_allclose(
            assimilate(toy.points(), bg.isel(time=0)).compute(), assimilate(toy.points(), bg).compute()
        )

    @pytest.mark.parametrize(
        "time",
        [
            "2020-01-02T12:00Z",
            "2020-01-02T13:00+01:00",
            np.datetime64("2020-01-02T12:00"),
            ["2020-01-02T12"],
            slice("2020-01-02", "2020-01-02"),
            xr.DataArray(np.array(["2020-01-02T12:00"], "datetime64[s]"), dims="time"),
            cftime.DatetimeGregorian(2020, 1, 2, 12),
        ],
    )
    def test_every_way_to_write_a_time_is_understood(self, time):
        an = assimilate(toy.points(), toy.background(), time=time)
        npt.assert_array_equal(an.time, [np.datetime64("2020-01-02T12:00", "ns")])

    def test_times_of_unlike_precision_stand_in_one_list(self):
        an = assimilate(toy.points(), toy.background(), time=["2020-01-01T12", "2020-01-02"])
        npt.assert_array_equal(an.time, np.array(["2020-01-01T12", "2020-01-02"], "datetime64[ns]"))


class TestKeys:
    """Two results computed together must not become one because their keys forget what makes them differ."""

    def both(self, first, second):
        together = dask.compute(first, second)
        for one, alone in zip(together, (first, second), strict=True):
            xr.testing.assert_identical(one, alone.compute())
        assert not together[0].equals(together[1])

    def test_axes_of_the_background(self):
        bg = toy.background(1, depth=[0.5, 100.0])
        grid = {"latitude": np.arange(22.0, 26), "longitude": np.arange(-37.0, -33)}
        for other in (
            bg.assign_coords(longitude=bg.longitude + 0.7),
            bg.assign_coords(latitude=bg.latitude - 0.7),
            bg.assign_coords(depth=[0.5, 1000.0]),
        ):
            obs = toy.points(names=("zos", "thetao"))
            self.both(assimilate(obs, bg, grid=grid, model="oi"), assimilate(obs, other, grid=grid, model="oi"))

    def test_mean_dynamic_topographies(self):
        sla = toy.lazy(toy.points().rename(zos="sla"), 50)
        lat, lon = np.linspace(0, 50, 51), np.linspace(-60, 0, 61)
        mdt = xr.DataArray(lat[:, None] + lon, {"latitude": lat, "longitude": lon}, ("latitude", "longitude"), "mdt")
        moved = mdt.assign_coords(longitude=lon + 1)
        bg = toy.background(1)
        self.both(assimilate(sla, bg, mdt=mdt), assimilate(sla, bg, mdt=moved))

    def test_departures(self):
        points, field = toy.lazy(toy.points(), 50), toy.background()
        moved = field.assign_coords(longitude=field.longitude + 0.3)
        self.both(adaf_xr.innovations(points, field), adaf_xr.innovations(points, moved))


class TestTopography:
    def sla(self):
        return toy.points(offset=0.1).rename(zos="sla").assign(sla=lambda ds: ds.sla - 0.3)

    def test_anomalies_meet_absolute_heights_through_a_mean_dynamic_topography_on_any_grid(self):
        mdt = xr.DataArray(
            np.full((20, 30), 0.3),
            {"latitude": np.linspace(0, 50, 20), "longitude": np.linspace(300, 350, 30)},
            ("latitude", "longitude"),
            "mdt",
            {"units": "m"},
        )
        expected = assimilate(toy.points(offset=0.1), toy.background()).compute()
        for given_mdt in (mdt, mdt.to_dataset(), mdt.chunk()):
            an = assimilate(self.sla(), toy.background(), mdt=given_mdt)
            xr.testing.assert_allclose(an.compute(), expected, rtol=1e-6)
        lazy = assimilate(toy.lazy(self.sla(), 30), toy.background(), mdt=mdt)
        xr.testing.assert_allclose(lazy.compute(), expected, rtol=1e-6)

    def test_one_map_is_wanted(self):
        maps = xr.DataArray(np.zeros((2, 3, 3)), {"lat": [20, 30, 40], "lon": [-50, -40, -30]}, ("time", "lat", "lon"))
        with pytest.raises(ValueError, match=r"time"):
            assimilate(self.sla(), toy.background(), mdt=maps)
        with pytest.raises(TypeError, match="open it with"):
            assimilate(self.sla(), toy.background(), mdt="mdt.nc")

    def test_without_one_the_error_names_it(self):
        tree = xr.DataTree.from_dict({"/ssh": self.sla()})
        with pytest.raises(
            ValueError, match=r"^ssh: the observations are sea level anomalies.*mdt=\.\.\., on any grid$"
        ):
            assimilate(tree, toy.background())


class TestFailing:
    def test_no_observation_gives_the_background_and_says_why_by_source(self):
        far = toy.points(box=(100, 110, 40, 45), source="sst")
        late = toy.points(source="ssh").assign_coords(time=toy.points().time + np.timedelta64(900, "D"))
        missing = toy.points(source="insitu")
        missing["zos"] = missing.zos * np.nan
        tree = xr.DataTree.from_dict({"/sst": far, "/ssh": late, "/insitu": missing})
        with pytest.warns(NoObservationsWarning) as caught:
            an = assimilate(tree, toy.background(1)).compute()
        message = str(caught[0].message)
        assert "sst: 200 values in the time window, none in the region" in message
        assert "ssh:" in message
        assert "insitu: no valid value" in message
        npt.assert_allclose(an.zos_std, 1.0)

    def test_observations_of_other_variables_only_give_the_background_too(self):
        with pytest.warns(NoObservationsWarning, match=r"ssh: it has so, the background zos"):
            assimilate(toy.points(names=("so",)), toy.background(1)).compute()

    @pytest.mark.parametrize(
        ("options", "error", "message"),
        [
            ({"model": "oy"}, ValueError, "did you mean 'oi'"),
            ({"model": object()}, TypeError, "lacks .'spec', 'encode', 'analyse'."),
            ({"device": "cuda"}, ValueError, "runs on the CPU only"),
            ({"window": "-3D"}, ValueError, "must be positive"),
            ({"window": ("1D",)}, ValueError, "a pair"),
            ({"window": 5}, ValueError, "a number without a unit.*such as '5D'"),
            ({"window": "5"}, ValueError, "a number without a unit"),
            ({"window": np.timedelta64("NaT")}, ValueError, "it is missing"),
            ({"window": "1000000D"}, ValueError, "no span of time"),
            ({"time": []}, ValueError, "empty list"),
            ({"time": 5}, ValueError, "a number has no date"),
            ({"time": "yesterday?"}, ValueError, "is no date"),
            ({"time": np.datetime64("NaT")}, ValueError, "missing"),
            ({"time": slice("2031", "2032")}, ValueError, "no time in"),
            ({"grid": {"latitude": [], "longitude": []}}, ValueError, "not empty"),
            ({"grid": {"latitude": [np.nan, 1], "longitude": [0, 1]}}, ValueError, "without missing values"),
            ({"grid": {"latitude": [60, 61], "longitude": [0, 1]}}, ValueError, "they must overlap"),
            ({"region": (1, 2, 3)}, ValueError, "is not .west, east, south, north."),
            ({"region": (1, 2, 5, 3)}, ValueError, "south below north"),
            ({"grid": "fine"}, TypeError, "neither a spacing in degrees"),
            ({"grid": {"latitude": [1.0]}}, ValueError, "has no 'longitude'"),
        ],
    )
    def test_impossible_arguments_say_what_is_possible(self, options, error, message):
        with pytest.raises(error, match=message):
            assimilate(toy.points(), toy.background(), **options)

    def test_a_curvilinear_background_is_refused_with_a_way_out(self):
        y, x = np.mgrid[20:28, -40:-30]
        bg = xr.Dataset(
            {"zos": (("y", "x"), np.zeros((8, 10)), {"units": "m"})},
            {
                "nav_lat": (("y", "x"), y + 0.1 * x),
                "nav_lon": (("y", "x"), x - 0.1 * y),
                "time": np.datetime64("2020-01-01", "ns"),
            },
        )
        with pytest.raises(ValueError, match=r"curvilinear grid.*regrid"):
            assimilate(toy.points(), bg)

    def test_something_else_than_datasets_is_refused(self):
        for background in ("bg.nc", None, xr.DataTree()):
            with pytest.raises(TypeError, match="must be a Dataset or DataArray"):
                assimilate(toy.points(), background)
        with pytest.raises(ValueError, match=r"on_error='ignore' does not exist"):
            assimilate(toy.points(), toy.background(), on_error="ignore")
        with pytest.raises(TypeError, match="open files with"):
            assimilate("sst.nc", toy.background())

    @pytest.mark.parametrize("variable", ["zos", "longitude"])
    def test_impossible_values_handed_in_as_points_count_for_nothing(self, variable):
        obs = toy.points(10)
        obs[variable] = obs[variable].copy(data=np.where(np.arange(10) < 3, np.inf, obs[variable]))
        an = assimilate(obs, toy.background(1)).compute()
        npt.assert_allclose(an.zos_std, 1 / np.sqrt(8), rtol=1e-6)

    def test_a_kind_of_observation_that_the_engine_does_not_use_is_not_given_to_it(self):
        with pytest.warns(NoObservationsWarning, match="wind: the engine does not use this kind"):
            assimilate(toy.points(source="wind"), toy.background(1)).compute()

    def test_a_file_that_cannot_be_read_is_named_or_skipped(self):
        def fail(*args, **kwargs):
            raise RuntimeError("NetCDF: HDF error")

        obs = xr.Dataset({"zos": ("time", [0.1], {"units": "m"})}, {"time": [toy.background(1).time.values[0]]})
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("adaf_xr.inference.observations.to_points", fail)
            tree = xr.DataTree.from_dict({"/ssh": obs})
            with pytest.raises(ValueError, match=r"ssh cannot be read, RuntimeError: NetCDF: HDF error. Download"):
                assimilate(tree, toy.background(1))
            with pytest.warns(SkippedSourceWarning, match="skipped ssh"):
                assimilate(tree, toy.background(1), on_error="skip")

    def test_engines_that_break_their_promise_are_named(self):
        @dataclass(frozen=True)
        class Half(toy.MeanShift):
            def analyse(self, encoded, background, targets):
                whole = super().analyse(encoded, background, targets)
                return Analysis(self.change(whole.mean), {})

            def change(self, mean):
                return mean

        class Flat(Half):
            def change(self, mean):
                return {name: m[0] for name, m in mean.items()}

        without = assimilate(toy.points(), toy.background(1), model=Half()).compute()
        npt.assert_array_equal(without.zos_std, np.nan)
        assert np.isfinite(without.zos).all()
        with pytest.raises(ValueError, match=r"'mean-shift' gave 'zos' with mean .40,.*want .32, 40."):
            assimilate(toy.points(), toy.background(1), model=Flat()).compute()
        odd = toy.MeanShift(spec=replace(toy.SPEC, adds=("chl",)))
        with pytest.raises(ValueError, match=r"the spec of 'mean-shift' names .'chl'."):
            assimilate(toy.points(), toy.background(1), model=odd)
        with pytest.raises(TypeError, match="must be a ModelSpec"):
            assimilate(toy.points(), toy.background(1), model=toy.MeanShift(spec=None))
        with pytest.raises(TypeError, match=r"is a class: pass an instance of it, MeanShift"):
            assimilate(toy.points(), toy.background(1), model=toy.MeanShift)

    def test_a_bad_source_is_named_or_skipped(self):
        bad = xr.Dataset({"bathymetry": (("lat", "lon"), np.zeros((2, 2)))}, {"lat": [0.0, 1.0], "lon": [0.0, 1.0]})
        tree = xr.DataTree.from_dict({"/ssh": toy.points(), "/sst": bad})
        with pytest.raises(ValueError, match=r"^sst: "):
            assimilate(tree, toy.background())
        with pytest.warns(SkippedSourceWarning, match="skipped sst, all of it is lost"):
            an = assimilate(tree, toy.background(), on_error="skip")
        xr.testing.assert_allclose(an.compute(), assimilate(toy.points(), toy.background()).compute())

    def test_a_chunk_that_cannot_be_read_is_counted_and_skipped(self):
        obs = toy.lazy(toy.points(), 50, time_in_memory=True)

        def read(block, block_info=None):
            if block_info[None]["chunk-location"] == (1,):
                raise OSError("NetCDF: HDF error")
            return block

        broken = obs.assign(zos=("obs", obs.zos.data.map_blocks(read, dtype="f8")))
        with pytest.raises(OSError, match="HDF error"):
            assimilate(broken, toy.background(1)).compute()
        with pytest.warns(SkippedSourceWarning, match="skipped a chunk of ssh, 50 rows are lost: OSError: NetCDF"):
            an = assimilate(broken, toy.background(1), on_error="skip").compute()
        npt.assert_allclose(an.zos_std, 1 / np.sqrt(151), rtol=1e-6)


def test_large_input_in_memory_draws_a_warning(monkeypatch):
    monkeypatch.setattr("adaf_xr.inference.notices.LARGE", 500)
    with pytest.warns(UserWarning, match="observations .ssh. are in memory"):
        assimilate(toy.points(), toy.background())
    with pytest.warns(UserWarning, match="background are in memory"):
        assimilate(toy.lazy(toy.points(), 50), toy.background().compute())


def test_the_accessor_is_the_function():
    obs, bg = toy.points(), toy.background()
    xr.testing.assert_identical(obs.adaf.assimilate(bg, model=ENGINE), assimilate(obs, bg))
    tree = xr.DataTree.from_dict({"/ssh": obs})
    xr.testing.assert_identical(tree.adaf.assimilate(bg, model=ENGINE), assimilate(tree, bg))


class _quiet:
    def __enter__(self):
        return self

    def __exit__(self, *error):
        return False
