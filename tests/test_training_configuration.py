import subprocess
import sys

import pytest
import training_toy
import yaml
from hypothesis import given
from hypothesis import strategies as st

from adaf_xr.training import Configuration, load
from adaf_xr.training.configuration import ConfigurationError
from adaf_xr.training.run_folder import FREE, require_same

TOY = {"name": "toy", "task": "training_toy:ToyTask", "epochs": 3, "batch": 4}

fractions = st.floats(1e-6, 1 - 1e-6)
positive = st.floats(1e-12, 1e6)
counts = st.integers(1, 10_000)
schedules = st.one_of(
    st.fixed_dictionaries({"name": st.sampled_from(["constant", "cosine"]), "warmup": st.integers(0, 1000)}),
    st.fixed_dictionaries(
        {"name": st.just("multistep"), "milestones": st.sets(counts, min_size=1).map(sorted), "gamma": fractions}
    ),
)
optimisers = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["adam", "adamw"]),
        "lr": positive,
        "weight_decay": st.floats(0, 10),
        "betas": st.tuples(fractions, fractions),
        "clip": st.none() | positive,
    }
)
configurations = st.fixed_dictionaries(
    {
        "name": st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1),
        "task": st.just(TOY["task"]),
        "model": st.fixed_dictionaries({"width": counts}),
        "data": st.fixed_dictionaries({"noise": positive, "all_missing": st.lists(counts)}),
        "optimiser": optimisers,
        "schedule": schedules,
        "epochs": counts,
        "batch": counts,
        "micro_batch": st.none() | counts,
        "ema": st.none() | fractions,
        "precision": st.sampled_from(["fp32", "bf16"]),
        "seed": st.integers(0, 2**63),
        "save_minutes": st.none() | positive,
        "early_stop": st.none() | counts,
        "tensorboard": st.booleans(),
    }
)


@given(configurations)
def test_what_is_written_reads_as_the_same(raw):
    wanted = load(raw)
    assert load(yaml.safe_load(wanted.yaml())) == wanted
    assert load(wanted) == wanted
    require_same(yaml.safe_load(wanted.yaml()), wanted, "anywhere")


def test_a_file_of_the_run_is_read_with_overrides_and_defaults(tmp_path):
    path = tmp_path / "mine.yaml"
    # YAML 1.1 takes 1e-3, without a point, for text.
    path.write_text(yaml.safe_dump(TOY | {"optimiser": {"lr": 1}}) + "ema: 9e-1\n")
    wanted = load(path, {"optimiser.clip": "1e-3", "model.width": 5})
    assert (wanted.optimiser.lr, wanted.optimiser.clip, wanted.ema) == (1.0, 1e-3, 0.9)
    assert wanted.model == {"width": 5, "dropout": 0.0, "normed": False}
    assert wanted.data["validation"] == 5, "defaults of the task's sections are written out"


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"optimiser.lrr": 1e-3}, "optimiser.lrr is unknown: did you mean optimiser.lr?"),
        ({"optimizer": {"lr": 1}}, "optimizer is unknown: did you mean optimiser?"),
        ({"lr": 1}, "lr is unknown: did you mean optimiser.lr?"),
        ({"microbatch": 1}, "microbatch is unknown: did you mean micro_batch?"),
        ({"model.widht": 3}, "model.widht is unknown: did you mean model.width?"),
        ({"data.xyzzy": 3}, "data.xyzzy is unknown: known are data.train, data.validation, data.noise"),
        ({"epochs": "many"}, "epochs = 'many': Input should be a valid integer"),
        ({"epochs": 1.5}, "epochs = 1.5: Input should be a valid integer"),
        ({"optimiser.lr": -1}, "optimiser.lr = -1: Input should be greater than 0"),
        ({"optimiser.lr": float("nan")}, "optimiser.lr = nan"),
        ({"optimiser": 3}, "optimiser = 3"),
        ({"ema": 1}, "ema = 1: Input should be less than 1"),
        ({"ema": 0}, "ema = 0: Input should be greater than 0"),
        ({"model.width": "wide"}, "model.width = 'wide': Input should be a valid integer"),
        ({"precision": "fp16"}, "precision = 'fp16': Input should be 'fp32' or 'bf16'"),
        ({"schedule.milestones": [1]}, "milestones are for 'multistep'"),
        ({"schedule.name": "multistep"}, "which needs at least one"),
        ({"schedule": {"name": "multistep", "milestones": [2, 1]}}, "must rise"),
        ({"task": "training_toy:Toys"}, "training_toy:Toys cannot be imported"),
        ({"task": "no_such_module:Task"}, "PYTHONPATH"),
        (
            {"task": "training_toy:SLOPE"},
            "task 'training_toy:SLOPE' lacks Model, Data, Loss: a task is a class",
        ),
        ({"task": "adaf-ocean-cmp"}, "did you mean 'adaf-ocean-cnp'?"),
        ({"LR": 1}, "LR is unknown: did you mean optimiser.lr?"),
        ({"Optimiser": {}}, "Optimiser is unknown: did you mean optimiser?"),
        ({"EMA": 0.9}, "EMA is unknown: did you mean ema?"),
        ({"epochs": "1e1"}, "epochs = '1e1': Input should be a valid integer"),
        # Each of these would be the number 1.
        ({"early_stop": True}, "early_stop: true is not what it takes"),
        ({"optimiser.clip": True}, "optimiser.clip: true is not what it takes"),
        ({"seed": False}, "seed: false is not what it takes"),
        ({"name.of": 1}, "name.of cannot be set: name is no section but 'toy'"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_words(overrides, said):
    with pytest.raises(ConfigurationError) as caught:
        load(TOY, overrides)
    assert said in str(caught.value)


def test_all_that_is_wrong_is_said_at_once_with_the_file(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("name: toy\ntask: training_toy:ToyTask\nbatch: none\nmodel: {depth: 1}\n")
    with pytest.raises(ConfigurationError) as caught:
        load(path)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{path}: ") for line in lines)
    assert [line.split(": ")[1].split()[0] for line in lines] == ["model.depth", "epochs", "batch"]


def test_files_that_hold_no_configuration(tmp_path):
    with pytest.raises(FileNotFoundError, match="'adaf-ocaen-cnp' is neither a recipe nor a file"):
        load("adaf-ocaen-cnp")
    (tmp_path / "list.yaml").write_text("- name\n")
    with pytest.raises(ConfigurationError, match="holds no configuration"):
        load(tmp_path / "list.yaml")
    (tmp_path / "broken.yaml").write_text("name: [toy\n")
    with pytest.raises(ConfigurationError, match="is no YAML"):
        load(tmp_path / "broken.yaml")
    (tmp_path / "twice.yaml").write_text("epochs: 3\noptimiser: {lr: 1}\noptimiser: {clip: 1}\n")
    with pytest.raises(ConfigurationError, match=r"'optimiser' stands here a second time(\n|.)* line 3"):
        load(tmp_path / "twice.yaml")


def test_a_section_left_blank_may_be_filled_by_an_override(tmp_path):
    (tmp_path / "blank.yaml").write_text(yaml.safe_dump(TOY) + "model:\nloss:\n")
    assert load(tmp_path / "blank.yaml", {"model.width": 5}).model["width"] == 5


def test_ranks_share_a_batch_evenly():
    assert training_toy.configuration(batch=6).per_rank(3) == 2
    with pytest.raises(ConfigurationError, match="batch = 6 samples per step cannot be shared evenly by 4 ranks"):
        training_toy.configuration(batch=6).per_rank(4)


@pytest.mark.parametrize("key", FREE)
def test_what_decides_how_long_and_where_may_change_in_a_resumption(key):
    before = training_toy.configuration()
    other = {"device": "cpu:0", "tensorboard": True}.get(key, 7)
    require_same(before.model_dump(mode="json"), training_toy.configuration(**{key: other}), "run")


def test_what_decides_the_result_may_not_change():
    before = training_toy.configuration().model_dump(mode="json")
    after = training_toy.configuration(**{"optimiser.lr": 0.5, "data.noise": 0.2, "epochs": 9})
    with pytest.raises(ConfigurationError) as caught:
        require_same(before, after, "run")
    assert "data.noise was 0.1 and is now 0.2; optimiser.lr was 0.01 and is now 0.5. Resume" in str(caught.value)


def test_a_cosine_is_bound_to_its_epochs():
    before = training_toy.configuration(**{"schedule.name": "cosine"}).model_dump(mode="json")
    with pytest.raises(ConfigurationError, match="epochs was 3 and is now 9"):
        require_same(before, training_toy.configuration(**{"schedule.name": "cosine", "epochs": 9}), "run")


def test_a_configuration_cannot_be_changed_behind_the_checks():
    with pytest.raises(ValueError, match="frozen"):
        training_toy.configuration().epochs = 0
    with pytest.raises(ValueError, match="greater than 0"):
        Configuration(**TOY | {"epochs": 0})


def test_importing_the_room_loads_nothing_heavy():
    program = "import sys, adaf_xr.training; print(*(name for name in sys.modules if '.' not in name))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "distributed", "intake", "matplotlib", "tensorboard"} & set(loaded)
