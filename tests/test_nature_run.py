"""The regional nature run: tracers, fronts and noise against their formulae, and the dataset against its contract."""

from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adaf_xr import kinematics
from adaf_xr.osse import surface_currents
from adaf_xr.osse.nature_run import NatureRun
from adaf_xr.osse.quasigeostrophy import TwoLayer
from adaf_xr.osse.red_noise import RedNoise
from adaf_xr.osse.spectral import Plane
from adaf_xr.osse.upper_ocean import CONTRACTION, EXPANSION, Tracers, UpperOcean
from adaf_xr.osse.waves import Waves

DAY = 86400.0
F0, RADIUS, STRATIFICATION = 9e-5, 4e4, 8e-3
SHAPE, SPACING = (32, 32), (2e4, 2e4)
LENGTH = SHAPE[0] * SPACING[0]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Small tensors gain nothing from threads, and one number of threads is what a seed repeats with."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def ocean(gradient=(0.0, 0.0), relaxation=(0.0, 0.0), diffusivity=0.0, profile=None) -> UpperOcean:
    flow = TwoLayer(
        SHAPE, SPACING, f0=F0, beta=0.0, radius=RADIUS, depths=(600.0, 3900.0), hyperviscosity=diffusivity,
        dtype=torch.float64,
    )  # fmt: skip
    profile = torch.zeros(2, SHAPE[0]) if profile is None else profile
    return UpperOcean(flow, F0, RADIUS, Tracers(gradient, profile, relaxation, diffusivity, STRATIFICATION))


def stirred(sea: UpperOcean, members: int = 1) -> torch.Tensor:
    """Eddies upon tracers of large-scale waves."""
    state = sea.begin(sea.flow.noise(0, members, 0.4, wavelength=2e5))
    phase = 2 * torch.pi * torch.arange(SHAPE[0], dtype=torch.float64) / SHAPE[0]
    wave = torch.cos(phase)[:, None] + torch.sin(2 * phase)[None, :]
    state[:, 2:] = sea.flow.plane.to_spectral(torch.stack([2.0 * wave, 0.5 * wave.T]))
    return state


def test_advection_conserves_mean_and_variance_of_the_tracers():
    sea = ocean()
    state = stirred(sea)
    rate = sea.tendency(state)
    mean = sea.flow.plane.mean_product
    assert float(rate[:, 2:, 0, 0].abs().max()) < 1e-20
    scale = (mean(state, state) * mean(rate, rate)).sqrt()
    assert float((mean(state, rate).abs() / scale)[:, 2:].max()) < 1e-13


def test_variance_grows_by_the_flux_down_the_gradient():
    gradient = (-7e-6, -5e-7)
    sea = ocean(gradient=gradient)
    state = stirred(sea)
    mean, plane = sea.flow.plane.mean_product, sea.flow.plane
    northward = plane.complex(1j * plane.zonal) * sea.surface(state)
    for i in (0, 1):
        production = mean(state[:, 2 + i], sea.tendency(state)[:, 2 + i])
        torch.testing.assert_close(production, -gradient[i] * mean(northward, state[:, 2 + i]))


def test_tracers_stay_within_their_bounds_but_for_ringing():
    sea = ocean(diffusivity=2e-5)
    state = stirred(sea)
    state[:, :2] *= 0.4
    before = sea.flow.plane.to_grid(state[:, 2:])
    after = sea.flow.plane.to_grid(sea.advance(state, 4 * DAY)[:, 2:])
    span = before.amax((-2, -1)) - before.amin((-2, -1))
    assert bool((after.amax((-2, -1)) < before.amax((-2, -1)) + 0.1 * span).all())
    assert bool((after.amin((-2, -1)) > before.amin((-2, -1)) - 0.1 * span).all())
    torch.testing.assert_close(after.mean((-2, -1)), before.mean((-2, -1)), rtol=0.0, atol=1e-12)


def test_tracers_of_a_sea_at_rest_relax_exponentially():
    phase = 2 * torch.pi * torch.arange(SHAPE[0], dtype=torch.float64) / SHAPE[0]
    profile = torch.stack([3.0 * torch.cos(phase), 0.3 * torch.sin(phase)])
    rates = (1 / (60 * DAY), 1 / (90 * DAY))
    sea = ocean(relaxation=rates, profile=profile)
    state = sea.begin(torch.zeros(1, 2, SHAPE[0], SHAPE[1] // 2 + 1, dtype=torch.complex128))
    torch.testing.assert_close(sea.advance(state, 30 * DAY, steps=30), state, atol=1e-9, rtol=0.0)
    state[:, 2:] = 0.0
    after = sea.flow.plane.to_grid(sea.advance(state, 60 * DAY, steps=60)[0, 2:])
    expected = profile * torch.tensor([[1 - np.exp(-1.0)], [1 - np.exp(-2 / 3)]])
    torch.testing.assert_close(after, expected[:, :, None].expand(2, *SHAPE), rtol=1e-8, atol=1e-10)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 8), st.integers(1, 8))
def test_the_surface_flow_of_buoyancy_is_that_of_surface_quasigeostrophy(along, across):
    sea = ocean()
    state = torch.zeros(1, 4, SHAPE[0], SHAPE[1] // 2 + 1, dtype=torch.complex128)
    state[0, 2, across, along], state[0, 3, across, along] = 0.5, 0.1
    k2 = (2 * np.pi / LENGTH) ** 2 * (along**2 + across**2)
    buoyancy = kinematics.GRAVITY * (EXPANSION * 0.5 - CONTRACTION * 0.1)
    expected = buoyancy / (STRATIFICATION * np.sqrt(k2)) * k2 * RADIUS**2 / (1 + k2 * RADIUS**2)
    assert sea.surface(state)[0, across, along].real.item() == pytest.approx(expected, rel=1e-12)
    assert expected > 0  # warm is high


def test_members_of_the_upper_ocean_are_single_runs():
    sea = ocean(gradient=(-7e-6, -5e-7), diffusivity=1e-5)
    state = stirred(sea, members=2)
    together = sea.advance(state, DAY, steps=6)
    for i in range(2):
        torch.testing.assert_close(sea.advance(state[i : i + 1], DAY, steps=6), together[i : i + 1])


def plane_wave(plane: Plane, along: int, across: int) -> torch.Tensor:
    spectral = torch.zeros(1, plane.shape[0], plane.shape[1] // 2 + 1, dtype=torch.complex128)
    spectral[0, across, along] = 1.0
    if along == 0:
        spectral[0, -across, 0] = 1.0  # the other half of a real wave, which is stored here too
    return spectral


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 8), st.integers(1, 8), st.floats(0.01, 0.2))
def test_turbulent_thermal_wind_diverges_as_minus_the_laplacian_of_buoyancy(along, across, mixing):
    plane = Plane(SHAPE, SPACING, dtype=torch.float64)
    buoyancy = 1e-4 * plane_wave(plane, along, across)
    east, north = surface_currents.of_potential(plane, buoyancy)
    u, v = surface_currents.turbulent_thermal_wind(east, north, torch.tensor(mixing, dtype=torch.float64), F0)
    ddx, ddy = plane.complex(1j * plane.zonal), plane.complex(1j * plane.meridional)
    divergence = ddx * plane.to_spectral(u) + ddy * plane.to_spectral(v)
    vorticity = ddx * plane.to_spectral(v) - ddy * plane.to_spectral(u)
    diffusivity = np.sqrt(mixing / (2 * F0)) / F0
    expected = diffusivity * plane.square * buoyancy
    torch.testing.assert_close(divergence, expected, rtol=1e-9, atol=1e-16)
    torch.testing.assert_close(vorticity, expected, rtol=1e-9, atol=1e-16)


def test_a_sharpening_front_has_a_surface_current_from_warm_to_cold():
    # Flow that squeezes along latitude, v = -s y near the centre, upon water that is warmer in the south.
    plane = Plane(SHAPE, SPACING, dtype=torch.float64)
    x, y = (2 * np.pi * torch.arange(n, dtype=torch.float64) / n - np.pi for n in (SHAPE[1], SHAPE[0]))
    wavenumber, strain, depth, gradient = 2 * np.pi / LENGTH, 1e-5, 80.0, 2e-7
    psi = -strain / wavenumber**2 * torch.sin(y)[:, None] * torch.sin(x)[None, :]
    slope = (torch.zeros(1, *SHAPE, dtype=torch.float64), torch.full((1, *SHAPE), -gradient, dtype=torch.float64))
    potential = surface_currents.frontogenetic(plane, plane.to_spectral(psi)[None], slope, F0, depth, 3e-3)
    u, v = surface_currents.of_potential(plane, potential)
    damped = 1 + 2 * wavenumber**2 * (3e-3 * depth / (np.pi * F0)) ** 2
    row = int(torch.argmin(y.abs()))
    assert v[0, row, row].item() == pytest.approx(depth / F0**2 * strain * gradient / damped, rel=1e-9)
    assert abs(u[0, row, row].item()) < 1e-15


@settings(deadline=None)
@given(st.floats(0.5, 30.0), st.floats(0.0, 6.28), st.floats(20.0, 200.0))
def test_the_drift_lies_45_degrees_to_the_right_of_the_wind(speed, angle, depth):
    wind = torch.tensor(speed * np.exp(1j * angle), dtype=torch.complex128)
    mixing = surface_currents.viscosity(torch.tensor(speed, dtype=torch.float64), depth)
    u, v = surface_currents.ekman(wind.real, wind.imag, mixing, F0)
    turned = torch.complex(u, v) / wind
    assert np.angle(turned.item()) == pytest.approx(-np.pi / 4)
    assert 0.0 < abs(turned.item()) < 0.03


def test_noise_has_its_variance_its_memory_and_its_drift():
    plane = Plane((64, 64), (1e4, 1e4), dtype=torch.float64)
    spectrum = torch.exp(-plane.square * 1e4**2)
    noise = RedNoise(plane, spectrum, memory=2 * DAY, seed=3)
    days = torch.stack([plane.to_grid(noise.after(DAY)) for _ in range(60)])
    assert float(days.var()) == pytest.approx(1.0, abs=0.03)
    assert float((days[1:] * days[:-1]).mean()) == pytest.approx(np.exp(-0.5), abs=0.03)
    frozen = RedNoise(plane, spectrum, memory=1e15, seed=3, drift=2e4 / DAY)
    before = plane.to_grid(frozen.field)
    torch.testing.assert_close(plane.to_grid(frozen.after(DAY)), before.roll(2, -1), rtol=0.0, atol=1e-4)
    with pytest.raises(ValueError, match="memory"):
        RedNoise(plane, spectrum, memory=0.0, seed=0)


def test_waves_have_their_speed_and_their_share_of_rotation():
    plane = Plane((64, 64), (1e4, 1e4), dtype=torch.float64)
    u, v = (plane.to_spectral(part) for part in Waves(plane, speed=0.02, seed=1).current())
    ddx, ddy = plane.complex(1j * plane.zonal), plane.complex(1j * plane.meridional)
    divergence, vorticity = ddx * u + ddy * v, ddx * v - ddy * u
    speed = plane.mean_product(u, u) + plane.mean_product(v, v)
    assert float(speed) == pytest.approx(2 * 0.02**2 * (1 + 0.36), rel=0.1)
    ratio = plane.mean_product(vorticity, vorticity) / plane.mean_product(divergence, divergence)
    assert float(ratio) == pytest.approx(0.36, rel=0.15)


SMALL = {"shape": (64, 64), "spacing": 0.2, "spin_up": 90, "refined": 5}


@pytest.fixture(scope="module")
def small():
    return NatureRun(days=6, **SMALL).run()


def test_a_run_is_what_the_others_expect(small):
    assert set(small.data_vars) == {
        "zos", "thetao", "so", "uo", "vo", "heave", "uas", "vas", "thetao_mean", "so_mean",
    }  # fmt: skip
    assert small.zos.dims == ("time", "latitude", "longitude")
    assert small.thetao_mean.dims == ("latitude", "longitude")
    assert all(v.dtype == np.float32 and v.notnull().all() for v in small.data_vars.values())
    for name in ("latitude", "longitude"):
        np.testing.assert_allclose(np.diff(small[name]), 0.2)
    assert (small.time.values == np.datetime64("2012-10-01") + np.arange(6)).all()
    assert {"seed", "reduced_gravity", "thermocline_depth", "title", "source", "Conventions"} <= set(small.attrs)
    assert small.zos.attrs["standard_name"] == "sea_surface_height_above_geoid"
    assert small.uo.attrs["units"] == "m s-1"


def test_a_seed_is_a_run_and_a_shorter_run_is_its_beginning(small):
    again = list(islice(NatureRun(days=400, **SMALL).snapshots(), 2))
    for i, snapshot in enumerate(again):
        for name in snapshot.data_vars:
            np.testing.assert_array_equal(snapshot[name].values, small.isel(time=[i])[name].values)
    other = next(NatureRun(seed=1, days=1, **SMALL).snapshots())
    for name in ("zos", "thetao", "uas", "uo"):
        assert float(abs(other[name].values - again[0][name].values).max()) > 0.01


def test_the_sea_is_warm_and_salt_and_high_in_the_south_with_a_jet_eastward(small):
    south, north = small.sel(latitude=slice(None, 37)).mean(), small.sel(latitude=slice(39, None)).mean()
    for name, least in (("zos", 0.2), ("thetao", 4.0), ("so", 0.3), ("heave", 50.0)):
        assert float(south[name] - north[name]) > least
    profile = small.uo.mean(("time", "longitude"))
    assert 36.5 < float(profile.idxmax()) < 39.5
    assert float(profile.max()) > 0.3


def test_the_mean_profile_is_that_of_the_place(small):
    # Less the season, what is left are jet and eddies, which have no mean.
    season = NatureRun(**SMALL)._season(small.time.values[0])
    for name, drift, least in (("thetao", season, 8.0), ("so", 0.0, 0.5)):
        mean = small[f"{name}_mean"].mean("longitude")
        assert float(mean[0] - mean[-1]) > least and bool((mean.diff("latitude") < 0).all())
        rest = (small[name] - small[f"{name}_mean"] - drift).mean(("time", "longitude"))
        assert abs(float(rest.mean())) < 0.05 * float(mean[0] - mean[-1])


def test_currents_are_mostly_geostrophic_and_their_divergence_is_not_and_follows_fronts(small):
    axes = (small.latitude.values, 0.2, 0.2)
    u, v = small.uo.values.astype("f8"), small.vo.values.astype("f8")
    u_g, v_g = kinematics.geostrophic(small.zos.values.astype("f8"), *axes)
    inside = (slice(None), slice(2, -2), slice(2, -2))
    rest = np.mean((u - u_g)[inside] ** 2 + (v - v_g)[inside] ** 2)
    assert 0.0 < rest < 0.1 * np.mean(u**2 + v**2)
    divergence = kinematics.divergence(u, v, *axes)[inside]
    assert np.std(kinematics.divergence(u_g, v_g, *axes)[inside]) < 0.2 * np.std(divergence)
    fronts = kinematics.divergence(*kinematics.gradient(small.thetao.values.astype("f8"), *axes), *axes)[inside]
    assert np.corrcoef(divergence.ravel(), fronts.ravel())[0, 1] < -0.3


def test_heave_and_height_agree_in_the_upper_layer(small):
    scale = kinematics.GRAVITY / small.attrs["reduced_gravity"]
    assert np.corrcoef(small.zos.values.ravel(), small.heave.values.ravel())[0, 1] > 0.8
    ratio = float(small.heave.std() / small.zos.std())
    assert 0.4 * scale < ratio < 1.3 * scale


def test_the_height_shows_the_flow_that_carries_the_tracers():
    run = NatureRun(days=1, **SMALL)
    plane = run._sea(run.shape).flow.plane
    psi = 5e3 * plane.noise(torch.Generator().manual_seed(0), 1, torch.exp(-plane.square * 6e4**2))
    height, u, v = surface_currents.geostrophic(plane.to_grid(psi)[0], run.axes()[0], 0.2)
    across, along = surface_currents.of_potential(plane, psi)
    cosine = np.cos(np.radians(run.axes()[0])) / np.cos(np.radians(38.0))
    assert float((u + along[0]).std() / along.std()) < 0.1
    assert float((v * torch.as_tensor(cosine)[:, None] - across[0]).std() / across.std()) < 0.05
    f = kinematics.coriolis(run.axes()[0])[:, None]
    np.testing.assert_allclose(height, plane.to_grid(psi)[0].numpy() * f / kinematics.GRAVITY, rtol=1e-6, atol=1e-9)


def test_the_currents_of_a_wave_are_exact_to_the_last_row():
    # Beyond the northern edge lies the southern one, with the Coriolis parameter of where it would be.
    n, spacing = 64, 0.1
    latitude = 38.0 + spacing * (np.arange(n) - (n - 1) / 2)
    metres = kinematics.RADIUS * kinematics.RADIAN * spacing
    phase = 2 * np.pi * np.arange(n) / n
    psi = torch.as_tensor(1e4 * np.sin(phase + 0.3)[:, None] + np.zeros((n, 8)))
    height, u, v = surface_currents.geostrophic(psi, latitude, spacing)
    f = kinematics.coriolis(latitude)
    beta = 2 * kinematics.ROTATION * np.cos(np.radians(latitude)) / kinematics.RADIUS
    expected = -1e4 * (2 * np.pi / (n * metres) * np.cos(phase + 0.3) + beta / f * np.sin(phase + 0.3))
    np.testing.assert_allclose(u, np.broadcast_to(expected[:, None], (n, 8)), atol=2e-3 * np.abs(expected).max())
    np.testing.assert_allclose(v, 0.0, atol=1e-12)
    np.testing.assert_allclose(height[:, 0], f * psi[:, 0].numpy() / kinematics.GRAVITY)


def test_the_surface_is_warmest_at_the_end_of_august_and_the_year_has_no_step():
    run = NatureRun(**SMALL)
    days = np.arange("2013-01-01", "2014-01-02", dtype="M8[D]").astype("M8[ns]")
    season = np.array([run._season(day) for day in days])
    assert "2013-08-25" <= str(days[season.argmax()])[:10] <= "2013-09-01"
    assert season.max() == pytest.approx(3.5, rel=1e-3) and abs(season.mean()) < 0.02
    assert np.abs(np.diff(season)).max() < 3.5 * 2 * np.pi / 365 * 1.01


def test_a_sea_elsewhere_and_of_another_shape_is_a_sea():
    run = NatureRun(shape=(32, 64), spacing=0.25, latitude=50.0, longitude=0.0, days=1, spin_up=4, refined=2)
    ds = run.run()
    assert ds.zos.shape == (1, 32, 64)
    assert float(ds.latitude.mean()) == pytest.approx(50.0) and float(ds.longitude.mean()) == pytest.approx(0.0)
    assert run.reduced_gravity > NatureRun().reduced_gravity, "the same radius at a larger f"
    assert all(np.isfinite(field).all() for field in ds.data_vars.values())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shape": (30, 32)}, "multiples of four"),
        ({"latitude": 5.0}, "osse.global_run"),
        ({"longitude": 175.0}, "date line"),
        ({"latitude": -38.0}, "osse.global_run"),
        ({"spacing": -0.1}, "-0.1 degrees between cells is none"),
        ({"shape": (32,)}, "give two multiples of four"),
        ({"days": 0}, "days=0, spin_up=90: a run has at least one whole day"),
        ({"days": 1.5}, "at least one whole day"),
        ({"spin_up": 3, "refined": 5}, "refined=5 days of the 3 of the spin-up"),
        ({"seed": -1}, "a seed is a whole number from 0 on, and -1 is none"),
        ({"seed": 0.5}, "and 0.5 is none"),
        ({"start": "2012-10-01"}, "00:00 of a day, say"),
        ({"start": np.datetime64("2012-10-01T12")}, "00:00 of a day, say"),
    ],
)
def test_runs_that_cannot_be_say_so(changes, message):
    with pytest.raises(ValueError, match=message):
        NatureRun(**{"days": 2, **SMALL, **changes})
