"""``adaf osse`` and the catalog ``osse``: the same experiment by command, by name and by catalog."""

import json
import re
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from swell import NADIRS, SMALL
from typer.testing import CliRunner

from adaf_xr import open_observations, open_source
from adaf_xr.catalog import EmptyCatalogWarning, describe
from adaf_xr.cli import app
from adaf_xr.metrics import rmse
from adaf_xr.osse import standard
from adaf_xr.osse.experiment import open_experiment, simulate
from adaf_xr.osse.observing import SYSTEMS
from adaf_xr.osse.opening import kind_of


@pytest.fixture
def adaf(tmp_path, monkeypatch):
    """Run `adaf ...` in an empty folder, with one more standard experiment, a small one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(standard.EXPERIMENTS, SMALL.name, SMALL)

    def run(*arguments: object):
        return CliRunner().invoke(app, [str(a) for a in arguments], prog_name="adaf", env={"COLUMNS": "160"})

    return run


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return open_experiment(simulate(SMALL, tmp_path_factory.mktemp("osse") / "small"))


def test_without_a_name_the_experiments_are_listed(adaf):
    listed = adaf("osse").stdout
    for name, plan in standard.EXPERIMENTS.items():
        assert re.search(rf"^{name} +{plan.nature.days} +{re.escape(plan.title[:30])}", listed, re.MULTILINE)


def test_the_command_makes_what_the_function_makes_and_says_what_it_made(adaf, tmp_path, small):
    result = adaf("osse", "small-v1", "--out", "made")
    assert result.exit_code == 0, result.output
    made = open_experiment(tmp_path / "made")
    assert made.manifest == small.manifest
    xr.testing.assert_identical(made.truth.compute(), small.truth.compute())
    error = made.manifest["background"]["rmse"]["zos"]
    for said in (
        "28 x 28, 24 days", "period test +2012-10-04 to 2012-10-08, excluded", "the periods are 4 days apart",
        r"nadir-reference \(on demand\), nadir-gfo \(stored\)", "the truth of 2 days before, in means of 2 x 2 cells",
        rf"zos {error:.3g} m", r"on disk +0\.\d+ MB", "experiment: made",
    ):  # fmt: skip
        assert re.search(said, result.stdout), said


def test_options_change_the_experiment(adaf, tmp_path):
    result = adaf("osse", "small-v1", "--out", "made", "--seed", 9, "--days", 18, "--no-noise")
    assert result.exit_code == 0, result.output
    made = open_experiment(tmp_path / "made")
    assert made.name == "small-v1-noise-free-18d"
    assert made.truth.sizes["time"] == 18
    assert made.manifest["experiment"]["seed"] == made.truth.attrs["seed"] == 9
    assert not made.manifest["experiment"]["noise"]


def test_a_single_period_needs_no_distance(adaf, tmp_path):
    result = adaf("osse", "small-v1", "--out", "made", "--days", 8)
    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / "made" / "experiment.json").read_text())["gap_days"] is None
    assert "apart" not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("small-v1",), "needs a folder: adaf osse small-v1 --out DIR"),
        (("smal", "--out", "a"), "no standard experiment 'smal': there are gulf-stream-v1"),
        (("small-v1", "--out", "occupied"), "is no experiment: write to another folder"),
    ],
)
def test_mistakes_are_one_paragraph(adaf, tmp_path, arguments, message):
    (tmp_path / "occupied").mkdir()
    (tmp_path / "occupied" / "thesis.tex").write_text("precious")
    result = adaf("osse", *arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ") and len(result.stderr.strip().splitlines()) == 1
    assert message in result.stderr


def test_an_interrupted_command_is_resumed(adaf, tmp_path, small):
    def stop(done, total):
        if done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(SMALL, tmp_path / "made", progress=stop)
    assert "--resume" in adaf("osse", "small-v1", "--out", "made").stderr
    assert adaf("osse", "small-v1", "--out", "made", "--resume").exit_code == 0
    xr.testing.assert_identical(open_experiment(tmp_path / "made").truth.compute(), small.truth.compute())


# --- the catalog ------------------------------------------------------------------------------------------------------


def test_the_catalog_has_every_observing_system_and_every_kind():
    rows = {row["source"]: row for row in describe("osse")}
    assert {"truth", "background", *SYSTEMS, *map(kind_of, SYSTEMS)} == set(rows)
    assert all(rows[name]["kind"] == kind_of(name) for name in SYSTEMS)


@pytest.mark.parametrize("part", ["truth", "background"])
def test_fields_are_opened_by_name_and_time(small, part):
    ds = open_source("osse", part, root=small.path, time=("2012-10-05", "2012-10-07"))
    xr.testing.assert_identical(ds, getattr(small, part).sel(time=slice("2012-10-05", "2012-10-07")))
    assert ds.zos.chunks


@pytest.mark.parametrize("system", NADIRS)
def test_systems_are_opened_by_name_and_time(small, system):
    day = open_source("osse", system, root=small.path, time="2012-10-05").compute()
    assert set(day.time.values.astype("M8[D]").astype(str)) == {"2012-10-05"}
    span = tuple(np.array(["2012-10-05", "2012-10-06"], "M8[ns]"))
    xr.testing.assert_identical(day, small.observe(system, span).compute())
    whole = open_source("osse", system, root=small.path)
    assert whole.sizes == small.observations[system].sizes


def test_all_altimeters_are_one_kind_and_what_is_absent_is_said_to_who_asks(small, monkeypatch):
    monkeypatch.setenv("ADAF_XR_OSSE", str(small.path))
    with pytest.warns(EmptyCatalogWarning, match="sst gives nothing: small-v1 at .* has no sst, only nadir-reference"):
        open_observations("osse", time="2012-10-06", window="4D", sources=["ssh", "sst"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tree = open_observations("osse", time="2012-10-06", window="4D")
    assert [node.path for node in tree.leaves] == ["/ssh/nadir-reference", "/ssh/nadir-gfo"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one = open_observations("osse", time="2012-10-06", window="4D", sources=["nadir-gfo"])
    how = {"model": "oi", "time": "2012-10-06", "grid": 0.5}
    background = small.background[["zos"]]
    both, alone = (t.adaf.assimilate(background, **how).compute() for t in (tree, one))
    xr.testing.assert_allclose(both, small.tree(time="2012-10-06", window="4D").adaf.assimilate(background, **how))
    assert not np.allclose(both.zos, alone.zos, equal_nan=True)


def test_what_the_experiment_lacks_is_named(small, tmp_path):
    with pytest.raises(FileNotFoundError, match="has no swot, only nadir-reference, nadir-gfo"):
        open_source("osse", "swot", root=small.path)
    with pytest.raises(FileNotFoundError, match="no experiment at"):
        open_source("osse", "truth", root=tmp_path)
    with pytest.raises(ValueError, match=r"the folder that adaf osse made.*ADAF_XR_OSSE"):
        open_source("osse", "truth")
    with pytest.warns(EmptyCatalogWarning, match="nothing was observed from 2015"):
        open_observations("osse", root=small.path, time="2015-10-06", sources=["ssh"])


def test_the_command_line_assimilates_an_experiment_and_scores_it(adaf, tmp_path, small):
    command = ("assimilate", "--catalog", "osse", "--set", f"root={small.path}", "--time", "2012-10-06", "--grid", 0.5)
    result = adaf(*command, "--out", "analysis.zarr")
    assert result.exit_code == 0, result.output
    analysis = xr.open_zarr(tmp_path / "analysis.zarr").zos
    how = ("--catalog", "osse", "--set", f"root={small.path}", "--truth", "truth", "--background", "background")
    result = adaf("score", "oi=analysis.zarr", *how, "--regrid", "--no-pictures")
    assert result.exit_code == 0, result.output
    scores = pd.read_csv(tmp_path / "scores" / "scores.csv").set_index(["analysis", "variable", "score"])["value"]
    truth = small.truth.zos.sel(time=analysis.time)
    assert scores["oi", "zos", "rmse"] == pytest.approx(float(rmse(analysis, truth, dim=truth.dims)), rel=1e-5)
    assert scores["oi", "zos", "rmse"] < scores["background", "zos", "rmse"]


def test_a_plan_of_ones_own_needs_no_name(tmp_path):
    mine = replace(SMALL, name="mine-v1", systems=(), stored=())
    assert open_experiment(simulate(mine, tmp_path / "mine")).name == "mine-v1"
