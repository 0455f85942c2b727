"""The prior: a network that a plausible state passes through unchanged."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from adaf_xr.models.fourdvarnet.configuration import Configuration


class BilinearUnit(nn.Module):
    """Convolutions around a product of two linear forms, the simplest of what dynamics have and linear layers lack.

    Parameters
    ----------
    channels, width : int
        Of the state, and of the hidden layers.
    wide : int
        Channels of the first layer.
    kernel : int
        Cells along the side of the first layer's kernel; the others have 3.
    bias : bool
        Whether layers have one.
    """

    def __init__(self, channels: int, width: int, wide: int, kernel: int, bias: bool) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, wide, kernel, padding=kernel // 2, bias=bias)
        self.second = nn.Conv2d(wide, width, 3, padding=1, bias=bias)
        # One layer with the outputs of three: a linear part and the two factors of the product.
        self.forms = nn.Conv2d(width, 3 * width, 3, padding=1, bias=bias)
        self.last = nn.Conv2d(2 * width, channels, 3, padding=1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, rows, columns) to the same."""
        linear, left, right = self.forms(self.second(functional.relu(self.first(x), inplace=True))).chunk(3, 1)
        answer: Tensor = self.last(torch.cat([linear, left * right], 1))
        return answer


class TwoScalePrior(nn.Module):
    """A bilinear unit on the full grid, plus one on means of cells.

    Parameters
    ----------
    channels, width, pooling : int
        Of the state, of the hidden layers, and cells along the side of the means.
    """

    def __init__(self, channels: int, width: int, pooling: int) -> None:
        super().__init__()
        self.fine = BilinearUnit(channels, width, wide=2 * width, kernel=7, bias=False)
        self.coarse = BilinearUnit(channels, width, wide=2 * width, kernel=7, bias=False)
        self.up = nn.ConvTranspose2d(channels, channels, pooling, stride=pooling, bias=False)
        self.pooling = pooling

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, rows, columns) to the same."""
        answer: Tensor = self.fine(x) + self.up(self.coarse(functional.avg_pool2d(x, self.pooling)))
        return answer


class PooledPrior(nn.Module):
    """A bilinear unit on means of cells, whose answer is interpolated.

    Parameters
    ----------
    channels, width, pooling : int
        As for :class:`TwoScalePrior`.
    """

    def __init__(self, channels: int, width: int, pooling: int) -> None:
        super().__init__()
        self.unit = BilinearUnit(channels, width, wide=width, kernel=3, bias=True)
        self.pooling = pooling

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, rows, columns) to the same."""
        answer = self.unit(functional.avg_pool2d(x, self.pooling))
        return functional.interpolate(answer, size=x.shape[2:], mode="bilinear", align_corners=True)


def prior_of(configuration: Configuration) -> TwoScalePrior | PooledPrior:
    """The prior that a configuration asks for.

    Examples
    --------
    >>> from adaf_xr.models.fourdvarnet import published
    >>> sum(weight.numel() for weight in prior_of(published("unet-ssh")).parameters())
    650600
    """
    channels = configuration.channels + (configuration.days if configuration.sst == "stacked" else 0)
    kind = TwoScalePrior if configuration.prior == "two-scale" else PooledPrior
    return kind(channels, configuration.width, configuration.prior_pooling)
