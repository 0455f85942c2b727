"""The course of a training on one rank: steps, epochs, validations, savings, and when to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import isnan, nan
from pathlib import Path
from typing import Any

import torch

from adaf_xr import checkpoint
from adaf_xr._version import __version__
from adaf_xr.training import state
from adaf_xr.training.batches import pinned
from adaf_xr.training.configuration import Configuration
from adaf_xr.training.loader import Loader
from adaf_xr.training.logs import Logs
from adaf_xr.training.order import Draw, draws
from adaf_xr.training.run_folder import RunFolder
from adaf_xr.training.schedule import factor
from adaf_xr.training.state import Progress
from adaf_xr.training.stepping import Done, Stepper
from adaf_xr.training.sums import added, means
from adaf_xr.training.task import Batch, Task
from adaf_xr.training.validation import validate

FINISHED, EARLY, TERMINATED = "finished", "early stop", "terminated"
"""Why a training ended."""


@dataclass
class Loop:
    """One rank's training.

    Attributes
    ----------
    wanted : Configuration
    folder : RunFolder
    task : Task
    stepper : Stepper
    progress : Progress
    emit : callable
        Tells the client.
    asked : callable
        Whether this rank was asked to stop.
    logs : Logs or None
        Of the first rank.
    rank, world : int
    """

    wanted: Configuration
    folder: RunFolder
    task: Task
    stepper: Stepper
    progress: Progress
    emit: Callable[..., object]
    asked: Callable[[], bool]
    logs: Logs | None = None
    rank: int = 0
    world: int = 1
    scores: dict[str, float] = field(default_factory=dict)
    saved: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.samples = {split: self.task.samples(split) for split in ("train", "validation")}
        self.steps = steps_per_epoch(self.wanted, self.samples["train"])
        if not self.samples["validation"]:
            raise ValueError("there are no validation samples: choose another validation period, or a longer one")

    def run(self) -> str:
        """Go on to the end, and say which end it was."""
        done = self.progress.step
        plan = draws(self.wanted.seed, self.samples["train"], self.wanted.batch, self.wanted.epochs, done)
        with Loader(self._maker("train"), plan) as loader:
            batches = iter(loader)
            while self.progress.epoch < self.wanted.epochs:
                if self._patience_is_over():
                    return EARLY
                for _ in range(self.progress.step, (self.progress.epoch + 1) * self.steps):
                    if self._step(loader, batches):
                        self._save()
                        return TERMINATED
                if not self._close_epoch():
                    self._save()
                    return TERMINATED
        return FINISHED

    def _step(self, loader: Loader, batches: Iterator[tuple[Draw, Batch]]) -> bool:
        """One step; whether it is to be the last."""
        began, waited = time.perf_counter(), loader.waited
        draw, batch = next(batches)
        rate = self.wanted.optimiser.lr * factor(self.wanted.schedule, draw.step, self.steps, self.wanted.epochs)
        done = self.stepper.step(draw, batch, rate, self.asked())
        self.scores = {}  # they were of the weights before
        progress, waited = self.progress, loader.waited - waited
        progress.step, progress.totals = draw.step, added(progress.totals, done.totals)
        seconds = time.perf_counter() - began
        progress.seconds += seconds
        progress.waited += waited
        self._tell(draw, done, rate, seconds, waited)
        if self.wanted.save_minutes and time.monotonic() - self.saved > 60 * self.wanted.save_minutes:
            self._save()
        return done.stop

    def _tell(self, draw: Draw, done: Done, rate: float, seconds: float, waited: float) -> None:
        losses = means(done.totals)
        counted = {"epoch": draw.epoch, "step": draw.step, "lr": rate}
        timed = {"seconds": seconds, "waited": waited / seconds}
        if self.logs:
            gradient = nan if done.norm is None else done.norm
            self.logs.step({**counted, **losses, "gradient": gradient, **timed})
        if done.norm is None:
            skipped = f"step {draw.step} was skipped: nothing counts in its samples {list(draw.indices)}"
            self.emit(kind="note", message=skipped)
        known = _known(losses)
        self.emit(kind="step", steps=self.steps * self.wanted.epochs, **counted, **known, **timed)

    def _close_epoch(self) -> bool:
        """Validate if it is the turn, log, save if it is the turn; False where it was asked to stop before."""
        progress, number = self.progress, self.progress.epoch + 1
        last = number == self.wanted.epochs
        if (last or number % self.wanted.validate_every == 0) and not self._validate(number):
            return False
        row = {
            "epoch": number,
            "step": progress.step,
            **means(progress.totals),
            **{f"validation_{name}": value for name, value in self.scores.items()},
            "seconds": progress.seconds,
            "waited": progress.waited / progress.seconds if progress.seconds else nan,
        }
        if self.logs:
            self.logs.epoch(row)
        self.emit(kind="epoch", epochs=self.wanted.epochs, **_known(row))
        progress.epoch, progress.totals, progress.seconds, progress.waited = number, {}, 0.0, 0.0
        if last or number % self.wanted.save_every == 0 or self._patience_is_over():
            self._save()
        return True

    def _validate(self, number: int) -> bool:
        """Score the network and keep it if it is the best; False where it was asked to stop before."""
        progress = self.progress
        scores = validate(
            self.task,
            self.stepper.best_network,
            self.wanted,
            self.stepper.device,
            self._maker("validation"),
            self.emit,
            self.asked,
            self.rank,
            self.world,
        )
        if scores is None:
            return False
        self.scores = scores
        if progress.best is not None and not self.scores["loss"] < progress.best:
            progress.stale += 1
            return True
        progress.best, progress.best_epoch, progress.stale = self.scores["loss"], number, 0
        self._write(self.folder.best)
        return True

    def _patience_is_over(self) -> bool:
        return self.wanted.early_stop is not None and self.progress.stale >= self.wanted.early_stop

    def _save(self) -> None:
        """The state last: what it knows of is there."""
        self.saved = time.monotonic()
        if self.logs:
            self.logs.flush()
            self._write(self.folder.last)
            state.save(self.folder.state, self.wanted, self.samples, self.stepper, self.progress)
            self.emit(kind="save", step=self.progress.step, path=str(self.folder.state))

    def _write(self, path: Path) -> None:
        """The network as it would be used, as a checkpoint."""
        if not self.logs:
            return
        weights = {
            name: tensor.detach().cpu().numpy() for name, tensor in self.stepper.best_network.state_dict().items()
        }
        provenance = {
            "name": self.wanted.name,
            "training": self.wanted.model_dump(mode="json"),
            "data": self.folder.data().get("provenance", {}),
            "epoch": self.progress.step // self.steps,
            "step": self.progress.step,
            "averaged": self.stepper.average is not None,
            "validation": self.scores,
            "versions": {"adaf_xr": __version__, "torch": str(torch.__version__)},
        }
        checkpoint.write(self.task.checkpoint(weights, provenance), path)

    def _maker(self, split: str) -> Callable[[Draw], Batch]:
        """What the loader's thread does: this rank's share of the training draws, the validation draws as they are."""
        pin = self.stepper.device.type == "cuda"

        def make(draw: Draw) -> Batch:
            mine = draw.share(self.rank, self.world) if split == "train" else draw
            batch = self.task.batch(split, mine.indices, mine.seeds)
            return pinned(batch) if pin else batch

        return make


def _known(numbers: dict[str, Any]) -> dict[str, Any]:
    """Without those that are NaN, which JSON does not have."""
    return {name: value for name, value in numbers.items() if not isnan(value)}


def steps_per_epoch(wanted: Configuration, samples: int) -> int:
    """Whole batches in an epoch.

    Raises
    ------
    ValueError
        Where there is none.
    """
    if samples < wanted.batch:
        raise ValueError(
            f"batch = {wanted.batch} samples per step, and there are {samples} to train on: choose a smaller batch, or "
            "a longer training period"
        )
    return samples // wanted.batch
