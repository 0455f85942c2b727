"""`adaf score`: its numbers are those of the metrics, and what it cannot or must not score it says."""

import io
import json
import re
from importlib import import_module

import numpy as np
import numpy.testing as npt
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from adaf_xr import metrics
from adaf_xr.cf.canonical import VARIABLES
from adaf_xr.cli import app, inputs, report
from adaf_xr.cli.score import named
from adaf_xr.grids import regrid
from adaf_xr.inference.comparison import (
    along_track,
    climatology_of,
    compare,
    compare_at_points,
    error_maps,
    match,
    sampled,
    spectra,
)
from adaf_xr.sphere import cell_area

LAT, LON = 30.25 + 0.5 * np.arange(14), -60.25 + 0.5 * np.arange(18)
TIME = pd.date_range("2012-10-01", periods=12).values.astype("datetime64[ns]")


def sea(seed=0, names=("zos",), time=TIME, lat=LAT, lon=LON, depth=None) -> xr.Dataset:
    """Smooth random waves that travel."""
    rng = np.random.default_rng(seed)
    days = (time - TIME[0]) / np.timedelta64(1, "D")
    fields = {}
    for name in names:
        deep = depth is not None and name in ("thetao", "so")
        shape = (time.size, len(depth), lat.size, lon.size) if deep else (time.size, lat.size, lon.size)
        total = np.zeros(shape)
        for _ in range(6):
            k, ell, omega, phase, z = rng.normal(size=5)
            wave = 2 * k * lon[None, None, :] + 2 * ell * lat[None, :, None] + omega * days[:, None, None] + phase
            total += np.stack([np.sin(wave + z * d) for d in depth], 1) if deep else np.sin(wave)
        dims = ("time", "depth", "latitude", "longitude") if deep else ("time", "latitude", "longitude")
        offset = {"thetao": 15.0, "so": 35.0, "zos": 0.3}.get(name, 0.0)
        fields[name] = (dims, offset + 0.1 * total, {"units": VARIABLES[name].units})
    coords = {"time": time, "latitude": lat, "longitude": lon}
    coords |= {} if depth is None else {"depth": ("depth", list(depth), {"units": "m", "positive": "down"})}
    return xr.Dataset(fields, coords)


def near(truth: xr.Dataset, error: float, seed: int) -> xr.Dataset:
    """The truth with white errors of a standard deviation; its units are kept."""
    rng = np.random.default_rng(seed)
    return truth.map(lambda da: (da + rng.normal(0.0, error, da.shape)).assign_attrs(da.attrs))


@pytest.fixture
def adaf(tmp_path, monkeypatch):
    """Run `adaf score ...` in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, pictures: bool = False):
        how = [] if pictures else ["--no-pictures"]
        return CliRunner().invoke(app, ["score", *map(str, arguments), *how], env={"COLUMNS": "200"})

    return run


def scores(path="scores/scores.csv") -> pd.Series:
    """The csv by (analysis, variable, score), of what has no depth."""
    table = pd.read_csv(path)
    return table[table["depth"].isna()].set_index(["analysis", "variable", "score"])["value"]


def assert_refused(result, *parts: str) -> None:
    assert result.exit_code == 2, result.output
    assert len(result.stderr.strip().splitlines()) == 1
    for part in parts:
        assert part in result.stderr


def weighted(values: xr.DataArray) -> float:
    """Mean over everything, cells by their area."""
    return float(np.average(values, weights=np.broadcast_to(cell_area(LAT, LON), values.shape)))


class TestAgainstATruth:
    @pytest.fixture(scope="class")
    @staticmethod
    def run(tmp_path_factory):
        """A whole run: two analyses in two formats, background, climatology, currents, spread."""
        folder = tmp_path_factory.mktemp("score")
        truth = sea(names=("zos", "uo", "vo"))
        fields = {"truth": truth, "a": near(truth, 0.02, 1), "b": near(truth, 0.05, 2), "first": near(truth, 0.1, 3)}
        usual = truth.mean("time", keep_attrs=True)
        fields["a"]["zos_std"] = (0.0 * truth.zos + 0.03).assign_attrs(units="m")
        fields["truth"].to_zarr(folder / "truth.zarr", consolidated=False)
        fields["a"].to_zarr(folder / "a.zarr", consolidated=False)
        fields["b"].to_netcdf(folder / "b.nc")
        fields["first"].to_netcdf(folder / "first.nc")
        usual.to_netcdf(folder / "usual.nc")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            inputs = ["--truth", "truth.zarr", "--background", "first.nc", "--climatology", "usual.nc"]
            result = CliRunner().invoke(
                app, ["score", "oi=a.zarr", "b.nc", *inputs, "--no-pictures"], env={"COLUMNS": "200"}
            )
        assert result.exit_code == 0, result.output
        return result, fields, usual, folder / "scores"

    def test_pooled_scores_are_those_written_out_by_hand(self, run):
        _, fields, usual, folder = run
        got = scores(folder / "scores.csv")
        for label, name in (("oi", "a"), ("b", "b"), ("background", "first")):
            for key in ("zos", "uo"):
                x, y, c = fields[name][key].values, fields["truth"][key].values, usual[key].values
                e = x - y
                npt.assert_allclose(got[label, key, "rmse"], weighted(e**2) ** 0.5, rtol=1e-9)
                npt.assert_allclose(got[label, key, "bias"], weighted(e), rtol=1e-6)
                npt.assert_allclose(got[label, key, "mae"], weighted(abs(e)), rtol=1e-9)
                a, b = x - c, y - c
                acc = weighted(a * b) / (weighted(a**2) * weighted(b**2)) ** 0.5
                npt.assert_allclose(got[label, key, "acc"], acc, rtol=1e-9)
        ratio = got["oi", "zos", "rmse"] / got["background", "zos", "rmse"]
        npt.assert_allclose(got["oi", "zos", "improvement"], 100 * (1 - ratio), rtol=1e-9)
        npt.assert_allclose(got["oi", "zos", "spread_skill"], 0.03 / got["oi", "zos", "rmse"], rtol=1e-6)

    def test_scales_are_those_of_the_metrics_room(self, run):
        _, fields, _, folder = run
        got, truth, a = scores(folder / "scores.csv"), fields["truth"], fields["a"]
        error = np.sqrt(((a.zos - truth.zos) ** 2).mean()) / np.sqrt((truth.zos**2).mean())
        npt.assert_allclose(got["oi", "zos", "mu"], 1 - error, rtol=1e-9)
        scales = metrics.lambda_x_t(a.zos, truth.zos)
        npt.assert_allclose([got["oi", "zos", f"lambda_{x}"] for x in "xt"], scales, rtol=1e-6)
        tau = metrics.tau(a.uo, a.vo, truth.uo, truth.vo)
        for part in ("uv", "vorticity", "divergence", "strain"):
            npt.assert_allclose(got["oi", "uo, vo", f"tau_{part}"], float(tau[part]), rtol=1e-6)

    def test_the_sheet_is_tidy_and_json_holds_the_same(self, run):
        _, _, _, folder = run
        table = pd.read_csv(folder / "scores.csv")
        assert list(table.columns) == [
            *("against", "analysis", "variable", "depth", "score", "value", "unit", "low", "high")
        ]
        assert not table.duplicated(["against", "analysis", "variable", "depth", "score"]).any()
        assert table.loc[table["score"] == "rmse", "unit"].tolist() == [
            VARIABLES[v].units for v in table.loc[table["score"] == "rmse", "variable"]
        ]
        bounded = table[table["score"].isin(["rmse", "improvement"]) & (table["analysis"] == "oi")]
        assert ((bounded["low"] <= bounded["value"]) & (bounded["value"] <= bounded["high"])).all()
        about = json.loads((folder / "scores.json").read_text())
        assert [row["value"] for row in about["scores"]] == pytest.approx(table["value"].tolist())
        assert about["scores"][0]["depth"] is None
        assert {gap["score"] for gap in about["missing"]} >= {"spread_skill", "crps"}

    def test_what_is_printed_says_the_numbers_the_gains_and_the_gaps(self, run):
        result, _, _, folder = run
        got = scores(folder / "scores.csv")
        line = next(line for line in result.stdout.splitlines() if line.startswith("zos [m]"))
        assert f"{got['oi', 'zos', 'rmse']:.4f}" in line
        assert f"{round(got['oi', 'zos', 'improvement']):+d}%*" in line  # eighty percent better is no chance
        assert "λx [°]" in result.stdout
        assert re.search(r"no spread_skill, crps of oi uo, b uo and 3 more: it needs standard errors", result.stdout)

    def test_no_number_is_cut_short_on_a_narrow_terminal(self, run, adaf):
        _, _, _, folder = run
        sheet = report.tables(pd.read_csv(folder / "scores.csv"), 80)
        console = Console(width=80, record=True, file=io.StringIO())
        for table in sheet:
            console.print(table)
        printed = console.export_text()
        assert "…" not in printed
        numbers = pd.read_csv(folder / "scores.csv").query("score in ('rmse', 'mae', 'crps')")["value"]
        assert all(f"{number:.4f}" in printed for number in numbers)
        assert all(heading in printed for heading in ("spread/skill", "λx, all [°]", "resolution [km]", "τ strain [%]"))


def test_what_only_a_background_or_a_climatology_has_is_not_scored(adaf):
    truth = sea(names=("zos", "uo", "thetao"))
    truth.to_netcdf("truth.nc")
    near(truth[["zos"]], 0.05, 1).to_netcdf("oi.nc")
    near(truth[["zos", "uo"]], 0.1, 2).to_netcdf("first.nc")
    how = ("--truth", "truth.nc", "--background", "first.nc", "--climatology", "truth.nc", "--calc-metrics")
    result = adaf("oi.nc", *how, "--time", "2012-10-03")
    assert result.exit_code == 0, result.output
    assert set(pd.read_csv("scores/scores.csv")["variable"]) == {"zos"}


def test_a_single_map_has_a_spectrum_but_none_in_time():
    matched = match(sea(), {"oi": near(sea(), 0.05, 1)}, time="2012-10-03")
    found = spectra(matched, "zos")
    assert "psd_score" not in found
    npt.assert_allclose(found.score, 1.0 - found.error / found.truth)
    assert "psd_score" in spectra(match(sea(), {"oi": near(sea(), 0.05, 1)}), "zos")


def test_a_climatology_of_the_catalog_is_of_other_times_than_those_scored(adaf):
    import adaf_xr

    adaf_xr.open_source("demo", "background", time="2020-01-02")[["zos"]].to_netcdf("oi.nc")
    how = ("--catalog", "demo", "--truth", "truth", "--climatology", "truth", "--time", "2020-01-02", "--regrid")
    result = adaf("oi.nc", *how)
    assert result.exit_code == 0, result.output
    assert "of 4 times that are not scored" in result.stdout
    assert -1.0 < scores()["oi", "zos", "acc"] < 1.0


@pytest.mark.parametrize("cells", [2**25, 5 * LAT.size * LON.size])
def test_maps_of_mean_errors_are_those_of_each_cell_in_however_many_pieces(monkeypatch, cells):
    monkeypatch.setattr(import_module("adaf_xr.inference.comparison.error_maps"), "CELLS", cells)
    truth = sea(names=("zos", "thetao"), depth=(100.0, 0.5))
    fields = {"oi": near(truth, 0.05, 1), "background": near(truth[["thetao"]], 0.1, 2)}
    matched = match(truth, fields)
    for key, names in (("zos", ["oi"]), ("thetao", ["oi", "background"])):
        maps = error_maps(matched, key)
        assert list(maps) == names
        for name in names:
            error = fields[name][key] - truth[key]
            error = error.sel(depth=0.5) if key == "thetao" else error
            npt.assert_allclose(maps[name][f"{key}_bias"], error.mean("time"), atol=1e-12)
            npt.assert_allclose(maps[name][f"{key}_rmse"], (error**2).mean("time") ** 0.5, rtol=1e-9)
            assert maps[name][f"{key}_rmse"].attrs["units"] == truth[key].attrs["units"]


def test_the_usual_pictures_are_drawn(adaf, tmp_path):
    sea().to_netcdf("truth.nc")
    near(sea(), 0.05, 1).to_netcdf("oi.nc")
    near(sea(), 0.1, 2).to_netcdf("first.nc")
    result = adaf("oi.nc", "--truth", "truth.nc", "--background", "first.nc", pictures=True)
    assert result.exit_code == 0, result.output
    scales = {f"psd_score_zos_{name}.png" for name in ("oi", "background")}
    drawn = {"maps_zos.png", "errors_zos.png", "spectra_zos.png", "scorecard.png"} | scales
    assert {path.name for path in (tmp_path / "scores").glob("*.png")} == drawn
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in (tmp_path / "scores").glob("*.png"))
    assert all(name in result.stdout for name in drawn)


def test_the_table_of_adaf_ocean_is_written_beside(adaf):
    truth = sea(names=("zos", "thetao"), depth=(0.5, 100.0))
    oi, first = near(truth, 0.05, 1), near(truth, 0.1, 2)
    for name, ds in {"truth": truth, "oi": oi, "first": first, "usual": truth.mean("time", keep_attrs=True)}.items():
        ds.to_netcdf(f"{name}.nc")
    how = ("--truth", "truth.nc", "--background", "first.nc", "--climatology", "usual.nc", "--variable", "zos")
    assert adaf("oi.nc", *how, "--calc-metrics").exit_code == 0
    table = pd.read_csv("scores/calc_metrics_oi.csv", parse_dates=["time"]).set_index(["time", "variable"])
    of_a_day = table.loc[(TIME[3], "zos")]
    error, anomaly, true = ((oi - truth).zos[3], *((ds - truth.mean("time")).zos[3] for ds in (oi, truth)))
    npt.assert_allclose(of_a_day["rmse"], float((error**2).mean() ** 0.5), rtol=1e-9)
    npt.assert_allclose(of_a_day["weighted_rmse"], weighted(error**2) ** 0.5, rtol=1e-9)
    acc = weighted(anomaly * true) / (weighted(anomaly**2) * weighted(true**2)) ** 0.5
    npt.assert_allclose(of_a_day["weighted_acc"], acc, rtol=1e-9)
    assert len(table) == 12


def test_without_a_background_few_times_and_land_say_why_scores_are_missing(adaf):
    truth = sea(names=("zos", "uo", "vo"), time=TIME[:3])
    holed = truth.where(truth.longitude > -60)
    holed.to_netcdf("truth.nc")
    near(holed, 0.01, 1).to_netcdf("oi.nc")
    result = adaf("oi.nc", "--truth", "truth.nc", "--region", -59.9, -53, 30, 36)
    assert result.exit_code == 0, result.output
    assert re.search(r"no lambda_x, lambda_t.*: 3 values along time are too few", result.stdout)
    assert "it needs a background (--background)" in result.stdout
    assert not any(score in scores() for score in ("lambda_x", "improvement"))
    result = adaf("oi.nc", "--truth", "truth.nc", "--out", "land")
    assert re.search(
        r"no lambda_x, .*resolution, tau_uv.* of oi zos, oi uo, vo: 42 of 756 values are missing", result.stdout
    )
    unfiltered = metrics.tau(*(xr.open_dataset("oi.nc")[k] for k in ("uo", "vo")), holed.uo, holed.vo, filter=None)
    npt.assert_allclose(scores("land/scores.csv")["oi", "uo, vo", "tau_uv_unfiltered"], float(unfiltered.uv), rtol=1e-6)


def test_a_globe_has_no_scales_of_a_region(adaf):
    truth = sea(lat=np.arange(-40.0, 50.0, 20.0), lon=np.arange(0.0, 360.0, 20.0))
    truth.to_netcdf("truth.nc")
    near(truth, 0.1, 1).to_netcdf("oi.nc")
    result = adaf("oi.nc", "--truth", "truth.nc")
    assert "it is a score of a region: choose one with --region" in result.stdout
    assert ("oi", "zos", "mu") in scores()


class TestGrids:
    def test_another_grid_is_an_error_that_says_which(self, adaf):
        sea().to_netcdf("truth.nc")
        sea(lat=np.arange(30.5, 37), lon=np.arange(-60.0, -51)).to_netcdf("coarse.nc")
        result = adaf("fine=truth.nc", "coarse.nc", "--truth", "truth.nc")
        theirs, ours = "coarse lies on 1° (7 × 9 cells", "the truth on 0.5° (14 × 18 cells from 30.25 N, -60.25 E)"
        assert_refused(result, theirs, ours, "--regrid")

    @pytest.mark.parametrize("shift", [0.1, 0.25], ids=["a fifth of a cell", "half a cell"])
    def test_shifted_cells_are_another_grid(self, shift):
        with pytest.raises(ValueError, match="the grids differ: moved lies on"):
            match(sea(), {"moved": sea(lon=LON + shift)})

    def test_a_thinned_or_denser_grid_is_no_common_grid(self):
        for step in (slice(None, None, 2), slice(None, None, 3)):
            with pytest.raises(ValueError, match="the grids differ"):
                match(sea(), {"thin": sea().isel(longitude=step)})
            with pytest.raises(ValueError, match="the grids differ"):
                match(sea().isel(latitude=step), {"dense": sea()})

    def test_regridding_is_bilinear_and_leaves_the_land_of_the_truth_out(self, adaf):
        truth = sea().where((LON > -58)[None, None, :])
        coarse = sea(3, lat=np.arange(30.0, 38), lon=np.arange(300.0, 310))
        truth.to_netcdf("truth.nc")
        coarse.to_netcdf("coarse.nc")
        result = adaf("coarse.nc", "--truth", "truth.nc", "--regrid")
        assert result.exit_code == 0, result.output
        assert "coarse is interpolated bilinearly, from 1° (8 × 10 cells from 30 N, 300 E) to 0.5°" in result.stdout
        axes = (coarse.latitude, coarse.longitude - 360.0, LAT, LON)
        error = regrid(coarse.zos.values, *axes) - truth.zos.values
        area = np.broadcast_to(cell_area(LAT, LON), error.shape)[np.isfinite(error)]
        expected = np.sqrt(np.average(error[np.isfinite(error)] ** 2, weights=area))
        npt.assert_allclose(scores()["coarse", "zos", "rmse"], expected, rtol=1e-9)

    def test_regridding_stays_lazy(self, nothing_computes):
        lazy = {"coarse": sea(lat=np.arange(30.5, 37), lon=np.arange(-60.0, -51)).chunk(time=3)}
        matched = match(sea().chunk(time=2), lazy, regrid=True, region=(-59, -54, 31, 35))
        assert matched.fields["coarse"].zos.chunks[0] == (3, 3, 3, 3)

    @settings(max_examples=25, deadline=None)
    @given(st.integers(0, 17), st.booleans(), st.booleans(), st.integers(0, 3), st.floats(-720.0, 720.0))
    def test_the_same_cells_under_other_labels_are_the_same_cells(self, cut, descending, transposed, margin, west):
        globe = sea(lat=np.arange(-60.0, 70.0, 20.0), lon=np.arange(-170.0, 180.0, 20.0), time=TIME[:1])
        other = globe.roll(longitude=cut, roll_coords=True)
        other = other.assign_coords(longitude=other.longitude % 360.0 + np.float32(1e-5))
        other = other.isel(latitude=slice(None, None, -1)) if descending else other
        other = other.transpose("longitude", "latitude", "time") if transposed else other
        other = other.isel(latitude=slice(margin, None))
        for region in (None, (west, west + 90.0, -90.0, 90.0)):
            matched = match(globe, {"other": other}, region=region)
            npt.assert_array_equal(matched.fields["other"].zos, matched.truth.zos)
            assert (np.diff(matched.truth.longitude) > 0).all()
            assert matched.truth.zos.size

    def test_boxes_and_times_that_not_all_have_are_left_out_and_named(self):
        box = {"latitude": slice(2, 9), "longitude": slice(3, 12), "time": slice(1, 7)}
        matched = match(sea(), {"whole": sea(1), "part": sea(2).isel(box)})
        assert matched.truth.sizes == matched.fields["whole"].sizes == {"time": 6, "latitude": 7, "longitude": 9}
        assert matched.notes == [
            "part has 6 of the 12 times",
            "all are scored at the 6 times that all have",
            "all are scored on 7 × 9 cells that all have, of 14 × 18",
        ]
        npt.assert_array_equal(matched.fields["whole"].zos, sea(1).zos.isel(box))

    def test_grids_that_nowhere_meet_are_refused(self):
        with pytest.raises(ValueError, match=r"no cells in common|the grids differ"):
            match(sea(), {"far": sea(lat=LAT + 20.0)})


class TestTimesAndDepths:
    def test_a_period_is_half_open_and_a_day_is_all_of_it(self):
        twice = sea(time=pd.date_range("2012-10-01", periods=24, freq="12h").values.astype("datetime64[ns]"))
        here = match(twice, {"x": twice}, period=("2012-10-02", "2012-10-04")).truth
        assert [str(t)[:13] for t in here.time.values] == [f"2012-10-0{d}T{h}" for d in (2, 3) for h in ("00", "12")]
        assert match(twice, {"x": twice}, time=["2012-10-03"]).truth.sizes["time"] == 2
        with pytest.raises(ValueError, match=r"no time in period .*: it has 2012-10-01 to 2012-10-12T12:00"):
            match(twice, {"x": twice}, period=("2013-01-01", "2013-02-01"))

    def test_other_hours_are_other_times(self):
        noon = sea(time=TIME + np.timedelta64(12, "h"))
        with pytest.raises(ValueError, match=r"no time in common: x has 2012-10-01T12:00 .* the hours must agree too"):
            match(sea(), {"x": noon})
        with pytest.raises(ValueError, match="x has no time, and others have"):
            match(sea(), {"x": sea().isel(time=0, drop=True)})
        with pytest.raises(ValueError, match=r"the times of x are repeated .*drop_duplicates"):
            match(sea(), {"x": sea().isel(time=[0, 0, 1])})

    def test_single_maps_are_scored_too(self):
        one = sea().isel(time=0, drop=True)
        sheet = compare(match(one, {"x": near(one, 0.1, 1)})).sheet
        assert any("the fields have no time" in reason for reason in sheet.reasons())
        assert {row.score for row in sheet.rows} == {"rmse", "bias", "mae", "correlation", "covered"}

    def test_levels_are_scored_apart_and_chosen_by_depth(self, adaf):
        truth = sea(names=("zos", "thetao"), depth=(0.5, 100.0, 500.0))
        shifted = truth.assign(thetao=truth.thetao + xr.DataArray([0.1, 0.2, 0.4], dims="depth"))
        shifted.thetao.attrs["units"] = "degC"
        truth.to_netcdf("truth.nc")
        shifted.assign_coords(depth=[0.494, 100.2, 500.0]).drop_vars("zos").to_netcdf("oi.nc")
        assert adaf("oi.nc", "--truth", "truth.nc").exit_code == 0
        table = pd.read_csv("scores/scores.csv")
        bias = table[table["score"] == "bias"].set_index("depth")["value"]
        assert bias.to_dict() == pytest.approx({0.5: 0.1, 100.0: 0.2, 500.0: 0.4})
        assert adaf("oi.nc", "--truth", "truth.nc", "--depth", 100).exit_code == 0
        assert set(pd.read_csv("scores/scores.csv")["depth"]) == {100.0}
        assert_refused(adaf("oi.nc", "--truth", "truth.nc", "--depth", 50), "no depth of 50 m, it has 0.5, 100, 500")

    def test_a_surface_is_no_level_unless_one_is_chosen(self):
        truth = sea(names=("thetao",), depth=(0.5, 100.0))
        surface = truth.isel(depth=0, drop=True)
        with pytest.raises(
            ValueError, match=r"the truth has thetao at depths of 0.5, 100 m and x without depth.*--depth"
        ):
            match(truth, {"x": surface})
        matched = match(truth, {"x": surface}, depth=[0.5])
        npt.assert_array_equal(matched.fields["x"].thetao, matched.truth.thetao)
        assert matched.truth.thetao.sizes["depth"] == 1
        matched = match(surface, {"x": truth}, depth=[0.5])
        npt.assert_array_equal(matched.fields["x"].thetao, surface.thetao)
        with pytest.raises(ValueError, match=r"no depth in common: x has 7 m, the truth 0.5, 100 m"):
            match(truth, {"x": truth.isel(depth=[0]).assign_coords(depth=[7.0])})


class TestClimatology:
    def test_a_training_period_leaves_out_what_is_scored(self):
        days = pd.date_range("2011-01-01", "2012-12-31").values.astype("datetime64[ns]")
        season = xr.DataArray(np.cos(2 * np.pi * np.arange(days.size) / 365.25), {"time": days}, ["time"])
        flat = xr.DataArray(
            np.ones((2, 2)), {"latitude": [0.5, 1.5], "longitude": [0.5, 1.5]}, ["latitude", "longitude"]
        )
        training = (season * flat).rename("zos").assign_attrs(units="m").to_dataset()
        spoilt = training.where((training.time < TIME[0]) | (training.time > TIME[-1]), 4.0)
        one, other = (climatology_of(ds, TIME, []).zos for ds in (training, spoilt))
        npt.assert_array_equal(one, other)
        assert float(abs(one[:, 0, 0] - season.sel(time=TIME)).max()) < 0.1

    def test_one_that_lacks_the_season_gives_its_mean_and_says_so(self):
        spring = sea(time=pd.date_range("2012-03-01", periods=20).values.astype("datetime64[ns]"))
        usual = climatology_of(spring, TIME, notes := [])
        npt.assert_allclose(usual.zos[3], spring.zos.mean("time"))
        assert "they lack days of the year that are" in notes[0]

    def test_days_of_the_year_and_the_very_times_are_taken_as_they_are(self):
        days = sea(time=pd.date_range("2012-01-01", periods=366).values.astype("datetime64[ns]"))
        by_day = days.rename(time="dayofyear").assign_coords(dayofyear=np.arange(1, 367))
        npt.assert_array_equal(climatology_of(by_day, TIME, []).zos, days.zos.sel(time=TIME))
        npt.assert_array_equal(climatology_of(sea(5), TIME, []).zos, sea(5).zos)


def points(n=400, seed=0, days=11.0) -> xr.Dataset:
    """Points in time order between cells and days."""
    rng = np.random.default_rng(seed)
    time = np.sort(rng.random(n)) * days * 86400e9
    columns = {
        "longitude": ("obs", rng.uniform(LON[0], LON[-1], n)),
        "latitude": ("obs", rng.uniform(LAT[0], LAT[-1], n)),
        "depth": ("obs", np.zeros(n)),
        "time": ("obs", TIME[0] + time.astype("timedelta64[ns]")),
    }
    return xr.Dataset({"zos": ("obs", rng.normal(size=n))}, columns, {"featureType": "point", "source": "ssh"})


class TestAgainstObservations:
    @staticmethod
    def plane(time=TIME) -> xr.Dataset:
        """A field that interpolation reproduces."""
        days = (time - TIME[0]) / np.timedelta64(1, "D")
        values = 0.01 * LON[None, None, :] + 0.02 * LAT[None, :, None] + 0.03 * days[:, None, None]
        coords = {"time": time, "latitude": LAT, "longitude": LON}
        return xr.Dataset({"zos": (tuple(coords), values, {"units": "m"})}, coords)

    @staticmethod
    def along(ds: xr.Dataset) -> np.ndarray:
        days = (ds.time.values - TIME[0]) / np.timedelta64(1, "D")
        return 0.01 * ds.longitude.values + 0.02 * ds.latitude.values + 0.03 * days

    def test_scores_are_those_of_the_innovations(self, adaf):
        obs = points()
        error = obs.zos.values.copy() * 0.05
        track = xr.Dataset(
            {"adt_unfiltered": ("time", self.along(obs) - error, {"units": "m"})},
            {"time": obs.time.values, "latitude": ("time", obs.latitude.values, {"units": "degrees_north"}),
             "longitude": ("time", obs.longitude.values, {"units": "degrees_east"})},
        )  # fmt: skip
        track.to_netcdf("track.nc")
        self.plane().to_netcdf("oi.nc")
        (self.plane() + 0.2).map(lambda da: da.assign_attrs(units="m")).to_netcdf("first.nc")
        result = adaf("oi.nc", "--obs", "ssh=track.nc", "--background", "first.nc")
        assert result.exit_code == 0, result.output
        got = scores()
        npt.assert_allclose(got["oi", "zos", "rmse"], np.sqrt((error**2).mean()), rtol=1e-5)
        npt.assert_allclose(got["oi", "zos", "bias"], error.mean(), rtol=1e-4)
        npt.assert_allclose(got["background", "zos", "bias"], error.mean() + 0.2, rtol=1e-5)
        npt.assert_allclose(got["oi", "zos", "improved"], 100 * (abs(error) < abs(error + 0.2)).mean(), rtol=1e-6)
        days = track.time.values.astype("datetime64[D]")
        y = track.adt_unfiltered.values
        daily = [1 - np.sqrt((error[days == d] ** 2).sum() / (y[days == d] ** 2).sum()) for d in np.unique(days)]
        npt.assert_allclose(got["oi", "zos", "mu"], np.mean(daily), rtol=1e-5)
        assert set(pd.read_csv("scores/scores.csv")["against"]) == {"ssh"}
        assert "Scores against observations (ssh)" in result.stdout
        assert re.search(r"no lambda_x of oi zos against ssh.*: ", result.stdout)

    def test_region_period_and_days_choose_points(self):
        obs, field = points(), self.plane()
        inside = (obs.longitude > -58) & (obs.longitude < -55) & (obs.latitude > 31) & (obs.latitude < 34)
        kept = sampled([obs], {"x": field}, region=(-58, -55, 31, 34))["ssh"]
        npt.assert_array_equal(np.isfinite(kept.truth.zos), inside)
        npt.assert_allclose(kept.fields["x"].zos[inside.values], self.along(obs)[inside.values], rtol=1e-9)
        day = (obs.time >= TIME[2]) & (obs.time < TIME[3])
        for how in ({"time": ["2012-10-03"]}, {"period": ("2012-10-03", "2012-10-04")}):
            npt.assert_array_equal(np.isfinite(sampled([obs], {"x": field}, **how)["ssh"].truth.zos), day)

    def test_each_source_is_scored_apart(self):
        tree = xr.DataTree.from_dict({"ssh": points(50), "insitu": points(60).assign_attrs(source="insitu")})
        found = sampled([tree, points(70)], {"x": self.plane()})
        assert {name: matched.truth.sizes["obs"] for name, matched in found.items()} == {
            "ssh": 50,
            "insitu": 60,
            "ssh 2": 70,
        }

    def test_it_stays_lazy(self, nothing_computes):
        obs = points().chunk(obs=100)
        kept = sampled([obs], {"x": self.plane().chunk(time=1)}, region=(-58, -55, 31, 34), time=["2012-10-03"])
        assert kept["ssh"].fields["x"].zos.chunks == ((100, 100, 100, 100),)

    def test_all_fields_are_scored_at_the_points_that_all_have(self):
        obs, field = points(), self.plane()
        few = field.isel(time=slice(3, 6), longitude=slice(2, 12))
        kept = sampled([obs], {"x": field, "few": few})["ssh"]
        here = np.isfinite(kept.fields["few"].zos.values)
        assert 20 < here.sum() < 150
        table = compare_at_points(kept, "ssh").sheet.table().set_index(["analysis", "score"])["value"]
        assert here.sum() == np.isfinite(kept.truth.zos).sum()
        error = (self.along(obs) - obs.zos.values)[here]
        npt.assert_allclose(table["x", "rmse"], np.sqrt((error**2).mean()), rtol=1e-9)
        # Half a step before its first and after its last time a field stands still.
        npt.assert_allclose(table["few", "rmse"], table["x", "rmse"], rtol=0.01)

    def test_points_that_are_not_scored_need_no_time(self):
        obs = points()
        obs["time"][-3:] = np.datetime64("NaT", "ns")
        found = along_track(sampled([obs], {"x": self.plane()})["ssh"], "ssh").table().set_index("score")["value"]
        whole = along_track(sampled([obs.isel(obs=slice(-3))], {"x": self.plane()})["ssh"], "ssh").table()
        npt.assert_allclose(found["mu"], whole.set_index("score")["value"]["mu"], rtol=1e-12)

    @pytest.mark.parametrize(
        ("asked", "passed"),
        [
            (["--period", "2020-01-01", "2020-01-02"], ("2020-01-01", "2020-01-02")),
            (["--time", "2020-01-02"], ["2020-01-02"]),
            ([], (np.datetime64("2020-01-01T12"), np.datetime64("2020-01-04T12"))),
        ],
    )
    def test_a_catalog_gives_what_was_seen_around_the_times_scored(self, adaf, monkeypatch, asked, passed):
        import adaf_xr

        adaf_xr.open_source("demo", "truth")[["zos"]].isel(time=[1, 2, 3]).to_netcdf("oi.nc")
        given = []

        def opened(*_, **how):
            given.append(how)
            raise ValueError("enough")

        monkeypatch.setattr(inputs, "observations", opened)
        assert_refused(adaf("oi.nc", "--catalog", "demo", *asked), "enough")
        assert given[0]["time"] == passed

    def test_nothing_in_common_is_an_error(self):
        with pytest.raises(ValueError, match=r"the observations have \['zos'\] and the fields \['thetao'\]"):
            sampled([points()], {"x": sea(names=("thetao",))})


@pytest.mark.parametrize(
    "stored", [None, (1, 7, 6), (5, 14, 18), (12, 4, 4)], ids=["in one", "tiles", "times", "series"]
)
@pytest.mark.parametrize("kind", ["nc", "zarr"])
def test_files_are_read_in_pieces_of_whole_maps_however_they_are_cut(
    tmp_path, monkeypatch, kind, stored, nothing_computes
):
    monkeypatch.setattr(inputs, "PIECE", 3 * LAT.size * LON.size * 8)
    ds, path = sea(), tmp_path / f"x.{kind}"
    key = "chunksizes" if kind == "nc" else "chunks"
    encoding = {} if stored is None else {"zos": {key: stored}}
    if kind == "nc":
        ds.to_netcdf(path, encoding=encoding)
    else:
        ds.to_zarr(path, encoding=encoding, consolidated=False)
    pieces = inputs.open_in_pieces(path).zos
    assert pieces.chunks[1:] == ((LAT.size,), (LON.size,))
    # Whole stored chunks where they are not much larger than a piece.
    native = 1 if stored is None else stored[0]
    expected = 12 if stored is None and kind == "zarr" else max(1, 3 // native) * native
    assert pieces.chunks[0][0] == expected
    npt.assert_array_equal(pieces.data.compute(scheduler="synchronous"), ds.zos)


class TestRefusals:
    def test_what_is_asked_for_must_make_sense(self, adaf):
        sea().to_netcdf("a.nc")
        sea(names=("thetao",)).to_netcdf("t.nc")
        assert_refused(adaf("a.nc"), "--truth", "--obs")
        assert_refused(adaf("a.nc", "--obs", "a.nc", "--depth", 5), "--depth", "are for a truth")
        assert_refused(adaf("gone.nc", "--truth", "a.nc"), "gone.nc does not exist")
        assert_refused(adaf("t.nc", "--truth", "a.nc"), "t has ['thetao'] and the truth ['zos']: nothing to compare")
        assert_refused(adaf("a.nc", "--truth", "a.nc", "--region", 0, 10, 50, 40), "south below north")
        assert_refused(adaf("a.nc", "--truth", "a.nc", "--region", -60.3, -60.2, 30, 36), "two a side")
        assert_refused(adaf("a.nc", "--truth", "nowhere", "--catalog", "demo"), "nowhere")

    def test_analyses_are_told_apart_by_name(self, tmp_path):
        for folder in ("one", "two"):
            (tmp_path / folder).mkdir()
            sea().to_netcdf(tmp_path / folder / "a.nc")
        one, two = (str(tmp_path / folder / "a.nc") for folder in ("one", "two"))
        assert list(named([one, f"b={two}"])) == ["a", "b"]
        with pytest.raises(ValueError, match="two analyses are named 'a'"):
            named([one, two])
        with pytest.raises(ValueError, match="cannot be named 'background'"):
            named([f"background={one}"])

    def test_a_spread_in_another_unit_is_no_spread(self):
        ds = sea().assign(zos_std=(0.0 * sea().zos + 3.0).assign_attrs(units="cm"))
        with pytest.raises(ValueError, match=r"zos_std is in 'cm': give it in the unit of its variable, 'm'"):
            match(sea(), {"x": ds})


def test_the_demonstration_can_be_scored_from_its_catalog(adaf):
    import adaf_xr

    truth = adaf_xr.open_source("demo", "truth", time="2020-01-02")
    (truth.zos + 0.1).rename("zos").assign_attrs(units="m").to_dataset().to_zarr("oi.zarr", consolidated=False)
    how = ("--truth", "truth", "--background", "background", "--regrid", "--time", "2020-01-02")
    result = adaf("oi.zarr", "--catalog", "demo", *how)
    assert result.exit_code == 0, result.output
    assert scores()["oi", "zos", "bias"] == pytest.approx(0.1, rel=1e-5)
    assert ("background", "zos", "rmse") in scores()
