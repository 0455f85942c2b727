"""Alternatives to parts of adaf-ocean, each to be put in the place of the part by its name: see alternatives.py."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adaf_xr.models.adaf_ocean import features, innovations
from adaf_xr.models.adaf_ocean.channels import BINS, STATE, STATE_CHANNELS
from adaf_xr.models.adaf_ocean.frame import REFINEMENT, Frame
from adaf_xr.models.adaf_ocean.innovations import SEEN_FINE
from adaf_xr.models.adaf_ocean.layers import Block, Convolution, Trunk, levelled
from adaf_xr.models.adaf_ocean.network import widths_of_input
from adaf_xr.models.adaf_ocean.planes import blurred, refined
from adaf_xr.models.adaf_ocean.scene import Scene
from adaf_xr.models.adaf_ocean.sums import PLACE, Sums
from adaf_xr.models.keyed_sums import reduced
from adaf_xr.training.adaf_ocean import days

OFFSET, SIZE = torch.tensor(features.USUAL).T[..., None, None]
"""A climatology that is the same everywhere, and how far the sea is from it; by variable."""

MEAN_SCALE = torch.tensor([0.073, 0.60, 0.29, 0.107, 0.109])[:, None, None]
"""Root-mean-square over the sea of the scale of the backgrounds of global-v1, October to February."""

BLURS = (1.0, 2.0, 4.0)
"""Standard deviations [cells] of the set-convolution."""

CENTRE = BINS // 2
"""The bin of time of the two days about the analysis."""


def central(*arguments: Any) -> Sums:
    """In place of `window`: what was observed in the two days about the analysis."""
    sums = days.window(*arguments)
    rows = sums.key // PLACE % BINS == CENTRE
    return Sums(sums.key[rows], sums.sums[rows], sums.time)


def timeless(*arguments: Any) -> Sums:
    """In place of `window`: ten days of observations as if all were of the two days about the analysis."""
    sums = days.window(*arguments)
    channel = sums.key // PLACE // BINS
    return Sums(*reduced((channel * BINS + CENTRE) * PLACE + sums.key % PLACE, sums.sums), sums.time)


def raw(sums: Sums, frame: Frame, fine: Tensor, coarse: Tensor, sea_level: str = "zos") -> dict[str, Tensor]:
    """In place of `observed`: observations less the climatology wherever there is a background."""
    planes = [torch.where(torch.isfinite(plane), OFFSET, plane) for plane in (fine, coarse)]
    return innovations.observed(sums, frame, *planes, sea_level)


def raw_channels(scene: Scene, scale: Tensor, made: Any = features._channels) -> list[Tensor]:
    """In place of `_channels`: in units of the climatology."""
    return made(scene, SIZE.expand_as(scale))


def raw_seen_fine(scene: Scene, scale: Tensor, wraps: bool, made: Any = features._seen_fine) -> Tensor:
    """In place of `_seen_fine`: in units of the climatology, with the background, which is not in innovations now."""
    background = torch.nan_to_num((scene.coarse - OFFSET) / SIZE)[:SEEN_FINE]
    return torch.cat([made(scene, SIZE.expand_as(scale), wraps), refined(background, REFINEMENT, wraps)])


def raw_widths() -> tuple[int, int]:
    """In place of `widths_of_input`: with the planes that `raw_seen_fine` adds."""
    coarse, fine = widths_of_input()
    return coarse + SEEN_FINE * REFINEMENT**2, fine + SEEN_FINE * 4


def channels_and_blurs(scene: Scene, scale: Tensor, made: Any = features._channels) -> list[Tensor]:
    """In place of `_channels`: also what lies around a cell makes of each variable, a set-convolution."""
    recency = torch.tensor(innovations.RECENCY)[:, None, None]
    precision, pull = torch.zeros_like(scale), torch.zeros_like(scale)
    for place, channel in enumerate(STATE_CHANNELS):
        variable = STATE.index(channel.variable)
        precision[variable] += (recency * scene.weight[place]).sum(0) / channel.error**2
        pull[variable] += (recency * scene.innovation[place]).sum(0) / channel.error**2
    planes = made(scene, scale)
    for sigma in BLURS:
        around = blurred(precision, sigma, False)
        planes += [blurred(pull, sigma, False) / (around + 0.5 / scale**2) / scale, torch.log1p(around * scale**2)]
    return planes


def widths_with_blurs() -> tuple[int, int]:
    """In place of `widths_of_input`: with the planes that `channels_and_blurs` adds."""
    coarse, fine = widths_of_input()
    return coarse + 2 * len(BLURS) * len(STATE), fine


def no_current(height: Tensor, latitude: Tensor, wraps: bool) -> Tensor:
    """In place of `geostrophic`: no velocity."""
    return torch.zeros(2, *height.shape)


def constant_scale(held: Tensor, *rest: Any, made: Any = features._scale) -> tuple[Tensor, Tensor]:
    """In place of `_scale`: the same scale everywhere."""
    return made(held, *rest)[0], MEAN_SCALE.expand_as(held).clone()


def no_misfit(scene: Scene, scale: Tensor, wraps: bool) -> Tensor:
    """In place of `_misfit`: that of a background which is right."""
    return torch.zeros_like(scale)


class Windows(nn.Module):
    """Attention among the tokens of a window, and a network of each token alone, both beside the identity.

    References
    ----------
    Liu et al. 2021, arXiv 2103.14030 (shifted windows).
    """

    HEADS, SIDE = 4, 6

    def __init__(self, width: int, shift: int) -> None:
        super().__init__()
        self.shift = shift
        self.asked, self.answered = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.alone = nn.Sequential(nn.Linear(width, 4 * width), nn.SiLU(), nn.Linear(4 * width, width))
        for last in (self.answered, self.alone[-1]):
            last.weight.data.mul_(0.2)
        reach = 2 * self.SIDE - 1
        self.bias = nn.Parameter(torch.zeros(self.HEADS * reach**2))
        row, column = np.divmod(np.arange(self.SIDE**2), self.SIDE)
        apart = (row[:, None] - row + self.SIDE - 1) * reach + column[:, None] - column + self.SIDE - 1
        self.register_buffer("apart", torch.from_numpy(apart), persistent=False)

    def forward(self, planes: Tensor, wraps: bool) -> Tensor:
        """Tokens as planes (batch, width, rows, columns), and the same back."""
        planes = planes + self._cut(planes, wraps)
        return planes + self.alone(levelled(planes).movedim(1, -1)).movedim(-1, 1)

    def _cut(self, planes: Tensor, wraps: bool) -> Tensor:
        """What attention adds: cuts the planes into windows, and puts the answers together again."""
        batch, _, rows, columns = planes.shape
        turn, west = (self.shift, 0) if wraps else (0, self.shift)
        # Cells beyond the edge are marked, so that nothing attends to them.
        marked = torch.cat([levelled(planes), torch.ones_like(planes[:, :1])], 1).roll(-turn, -1)
        north, east = -(rows + self.shift) % self.SIDE, -(columns + west) % self.SIDE
        marked = F.pad(marked, (west, east, self.shift, north))
        parts = marked.unflatten(-1, (-1, self.SIDE)).unflatten(-3, (-1, self.SIDE)).permute(0, 2, 4, 3, 5, 1)
        answers = self._attend(parts.reshape(-1, self.SIDE**2, parts.shape[-1])).reshape(*parts.shape[:-1], -1)
        whole = answers.permute(0, 5, 1, 3, 2, 4).reshape(batch, -1, *marked.shape[-2:])
        return whole[..., self.shift : self.shift + rows, west : west + columns].roll(turn, -1)

    def _attend(self, windows: Tensor) -> Tensor:
        """Answers (windows, tokens, width) to tokens with their marks (windows, tokens, width + 1)."""
        split = self.asked(windows[..., :-1]).unflatten(-1, (3, self.HEADS, -1)).permute(2, 0, 3, 1, 4)
        absent = -1e4 * (1.0 - windows[..., -1].float())
        bias = self.bias.view(self.HEADS, -1)[:, self.apart] + absent[:, None, None]
        found = F.scaled_dot_product_attention(*split, attn_mask=bias.to(split.dtype))
        return self.answered(found.transpose(1, 2).flatten(2))


class PooledTrunk(nn.Module):
    """In place of `Trunk`: a U-Net, whose coarser levels see means of cells.

    References
    ----------
    Ronneberger et al. 2015, arXiv 1505.04597.
    """

    WIDTHS, BLOCKS = (32, 48, 64, 64), (1, 2, 2, 2)

    def __init__(self, inputs: int, *sizes: Any) -> None:
        super().__init__()
        steps = list(pairwise(self.WIDTHS))
        self.enter = Convolution(inputs, self.WIDTHS[0], 1)
        self.down = nn.ModuleList(self._blocks(*each) for each in zip(self.WIDTHS, self.BLOCKS, strict=True))
        self.coarser = nn.ModuleList(Convolution(upper, lower, 1) for upper, lower in steps)
        self.finer = nn.ModuleList(Convolution(lower, upper, 1) for upper, lower in steps)
        self.up = nn.ModuleList(self._blocks(*each) for each in zip(self.WIDTHS[:-1], self.BLOCKS[:-1], strict=True))

    @staticmethod
    def _blocks(width: int, number: int) -> nn.ModuleList:
        return nn.ModuleList(Block(width) for _ in range(number))

    def forward(self, planes: Tensor, wraps: bool) -> Tensor:
        """Features (batch, inputs, rows, columns) to (batch, WIDTHS[0], rows, columns)."""
        planes, beside = self.enter(planes, wraps), []
        for level, blocks in enumerate(self.down):
            if level:
                beside.append(planes)
                planes = self.coarser[level - 1](F.avg_pool2d(planes, 2), wraps)
            for block in blocks:
                planes = block(planes, wraps)
        for level in reversed(range(len(beside))):
            planes = refined(self.finer[level](planes, wraps), 2, wraps) + beside[level]
            for block in self.up[level]:
                planes = block(planes, wraps)
        return levelled(planes)


class WindowedTrunk(Trunk):
    """In place of `Trunk`: attention in shifted windows of 12 degrees among the same tokens."""

    def __init__(self, inputs: int, widths: tuple[int, int], blocks: tuple[int, int]) -> None:
        super().__init__(inputs, widths, blocks)
        self.tokens = nn.ModuleList(Windows(widths[1], number % 2 * Windows.SIDE // 2) for number in range(6))
