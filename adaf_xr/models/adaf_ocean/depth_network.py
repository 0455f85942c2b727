"""The depth stage: from the analysed surface and profiles to what increments are at any depth."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from adaf_xr.models.adaf_ocean.below import LEVEL_PLANES, TRUNK_PLANES
from adaf_xr.models.adaf_ocean.configuration import DEPTH_BLOCKS
from adaf_xr.models.adaf_ocean.layers import Convolution, Trunk, levelled

HIDDEN = 64
"""Channels between what is known and what is said of a depth."""

COEFFICIENTS = 19
"""Planes that are said of a depth; :mod:`adaf_xr.models.adaf_ocean.descent` knows what they mean."""


class DepthStage(nn.Module):
    """A trunk that works once, and a head that is asked for one depth after another.

    Depth is an input as any other: what is said is continuous in it, and no levels are built in.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.trunk = Trunk(TRUNK_PLANES, (width, 2 * width), DEPTH_BLOCKS)
        self.told = Convolution(width, HIDDEN, 1)
        self.level = Convolution(LEVEL_PLANES, HIDDEN, 1)
        self.middle = Convolution(HIDDEN, HIDDEN, 1)
        self.last = Convolution(HIDDEN, COEFFICIENTS, 1, gain=0.1)

    def known(self, features: Tensor, wraps: bool) -> Tensor:
        """Features (batch, 100, rows, columns) to what the head is told (batch, 64, rows, columns)."""
        return self.told(self.trunk(features, wraps), wraps)

    def head(self, known: Tensor, level: Tensor) -> Tensor:
        """What is said (batch, 19, rows, columns) of a level with features (batch, 14, rows, columns)."""
        planes = F.silu(known + self.level(level, False))
        return self.last(planes + F.silu(self.middle(levelled(planes), False)), False)
