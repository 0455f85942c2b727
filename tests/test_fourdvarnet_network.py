"""The networks of 4DVarNet: their sizes, what their channels mean, what they refuse, and their checkpoints."""

import numpy as np
import pytest
import torch
from torch import nn

from adaf_xr import checkpoint as checkpoints
from adaf_xr.checkpoint import CheckpointError
from adaf_xr.models.fourdvarnet import PUBLISHED, Configuration, Window, light, network_for, published, small
from adaf_xr.models.fourdvarnet.experiments import LIGHT
from adaf_xr.models.fourdvarnet.state import observations_of, stacked
from adaf_xr.models.fourdvarnet.weights import checkpoint_of, configuration_of, network_of, normalisation_of
from adaf_xr.models.fourdvarnet.window import coarsened
from adaf_xr.models.weights import laid_out, weights_of
from adaf_xr.normalisation import Affine


def numbers(module):
    return sum(weight.numel() for weight in module.parameters())


def noise(days=7, cells=(8, 8), batch=1, seed=0):
    """A window with half of its cells observed."""
    generator = torch.Generator().manual_seed(seed)
    ssh, oi, sst = torch.randn(3, batch, days, *cells, generator=generator).unbind(0)
    half = torch.rand(ssh.shape, generator=generator) < 0.5
    return Window(torch.where(half, ssh, torch.nan), oi, sst)


# -- sizes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("configuration", "count"),
    [
        (published("4dvarnet-ssh-sst"), 1_715_201),
        (published("4dvarnet-ssh"), 1_655_524),
        (published("unet-ssh"), 650_600),
        (published("unet-ssh-sst"), 740_424),
        (light(), 165_550),
        (light(width=64, hidden=96), 570_686),
        (light(width=64, hidden=96, days=9), 534_386),
    ],
)
def test_networks_have_the_published_number_of_weights(configuration, count):
    assert numbers(laid_out(lambda: network_for(configuration))) == count


def test_each_part_has_its_share():
    network = network_for(published("4dvarnet-ssh-sst"))
    parts = {
        "prior": network.prior,
        "temperature": network.cost.temperature,
        "weights": network.cost.weights,
        "solver": network.solver,
    }
    assert {name: numbers(part) for name, part in parts.items()} == {
        "prior": 650_600,
        "temperature": 59_640,
        "weights": 111,
        "solver": 1_004_850,
    }


def test_seeded_weights_are_the_same_each_time_and_leave_the_generator_alone():
    before = torch.random.get_rng_state()
    one, other = (weights_of(network_for(small("4dvarnet-ssh"), seed=5)) for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(np.array_equal(one[name], other[name]) for name in one)
    changed = weights_of(network_for(small("4dvarnet-ssh"), seed=6))["solver.answer.weight"]
    assert not np.array_equal(one["solver.answer.weight"], changed)


# -- what the channels mean --------------------------------------------------------------------------------------------


def still(configuration):
    """A network whose solver does not move."""
    network = network_for(configuration, seed=0).eval()
    for weight in network.solver.answer.parameters():
        nn.init.zeros_(weight)
    return network


def test_the_augmented_state_begins_as_the_interpolated_height_and_the_observed_anomaly():
    held = noise()
    found = still(small("4dvarnet-ssh-sst"))(held)[-1]
    torch.testing.assert_close(found.ssh, torch.where(held.mask, held.ssh, held.oi))
    assert not found.u.any() and not found.v.any()
    mean, seen, free, *_ = found.state.split(7, 1)
    assert torch.equal(mean, held.oi)
    assert torch.equal(seen, free)
    assert not seen[~held.mask].any()


def test_the_height_is_the_coarse_one_and_the_free_anomaly():
    found = network_for(small("4dvarnet-ssh-sst"), seed=0).eval()(noise())[-1]
    mean, seen, free, u, v = found.state.split(7, 1)
    assert not torch.equal(seen, free)
    for one, due in ((found.ssh, mean + free), (found.u, u), (found.v, v)):
        assert torch.equal(one, due)


def test_the_direct_state_begins_as_what_was_observed_and_ends_in_the_prior():
    held = noise(days=15)
    network = still(light(descent=0.0))
    start = torch.nan_to_num(held.ssh)
    torch.testing.assert_close(network(held)[-1].ssh, network.prior(start))
    assert network(held)[-1].u is None
    assert torch.equal(network.train()(held)[-1].ssh, start)


def test_direct_inversion_is_one_pass_of_the_prior_over_what_was_observed():
    for name in ("unet-ssh", "unet-ssh-sst"):
        network, held = network_for(small(name), seed=0), noise()
        anomaly = torch.nan_to_num(held.ssh - held.oi)
        nothing = torch.zeros_like(held.oi)
        parts = [held.oi, anomaly, nothing, nothing, nothing] + ([held.sst] if name == "unet-ssh-sst" else [])
        ssh, u, v, *_ = network.prior(torch.cat(parts, 1)).split(7, 1)
        (found,) = network(held)
        for one, due in ((found.ssh, ssh), (found.u, u), (found.v, v)):
            torch.testing.assert_close(one, due)
        assert found.ssh.requires_grad


def test_temperature_matters_to_networks_that_see_it_and_to_no_other():
    held = noise()
    other = Window(held.ssh, held.oi, held.sst + torch.randn_like(held.sst))
    for name in PUBLISHED:
        network = network_for(small(name, pooling=1), seed=0).eval()
        assert torch.equal(network(held)[-1].state, network(other)[-1].state) == (not name.endswith("sst"))


def test_velocities_are_never_observed():
    observations = observations_of(noise(), published("4dvarnet-ssh"))
    assert observations.mask.shape[1] == 14
    assert observations.mask[:, :7].all()
    assert not stacked(observations, published("4dvarnet-ssh"))[:, 14:].any()


# -- means of cells ----------------------------------------------------------------------------------------------------


def test_observations_are_averaged_where_they_are():
    held = noise(days=1, cells=(2, 2))
    held.ssh[:] = torch.tensor([[1.0, torch.nan], [2.0, 6.0]])
    assert coarsened(held, 2).ssh.item() == 3.0
    none = coarsened(Window(torch.full((1, 1, 2, 2), torch.nan), observed=torch.ones(1, 1, 2, 2)), 2)
    assert not none.mask.any()
    marked = Window(held.ssh, observed=torch.tensor([[True, True], [False, False]]).expand(1, 1, 2, 2))
    assert coarsened(marked, 2).ssh.item() == 1.0


def test_a_network_on_means_answers_on_the_grid_of_its_window():
    """Means of a linear height, interpolated by cubics, are that height."""
    network = still(small("4dvarnet-ssh"))
    rows = torch.arange(32.0)[:, None] + 2 * torch.arange(32.0)
    flat = rows.expand(1, 7, 32, 32)
    fine = network(Window(flat, flat))[-1]
    assert fine.ssh.shape == flat.shape and fine.state.shape == (1, 35, 16, 16)
    inside = (..., slice(6, -6), slice(6, -6))
    torch.testing.assert_close(fine.ssh[inside], flat[inside])
    coarse = network(Window(flat, flat), refine=False)[-1]
    torch.testing.assert_close(coarse.ssh, nn.functional.avg_pool2d(flat, 2))


# -- what is refused ---------------------------------------------------------------------------------------------------


def test_inference_mode_is_refused_and_no_grad_is_not():
    network = network_for(small("4dvarnet-ssh", pooling=1), seed=0).eval()
    with torch.inference_mode():
        made = torch.randn(1, 7, 8, 8)
        with pytest.raises(RuntimeError, match=r"which torch.inference_mode\(\) forbids: call it .* torch.no_grad\(\)"):
            network(Window(made, made))
    with torch.no_grad():
        assert torch.isfinite(network(Window(made, made))[-1].ssh).all()  # tensors that were made in inference mode


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: Window(w.ssh[:, :5], w.oi[:, :5], w.sst[:, :5]), "has 5 days and the network sees 7: give it more"),
        (lambda w: Window(torch.cat([w.ssh, w.ssh], 1)), "has 14 days and the network sees 7: give it fewer"),
        (lambda w: Window(w.ssh, w.oi), "has no sst: this network needs sea surface temperature"),
        (lambda w: Window(w.ssh, sst=w.sst), "has no oi: this network needs an interpolated sea surface height"),
        (lambda w: Window(w.ssh * torch.nan, w.oi, w.sst), "no sea surface height was observed in the whole window"),
        (lambda w: Window(w.ssh, w.oi, w.sst, torch.zeros_like(w.ssh)), "no sea surface height was observed"),
        (lambda w: Window(w.ssh, w.ssh, w.sst), "oi has missing values: fill them"),
        (lambda w: Window(w.ssh[..., :6], w.oi[..., :6], w.sst[..., :6]), "6 is no multiple of 4"),
        (lambda w: Window(w.ssh, w.oi[:, :1], w.sst), "they share one grid"),
        (lambda w: Window(w.ssh[0], w.oi[0], w.sst[0]), r"\(batch, days, rows, columns\) is due"),
    ],
)
def test_windows_that_do_not_fit_are_refused(change, message):
    network = network_for(small("4dvarnet-ssh-sst"), seed=0)
    with pytest.raises(ValueError, match=message):
        network(change(noise()))


def test_another_precision_is_refused_by_name():
    held = noise()
    with pytest.raises(TypeError, match=r"ssh is of torch.float64, but the weights are of torch.float32: use .to"):
        network_for(small("unet-ssh"))(Window(held.ssh.double(), held.oi.double()))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"days": 0}, "days=0: a whole number, 1 to 4096"),
        ({"width": True}, "width=True: a whole number"),
        ({"hidden": 0}, "hidden=0: at least 1, for the solver has a memory"),
        ({"sst": "yes"}, "sst='yes': one of none, features, stacked"),
        ({"sst": "stacked"}, "sst='stacked': 'none' or 'features' where there are blocks"),
        ({"blocks": 0}, "sst='features': 'none' or 'stacked' where blocks=0"),
        ({"blocks": 0, "sst": "none", "state": "direct"}, "blocks=0: at least 1 where state='direct'"),
        ({"features": 0}, "features=0: at least 1"),
        ({"dropout": 1.0}, "dropout=1.0: less than 1"),
        ({"norm": "robust", "weighted": False}, "norm='robust': 'square' where weighted is false"),
        ({"descent": float("nan")}, "descent=nan: a number"),
        ({"projection": 1}, "projection=1: true or false"),
    ],
)
def test_configurations_that_make_no_network_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Configuration(**changes)


# -- checkpoints -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("configuration", [*map(small, PUBLISHED), LIGHT], ids=[*PUBLISHED, "light"])
def test_a_checkpoint_is_the_network(configuration, tmp_path):
    network = network_for(configuration, seed=0)
    scales = {"ssh": Affine(0.3, 0.4), "currents": Affine(0.0, 0.5), "sst": Affine(18.0, 6.0)}
    made = checkpoint_of(configuration, weights_of(network), scales, {"seed": 0})
    read = checkpoints.read(tmp_path / "four.safetensors", checkpoints.write(made, tmp_path / "four.safetensors"))
    again = network_of(read)
    assert configuration_of(read) == again.configuration == configuration
    assert normalisation_of(read) == scales
    assert {name: weight.requires_grad for name, weight in again.named_parameters()} == {
        name: weight.requires_grad for name, weight in network.named_parameters()
    }
    held = noise(days=configuration.days, cells=(16, 16))
    assert torch.equal(again.eval()(held)[-1].ssh, network.eval()(held)[-1].ssh)


def test_checkpoints_that_do_not_fit_are_refused():
    configuration = small("4dvarnet-ssh")
    weights = weights_of(network_for(configuration, seed=0))
    with pytest.raises(CheckpointError, match=r"(?s)these weights: 1 missing.*missing: solver.answer.weight"):
        checkpoint_of(configuration, {k: v for k, v in weights.items() if k != "solver.answer.weight"})
    with pytest.raises(CheckpointError, match=r"a normalisation of salt: a 4DVarNet knows ssh, currents, sst"):
        checkpoint_of(configuration, weights, {"salt": Affine(0, 1)})
    good = checkpoint_of(configuration, weights)
    for changes, message in (
        ({"family": "oi"}, "a checkpoint of family 'oi' holds no network of '4dvarnet'"),
        ({"configuration": {"width": 0}}, "describes no network: width=0"),
        ({"configuration": {"depth": 1}}, "has no 'depth': it has days"),
        ({"configuration": configuration.but(hidden=33).as_dict()}, "the checkpoint: 0 missing, 0 surplus, 3 of"),
        ({"normalisation": {"ssh": {"scale": 1.0}}}, "a normalisation has offset and scale"),
    ):
        broken = checkpoints.Checkpoint(**{**vars(good), **changes})
        with pytest.raises(CheckpointError, match=message):
            normalisation_of(broken) if "normalisation" in changes else network_of(broken)
