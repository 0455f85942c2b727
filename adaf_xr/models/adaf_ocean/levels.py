"""The analysis of a background with levels, one after another: what is in memory at once is one level."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adaf_xr.models.adaf_ocean.below import Below
from adaf_xr.models.adaf_ocean.channels import STATE
from adaf_xr.models.adaf_ocean.columns import slope
from adaf_xr.models.adaf_ocean.delivery import Lattice, without_land
from adaf_xr.models.adaf_ocean.depth_network import DepthStage
from adaf_xr.models.adaf_ocean.depths import DEEP
from adaf_xr.models.adaf_ocean.descent import MOVED, Descent, increments
from adaf_xr.models.adaf_ocean.frame import REFINEMENT
from adaf_xr.models.adaf_ocean.planes import refined
from adaf_xr.models.base import Targets


@dataclass(frozen=True)
class Found:
    """At a level, all ``(4, *targets.shape)`` in the order of `BELOW`; NaN where the background has nothing.

    Attributes
    ----------
    level : int
        Its number in the background.
    mean : array
        Increment [canonical unit].
    log_std : array
        Logarithm of its standard error before calibration.
    fade : float
        Share of that which is not the surface's.
    """

    level: int
    mean: NDArray
    log_std: NDArray
    fade: float


class Depths:
    """The depth stage at work for one analysis.

    Parameters
    ----------
    stage : DepthStage
        On the device where it computes.
    below : Below
        On the same.
    surface : Lattice
        Of the analysed surface.
    """

    def __init__(self, stage: DepthStage, below: Below, surface: Lattice) -> None:
        self.stage, self.below, self.surface = stage, below, surface
        self._known = stage.known(below.features()[None], below.wraps)
        mean, std = surface.planes.split(len(STATE))
        self._mean, self._log_std = mean * below.has.cpu()[:, None, None], torch.log(std)

    def at(self, depth: float, targets: Targets) -> tuple[NDArray[np.float32], float]:
        """What :func:`adaf_xr.models.adaf_ocean.descent.increments` gives at a depth [m], at targets; and its fade."""
        level = self.below.level(depth)
        found = Descent.of(self.stage.head(self._known, level.features[None])[0], self.below, level)
        planes = without_land(found.planes().cpu(), (level.known & self.below.sea).cpu(), self.below.wraps)
        if self.surface.fine:
            planes = refined(planes, REFINEMENT, self.below.wraps)
        made = increments(planes, found.fade, self._mean, self._log_std, self.surface.fine)
        return self.surface.brought(made, targets), found.fade


def descended(
    depths: Depths, first: Mapping[str, NDArray], depth: NDArray, targets: Targets, levels: Collection[int]
) -> Iterator[Found]:
    """Increments of levels in order of depth.

    Parameters
    ----------
    depths : Depths
    first : mapping of str to array, ``(n_depth, *targets.shape)``
        The background at the targets, of those of `BELOW` that it has. Once a level has been given, it may change.
    depth : float64 array (n_depth,)
        Its levels [m], in any order.
    targets : Targets
    levels : collection of int
        Which are wanted, by their numbers.
    """
    order = [int(level) for level in np.argsort(depth)]
    water = [channel.variable for channel in DEEP]
    nothing = torch.full((len(water), *targets.shape), torch.nan, dtype=torch.float64)

    def held(place: int) -> Tensor:
        if not 0 <= place < len(order):
            return nothing
        planes = (torch.from_numpy(first[name][order[place]]) if name in first else nothing[0] for name in water)
        return torch.stack(list(planes))

    above, here, below = nothing, nothing, held(0)
    for place, level in enumerate(order):
        above, here, below = here, below, held(place + 1)
        if level in levels:
            made, fade = depths.at(float(depth[level]), targets)
            bent = slope(above, here, below, *_steps(depth[order], place))
            mean = made[:MOVED].astype("f8")
            mean[: len(water)] -= made[MOVED] * np.nan_to_num(bent.numpy())
            yield Found(level, mean, made[MOVED + 1 :], fade)


def _steps(depth: NDArray, place: int) -> tuple[float, float]:
    """Metres to the levels above and below; anything beyond the ends."""
    steps = np.diff(depth, prepend=depth[0] - 1.0, append=depth[-1] + 1.0)
    return float(steps[place]), float(steps[place + 1])
