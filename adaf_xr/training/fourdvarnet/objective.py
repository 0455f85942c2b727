"""The loss of the paper: errors of height, of what follows from it, of currents, and departures from the prior.

All terms but those of the prior are mean squares of linear operators of errors. So each operator is applied to the
error, which is 0 on land, and what it makes near land or the border does not count. A published term of strain, whose
weight is 0, is left out, as are known faults of the published program; derivatives are those on the sphere.

References
----------
Fablet, R., Chapron, B., Le Sommer, J., & Sévellec, F. (2024). Inversion of sea surface currents from satellite-derived
SST-SSH synergies with 4DVarNets. Journal of Advances in Modeling Earth Systems, 16. arXiv 2211.13059.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from adaf_xr.models.fourdvarnet import Configuration, Estimate
from adaf_xr.normalisation import Affine
from adaf_xr.training.fourdvarnet.filters import reach, sobel
from adaf_xr.training.fourdvarnet.operators import Flow, away_from_land, days_of, inner, mean_square
from adaf_xr.training.fourdvarnet.options import Loss
from adaf_xr.training.fourdvarnet.truth import Truth, window_of
from adaf_xr.training.task import Sums


class Objective:
    """The loss of batches.

    Parameters
    ----------
    options : Loss
        What counts how much.
    configuration : Configuration
        Of the network.
    normalisation : mapping of str to Affine
        Of "ssh" [m] and "currents" [m s-1].
    steps : pair of float
        Between rows and between columns of samples [degrees].
    """

    def __init__(
        self,
        options: Loss,
        configuration: Configuration,
        normalisation: Mapping[str, Affine],
        steps: tuple[float, float],
    ) -> None:
        self.options, self.configuration = options, configuration
        self.flow = Flow.of(normalisation, steps, configuration.pooling)
        self.border = options.border // configuration.pooling
        self.days = days_of(configuration.days)

    def loss(self, network: nn.Module, batch: Any) -> Sums:
        """The loss, and the terms of the last block as they count in it."""
        estimates = network(window_of(batch, self.configuration), refine=False)
        return self.of(network, estimates, Truth.of(batch, self.configuration.pooling))

    def of(self, network: nn.Module, estimates: Sequence[Estimate], truth: Truth) -> Sums:
        """The same of what a network has found: sums over the items of a batch, and how many they are."""
        device = truth.ssh.device
        items, total = torch.tensor(float(len(truth.ssh)), device=device), torch.zeros((), device=device)
        terms: dict[str, Tensor] = {}
        # In single precision whatever the network works in: derivatives are small differences.
        with torch.autocast(device.type, enabled=False):
            for number, estimate in enumerate(estimates):
                terms = {name: term.sum() for name, term in self.terms(network, estimate, truth).items()}
                total = total + (self.options.later_blocks if number else 1.0) * torch.stack([*terms.values()]).sum()
        return {"loss": (total, items)} | {name: (term.detach(), items) for name, term in terms.items()}

    def terms(self, network: nn.Module, estimate: Estimate, truth: Truth) -> dict[str, Tensor]:
        """The terms of one estimate as they count in the loss, each (batch,)."""
        terms = self._of_height(estimate.ssh.float(), truth)
        if estimate.u is not None and estimate.v is not None:
            terms |= self._of_currents(estimate.u.float(), estimate.v.float(), truth)
        if not self.configuration.direct:
            terms |= self._of_state(network, estimate.state.float(), truth)
        return terms

    def _of_height(self, ssh: Tensor, truth: Truth) -> dict[str, Tensor]:
        """Of sea surface height, and of what follows from it."""
        wanted, sea, near = self.options, truth.sea, away_from_land(truth.sea, 1)
        error = torch.where(sea, ssh - truth.ssh, 0.0)
        differences = [wanted.sobel * part for part in sobel(error)]
        return {
            "ssh": wanted.ssh * self._mean([error], sea),
            "gradients": wanted.gradients * self._mean(differences, near),
            "geostrophic": wanted.geostrophic * self._mean(self.flow.geostrophic(error, truth.latitude), near),
            "low_pass": wanted.low_pass * self._low_pass(torch.where(sea, ssh - truth.oi, 0.0), sea),
        }

    def _of_currents(self, u: Tensor, v: Tensor, truth: Truth) -> dict[str, Tensor]:
        """Of currents, and of their divergence."""
        wanted = self.options
        errors = torch.where(truth.sea, u - truth.u, 0.0), torch.where(truth.sea, v - truth.v, 0.0)
        divergence = self.flow.divergence(*errors, truth.latitude, wanted.smoothing) / wanted.divergence_unit
        far = away_from_land(truth.sea, 1 + reach(wanted.smoothing))
        return {
            "currents": wanted.currents * self._mean(errors, truth.sea),
            "divergence": wanted.divergence * self._mean([divergence], far),
        }

    def _of_state(self, network: nn.Module, state: Tensor, truth: Truth) -> dict[str, Tensor]:
        """Of the state beside its prior, and of the coarse height in it."""
        prior: Any = network.prior
        own, due = (((prior(x) - x) ** 2).mean((1, 2, 3)) for x in (state, truth.state(self.configuration)))
        terms = {"prior": self.options.prior * (own + due)}
        if self.configuration.state == "augmented":
            departure = torch.where(truth.sea, state[:, : self.configuration.days] - truth.oi, 0.0)
            terms["coarse"] = self.options.coarse * self._mean([departure], truth.sea)
        return terms

    def _mean(self, parts: Sequence[Tensor], counts: Tensor) -> Tensor:
        """Over what counts and is not border, weighted by day."""
        return mean_square(parts, self._weights(counts) * inner(counts, self.border))

    def _low_pass(self, departure: Tensor, sea: Tensor) -> Tensor:
        """Of means over large squares, of those that are all sea."""
        cells = min(self.options.low_pass_cells, *departure.shape[2:])
        whole = functional.max_pool2d((~sea).float(), cells) < 0.5
        return mean_square([functional.avg_pool2d(departure, cells)], self._weights(whole) * whole)

    def _weights(self, like: Tensor) -> Tensor:
        return self.days.to(like.device)[:, None, None]
