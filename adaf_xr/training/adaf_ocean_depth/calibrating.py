"""Standard errors below the surface made right, after the training of the depth stage.

``python -m adaf_xr.training.adaf_ocean_depth.calibrating RUN SURFACE FILE`` does below the surface what
:mod:`adaf_xr.training.adaf_ocean.calibrating` does there, and after it: SURFACE is the file that it wrote, of the
network that the run stands on. Every variable has one factor for each band of depth.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from adaf_xr import checkpoint
from adaf_xr.checkpoint import Checkpoint
from adaf_xr.models.adaf_ocean.depths import BELOW, CALIBRATED, fading
from adaf_xr.models.adaf_ocean.header import calibration_of, normalisation_of
from adaf_xr.models.adaf_ocean.weights import network_of
from adaf_xr.training.adaf_ocean_depth.objective import BANDS, Objective
from adaf_xr.training.adaf_ocean_depth.options import Data, Loss
from adaf_xr.training.adaf_ocean_depth.sampling import Sampler
from adaf_xr.training.run_folder import RunFolder
from adaf_xr.training.shards import Shards

SPLIT = "validation"

FARTHEST = 4.0
"""Most that a factor makes of a standard error, or of its inverse: just below the surface, which has its own, one has
little to say, and must not say it loudly."""


def calibrated(run: Path, surface: Path, told: Callable[[str], None] = print) -> Checkpoint:
    """The best checkpoint of a run, with factors of its standard errors and scores of the validation period.

    Parameters
    ----------
    run : Path
        Of a training of adaf-ocean-depth.
    surface : Path
        Weights of its surface network, calibrated.
    told : callable
        Hears how far it is.

    Returns
    -------
    Checkpoint
        With the provenance of the surface, and under ``depth`` that of the depth stage, with ``scores`` by variable and
        band of depth over the days that did not calibrate.

    Raises
    ------
    ValueError
        Where the validation period is a single day, or the surface is another one than that of the run.
    """
    place = RunFolder(run)
    wanted = place.configuration()
    shards = Shards.open(place.shards(), {"task": "adaf-ocean-depth"})
    held, known = checkpoint.read(place.best), checkpoint.read(surface)
    _require_same(held, known, surface)
    factors = calibration_of(known)
    sampler = Sampler(shards, Data.model_validate(wanted.data))
    objective = Objective(Loss.model_validate(wanted.loss), list(factors.values()))
    stage = network_of(held).eval().depth
    assert stage is not None  # it was trained

    def scores(days: Iterable[int]) -> dict[str, float]:
        total: dict[str, Tensor] = {}
        for day in days:
            batch = {name: part[None] for name, part in sampler.whole(SPLIT, day).items()}
            for name, pair in objective.scores(stage, {**batch, "wraps": torch.ones(1, dtype=torch.bool)}).items():
                total[name] = total.get(name, torch.zeros(2)) + torch.stack(pair).double()
            told(f"{SPLIT} day {day + 1} of {shards.count(SPLIT)}")
        return {name: float(sums[0] / sums[1]) for name, sums in total.items()}

    count = shards.count(SPLIT)
    if count < 2:
        raise ValueError(
            f"{run} was validated on one day: it takes one to calibrate and another to say what it is worth"
        )
    first, second = scores(range(0, count, 2)), scores(range(1, count, 2))
    deep = {name: [_factor(first, name, band) for band in range(len(BANDS))] for name in BELOW}
    below = {**_portable(held.provenance["depth"]), "scores": _table(second, deep)}
    said = {**known.provenance, "depth": below}
    return replace(held, normalisation=normalisation_of(factors, deep), provenance=said)


def _require_same(held: Checkpoint, surface: Checkpoint, path: Path) -> None:
    """Refuse a surface that the depth stage was not trained beside."""
    own = {name: array for name, array in held.weights.items() if name in surface.weights}
    if set(own) != set(surface.weights) or any(not np.array_equal(own[name], surface.weights[name]) for name in own):
        raise ValueError(
            f"{path} holds another surface network than the depth stage was trained beside: calibrate that of "
            "data.surface, or train the depth stage beside this one"
        )


def _portable(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of the training of the depth stage, of the run beside it the name alone."""
    training = provenance["training"]
    named = {**training["data"], "surface": Path(training["data"]["surface"]).name}
    return {**provenance, "training": {**training, "data": named}}


def _factor(scores: dict[str, float], name: str, band: int) -> float:
    """What makes the standard error of a band that of its errors; 1 where none was seen."""
    key = f"rmse_{name}_{BANDS[band]:g}"
    ratio = np.sqrt(scores[key] / scores[f"{key}_expected"])
    # It counts by the share of the standard error that is not the surface's.
    factor = ratio ** (1.0 / fading(CALIBRATED[band]))
    return float(np.clip(factor, 1.0 / FARTHEST, FARTHEST)) if np.isfinite(factor) else 1.0


def _table(scores: dict[str, float], factors: dict[str, list[float]]) -> dict[str, Any]:
    """Scores by variable and band; spread over skill is that of calibrated errors."""
    table: dict[str, Any] = {}
    for name in BELOW:
        for number, band in enumerate(BANDS):
            key = f"rmse_{name}_{band:g}"
            keys = {"rmse": key, "background": f"{key}_background"}
            keys |= {"rmse_1deg": f"{key}_1deg", "background_1deg": f"{key}_1deg_background"}
            row = {what: round(scores[held] ** 0.5, 5) for what, held in keys.items()}
            spread = factors[name][number] ** fading(CALIBRATED[number])
            row["spread_over_skill"] = round(spread * (scores[f"{key}_expected"] / scores[key]) ** 0.5, 3)
            table.setdefault(name, {})[f"{band:g}"] = row
    return table


if __name__ == "__main__":
    made = calibrated(Path(sys.argv[1]), Path(sys.argv[2]))
    print(checkpoint.write(made, sys.argv[3]))
    for variable, rows in made.provenance["depth"]["scores"].items():
        print(variable, made.normalisation["depth_calibration"][variable])
        for band, row in rows.items():
            print(f"  to {band} m", row)
