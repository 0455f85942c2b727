"""Weighted sums of functions of several arrays in one pass, block by block.

Each block of the input becomes one small block of sums in one task: no full-size intermediate exists, nothing is
rechunked but by splitting, and arithmetic is in double precision on pieces that fit a cache.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

Quantity = Callable[[Mapping[str, NDArray[np.float64]]], NDArray[np.float64]]
"""A function of the inputs by name, elementwise, finite where they are."""

STATISTIC = "the statistics of one block"
"""Name of the axis of quantities, which no dimension of data has."""

LEAF = 2**16
"""Values handled at once: half a megabyte of double precision."""


@dataclass(frozen=True)
class Summation:
    """What is summed, by what weight, over which dimensions.

    Attributes
    ----------
    quantities : mapping
        By name.
    weights : DataArray
        May have dimensions that no input has: each entry along them gives sums of its own. Missing counts as zero.
    over : tuple of dimension
        Summed over.
    """

    quantities: Mapping[str, Quantity]
    weights: xr.DataArray
    over: tuple[Hashable, ...]


@dataclass(frozen=True)
class Plan:
    """How the dimensions of blocks relate: those of the inputs, which are summed over, and which each array has."""

    extra: tuple[Hashable, ...]
    dims: tuple[Hashable, ...]
    over: tuple[Hashable, ...]
    layouts: tuple[tuple[Hashable, ...], ...]
    quantities: tuple[Quantity, ...]
    keys: tuple[str, ...]

    @property
    def axes(self) -> tuple[int, ...]:
        """Positions of the dimensions summed over, among those of the inputs."""
        return tuple(self.dims.index(dim) for dim in self.over)


def planned(what: Summation, inputs: Mapping[str, xr.DataArray]) -> tuple[Plan, list[xr.DataArray]]:
    """The plan of a summation and its arrays, the weights last, in one order of dimensions."""
    dims = tuple(dict.fromkeys(dim for array in inputs.values() for dim in array.dims))
    extra = tuple(dim for dim in what.weights.dims if dim not in dims)
    order = (*extra, *dims)
    parts = [part.transpose(*(d for d in order if d in part.dims)) for part in (*inputs.values(), what.weights)]
    layouts = tuple(part.dims for part in parts)
    return Plan(extra, dims, what.over, layouts, tuple(what.quantities.values()), tuple(inputs)), parts


def totals(what: Summation, inputs: Mapping[str, xr.DataArray]) -> xr.Dataset:
    """Sums of weight times quantity over the places where all inputs are present, and of the weight itself.

    Parameters
    ----------
    what : Summation
        The sums.
    inputs : mapping of DataArray
        By the names that the quantities use; aligned, each on some of the dimensions.

    Returns
    -------
    Dataset
        By name, with ``weight``, without coordinates; lazy if any input is.
    """
    plan, parts = planned(what, inputs)
    if any(isinstance(part.data, da.Array) for part in parts):
        result = _lazy_sums(parts, plan)
    else:
        result = block_sums(*(part.values for part in parts), plan=plan)
    return finished(result, what, plan)


def finished(result: Any, what: Summation, plan: Plan) -> xr.Dataset:
    """Sums of blocks, ``(quantities + 1, *extra, *dims)``, summed over blocks and named."""
    if plan.over:
        result = result.sum(axis=tuple(1 + len(plan.extra) + axis for axis in plan.axes))
    kept = (*plan.extra, *(dim for dim in plan.dims if dim not in plan.over))
    return xr.Dataset({name: (kept, result[i]) for i, name in enumerate((*what.quantities, "weight"))})


def unified(parts: list[xr.DataArray], plan: Plan) -> tuple[list[da.Array], dict[Hashable, tuple[int, ...]]]:
    """The arrays on dask in common blocks, extra dimensions whole, and the sizes of the blocks by dimension."""
    arrays = [part.data if isinstance(part.data, da.Array) else da.from_array(part.values, chunks=-1) for part in parts]
    arrays[-1] = arrays[-1].rechunk(dict.fromkeys(range(len(plan.extra)), -1))
    pairs = (entry for array, part in zip(arrays, parts, strict=True) for entry in (array, part.dims))
    # More blocks are the point: each is small, and none is a merger of others.
    sizes, arrays = da.core.unify_chunks(*pairs, warn=False)
    return arrays, sizes


def _lazy_sums(parts: list[xr.DataArray], plan: Plan) -> da.Array:
    """One task per block of the input."""
    arrays, _ = unified(parts, plan)
    pairs = (entry for array, part in zip(arrays, parts, strict=True) for entry in (array, part.dims))
    return da.blockwise(
        partial(block_sums, plan=plan),
        (STATISTIC, *plan.extra, *plan.dims),
        *pairs,
        new_axes={STATISTIC: len(plan.quantities) + 1},
        adjust_chunks=dict.fromkeys(plan.over, 1),
        align_arrays=False,
        dtype="f8",
        meta=np.empty((0,) * (1 + len(plan.extra) + len(plan.dims))),
    )


def block_sums(*blocks: NDArray, plan: Plan) -> NDArray[np.float64]:
    """Sums of one block, shape ``(quantities + 1, *extra, *dims)``, of length 1 along the dimensions summed over."""
    *inputs, weights = (
        _spread_out(block, layout, plan.dims) for block, layout in zip(blocks, plan.layouts, strict=True)
    )
    extra = weights.shape[: len(plan.extra)]
    weights = _counting(weights).reshape(-1, *weights.shape[len(extra) :])
    sums = _descend(inputs, weights, plan)
    return sums.reshape(len(sums), *extra, *sums.shape[2:])


def _counting(weights: NDArray) -> NDArray[np.float64]:
    """Zero for a missing weight; here and not before, for weights may be lazy."""
    weights = np.where(np.isnan(weights), 0.0, weights)
    if not np.all((weights >= 0.0) & (weights < np.inf)):
        raise ValueError(
            "some weights are negative or infinite: a pair counts for something or for nothing; clip or mask them"
        )
    return weights


def _spread_out(block: NDArray, layout: tuple[Hashable, ...], dims: tuple[Hashable, ...]) -> NDArray:
    """With an axis of length 1 for each dimension that the block lacks; dimensions that are not in `dims` lead."""
    leading = sum(dim not in dims for dim in layout)
    return np.expand_dims(block, [leading + i for i, dim in enumerate(dims) if dim not in layout])


def _descend(inputs: list[NDArray], weights: NDArray, plan: Plan) -> NDArray[np.float64]:
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


def _leaf(inputs: list[NDArray], weights: NDArray, plan: Plan, shape: tuple[int, ...]) -> NDArray[np.float64]:
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
            with np.errstate(invalid="ignore"):
                np.multiply(term, counted, out=product)
                np.sum(product, axis=plan.axes, keepdims=True, out=result[j, i])
            if np.isnan(result[j, i]).any():
                # What is infinite must not spoil the sums in which it does not count.
                np.copyto(product, 0.0, where=counted == 0.0)
                np.sum(product, axis=plan.axes, keepdims=True, out=result[j, i])
    return result


def _zero_where_missing(array: NDArray, present: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Double precision, with a number where there is none: it will be multiplied by a weight of zero."""
    values = np.zeros(present.shape)
    np.copyto(values, array, where=present)
    return values
