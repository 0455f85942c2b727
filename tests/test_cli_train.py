"""`adaf train` and `adaf sample`: from a folder of data to weights, and what stops a training said in a paragraph."""

import csv
import os
import re
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from adaf_xr import checkpoint
from adaf_xr.cli import app, training_data
from adaf_xr.cli.terminal import INTERRUPTED
from adaf_xr.cli.train import Launcher, _again, settings
from adaf_xr.cli.training_progress import watched
from adaf_xr.training.configuration import recipes

SMALL = {
    "name": "small",
    "task": "adaf-ocean-cnp",
    "model": {"base": "thinned", "phase": "node", "sea_level": "sla"},
    "data": {"windows": 2, "validation_windows": 2},
    "epochs": 2,
    "batch": 1,
    "device": "cpu",
    "threads": 1,
    "tensorboard": False,
}


@pytest.fixture(scope="module")
def data(published_sample):
    """Three days in the published layout."""
    return published_sample


@pytest.fixture(scope="module")
def prepared(data, tmp_path_factory):
    """A finished run of two steps, and what was said of it."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "small.yaml").write_text(yaml.safe_dump(SMALL))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = call("train", "small.yaml", "--data", data, "--out", "run", "--set", "optimiser.lr=3e-4")
    assert result.exit_code == 0, result.output
    return folder, result


@pytest.fixture
def runs(prepared, tmp_path, monkeypatch):
    """A copy of that run to go on with, as the current folder."""
    place = shutil.copytree(prepared[0], tmp_path / "runs")
    monkeypatch.chdir(place)
    return place


def call(*arguments: object):
    return CliRunner().invoke(app, [str(a) for a in arguments], prog_name="adaf", env={"COLUMNS": "160"})


def refused(result, *parts: str) -> None:
    assert result.exit_code == 2, result.output
    for part in parts:
        assert part in " ".join(result.stderr.split()), result.stderr


class TestRun:
    def test_a_run_leaves_weights_logs_and_its_configuration(self, prepared, data):
        folder, result = prepared
        held = checkpoint.read(folder / "run/checkpoints/best.safetensors")
        assert held.family == "adaf-ocean-cnp"
        assert sum(array.size for array in held.weights.values()) == 682_061
        assert yaml.safe_load((folder / "run/config.yaml").read_text())["optimiser"]["lr"] == 3e-4
        rows = list(csv.DictReader((folder / "run/epochs.csv").open()))
        assert [row["epoch"] for row in rows] == ["1", "2"]
        assert "finished after 2 epochs and 2 steps, least validation loss" in result.stdout
        assert f"next: adaf evaluate run --data {data}" in " ".join(result.stdout.split())
        assert "tensorboard" not in result.stdout

    def test_it_says_what_it_trains_on_and_a_line_for_each_epoch(self, prepared):
        said = " ".join(prepared[1].stderr.split())
        assert "3 days train 2020-01-01 to 2020-01-01; validation 2020-01-02 to 2020-01-02; test 2020-01-03" in said
        assert "60, 20 and 20 % of the days there are" in said
        assert "small: 682,061 weights on cpu, 1 rank; 1 samples to train, 1 to validate" in said
        assert re.search(r"epoch 1/2: loss \S+, validation \S+ \(rmse .*zos \S+ / \S+\), \d+ s, waited \d+%", said)

    def test_a_finished_run_goes_on_for_more_epochs_from_what_it_holds(self, runs):
        before = list(csv.reader((runs / "run/log.csv").open()))
        result = call("train", "--resume", "--out", "run", "--set", "epochs=3")
        assert result.exit_code == 0, result.output
        assert "goes on after step 2" in result.stderr
        after = list(csv.reader((runs / "run/log.csv").open()))
        assert after[: len(before)] == before
        assert len(after) == len(before) + 1

    def test_a_folder_that_holds_a_run_is_not_written_over(self, runs, data):
        refused(call("train", "small.yaml", "--data", data, "--out", "run"), "run holds a run already", "--resume")


class TestInterruptions:
    def test_ctrl_c_ends_the_step_saves_and_says_how_to_go_on(self, runs, monkeypatch):
        from adaf_xr.training.loop import Loop

        tell = Loop._tell

        def interrupted(self, draw, *rest):
            tell(self, draw, *rest)
            if draw.step == 4:
                os.kill(os.getpid(), signal.SIGINT)

        before = signal.getsignal(signal.SIGINT)
        with monkeypatch.context() as patch:
            patch.setattr(Loop, "_tell", interrupted)
            result = call("train", "--resume", "--out", "run", "--set", "epochs=8")
        assert result.exit_code == INTERRUPTED, result.output
        assert "Go on with: adaf train --resume --out run" in result.stderr
        assert signal.getsignal(signal.SIGINT) is before
        done = len((runs / "run/log.csv").read_text().splitlines()) - 1
        assert 4 <= done <= 6
        # Nothing that was done is done again.
        again = call("train", "--resume", "--out", "run", "--set", "epochs=8")
        assert again.exit_code == 0, again.output
        assert f"goes on after step {done}" in again.stderr
        assert len((runs / "run/log.csv").read_text().splitlines()) == 9

    def test_a_loss_that_is_no_number_is_told_in_a_paragraph(self, runs, monkeypatch):
        from adaf_xr.training.cnp.task import CNPTask

        def broken(self, network, batch):
            total = sum(weight.sum() for weight in network.parameters())
            return {"loss": (total * float("nan"), total.detach() * 0 + 1)}

        monkeypatch.setattr(CNPTask, "loss", broken)
        result = call("train", "--resume", "--out", "run", "--set", "epochs=3")
        refused(result, "error:", "nan", "Go on with: adaf train --resume --out run")
        assert "Traceback" not in result.output


def test_on_a_cluster_the_way_on_names_it():
    out, address = Path("run"), "tcp://10.0.0.1:8786"
    assert _again(out, Launcher.NONE, None, 4) == "adaf train --resume --out run"
    assert _again(out, Launcher.TORCHRUN, None, 0).endswith("--out run --launcher torchrun")
    assert _again(out, Launcher.DASK, None, 2).endswith("--launcher dask --workers 2")
    assert _again(out, Launcher.DASK, address, 0).endswith(f"--launcher dask --scheduler {address}")


class TestRefusals:
    def test_what_is_asked_for_must_be_there(self, tmp_path, monkeypatch, data):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "small.yaml").write_text(yaml.safe_dump(SMALL))
        refused(call("train", "small.yaml"), "adaf train small.yaml --data DIR --out RUN")
        refused(call("train", "small.yaml", "--out", "run"), "a training needs data")
        refused(call("train", "--out", "run"), "name what to train")
        refused(call("train", "--out", "run", "--resume"), "run holds no run to go on with")
        refused(call("train", "adaf-ocean-cmp", "--out", "run"), "did you mean 'adaf-ocean-cnp'?")
        refused(call("train", "small.yaml", "--data", "gone", "--out", "run"), "no folder gone", "adaf osse")
        refused(call("train", "small.yaml", "--data", ".", "--out", "run"), "neither an experiment", "experiment.json")
        refused(call("train", "small.yaml", "--out", "run", "--launcher", "dask"), "--scheduler ADDRESS", "--workers N")

    def test_an_unknown_key_names_the_nearest_before_data_are_opened(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "small.yaml").write_text(yaml.safe_dump(SMALL))
        how = ("train", "small.yaml", "--data", "gone", "--out", "run", "--set")
        refused(call(*how, "optimizer.lr=1"), "optimizer is unknown: did you mean optimiser?")
        refused(call(*how, "data.window=3"), "data.window is unknown: did you mean data.windows?")
        refused(call(*how, "epochs"), "--set epochs: write KEY=VALUE")
        refused(call(*how, "epochs=[1"), "no value of YAML")

    def test_periods_must_be_periods(self, data):
        for wrong, why in (("train", "NAME=START,STOP"), ("train=2020-01-02,2020-01-01", "not after its start")):
            with pytest.raises(ValueError, match=why):
                training_data.opened(data, [wrong])


def test_recipes_are_listed_with_what_they_are():
    listed = call("train").stdout
    assert listed == call("train", "--list").stdout
    for name in recipes():
        assert name in listed


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e-3", 1e-3), ("3", 3), ("null", None), ("[80, 160]", [80, 160]), ("cosine", "cosine"), ("true", True)],
)
def test_settings_are_values_of_yaml_with_exponents(text, value):
    assert settings([f"a.b={text}"]) == {"a.b": value}


class TestData:
    def test_published_periods_are_used_where_the_days_are_there(self):
        times = np.arange("2018-01-01", "2021-01-01", dtype="M8[D]").astype("M8[ns]")
        periods, how = training_data._usual_periods(times)
        assert str(periods["test"][0])[:10] == "2020-01-07"
        assert "published" in how
        few, how = training_data._usual_periods(times[:10])
        assert [int((stop - start) / np.timedelta64(1, "h")) // 24 for start, stop in few.values()] == [6, 2, 1]
        assert "--period" in how

    @pytest.mark.parametrize("count", [3, 4, 5, 7, 100])
    def test_shares_hold_every_day_once_and_each_has_one(self, count):
        times = np.datetime64("2020-01-01", "ns") + np.arange(count) * np.timedelta64(1, "D")
        inside = [(times >= start) & (times < stop) for start, stop in training_data.shares_of(times).values()]
        assert (np.sum(inside, axis=0) == 1).all()
        assert all(each.any() for each in inside)

    def test_two_days_are_too_few(self):
        with pytest.raises(ValueError, match="there must be three"):
            training_data.shares_of(np.array(["2020-01-01", "2020-01-02"], "M8[ns]"))

    def test_given_periods_replace_those_of_the_data(self, data):
        source = training_data.opened(data, ["train=2020-01-01,2020-01-03", "validation=2020-01-03,2020-01-04"])
        assert source.material.times("train").size == 2
        assert "test" not in source.material.periods
        assert "(as given)" in source.what

    def test_material_sees_the_day_before(self, data):
        points = training_data.opened(data).material.points(np.datetime64("2020-01-02"), ("1D", "0h"))
        assert set(points) == {"insitu", "sst", "sss", "ssh", "wind", "ice"}
        for each in points.values():
            assert each.time.min() >= np.datetime64("2020-01-01")
            assert each.time.max() < np.datetime64("2020-01-02")


def test_events_of_other_ranks_and_of_kinds_to_come_are_not_shown(capsys):
    with watched() as watch:
        watch({"rank": 1, "kind": "note", "message": "elsewhere"})
        watch({"rank": 0, "kind": "something new"})
        watch({"rank": 0, "kind": "note", "message": "[here]"})
    assert capsys.readouterr().err.strip() == "note: [here]"


def test_a_sample_is_written_as_it_is_asked_for(data, tmp_path, monkeypatch):
    asked = []

    def copied(folder, days, start, *, seed, spacing, progress):
        asked.append((days, start, seed, round(1 / spacing, 6)))
        progress(1, 1)
        return shutil.copytree(data, folder)

    out = tmp_path / "sample"
    with monkeypatch.context() as patch:
        patch.setattr("adaf_xr.osse.published_layout.write", copied)
        result = call("sample", "--out", out, "--days", 2, "--start", "2020-02-01", "--spacing", 0.04167, "--seed", 7)
    assert result.exit_code == 0, result.output
    assert asked == [(2, "2020-02-01", 7, 24.0)]
    assert re.search(r"2 analysis days from 2020-02-01, \d+ MB", result.stdout)
    refused(call("sample", "--out", out), "holds something")
