"""Two ranks are one rank on the joined batch: on a dask cluster and under torchrun, with counts that differ by rank."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
import training_toy
from distributed import Client, LocalCluster

from adaf_xr import checkpoint
from adaf_xr.training import train
from adaf_xr.training.launch import RankFailedError, launch
from adaf_xr.training.order import draws
from adaf_xr.training.rank import run
from adaf_xr.training.run_folder import RunFolder
from adaf_xr.training.state import StateError
from adaf_xr.training.stepping import Stepper
from adaf_xr.training.validation import validate

HANG = 240.0
"""Seconds after which a test has hung."""

CHANGED = {"batch": 6, "epochs": 4, "ema": 0.8, "optimiser.clip": 0.7, "micro_batch": 4, "threads": 1}
"""Two steps an epoch, eight in all; ragged pieces, and not as many of them on one rank as on the other."""

UNLABELLED = CHANGED | {"data.all_missing": list(next(draws(0, 12, 6, 4)).share(1, 2).indices)}
"""What the second of two ranks draws in the first step has no labels at all."""

NORMED = CHANGED | {"micro_batch": None, "model.normed": True}
"""Each rank's network sees statistics of its own share."""

LONELY = {"batch": 2, "seed": 2, "data.validation": 1}
"""One validation sample, so that the second of two ranks has none."""


def steps(rank, world, changed, count):
    """Gradients of a first step, weights and averages after some, and what was counted here and in all."""
    wanted = training_toy.configuration(**changed)
    task = training_toy.ToyTask(wanted, None)
    stepper = Stepper(task, wanted, torch.device("cpu"), rank, world)
    gradients, mine, totals = [], [], []
    for _, draw in zip(range(count), draws(wanted.seed, 12, wanted.batch, wanted.epochs), strict=False):
        share = draw.share(rank, world)
        batch = task.batch("train", share.indices, share.seeds)
        totals.append(stepper.step(draw, batch, rate=0.01).totals["loss"])
        gradients = gradients or [weight.grad.numpy().copy() for weight in stepper.network.parameters()]
        mine.append(int(torch.isfinite(batch["label"]).sum()))
    held = {**stepper.network.state_dict(), **stepper.average.state_dict()}
    weights = [tensor.numpy().copy() for tensor in held.values()]
    return {"gradients": gradients, "mine": mine, "totals": totals, "weights": weights}


def scores(rank, world, emit):
    """Of first weights on a single sample."""
    wanted = training_toy.configuration(**LONELY)
    task = training_toy.ToyTask(wanted, None)
    stepper = Stepper(task, wanted, torch.device("cpu"), rank, world)

    def make(draw):
        return task.batch("validation", draw.indices, draw.seeds)

    return validate(task, stepper.network, wanted, stepper.device, make, emit, lambda: False, rank, world)


def interrupted(rank, world, emit, folder):
    """A training of which the last rank's machine is taken away after three steps."""

    def emit_and_terminate(**message):
        emit(**message)
        if (rank, message["kind"], message.get("step")) == (world - 1, "step", 3):
            os.kill(os.getpid(), signal.SIGTERM)

    return run(rank, world, emit_and_terminate, folder, False)


def disagree(rank, world, emit, folder):
    """A resumption of which only the first rank sees the saved state; what is said of it."""
    if world == 1:
        return None
    try:
        run(rank, world, emit, folder if rank == 0 else str(Path(folder).with_name("unseen")), True)
    except StateError as error:
        return str(error)


def program(rank, world, emit, folder):
    """All that is looked at, in one job: to begin one takes seconds."""
    return {
        "steps": steps(rank, world, CHANGED | {"optimiser.clip": None}, 6),
        "unlabelled": steps(rank, world, UNLABELLED, 2),
        "normed": steps(rank, world, NORMED, 3),
        "scores": scores(rank, world, emit),
        "run": interrupted(rank, world, emit, folder),
        "disagree": disagree(rank, world, emit, folder),
    }


def folder_of_a_run(path):
    (path / "shards").mkdir()
    wanted = training_toy.configuration(**CHANGED)
    for name in ("run", "unseen"):
        RunFolder(path / name).write(wanted, {"shards": "../shards", "provenance": {}})
    return path / "run"


@pytest.fixture(scope="module")
def client():
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module", params=["dask", "torchrun"])
def two(request, tmp_path_factory):
    """The folder of a run, and what the two ranks gave."""
    folder = folder_of_a_run(tmp_path_factory.mktemp("two"))
    cluster = request.getfixturevalue("client") if request.param == "dask" else None
    return folder, launch(program, str(folder), launcher=request.param, ranks=2, client=cluster, stall=HANG)


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """The same of a single rank."""
    folder = folder_of_a_run(tmp_path_factory.mktemp("one"))
    return folder, launch(program, str(folder))[0]


def assert_close(found, expected):
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6 * np.abs(theirs).max())


@pytest.mark.parametrize("what", ["steps", "unlabelled"])
def test_gradients_and_weights_of_two_ranks_are_those_of_one_on_the_joined_batch(two, one, what):
    alone, (first, second) = one[1][what], [result[what] for result in two[1]]
    assert first["mine"] != second["mine"]
    assert np.sum([first["mine"], second["mine"]], axis=0).tolist() == alone["mine"]
    assert first["totals"] == second["totals"]
    assert_close(np.array(first["totals"]), np.array(alone["totals"]))
    for kind in ("gradients", "weights"):
        assert_close(first[kind], alone[kind])
        for ours, theirs in zip(first[kind], second[kind], strict=True):
            np.testing.assert_array_equal(ours, theirs, "ranks hold the same bits, averages included")


def test_what_a_network_has_seen_is_the_same_on_all_ranks(two):
    first, second = (result["normed"] for result in two[1])
    assert first["mine"] != second["mine"]
    for ours, theirs in zip(first["weights"], second["weights"], strict=True):
        np.testing.assert_array_equal(ours, theirs, "of the network and of its average, or they are scored differently")


def test_one_of_the_ranks_had_nothing_that_counts(two):
    assert two[1][1]["unlabelled"]["mine"][0] == 0 < two[1][0]["unlabelled"]["mine"][0]


def test_the_mean_of_the_means_of_ranks_would_have_been_another_one():
    # What the tests above guard against, measured on the losses of their own steps.
    wanted = training_toy.configuration(**CHANGED)
    task = training_toy.ToyTask(wanted, None)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = task.network()
    off = []
    for draw in draws(wanted.seed, 12, 6, 3):
        shares = [draw.share(rank, 2) for rank in range(2)]
        losses = [task.loss(network, task.batch("train", share.indices, share.seeds))["loss"] for share in shares]
        sums, counts = np.array([[part.item() for part in loss] for loss in losses]).T
        off.append(abs(np.mean(sums / counts) / (sums.sum() / counts.sum()) - 1))
    assert max(off) > 1e-2


def test_fewer_validation_samples_than_ranks(two, one):
    first, second = (result["scores"] for result in two[1])
    assert first == second == pytest.approx(one[1]["scores"], rel=1e-6)
    assert first["rmse_label"] ** 2 == pytest.approx(first["loss"])


def test_ranks_that_do_not_see_the_same_state_do_not_train(two):
    folder, results = two
    for result in results:
        assert "rank 0 {'step': 4, " in result["disagree"] and "rank 1 {'step': 0, " in result["disagree"]
    assert len((folder / "log.csv").read_text().splitlines()) == 5, "nothing was cut"


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """An uninterrupted run of one rank."""
    folder = folder_of_a_run(tmp_path_factory.mktemp("straight"))
    train(training_toy.configuration(**CHANGED), folder.parent / "shards", folder)
    return folder


def assert_like(folder, straight):
    for name in ("log.csv", "epochs.csv"):
        ours, theirs = (np.genfromtxt(where / name, delimiter=",", names=True) for where in (folder, straight))
        assert ours.dtype.names == theirs.dtype.names
        for column in set(ours.dtype.names) - {"seconds", "waited"}:
            np.testing.assert_allclose(ours[column], theirs[column], rtol=1e-5, atol=1e-6, err_msg=column)
    ours, theirs = (checkpoint.read(where / "checkpoints" / "last.safetensors").weights for where in (folder, straight))
    assert_close([ours[name] for name in theirs], theirs.values())


def test_a_sigterm_to_one_rank_ends_all_after_the_same_step(two, straight):
    folder, results = two
    assert [(result["run"]["reason"], result["run"]["step"]) for result in results] == [("terminated", 4)] * 2
    # It goes on with one rank only: the order of the data does not depend on how many there are.
    train(training_toy.configuration(**CHANGED), None, folder, resume=True)
    assert_like(folder, straight)


def test_a_training_on_a_cluster_whose_rank_is_killed_goes_on_and_is_that_of_one_rank(tmp_path, client, straight):
    (tmp_path / "shards").mkdir()
    # Data that take their time, so that the job is still at work when its rank is killed.
    wanted, how = training_toy.configuration(**CHANGED | {"data.delay": 0.2}), {"launcher": "dask", "client": client}
    pids, events = {}, []

    def kill_the_second(event):
        if event["kind"] == "joined":
            pids[event["rank"]] = event["pid"]
        if (event["rank"], event["kind"], event.get("step")) == (1, "step", 4):
            os.kill(pids[1], signal.SIGKILL)

    with pytest.raises(RankFailedError, match=r"rank 1 on .* signal 9"):
        train(wanted, tmp_path / "shards", tmp_path / "run", on_event=kill_the_second, stall=HANG, **how)
    result = train(wanted, None, tmp_path / "run", resume=True, on_event=events.append, stall=HANG, **how)
    assert (result["reason"], result["step"]) == ("finished", 8)
    assert_like(tmp_path / "run", straight)
    (begun,) = {event["step"] for event in events if event["kind"] == "begin"}
    assert begun in (2, 4, 6), "the end of an epoch before the kill"
    for rank in range(2):
        told = [event["step"] for event in events if event["rank"] == rank and event["kind"] == "step"]
        assert told == list(range(begun + 1, 9)), "every rank tells of every step, in order"
    assert len({event["loss"] for event in events if event["kind"] == "step" and event["step"] == 8}) == 1
    assert {event["rank"] for event in events if event["kind"] == "save"} == {0}
