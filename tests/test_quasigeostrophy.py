"""The two-layer model against its theorems: invariants, waves, instability, order of the scheme, independence."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adaf_xr.osse.quasigeostrophy import TwoLayer
from adaf_xr.osse.spectral import Plane, refine

DAY = 86400.0
RADIUS = 4e4
SEA = {"f0": 9e-5, "beta": 1.8e-11, "radius": RADIUS, "depths": (600.0, 3900.0)}
SHAPE, SPACING = (32, 48), (2e4, 1.6e4)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Small tensors gain nothing from threads, and one number of threads is what a seed repeats with."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def double(shape=SHAPE, spacing=SPACING, **changes) -> TwoLayer:
    return TwoLayer(shape, spacing, **{**SEA, "dtype": torch.float64, **changes})


def wave(flow: TwoLayer, along: int, across: int, upper: complex, lower: complex) -> torch.Tensor:
    """PV of one plane wave with complex amplitudes of the streamfunction in both layers."""
    psi = torch.zeros(1, 2, flow.plane.shape[0], flow.plane.shape[1] // 2 + 1, dtype=torch.complex128)
    psi[0, 0, across, along], psi[0, 1, across, along] = upper, lower
    return flow.potential_vorticity(psi)


def test_streamfunction_and_vorticity_are_inverse():
    flow = double()
    q = flow.noise(0, 2, 0.3)
    torch.testing.assert_close(flow.potential_vorticity(flow.streamfunction(q)), q)


def test_advection_alone_conserves_energy_and_the_enstrophy_of_each_layer():
    flow = double(beta=0.0)
    q = flow.noise(1, 1, 0.5, wavelength=2e5)
    q[:, 1] *= -0.3
    rate = flow.tendency(q)
    mean, psi = flow.plane.mean_product, flow.streamfunction(q)
    scale = (mean(psi, psi) * mean(rate, rate)).sqrt()
    work = sum(flow.share[i][0, 0, 0] * mean(psi[:, i], rate[:, i]) for i in range(2))
    assert float(abs(work) / scale.sum()) < 1e-13
    assert float((mean(q, rate).abs() / (mean(q, q) * mean(rate, rate)).sqrt()).max()) < 1e-13


def test_the_step_that_the_flow_asks_for_keeps_energy_and_a_shorter_one_keeps_it_better():
    flow = double(beta=0.0)
    q = flow.noise(1, 1, 0.5, wavelength=2e5)
    steps = flow.steps(q, 2 * DAY)
    drift = [
        abs(float(flow.energy(flow.advance(q, 2 * DAY, steps=n)) / flow.energy(q)) - 1.0) for n in (steps, 4 * steps)
    ]
    assert drift[0] < 1e-5
    assert drift[1] < drift[0] / 4**4


def test_scheme_is_of_fourth_order_with_every_term():
    flow = double(mean_flow=(0.1, -0.02), drag=2e-7, hyperviscosity=1e-5)
    q = flow.noise(2, 1, 0.5, wavelength=2e5)
    exact = flow.advance(q, DAY, steps=192)
    error = [float((flow.advance(q, DAY, steps=n) - exact).abs().max()) for n in (12, 24)]
    assert 12.0 < error[0] / error[1] < 20.0


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 10), st.integers(-8, 8), st.booleans())
def test_rossby_waves_travel_as_their_dispersion_relation_says(along, across, baroclinic):
    flow = double()
    # Without bottom friction the baroclinic mode has no transport, the barotropic one no shear.
    lower = -float(flow.share[0] / flow.share[1]) if baroclinic else 1.0
    q = wave(flow, along, across, 10.0, 10.0 * lower)
    k = 2 * np.pi * along / (SHAPE[1] * SPACING[1])
    square = k**2 + (2 * np.pi * across / (SHAPE[0] * SPACING[0])) ** 2
    omega = -SEA["beta"] * k / (square + baroclinic / RADIUS**2)
    days = 20 * DAY
    torch.testing.assert_close(flow.advance(q, days, steps=10), q * np.exp(-1j * omega * days), rtol=1e-9, atol=1e-18)


@pytest.mark.parametrize("along", [2, 4, 6, 9])
def test_eddies_grow_at_the_rate_of_phillips(along):
    # Vallis (2017), eq. 9.89: equal layers, velocities +U and -U, no beta.
    speed = 0.05
    flow = double(beta=0.0, depths=(2000.0, 2000.0), mean_flow=(speed, -speed))
    k = 2 * np.pi * along / (SHAPE[1] * SPACING[1])
    expected = k * speed * np.sqrt(max((RADIUS**-2 - k**2) / (RADIUS**-2 + k**2), 0.0))
    before = flow.advance(wave(flow, along, 0, 1e-3, 0.5e-3), 150 * DAY, steps=20)
    after = flow.advance(before, 10 * DAY, steps=10)
    growth = 0.5 * float(torch.log(flow.energy(after).abs() / flow.energy(before).abs())) / (10 * DAY)
    if expected > 0:
        assert growth == pytest.approx(expected, rel=1e-3)
    else:
        assert abs(growth) < 1e-6


def test_beta_stabilises_a_weak_shear():
    # Equal layers: the PV gradients of both layers are positive, and nothing grows, when beta > F |U1 - U2|.
    shear = 0.1
    critical = 0.5 / RADIUS**2 * shear
    energy = {}
    for factor in (0.2, 1.05):
        flow = double(beta=factor * critical, depths=(2000.0, 2000.0), mean_flow=(shear / 2, -shear / 2))
        q = 1e-6 * flow.noise(3, 1, 1.0, wavelength=2e5)
        energy[factor] = float(flow.energy(flow.advance(q, 200 * DAY, steps=40)) / flow.energy(q))
    assert energy[1.05] < 30.0
    assert energy[0.2] > 1e3


@settings(max_examples=25, deadline=None)
@given(st.floats(0.0, 2e5), st.floats(0.0, 1e-6), st.floats(0.0, 1e-4), st.floats(-0.5, 0.5))
def test_linear_terms_are_the_exponential_of_their_matrix(step, drag, viscosity, shear):
    flow = double((8, 8), mean_flow=(shear, 0.0), drag=drag, hyperviscosity=viscosity, relaxation=4e-7)
    matrix = torch.stack([torch.stack([e.expand(1, 8, 5) for e in row], -1) for row in flow._generator], -2)
    exact = torch.linalg.matrix_exp(matrix * step)
    ours = torch.stack([torch.stack([e.expand(1, 8, 5) for e in row], -1) for row in flow.propagator(step)], -2)
    torch.testing.assert_close(ours, exact, rtol=1e-8, atol=1e-10)


def test_drag_takes_from_the_lower_layer_what_its_speed_asks_for_and_viscosity_from_the_smallest_scales():
    drag, seconds = 2e-7, 60.0
    flow = double(beta=0.0, drag=drag)
    q = wave(flow, 3, 2, 1e3, 2e3 - 5e2j)
    square = float(flow.plane.square[0, 2, 3])
    lost = float(flow.energy(q) - flow.energy(flow.propagate(q, seconds))) / seconds
    # Twice the kinetic energy of the lower layer; a wave and its mirror image have a mean square of 2 |psi|^2.
    speed = 2 * square * abs(2e3 - 5e2j) ** 2
    assert lost == pytest.approx(drag * float(flow.share[1]) * speed, rel=1e-4)
    flow = double(beta=0.0, hyperviscosity=1e-5)
    kept = flow.propagate(wave(flow, 10, 0, 1e3, 0.0), DAY) / wave(flow, 10, 0, 1e3, 0.0)
    scale = 2 * np.pi * 10 / (SHAPE[1] * SPACING[1]) / float(flow.plane.cutoff)
    assert kept[0, 0, 0, 10].real.item() == pytest.approx(np.exp(-1e-5 * scale**8 * DAY), rel=1e-9)


def test_a_sea_at_rest_is_pulled_to_the_jet_exponentially():
    rate = 1 / (20 * DAY)
    latitude = 2 * torch.pi * torch.arange(SHAPE[0], dtype=torch.float64) / SHAPE[0]
    jet = 5e4 * torch.cos(latitude) + 1e4 * torch.sin(3 * latitude)
    flow = double(jet=jet, relaxation=rate)
    rest = torch.zeros(1, 2, SHAPE[0], SHAPE[1] // 2 + 1, dtype=torch.complex128)
    psi = flow.plane.to_grid(flow.streamfunction(flow.advance(rest, 30 * DAY, steps=60)))
    expected = jet[:, None] * (1 - np.exp(-1.5))
    torch.testing.assert_close((psi[0, 0] - psi[0, 1]), expected.expand(SHAPE), rtol=1e-6, atol=1.0)
    transport = flow.share[0] * psi[:, 0] + flow.share[1] * psi[:, 1]
    assert float(transport.abs().max()) < 1e-6 * 5e4


def test_members_of_a_batch_are_single_runs():
    changes = {
        "f0": [9e-5, 6e-5, 1.2e-4],
        "beta": [1.8e-11, 2.1e-11, 1e-11],
        "radius": [4e4, 6e4, 2e4],
        "drag": [1e-7, 2e-7, 0.0],
    }
    shear, width = [0.1, 0.03, 0.2], [2e4, 2.4e4, 1.2e4]
    many = {name: torch.tensor(values) for name, values in changes.items()}
    batch = double(mean_flow=(torch.tensor(shear), 0.0), spacing=(2e4, torch.tensor(width)), **many)
    q = batch.noise(4, 3, 0.2, wavelength=2e5)
    together = batch.advance(q, DAY, steps=8)
    for i in range(3):
        alone = double(
            mean_flow=(torch.tensor(shear)[i], 0.0),
            spacing=(2e4, torch.tensor(width)[i]),
            **{name: values[i] for name, values in many.items()},
        )
        torch.testing.assert_close(
            alone.advance(q[i : i + 1], DAY, steps=8), together[i : i + 1], rtol=1e-10, atol=1e-18
        )


def test_a_seed_is_a_run_bit_for_bit_and_a_restart_goes_on_where_it_stopped():
    flow = TwoLayer(SHAPE, SPACING, **SEA, mean_flow=(0.1, 0.0), hyperviscosity=1e-5)
    one, again, other = (flow.noise(seed, 1, 0.5) for seed in (5, 5, 6))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    whole = flow.advance(flow.advance(one, DAY), DAY)
    fresh = TwoLayer(SHAPE, SPACING, **SEA, mean_flow=(0.1, 0.0), hyperviscosity=1e-5)
    assert torch.equal(fresh.advance(fresh.advance(again, DAY), DAY), whole)


def test_refining_keeps_every_wave():
    coarse, fine = double((16, 16), (4e4, 4e4)), double((32, 32), (2e4, 2e4))
    q = coarse.noise(7, 2, 0.4)
    finer = refine(q, (32, 32))
    torch.testing.assert_close(fine.energy(finer), coarse.energy(q))
    torch.testing.assert_close(fine.plane.to_grid(finer)[..., ::2, ::2], coarse.plane.to_grid(q))
    torch.testing.assert_close(refine(finer, (16, 16)), q)


def test_steps_follow_the_fastest_member_and_the_resolution():
    flow = double()
    q = flow.noise(8, 2, 0.1)
    q[1] *= 3.0
    slow, fast = flow.steps(q[:1], 100 * DAY), flow.steps(q[1:], 100 * DAY)
    assert flow.steps(q, 100 * DAY) == max(slow, fast)
    assert flow.steps(3 * q[:1], 100 * DAY) == pytest.approx(3 * slow, abs=3)
    finer = double((64, 96), (1e4, 0.8e4))
    assert finer.steps(refine(q, (64, 96)), 100 * DAY) == pytest.approx(2 * max(slow, fast), rel=0.1)


def test_what_cannot_run_says_so():
    with pytest.raises(ValueError, match="even numbers"):
        Plane((9, 16), (1e4, 1e4))
    with pytest.raises(ValueError, match="positive numbers"):
        Plane((8, 16), (0.0, 1e4))
    with pytest.raises(ValueError, match="deformation radius"):
        double(radius=-1.0)
    flow = TwoLayer(SHAPE, SPACING, **SEA)
    wild = flow.noise(9, 1, 50.0)
    with pytest.raises(FloatingPointError, match="give more steps"):
        flow.advance(wild, 400 * DAY, steps=40)
    with pytest.raises(FloatingPointError, match="no stable step"):
        flow.steps(wild * float("nan"), DAY)
