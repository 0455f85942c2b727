"""The network of super-resolution: convolutions on the coarse grid."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from adaf_xr.checkpoint import Checkpoint
from adaf_xr.models.carrying import configuration_in
from adaf_xr.models.super_resolution.configuration import FACTOR, NAME, Configuration
from adaf_xr.models.weights import filled, laid_out

GAIN = 0.1
"""Size of what can be foretold, in local amplitudes: with it the last layer learns at the pace of the others."""


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    """Three by three; zeros beyond an edge, which whoever minds gives a halo."""
    return nn.Conv2d(inputs, outputs, 3, padding=1)


def _silenced(layer: nn.Module) -> None:
    """Answers nothing until it has learned."""
    for weight in layer.parameters():
        nn.init.zeros_(weight)


def _bent(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, 0.1)


class Block(nn.Module):
    """Two convolutions beside the identity, which is where it begins."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = _convolution(width, width), _convolution(width, width)
        _silenced(self.second)

    def forward(self, x: Tensor) -> Tensor:
        """(n, width, n_lat, n_lon) to the same."""
        return x + self.second(_bent(self.first(_bent(x))))


class Network(nn.Module):
    """From a pattern on the coarse grid to what cubic upsampling lacks on the fine one.

    Parameters
    ----------
    configuration : Configuration
        Its size.

    Examples
    --------
    >>> network = Network(Configuration(width=8, blocks=1))
    >>> network(torch.zeros(1, 1, 5, 6), torch.ones(1, 1, 5, 6), torch.ones(1, 1, 20, 24)).shape
    torch.Size([1, 1, 20, 24])
    """

    def __init__(self, configuration: Configuration) -> None:
        super().__init__()
        self.configuration = configuration
        self.stem = _convolution(2 + FACTOR**2, configuration.width)
        self.blocks = nn.Sequential(*(Block(configuration.width) for _ in range(configuration.blocks)))
        self.head = _convolution(configuration.width, FACTOR**2)
        _silenced(self.head)

    def forward(self, pattern: Tensor, present: Tensor, sea: Tensor) -> Tensor:
        """What to add, in local amplitudes.

        Parameters
        ----------
        pattern : Tensor (n, 1, n_lat, n_lon)
            Of :class:`adaf_xr.models.super_resolution.features.Features`.
        present : Tensor (n, 1, n_lat, n_lon)
            1 where the coarse field has a value.
        sea : Tensor (n, 1, 4 n_lat, 4 n_lon)
            1 in the fine cells that are wanted.

        Returns
        -------
        Tensor (n, 1, 4 n_lat, 4 n_lon)
            Everywhere, on land too.
        """
        # Land, not sea, so that nothing is added in open water.
        land = functional.pixel_unshuffle(1.0 - sea, FACTOR)
        seen = torch.cat([pattern, 1.0 - present, land], 1).contiguous(memory_format=torch.channels_last)
        answer = self.head(_bent(self.blocks(self.stem(seen))))
        return functional.pixel_shuffle(GAIN * answer.float(), FACTOR)


def network_of(checkpoint: Checkpoint) -> Network:
    """The network of a checkpoint, its weights loaded, in single precision on the CPU.

    Raises
    ------
    CheckpointError
        If it is of another family, its configuration means no network, or its weights do not fit it.
    """
    configuration = configuration_in(checkpoint, NAME, Configuration.from_dict)
    return filled(laid_out(lambda: Network(configuration)), checkpoint.weights)
