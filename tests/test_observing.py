"""The observing system as a whole: oceans, laziness, purity, and the door that its datasets go through."""

import pickle
from dataclasses import dataclass
from functools import lru_cache

import dask
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import adaf_xr  # noqa: F401  registers the accessor
from adaf_xr.cf.canonical import SOURCES
from adaf_xr.osse import columns
from adaf_xr.osse.observing import CONSTELLATIONS, SYSTEMS, GriddedOcean, observe
from adaf_xr.osse.observing.ocean import KEPT

START, DAY = np.datetime64("2012-10-01", "ns"), np.timedelta64(1, "D")
SPAN = (START, START + 3 * DAY)

SLOPES = {  # value at 38 N, 60 W at START, per degree north, per degree east, per day
    "zos": (0.2, 0.05, -0.03, 0.01),
    "thetao": (18.0, -0.4, 0.1, 0.2),
    "so": (35.5, 0.05, 0.02, -0.01),
    "uo": (0.3, 0.02, 0.01, 0.02),
    "vo": (-0.1, 0.01, 0.03, 0.01),
    "heave": (20.0, 5.0, -3.0, 1.0),
    "uas": (6.0, 0.1, -0.2, 0.3),
    "vas": (-2.0, 0.2, 0.1, -0.1),
    "siconc": (0.1, 0.002, 0.001, 0.002),  # too little to hide the sea
    "thetao_mean": (18.0, 0.0, 0.0, 0.0),
    "so_mean": (35.5, 0.0, 0.0, 0.0),
}

MEASURES = {
    **dict.fromkeys([name for name in SYSTEMS if name.startswith("nadir") or name == "swot"], ("ssh", {"zos"}, set())),
    "sst": ("sst", {"thetao"}, {"thetao"}),
    "sss": ("sss", {"so"}, {"so"}),
    "wind": ("wind", {"uas", "vas"}, set()),
    "ice": ("ice", {"siconc"}, {"siconc"}),
    "argo": ("insitu", {"thetao", "so"}, {"thetao", "so"}),
    "drifters": ("insitu", {"thetao", "uo", "vo"}, {"thetao", "uo", "vo"}),
}
"""Source, variables and those of them that come with an error."""

COARSE = {"swot": {"posting": 10.0}, "sst": {"posting": 0.25}, "argo": {"spacing": 1.0}, "drifters": {"spacing": 1.0}}


def instrument(name):
    """An instrument, thinned so that tests are quick, and dense enough to see something in a small box."""
    return SYSTEMS[name].but(**COARSE.get(name, {}))


def truth(name, latitude, longitude, time):
    """The linear ocean, which bilinear sampling gives back exactly."""
    value, north, east, later = SLOPES[name]
    days = (np.asarray(time) - START) / DAY
    return value + north * (latitude - 38) + east * (longitude + 60) + later * days


def turned(longitude):
    """Longitudes in [-180, 180)."""
    return (longitude + 180) % 360 - 180


def nature_run(days=4, north=43.0, west=-65.0):
    """A nature run of linear fields on 0.5 degrees."""
    axes = {
        "time": START + np.arange(days) * DAY,
        "latitude": np.arange(33.25, north, 0.5),
        "longitude": np.arange(west + 0.25, -55, 0.5),
    }
    t, lat, lon = np.meshgrid(*axes.values(), indexing="ij")
    ds = xr.Dataset({name: (tuple(axes), truth(name, lat, lon, t)) for name in SLOPES}, coords=axes)
    static = {name: ds[name][0].drop_vars("time") for name in ("thetao_mean", "so_mean")}
    return ds.assign(static).assign_attrs(thermocline_depth=600.0, reduced_gravity=0.02)


@pytest.fixture(scope="module")
def ocean():
    return GriddedOcean(nature_run())


@pytest.fixture(scope="module")
def points(ocean):
    """Points of an instrument over three days: computed once, and not written to."""

    @lru_cache
    def found(name, noise=True, region=None):
        ds = observe(ocean, instrument(name), SPAN, seed=3, noise=noise, region=region)
        return ds.adaf.points().compute()

    return found


@given(
    st.floats(33.3, 42.7),
    st.floats(-64.7, -55.3),
    st.floats(0, 3),
    st.sampled_from([name for name in SLOPES if not name.endswith("mean")]),
)
@settings(max_examples=60, deadline=None)
def test_an_ocean_is_interpolated_in_space_and_time(ocean, latitude, longitude, days, name):
    time = START + np.timedelta64(round(days * 86400e9), "ns")
    where = np.array([latitude]), np.array([longitude % 360])
    found = ocean.at(name, *where, np.array([time]))
    np.testing.assert_allclose(found, truth(name, latitude, longitude, time), rtol=1e-9, atol=1e-9)


def test_an_ocean_is_missing_outside_its_grid_and_its_times(ocean):
    latitude, longitude = np.array([50.0, 38, 38, 38, 38]), np.array([-60.0, -80, -60, -60, -60])
    time = START + np.array([1.0, 1.0, -0.1, 3.0, 3.01]) * 86400_000 * np.timedelta64(1, "ms")
    assert np.isfinite(ocean.at("zos", latitude, longitude, time)).tolist() == [False, False, False, True, False]
    assert ocean.wet(latitude, longitude).tolist() == [False, False, True, True, True]
    assert ocean.extent == (-65, -55, 33, 43)


def test_an_ocean_at_depth_is_its_columns(ocean):
    rng = np.random.default_rng(0)
    where = (
        rng.uniform(34, 42, 50),
        rng.uniform(-64, -56, 50),
        START + rng.uniform(0, 3, 50) * 86400 * np.timedelta64(1_000_000_000, "ns"),
    )
    depth = rng.uniform(0, 2000, 50)
    for name, law in (("thetao", columns.temperature), ("so", columns.salinity)):
        surface, mean, heave = (truth(part, *where) for part in (name, f"{name}_mean", "heave"))
        np.testing.assert_allclose(ocean.at(name, *where, depth), law(depth, surface, mean, heave, 600.0))
        np.testing.assert_array_equal(ocean.at(name, *where, 0 * depth), ocean.at(name, *where))
    with pytest.raises(ValueError, match="knows 'zos' at its surface only"):
        ocean.at("zos", *where, depth)
    with pytest.raises(ValueError, match="has no 'chl', it has heave"):
        ocean.at("chl", *where)


def test_an_ocean_goes_round_the_globe_and_knows_its_land():
    axes = {"time": START + np.arange(2) * DAY, "latitude": np.arange(-79.5, 80), "longitude": np.arange(-179.5, 180)}
    wave = np.cos(np.radians(axes["longitude"])) * np.ones((2, 160, 1))
    wave[:, :, 200:220] = np.nan
    ocean = GriddedOcean(xr.Dataset({"zos": (tuple(axes), wave)}, coords=axes))
    longitude = np.array([179.99, -179.99, 180.0, 540.0])
    found = ocean.at("zos", np.zeros(4), longitude, START + np.zeros(4, int) * DAY)
    np.testing.assert_allclose(found, -1, atol=1e-3)
    assert ocean.wet(np.zeros(3), np.array([19.0, 25.0, 41.0])).tolist() == [True, False, True]
    track = observe(ocean, "nadir-reference", (START, START + DAY), seed=0)
    assert track.sizes["time"] > 60_000
    longitude = track.longitude.values
    assert not ((longitude > 20) & (longitude < 40)).any()
    assert track.adt_unfiltered.notnull().all()


@pytest.mark.filterwarnings("ignore:Consolidated metadata")
def test_an_ocean_keeps_a_few_fields_and_travels_as_a_path(tmp_path):
    nature_run(days=40)[["zos"]].chunk(time=1).to_zarr(tmp_path / "truth.zarr")
    ocean = GriddedOcean(tmp_path / "truth.zarr")
    ds = observe(ocean, "nadir-gfo", (START, START + 39 * DAY), seed=1)
    sent = pickle.dumps(ds.adt_unfiltered.data)
    assert len(sent) < 50_000
    np.testing.assert_array_equal(pickle.loads(sent).compute(scheduler="sync"), ds.adt_unfiltered)
    assert 0 < len(ocean._fields) <= KEPT
    again = pickle.loads(pickle.dumps(ocean))
    assert again.extent == ocean.extent
    assert not again._fields


def test_a_nature_run_that_is_none_is_refused():
    with pytest.raises(ValueError, match="no coordinate latitude, longitude"):
        GriddedOcean(xr.Dataset({"zos": ("time", [0.0])}, coords={"time": [START]}))
    with pytest.raises(ValueError, match="ascending: sort"):
        GriddedOcean(nature_run().isel(latitude=slice(None, None, -1)))
    for order in ([1, 0], [0, 0]):
        with pytest.raises(ValueError, match="times of an ocean ascend, each but once: sort"):
            GriddedOcean(nature_run().isel(time=order))


def test_an_ocean_lies_at_a_path_or_a_url(tmp_path, monkeypatch):
    nature_run(days=1).to_zarr(tmp_path / "truth.zarr", zarr_format=2)
    monkeypatch.chdir(tmp_path)
    near, remote = GriddedOcean("truth.zarr"), GriddedOcean(f"file://{tmp_path}/truth.zarr")
    monkeypatch.chdir("/")
    where = np.array([38.0]), np.array([-60.0]), np.array([START])
    assert [pickle.loads(pickle.dumps(o)).at("zos", *where) for o in (near, remote)] == [0.2, 0.2]


@pytest.mark.filterwarnings("ignore:Consolidated metadata")
def test_another_run_at_the_same_path_is_another_ocean(tmp_path):
    names = set()
    for seed in (1, 1, 2):
        nature_run(days=2)[["zos"]].assign_attrs(seed=seed).to_zarr(tmp_path / "truth.zarr", mode="w")
        names.add(observe(GriddedOcean(tmp_path / "truth.zarr"), "swot", SPAN, seed=0).adt_unfiltered.data.name)
    assert len(names) == 2


def test_reading_a_field_leaves_the_scheduler_of_others_alone():
    seen = []
    run = nature_run().chunk(time=1)
    run["zos"] = run.zos.copy(
        data=run.zos.data.map_blocks(lambda b: seen.append(dask.config.get("scheduler", "")) or b)
    )
    seen.clear()
    GriddedOcean(run).at("zos", np.array([38.0]), np.array([-60.0]), np.array([START]))
    assert seen == [""]


@pytest.mark.parametrize("name", SYSTEMS)
def test_observing_computes_nothing(name, nothing_computes):
    run = nature_run()
    lazy = run.chunk(time=1).assign(thetao_mean=run.thetao_mean, so_mean=run.so_mean)
    ds = observe(GriddedOcean(lazy), instrument(name), SPAN, seed=0)
    assert all(da.chunks is not None for da in ds.data_vars.values())
    assert ds.attrs["Conventions"].startswith("CF")


@pytest.mark.parametrize("name", SYSTEMS)
def test_without_noise_the_points_are_the_truth_and_come_through_the_door(name, points):
    source, variables, with_error = MEASURES[name]
    points = points(name, noise=False)
    assert points.attrs["source"] == source
    assert source in SOURCES
    assert set(points.data_vars) == variables | {f"{v}_error" for v in with_error}
    for variable in variables:
        good = points.isel(obs=np.isfinite(points[variable].values))
        assert good.sizes["obs"] > 10, variable
        # The outer half of the outer cells has the value of their centres.
        where = np.clip(good.latitude, 33.25, 42.75).values, np.clip(turned(good.longitude), -64.75, -55.25).values
        expected = truth(variable, *where, good.time.values)
        if name == "argo":
            surface, mean, heave = (
                truth(part, *where, good.time.values) for part in (variable, f"{variable}_mean", "heave")
            )
            law = {"thetao": columns.temperature, "so": columns.salinity}[variable]
            expected = law(good.depth.values, surface, mean, heave, 600.0)
        np.testing.assert_allclose(good[variable], expected, atol=2e-5 if name == "sst" else 3e-6, rtol=1e-6)
        if variable in with_error and name != "argo":
            assert (good[f"{variable}_error"] > 0).all()


@pytest.mark.parametrize("name", ["nadir-gfo", "swot", "sst", "wind", "argo"])
def test_what_is_written_to_netcdf_comes_back(name, ocean, points, tmp_path):
    ds = observe(ocean, instrument(name), SPAN, seed=3)
    ds.to_netcdf(tmp_path / "file.nc")
    with xr.open_dataset(tmp_path / "file.nc", chunks={}) as file:
        written, made = file.adaf.points().compute(), points(name)
    late = (written.time - made.time).values / np.timedelta64(1, "s")
    assert np.nanmax(np.abs(late)) < 0.01  # delays are single precision
    xr.testing.assert_equal(written.drop_vars("time"), made.drop_vars("time"))


def test_ice_hides_the_sea_from_satellites_alone():
    run = nature_run()
    half = GriddedOcean(run.assign(siconc=run.siconc + (run.latitude > 38.0)))
    for name in ("nadir-reference", "swot", "sst", "sss", "wind", "ice", "argo", "drifters"):
        points = observe(half, instrument(name), SPAN, seed=3, noise=False).adaf.points().compute()
        for variable in MEASURES[name][1]:
            latitude = points.latitude.values[np.isfinite(points[variable].values)]
            assert latitude.min() < 37.5
            assert (latitude.max() > 38.25) == (name in ("ice", "argo", "drifters")), name
    wind = observe(half, "wind", (START, START + DAY), seed=3).compute()
    covered = (wind.lat > 38.25) & (wind.lat < 43) & (wind.lon > 295) & (wind.lon < 305)
    assert (wind.wvc_quality_flag.values[covered.values] & 16384 > 0).all()


@pytest.mark.parametrize("name", SYSTEMS)
def test_noise_changes_the_values_and_not_the_places(name, points):
    exact, noisy = (points(name, noise=n) for n in (False, True))
    for axis in ("latitude", "longitude", "time"):
        np.testing.assert_array_equal(exact[axis], noisy[axis])
    assert not all(exact[v].identical(noisy[v]) for v in MEASURES[name][1])


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_reading_depends_on_seed_and_day_alone(name, ocean):
    def day(first, last, seed=5):
        ds = observe(ocean, instrument(name), (START + first * DAY, START + last * DAY), seed=seed)
        time = ds[next(c for c in ds.coords if np.issubdtype(ds[c].dtype, np.datetime64))]
        first_cell = time.values if time.ndim == 1 else time.values[:, 0]
        rows = first_cell >= START + DAY
        return ds.isel({time.dims[0]: rows}).compute()

    whole, alone = day(0, 3), day(1, 3)
    xr.testing.assert_identical(whole, alone)
    assert next(iter(whole.sizes.values())) > 0
    other = day(1, 3, seed=6)
    assert not any(other[v].identical(alone[v]) for v in ("adt_unfiltered", "TEMP", "ve", "ice_conc") if v in alone)


@given(
    st.sampled_from(["nadir-reference", "nadir-cryosat", "nadir-gfo"]),
    st.integers(0, 2),
    st.integers(1, 3),
    st.floats(-64, -58),
    st.floats(33.5, 40),
    st.integers(0, 99),
)
@settings(max_examples=25, deadline=None)
def test_a_region_is_a_cut_out_of_the_whole(ocean, name, first, length, west, south, seed):
    region = (west, west + 2.5, south, south + 2.5)
    span = (START + first * DAY, START + min(first + length, 3) * DAY)
    whole = observe(ocean, name, span, seed=seed).compute()
    part = observe(ocean, name, span, seed=seed, region=region).compute()
    inside = (whole.longitude >= west) & (whole.longitude <= west + 2.5)
    inside &= (whole.latitude >= south) & (whole.latitude <= south + 2.5)
    xr.testing.assert_identical(part, whole.isel(time=inside.values))
    assert ((part.time >= span[0]) & (part.time < span[1])).all()


@pytest.mark.parametrize("name", ["sst", "sss", "ice", "wind", "swot", "argo"])
def test_a_swath_of_a_region_is_a_cut_out_of_the_whole(points, name):
    whole, part = (points(name, region=r) for r in (None, (-62, -58, 36, 40)))
    longitude = turned(whole.longitude)
    inside = (longitude >= -62) & (longitude <= -58) & (whole.latitude >= 36) & (whole.latitude <= 40)
    (variable, *_) = MEASURES[name][1]

    def found(points):
        good = points.isel(obs=np.isfinite(points[variable].values))
        return np.sort(np.rec.fromarrays([good.time, good.latitude, good.longitude, good[variable]]))

    both = found(part), found(whole.isel(obs=inside.values))
    assert both[0].size > 20
    np.testing.assert_array_equal(*both)


@pytest.mark.parametrize("name", ["nadir-reference", "swot", "sst", "wind", "drifters"])
def test_longitudes_of_an_ocean_may_have_any_convention(points, name):
    run = nature_run()
    turned_run = GriddedOcean(run.assign_coords(longitude=run.longitude + 360))
    ds = observe(turned_run, instrument(name), SPAN, seed=3)
    found, expected = ds.adaf.points().compute(), points(name)
    np.testing.assert_allclose(turned(found.longitude), turned(expected.longitude), atol=1e-9)
    for variable in MEASURES[name][1]:
        np.testing.assert_allclose(found[variable], expected[variable], atol=1e-5)


def test_where_no_satellite_passes_there_is_an_empty_dataset():
    run = nature_run()
    polar = GriddedOcean(run.assign_coords(latitude=run.latitude + 40))
    for name in ("nadir-reference", "swot", "argo", "drifters"):
        ds = observe(polar, name, SPAN, seed=0, region=(-60, -59, 81, 82))
        assert 0 in ds.sizes.values()
        points = ds.adaf.points().compute()
        assert points.sizes["obs"] == 0
        assert MEASURES[name][1] <= set(points.data_vars)


def test_every_day_is_a_chunk_and_a_day_begun_is_observed_whole(ocean):
    ds = observe(ocean, "ice", ("2012-10-01T18:00", "2012-10-03T00:00:01"), seed=0)
    assert ds.chunksizes["time"] == (1, 1, 1)
    assert ds.time.dt.strftime("%d %H").values.tolist() == ["01 12", "02 12", "03 12"]


def test_cells_of_a_row_share_the_memory_of_their_time(ocean):
    time = observe(ocean, "wind", SPAN, seed=0).time
    assert time.dims == ("NUMROWS", "NUMCELLS")
    assert time.values.strides == (8, 0)


def test_without_clouds_every_pixel_is_seen(ocean):
    day = (START, START + DAY)
    assert (observe(ocean, instrument("sst").but(cover=0.0), day, seed=0).quality_level == 5).mean() > 0.99
    assert (observe(ocean, instrument("sst").but(cover=1.0), day, seed=0).quality_level == 0).all()


def test_constellations_name_instruments():
    assert all(name in SYSTEMS for names in CONSTELLATIONS.values() for name in names)
    assert len(CONSTELLATIONS["4-nadirs"]) == 4
    assert {MEASURES[name][0] for name in CONSTELLATIONS["adaf-ocean"]} == set(SOURCES)


def test_what_cannot_be_observed_is_said(ocean):
    with pytest.raises(ValueError, match="no instrument 'radar': give one of nadir-reference, "):
        observe(ocean, "radar", SPAN, seed=0)
    with pytest.raises(TypeError, match="integer"):
        observe(ocean, "sst", SPAN, seed=0.5)
    with pytest.raises(ValueError, match="is empty: give"):
        observe(ocean, "sst", SPAN[::-1], seed=0)
    with pytest.raises(
        ValueError, match=r"from 2002-10-01T00:00:00 to .* it runs from 2012-10-01T00:00:00 to 2012-10-04"
    ):
        observe(ocean, "sst", ("2002-10-01", "2002-10-05"), seed=0)
    with pytest.raises(ValueError, match="lies outside the ocean, which spans"):
        observe(ocean, "sst", SPAN, seed=0, region=(0, 10, 33, 43))
    with pytest.raises(ValueError, match="south below north"):
        observe(ocean, "sst", SPAN, seed=0, region=(-60, -59, 40, 35))
    with pytest.raises(ValueError, match=r"cycle=0\.5 days: a float profiles once a day at most"):
        SYSTEMS["argo"].but(cycle=0.5)
    for cover in (-0.1, 1.1, np.nan):
        with pytest.raises(ValueError, match="is no share of clouds: give 0"):
            SYSTEMS["sst"].but(cover=cover)
    bare = GriddedOcean(nature_run()[["zos"]])
    for name, missing in (("sst", "thetao"), ("argo", "so"), ("drifters", "uo"), ("ice", "siconc"), ("wind", "uas")):
        with pytest.raises(ValueError, match=rf"{name} observes .*has no .*{missing}.*it has zos"):
            observe(bare, name, SPAN, seed=0)


def test_a_mean_topography_makes_anomalies_of_heights(ocean):
    run = nature_run()
    known = GriddedOcean(run.assign(mdt=run.zos[0].drop_vars("time") * 0 + 0.25))
    for name, anomaly in (("nadir-gfo", "sla_unfiltered"), ("swot", "ssha_unfiltered")):
        apart, whole = (observe(o, instrument(name), SPAN, seed=1) for o in (known, ocean))
        assert set(apart.data_vars) == {anomaly, "mdt"}
        total = (apart[anomaly] + apart.mdt).values
        np.testing.assert_allclose(total, whole.adt_unfiltered.values, atol=1e-6)
        np.testing.assert_allclose(apart.adaf.points().zos, whole.adaf.points().zos, atol=1e-6)


def test_a_computed_day_reads_its_ocean_once(ocean):
    @dataclass(frozen=True)
    class Counting:
        asked: list

        names, extent, period, wet = ocean.names, ocean.extent, ocean.period, staticmethod(ocean.wet)

        def at(self, name, *where):
            self.asked.append(name)
            return ocean.at(name, *where)

    counting = Counting([])
    ds = observe(counting, instrument("wind"), (START, START + DAY), seed=0)
    assert counting.asked == []
    with dask.config.set(scheduler="sync"):
        ds.compute()
    assert counting.asked == ["siconc", "uas", "vas"]
