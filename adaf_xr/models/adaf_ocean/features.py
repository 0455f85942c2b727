"""What the network is fed: planes without units, the same for strong eddies and for weak ones.

Innovations and increments are counted in units of a scale that the background itself gives: how strong its eddies are
at a place. So a sea of 30 cm eddies and one of 3 cm are the same to the network, where observations are as good for
their size.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from adaf_xr.models.adaf_ocean.channels import FLOOR, PREDICTORS, STATE, STATE_CHANNELS
from adaf_xr.models.adaf_ocean.frame import REFINEMENT
from adaf_xr.models.adaf_ocean.innovations import RECENCY, SEEN_FINE
from adaf_xr.models.adaf_ocean.planes import blurred, filled, inverse_coriolis, refined
from adaf_xr.models.adaf_ocean.scene import RINGS, Scene

EDDIES = 3.0
"""Standard deviation [cells] of the blur that parts eddies from the large scale, and measures their strength."""

FEW = 0.05
"""Observations in a cell, as a mean over its neighbourhood, that are few: their misfit is not believed."""

NEAR = 2.0
"""Standard deviation [cells] of the blur that says whether there are observations nearby."""

USUAL = ((0.0, 1.0), (14.0, 20.0), (35.0, 2.0), (0.0, 0.5), (0.0, 0.5))
"""Offset and size of the large scale, by variable."""


@dataclass(frozen=True)
class Features:
    """Input of the network and what its output means.

    Attributes
    ----------
    coarse : Tensor (n, rows, columns)
    fine : Tensor (m, 2 rows, 2 columns)
        The quarter-degree planes, four cells in one.
    scale : Tensor (5, rows, columns)
        Unit of increments [canonical unit].
    gate : Tensor (rows, columns)
        0 where there is no observation within 6 degrees, near 1 where there are many.
    """

    coarse: Tensor
    fine: Tensor
    scale: Tensor
    gate: Tensor

    @classmethod
    def of(cls, scene: Scene, latitude: Tensor, wraps: bool) -> Features:
        """Features of a scene whose coarse rows lie at `latitude` [degrees]."""
        sea = scene.sea.float()
        known = torch.isfinite(scene.coarse)
        held, _ = filled(torch.nan_to_num(scene.coarse), known & scene.sea, RINGS, wraps)
        has = known.flatten(1).any(1)[:, None, None]
        eddies, scale = _scale(held, sea, has, wraps)
        scale = torch.maximum(scale, _misfit(scene, scale, wraps))
        gate = _gate(_precision(scene), scale, wraps)
        first = [*_channels(scene, scale), *_predictors(scene), *_static(held, eddies, scale, sea, has)]
        first += [_place(scene, latitude, sea)]
        seen = _seen_fine(scene, scale, wraps)
        detail = scene.fine - refined(held, REFINEMENT, wraps)
        detail = torch.where(torch.isfinite(detail), detail, torch.zeros_like(detail)) / refined(
            scale, REFINEMENT, wraps
        )
        fine = torch.cat([seen, detail.clamp(-5.0, 5.0), scene.fine_sea[None].float()])
        coarse = torch.cat([*first, F.pixel_unshuffle(seen[None], REFINEMENT)[0]])
        return cls(coarse, F.pixel_unshuffle(fine[None], 2)[0], scale, gate)


def _scale(held: Tensor, sea: Tensor, has: Tensor, wraps: bool) -> tuple[Tensor, Tensor]:
    """Eddies of the background, and the scale that they give."""
    share = blurred(sea, EDDIES, wraps).clamp_min(1e-3)
    eddies = (held - blurred(held * sea, EDDIES, wraps) / share) * sea
    floor = torch.tensor([FLOOR[name] for name in STATE], device=held.device)[:, None, None]
    scale = torch.sqrt(blurred(eddies * eddies * sea, EDDIES, wraps) / share + floor**2)
    return eddies, torch.where(has, scale, 2.0 * floor.expand_as(scale))


def _misfit(scene: Scene, scale: Tensor, wraps: bool) -> Tensor:
    """How far observations are from the background around a place, beyond their own errors; 0 where there are none.

    A background without eddies says nothing of how strong they are; observations do.
    """
    square, share = torch.zeros_like(scale), torch.zeros_like(scale)
    for place, channel in enumerate(STATE_CHANNELS):
        variable = STATE.index(channel.variable)
        weight, innovation = scene.weight[place], scene.innovation[place]
        trust = weight + (channel.error / scale[variable]) ** 2
        # Of a cell with weight w the mean innovation is innovation / w, and error^2 / w the variance of its error; its
        # square counts by how well it is known, for what poor observations have too much of a square is their error.
        square[variable] += ((innovation**2 - channel.error**2 * weight) / trust**2).sum(0)
        share[variable] += ((weight / trust) ** 2).sum(0)
    square, share = blurred(square, EDDIES, wraps), blurred(share, EDDIES, wraps)
    return torch.sqrt((square / (share + FEW)).clamp_min(0.0))


def _channels(scene: Scene, scale: Tensor) -> list[Tensor]:
    """Of every channel and bin of time: the best estimate of a cell from itself alone, and how much it knows."""
    planes = []
    for place, channel in enumerate(STATE_CHANNELS):
        unit = scale[STATE.index(channel.variable)]
        weight = scene.weight[place]
        planes.append(scene.innovation[place] / (weight + (channel.error / unit) ** 2) / unit)
        planes.append(torch.log1p(weight * (unit / channel.error) ** 2))
    return planes


def _predictors(scene: Scene) -> list[Tensor]:
    """Means of what is observed and not analysed, and how much there is of wind and of ice."""
    means = [
        scene.value[place] / (scene.value_weight[place] + 0.1) / channel.scale
        for place, channel in enumerate(PREDICTORS)
    ]
    return [*means, torch.log1p(scene.value_weight[0]), torch.log1p(scene.value_weight[-1])]


def _precision(scene: Scene) -> Tensor:
    """Inverse error variance of every variable over all systems and times."""
    recency = torch.tensor(RECENCY, device=scene.weight.device)[:, None, None]
    precision = torch.zeros_like(scene.coarse)
    for place, channel in enumerate(STATE_CHANNELS):
        precision[STATE.index(channel.variable)] += (recency * scene.weight[place]).sum(0) / channel.error**2
    return precision


def _gate(precision: Tensor, scale: Tensor, wraps: bool) -> Tensor:
    """0 where nothing was observed within three standard deviations of the blur, near 1 where much was."""
    return 1.0 - torch.exp(-4.0 * blurred(torch.log1p(precision * scale**2).sum(0), NEAR, wraps))


def _static(held: Tensor, eddies: Tensor, scale: Tensor, sea: Tensor, has: Tensor) -> list[Tensor]:
    """The background: its eddies, its large scale, the scale, and which variables there are."""
    offset, size = torch.tensor(USUAL, device=held.device).T[..., None, None]
    floor = torch.tensor([FLOOR[name] for name in STATE], device=held.device)[:, None, None]
    large = (held * sea - offset * sea * has) / size
    return [
        (eddies / scale).clamp(-5.0, 5.0),
        large.clamp(-3.0, 3.0),
        torch.log(scale / floor),
        has.float().expand_as(held),
    ]


def _place(scene: Scene, latitude: Tensor, sea: Tensor) -> Tensor:
    """Sea and coast, and where on the turning sphere."""
    angle, turning = torch.deg2rad(latitude), inverse_coriolis(latitude) / inverse_coriolis(torch.tensor(5.0))
    rows = torch.stack([torch.sin(angle), torch.cos(angle), turning.to(angle)])[..., None].expand(3, *sea.shape)
    return torch.cat([sea[None], F.avg_pool2d(scene.fine_sea[None, None].float(), REFINEMENT)[0], rows])


def _seen_fine(scene: Scene, scale: Tensor, wraps: bool) -> Tensor:
    """Of sea level and temperature on fine cells: the estimate of a cell from itself alone, and how much it knows."""
    unit = refined(scale[:SEEN_FINE], REFINEMENT, wraps)
    estimate = scene.pull / (scene.precision + 1.0 / unit**2) / unit
    return torch.cat([estimate, torch.log1p(scene.precision * unit**2)])
