import csv
import math
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
import training_toy
from hypothesis import given
from hypothesis import strategies as st

from adaf_xr import checkpoint
from adaf_xr.training import train
from adaf_xr.training.batches import items, mapped, pieces
from adaf_xr.training.configuration import ConfigurationError, Schedule
from adaf_xr.training.loader import AHEAD, Loader
from adaf_xr.training.order import FIRST_WEIGHTS, Draw, derived, draws, validation
from adaf_xr.training.schedule import factor
from adaf_xr.training.stepping import NotFiniteError, Stepper
from adaf_xr.training.sums import means

CPU = torch.device("cpu")


def trained(tmp_path, name="run", on_event=None, **changed):
    (tmp_path / "shards").mkdir(exist_ok=True)
    result = train(training_toy.configuration(**changed), tmp_path / "shards", tmp_path / name, on_event=on_event)
    return result, tmp_path / name


def rows(path):
    with path.open(newline="") as stream:
        return [
            {name: float(value) if value else math.nan for name, value in row.items()} for row in csv.DictReader(stream)
        ]


def column(path, name):
    return [row[name] for row in rows(path)]


def weights(path):
    return checkpoint.read(path).weights


def steps(wanted, count):
    """A task, its stepper, and that many draws with their batches."""
    task = training_toy.ToyTask(wanted, None)
    plan = draws(wanted.seed, task.samples("train"), wanted.batch, wanted.epochs)
    drawn = [(draw, task.batch("train", draw.indices, draw.seeds)) for draw, _ in zip(plan, range(count), strict=False)]
    return Stepper(task, wanted, CPU), drawn


# The learning rate.


@given(st.sets(st.integers(1, 12), min_size=1), st.integers(1, 4), st.floats(0.1, 1))
def test_milestones_fall_where_torch_puts_them_when_it_steps_by_epochs(milestones, per_epoch, gamma):
    schedule = Schedule(name="multistep", milestones=sorted(milestones), gamma=gamma)
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = torch.optim.lr_scheduler.MultiStepLR(optimiser, sorted(milestones), gamma)
    for epoch in range(13):
        for within in range(per_epoch):
            ours = factor(schedule, epoch * per_epoch + within + 1, per_epoch, 13)
            assert ours == pytest.approx(theirs.get_last_lr()[0], rel=1e-12)
        optimiser.step()
        theirs.step()


@given(st.integers(0, 30), st.integers(1, 9), st.integers(4, 20))
def test_a_cosine_rises_linearly_then_falls_symmetrically_towards_nothing(warmup, per_epoch, epochs):
    total = per_epoch * epochs
    if warmup >= total:
        with pytest.raises(ConfigurationError, match="warm up for fewer"):
            factor(Schedule(name="cosine", warmup=warmup), 1, per_epoch, epochs)
        return
    rates = np.array([factor(Schedule(name="cosine", warmup=warmup), s + 1, per_epoch, epochs) for s in range(total)])
    np.testing.assert_allclose(rates[:warmup], np.arange(1, warmup + 1) / max(warmup, 1))
    falling = rates[warmup:]
    assert falling[0] == 1 and falling[-1] > 0 and (np.diff(falling) < 0).all()
    np.testing.assert_allclose(falling[1:] + falling[:0:-1], 1.0, atol=1e-12)


def test_each_step_uses_the_rate_of_its_schedule(tmp_path):
    _, run = trained(tmp_path, **{"schedule": {"name": "multistep", "milestones": [1, 2], "gamma": 0.1, "warmup": 2}})
    np.testing.assert_allclose(
        column(run / "log.csv", "lr"), [5e-3, 1e-2, 1e-2, 1e-3, 1e-3, 1e-3, 1e-4, 1e-4, 1e-4], rtol=1e-12
    )


# The order of the data.


@given(st.integers(0, 2**40), st.integers(1, 50), st.integers(1, 10), st.integers(1, 4), st.data())
def test_epochs_visit_samples_once_and_ranks_share_them_out(seed, samples, batch, epochs, data):
    batch = min(batch, samples)
    plan = list(draws(seed, samples, batch, epochs))
    assert [draw.step for draw in plan] == list(range(1, epochs * (samples // batch) + 1))
    for epoch in range(1, epochs + 1):
        seen = [index for draw in plan if draw.epoch == epoch for index in draw.indices]
        assert len(set(seen)) == len(seen) == samples // batch * batch
    assert len({draw.seeds for draw in plan}) == len(plan), "a sample is another one in every epoch"
    done = data.draw(st.integers(0, len(plan)))
    assert list(draws(seed, samples, batch, epochs, done)) == plan[done:]
    world = data.draw(st.sampled_from([w for w in range(1, batch + 1) if batch % w == 0]))
    for draw in plan:
        shares = [draw.share(rank, world) for rank in range(world)]
        assert {len(share.indices) for share in shares} == {batch // world}
        assert sorted(pair for share in shares for pair in zip(share.indices, share.seeds, strict=True)) == sorted(
            zip(draw.indices, draw.seeds, strict=True)
        )


@given(st.integers(0, 9), st.integers(0, 20), st.integers(1, 5), st.integers(1, 4))
def test_validation_sees_every_sample_once_with_the_same_seed_on_any_ranks(seed, samples, batch, world):
    alone = {pair for draw in validation(seed, samples, 1) for pair in zip(draw.indices, draw.seeds, strict=True)}
    shared = [
        pair
        for rank in range(world)
        for draw in validation(seed, samples, batch, rank, world)
        for pair in zip(draw.indices, draw.seeds, strict=True)
    ]
    assert len(shared) == samples and set(shared) == alone


# Batches and the loader.


@given(st.integers(0, 12), st.none() | st.integers(1, 15))
def test_pieces_make_up_the_batch(length, size):
    batch = {"a": torch.arange(length), "b": {"c": torch.arange(2 * length).reshape(length, 2)}}
    parts = list(pieces(batch, size))
    assert torch.equal(torch.cat([part["a"] for part in parts]), batch["a"])
    assert torch.equal(torch.cat([part["b"]["c"] for part in parts]), batch["b"]["c"])
    assert all(items(part) <= (size or length) for part in parts)


def test_a_batch_has_one_leading_dimension():
    with pytest.raises(ValueError, match=r"one leading dimension, its items, and these have \[2, 3\]"):
        list(pieces({"a": torch.ones(2), "b": {"c": torch.ones(3)}}, 1))
    assert torch.equal(mapped({"a": {"b": torch.ones(2)}}, torch.neg)["a"]["b"], -torch.ones(2))


def plan(count):
    return [Draw(1, step, (step,), (0,)) for step in range(1, count + 1)]


def loader_threads():
    return [thread for thread in threading.enumerate() if thread.name == "adaf-loader"]


def test_the_loader_keeps_order_and_makes_few_ahead():
    made = []

    def make(draw):
        made.append(draw.step)
        return draw.step

    with Loader(make, plan(20)) as loader:
        for taken, (draw, batch) in enumerate(loader, start=1):
            assert draw.step == batch == taken
            # In the queue, in the hand of the thread, and the one just taken.
            assert len(made) <= taken + AHEAD + 1
    assert made == list(range(1, 21))


def test_the_loader_says_how_long_was_waited():
    def make(draw):
        time.sleep(0.05 if draw.step == 1 else 0)
        return {}

    with Loader(make, plan(2)) as loader:
        next(iter(loader))
        assert 0.04 < loader.waited < 30


def test_the_thread_of_a_loader_ends_with_it():
    with Loader(lambda draw: {}, plan(100)) as loader:
        next(iter(loader))
        (thread,) = loader_threads()
    assert not thread.is_alive() and not loader_threads()


def test_what_goes_wrong_in_the_loader_reaches_the_step_with_its_traceback(tmp_path):
    with pytest.raises(OSError, match="sample 7 cannot be read") as caught:
        trained(tmp_path, **{"data.broken": 7})
    assert "while making the batch of step" in caught.value.__notes__[0] and "7" in caught.value.__notes__[0]
    assert "sample" in [entry.name for entry in caught.traceback], "where it happened, in the thread"
    assert not loader_threads()


# The step.


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_micro_batches_change_memory_and_nothing_else(size):
    whole, drawn = steps(training_toy.configuration(batch=6), 1)
    parts, _ = steps(training_toy.configuration(batch=6, micro_batch=size), 0)
    done, again = (stepper.step(*drawn[0], rate=0.01) for stepper in (whole, parts))
    assert again.norm == pytest.approx(done.norm, rel=1e-6)
    for name, (total, count) in done.totals.items():
        assert again.totals[name] == (pytest.approx(total, rel=1e-6), count)
    for one, other in zip(whole.network.parameters(), parts.network.parameters(), strict=True):
        torch.testing.assert_close(other.grad, one.grad, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("name", "decay"), [("adam", 0.0), ("adam", 0.1), ("adamw", 0.1)])
def test_training_is_the_loop_that_one_would_write_by_hand(tmp_path, name, decay):
    limit = 0.7
    changed = {"optimiser": {"name": name, "lr": 0.02, "weight_decay": decay, "clip": limit}, "ema": 0.8}
    wanted = training_toy.configuration(**changed)
    task = training_toy.ToyTask(wanted, None)
    with torch.random.fork_rng():
        torch.manual_seed(derived(wanted.seed, FIRST_WEIGHTS))
        network = task.network()
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[name]
    optimiser = kind(network.parameters(), lr=0.02, weight_decay=decay)
    losses, norms, average = [], [], None
    for draw in draws(wanted.seed, 12, 4, 3):
        batch = task.batch("train", draw.indices, draw.seeds)
        known = torch.isfinite(batch["label"])
        loss = ((network(batch["inputs"]["feature"]) - batch["label"])[known] ** 2).mean()
        optimiser.zero_grad()
        loss.backward()
        norm = torch.sqrt(sum((weight.grad**2).sum() for weight in network.parameters()))
        for weight in network.parameters():
            weight.grad *= min(1.0, limit / float(norm))
        optimiser.step()
        losses.append(loss.item())
        norms.append(float(norm))
        now = [weight.detach().clone() for weight in network.parameters()]
        average = now if average is None else [0.8 * a + 0.2 * b for a, b in zip(average, now, strict=True)]

    _, run = trained(tmp_path, **changed)
    np.testing.assert_allclose(column(run / "log.csv", "loss"), losses, rtol=2e-6)
    np.testing.assert_allclose(column(run / "log.csv", "gradient"), norms, rtol=2e-6)
    assert max(norms) > limit, "something was clipped"
    held = weights(run / "checkpoints" / "last.safetensors")
    for (key, _), mean in zip(network.named_parameters(), average, strict=True):
        np.testing.assert_allclose(held[key], mean.numpy(), rtol=1e-5, atol=1e-6)


def test_clipping_leaves_the_direction_and_bounds_the_norm():
    free, drawn = steps(training_toy.configuration(), 1)
    held, _ = steps(training_toy.configuration(**{"optimiser.clip": 1e-3}), 0)
    norms = [stepper.step(*drawn[0], rate=0.01).norm for stepper in (free, held)]
    assert norms[0] == norms[1] > 1e-3, "what is reported is the norm before"
    one, other = (
        torch.cat([weight.grad.ravel() for weight in stepper.network.parameters()]) for stepper in (free, held)
    )
    assert float(other.norm()) == pytest.approx(1e-3, rel=1e-3)
    torch.testing.assert_close(other / other.norm(), one / one.norm(), rtol=1e-5, atol=1e-7)


def test_the_networks_own_randomness_is_new_in_every_step_and_on_every_rank():
    def mask(step, rank=0, seed=0):
        wanted = training_toy.configuration(seed=seed, **{"model.dropout": 0.5, "model.width": 64})
        stepper, ((draw, _),) = steps(wanted, 1)
        stepper.rank, kept = rank, []
        stepper.network[2].register_forward_hook(lambda module, inputs, output: kept.append((output != 0).tolist()))
        batch = {"inputs": {"feature": torch.ones(9, 3)}, "label": torch.ones(9, 2)}
        stepper.step(replace(draw, step=step), batch, rate=0.01)
        return str(kept)

    assert mask(1) == mask(1)
    assert len({mask(1), mask(2), mask(1, rank=1), mask(1, seed=1)}) == 4


def test_bfloat16_is_for_products_only():
    full, drawn = steps(training_toy.configuration(), 3)
    half, _ = steps(training_toy.configuration(precision="bf16"), 0)
    seen = []
    half.network[0].register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    for draw, batch in drawn:
        one, other = (stepper.step(draw, batch, rate=0.01) for stepper in (full, half))
        assert means(other.totals)["loss"] == pytest.approx(means(one.totals)["loss"], rel=0.02)
        assert means(other.totals)["loss"] != means(one.totals)["loss"]
    assert set(seen) == {torch.bfloat16}
    states = [value for held in half.optimiser.state.values() for value in held.values()]
    assert {tensor.dtype for tensor in (*half.network.parameters(), *states)} == {torch.float32}


def test_a_step_in_which_nothing_counts_is_skipped_and_said():
    stepper, drawn = steps(training_toy.configuration(**{"data.all_missing": list(range(12))}), 1)
    before = [weight.detach().clone() for weight in stepper.network.parameters()]
    done = stepper.step(*drawn[0], rate=0.01)
    assert done.norm is None and done.totals["loss"] == (0.0, 0.0)
    assert all(torch.equal(a, b) for a, b in zip(before, stepper.network.parameters(), strict=True))
    assert not stepper.optimiser.state, "no moment was touched"


def test_skipped_steps_are_noted_and_left_blank_in_the_log(tmp_path):
    events = []
    first = next(draws(0, 12, 4, 3)).indices
    _, run = trained(tmp_path, on_event=events.append, **{"data.all_missing": list(first)})
    notes = [event["message"] for event in events if event["kind"] == "note"]
    assert notes[0] == f"step 1 was skipped: nothing counts in its samples {list(first)}"
    assert math.isnan(column(run / "log.csv", "loss")[0]) and not math.isnan(column(run / "log.csv", "loss")[1])


def test_validation_data_that_are_all_missing_are_an_error(tmp_path):
    with pytest.raises(ValueError, match="nothing counts in the 5 validation samples"):
        trained(tmp_path, **{"data.all_missing": list(range(5))})


def test_a_period_without_validation_data_is_an_error_before_anything_is_trained(tmp_path):
    events = []
    with pytest.raises(ValueError, match="no validation samples: choose another validation period"):
        trained(tmp_path, on_event=events.append, **{"data.validation": 0})
    assert "step" not in {event["kind"] for event in events}


def test_what_does_not_fill_a_batch_is_left_out_and_said(tmp_path):
    events = []
    trained(tmp_path, on_event=events.append, batch=5)
    (note,) = [event["message"] for event in events if event["kind"] == "note"]
    assert note.startswith("2 of 12 training samples are left out of every epoch, others each time")
    assert [event["steps"] for event in events if event["kind"] == "begin"] == [6]


def test_a_checkpoint_bears_the_scores_of_its_own_weights_or_none(tmp_path):
    held = {}

    def look(event):
        if event["kind"] == "save":
            held[event["step"]] = checkpoint.describe(tmp_path / "run" / "checkpoints" / "last.safetensors").provenance

    trained(tmp_path, on_event=look, epochs=2, save_minutes=1e-9)
    assert sorted(held) == [1, 2, 3, 4, 5, 6]
    scores = column(tmp_path / "run" / "epochs.csv", "validation_loss")
    assert [held[step]["validation"].get("loss") for step in (1, 2, 4, 5)] == [None] * 4
    assert [held[step]["validation"]["loss"] for step in (3, 6)] == scores
    assert [held[step]["step"] for step in sorted(held)] == sorted(held)


def test_a_device_that_is_none_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="device = 'gpu': Expected one of cpu, cuda"):
        trained(tmp_path, device="gpu")


def test_a_loss_that_is_no_number_stops_before_it_does_harm(tmp_path):
    poisoned = list(draws(0, 12, 4, 3))[5].indices[0]
    epoch_of = next(draw for draw in draws(0, 12, 4, 3) if poisoned in draw.indices)
    with pytest.raises(NotFiniteError) as caught:
        trained(tmp_path, **{"data.poisoned": poisoned, "save_minutes": 1e-9})
    said = str(caught.value)
    assert f"the loss is nan in step {epoch_of.step} (epoch 1)" in said and str(list(epoch_of.indices)) in said
    state = torch.load(tmp_path / "run" / "checkpoints" / "state.pt", weights_only=True)
    assert state["progress"]["step"] == epoch_of.step - 1
    assert all(torch.isfinite(weight).all() for weight in state["network"].values())


def test_a_gradient_that_is_no_number_stops_before_it_does_harm():
    # |e|^0.5 has an infinite slope at e = 0, where the labels are what the network says.
    stepper, drawn = steps(training_toy.configuration(**{"loss.power": 0.5, "data.noise": 0.0}), 1)
    draw, batch = drawn[0]
    batch["label"] = stepper.network.eval()(batch["inputs"]["feature"]).detach()
    before = [weight.detach().clone() for weight in stepper.network.parameters()]
    with pytest.raises(NotFiniteError, match="the norm of its gradient"):
        stepper.step(draw, batch, rate=0.01)
    assert all(torch.equal(a, b) for a, b in zip(before, stepper.network.parameters(), strict=True))


# The course of a run.


def test_the_toy_is_learned(tmp_path):
    _, run = trained(tmp_path, **{"epochs": 80, "optimiser.lr": 0.03, "schedule.name": "cosine", "ema": 0.5})
    scores = column(run / "epochs.csv", "validation_rmse_label")
    assert scores[-1] < 0.3 * scores[0] and scores[-1] < 0.4


def test_equal_seeds_give_equal_runs_and_other_seeds_others(tmp_path):
    losses = [
        column(trained(tmp_path, name, seed=seed, **{"model.dropout": 0.3})[1] / "log.csv", "loss")
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    assert losses[0] == losses[1] != losses[2]


def test_training_leaves_the_users_own_random_numbers_alone(tmp_path):
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    trained(tmp_path)
    assert torch.equal(torch.rand(2), expected)


def test_epochs_have_the_means_of_all_that_counted(tmp_path):
    _, run = trained(tmp_path, epochs=2, validate_every=2)
    wanted = training_toy.configuration(epochs=2)
    task = training_toy.ToyTask(wanted, None)
    counts = [
        int(torch.isfinite(task.batch("train", draw.indices, draw.seeds)["label"]).sum())
        for draw in draws(wanted.seed, 12, 4, 2)
    ]
    losses = column(run / "log.csv", "loss")
    for epoch, row in enumerate(rows(run / "epochs.csv")):
        part = slice(3 * epoch, 3 * epoch + 3)
        assert row["loss"] == pytest.approx(np.average(losses[part], weights=counts[part]), rel=1e-12)
        assert 0 <= row["waited"] <= 1 and row["seconds"] > 0
    assert math.isnan(rows(run / "epochs.csv")[0]["validation_loss"]), "the first epoch was not validated"
    assert rows(run / "epochs.csv")[1]["validation_loss"] > 0


def test_the_best_is_the_least_validation_loss_and_validation_sees_the_average(tmp_path):
    result, run = trained(tmp_path, **{"epochs": 8, "ema": 0.6, "optimiser.lr": 0.3})
    scores = column(run / "epochs.csv", "validation_loss")
    assert result["best"] == min(scores) and result["best_epoch"] == 1 + int(np.argmin(scores))
    best = checkpoint.read(run / "checkpoints" / "best.safetensors")
    assert best.provenance["validation"]["loss"] == min(scores) and best.provenance["averaged"]
    assert best.provenance["epoch"] == result["best_epoch"]
    wanted = training_toy.configuration()
    task = training_toy.ToyTask(wanted, None)
    network = task.network()
    network.load_state_dict({name: torch.from_numpy(array) for name, array in best.weights.items()})
    network.eval()
    squares = count = 0.0
    for draw in validation(wanted.seed, 5, 5):
        scored = task.scores(network, task.batch("validation", draw.indices, draw.seeds))["loss"]
        squares, count = squares + float(scored[0]), count + float(scored[1])
    assert squares / count == pytest.approx(min(scores), rel=1e-6)


def test_patience_ends_a_run_that_gets_no_better(tmp_path):
    result, run = trained(tmp_path, **{"epochs": 50, "early_stop": 2, "optimiser.lr": 3.0})
    scores = column(run / "epochs.csv", "validation_loss")
    assert result["reason"] == "early stop" and len(scores) == result["epoch"] == result["best_epoch"] + 2 < 50
    assert min(scores[-2:]) >= result["best"]
    changed = {"epochs": 50, "early_stop": 2, "optimiser.lr": 3.0}
    again = train(training_toy.configuration(**changed), None, run, resume=True)
    assert again == result, "patience that is over stays over"
    more = train(training_toy.configuration(**changed | {"early_stop": 3}), None, run, resume=True)
    assert more["epoch"] > result["epoch"]


def test_a_listener_hears_of_everything(tmp_path):
    events = []
    trained(tmp_path, on_event=events.append, epochs=2, save_every=2)
    kinds = [event["kind"] for event in events if event["kind"] != "joined"]
    epoch = ["step"] * 3 + ["validating"] * 2 + ["epoch"]
    assert kinds == ["begin", *epoch, *epoch, "save"]
    assert [event["step"] for event in events if event["kind"] == "step"] == [1, 2, 3, 4, 5, 6]
    assert {event["steps"] for event in events if event["kind"] in ("begin", "step")} == {6}


def test_tensorboard_shows_what_the_tables_say(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    _, run = trained(tmp_path, tensorboard=True)
    shown = accumulator.EventAccumulator(str(run / "tensorboard")).Reload()
    np.testing.assert_array_equal(
        [event.value for event in shown.Scalars("step/loss")], np.float32(column(run / "log.csv", "loss"))
    )
    assert [event.step for event in shown.Scalars("epoch/validation_loss")] == [3, 6, 9]


def test_without_tensorboard_the_tables_are_written_and_it_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch.utils.tensorboard", None)
    events = []
    _, run = trained(tmp_path, on_event=events.append, tensorboard=True)
    assert any("pip install tensorboard" in event.get("message", "") for event in events)
    assert len(rows(run / "log.csv")) == 9 and not (run / "tensorboard").exists()


def test_a_run_needs_a_folder_of_its_own_and_data(tmp_path):
    with pytest.raises(ValueError, match="nothing to train on"):
        train(training_toy.configuration(), None, tmp_path / "run")
    with pytest.raises(FileNotFoundError, match="no folder of prepared data"):
        train(training_toy.configuration(), tmp_path / "absent", tmp_path / "run")
    with pytest.raises(ValueError, match="batch = 13 samples per step, and there are 12"):
        trained(tmp_path, batch=13)
    trained(tmp_path)
    with pytest.raises(FileExistsError, match="holds a run already: go on with it by resume=True"):
        trained(tmp_path)
    with pytest.raises(ConfigurationError, match="cannot be shared evenly by 3 ranks"):
        train(training_toy.configuration(), tmp_path / "shards", tmp_path / "other", launcher="torchrun", ranks=3)
