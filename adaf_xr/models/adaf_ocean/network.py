"""The network: convolutions on tokens of 2 x 2 degrees, and a light stage that refines what they find to 0.25 degrees.

Nothing in it knows how large its input is (nothing is normalised over an image), so that what a region sees is what the
globe sees there.

References
----------
Shi et al. 2016, arXiv 1609.05158 (sub-pixel convolution, and its inverse).
"""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adaf_xr.models.adaf_ocean.channels import BINS, PREDICTORS, STATE, STATE_CHANNELS
from adaf_xr.models.adaf_ocean.configuration import Configuration
from adaf_xr.models.adaf_ocean.depth_network import DepthStage
from adaf_xr.models.adaf_ocean.frame import REFINEMENT
from adaf_xr.models.adaf_ocean.innovations import SEEN_FINE
from adaf_xr.models.adaf_ocean.layers import Convolution, Trunk, levelled
from adaf_xr.models.weights import laid_out

PROJECTED = 16
"""Channels in which the trunk tells the fine stage what it knows."""

OUTPUTS = 2 * len(STATE)
"""Increment and logarithm of the standard error of every variable."""


def widths_of_input() -> tuple[int, int]:
    """Planes of the features, of coarse cells and of cells of half a degree.

    Examples
    --------
    >>> widths_of_input()
    (184, 40)
    """
    state, seen = len(STATE), 2 * SEEN_FINE
    observed = 2 * BINS * len(STATE_CHANNELS) + BINS * len(PREDICTORS) + 2 * BINS
    coarse = observed + 4 * state + 5 + seen * REFINEMENT**2
    return coarse, (seen + state + 1) * 4


class FineStage(nn.Module):
    """What the cells of 0.25 degrees have beyond those of 1 degree; it works on cells of half a degree, four in one."""

    def __init__(self, inputs: int, known: int, width: int) -> None:
        super().__init__()
        self.told = Convolution(known, PROJECTED, 1)
        self.first = Convolution(inputs + PROJECTED, width)
        self.second = Convolution(width, width)
        self.head = Convolution(width, 4 * OUTPUTS, gain=0.1)
        self.direct = Convolution(inputs, 4 * OUTPUTS, 1, gain=0.0)

    def forward(self, fine: Tensor, known: Tensor, wraps: bool) -> Tensor:
        """Features of half a degree and what the trunk knows, to (batch, 10, 4 rows, 4 columns)."""
        told = F.interpolate(self.told(known, wraps), scale_factor=2, mode="nearest")
        planes = F.silu(self.first(torch.cat([fine, told], 1), wraps))
        planes = levelled(planes + F.silu(self.second(levelled(planes), wraps)))
        return F.pixel_shuffle(self.head(planes, wraps) + self.direct(fine, wraps), 2)


class AdafOceanNetwork(nn.Module):
    """Increments and their standard errors from features, in units of the scale.

    Examples
    --------
    >>> network = AdafOceanNetwork(Configuration((8, 8), (1, 1), 4))
    >>> coarse, fine = network(torch.zeros(1, 184, 16, 24), torch.zeros(1, 40, 32, 48), wraps=False)
    >>> tuple(coarse.shape), tuple(fine.shape)
    ((1, 10, 16, 24), (1, 10, 64, 96))
    """

    def __init__(self, configuration: Configuration) -> None:
        super().__init__()
        self.configuration = configuration
        coarse, fine = widths_of_input()
        self.trunk = Trunk(coarse, configuration.widths, configuration.blocks)
        self.head = Convolution(configuration.widths[0], OUTPUTS, gain=0.1)
        self.direct = Convolution(coarse, OUTPUTS, 1, gain=0.0)
        self.fine = FineStage(fine, configuration.widths[0], configuration.fine) if configuration.fine else None
        # Beside the surface, never before it: what is said of the surface does not hang on it.
        self.depth = DepthStage(configuration.depth) if configuration.depth else None

    def forward(self, coarse: Tensor, fine: Tensor | None, wraps: bool) -> tuple[Tensor, Tensor | None]:
        """Output on coarse cells and, where fine features are given, what fine cells add to it.

        Parameters
        ----------
        coarse : Tensor (batch, 184, rows, columns)
            Rows and columns are multiples of 8.
        fine : Tensor (batch, 40, 2 rows, 2 columns) or None
        wraps : bool
            Whether the last column touches the first.
        """
        known = self.trunk(coarse, wraps)
        output = self.head(known, wraps) + self.direct(coarse, wraps)
        return output, None if fine is None or self.fine is None else self.fine(fine, known, wraps)


@cache
def count(configuration: Configuration) -> tuple[int, int]:
    """Parameters of the network at 1 degree, and those that the fine stage adds.

    Examples
    --------
    >>> one, more = count(Configuration())
    >>> one, more, round(100.0 * more / one, 2)
    (2482516, 39648, 1.6)
    """
    network = laid_out(lambda: AdafOceanNetwork(configuration))
    more = sum(weight.numel() for name, weight in network.named_parameters() if name.startswith("fine."))
    return sum(weight.numel() for weight in network.parameters()) - more, more
