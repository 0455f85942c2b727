"""The global nature run: no seam, honest coasts, balance, ice where it is cold, and the same sea from the same seed."""

import numpy as np
import numpy.testing as npt
import pytest
import torch
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from adaf_xr import fields, kinematics, ocean_mask
from adaf_xr.cf.canonical import VARIABLES
from adaf_xr.osse import bands, columns, draping, weather
from adaf_xr.osse.global_run import GlobalRun
from adaf_xr.osse.mean_state import KINDS, mean_state
from adaf_xr.osse.upper_ocean import CONTRACTION, EXPANSION

TIME = np.datetime64("2012-10-01", "ns")
STATE = ("zos", "thetao", "so", "uo", "vo", "heave", "siconc", "uas", "vas")


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Small transforms on many threads wait for each other more than they compute."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def run():
    return GlobalRun(seed=3, days=4, spacing=1.0, spin_up=20)


@pytest.fixture(scope="module")
def sea(run):
    return run.run()


@pytest.fixture(scope="module")
def eddies():
    """Grown eddies of the whole globe, without land: many draws of a few days apart."""
    globe = bands.Bands(2.0)
    q, found = globe.begin(seed=1), []
    for day in range(300):
        q = globe.advance(q)
        if day >= 100 and day % 10 == 0:
            found.append(globe.fields(q))
    return globe, q, np.moveaxis(np.array(found), 1, 0)


def test_it_keeps_the_contract_of_nature_runs(run, sea):
    assert dict(sea.sizes) == {"time": 4, "latitude": 180, "longitude": 360}
    assert set(sea.data_vars) == {*STATE, "thetao_mean", "so_mean"}
    assert sea.longitude[0] == -179.5 and sea.latitude[0] == -89.5
    npt.assert_array_equal(sea.time, run.start.astype("M8[ns]") + np.arange(4) * np.timedelta64(1, "D"))
    for name in STATE:
        assert sea[name].dims == ("time", "latitude", "longitude")
        assert sea[name].dtype == "f4"
        assert sea[name].attrs["units"] == ("m" if name == "heave" else VARIABLES[name].units)
    for key in ("seed", "reduced_gravity", "thermocline_depth", "title", "source", "Conventions"):
        assert key in sea.attrs
    assert "DUACS" in sea.attrs["source"] and "OISST" in sea.attrs["source"], "credit where it is due"
    xr.testing.assert_equal(fields.canonical(sea), sea[[name for name in VARIABLES if name in sea]])


def test_land_is_missing_and_nothing_else_is(sea):
    wet = ocean_mask.sea(sea.latitude, sea.longitude)
    for name in (*STATE[:-2], "thetao_mean", "so_mean"):
        npt.assert_array_equal(np.isfinite(sea[name]), np.broadcast_to(wet, sea[name].shape))
    assert np.isfinite(sea.uas).all() and np.isfinite(sea.vas).all()


def test_values_are_those_of_an_ocean(sea):
    for name in VARIABLES.keys() & sea.data_vars:
        low, high = VARIABLES[name].limits
        assert low <= sea[name].min() and sea[name].max() <= high
    speed = np.hypot(sea.uo, sea.vo)
    assert 0.05 < float(speed.median()) < 0.25, "drifters: 0.1 to 0.2 m/s in most of the ocean"
    assert float(speed.max()) < 3.0
    assert float(np.abs(sea.heave).max()) < 600.0


def test_the_same_seed_is_the_same_sea_and_another_another(run, sea):
    again = GlobalRun(seed=3, days=2, spacing=1.0, spin_up=20).run()
    xr.testing.assert_identical(again, sea.isel(time=slice(2)))
    other = next(GlobalRun(seed=4, days=1, spacing=1.0, spin_up=20).snapshots())
    wet = sea.zos[0].notnull()
    calm = mean_state("observed", *run.axes()).zos
    anomaly, different = ((ds.zos[0] - calm).values[wet] for ds in (sea, other))
    assert abs(np.corrcoef(anomaly, different)[0, 1]) < 0.1


@given(st.integers(1, 179))
@settings(max_examples=8, deadline=None)
def test_turning_the_globe_turns_the_eddies(turn):
    # The theorem behind "no seam": no longitude is special to the dynamics or the blending.
    globe = bands.Bands(2.0)
    q = globe.begin(seed=2)
    waves = torch.arange(q.shape[-1])
    turned = q * torch.exp(-2j * torch.pi * waves * turn / globe.columns).to(q.dtype)
    for _ in range(3):
        q, turned = globe.advance(q), globe.advance(turned)
    for field, other in zip(globe.fields(q), globe.fields(turned), strict=True):
        npt.assert_allclose(other, np.roll(field, turn, axis=1), atol=2e-3 * field.std())


def test_the_step_across_the_date_line_is_a_step_like_any_other(eddies):
    for field in eddies[2]:
        steps = np.sqrt(np.mean((np.roll(field, -1, axis=-1) - field) ** 2, axis=(0, 1)))
        assert steps[:-1].min() < steps[-1] < steps[:-1].max()


def test_the_surface_has_no_seam(sea):
    for name in ("zos", "thetao", "so", "heave", "uas"):
        wide = sea[name].where(np.abs(sea.latitude) < 70)
        steps = np.abs(wide - wide.roll(longitude=1)).mean(["time", "latitude"])
        assert float(steps[0]) < 1.5 * float(steps.median())


@given(st.sampled_from([0.25, 0.5, 1.0, 1.5, 2.0, 3.0]))
def test_squares_of_the_weights_sum_to_one(spacing):
    weights = bands.blending(spacing)
    latitude = (np.arange(weights.shape[1]) + 0.5) * spacing - 90.0
    total = np.square(weights).sum(axis=0)
    npt.assert_allclose(total[np.abs(latitude) < 75.0], 1.0, atol=1e-12)
    assert np.all(np.diff(total[latitude > 75.0]) <= 1e-12) and total[-1] < 0.1
    assert np.all((weights > 0).sum(axis=0) <= 2)


def test_blending_keeps_variance():
    globe, random = bands.Bands(2.0), np.random.default_rng(0)
    draws = [globe.blended(random.standard_normal((8, globe.rows, globe.columns))) for _ in range(60)]
    variance = np.square(draws).mean(axis=(0, 2))
    inside = np.abs((np.arange(90) + 0.5) * 2.0 - 90.0) < 75.0
    # 10 800 independent values a row: a standard error of 0.014.
    npt.assert_allclose(variance[inside], 1.0, atol=0.07)


def test_eddies_have_unit_variance(eddies):
    inside = np.abs((np.arange(90) + 0.5) * 2.0 - 90.0) < 75.0
    surface, deep, displaced, _ = eddies[2][:, :, inside]
    assert np.square(surface).mean() == pytest.approx(1.0, abs=0.05)
    assert np.square(displaced).mean() == pytest.approx(1.0, abs=0.05)
    assert 0.02 < np.square(deep).mean() < 0.8, "surface-intensified"


def test_water_comes_from_where_the_height_says_it_flows_from():
    # No water of the upper layer is out of place yet: what is, a little later, has gone with the flow, v = g/f dh/dx.
    globe = bands.Bands(2.0)
    q = globe.begin(seed=5)
    q[:, 0] = 0.0
    surface, _, displaced, _ = globe.fields(globe.flow.advance(q, 3600.0, steps=1))
    latitude = (np.arange(90) + 0.5) * 2.0 - 90.0
    northward = np.sign(latitude)[:, None] * (np.roll(surface, -1, axis=1) - np.roll(surface, 1, axis=1))
    for band in ((-74, -31), (-29, -4), (4, 29), (31, 74)):
        rows = (latitude > band[0]) & (latitude < band[1])
        assert np.corrcoef(displaced[rows].ravel(), northward[rows].ravel())[0, 1] > 0.8


def test_long_runs_are_stable(eddies):
    globe, q, _ = eddies
    speed = globe.flow.speed(q).numpy()
    assert np.all((speed > 0.02) & (speed < 1.0))


def test_the_height_has_the_local_amplitude(run, sea):
    state = mean_state("observed", *run.axes())
    drape = draping.Drape(*run.axes(), mean="observed", seed=0, reduced_gravity=0.02)
    offshore = drape.wet & (drape.amplitude > 0.01) & (np.abs(drape.latitude) < 70.0)[:, None]
    ratio = (sea.zos.values - state.zos)[:, offshore] / drape.amplitude[offshore]
    assert np.mean(ratio**2) == pytest.approx(1.0, abs=0.1)
    assert drape.amplitude[~drape.wet].max() < 0.5 * drape.amplitude.max()


def test_currents_are_geostrophic_but_for_wind_and_fronts(sea):
    height = sea.zos.values.astype("f8")
    u, v = kinematics.geostrophic(height, sea.latitude.values, 1.0, 1.0, periodic=True)
    off = (np.abs(sea.latitude.values) > 12.0)[None, :, None] & np.isfinite(u) & np.isfinite(v)
    rest = np.hypot(sea.uo - u, sea.vo - v).values[off]
    assert np.sqrt(np.mean(rest**2)) < 0.12, "Ekman drift: a percent of the wind"
    assert rest.max() < 0.4
    # The drift turns to the right of the wind in the north, to the left in the south.
    turn = ((sea.vo - v) * sea.uas - (sea.uo - u) * sea.vas).values
    north = np.broadcast_to((sea.latitude.values > 0)[None, :, None], off.shape)
    assert np.mean(turn[off & north] < 0) > 0.8 and np.mean(turn[off & ~north] > 0) > 0.8


def test_coasts_make_no_wild_currents(sea):
    wet = ocean_mask.sea(sea.latitude, sea.longitude)
    inner = wet & np.roll(wet, 1, 1) & np.roll(wet, -1, 1) & np.roll(wet, 1, 0) & np.roll(wet, -1, 0)
    speed = np.hypot(sea.uo, sea.vo).values
    # As fast as the open ocean at most, whichever share of the cells one looks at.
    for share in (50, 90, 99):
        assert np.percentile(speed[:, wet & ~inner], share) < 1.5 * np.percentile(speed[:, inner], share)


def test_the_equator_has_bounded_currents(sea):
    tropics = np.hypot(sea.uo, sea.vo).sel(latitude=slice(-5, 5))
    assert float(tropics.max()) < 3.0
    assert float(tropics.quantile(0.95)) < 1.0


def test_ice_is_a_share_and_lies_where_it_is_cold(sea):
    ice, warm = sea.siconc, sea.thetao - draping.FREEZING * sea.so
    assert float(ice.min()) == 0.0 and float(ice.max()) == pytest.approx(1.0)
    assert float(warm.min()) > -1e-3, "no water below freezing"
    assert not ((ice > 0) & (warm > draping.ICE_ONSET)).any()
    assert float(ice.where(np.abs(sea.latitude) < 40).max()) == 0.0
    for pole in (ice.sel(latitude=slice(75, 90)), ice.sel(latitude=slice(-78, -65))):
        assert float(pole.mean()) > 0.2


@given(st.floats(-5.0, 35.0), st.floats(0.0, 0.5), st.floats(5.0, 40.0))
def test_ice_grows_with_cold(temperature, colder, salinity):
    more, less = draping.ice(np.array([temperature - colder, temperature]), np.array([salinity] * 2))
    assert 0.0 <= less <= more <= 1.0


def test_water_from_the_warm_side_is_warm():
    run = GlobalRun(spacing=2.0)
    drape = draping.Drape(*run.axes(), mean="observed", seed=0, reduced_gravity=0.02)
    none, one = np.zeros((90, 180), "f4"), np.ones((90, 180), "f4")
    still, moved = (drape.day(TIME, none, none, north, none) for north in (none, one))
    # All water has come from the south: north of the equator it is warmer, south of it colder.
    warming = (moved["thetao"] - still["thetao"])[drape.wet]
    _, slope = kinematics.gradient(drape.mean["thetao"], drape.latitude, 2.0, 2.0, periodic=True)
    steep = np.abs(slope[drape.wet]) > 3e-6
    assert np.all(np.sign(warming[steep]) == -np.sign(slope[drape.wet][steep]))
    assert np.abs(warming).max() < 4.0
    npt.assert_array_equal(moved["zos"], still["zos"])


def test_light_water_is_high_and_fronts_drive_it_to_the_cold_in_both_hemispheres():
    run = GlobalRun(spacing=2.0)
    drape = draping.Drape(*run.axes(), mean="analytic", seed=0, reduced_gravity=0.02)
    none, one = np.zeros((90, 180), "f4"), np.ones((90, 180), "f4")
    still, lifted = (drape.day(TIME, none, none, none, trapped) for trapped in (none, 1e4 * one))
    buoyancy = EXPANSION * drape.per_displacement["thetao"] - CONTRACTION * drape.per_displacement["so"]
    offshore = drape.wet & (drape._offshore() > 0.5) & (np.abs(drape.latitude) > 15.0)[:, None] & (buoyancy != 0.0)
    assert np.all(np.sign((lifted["zos"] - still["zos"])[offshore]) == np.sign(buoyancy[offshore]))
    # Without wind, and warm water at the equator: poleward, and against the westerly thermal wind.
    latitude = drape.latitude[:, None] + np.zeros((90, 180))
    water = {"thetao": 28.0 * np.cos(np.radians(latitude)), "so": np.full((90, 180), 35.0)}
    u, v = drape._ageostrophic(water, (none, none))
    off = (np.abs(drape.latitude) > 10.0) & (np.abs(drape.latitude) < 80.0)
    assert np.all(v[off] * np.sign(latitude[off]) > 0.0) and np.all(u[off] < 0.0)
    npt.assert_allclose(v, -v[::-1], atol=1e-7)
    npt.assert_allclose(u, u[::-1], atol=1e-7)


def test_surface_and_deep_pressure_make_heave_and_deep_currents():
    run = GlobalRun(spacing=2.0)
    drape = draping.Drape(*run.axes(), mean="observed", seed=0, reduced_gravity=0.02)
    field = np.random.default_rng(0).normal(size=(90, 180)).astype("f4")
    barotropic = drape.day(TIME, field, field, 0 * field, 0 * field)
    npt.assert_allclose(barotropic["heave"][drape.wet], 0.0, atol=1e-4)
    baroclinic = drape.day(TIME, field, 0 * field, 0 * field, 0 * field)
    expected = kinematics.GRAVITY / 0.02 * (baroclinic["zos"] - drape.height)
    npt.assert_allclose(baroclinic["heave"][drape.wet], expected[drape.wet], atol=0.25)
    # High water is deep and warm.
    still = drape.day(TIME, 0 * field, 0 * field, 0 * field, 0 * field)
    free = drape.wet & (still["thetao"] > 1.0) & (field > 0.0)
    assert np.all(baroclinic["heave"][free] >= 0.0) and np.all(baroclinic["thetao"][free] >= still["thetao"][free])


def test_it_has_columns(sea):
    below = columns.at_depth(sea.isel(time=slice(1)), [0.0, 500.0, 3000.0])
    npt.assert_array_equal(below.uo[:, 0], sea.uo[:1])
    wet = sea.zos[0].notnull().values
    assert np.isfinite(below.thetao.values[0][:, wet]).all()
    speed = np.hypot(below.uo, below.vo).where(np.abs(sea.latitude) > 10).mean(["time", "latitude", "longitude"])
    assert speed[0] > speed[1] > speed[2], "eddies are surface-intensified"


@pytest.mark.parametrize("kind", KINDS)
def test_every_mean_state_makes_an_ocean(kind):
    ds = next(GlobalRun(days=1, spacing=2.0, spin_up=2, mean=kind).snapshots())
    assert ds.attrs["mean"] == kind
    assert float(ds.thetao.mean()) == pytest.approx(float(ds.thetao_mean.mean()), abs=0.3)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"spacing": 0.7}, "0.7 degrees does not cut 6 degrees.*take 0.25, 0.5, 1 or 2"),
        ({"spacing": 0.0}, "0 degrees does not cut 6 degrees"),
        ({"spacing": 8.0}, "8 degrees does not cut 6 degrees"),
        ({"days": 0}, "days=0, spin_up=60: a run has at least one whole day"),
        ({"seed": -3}, "-3 is none"),
        ({"reduced_gravity": 0.0}, "holds no water up"),
        ({"mean": "flat"}, "no mean state 'flat': use one of observed, analytic"),
    ],
)
def test_what_cannot_be_run_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        GlobalRun(**wrong)


@given(st.integers(0, 10), st.integers(0, 20_000), st.floats(0.0, 1.0))
@settings(max_examples=10, deadline=None)
def test_weather_is_a_continuous_function_of_time(seed, day, share):
    then = TIME + np.timedelta64(day, "D") + np.timedelta64(int(share * 86400), "s")
    now, soon = (weather.patches(seed, at, 450.0, 3.0, 8.0) for at in (then, then + np.timedelta64(60, "s")))
    npt.assert_array_equal(weather.patches(seed, then, 450.0, 3.0, 8.0), now)
    assert np.abs(now - soon).max() < 0.02


def test_weather_travels_eastward():
    now, later = (weather.patches(1, TIME + np.timedelta64(h, "h"), 450.0, 300.0, 8.0) for h in (0, 24))
    assert np.corrcoef(np.roll(now, 8, axis=1).ravel(), later.ravel())[0, 1] > 0.99


def test_weather_has_unit_variance_and_no_seam_and_forgets():
    draws = np.array([weather.patches(seed, TIME + np.timedelta64(7, "h"), 450.0, 3.0) for seed in range(30)])
    later = np.array([weather.patches(seed, TIME + np.timedelta64(7 * 24, "h"), 450.0, 3.0) for seed in range(30)])
    variance = np.square(draws[:, 10:-10]).mean(axis=(0, 2))
    npt.assert_allclose(variance, 1.0, atol=0.25)
    steps = np.sqrt(np.mean((np.roll(draws, -1, axis=2) - draws) ** 2, axis=(0, 1)))
    assert steps[:-1].min() < steps[-1] < steps[:-1].max()
    assert abs(np.corrcoef(draws.ravel(), later.ravel())[0, 1]) < 0.05


def test_the_wind_has_trades_westerlies_and_storms():
    latitude, longitude = np.arange(-89.0, 90, 2.0), np.arange(-179.0, 180, 2.0)
    days = [weather.wind(0, TIME + np.timedelta64(3 * i, "D"), latitude, longitude) for i in range(30)]
    u, v = np.moveaxis(np.array(days), 1, 0)
    mean, storms = u.mean((0, 2)), np.hypot(u.std((0, 2)), v.std((0, 2)))
    row = {at: int(np.argmin(np.abs(latitude - at))) for at in (-47, -15, 0, 15, 47)}
    assert mean[row[15]] < -5 and mean[row[-15]] < -5
    assert mean[row[47]] > 5 and mean[row[-47]] > 5
    assert storms[row[47]] > 2.5 * storms[row[0]]
    assert v.mean((0, 2))[row[15]] < -1.5 < 1.5 < v.mean((0, 2))[row[-15]], "the trades meet at the equator"
