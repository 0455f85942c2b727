"""How far increments are from the truth, and how honest their standard errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from adaf_xr.models.adaf_ocean.channels import STATE
from adaf_xr.models.adaf_ocean.features import Features
from adaf_xr.models.adaf_ocean.frame import REFINEMENT
from adaf_xr.models.adaf_ocean.increments import Increments
from adaf_xr.models.adaf_ocean.planes import refined
from adaf_xr.training.adaf_ocean.options import Loss
from adaf_xr.training.task import Sums

USUAL = (0.015, 0.11, 0.045, 0.04, 0.042)
"""Error of a good analysis, by variable [canonical unit]: what makes five variables count alike."""

NINETY = 1.6449
"""Standard deviations on either side of the mean that hold 90 percent of a Gaussian."""


@dataclass(frozen=True)
class Errors:
    """Of an analysis on one lattice, in canonical units; all (5, rows, columns).

    Attributes
    ----------
    weight : Tensor
        Area of the cells, as a share of those at the equator; 0 where there is no target.
    error, first : Tensor
        Of the analysis, and of the background; 0 where there is no target.
    log_std : Tensor
        Logarithm of the predicted standard error.
    unit : Tensor
        Square of the usual error.
    """

    weight: Tensor
    error: Tensor
    first: Tensor
    log_std: Tensor
    unit: Tensor

    @classmethod
    def of(cls, increments: Increments, target: Tensor, scale: Tensor, latitude: Tensor) -> Errors:
        """Errors of increments where there is a target (5, rows, columns), truth minus background, NaN elsewhere."""
        known = torch.isfinite(target)
        parallel = torch.cos(torch.deg2rad(latitude)).clamp_min(0.0)[:, None]
        first = torch.where(known, target, torch.zeros_like(target))
        error = torch.where(known, first - increments.mean, torch.zeros_like(first))
        # Between the error itself, which the strongest currents decide, and its share of the eddies there.
        unit = torch.tensor(USUAL, device=scale.device)[:, None, None] * scale
        return cls(known * parallel, error, first, increments.log_std, unit)

    def squared(self, outlier: float) -> Tensor:
        """Mean over the area of the squared error in its unit, summed over variables; far out it grows linearly."""
        square = self.error**2 / self.unit
        far = 2.0 * outlier * square.clamp_min(outlier**2).sqrt() - outlier**2
        return self._mean(torch.where(square > outlier**2, far, square)).sum()

    def surprise(self) -> Tensor:
        """Negative log-likelihood of the errors, which are taken as given, in units of the scale; summed likewise."""
        square = (self.error.detach() ** 2 * torch.exp(-2.0 * self.log_std)).clamp(max=50.0)
        return self._mean(self.log_std - 0.5 * torch.log(self.unit) + 0.5 * square).sum()

    def _mean(self, values: Tensor) -> Tensor:
        """Over the area where there is a target, by variable; 0 where there is none."""
        return (self.weight * values).sum((1, 2)) / self.weight.sum((1, 2)).clamp_min(1.0)


class Objective:
    """Loss and scores of batches.

    Parameters
    ----------
    options : Loss
        What counts.
    """

    def __init__(self, options: Loss) -> None:
        self.options = options

    def loss(self, network: nn.Module, batch: Any) -> Sums:
        """The loss summed over the items of a batch, and how many they are."""
        return {"loss": self._loss(self._errors(network, batch))}

    def scores(self, network: nn.Module, batch: Any) -> Sums:
        """The loss, and squared errors by variable: of the analysis on the finest lattice, and on that of 1 degree.

        ``rmse_NAME`` is the error of the analysis, with ``_background`` that of the background, with ``_expected`` the
        standard error; ``within_90_NAME`` is the share of errors within the 90 % interval.
        """
        found: dict[str, tuple[Tensor, Tensor]] = {}
        with torch.no_grad():
            pairs = self._errors(network, batch)
            for coarse, fine in pairs:
                for suffix, errors in (("", coarse if fine is None else fine), ("_1deg", coarse)):
                    for name, (total, weight) in _scored(errors, suffix).items():
                        before = found.get(name, (0.0, 0.0))
                        found[name] = before[0] + total, before[1] + weight
            return {"loss": self._loss(pairs), **found}

    def _loss(self, pairs: list[tuple[Errors, Errors | None]]) -> tuple[Tensor, Tensor]:
        """Sum over items of the mean over the area; each item counts, whatever of it is known."""
        total = torch.zeros((), device=pairs[0][0].error.device)
        for coarse, fine in pairs:
            for errors, share in ((coarse, self.options.coarse), (fine, 1.0)):
                if errors is not None:
                    likely = self.options.likelihood * errors.surprise()
                    total = total + share * (errors.squared(self.options.outlier) + likely)
        return total, torch.tensor(float(len(pairs)), device=total.device)

    def _errors(self, network: nn.Module, batch: Any) -> list[tuple[Errors, Errors | None]]:
        """Of every item, on coarse and on fine cells."""
        wraps = bool(batch["wraps"][0])
        outputs, details = network(batch["coarse"], batch["fine"], wraps)
        pairs = []
        for item, output in enumerate(outputs.float()):
            features = Features(*(batch[name][item] for name in ("coarse", "fine", "scale", "gate")))
            latitude = batch["latitude"][item]
            increments = Increments.of(output, features, latitude, wraps)
            coarse = Errors.of(increments, batch["target"][item], features.scale, latitude)
            fine = None
            if details is not None:
                detailed = increments.with_detail(details[item].float(), features, wraps)
                unit = refined(features.scale, REFINEMENT, wraps)
                rows = latitude.repeat_interleave(REFINEMENT)
                fine = Errors.of(detailed, batch["fine_target"][item], unit, rows)
            pairs.append((coarse, fine))
        return pairs


def _scored(errors: Errors, suffix: str) -> dict[str, tuple[Tensor, Tensor]]:
    """Sums and weights of the scores of each variable."""
    spread, inside = torch.exp(2.0 * errors.log_std), errors.error.abs() < NINETY * torch.exp(errors.log_std)
    found = {}
    for place, name in enumerate(STATE):
        weight = errors.weight[place]
        for what, values in (
            (f"rmse_{name}{suffix}", errors.error[place] ** 2),
            (f"rmse_{name}{suffix}_background", errors.first[place] ** 2),
            (f"rmse_{name}{suffix}_expected", spread[place]),
            (f"within_90_{name}{suffix}", inside[place].float()),
        ):
            found[what] = ((weight * values).sum(), weight.sum())
    return found
