"""Training of 4DVarNet: its options and recipes, the task as the training room sees it, and that it learns."""

import numpy as np
import numpy.testing as npt
import pytest
import torch
import yaml
from fourdvarnet_days import Tracks, material

from adaf_xr import checkpoint
from adaf_xr.models.fourdvarnet import Window, network_for, published, small
from adaf_xr.models.fourdvarnet.prior import TwoScalePrior
from adaf_xr.models.fourdvarnet.weights import network_of, normalisation_of
from adaf_xr.training import load, train
from adaf_xr.training.configuration import ConfigurationError, Optimiser, recipes
from adaf_xr.training.fourdvarnet.options import Loss
from adaf_xr.training.fourdvarnet.task import FourDVarNetTask
from adaf_xr.training.optimisation import optimiser
from adaf_xr.training.stepping import Stepper

EXPERIMENTS = ("4dvarnet-ssh", "4dvarnet-ssh-sst", "unet-ssh", "unet-ssh-sst")
TINY = {"days": 5, "width": 6, "pooling": 1}
DESCENT = {"hidden": 8, "blocks": 2, "steps": 2, "dropout": 0.0}
SMALL = {
    "name": "small",
    "task": "4dvarnet",
    "model": {"experiment": "4dvarnet-ssh-sst", **TINY, **DESCENT, "features": 3},
    "data": {"rows": 16, "columns": 20, "crops": 4},
    "loss": {"border": 2, "smoothing": 0, "low_pass_cells": 4},
    "optimiser": {"name": "muon", "lr": 0.02, "adam_lr": 0.01, "clip": 100.0},
    "schedule": {"name": "cosine", "warmup": 2},
    "epochs": 6,
    "batch": 4,
    "threads": 1,
    "device": "cpu",
    "tensorboard": False,
    "validate_every": 6,
}


def configured(experiment, **changes):
    """The small training of an experiment."""
    descent = DESCENT if experiment.startswith("4d") else {}
    features = {"features": 3} if experiment == "4dvarnet-ssh-sst" else {}
    return load({**SMALL, "model": {"experiment": experiment, **TINY, **descent, **features}}, changes)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    run, told = tmp_path_factory.mktemp("run") / "run", []
    done = train(SMALL, material(Tracks(30)), run, on_event=told.append)
    return done, run, [row for row in told if row["kind"] == "epoch"]


@pytest.fixture
def shards(trained):
    return trained[1] / "shards"


class TestOptions:
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"model.experiment": "4dvarnet-sst"}, "model.experiment"),
            ({"model.size": "large"}, "'small' or 'published'"),
            ({"model.hiden": 8}, "model.hiden is unknown: did you mean model.hidden"),
            ({"model.dropout": 1.0}, "less than 1"),
            ({"data.permuted": 1.5}, "less than or equal to 1"),
            ({"loss.divergence_unit": 0.0}, "greater than 0"),
            ({"loss.strain": 1.0}, "loss.strain is unknown"),
            ({"optimiser.shares": {"cost.prior": 0.5}, "optimiser.name": "muon"}, "'adam' and 'adamw'"),
        ],
    )
    def test_nonsense_is_refused_by_name(self, changes, message):
        with pytest.raises(ConfigurationError, match=message):
            load("4dvarnet-ssh-sst", {"optimiser.adam_lr": 0.001, **changes})

    def test_the_constants_are_those_of_the_paper(self):
        held = Loss()
        assert (held.ssh, held.gradients, held.currents, held.geostrophic, held.divergence) == (50, 1000, 50, 25, 1000)
        assert (held.prior, held.low_pass, held.coarse, held.later_blocks, held.border) == (0.25, 0.5, 0.5, 2, 20)
        assert (held.sobel, held.divergence_unit, held.smoothing, held.low_pass_cells) == (2.0, 1e-4, 5, 16)

    @pytest.mark.parametrize("name", EXPERIMENTS)
    def test_recipes_are_of_their_experiment_and_every_key_counts(self, name):
        wanted = load(name)
        assert (wanted.name, wanted.task, wanted.model["experiment"]) == (name, "4dvarnet", name)
        written, held = yaml.safe_load(recipes()[name].read_text()), wanted.model_dump(mode="json")
        for key, value in written.items():
            found = held[key] if not isinstance(value, dict) else {each: held[key][each] for each in value}
            assert found == value, key

    @pytest.mark.parametrize("name", EXPERIMENTS)
    def test_the_published_training_has_the_sizes_and_the_loss_of_the_paper(self, name):
        wanted = load(f"{name}-published")
        assert FourDVarNetTask.Model(**wanted.model).configuration() == published(name)
        assert FourDVarNetTask.Loss(**wanted.loss) == Loss()
        assert (wanted.optimiser.lr, wanted.batch, wanted.schedule.name) == (1e-3, 2, "constant")
        groups = optimiser(network_for(published(name)), wanted.optimiser).param_groups
        sizes = {group["share"]: sum(weight.numel() for weight in group["params"]) for group in groups}
        prior = TwoScalePrior(42 if name == "unet-ssh-sst" else 35, 50, 4)
        assert sizes[0.5] == sum(weight.numel() for weight in prior.parameters())


class TestTask:
    def test_the_four_share_their_data(self, shards):
        for name in EXPERIMENTS:
            task = FourDVarNetTask(configured(name), shards)
            assert (task.samples("train"), task.samples("validation")) == (8 * 4, 4)
            batch = task.batch("train", [0, 5], [1, 2])
            shapes = {key: tuple(part.shape) for key, part in batch.items()}
            fields = dict.fromkeys(("ssh", "observed", "oi", "sst", "u", "v"), (2, 5, 16, 20))
            assert shapes == {**fields, "latitude": (2, 16)}
            assert task.batch("validation", [0], [0])["ssh"].shape == (1, 5, 20, 28)

    @pytest.mark.parametrize("name", EXPERIMENTS)
    def test_the_loss_hangs_on_every_weight(self, name, shards):
        task = FourDVarNetTask(configured(name), shards)
        torch.manual_seed(0)
        network = task.network()
        sums = task.loss(network, task.batch("train", [0, 1], [0, 1]))
        sums["loss"][0].backward()
        for called, weight in network.named_parameters():
            assert not weight.requires_grad or (weight.grad is not None and weight.grad.any()), called

    @pytest.mark.parametrize("name", EXPERIMENTS)
    def test_scores_need_no_gradients_and_agree_with_the_loss(self, name, shards):
        task = FourDVarNetTask(configured(name), shards)
        torch.manual_seed(0)
        network, batch = task.network().eval(), task.batch("validation", [1], [0])
        scores, loss = task.scores(network, batch), task.loss(network, batch)
        npt.assert_allclose(float(scores["loss"][0]), float(loss["loss"][0].detach()), rtol=1e-4)
        assert {"rmse_zos", "rmse_zos_oi", "tau_uv", "tau_div", "tau_geostrophic"} < set(scores)
        assert not any(part.requires_grad for pair in scores.values() for part in pair)

    def test_temperature_reaches_only_the_networks_that_have_it(self, shards):
        for name in EXPERIMENTS:
            task = FourDVarNetTask(configured(name), shards)
            torch.manual_seed(0)
            network, batch = task.network().eval(), task.batch("validation", [0], [0])
            warmer = {**batch, "sst": batch["sst"] + torch.linspace(0.0, 1.0, 28)}
            one, other = (float(task.scores(network, each)["loss"][0]) for each in (batch, warmer))
            assert (one != other) == name.endswith("sst"), name

    def test_a_network_on_means_of_cells_is_scored_on_the_grid_of_the_data(self, shards):
        task = FourDVarNetTask(
            configured("4dvarnet-ssh", **{"model.pooling": 2, "data.rows": 16, "data.columns": 16}), shards
        )
        torch.manual_seed(0)
        network, batch = task.network().eval(), task.batch("validation", [0], [0])
        assert batch["ssh"].shape == (1, 5, 16, 24)  # 20 x 28 cells, in multiples of 8
        scores = task.scores(network, batch)
        (estimate,) = network(Window(ssh=batch["observed"], oi=batch["oi"]))[-1:]
        centre = (slice(None), 2, slice(2, -2), slice(2, -2))
        ssh = normalisation_of(task.checkpoint(_weights(network), {}))["ssh"]
        error = ssh.scale * (estimate.ssh - batch["ssh"])[centre].detach()
        total, count = scores["rmse_zos"]
        npt.assert_allclose(float(total / count), float((error**2).mean()), rtol=1e-4)


class TestTraining:
    def test_it_learns_more_than_the_interpolation_knows(self, trained):
        done, _, epochs = trained
        assert done["reason"] == "finished"
        assert epochs[-1]["loss"] < 0.3 * epochs[0]["loss"]
        assert epochs[-1]["validation_tau_uv"] > epochs[-1]["validation_tau_geostrophic_oi"] + 0.02
        assert epochs[-1]["validation_rmse_zos"] < epochs[-1]["validation_rmse_zos_oi"]

    def test_the_checkpoint_holds_what_inference_needs(self, trained):
        held = checkpoint.read(trained[1] / "checkpoints" / "best.safetensors")
        assert network_of(held).configuration == small("4dvarnet-ssh-sst", **TINY, **DESCENT, features=3)
        found = normalisation_of(held)
        assert set(found) == {"ssh", "currents", "sst"} and found["sst"].offset == pytest.approx(19.0, abs=1.0)
        assert held.provenance["material"] == {"name": "jet"}
        assert held.provenance["spacing"] == pytest.approx(0.5) and held.provenance["crop"] == [16, 20]
        assert held.provenance["days"] == {"train": 12, "validation": 8}

    def test_the_checkpoint_gives_the_scores_of_its_training(self, trained, shards):
        best, wanted = checkpoint.read(trained[1] / "checkpoints" / "best.safetensors"), load(SMALL)
        task, network = FourDVarNetTask(wanted, shards), network_of(best).eval()
        sums = [task.scores(network, task.batch("validation", [k], [0]))["loss"] for k in range(4)]
        loss = sum(float(total) for total, _ in sums) / 4
        npt.assert_allclose(loss, trained[2][-1]["validation_loss"], rtol=1e-4)


class TestShares:
    def test_a_part_of_the_network_goes_at_its_share_of_the_rate(self, shards):
        wanted = configured("4dvarnet-ssh", **{"optimiser": {"name": "adam", "shares": {"cost.prior": 0.5}}})
        stepper = Stepper(FourDVarNetTask(wanted, shards), wanted, torch.device("cpu"))
        before = _weights(stepper.network)
        task = FourDVarNetTask(wanted, shards)
        from adaf_xr.training.order import Draw

        stepper.step(Draw(1, 1, (0, 1), (0, 1)), task.batch("train", [0, 1], [0, 1]), 1e-3)
        # The first step of Adam is as long as its rate for every weight that has a gradient of any size.
        for name, weight in _weights(stepper.network).items():
            moved = np.abs(weight - before[name]).max()
            if moved:
                assert moved == pytest.approx(5e-4 if name.startswith("cost.prior.") else 1e-3, rel=0.02), name

    def test_parts_that_are_not_there_are_named(self):
        network = network_for(small("unet-ssh"))
        with pytest.raises(
            ValueError, match=r"optimiser.shares names cost.prior, and the network has prior.coarse.first"
        ):
            optimiser(network, Optimiser(shares={"cost.prior": 0.5}))


def _weights(network):
    return {name: weight.detach().numpy().copy() for name, weight in network.state_dict().items()}
