"""What each source of observations is worth to a model: each left out in turn, and all of them thinned.

Run ``python tests/benchmarks/impact_table.py MODEL DIR --out FOLDER``, where ``adaf osse global-v1 --out DIR`` made DIR
and MODEL is anything that ``adaf evaluate`` takes. Each row of the table is one evaluation, ``adaf evaluate MODEL
--without SOURCE`` or ``--thin SHARE``, on the same days, against the same truth and from the same background. The
numbers are changes of the RMSE in percent of that with all observations: above zero where an observation that is gone
was worth something. A star marks those that are below zero although the source measures the variable, or although
there are fewer observations of all sources.

FOLDER holds the evaluations; the same command goes on after an interruption, and does none of them twice.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import pandas as pd

MEASURES = {
    "ssh": ("zos",),
    "sst": ("thetao",),
    "sss": ("so",),
    "insitu": ("thetao", "so", "uo", "vo"),
    "argo": ("thetao", "so"),
    "drifters": ("thetao", "uo", "vo"),
    "wind": (),
    "ice": (),
}
"""Variables that a source measures; what it says of others is for a model to find out."""

WHOLE = "all"
CHANCE = 0.05
"""Percent by which an error may fall without a star."""


def cases(sources: list[str], shares: list[float]) -> dict[str, list[str]]:
    """Options of each evaluation by its name."""
    found: dict[str, list[str]] = {WHOLE: []}
    found |= {f"without-{source}": ["--without", source] for source in sources}
    return found | {f"thin-{share:g}": ["--thin", f"{share:g}"] for share in shares}


def evaluated(folder: Path, options: list[str]) -> pd.Series:
    """RMSE of the model by variable, from a folder that is made if it is not there."""
    if not (folder / "scores.csv").exists():
        command = [sys.executable, "-m", "adaf_xr.cli", "evaluate", *options, "--out", str(folder), "--resume"]
        print("adaf " + " ".join(command[3:]), flush=True)
        subprocess.run([*command, "--no-climatology"], check=True, stdout=subprocess.DEVNULL)
    scores = pd.read_csv(folder / "scores.csv")
    chosen = (scores["score"] == "rmse") & (scores["analysis"] == "model")
    return scores[chosen].set_index("variable")["value"]


def worth(errors: pd.DataFrame) -> pd.DataFrame:
    """Changes of the error in percent of that with all observations, by case and variable."""
    return 100.0 * (errors.drop(index=WHOLE) / errors.loc[WHOLE] - 1.0)


def is_strange(case: str, variable: str, change: float) -> bool:
    """Whether an error fell with observations that it should have used."""
    source = case.removeprefix("without-")
    measured = variable in MEASURES.get(source, ()) or case.startswith("thin-")
    return bool(measured and change < -CHANCE)


def main() -> None:
    """Evaluate, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("experiment", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="a folder to keep evaluations in")
    parser.add_argument("--split", default="validation", help="the period")
    parser.add_argument("--every", type=int, default=10, help="every so many days of it")
    parser.add_argument("--grid", type=float, help="spacing of the analysis; default: the background's")
    parser.add_argument("--sources", nargs="*", default=["ssh", "sst", "sss", "insitu", "wind", "ice"])
    parser.add_argument("--shares", nargs="*", type=float, default=[0.5, 0.1, 0.01])
    how = parser.parse_args()
    common = [f"model={how.model}", "--data", str(how.experiment), "--split", how.split, "--every", str(how.every)]
    common += [] if how.grid is None else ["--grid", f"{how.grid:g}"]
    errors = pd.DataFrame(
        {name: evaluated(how.out / name, common + own) for name, own in cases(how.sources, how.shares).items()}
    ).T
    changes = worth(errors)
    errors.to_csv(how.out / "errors.csv")
    changes.to_csv(how.out / "impact.csv")
    print(f"{'':16} " + " ".join(f"{name:>10}" for name in errors))
    print(f"{'RMSE, ' + WHOLE:16} " + " ".join(f"{value:10.5f}" for value in errors.loc[WHOLE]))
    for case, row in changes.iterrows():
        cells = (f"{row[name]:+7.1f} %" + "*" * is_strange(str(case), name, row[name]) for name in errors)
        print(f"{case!s:16} " + " ".join(f"{cell:>10}" for cell in cells))


if __name__ == "__main__":
    main()
