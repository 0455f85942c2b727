"""What networks on cells of the sphere are built of: convolutions that go around it, blocks, and the trunk.

Nothing in them knows how large its input is.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adaf_xr.models.adaf_ocean.planes import padded

LEAST = 1e-3
"""Mean square over the channels that counts as hardly anything."""


class Convolution(nn.Conv2d):
    """A convolution that keeps the number of cells, around the globe where planes go around it."""

    def __init__(self, inputs: int, outputs: int, size: int = 3, gain: float = 1.0) -> None:
        super().__init__(inputs, outputs, size)
        nn.init.kaiming_normal_(self.weight, a=0.1)
        self.weight.data.mul_(gain)
        nn.init.zeros_(self.bias)  # type: ignore[arg-type]

    def forward(self, planes: Tensor, wraps: bool) -> Tensor:  # type: ignore[override]
        """Planes (batch, inputs, rows, columns) to (batch, outputs, rows, columns)."""
        reach = self.kernel_size[0] // 2
        return super().forward(padded(planes, reach, wraps) if reach else planes)


def levelled(planes: Tensor) -> Tensor:
    """Planes whose mean square over the channels is 1 in every cell, unless there is hardly anything in it.

    A cell is measured by itself alone, so that what is far away changes nothing (Zhang and Sennrich 2019, arXiv
    1910.07467).
    """
    return planes * torch.rsqrt(planes.float().square().mean(1, keepdim=True) + LEAST).to(planes.dtype)


class Block(nn.Module):
    """Two convolutions beside the identity, which it is nearly at first."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = Convolution(width, width), Convolution(width, width, gain=0.2)

    def forward(self, planes: Tensor, wraps: bool) -> Tensor:
        """Planes of the same shape."""
        return planes + self.second(F.silu(self.first(levelled(planes), wraps)), wraps)


class Trunk(nn.Module):
    """Blocks on tokens of 2 x 2 cells, between blocks on cells.

    A token holds its four cells, not their mean as on the way down a U-Net: nothing is lost.
    """

    def __init__(self, inputs: int, widths: tuple[int, ...], blocks: tuple[int, ...]) -> None:
        super().__init__()
        (width, wide), (cells, tokens) = widths, blocks
        self.enter = Convolution(inputs, width, 1)
        self.before, self.after = _blocks(width, cells), _blocks(width, cells)
        self.join, self.part = Convolution(4 * width, wide, 1), Convolution(wide, 4 * width, 1)
        self.tokens = _blocks(wide, tokens)

    def forward(self, planes: Tensor, wraps: bool) -> Tensor:
        """Features (batch, inputs, rows, columns) to (batch, widths[0], rows, columns)."""
        planes = _through(self.before, self.enter(planes, wraps), wraps)
        tokens = _through(self.tokens, self.join(F.pixel_unshuffle(planes, 2), wraps), wraps)
        planes = planes + F.pixel_shuffle(self.part(tokens, wraps), 2)
        return levelled(_through(self.after, planes, wraps))


def _through(blocks: nn.ModuleList, planes: Tensor, wraps: bool) -> Tensor:
    for block in blocks:
        planes = block(planes, wraps)
    return planes


def _blocks(width: int, number: int) -> nn.ModuleList:
    return nn.ModuleList(Block(width) for _ in range(number))
