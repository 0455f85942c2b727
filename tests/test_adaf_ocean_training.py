"""Training of the default model: its options and recipe, its samples, and that it learns what can be learned."""

import json
import shutil
import warnings

import numpy as np
import numpy.testing as npt
import pytest
import torch
import yaml
from ocean_days import FIRST, Points1000, error_of_background, fields, material
from small_ocean import sea

from adaf_xr import checkpoint
from adaf_xr.models.adaf_ocean.channels import STATE
from adaf_xr.models.adaf_ocean.configuration import Configuration
from adaf_xr.models.adaf_ocean.engine import AdafOcean
from adaf_xr.models.adaf_ocean.weights import network_of
from adaf_xr.models.base import Background, Targets
from adaf_xr.points import Points
from adaf_xr.training import load, train
from adaf_xr.training.adaf_ocean.task import AdafOceanTask
from adaf_xr.training.configuration import ConfigurationError, recipes
from adaf_xr.training.shards import Shards
from adaf_xr.training.spreading import SilentSourceWarning

DAY = np.timedelta64(1, "D")
SMALL = {
    "name": "small",
    "task": "adaf-ocean",
    "model": {"widths": [16, 24], "blocks": [1, 2], "fine": 4},
    "data": {"rows": 40, "columns": 56, "crops": 8, "validation_days": 1},
    "optimiser": {"name": "muon", "lr": 0.04, "adam_lr": 0.01, "clip": 10.0},
    "schedule": {"name": "cosine", "warmup": 5},
    "ema": 0.9,
    "epochs": 8,
    "batch": 2,
    "threads": 1,
    "device": "cpu",
    "tensorboard": False,
    "validate_every": 8,
}


def of_days():
    """Four thousand places of every variable a day, and nothing else."""
    return material(observe=Points1000(number=4000))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    run, told = tmp_path_factory.mktemp("run") / "run", []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SilentSourceWarning)  # there is no wind, and no ice
        done = train(SMALL, of_days(), run, on_event=told.append)
    return done, run, [row for row in told if row["kind"] == "epoch"]


@pytest.fixture
def task(trained):
    return AdafOceanTask(load(SMALL), trained[1] / "shards")


class TestOptions:
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"data.rows": 100}, r"a crop of 100 x 192: multiples of 8, at most 180 rows and fewer than 360 columns"),
            ({"data.columns": 360}, "a crop of 128 x 360: multiples of 8"),
            ({"data.sparse": 0.7}, "shares of sparse, aged, fine and maps add up to more than 1"),
            ({"data.aged": 1.5}, "less than or equal to 1"),
            ({"data.mapz": 0.1}, "data.mapz is unknown: did you mean data.maps"),
            ({"loss.likelihood": -1}, "greater than or equal to 0"),
            ({"model.widths": [8, 8, 8]}, "model.widths"),
        ],
    )
    def test_nonsense_is_refused_by_name(self, changes, message):
        with pytest.raises(ConfigurationError, match=message):
            load("adaf-ocean", changes)

    def test_shares_may_leave_nothing_for_the_usual(self):
        held = load("adaf-ocean", {f"data.{name}": 0.25 for name in ("sparse", "aged", "fine", "maps")})
        assert sum(held.data[name] for name in ("sparse", "aged", "fine", "maps")) == 1.0

    def test_the_recipe_is_one_of_this_task_and_every_key_of_it_counts(self):
        wanted = load("adaf-ocean")
        assert AdafOceanTask.Model(**wanted.model).configuration() == Configuration()
        assert (wanted.optimiser.name, wanted.precision, wanted.task) == ("muon", "bf16", "adaf-ocean")
        written, held = yaml.safe_load(recipes()["adaf-ocean"].read_text()), wanted.model_dump(mode="json")
        for key, value in written.items():
            found = held[key] if not isinstance(value, dict) else {name: held[key][name] for name in value}
            assert found == value, key


def indices_of(task, method, monkeypatch):
    """Days that samples are asked of."""
    seen = []

    def sample(split, index, *rest):
        seen.append(index)
        return {"nothing": torch.zeros(1)}

    monkeypatch.setattr(task._sampler, method, sample)
    return seen


class TestSamples:
    def test_there_are_crops_of_training_days_and_days_of_validation(self, trained, task):
        assert (task.samples("train"), task.samples("validation")) == (2 * 8, 1)
        many = {**SMALL, "data": {**SMALL["data"], "validation_days": 9}}
        assert AdafOceanTask(load(many), trained[1] / "shards").samples("validation") == 1

    def test_days_of_validation_are_spread_over_its_period(self, task, monkeypatch):
        days = indices_of(task, "whole", monkeypatch)
        monkeypatch.setattr(Shards, "count", lambda shards, split: 31)
        assert task.samples("validation") == 1
        task.data = task.data.model_copy(update={"validation_days": 6})
        task.batch("validation", range(task.samples("validation")), range(6))
        assert days == [0, 5, 10, 15, 20, 25]

    def test_a_sample_depends_on_its_index_and_seed_only(self, trained, task):
        both = task.batch("train", [3, 14], [11, 12])
        other = AdafOceanTask(load(SMALL), trained[1] / "shards")
        other.batch("train", [5], [5])
        torch.manual_seed(99)
        np.random.seed(99)  # noqa: NPY002
        alone = other.batch("train", [14], [12])
        for name, part in alone.items():
            npt.assert_array_equal(both[name][1:], part, err_msg=name)
        moved = task.batch("train", [14], [13])
        assert not torch.equal(moved["coarse"], alone["coarse"])

    def test_crops_of_a_day_are_of_that_day(self, task, monkeypatch):
        days = indices_of(task, "crop", monkeypatch)
        task.batch("train", range(16), range(16))
        assert days == [0] * 8 + [1] * 8

    def test_shapes_are_those_the_network_takes(self, task):
        batch = task.batch("train", [0, 1], [1, 2])
        shapes = {name: tuple(part.shape) for name, part in batch.items()}
        assert shapes == {
            "coarse": (2, 184, 40, 56), "fine": (2, 40, 80, 112), "scale": (2, 5, 40, 56), "gate": (2, 40, 56),
            "latitude": (2, 40), "target": (2, 5, 40, 56), "fine_target": (2, 5, 160, 224), "wraps": (2,),
        }  # fmt: skip
        assert not batch["wraps"].any() and task.batch("validation", [0], [0])["wraps"].all()
        assert all(torch.isfinite(batch[name]).all() for name in ("coarse", "fine", "scale", "gate"))


class TestTraining:
    def test_it_learns_from_observations(self, trained):
        done, _, epochs = trained
        assert done["reason"] == "finished"
        assert epochs[-1]["loss"] < 0.7 * epochs[0]["loss"]
        for name in STATE:
            assert epochs[-1][f"validation_rmse_{name}"] < 0.9 * epochs[-1][f"validation_rmse_{name}_background"], name

    def test_the_engine_runs_what_was_trained(self, trained):
        path = trained[1] / "checkpoints" / "best.safetensors"
        held = checkpoint.read(path)
        assert network_of(held).configuration == Configuration((16, 24), (1, 2), 4)
        assert held.provenance["material"] == {"name": "waves"}
        assert held.provenance["days"] == {"train": 2, "validation": 1, "observed": 13}
        engine, time = AdafOcean(path), FIRST + 2 * DAY
        now = fields(1.0, 1.0).isel(time=2).sel(latitude=slice(0, 80), longitude=slice(-100, 30))
        guess = {name: now[name].values.astype("f8") for name in STATE}
        first = Background(now.latitude.values, now.longitude.values, np.empty(0), guess)
        points = Points.concatenate(of_days().points(time, (5 * DAY, 5 * DAY)).values())
        targets = Targets(np.arange(30.125, 50, 0.25), np.arange(-50.125, -20, 0.25))
        analysis = engine.analyse(engine.encode(points, first, time), first, targets)
        for name in STATE:
            at = targets.latitude[:, None], targets.longitude
            wrong = np.sqrt(np.mean((analysis.mean[name] - sea(name, *at)) ** 2))
            assert wrong < 0.9 * np.sqrt(np.mean(error_of_background(name, *at) ** 2)), name
            assert (analysis.std[name] > 0.0).all()

    def test_it_goes_on_bit_for_bit(self, trained, tmp_path):
        shards, short = trained[1] / "shards", {**SMALL, "data": {**SMALL["data"], "crops": 3}, "epochs": 2}
        short |= {"validate_every": 2, "precision": "bf16"}
        whole = train(short, shards, tmp_path / "whole")
        assert whole["step"] == 6
        with pytest.MonkeyPatch.context() as patch:
            from adaf_xr.training.loop import Loop

            step = Loop._step

            def stopping(self, *rest):
                return step(self, *rest) or self.progress.step == 3

            patch.setattr(Loop, "_step", stopping)
            with pytest.raises(RuntimeError, match="told to stop"):
                train(short, shards, tmp_path / "parted")
        train(short, None, tmp_path / "parted", resume=True)
        files = [tmp_path / name / "checkpoints/last.safetensors" for name in ("whole", "parted")]
        one, other = (checkpoint.read(file).weights for file in files)
        assert set(one) == set(other)
        for name in one:
            npt.assert_array_equal(one[name], other[name], err_msg=name)

    def test_a_network_that_ends_at_one_degree_trains_too(self, trained, tmp_path):
        coarse = {
            **SMALL,
            "model": {**SMALL["model"], "fine": 0},
            "data": {**SMALL["data"], "crops": 2},
            "epochs": 1,
            "schedule": {},
        }
        done = train(coarse, trained[1] / "shards", tmp_path / "run")
        assert done["step"] == 2
        assert network_of(checkpoint.read(tmp_path / "run/checkpoints/last.safetensors")).fine is None


class TestCalibrating:
    def test_errors_are_as_large_as_predicted_on_the_days_that_calibrate(self, trained, tmp_path):
        from adaf_xr.training.adaf_ocean.calibrating import calibrated
        from adaf_xr.training.adaf_ocean.objective import Objective
        from adaf_xr.training.adaf_ocean.options import Loss

        with pytest.raises(ValueError, match="validated on one day: it takes one to calibrate and another"):
            calibrated(trained[1], told=lambda _: None)
        run = shutil.copytree(trained[1], tmp_path / "run")
        manifest = run / "shards" / "manifest.json"
        held = json.loads(manifest.read_text())
        (day,) = held["days"]["validation"]
        folder, after = run / "shards" / "validation", day.replace(day[:8], f"{int(day[:8]) + 1}")
        (file,) = folder.iterdir()
        shutil.copy(file, folder / file.name.replace(day, after))
        manifest.write_text(json.dumps({**held, "days": {**held["days"], "validation": [day, after]}}))

        made, first = calibrated(run, told=lambda _: None), checkpoint.read(run / "checkpoints" / "best.safetensors")
        assert all(np.array_equal(made.weights[name], array) for name, array in first.weights.items())
        task = AdafOceanTask(load(SMALL), trained[1] / "shards")
        scores = Objective(Loss()).scores(network_of(first), task.batch("validation", [0], [0]))
        for name in STATE:
            (square, weight), (expected, _) = scores[f"rmse_{name}"], scores[f"rmse_{name}_expected"]
            assert made.normalisation["calibration"][name] == pytest.approx(float(square / expected) ** 0.5, rel=1e-5)
            # The day that judges has the same fields, and observations of other days around it.
            told = made.provenance["scores"][name]
            assert told["rmse"] == pytest.approx(float(square / weight) ** 0.5, rel=0.1)
            assert told["spread_over_skill"] == pytest.approx(1.0, abs=0.1)

    def test_the_folder_of_a_map_stays_on_the_machine(self):
        from adaf_xr.training.adaf_ocean.calibrating import _portable

        there = {"seed": 1, "training": {"data": {"sea_level": "/home/somebody/adt.nc", "rows": 8}, "epochs": 2}}
        assert _portable(there)["training"] == {"data": {"sea_level": "adt.nc", "rows": 8}, "epochs": 2}
        assert _portable({"training": {"data": {"sea_level": None}}})["training"]["data"]["sea_level"] is None
