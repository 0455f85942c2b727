"""Training of super-resolution: pairs, patches, what is held out, and that the loop learns what can be learned."""

import numpy as np
import numpy.testing as npt
import pytest
import torch
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from nested_means import means_of

from adaf_xr import checkpoint
from adaf_xr.cli import training_data
from adaf_xr.models.cubic import Cubic
from adaf_xr.models.super_resolution import FACTOR
from adaf_xr.models.super_resolution.engine import AdafOceanSR
from adaf_xr.models.super_resolution.network import Network
from adaf_xr.sphere import cell_area
from adaf_xr.training import load, train
from adaf_xr.training.material import MaterialError
from adaf_xr.training.shards import Shards, ShardsError
from adaf_xr.training.super_resolution.material import Fields, Truth, truth_of, truths_of
from adaf_xr.training.super_resolution.options import Data
from adaf_xr.training.super_resolution.patches import Patches, _turned
from adaf_xr.training.super_resolution.preparing import held_out, plan, prepare
from adaf_xr.training.super_resolution.task import SuperResolutionTask
from adaf_xr.training.super_resolution.views import View, pair_of

LAT, LON = np.arange(-88.5, 90, 3), np.arange(-178.5, 180, 3)
"""A globe of 60 x 120 fine cells: 15 x 30 coarse ones of 12 degrees."""

few = settings(max_examples=12)
PLAIN = Data(views=2, validation_views=1, size=12, patches=64, validation_patches=32, simulated=0.0)


def fronts(seed, width=0.15):
    """A sea of waves with steep fronts, whose place within coarse cells can be told from their means; and land."""
    random = np.random.default_rng(seed)
    phase = random.uniform(0, 2 * np.pi, 3)
    lat, lon = np.radians(LAT)[:, None], np.radians(LON)
    wave = (
        np.sin(3 * lon + phase[0]) + np.cos(5 * lat + 2 * lon + phase[1]) + 0.5 * np.sin(4 * lon - 6 * lat + phase[2])
    )
    field = np.tanh(wave / width)
    field[20:32, 10:30] = np.nan
    return field


def dataset(*fields, name="thetao"):
    axes = {"time": np.arange(len(fields)).astype("M8[D]").astype("M8[ns]"), "latitude": LAT, "longitude": LON}
    return xr.Dataset({name: (tuple(axes), np.stack(fields))}, axes)


def material(*fields):
    return Fields.of([Truth(dataset(*fields), "waves")], {"fields": ["waves"]})


class TestPairs:
    @few
    @given(st.integers(0, 50), st.integers(0, 3), st.integers(0, 3))
    def test_cubic_and_residual_are_the_truth(self, seed, row, column):
        truth = fronts(seed)
        pair = pair_of(truth, LAT, LON, View(row, column))
        turned = np.roll(truth, -column, 1)[row:]
        turned = turned[: turned.shape[0] // 4 * 4]
        sea, rows = np.isfinite(turned), turned.shape[0]
        npt.assert_array_equal(pair["sea"], sea)
        coarse, lat, lon, _ = means_of(turned, LAT[row:][:rows], LON + 3 * column)
        npt.assert_array_equal(pair["present"], np.isfinite(coarse))
        unit = np.std(coarse[np.isfinite(coarse)])
        found = Cubic().upsample(coarse, lat, lon, 4, True, sea) + unit * pair["residual"].astype("f8")
        npt.assert_allclose(found[sea], turned[sea], atol=1e-3)

    def test_the_spread_is_the_error_of_cubic_upsampling(self):
        pair = pair_of(fronts(1), LAT, LON, View())
        area = cell_area(LAT, LON) * pair["sea"]
        spread = np.sqrt((area * pair["residual"].astype("f8") ** 2).sum() / area.sum())
        npt.assert_allclose(pair["spread"], spread, rtol=1e-3)

    def test_what_is_smoothed_has_less_to_learn_and_what_is_sharpened_more(self):
        spreads = [pair_of(fronts(1), LAT, LON, View(gain=gain))["spread"][0] for gain in (-1.0, 0.0, 1.0)]
        assert spreads[0] < 0.8 * spreads[1] < 0.8 * 0.8 * spreads[2]

    def test_half_the_resolution_is_that_of_means(self):
        halved = pair_of(fronts(1), LAT, LON, View(halved=True))
        assert halved["present"].shape == (7, 15)
        assert halved["spread"] > pair_of(fronts(1), LAT, LON, View())["spread"]

    def test_land_of_another_place_only_takes_away(self):
        truth = fronts(1)
        here, there = (pair_of(truth, LAT, LON, View(turned=turned, flipped=True))["sea"] for turned in (0, 40))
        assert not (there & ~here).any()
        npt.assert_array_equal(here & ~there, here & np.roll(np.isnan(truth), 40, 1)[::-1])

    def test_a_mixture_at_a_right_angle_is_the_other_place(self):
        mixed = pair_of(fronts(1), LAT, LON, View(turned=40, angle=np.pi / 2))
        there = pair_of(
            np.roll(np.where(np.roll(np.isnan(fronts(1)), -40, 1), np.nan, fronts(1)), 40, 1), LAT, LON, View()
        )
        npt.assert_array_equal(mixed["sea"], there["sea"])
        npt.assert_allclose(mixed["residual"], there["residual"], atol=1e-3)

    @pytest.mark.parametrize("truth", [np.full((60, 120), np.nan), np.full((60, 120), 3.0)], ids=["land", "constant"])
    def test_nothing_is_learned_where_there_is_nothing(self, truth):
        assert pair_of(truth, LAT, LON, View()) is None

    def test_a_region_of_few_cells_teaches_nothing(self):
        assert pair_of(fronts(1)[:14], LAT[:14], LON, View()) is None


class TestHeldOut:
    def test_longitudes_are_those_between_the_meridians_in_any_convention(self):
        inside = held_out(np.array([-65.0, 295.0, 75.0, 155.0, 0.0, 200.0]), Data())
        assert inside.tolist() == [True, True, True, True, False, False]

    def test_what_lies_there_never_counts_in_training_and_nothing_else_in_validation(self, tmp_path):
        options = replaced(PLAIN, mixed=0.0)
        prepare(material(fronts(2)), options, 0, tmp_path)
        shards = Shards.open(tmp_path)
        for split, inside in (("train", False), ("validation", True)):
            view = shards.fingerprint["views"][split][0]["view"]
            lon = (LON + 3 * view["column"]).reshape(-1, 4).mean(1)
            npt.assert_array_equal(shards.read(split, 0)["counts"], held_out(lon, options) == inside)
            for seed in range(5):
                patch = Patches(shards, options).drawn(split, seed)
                assert patch["weight"].any()

    def test_what_is_mixed_in_from_there_does_not_count_either(self, tmp_path):
        options = replaced(PLAIN, views=6, mixed=1.0, halved=0.0)
        prepare(material(fronts(2)), options, 0, tmp_path)
        shards = Shards.open(tmp_path)
        for index, about in enumerate(shards.fingerprint["views"]["train"]):
            view = about["view"]
            assert view["angle"]
            lon = (LON + 3 * view["column"]).reshape(-1, 4).mean(1)
            wanted = ~held_out(lon, options) & ~held_out(lon - 3 * view["turned"], options)
            npt.assert_array_equal(shards.read("train", index)["counts"], wanted)
        assert not any(about["view"]["angle"] for about in shards.fingerprint["views"]["validation"])

    def test_simulated_fields_are_kept_apart_by_time(self):
        days = {"train": ("1970-01-01", "1970-01-03"), "validation": ("1970-01-05", "1970-01-06")}
        periods = {name: tuple(np.array(ends, "M8[ns]")) for name, ends in days.items()}
        truth = Truth(dataset(*[fronts(day) for day in range(6)]), "simulated", periods)
        views = plan(Fields.of([truth]), replaced(PLAIN, views=20, validation_views=20), 0)
        assert {view["time"] for view in views["train"]} == {0, 1}
        assert {view["time"] for view in views["validation"]} == {4}
        assert all(view["simulated"] for views_ in views.values() for view in views_)

    def test_a_region_that_lies_elsewhere_leaves_nothing_to_validate(self):
        truth = Truth(dataset(fronts(0)).sel(longitude=slice(0, 50)), "region")
        with pytest.raises(
            MaterialError, match=r"no field for 'validation'.*inside of data\.held_out.*region \(thetao\)"
        ):
            plan(Fields.of([truth]), PLAIN, 0)

    def test_no_dataset_at_all_is_refused(self):
        with pytest.raises(MaterialError, match="no field to learn from"):
            Fields.of([])


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    prepare(material(*(fronts(seed) for seed in range(4))), PLAIN, 0, folder)
    return Shards.open(folder)


class TestPatches:
    def test_a_patch_is_a_function_of_its_seed(self, shards):
        for split in ("train", "validation"):
            one, same, other = (Patches(shards, PLAIN).drawn(split, seed) for seed in (1, 1, 2))
            assert all((one[name] == same[name]).all() for name in one)
            assert any((one[name] != other[name]).any() for name in one)

    @few
    @given(st.integers(0, 200))
    def test_flips_turn_everything_together(self, seed):
        """Fine arrays that repeat coarse ones still do so afterwards, and so do signs."""
        random = np.random.default_rng(seed)
        pattern, present = random.standard_normal((5, 5)), random.random((5, 5)) < 0.7
        fine = {name: a.repeat(FACTOR, 0).repeat(FACTOR, 1) for name, a in (("residual", pattern), ("sea", present))}
        turned = _turned({"pattern": pattern, "present": present, "weight": pattern**2, **fine}, random)
        for coarse, name in ((turned["pattern"], "residual"), (turned["present"], "sea")):
            npt.assert_array_equal(coarse.repeat(FACTOR, 0).repeat(FACTOR, 1), turned[name])
        npt.assert_array_equal(turned["weight"], turned["pattern"] ** 2)
        npt.assert_array_equal(np.sort(np.abs(turned["pattern"]), None), np.sort(np.abs(pattern), None))

    def test_every_flip_transposition_and_sign_comes_up(self):
        corner = np.arange(4.0).reshape(2, 2) + 1
        seen = {
            tuple(_turned({"pattern": corner, "residual": corner}, np.random.default_rng(seed))["pattern"].ravel())
            for seed in range(200)
        }
        assert len(seen) == 16

    def test_a_patch_lies_on_the_sea_that_the_coarse_field_has(self, shards):
        blocks = (PLAIN.size, FACTOR, PLAIN.size, FACTOR)
        for seed in range(5):
            patch = Patches(shards, PLAIN).drawn("train", seed)
            npt.assert_array_equal(patch["sea"].reshape(blocks).any((1, 3)), patch["present"])
            assert (patch["residual"][~patch["sea"]] == 0).all()

    def test_variables_are_drawn_as_often_as_asked(self, tmp_path):
        both = dataset(fronts(0)).assign(zos=dataset(fronts(1)).thetao)
        options = replaced(PLAIN, variables={"thetao": 1.0, "zos": 3.0}, size=8)
        prepare(Fields.of([Truth(both, "two")]), options, 0, tmp_path)
        patches = Patches(Shards.open(tmp_path), options)
        numbers = [int(patches.drawn("train", seed)["variable"]) for seed in range(300)]  # of the same sea
        assert np.mean(numbers) == pytest.approx(0.75, abs=0.08)

    def test_a_patch_larger_than_the_field_counts_within_it_alone(self, shards):
        patch = Patches(shards, replaced(PLAIN, size=24)).drawn("validation", 0)
        assert patch["weight"].shape == (24, 24)
        blocks = patch["sea"].reshape(24, FACTOR, 24, FACTOR).any((1, 3))
        assert not (blocks & ~patch["present"]).any()
        assert (~blocks).any(axis=1).any()


def replaced(options, **change):
    return Data.model_validate({**options.model_dump(), **change})


SMALL = {
    "name": "small",
    "task": "adaf-ocean-sr",
    "model": {"width": 12, "blocks": 1},
    "data": {
        **{"views": 4, "validation_views": 1, "size": 12, "patches": 800, "validation_patches": 48},
        **{"simulated": 0.0, "textured": 0.0, "halved": 0.0, "foreign": 0.0},
    },
    "optimiser": {"name": "muon", "lr": 0.02, "adam_lr": 0.002},
    "schedule": {"name": "cosine", "warmup": 10},
    "epochs": 2,
    "batch": 4,
    "threads": 1,
    "validate_every": 2,
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    run = tmp_path_factory.mktemp("run") / "run"
    return train(SMALL, material(*(fronts(seed) for seed in range(6))), run), run


class TestTraining:
    def test_it_learns_what_cubic_upsampling_lacks(self, trained):
        assert trained[0]["best"] < 0.9

    def test_the_checkpoint_beats_cubic_upsampling_on_a_field_never_seen(self, trained):
        engine = AdafOceanSR(trained[1] / "checkpoints/best.safetensors")
        truth = fronts(99)
        coarse, *axes, area = means_of(truth, LAT, LON)
        sea = area > 0
        rmse = [
            np.sqrt(np.average((made.upsample(coarse, *axes, 4, True, sea) - truth)[sea] ** 2, weights=area[sea]))
            for made in (Cubic(), engine)
        ]
        assert rmse[1] < 0.95 * rmse[0]

    def test_the_checkpoint_is_small_and_says_what_it_was_trained_on(self, trained):
        held = checkpoint.read(trained[1] / "checkpoints/best.safetensors")
        assert {array.dtype for array in held.weights.values()} == {np.dtype("f2")}
        assert held.configuration == {"width": 12, "blocks": 1}
        assert held.provenance["fields"] == ["waves"]
        assert held.provenance["training"]["optimiser"]["name"] == "muon"

    def test_the_loss_of_a_silent_network_is_one_and_hangs_on_every_weight(self, trained):
        task = SuperResolutionTask(load(SMALL), trained[1] / "shards")
        network = task.network()
        batch = task.batch("train", [0, 1], [5, 6])
        total, count = task.loss(network, batch)["loss"]
        assert total.item() == pytest.approx(count.item(), rel=1e-5)
        total.backward()
        assert all(weight.grad is not None for weight in network.parameters())
        scores = task.scores(network, batch)
        assert set(scores) == {"loss", *(f"share_{name}" for name in ("thetao", "zos", "so", "uo", "vo"))}
        assert scores["share_thetao"] == scores["loss"]
        assert scores["share_zos"][1] == 0

    def test_it_goes_on_bit_for_bit(self, trained, tmp_path):
        shards, halfway = trained[1] / "shards", {**SMALL, "data": {**SMALL["data"], "patches": 16}, "schedule": {}}
        whole = train(halfway, shards, tmp_path / "whole")
        assert whole["step"] == 8
        with pytest.MonkeyPatch.context() as patch:
            from adaf_xr.training.loop import Loop

            step = Loop._step

            def stopping(self, *rest):
                return step(self, *rest) or self.progress.step == 4

            patch.setattr(Loop, "_step", stopping)
            with pytest.raises(RuntimeError, match="told to stop"):
                train(halfway, shards, tmp_path / "parted")
        train(halfway, None, tmp_path / "parted", resume=True)
        files = [tmp_path / name / "checkpoints/last.safetensors" for name in ("whole", "parted")]
        weights = [checkpoint.read(file).weights for file in files]
        for name in weights[0]:
            npt.assert_array_equal(weights[0][name], weights[1][name])

    def test_shards_of_other_longitudes_are_refused(self, trained):
        other = load({**SMALL, "data": {**SMALL["data"], "held_out": [[0.0, 30.0]]}})
        with pytest.raises(ShardsError, match="held_out"):
            SuperResolutionTask(other, trained[1] / "shards")

    def test_the_recipe_builds_the_documented_network(self):
        held = load("adaf-ocean-sr")
        network = Network(SuperResolutionTask.Model(**held.model).configuration())
        assert sum(weight.numel() for weight in network.parameters()) == 315_088
        assert held.optimiser.name == "muon"


@pytest.mark.filterwarnings("ignore:Consolidated metadata")
class TestFolders:
    def test_files_and_experiments_at_any_depth_are_truths(self, tmp_path):
        (tmp_path / "deep/er").mkdir(parents=True)
        dataset(fronts(0), name="analysed_sst").assign_attrs(a=1).to_netcdf(tmp_path / "deep/er/sst.nc")
        dataset(fronts(0), name="zos").to_zarr(tmp_path / "deep/zos.zarr")
        (tmp_path / "readme.txt").write_text("not a field")
        source = training_data.opened(tmp_path)
        truths = truths_of(source.material)
        assert [truth.label for truth in truths] == ["deep/er/sst.nc", "deep/zos.zarr"]
        assert [list(truth.fields) for truth in truths] == [["thetao"], ["zos"]]
        assert "2 datasets and 0 experiments" in source.what

    def test_what_is_no_field_is_named(self, tmp_path):
        xr.Dataset({"depth": ("x", [1.0])}).to_netcdf(tmp_path / "odd.nc")
        with pytest.raises(ValueError, match=r"odd\.nc holds no fields to learn from .*: take it out of the folder"):
            training_data.opened(tmp_path)

    def test_an_experiment_that_is_not_complete_is_no_folder_of_fields(self, tmp_path):
        dataset(fronts(0)).to_zarr(tmp_path / "half/truth.zarr")
        with pytest.raises(ValueError, match="half is an experiment that is not complete"):
            training_data.opened(tmp_path)

    def test_periods_are_for_data_with_observations(self, tmp_path):
        dataset(fronts(0)).to_netcdf(tmp_path / "thetao.nc")
        with pytest.raises(ValueError, match="--period is for data with observations"):
            training_data.opened(tmp_path, ["train=2020-01-01,2020-02-01"])

    def test_a_field_may_have_any_spelling(self):
        ds = dataset(fronts(0)).rename(thetao="sst", latitude="lat", longitude="lon")
        assert list(truth_of(ds, "sst").fields) == ["thetao"]


def test_weights_of_a_batch_are_single_precision_tensors(shards):
    configuration = load({**SMALL, "data": PLAIN.model_dump()})
    batch = SuperResolutionTask(configuration, shards.folder).batch("train", [0, 1, 2], [7, 8, 9])
    assert batch["pattern"].shape == (3, 1, 12, 12)
    assert batch["residual"].shape == batch["sea"].shape == (3, 1, 48, 48)
    assert {tensor.dtype for name, tensor in batch.items() if name != "variable"} == {torch.float32}
