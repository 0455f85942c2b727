"""A score sheet: one row per number, and a reason for each number that is not there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

COLUMNS = ("against", "analysis", "variable", "depth", "score", "value", "unit", "low", "high")
"""Columns of a sheet as a table."""


@dataclass(frozen=True)
class Row:
    """One score.

    Attributes
    ----------
    analysis, variable, score : str
        Of what. A variable of several, such as a current, is named by its components: ``"uo, vo"``.
    value : float
        The score.
    unit : str
        Its unit.
    depth : float
        The level [m]; missing for what has none.
    low, high : float
        Ends of its confidence interval; missing where there is none.
    against : str
        What it is scored against: the truth, or the observations of a source.
    """

    analysis: str
    variable: str
    score: str
    value: float
    unit: str
    depth: float = np.nan
    low: float = np.nan
    high: float = np.nan
    against: str = "truth"


@dataclass(frozen=True)
class Missing:
    """A score that cannot be had, and why."""

    analysis: str
    variable: str
    score: str
    reason: str
    against: str = "truth"


@dataclass
class Sheet:
    """Scores of several analyses.

    Attributes
    ----------
    rows : list of Row
        The scores.
    missing : list of Missing
        What is not among them.
    """

    rows: list[Row] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)

    def __add__(self, other: Sheet) -> Sheet:
        return Sheet(self.rows + other.rows, self.missing + other.missing)

    def table(self) -> pd.DataFrame:
        """Tidy: one row per score.

        Examples
        --------
        >>> Sheet([Row("oi", "zos", "rmse", 0.05, "m")]).table().drop(columns=["depth", "low", "high"])
          against analysis variable score  value unit
        0   truth       oi      zos  rmse   0.05    m
        """
        return pd.DataFrame([asdict(row) for row in self.rows], columns=list(COLUMNS))

    def records(self) -> dict[str, Any]:
        """What JSON can hold: missing numbers are None.

        Examples
        --------
        >>> Sheet([Row("oi", "zos", "rmse", 0.05, "m")]).records()["scores"][0]["depth"] is None
        True
        """
        return {"scores": [_plain(row) for row in self.rows], "missing": [asdict(each) for each in self.missing]}

    def reasons(self) -> list[str]:
        """Why scores are missing, in lines: those that share a reason stand together.

        Examples
        --------
        >>> gaps = [Missing("oi", "zos", score, "one time has no spectrum") for score in ("lambda_x", "lambda_t")]
        >>> Sheet([], gaps).reasons()
        ['no lambda_x, lambda_t of oi zos: one time has no spectrum']
        """
        scores: dict[str, dict[str, None]] = {}
        whose: dict[str, dict[str, None]] = {}
        for each in self.missing:
            against = "" if each.against == "truth" else f" against {each.against}"
            scores.setdefault(each.reason, {})[each.score] = None
            whose.setdefault(each.reason, {})[f"{each.analysis} {each.variable}{against}"] = None
        return [f"no {', '.join(scores[why])} of {_few(list(whose[why]))}: {why}" for why in scores]


def _few(names: list[str]) -> str:
    """At most three of them."""
    return ", ".join(names) if len(names) <= 3 else f"{', '.join(names[:2])} and {len(names) - 2} more"


def joined(sheets: Iterable[Sheet]) -> Sheet:
    """Several sheets as one."""
    return sum(sheets, Sheet())


def _plain(row: Row) -> dict[str, Any]:
    values = asdict(row)
    return {key: None if isinstance(v, float) and not np.isfinite(v) else v for key, v in values.items()}
