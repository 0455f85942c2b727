"""Observations of any shape as streams of lazily decoded chunks."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import dask
import dask.array as da
import numpy as np
import xarray as xr
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph

from adaf_xr.cf.canonical import VARIABLES
from adaf_xr.grids import sample
from adaf_xr.inference.encoding import in_cell
from adaf_xr.inference.notices import SkippedSourceWarning, warn, warn_if_large
from adaf_xr.points import Points, time_bounds, to_points
from adaf_xr.points.bounds import bounds_of_blocks
from adaf_xr.points.tree import source_nodes

OnError = Literal["raise", "skip"]


WAY_OUT = "Download or write the file again, or leave out what cannot be read by on_error='skip'"


@dataclass(frozen=True)
class Stream:
    """The observations of one source.

    Attributes
    ----------
    source : str
        One of :data:`adaf_xr.cf.canonical.SOURCES`.
    chunks : dask array of objects, (n_chunks,)
        Every element a :class:`~adaf_xr.points.Points`.
    start, stop : datetime64[ns], (n_chunks,)
        First and last time of every chunk; NaT where unknown before decoding.
    variables : tuple of str
        What may be in it.
    """

    source: str
    chunks: da.Array
    start: np.ndarray
    stop: np.ndarray
    variables: tuple[str, ...] = ()


def open_streams(
    observations: xr.Dataset | xr.DataTree | Sequence[xr.Dataset | xr.DataTree],
    usable: set[str],
    sources: Container[str],
    mdt: Mapping[str, Any] | None,
    on_error: OnError,
) -> tuple[list[Stream], list[str]]:
    """Streams of every source that offers a usable variable, and what the others have instead.

    Parameters
    ----------
    observations : Dataset, DataTree or sequence of them
        CF observation files, or points already; in a DataTree the nodes named after a source are that source.
    usable : set of str
        Variables that can be assimilated.
    sources : container of str
        Observing systems that the engine uses.
    mdt : mapping, optional
        ``latitude``, ``longitude``, ``mdt`` arrays that turn `sla` into `zos`.
    on_error : {"raise", "skip"}
        What to do with a source that cannot be read.
    """
    if on_error not in ("raise", "skip"):
        raise ValueError(f"on_error={on_error!r} does not exist: use 'raise' or 'skip'")
    streams, idle = [], []
    for label, source, obj in _nodes(observations):
        try:
            points = as_points(obj, source)
            kind = points.attrs["source"]
            stream = _stream(points, usable, mdt, on_error, label) if kind in sources else None
            if stream is not None:
                streams.append(stream)
            elif kind in sources:
                idle.append(f"{kind}: it has {_listing(points.data_vars)}, the background {_listing(usable)}")
            else:
                idle.append(f"{kind}: the engine does not use this kind of observations")
        except (ValueError, OSError, RuntimeError) as error:
            # What a corrupt file raises when its values are read depends on the library that reads it.
            if on_error == "raise":
                raise _labelled(error, label) from error
            warn(f"skipped {label or 'a source'}, all of it is lost: {error}", SkippedSourceWarning)
    return streams, idle


def _labelled(error: Exception, label: str) -> Exception:
    """The same error under the name of its source."""
    if isinstance(error, ValueError):
        return type(error)(f"{label}: {error}") if label else error
    return ValueError(f"{label or 'a source'} cannot be read, {type(error).__name__}: {error}. {WAY_OUT}")


def _listing(names: Container) -> str:
    """The known variables among some names."""
    return ", ".join(name for name in VARIABLES if name in names) or "nothing"


def _nodes(observations: Any) -> Iterator[tuple[str, str | None, xr.Dataset | xr.DataTree]]:
    """Datasets or file trees, each with a label for messages and the source its place in a tree names."""
    if isinstance(observations, xr.Dataset):
        yield str(observations.encoding.get("source", "")), None, observations
    elif isinstance(observations, xr.DataTree):
        sources = list(source_nodes(observations))
        for source, node, obj in sources:
            yield node.path.strip("/"), source, obj
        if not sources and any(node.has_data for node in observations.subtree):
            yield observations.path.strip("/"), None, observations
    elif isinstance(observations, Sequence) and not isinstance(observations, str):
        for part in observations:
            yield from _nodes(part)
    else:
        raise TypeError(
            f"observations must be a Dataset, a DataTree or a list of them, not {type(observations).__name__}: "
            "open files with xarray.open_dataset or adaf_xr.open_observations first"
        )


def as_points(obj: xr.Dataset | xr.DataTree, source: str | None = None) -> xr.Dataset:
    """Points of a file, or the points themselves."""
    if isinstance(obj, xr.Dataset) and obj.attrs.get("featureType") == "point" and "obs" in obj.dims:
        return obj
    return to_points(obj, source=source)


def _stream(points: xr.Dataset, usable: set[str], mdt: Any, on_error: OnError, label: str) -> Stream | None:
    """Decode the usable columns of a points dataset chunk by chunk."""
    names = [name for name in VARIABLES if name in points and name in usable]
    needs_mdt = "sla" in points and "sla" not in usable and "zos" in usable and "zos" not in points
    if needs_mdt and mdt is None:
        raise ValueError(
            "the observations are sea level anomalies (sla) and the background is absolute dynamic topography (zos): "
            "give the mean dynamic topography between them, mdt=..., on any grid"
        )
    if not names and not needs_mdt:
        return None
    taken = [*names, "sla"] if needs_mdt else names
    columns = ["longitude", "latitude", "depth", "time", *taken]
    columns += [f"{name}_error" for name in taken if f"{name}_error" in points]
    chosen = points[columns].unify_chunks()
    table = {name: chosen[name].variable for name in columns}
    source, mean = points.attrs["source"], mdt if needs_mdt else None
    lazy = any(dask.is_dask_collection(v.data) for v in table.values())
    if lazy:
        stream = _lazy_chunks(table, source, mean, on_error, label, time_bounds(chosen))
    else:
        stream = _memory_chunk(table, source, mean, label)
    return replace(stream, variables=(*names, "zos") if needs_mdt else tuple(names))


def _memory_chunk(table: Mapping[str, xr.Variable], source: str, mdt: Any, label: str) -> Stream:
    """One chunk that rides in the graph under one key."""
    arrays = {name: v.values for name, v in table.items()}
    points = decode(arrays, source, mdt if mdt is None else {k: np.asarray(v) for k, v in mdt.items()})
    warn_if_large(points.nbytes, f"observations ({label or source})")
    name = "adaf-points-" + tokenize(points, source)
    chunks = da.Array(HighLevelGraph.from_collections(name, {(name, 0): in_cell(points)}), name, ((1,),), dtype=object)
    return Stream(source, chunks, *bounds_of_blocks(points.time, (0,), ((points.time.size,),)))


def _lazy_chunks(
    table: Mapping[str, xr.Variable],
    source: str,
    mdt: Any,
    on_error: OnError,
    label: str,
    bounds: tuple[np.ndarray, np.ndarray],
) -> Stream:
    """One Points for every chunk along obs, by one blockwise over all columns."""
    rows = next(v.chunks[0] for v in table.values() if v.chunks)
    arrays = [da.asarray(v.data).rechunk((rows,)) for v in table.values()]
    operands: list[Any] = [operand for array in arrays for operand in (array, "o")]
    for axis, name in (("j", "latitude"), ("i", "longitude"), ("ji", "mdt")) if mdt else ():
        operands += [da.asarray(mdt[name]).rechunk(-1), axis]
    chunks = da.blockwise(
        _decode_block,
        "o",
        *operands,
        names=tuple(table),
        source=source,
        name="adaf-points-" + tokenize([a.name for a in arrays], tuple(table), source, mdt),
        adjust_chunks={"o": 1},
        concatenate=True,
        dtype=object,
        meta=np.empty(0, dtype=object),
    )
    if on_error == "skip":
        chunks = _guarded(chunks, rows, label or source)
    return Stream(source, chunks, *bounds)


def _decode_block(*arrays: np.ndarray, names: tuple[str, ...], source: str) -> np.ndarray:
    """Decode one chunk of columns, in dask's terms."""
    table = dict(zip(names, arrays, strict=False))
    rest = arrays[len(names) :]
    mdt = dict(zip(("latitude", "longitude", "mdt"), rest, strict=True)) if rest else None
    return in_cell(decode(table, source, mdt))


def decode(table: Mapping[str, np.ndarray], source: str, mdt: Mapping[str, np.ndarray] | None) -> Points:
    """Points of a table; `sla` becomes `zos` where a mean dynamic topography is given."""
    columns = dict(table)
    if mdt is not None:
        mean = sample(mdt["mdt"], mdt["latitude"], mdt["longitude"], columns["latitude"], columns["longitude"])
        columns["zos"] = columns.pop("sla") + mean
        if "sla_error" in columns:
            columns["zos_error"] = columns.pop("sla_error")
    return Points.from_columns(columns, source)


def _guarded(chunks: da.Array, rows: tuple[int, ...], label: str) -> da.Array:
    """The same chunks, but one that cannot be read becomes empty with a warning that counts what was lost.

    The sub-graph that reads a chunk is carried inside its task, because a failure outside would end the computation.
    """
    (optimised,) = dask.optimize(chunks)
    graph = optimised.__dask_graph__()
    name = "adaf-guarded-" + tokenize(chunks.name, label)
    layer = {
        (name, i): (_read_or_skip, _Subgraph(graph.cull({key}).to_dict(), key), n, label)
        for i, (key, n) in enumerate(zip([k for k in optimised.__dask_keys__()], rows, strict=True))
    }
    return da.Array(HighLevelGraph.from_collections(name, layer), name, chunks.chunks, dtype=object)


@dataclass(frozen=True, eq=False)
class _Subgraph:
    """A graph as data: dask does not look inside."""

    tasks: dict
    key: tuple


def _read_or_skip(subgraph: _Subgraph, rows: int, label: str) -> np.ndarray:
    """Run a sub-graph; on failure warn and give no points."""
    try:
        return dask.get(subgraph.tasks, subgraph.key)
    except Exception as error:  # whatever a reader raises on a corrupt file
        warn(f"skipped a chunk of {label}, {rows} rows are lost: {type(error).__name__}: {error}", SkippedSourceWarning)
        return in_cell(Points.empty())
