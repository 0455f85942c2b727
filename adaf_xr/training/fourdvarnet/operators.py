"""What follows from errors of height and currents, and means of its squares over what counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from adaf_xr import kinematics
from adaf_xr.normalisation import Affine
from adaf_xr.training.fourdvarnet.filters import smoothed


@dataclass(frozen=True)
class Flow:
    """Currents and divergence on a grid, without units.

    Attributes
    ----------
    height, current : float
        What is 1 in height [m] and in currents [m s-1].
    steps : pair of float
        Between rows and between columns [degrees].
    """

    height: float
    current: float
    steps: tuple[float, float]

    @classmethod
    def of(cls, normalisation: Mapping[str, Affine], steps: tuple[float, float], pooling: int = 1) -> Flow:
        """On a grid with these steps, or on means of cells of it."""
        height, current = (normalisation[name].scale for name in ("ssh", "currents"))
        return cls(height, current, (steps[0] * pooling, steps[1] * pooling))

    def geostrophic(self, ssh: Tensor, latitude: Tensor) -> tuple[Tensor, Tensor]:
        """Geostrophic currents of a height (batch, days, rows, columns) at latitudes (batch, rows) [degrees]."""
        u, v = kinematics.geostrophic(ssh * (self.height / self.current), latitude[:, None], *self.steps)
        return u, v

    def divergence(self, u: Tensor, v: Tensor, latitude: Tensor, passes: int) -> Tensor:
        """Smoothed divergence of currents [s-1]."""
        found = kinematics.divergence(self.current * u, self.current * v, latitude[:, None], *self.steps)
        return smoothed(found, passes)


def days_of(days: int) -> Tensor:
    """Weights of the days of a window, which multiply errors before they are squared: those of Hann, 0 at both ends.

    Examples
    --------
    >>> days_of(7).tolist()
    [0.0, 0.25, 0.75, 1.0, 0.75, 0.25, 0.0]
    """
    if days < 3:
        return torch.ones(days)
    turn = torch.arange(days, dtype=torch.float64) / (days - 1)
    weights = (0.5 - 0.5 * torch.cos(2.0 * torch.pi * turn)).float()
    weights[0] = weights[-1] = 0.0
    return weights


def mean_square(parts: Sequence[Tensor], weight: Tensor) -> Tensor:
    """Sum over parts of squares of weighted fields, by how many weights are not 0; one number for each of a batch.

    Examples
    --------
    >>> weight = torch.tensor([[[[0.5, 0.0, 1.0]]]])
    >>> mean_square([torch.tensor([[[[4.0, 9.0, 2.0]]]])], weight).tolist()
    [4.0]
    """
    number = (weight != 0).sum((1, 2, 3)).clamp_min(1)
    return torch.stack([((weight * part) ** 2).sum((1, 2, 3)) for part in parts]).sum(0) / number


def inner(counts: Tensor, border: int) -> Tensor:
    """What counts without the border; of a field that is nothing but border, the middle stays.

    Examples
    --------
    >>> inner(torch.ones(1, 1, 3, 5, dtype=torch.bool), 1).sum().item()
    3
    """
    kept = torch.zeros_like(counts)
    widths = [min(border, (cells - 1) // 2) for cells in counts.shape[2:]]
    rows, columns = (slice(width, cells - width) for width, cells in zip(widths, counts.shape[2:], strict=True))
    kept[..., rows, columns] = counts[..., rows, columns]
    return kept


def away_from_land(sea: Tensor, cells: int) -> Tensor:
    """Where no land is within so many cells along both directions.

    Examples
    --------
    >>> sea = torch.ones(1, 1, 1, 6, dtype=torch.bool)
    >>> sea[..., 0] = False
    >>> away_from_land(sea, 2).tolist()
    [[[[False, False, False, True, True, True]]]]
    """
    land = functional.max_pool2d((~sea).float(), 2 * cells + 1, stride=1, padding=cells)
    return land < 0.5
