"""One analysis time on a frame: background and sums of innovations as planes, ready for the network."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from adaf_xr import ocean_mask
from adaf_xr.models.adaf_ocean.backdrop import Backdrop
from adaf_xr.models.adaf_ocean.channels import sea_level_of
from adaf_xr.models.adaf_ocean.frame import REFINEMENT, Frame
from adaf_xr.models.adaf_ocean.innovations import observed
from adaf_xr.models.adaf_ocean.planes import filled, refined
from adaf_xr.models.adaf_ocean.sums import Sums
from adaf_xr.models.base import Background

RINGS = 3
"""Coarse cells inland to which the background is continued, for observations beside the coast."""

WHOLE = 0.99
"""Share of its corners that an interpolated value must have known."""


@dataclass(frozen=True)
class Scene:
    """Planes (..., rows, columns) of coarse cells, or of fine ones (4 times as many along both directions), float32.

    Attributes
    ----------
    coarse, fine : Tensor (5, ...)
        The background in the order of `STATE`, NaN on land and where a variable is missing altogether. `fine` is NaN
        too where the background knows nothing beyond its coarse cells.
    sea, fine_sea : bool Tensor
        Where anything of the background is, and the sea at 0.25 degrees.
    weight, innovation : Tensor (7, 5, ...)
        Sums of the weights of observations, and of weight times innovation [canonical unit], by channel and time.
    value, value_weight : Tensor (3, 5, ...)
        The same for what is observed and not analysed.
    precision, pull : Tensor (2, ...), fine
        Sums over systems and times of inverse error variance, and of that times innovation, of sea level and
        temperature; older observations have less weight.
    """

    coarse: Tensor
    fine: Tensor
    sea: Tensor
    fine_sea: Tensor
    weight: Tensor
    innovation: Tensor
    value: Tensor
    value_weight: Tensor
    precision: Tensor
    pull: Tensor

    @classmethod
    def of(cls, background: Background, sums: Sums, frame: Frame, level: int = 0) -> Scene:
        """Lay a background (one level of what has depth) and encoded observations out on a frame."""
        laid = Backdrop.of(background, level, frame)
        return cls.of_planes(laid.coarse, laid.fine, sums, frame, laid.between, sea_level_of(background))

    @classmethod
    def of_planes(
        cls,
        coarse: Tensor,
        fine: Tensor,
        sums: Sums,
        frame: Frame,
        between: Tensor | None = None,
        sea_level: str = "zos",
    ) -> Scene:
        """The same for a background that lies on the cells of the frame already.

        `between` is what observations on fine cells are compared with, where that is not `fine` or bilinear between
        the centres of `coarse`; `sea_level` is zos or sla.
        """
        continued, guess = continued_and_guess(coarse, fine if between is None else between, frame.wraps)
        sea = torch.isfinite(coarse).any(0)
        return cls(coarse, fine, sea, _fine_sea(sea, frame), **observed(sums, frame, guess, continued, sea_level))

    def to(self, device: str) -> Scene:
        """The same on a device."""
        return Scene(**{part.name: getattr(self, part.name).to(device) for part in fields(self)})


def continued_and_guess(coarse: Tensor, fine: Tensor, wraps: bool) -> tuple[Tensor, Tensor]:
    """A background continued beside land on coarse cells, and on fine ones; NaN where it says nothing.

    Where it has finer cells, those speak.
    """
    continued, near = filled(torch.nan_to_num(coarse), torch.isfinite(coarse), RINGS, wraps)
    smooth = refined(continued, REFINEMENT, wraps)
    smooth[refined(near, REFINEMENT, wraps) < WHOLE] = torch.nan
    continued[near < WHOLE] = torch.nan
    return continued, torch.where(torch.isfinite(fine), fine, smooth)


def _fine_sea(sea: Tensor, frame: Frame) -> Tensor:
    """The sea at 0.25 degrees: the shipped mask where a coarse cell is sea, all of a cell that the mask calls land."""
    latitude, longitude = frame.axes(REFINEMENT)
    inside = np.abs(latitude) < 90.0
    mask = np.zeros((latitude.size, longitude.size), bool)
    mask[inside] = ocean_mask.sea(latitude[inside], longitude)
    fine = torch.from_numpy(mask)
    any_sea = fine.reshape(frame.rows, REFINEMENT, frame.columns, REFINEMENT).any(3).any(1)
    return _nested(sea) & (fine | _nested(~any_sea))


def _nested(planes: Tensor) -> Tensor:
    return planes.repeat_interleave(REFINEMENT, -2).repeat_interleave(REFINEMENT, -1)
