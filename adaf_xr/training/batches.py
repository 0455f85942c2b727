"""Batches: nested mappings of tensors that share their leading dimension."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from adaf_xr.training.task import Batch

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def mapped(batch: Batch, change: Callable[[Tensor], Tensor]) -> Batch:
    """The same nest of changed tensors.

    Examples
    --------
    >>> import torch
    >>> mapped({"a": {"b": torch.ones(2)}}, lambda t: 3 * t)
    {'a': {'b': tensor([3., 3.])}}
    """
    return {name: mapped(part, change) if isinstance(part, Mapping) else change(part) for name, part in batch.items()}


def items(batch: Batch) -> int:
    """Length of the leading dimension.

    Raises
    ------
    ValueError
        Where it is not the same for all tensors, or there is none.

    Examples
    --------
    >>> import torch
    >>> items({"a": torch.ones(2), "b": {"c": torch.ones(2, 3)}})
    2
    """
    lengths: set[int] = set()

    def see(tensor: Tensor) -> Tensor:
        lengths.add(len(tensor))
        return tensor

    mapped(batch, see)
    if len(lengths) != 1:
        raise ValueError(
            f"the tensors of a batch must have one leading dimension, its items, and these have {sorted(lengths)}"
        )
    return lengths.pop()


def pieces(batch: Batch, size: int | None) -> Iterator[Batch]:
    """Cut along the leading dimension; at least one piece, so that an empty batch is seen too.

    Examples
    --------
    >>> import torch
    >>> [piece["a"].tolist() for piece in pieces({"a": torch.arange(5)}, 2)]
    [[0, 1], [2, 3], [4]]
    """
    length = items(batch)
    step = size or max(length, 1)
    for start in range(0, max(length, 1), step):
        yield mapped(batch, lambda tensor, cut=slice(start, start + step): tensor[cut])  # type: ignore[misc]


def moved(batch: Batch, device: torch.device) -> Batch:
    """On another device; from pinned memory without waiting for it."""
    return mapped(batch, lambda tensor: tensor.to(device, non_blocking=True))


def pinned(batch: Batch) -> Batch:
    """In memory that a GPU can fetch by itself."""
    return mapped(batch, lambda tensor: tensor.pin_memory())
