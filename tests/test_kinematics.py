"""Derivatives on the sphere against flows whose vorticity, divergence and strain are known."""

import ast
from pathlib import Path

import dask.array as da
import numpy as np
import numpy.testing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adaf_xr import kinematics, sphere

FLOWS = (
    kinematics.vorticity,
    kinematics.divergence,
    kinematics.normal_strain,
    kinematics.shear_strain,
    kinematics.strain,
)
OMEGA = 1e-5


def axes(step: float, south: float = 20.0, extent: float = 20.0):
    """Latitude and longitude of a square box."""
    n = round(extent / step) + 1
    return south + step * np.arange(n), step * np.arange(n)


def about_an_axis(lat: np.ndarray, lon: np.ndarray, tilt: float):
    """Rigid rotation about an axis that is tilted from the pole towards longitude 0: velocities and vorticity."""
    phi, lam = np.radians(lat)[:, None], np.radians(lon)[None, :]
    speed = OMEGA * kinematics.RADIUS
    u = speed * (np.cos(tilt) * np.cos(phi) - np.sin(tilt) * np.sin(phi) * np.cos(lam))
    v = speed * np.sin(tilt) * np.sin(lam) + 0 * phi
    vorticity = 2 * OMEGA * (np.cos(tilt) * np.sin(phi) + np.sin(tilt) * np.cos(phi) * np.cos(lam))
    return u, v, vorticity


def test_it_imports_nothing_but_types():
    tree = ast.parse(Path(kinematics.__file__).read_text())
    found = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert found == {"__future__", "typing"}
    assert not [n for n in ast.walk(tree) if isinstance(n, ast.Import)]


def test_the_earth_is_that_of_the_geometry():
    assert kinematics.RADIUS == 1000.0 * sphere.RADIUS
    npt.assert_allclose(kinematics.RADIAN, np.radians(1.0), rtol=1e-16)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_coriolis_is_twice_the_vertical_part_of_the_rotation(dtype):
    lat = np.linspace(-90, 90, 181).astype(dtype)
    f = kinematics.coriolis(lat)
    assert f.dtype == dtype
    eps = np.finfo(dtype).eps
    npt.assert_allclose(f, 2 * 7.2921e-5 * np.sin(np.radians(lat.astype("f8"))), rtol=0, atol=4e-4 * eps)


@given(st.floats(-80, 60), st.floats(0, np.pi), st.booleans())
@settings(max_examples=25, deadline=None)
def test_a_rigid_rotation_has_twice_its_rate_as_vorticity_and_neither_divergence_nor_strain(south, tilt, flip):
    lat, lon = axes(0.25, south, 10.0)
    order = slice(None, None, -1 if flip else 1)
    u, v, exact = about_an_axis(lat, lon, tilt)
    grid = (lat[order], -0.25 if flip else 0.25, 0.25)
    got = {flow.__name__: flow(u[order], v[order], *grid)[order] for flow in FLOWS}
    # Second order: (step in radians)^2, times third derivatives of the tangent of latitude, which the metric has.
    tolerance = 2 * OMEGA * np.radians(0.25) ** 2 * 2 / np.cos(np.radians(np.abs(lat).max())) ** 3
    npt.assert_allclose(got["vorticity"], exact, rtol=0, atol=tolerance)
    for name in ("divergence", "normal_strain", "shear_strain", "strain"):
        npt.assert_allclose(got[name], 0.0, atol=tolerance)


def test_solid_rotation_about_the_pole_is_exact_but_for_the_known_factor():
    lat, lon = axes(1.0)
    u, v, exact = about_an_axis(lat, lon, 0.0)
    got = kinematics.vorticity(u, v, lat, 1.0, 1.0)
    h = np.radians(1.0)
    npt.assert_allclose(got[1:-1], exact[1:-1] * np.sin(2 * h) / (2 * h) + 0 * lon, rtol=1e-12)
    npt.assert_allclose(kinematics.strain(u, v, lat, 1.0, 1.0), 0.0, atol=1e-18)


def test_pure_strain_neither_turns_nor_spreads():
    lat, lon = axes(0.05, -1.0, 2.0)
    x = kinematics.RADIUS * np.radians(lon - 1.0)[None, :]
    y = kinematics.RADIUS * np.radians(lat)[:, None]
    for u, v, normal, shear in (
        (OMEGA * x + 0 * y, -OMEGA * y + 0 * x, 2 * OMEGA, 0.0),
        (OMEGA * y + 0 * x, OMEGA * x + 0 * y, 0.0, 2 * OMEGA),
    ):
        # At the equator, within one degree of it, the sphere is a plane but for (1/57)^2.
        near = {"rtol": 0, "atol": 2 * OMEGA * 1e-3}
        npt.assert_allclose(kinematics.normal_strain(u, v, lat, 0.05, 0.05), normal + 0 * u, **near)
        npt.assert_allclose(kinematics.shear_strain(u, v, lat, 0.05, 0.05), shear + 0 * u, **near)
        npt.assert_allclose(kinematics.strain(u, v, lat, 0.05, 0.05), 2 * OMEGA + 0 * u, **near)
        npt.assert_allclose(kinematics.vorticity(u, v, lat, 0.05, 0.05), 0 * u, **near)
        npt.assert_allclose(kinematics.divergence(u, v, lat, 0.05, 0.05), 0 * u, **near)


def harmonic(step: float):
    """A velocity potential and stream function of low order, with the exact vorticity and divergence."""
    lat, lon = axes(step, 20.0, 40.0)
    phi, lam = np.radians(lat)[:, None], np.radians(lon)[None, :]
    # psi = cos^3(phi) cos(3 lam) is a spherical harmonic of degree 3: its Laplacian is -12 psi / R^2.
    c, s = np.cos(phi), np.sin(phi)
    psi = c**3 * np.cos(3 * lam)
    psi_lam, psi_phi = -3 * c**3 * np.sin(3 * lam), -3 * c**2 * s * np.cos(3 * lam)
    r = kinematics.RADIUS
    return lat, (-psi_phi / r, psi_lam / (r * c)), (psi_lam / (r * c), psi_phi / r), -12 * psi / r**2


@pytest.mark.parametrize("part", ["interior", "edges"])
def test_derivatives_are_of_second_order(part):
    errors = []
    for step in (2.0, 1.0, 0.5):
        lat, rotating, spreading, laplacian = harmonic(step)
        curl = kinematics.vorticity(*rotating, lat, step, step) - laplacian
        div = kinematics.divergence(*spreading, lat, step, step) - laplacian
        inside = (slice(1, -1), slice(1, -1))
        if part == "interior":
            errors.append([np.abs(curl[inside]).max(), np.abs(div[inside]).max()])
        else:
            curl[inside], div[inside] = 0.0, 0.0
            errors.append([np.abs(curl).max(), np.abs(div).max()])
    orders = np.log2(np.array(errors)[:-1] / np.array(errors)[1:])
    assert (orders[-1] > 1.8).all()
    assert (orders < 2.3).all()


def test_a_stream_function_does_not_diverge_and_a_potential_does_not_turn():
    lat, rotating, spreading, laplacian = harmonic(0.25)
    scale = np.abs(laplacian).max()
    assert np.abs(kinematics.divergence(*rotating, lat, 0.25, 0.25)).max() < 3e-4 * scale
    assert np.abs(kinematics.vorticity(*spreading, lat, 0.25, 0.25)).max() < 3e-4 * scale


@pytest.mark.parametrize("centre", [35.0, -35.0])
def test_geostrophic_currents_of_a_plane_wave(centre):
    step, amplitude, k, m = 0.05, 0.3, 2 * np.pi / 2.0, 2 * np.pi / 3.0
    lat, lon = axes(step, centre - 2.0, 4.0)
    phase = k * lon[None, :] + m * lat[:, None]
    u, v = kinematics.geostrophic(amplitude * np.cos(phase), lat, step, step)
    f = 2 * 7.2921e-5 * np.sin(np.radians(lat))[:, None]
    metre = np.radians(1.0) * 6.371e6
    slope = -amplitude * np.sin(phase) / metre
    speed = 9.81 * amplitude / metre / np.abs(f).min() * (k**2 / 0.6 + m**2) ** 0.5
    npt.assert_allclose(u, -9.81 / f * m * slope, atol=0.02 * speed)
    npt.assert_allclose(v, 9.81 / f * k * slope / np.cos(np.radians(lat))[:, None], atol=0.02 * speed)


@pytest.mark.parametrize(("centre", "sense"), [(40.0, -1.0), (-40.0, 1.0)])
def test_a_high_turns_clockwise_in_the_north_and_anticlockwise_in_the_south(centre, sense):
    lat, lon = axes(0.1, centre - 2.0, 4.0)
    high = np.exp(-((lat[:, None] - centre) ** 2) - (lon[None, :] - 2.0) ** 2)
    u, v = kinematics.geostrophic(high, lat, 0.1, 0.1)
    middle = len(lat) // 2
    zeta = kinematics.vorticity(u, v, lat, 0.1, 0.1)[middle, middle]
    assert np.sign(zeta) == sense
    # Geostrophic currents of a constant f do not diverge; of the sphere's f they do, by -beta v / f.
    assert np.abs(kinematics.divergence(u, v, lat, 0.1, 0.1)).max() < 0.05 * np.abs(zeta)


@given(st.integers(0, 2**32 - 1), st.integers(3, 7), st.integers(3, 7), st.booleans())
@settings(max_examples=8, deadline=None)
def test_torch_and_dask_are_numpy(seed, rows, columns, periodic):
    rng = np.random.default_rng(seed)
    u, v = rng.normal(size=(2, 3, rows, columns))
    lat = np.linspace(-40.0, 50.0, rows)
    step = (90.0 / (rows - 1), 360.0 / columns)
    chunks = (1, int(rng.integers(1, rows + 1)), int(rng.integers(1, columns + 1)))
    for flow in (*FLOWS, lambda u, v, *a, **k: kinematics.gradient(u, *a, **k)[1]):
        want = flow(u, v, lat, *step, periodic=periodic)
        lazy = flow(da.from_array(u, chunks), da.from_array(v, chunks), lat, *step, periodic=periodic)
        assert isinstance(lazy, da.Array)
        npt.assert_array_equal(lazy.compute(scheduler="synchronous"), want)
        tensor = flow(*map(torch.tensor, (u, v, lat)), *step, periodic=periodic)
        npt.assert_allclose(tensor.numpy(), want, rtol=1e-10, atol=1e-10 * np.abs(want).max())


def test_a_gradient_passes_through():
    lat = torch.linspace(30, 40, 11, dtype=torch.float64)
    ssh = torch.randn(2, 11, 12, dtype=torch.float64, generator=torch.manual_seed(0), requires_grad=True)
    u, v = kinematics.geostrophic(ssh, lat, 1.0, 1.0)
    (u**2 + v**2).sum().backward()
    assert torch.isfinite(ssh.grad).all()
    assert ssh.grad.abs().max() > 0


@given(st.integers(0, 11))
@settings(max_examples=12, deadline=None)
def test_a_periodic_axis_has_no_first_longitude(shift):
    rng = np.random.default_rng(0)
    u, v = rng.normal(size=(2, 5, 12))
    lat = np.linspace(10, 50, 5)
    for flow in FLOWS:
        whole = flow(u, v, lat, 10.0, 30.0, periodic=True)
        rolled = flow(np.roll(u, shift, -1), np.roll(v, shift, -1), lat, 10.0, 30.0, periodic=True)
        npt.assert_allclose(rolled, np.roll(whole, shift, -1), rtol=1e-12)
        inside = flow(u, v, lat, 10.0, 30.0)[..., 1:-1]
        npt.assert_allclose(inside, whole[..., 1:-1], rtol=1e-12)


def test_the_edges_are_those_of_numpy():
    x = np.random.default_rng(1).normal(size=(6, 7))
    lat = np.linspace(0, 5, 6)
    east, north = kinematics.gradient(x, lat, 1.0, 1.0)
    metre = np.radians(1.0) * 6.371e6
    npt.assert_allclose(north, np.gradient(x, metre, axis=0, edge_order=2), rtol=1e-10)
    by_hand = np.gradient(x, metre, axis=1, edge_order=2) / np.cos(np.radians(lat))[:, None]
    npt.assert_allclose(east, by_hand, rtol=1e-10)


def test_land_spoils_its_neighbours_and_no_more():
    u = np.ones((7, 7))
    u[3, 3] = np.nan
    got = np.isnan(kinematics.vorticity(u, u, np.linspace(30, 36, 7), 1.0, 1.0))
    cross = np.zeros((7, 7), bool)
    cross[2:5, 3] = cross[3, 2:5] = True
    npt.assert_array_equal(got, cross)


def test_too_small_a_field_is_an_error():
    with pytest.raises(ValueError, match="needs at least 3 points along each axis, and here are 2"):
        kinematics.gradient(np.zeros((2, 5)), np.arange(2.0), 1.0, 1.0)
