"""Data of 4DVarNet: days prepared from material, their normalisation, windows and crops of them."""

import warnings

import numpy as np
import numpy.testing as npt
import pytest
import xarray as xr
from fourdvarnet_days import FIRST, LATITUDE, LONGITUDE, STEP, Tracks, height, material, truth

from adaf_xr.models.fourdvarnet import small
from adaf_xr.models.fourdvarnet.gridding import DailySums
from adaf_xr.training.fourdvarnet.options import Data
from adaf_xr.training.fourdvarnet.preparing import fed, prepare
from adaf_xr.training.fourdvarnet.statistics import normalisation_from
from adaf_xr.training.fourdvarnet.windows import Windows
from adaf_xr.training.material import MaterialError
from adaf_xr.training.shards import Shards, ShardsError
from adaf_xr.training.spreading import SilentSourceWarning

DAY = np.timedelta64(24, "h")
FIVE = small("4dvarnet-ssh-sst", days=5, pooling=1)
REGION = (-58.0, -50.0, 37.0, 45.0)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    prepare(material(), folder, Data())
    return Shards.open(folder)


def windows(shards, configuration=FIVE, **options):
    return Windows(shards, Data(**options), configuration)


def gridded(kind, day):
    """Means over cells of what was seen from noon to noon."""
    time = FIRST + day * DAY
    points = material().points(time, (DAY / 2, DAY / 2))[kind]
    assert 100 < len(points) < 200
    return DailySums.of(points, time[None], LATITUDE, LONGITUDE).means(kind)[0]


class TestPreparing:
    def test_a_day_has_the_truth_and_what_was_observed_from_noon_to_noon(self, prepared):
        day = prepared.read("train", 3)
        sea = truth().isel(time=3)
        for name, canonical in {"ssh": "zos", "sst": "thetao", "u": "uo", "v": "vo"}.items():
            npt.assert_array_equal(day[name], sea[canonical].values, err_msg=name)
        npt.assert_array_equal(day["latitude"], LATITUDE)
        npt.assert_array_equal(day["observed"], gridded("ssh", 3))
        seen = np.isfinite(day["observed"])
        assert 0.1 < seen.mean() < 0.5
        npt.assert_allclose(day["observed"][seen], day["ssh"][seen], atol=0.1)

    def test_the_interpolated_height_is_nearer_to_the_truth_than_the_background(self, prepared):
        mean = truth().zos.mean("time").values
        for index in (0, 5, 11):
            day = prepared.read("train", index)
            assert np.std(day["oi"] - day["ssh"]) < 0.6 * np.std(mean - day["ssh"])

    def test_a_background_that_is_an_analysis_is_taken_as_it_is(self, tmp_path):
        prepare(material(), tmp_path, Data(interpolated="background"))
        mean = truth().zos.mean("time").values
        npt.assert_allclose(Shards.open(tmp_path).read("validation", 1)["oi"], mean, rtol=1e-6)

    def test_clouds_leave_gaps_in_temperature(self, tmp_path):
        prepare(material(), tmp_path, Data(clouds=True))
        day = Shards.open(tmp_path).read("train", 2)
        npt.assert_array_equal(day["sst"], gridded("sst", 2))
        assert np.isnan(day["sst"]).any() and np.isfinite(day["ssh"]).all()

    def test_a_region_is_cut_out_of_any_order_of_axes(self, prepared, tmp_path):
        upside_down = material(truth=truth().isel(latitude=slice(None, None, -1)))
        prepare(upside_down, tmp_path, Data(region=REGION))
        cut, whole = Shards.open(tmp_path).read("train", 4), prepared.read("train", 4)
        rows, columns = ((axis >= low) & (axis <= high) for axis, low, high in
                         ((LATITUDE, 37.0, 45.0), (LONGITUDE, -58.0, -50.0)))  # fmt: skip
        for name in ("ssh", "u", "sst", "observed"):
            npt.assert_array_equal(cut[name], whole[name][np.ix_(rows, columns)], err_msg=name)
        npt.assert_allclose(cut["oi"], whole["oi"][np.ix_(rows, columns)], atol=0.02)

    def test_days_without_observations_are_kept(self, tmp_path):
        quiet = Tracks(silent=FIRST.astype("M8[D]") + np.arange(-8, 9) * DAY)
        with pytest.warns(SilentSourceWarning, match="ssh gave nothing on"):
            prepare(material(quiet), tmp_path, Data())
        day = Shards.open(tmp_path).read("train", 1)
        assert np.isnan(day["observed"]).all()
        npt.assert_allclose(day["oi"], truth().zos.mean("time").values, rtol=1e-6)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"truth": truth().drop_vars(["uo", "thetao"])}, "the truth lacks thetao, uo: 4DVarNet learns"),
            (
                {"truth": truth().isel(longitude=[0, 1, 2, 3, 5, 6, *range(7, 26)])},
                "longitude of the truth is not even",
            ),
            ({"periods": {"train": (FIRST, FIRST + DAY)}}, "there is no period 'validation'"),
        ],
    )
    def test_what_cannot_be_learned_from_is_refused(self, changes, message, tmp_path):
        if "longitude" in message:
            changes |= {"background": changes["truth"][["zos"]]}
        with pytest.raises(MaterialError, match=message):
            prepare(material(**changes), tmp_path, Data())

    def test_shards_of_another_region_are_refused(self, prepared):
        with pytest.raises(ShardsError, match="region was null and is"):
            Shards.open(prepared.folder, fed(Data(region=REGION)))


class TestNormalisation:
    def test_the_training_period_has_unit_moments(self, prepared):
        found = windows(prepared).normalisation
        days = [prepared.read("train", index) for index in range(prepared.count("train"))]
        for name in ("ssh", "sst"):
            field = found[name].forward(np.stack([day[name] for day in days]).astype("f8"))
            npt.assert_allclose((field.mean(), field.std()), (0.0, 1.0), atol=1e-6)
        speed = sum(np.stack([day[name] for day in days]).astype("f8") ** 2 for name in "uv").mean()
        npt.assert_allclose(speed / found["currents"].scale ** 2, 1.0, rtol=1e-6)
        assert found["currents"].offset == 0.0

    def test_land_counts_nothing(self):
        plane = np.array([[1.0, 3.0]])
        with_land = np.array([[1.0, 3.0, np.nan]])
        one, other = (normalisation_from([dict.fromkeys(("ssh", "sst", "u", "v"), p)]) for p in (plane, with_land))
        assert one == other

    @pytest.mark.parametrize(("value", "message"), [(np.nan, "no value of ssh"), (1.0, "ssh, sst never varies")])
    def test_nothing_to_normalise_by(self, value, message):
        with pytest.raises(MaterialError, match=message):
            normalisation_from([dict.fromkeys(("ssh", "sst", "u", "v"), np.full((2, 2), value))])


class TestWindows:
    def test_there_is_one_for_every_centre_day_inside_the_period(self, prepared):
        found = windows(prepared)
        assert [found.count(split) for split in ("train", "validation")] == [12 - 4, 8 - 4]
        sample = found.whole("validation", 2)
        ssh = found.normalisation["ssh"]
        due = height(LATITUDE[:, None], LONGITUDE, np.arange(16, 21)[:, None, None])
        npt.assert_allclose(ssh.backward(sample["ssh"]), due, atol=1e-5)
        npt.assert_allclose(sample["latitude"], LATITUDE, rtol=1e-6)
        assert found.steps == (pytest.approx(STEP), pytest.approx(STEP))

    def test_no_window_reaches_across_a_missing_day(self, tmp_path):
        lacking = truth().isel(time=[day for day in range(24) if day != 4])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SilentSourceWarning)
            prepare(material(truth=lacking), tmp_path, Data())
        shards = Shards.open(tmp_path)
        found = windows(shards)
        assert found.count("train") == 7 - 4  # days 5 to 11; the four before the gap are too few
        first = found.normalisation["ssh"].backward(found.whole("train", 0)["ssh"])[0]
        npt.assert_allclose(first, height(LATITUDE[:, None], LONGITUDE, 5), atol=1e-5)
        with pytest.raises(MaterialError, match="no 9 consecutive days in the 11 of 'train'"):
            windows(shards, FIVE.but(days=9)).count("train")

    def test_the_whole_region_is_cut_to_what_the_network_can_take(self, prepared):
        sample = windows(prepared, FIVE.but(prior_pooling=3)).whole("train", 0)
        assert sample["ssh"].shape == (5, 18, 27)

    def test_crops_are_pieces_of_the_window(self, prepared):
        found = windows(prepared, rows=8, columns=13, permuted=0.0)
        whole = found.whole("train", 3)
        places = set()
        for seed in range(20):
            crop = found.drawn("train", 3, np.random.default_rng(seed))
            assert crop["ssh"].shape == (5, 8, 12)
            row = int(np.flatnonzero(whole["latitude"] == crop["latitude"][0])[0])
            column = next(
                c for c in range(28) if np.array_equal(whole["ssh"][:, row : row + 8, c : c + 12], crop["ssh"])
            )
            for name in set(crop) - {"latitude"}:
                piece = whole[name][:, row : row + 8, column : column + 12]
                npt.assert_array_equal(crop[name], piece, err_msg=name)
            places.add((row, column))
        assert len(places) > 10

    def test_a_crop_is_a_function_of_its_seed(self, prepared):
        found = windows(prepared, rows=8, columns=8)
        one, again, other = (found.drawn("train", 1, np.random.default_rng(seed)) for seed in (5, 5, 6))
        for name in one:
            npt.assert_array_equal(one[name], again[name], err_msg=name)
        assert any(not np.array_equal(one[name], other[name], equal_nan=True) for name in one)

    def test_another_windows_mask_shows_the_truth_of_this_one(self, prepared):
        found = windows(prepared, permuted=1.0)
        masks = [np.isfinite(found.whole("train", k)["observed"]) for k in range(found.count("train"))]
        used = set()
        for seed in range(30):
            sample = found.drawn("train", 2, np.random.default_rng(seed))
            seen = np.isfinite(sample["observed"])
            npt.assert_array_equal(sample["observed"][seen], sample["ssh"][seen])
            used.add(next(k for k, mask in enumerate(masks) if np.array_equal(mask, seen)))
        assert len(used) > 4

    def test_half_of_the_samples_have_it_by_default(self, prepared):
        found = windows(prepared)
        own = found.whole("train", 0)["observed"]
        same = [np.array_equal(found.drawn("train", 0, np.random.default_rng(seed))["observed"], own, equal_nan=True)
                for seed in range(60)]  # fmt: skip
        assert 15 < sum(same) < 45

    def test_land_is_missing_in_the_truth_and_filled_in_the_interpolated_height(self, tmp_path):
        prepare(material(land=True), tmp_path, Data())
        sample = windows(Shards.open(tmp_path)).whole("train", 0)
        land = np.isnan(truth(land=True).zos.values[:5])
        assert land.any()
        for name in ("ssh", "u", "v", "sst"):
            npt.assert_array_equal(np.isnan(sample[name]), land, err_msg=name)
        assert np.isfinite(sample["oi"]).all()
        for oi, shore in zip(sample["oi"], land, strict=True):
            assert oi[~shore].min() <= oi[shore].min() and oi[shore].max() <= oi[~shore].max()

    def test_a_region_that_nobody_observes_is_an_error(self, tmp_path):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SilentSourceWarning)
            prepare(material(observe=Nobody()), tmp_path, Data())
        with pytest.raises(
            MaterialError, match=r"50 crops of the window of 'train' from 2020-03-01.* had no observation"
        ):
            windows(Shards.open(tmp_path)).drawn("train", 0, np.random.default_rng(0))


class Nobody:
    """No observations."""

    def __call__(self, time, window):
        return xr.DataTree()
