"""Days of an experiment, kept ready to be analysed by optimal interpolation many times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from adaf_xr import ocean_mask
from adaf_xr.atomic import write_whole
from adaf_xr.cf.canonical import CODES
from adaf_xr.cli.judging import on_grid
from adaf_xr.lattice import output_axes
from adaf_xr.models.base import Background, Targets
from adaf_xr.models.optimal_interpolation import OptimalInterpolation
from adaf_xr.models.super_observations import SuperObservations
from adaf_xr.osse import open_experiment
from adaf_xr.osse.opening import kind_of
from adaf_xr.points.arrays import Points
from adaf_xr.points.selection import lots
from adaf_xr.sphere import cell_area
from adaf_xr.training import Material

VARIABLES = ("thetao", "so", "uo", "vo", "zos")
WIDEST = np.timedelta64(7, "D")
"""Before and after a day: what was seen then is kept."""

Sums = tuple[float, float, float]
"""Over the sea, by area: of 1, of squared errors, and of predicted variances."""


@dataclass(frozen=True)
class Scene:
    """A day: its first guess, its truth on the grid of the analysis, and where what was seen about it is kept."""

    time: np.datetime64
    background: Background
    truth: Mapping[str, np.ndarray]
    targets: Targets
    kept: Path
    encoded: dict[str, tuple[Any, SuperObservations]] = field(default_factory=dict)

    def errors(self, engine: OptimalInterpolation, names: Iterable[str]) -> dict[str, Sums]:
        """Sums of some variables."""
        found = {}
        for name in names:
            alone = replace(self.background, fields={name: self.background.fields[name]})
            analysis = engine.analyse(self._observed(name, engine, alone), alone, self.targets)
            found[name] = self._sums(name, analysis.mean[name], analysis.std[name])
        return found

    def first_errors(self) -> dict[str, Sums]:
        """The same of the first guess, which comes without an error of its own."""
        plain = OptimalInterpolation(threads=1)
        nothing = plain.encode(Points.empty(), self.background, self.time)
        guess = plain.analyse(nothing, self.background, self.targets)
        return {name: self._sums(name, mean, 0.0 * mean) for name, mean in guess.mean.items()}

    def _observed(self, name: str, engine: OptimalInterpolation, background: Background) -> SuperObservations:
        """What was seen of a variable; of all settings only those in the key change it."""
        key = engine.scales[name].error, engine.window
        if name not in self.encoded or self.encoded[name][0] != key:
            before, after = engine.window
            near = held(self.kept, self.time, name).within(self.time - before, self.time + after)
            self.encoded[name] = key, engine.encode(near, background, self.time)
        return self.encoded[name][1]

    def _sums(self, name: str, mean: np.ndarray, std: np.ndarray) -> Sums:
        error = mean - self.truth[name]
        there, area = np.isfinite(error), cell_area(self.targets.latitude, self.targets.longitude)
        return tuple(float((area * each)[there].sum()) for each in (np.ones(error.shape), error**2, std**2))  # type: ignore[return-value]


@cache
def scene(folder: Path, day: str, grid: float, share: float, kept: Path) -> Scene:
    """A day in memory; its observations are kept on disk, for most of them are simulated when they are asked for."""
    experiment = open_experiment(folder)
    material = Material.of_experiment(experiment)
    time = np.datetime64(day, "ns")
    guess = material.background[list(VARIABLES)].sel(time=time).load()
    rows, columns = output_axes(guess.latitude.values, guess.longitude.values, grid)
    where = xr.Dataset(coords={"latitude": rows, "longitude": columns})
    truth = on_grid(material.truth[list(VARIABLES)].sel(time=time), where).load()
    background = Background(
        guess.latitude.values, guess.longitude.values, np.empty(0), {name: guess[name].values for name in VARIABLES}
    )
    drawn = lots(*np.broadcast_arrays(columns, rows[:, None]), np.full((rows.size, columns.size), time)) < share
    targets = Targets(rows, columns, sea=ocean_mask.sea(rows, columns) & drawn)
    keep(material, [name for name in experiment.systems if kind_of(name) not in ("wind", "ice")], time, kept)
    return Scene(time, background, {name: truth[name].values for name in VARIABLES}, targets, kept)


def keep(material: Material, systems: list[str], time: np.datetime64, kept: Path) -> None:
    """Write what some systems saw about a day, a file per variable."""
    if all(_file(kept, time, name).exists() for name in VARIABLES):
        return
    tree: Any = material.observe
    some = replace(material, observe=partial(tree, systems=systems))
    points = Points.concatenate(some.points(time, (WIDEST, WIDEST)).values())
    for name in VARIABLES:
        of = points.take(points.variable == CODES[name])
        write_whole(_file(kept, time, name), partial(np.savez, **{f.name: getattr(of, f.name) for f in fields(Points)}))


def held(kept: Path, time: np.datetime64, name: str) -> Points:
    """What was seen of a variable about a day."""
    with np.load(_file(kept, time, name)) as file:
        return Points(*(file[each.name] for each in fields(Points)))


def _file(kept: Path, time: np.datetime64, name: str) -> Path:
    return kept / f"points-{time.astype('M8[D]')}-{name}.npz"
