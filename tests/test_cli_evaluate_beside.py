"""`adaf evaluate` of one model beside others: with settings of their own, refined, and as ratios of errors."""

import numpy as np
import numpy.testing as npt
import pandas as pd
import pytest
import xarray as xr
from evaluating import DAYS, analysed, call, evaluated, refused
from swell import SMALL

import adaf_xr
from adaf_xr.cli import report
from adaf_xr.cli.engine_file import engine_of
from adaf_xr.cli.judging import resolved
from adaf_xr.cli.ratios import ratios, shown
from adaf_xr.grids import regrid
from adaf_xr.inference.comparison import Matched
from adaf_xr.metrics import effective_resolution
from adaf_xr.models.optimal_interpolation import OptimalInterpolation
from adaf_xr.osse.experiment import open_experiment, simulate
from adaf_xr.sphere import cell_area


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small experiment with two altimeters."""
    return simulate(SMALL, tmp_path_factory.mktemp("osse") / "small")


class TestSettings:
    def test_a_file_of_settings_is_the_engine_with_these_arguments_beside_the_one_without(self, folder, tmp_path):
        file = tmp_path / "short.yaml"
        file.write_text("model: oi\nlength: {zos: 60}\nstd: {zos: 0.2}\nwindow: 6D\nneighbours: 12\n")
        scores, _ = evaluated(folder, tmp_path / "out", "--against", file)
        days = np.timedelta64(3, "D")
        engine = OptimalInterpolation(length={"zos": 60}, std={"zos": 0.2}, window=(days, days), neighbours=12)
        times = open_experiment(folder).background.sel(time=list(DAYS)).time.values
        alone = analysed(folder, open_experiment(folder).tree(times, "6D"), engine)
        written = xr.open_zarr(tmp_path / "out" / "short.zarr", consolidated=False)
        npt.assert_allclose(written.zos, alone.zos, atol=1e-6)
        npt.assert_allclose(written.zos_std, alone.zos_std, atol=1e-6)
        assert scores["oi", "zos", "rmse"] != scores["short", "zos", "rmse"]

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("length: 60", r"must say `model: oi`.*it says none"),
            ("model: 4dvarnet", r"must say `model: oi`.*it says model: 4dvarnet"),
            ("- oi", r"must say `model: oi`.*it says none"),
            ("model: [oi", "is no YAML"),
            ("model: oi\nlenght: 60", r"oi has no 'lenght'; did you mean 'length'\? It has length, time"),
            ("model: oi\nlength: {sst: 60}", r"length: nothing is called \['sst'\]"),
            ("model: oi\nstd: -1", r"std=-1 for thetao: it is a scale"),
            ("model: oi\nwindow: 6", r"window=6 is no span of time"),
            ("model: oi\nneighbours: many", r"own\.yaml: "),
        ],
    )
    def test_what_a_file_says_wrongly_is_told_with_its_name(self, tmp_path, text, message):
        file = tmp_path / "own.yaml"
        file.write_text(text)
        with pytest.raises(ValueError, match=message) as error:
            engine_of(str(file))
        assert str(error.value).startswith(str(file))

    def test_a_file_that_is_not_there_is_told_before_anything_is_written(self, folder, tmp_path):
        result = call("evaluate", "oi", "--against", "own.yaml", "--data", folder, "--out", tmp_path / "out")
        refused(result, "no file own.yaml: a name that ends in .yaml means settings of an engine")
        assert not (tmp_path / "out").exists()


class TestRefined:
    def test_beside_a_fine_analysis_stands_that_of_the_background_grid_interpolated(self, folder, tmp_path):
        how = ("--grid", 0.5, "--refined", "bilinear", "--refined", "cubic")
        scores, _ = evaluated(folder, tmp_path, *how, days=DAYS[:1])
        coarse = xr.open_zarr(tmp_path / "oi-coarse.zarr", consolidated=False).load()
        alone = analysed(folder, open_experiment(folder).tree(coarse.time.values, "10D"), days=DAYS[:1])
        npt.assert_allclose(coarse.zos, alone.zos, atol=1e-6)
        truth = open_experiment(folder).truth.sel(time=coarse.time)
        fine = xr.open_zarr(tmp_path / "oi.zarr", consolidated=False)
        truth = truth.zos.sel(latitude=fine.latitude, longitude=fine.longitude)
        area = np.broadcast_to(cell_area(fine.latitude.values, fine.longitude.values), truth.shape)
        axes = (coarse.latitude.values, coarse.longitude.values, fine.latitude.values, fine.longitude.values)
        made = {"bilinear": regrid(coarse.zos.values, *axes), "cubic": adaf_xr.upsample(coarse.zos, 2, model="cubic")}
        for rule, field in made.items():
            want = np.sqrt(np.average((np.asarray(field) - truth.values) ** 2, weights=area))
            npt.assert_allclose(scores[f"oi-{rule}", "zos", "rmse"], want, rtol=1e-5)

    def test_a_grid_that_is_no_finer_is_refused(self, folder, tmp_path):
        how = ("--data", folder, "--out", tmp_path / "out", "--refined", "cubic")
        for grid in ((), ("--grid", 1), ("--grid", 0.4)):
            said = "on the 1 degrees of the background", "such as 0.25"
            refused(call("evaluate", "oi", *how, *grid), "--refined compares with the analysis", *said)
        assert not (tmp_path / "out").exists()


class TestRatios:
    def test_they_are_quotients_of_the_scores_and_the_table_shows_them(self, folder, tmp_path):
        file = tmp_path / "wide.yaml"
        file.write_text("model: oi\nlength: 400")
        scores, result = evaluated(folder, tmp_path / "out", "--against", file, days=DAYS[:1])
        table = pd.read_csv(tmp_path / "out" / "ratios.csv").set_index(["analysis", "of", "variable"])
        for score in ("rmse", "mae"):
            for one, other in (("oi", "wide"), ("wide", "oi"), ("oi", "background")):
                want = scores[one, "zos", score] / scores[other, "zos", score]
                npt.assert_allclose(table.loc[(one, other, "zos"), score], want, rtol=1e-9)
        assert "RMSE as a share of that of" in result.stdout
        assert f"{table.loc[('wide', 'oi', 'zos'), 'rmse']:.3f}" in result.stdout

    def test_levels_keep_apart_and_what_another_lacks_is_no_ratio(self):
        rows = [
            ("ours", "thetao", 5.0, 1.0), ("ours", "thetao", 50.0, 3.0), ("ours", "zos", np.nan, 1.0),
            ("oi", "thetao", 50.0, 4.0), ("oi", "thetao", 5.0, 2.0),
        ]  # fmt: skip
        scores = pd.DataFrame(rows, columns=["analysis", "variable", "depth", "value"]).assign(score="rmse")
        scores = pd.concat([scores, scores.assign(score="mae")])
        found = ratios(scores).set_index(["analysis", "of", "variable", "depth"])["rmse"]
        assert found["ours", "oi", "thetao", 5.0] == 0.5
        assert found["ours", "oi", "thetao", 50.0] == 0.75
        assert ("ours", "oi", "zos") not in found.droplevel("depth").index

    def test_one_model_alone_needs_no_table(self):
        rows = [("oi", "zos", np.nan, "rmse", 1.0), ("background", "zos", np.nan, "rmse", 2.0)]
        rows += [(*row[:3], "mae", row[4]) for row in rows]
        table = ratios(pd.DataFrame(rows, columns=["analysis", "variable", "depth", "score", "value"]))
        assert table["rmse"].tolist() == [0.5]
        assert shown(table) == []


class TestResolved:
    def test_every_variable_and_field_has_the_scale_it_resolves_or_a_reason(self):
        rng = np.random.default_rng(0)
        axes = {"latitude": np.arange(0.5, 15), "longitude": np.arange(0.5, 30)}
        noise = [xr.DataArray(rng.normal(size=(15, 30)), axes, list(axes)) for _ in range(3)]
        truth = xr.Dataset({"zos": noise[0], "thetao": noise[1]})
        smooth = truth.rolling(latitude=3, longitude=3, center=True, min_periods=1).mean()
        island = truth.thetao.where((truth.longitude % 10 > 2) | (truth.latitude > 2))
        sheet = resolved(Matched(truth, {"ours": smooth, "background": truth.assign(thetao=island)}))
        found = {(row.analysis, row.variable): row.value for row in sheet.rows}
        assert set(found) == {("ours", "zos"), ("ours", "thetao"), ("background", "zos")}
        assert found["ours", "zos"] > found["background", "zos"]
        halves = [{"longitude": slice(0, 15)}, {"longitude": slice(15, 30)}]
        apart = [effective_resolution(smooth.zos.isel(half), truth.zos.isel(half)) for half in halves]
        assert 0.9 * min(apart) < found["ours", "zos"] < 1.1 * max(apart)
        (gap,) = sheet.missing
        assert (gap.analysis, gap.variable) == ("background", "thetao")
        assert "lacks land" in gap.reason

    def test_they_stand_in_the_table_with_the_coverage(self):
        rows = [("truth", "ours", "zos", np.nan, *score, np.nan, np.nan) for score in (
            ("rmse", 0.03, "m"), ("coverage_90", 91.0, "%"), ("resolved", 180.4, "km"))]  # fmt: skip
        names = ["against", "analysis", "variable", "depth", "score", "value", "unit", "low", "high"]
        (table,) = report.tables(pd.DataFrame(rows, columns=names), 200)
        headings = [column.header for column in table.columns]
        assert headings[-2:] == ["in 90%", "resolved km"]
        assert [next(iter(column.cells)) for column in table.columns][-2:] == ["91%", "180"]
