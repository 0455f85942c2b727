"""Training of the depth stage: its days, its samples, and that it learns what can be learned."""

import warnings
from dataclasses import replace
from functools import cache

import numpy as np
import numpy.testing as npt
import pytest
import torch
import xarray as xr
from ocean_days import FIRST, Points1000, fields, material
from small_depths import DEPTH
from small_ocean import SMALL, sea, small

from adaf_xr import checkpoint
from adaf_xr.models.adaf_ocean.channels import STATE, TOP
from adaf_xr.models.adaf_ocean.depths import BELOW, CALIBRATED, NODES
from adaf_xr.models.adaf_ocean.engine import AdafOcean
from adaf_xr.models.adaf_ocean.weights import checkpoint_of, network_of
from adaf_xr.models.weights import weights_of
from adaf_xr.training import load, train
from adaf_xr.training.adaf_ocean.task import AdafOceanTask
from adaf_xr.training.adaf_ocean_depth import calibrating
from adaf_xr.training.adaf_ocean_depth.sampling import EDGES, Sampler
from adaf_xr.training.adaf_ocean_depth.task import AdafOceanDepthTask
from adaf_xr.training.adaf_ocean_depth.water import foreign, loosened
from adaf_xr.training.configuration import ConfigurationError
from adaf_xr.training.material import Material, MaterialError
from adaf_xr.training.run_folder import RunFolder
from adaf_xr.training.shards import ShardsError
from adaf_xr.training.spreading import SilentSourceWarning

DAY = np.timedelta64(1, "D")
LEVELS = np.array([5.0, 15.0, 60.0, 150.0, 250.0, 500.0, 1000.0, 2000.0])
SHORT = {"train": (FIRST, FIRST + DAY), "validation": (FIRST + 3 * DAY, FIRST + 5 * DAY)}
"""Of validation two days: one to calibrate, one to say what that is worth."""

SURFACE = {
    "name": "surface",
    "task": "adaf-ocean",
    "model": {"widths": list(SMALL.widths), "blocks": list(SMALL.blocks), "fine": SMALL.fine},
    "epochs": 1,
    "batch": 1,
}
DEEP = {
    "name": "deep",
    "task": "adaf-ocean-depth",
    "model": {"width": 8},
    "data": {"days": 1, "validation_days": 2, "rows": 40, "columns": 56, "crops": 80, "levels": 8},
    "optimiser": {"name": "muon", "lr": 0.02, "adam_lr": 0.005, "clip": 10.0},
    "schedule": {"name": "cosine", "warmup": 5},
    "ema": 0.9,
    "epochs": 1,
    "batch": 2,
    "threads": 1,
    "device": "cpu",
    "tensorboard": False,
}


@cache
def columns(spacing, wrong):
    """Fields with levels: a thermocline that lies deeper, by waves, than the background knows."""
    ds = fields(spacing, wrong)
    rows, columns = ds.latitude.values[:, None], ds.longitude.values[None, :]
    heave = 150.0 * (1.0 - wrong) * sea("zos", rows, columns, seed=9)
    held = {}
    for name in BELOW:
        size = {"thetao": 8.0, "so": 0.8}.get(name, 0.1)
        column = np.stack([size * np.exp(-(z - heave * (z > TOP)) / 400.0) for z in LEVELS])
        values = np.where(np.isnan(ds[name].values[0]), np.nan, column).astype("f4")
        dims = ("time", "depth", "latitude", "longitude")
        held[name] = (dims, np.broadcast_to(values, (ds.sizes["time"], *values.shape)))
    coords = {"depth": LEVELS, "time": ds.time, "latitude": ds.latitude, "longitude": ds.longitude}
    return xr.Dataset({**held, "zos": ds.zos}, coords)


def both(depths=LEVELS):
    """Truth and background."""
    return columns(0.5, 0.0), columns(1.0, 1.0)


class Profiles(Points1000):
    """Floats beside what is seen of the surface: in cells of the truth, at noon of the day."""

    def __call__(self, time, window):
        tree = super().__call__(time, window)
        truth, rng = both()[0], np.random.default_rng(0)
        rows, turns = (rng.integers(0, truth.sizes[name], 4000) for name in ("latitude", "longitude"))
        shape = (len(LEVELS), rows.size)
        place = {"latitude": truth.latitude.values[rows], "longitude": truth.longitude.values[turns]}
        where = {name: ("obs", np.broadcast_to(axis, shape).ravel()) for name, axis in place.items()}
        where["depth"] = ("obs", np.broadcast_to(LEVELS[:, None], shape).ravel())
        where["time"] = ("obs", np.full(rows.size * len(LEVELS), time))
        values = {}
        for name in ("thetao", "so"):
            values[name] = ("obs", truth[name].values[0][:, rows, turns].ravel())
            values[f"{name}_error"] = ("obs", np.full(rows.size * len(LEVELS), 0.02))
        floats = xr.Dataset(values, where, {"featureType": "point", "source": "insitu"})
        nodes = {f"/{name}": node.to_dataset() for name, node in tree.children.items()}
        return xr.DataTree.from_dict({**nodes, "/argo/insitu": floats})


def days():
    return material(observe=Profiles(), periods=SHORT, columns=both)


@pytest.fixture(scope="module")
def surface(tmp_path_factory):
    """The run of a surface network that has learned nothing: its increments are 0."""
    run = tmp_path_factory.mktemp("surface")
    wanted = load(SURFACE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SilentSourceWarning)
        AdafOceanTask.prepare(wanted, days(), run / "shards")
    place = RunFolder(run)
    place.write(wanted, {"shards": "shards", "provenance": {}})
    place.best.parent.mkdir()
    weights = {name: np.zeros_like(array) for name, array in weights_of(small()).items()}
    checkpoint.write(checkpoint_of(SMALL, weights, {"trained_on": "waves"}), place.best)
    calibration = {"thetao": 1.3, "uo": 0.7}
    checkpoint.write(checkpoint_of(SMALL, weights, {}, calibration), run / "calibrated.safetensors")
    return run


@pytest.fixture(scope="module")
def trained(surface, tmp_path_factory):
    run = tmp_path_factory.mktemp("deep") / "run"
    told = []
    train({**DEEP, "data": {**DEEP["data"], "surface": str(surface)}}, days(), run, on_event=told.append)
    return run, [row for row in told if row["kind"] == "epoch"]


@pytest.fixture
def task(trained):
    return AdafOceanDepthTask(RunFolder(trained[0]).configuration(), trained[0] / "shards")


class TestMaterial:
    def test_an_experiment_knows_its_columns(self):
        deep = days().at_depth([1.0])
        assert deep.columns is None and deep.background.depth.values.tolist() == LEVELS.tolist()
        npt.assert_array_equal(deep.times("train"), days().times("train"))

    def test_of_fields_with_levels_those_that_both_have_count(self):
        truth, background = both()
        held = Material(truth.sel(depth=LEVELS[:5]), background.sel(depth=LEVELS[2:]), Profiles(), SHORT)
        npt.assert_array_equal(held.at_depth([1.0]).truth.depth, LEVELS[2:5])

    def test_nothing_known_below_is_refused(self):
        with pytest.raises(MaterialError, match="no depth in common: give both with the same levels, or an experiment"):
            material().at_depth([1.0])

    def test_kinds_that_are_not_wanted_are_not_read(self):
        found = days().points(FIRST, (DAY, DAY), ["insitu"])
        assert set(found) == {"insitu"} and set(days().points(FIRST, (DAY, DAY))) == {"ssh", "sst", "sss", "insitu"}


class TestPreparing:
    def test_a_surface_must_be_named(self, tmp_path):
        with pytest.raises(MaterialError, match=r"data.surface is not set, .*--set data.surface=RUN"):
            AdafOceanDepthTask.prepare(load(DEEP), days(), tmp_path)

    def test_shards_of_other_surface_weights_are_refused(self, trained, surface, tmp_path):
        for name in ("config.yaml", "data.json"):
            (tmp_path / name).write_bytes((surface / name).read_bytes())
        (tmp_path / "checkpoints").mkdir()
        other = checkpoint_of(SMALL, weights_of(small(1)))
        checkpoint.write(other, tmp_path / "checkpoints" / "best.safetensors")
        wanted = load({**DEEP, "data": {**DEEP["data"], "surface": str(tmp_path)}})
        with pytest.raises(ShardsError, match="were prepared with other weights than"):
            AdafOceanDepthTask(wanted, trained[0] / "shards")

    def test_days_that_the_data_lack_are_refused(self, surface, tmp_path):
        moved = replace(days(), periods={**SHORT, "train": (FIRST + DAY, FIRST + 2 * DAY)})
        wanted = load({**DEEP, "data": {**DEEP["data"], "surface": str(surface)}})
        with pytest.raises(MaterialError, match="1 days of 'train' of the surface's training are not in these data"):
            AdafOceanDepthTask.prepare(wanted, moved, tmp_path)

    def test_targets_are_truth_minus_background(self, task):
        arrays = task.shards.read("validation", 0)
        truth, background = (ds.thetao[0, 5] for ds in both())
        expected = truth.coarsen(latitude=2, longitude=2).mean() - background
        found = arrays["target"][5, 0, :180]
        sea = np.isfinite(expected.values) & np.isfinite(found)
        assert sea.mean() > 0.9
        npt.assert_allclose(found[sea], expected.values[sea], atol=0.02)  # weights of area
        assert np.nanmax(np.abs(found)) > 0.1
        assert arrays["sums"].shape[0] > 1000 and arrays["mean"].shape == (5, 184, 360)

    def test_options_that_make_no_sense(self):
        for changes, message in (
            ({"data.rows": 100}, "a crop of 100 x 192: multiples of 8"),
            ({"data.levels": 3}, "greater than or equal to 8"),
            ({"data.surfaces": "x"}, "did you mean data.surface"),
        ):
            with pytest.raises(ConfigurationError, match=message):
                load("adaf-ocean-depth", changes)


class TestSamples:
    def test_have_a_target_of_each_band(self, task):
        batch = task.batch("train", [0, 61], [1, 2])
        for depth, levels, fine in zip(batch["depth"], batch["levels"], batch["fine_depth"], strict=True):
            assert np.unique(np.searchsorted(EDGES, depth.numpy())).size == len(depth) == 5
            assert set(depth.tolist()) | set(fine.tolist()) <= set(levels.tolist()) and levels[0] == LEVELS[0]
        again = task.batch("train", [0, 61], [1, 2])
        for name, part in batch.items():
            npt.assert_array_equal(part.numpy(), again[name].numpy())

    def test_without_profiles_or_variables_say_so(self, task):
        sampler = Sampler(task.shards, task.data.model_copy(update={"bare": 1.0}))
        lost = []
        for seed in range(40):
            item = sampler.crop("train", 0, np.random.default_rng(seed))
            assert not item["weight"].any()
            lost.append(item["has"].numpy() == 0.0)
            assert not item["mean"][torch.from_numpy(lost[-1])].any()
        shares = np.mean(lost, axis=0)
        assert 0.0 < shares[0] < 0.3 and shares[3] == shares[4] > 0.0 and not shares[1:3].any()

    def test_of_validation_are_whole_days(self, task):
        batch = task.batch("validation", [1], [0])
        assert batch["depth"].tolist() == [LEVELS[1:].tolist()] and batch["target"].shape[-2:] == (184, 360)


class TestWater:
    """Truth and profiles are changed alike, the background and the surface not at all."""

    def changed(self, task, change):
        plain = task.data.model_copy(update={"foreign": 0.0, "loosened": 0.0, "bare": 0.0})
        before = Sampler(task.shards, plain).crop("train", 0, np.random.default_rng(5))
        after = change(before, np.random.default_rng(3))
        same = [name for name in before if name not in ("pull", "target", "fine_target")]
        assert all(after[name] is before[name] for name in same)
        return before, after

    @pytest.mark.parametrize("change", [foreign, loosened])
    def test_of_profiles_is_that_of_the_truth(self, task, change):
        before, after = self.changed(task, change)
        seen = 0
        for place, z in enumerate(before["depth"].tolist()):
            if z not in NODES:
                continue
            node = NODES.index(z)
            for variable in range(2):
                weight = before["weight"][variable, node]
                there = (weight > 0) & torch.isfinite(before["target"][place, variable])
                mean = [item["pull"][variable, node][there] / weight[there] for item in (before, after)]
                truth = [item["target"][place, variable][there] for item in (before, after)]
                if change is foreign:
                    npt.assert_allclose(mean[1] - mean[0], truth[1] - truth[0], atol=1e-4)
                else:
                    far = truth[0].abs() > 1e-3
                    npt.assert_allclose((mean[1] / mean[0])[far], (truth[1] / truth[0])[far], rtol=2e-3)
                seen += int(there.sum())
        assert seen > 10

    def test_currents_stay(self, task):
        for change in (foreign, loosened):
            before, after = self.changed(task, change)
            for name, least in (("target", 0.01), ("fine_target", 0.0)):
                npt.assert_array_equal(after[name][:, 2:].numpy(), before[name][:, 2:].numpy())
                assert (after[name] - before[name])[:, :2].abs().nan_to_num().max() > least

    def test_of_other_origin_is_what_the_seed_says(self, task):
        before, after = self.changed(task, foreign)
        again, other = (foreign(before, np.random.default_rng(seed)) for seed in (3, 4))
        npt.assert_array_equal(after["pull"].numpy(), again["pull"].numpy())
        assert not torch.equal(after["pull"], other["pull"])


class TestLearning:
    def test_it_learns_what_profiles_and_sea_level_know(self, trained):
        last = trained[1][-1]
        for name in ("thetao", "so"):
            key = f"validation_rmse_{name}_700_1deg"
            assert last[key] < 0.8 * last[f"{key}_background"], name

    def test_its_checkpoint_has_the_surface_as_it_was(self, trained, surface):
        made, own = (
            checkpoint.read(trained[0] / "checkpoints" / "best.safetensors"),
            checkpoint.read(RunFolder(surface).best),
        )
        for name, array in own.weights.items():
            npt.assert_array_equal(made.weights[name], array)
        assert network_of(made).depth is not None and made.provenance["trained_on"] == "waves"
        assert AdafOcean(trained[0] / "checkpoints" / "best.safetensors").reached(DEPTH).all()

    def test_calibration(self, trained, surface):
        told = []
        made = calibrating.calibrated(trained[0], surface / "calibrated.safetensors", told.append)
        factors = made.normalisation["depth_calibration"]
        assert set(factors) == set(BELOW) and all(len(each) == len(CALIBRATED) for each in factors.values())
        assert made.normalisation["calibration"] == {**dict.fromkeys(STATE, 1.0), "thetao": 1.3, "uo": 0.7}
        # The two days err alike, so that what makes one right makes the other right; the first band less so, whose
        # levels share a factor.
        for row in list(made.provenance["depth"]["scores"]["thetao"].values())[1:]:
            assert row["spread_over_skill"] == pytest.approx(1.0, abs=0.15)
        assert len(told) == 2
        assert made.provenance["depth"]["training"]["data"]["surface"] == surface.name  # and no folder of this machine

    def test_calibration_of_another_surface_is_refused(self, trained, tmp_path):
        checkpoint.write(checkpoint_of(SMALL, weights_of(small(1))), tmp_path / "other.safetensors")
        with pytest.raises(ValueError, match="holds another surface network than the depth stage was trained beside"):
            calibrating.calibrated(trained[0], tmp_path / "other.safetensors")
