"""Experiments on disk: what is written is what was simulated, with errors, periods and sizes as stated."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import weakref
from dataclasses import dataclass, replace

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from swell import DAY, NADIRS, SMALL, Swell

from adaf_xr.grids import sample
from adaf_xr.metrics import rmse
from adaf_xr.osse import storage
from adaf_xr.osse.background import Background, SmoothNoise, block_means
from adaf_xr.osse.experiment import EXPERIMENTS, open_experiment, simulate
from adaf_xr.osse.observing import SYSTEMS
from adaf_xr.osse.opening import kind_of
from adaf_xr.osse.splits import SplitError, decorrelation_time, gap, periods, require_separate
from adaf_xr.points import to_points


@pytest.fixture(scope="module")
def progress():
    """Days that were counted while the small experiment was made."""
    return []


@pytest.fixture(scope="module")
def small(tmp_path_factory, progress):
    """A small experiment on disk."""
    folder = tmp_path_factory.mktemp("osse") / "small"
    return open_experiment(simulate(SMALL, folder, progress=lambda *counted: progress.append(counted)))


def files(folder):
    """Every file of a folder with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_what_is_on_disk_is_the_nature_run_within_half_a_step_of_its_packing(small):
    nature = replace(SMALL.nature, seed=SMALL.seed)
    run = xr.concat(nature.snapshots(), "time", data_vars="minimal")
    kept = run.sel(latitude=slice(31, 45), longitude=slice(-67, -53))
    assert small.truth.sizes == {"time": 24, "latitude": 28, "longitude": 28}
    assert set(small.truth.data_vars) == set(run.data_vars)
    for name, field in small.truth.data_vars.items():
        half = storage.QUANTUM.get(name, (0.0, 0.0))[0] / 2
        np.testing.assert_allclose(field, kept[name], rtol=3e-7, atol=1.001 * half, err_msg=name)
        assert field.dtype == np.float32 and field.chunks is not None
        assert field.attrs["units"] == run[name].attrs["units"]
    assert small.truth.attrs == run.attrs


def test_opening_computes_nothing(small, nothing_computes):
    again = open_experiment(small.path)
    assert again.truth.zos.sizes["time"] == 24
    assert again.background.zos.sizes["time"] == 22
    assert again.observations["nadir-reference"].chunks
    assert again.select("test").background.sizes["time"] == 4


def test_the_same_seed_gives_the_same_folder_and_another_seed_another(small, tmp_path):
    again, other = simulate(SMALL, tmp_path / "again"), simulate(SMALL, tmp_path / "other", seed=6)
    assert files(again) == files(small.path)
    assert not np.allclose(open_experiment(other).truth.zos[0], small.truth.zos[0], equal_nan=True)
    assert json.loads((other / "experiment.json").read_text())["experiment"]["seed"] == 6


def test_the_manifest_says_all_there_is_to_know(small):
    said = small.manifest
    assert said["experiment"] == SMALL.parameters()
    assert said["experiment"]["nature"] == {
        "kind": "Swell", "seed": 5, "start": "2012-10-01", "days": 24, "spacing": 0.5, "device": "cpu", "amplitude": 0.2
    }  # fmt: skip
    assert said["observations"] == {"nadir-reference": "on demand", "nadir-gfo": "stored"}
    for part in ("truth.zarr", "background.zarr", "observations"):
        assert said["bytes"][part] == sum(len(content) for content in files(small.path / part).values())
    assert said["days"] == 24
    assert said["version"] == 1 == EXPERIMENTS["gulf-stream-v1-20th"].version
    assert replace(SMALL, name="sea").version is None
    assert said["gap_days"] == 4.0
    assert said["package"]
    assert "unfinished.json" not in files(small.path)


def test_the_stated_error_of_the_background_is_its_error(small):
    coarse = block_means(small.truth, 2).sel(time=small.background.time)
    for name in ("zos", "thetao", "so", "uo", "vo", "heave"):
        error = rmse(small.background[name], coarse[name], dim=("time", "latitude", "longitude"))
        stated = small.manifest["background"]["rmse"][name]
        assert stated == pytest.approx(float(error), rel=1e-3)
        assert small.background[name].attrs["rmse_to_truth"] == stated
    assert set(small.background.data_vars) == set(small.truth.data_vars) - {"uas", "vas"}


def test_a_lagged_background_is_the_truth_of_some_days_before(small):
    guess = Background(lag=3).of(small.truth, {}, seed=0)
    np.testing.assert_array_equal(guess.zos.values, small.truth.zos.values[:-3])
    assert guess.time.values[0] == small.truth.time.values[3]


def test_a_climatology_is_the_mean_of_its_period_on_every_day(small):
    guess = Background(climatology="train").of(small.truth, small.splits, seed=0)
    start, stop = small.splits["train"]
    training = small.truth.zos.sel(time=slice(start, stop - DAY))
    assert training.sizes["time"] == 6
    for day in (0, 10, 23):
        np.testing.assert_allclose(guess.zos[day], training.mean("time"), atol=1e-6)
    assert "2 days" not in guess.attrs["title"] and "train" in guess.attrs["title"]


def test_a_climatology_of_a_period_that_is_not_there_is_refused_before_the_run(tmp_path):
    plan = replace(SMALL, background=Background(climatology="train"))
    with pytest.raises(ValueError, match=r"15 days do not reach .*'train'.*begins on 2012-10-18, .*at least 18 days"):
        simulate(plan, tmp_path / "a", days=15)
    plan.variant(days=18).check()
    with pytest.raises(
        ValueError, match=r"mean of the period 'spring'.*there is none.*test, validation, train; simulat"
    ):
        simulate(replace(plan, background=Background(climatology="spring")), tmp_path / "a")
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"seed": -1}, "seed=-1: a seed is a whole number, 0 or more"),
        ({"device": "abacus"}, "cannot be computed on 'abacus' here: .*leave it out"),
    ],
)
def test_what_cannot_be_computed_leaves_no_folder_behind(tmp_path, wrong, message):
    with pytest.raises(ValueError, match=message):
        simulate(SMALL, tmp_path / "a", **wrong)
    assert not (tmp_path / "a").exists()


def test_smooth_errors_have_the_stated_deviation_scale_and_memory():
    axes = tuple(np.arange(-60.0, 60.0, 4.0)), tuple(np.arange(-180.0, 180.0, 4.0))
    fields = np.stack([SmoothNoise(*axes, 900.0, 5.0, seed).on(np.array([0.0, 5.0])) for seed in range(40)])
    assert fields.mean() == pytest.approx(0.0, abs=0.03)
    assert fields.std() == pytest.approx(1.0, abs=0.03)
    # 900 km along the meridian, and the memory, are each worth exp(-1/2).
    north = sample(fields, *axes, np.arange(-50.0, 50.0, 5.0) + np.degrees(900 / 6371), np.full(20, 0.0))
    here = sample(fields, *axes, np.arange(-50.0, 50.0, 5.0), np.full(20, 0.0))
    assert np.mean(north * here) == pytest.approx(np.exp(-0.5), abs=0.08)
    assert np.mean(fields[:, 0] * fields[:, 1]) == pytest.approx(np.exp(-0.5), abs=0.05)
    # It knows no seam: the first and the last meridian are neighbours as any two.
    across = np.mean((fields[..., 0] - fields[..., -1]) ** 2)
    assert across == pytest.approx(np.mean((fields[..., 1] - fields[..., 0]) ** 2), rel=0.2)


def test_independent_variables_err_independently():
    axes = tuple(np.arange(-60.0, 60.0, 4.0)), tuple(np.arange(-180.0, 180.0, 4.0))
    pairs = [[SmoothNoise(*axes, 900.0, 5.0, s, number).on(np.zeros(1)) for number in (0, 1)] for s in range(30)]
    one, other = np.moveaxis(pairs, 1, 0)
    assert np.mean(one * other) == pytest.approx(0.0, abs=0.05)


def test_stored_observations_are_those_made_on_demand(small):
    # An instrument that is set is made to look again, even if it is set to what it is.
    on_demand = small.observe("nadir-gfo", interval=SYSTEMS["nadir-gfo"].interval)
    xr.testing.assert_equal(small.observations["nadir-gfo"].compute(), on_demand.compute())


@pytest.mark.parametrize("system", NADIRS)
def test_observations_do_not_depend_on_the_span_they_are_opened_in(small, system):
    whole = small.observations[system].compute()
    span = np.datetime64("2012-10-05T07", "ns"), np.datetime64("2012-10-09", "ns")
    part = small.observe(system, span).compute()
    inside = (whole.time >= np.datetime64("2012-10-05")) & (whole.time < span[1])
    assert 0 < part.sizes["time"] < whole.sizes["time"]
    xr.testing.assert_equal(part, whole.isel(time=inside.values))


def test_without_noise_an_altimeter_reads_the_truth(small, tmp_path):
    quiet = open_experiment(simulate(SMALL, tmp_path / "quiet", noise=False))
    assert quiet.name == "small-v1-noise-free"
    track = to_points(quiet.observations["nadir-reference"]).compute()
    assert track.sizes["obs"] > 100
    at = (track.time.values - quiet.truth.time.values[0]) / DAY
    fields = quiet.truth.zos.values
    below, weight = at.astype(int), at % 1
    axes = quiet.truth.latitude.values, quiet.truth.longitude.values
    read = np.empty(at.size)
    for day in np.unique(below):
        rows = below == day
        where = track.latitude.values[rows], track.longitude.values[rows]
        before, after = (sample(fields[d].astype("f8"), *axes, *where) for d in (day, day + 1))
        read[rows] = (1 - weight[rows]) * before + weight[rows] * after
    np.testing.assert_allclose(track.zos, read, atol=2e-6)
    noisy = to_points(small.observations["nadir-reference"]).compute()
    np.testing.assert_array_equal(noisy.latitude, track.latitude)
    assert 0.015 < float((noisy.zos - track.zos).std()) < 0.05


def test_observations_lie_in_the_region(small):
    west, east, south, north = small.region
    for name, ds in small.observations.items():
        assert float(ds.latitude.min()) >= south and float(ds.latitude.max()) <= north, name
        assert float(ds.longitude.min()) >= west and float(ds.longitude.max()) <= east, name


def test_a_tree_of_observations_can_be_assimilated(small):
    tree = small.tree(time="2012-10-06", window="4D")
    assert [node.path for node in tree.leaves] == ["/nadir-reference/ssh", "/nadir-gfo/ssh"]
    days = tree["nadir-gfo/ssh"].time.values.astype("M8[D]")
    assert np.datetime64("2012-10-04") <= days.min() and days.max() < np.datetime64("2012-10-08")
    background = small.select("test").background[["zos"]]
    how = {"model": "oi", "grid": 0.5, "region": small.evaluation}
    analysis = tree.adaf.assimilate(background, time="2012-10-06", **how).compute()
    truth = small.truth.zos.sel(time="2012-10-06").sel(latitude=analysis.latitude, longitude=analysis.longitude)
    first = background.zos.sel(time="2012-10-06").interp(latitude=analysis.latitude, longitude=analysis.longitude)
    assert float(rmse(analysis.zos.isel(time=0), truth)) < 0.9 * float(rmse(first, truth))


def test_select_limits_fields_to_a_period_and_evaluated_to_the_box(small):
    test = small.select("test")
    assert test.truth.time.values.astype("M8[D]").astype(str).tolist() == [f"2012-10-0{d}" for d in (4, 5, 6, 7)]
    assert test.splits == small.splits
    box = test.evaluated(test.truth)
    assert (float(box.latitude.min()), float(box.latitude.max())) == (33.25, 42.75)
    assert (float(box.longitude.min()), float(box.longitude.max())) == (-64.75, -55.25)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda e: e.select("tset"), "no period 'tset': it has test, validation, train"),
        (lambda e: e.observe("swot"), "no observing system 'swot': it has nadir-reference, nadir-gfo"),
        (lambda e: e.tree(systems="swot"), r"list of names, such as \['swot'\]"),
        (lambda e: e.tree(time="2014-01-01"), "nothing was observed from 2013-12-27 to 2014-01-06: observations cover"),
    ],
)
def test_what_is_not_there_is_named_with_what_is(small, wrong, message):
    with pytest.raises((ValueError, TypeError), match=message):
        wrong(small)


@pytest.fixture(scope="module")
def gulf_stream(tmp_path_factory):
    """The standard experiment on a coarse sea of a few days."""
    standard = EXPERIMENTS["gulf-stream-v1"]
    nature = replace(standard.nature, days=5, shape=(48, 48), spacing=0.3, spin_up=1, refined=1)
    splits = periods(train=("2012-10-02", "2012-10-05"))
    plan = replace(standard, nature=nature, splits=splits, noise=True)
    return open_experiment(simulate(plan, tmp_path_factory.mktemp("osse") / "coarse"))


def test_every_system_of_the_gulf_stream_is_read_as_points(gulf_stream):
    assert gulf_stream.systems == (
        "swot", "nadir-reference", "nadir-interleaved", "nadir-gfo", "nadir-envisat", "sst"
    )  # fmt: skip
    west, east, south, north = gulf_stream.region
    for name, ds in gulf_stream.observations.items():
        rows = to_points(ds).compute()
        # Swaths keep the cells that they do not see.
        points = rows.isel(obs=np.isfinite(rows["thetao" if name == "sst" else "zos"].values))
        assert points.sizes["obs"] > 20, name
        assert points.attrs["source"] == kind_of(name) == ("sst" if name == "sst" else "ssh")
        assert points.latitude.min() >= south and points.latitude.max() <= north
        assert points.longitude.min() >= west and points.longitude.max() <= east
        days = points.time.values.astype("M8[D]")
        assert days.min() >= np.datetime64("2012-10-01") and days.max() < np.datetime64("2012-10-06")


def test_swot_and_nadirs_together_put_a_wrong_background_right(gulf_stream):
    tree = gulf_stream.tree(time="2012-10-03", systems=["swot", "nadir-gfo", "nadir-reference"])
    wrong = gulf_stream.background[["zos"]] + 0.2
    how = {"model": "oi", "grid": 0.5, "region": gulf_stream.evaluation}
    analysis = tree.adaf.assimilate(wrong, time="2012-10-03", **how).compute()
    truth = gulf_stream.truth.zos.sel(time=analysis.time).interp(
        latitude=analysis.latitude, longitude=analysis.longitude
    )
    assert float(rmse(analysis.zos, truth).mean()) < 0.12


@pytest.fixture(scope="module")
def globe(tmp_path_factory):
    """The global standard experiment at 2 degrees, of a few days."""
    standard = EXPERIMENTS["global-v1"]
    nature = replace(standard.nature, days=6, spacing=2.0, spin_up=1)
    splits = periods(train=("2012-10-05", "2012-10-07"))
    background = replace(standard.background, coarsening=2, lag=4)
    coarse = {name: {"posting": 2.0} for name in ("sst", "sss", "ice")} | {"nadir-interleaved": {"interval": 5.0}}
    plan = replace(standard, nature=nature, splits=splits, background=background, settings=coarse)
    return open_experiment(simulate(plan, tmp_path_factory.mktemp("osse") / "globe"))


def test_an_instrument_can_be_made_to_look_again_with_other_settings(globe):
    span = np.datetime64("2012-10-02", "ns"), np.datetime64("2012-10-03", "ns")
    assert globe.observe("sst", span).sizes["lat"] == 90
    assert globe.observe("sst", span, posting=6.0).sizes["lat"] == 30
    usual, thinned = (globe.observe("nadir-reference", span, **how) for how in ({}, {"interval": 10.0}))
    assert usual.sizes["time"] / thinned.sizes["time"] == pytest.approx(10, rel=0.05)


def test_the_globe_is_seen_by_all_seven_sources(globe):
    span = np.datetime64("2012-10-02", "ns"), np.datetime64("2012-10-03", "ns")
    kinds = {}
    for name in globe.systems:
        rows = to_points(globe.observe(name, span)).compute()
        rows = rows.isel(obs=~np.isnat(rows.time.values))
        kinds.setdefault(rows.attrs["source"], []).append(name)
        assert kind_of(name) == rows.attrs["source"]
        assert any(np.isfinite(values).sum() > 20 for values in rows.data_vars.values()), name
        assert set(rows.time.values.astype("M8[D]").astype(str)) <= {"2012-10-02", "2012-10-03"}, name
    assert set(kinds) == {"insitu", "sst", "sss", "ssh", "wind", "ice"}
    assert globe.manifest["observations"]["sst"] == "on demand"
    assert globe.manifest["observations"]["argo"] == "stored"


def test_the_background_of_the_globe_is_coarse_old_and_wrong_by_what_is_stated(globe):
    assert globe.background.sizes == {"time": 2, "latitude": 45, "longitude": 90}
    assert set(globe.background.data_vars) == set(globe.truth.data_vars) - {"uas", "vas"}
    for name, error in globe.manifest["background"]["rmse"].items():
        added = EXPERIMENTS["global-v1"].background.perturbation.get(name, 0.0)
        assert error > 0.8 * added, name
    land = np.isnan(block_means(globe.truth.zos[0].to_dataset(), 2).zos)
    np.testing.assert_array_equal(np.isnan(globe.background.zos[0]), land)


def test_profiles_of_the_globe_reach_down(globe):
    points = to_points(globe.observations["argo"]).compute()
    assert points.depth.max() > 1500 and {"thetao", "so"} <= set(points.data_vars)


def test_the_standard_experiments_are_sound():
    for name, plan in EXPERIMENTS.items():
        plan.check()
        assert plan.name == name and "-v1" in name
        assert set(plan.splits) == {"train", "validation", "test"}
        assert gap(plan.splits) >= 30.0
        assert json.loads(json.dumps(plan.parameters())) == plan.parameters()
        assert set(plan.systems) <= set(SYSTEMS)
    start, stop = EXPERIMENTS["gulf-stream-v1"].splits["test"]
    assert (stop - start) / DAY == 43
    # The box of the paper: 10 by 10 degrees, and a degree of observations around it.
    assert EXPERIMENTS["gulf-stream-v1"].evaluation == (-65.0, -55.0, 33.0, 43.0)


def test_an_unknown_name_lists_the_known_ones(tmp_path):
    with pytest.raises(ValueError, match="no standard experiment 'gulfstream': there are gulf-stream-v1"):
        simulate("gulfstream", tmp_path)


# --- periods ----------------------------------------------------------------------------------------------------------


def test_waves_decorrelate_after_the_time_their_periods_say():
    """The autocorrelation of equal waves is the mean of their cosines."""
    sea = Swell(seed=3, days=400)
    rng = np.random.default_rng(3)
    rng.normal(0, 1.2, (2, 8)), rng.uniform(0, 2 * np.pi, 8)
    period = rng.uniform(6, 12, 8)
    lag = np.arange(0, 10, 0.01)
    expected = lag[np.argmax(np.cos(2 * np.pi * lag[:, None] / period).mean(-1) < np.exp(-1))]
    zos = xr.concat([s.zos for s in sea.snapshots()], "time")
    assert decorrelation_time(zos) == pytest.approx(expected, abs=0.15)


def test_the_stated_decorrelation_time_is_that_of_the_truth(small):
    assert small.manifest["decorrelation_days"] == decorrelation_time(small.truth.zos)
    assert 1.0 < small.manifest["decorrelation_days"] < 3.0 < gap(small.splits)


def test_a_sea_that_does_not_change_never_forgets():
    time = np.datetime64("2020-01-01", "ns") + np.arange(10) * DAY
    still = xr.DataArray(np.ones((10, 3, 3)), {"time": time}, ("time", "latitude", "longitude"))
    assert decorrelation_time(still) == np.inf


def test_a_record_that_is_too_short_to_tell_is_refused():
    time = np.datetime64("2020-01-01", "ns") + np.arange(60) * DAY
    drift = np.arange(60.0)[:, None, None] * np.ones((1, 3, 3))
    field = xr.DataArray(drift, {"time": time}, ("time", "latitude", "longitude"))
    with pytest.raises(ValueError, match="at least four, equally far apart"):
        decorrelation_time(field.isel(time=[0, 1, 2, 5]))
    # A sea that only drifts seems to forget, whatever the length of its record, since the mean of the record is off.
    far = periods(train=("2020-01-01", "2020-01-02"), test=("2020-02-28", "2020-02-29"))
    with pytest.raises(SplitError, match=r"60 days are too few to tell.*8 times that are needed.*Simulate more days"):
        require_separate(far, decorrelation_time(field), 60)
    require_separate({"test": far["test"]}, decorrelation_time(field), 60)


@given(st.lists(st.integers(0, 400), min_size=6, max_size=6, unique=True))
@settings(max_examples=50, deadline=None)
def test_the_gap_is_the_shortest_way_from_one_period_to_another(days):
    edges = np.datetime64("2020-01-01", "ns") + np.sort(days) * DAY
    splits = {"b": (edges[2], edges[3]), "a": (edges[0], edges[1]), "c": (edges[4], edges[5])}
    expected = min((edges[2] - edges[1]) / DAY, (edges[4] - edges[3]) / DAY)
    assert gap(splits) == expected
    require_separate(splits, expected - 0.5, 4000)
    with pytest.raises(SplitError, match=r"periods are .* days apart.*further apart.*resume=True"):
        require_separate(splits, expected, 4000)


def test_periods_that_overlap_end_early_or_lie_outside_are_refused(tmp_path):
    def plan(**spans):
        return replace(SMALL, splits=periods(**spans))

    with pytest.raises(SplitError, match="'a' and 'b' overlap: b starts on 2012-10-09, before a ends on 2012-10-10"):
        simulate(plan(a=("2012-10-05", "2012-10-10"), b=("2012-10-09", "2012-10-12")), tmp_path / "a")
    with pytest.raises(SplitError, match="'a' ends on 2012-10-05, which is not after its start"):
        simulate(plan(a=("2012-10-05", "2012-10-05")), tmp_path / "a")
    with pytest.raises(SplitError, match=r"'a'.*not inside 2012-10-03 to 2012-10-25.*lagged"):
        simulate(plan(a=("2012-10-02", "2012-10-05")), tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_periods_closer_than_the_sea_remembers_are_refused_and_can_be_moved_apart(tmp_path, small):
    near = replace(SMALL, splits=periods(test=("2012-10-04", "2012-10-08"), train=("2012-10-09", "2012-10-24")))
    with pytest.raises(SplitError, match=r"1 days apart, and sea level forgets in \d\.\d days"):
        simulate(near, tmp_path / "a")
    with pytest.raises(ValueError, match="not complete"):
        open_experiment(tmp_path / "a")
    moved = open_experiment(simulate(SMALL, tmp_path / "a", resume=True))
    assert files(moved.path) == files(small.path)


# --- interrupted runs -------------------------------------------------------------------------------------------------

PROGRAM = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from swell import SMALL
from adaf_xr.osse.experiment import simulate

def killed(done, total):
    if done == {done}:
        os.kill(os.getpid(), signal.SIGKILL)

simulate(SMALL, {out!r}, progress=killed)
"""


def test_a_killed_run_is_no_experiment_and_resumes_to_the_same(tmp_path, small):
    out = tmp_path / "killed"
    program = PROGRAM.format(tests=os.path.dirname(__file__), done=20, out=str(out))
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    with pytest.raises(ValueError, match=r"small-v1 was interrupted after 16 of 24 days .*resume=True.*--resume"):
        open_experiment(out)
    assert files(simulate(SMALL, out, resume=True)) == files(small.path)


def stop_after(days):
    """Progress that ends a run as an interrupt does."""

    def stop(done, total):
        if done == days:
            raise KeyboardInterrupt

    return stop


@pytest.mark.parametrize("days", [9, 40, 46])  # before anything is written, in the background, after it
def test_an_interrupted_run_resumes_from_any_part(tmp_path, small, days):
    with pytest.raises(KeyboardInterrupt):
        simulate(SMALL, tmp_path, progress=stop_after(days))
    with pytest.raises(FileExistsError, match="interrupted: go on with it by resume=True"):
        simulate(SMALL, tmp_path)
    with pytest.raises(ValueError, match="begun as 'small-v1' with another nature and seed"):
        simulate(SMALL, tmp_path, resume=True, seed=9)
    assert files(simulate(SMALL, tmp_path, resume=True)) == files(small.path)


def test_a_resumed_run_must_meet_its_former_self(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        simulate(SMALL, tmp_path / "a", progress=stop_after(20))
    truth = xr.open_zarr(tmp_path / "a" / "truth.zarr")
    (truth.zos.isel(time=slice(0, 16)) + 1e-3).to_dataset().drop_vars(["time", "latitude", "longitude"]).to_zarr(
        tmp_path / "a" / "truth.zarr", region={"time": slice(0, 16)}
    )
    with pytest.raises(ValueError, match="day 0 is not the one on disk"):
        simulate(SMALL, tmp_path / "a", resume=True)


def test_a_finished_experiment_is_not_written_over(small, tmp_path):
    with pytest.raises(FileExistsError, match="finished experiment 'small-v1': open it"):
        simulate(SMALL, small.path)
    with pytest.raises(ValueError, match="was begun as 'small-v1' with another nature and seed"):
        simulate(SMALL, small.path, resume=True, seed=1)
    with pytest.raises(FileExistsError, match="finished"):
        simulate(replace(SMALL, title="other words"), small.path, resume=True)
    assert simulate(SMALL, small.path, resume=True) == small.path
    (tmp_path / "thesis.tex").write_text("precious")
    for taken in (tmp_path, tmp_path / "thesis.tex"):
        with pytest.raises(FileExistsError, match="is no experiment"):
            simulate(SMALL, taken)
    assert (tmp_path / "thesis.tex").read_text() == "precious"


def test_there_is_no_experiment_in_an_empty_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no experiment at .*adaf osse NAME --out DIR"):
        open_experiment(tmp_path)
    (tmp_path / "experiment.json").write_text(json.dumps({"format": 99, "package": "7.0"}))
    with pytest.raises(ValueError, match=r"format 99.*written by adaf_xr 7\.0"):
        open_experiment(tmp_path)


def test_progress_counts_the_days_of_all_parts(small, progress):
    assert progress[0] == (0, 70) and progress[-1] == (70, 70)
    assert [done for done, _ in progress] == sorted(done for done, _ in progress)


# --- packing ----------------------------------------------------------------------------------------------------------


def test_a_sea_beyond_its_sixteen_bits_is_refused(tmp_path):
    wild = replace(SMALL, nature=Swell(amplitude=4.0))
    with pytest.raises(storage.PackingError, match=r"zos lies up to .* m from 0, and 16 bits .* reach 6\.55"):
        simulate(wild, tmp_path / "a")


def test_the_days_of_a_run_must_be_days(tmp_path):
    @dataclass(frozen=True)
    class Skipping(Swell):
        def snapshots(self):
            return (snapshot for day, snapshot in enumerate(super().snapshots()) if day != 3)

    with pytest.raises(ValueError, match="where daily snapshots"):
        simulate(replace(SMALL, nature=Skipping()), tmp_path / "a")


def test_memory_stays_that_of_a_few_days(tmp_path):
    """Snapshots are let go of block by block."""
    held, most = [], []

    class Tracked(np.ndarray):
        pass

    @dataclass(frozen=True)
    class Watched(Swell):
        def snapshots(self):
            for snapshot in super().snapshots():
                field = snapshot.zos.values.view(Tracked)
                held.append(weakref.ref(field))
                most.append(sum(reference() is not None for reference in held))
                yield snapshot.assign(zos=(snapshot.zos.dims, field, snapshot.zos.attrs))
                del snapshot, field

    nature = Watched(days=60, spacing=1.0)
    plan = replace(SMALL, nature=nature, systems=(), stored=(), background=Background(lag=2), region=None)
    simulate(plan, tmp_path / "a")
    assert len(most) == 60
    assert storage.LONGEST <= max(most) <= 2 * storage.LONGEST


# --- plans ------------------------------------------------------------------------------------------------------------


def test_a_variant_tells_by_its_name_what_it_is():
    assert SMALL.variant() == SMALL
    assert SMALL.variant(seed=9).name == "small-v1"
    assert SMALL.variant(noise=False, days=20).name == "small-v1-noise-free-20d"
    shorter = SMALL.variant(days=18)
    assert list(shorter.splits) == ["test", "validation", "train"]
    assert shorter.splits["train"][1] == np.datetime64("2012-10-19")
    assert list(SMALL.variant(days=12).splits) == ["test", "validation"]
    assert SMALL.variant(device="cuda").nature.device == "cuda"
    with pytest.raises(ValueError, match="at least 4"):
        SMALL.variant(days=3)


def test_an_experiment_must_have_what_it_stores():
    with pytest.raises(ValueError, match="argo: stored, but not among the systems nadir-reference, nadir-gfo"):
        replace(SMALL, stored=("argo",))


def test_a_region_outside_the_run_is_refused(tmp_path):
    with pytest.raises(ValueError, match="holds no cell of the grid"):
        simulate(replace(SMALL, region=(10.0, 20.0, 0.0, 10.0), evaluation=None), tmp_path / "a")


def test_a_region_across_the_seam_is_refused():
    nature = replace(EXPERIMENTS["global-v1"].nature, spacing=2.0, days=1, spin_up=0)
    plan = replace(SMALL, nature=nature, region=(170.0, -170.0, -20.0, 20.0), evaluation=None)
    with pytest.raises(ValueError, match=r"cross the seam.*region=None"):
        plan.cut(next(nature.snapshots()))


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"climatology": "train", "lag": 2}, "climatology or lag"),
        ({"lag": -1}, "a lag is at least 0"),
        ({"coarsening": 0}, "a coarsening at least 1"),
        ({"perturbation": {"zos": 1.0}, "scale": 0.0}, "scales are positive"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(recipe, message):
    with pytest.raises(ValueError, match=message):
        Background(**recipe)


def test_a_recipe_that_does_not_fit_the_truth_is_refused(small):
    with pytest.raises(ValueError, match="28 cells of latitude do not divide into blocks of 5"):
        Background(coarsening=5).of(small.truth, {}, 0)
    with pytest.raises(ValueError, match="no variable siconc to perturb; there are heave, so, thetao, uo, vo, zos"):
        Background(perturbation={"siconc": 0.1}).of(small.truth, {}, 0)
    with pytest.raises(ValueError, match="30 days old needs a truth longer than the 24 days"):
        Background(lag=30).of(small.truth, {}, 0)
