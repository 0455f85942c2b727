"""Columns below a nature run: limits, static stability, thermal wind, and laziness."""

import dask.array as da
import gsw
import numpy as np
import numpy.testing as npt
import pytest
import xarray as xr
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.integrate import cumulative_trapezoid

from adaf_xr import kinematics
from adaf_xr.osse import columns, currents

depths = st.floats(0.0, 6000.0)
heaves = st.floats(-800.0, 800.0)
LEVELS = np.arange(0.0, 3991.0, 10.0)
NEUTRAL = 5e-8
"""Squared buoyancy frequency [s-2] of a mixed layer, to its salinity's conversion: 1e-3 of a thermocline's."""


def buoyancy(temperature, salinity):
    """Squared buoyancy frequency of a column on LEVELS, at 30 N 30 W."""
    pressure = gsw.p_from_z(-LEVELS, 30.0)
    absolute = gsw.SA_from_SP(salinity, pressure, -30.0, 30.0)
    return gsw.Nsquared(absolute, gsw.CT_from_pt(absolute, temperature), pressure, 30.0)[0]


def run(shape=(2, 5, 6), seed=0, latitude=40.0):
    """A nature run of noise, smooth enough for differences."""
    rng = np.random.default_rng(seed)
    axes = {
        "time": np.arange(shape[0]),
        "latitude": latitude + 0.25 * np.arange(shape[1]),
        "longitude": -60 + 0.25 * np.arange(shape[2]),
    }
    scale = {"thetao": (15, 2), "so": (35, 0.3), "uo": (0, 0.5), "vo": (0, 0.5), "zos": (0, 0.3), "heave": (0, 100)}
    ds = xr.Dataset(
        {name: (tuple(axes), rng.normal(mean, std, shape).astype("f4")) for name, (mean, std) in scale.items()},
        coords=axes,
        attrs={"thermocline_depth": 700.0, "reduced_gravity": 0.02},
    )
    flat = xr.ones_like(ds.zos[0])
    return ds.assign(thetao_mean=15 * flat, so_mean=35 * flat)


@given(st.floats(-2.0, 32.0), st.floats(-3.0, 3.0), heaves)
def test_the_surface_is_the_surface_exactly(mean, anomaly, heave):
    for law in (columns.temperature, columns.salinity):
        assert law(0.0, mean + anomaly, mean, heave) == mean + anomaly


@given(st.floats(-2.0, 32.0), st.floats(-3.0, 3.0), heaves)
def test_the_deep_is_deep_water_whatever_the_surface(mean, anomaly, heave):
    abyss = columns.temperature(1e5, mean + anomaly, mean, heave)
    assert abyss == pytest.approx(columns.DEEP_TEMPERATURE, abs=2e-3)
    assert columns.salinity(1e5, 34.0, 34.0, heave) == pytest.approx(columns.DEEP_SALINITY, abs=2e-3)


@given(st.floats(-2.0, 32.0), depths)
def test_without_heave_and_anomaly_it_is_the_mean(mean, depth):
    share = 0.7 / (1 + (depth / 700) ** 2) + 0.3 * np.exp(-((depth / 100) ** 2))
    assert columns.temperature(depth, mean, mean, 0.0) == pytest.approx(2 + (mean - 2) * share, abs=1e-9)


@given(st.floats(-2.0, 32.0), st.floats(-5.0, 5.0), heaves, st.floats(500.0, 4000.0))
def test_an_anomaly_of_the_surface_stays_in_the_mixed_layer(mean, anomaly, heave, depth):
    for law in (columns.temperature, columns.salinity):
        assert law(depth, mean + anomaly, mean, heave) == pytest.approx(float(law(depth, mean, mean, heave)), abs=1e-9)


@given(heaves, st.floats(300.0, 3900.0))
def test_heave_moves_water_up_and_down(heave, depth):
    # Below the mixed layer, the water at z is that which lies at z - heave G(z) in the mean.
    origin = depth - heave * float(columns.displacement(depth))
    if origin > 300.0:
        moved = columns.temperature(depth, 20.0, 20.0, heave)
        assert moved == pytest.approx(float(columns.temperature(origin, 20.0, 20.0, 0.0)), abs=2e-3)


@given(st.floats(200.0, 1500.0), depths)
def test_the_mode_is_one_at_the_thermocline_and_zero_at_both_ends(thermocline, depth):
    assert columns.displacement(thermocline, thermocline) == pytest.approx(1.0)
    assert columns.displacement([0.0, columns.BOTTOM, 9000.0], thermocline).tolist() == [0.0, 0.0, 0.0]
    assert 0.0 <= columns.displacement(depth, thermocline) <= np.sqrt(2.0)
    steps = np.diff(columns.displacement(np.linspace(0, columns.BOTTOM, 200), thermocline))
    assert np.all(np.diff(steps) < 1e-12), "not concave: a heave could turn the water's order round"


@given(st.floats(-1.8, 31.0), st.floats(0.0, 1.0), heaves, st.floats(0.0, 6.0), st.floats(0.0, 1.0))
def test_columns_are_statically_stable(mean, fresh, heave, warm, fresher):
    # Any mean state that the surface may have, any heave, any surface anomaly that is lighter.
    saltiest = float(columns.saltiest(mean))
    mean_salinity = saltiest - 4.0 * fresh
    temperature = columns.temperature(LEVELS, mean + warm * (mean > 5.0), mean, heave)
    salinity = columns.salinity(LEVELS, mean_salinity - fresher, mean_salinity, heave)
    assert buoyancy(temperature, salinity).min() > -NEUTRAL


@given(st.floats(10.0, 31.0), heaves, st.floats(0.0, 0.25))
def test_a_cold_anomaly_no_denser_than_the_season_is_light_stays_stable(mean, heave, share):
    salinity = columns.salinity(LEVELS, 34.75, 34.75, heave)
    cold = mean - share * (mean - columns.DEEP_TEMPERATURE)
    assert buoyancy(columns.temperature(LEVELS, cold, mean, heave), salinity).min() > -NEUTRAL


@given(st.floats(38.3, 41.0), st.floats(12.0, 30.0), heaves)
def test_basins_of_evaporation_are_stable_too(salinity, mean, heave):
    column = columns.salinity(LEVELS, salinity, salinity, heave)
    assert buoyancy(columns.temperature(LEVELS, mean, mean, heave), column).min() > -NEUTRAL


def test_the_currents_are_in_thermal_wind_balance_with_the_heaved_water():
    # Phi' = N2 G / g' for the stratification of the main thermocline over a bottom far below.
    z = np.linspace(0.0, 40 * 700.0, 200_001)
    main = 1.0 / (1.0 + (z / 700.0) ** 2)
    mode = z / np.hypot(z, 700.0)
    felt = cumulative_trapezoid(-np.gradient(main, z) * mode, z, initial=0.0)
    npt.assert_allclose(columns.shielding(z), felt / felt[-1], atol=1e-3)
    npt.assert_allclose(columns.displacement(z[z < 700]), np.sqrt(2) * mode[z < 700], rtol=0.03)


def test_at_depth_zero_the_fields_are_the_surface_exactly():
    ds = run()
    top = columns.at_depth(ds, 0.0).isel(depth=0, drop=True)
    for name in ("thetao", "so", "uo", "vo"):
        npt.assert_array_equal(top[name], ds[name])
        assert top[name].dtype == "f4"


@pytest.mark.parametrize("latitude", [40.0, -45.0])
def test_the_deep_current_is_that_of_the_lower_layer(latitude):
    ds = run(latitude=latitude)
    deep = columns.at_depth(ds, [1e6]).isel(depth=0)
    lower = ds.zos - 0.02 / kinematics.GRAVITY * ds.heave
    u, v = kinematics.geostrophic(lower.values.astype("f8"), ds.latitude.values, 0.25, 0.25)
    npt.assert_allclose(deep.uo, u, atol=1e-5)
    npt.assert_allclose(deep.vo, v, atol=1e-5)


def test_at_depth_agrees_with_the_columns_and_keeps_labels():
    ds = run()
    ds.thetao.attrs["units"] = "degC"
    below = columns.at_depth(ds, [5.0, 300.0])
    assert below.thetao.dims == ("time", "depth", "latitude", "longitude")
    assert below.thetao.attrs["units"] == "degC"
    assert below.depth.attrs["positive"] == "down"
    expected = columns.salinity(300.0, ds.so[1], ds.so_mean, ds.heave[1])
    npt.assert_allclose(below.so[1, 1], expected, rtol=1e-6)


def test_lazy_runs_stay_lazy(nothing_computes):
    below = columns.at_depth(run().chunk(time=1), [10.0, 100.0])
    assert all(isinstance(below[name].data, da.Array) for name in below)


def test_lazy_is_eager():
    ds = run()
    xr.testing.assert_allclose(
        columns.at_depth(ds.chunk(time=1, latitude=2), [50.0]).compute(), columns.at_depth(ds, [50.0])
    )


def test_land_stays_land_and_has_a_coast_with_currents():
    ds = run()
    land = np.zeros(ds.zos.shape[1:], bool)
    land[1:3, 2:4] = True
    ds = ds.where(~xr.DataArray(land, dims=("latitude", "longitude")))
    below = columns.at_depth(ds, [0.0, 100.0, 1000.0])
    for name in below:
        npt.assert_array_equal(below[name].isnull().all(["time", "depth"]), land)
        npt.assert_array_equal(below[name].isnull().any(["time", "depth"]), land)


def test_what_has_no_columns_is_refused():
    with pytest.raises(ValueError, match=r"lacks heave, reduced_gravity, .*take the truth of an experiment"):
        columns.at_depth(run().drop_vars("heave").drop_attrs().assign_attrs(thermocline_depth=700.0), 10.0)
    with pytest.raises(ValueError, match="positive down, in metres, and here is -5"):
        columns.at_depth(run(), [-5.0, 10.0])


@given(st.floats(-80.0, 80.0))
@example(0.0)
@example(5e-324)  # so close to the equator that its Coriolis parameter is no number but zero
def test_geostrophy_holds_off_the_equator_and_is_bounded_on_it(latitude):
    weight = currents.over_coriolis(latitude) * float(kinematics.coriolis(np.array(latitude)))
    assert 0.0 <= weight <= 1.0 + 1e-12
    if abs(latitude) > 10.0:
        assert weight == pytest.approx(1.0, abs=2e-9)
    assert abs(currents.over_coriolis(latitude)) < 1.5 / abs(kinematics.coriolis(np.array(3.0)))


def test_a_coast_makes_no_current():
    # The same slope with and without land: land must not read as a cliff of the sea surface.
    latitude, longitude = np.arange(30.125, 40, 0.25), np.arange(-179.875, 180, 0.25)
    height = np.broadcast_to(-0.1 * (latitude - 35)[:, None], (latitude.size, longitude.size)) + 5.0
    sea = np.random.default_rng(1).uniform(size=height.shape) > 0.2
    u, v = currents.geostrophic(np.where(sea, height, np.nan), latitude, longitude)
    whole, _ = currents.geostrophic(height, latitude, longitude)
    npt.assert_array_equal(np.isfinite(u), sea)
    # The land's height is that of water at most two rows away: at worst half as much again is made of the slope.
    assert np.nanmax(np.abs(u[1:-1])) <= 1.5 * whole.max()
    assert np.nanmax(np.abs(v[1:-1])) <= 0.75 * whole.max()
