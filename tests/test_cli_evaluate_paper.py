"""`adaf evaluate` of models of several days: what they see, and the table of the 4DVarNet paper."""

import io
import json
from dataclasses import replace

import numpy as np
import numpy.testing as npt
import pandas as pd
import pytest
import torch
import xarray as xr
from evaluating import call, refused
from rich.console import Console
from swell import NADIRS, SMALL

import adaf_xr
from adaf_xr import checkpoint
from adaf_xr.cli.evaluate import named
from adaf_xr.cli.paper import sheet_of, shown, table_of
from adaf_xr.inference import engines
from adaf_xr.inference.comparison import paper_sheet
from adaf_xr.metrics import PUBLISHED_ROWS, lambda_x_t, paper_scores, tau, tau_from_ssh
from adaf_xr.metrics.published_rows import COLUMNS
from adaf_xr.models.fourdvarnet import network_for, small
from adaf_xr.models.fourdvarnet.weights import checkpoint_of
from adaf_xr.models.weights import weights_of
from adaf_xr.normalisation import standard
from adaf_xr.osse.experiment import open_experiment, simulate
from adaf_xr.osse.splits import periods

BOX = (-65.0, -55.0, 33.0, 43.0)
NORMALISATION = {"ssh": standard(0.0, 0.3), "currents": standard(0.0, 0.3), "sst": standard(18.0, 3.0)}

EXPERIMENT = replace(
    SMALL,
    name="waves-v1",
    systems=(*NADIRS, "sst"),
    splits=periods(
        test=("2012-10-06", "2012-10-11"), validation=("2012-10-16", "2012-10-18"), train=("2012-10-21", "2012-10-24")
    ),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small experiment seen by two altimeters and in temperature."""
    return simulate(EXPERIMENT, tmp_path_factory.mktemp("osse") / "waves")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Checkpoints of small networks by their names."""
    made = tmp_path_factory.mktemp("weights")
    for name in ("unet-ssh", "unet-ssh-sst"):
        configuration = small(name, days=3, width=3)
        held = weights_of(network_for(configuration, seed=0))
        checkpoint.write(
            checkpoint_of(configuration, held, NORMALISATION, {"spacing": 0.5}), made / f"{name}.safetensors"
        )
    return made


@pytest.fixture(scope="module")
def evaluated(folder, weights, tmp_path_factory):
    """Both of them over the test period, the second under clouds too, and what was said."""
    out = tmp_path_factory.mktemp("evaluation") / "out"
    how = ("--data", folder, "--grid", 0.5, "--no-climatology", "--sst", "both", "--out", out)
    against = ("--against", weights / "unet-ssh-sst.safetensors")
    result = call("evaluate", "unet-ssh", "--checkpoint", weights / "unet-ssh.safetensors", *against, *how)
    assert result.exit_code == 0, result.output
    return out, result


def opened(out, name):
    return xr.open_zarr(out / f"{name}.zarr", consolidated=False).load()


def inside(ds):
    west, east, south, north = BOX
    return ds.sel(latitude=slice(south, north), longitude=slice(west, east))


class TestAnalyses:
    def test_heights_are_interpolated_on_all_days_of_all_windows(self, folder, evaluated):
        found = opened(evaluated[0], "interpolated")
        expected = np.arange("2012-10-05", "2012-10-12", dtype="M8[D]")
        npt.assert_array_equal(found.time.values.astype("M8[D]"), expected)
        npt.assert_array_equal(np.diff(found.latitude), 0.5)
        assert found.latitude.min() > 32.0 and found.longitude.max() < -54.0  # where anything was observed
        experiment = open_experiment(folder)
        day = np.datetime64("2012-10-05")
        first = experiment.background[["zos"]].sel(time=[day])
        alone = adaf_xr.assimilate(experiment.tree(day), first, model="oi", grid=0.5, region=experiment.region)
        npt.assert_allclose(found.zos[0], alone.zos[0], atol=1e-6)

    def test_an_analysis_is_that_of_these_heights(self, folder, weights, evaluated):
        out, _ = evaluated
        experiment, first = open_experiment(folder), opened(evaluated[0], "interpolated")[["zos"]]
        days = experiment.select("test").truth.time.values
        model = str(weights / "unet-ssh.safetensors")
        alone = adaf_xr.assimilate(experiment.tree(days, "3D"), first, model=model, time=days, grid=0.5).compute()
        written = opened(out, "unet-ssh")
        for name in ("zos", "uo", "vo"):
            npt.assert_allclose(written[name], alone[name], atol=1e-6)

    def test_temperature_is_the_truth_or_what_was_seen(self, folder, weights, evaluated):
        out, result = evaluated
        experiment, first = open_experiment(folder), opened(out, "interpolated")[["zos"]]
        days = experiment.select("test").truth.time.values
        truth = experiment.truth[["thetao"]].sel(time=first.time, latitude=first.latitude, longitude=first.longitude)
        seen, model = experiment.tree(days, "3D"), str(weights / "unet-ssh-sst.safetensors")
        heights = experiment.tree(days, "3D", NADIRS)
        for name, obs, bg in (
            ("unet-ssh-sst", heights, first.assign(thetao=truth.thetao)),
            ("unet-ssh-sst-clouds", seen, first),
        ):
            alone = adaf_xr.assimilate(obs, bg, model=model, time=days, grid=0.5).compute()
            npt.assert_allclose(opened(out, name).zos, alone.zos, atol=1e-5)
        assert "unet-ssh-sst sees the temperature of the truth, without gaps" in result.stdout


class TestTable:
    def test_scores_are_those_of_the_paper_in_the_evaluation_box(self, folder, evaluated):
        out, _ = evaluated
        table = pd.read_csv(out / "paper.csv", index_col=["data", "analysis"])
        field, truth = (inside(ds) for ds in (opened(out, "unet-ssh"), open_experiment(folder).select("test").truth))
        maps = [ds[name].load() for ds in (field, truth) for name in ("uo", "vo", "zos")]
        expected = paper_scores(*maps)
        row = table.loc["waves-v1", "unet-ssh"]
        for name, value in expected.items():
            npt.assert_allclose(row[name], value, rtol=1e-4)

    def test_geostrophic_rows_are_smoothed_as_published(self, folder, evaluated):
        out, _ = evaluated
        table = pd.read_csv(out / "paper.csv", index_col=["data", "analysis"])
        truth = inside(open_experiment(folder).select("test").truth).load()
        heights = inside(opened(out, "interpolated")).sel(time=truth.time)
        for name, height in (("true SSH, geostrophy", truth), ("OI, geostrophy", heights)):
            shares = tau_from_ssh(height.zos, truth.uo, truth.vo, sigma=1.0)
            row = table.loc["waves-v1", name]
            npt.assert_allclose(row["test_var_mse_curl"], shares.vorticity, rtol=1e-4)
            npt.assert_allclose(row["test_var_mse_div"], shares.divergence, rtol=1e-4)
        assert table.loc["waves-v1", "true SSH, geostrophy"]["test_mu"] == 1.0

    @pytest.mark.parametrize(("spacing", "cells"), [(0.05, 4.0), (0.1, 2.0), (0.5, 1.0)])
    def test_interpolations_are_smoothed_over_as_many_degrees_as_published(self, spacing, cells):
        rng = np.random.default_rng(0)
        time = np.datetime64("2012-10-22", "ns") + np.arange(9) * np.timedelta64(1, "D")
        axes = {"time": time, "latitude": 33.0 + spacing * np.arange(20.0), "longitude": spacing * np.arange(20.0)}
        heights, truth = (
            xr.Dataset({name: (tuple(axes), rng.normal(size=(9, 20, 20))) for name in ("zos", "uo", "vo")}, axes)
            for _ in range(2)
        )
        table = table_of(sheet_of(truth, {"mine": heights, "own": heights}, None, ["mine"], None), "toy")
        shares = tau_from_ssh(heights.zos, truth.uo, truth.vo, sigma=cells)
        npt.assert_allclose(table.loc["toy", "mine, geostrophy"]["test_var_mse_strain"], shares.strain)
        npt.assert_allclose(table.loc["toy", "own"]["test_var_mse_uv"], tau(*self.maps(heights, truth)).uv)

    def maps(self, field, truth):
        return [ds[name] for ds in (field, truth) for name in ("uo", "vo")]

    def test_published_rows_are_there_and_say_of_what(self, evaluated):
        out, result = evaluated
        table = pd.read_csv(out / "paper.csv", index_col=["data", "analysis"])
        for name, scores in PUBLISHED_ROWS.items():
            assert table.loc["NATL60", name][list(COLUMNS)].to_dict() == scores
        said = " ".join(result.stdout.split())
        assert "those published of NATL60" in said
        assert "NATL60 4dvarnet-ssh-sst 0.76 0.61 2.7 2.5 97.4 92.1 46.9 87.2" in said

    def test_all_scores_are_shown_in_a_narrow_terminal(self, evaluated):
        table = pd.read_csv(evaluated[0] / "paper.csv", index_col=["data", "analysis"])
        console = Console(width=70, record=True, file=io.StringIO())
        for each in shown(table, 70):
            assert console.measure(each).maximum <= 70
            console.print(each)
        said = console.export_text()
        assert "97.4" in said and "87.2" in said and said.count("strain") == 1

    def test_robust_scales_are_those_of_all_lines(self, folder, evaluated):
        out, _ = evaluated
        table = pd.read_csv(out / "paper.csv", index_col=["data", "analysis"])
        truth = inside(open_experiment(folder).select("test").truth).load()
        heights = inside(opened(out, "interpolated")).sel(time=truth.time)
        expected = lambda_x_t(heights.zos, truth.zos, path="all")
        row = table.loc["waves-v1", "OI, geostrophy"]
        npt.assert_allclose(row[["test_lambda_x_all", "test_lambda_t_all"]].astype(float), expected, rtol=1e-4)

    def test_without_a_model_of_the_paper_it_is_for_who_asks(self, folder, tmp_path):
        how = ("--data", folder, "--region", *BOX, "--no-climatology", "--without", "sst")
        plain = call("evaluate", "oi", *how, "--every", 9, "--out", tmp_path / "plain")
        asked = call("evaluate", "oi", *how, "--paper", "--out", tmp_path / "asked")
        assert plain.exit_code == asked.exit_code == 0, plain.output + asked.output
        assert not (tmp_path / "plain" / "paper.csv").exists()
        rows = pd.read_csv(tmp_path / "asked" / "paper.csv")
        # Nothing observed the currents of optimal interpolation, so that those of its height are scored.
        assert set(rows.loc[rows["data"] == "waves-v1", "analysis"]) == {"true SSH, geostrophy", "oi, geostrophy"}

    def test_scores_that_cannot_be_had_are_told(self):
        time = np.datetime64("2012-10-22", "ns") + np.arange(3) * np.timedelta64(1, "D")
        axes = {"time": time, "latitude": 33.0 + 0.1 * np.arange(12.0), "longitude": 0.1 * np.arange(12.0)}
        rng = np.random.default_rng(0)
        short = xr.Dataset({name: (tuple(axes), rng.normal(size=(3, 12, 12))) for name in ("zos", "uo", "vo")}, axes)
        sheet = paper_sheet(short, {"ours": short}, None, {})
        assert not sheet.rows and "test_var_mse_uv" in {gap.score for gap in sheet.missing}
        assert list(table_of(sheet, "toy").index.get_level_values("data").unique()) == ["NATL60"]


class TestCommand:
    def test_the_period_of_a_model_is_written_down(self, evaluated):
        said = json.loads((evaluated[0] / "scores.json").read_text())
        assert set(said["models"]) == {"unet-ssh", "unet-ssh-sst"}

    def test_what_is_there_is_not_written_over(self, folder, weights, evaluated):
        out, _ = evaluated
        how = ("--data", folder, "--checkpoint", weights / "unet-ssh.safetensors", "--out", out)
        refused(call("evaluate", "unet-ssh", *how), "unet-ssh.zarr exists", "--resume")
        refused(
            call("evaluate", f"other={weights / 'unet-ssh.safetensors'}", *how[:2], *how[4:]),
            "interpolated.zarr exists",
        )

    def test_a_shipped_name_without_weights_says_how_to_train_it(self, folder, tmp_path, monkeypatch):
        monkeypatch.setattr("adaf_xr.inference.shipped.FOLDER", tmp_path)
        result = call("evaluate", "4dvarnet-ssh", "--data", folder, "--out", tmp_path)
        refused(result, "weights of '4dvarnet-ssh'", "adaf train 4dvarnet-ssh --data DATA --out RUN")

    def test_a_background_may_be_what_is_interpolated(self, folder, weights, tmp_path):
        days = [each for day in ("2012-10-07", "2012-10-08") for each in ("--time", day)]
        own = (*days, "--interpolated", "background", "--no-climatology", "--no-paper")
        model = weights / "unet-ssh.safetensors"
        result = call("evaluate", model, "--data", folder, *own, "--out", tmp_path / "own")
        refused(result, "trained on cells of 0.5 degrees", "the background has 1 degrees")


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A file of the lighter descendant as it was published, with random weights."""
    sizes = {"prior_cost.conv_in": (4, 3), "prior_cost.conv_hidden": (4, 4), "prior_cost.bilin_1": (4, 4)}
    sizes |= {"prior_cost.bilin_21": (4, 4), "prior_cost.bilin_22": (4, 4), "prior_cost.conv_out": (3, 8)}
    sizes |= {"grad_mod.gates": (20, 8), "grad_mod.conv_out": (3, 5)}
    torch.manual_seed(0)
    state = {f"{name}.weight": 0.1 * torch.randn(*size, 3, 3) for name, size in sizes.items()}
    state |= {f"{name}.bias": torch.zeros(size[0]) for name, size in sizes.items()}
    path = tmp_path_factory.mktemp("published") / "descendant.pth"
    torch.save(state, path)
    return path


class TestPublished:
    @pytest.fixture(autouse=True)
    def apart(self, monkeypatch, tmp_path):
        """Copies in our format are kept apart."""
        monkeypatch.setenv("ADAF_XR_CACHE", str(tmp_path / "cache"))

    def test_a_published_file_is_a_model(self, published):
        engine = engines.resolve(str(published), engines.ASSIMILATION, ("spec", "encode", "analyse"), None)
        assert (engine.spec.name, engine.spec.days, engine.spec.grid) == ("4dvarnet-ssh", 1, 0.1)
        assert engine.normalisation["ssh"] == standard(0.333135, 0.389343)
        assert engine.spec.provenance.endswith("published 4DVarNet layout, of the descendant")

    def test_it_is_converted_once(self, published, monkeypatch):
        first = engines.published_file(published)
        monkeypatch.setattr(engines, "_named", lambda _: pytest.fail("it is there already"))
        assert engines.published_file(published) == first

    def test_the_weights_of_a_name_may_be_such_a_file(self, published):
        found = named(["4dvarnet-ssh", "oi"], str(published))
        assert list(found) == ["4dvarnet-ssh", "oi"] and found["oi"] == "oi"
        assert checkpoint.describe(found["4dvarnet-ssh"]).provenance["file"] == published.name
        assert named(["mine=oi"], "run.safetensors") == {"mine": "run.safetensors"}
        with pytest.raises(ValueError, match="cannot be named 'interpolated' here"):
            named(["interpolated=oi"])
