"""Settings of optimal interpolation that suit an experiment, found on its validation period.

Run ``python tests/benchmarks/tune_oi.py DIR --out FOLDER``, where ``adaf osse global-v1 --out DIR`` made DIR. Variables
are analysed apart, so that one analysis tries a setting of each of them. Each number in turn is multiplied and divided
by a factor for as long as the error falls, with ever smaller factors; numbers that all variables share come in between.
Only days of the validation period are read. Cells of ``--share`` are drawn by lot, the same ones in every run.

FOLDER holds the observations of the days, a ledger of trials, to which the same command adds when it is given again,
and ``oi.yaml``, which ``adaf evaluate tuned=oi.yaml`` takes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from kept_days import VARIABLES, Sums, scene

from adaf_xr.models.optimal_interpolation import OptimalInterpolation
from adaf_xr.models.scales import SCALES
from adaf_xr.osse import open_experiment
from adaf_xr.training import Material

COLUMNS = ("length", "std", "time", "representativeness", "error", "broad")
FACTORS = (1.6, 1.25)
"""Of one round after the other."""
SHARED: dict[str, tuple[Any, ...]] = {"neighbours": (64,), "window": (3, 7)}
"""What holds for all variables: windows in days on either side."""
COMMON = {"neighbours": 32, "window": 5}

Setting = dict[str, Any]


def engine_of(settings: Mapping[str, Setting]) -> OptimalInterpolation:
    """The engine of some variables; what they share stands in the settings of each."""
    (shared,) = {tuple(setting[name] for name in COMMON) for setting in settings.values()}
    days = np.timedelta64(24 * shared[1], "h")
    own = {column: {name: setting[column] for name, setting in settings.items()} for column in COLUMNS}
    return OptimalInterpolation(**own, neighbours=shared[0], window=(days, days), threads=1)


def tried(which: tuple[Path, str, float, float, Path], settings: Mapping[str, Setting]) -> dict[str, Sums]:
    """Errors of a day, in the process that holds it; without settings those of its first guess."""
    day = scene(*which)
    return day.errors(engine_of(settings), settings) if settings else day.first_errors()


@dataclass
class Bench:
    """Days spread over processes, and a ledger of what was tried on them."""

    folder: Path
    days: list[str]
    grid: float
    kept: Path
    processes: int
    share: float = 1.0
    known: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.known = {}
        self.kept.mkdir(parents=True, exist_ok=True)
        if self.ledger.exists():
            for line in self.ledger.read_text().splitlines():
                row = json.loads(line)
                self.known[row["variable"], _key(row["setting"])] = row

    @property
    def ledger(self) -> Path:
        """One line per variable and setting, of these days and cells."""
        return self.kept / f"trials-{self.grid:g}-{self.share:g}-{'-'.join(day[5:] for day in self.days)}.jsonl"

    @cached_property
    def pools(self) -> list[ProcessPoolExecutor]:
        """One process each, so that a day stays where it was read."""
        return [ProcessPoolExecutor(1) for _ in range(self.processes)]

    def scores(self, settings: Mapping[str, Setting]) -> dict[str, dict[str, float]]:
        """RMSE, and root-mean predicted variance, of each variable under its setting."""
        new = {name: setting for name, setting in settings.items() if (name, _key(setting)) not in self.known}
        if new:
            rows = {name: {"variable": name, "setting": new[name], **row} for name, row in self._sums(new).items()}
            with self.ledger.open("a") as stream:
                stream.writelines(json.dumps(row) + "\n" for row in rows.values())
            self.known |= {(name, _key(row["setting"])): row for name, row in rows.items()}
        return {name: self.known[name, _key(setting)] for name, setting in settings.items()}

    def background(self) -> dict[str, float]:
        """RMSE of the first guess."""
        return {name: row["rmse"] for name, row in self._sums({}).items()}

    def _sums(self, settings: Mapping[str, Setting]) -> dict[str, dict[str, float]]:
        work = [
            self.pools[i % self.processes].submit(tried, (self.folder, day, self.grid, self.share, self.kept), settings)
            for i, day in enumerate(self.days)
        ]
        parts = [each.result() for each in work]
        totals = {name: np.sum([part[name] for part in parts], axis=0) for name in parts[0]}
        return {
            name: {"rmse": float(np.sqrt(square / area)), "spread": float(np.sqrt(variance / area))}
            for name, (area, square, variance) in totals.items()
        }


def _key(setting: Setting) -> str:
    return json.dumps(setting, sort_keys=True)


def default(name: str) -> Setting:
    """The numbers of the table of scales."""
    return {column: getattr(SCALES[name], column) for column in COLUMNS} | COMMON


def moved(setting: Setting, column: str, factor: float) -> Setting:
    """A setting with one number changed; a broad part that is not there comes in at half the mesoscale."""
    number = setting[column] * factor or (0.5 * setting["std"] if factor > 1.0 else 0.0)
    return {**setting, column: float(f"{number:.3g}")}


def searched(bench: Bench, best: dict[str, Setting], factors: Sequence[float]) -> dict[str, Setting]:
    """The best settings, one number after the other; what variables share comes before the last round."""
    for turn, factor in enumerate(factors):
        best = shared(bench, best) if turn == len(factors) - 1 else best
        for column in COLUMNS:
            for step in (factor, 1.0 / factor):
                best = descended(bench, best, column, step)
            _say(f"{column} x{factor:g}", bench, best)
    return best


def descended(bench: Bench, best: dict[str, Setting], column: str, step: float) -> dict[str, Setting]:
    """As far as a number goes in one direction; variables that gain nothing stay behind."""
    on = dict(best)
    while on:
        ahead = {name: moved(setting, column, step) for name, setting in on.items()}
        found = better(bench, on, ahead)
        on = {name: setting for name, setting in found.items() if setting != on[name]}
        best = best | on
    return best


def better(bench: Bench, one: dict[str, Setting], other: dict[str, Setting]) -> dict[str, Setting]:
    """Of each variable the setting with the smaller error; the first where they are the same to 0.1 per mille."""
    first, second = bench.scores(one), bench.scores(other)
    return {name: other[name] if second[name]["rmse"] < 0.9999 * first[name]["rmse"] else one[name] for name in one}


def shared(bench: Bench, best: dict[str, Setting]) -> dict[str, Setting]:
    """Numbers that hold for all variables, chosen by the mean of the logarithms of their errors."""
    for name, values in SHARED.items():
        tries = [best, *({key: {**setting, name: value} for key, setting in best.items()} for value in values)]
        found = [bench.scores(each) for each in tries]
        means = [float(np.mean([np.log(row["rmse"]) for row in each.values()])) for each in found]
        best = tries[int(np.argmin(means))]
        _say(name, bench, best)
    return best


def _say(what: str, bench: Bench, best: dict[str, Setting]) -> None:
    found = bench.scores(best)
    errors = "  ".join(f"{name} {found[name]['rmse']:.5f}" for name in best)
    print(f"{what:24} {errors}", flush=True)


def options(best: Mapping[str, Setting]) -> dict[str, Any]:
    """Settings as keyword arguments of the engine."""
    first = next(iter(best.values()))
    own = {column: {name: setting[column] for name, setting in best.items()} for column in COLUMNS}
    return {"model": "oi", **own, "neighbours": first["neighbours"], "window": f"{2 * first['window']}D"}


def started(file: Path) -> dict[str, Setting]:
    """Settings from a file that :func:`options` wrote."""
    held = yaml.safe_load(file.read_text())
    common = {"neighbours": held["neighbours"], "window": int(held["window"].removesuffix("D")) // 2}
    return {name: {column: held[column][name] for column in COLUMNS} | common for name in VARIABLES}


def spread_over(times: np.ndarray, count: int) -> list[str]:
    """Days as far from one another and from the ends as can be."""
    at = (np.arange(count) + 0.5) / count * len(times)
    return [str(day) for day in times[at.astype(int)].astype("M8[D]")]


def rows(bench: Bench, best: Mapping[str, Setting]) -> Iterator[dict[str, Any]]:
    """RMSE of the first guess, of the engine as it comes, and as it was tuned."""
    first = bench.background()
    plain, tuned = (bench.scores(each) for each in ({name: default(name) for name in VARIABLES}, best))
    for name in VARIABLES:
        yield {
            "grid": bench.grid, "variable": name, "background": first[name],
            "default": plain[name]["rmse"], "tuned": tuned[name]["rmse"],
            "spread_skill": tuned[name]["spread"] / tuned[name]["rmse"],
        }  # fmt: skip


def main() -> None:
    """Tune, then print the table of the grids."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("experiment", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="a folder to keep trials in")
    parser.add_argument("--days", type=int, default=4, help="of the validation period")
    parser.add_argument("--grid", type=float, nargs="+", default=[1.0, 0.25], help="tune on the first, check on all")
    parser.add_argument("--factors", type=float, nargs="*", default=FACTORS, help="of one round after the other")
    parser.add_argument("--share", type=float, default=1.0, help="of the cells to tune on; all are checked in the end")
    parser.add_argument("--start", type=Path, help="settings to begin with, such as oi.yaml; default: the engine's own")
    parser.add_argument("--processes", type=int, default=2)
    how = parser.parse_args()
    times = Material.of_experiment(open_experiment(how.experiment)).times("validation")
    days = spread_over(times, how.days)
    print(f"{how.experiment}: {', '.join(days)}")
    benches = [Bench(how.experiment, days, grid, how.out, how.processes) for grid in how.grid]
    first = {name: default(name) for name in VARIABLES} if how.start is None else started(how.start)
    best = searched(replace(benches[0], share=how.share), first, how.factors)
    (how.out / "oi.yaml").write_text(yaml.safe_dump(options(best), sort_keys=False))
    table = [row for bench in benches for row in rows(bench, best)]
    (how.out / "oi.json").write_text(json.dumps({"days": days, "options": options(best), "rmse": table}, indent=1))
    print(f"{'grid':>5} {'variable':8} {'background':>10} {'default':>10} {'tuned':>10} {'ratio':>6} spread/skill")
    for row in table:
        numbers = " ".join(f"{row[key]:10.5f}" for key in ("background", "default", "tuned"))
        share = row["tuned"] / row["background"]
        print(f"{row['grid']:5g} {row['variable']:8} {numbers} {share:6.3f} {row['spread_skill']:6.2f}")
    print(yaml.safe_dump(options(best), sort_keys=False))


if __name__ == "__main__":
    main()
