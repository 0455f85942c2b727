"""The loss of 4DVarNet: every term against plain arithmetic, and what must not count."""

import numpy as np
import numpy.testing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from torch import nn

from adaf_xr.kinematics import RADIUS, coriolis
from adaf_xr.models.fourdvarnet import Estimate, small
from adaf_xr.normalisation import Affine
from adaf_xr.training.fourdvarnet.filters import smoothed, sobel
from adaf_xr.training.fourdvarnet.objective import Objective
from adaf_xr.training.fourdvarnet.operators import Flow, days_of
from adaf_xr.training.fourdvarnet.options import Loss
from adaf_xr.training.fourdvarnet.scores import scored
from adaf_xr.training.fourdvarnet.truth import Truth

DAYS, ROWS, COLUMNS, BORDER = 7, 36, 40, 8
STEPS = (0.1, 0.125)
LATITUDE = torch.arange(ROWS) * STEPS[0] + 35.0
NORMALISATION = {"ssh": Affine(0.3, 0.4), "currents": Affine(0.0, 0.5)}
HANN = np.hanning(DAYS)
INNER = np.s_[1:-1, BORDER:-BORDER, BORDER:-BORDER]


class Halving(nn.Module):
    """A network whose prior halves every state."""

    def prior(self, state):
        return 0.5 * state


def fields(seed, *names):
    random = np.random.default_rng(seed)
    return {name: torch.from_numpy(random.standard_normal((1, DAYS, ROWS, COLUMNS))).float() for name in names}


def truth_of(seed=0, land=None):
    batch = {**fields(seed, "ssh", "u", "v", "oi"), "latitude": LATITUDE[None]}
    if land is not None:
        batch |= {name: batch[name].masked_fill(land, torch.nan) for name in ("ssh", "u", "v")}
    return Truth.of(batch)


def estimate_of(seed=1):
    """A state and what it means."""
    blocks = fields(seed, "coarse", "seen", "free", "u", "v")
    return Estimate(blocks["coarse"] + blocks["free"], blocks["u"], blocks["v"], torch.cat([*blocks.values()], 1))


def objective(name="4dvarnet-ssh", **options):
    return Objective(Loss(border=BORDER, **options), small(name, pooling=1), NORMALISATION, STEPS)


def terms_of(estimate, truth, name="4dvarnet-ssh", **options):
    found = objective(name, **options).terms(Halving(), estimate, truth)
    return {key: term.item() for key, term in found.items()}


def weighted(*errors):
    """Mean square of errors away from the border, which the days weigh before they are squared."""
    return sum(np.mean((HANN[1:-1, None, None] * error[INNER]) ** 2) for error in errors)


@pytest.fixture
def pair():
    return estimate_of(), truth_of()


@pytest.fixture
def errors(pair):
    estimate, truth = pair
    return {name: (getattr(estimate, name) - getattr(truth, name))[0].double().numpy() for name in ("ssh", "u", "v")}


class TestTerms:
    def test_heights_and_currents_are_mean_squares_that_the_days_weigh_twice(self, pair, errors):
        terms = terms_of(*pair)
        npt.assert_allclose(terms["ssh"], 50.0 * weighted(errors["ssh"]), rtol=1e-5)
        npt.assert_allclose(terms["currents"], 50.0 * weighted(errors["u"], errors["v"]), rtol=1e-5)

    def test_gradients_are_twice_those_of_sobel(self, pair, errors):
        # ndimage has no norm: a slope of 1 gives 8.
        parts = (np.stack([ndimage.sobel(day, axis) for day in errors["ssh"]]) / 8.0 for axis in (0, 1))
        due = 1000.0 * weighted(*(2.0 * part for part in parts))
        npt.assert_allclose(terms_of(*pair)["gradients"], due, rtol=1e-5)

    def test_geostrophic_currents_are_those_of_the_sphere(self, pair, errors):
        latitude = LATITUDE.double().numpy()
        metres = 0.4 * errors["ssh"]
        north = np.gradient(metres, np.radians(STEPS[0]) * RADIUS, axis=1)
        east = np.gradient(metres, np.radians(STEPS[1]) * RADIUS, axis=2) / np.cos(np.radians(latitude))[:, None]
        factor = 9.81 / coriolis(latitude)[:, None] / 0.5
        npt.assert_allclose(terms_of(*pair)["geostrophic"], 25.0 * weighted(factor * north, factor * east), rtol=1e-4)

    @pytest.mark.parametrize("passes", [0, 1, 5])
    def test_divergence_is_smoothed(self, pair, errors, passes):
        cosine = np.cos(np.radians(LATITUDE.double().numpy()))[:, None]
        u, v = 0.5 * errors["u"], 0.5 * errors["v"]
        found = np.gradient(u, np.radians(STEPS[1]) * RADIUS, axis=2)
        found = (found + np.gradient(v * cosine, np.radians(STEPS[0]) * RADIUS, axis=1)) / cosine
        cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]]) / 5.0
        for _ in range(passes):
            found = ndimage.convolve(found, cross[None], mode="nearest")
        if passes:
            bell = np.exp(-0.5 * np.array([-1.0, 0.0, 1.0]) ** 2)
            found = ndimage.convolve(found, np.outer(bell, bell)[None] / bell.sum() ** 2, mode="nearest")
        due = 1000.0 * weighted(1e4 * found)
        npt.assert_allclose(terms_of(*pair, smoothing=passes)["divergence"], due, rtol=1e-4)

    def test_departures_from_the_interpolated_height(self, pair):
        estimate, truth = pair
        departure = (estimate.ssh - truth.oi)[0].double().numpy()
        blocks = departure[:, :32, :32].reshape(DAYS, 2, 16, 2, 16).mean((2, 4))
        due = 0.5 * np.mean((HANN[1:-1, None, None] * blocks[1:-1]) ** 2)
        npt.assert_allclose(terms_of(*pair)["low_pass"], due, rtol=1e-5)
        coarse = (estimate.state[0, :DAYS] - truth.oi[0]).double().numpy()
        npt.assert_allclose(terms_of(*pair)["coarse"], 0.5 * weighted(coarse), rtol=1e-5)

    def test_state_and_truth_are_to_be_their_own_prior(self, pair):
        estimate, truth = pair
        anomaly = truth.ssh - truth.oi
        due = torch.cat([truth.oi, anomaly, anomaly, truth.u, truth.v], 1)
        squares = sum(((0.5 * state) ** 2).mean() for state in (estimate.state, due))
        npt.assert_allclose(terms_of(*pair)["prior"], 0.25 * squares.item(), rtol=1e-5)

    def test_direct_inversion_has_no_state(self, pair):
        assert set(terms_of(*pair)) - set(terms_of(*pair, name="unet-ssh")) == {"prior", "coarse"}

    def test_a_state_of_height_alone_has_no_currents(self, pair):
        estimate, truth = pair
        configuration = small("4dvarnet-ssh", pooling=1, state="direct")
        found = Objective(Loss(border=BORDER), configuration, NORMALISATION, STEPS)
        alone = Estimate(estimate.ssh, None, None, estimate.ssh)
        terms = found.terms(Halving(), alone, truth)
        assert set(terms) == {"ssh", "gradients", "geostrophic", "low_pass", "prior"}
        squares = sum(((0.5 * x) ** 2).mean() for x in (estimate.ssh, truth.ssh))
        npt.assert_allclose(terms["prior"].item(), 0.25 * squares.item(), rtol=1e-5)


class TestWhatDoesNotCount:
    def test_a_perfect_reconstruction_leaves_the_prior_and_the_interpolation(self):
        truth = truth_of()
        perfect = Estimate(truth.ssh, truth.u, truth.v, truth.state(small("4dvarnet-ssh")))
        terms = terms_of(perfect, truth)
        assert {name for name, term in terms.items() if term} == {"prior", "low_pass"}

    def test_a_level_has_no_geostrophic_currents(self):
        truth = truth_of()
        raised = Estimate(truth.ssh + 0.3, truth.u, truth.v, truth.state(small("4dvarnet-ssh")))
        terms = terms_of(raised, truth)
        assert terms["ssh"] > 1.0
        assert terms["gradients"] < 1e-6 and terms["geostrophic"] < 1e-6

    def test_a_zonal_current_does_not_diverge(self):
        truth = truth_of()
        jet = truth.u + torch.sin(LATITUDE)[:, None]
        terms = terms_of(Estimate(truth.ssh, jet, truth.v, truth.state(small("4dvarnet-ssh"))), truth)
        assert terms["currents"] > 1.0
        assert terms["divergence"] < 1e-10

    @pytest.mark.parametrize("where", [np.s_[:, 0], np.s_[:, -1], np.s_[..., : BORDER - 7], np.s_[:, :, 7 - BORDER :]])
    def test_first_and_last_day_and_border(self, pair, where):
        estimate, truth = pair
        state = estimate.state.clone()
        for block in state.split(DAYS, 1):
            block[where] += 100.0
        blocks = state.split(DAYS, 1)
        spoilt = Estimate(blocks[0] + blocks[2], blocks[3], blocks[4], state)
        # The state as a whole is beside its prior, and means over large squares reach to the edge.
        for name in set(terms_of(*pair)) - {"prior", "low_pass"}:
            assert terms_of(spoilt, truth)[name] == pytest.approx(terms_of(*pair)[name], rel=1e-6), name

    def test_land(self):
        land = torch.zeros(ROWS, COLUMNS, dtype=torch.bool)
        land[16:20, 18:24] = True
        estimate, truth = estimate_of(), truth_of(land=land)
        spoilt = Estimate(*(x.masked_fill(land, 50.0) for x in (estimate.ssh, estimate.u, estimate.v)), estimate.state)
        terms, again = terms_of(estimate, truth, smoothing=1), terms_of(spoilt, truth, smoothing=1)
        assert terms == again and np.isfinite([*terms.values()]).all()
        sea = ~land.numpy()
        error = (estimate.ssh - truth.ssh)[0].double().numpy()
        inside = np.broadcast_to(sea, error.shape)[INNER]
        due = 50.0 * np.sum((HANN[1:-1, None, None] * error[INNER]) ** 2 * inside) / inside.sum()
        npt.assert_allclose(terms["ssh"], due, rtol=1e-5)

    def test_gradients_stay_finite_on_land(self):
        land = torch.zeros(ROWS, COLUMNS, dtype=torch.bool)
        land[:, :20] = True
        estimate = estimate_of()
        state = estimate.state.requires_grad_()
        blocks = state.split(DAYS, 1)
        found = Estimate(blocks[0] + blocks[2], blocks[3], blocks[4], state)
        terms = objective(prior=0.0).terms(Halving(), found, truth_of(land=land))
        torch.stack([*terms.values()]).sum().backward()
        assert torch.isfinite(state.grad).all()
        assert not state.grad[..., land].any() and state.grad.any()


class TestSums:
    def test_later_blocks_count_twice(self):
        found, truth = [estimate_of(seed) for seed in (1, 2, 3)], truth_of()
        losses = [sum(terms_of(estimate, truth).values()) for estimate in found]
        sums = objective().of(Halving(), found, truth)
        npt.assert_allclose(float(sums["loss"][0]), 2.0 * sum(losses) - losses[0], rtol=1e-5)
        npt.assert_allclose(float(sums["currents"][0]), terms_of(found[-1], truth)["currents"], rtol=1e-6)

    def test_items_add_up(self):
        pairs = [(estimate_of(seed), truth_of(10 + seed)) for seed in (1, 2)]
        alone = [objective().of(Halving(), [estimate], truth)["loss"] for estimate, truth in pairs]
        estimate = Estimate(*(torch.cat(parts) for parts in zip(*(_parts(e) for e, _ in pairs), strict=True)))
        truth = Truth(*(torch.cat(parts) for parts in zip(*(_parts(t) for _, t in pairs), strict=True)))
        total, count = objective().of(Halving(), [estimate], truth)["loss"]
        npt.assert_allclose(float(total), sum(float(part) for part, _ in alone), rtol=1e-5)
        assert count == 2.0

    @settings(max_examples=10, deadline=None)
    @given(st.floats(-3.0, 3.0))
    def test_terms_grow_with_the_square_of_the_error(self, factor):
        truth, wrong = truth_of(), estimate_of()
        state = truth.state(small("4dvarnet-ssh"))

        def at(times):
            parts = [getattr(truth, name) + times * getattr(wrong, name) for name in ("ssh", "u", "v")]
            return terms_of(Estimate(*parts, state), truth)

        one, other = at(1.0), at(factor)
        for name in ("ssh", "gradients", "geostrophic", "currents", "divergence"):
            assert other[name] == pytest.approx(factor**2 * one[name], rel=1e-3, abs=1e-4), name

    def test_a_network_on_means_of_cells_is_compared_with_means_of_the_truth(self):
        batch = {**fields(0, "ssh", "u", "v", "oi"), "latitude": LATITUDE[None]}
        truth = Truth.of(batch, 2)
        due = batch["u"].reshape(1, DAYS, ROWS // 2, 2, COLUMNS // 2, 2).mean((3, 5))
        npt.assert_allclose(truth.u.numpy(), due.numpy(), atol=1e-6)
        npt.assert_allclose(truth.latitude[0].numpy(), LATITUDE.reshape(-1, 2).mean(1).numpy(), rtol=1e-6)
        coarse = Objective(Loss(), small("4dvarnet-ssh", pooling=2), NORMALISATION, STEPS)
        assert coarse.flow.steps == (2 * STEPS[0], 2 * STEPS[1]) and coarse.border == 10


class TestFiltersAndScores:
    def test_days_are_those_of_hann(self):
        npt.assert_allclose(days_of(7).numpy(), np.hanning(7), atol=1e-7)
        npt.assert_allclose(days_of(15).numpy(), np.hanning(15), atol=1e-7)

    def test_the_filter_keeps_the_mean_and_widens_by_the_known_variance(self):
        point = torch.zeros(1, 1, 41, 41, dtype=torch.float64)
        point[0, 0, 20, 20] = 1.0
        spread = smoothed(point, 5)[0, 0].numpy()
        place = np.arange(41) - 20.0
        bell = np.exp(-0.5 * np.array([-1.0, 0.0, 1.0]) ** 2)
        npt.assert_allclose(spread.sum(), 1.0, rtol=1e-12)
        npt.assert_allclose((spread.sum(0) * place**2).sum(), 5 * 2 / 5 + 2 * bell[0] / bell.sum(), rtol=1e-6)

    def test_differences_of_a_plane_are_its_slopes(self):
        rows, columns = torch.meshgrid(torch.arange(6.0), torch.arange(5.0), indexing="ij")
        east, north = sobel((3.0 * columns - 2.0 * rows)[None, None])
        npt.assert_allclose(east[..., 1:-1, 1:-1].numpy(), 3.0, rtol=1e-6)
        npt.assert_allclose(north[..., 1:-1, 1:-1].numpy(), -2.0, rtol=1e-6)

    def test_scores_of_the_centre_day(self):
        truth, flow = truth_of(), Flow.of(NORMALISATION, STEPS)
        estimate = Estimate(truth.ssh + 0.1, 0.9 * truth.u, 0.9 * truth.v, truth.ssh)
        spoilt = [field.clone() for field in (estimate.ssh, estimate.u, estimate.v)]
        for field in spoilt:
            field[:, [0, 1, 2, 4, 5, 6]] = 99.0
            field[..., :BORDER, :] = 99.0
        scores = scored(Estimate(*spoilt, truth.ssh), truth, flow, BORDER, 0)
        found = {name: float(total / count) for name, (total, count) in scores.items()}
        npt.assert_allclose(found["rmse_zos"], (0.4 * 0.1) ** 2, rtol=1e-3)
        npt.assert_allclose(found["tau_uv"], 0.99, rtol=1e-5)
        inner = np.s_[DAYS // 2, BORDER:-BORDER, BORDER:-BORDER]
        oi = 0.4 * (truth.oi - truth.ssh)[0].numpy()[inner]
        npt.assert_allclose(found["rmse_zos_oi"], np.mean(oi**2), rtol=1e-4)

    def test_geostrophy_of_the_true_height_explains_a_geostrophic_flow(self):
        flow, ssh = (
            Flow.of(NORMALISATION, STEPS),
            ndimage.gaussian_filter(fields(3, "ssh")["ssh"][0].numpy(), (0, 3, 3)),
        )
        ssh = torch.from_numpy(ssh)[None]
        u, v = flow.geostrophic(ssh, LATITUDE[None])
        truth = Truth(ssh, u, v, 0.0 * ssh, torch.ones_like(ssh, dtype=torch.bool), LATITUDE[None])
        scores = scored(Estimate(ssh, u, v, ssh), truth, flow, 2, 1)
        found = {name: float(total / count) for name, (total, count) in scores.items()}
        assert found["tau_geostrophic"] == pytest.approx(1.0) and found["tau_uv"] == found["tau_div"] == 1.0
        assert found["tau_geostrophic_oi"] == pytest.approx(0.0, abs=1e-6)


def _parts(held):
    """Fields of a dataclass in order."""
    return [getattr(held, name) for name in held.__dataclass_fields__]
