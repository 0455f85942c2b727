"""`adaf evaluate` of optimal interpolation on some days and a corner of the small experiment of `swell`."""

import pandas as pd
import xarray as xr
from typer.testing import CliRunner

import adaf_xr
from adaf_xr.cli import app
from adaf_xr.osse.experiment import open_experiment

BOX = (-63, -57, 35, 41)
DAYS = ("2012-10-04", "2012-10-05")


def call(*arguments: object):
    return CliRunner().invoke(app, [str(a) for a in arguments], prog_name="adaf", env={"COLUMNS": "200"})


def evaluated(folder, out, *arguments: object, days: tuple[str, ...] = DAYS):
    """Scores of optimal interpolation, and what was said."""
    times = [each for day in days for each in ("--time", day)]
    how = ("--data", folder, "--region", *BOX, *times, "--no-climatology", "--out", out)
    result = call("evaluate", "oi", *how, *arguments)
    assert result.exit_code == 0, result.output
    return pd.read_csv(out / "scores.csv").set_index(["analysis", "variable", "score"])["value"].sort_index(), result


def analysed(folder, observations, model: object = "oi", days: tuple[str, ...] = DAYS) -> xr.Dataset:
    """What `assimilate` makes of the same days."""
    first = open_experiment(folder).background.sel(time=list(days))
    return adaf_xr.assimilate(observations, first, model=model, grid=first, region=BOX).compute()


def refused(result, *parts: str) -> None:
    assert result.exit_code == 2, result.output
    for part in parts:
        assert part in " ".join(result.stderr.split()), result.stderr
