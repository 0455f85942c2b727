"""Two summations in one pass over lazy fields: sums at each time, and sums over time of each cell.

As two graphs they would share the blocks of the fields, and a scheduler that is far ahead with one of them keeps all
blocks for the other. Here each block is used once, and its sums over time join those of the blocks before.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import partial
from itertools import product

import dask.array as da
import numpy as np
import xarray as xr
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph
from numpy.typing import NDArray

from adaf_xr.metrics.reduction import Plan, Summation, block_sums, finished, planned, totals, unified

Sizes = dict[Hashable, tuple[int, ...]]
SoFar = tuple[list[NDArray], NDArray]
"""Sums of each block of times so far, and those over all of them."""


def totals_in_one_pass(
    timely: Summation, lasting: Summation, inputs: Mapping[str, xr.DataArray]
) -> tuple[xr.Dataset, xr.Dataset]:
    """The sums of :func:`adaf_xr.metrics.reduction.totals` for two summations.

    Parameters
    ----------
    timely : Summation
        Over other dimensions than time. Where it is lazy, all times come in one chunk.
    lasting : Summation
        Over time alone, a single dimension; its weight is one number.
    inputs : mapping of DataArray
        As for :func:`adaf_xr.metrics.reduction.totals`.
    """
    if not any(isinstance(array.data, da.Array) for array in inputs.values()):
        return totals(timely, inputs), totals(lasting, inputs)
    (first, parts), (second, others) = planned(timely, inputs), planned(lasting, inputs)
    arrays, sizes = unified(parts, first)
    time, constant = lasting.over[0], others[-1].values
    name = f"sums-so-far-{tokenize(first, second, constant, *(array.name for array in arrays))}"
    graph = _running_sums(name, arrays, sizes, first, second, constant)
    layer = HighLevelGraph.from_collections(name, graph, dependencies=arrays)
    axis = 1 + len(first.extra) + first.dims.index(time)
    results = [
        _taken(layer, name, partial(_of_times, axis=axis), first, sizes, time, sum(sizes[time])),
        _taken(layer, name, _of_all_times, second, sizes, time, 1),
    ]
    return finished(results[0], timely, first), finished(results[1], lasting, second)


def _running_sums(
    name: str, arrays: list[da.Array], sizes: Sizes, first: Plan, second: Plan, constant: NDArray
) -> dict[tuple, tuple]:
    """Tasks that sum blocks, and tasks that join them along time; the last of these keep the name."""
    time = second.over[0]
    apart = [dim for dim in first.dims if dim != time]
    both = partial(_both, first=first, second=second, constant=constant)
    tasks: dict[tuple, tuple] = {}
    for place in product(*(range(len(sizes[dim])) for dim in apart)):
        before: tuple | None = None
        for step in range(len(sizes[time])):
            at = dict(zip(apart, place, strict=True)) | {time: step}
            blocks = [
                (array.name, *(at.get(dim, 0) for dim in layout))
                for array, layout in zip(arrays, first.layouts, strict=True)
            ]
            block, so_far = (f"{name}-block", step, *place), (f"{name}-step", step, *place)
            tasks[block] = (both, *blocks)
            tasks[so_far] = (_begun, block) if before is None else (_joined, before, block)
            before = so_far
        tasks[name, *place] = (_identity, before)
    return tasks


def _both(*blocks: NDArray, first: Plan, second: Plan, constant: NDArray) -> tuple[NDArray, NDArray]:
    """Sums of one block by both plans, which differ in what they sum and in their weights."""
    return block_sums(*blocks, plan=first), block_sums(*blocks[:-1], constant, plan=second)


def _begun(block: tuple[NDArray, NDArray]) -> SoFar:
    return [block[0]], block[1]


def _joined(before: SoFar, block: tuple[NDArray, NDArray]) -> SoFar:
    return [*before[0], block[0]], before[1] + block[1]


def _identity(state: SoFar) -> SoFar:
    return state


def _of_times(state: SoFar, axis: int) -> NDArray:
    return np.concatenate(state[0], axis=axis)


def _of_all_times(state: SoFar) -> NDArray:
    return state[1]


def _taken(
    layer: HighLevelGraph,
    state: str,
    take: Callable[[SoFar], NDArray],
    plan: Plan,
    sizes: Sizes,
    time: Hashable,
    length: int,
) -> da.Array:
    """One of the two sums as an array ``(quantities + 1, *extra, *dims)`` in one block along time of this length."""
    apart = [dim for dim in plan.dims if dim != time]
    name = f"sums-{tokenize(state, plan, length)}"
    tasks = {}
    for place in product(*(range(len(sizes[dim])) for dim in apart)):
        at = dict(zip(apart, place, strict=True))
        tasks[name, 0, *(0 for _ in plan.extra), *(at.get(dim, 0) for dim in plan.dims)] = (take, (state, *place))
    chunks = [(len(plan.quantities) + 1,), *(sizes[dim] for dim in plan.extra)]
    for dim in plan.dims:
        chunks.append((length,) if dim == time else (1,) * len(sizes[dim]) if dim in plan.over else sizes[dim])
    graph = HighLevelGraph(layer.layers | {name: tasks}, layer.dependencies | {name: {state}})
    return da.Array(graph, name, tuple(chunks), dtype="f8")
