"""Means over the cells nested in coarse ones."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def block_means(fine: Tensor, weight: Tensor, factor: int) -> Tensor:
    """Weighted means over blocks of `factor` x `factor` cells; 0 where nothing has weight.

    Parameters
    ----------
    fine, weight : Tensor (n, 1, factor * n_lat, factor * n_lon)
        Finite, also where they have no weight.
    factor : int

    Returns
    -------
    Tensor (n, 1, n_lat, n_lon)

    Examples
    --------
    >>> fine = torch.tensor([[[[1.0, 2.0], [3.0, 50.0]]]])
    >>> block_means(fine, (fine < 10).float(), 2).item()
    2.0
    """
    total = functional.avg_pool2d(weight, factor)
    return functional.avg_pool2d(fine * weight, factor) / torch.where(total > 0, total, 1.0)


def without_means(fine: Tensor, weight: Tensor, factor: int) -> Tensor:
    """The same less its block means; 0 where nothing has weight.

    Examples
    --------
    >>> without_means(torch.tensor([[[[1.0, 2.0], [3.0, 50.0]]]]), torch.tensor([[[[1.0, 1.0], [1.0, 0.0]]]]), 2)
    tensor([[[[-1.,  0.],
              [ 1.,  0.]]]])
    """
    means = block_means(fine, weight, factor)
    repeated = means.repeat_interleave(factor, -2).repeat_interleave(factor, -1)
    return torch.where(weight > 0, fine - repeated, 0.0)
