"""Arithmetic on planes of cells (..., rows, columns) that may go around the globe: padding, blurring, refining."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from adaf_xr.kinematics import GRAVITY, RADIAN, RADIUS, ROTATION

DEGREE = RADIUS * RADIAN
"""Length of a degree of latitude [m]."""

EQUATOR = 5.0
"""Latitude [degrees] below which geostrophy is faded out."""


def padded(planes: Tensor, n: int, wraps: bool) -> Tensor:
    """Planes (batch, channels, rows, columns) with `n` more cells on every side: from around the globe, else zeros."""
    around = F.pad(planes, (n, n, 0, 0), mode="circular" if wraps else "constant")
    return F.pad(around, (0, 0, n, n))


def blurred(planes: Tensor, sigma: float, wraps: bool) -> Tensor:
    """Gaussian means with standard deviation `sigma` cells, which reach three of those and no further."""
    n = math.ceil(3.0 * sigma)
    kernel = torch.exp(-0.5 * (torch.arange(-n, n + 1, device=planes.device) / sigma) ** 2)
    kernel = (kernel / kernel.sum()).to(planes.dtype)
    flat = padded(planes.reshape(-1, 1, *planes.shape[-2:]), n, wraps)
    flat = F.conv2d(F.conv2d(flat, kernel.view(1, 1, -1, 1)), kernel.view(1, 1, 1, -1))
    return flat.reshape(planes.shape)


def refined(planes: Tensor, factor: int, wraps: bool) -> Tensor:
    """Bilinear values at the cells nested `factor` times in each cell, along both directions.

    Examples
    --------
    >>> refined(torch.tensor([[0.0, 4.0]]), 2, wraps=False).tolist()
    [[0.0, 1.0, 3.0, 4.0], [0.0, 1.0, 3.0, 4.0]]
    """
    *leading, rows, columns = planes.shape
    flat = planes.reshape(-1, 1, rows, columns)
    flat = F.pad(F.pad(flat, (1, 1, 0, 0), mode="circular" if wraps else "replicate"), (0, 0, 1, 1), mode="replicate")
    flat = F.interpolate(flat, scale_factor=factor, mode="bilinear", align_corners=False)
    return flat[..., factor:-factor, factor:-factor].reshape(*leading, rows * factor, columns * factor)


def filled(planes: Tensor, present: Tensor, rings: int, wraps: bool) -> tuple[Tensor, Tensor]:
    """Planes (channels, rows, columns) whose missing cells have the mean of the neighbours that are known by then.

    Returns
    -------
    planes, present : Tensor
        Filled `rings` cells inland, 0 beyond; and where there is a value now, as float.
    """
    known = present.to(planes.dtype).expand_as(planes)
    planes = torch.where(known > 0, planes, torch.zeros_like(planes))
    for _ in range(rings):
        share = F.avg_pool2d(padded(known[None], 1, wraps), 3, 1)[0]
        total = F.avg_pool2d(padded(planes[None], 1, wraps), 3, 1)[0]
        new = (known == 0) & (share > 0)
        planes = torch.where(new, total / share.clamp_min(1e-6), planes)
        known = torch.where(new, torch.ones_like(known), known)
    return planes, known


def inverse_coriolis(latitude: Tensor) -> Tensor:
    """1/f [s] with the equator taken out: f / (f^2 + f0^2), f0 that of `EQUATOR`."""
    f = 2.0 * ROTATION * torch.sin(torch.deg2rad(latitude))
    return f / (f * f + (2.0 * ROTATION * math.sin(math.radians(EQUATOR))) ** 2)


def geostrophic(height: Tensor, latitude: Tensor, wraps: bool) -> Tensor:
    """Geostrophic velocity (2, rows, columns) [m/s] of sea level (rows, columns) [m] on cells of 1 degree.

    Central differences; what lies beyond the edge counts as 0, as increments are there.
    """
    around = padded(height[None, None], 1, wraps)[0, 0]
    parallel = torch.cos(torch.deg2rad(latitude)).clamp_min(0.1)[:, None]
    northward = (around[2:, 1:-1] - around[:-2, 1:-1]) / (2.0 * DEGREE)
    eastward = (around[1:-1, 2:] - around[1:-1, :-2]) / (2.0 * DEGREE * parallel)
    factor = GRAVITY * inverse_coriolis(latitude)[:, None]
    return torch.stack([-factor * northward, factor * eastward])
