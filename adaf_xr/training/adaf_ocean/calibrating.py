"""Standard errors made right, after the training: ``python -m adaf_xr.training.adaf_ocean.calibrating RUN FILE``.

A network is surer of the days it was trained on than of others. One factor for each variable makes the predicted error
that of the analysis, on every other day of the validation period; the days between say how well it does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from adaf_xr import checkpoint
from adaf_xr.checkpoint import Checkpoint
from adaf_xr.models.adaf_ocean.channels import STATE
from adaf_xr.models.adaf_ocean.header import normalisation_of
from adaf_xr.models.adaf_ocean.weights import network_of
from adaf_xr.training.adaf_ocean.objective import Objective
from adaf_xr.training.adaf_ocean.options import Data, Loss
from adaf_xr.training.adaf_ocean.sampling import Sampler
from adaf_xr.training.run_folder import RunFolder
from adaf_xr.training.shards import Shards

SPLIT = "validation"


def calibrated(run: Path, told: Callable[[str], None] = print) -> Checkpoint:
    """The best checkpoint of a run, with factors of its standard errors and scores of the validation period.

    Parameters
    ----------
    run : Path
        Of a training of adaf-ocean.
    told : callable
        Hears how far it is.

    Returns
    -------
    Checkpoint
        With ``scores`` in its provenance: root-mean-square errors of analysis and background, on cells of 0.25 and of
        1 degree, and what the calibrated errors are worth, over the days that did not calibrate them.

    Raises
    ------
    ValueError
        Where the validation period is a single day.
    """
    place = RunFolder(run)
    wanted = place.configuration()
    shards = Shards.open(place.shards(), {"task": "adaf-ocean"})
    sampler, objective = Sampler(shards, Data.model_validate(wanted.data)), Objective(Loss.model_validate(wanted.loss))
    held = checkpoint.read(place.best)
    network = network_of(held).eval()

    def scores(days: Iterable[int]) -> dict[str, float]:
        total: dict[str, Tensor] = {}
        for day in days:
            batch = {name: part[None] for name, part in sampler.whole(SPLIT, day).items()}
            for name, pair in objective.scores(network, {**batch, "wraps": torch.ones(1, dtype=torch.bool)}).items():
                total[name] = total.get(name, torch.zeros(2)) + torch.stack(pair).double()
            told(f"{SPLIT} day {day + 1} of {shards.count(SPLIT)}")
        means = {name: float(sums[0] / sums[1]) for name, sums in total.items()}
        return {name: mean**0.5 if name.startswith("rmse_") else mean for name, mean in means.items()}

    count = shards.count(SPLIT)
    if count < 2:
        raise ValueError(
            f"{run} was validated on one day: it takes one to calibrate and another to say what it is worth"
        )
    first, second = scores(range(0, count, 2)), scores(range(1, count, 2))
    factors = {name: first[f"rmse_{name}"] / first[f"rmse_{name}_expected"] for name in STATE}
    said = {**_portable(held.provenance), "scores": _table(second, factors), "validation_days": len(range(1, count, 2))}
    return replace(held, normalisation=normalisation_of(factors), provenance=said)


def _portable(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of a training, of its map the name alone: the folder is of one machine."""
    training = provenance["training"]
    data = training["data"]
    named = {**data, "sea_level": Path(data["sea_level"]).name if data.get("sea_level") else None}
    return {**provenance, "training": {**training, "data": named}}


def _table(scores: dict[str, float], factors: dict[str, float]) -> dict[str, Any]:
    """Scores by variable; spread over skill is that of calibrated errors."""
    table = {}
    for name in STATE:
        keys = {"rmse": f"rmse_{name}", "background": f"rmse_{name}_background"}
        keys |= {"rmse_1deg": f"rmse_{name}_1deg", "background_1deg": f"rmse_{name}_1deg_background"}
        table[name] = {what: round(scores[key], 5) for what, key in keys.items()}
        spread = factors[name] * scores[f"rmse_{name}_expected"] / scores[f"rmse_{name}"]
        table[name]["spread_over_skill"] = round(spread, 3)
    return table


if __name__ == "__main__":
    made = calibrated(Path(sys.argv[1]))
    print(checkpoint.write(made, sys.argv[2]))
    for variable, row in made.provenance["scores"].items():
        print(variable, made.normalisation["calibration"][variable], row)
