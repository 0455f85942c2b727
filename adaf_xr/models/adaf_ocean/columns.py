"""Temperature and salinity of a background below the surface, on coarse cells: what increments may move."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from adaf_xr.models.adaf_ocean.backdrop import coarse_cells
from adaf_xr.models.adaf_ocean.depths import DEEP
from adaf_xr.models.adaf_ocean.frame import Frame
from adaf_xr.models.base import Background


@dataclass(frozen=True)
class Columns:
    """Water columns; all (2, levels, rows, columns), temperature and salinity.

    Attributes
    ----------
    depth : tuple of float
        Of the levels [m], descending into the sea.
    values : Tensor
        NaN on land, below the bottom, and of a variable that is missing.
    slopes : Tensor
        What a metre down changes of them.
    """

    depth: tuple[float, ...]
    values: Tensor
    slopes: Tensor

    @classmethod
    def of(cls, background: Background, frame: Frame) -> Columns:
        """The levels of a background, in whatever order it has them, on a frame."""
        order = np.argsort(background.depth)
        names = [channel.variable for channel in DEEP]
        levels = [coarse_cells(background, names, int(level), frame) for level in order]
        return cls.of_levels(tuple(background.depth[order].tolist()), torch.stack(levels, dim=1))

    @classmethod
    def of_levels(cls, depth: tuple[float, ...], values: Tensor) -> Columns:
        """Of values (2, levels, rows, columns) at ascending depths."""
        beyond = torch.full_like(values[:, :1], torch.nan)
        above, below = torch.cat([beyond, values[:, :-1]], 1), torch.cat([values[:, 1:], beyond], 1)
        steps = [1.0, *np.diff(depth).tolist(), 1.0]
        slopes = [slope(above[:, k], values[:, k], below[:, k], steps[k], steps[k + 1]) for k in range(len(depth))]
        return cls(depth, values, torch.stack(slopes, dim=1))

    def at(self, z: float) -> tuple[Tensor, Tensor]:
        """Values and slopes (2, rows, columns) at a depth [m], linear between levels.

        Above the first level its own hold; below the last, and where one of the two levels is missing, nothing does.
        """
        if z > self.depth[-1]:
            nothing = torch.full_like(self.values[:, 0], torch.nan)
            return nothing, nothing
        upper = max(bisect_right(self.depth, z) - 1, 0)
        if z <= self.depth[upper]:
            return self.values[:, upper], self.slopes[:, upper]
        weight = (z - self.depth[upper]) / (self.depth[upper + 1] - self.depth[upper])
        values, slopes = (torch.lerp(part[:, upper], part[:, upper + 1], weight) for part in (self.values, self.slopes))
        return values, slopes

    def to(self, device: str) -> Columns:
        """The same on a device."""
        return Columns(self.depth, self.values.to(device), self.slopes.to(device))


def slope(above: Tensor, here: Tensor, below: Tensor, up: float, down: float) -> Tensor:
    """What a metre down changes of values: of the parabola through three levels, or towards the one there is.

    Parameters
    ----------
    above, here, below : Tensor
        Values of three levels; NaN where one has none.
    up, down : float
        Metres from this level to the one above and to the one below.

    Returns
    -------
    Tensor
        0 where there is neither above nor below; NaN where there is nothing here.

    Examples
    --------
    >>> 20.0 - torch.tensor([0.0, 1.0, 9.0])  # of z squared, at 0, 1 and 3 m
    tensor([20., 19., 11.])
    >>> float(slope(torch.tensor(20.0), torch.tensor(19.0), torch.tensor(11.0), 1.0, 2.0))
    -2.0
    >>> float(slope(torch.tensor(20.0), torch.tensor(19.0), torch.tensor(torch.nan), 1.0, 2.0))
    -1.0
    """
    rise, fall = (here - above) / up, (below - here) / down
    both = (down * rise + up * fall) / (up + down)
    one = torch.where(torch.isfinite(rise), rise, fall)
    found = torch.where(torch.isfinite(both), both, one)
    return torch.where(torch.isfinite(found), found, 0.0 * here)
