"""Sums and counts that add up over micro-batches and ranks, so that every mean is that of the whole."""

from __future__ import annotations

from collections.abc import Mapping
from math import nan, sqrt
from typing import Any

import torch
from torch import Tensor, distributed

from adaf_xr.training.task import Sums

Totals = dict[str, tuple[float, float]]
"""Name -> (sum, count)."""


class Adding:
    """Sums so far, in float64 and without their gradients.

    Examples
    --------
    >>> so_far = Adding()
    >>> so_far.add({"loss": (torch.tensor(3.0), torch.tensor(2))})
    >>> so_far.add({"loss": (torch.tensor(1.0), torch.tensor(6))})
    >>> so_far.totals()
    {'loss': (4.0, 8.0)}
    """

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}

    def add(self, sums: Sums) -> None:
        """Some more."""
        for name, pair in sums.items():
            more = torch.stack([part.detach().double() for part in pair])
            self._sums[name] = self._sums[name] + more if name in self._sums else more

    def totals(self) -> Totals:
        """Of this rank alone."""
        return _named(sorted(self._sums), self._stacked(()).tolist())

    def over_ranks(self, *flags: bool) -> tuple[Totals, list[bool]]:
        """Of all ranks, which must have the same names; and of each flag whether any rank has raised it."""
        numbers = self._stacked(flags)
        if distributed.is_initialized():
            distributed.all_reduce(numbers)
        names = sorted(self._sums)
        values = numbers.tolist()
        return _named(names, values), [value > 0 for value in values[2 * len(names) :]]

    def _stacked(self, flags: tuple[bool, ...]) -> Tensor:
        parts = [self._sums[name] for name in sorted(self._sums)]
        device = parts[0].device if parts else None
        return torch.cat([*parts, torch.tensor(flags, dtype=torch.float64, device=device)])


def anywhere(flag: bool, device: torch.device) -> bool:
    """Whether any rank has raised a flag; all must ask.

    Examples
    --------
    >>> anywhere(True, torch.device("cpu"))
    True
    """
    if not distributed.is_initialized():
        return flag
    raised = torch.tensor(float(flag), device=device)
    distributed.all_reduce(raised)
    return bool(raised)


def gathered(mine: Totals) -> Totals:
    """Of all ranks, where some may have seen nothing and so know no names."""
    whole: Totals = {}
    for part in everywhere(mine):
        whole = added(whole, part)
    return whole


def everywhere(mine: Any) -> list[Any]:
    """What each rank holds, in their order, on all of them.

    Examples
    --------
    >>> everywhere("mine")
    ['mine']
    """
    if not distributed.is_initialized():
        return [mine]
    every: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(every, mine)
    return every


def added(one: Mapping[str, tuple[float, float]], other: Mapping[str, tuple[float, float]]) -> Totals:
    """Name by name.

    Examples
    --------
    >>> added({"loss": (1.0, 2.0)}, {"loss": (3.0, 4.0), "rmse_zos": (1.0, 1.0)})
    {'loss': (4.0, 6.0), 'rmse_zos': (1.0, 1.0)}
    """
    whole = dict(one)
    for name, (total, count) in other.items():
        before = whole.get(name, (0.0, 0.0))
        whole[name] = (before[0] + total, before[1] + count)
    return whole


def means(totals: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """Quotients, NaN where nothing counted; of names "rmse_*" their square roots.

    Examples
    --------
    >>> means({"loss": (1.0, 2.0), "rmse_zos": (8.0, 2.0), "rmse_so": (0.0, 0.0)})
    {'loss': 0.5, 'rmse_zos': 2.0, 'rmse_so': nan}
    """
    quotients = {name: total / count if count else nan for name, (total, count) in totals.items()}
    return {name: sqrt(value) if name.startswith("rmse_") else value for name, value in quotients.items()}


def _named(names: list[str], values: list[float]) -> Totals:
    return {name: (values[2 * k], values[2 * k + 1]) for k, name in enumerate(names)}
