"""What is known of an experiment in the making: whose it is, and how many of its days are on disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adaf_xr._version import __version__
from adaf_xr.atomic import write_whole
from adaf_xr.osse.opening import MANIFEST, UNFINISHED
from adaf_xr.osse.plan import Experiment

Progress = Callable[[int, int], None]

FREE = {"splits", "title", "evaluation"}
"""Parameters that may change between two runs: no truth depends on them, and what does is made anew."""


class Tally:
    """Days done, told to whoever wants to know."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self.progress, self.total, self.done = progress, total, 0
        self.advance(0)

    def advance(self, days: int) -> None:
        """Some more days are done."""
        self.done += days
        if self.progress is not None:
            self.progress(self.done, self.total)


@dataclass(frozen=True)
class Ledger:
    """The file that says, in a folder that is no experiment yet, what it will be and how far it is.

    Attributes
    ----------
    folder : Path
        Of the experiment.
    parameters : dict
        Those of the experiment.
    """

    folder: Path
    parameters: dict[str, Any]

    @classmethod
    def open(cls, plan: Experiment, folder: Path, resume: bool) -> Ledger:
        """The ledger of a new folder, or of one to go on with.

        Raises
        ------
        FileExistsError
            Where the folder holds something, and is not to be resumed.
        ValueError
            Where it was begun as another experiment.
        """
        ledger = cls(folder, plan.parameters())
        if (folder / UNFINISHED).exists():
            if not resume:
                raise FileExistsError(
                    f"{folder} holds an experiment whose simulation was interrupted: go on with it by resume=True "
                    "(--resume), remove it, or write to another folder"
                )
            ledger.require_same(json.loads((folder / UNFINISHED).read_text())["experiment"])
            ledger.note(ledger.days())
            return ledger
        if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
            raise FileExistsError(f"{folder} exists and is no experiment: write to another folder")
        folder.mkdir(parents=True, exist_ok=True)
        ledger.note(0)
        return ledger

    def require_same(self, held: dict[str, Any]) -> None:
        """Refuse a folder that was begun with other parameters."""
        wanted = self.parameters
        if differs := sorted(key for key in wanted if key not in FREE and held.get(key) != wanted[key]):
            raise ValueError(
                f"{self.folder} was begun as {held['name']!r} with another {' and '.join(differs)}: resume with the "
                "same arguments, or write to another folder"
            )

    def days(self) -> int:
        """Days of the truth that are written."""
        return int(json.loads((self.folder / UNFINISHED).read_text())["days"])

    def note(self, days: int) -> None:
        """So many days of the truth are written."""
        _write(self.folder / UNFINISHED, {"experiment": self.parameters, "package": __version__, "days": days})

    def close(self, manifest: dict[str, Any]) -> None:
        """The manifest takes the place of the ledger: now it is an experiment."""
        _write(self.folder / MANIFEST, manifest)
        (self.folder / UNFINISHED).unlink()


def is_finished(plan: Experiment, folder: Path, resume: bool) -> bool:
    """Whether a folder holds this experiment already, and was to be resumed.

    Raises
    ------
    FileExistsError
        Where it is not to be resumed, or only what may change is changed: nothing of it is written again.
    ValueError
        Where it holds another one.
    """
    if not (folder / MANIFEST).exists():
        return False
    held = json.loads((folder / MANIFEST).read_text())["experiment"]
    if resume and held == plan.parameters():
        return True
    if resume:
        Ledger(folder, plan.parameters()).require_same(held)
    raise FileExistsError(
        f"{folder} holds the finished experiment {held['name']!r}: open it, remove it, or write to another folder"
    )


def _write(path: Path, content: dict[str, Any]) -> None:
    write_whole(path, json.dumps(content, indent=1).encode() + b"\n")
