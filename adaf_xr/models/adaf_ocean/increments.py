"""From what the network says to increments and standard errors in physical units."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from adaf_xr.models.adaf_ocean.channels import STATE
from adaf_xr.models.adaf_ocean.features import Features
from adaf_xr.models.adaf_ocean.frame import REFINEMENT
from adaf_xr.models.adaf_ocean.planes import geostrophic, refined

NARROWEST, WIDEST = -6.0, 4.0
"""Bounds of the logarithm of a standard error in units of the scale."""

CHANGE = 3.0
"""Bound of what the fine stage makes of that."""


@dataclass(frozen=True)
class Increments:
    """Analysis minus background, and the logarithm of its standard error, (5, rows, columns) in canonical units."""

    mean: Tensor
    log_std: Tensor

    @classmethod
    def of(cls, output: Tensor, features: Features, latitude: Tensor, wraps: bool) -> Increments:
        """On coarse cells, from the output (10, rows, columns) of the network.

        Currents have the geostrophic part of the increment of sea level; the network adds to that.
        """
        mean = output[: len(STATE)] * features.scale * features.gate
        currents = mean[3:] + geostrophic(mean[0], latitude, wraps)
        log_std = output[len(STATE) :].clamp(NARROWEST, WIDEST) + torch.log(features.scale)
        return cls(torch.cat([mean[:3], currents]), log_std)

    def with_detail(self, output: Tensor, features: Features, wraps: bool) -> Increments:
        """On fine cells: these, interpolated, and what the fine stage adds (10, 4 rows, 4 columns)."""
        unit = refined(features.scale, REFINEMENT, wraps) * refined(features.gate, REFINEMENT, wraps)
        mean = refined(self.mean, REFINEMENT, wraps) + output[: len(STATE)] * unit
        change = output[len(STATE) :].clamp(-CHANGE, CHANGE)
        return Increments(mean, refined(self.log_std, REFINEMENT, wraps) + change)
