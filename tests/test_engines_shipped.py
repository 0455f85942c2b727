"""Weights that come with the package: by name, on every machine, and what is said where they are not as they were."""

import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.testing as npt
import pytest
import shipped_toy
import toy
from dask.base import tokenize

import adaf_xr
from adaf_xr import checkpoint
from adaf_xr.checkpoint import Checkpoint, CheckpointError, MissingCheckpointError
from adaf_xr.inference import engines, shipped
from adaf_xr.inference.assimilation import PROTOCOL


@pytest.fixture
def weights(monkeypatch, tmp_path):
    """Path and hash of weights that are shipped as adaf-ocean."""
    return shipped_toy.install(monkeypatch, tmp_path / "weights")


def resolve(model, device=None):
    return engines.resolve(model, engines.ASSIMILATION, PROTOCOL, device)


def analysis(**how):
    return adaf_xr.assimilate(toy.points(), toy.background(1), model="adaf-ocean", **how)


def flip(path, at):
    """Change one bit of a file."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


class TestByName:
    def test_a_name_is_the_engine_of_its_family_with_the_shipped_weights(self, weights):
        path, sha256 = weights
        engine = resolve("adaf-ocean")
        assert (engine.reference.path, engine.reference.sha256) == (str(path), sha256)
        made = analysis()
        assert made.attrs["adaf_model"] == "adaf-ocean"
        assert made.attrs["adaf_provenance"] == f"a toy; checkpoint sha256 {sha256}"
        assert made.attrs["adaf_provenance"] in made.attrs["history"]

    def test_the_package_ships_from_its_own_folder(self):
        assert Path(adaf_xr.__file__).parent / "weights" == shipped.FOLDER

    def test_weights_that_are_not_installed_say_so_and_what_to_do(self, weights):
        weights[0].unlink()
        with pytest.raises(
            MissingCheckpointError,
            match=r"weights of 'adaf-ocean' are not in this installation: there is no .*adaf-ocean\.safetensors\. "
            r"Install adaf-xr from a wheel, or train them \(`adaf train adaf-ocean .*'oi' and 'cubic' need none",
        ):
            analysis()

    @pytest.mark.parametrize(
        ("typo", "meant"), [("adaf-ocaen", "adaf-ocean"), ("ADAF-Ocean", "adaf-ocean"), ("oi2", "oi")]
    )
    def test_a_slip_of_the_pen_is_suggested(self, typo, meant):
        with pytest.raises(ValueError, match=f"unknown model '{typo}': did you mean '{meant}'"):
            resolve(typo)

    def test_the_graph_of_a_year_holds_the_name_and_not_the_weights(self, weights):
        content = Checkpoint("toy-counting", {"shift": np.float32([0.25]), "ballast": np.zeros(10**6, "f4")})
        checkpoint.write(content, weights[0])
        assert len(pickle.dumps(resolve("adaf-ocean"))) < 1_000
        assert tokenize(resolve("adaf-ocean")) == tokenize(pickle.loads(pickle.dumps(resolve("adaf-ocean"))))


class TestOnOtherMachines:
    """A reference that was made here arrives in a process that has the package elsewhere."""

    @pytest.fixture
    def elsewhere(self, tmp_path):
        """Another installation of the package, with no weights."""
        package = tmp_path / "elsewhere" / "adaf_xr"
        unwanted = shutil.ignore_patterns("__pycache__", "weights", "data", "*.npz")
        shutil.copytree(Path(adaf_xr.__file__).parent, package, ignore=unwanted)
        (package / "weights").mkdir()
        return package

    def arrive(self, package, reference):
        """What a process of that installation makes of a reference: its path and weight, or the error."""
        program = (
            "import sys, pickle, adaf_xr\n"
            "reference = pickle.load(sys.stdin.buffer)\n"
            "print(reference.path)\n"
            "try: print(reference.read().weights['shift'].item(), 'torch' in sys.modules)\n"
            "except Exception as error: print(type(error).__name__, error)"
        )
        environment = {**os.environ, "PYTHONPATH": str(package.parent)}
        done = subprocess.run(
            [sys.executable, "-c", program], input=pickle.dumps(reference), capture_output=True, check=True,
            env=environment, cwd=package.parent,
        )  # fmt: skip
        path, rest = done.stdout.decode().strip().split("\n")
        assert path == str(package / "weights" / "adaf-ocean.safetensors")
        return rest

    def test_the_weights_of_that_installation_are_read(self, weights, elsewhere):
        shutil.copy(weights[0], elsewhere / "weights")
        weights[0].unlink()
        reference = shipped.ShippedReference(str(weights[0]), weights[1])
        assert self.arrive(elsewhere, reference) == "0.25 False"

    def test_an_installation_without_them_is_named(self, weights, elsewhere):
        said = self.arrive(elsewhere, shipped.shipped("adaf-ocean"))
        assert said.startswith(f"MissingCheckpointError adaf_xr {adaf_xr.__version__} on ")
        assert said.endswith(
            f"has no {elsewhere}/weights/adaf-ocean.safetensors, and the call was made with adaf_xr "
            f"{adaf_xr.__version__}: install that version on every machine"
        )

    def test_an_installation_of_another_version_is_named(self, weights, elsewhere):
        other = checkpoint.write(
            Checkpoint("toy-counting", {"shift": np.float32([9.0])}), elsewhere / "weights" / "adaf-ocean.safetensors"
        )
        (elsewhere / "_version.py").write_text('__version__ = "9.9"\n')
        said = self.arrive(elsewhere, shipped.shipped("adaf-ocean"))
        assert said.startswith("CheckpointError adaf_xr 9.9 on ")
        assert f"has other weights in {elsewhere}/weights/adaf-ocean.safetensors (sha256 {other[:12]}…" in said
        assert f"wanted {weights[1][:12]}…): the call was made with adaf_xr {adaf_xr.__version__}: install" in said


class TestDamage:
    def test_a_truncated_file_is_seen_at_the_call(self, weights, nothing_computes):
        weights[0].write_bytes(weights[0].read_bytes()[:-2])
        with pytest.raises(CheckpointError, match=r"is truncated: .*not copied alone: pip install --force-reinstall"):
            analysis()

    def test_a_damaged_head_is_seen_at_the_call(self, weights, nothing_computes):
        flip(weights[0], 8)
        with pytest.raises(CheckpointError, match=r"damaged one .*not copied alone: pip install --force-reinstall"):
            analysis()

    def test_a_damaged_weight_is_seen_when_it_is_read(self, weights):
        flip(weights[0], -1)
        made = analysis()
        with pytest.raises(CheckpointError, match=r"content is not what was written.*pip install --force-reinstall"):
            made.compute()

    def test_a_file_that_changes_before_it_is_read_is_not_that_of_the_call(self, weights):
        made = analysis()
        flip(weights[0], -1)
        with pytest.raises(CheckpointError, match=r"has other weights in .*, or install it again where the file is da"):
            made.compute()

    def test_weights_of_a_later_package(self, weights, monkeypatch):
        monkeypatch.setattr(checkpoint, "FORMAT", checkpoint.FORMAT + 1)
        checkpoint.write(Checkpoint("toy-counting", {"shift": np.float32([1.0])}), weights[0])
        monkeypatch.undo()
        monkeypatch.setattr(shipped, "FOLDER", weights[0].parent)
        with pytest.raises(CheckpointError, match=r"has format 2, this package knows up to 1: upgrade adaf-xr"):
            resolve("adaf-ocean")

    def test_weights_of_another_family(self, weights):
        checkpoint.write(Checkpoint("adaf-ocean-9", {"shift": np.float32([1.0])}), weights[0])
        with pytest.raises(CheckpointError, match=r"is of the family 'adaf-ocean-9', which adaf_xr .* does not know"):
            resolve("adaf-ocean")


def test_a_background_without_anything_that_the_model_knows_is_refused_at_the_call(weights, nothing_computes):
    ice = toy.background(1, names=("siconc",))
    with pytest.raises(
        ValueError, match=r"'adaf-ocean' analyses thetao, so, zos, and the background has siconc: nothing .* Give a"
    ):
        adaf_xr.assimilate(toy.points(), ice, model="adaf-ocean")


def test_what_the_model_does_not_know_stays_as_it_was(weights):
    bg = toy.background(1, names=("zos", "siconc"))
    bg["siconc"] = bg.siconc + 0.9
    an = adaf_xr.assimilate(toy.points(), bg, model="adaf-ocean", grid=bg).compute()
    npt.assert_array_equal(an.siconc, bg.siconc)
    assert "siconc_std" not in an
    assert "siconc as in the background" in an.attrs["history"]
