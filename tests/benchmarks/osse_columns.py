"""Levels below the surface of a simulated sea.

Run ``python tests/benchmarks/osse_columns.py EXPERIMENT --model FILE [--days 4]``.

On days spread over a period, RMSE by band of depth of the background and of the analysis from all observations, on
cells of 0.25 degrees, by area; the share of errors within the 90 % interval, and the root-mean-square of standard
errors over that of errors. With ``--oi`` instead on cells of 1 degree, beside optimal interpolation, which sees the
profiles and drifters of the ten days. ``bench_levels.py`` says what it costs.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
import xarray as xr

import adaf_xr
from adaf_xr.models.adaf_ocean.depths import BELOW
from adaf_xr.osse import open_experiment
from adaf_xr.osse.columns import at_depth
from adaf_xr.sphere import cell_area

LEVELS = (0.5, 5.0, 10.0, 20.0, 30.0, 50.0, 75.0, 100.0, 125.0, 150.0, 200.0, 250.0, 300.0, 400.0, 500.0, 700.0, 900.0,
          1100.0, 1400.0, 1800.0)  # fmt: skip
BANDS = (0.0, 100.0, 300.0, 700.0, 2000.0)
PROFILES = ("argo", "drifters")
NINETY = 1.6449


def band_of(depth: float) -> str:
    """In words."""
    place = int(np.searchsorted(BANDS, depth))
    return f"{BANDS[place - 1]:.0f}-{BANDS[place]:.0f} m"


def with_levels(ds: xr.Dataset, levels: tuple[float, ...]) -> xr.Dataset:
    """Columns of a day, and its sea level."""
    return at_depth(ds, levels).assign(zos=ds.zos)


def area(ds: xr.Dataset) -> np.ndarray:
    """Of every cell."""
    return cell_area(ds.latitude.values, ds.longitude.values)


class Table:
    """Sums of squares by column, band and variable."""

    def __init__(self) -> None:
        self.sums: dict[tuple[str, str, str], np.ndarray] = defaultdict(lambda: np.zeros(2))

    def add(self, column: str, depth: float, name: str, values: np.ndarray, weight: np.ndarray) -> None:
        """Add the values that are there."""
        good = np.isfinite(values)
        self.sums[column, band_of(depth), name] += (values[good] * weight[good]).sum(), weight[good].sum()

    def mean(self, column: str, band: str, name: str) -> float:
        """Mean over the area."""
        total, weight = self.sums[column, band, name]
        return total / weight

    def compare(self, columns: list[str]) -> None:
        """Print RMSE of columns, and the share of the first."""
        bands = list(dict.fromkeys(band for _, band, _ in self.sums))
        for name in BELOW:
            for band in bands:
                rms = [self.mean(column, band, name) ** 0.5 for column in columns]
                shares = " ".join(f"{x:9.4f} {100 * x / rms[0]:3.0f} %" for x in rms[1:])
                print(f"{name:7} {band:12} {rms[0]:9.4f} {shares}", end="")
                if ("within", band, name) in self.sums:
                    spread = (self.mean("variance", band, name) / self.mean(columns[-1], band, name)) ** 0.5
                    print(
                        f"   spread/skill {spread:.2f}, 90 % interval {100 * self.mean('within', band, name):.0f} %",
                        end="",
                    )
                print()


def in_detail(experiment: object, times: np.ndarray, model: str) -> None:
    """All levels at 0.25 degrees."""
    table = Table()
    for time in times:
        tree = experiment.tree(time).load()
        first = with_levels(experiment.background.sel(time=[time]), LEVELS)
        made = adaf_xr.assimilate(tree, first.load(), model=model, grid=0.25).isel(time=0).compute()
        guess = first.isel(time=0)
        for depth in LEVELS:
            truth = at_depth(experiment.truth.sel(time=time), depth).isel(depth=0).compute()
            level, weight = made.sel(depth=depth), area(truth)
            at = {"latitude": truth.latitude, "longitude": truth.longitude}
            for name in BELOW:
                was = guess[name].sel(depth=depth).pad(longitude=1, mode="wrap")
                was["longitude"] = np.r_[guess.longitude[0] - 1.0, guess.longitude, guess.longitude[-1] + 1.0]
                error = level[name].values - truth[name].values
                std = level[f"{name}_std"].values
                before = np.where(np.isfinite(error), was.interp(**at).values - truth[name].values, np.nan)
                table.add("background", depth, name, before**2, weight)
                table.add("analysis", depth, name, np.where(np.isfinite(before), error, np.nan) ** 2, weight)
                table.add("variance", depth, name, std**2, weight)
                within = np.where(np.isfinite(error), np.abs(error) < NINETY * std, np.nan)
                table.add("within", depth, name, within, weight)
        print(f"{str(time)[:10]} at 0.25 degrees", flush=True)
    print(f"\n0.25 degrees, {len(LEVELS)} levels; RMSE of background and analysis")
    table.compare(["background", "analysis"])


def at_one_degree(experiment: object, times: np.ndarray, model: str) -> None:
    """All levels at 1 degree, beside optimal interpolation."""
    table = Table()
    for time in times:
        first = with_levels(experiment.background.sel(time=[time]), LEVELS).load()
        truth = at_depth(experiment.truth.sel(time=time), LEVELS).coarsen(latitude=4, longitude=4).mean().compute()
        axes, few = first[["latitude", "longitude"]], experiment.tree(time, systems=PROFILES).load()
        runs = {
            "analysis": adaf_xr.assimilate(experiment.tree(time).load(), first, model=model, grid=axes),
            "oi": adaf_xr.assimilate(few, first.drop_vars("zos"), model="oi", grid=axes),
        }
        found = {"background": first.isel(time=0), **{name: ds.isel(time=0).compute() for name, ds in runs.items()}}
        for depth in LEVELS:
            for column, ds in found.items():
                for name in BELOW:
                    error = ds[name].sel(depth=depth).values - truth[name].sel(depth=depth).values
                    table.add(column, depth, name, error**2, area(truth))
        print(f"{str(time)[:10]} at 1 degree", flush=True)
    print(f"\n1 degree, {len(LEVELS)} levels; RMSE of background, oi and analysis")
    table.compare(["background", "oi", "analysis"])


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("experiment", type=Path)
    parser.add_argument("--model", required=True, help="name of an engine, or a checkpoint")
    parser.add_argument("--days", type=int, default=4)
    parser.add_argument("--split", default="validation")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--oi", action="store_true", help="beside optimal interpolation, at 1 degree")
    how = parser.parse_args()
    torch.set_num_threads(how.threads)
    experiment = open_experiment(how.experiment)
    times = experiment.select(how.split).background.time.values
    # Between the days that calibrate standard errors and choose the epoch, which begin with the first.
    times = times[2 :: max(1, len(times) // how.days)][: how.days]
    (at_one_degree if how.oi else in_detail)(experiment, times, how.model)


if __name__ == "__main__":
    main()
