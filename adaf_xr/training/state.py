"""All that a training needs to go on as if it had never stopped."""

from __future__ import annotations

import pickle
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from adaf_xr.atomic import write_whole
from adaf_xr.training.configuration import Configuration
from adaf_xr.training.run_folder import require_same
from adaf_xr.training.stepping import Stepper
from adaf_xr.training.sums import Totals

FORMAT = 1


class StateError(ValueError):
    """A saved state that cannot be gone on from."""


@dataclass
class Progress:
    """How far a training is.

    Attributes
    ----------
    step : int
        Steps done.
    epoch : int
        Epochs closed: validated, if it was their turn, and logged.
    best : float or None
        Least validation loss.
    best_epoch : int
    stale : int
        Validations since then.
    totals : dict
        Sums and counts of the epoch that is not closed.
    seconds, waited : float
        It has taken, and has waited for data.
    """

    step: int = 0
    epoch: int = 0
    best: float | None = None
    best_epoch: int = 0
    stale: int = 0
    totals: Totals = field(default_factory=dict)
    seconds: float = 0.0
    waited: float = 0.0


def save(path: Path, wanted: Configuration, samples: dict[str, int], stepper: Stepper, progress: Progress) -> None:
    """Write the state, whole or not at all.

    There is no random state in it: all randomness is a function of the seed and the step.
    """
    average = stepper.average
    content = {
        "format": FORMAT,
        "configuration": wanted.model_dump(mode="json"),
        "samples": samples,
        "progress": asdict(progress),
        "network": stepper.network.state_dict(),
        "average": None if average is None else average.state_dict(),
        "optimiser": stepper.optimiser.state_dict(),
    }
    write_whole(path, lambda stream: torch.save(content, stream))


def restore(path: Path, wanted: Configuration, samples: dict[str, int], stepper: Stepper) -> Progress:
    """Go on from a saved state.

    Raises
    ------
    StateError
        Where it is damaged, of another format, or of other data.
    ConfigurationError
        Where it is of another training.
    """
    content = _read(path)
    require_same(content["configuration"], wanted, path)
    if content["samples"] != samples:
        raise StateError(
            f"{path} was trained on {_counted(content['samples'])} samples, and the data hold {_counted(samples)}: put "
            "back the data it was begun with, or train into another folder"
        )
    stepper.network.load_state_dict(content["network"])
    stepper.optimiser.load_state_dict(content["optimiser"])
    if stepper.average is not None:
        stepper.average.load_state_dict(content["average"])
    return Progress(**content["progress"])


def _read(path: Path) -> dict[str, Any]:
    """The file, which can hold nothing but tensors and plain values.

    On the processor, from where they are copied to their device: Adam's counts of steps belong there, as each step asks
    for them.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, OSError, pickle.UnpicklingError) as error:
        why = (str(error) or type(error).__name__).splitlines()[0]
        raise StateError(
            f"{path} cannot be read ({why}): it is cut short or no state of a training. It is "
            "not passed over in silence: put back a copy of it; or remove it, and resuming begins at the first step "
            "again (the checkpoints beside it are whole files of their own, and serve inference)"
        ) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise StateError(
            f"{path} is no state of this format ({FORMAT}): resume it with the version of adaf_xr that wrote it, or "
            "train into another folder"
        )
    return content


def _counted(samples: dict[str, int]) -> str:
    return " and ".join(f"{count} {split}" for split, count in samples.items())
