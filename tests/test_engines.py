"""From the `model` argument to an engine: names, checkpoints, published folders, objects."""

import pickle
from dataclasses import dataclass, replace
from importlib import resources

import numpy as np
import numpy.testing as npt
import pytest
import torch
import toy
import xarray as xr

import adaf_xr
from adaf_xr import checkpoint
from adaf_xr.checkpoint import Checkpoint, CheckpointError, MissingCheckpointError, Reference
from adaf_xr.inference import engines
from adaf_xr.inference.assimilation import PROTOCOL
from adaf_xr.models import loading
from adaf_xr.models.base import Analysis
from adaf_xr.models.cnp import AdafOceanCNP, thinned, write_published
from adaf_xr.models.cnp.weights import checkpoint_of
from adaf_xr.models.weights import weights_of

WEIGHTS = np.float32([[0.25]])


@dataclass(frozen=True)
class Shift:
    """An engine whose only weight is what it adds to the background."""

    reference: Reference
    device: str = "cpu"

    @property
    def spec(self):
        seed = checkpoint.describe(self.reference.path).provenance["seed"]
        known = {"provenance": f"toy-shift, seed {seed}", "checkpoint": self.reference.sha256}
        return replace(toy.SPEC, name="toy-shift", gives_std=False, **known)

    def encode(self, points, background, time):
        return toy.Sums({}, {})

    def analyse(self, encoded, background, targets):
        network = loading.loaded(self.reference, self.device, _build)
        with loading.slot(self.device):
            shift = network(torch.ones(1)).item()
        mean = toy.MeanShift().analyse(encoded, background, targets).mean
        return Analysis({name: values + shift for name, values in mean.items()})

    def to(self, device):
        return replace(self, device=device)


def _build(content):
    network = torch.nn.Linear(1, 1, bias=False)
    network.load_state_dict({"weight": torch.from_numpy(content.weights["weight"])})
    return network


def read_toy_folder(folder):
    """A published folder of the toy, as a checkpoint."""
    READ.append(folder)
    weights = {"weight": np.full((1, 1), float((folder / "training" / "w.txt").read_text()), "f4")}
    return Checkpoint("toy-shift", weights, provenance={"seed": 0})


READ: list = []


@pytest.fixture(autouse=True)
def toy_family(monkeypatch, tmp_path):
    """The package knows the toy's checkpoints and folders, and keeps copies apart."""
    monkeypatch.setitem(engines.FAMILIES, "toy-shift", f"{__name__}:Shift")
    monkeypatch.setitem(engines.PUBLISHED, "training/w.txt", f"{__name__}:read_toy_folder")
    monkeypatch.setenv("ADAF_XR_CACHE", str(tmp_path / "cache"))
    READ.clear()


@pytest.fixture
def path(tmp_path):
    """A trained toy."""
    path = tmp_path / "RUN" / "checkpoints" / "best.safetensors"
    checkpoint.write(Checkpoint("toy-shift", {"weight": WEIGHTS}, provenance={"seed": 7}), path)
    return path


@pytest.fixture
def folder(tmp_path):
    """A published toy."""
    folder = tmp_path / "exp_dir"
    (folder / "training").mkdir(parents=True)
    (folder / "config.yaml").write_text("model: toy\n")
    (folder / "training" / "w.txt").write_text("0.5")
    return folder


def resolve(model, device=None):
    return engines.resolve(model, engines.ASSIMILATION, PROTOCOL, device)


def shift(model):
    """What an analysis with the model adds to the background."""
    bg = toy.background(1)
    an = adaf_xr.assimilate(toy.points(), bg, grid=bg, model=model).compute()
    return an, float((an.zos - bg.zos.compute()).mean())


class TestCheckpoints:
    @pytest.mark.parametrize("form", [str, lambda path: path, lambda path: f"file://{path}"])
    def test_a_path_is_a_model(self, path, form):
        an, added = shift(form(path))
        npt.assert_allclose(added, 0.25, rtol=1e-5)
        assert list(an.data_vars) == ["zos"]

    def test_results_say_what_made_them(self, path):
        attrs = adaf_xr.assimilate(toy.points(), toy.background(1), model=path).attrs
        assert attrs["adaf_model"] == "toy-shift"
        assert attrs["adaf_xr_version"] == adaf_xr.__version__
        assert attrs["adaf_provenance"] == f"toy-shift, seed 7; checkpoint sha256 {checkpoint.digest(path)}"
        assert attrs["history"].endswith(f"; {attrs['adaf_provenance']}")
        assert "sha256" not in adaf_xr.assimilate(toy.points(), toy.background(1), model="oi").attrs["history"]

    def test_a_path_relative_to_here_or_home_is_found_by_workers_elsewhere(self, path, monkeypatch):
        monkeypatch.chdir(path.parent)
        assert resolve("./best.safetensors").reference.path == str(path)
        assert resolve("best.safetensors").reference.path == str(path)
        monkeypatch.setenv("HOME", str(path.parent))
        assert resolve("~/best.safetensors").reference.path == str(path)

    def test_the_same_weights_have_the_same_keys_and_others_others(self, path):
        def key():
            return adaf_xr.assimilate(toy.points(), toy.background(1), model=path).zos.data.name

        first = key()
        assert key() == first
        checkpoint.write(Checkpoint("toy-shift", {"weight": WEIGHTS * 2}, provenance={"seed": 7}), path)
        assert key() != first

    def test_weights_that_change_between_building_and_computing_are_an_error(self, path):
        an = adaf_xr.assimilate(toy.points(), toy.background(1), model=path)
        weights = {"weight": np.float32([[0.125]])}
        checkpoint.write(Checkpoint("toy-shift", weights, provenance={"seed": 8}), path)
        loading.forget()
        with pytest.raises(CheckpointError, match=r"best\.safetensors has changed: .* build the analysis again"):
            an.compute()

    def test_the_graph_holds_no_weights(self, path):
        ballast = np.zeros(500_000, "f4")
        content = Checkpoint("toy-shift", {"weight": WEIGHTS, "ballast": ballast}, provenance={"seed": 7})
        checkpoint.write(content, path)
        assert len(pickle.dumps(resolve(path))) < 2_000

    @pytest.mark.parametrize("name", ["none.safetensors", "weights/none", "s3:/none.pth", "file:///none.safetensors"])
    def test_what_looks_like_a_file_is_one(self, name):
        with pytest.raises(MissingCheckpointError, match=r"no checkpoint .*none"):
            resolve(name)

    def test_an_unknown_family(self, path):
        checkpoint.write(Checkpoint("adaf-ocean-9", {"weight": WEIGHTS}), path)
        with pytest.raises(CheckpointError, match=r"of the family 'adaf-ocean-9', which adaf_xr .* upgrade"):
            resolve(path)

    def test_a_checkpoint_of_another_task(self, path):
        with pytest.raises(TypeError, match=r"Shift is no engine: it lacks \['name', 'upsample'\]"):
            toy.background(1).adaf.upsample(model=path)


class TestFolders:
    def test_a_published_folder_is_a_model_and_converted_once(self, folder, tmp_path):
        _, added = shift(folder)
        npt.assert_allclose(added, 0.5, rtol=1e-5)
        reference = resolve(str(folder)).reference
        assert len(READ) == 1
        assert reference == Reference.of(next((tmp_path / "cache" / "checkpoints").iterdir()))

    @pytest.mark.parametrize("file", ["config.yaml", "training/w.txt"])
    def test_it_is_converted_again_when_a_file_of_it_changed(self, folder, file):
        before = resolve(folder).reference
        with (folder / file).open("a") as stream:
            stream.write("1" if file.endswith("txt") else "more: true\n")
        after = resolve(folder).reference
        assert before.path != after.path
        assert len(READ) == 2

    def test_a_training_run_names_its_checkpoints(self, path):
        with pytest.raises(CheckpointError, match=r"is a training run: pass one of its checkpoints, .*best\.safetens"):
            resolve(path.parents[1])

    def test_any_other_folder(self, folder):
        (folder / "config.yaml").unlink()
        with pytest.raises(
            CheckpointError, match=r"a folder without a checkpoint: .*with config\.yaml and training_ch"
        ):
            resolve(folder)


class TestNames:
    @pytest.mark.parametrize("name", engines.TRAINABLE)
    def test_a_network_without_weights_says_how_to_train_it(self, name):
        with pytest.raises(ValueError, match=f"comes without weights: train it, `adaf train {name} .*RUN/checkpoints"):
            resolve(name)

    def test_what_can_be_trained_by_name_is_known_by_name(self):
        recipes = resources.files("adaf_xr.training") / "recipes"
        names = {file.name.removesuffix(".yaml") for file in recipes.iterdir()} if recipes.is_dir() else set()
        assert names <= {*engines.TRAINABLE, *engines.ASSIMILATION, *engines.UPSAMPLING}

    @pytest.mark.parametrize(("typo", "meant"), [("adaf-ocaen-cnp", "adaf-ocean-cnp"), ("io", "oi")])
    def test_a_slip_of_the_pen_is_suggested(self, typo, meant):
        with pytest.raises(ValueError, match=f"did you mean '{meant}'.*the path of a checkpoint"):
            resolve(typo)

    @pytest.mark.parametrize("family", engines.FAMILIES)
    def test_every_family_has_its_engine(self, family):
        engine = engines._named(engines.FAMILIES[family])
        calls = ("upsample", "to") if family in engines.UPSAMPLING else ("encode", "analyse", "to")
        assert all(hasattr(engine, name) for name in calls)

    def test_every_published_layout_has_its_reader(self):
        assert all(callable(engines._named(reader)) for reader in engines.PUBLISHED.values())


class TestDevices:
    def test_an_engine_that_can_move_does(self, path):
        assert resolve(path).device == "cpu"
        assert resolve(path, "cuda:1").device == "cuda:1"
        assert resolve(resolve(path, "cuda:1"), "cpu").device == "cpu"

    def test_a_window_changes_nothing_else(self, path):
        engine = engines.with_window(resolve(path), "4D")
        moved = engine.to("cuda")
        assert moved.model.device == "cuda"
        assert moved.spec == engine.spec
        assert engine.spec.window == (np.timedelta64(2, "D"), np.timedelta64(2, "D"))
        assert pickle.loads(pickle.dumps(moved)).spec == moved.spec

    @pytest.mark.parametrize(
        ("device", "message"),
        [
            ("cuda:99", r"device='cuda:99': \S+ has cpu.*\. Choose one of these; on a cluster it is the workers' mach"),
            ("nonsense", r"device='nonsense' is no device that torch knows: \['cpu'.*\] are here"),
        ],
    )
    def test_a_device_that_is_not_there_is_named_with_those_that_are(self, path, device, message):
        an = adaf_xr.assimilate(toy.points(), toy.background(1), model=path, device=device)
        with pytest.raises(ValueError, match=message):
            an.compute()

    @pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
    def test_cuda_where_there_is_none(self, path):
        an = adaf_xr.assimilate(toy.points(), toy.background(1), model=path, device="cuda")
        with pytest.raises(ValueError, match=r"device='cuda': \S+ has cpu"):
            an.compute()

    def test_an_engine_of_the_cpu_stays_there(self):
        for engine in (resolve("oi"), engines.with_window(resolve("oi"), "4D")):
            assert engines.on_device(engine, "cpu").spec == engine.spec
            with pytest.raises(ValueError, match="OptimalInterpolation runs on the CPU only"):
                engines.on_device(engine, "cuda")


def test_an_object_is_taken_as_it_is():
    engine = toy.MeanShift()
    assert resolve(engine) is engine
    xr.testing.assert_identical(
        adaf_xr.assimilate(toy.points(), toy.background(1), model=engine).compute(),
        adaf_xr.assimilate(toy.points(), toy.background(1), model=replace(engine)).compute(),
    )


class TestThePublishedNetwork:
    """The one family that is there, from weights in three shapes to the same analysis."""

    @pytest.fixture
    def world(self):
        """A day of the sample in a box, and all that is observed before its noon."""
        obs = adaf_xr.open_observations("demo", time="2020-01-03", window=("1D", "0D"))
        background = adaf_xr.open_source("demo", "background", time="2020-01-03")
        box = {"latitude": slice(25, 45), "longitude": slice(-60, -30)}
        return obs, background[["thetao", "so", "uo", "vo", "zos"]].sel(box).isel(depth=slice(0, 1))

    def test_file_folder_and_network_give_the_same_analysis(self, world, tmp_path):
        obs, background = world
        network = thinned(seed=3)
        checkpoint.write(checkpoint_of(network.configuration, weights_of(network)), tmp_path / "a.safetensors")
        folder = write_published(tmp_path / "exp", network)
        by_file, by_folder, by_object = (
            obs.adaf.assimilate(background, model=model)
            for model in (tmp_path / "a.safetensors", folder, AdafOceanCNP(network))
        )
        reference = resolve(tmp_path / "a.safetensors").weights
        assert reference == Reference.of(tmp_path / "a.safetensors")
        assert f"checkpoint sha256 {checkpoint.digest(tmp_path / 'a.safetensors')}" in by_file.attrs["history"]
        assert f"checkpoint sha256 {resolve(folder).weights.sha256}" in by_folder.attrs["history"]
        assert "sha256" not in by_object.attrs["history"]
        assert by_file.attrs["adaf_model"] == "adaf-ocean-cnp"
        expected = by_object.compute()
        assert float(abs(expected.thetao - background.thetao).max()) > 0.01
        assert not [name for name in expected.data_vars if str(name).endswith("_std")]
        for analysis in (by_file, by_folder):
            xr.testing.assert_equal(analysis.compute(), expected)

    def test_a_damaged_folder_is_named(self, world, tmp_path):
        obs, background = world
        weights = write_published(tmp_path / "exp", thinned(seed=3)) / "training_checkpoints" / "checkpoint.pth"
        weights.write_bytes(weights.read_bytes()[:-1000])
        with pytest.raises(CheckpointError, match=r"checkpoint\.pth is truncated"):
            obs.adaf.assimilate(background, model=tmp_path / "exp")


def test_a_background_that_lacks_what_the_engine_needs_is_refused_at_the_call(nothing_computes):
    engine, background = AdafOceanCNP(thinned(seed=0)), toy.background()
    held = ", ".join(map(str, background.data_vars))
    with pytest.raises(ValueError, match=rf"'adaf-ocean-cnp' needs .*uo, vo.* which has {held}: .*model='oi'"):
        adaf_xr.assimilate(toy.points(), background, model=engine)
