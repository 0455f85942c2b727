"""`adaf evaluate`: the numbers are those of the analysis that it wrote, against the truth on the same cells."""

import json
import shutil
from dataclasses import replace

import numpy as np
import numpy.testing as npt
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from swell import SMALL
from toy import DAY, SPEC, MeanShift
from typer.testing import CliRunner

import adaf_xr
from adaf_xr import open_observations, open_source
from adaf_xr.cli import app
from adaf_xr.cli.evaluate import named
from adaf_xr.cli.judging import Judged, on_grid
from adaf_xr.cli.terminal import INTERRUPTED
from adaf_xr.fields import canonical
from adaf_xr.inference import engines
from adaf_xr.metrics.adaf_ocean import COLUMNS
from adaf_xr.models.cnp import thinned, write_published
from adaf_xr.osse.experiment import open_experiment, simulate
from adaf_xr.osse.mean_state import mean_state
from adaf_xr.osse.opening import OpenExperiment
from adaf_xr.sphere import cell_area


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small experiment: a truth of half a degree, a background of one, two altimeters."""
    return simulate(SMALL, tmp_path_factory.mktemp("osse") / "small")


@pytest.fixture(scope="module")
def evaluated(folder, tmp_path_factory):
    """Optimal interpolation over the test period, and what was said of it."""
    out = tmp_path_factory.mktemp("evaluation") / "out"
    result = call("evaluate", "oi", "--data", folder, "--out", out)
    assert result.exit_code == 0, result.output
    return out, result


def call(*arguments: object):
    return CliRunner().invoke(app, [str(a) for a in arguments], prog_name="adaf", env={"COLUMNS": "200"})


def refused(result, *parts: str) -> None:
    assert result.exit_code == 2, result.output
    for part in parts:
        assert part in " ".join(result.stderr.split()), result.stderr


def blocks(fine: xr.Dataset, name: str) -> np.ndarray:
    """Means over blocks of two by two cells by their area, of those that are there."""
    values, area = fine[name].values, cell_area(fine.latitude.values, fine.longitude.values)
    shape = (*values.shape[:-2], values.shape[-2] // 2, 2, values.shape[-1] // 2, 2)
    weight = np.where(np.isfinite(values), area, 0.0).reshape(shape).sum((-3, -1))
    total = np.nan_to_num(values * area).reshape(shape).sum((-3, -1))
    return np.where(weight > 0, total / np.where(weight > 0, weight, 1.0), np.nan)


def pooled(error: np.ndarray, area: np.ndarray) -> float:
    """Root of the mean square of what is there, by area."""
    weight = np.where(np.isfinite(error), np.broadcast_to(area, error.shape), 0.0)
    return float(np.sqrt((np.nan_to_num(error) ** 2 * weight).sum() / weight.sum()))


class TestScores:
    def test_errors_are_those_written_out_by_hand(self, folder, evaluated):
        out, _ = evaluated
        experiment = open_experiment(folder)
        test, train = experiment.select("test"), experiment.select("train")
        got = pd.read_csv(out / "scores.csv").set_index(["analysis", "variable", "score"])["value"].sort_index()
        analysis = xr.open_zarr(out / "oi.zarr", consolidated=False)
        npt.assert_array_equal(analysis.latitude, test.background.latitude)
        area = cell_area(analysis.latitude.values, analysis.longitude.values)
        for name in ("zos", "thetao"):
            true, usual = blocks(test.truth, name), blocks(train.truth.mean("time"), name)
            values = {"oi": analysis[name].values, "background": test.background[name].values}
            both = np.isfinite(true) & np.isfinite(values["oi"])
            rmse = {}
            for who, field in values.items():
                rmse[who] = pooled(np.where(both, field - true, np.nan), area)
                npt.assert_allclose(got[who, name, "rmse"], rmse[who], rtol=1e-5)
            # The background has more cells than the analysis: both are scored on those of the analysis.
            assert (np.isfinite(true) & np.isfinite(values["background"])).sum() > both.sum()
            share = 100 * (both * area).sum() / (np.isfinite(true) * area).sum()
            npt.assert_allclose(got["oi", name, "covered"], share, atol=1.0)
            gain = 100 * (1 - rmse["oi"] / rmse["background"])
            npt.assert_allclose(got["oi", name, "improvement"], gain, atol=1e-3)
            weight = np.broadcast_to(area, true.shape)[both]
            a, b = (values["oi"] - usual)[both], (true - usual)[both]
            acc = (weight * a * b).sum() / np.sqrt((weight * a**2).sum() * (weight * b**2).sum())
            npt.assert_allclose(got["oi", name, "acc"], acc, rtol=1e-4)
        closer = np.abs(values["oi"] - true) - np.abs(values["background"] - true)
        always = both.all(0)
        share = np.average(closer.mean(0)[always] < 0, weights=np.broadcast_to(area, always.shape)[always])
        npt.assert_allclose(got["oi", "thetao", "improved"], 100 * share, atol=0.5)

    def test_the_analysis_is_that_of_assimilate(self, folder, evaluated):
        experiment = open_experiment(folder)
        first = experiment.select("test").background.isel(time=[1])
        seen = experiment.tree(first.time.values, "10D")
        alone = adaf_xr.assimilate(seen, first, model="oi", grid=first).compute()
        written = xr.open_zarr(evaluated[0] / "oi.zarr", consolidated=False).sel(time=first.time)
        npt.assert_allclose(written.zos, alone.zos, atol=1e-6)

    def test_the_table_of_adaf_ocean_has_a_row_for_each_day_and_variable(self, evaluated):
        table = pd.read_csv(evaluated[0] / "calc_metrics_oi.csv")
        assert list(table.columns) == ["time", "variable", *COLUMNS]
        assert len(table) == 4 * 5
        assert table[list(COLUMNS)].notna().all().all()

    def test_what_is_said_and_written_tells_what_was_evaluated(self, evaluated):
        out, result = evaluated
        said = " ".join(result.stderr.split())
        assert "experiment small-v1 at" in said
        assert "evaluated: test, 4 times from 2012-10-04 to 2012-10-07" in said
        assert "zos [m]" in result.stdout
        about = json.loads((out / "scores.json").read_text())
        assert about["split"] == "test"
        assert about["models"] == {"oi": "oi"}

    def test_on_the_grid_of_the_truth_the_truth_stays_as_it_is_and_models_stand_side_by_side(self, folder, tmp_path):
        box = ("--region", -63, -57, 35, 41)
        how = ("--data", folder, "--grid", 0.5, *box, "--every", 3, "--no-climatology", "--against", "again=oi")
        result = call("evaluate", "fine=oi", *how, "--out", tmp_path)
        assert result.exit_code == 0, result.output
        analysis = xr.open_zarr(tmp_path / "fine.zarr", consolidated=False)
        assert analysis.time.values.astype("M8[D]").astype(str).tolist() == ["2012-10-04", "2012-10-07"]
        truth = open_experiment(folder).truth.sel(time=analysis.time)
        truth = truth.sel(latitude=slice(35, 41), longitude=slice(-63, -57))
        npt.assert_array_equal(analysis.longitude, truth.longitude)
        got = pd.read_csv(tmp_path / "scores.csv").set_index(["analysis", "variable", "score"])["value"].sort_index()
        area = cell_area(truth.latitude.values, truth.longitude.values)
        npt.assert_allclose(got["fine", "zos", "rmse"], pooled(analysis.zos.values - truth.zos.values, area), rtol=1e-5)
        assert got["fine", "zos", "rmse"] == got["again", "zos", "rmse"]
        assert ("fine", "zos", "acc") not in got.index

    def test_only_what_a_model_analyses_is_scored(self, folder, tmp_path, monkeypatch):
        shift = MeanShift(spec=replace(SPEC, variables=("zos",)))
        monkeypatch.setitem(engines.ASSIMILATION, "shift", lambda: shift)
        how = ("--data", folder, "--time", "2012-10-05", "--no-climatology", "--out", tmp_path)
        result = call("evaluate", "shift", *how)
        assert result.exit_code == 0, result.output
        assert set(pd.read_csv(tmp_path / "calc_metrics_shift.csv")["variable"]) == {"zos"}
        assert set(xr.open_zarr(tmp_path / "shift.zarr", consolidated=False).data_vars) == {"zos", "zos_std"}

    def test_days_far_apart_are_analysed_as_among_all_and_see_no_other_days(self, folder, tmp_path, monkeypatch):
        shift = MeanShift(spec=replace(SPEC, variables=("zos",), window=(DAY, 0 * DAY)))
        monkeypatch.setitem(engines.ASSIMILATION, "shift", lambda: shift)
        asked, tree = [], OpenExperiment.tree
        monkeypatch.setattr(OpenExperiment, "tree", lambda self, *a: asked.append(a[0]) or tree(self, *a))
        how = ("--data", folder, "--period", "test=2012-10-05,2012-10-16", "--no-climatology", "--out")
        stores = []
        for every in (1, 5):
            result = call("evaluate", "shift", *how, tmp_path / str(every), "--every", every)
            assert result.exit_code == 0, result.output
            stores.append(xr.open_zarr(tmp_path / str(every) / "shift.zarr", consolidated=False).load())
        assert [len(times) for times in asked] == [11, 1, 1, 1]
        assert float(stores[1].zos_std.max()) < 1.0
        xr.testing.assert_equal(stores[0].sel(time=stores[1].time), stores[1])

    def test_lazy_fields_have_the_same_scores(self, folder, evaluated, monkeypatch):
        test = open_experiment(folder).select("test")
        analysis = xr.open_zarr(evaluated[0] / "oi.zarr", consolidated=False)[["zos"]]
        truth, first = (on_grid(ds[["zos"]], analysis) for ds in (test.truth, test.background))
        sheets = []
        for size in (0, 2**40):
            monkeypatch.setattr("adaf_xr.cli.judging.SMALL", size)
            sheets.append(Judged.of(truth, {"oi": analysis, "background": first}, None).sheet.table())
        pd.testing.assert_frame_equal(*sheets)

    def test_an_interrupted_evaluation_goes_on(self, folder, evaluated, tmp_path):
        out = tmp_path / "out"
        shutil.copytree(evaluated[0], out)
        before = pd.read_csv(out / "scores.csv")
        (out / "scores.csv").unlink()
        refused(call("evaluate", "oi", "--data", folder, "--out", out), "oi.zarr exists", "--resume")
        times = {path: path.stat().st_mtime_ns for path in (out / "oi.zarr").rglob("c/*") if path.is_file()}
        result = call("evaluate", "oi", "--data", folder, "--out", out, "--resume")
        assert result.exit_code == 0, result.output
        pd.testing.assert_frame_equal(pd.read_csv(out / "scores.csv"), before)
        assert times == {path: path.stat().st_mtime_ns for path in times}

    def test_an_interruption_says_how_to_go_on(self, folder, tmp_path, monkeypatch):
        def interrupted(*_, **__):
            raise KeyboardInterrupt

        monkeypatch.setattr("adaf_xr.inference.store.write", interrupted)
        result = call("evaluate", "oi", "--data", folder, "--no-climatology", "--out", tmp_path)
        assert result.exit_code == INTERRUPTED
        assert "interrupted: the same command with --resume goes on" in result.stderr


class TestPlaces:
    def test_a_region_has_the_scores_that_land_forbids_the_whole(self, folder, tmp_path):
        box = (-63.0, -55.0, 34.0, 43.0)
        how = ("--data", folder, "--region", *box, "--no-climatology", "--out", tmp_path)
        result = call("evaluate", "oi", *how)
        assert result.exit_code == 0, result.output
        analysis = xr.open_zarr(tmp_path / "oi.zarr", consolidated=False)
        assert (float(analysis.longitude.min()), float(analysis.latitude.max())) == (-62.5, 42.5)
        test = open_experiment(folder).select("test")
        truth = xr.Dataset({"zos": (analysis.zos.dims, blocks(test.truth, "zos"))}, test.background.coords)
        here = truth.zos.sel(latitude=analysis.latitude, longitude=analysis.longitude)
        got = pd.read_csv(tmp_path / "scores.csv").set_index(["analysis", "variable", "score"])["value"].sort_index()
        area = cell_area(analysis.latitude.values, analysis.longitude.values)
        npt.assert_allclose(got["oi", "zos", "rmse"], pooled(analysis.zos.values - here.values, area), rtol=1e-5)
        assert "tau_uv" in got["oi", "uo, vo"].index
        assert "missing, and it needs them all" not in result.stdout

    def test_a_truth_that_is_interpolated_is_told(self, folder, tmp_path):
        how = ("--data", folder, "--grid", 0.25, "--region", -60, -57, 37, 40, "--no-climatology", "--out", tmp_path)
        result = call("evaluate", "oi", *how, "--time", "2012-10-05")
        assert result.exit_code == 0, result.output
        note = "the truth of 0.5 degrees is interpolated to the 0.25 degrees of the analysis"
        assert note in " ".join(result.stdout.split())
        assert any(note in each for each in json.loads((tmp_path / "scores.json").read_text())["notes"])


class TestTimes:
    """What anomalies are taken from, and when a gain is no chance."""

    BOX = ("--region", -60, -57, 37, 40)

    def test_what_is_scored_takes_no_part_in_the_climatology(self, folder, tmp_path):
        spans = ("--period", "train=2012-10-02,2012-10-10", "--period", "test=2012-10-08,2012-10-16")
        result = call("evaluate", "oi", "--data", folder, *self.BOX, *spans, "--out", tmp_path)
        assert result.exit_code == 0, result.output
        notes = json.loads((tmp_path / "scores.json").read_text())["notes"]
        said = "climatology: mean truth of 5 times of training from 2012-10-03 to 2012-10-07, none of them scored"
        assert said in notes
        experiment = open_experiment(folder)
        analysis = xr.open_zarr(tmp_path / "oi.zarr", consolidated=False)
        truth = on_grid(experiment.truth[["zos"]], analysis).zos.compute()
        usual = truth.sel(time=slice("2012-10-03", "2012-10-07")).mean("time")
        a, b = (ds - usual for ds in (analysis.zos, truth.sel(time=analysis.time)))
        weight = np.broadcast_to(cell_area(a.latitude.values, a.longitude.values), a.shape)
        acc = (weight * a * b).sum() / np.sqrt((weight * a**2).sum() * (weight * b**2).sum())
        table = pd.read_csv(tmp_path / "scores.csv").set_index(["analysis", "variable", "score"])
        npt.assert_allclose(table.loc[("oi", "zos", "acc"), "value"], float(acc), rtol=1e-4)
        # Eight days have intervals, and each holds its gain.
        gain = table.loc[("oi", "zos", "improvement")]
        assert gain["low"] < gain["value"] < gain["high"]

    def test_without_a_period_of_training_it_says_why_there_is_no_acc(self, folder, tmp_path):
        how = ("--period", "test=2012-10-05,2012-10-06", "--out", tmp_path)
        result = call("evaluate", "oi", "--data", folder, *self.BOX, *how)
        assert result.exit_code == 0, result.output
        assert "no climatology: there is no period 'train'; --period train=START,STOP names one" in result.stdout
        scores = pd.read_csv(tmp_path / "scores.csv").set_index(["analysis", "variable", "score"])
        assert ("oi", "zos", "acc") not in scores.index
        assert np.isnan(scores.loc[("oi", "zos", "improvement"), "low"])


class TestPublishedData:
    """The network of the published system from its own folder, on data in its own layout."""

    HOW = ("--region", -45, -24, 20, 31, "--time", "2020-01-03")

    @pytest.fixture(scope="class")
    @staticmethod
    def experiment(tmp_path_factory):
        """A network in the folder layout of a published experiment."""
        folder = tmp_path_factory.mktemp("published") / "exp_dir"
        write_published(folder, thinned(seed=0))
        return folder

    def test_its_table_has_the_columns_of_the_script_and_the_numbers_of_assimilate(
        self, published_sample, experiment, tmp_path
    ):
        result = call("evaluate", experiment, "--data", published_sample, *self.HOW, "--out", tmp_path)
        assert result.exit_code == 0, result.output
        table = pd.read_csv(tmp_path / "calc_metrics_exp_dir.csv")
        assert ",".join(table.columns[2:]) == (
            "rmse,weighted_rmse,rmse_bg,weighted_rmse_bg,rmse_clima,weighted_rmse_clima,"
            "acc,weighted_acc,acc_bg,weighted_acc_bg,corr,corr_bg,corr_clima"
        )
        assert set(table["variable"]) == {"thetao", "so", "uo", "vo", "zos"}
        assert table.notna().all().all()
        seen = open_observations("adaf_ocean", root=published_sample, time="2020-01-03", window=("1D", "0D"))
        first, truth = (
            open_source("adaf_ocean", name, root=published_sample, time="2020-01-03")
            for name in ("background", "glorys")
        )
        alone = adaf_xr.assimilate(seen, first, model=str(experiment), region=self.HOW[1:5], grid=first).compute()
        wrong = (alone.zos - canonical(truth).zos.sel(alone[["latitude", "longitude"]].coords)).values
        got = table.set_index("variable").loc["zos"]
        npt.assert_allclose(got["rmse"], np.sqrt(np.nanmean(wrong**2)), rtol=1e-4)

    def test_sources_that_are_missing_are_told_and_noted(self, published_sample, experiment, tmp_path):
        data = shutil.copytree(published_sample, tmp_path / "data")
        for path in (data / "SST").glob("20200102*"):
            path.unlink()
        shutil.rmtree(data / "SSS")
        result = call("evaluate", experiment, "--data", data, *self.HOW, "--out", tmp_path / "out")
        assert result.exit_code == 0, result.output
        told = " ".join(result.stderr.split())
        notes = " ".join(json.loads((tmp_path / "out" / "scores.json").read_text())["notes"])
        for text in (told, notes):
            assert "has no file for 2020-01-02" in text
            assert "sss gives nothing" in text

    def test_anomalies_need_a_topography_and_all_models_are_refused_before_one_works(
        self, published_sample, experiment, tmp_path
    ):
        how = ("--data", published_sample, *self.HOW, "--no-climatology", "--against", "oi", "--out", tmp_path / "out")
        refused(call("evaluate", experiment, *how), "sea level anomalies", "mean dynamic topography")
        assert not (tmp_path / "out").exists()
        axes = {"latitude": np.arange(-89.0, 90, 2), "longitude": np.arange(1.0, 360, 2)}
        mean = mean_state("observed", *axes.values()).zos
        xr.Dataset({"mdt": (tuple(axes), mean, {"units": "m"})}, axes).to_netcdf(tmp_path / "mdt.nc")
        result = call("evaluate", experiment, *how, "--mdt", tmp_path / "mdt.nc")
        assert result.exit_code == 0, result.output
        got = (
            pd.read_csv(tmp_path / "out" / "scores.csv")
            .set_index(["analysis", "variable", "score"])["value"]
            .sort_index()
        )
        assert got["oi", "zos", "rmse"] < got["exp_dir", "zos", "rmse"]
        # All of them on the same cells, so that their gains are ratios of their errors.
        for name in ("oi", "exp_dir"):
            ratio = got[name, "thetao", "rmse"] / got["background", "thetao", "rmse"]
            npt.assert_allclose(got[name, "thetao", "improvement"], 100 * (1 - ratio), atol=1e-3)


class TestModels:
    def test_a_run_means_its_best_weights(self, tmp_path):
        run = tmp_path / "run"
        (run / "checkpoints").mkdir(parents=True)
        for name in ("config.yaml", "data.json"):
            (run / name).write_text("{}")
        with pytest.raises(FileNotFoundError, match=r"has no checkpoints/best.safetensors yet.*adaf train --resume"):
            named([str(run)])
        best = run / "checkpoints" / "best.safetensors"
        best.write_text("")
        assert named([str(run), "oi"]) == {"run": str(best), "oi": "oi"}
        assert named([str(best)]) == {"run": str(best)}
        assert named([f"ours={run}"]) == {"ours": str(best)}

    def test_names_must_tell_models_apart(self):
        with pytest.raises(ValueError, match="cannot be named 'oi' here"):
            named(["oi", "oi"])
        with pytest.raises(ValueError, match="cannot be named 'background' here"):
            named(["background=oi"])

    def test_a_name_is_one_that_files_can_bear(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert named(["."]) == {tmp_path.name: "."}
        for wrong in ("a/b=oi", "=oi"):
            with pytest.raises(ValueError, match=r"is no name, for files bear it.*ours=oi"):
                named([wrong])

    def test_what_cannot_be_evaluated_says_why(self, folder, tmp_path):
        here = ("--data", folder, "--out", tmp_path / "x")
        refused(call("evaluate", "oi"), "adaf evaluate oi --data DIR")
        refused(call("evaluate", "oj", *here), "unknown model 'oj'", "did you mean 'oi'?")
        refused(call("evaluate", "oi", *here, "--against", "oj"), "unknown model 'oj'")
        assert not (tmp_path / "x").exists()
        refused(call("evaluate", "adaf-ocean-cnp", *here), "comes without weights", "adaf train adaf-ocean-cnp")
        refused(call("evaluate", "oi", *here, "--split", "tset"), "no period 'tset'", "'test'")
        refused(call("evaluate", "oi", *here, "--time", "2013-01-01"), "does not have 2013-01-01", "2012-10-04")


class TestGrids:
    @staticmethod
    def field(latitude, longitude, seed=0):
        values = np.random.default_rng(seed).normal(size=(2, latitude.size, longitude.size))
        axes = {"latitude": latitude, "longitude": longitude}
        return xr.Dataset({"zos": (("time", *axes), values)}, axes)

    @given(st.sampled_from([2, 3, 4]), st.integers(0, 5), st.sampled_from([0.0, -180.0]))
    @settings(max_examples=15)
    def test_means_over_cells_keep_the_mean_of_the_globe(self, factor, seed, start):
        step = 10.0 / factor
        rows, columns = np.arange(18 * factor) + 0.5, np.arange(36 * factor) + 0.5
        fine = self.field(rows * step - 90, columns * step + start, seed)
        coarse = xr.Dataset(coords={"latitude": np.arange(-85.0, 90, 10), "longitude": np.arange(5.0, 360, 10)})
        means = []
        for ds in (fine, on_grid(fine, coarse)):
            area = np.broadcast_to(cell_area(ds.latitude.values, ds.longitude.values), ds.zos.shape)
            means.append((ds.zos.values * area).sum((1, 2)) / area.sum((1, 2)))
        npt.assert_allclose(*means, atol=1e-6)

    def test_cells_around_whole_degrees_take_what_lies_about_them_across_the_seam(self):
        fine = self.field(np.arange(-89.75, 90, 0.5), np.arange(-179.75, 180, 0.5))
        nodes = xr.Dataset(coords={"latitude": np.arange(-90.0, 90), "longitude": np.arange(0.0, 360)})
        found = on_grid(fine, nodes).zos
        around = fine.zos.sel(latitude=[9.75, 10.25], longitude=[-0.25, 0.25])
        npt.assert_allclose(found.sel(latitude=10, longitude=0), around.mean(("latitude", "longitude")), atol=2e-3)
        around = fine.zos.sel(latitude=[9.75, 10.25], longitude=[179.75, -179.75])
        npt.assert_allclose(found.sel(latitude=10, longitude=180), around.mean(("latitude", "longitude")), atol=2e-3)

    def test_land_takes_no_part_and_what_is_land_alone_stays_so(self):
        fine = self.field(np.array([0.25, 0.75, 1.25, 1.75]), np.array([0.25, 0.75, 1.25, 1.75]))
        fine.zos[:, :2, :2] = np.nan
        fine.zos[:, 2, 2:] = np.nan
        found = on_grid(fine, xr.Dataset(coords={"latitude": [0.5, 1.5], "longitude": [0.5, 1.5]})).zos
        assert np.isnan(found[:, 0, 0]).all()
        npt.assert_allclose(found[:, 1, 1], fine.zos[:, 3, 2:].mean("longitude"), rtol=1e-6)

    def test_the_same_grid_is_left_alone_and_a_finer_one_is_interpolated(self):
        ds = self.field(np.arange(0.5, 4), np.arange(0.5, 4))
        assert on_grid(ds, ds) is ds
        finer = xr.Dataset(coords={"latitude": [1.0, 1.25, 1.5], "longitude": [1.0, 1.25, 1.5]})
        found = on_grid(ds, finer).zos
        npt.assert_allclose(found[:, 0, 0], ds.zos[:, :2, :2].mean(("latitude", "longitude")))
        npt.assert_allclose(found[:, 2, 2], ds.zos[:, 1, 1])

    def test_cells_that_do_not_nest_are_refused(self):
        fine = self.field(np.arange(0.2, 4, 0.4), np.arange(0.2, 4, 0.4))
        with pytest.raises(ValueError, match="do not nest"):
            on_grid(fine, xr.Dataset(coords={"latitude": [0.5, 1.5], "longitude": [0.5, 1.5]})).load()

    def test_it_stays_lazy(self, nothing_computes):
        fine = self.field(np.arange(0.25, 4, 0.5), np.arange(0.25, 4, 0.5)).chunk(time=1)
        found = on_grid(fine, xr.Dataset(coords={"latitude": [0.5, 1.5], "longitude": [0.5, 1.5]}))
        assert found.zos.chunks == ((1, 1), (2,), (2,))
