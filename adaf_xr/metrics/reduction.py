"""Weighted sums of functions of several arrays in one pass, block by block.

Each block of the input becomes one small block of sums in one task: no full-size intermediate exists, nothing is
rechunked but by splitting, and arithmetic is in double precision on pieces that fit a cache.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

Quantity = Callable[[Mapping[str, NDArray[np.float64]]], NDArray[np.float64]]
"""A function of the inputs by name, elementwise, finite where they are."""

LEAF = 2**17
"""Values handled at once: a megabyte of double precision."""


@dataclass(frozen=True)
class _Plan:
    """How the dimensions of blocks relate: which axes each array has, and which are summed over."""

    dims: tuple[Hashable, ...]
    over: tuple[Hashable, ...]
    layouts: tuple[tuple[Hashable, ...], ...]
    quantities: tuple[Quantity, ...]
    keys: tuple[str, ...]

    @property
    def axes(self) -> tuple[int, ...]:
        """Positions of the dimensions summed over."""
        return tuple(self.dims.index(dim) for dim in self.over)


def totals(
    quantities: Mapping[str, Quantity],
    inputs: Mapping[str, xr.DataArray],
    weights: xr.DataArray,
    over: Sequence[Hashable],
    *,
    gathered: bool = False,
) -> dict[str, tuple[tuple[Hashable, ...], Any]]:
    """Sums of weight times quantity over the places where all inputs are present, and of the weight itself.

    Parameters
    ----------
    quantities : mapping
        What is summed, by name.
    inputs : mapping of DataArray
        By the names that the quantities use; aligned, each on some of the dimensions.
    weights : DataArray
        May have dimensions that no input has: each entry along them gives sums of its own. Missing counts as zero.
    over : sequence of dimension
        Summed over.
    gathered : bool
        In a single chunk: few tasks for who needs all of a small result.

    Returns
    -------
    dict
        Dimensions and array by name, with ``weight``; lazy if any input is.
    """
    dims = tuple(dict.fromkeys(dim for array in inputs.values() for dim in array.dims))
    extra = tuple(dim for dim in weights.dims if dim not in dims)
    parts = [_ordered(array, dims) for array in inputs.values()] + [_ordered(weights, (*extra, *dims))]
    plan = _Plan(
        dims, tuple(over), tuple(part.dims for part in parts), tuple(quantities.values()), tuple(inputs)
    )  # fmt: skip
    if any(isinstance(part.data, da.Array) for part in parts):
        result = _lazy_sums(parts, plan, extra)
    else:
        result = _block_sums(*(part.values for part in parts), plan=plan)
    if plan.over:
        result = result.sum(axis=tuple(1 + len(extra) + axis for axis in plan.axes))
    if gathered and isinstance(result, da.Array):
        result = result.rechunk(-1)
    kept = (*extra, *(dim for dim in dims if dim not in plan.over))
    return {name: (kept, result[i]) for i, name in enumerate((*quantities, "weight"))}


def _ordered(array: xr.DataArray, dims: Sequence[Hashable]) -> xr.DataArray:
    return array.transpose(*(dim for dim in dims if dim in array.dims))


def _lazy_sums(parts: list[xr.DataArray], plan: _Plan, extra: tuple[Hashable, ...]) -> da.Array:
    """One task per block of the input."""
    arrays = [part.data if isinstance(part.data, da.Array) else da.from_array(part.values, chunks=-1) for part in parts]
    arrays[-1] = arrays[-1].rechunk(dict.fromkeys(range(len(extra)), -1))
    letters = {dim: i + 1 for i, dim in enumerate((*extra, *plan.dims))}
    pairs = [(array, [letters[dim] for dim in part.dims]) for array, part in zip(arrays, parts, strict=True)]
    return da.blockwise(
        partial(_block_sums, plan=plan),
        [0, *letters.values()],
        *(entry for pair in pairs for entry in pair),
        new_axes={0: len(plan.quantities) + 1},
        adjust_chunks={letters[dim]: 1 for dim in plan.over},
        dtype="f8",
        meta=np.empty((0,) * (1 + len(letters))),
    )


def _block_sums(*blocks: NDArray, plan: _Plan) -> NDArray[np.float64]:
    """Sums of one block, shape (quantities + 1, *extra, *dims), of length 1 along the dimensions summed over."""
    *inputs, weights = (
        _spread_out(block, layout, plan.dims) for block, layout in zip(blocks, plan.layouts, strict=True)
    )
    extra = weights.shape[: weights.ndim - len(plan.dims)]
    weights = np.nan_to_num(weights, nan=0.0).reshape(-1, *weights.shape[len(extra) :])
    sums = _descend(inputs, weights, plan)
    return sums.reshape(len(sums), *extra, *sums.shape[2:])


def _spread_out(block: NDArray, layout: tuple[Hashable, ...], dims: tuple[Hashable, ...]) -> NDArray:
    """With an axis of length 1 for each dimension that the block lacks; dimensions that are not in `dims` lead."""
    leading = sum(dim not in dims for dim in layout)
    return np.expand_dims(block, [leading + i for i, dim in enumerate(dims) if dim not in layout])


def _descend(inputs: list[NDArray], weights: NDArray, plan: _Plan) -> NDArray[np.float64]:
    """Halve until a piece is small; pairwise sums lose no digits and small pieces stay in the cache."""
    shape = np.broadcast_shapes(*(array.shape for array in inputs))
    if np.prod(shape) <= LEAF:
        return _leaf(inputs, weights, plan, shape)
    axis = next(i for i, size in enumerate(shape) if size > 1)
    middle = shape[axis] // 2
    halves = [
        _descend(
            [_cut(array, axis, part) for array in inputs], _cut(weights, axis + 1, part), plan
        )
        for part in (slice(None, middle), slice(middle, None))
    ]  # fmt: skip
    return halves[0] + halves[1] if axis in plan.axes else np.concatenate(halves, axis=axis + 2)


def _cut(array: NDArray, axis: int, part: slice) -> NDArray:
    """A part along an axis; what does not vary along it stays whole."""
    return array if array.shape[axis] == 1 else array[(slice(None),) * axis + (part,)]


def _leaf(inputs: list[NDArray], weights: NDArray, plan: _Plan, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Sums of a small piece."""
    present = np.ones(shape, bool)
    for array in inputs:
        present &= ~np.isnan(array)
    values = {key: _zero_where_missing(array, present) for key, array in zip(plan.keys, inputs, strict=True)}
    terms = [quantity(values) for quantity in plan.quantities]
    kept = tuple(1 if i in plan.axes else size for i, size in enumerate(shape))
    result = np.empty((len(terms) + 1, len(weights), *kept))
    product = np.empty(shape)
    for i, weight in enumerate(weights):
        counted = np.multiply(present, weight)
        np.sum(counted, axis=plan.axes, keepdims=True, out=result[-1, i])
        for j, term in enumerate(terms):
            np.multiply(term, counted, out=product)
            np.sum(product, axis=plan.axes, keepdims=True, out=result[j, i])
    return result


def _zero_where_missing(array: NDArray, present: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Double precision, with a number where there is none: it will be multiplied by a weight of zero."""
    values = np.zeros(present.shape)
    np.copyto(values, array, where=present)
    return values
