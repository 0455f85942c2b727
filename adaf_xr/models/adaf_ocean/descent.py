"""From what the depth stage says of a depth to increments and standard errors in physical units.

Water is mixed with what the surface has, and moved up and down with sea level; currents follow the surface's, and the
pressure of what was moved. So the same few smooth planes serve cells of 1 and of 0.25 degrees, and a background of any
levels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from adaf_xr.models.adaf_ocean.below import Below, Level
from adaf_xr.models.adaf_ocean.channels import STATE
from adaf_xr.models.adaf_ocean.depths import BELOW, DEEP, HEAVE, MIXED, MOVING, fading
from adaf_xr.models.adaf_ocean.increments import CHANGE, NARROWEST, WIDEST
from adaf_xr.models.adaf_ocean.planes import filled, geostrophic

PLACES = [STATE.index(name) for name in BELOW]
"""Where among the variables of the surface those of the depth are."""

MOVED = len(BELOW)
"""Place of the displacement among the planes of an increment, after those of the variables."""


@dataclass(frozen=True)
class Descent:
    """What makes an increment at a depth out of the surface's, on coarse cells.

    Attributes
    ----------
    fade : float
        Share of what the surface does not know: 0 just below it.
    share : Tensor (4, rows, columns)
        Of the surface increment of a variable.
    lift : Tensor (rows, columns)
        Displacement of water [m down] by a metre of sea level.
    more : Tensor (5, rows, columns)
        What is added: to temperature, salinity and currents, and to the displacement [m].
    log_std : Tensor (4, rows, columns)
        Logarithm of the standard errors of what is below the surface, on coarse cells.
    change : Tensor (4, rows, columns)
        What cells of 0.25 degrees have beyond it.
    """

    fade: float
    share: Tensor
    lift: Tensor
    more: Tensor
    log_std: Tensor
    change: Tensor

    @classmethod
    def of(cls, output: Tensor, below: Below, level: Level) -> Descent:
        """From the output (19, rows, columns) of the network at a level."""
        part = iter(output.split([3, 1, 1, 1, 1, 4, 4, 4]))
        fade, gate, height = fading(level.depth), below.gate, below.scale[0]
        mixed, moving = 1.0 - fading(level.depth, MIXED), 1.0 - fading(level.depth, MOVING)
        first = torch.tensor([mixed, mixed, moving], device=output.device)[:, None, None]
        share = (first + fade * next(part))[[0, 1, 2, 2]]
        lift, moved = fade * HEAVE * next(part)[0], fade * HEAVE * gate * height * next(part)[0]
        # Pressure as metres of sea level; the currents that it makes add to those of the surface.
        pressure = fade * (next(part)[0] * below.mean[0] + next(part)[0] * gate * height)
        whole, _ = filled(pressure[None], level.known[None], 1, below.wraps)
        rest = fade * gate * next(part) * level.unit
        flow = rest[len(DEEP) :] + geostrophic(whole[0], below.latitude, below.wraps)
        log_std = next(part).clamp(NARROWEST, WIDEST) + torch.log(level.unit)
        more = torch.cat([rest[: len(DEEP)], flow, moved[None]])
        return cls(fade, share, lift, more, log_std, next(part).clamp(-CHANGE, CHANGE))

    def planes(self) -> Tensor:
        """All of it as planes (18, rows, columns), which may be interpolated."""
        return torch.cat([self.share, self.lift[None], self.more, self.log_std, self.change])


def increments(planes: Tensor, fade: float, mean: Tensor, log_std: Tensor, fine: bool) -> Tensor:
    """Increments at a depth before water is moved, the displacement, and the logarithm of standard errors.

    Parameters
    ----------
    planes : Tensor (18, rows, columns)
        Of :class:`Descent`, on any cells.
    fade : float
        Of it.
    mean, log_std : Tensor (5, rows, columns)
        Of the surface on the same cells.
    fine : bool
        Whether these are cells of 0.25 degrees.

    Returns
    -------
    Tensor (9, rows, columns)
        Of `BELOW` what is added, the displacement [m], the logarithms. With it the increment is what is added less the
        displacement times the slope of the background.
    """
    share, lift, more, deep, change = planes.split([4, 1, 5, 4, 4])
    moved = more[MOVED:] + lift * mean[:1]
    said = deep + change if fine else deep
    error = torch.lerp(log_std[PLACES], said, fade)
    return torch.cat([more[:MOVED] + share * mean[PLACES], moved, error])
