"""Published checkpoints of 4DVarNet: read as data, every name accounted for, and what does not fit said in full."""

import os
import re
import warnings
from collections import Counter, OrderedDict, defaultdict
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import torch

from adaf_xr import checkpoint as checkpoints
from adaf_xr.checkpoint import CheckpointError
from adaf_xr.models.fourdvarnet import PUBLISHED, Window, published, read_published
from adaf_xr.models.fourdvarnet.weights import network_of
from adaf_xr.models.torch_file import read

SEEDS = iter(range(10**6))


def drawn(*shape):
    """Random weights, of which no two are alike."""
    return 0.1 * torch.randn(shape, generator=torch.Generator().manual_seed(next(SEEDS)))


def paper_state(experiment, prefix="model.", days=7, width=50, hidden=150, features=20):
    """A state as the paper's programs store it: names and shapes of its checkpoints."""
    state_channels = 5 * days
    channels = state_channels + days * (experiment == "unet-ssh-sst")
    unit = {
        "conv1": (2 * width, channels, 7, 7),
        "conv2": (width, 2 * width, 3, 3),
        "conv3": (channels, 2 * width, 3, 3),
    }
    unit |= {f"bilin{k}": (width, width, 3, 3) for k in range(3)}
    shapes = {
        f"phi_r.encoder.NN{scale}.{layer}.weight": shape for scale in ("lr", "hr") for layer, shape in unit.items()
    }
    shapes["phi_r.encoder.conv_tr.weight"] = (channels, channels, 4, 4)
    # Stored, and never called.
    shapes |= {f"phi_r.encoder.noise{k}.weight": (width // 2, width // 2, 3, 3) for k in range(2)}
    terms = 2 if experiment == "4dvarnet-ssh-sst" else 1
    if terms == 2:
        sizes = {"x11": (2 * features, state_channels), "y11": (2 * features, days)}
        sizes |= {f"{side}{k}": (features, 2 * features) for side in "xy" for k in (12, 22)}
        sizes |= {f"{side}21": (2 * features, features) for side in "xy"}
        shapes |= {f"model_H.conv{name}.weight": (*size, 3, 3) for name, size in sizes.items()}
        shapes |= {"model_H.conv_m.weight": (features, days, 3, 3), "model_H.conv_m.bias": (features,)}
        shapes |= {"model_H.bn_feat.weight": (features,), "model_H.bn_feat.bias": (features,)}
    shapes |= {
        "model_Grad.asymptotic_term": (1, 1, 1, 1),
        "model_Grad.convLayer.0.weight": (state_channels, hidden, 1, 1),
        "model_Grad.lstm.Gates.weight": (4 * hidden, state_channels + hidden, 3, 3),
        "model_Grad.lstm.Gates.bias": (4 * hidden,),
        "model_Grad.K1": (3,),
        "model_Grad.a": (1,),
        "model_VarCost.alphaObs": (terms, 1),
        "model_VarCost.alphaReg": (1,),
        "model_VarCost.WObs": (terms, state_channels),
        "model_VarCost.WReg": (state_channels,),
        "model_VarCost.epsObs": (terms,),
        "model_VarCost.epsReg": (1,),
    }
    state = OrderedDict((prefix + name, drawn(*shape)) for name, shape in shapes.items())
    state["patch_weight_train"], state["patch_weight_diag"] = drawn(days, 24, 24), drawn(days, 24, 24)
    state["w_loss"] = drawn(days)
    return state


TINY = {"days": 3, "width": 4, "hidden": 5, "features": 3}
NAMES = {
    "fine.first": "hr.conv1",
    "fine.second": "hr.conv2",
    "fine.last": "hr.conv3",
    "coarse.first": "lr.conv1",
    "coarse.second": "lr.conv2",
    "coarse.last": "lr.conv3",
}
OTHERS = {
    "cost.prior.up.weight": "phi_r.encoder.conv_tr.weight",
    "cost.temperature.of_state.0.weight": "model_H.convx11.weight",
    "cost.temperature.of_state.2.weight": "model_H.convx12.weight",
    "cost.temperature.of_state.4.weight": "model_H.convx21.weight",
    "cost.temperature.of_state.6.weight": "model_H.convx22.weight",
    "cost.temperature.of_sst.0.weight": "model_H.convy11.weight",
    "cost.temperature.of_sst.6.weight": "model_H.convy22.weight",
    "cost.temperature.trust.bias": "model_H.conv_m.bias",
    "cost.temperature.normalised.weight": "model_H.bn_feat.weight",
    "solver.memory.gates.weight": "model_Grad.lstm.Gates.weight",
    "solver.answer.weight": "model_Grad.convLayer.0.weight",
    "cost.weights.scales": "model_VarCost.alphaObs",
    "cost.weights.channels": "model_VarCost.WObs",
    "cost.weights.prior_channels": "model_VarCost.WReg",
}


class Coordinates:
    """What a run keeps beside its weights, of a class that a reader need not have; building one is noticed."""

    built = False

    def __init__(self):
        self.values = np.arange(3.0)

    def __setstate__(self, state):
        Coordinates.built = True


class Several(list):
    """A list with a name, which pickles fill by its methods."""


class Named(dict):
    """A mapping with a name."""


class Trap:
    """Runs something where it is unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def lightning(path, state, **more):
    """A file as Lightning leaves it."""
    held = {"epoch": 84, "global_step": 19805, "pytorch-lightning_version": "1.6.2", "state_dict": state}
    settings = {"hparam": {"lr": np.float64(1e-3), "n_grad": 5, "coords": Coordinates()}}
    held |= {"callbacks": {"best": np.float32(0.99)}, "hyper_parameters": settings}
    torch.save({**held, "optimizer_states": [{"state": {0: {"exp_avg": torch.zeros(3)}}}], **more}, path)
    return path


def descendant_state(days=15, width=64, hidden=96, seen=None):
    sizes = {"conv_in": (width, seen or days), "conv_hidden": (width, width), "conv_out": (days, 2 * width)}
    sizes |= {name: (width, width) for name in ("bilin_1", "bilin_21", "bilin_22")}
    state = {f"prior_cost.{name}": size for name, size in sizes.items()}
    state |= {"grad_mod.gates": (4 * hidden, days + hidden), "grad_mod.conv_out": (days, hidden)}
    return OrderedDict(
        item
        for name, size in state.items()
        for item in ((f"{name}.weight", drawn(*size, 3, 3)), (f"{name}.bias", drawn(size[0])))
    )


def quietly(*args, **kwargs):
    """What is read where nothing is stray."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return read_published(*args, **kwargs)


def accounted(checkpoint, state):
    """Names of the state that are used, as many numbers as the network has."""
    idle = {*checkpoint.provenance["unused"], *checkpoint.provenance["stray"]}
    used = [tensor for name, tensor in state.items() if name not in idle]
    assert len(used) + len(idle) == len(state)
    assert sum(tensor.numel() for tensor in used) == sum(array.size for array in checkpoint.weights.values())
    return idle


# -- the paper's layout ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("experiment", "count"),
    [("4dvarnet-ssh-sst", 1_715_201), ("4dvarnet-ssh", 1_655_524), ("unet-ssh", 650_600), ("unet-ssh-sst", 740_424)],
)
def test_all_four_experiments_are_read_at_their_published_size(tmp_path, experiment, count):
    state = paper_state(experiment)
    steps = {"hparam": {"n_grad": 0 if experiment.startswith("unet") else 5}}
    checkpoint = quietly(lightning(tmp_path / "a.ckpt", state, hyper_parameters=steps))
    assert checkpoint.configuration == published(experiment).as_dict()
    assert checkpoint.provenance["experiment"] == experiment
    assert sum(array.size for array in checkpoint.weights.values()) == count
    idle = accounted(checkpoint, state)
    assert {"w_loss", "patch_weight_train", "model.phi_r.encoder.noise0.weight", "model.model_Grad.K1"} <= idle
    assert ("model.model_Grad.lstm.Gates.weight" in idle) == experiment.startswith("unet")


@pytest.mark.parametrize("prefix", ["", "model.", "module.model."])
def test_every_weight_comes_to_its_place(tmp_path, prefix):
    state = paper_state("4dvarnet-ssh-sst", prefix, **TINY)
    weights = quietly(lightning(tmp_path / "a.ckpt", state)).weights
    for ours, theirs in NAMES.items():
        scale, layer = theirs.split(".")
        due = state[f"{prefix}phi_r.encoder.NN{scale}.{layer}.weight"]
        np.testing.assert_array_equal(weights[f"cost.prior.{ours}.weight"], due)
    for ours, theirs in OTHERS.items():
        np.testing.assert_array_equal(weights[ours].ravel(), state[prefix + theirs].ravel(), err_msg=ours)
    forms = weights["cost.prior.fine.forms.weight"]
    for k, part in enumerate(np.split(forms, 3)):
        np.testing.assert_array_equal(part, state[f"{prefix}phi_r.encoder.NNhr.bilin{k}.weight"])


def test_the_prior_computes_what_the_published_formula_says(tmp_path):
    state = paper_state("4dvarnet-ssh-sst", "", **TINY)
    network = network_of(quietly(lightning(tmp_path / "a.ckpt", state)))
    convolve = torch.nn.functional.conv2d

    def unit(scale, x):
        weight = {name: state[f"phi_r.encoder.NN{scale}.{name}.weight"] for name in ("conv1", "conv2", "conv3")}
        h = convolve(convolve(x, weight["conv1"], padding=3).relu(), weight["conv2"], padding=1)
        a, b, c = (convolve(h, state[f"phi_r.encoder.NN{scale}.bilin{k}.weight"], padding=1) for k in range(3))
        return convolve(torch.cat([a, b * c], 1), weight["conv3"], padding=1)

    x = drawn(1, 15, 8, 8)
    coarse = unit("lr", torch.nn.functional.avg_pool2d(x, 4))
    up = torch.nn.functional.conv_transpose2d(coarse, state["phi_r.encoder.conv_tr.weight"], stride=4)
    torch.testing.assert_close(network.prior(x), unit("hr", x) + up)


def test_a_published_checkpoint_goes_through_our_own_file(tmp_path):
    first = quietly(lightning(tmp_path / "a.ckpt", paper_state("4dvarnet-ssh-sst", **TINY)))
    again = checkpoints.read(tmp_path / "b.safetensors", checkpoints.write(first, tmp_path / "b.safetensors"))
    assert again.provenance == first.provenance
    held = Window(*(drawn(1, 3, 8, 8) for _ in range(3)))
    one, other = (network_of(checkpoint).eval()(held)[-1].state for checkpoint in (first, again))
    assert torch.equal(one, other)
    assert first.normalisation["ssh"] == {"offset": 0.314463, "scale": 0.38866}


def test_no_object_of_the_file_is_built_and_no_code_of_it_runs(tmp_path):
    trap = Trap(tmp_path / "sprung")
    state = paper_state("4dvarnet-ssh-sst", **TINY)
    odd = [Several([1, 2]), Named(a=1), Counter("aab"), defaultdict(list, a=[1]), {1, 2}, frozenset("a"), 1j, slice(3)]
    odd += [datetime(2012, 10, 1), np.arange(3), np.datetime64("2012-10-01"), Path("here"), torch.float32, b"bytes"]
    settings = {"coords": [Coordinates(), {Coordinates(): trap}], "n": np.float64(1), "odd": odd}
    path = lightning(tmp_path / "a.ckpt", state, hyper_parameters=settings, callbacks=trap)
    quietly(path)
    assert not (tmp_path / "sprung").exists()
    assert not Coordinates.built
    with pytest.raises(CheckpointError, match=r"it holds objects .*can run code"):
        read(path)


def test_a_trap_among_the_weights_is_no_weight(tmp_path):
    state = paper_state("4dvarnet-ssh-sst", **TINY)
    state["model.model_VarCost.WReg"] = Trap(tmp_path / "sprung")
    with pytest.raises(CheckpointError, match=r"'model.model_VarCost.WReg' among the weights is no tensor"):
        read_published(lightning(tmp_path / "a.ckpt", state))
    assert not (tmp_path / "sprung").exists()


def test_stray_names_draw_a_warning_and_are_listed(tmp_path):
    state = paper_state("4dvarnet-ssh-sst", **TINY)
    state["model.phi_s.weight"] = drawn(3)
    with pytest.warns(UserWarning, match="holds what is not known here and not used: model.phi_s.weight"):
        checkpoint = read_published(lightning(tmp_path / "a.ckpt", state))
    assert checkpoint.provenance["stray"] == ["model.phi_s.weight"]
    assert "model.phi_s.weight" in accounted(checkpoint, state)


def test_what_weights_leave_open_is_asked_for(tmp_path):
    state = paper_state("4dvarnet-ssh", **TINY)
    path = lightning(tmp_path / "a.ckpt", state, hyper_parameters={})
    with pytest.raises(CheckpointError, match="pass experiment='4dvarnet-ssh' or experiment='unet-ssh'"):
        read_published(path)
    for experiment in ("4dvarnet-ssh", "unet-ssh"):
        configuration = read_published(path, experiment).configuration
        assert (
            configuration
            == PUBLISHED[experiment].but(days=3, width=4, hidden=5 if experiment == "4dvarnet-ssh" else 0).as_dict()
        )
    assert read_published(path, "4dvarnet-ssh", steps=2, pooling=1).configuration["steps"] == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda s: {k: v for k, v in s.items() if "lstm.Gates.bias" not in k},
            r"a.ckpt: 1 missing, 0 surplus, 0 of another shape\n  missing: solver.memory.gates.bias",
        ),
        (
            lambda s: s | {"model.model_VarCost.WReg": drawn(4)},
            r"cost.weights.prior_channels is \(4,\), the configuration has \(15,\)",
        ),
        (
            lambda s: {k: v for k, v in s.items() if "convLayer" not in k},
            "there is nothing for solver.answer.weight, by which a size would be known",
        ),
        (
            lambda s: s | {"model.phi_r.encoder.NNhr.bilin1.weight": drawn(4, 3, 3, 3)},
            "layers that are to be joined have different shapes",
        ),
        (lambda s: s | {"model.model_H.bn_feat.bias": torch.full((3,), torch.nan)}, "not finite"),
        (lambda s: {"encoder.weight": drawn(3)}, "neither 'phi_r' nor 'prior_cost' among its weights .but encoder"),
        (lambda s: {}, "neither 'phi_r' nor 'prior_cost'"),
    ],
)
def test_what_does_not_fit_is_said(tmp_path, change, message):
    state = change(paper_state("4dvarnet-ssh-sst", **TINY))
    with pytest.raises(CheckpointError, match=message):
        read_published(lightning(tmp_path / "a.ckpt", state))


def test_another_experiment_than_the_weights_are_from_is_refused(tmp_path):
    path = lightning(tmp_path / "a.ckpt", paper_state("4dvarnet-ssh-sst", **TINY))
    with pytest.raises(CheckpointError, match="surplus"):
        read_published(path, "4dvarnet-ssh")
    with pytest.raises(CheckpointError, match="no experiment 'unet' was published"):
        read_published(path, "unet")
    with pytest.raises(CheckpointError, match="no file"):
        read_published(tmp_path / "b.ckpt")


# -- the descendant's --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "count"), [(15, 570_686), (9, 534_386)])
def test_states_of_the_descendant_are_read_at_their_published_size(tmp_path, days, count):
    state = descendant_state(days)
    torch.save(state, tmp_path / "a.pth")
    checkpoint = quietly(tmp_path / "a.pth")
    configuration = network_of(checkpoint).configuration
    assert (configuration.days, configuration.steps, configuration.gaps) == (days, 15, "zero")
    assert sum(array.size for array in checkpoint.weights.values()) == count
    assert not accounted(checkpoint, state)
    forms = np.split(checkpoint.weights["cost.prior.unit.forms.bias"], 3)
    for part, name in zip(forms, ("bilin_1", "bilin_21", "bilin_22"), strict=True):
        np.testing.assert_array_equal(part, state[f"prior_cost.{name}.bias"])


def test_a_file_of_lightning_around_the_descendant_is_read_too(tmp_path):
    state = descendant_state(5, 4, 3)
    solver = OrderedDict((f"solver.{name}", tensor) for name, tensor in state.items())
    one = quietly(lightning(tmp_path / "a.ckpt", solver))
    torch.save(state, tmp_path / "b.pth")
    other = quietly(tmp_path / "b.pth")
    assert one.weights.keys() == other.weights.keys()
    assert all(np.array_equal(one.weights[name], other.weights[name]) for name in one.weights)


def test_a_state_with_currents_is_refused(tmp_path):
    torch.save(descendant_state(15, seen=45), tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match="its prior sees 45 channels and answers 15"):
        read_published(tmp_path / "a.pth")


# -- real ones ---------------------------------------------------------------------------------------------------------


def test_real_ones_load_with_every_name_accounted_for(realdata: Path):
    files = sorted(path for path in (realdata / "4dvarnet").glob("*") if re.search(r"\.(pth|ckpt)$", path.name))
    if not files:
        pytest.skip(f"no published checkpoints (*.pth, *.ckpt) in {realdata / '4dvarnet'}")
    for path in files:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # names that are stray are accounted for too
            checkpoint = read_published(path)
        held = read(path, husks=True)
        accounted(checkpoint, held.get("state_dict", held))
        assert network_of(checkpoint).configuration.as_dict() == checkpoint.configuration
