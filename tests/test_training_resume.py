"""A run that was killed goes on bit for bit as if it had not been: on a CPU, with everything on that has a memory."""

import hashlib
import json
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import training_toy

from adaf_xr import checkpoint
from adaf_xr.training import InterruptedTrainingError, train
from adaf_xr.training.configuration import ConfigurationError
from adaf_xr.training.logs import Logs
from adaf_xr.training.run_folder import BusyError, RunFolder
from adaf_xr.training.state import StateError

ALL_ON = {
    "epochs": 4,
    "ema": 0.8,
    "optimiser.clip": 0.7,
    "optimiser.lr": 0.02,
    "schedule": {"name": "cosine", "warmup": 3},
    "model.dropout": 0.3,
    "micro_batch": 5,
    "early_stop": 3,
}
"""Three steps an epoch, twelve in all."""

CHILD = """
import json, os, signal, sys
import training_toy
from adaf_xr.training import train
folder, changed, kind, number = json.loads(sys.argv[1])
replace, seen = os.replace, []

def halt_if(what):
    seen.append(what)
    if what == kind and seen.count(kind) == number:
        print("here", flush=True)
        signal.pause()

def slow_replace(source, target):
    halt_if(os.path.basename(target))
    replace(source, target)

os.replace = slow_replace
train(training_toy.configuration(**changed), folder + "/shards", folder + "/run",
      on_event=lambda event: halt_if(event["kind"]))
"""
"""Halts at the so manieth event of a kind, or just before the so manieth time that a file is put in its place."""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "shards").mkdir()
    return tmp_path


def go(folder, name="run", resume=False, on_event=None, changed=ALL_ON):
    return train(
        training_toy.configuration(**changed), folder / "shards", folder / name, resume=resume, on_event=on_event
    )


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    (folder / "shards").mkdir()
    go(folder)
    return folder / "run"


def lines(path):
    """Rows as text, without the two columns that are times."""
    header, *rows = [line.split(",") for line in path.read_text().splitlines()]
    timeless = [k for k, name in enumerate(header) if name not in ("seconds", "waited")]
    return [[row[k] for k in timeless] for row in (header, *rows)]


def assert_same(run, other):
    for name in ("log.csv", "epochs.csv"):
        assert lines(run / name) == lines(other / name)
    for name in ("best", "last"):
        digests = {
            hashlib.sha256((where / "checkpoints" / f"{name}.safetensors").read_bytes()).hexdigest()
            for where in (run, other)
        }
        assert len(digests) == 1, name


def kill_at(folder, kind, number, changed):
    """Run in a process of its own, and kill -9 it at a certain place."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    command = [sys.executable, "-c", CHILD, json.dumps([str(folder), changed, kind, number])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stdout.readline() == "here\n"
        child.kill()
    assert child.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("kind", "number", "changed", "goes_on_from"),
    [
        ("step", 8, {}, 6),
        ("step", 5, {"save_minutes": 1e-9}, 4),
        ("state.pt", 3, {}, 6),
    ],
)
def test_after_a_kill_everything_is_the_same_bit_for_bit(folder, uninterrupted, kind, number, changed, goes_on_from):
    kill_at(folder, kind, number, ALL_ON | changed)
    events = []
    go(folder, resume=True, on_event=events.append)
    done = [event["step"] for event in events if event["kind"] in ("begin", "step")]
    assert done == list(range(goes_on_from, 13))
    assert_same(folder / "run", uninterrupted)


@pytest.mark.parametrize("step", [1, 5, 6, 12])
def test_a_sigterm_ends_the_step_in_hand_saves_and_says_how_to_go_on(folder, uninterrupted, step):
    def terminate(event):
        if event["kind"] in ("begin", "step") and event["step"] == step - 1:
            os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(InterruptedTrainingError, match=rf"after step {step}; .* resume=True \(--resume\)"):
        go(folder, on_event=terminate)
    assert signal.getsignal(signal.SIGTERM) is before
    assert len(lines(folder / "run" / "log.csv")) == step + 1
    result = go(folder, resume=True)
    assert (result["reason"], result["step"]) == ("finished", 12)
    assert_same(folder / "run", uninterrupted)


@pytest.mark.parametrize("validating", [1, 4])
def test_a_sigterm_ends_a_validation_which_is_made_again(folder, uninterrupted, validating):
    heard = []

    def terminate(event):
        heard.append(event["kind"])
        if event["kind"] == "validating" and heard.count("validating") == validating:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(InterruptedTrainingError, match="after step"):
        go(folder, on_event=terminate)
    assert heard[-2:] == ["validating", "save"], "it did not go on to the next step"
    go(folder, resume=True)
    assert_same(folder / "run", uninterrupted)


@pytest.mark.parametrize("rows", [1, 9])
def test_a_failure_in_a_validation_is_gone_on_from(folder, uninterrupted, rows):
    class Boom(Exception):
        pass

    def fail(event):
        if event["kind"] == "validating" and len(lines(folder / "run" / "log.csv")) > rows:
            raise Boom

    with pytest.raises(Boom):
        go(folder, on_event=fail)
    events = []
    go(folder, resume=True, on_event=events.append)
    assert any("nothing was saved yet" in event.get("message", "") for event in events) == (rows == 1)
    assert_same(folder / "run", uninterrupted)


def test_more_epochs_go_on_where_the_first_ended(folder):
    short, long = ({"epochs": epochs, "ema": 0.9} for epochs in (2, 4))
    go(folder, "straight", changed=long)
    go(folder, changed=short)
    go(folder, resume=True, changed=long)
    for name in ("log.csv", "epochs.csv"):
        assert lines(folder / "run" / name) == lines(folder / "straight" / name)


def test_the_learning_rate_goes_on_from_the_epoch_as_published(folder):
    published = {"schedule": {"name": "multistep", "milestones": [2], "gamma": 0.5}}
    rates = []
    go(folder, changed=published | {"epochs": 1})
    go(
        folder,
        resume=True,
        changed=published | {"epochs": 4},
        on_event=lambda event: rates.append((event["epoch"], event["lr"])) if event["kind"] == "step" else None,
    )
    assert rates == [(2, 0.01)] * 3 + [(3, 0.005)] * 3 + [(4, 0.005)] * 3


def test_a_finished_run_has_nothing_left_to_do(folder):
    first = go(folder)
    events = []
    assert go(folder, resume=True, on_event=events.append) == first
    assert "step" not in {event["kind"] for event in events}


def test_resuming_where_nothing_was_begun_begins(folder, uninterrupted):
    go(folder, resume=True)
    assert_same(folder / "run", uninterrupted)


def test_the_data_of_the_run_are_found_again(folder):
    first = go(folder)
    again = train(training_toy.configuration(**ALL_ON), None, folder / "run", resume=True)
    assert again == first


def test_where_the_data_come_from_is_not_forgotten(folder):
    place = RunFolder(folder / "run")
    place.write(training_toy.configuration(epochs=1), {"shards": "../shards", "provenance": {"experiment": "toy"}})
    for epochs in (1, 2):
        go(folder, resume=True, changed={"epochs": epochs})
    last = checkpoint.describe(place.last)
    assert (last.provenance["data"], last.provenance["epoch"]) == ({"experiment": "toy"}, 2)
    assert place.data()["shards"] == "../shards", "so that both may be moved together"


def test_nobody_else_trains_in_the_same_folder_meanwhile(folder, uninterrupted):
    def intrude(event):
        if event["kind"] == "step" and event["step"] == 5:
            with pytest.raises(BusyError, match=rf"by another process \(process {os.getpid()} on .*wait until it has"):
                go(folder, resume=True)

    go(folder, on_event=intrude)
    assert_same(folder / "run", uninterrupted)


def test_another_training_does_not_go_on(folder):
    go(folder, changed={"epochs": 1})
    before = (folder / "run" / "config.yaml").read_bytes()
    with pytest.raises(ConfigurationError, match=r"seed was 0 and is now 1\. Resume with the same"):
        go(folder, resume=True, changed={"epochs": 1, "seed": 1})
    assert (folder / "run" / "config.yaml").read_bytes() == before
    # The state keeps its own word, should somebody edit the file.
    (folder / "run" / "config.yaml").write_text(before.decode().replace("seed: 0", "seed: 1"))
    with pytest.raises(ConfigurationError, match=r"state\.pt was begun with another configuration: seed"):
        go(folder, resume=True, changed={"epochs": 1, "seed": 1})


def damaged(content):
    return content[: len(content) // 2]


class Harmful:
    def __reduce__(self):
        return os.system, ("echo harm",)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (damaged, "cannot be read"),
        (lambda content: b"", "cannot be read"),
        (lambda content: pickle.dumps(Harmful(), protocol=2), "cannot be read"),
        (lambda content: pickle.dumps({"format": 0}, protocol=2), "cannot be read|no state of this format"),
    ],
)
def test_a_damaged_state_is_an_error_with_a_way_out(folder, capfd, spoil, said):
    go(folder, changed={"epochs": 1})
    path = folder / "run" / "checkpoints" / "state.pt"
    spoiled = spoil(path.read_bytes())
    path.write_bytes(spoiled)
    with pytest.raises(StateError, match=said):
        go(folder, resume=True, changed={"epochs": 2})
    assert path.read_bytes() == spoiled and "harm" not in capfd.readouterr().out
    assert len(lines(folder / "run" / "log.csv")) == 4, "nothing was begun again"


def test_a_state_of_other_data_does_not_go_on(folder):
    go(folder, changed={"epochs": 1})
    path = folder / "run" / "checkpoints" / "state.pt"
    torch.save(torch.load(path, weights_only=True) | {"samples": {"train": 99, "validation": 5}}, path)
    with pytest.raises(StateError, match="99 train and 5 validation samples, and the data hold 12 train and 5"):
        go(folder, resume=True, changed={"epochs": 2})


def test_a_state_of_another_format_does_not_go_on(folder):
    go(folder, changed={"epochs": 1})
    path = folder / "run" / "checkpoints" / "state.pt"
    torch.save(torch.load(path, weights_only=True) | {"format": 99}, path)
    with pytest.raises(StateError, match=r"no state of this format \(1\)"):
        go(folder, resume=True, changed={"epochs": 2})


@pytest.mark.parametrize("tail", ["", "2,4", "2,4,0.5\n2,5,0.25\n", "2,3.5"])
def test_logs_are_cut_back_to_the_state(tmp_path, tail):
    place = RunFolder(tmp_path)
    whole = "epoch,step,loss\n1,1,0.1\n1,2,0.30000000000000004\n1,3,0.2\n"
    place.log.write_text(whole + tail)
    logs = Logs(place, 3, False, print)
    logs.close()
    assert place.log.read_text() == whole
    logs = Logs(place, 3, False, print)
    logs.step({"epoch": 2, "step": 4, "loss": 0.1 + 0.2})
    logs.close()
    assert place.log.read_text() == whole + "2,4,0.30000000000000004\n"
    logs = Logs(place, 3, False, print)
    logs.step({"epoch": 2, "step": 4, "bias": 0.5, "loss": 0.1})
    logs.step({"epoch": 2, "step": 5, "loss": 0.2})
    logs.close()
    header, *rows = place.log.read_text().splitlines()
    assert (header, rows[0]) == ("epoch,step,loss,bias", "1,1,0.1,"), "a task may log more than it did"
    assert rows[3:] == ["2,4,0.1,0.5", "2,5,0.2,"]
    Logs(place, 0, False, print).close()
    assert not place.log.exists()
