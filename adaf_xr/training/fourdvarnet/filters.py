"""Linear operators of the loss: differences from cell to cell, and the filter of divergence.

Tensors are (batch, days, rows, columns); edges go on as they end.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

SOBEL = ((-1.0, 0.0, 1.0), (-2.0, 0.0, 2.0), (-1.0, 0.0, 1.0))
"""Times 1/8 the eastward difference from a cell to the next; its transpose gives the northward one."""

HEAT = ((0.0, 1.0, 0.0), (1.0, 1.0, 1.0), (0.0, 1.0, 0.0))
"""Times 1/5 a step of diffusion with the coefficient 1, which takes in the four neighbours."""


def sobel(field: Tensor) -> tuple[Tensor, Tensor]:
    """Eastward and northward difference from a cell to the next.

    Examples
    --------
    >>> ramp = torch.arange(4.0).expand(1, 1, 4, 4)
    >>> east, north = sobel(ramp)
    >>> east[0, 0, 1, 1:3].tolist(), north.abs().max().item()
    ([1.0, 1.0], 0.0)
    """
    kernel = field.new_tensor(SOBEL) / 8.0
    return convolved(field, kernel), convolved(field, kernel.T)


def smoothed(field: Tensor, passes: int) -> Tensor:
    """The filter of divergence: passes of diffusion, then a Gaussian of one cell on 3 x 3 cells; as it is for none.

    Examples
    --------
    >>> bool(torch.isclose(smoothed(torch.full((1, 1, 6, 6), 2.0), 5), torch.tensor(2.0)).all())
    True
    """
    if not passes:
        return field
    heat = field.new_tensor(HEAT) / 5.0
    for _ in range(passes):
        field = convolved(field, heat)
    bell = torch.exp(-0.5 * torch.arange(-1.0, 2.0, device=field.device, dtype=field.dtype) ** 2)
    gauss = bell[:, None] * bell
    return convolved(field, gauss / gauss.sum())


def reach(passes: int) -> int:
    """Cells to which the filter looks along each direction.

    >>> reach(5), reach(0)
    (6, 0)
    """
    return passes + 1 if passes else 0


def convolved(field: Tensor, kernel: Tensor) -> Tensor:
    """With a kernel of 3 x 3 cells, day by day."""
    planes = field.flatten(0, 1)[:, None]
    widened = functional.pad(planes, (1, 1, 1, 1), mode="replicate")
    return functional.conv2d(widened, kernel[None, None]).reshape(field.shape)
