"""`adaf evaluate` of some of the observations: the analysis is that of those that are left."""

import json

import numpy.testing as npt
import pytest
import xarray as xr
from evaluating import DAYS, analysed, call, evaluated, refused
from swell import SMALL

from adaf_xr.cli.observed import Chosen
from adaf_xr.osse.experiment import open_experiment, simulate
from adaf_xr.points.selection import thinned


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small experiment with two altimeters."""
    return simulate(SMALL, tmp_path_factory.mktemp("osse") / "small")


class TestWithout:
    def test_the_analysis_is_that_of_the_systems_that_are_left(self, folder, tmp_path):
        evaluated(folder, tmp_path, "--without", "nadir-reference")
        times = open_experiment(folder).background.sel(time=list(DAYS)).time.values
        alone = analysed(folder, open_experiment(folder).tree(times, "10D", systems=["nadir-gfo"]))
        written = xr.open_zarr(tmp_path / "oi.zarr", consolidated=False)
        npt.assert_allclose(written.zos, alone.zos, atol=1e-6)
        notes = json.loads((tmp_path / "scores.json").read_text())["notes"]
        assert "left out of the observations: nadir-reference" in notes

    def test_fewer_satellites_see_less_and_none_leave_the_background(self, folder, tmp_path):
        errors = []
        for i, names in enumerate(([], ["--without", "nadir-gfo"], ["--without", "nadir-gfo,ssh"])):
            scores, result = evaluated(folder, tmp_path / str(i), *names, days=DAYS[:1])
            errors.append(scores["oi", "zos", "rmse"])
        assert errors[0] < errors[1] < errors[2]
        npt.assert_allclose(errors[2], scores["background", "zos", "rmse"], rtol=1e-6)
        assert "no usable observation" in result.stderr

    def test_what_is_no_source_is_refused_before_anything_is_written(self, folder, tmp_path):
        out = tmp_path / "out"
        how = ("--data", folder, "--out", out)
        refused(
            call("evaluate", "oi", *how, "--without", "nadir-gf"),
            "--without nadir-gf: did you mean 'nadir-gfo'? The observations are nadir-gfo, nadir-reference, ssh",
        )
        refused(call("evaluate", "oi", *how, "--without", "ssh,wind"), "--without wind", "nothing else can be left out")
        for share in (0, 1.5):
            refused(call("evaluate", "oi", *how, "--thin", share), "is no share: give one above 0 and at most 1")
        assert not out.exists()


class TestThin:
    def test_the_analysis_is_that_of_the_drawn_observations(self, folder, tmp_path):
        evaluated(folder, tmp_path, "--thin", 0.1, "--seed", 3)
        experiment = open_experiment(folder)
        times = experiment.background.sel(time=list(DAYS)).time.values
        alone = analysed(folder, thinned(experiment.tree(times, "10D"), 0.1, 3))
        written = xr.open_zarr(tmp_path / "oi.zarr", consolidated=False)
        npt.assert_allclose(written.zos, alone.zos, atol=1e-6)
        notes = json.loads((tmp_path / "scores.json").read_text())["notes"]
        assert "of the observations a share of 0.1 was drawn by lot, seed 3" in notes

    def test_fewer_observations_make_a_larger_error(self, folder, tmp_path):
        errors = [
            evaluated(folder, tmp_path / str(share), "--thin", share, days=DAYS[:1])[0]["oi", "zos", "rmse"]
            for share in (1.0, 0.003)
        ]
        assert errors[0] < errors[1]

    def test_all_of_them_are_left_as_they_are(self, folder):
        experiment = open_experiment(folder)
        tree = experiment.tree("2012-10-05", "2D")
        assert Chosen(lambda time, window: tree)("2012-10-05", "2D") is tree
