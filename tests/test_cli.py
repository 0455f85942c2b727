"""The command line: what a person reads, what it writes, and how it fails."""

import re

import pytest
from typer.testing import CliRunner

import adaf_xr
from adaf_xr.cli import app, inputs


@pytest.fixture
def adaf(tmp_path, monkeypatch):
    """Run `adaf ...` in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object):
        return CliRunner().invoke(app, [str(a) for a in arguments], prog_name="adaf", env={"COLUMNS": "120"})

    return run


def test_version(adaf):
    assert adaf("--version").output.strip() == f"adaf_xr {adaf_xr.__version__}"


@pytest.mark.parametrize("command", ["demo", "catalog", "assimilate", "upsample"])
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


def test_a_missing_file_is_one_paragraph(adaf):
    assert_readable(adaf("upsample", "no_such.nc", "out.zarr"), "no_such.nc", "does not exist")


def test_no_observations_name_the_ways_to_give_some(adaf):
    assert_readable(adaf("assimilate", "--background", "first.nc"), "--obs", "--catalog")


def test_an_unknown_source_lists_the_known_ones(adaf):
    assert_readable(adaf("assimilate", "--obs", "argo=a.nc", "--background", "first.nc"), "'argo'", "insitu, sst, sss")


def test_a_file_that_is_no_data_is_one_paragraph(adaf, tmp_path):
    (tmp_path / "poem.nc").write_text("Full fathom five thy father lies")
    assert_readable(adaf("upsample", "poem.nc", "out.zarr"))


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
