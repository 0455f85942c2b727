"""Muon: what it does to a matrix, what it leaves to AdamW, and that it goes on exactly where it stopped."""

import io

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from adaf_xr.training.configuration import ConfigurationError, Optimiser, load
from adaf_xr.training.muon import Muon, orthogonalised
from adaf_xr.training.optimisation import optimiser

few = settings(max_examples=25)
sizes = st.integers(1, 12)


def drawn(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@few
@given(st.integers(0, 1000), sizes, sizes)
def test_it_keeps_singular_vectors_and_brings_singular_values_near_one(seed, rows, columns):
    left, _ = torch.linalg.qr(drawn(seed, rows, rows))
    right, _ = torch.linalg.qr(drawn(seed + 1, columns, columns))
    rank = min(rows, columns)
    values = torch.logspace(0, -2, rank, dtype=torch.float64)
    turned = left[:, :rank].T @ orthogonalised(left[:, :rank] * values @ right[:, :rank].T) @ right[:, :rank]
    found = turned.diagonal()
    assert (turned - torch.diag(found)).abs().max() < 1e-9
    assert ((found > 0.6) & (found < 1.3)).all()


@few
@given(st.integers(0, 1000), sizes, sizes, st.floats(1e-6, 1e6))
def test_it_does_not_see_the_size_of_a_matrix_and_turns_with_its_transpose(seed, rows, columns, factor):
    matrix = drawn(seed, rows, columns)
    torch.testing.assert_close(orthogonalised(factor * matrix), orthogonalised(matrix))
    torch.testing.assert_close(orthogonalised(matrix.T), orthogonalised(matrix).T)


def test_no_gradient_moves_nothing():
    assert (orthogonalised(torch.zeros(3, 2)) == 0).all()


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(2, 6, 3), nn.Tanh(), nn.Conv2d(6, 1, 1))


def steps(model, how, first, last):
    for step in range(first, last):
        how.zero_grad()
        torch.manual_seed(step)
        model(torch.randn(4, 2, 5, 5)).square().mean().backward()
        how.step()


def weights(model):
    return torch.cat([weight.detach().flatten() for weight in model.parameters()])


def test_a_step_is_as_large_as_its_rate_whatever_the_gradient():
    model = network()
    how = Muon(model.parameters(), lr=0.1, adam_lr=0.01)
    before = [weight.detach().clone() for weight in model.parameters()]
    (1e-5 * model(drawn(1, 1, 2, 5, 5).float()).sum()).backward()
    how.step()
    for old, new in zip(before, model.parameters(), strict=True):
        moved = (new.detach() - old).flatten(1) if new.ndim > 1 else new.detach() - old
        if new.ndim == 1:  # the first step of Adam
            assert moved.abs().max().item() == pytest.approx(0.01, rel=0.2)
        else:
            largest = torch.linalg.svdvals(moved).max().item() / max(1, moved.shape[0] / moved.shape[1]) ** 0.5
            assert 0.06 < largest < 0.13


def test_vectors_go_as_adamw_moves_them():
    alike, other = network(), network()
    muon = Muon(alike.parameters(), lr=0.02, adam_lr=0.003, betas=(0.8, 0.9), weight_decay=0.1)
    vectors = [weight for weight in other.parameters() if weight.ndim == 1]
    adamw = torch.optim.AdamW(vectors, lr=0.003, betas=(0.8, 0.9), weight_decay=0.1)
    for step in range(4):
        gradients = [drawn(step, *weight.shape).float() for weight in alike.parameters()]
        for model in (alike, other):
            for weight, gradient in zip(model.parameters(), gradients, strict=True):
                weight.grad = gradient.clone()
        muon.step()
        adamw.step()
    for mine, theirs in zip(alike.parameters(), other.parameters(), strict=True):
        if mine.ndim == 1:
            torch.testing.assert_close(mine, theirs, rtol=0, atol=0)


def test_a_schedule_sets_the_rate_of_both_groups():
    slow, fast = network(), network()
    for model, factor in ((slow, 0.5), (fast, 1.0)):
        how = Muon(model.parameters(), lr=0.02, adam_lr=0.002)
        for group in how.param_groups:
            group["lr"] = factor * 0.02  # as the training loop does
        steps(model, how, 0, 1)
        assert [group["lr"] for group in how.param_groups] == [factor * 0.02] * 2
    begun = weights(network())
    torch.testing.assert_close(2 * (weights(slow) - begun), weights(fast) - begun, rtol=1e-3, atol=1e-7)


def test_it_goes_on_exactly_from_its_state():
    whole, parted = network(), network()
    steps(whole, Muon(whole.parameters(), lr=0.02, adam_lr=0.002), 0, 6)
    how = Muon(parted.parameters(), lr=0.02, adam_lr=0.002)
    steps(parted, how, 0, 3)
    file = io.BytesIO()
    torch.save(how.state_dict(), file)
    file.seek(0)
    again = Muon(parted.parameters(), lr=0.02, adam_lr=0.002)
    again.load_state_dict(torch.load(file, weights_only=True))
    steps(parted, again, 3, 6)
    assert (weights(whole) == weights(parted)).all()


def test_weights_without_a_gradient_stay():
    model = network()
    how = Muon(model.parameters(), lr=0.02, adam_lr=0.002, weight_decay=0.1)
    how.step()
    assert (weights(model) == weights(network())).all()


def test_it_outruns_adamw_where_directions_differ_in_strength():
    """A linear map, whose inputs have a hundred times the variance in one direction."""
    stretch = torch.logspace(0, -1.5, 16)
    wanted = drawn(0, 16, 16).float()

    def loss_after(how_of):
        torch.manual_seed(0)
        model = nn.Linear(16, 16, bias=False)
        how = how_of(model.parameters())
        for step in range(200):
            rate = 1 - step / 200
            for group in how.param_groups:
                group["lr"] = how.defaults["lr"] * rate
            how.zero_grad()
            loss = ((model(torch.diag(stretch)) - torch.diag(stretch) @ wanted.T) ** 2).sum()
            loss.backward()
            how.step()
        return loss.item()

    adamw = min(loss_after(lambda w, lr=lr: torch.optim.AdamW(w, lr=lr, weight_decay=0.0)) for lr in (1e-3, 1e-2))
    assert loss_after(lambda w: Muon(w, lr=0.1, adam_lr=0.01)) < adamw


def test_a_configuration_asks_for_it():
    made = optimiser(network(), Optimiser(name="muon", lr=0.02, adam_lr=0.002, betas=(0.8, 0.9)))
    assert isinstance(made, Muon)
    assert made.param_groups[1]["ratio"] == pytest.approx(0.1)
    assert made.param_groups[1]["betas"] == (0.8, 0.9)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": "muon"}, "optimiser 'muon' has no adam_lr: it is the rate that 'muon' needs"),
        ({"name": "adamw", "adam_lr": 1e-3}, "optimiser 'adamw' has an adam_lr: .* and for no other"),
    ],
)
def test_the_second_rate_belongs_to_it_alone(given, message):
    with pytest.raises(ConfigurationError, match=message):
        load({"name": "toy", "task": "training_toy:ToyTask", "epochs": 1, "batch": 4, "optimiser": given})
