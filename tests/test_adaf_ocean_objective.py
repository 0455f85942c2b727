"""What training of the default model minimises, and what it reports."""

import numpy as np
import numpy.testing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_ocean import small
from torch import nn

from adaf_xr.models.adaf_ocean.channels import STATE
from adaf_xr.models.adaf_ocean.configuration import Configuration
from adaf_xr.models.adaf_ocean.increments import Increments
from adaf_xr.models.adaf_ocean.network import AdafOceanNetwork, widths_of_input
from adaf_xr.training.adaf_ocean.objective import USUAL, Errors, Objective
from adaf_xr.training.adaf_ocean.options import Loss

ROWS, COLUMNS = 16, 24
N = len(STATE)
LATITUDE = torch.linspace(20.5, 35.5, ROWS)


class Says(nn.Module):
    """A network that says the same in every cell: an increment and a logarithm of its standard error, in the unit."""

    def __init__(self, increment=0.0, log_std=0.0, fine=True):
        super().__init__()
        self.said = nn.Parameter(torch.cat([torch.full((N,), increment), torch.full((N,), log_std)]))
        self.fine = fine

    def forward(self, coarse, fine, wraps):
        rows, columns = coarse.shape[-2:]
        output = self.said[:, None, None].expand(len(coarse), -1, rows, columns)
        return output, torch.zeros(len(coarse), 2 * N, 4 * rows, 4 * columns) if self.fine else None


def batch(seed=0, items=1, scale=0.5):
    """Features at random, and targets of nothing."""
    made = torch.Generator().manual_seed(seed)
    coarse, fine = widths_of_input()
    return {
        "coarse": torch.randn(items, coarse, ROWS, COLUMNS, generator=made),
        "fine": torch.randn(items, fine, 2 * ROWS, 2 * COLUMNS, generator=made),
        "scale": torch.full((items, N, ROWS, COLUMNS), scale),
        "gate": torch.ones(items, ROWS, COLUMNS),
        "latitude": LATITUDE.expand(items, -1),
        "target": torch.zeros(items, N, ROWS, COLUMNS),
        "fine_target": torch.zeros(items, N, 4 * ROWS, 4 * COLUMNS),
        "wraps": torch.zeros(items, dtype=torch.bool),
    }


def noisy(seed=0, items=1, std=0.5):
    """With targets at random."""
    made, held = torch.Generator().manual_seed(seed), batch(seed, items)
    for name in ("target", "fine_target"):
        held[name] = std * torch.randn(held[name].shape, generator=made)
    return held


def mean(pair):
    return (pair[0] / pair[1]).item()


def errors(error, log_std=-1.0, target=None):
    """Of one cell at the equator: the analysis is 0 and wrong by `error`, in all variables."""
    error = torch.as_tensor(error, dtype=torch.float64).expand(N, 1, 1)
    increments = Increments(torch.zeros(N, 1, 1), torch.full((N, 1, 1), log_std))
    return Errors.of(increments, error, torch.ones(N, 1, 1), torch.zeros(1))


class TestSquares:
    def test_no_error_is_no_loss(self):
        loss = Objective(Loss(likelihood=0.0)).loss(Says(), batch())["loss"]
        assert loss[0] == 0.0 and loss[1] == 1.0
        right = batch()
        right["target"] += 0.25  # of geostrophic currents of a flat increment of sea level there are none in the middle
        right["target"][:, :, [0, -1]] = right["target"][:, :, :, [0, -1]] = torch.nan
        right["fine_target"] += torch.nan
        assert Objective(Loss(likelihood=0.0)).loss(Says(0.5), right)["loss"][0] < 1e-9

    def test_errors_count_by_area_in_units_of_their_usual_size(self):
        held = noisy()
        held["target"][:, 1, 3:7, :5] = torch.nan
        held["target"][:, 4] = torch.nan
        held["fine_target"][:, :, :9] = torch.nan
        loss = mean(Objective(Loss(likelihood=0.0, coarse=0.7, outlier=1e6)).loss(Says(), held)["loss"])
        expected = 0.0
        for name, share, step in (("target", 0.7, 1.0), ("fine_target", 1.0, 0.25)):
            latitude = 20.0 + step * (np.arange(round(ROWS / step)) + 0.5)
            if name == "fine_target":  # rows within a coarse one have one weight
                latitude = np.floor(latitude) + 0.5
            for place in range(N):
                square = held[name][0, place].double().numpy() ** 2 / (USUAL[place] * 0.5)
                area = np.where(np.isfinite(square), np.cos(np.radians(latitude))[:, None], 0.0)
                if area.any():
                    expected += share * np.average(np.nan_to_num(square), weights=area)
        assert loss == pytest.approx(expected, rel=1e-5)

    @pytest.mark.parametrize("side", [1.0 - 1e-6, 1.0 + 1e-6])
    @pytest.mark.parametrize("outlier", [0.5, 5.0])
    def test_outliers_count_linearly_from_a_smooth_joint_on(self, outlier, side):
        at = outlier * np.sqrt(USUAL[0]) * side
        error = torch.tensor(at, dtype=torch.float64, requires_grad=True)
        alone = errors(error)
        one = Errors(*(part[:1] for part in (alone.weight, alone.error, alone.first, alone.log_std, alone.unit)))
        value = one.squared(outlier)
        (slope,) = torch.autograd.grad(value, error)
        assert value.item() == pytest.approx(outlier**2, rel=1e-5)
        assert slope.item() == pytest.approx(2.0 * outlier / np.sqrt(USUAL[0]), rel=1e-5)
        steps = [errors(k * 100.0).squared(outlier).item() for k in (1, 2, 3)]
        assert steps[2] - steps[1] == pytest.approx(steps[1] - steps[0], rel=1e-6)
        assert steps[1] < 2.1 * steps[0]

    @settings(max_examples=30)
    @given(st.floats(0.0, 50.0), st.floats(0.0, 50.0), st.floats(0.1, 10.0))
    def test_a_larger_error_never_counts_less_nor_more_than_its_square(self, one, other, outlier):
        small_, large = (errors(error).squared(outlier).item() for error in sorted([one, other]))
        assert small_ <= large <= errors(max(one, other)).squared(1e9).item() * (1.0 + 1e-6)


class TestLand:
    @pytest.mark.parametrize("options", [Loss(), Loss(likelihood=1.0, outlier=1.0)])
    def test_what_is_said_of_land_counts_nothing(self, options):
        held = noisy()
        for name, size in (("target", 1), ("fine_target", 4)):
            held[name][..., : 8 * size] = torch.nan
        network = small()
        before = Objective(options).scores(network, held)
        other = {**held, "gate": held["gate"].clone(), "scale": held["scale"].clone()}
        other["scale"][..., :5] = 7.0  # increments and standard errors over land become others
        after = Objective(options).scores(network, other)
        for name in before:
            npt.assert_allclose(after[name], before[name], rtol=1e-6, err_msg=name)
        other["scale"][..., 12:] = 7.0
        assert Objective(options).scores(network, other)["loss"][0] != before["loss"][0]

    def test_the_loss_hangs_on_every_weight_where_nothing_counts(self):
        held = batch(items=2)
        for name in ("target", "fine_target"):
            held[name] += torch.nan
        network = AdafOceanNetwork(Configuration((8, 8), (1, 1), 4))
        total, count = Objective(Loss()).loss(network, held)["loss"]
        total.backward()
        assert total == 0.0 and count == 2.0
        for name, weight in network.named_parameters():
            assert weight.grad is not None and not weight.grad.any(), name

    @pytest.mark.parametrize("options", [Loss(), Loss(likelihood=0.0), Loss(coarse=0.0)])
    def test_and_where_something_does(self, options):
        network = AdafOceanNetwork(Configuration((8, 8), (1, 1), 4))
        Objective(options).loss(network, noisy(items=2))["loss"][0].backward()
        for name, weight in network.named_parameters():
            assert weight.grad is not None and torch.isfinite(weight.grad).all(), name


class TestStandardErrors:
    def surprise(self, log_std, std=0.5):
        made = torch.Generator().manual_seed(3)
        target = std * torch.randn(N, 60, 80, generator=made)
        increments = Increments(torch.zeros_like(target), torch.full_like(target, log_std, requires_grad=True))
        return Errors.of(increments, target, torch.full_like(target, 0.3), torch.full((60,), 10.0)).surprise()

    def test_the_likelihood_is_greatest_for_the_true_standard_error(self):
        true = np.log(0.5)
        at = {shift: self.surprise(true + shift).item() for shift in (-0.1, 0.0, 0.1)}
        assert at[0.0] < min(at[-0.1], at[0.1])
        assert at[0.0] == pytest.approx(sum(true - 0.5 * np.log(0.3 * usual) + 0.5 for usual in USUAL), abs=0.05)

    def test_it_moves_standard_errors_and_leaves_increments_alone(self):
        network = Says(0.3, 0.1)
        total = Objective(Loss(likelihood=1.0)).loss(network, noisy())["loss"][0]
        squared = Objective(Loss(likelihood=0.0)).loss(network, noisy())["loss"][0]
        both, alone = (torch.autograd.grad(each, network.said)[0] for each in (total, squared))
        npt.assert_allclose(both[:N], alone[:N], rtol=1e-6)
        assert (both[N:] != 0.0).all() and not alone[N:].any()

    @pytest.mark.parametrize("fine", [True, False])
    def test_gaussian_errors_of_the_predicted_size_are_covered_as_they_should_be(self, fine):
        held, names = noisy(items=4, std=0.5 * np.exp(-0.4)), [*STATE, *(f"{name}_1deg" for name in STATE)]
        scores = Objective(Loss()).scores(Says(log_std=-0.4, fine=fine), held)
        for name in names:
            n = 4 * ROWS * COLUMNS * (16 if fine and not name.endswith("_1deg") else 1)
            assert abs(mean(scores[f"within_90_{name}"]) - 0.9) < 5.0 * np.sqrt(0.09 / n)
            rmse, expected = (np.sqrt(mean(scores[f"rmse_{name}{what}"])) for what in ("", "_expected"))
            assert expected == pytest.approx(0.5 * np.exp(-0.4), rel=1e-5)
            assert abs(rmse / expected - 1.0) < 5.0 / np.sqrt(2.0 * n)

    def test_too_small_standard_errors_cover_less(self):
        scores = Objective(Loss()).scores(Says(log_std=-0.7), noisy())
        share = [mean(scores[f"within_90_{name}"]) for name in STATE]
        npt.assert_allclose(share, 0.586, atol=0.03)  # of a Gaussian within 1.6449 exp(-0.7) = 0.817


class TestScores:
    def test_there_are_four_of_every_variable_on_two_lattices(self):
        names = {
            name
            for variable in STATE
            for lattice in (variable, f"{variable}_1deg")
            for name in (f"rmse_{lattice}", f"rmse_{lattice}_background", f"rmse_{lattice}_expected",
                         f"within_90_{lattice}")
        }  # fmt: skip
        for network in (Says(), Says(fine=False)):
            assert set(Objective(Loss()).scores(network, noisy())) == {"loss", *names}

    def test_the_background_is_as_wrong_as_the_target_is_large(self):
        held = noisy(std=0.3)
        scores = Objective(Loss()).scores(Says(0.5), held)
        area = torch.cos(torch.deg2rad(LATITUDE)).repeat_interleave(4)[:, None].expand(4 * ROWS, 4 * COLUMNS)
        for place, name in enumerate(STATE):
            expected = np.average(held["fine_target"][0, place] ** 2, weights=area)
            assert mean(scores[f"rmse_{name}_background"]) == pytest.approx(expected, rel=1e-5)
            analysis = np.average((held["fine_target"][0, place] - 0.25) ** 2, weights=area)
            if place < 3:  # currents have a geostrophic part at the edges of the flat increment
                assert mean(scores[f"rmse_{name}"]) == pytest.approx(analysis, rel=1e-4)

    def test_scores_need_no_gradients_and_their_loss_is_the_loss(self):
        network, held = small().requires_grad_(True), noisy(items=2)
        scores = Objective(Loss()).scores(network, held)
        assert not any(part.requires_grad for pair in scores.values() for part in pair)
        npt.assert_array_equal(scores["loss"][0], Objective(Loss()).loss(network, held)["loss"][0].detach())

    @pytest.mark.parametrize("what", ["loss", "scores"])
    def test_a_joined_batch_is_the_sum_of_its_parts(self, what):
        network, both = small(), noisy(items=3)
        both["target"][1, :3] = torch.nan
        whole = getattr(Objective(Loss()), what)(network, both)
        parts = [
            getattr(Objective(Loss()), what)(network, {name: part[k : k + 1] for name, part in both.items()})
            for k in range(3)
        ]
        for name, pair in whole.items():
            for number, value in enumerate(pair):
                npt.assert_allclose(value, sum(part[name][number] for part in parts), rtol=2e-5, err_msg=name)

    def test_sums_are_single_precision_under_bfloat16(self):
        network, held = small(), noisy(items=2)
        with torch.autocast("cpu", torch.bfloat16):
            rough = Objective(Loss()).loss(network, held)["loss"]
        exact = Objective(Loss()).loss(network, held)["loss"]
        assert {part.dtype for part in rough} == {torch.float32}
        assert rough[0] != exact[0]
        assert rough[0].item() == pytest.approx(exact[0].item(), rel=0.02)
