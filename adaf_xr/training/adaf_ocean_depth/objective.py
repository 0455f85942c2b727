"""How far increments below the surface are from the truth, and how honest their standard errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from adaf_xr.models.adaf_ocean.below import Below, Level
from adaf_xr.models.adaf_ocean.channels import STATE
from adaf_xr.models.adaf_ocean.columns import Columns
from adaf_xr.models.adaf_ocean.depth_network import DepthStage
from adaf_xr.models.adaf_ocean.depths import BELOW, DEEP
from adaf_xr.models.adaf_ocean.descent import MOVED, Descent, increments
from adaf_xr.models.adaf_ocean.frame import REFINEMENT
from adaf_xr.models.adaf_ocean.planes import refined
from adaf_xr.training.adaf_ocean.objective import NINETY, Errors
from adaf_xr.training.adaf_ocean_depth.options import Loss
from adaf_xr.training.task import Sums

BANDS = (100.0, 300.0, 700.0, 2000.0)
"""Lower ends [m] of the bands that scores are told of; what lies deeper has none."""

SCORES = ("rmse_{}", "rmse_{}_background", "rmse_{}_expected", "within_90_{}")


class Objective:
    """Loss and scores of batches.

    Parameters
    ----------
    options : Loss
        What counts.
    calibration : sequence of float, optional
        Factors of the standard errors of the surface, which those below it begin with. Default 1.
    """

    def __init__(self, options: Loss, calibration: Sequence[float] | None = None) -> None:
        self.options = options
        factors = torch.ones(len(STATE)) if calibration is None else torch.tensor(calibration)
        self._factors = torch.log(factors)[:, None, None]

    def loss(self, stage: DepthStage, batch: Any) -> Sums:
        """The loss summed over the items of a batch, and how many they are."""
        items = len(batch["mean"])
        total = sum(
            (self._of(errors, fine) for item in range(items) for _, errors, fine in self._errors(stage, batch, item)),
            start=torch.zeros((), device=batch["mean"].device),
        )
        return {"loss": (total, torch.tensor(float(items), device=total.device))}

    def scores(self, stage: DepthStage, batch: Any) -> Sums:
        """The loss, and squared errors by variable and band of depth, on the finest lattice and on that of 1 degree.

        ``rmse_NAME_100`` is the error of the analysis down to 100 m, with ``_background`` that of the background, with
        ``_expected`` the standard error; ``within_90_NAME_100`` is the share of errors within the 90 % interval.
        """
        items, zero = len(batch["mean"]), torch.zeros((), device=batch["mean"].device)
        keys = [f"{name}_{band:g}{suffix}" for name in BELOW for band in BANDS for suffix in ("", "_1deg")]
        names = [what.format(key) for key in keys for what in SCORES]
        found = dict.fromkeys(names, (zero, zero))  # a level at a quarter of a degree may be missing from a band
        total = zero
        with torch.no_grad():
            for item in range(items):
                for depth, errors, fine in self._errors(stage, batch, item):
                    total = total + self._of(errors, fine)
                    for key, pair in _scored(errors, depth, "" if fine else "_1deg"):
                        found[key] = found[key][0] + pair[0], found[key][1] + pair[1]
        return {"loss": (total, torch.tensor(float(items), device=total.device)), **found}

    def _of(self, errors: Errors, fine: bool) -> Tensor:
        """What a level adds to the loss."""
        weight = self.options.fine if fine else 1.0
        return weight * (errors.squared(self.options.outlier) + self.options.likelihood * errors.surprise())

    def _errors(self, stage: DepthStage, batch: Any, item: int) -> Iterator[tuple[float, Errors, bool]]:
        """Of every level of an item, on coarse cells and, where there are, on fine ones."""
        held = {name: part[item] for name, part in batch.items()}
        below = _below(held, bool(batch["wraps"][item]))
        known = stage.known(below.features()[None], below.wraps)
        factors = self._factors.to(known.device)
        for fine in (False, True):
            prefix = "fine_" if fine else ""
            mean, log_std = held[f"{prefix}mean"], held[f"{prefix}log_std"] + factors
            for place, depth in enumerate(held[f"{prefix}depth"].tolist()):
                level = below.level(depth)
                output = stage.head(known, level.features[None])[0].float()
                descent = Descent.of(output, below, level)
                yield depth, _error(descent, level, below, mean, log_std, held[f"{prefix}target"][place], fine), fine


def _below(held: dict[str, Tensor], wraps: bool) -> Below:
    """What is known before the analysis."""
    columns = Columns.of_levels(tuple(held["levels"].tolist()), held["water"])
    surface = {name: held[name] for name in ("mean", "log_std", "scale", "has", "sea", "surface_gate")}
    profiles = {name: held[name] for name in ("weight", "pull")}
    return Below(**surface, **profiles, columns=columns, latitude=held["latitude"], wraps=wraps)


def _error(
    descent: Descent, level: Level, below: Below, mean: Tensor, log_std: Tensor, target: Tensor, fine: bool
) -> Errors:
    """Of one level, on the lattice of its target (4, rows, columns), truth minus background."""

    def laid(planes: Tensor) -> Tensor:
        return refined(planes, REFINEMENT, below.wraps) if fine else planes

    made = increments(laid(descent.planes()), descent.fade, mean, log_std, fine)
    moved = made[MOVED] * laid(level.slopes)
    increment = torch.cat([made[: len(DEEP)] - moved, made[len(DEEP) : MOVED]])
    known = torch.isfinite(target)
    first = torch.where(known, target, torch.zeros_like(target))
    error = torch.where(known, first - increment, torch.zeros_like(first))
    latitude = below.latitude.repeat_interleave(REFINEMENT if fine else 1)
    parallel = torch.cos(torch.deg2rad(latitude)).clamp_min(0.0)[:, None]
    # Between the usual error of the depth, which strong thermoclines decide, and that of the place.
    usual = (level.unit * level.known).sum((1, 2)) / level.known.sum().clamp_min(1)
    unit = laid(usual[:, None, None] * level.unit)
    return Errors(known * parallel, error, first, made[MOVED + 1 :], unit)


def _scored(errors: Errors, depth: float, suffix: str) -> Iterator[tuple[str, tuple[Tensor, Tensor]]]:
    """Sums and weights of the scores of each variable."""
    if (band := int(np.searchsorted(BANDS, depth))) == len(BANDS):
        return
    spread, inside = torch.exp(2.0 * errors.log_std), errors.error.abs() < NINETY * torch.exp(errors.log_std)
    for place, name in enumerate(BELOW):
        key, weight = f"{name}_{BANDS[band]:g}{suffix}", errors.weight[place]
        squares = errors.error[place] ** 2, errors.first[place] ** 2, spread[place], inside[place].float()
        for what, values in zip(SCORES, squares, strict=True):
            yield what.format(key), ((weight * values).sum(), weight.sum())
