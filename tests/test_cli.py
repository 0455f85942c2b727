"""The command line: what a person reads, what it writes, and how it fails."""

import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr
from typer.testing import CliRunner

import adaf_xr
from adaf_xr.cli import app, inputs
from adaf_xr.models.cnp import thinned, write_published

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture
def adaf(tmp_path, monkeypatch):
    """Run `adaf ...` in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object):
        return CliRunner().invoke(app, [str(a) for a in arguments], prog_name="adaf", env={"COLUMNS": "120"})

    return run


def test_version(adaf):
    assert adaf("--version").output.strip() == f"adaf_xr {adaf_xr.__version__}"


COMMANDS = ["demo", "catalog", "assimilate", "upsample", "osse", "sample", "score", "train", "evaluate"]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_overview_and_a_command_say_the_same_of_it(adaf, command):
    overview, own = adaf("--help"), adaf(command, "--help")
    assert overview.exit_code == own.exit_code == 0
    summary = re.search(r"Usage:.*\n\s*\n\s*(\w.*?)\s*\n", own.output).group(1)
    assert re.search(rf"\b{command}\b\s+{re.escape(summary)}", overview.output)


def test_every_option_has_a_help_text(adaf):
    import typer

    command = typer.main.get_command(app)
    for name, sub in command.commands.items():
        for parameter in sub.params:
            assert getattr(parameter, "help", "x"), f"adaf {name}: {parameter.name} has no help"


def assert_readable(result, *parts: str) -> None:
    """A user's error: exit code 2, one paragraph, no traceback."""
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    assert result.stderr.startswith("error: ")
    assert len(result.stderr.strip().splitlines()) == 1
    for part in parts:
        assert part in result.stderr


def test_the_overview_and_the_reference_have_every_command(adaf):
    import typer

    assert sorted(typer.main.get_command(app).commands) == sorted(COMMANDS)
    page = (REPOSITORY / "docs" / "api" / "cli.md").read_text()
    assert re.findall(r"\{cli-help\} (\w+)", page) == COMMANDS


def test_a_missing_file_is_one_paragraph(adaf):
    assert_readable(adaf("upsample", "no_such.nc", "out.zarr"), "no_such.nc", "does not exist")


def test_no_observations_name_the_ways_to_give_some(adaf):
    assert_readable(adaf("assimilate", "--background", "first.nc"), "--obs", "--catalog")


def test_an_unknown_source_lists_the_known_ones(adaf):
    assert_readable(adaf("assimilate", "--obs", "argo=a.nc", "--background", "first.nc"), "'argo'", "insitu, sst, sss")


def test_a_file_that_is_no_data_is_one_paragraph(adaf, tmp_path):
    (tmp_path / "poem.nc").write_text("Full fathom five thy father lies")
    assert_readable(adaf("upsample", "poem.nc", "out.zarr"))


@pytest.mark.skipif(find_spec("copernicusmarine") is not None, reason="the client is installed")
def test_a_missing_client_is_named_with_the_extra_that_brings_it(adaf):
    result = adaf("assimilate", "--catalog", "copernicus", "--time", "2020-01-02")
    assert_readable(result, "needs copernicusmarine", "pip install adaf-xr[copernicus]")


def test_the_traceback_is_there_for_who_asks(adaf):
    result = adaf("--traceback", "upsample", "no_such.nc", "out.zarr")
    assert isinstance(result.exception, FileNotFoundError)


@pytest.mark.parametrize(
    ("text", "meaning"), [(None, None), ("5D", "5D"), ("3D,1D", ("3D", "1D")), ("3D, 12h", ("3D", "12h"))]
)
def test_a_window_is_a_span_or_a_pair(text, meaning):
    assert inputs.window(text) == meaning


@pytest.mark.parametrize(
    ("given", "meaning"),
    [
        (None, None),
        ([], None),
        (["2020-01-02"], "2020-01-02"),
        (["2020-01-02", "2020-01-03"], ["2020-01-02", "2020-01-03"]),
    ],
)
def test_one_time_stays_a_day(given, meaning):
    assert inputs.times(given) == meaning


THE_DEFAULT = ("assimilate", "--catalog", "demo", "--time", "2020-01-03", "--region", -50, -45, 30, 34)
ONE_DAY = (*THE_DEFAULT, "--model", "oi")


def read(path) -> xr.Dataset:
    return xr.open_zarr(path, consolidated=False).load()


@pytest.fixture(scope="module")
def one_day() -> xr.Dataset:
    """What `ONE_DAY` must write."""
    obs = adaf_xr.open_observations("demo", time="2020-01-03")
    background = adaf_xr.open_source("demo", "background", time="2020-01-03")
    return adaf_xr.assimilate(obs, background, model="oi", region=(-50, -45, 30, 34)).compute()


def test_a_catalog_is_assimilated_as_the_functions_do(adaf, one_day):
    result = adaf(*ONE_DAY, "--out", "day.zarr")
    assert result.exit_code == 0, result.output
    assert "day.zarr" in result.stdout
    xr.testing.assert_identical(read("day.zarr"), one_day)


def test_without_a_model_it_is_the_default_of_the_functions(adaf):
    result = adaf(*THE_DEFAULT, "--out", "day.zarr")
    assert result.exit_code == 0, result.output
    obs = adaf_xr.open_observations("demo", time="2020-01-03")
    background = adaf_xr.open_source("demo", "background", time="2020-01-03")
    expected = adaf_xr.assimilate(obs, background, region=(-50, -45, 30, 34))
    written = read("day.zarr")
    assert written.attrs == expected.attrs
    xr.testing.assert_allclose(written, expected.compute(), rtol=1e-4, atol=1e-5)


def test_a_model_may_be_a_path_and_a_device_is_handed_on(adaf, tmp_path):
    write_published(tmp_path / "exp_dir", thinned(seed=0))
    how = (*THE_DEFAULT, "--model", "exp_dir")
    assert_readable(adaf(*how, "--device", "meta", "--out", "nowhere.zarr"), "meta")
    assert_readable(adaf(*ONE_DAY, "--device", "cuda"), "device='cuda'", "runs on the CPU only")
    assert_readable(adaf(*THE_DEFAULT, "--model", "exp_dirr"), "unknown model 'exp_dirr'", "path of a checkpoint")
    assert "NAME|PATH" in adaf("assimilate", "--help").output
    result = adaf(*how, "--device", "cpu")
    assert result.exit_code == 0, result.output
    assert "checkpoint" in read("analysis.zarr").attrs["history"]


def test_files_are_assimilated_as_the_functions_do(adaf, one_day):
    obs = adaf_xr.open_observations("demo", time="2020-01-03", sources=["insitu", "ssh"])
    background = adaf_xr.open_source("demo", "background", time="2020-01-03")
    background.to_netcdf("first.nc")
    obs["insitu"].to_dataset().to_netcdf("argo.nc")
    obs["ssh"].to_dataset().to_netcdf("tracks.nc")
    how = ("--background", "first.nc", "--window", "3D,1D", "--grid", 0.5, "--region", -50, -45, 30, 34)
    result = adaf("assimilate", "--model", "oi", "--obs", "insitu=argo.nc", "--obs", "tracks.nc", *how)
    assert result.exit_code == 0, result.output
    how = {"window": ("3D", "1D"), "grid": 0.5, "region": (-50, -45, 30, 34)}
    expected = adaf_xr.assimilate(obs, background, model="oi", **how)
    xr.testing.assert_allclose(read("analysis.zarr"), expected.compute())
    assert not np.allclose(read("analysis.zarr").zos, one_day.zos.isel(latitude=slice(0, 8), longitude=slice(0, 10)))


def test_a_damaged_file_stops_the_run_or_is_skipped_with_a_warning(adaf, tmp_path):
    (tmp_path / "damaged.nc").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(512))
    command = (*ONE_DAY, "--obs", "sst=damaged.nc", "--out", "day.zarr")
    assert_readable(adaf(*command), "damaged.nc")
    result = adaf(*command, "--on-error", "skip")
    assert result.exit_code == 0, result.output
    assert "warning: skipped sst=damaged.nc, all of it is lost" in result.stderr


def test_an_interrupted_run_is_resumed_to_the_same_result(adaf, tmp_path):
    command = ("assimilate", "--catalog", "demo", "--region", -50, -45, 30, 34, "--model", "oi", "--out", "days.zarr")
    assert adaf(*command).exit_code == 0
    whole = read("days.zarr")
    assert whole.sizes["time"] == 5
    # As a kill between two times leaves it: one time is written in part and has no entry in the ledger.
    (lost,) = (tmp_path / "days.zarr.done").glob("3.*")
    lost.unlink()
    zarr.open_group("days.zarr")["zos"][3] = -99.0
    assert_readable(adaf(*command), "days.zarr exists")
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "days.zarr" / "zos").rglob("c/*/*/*")}
    assert adaf(*command, "--resume").exit_code == 0
    xr.testing.assert_identical(read("days.zarr"), whole)
    touched = {
        path.relative_to(tmp_path / "days.zarr/zos/c").parts[0]
        for path, t in written.items()
        if path.stat().st_mtime_ns != t
    }
    assert touched == {"3"}


def test_a_running_scheduler_computes_the_same(adaf, one_day):
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None) as cluster:
        result = adaf(*ONE_DAY, "--scheduler", cluster.scheduler_address, "--out", "day.zarr")
    assert result.exit_code == 0, result.output
    xr.testing.assert_identical(read("day.zarr"), one_day)


def test_a_local_cluster_on_demand_computes_the_same(adaf, one_day):
    result = adaf(*ONE_DAY, "--workers", 1, "--out", "day.zarr")
    assert result.exit_code == 0, result.output
    xr.testing.assert_identical(read("day.zarr"), one_day)


def test_upsampling_a_file_keeps_what_the_function_gives(adaf):
    first = adaf_xr.open_source("demo", "background")[["zos", "siconc"]]
    first.to_netcdf("coarse.nc")
    assert adaf("upsample", "coarse.nc", "fine.zarr", "--factor", 2, "--keep-means").exit_code == 0
    xr.testing.assert_allclose(read("fine.zarr"), adaf_xr.upsample(first, 2, keep_means=True).compute())


def test_upsampling_a_field_without_time(adaf):
    first = adaf_xr.open_source("demo", "background").zos.isel(time=0, drop=True).to_dataset()
    first.to_netcdf("coarse.nc")
    assert adaf("upsample", "coarse.nc", "fine.zarr").exit_code == 0
    xr.testing.assert_allclose(read("fine.zarr"), adaf_xr.upsample(first).compute())
    assert_readable(adaf("upsample", "coarse.nc", "fine.zarr"), "fine.zarr exists")


def test_catalogs_are_listed_with_their_parameters(adaf):
    assert re.search(r"^demo\s+8\s+embedded sample", adaf("catalog").stdout, re.MULTILINE)
    assert re.search(r"^ssh\s+observations\s+ssh\s+seed, time", adaf("catalog", "demo").stdout, re.MULTILINE)
    assert_readable(adaf("catalog", "dmo"), "did you mean 'demo'?")


def test_parameters_reach_the_catalog_and_unknown_ones_are_refused(adaf, one_day):
    assert adaf(*ONE_DAY, "--set", "seed=7", "--out", "other.zarr").exit_code == 0
    assert not np.allclose(read("other.zarr").zos, one_day.zos)
    assert_readable(adaf(*ONE_DAY, "--set", "sed=7", "--out", "none.zarr"), "unknown parameter(s) sed")
    assert_readable(adaf(*ONE_DAY, "--set", "seed", "--out", "none.zarr"), "NAME=VALUE")


def test_the_demonstration_scores_better_than_its_background(adaf, tmp_path):
    result = adaf("demo")
    assert result.exit_code == 0, result.output
    change = dict(re.findall(r"^(\w+) .*\s([+-]\d+)%$", result.stdout, re.MULTILINE))
    assert list(change) == ["zos", "thetao", "so", "uo", "vo", "siconc"]
    assert all(int(change[name]) <= -10 for name in ("zos", "thetao", "so", "siconc"))
    assert (tmp_path / "analysis.png").read_bytes().startswith(b"\x89PNG")
    assert read("analysis.zarr").zos.sizes == {"time": 5, "latitude": 200, "longitude": 320}


def test_the_demonstration_removes_no_folder_but_its_own(adaf, tmp_path):
    (tmp_path / "analysis.zarr").mkdir()
    (tmp_path / "analysis.zarr" / "precious").write_text("thesis")
    assert_readable(adaf("demo"), "analysis.zarr exists")
    assert (tmp_path / "analysis.zarr" / "precious").exists()
