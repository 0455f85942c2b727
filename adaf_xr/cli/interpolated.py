"""What a model of several days starts from in an evaluation: an interpolated height of each, and temperature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from adaf_xr.cli.judging import AXES, on_grid
from adaf_xr.cli.observed import OBSERVED, Chosen
from adaf_xr.cli.runs import Run, windows

if TYPE_CHECKING:
    import xarray as xr

    from adaf_xr.training import Material

STORE = "interpolated"
"""Name of the store of heights."""

CLOUDS = "{}-clouds"
"""Name of a model beside its own name, when it sees temperature under clouds."""


class Height(StrEnum):
    """Where the interpolated height comes from."""

    ANALYSIS = "analysis"
    BACKGROUND = "background"


class Temperature(StrEnum):
    """Which sea surface temperature is seen."""

    TRUTH = "truth"
    OBSERVED = "observed"
    BOTH = "both"


Heights = Annotated[
    Height,
    typer.Option(
        "--interpolated",
        help="For models of several days: the interpolated sea level that they start from, an optimal interpolation of "
        "the observations, or the background itself, if it is such a one.",
        rich_help_panel=OBSERVED,
    ),
]
Temperatures = Annotated[
    Temperature,
    typer.Option(
        "--sst",
        help="For models of several days: temperature without gaps, from the truth as in the paper of 4DVarNet, or as "
        "it was observed, under clouds; or both, one beside the other.",
        rich_help_panel=OBSERVED,
    ),
]


def heights(
    material: Material, engines: Mapping[str, Any], times: NDArray[np.datetime64], mdt: xr.Dataset | None
) -> xr.Dataset:
    """Optimal interpolation of sea level on all days that analyses are made of, lazily, where anything was observed.

    Parameters
    ----------
    material : Material
        Its background is what interpolation starts from.
    engines : mapping of str to engine
        Those that make an analysis of several days.
    times : datetime64 (n,)
        Of the analyses.
    mdt : Dataset, optional
        Mean dynamic topography.

    Raises
    ------
    ValueError
        Where the background has too few days, or the engines are for grids of different spacing.
    """
    from adaf_xr.models.optimal_interpolation import OptimalInterpolation

    grids = {engine.spec.grid for engine in engines.values()}
    if len(grids) > 1:
        raise ValueError(
            f"{' and '.join(engines)} are for cells of {' and '.join(f'{grid:g}' for grid in sorted(grids))} degrees: "
            "evaluate them one after the other, or give heights on a grid of your own with --interpolated background"
        )
    series = material.background
    days = np.unique(np.concatenate([windows(series, times, engine) for engine in engines.values()]))
    run = Run(OptimalInterpolation(), replace(material, background=series[["zos"]]))
    region = material.provenance.get("experiment", {}).get("region")
    (grid,) = grids
    return run.analyses(series.time.values[days], grid, {"region": region and tuple(region), "mdt": mdt})[["zos"]]


def cloudy(engines: Mapping[str, Any]) -> list[str]:
    """Names under which engines of several days see temperature under clouds."""
    return [CLOUDS.format(name) for name, engine in engines.items() if _sees_temperature(engine)]


def _sees_temperature(engine: Any) -> bool:
    return engine.spec.days > 1 and "thetao" in engine.spec.predictors


def runs(
    engines: Mapping[str, Any], material: Material, interpolated: xr.Dataset | None, sst: Temperature, notes: list[str]
) -> dict[str, Run]:
    """Engines and what each of them sees; notes say what is not as it was observed.

    Parameters
    ----------
    engines : mapping of str to engine
        By name.
    material : Material
        What was observed, and the first guess.
    interpolated : Dataset, optional
        From :func:`heights`; None: the background is such a one.
    sst : Temperature
        Which one engines of several days see.
    notes : list of str
        Gets lines.
    """
    found: dict[str, Run] = {}
    for name, engine in engines.items():
        found[name] = run = Run(engine, material)
        if not run.of_days:
            continue
        found[name] = seen = Run(engine, material if interpolated is None else _on(material, interpolated))
        if not _sees_temperature(engine) or sst is Temperature.OBSERVED:
            continue
        found[name] = Run(engine, _without_gaps(seen.material, material.truth))
        notes.append(f"{name} sees the temperature of the truth, without gaps, as in the paper of 4DVarNet")
        if sst is Temperature.BOTH:
            found[CLOUDS.format(name)] = seen
    return found


def _on(material: Material, interpolated: xr.Dataset) -> Material:
    """The same with interpolated heights for a background."""
    return replace(material, background=interpolated[["zos"]])


def _without_gaps(material: Material, truth: xr.Dataset) -> Material:
    """The same with the true temperature in the background, and none observed."""
    first = material.background
    surface = truth[["thetao"]].sel(time=first.time)
    if "depth" in surface.dims:
        surface = surface.isel(depth=int(np.argmin(surface.depth.values)), drop=True)
    where = first.reset_coords(drop=True)
    sst = on_grid(surface, where).assign_coords({axis: first[axis] for axis in AXES}).thetao
    return replace(material, background=first.assign(thetao=sst), observe=Chosen(material.observe, without=("sst",)))
