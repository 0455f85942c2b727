"""From material to shards of the default model: what they hold, what is refused, that it can be killed and goes on."""

import shutil
import warnings
from dataclasses import replace

import numpy as np
import numpy.testing as npt
import pytest
import torch
import xarray as xr
from ocean_days import DAY, FIRST, PERIODS, Points1000, fields, land, material
from small_ocean import sea

from adaf_xr.models.adaf_ocean.channels import CHANNELS, STATE
from adaf_xr.models.adaf_ocean.features import Features
from adaf_xr.models.adaf_ocean.scene import Scene
from adaf_xr.models.adaf_ocean.sums import Sums
from adaf_xr.models.base import Background
from adaf_xr.points import Points
from adaf_xr.training import load
from adaf_xr.training.adaf_ocean import preparing
from adaf_xr.training.adaf_ocean.days import Kept, window
from adaf_xr.training.adaf_ocean.maps import GLOBE
from adaf_xr.training.adaf_ocean.options import Data
from adaf_xr.training.adaf_ocean.task import AdafOceanTask
from adaf_xr.training.material import MaterialError
from adaf_xr.training.shards import Shards, ShardsError
from adaf_xr.training.spreading import SilentSourceWarning

CALENDAR = 13
"""Days from 5 before the first analysis to 4 after the last, and the one in which that window ends."""
ALL = CALENDAR + 3


def prepare(of, folder, data=None, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SilentSourceWarning)
        preparing.prepare(of, folder, data or Data(), **options)
    return Shards.open(folder)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepare(material(), tmp_path_factory.mktemp("globe") / "shards")


@pytest.fixture
def few(monkeypatch):
    """Two days of fields and one of observations, which are all that some questions need."""
    monkeypatch.setattr(preparing, "_calendar", lambda days: days["train"][:1])
    one = {"train": (FIRST, FIRST + DAY), "validation": (FIRST + DAY, FIRST + 2 * DAY)}
    return lambda **changes: material(**{"periods": one, **changes})


class TestFields:
    def test_the_truth_of_coarse_cells_is_the_mean_of_its_own(self, prepared):
        truth = fields(0.5, 0.0, 1).isel(time=0)
        area = np.cos(np.radians(truth.latitude)) * truth.notnull()
        sums = [part.coarsen(latitude=2, longitude=2).sum() for part in (truth.fillna(0.0) * area, area)]
        found = prepared.read("train", 0)["coarse"]
        for place, name in enumerate(STATE):
            expected = sums[0][name].values / np.where(sums[1][name] > 0, sums[1][name], np.nan)
            npt.assert_allclose(found[place, :180], expected, rtol=1e-5, atol=1e-5, err_msg=name)
        assert np.isnan(found[:, 180:]).all()

    def test_the_truth_of_fine_cells_lies_between_its_own(self, prepared):
        found = prepared.read("validation", 0)["truth"]
        latitude, longitude = GLOBE.axes(4)
        outside, middle = (land(latitude[:, None] * by, 30.0 + (longitude - 30.0) * by) for by in (0.95, 1.05))
        open_sea = ~outside & (np.abs(latitude) < 85.0)[:, None]
        for place, name in enumerate(STATE):
            expected = sea(name, latitude[:, None], longitude)[open_sea]
            npt.assert_allclose(found[place][open_sea], expected, atol=0.04 * expected.std())
        assert np.isnan(found[:, middle]).all()

    def test_a_background_on_the_lattice_is_itself(self, prepared):
        first = fields(1.0, 1.0, 1).isel(time=0)
        for place, name in enumerate(STATE):
            npt.assert_array_equal(prepared.read("train", 1)["background"][place, :180], first[name].values)

    @pytest.mark.parametrize(("spacing", "share"), [(0.5, 0.03), (1.5, 0.08)])
    def test_backgrounds_of_other_grids_are_brought_to_it(self, few, tmp_path, spacing, share):
        found = prepare(few(background=spacing), tmp_path).read("train", 0)["background"][:, 8:172]
        expected = fields(1.0, 1.0, 1).isel(time=0, latitude=slice(8, 172))
        for place, name in enumerate(STATE):
            both = np.isfinite(found[place]) & np.isfinite(expected[name].values)
            off = (found[place] - expected[name].values)[both]
            assert off.std() < share * expected[name].values[both].std(), name
            assert both.mean() > 0.9

    def test_where_a_region_ends_nothing_is_known(self, prepared, few, tmp_path):
        box = {"latitude": slice(-10, 30), "longitude": slice(140, 175)}
        parts = {name: fields(*of, 3).sel(box) for name, of in {"truth": (0.5, 0.0), "background": (1.0, 1.0)}.items()}
        found, whole = prepare(few(**parts), tmp_path).read("train", 0), prepared.read("train", 0)
        for name, size in (("coarse", 1), ("background", 1), ("truth", 4)):
            rows, columns = slice(80 * size, 120 * size), slice(320 * size, 355 * size)
            npt.assert_allclose(
                found[name][:, rows, columns][..., 1:-1, 1:-1], whole[name][:, rows, columns][..., 1:-1, 1:-1]
            )
            outside = found[name].copy()
            outside[:, rows, columns] = np.nan
            assert np.isnan(outside).all()

    def test_the_shallowest_level_is_taken_in_any_order(self, prepared, few, tmp_path):
        def levels(ds):
            deep = ds.drop_vars("zos").expand_dims(depth=[40.0, 5.0], axis=1) * xr.DataArray([9.0, 1.0], dims="depth")
            return deep.assign(zos=ds.zos)

        parts = {"truth": levels(fields(0.5, 0.0, 3)), "background": levels(fields(1.0, 1.0, 3))}
        found, whole = prepare(few(**parts), tmp_path).read("train", 0), prepared.read("train", 0)
        for name in found:
            npt.assert_allclose(found[name], whole[name], rtol=1e-6)


class TestObservations:
    def test_a_window_is_what_the_material_gives_at_once(self, prepared):
        for split, index in (("train", 0), ("validation", 0)):
            time = prepared.time(split, index)
            points = Points.concatenate(material().points(time, (5 * DAY, 5 * DAY)).values())
            found = window(prepared, time, GLOBE, Kept(), np.random.default_rng(0))
            whole = Sums.of(points, time)
            npt.assert_array_equal(found.key, whole.key)
            npt.assert_allclose(found.sums, whole.sums, rtol=1e-5, atol=1e-3 * whole.sums[:, :1].min())

    def test_a_sample_shows_what_the_engine_sees(self, prepared):
        time, of = prepared.time("validation", 0), material()
        batch = AdafOceanTask(load("adaf-ocean"), prepared.folder).batch("validation", [0], [0])
        first = of.background.sel(time=time)
        held = {name: first[name].values.astype("f8") for name in STATE}
        first = Background(first.latitude.values, first.longitude.values, np.empty(0), held)
        points = Points.concatenate(of.points(time, (5 * DAY, 5 * DAY)).values())
        scene = Scene.of(first, Sums.of(points, time), GLOBE)
        # Which fine cells are sea the truth says in training, and the shipped mask in an analysis.
        truth = torch.from_numpy(prepared.read("validation", 0)["truth"].copy())
        scene = replace(scene, fine_sea=torch.isfinite(truth).any(0))
        expected = Features.of(scene, torch.from_numpy(GLOBE.latitude).float(), True)
        for name in ("coarse", "fine", "scale", "gate"):
            npt.assert_allclose(batch[name][0], getattr(expected, name), atol=2e-4, err_msg=name)
        assert bool(batch["wraps"][0])

    def test_silent_sources_are_counted_and_silent_days_kept(self, few, tmp_path):
        observe = Points1000(silent=[FIRST.astype("M8[D]"), (FIRST + DAY).astype("M8[D]")], kinds=("ssh", "sst"))
        with pytest.warns(SilentSourceWarning) as caught:
            preparing.prepare(few(observe=observe), tmp_path, Data())
        said = [str(warning.message) for warning in caught if warning.category is SilentSourceWarning]
        assert said == [
            f"{kind} gave nothing on 1 of 1 days that were prepared; the days are kept without it"
            for kind in ("ice", "insitu", "ssh", "sss", "sst", "wind")
        ]
        shards = Shards.open(tmp_path)
        assert all(array.size == 0 for array in shards.read("observed", 0).values())
        sample = AdafOceanTask(load("adaf-ocean"), tmp_path).batch("train", [0], [3])
        assert not sample["gate"].any() and torch.isfinite(sample["coarse"]).all()

    def test_the_calendar_is_every_day_that_some_analysis_sees(self, prepared):
        days = [prepared.time("observed", k) for k in range(prepared.count("observed"))]
        npt.assert_array_equal(days, FIRST + np.arange(-5, CALENDAR - 5) * DAY)
        assert set(prepared.read("observed", 0)) == {f"{k}/{w}" for k in range(len(CHANNELS)) for w in ("cell", "sums")}


class TestGoingOn:
    def test_it_goes_on_where_it_was_killed_and_counts(self, prepared, tmp_path):
        folder, told = tmp_path / "shards", []
        shutil.copytree(prepared.folder, folder)
        shards = Shards.open(folder)
        lost, kept = [shards.path("observed", 4), shards.path("train", 1)], shards.path("train", 0)
        before = [path.read_bytes() for path in lost], kept.stat().st_mtime_ns
        for path in lost:
            path.unlink()
        with pytest.raises(ShardsError, match=r"1 of 2 days of 'train' are missing"):
            AdafOceanTask(load("adaf-ocean"), folder)
        prepare(material(), folder, progress=lambda done, of: told.append((done, of)))
        assert told == [(ALL - 2, ALL), (ALL - 1, ALL), (ALL, ALL)]
        assert ([path.read_bytes() for path in lost], kept.stat().st_mtime_ns) == before
        told.clear()
        prepare(material(), folder, progress=lambda done, of: told.append((done, of)))
        assert told == [(ALL, ALL)]

    def test_shards_of_another_making_are_refused(self, prepared, tmp_path):
        with pytest.raises(ShardsError, match=r"material.name was \"waves\" and is \"others\""):
            preparing.prepare(material(provenance={"name": "others"}), prepared.folder, Data())
        with pytest.raises(ShardsError, match=r"without maps of sea level.*set data\.sea_level to null"):
            AdafOceanTask(load("adaf-ocean", {"data.sea_level": "adt.nc"}), prepared.folder)
        Shards.create(tmp_path, {"task": "adaf-ocean-cnp"}, {"train": np.array(["2020-01-01"], "M8[ns]")}).write(
            "train", 0, {"truth": np.zeros(1)}
        )
        with pytest.raises(ShardsError, match=r"task was \"adaf-ocean-cnp\" and is \"adaf-ocean\""):
            AdafOceanTask(load("adaf-ocean"), tmp_path)

    def test_the_size_of_a_day_is_that_of_its_file(self, prepared):
        for split in ("train", "validation"):
            size = prepared.path(split, 0).stat().st_size
            assert preparing.size_of_a_day(split) == pytest.approx(size, rel=0.001)

    def test_what_the_disk_cannot_hold_is_not_begun(self, tmp_path, monkeypatch):
        usage = shutil.disk_usage(tmp_path)
        need = 3 * preparing.size_of_a_day("train") + CALENDAR * preparing.size_of_a_day("observed")
        monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=need - 100))
        with pytest.raises(ShardsError, match=rf"{ALL} days of .* do not fit into the .* GB"):
            preparing.prepare(material(), tmp_path, Data())
        assert not list(tmp_path.rglob("*.safetensors"))


class TestRefused:
    @pytest.mark.parametrize(
        ("what", "change", "message"),
        [
            (
                "truth",
                lambda truth: fields(1.0, 0.0),
                r"1 degrees between cells of latitude.*truth of 0\.5 degrees or less",
            ),
            ("truth", lambda truth: truth.drop_vars("so"), "the truth lacks so"),
            ("periods", lambda periods: {"train": periods["train"]}, "no period 'validation'"),
            (
                "background",
                lambda background: background.where(False),
                "the background has no value at all: leave this time out",
            ),
            ("truth", lambda truth: truth.where(False), "the truth has no value at all"),
        ],
        ids=["coarse", "salinity", "validation", "no background", "no truth"],
    )
    def test_material_that_teaches_nothing_is_refused_with_the_way_out(self, tmp_path, what, change, message):
        of = {"truth": fields(0.5, 0.0), "background": fields(1.0, 1.0), "periods": PERIODS}
        of[what] = change(of[what])
        with pytest.raises(MaterialError, match=message):
            preparing.prepare(material(**of), tmp_path, Data())

    def test_what_went_wrong_names_the_day(self, few, tmp_path):
        with pytest.raises(MaterialError) as caught:
            preparing.prepare(few(truth=fields(0.5, 0.0).where(False)), tmp_path, Data())
        assert caught.value.__notes__[0].startswith("while preparing 2020-01-0")

    def test_analyses_of_other_hours_need_other_days(self, tmp_path):
        hours = {"time": FIRST + np.array([0, 12, 72, 96, 120]) * np.timedelta64(1, "h")}
        of = material(truth=fields(0.5, 0.0).assign_coords(hours), background=fields(1.0, 1.0).assign_coords(hours))
        with pytest.raises(MaterialError, match=r"not whole days apart \(2020-01-06T12:00 and 2020-01-07T00:00\)"):
            preparing.prepare(of, tmp_path, Data())

    def test_a_deep_ocean_has_no_surface(self, tmp_path):
        def deep(ds):
            return ds.expand_dims(depth=[30.0, 50.0], axis=1)

        of = material(truth=deep(fields(0.5, 0.0)), background=deep(fields(1.0, 1.0)))
        with pytest.raises(MaterialError, match=r"shallowest level of the truth lies at 30 m.*down to 12 m"):
            preparing.prepare(of, tmp_path, Data())
