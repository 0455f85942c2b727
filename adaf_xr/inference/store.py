"""Write a lazy result to sharded zarr, one region per time, so that a killed run goes on where it stopped.

The ledger ``<store>.done/`` holds one empty file for every time (and band of rows) that is written whole. That a chunk
file is missing proves nothing: a step that is all land has none.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from dask.base import tokenize

Progress = Callable[[int, int], None]

_INPUTS = "inputs"

CHUNK = 180
"""Largest side [cells] of the horizontal chunks inside a shard: a point's time series reads little."""

_SIGNATURE, _BEGUN = "signature.json", "begun.json"


def write(
    ds: xr.Dataset,
    path: str | Path,
    *,
    resume: bool = False,
    progress: Progress | None = None,
    at_once: int | None = None,
) -> None:
    """Compute a dataset and write it to a zarr v3 store, a shard for every dask chunk.

    Parameters
    ----------
    ds : Dataset
        Lazy result with a ``time`` dimension in chunks of one.
    path : str or Path
        Folder of the store; the ledger lies beside it under ``<path>.done``.
    resume : bool
        Go on with a store that an interrupted run left; times in the ledger are not computed again.
    progress : callable, optional
        Called with (times done, times in all), at the start and after every time.
    at_once : int, optional
        Times that are computed together: what they share is made once and held meanwhile. Default: all.

    Raises
    ------
    FileExistsError
        Where the store exists and `resume` is false.
    ValueError
        Where the store to resume holds something else, or dask chunks cut a shard.
    """
    if "://" in str(path):
        raise ValueError(
            f"{path} is no local folder: the ledger needs one; write to a bucket with ds.to_zarr({str(path)!r})"
        )
    if not ds.data_vars:
        raise ValueError("the dataset has no variable to write")
    store, ledger = Path(path), Path(f"{path}.done")
    shards = {name: _shard(ds[name]) for name in ds.data_vars}
    if not (resume and _can_resume(ds, store, ledger)):
        _create(ds, store, ledger, shards)
    missing = [i for i in range(ds.sizes["time"]) if not _is_done(ds, i, ledger)]
    with _reporting(progress, ledger, ds):
        step = at_once or max(1, len(missing))
        for some in (missing[i : i + step] for i in range(0, len(missing), step)):
            _write_lazily(ds.isel(time=some), np.array(some), store, ledger).compute()


def _can_resume(ds: xr.Dataset, store: Path, ledger: Path) -> bool:
    """Whether an earlier run of the same call got as far as a complete, empty store."""
    if (ledger / _BEGUN).exists():
        # Killed while it was made: nothing is in it yet.
        shutil.rmtree(store, ignore_errors=True)
    if not store.exists() or not (ledger / _SIGNATURE).exists():
        return False
    held, wanted = json.loads((ledger / _SIGNATURE).read_text()), _signature(ds)
    differs = sorted(key for key in wanted if held.get(key) != wanted[key])
    if differs == [_INPUTS]:
        # Not an error: the keys of inputs that were made by hand, or touched since, need not be the same.
        warnings.warn(
            f"{store} was begun from inputs that cannot be recognised as these: what it holds already is kept",
            stacklevel=4,
        )
    elif differs := [key for key in differs if key != _INPUTS]:
        raise ValueError(
            f"{store} was begun by another call, with other {' and '.join(differs)} ({held.get('history')!r}): "
            "resume with the same arguments, or write to another path"
        )
    return True


def _create(ds: xr.Dataset, store: Path, ledger: Path, shards: dict[Any, tuple[int, ...]]) -> None:
    """Metadata and coordinates of the store, and an empty ledger; the signature comes last, when all is there."""
    if store.exists():
        way = (
            "go on with it by resume=True (--resume)"
            if (ledger / _SIGNATURE).exists()
            else "it has no ledger to resume from"
        )
        raise FileExistsError(f"{store} exists: remove it, write to another path, or {way}")
    shutil.rmtree(ledger, ignore_errors=True)
    ledger.mkdir(parents=True)
    (ledger / _BEGUN).write_text(json.dumps(_signature(ds)))
    encoding = {name: _encoding(ds[name], shard) for name, shard in shards.items()}
    with warnings.catch_warnings():
        # It is outside the specification of zarr 3 still, but without it every plain open_zarr warns.
        warnings.filterwarnings("ignore", "Consolidated metadata")
        ds.drop_encoding().to_zarr(
            store, compute=False, encoding=encoding, zarr_format=3, consolidated=True, safe_chunks=False
        )
    os.replace(ledger / _BEGUN, ledger / _SIGNATURE)


def _signature(ds: xr.Dataset) -> dict[str, Any]:
    """What must agree between the runs that share a store."""
    return {
        "variables": sorted(map(str, ds.data_vars)),
        "coordinates": {str(name): tokenize(c.values) for name, c in sorted(ds.coords.items())},
        "history": ds.attrs.get("history", ""),
        _INPUTS: tokenize([v.data.name for v in ds.data_vars.values()]),
    }


def _encoding(field: xr.DataArray, block: tuple[int, ...]) -> dict[str, Any]:
    """Shards as large as dask blocks, of chunks no larger than `CHUNK` along a side.

    A side that is one block is padded to a whole number of chunks, which costs nothing: zarr cuts at the array's edge.
    """
    chunks = tuple(
        -(-side // -(-side // CHUNK)) if side == n else max(d for d in range(1, min(side, CHUNK) + 1) if side % d == 0)
        for side, n in zip(block, field.shape, strict=True)
    )
    shards = tuple(-(-side // chunk) * chunk for side, chunk in zip(block, chunks, strict=True))
    return {"chunks": chunks, "shards": shards, "dtype": field.dtype.str}


def _shard(field: xr.DataArray) -> tuple[int, ...]:
    """Shape of a variable's shards: its dask chunks, which must be equal but for the last of each dimension."""
    if "time" not in field.dims or field.chunks is None:
        raise ValueError(
            f"{field.name!r} is not lazy along time: write the result of assimilate(), or .chunk(time=1) first"
        )
    for dim, sizes in zip(field.dims, field.chunks, strict=True):
        wanted = 1 if dim == "time" else sizes[0]
        if any(size != wanted for size in sizes[:-1]) or sizes[-1] > wanted:
            raise ValueError(
                f"{field.name!r} has chunks {sizes} along {dim!r}, which would cut shards of {wanted}: "
                f"rechunk first, for example .chunk({dim}={wanted})"
            )
    return tuple(sizes[0] for sizes in field.chunks)


def _bands(ds: xr.Dataset) -> tuple[int, ...]:
    """Chunks along latitude: the pieces in which every time is computed and written."""
    return ds.chunksizes.get("latitude", (1,))


def _is_done(ds: xr.Dataset, i: int, ledger: Path) -> bool:
    return all((ledger / f"{i}.{band}").exists() for band in range(len(_bands(ds))))


def _write_lazily(ds: xr.Dataset, steps: np.ndarray, store: Path, ledger: Path) -> da.Array:
    """One task per time and band that writes all variables and then its entry in the ledger."""
    letters = {"time": "t", "latitude": "b"} | {str(d): f"other-{d}" for d in ds.dims if d not in ("time", "latitude")}
    stops = np.cumsum(_bands(ds))
    rows = np.stack([np.arange(stops.size), stops - _bands(ds), stops], axis=1)
    operands: list[Any] = [da.from_array(steps, chunks=1), "t", da.from_array(rows, chunks=(1, 3)), "br"]
    for name in ds.data_vars:
        operands += [ds[name].data, [letters[str(d)] for d in ds[name].dims]]
    return da.blockwise(
        _write_block, "tb", *operands, names=tuple(map(str, ds.data_vars)), store=str(store), ledger=str(ledger),
        banded=tuple(ds[name].dims.index("latitude") if "latitude" in ds[name].dims else None for name in ds.data_vars),
        align_arrays=False, adjust_chunks={"b": 1}, concatenate=True, dtype="i1", meta=np.empty((0, 0), "i1"),
    )  # fmt: skip


def _write_block(
    step: np.ndarray,
    rows: np.ndarray,
    *values: np.ndarray,
    names: tuple[str, ...],
    banded: tuple[int | None, ...],
    store: str,
    ledger: str,
) -> np.ndarray:
    """Write one time and band of all variables."""
    import zarr

    i, (band, start, stop) = int(step[0]), (int(x) for x in rows[0])
    group = zarr.open_group(store, mode="r+")
    for name, value, axis in zip(names, values, banded, strict=True):
        region = [slice(i, i + 1), *(slice(None) for _ in value.shape[1:])]
        if axis is not None:
            region[axis] = slice(start, stop)
        array: Any = group[name]
        array[tuple(region)] = value
    (Path(ledger) / f"{i}.{band}").touch()
    return np.ones((1, 1), "i1")


@contextmanager
def _reporting(progress: Progress | None, ledger: Path, ds: xr.Dataset) -> Iterator[None]:
    """Tell the caller what the ledger says, whichever scheduler does the work."""
    if progress is None:
        yield
        return
    finished, n = threading.Event(), ds.sizes["time"]

    def count() -> int:
        return sum(_is_done(ds, i, ledger) for i in range(n))

    def watch() -> None:
        while not finished.wait(0.5):
            progress(count(), n)

    progress(count(), n)
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        finished.set()
        watcher.join()
        progress(count(), n)
