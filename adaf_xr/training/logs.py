"""What a run writes down: a row per step and a row per epoch, as CSV and for TensorBoard."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from adaf_xr.atomic import write_whole
from adaf_xr.training.run_folder import RunFolder

Row = Mapping[str, float | int]

MISSING = (
    "TensorBoard is not installed, so its logs are not written (log.csv and epochs.csv are): pip install tensorboard"
)


class Logs:
    """The logs of a run, open.

    Numbers are written so that reading them gives the same bits. What lies beyond the step that a run goes on from is
    cut off: it will be written again.

    Parameters
    ----------
    folder : RunFolder
    done : int
        Steps that the run has done.
    tensorboard : bool
    note : callable
        Is told what is left out.
    """

    def __init__(self, folder: RunFolder, done: int, tensorboard: bool, note: Callable[[str], object]) -> None:
        self.folder = folder
        for path in (folder.log, folder.epochs):
            _cut(path, done)
        self._stream: IO[str] | None = None
        self._columns: list[str] = []
        self._board = _board(folder.tensorboard, done, note) if tensorboard else None

    def step(self, row: Row) -> None:
        """One more step."""
        if self._stream is None:
            # A task that was changed in between may give other columns than those that are there.
            rows = _rows(self.folder.log)
            self._columns = _columns([*rows, row])
            if not rows or list(rows[0]) != self._columns:
                _write(self.folder.log, rows, self._columns)
            self._stream = self.folder.log.open("a", buffering=1, newline="")
        self._stream.write(_line(row.get(name, "") for name in self._columns))
        self._show("step", row)

    def epoch(self, row: Row) -> None:
        """One more epoch; a row may have columns of its own."""
        rows = [*_rows(self.folder.epochs), {name: _text(value) for name, value in row.items()}]
        _write(self.folder.epochs, rows, _columns(rows))
        self._show("epoch", row)

    def flush(self) -> None:
        """All on disk: a state that is saved after this knows of no row that is not there."""
        if self._stream is not None:
            self._stream.flush()
            os.fsync(self._stream.fileno())
        if self._board is not None:
            self._board.flush()

    def close(self) -> None:
        """No more rows."""
        self.flush()
        if self._stream is not None:
            self._stream.close()
        if self._board is not None:
            self._board.close()

    def _show(self, group: str, row: Row) -> None:
        if self._board is not None:
            for name, value in row.items():
                if name not in ("epoch", "step") and math.isfinite(value):
                    self._board.add_scalar(f"{group}/{name}", value, row["step"])


def _board(folder: Path, done: int, note: Callable[[str], object]) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        note(MISSING)
        return None
    return SummaryWriter(str(folder), purge_step=done + 1)


def _cut(path: Path, done: int) -> None:
    """Leave the rows up to a step. The last line may be half a line: the process was killed while it wrote."""
    if not path.exists():
        return
    lines = [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
    column = lines[0].rstrip("\n").split(",").index("step") if lines else 0
    kept = [line for line in lines[1:] if int(line.split(",")[column]) <= done]
    if kept:
        write_whole(path, "".join([lines[0], *kept]).encode())
    else:
        path.unlink()


def _rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text()))) if path.exists() else []


def _columns(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """All that any of the rows has."""
    return list(dict.fromkeys(name for row in rows for name in row))


def _write(path: Path, rows: Iterable[Mapping[str, Any]], columns: list[str]) -> None:
    """A table as a whole, blank where a row has nothing."""
    lines = [_line(columns), *(_line(row.get(name, "") for name in columns) for row in rows)]
    write_whole(path, "".join(lines).encode())


def _line(values: Any) -> str:
    return ",".join(_text(value) for value in values) + "\n"


def _text(value: float | int | str) -> str:
    """The shortest text that reads as the same number; nothing for no number."""
    return "" if isinstance(value, float) and math.isnan(value) else str(value)
