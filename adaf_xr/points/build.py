"""Plans applied: at once to arrays in memory, one task per chunk to dask arrays."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from dask._task_spec import Task, TaskRef
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph
from numpy.typing import NDArray

from adaf_xr.points.bounds import Bounds, bounds_of_blocks, spread_of, unknown
from adaf_xr.points.kernel import Rows, convert, count
from adaf_xr.points.plan import Plan, Question

Chunks = tuple[tuple[int, ...], ...]
Table = tuple[dict[str, Any], Bounds | None]
"""Columns, and the first and last time of their chunks unless the times lie in memory."""

PIECE = 250_000
"""Elements converted at once in memory."""


def table_in_memory(plan: Plan, arrays: Sequence[xr.DataArray]) -> Rows:
    """Valid rows of arrays in memory, converted piece by piece so that the work stays in the processor's cache."""
    values = [a.values for a in arrays]
    answers = [count(q, values[q.key]) > 0 for q in plan.questions]
    size = math.prod(_sizes(plan, values).values())
    if size <= PIECE:
        return convert(plan, values, answers, compact=True)
    return _filled(plan, size, (convert(plan, piece, answers, compact=True) for piece in _pieces(plan, values)))


def _filled(plan: Plan, size: int, parts: Iterator[Rows]) -> Rows:
    """Parts one after another, each written where it belongs at once: no part outlives the next."""
    rows = {name: np.empty(size, "M8[ns]" if name == "time" else "f8") for name in plan.outputs}
    end = 0
    for part in parts:
        start, end = end, end + part["longitude"].size
        for name, values in part.items():
            rows[name][start:end] = values
    for values in rows.values():
        values.resize(end, refcheck=False)  # gives back what was not needed, without a copy
    return rows


def _pieces(plan: Plan, values: Sequence[NDArray], axis: int = 0) -> Iterator[Sequence[NDArray]]:
    """The inputs in pieces of at most `PIECE` elements, cut along the first dimensions, so that order is kept."""
    sizes = _sizes(plan, values)
    total = math.prod(sizes.values())
    if total <= PIECE or axis >= plan.ndim:
        yield values
        return
    step = max(1, PIECE * sizes[axis] // total)
    for start in range(0, sizes[axis], step):
        cut = slice(start, start + step)
        piece = [
            a[tuple(cut if own == axis else slice(None) for own in axes)]
            for a, axes in zip(values, plan.axes, strict=True)
        ]
        yield from _pieces(plan, piece, axis + 1)


def _sizes(plan: Plan, values: Sequence[NDArray]) -> dict[int, int]:
    """The length of every dimension of the whole."""
    return {axis: n for a, axes in zip(values, plan.axes, strict=True) for axis, n in zip(axes, a.shape, strict=True)}


def lazy_table(plan: Plan, arrays: Sequence[xr.DataArray], whole: xr.DataArray) -> Table:
    """Columns as dask arrays of known length, one chunk per chunk of the data; nothing is computed.

    Parameters
    ----------
    plan : Plan
        What to do.
    arrays : sequence of DataArray
        Its inputs.
    whole : DataArray
        A variable on all dimensions.

    Returns
    -------
    columns : dict
        Every column; `time` is a NumPy array where it lies in memory along the only dimension.
    bounds : tuple of array of datetime64[ns], or None
        First and last time of every chunk of the columns; None where the times themselves lie in memory.
    """
    *_, time = arrays
    outside = plan.delay is None and plan.ndim == 1 and time.ndim == 1 and time.chunks is None
    if outside:  # no task carries what is in memory anyway
        plan, arrays = replace(plan, time=None, axes=plan.axes[:-1]), arrays[:-1]
    inputs, chunks = _as_dask(plan, arrays, whole)
    blocks = _converted(plan, inputs, chunks)
    columns: dict[str, Any] = {name: _column(blocks, name, chunks) for name in plan.outputs}
    return (columns | {"time": time.values}, None) if outside else (columns, _bounds(plan, arrays, chunks))


def _bounds(plan: Plan, arrays: Sequence[xr.DataArray], chunks: Chunks) -> Bounds:
    """First and last time of every block; unknown where times are not in memory, or delays have no bounds."""
    *_, time = arrays
    spread = (0.0, 0.0) if plan.delay is None else spread_of(arrays[plan.delay])
    if time.chunks is not None or spread is None:
        return unknown(math.prod(len(lengths) for lengths in chunks))
    return bounds_of_blocks(time.values, plan.axes[-1], chunks, spread)


def _as_dask(plan: Plan, arrays: Sequence[xr.DataArray], whole: xr.DataArray) -> tuple[list[da.Array], Chunks]:
    """The inputs as dask arrays that are cut alike, and the cuts along every dimension."""
    lazy = [k for k, a in enumerate(arrays) if a.chunks is not None]
    cut, unified = da.unify_chunks(*(x for k in lazy for x in (arrays[k].data, plan.axes[k])))
    chunks = tuple(cut.get(axis, (size,)) for axis, size in enumerate(whole.shape or (1,)))
    inputs = dict(zip(lazy, unified, strict=True))
    for key, array in enumerate(arrays):
        if key not in inputs:
            own = tuple(chunks[axis] for axis in plan.axes[key])
            inputs[key] = da.from_array(array.values, chunks=own, asarray=False)
    return [inputs[key] for key in range(len(arrays))], chunks


def _converted(plan: Plan, inputs: Sequence[da.Array], chunks: Chunks) -> da.Array:
    """One task per block of the whole, each giving a dict of columns."""
    answers = [_answer(q, inputs[q.key]) for q in plan.questions]
    operands: list[Any] = [x for array, axes in zip(inputs, plan.axes, strict=True) for x in (array, axes)]
    operands += [x for answer in answers for x in (answer, ())]
    name = "points-" + tokenize(plan, [a.name for a in inputs])
    return da.blockwise(
        _convert_block,
        tuple(range(plan.ndim)),
        *operands,
        plan=plan,
        name=name,
        new_axes=None if any(plan.axes) else {0: 1},
        align_arrays=False,
        dtype=object,
        meta=np.empty((0,) * plan.ndim, dtype=object),
    )


def _convert_block(*operands: Any, plan: Plan) -> Rows:
    """One block, in dask's terms."""
    arrays, answers = operands[: len(plan.axes)], operands[len(plan.axes) :]
    return convert(plan, [np.asarray(a) for a in arrays], [bool(a) for a in answers], compact=False)


def _answer(question: Question, array: da.Array) -> da.Array:
    """A 0-d answer: the counts of all blocks, summed."""
    ones = tuple((1,) * n for n in array.numblocks)
    nothing = np.empty((0,) * array.ndim, "i8")
    return array.map_blocks(_count_block, question=question, chunks=ones, dtype="i8", meta=nothing).sum() > 0


def _count_block(values: NDArray, question: Question) -> NDArray[np.int64]:
    """The count of one block as an array of one element."""
    return np.full((1,) * np.ndim(values), count(question, np.asarray(values)), "i8")


def _column(blocks: da.Array, column: str, chunks: Chunks) -> da.Array:
    """One column of all blocks, along one dimension.

    Where only one dimension is chunked this is a blockwise layer, whose size does not depend on the number of blocks.
    """
    lengths = tuple(math.prod(lengths) for lengths in itertools.product(*chunks))
    dtype = np.dtype("M8[ns]" if column == "time" else "f8")
    name, meta = f"{column}-{blocks.name}", np.empty(0, dtype)
    cut = [axis for axis, lengths_of in enumerate(chunks) if len(lengths_of) > 1] or [0]
    if len(cut) == 1:
        axes = tuple(range(blocks.ndim))
        return da.blockwise(
            _pick,
            tuple(cut),
            blocks,
            axes,
            column=column,
            name=name,
            adjust_chunks={cut[0]: lengths},
            dtype=dtype,
            meta=meta,
        )
    layer = {
        (name, row): Task((name, row), _pick, TaskRef((blocks.name, *index)), column=column)
        for row, index in enumerate(itertools.product(*(range(len(c)) for c in chunks)))
    }
    graph = HighLevelGraph.from_collections(name, layer, dependencies=[blocks])
    return da.Array(graph, name, (lengths,), meta=meta)


def _pick(rows: Any, column: str) -> NDArray:
    """One column of a block; dask wraps blocks in a list per dimension that it contracts."""
    while isinstance(rows, list):
        (rows,) = rows
    return rows[column]
