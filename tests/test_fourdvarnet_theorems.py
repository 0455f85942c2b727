"""What holds of 4DVarNet for any weights: least squares, descent, gradients, gaps, blocks, units."""

from functools import partial

import numpy as np
import numpy.testing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import LinearOperator, cg
from torch import nn

from adaf_xr.models.fourdvarnet import Configuration, Window, light, network_for, small
from adaf_xr.models.fourdvarnet.cost import VariationalCost
from adaf_xr.models.fourdvarnet.solver import Course, gradient_of
from adaf_xr.models.fourdvarnet.state import beginning, observations_of

SEEDS = st.integers(0, 2**31)
SMALL = small("4dvarnet-ssh-sst", days=3, width=4, hidden=5, features=3, steps=3, blocks=2)
LIGHT = light(days=3, width=4, hidden=5, steps=4, descent=1.0)
VARIANTS = {
    "with temperature": SMALL,
    "without": small("4dvarnet-ssh", days=3, width=4, hidden=5, steps=3, blocks=2),
    "robust": SMALL.but(norm="robust"),
    "light": LIGHT,
}


def window(configuration, seed=0, cells=(8, 16), batch=1, share=0.3, dtype=torch.float64):
    """Noise, some of it observed."""
    generator = torch.Generator().manual_seed(seed)
    shape = 3, batch, configuration.days, *cells
    ssh, oi, sst = torch.randn(shape, generator=generator, dtype=dtype).unbind(0)
    observed = torch.rand(ssh.shape, generator=generator, dtype=dtype) < share
    return Window(torch.where(observed, ssh, torch.nan), oi, sst)


def network(configuration, seed=0):
    return network_for(configuration, seed=seed).double().eval()


def problem_of(cost, configuration, seed=0, **more):
    """Something to solve, and where to begin."""
    observations = observations_of(window(configuration, seed, **more), configuration)
    return cost.problem(observations), beginning(observations, configuration)


class TestLeastSquares:
    """With a linear prior the cost is a sum of squares of linear forms."""

    @staticmethod
    def cost(configuration, seed):
        """A cost with a linear prior and random weights of its terms."""
        torch.manual_seed(seed)
        cost = VariationalCost(configuration)
        cost.prior = nn.Conv2d(configuration.channels, configuration.channels, 3, padding=1)
        nn.init.normal_(cost.prior.weight, std=0.1)
        for weight in cost.weights.parameters():
            nn.init.uniform_(weight, 0.5, 2.0)
        return cost.double()

    @staticmethod
    def solution(cost, problem, shape):
        """By a matrix, from NumPy."""
        size = int(np.prod(shape))
        basis = torch.eye(size, dtype=torch.float64).reshape(size, *shape[1:])
        with torch.no_grad():
            offset = cost.prior(torch.zeros(shape, dtype=torch.float64))
            prior = (cost.prior(basis) - offset).reshape(size, size).T.numpy()
        seen = problem.observations
        scale, weights, of_seen = 1.0, torch.ones(shape[1]), torch.ones(seen.values.shape[1])
        # A mean over what was observed of its squares weighs each more than a mean over all.
        ratio = size / seen.mask.sum()
        if hasattr(cost.weights, "scales"):
            held = cost.weights
            scale, ratio = held.scales[0] / held.prior_scale[0], torch.ones(())
            weights, of_seen = held.prior_channels, held.channels[0, : seen.values.shape[1]]
        each = np.broadcast_to(weights.detach()[:, None, None], shape[1:]).ravel()
        rows = each[:, None] * (np.eye(size) - prior)
        mask = (scale * ratio.sqrt() * of_seen[:, None, None] * seen.mask[0]).detach().numpy().ravel()
        observed = np.zeros((mask.size, size))
        np.fill_diagonal(observed, mask)  # the first channels of a state
        due = [each * offset.numpy().ravel(), mask * seen.values.numpy().ravel()]
        return np.linalg.lstsq(np.vstack([rows, observed]), np.concatenate(due), rcond=None)[0].reshape(shape)

    @pytest.mark.parametrize("share", [1.0, 0.4], ids=["all observed", "some observed"])
    @pytest.mark.parametrize(
        "configuration", [light(days=2), small("4dvarnet-ssh", days=1)], ids=["means", "trained weights"]
    )
    def test_where_the_gradient_vanishes_is_the_least_squares_solution(self, configuration, share):
        cost = self.cost(configuration, seed=1)
        problem, start = problem_of(cost, configuration, cells=(5, 6), share=share)
        shape = start.shape

        def gradient(x):
            return gradient_of(cost, problem, torch.from_numpy(x).reshape(shape)).numpy().ravel()

        # The gradient is H x - b, and conjugate gradients solve H x = b.
        b = -gradient(np.zeros(start.numel()))
        hessian = LinearOperator((b.size, b.size), lambda x: gradient(np.ravel(x)) + b, dtype=float)
        found, failed = cg(hessian, b, rtol=1e-12, maxiter=2000)
        assert not failed
        npt.assert_allclose(found.reshape(shape), self.solution(cost, problem, shape), atol=1e-8)

    def test_the_network_itself_finds_it_when_it_only_follows_the_gradient(self):
        configuration = light(days=2, steps=300, descent=8.0, projection=False)
        net = network(configuration)
        net.cost = self.cost(configuration, seed=2)
        nn.init.zeros_(net.solver.answer.weight)
        nn.init.zeros_(net.solver.answer.bias)
        whole = window(configuration, cells=(4, 4), share=1.1)
        problem = net.cost.problem(observations_of(whole, configuration))
        due = self.solution(net.cost, problem, whole.ssh.shape)
        assert np.abs(due - whole.ssh.numpy()).max() > 0.1  # the prior has its say
        npt.assert_allclose(net(whole)[-1].ssh.detach(), due, atol=1e-7)

    def test_noise_free_observations_of_what_the_prior_knows_are_continued_into_gaps(self):
        configuration = light(days=3, steps=300, descent=12.0, projection=False)
        net = network(configuration)
        net.cost.prior = nn.Conv2d(3, 3, 1, bias=False).double()
        net.cost.prior.weight.data.fill_(1 / 3)  # the mean over days: what lasts is known
        nn.init.zeros_(net.solver.answer.weight)
        nn.init.zeros_(net.solver.answer.bias)
        truth = torch.randn(1, 1, 4, 4, dtype=torch.float64).expand(1, 3, 4, 4)
        day = torch.arange(16).reshape(4, 4) % 3  # each cell is seen once
        seen = torch.where(torch.arange(3)[:, None, None] == day, truth, torch.nan)
        npt.assert_allclose(net(Window(seen))[-1].ssh.detach(), truth, atol=1e-6)


class TestGradient:
    @settings(max_examples=8, deadline=None)
    @given(st.sampled_from(sorted(VARIANTS)), SEEDS)
    def test_of_the_cost_agrees_with_finite_differences(self, variant, seed):
        configuration = VARIANTS[variant]
        cost = network(configuration, seed).cost
        problem, state = problem_of(cost, configuration, seed)
        along = torch.randn_like(state)
        step = 1e-6
        rise = (cost(state + step * along, problem) - cost(state - step * along, problem)) / (2 * step)
        slope = (gradient_of(cost, problem, state) * along).sum()
        npt.assert_allclose(slope.item(), rise.item(), rtol=1e-5, atol=1e-8)

    @pytest.mark.parametrize("variant", sorted(VARIANTS))
    def test_of_a_loss_passes_through_all_steps_of_a_block(self, variant):
        """Second derivatives of the cost and all: a weight moved is a loss moved as the gradient says."""
        net = network(VARIANTS[variant].but(blocks=1), seed=3)
        seen = window(net.configuration, 4)

        def loss():
            return (net(seen)[-1].ssh ** 2).mean()

        loss().backward()
        weights = [weight for weight in net.parameters() if weight.requires_grad]
        along = [torch.randn_like(weight) for weight in weights]
        slope = sum((weight.grad * a).sum() for weight, a in zip(weights, along, strict=True))
        ends = []
        for step in (1e-6, -2e-6):
            for weight, a in zip(weights, along, strict=True):
                weight.data += step * a
            ends.append(loss().item())
        npt.assert_allclose(slope.item(), (ends[0] - ends[1]) / 2e-6, rtol=1e-4)

    def test_reaches_every_weight_that_is_trained(self):
        net = network(SMALL)
        sum((found.ssh**2 + found.u**2 + found.v**2).mean() for found in net(window(SMALL))).backward()
        silent = [name for name, weight in net.named_parameters() if weight.requires_grad and weight.grad is None]
        assert not silent
        left = {name for name, weight in net.named_parameters() if not weight.requires_grad}
        assert left == {"cost.weights.prior_softening", "cost.weights.softening"}

    def test_of_a_cost_of_0_is_no_step(self):
        net = network(light(days=3, width=4, hidden=5, projection=False))
        for weight in net.parameters():
            nn.init.zeros_(weight)
        flat = Window(torch.zeros(1, 3, 4, 4, dtype=torch.float64))
        assert torch.equal(net(flat)[-1].ssh, flat.ssh)


class TestDescent:
    @settings(max_examples=6, deadline=None)
    @given(st.sampled_from(sorted(VARIANTS)), SEEDS)
    def test_along_the_gradient_the_cost_never_rises(self, variant, seed):
        cells = 8 * 16
        configuration = VARIANTS[variant].but(descent=0.02 * cells, steps=12)
        net = network(configuration, seed)
        for weight in net.solver.answer.parameters():
            nn.init.zeros_(weight)
        problem, state = problem_of(net.cost, configuration, seed)
        course, costs = Course(state), [net.cost(state, problem).item()]
        for number in range(configuration.steps):
            course = net.solver.step(net.cost, problem, course, number, learning=False)
            costs.append(net.cost(course.state, problem).item())
        assert max(np.diff(costs)) <= 0
        assert costs[-1] < 0.99 * costs[0]

    @pytest.mark.parametrize(("pace", "way"), [("even", 1.0), ("falling", 1 + 1 / 2 + 1 / 3 + 1 / 4)])
    def test_steps_go_their_share_of_what_the_memory_says(self, pace, way):
        net = network(LIGHT.but(pace=pace, descent=0.0, projection=False))
        nn.init.zeros_(net.solver.answer.weight)
        nn.init.ones_(net.solver.answer.bias)
        held = window(LIGHT)
        torch.testing.assert_close(net(held)[-1].ssh, torch.nan_to_num(held.ssh) - way)

    @settings(max_examples=5, deadline=None)
    @given(SEEDS, st.floats(0.1, 10))
    def test_the_unit_of_the_cost_does_not_matter(self, seed, factor):
        """Gradients are seen in units of the first."""
        net = network(SMALL, seed)
        before = net(window(SMALL, seed))[-1]
        for scale in (net.cost.weights.prior_scale, net.cost.weights.scales):
            scale.data *= factor
        after = net(window(SMALL, seed))[-1]
        torch.testing.assert_close(after.state, before.state, rtol=1e-9, atol=1e-9)


class TestGaps:
    @settings(max_examples=8, deadline=None)
    @given(
        st.sampled_from(sorted(VARIANTS)),
        SEEDS,
        st.sampled_from([0.0, 1e30, float("nan"), float("inf"), float("-inf")]),
    )
    def test_what_is_masked_contributes_nothing(self, variant, seed, filling):
        configuration = VARIANTS[variant]
        net = network(configuration)
        held = window(configuration, seed)
        mask = torch.isfinite(held.ssh)
        filled = Window(torch.where(mask, held.ssh, filling), held.oi, held.sst, mask)
        results, slopes = [], []
        for given_window in (held, filled):
            problem = net.cost.problem(observations_of(given_window, configuration))
            slopes.append(gradient_of(net.cost, problem, torch.ones(1, configuration.channels, 8, 16).double()))
            results.append(net(given_window)[-1].state)
        assert torch.equal(*results)
        assert torch.equal(*slopes)

    def test_an_observation_contributes(self):
        net = network(LIGHT)
        held = window(LIGHT)
        first = torch.isfinite(held.ssh).nonzero()[0]
        moved = held.ssh.clone()
        moved[tuple(first)] += 1
        assert not torch.equal(net(held)[-1].ssh, net(Window(moved))[-1].ssh)

    def test_a_day_without_observations_is_fine(self):
        held = window(SMALL)
        held.ssh[:, 1] = torch.nan
        assert torch.isfinite(network(SMALL)(held)[-1].state).all()

    def test_gaps_of_temperature_may_hold_anything(self):
        net, held = network(SMALL), window(SMALL)
        gap = torch.rand_like(held.sst) < 0.5
        nan, inf = (net(Window(held.ssh, held.oi, torch.where(gap, odd, held.sst)))[-1] for odd in (np.nan, np.inf))
        assert torch.equal(nan.state, inf.state)
        assert torch.isfinite(nan.state).all()

    def test_gaps_that_are_observations_of_0_are_the_same_as_zeros(self):
        net = network(LIGHT.but(gaps="zero"))
        held = window(LIGHT)
        assert torch.equal(net(held)[-1].ssh, net(Window(torch.nan_to_num(held.ssh)))[-1].ssh)


class TestBlocks:
    def test_nothing_is_learned_through_what_came_before(self):
        """The gradient of the second block's loss is that of the second block alone, begun where the first ended."""
        net, held = network(SMALL), window(SMALL)
        weights = [weight for weight in net.parameters() if weight.requires_grad]
        gradients = partial(torch.autograd.grad, inputs=weights)
        both = gradients((net(held)[1].state ** 2).sum())

        observations = observations_of(held, SMALL)
        with torch.no_grad():
            problem = net.cost.problem(observations)
            course = net.solver(net.cost, problem, Course(beginning(observations, SMALL)), learning=False)
        alone = net.solver(net.cost, net.cost.problem(observations), course, learning=True)
        for one, other in zip(both, gradients((alone.state**2).sum()), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)

    def test_each_can_be_differentiated_by_itself(self):
        net = network(SMALL)
        for found in net(window(SMALL)):
            found.ssh.sum().backward()

    def test_the_memory_goes_on_from_block_to_block(self):
        held = window(SMALL)
        two = network(SMALL)(held)
        one = network(SMALL.but(blocks=1))(held)
        assert torch.equal(two[0].state, one[0].state)
        again = network(SMALL)
        fresh = Window(held.ssh, held.oi, held.sst)
        course = Course(two[0].state.detach())
        problem = again.cost.problem(observations_of(fresh, SMALL))
        assert not torch.equal(again.solver(again.cost, problem, course, False).state, two[1].state)


class TestCompany:
    """Windows of a batch have nothing to do with one another."""

    @pytest.mark.parametrize("variant", sorted(VARIANTS))
    def test_a_batch_is_its_windows_one_by_one(self, variant):
        net, both = network(VARIANTS[variant]), window(VARIANTS[variant], batch=2)
        together = net(both)[-1].state
        for k in range(2):
            alone = Window(both.ssh[k : k + 1], both.oi[k : k + 1], both.sst[k : k + 1])
            torch.testing.assert_close(net(alone)[-1].state[0], together[k], rtol=1e-9, atol=1e-9)

    def test_without_gradients_around_it_the_result_is_the_same(self):
        for configuration in (SMALL, LIGHT):
            net = network_for(configuration, seed=0).eval()
            held = window(configuration, dtype=torch.float32)
            with_graph = net(held)[-1].state
            assert with_graph.requires_grad
            with torch.no_grad():
                without = net(held)[-1].state
            frozen = net.requires_grad_(False)(held)[-1].state
            assert not without.requires_grad and not frozen.requires_grad
            torch.testing.assert_close(without, with_graph.detach(), rtol=1e-5, atol=1e-5)
            assert torch.equal(without, frozen)

    def test_dropout_is_for_training_only(self):
        net = network(Configuration(days=3, width=4, hidden=5, features=3))
        held = window(net.configuration)
        assert torch.equal(net(held)[-1].state, net(held)[-1].state)
        net.train()
        assert not torch.equal(net(held)[-1].state, net(held)[-1].state)
        torch.manual_seed(1)
        first = net(held)[-1].state
        torch.manual_seed(1)
        assert torch.equal(first, net(held)[-1].state)
