"""The published loss, and scores in physical units."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from adaf_xr.models.cnp.configuration import Configuration
from adaf_xr.training.cnp.options import Loss
from adaf_xr.training.task import Sums


class Objective:
    """How far windows of a network are from the truth.

    The loss is the mean square of the error in the units in which the range of a variable is [-1, 1], over all cells
    of all windows and all variables alike. A cell without any value of the truth is land; a variable that is missing
    in a cell of the sea is left out.

    Parameters
    ----------
    configuration : Configuration
        Of the network.
    options : Loss
        What counts.
    """

    def __init__(self, configuration: Configuration, options: Loss) -> None:
        self.variables, self.options = configuration.variables, options
        limits = torch.tensor(configuration.ranges, dtype=torch.float32)
        self.middle, self.half = limits.mean(dim=1), 0.5 * (limits[:, 1] - limits[:, 0])

    def loss(self, network: nn.Module, batch: Any) -> Sums:
        """Sum and count of the squared error over a batch of windows."""
        return {"loss": self._loss(network(batch["inputs"], batch["targets"]).float(), batch)}

    def scores(self, network: nn.Module, batch: Any) -> Sums:
        """The loss, and squared errors of analysis and background in physical units at sea, by variable."""
        with torch.no_grad():
            output = network(batch["inputs"], batch["targets"]).float()
            truth, background = batch["truth"], batch["background"]
            middle, half = (values.to(output.device) for values in (self.middle, self.half))
            analysis = half * output + (background if self.options.learn_residual else middle)
            sums = {"loss": self._loss(output, batch)}
            area = batch["targets"][..., 1:2] if self.options.area_weights else torch.ones_like(truth[..., :1])
            weight = torch.isfinite(truth + background) * area  # cos(latitude) is the second feature of a target
            for suffix, guess in (("", analysis), ("_background", background)):
                square = weight * torch.nan_to_num(guess - truth) ** 2
                for k, name in enumerate(self.variables):
                    sums[f"rmse_{name}{suffix}"] = square[..., k].sum(), weight[..., k].sum()
        return sums

    def _loss(self, output: Tensor, batch: Any) -> tuple[Tensor, Tensor]:
        truth, background = batch["truth"], batch["background"]
        middle, half = (values.to(output.device) for values in (self.middle, self.half))
        label = (truth - (background if self.options.learn_residual else middle)) / half
        known = torch.isfinite(label)
        land = torch.isnan(truth).all(dim=-1, keepdim=True)
        counted = known | land if self.options.mask_land else known
        # By a product, so that the sum hangs on every weight even where all is land.
        return ((known * (output - torch.nan_to_num(label))) ** 2).sum(), counted.sum()
