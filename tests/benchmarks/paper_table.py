"""The table of the 4DVarNet paper on the simulated Gulf Stream, and how far its findings hold there.

Run ``python tests/benchmarks/paper_table.py DIR NAME=RUN... [--split test] [--out FOLDER]``, where ``adaf osse
gulf-stream-v1 --out DIR`` made DIR, and each RUN is a folder of `adaf train`, a checkpoint or the name of a model. NAME
is one of the paper's four (4dvarnet-ssh-sst, 4dvarnet-ssh, unet-ssh-sst, unet-ssh), for which findings are checked, or
any other. Optimal interpolation, on which all start, and the true height are rows by themselves; `--clouds` adds rows
of models that see temperature where it was observed; `adaf-ocean` may be named like any run.

It is ``adaf evaluate`` over the validation period unless told otherwise, with what is left out of the terminal in
FOLDER.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from adaf_xr.cli import app

UV, DIV, LAMBDA_X, LAMBDA_T = "test_var_mse_uv", "test_var_mse_div", "test_lambda_x_u", "test_lambda_t_u"

OI = "OI, geostrophy"

Score = Callable[[str, str], float]

FINDINGS: dict[str, Callable[[Score], tuple[float, str, float]]] = {
    "4DVarNet explains as much of the currents as direct inversion or more, SSH": lambda of: (
        of("4dvarnet-ssh", UV) - of("unet-ssh", UV), ">=", 0.0,
    ),
    "4DVarNet explains as much of the currents as direct inversion or more, SSH-SST": lambda of: (
        of("4dvarnet-ssh-sst", UV) - of("unet-ssh-sst", UV), ">=", 0.0,
    ),
    "points of currents by SST": lambda of: (of("4dvarnet-ssh-sst", UV) - of("4dvarnet-ssh", UV), ">=", 3.0),
    "points of divergence by SST": lambda of: (of("4dvarnet-ssh-sst", DIV) - of("4dvarnet-ssh", DIV), ">=", 20.0),
    "points of currents beyond OI": lambda of: (of("4dvarnet-ssh-sst", UV) - of(OI, UV), ">=", 10.0),
    "lambda_x of u as a share of OI's": lambda of: (of("4dvarnet-ssh-sst", LAMBDA_X) / of(OI, LAMBDA_X), "<=", 0.6),
    "the same over all lines": lambda of: (
        of("4dvarnet-ssh-sst", f"{LAMBDA_X}_all") / of(OI, f"{LAMBDA_X}_all"), "<=", 0.6,
    ),
    "lambda_t of u [days]": lambda of: (of("4dvarnet-ssh-sst", LAMBDA_T), "<=", 4.0),
    "the same over all lines [days]": lambda of: (of("4dvarnet-ssh-sst", f"{LAMBDA_T}_all"), "<=", 4.0),
}  # fmt: skip
"""What the paper finds, as numbers with bounds."""


def main() -> None:
    """Evaluate, and print the table with what it says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("models", nargs="+", metavar="NAME=RUN")
    parser.add_argument("--split", default="validation")
    parser.add_argument("--clouds", action="store_true")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    out = given.out or Path(tempfile.mkdtemp()) / "paper"
    first, *others = given.models
    command = ["evaluate", first, "--data", str(given.data), "--split", given.split, "--out", str(out)]
    command += [part for other in others for part in ("--against", other)]
    command += ["--sst", "both" if given.clouds else "truth", "--no-climatology", "--paper"]
    if code := app(command, standalone_mode=False):
        raise SystemExit(code)
    table = pd.read_csv(out / "paper.csv", index_col=["data", "analysis"])
    scores = table[table.index.get_level_values("data") != "NATL60"].droplevel("data")
    for line in found(scores):
        print(line)


def found(scores: pd.DataFrame) -> list[str]:
    """Which findings hold, of those whose rows are there."""
    lines = []
    for what, finding in FINDINGS.items():
        try:
            value, relation, bound = finding(lambda name, score: float(scores.loc[name, score]))
        except KeyError:
            continue
        holds = value >= bound if relation == ">=" else value <= bound
        lines.append(f"{'holds' if holds else 'does not hold'}: {what}: {value:.2f} {relation} {bound:g}")
    return lines


if __name__ == "__main__":
    main()
