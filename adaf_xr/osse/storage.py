"""Days of fields in zarr, written block by block as they come and packed into 16 bits.

A block is one chunk along time, so a block is on disk as a whole or not at all; whoever writes keeps count of them.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr

from adaf_xr.osse.labels import joined

QUANTUM: dict[str, tuple[float, float]] = {
    "zos": (2e-4, 0.0),
    "thetao": (1e-3, 15.0),
    "so": (1e-3, 20.0),
    "uo": (2e-4, 0.0),
    "vo": (2e-4, 0.0),
    "heave": (5e-2, 0.0),
    "uas": (2e-3, 0.0),
    "vas": (2e-3, 0.0),
    "siconc": (5e-5, 0.0),
}
"""Step and offset of packed values, in the unit of each variable; what is lost is at most half a step.

Steps are a hundredth of what instruments see, and fine enough that derivatives do not see them either: currents in
steps of 0.2 mm/s give a divergence on 5 km cells that is wrong by 1e-8 s-1, where the sea's is 1e-6."""

FILL = -32768
LARGEST = 32767

TARGET = 2**20
"""Bytes of a chunk before compression, about: days are grouped to reach it, up to `LONGEST` of them."""
LONGEST = 16


class PackingError(ValueError):
    """A value that 16 bits with the step of its variable cannot hold."""


def days_a_block(cells: int) -> int:
    """How many days make a chunk of maps of that many cells.

    Examples
    --------
    >>> days_a_block(140 * 140), days_a_block(720 * 1440)
    (16, 1)
    """
    return int(np.clip(TARGET // (2 * cells), 1, LONGEST))


def blocks_of(snapshots: Iterable[xr.Dataset], days: int) -> Iterator[xr.Dataset]:
    """Snapshots of one time each, joined to blocks of several; the last may be shorter."""
    held: list[xr.Dataset] = []
    for snapshot in snapshots:
        held.append(snapshot)
        if len(held) == days:
            yield joined(held)
            held = []
    if held:
        yield joined(held)


def create(path: Path, first: xr.Dataset, time: np.ndarray, days: int) -> None:
    """A store of missing values for all times, like the blocks that will come; another store there is replaced.

    Parameters
    ----------
    path : Path
        Folder of the store.
    first : Dataset
        A block: its variables, axes other than time, and attributes. What has no time is written with its values.
    time : array of datetime64
        All times.
    days : int
        Length of blocks.
    """
    timed = [str(name) for name, field in first.data_vars.items() if "time" in field.dims]
    shape = {str(name): (time.size, *first[name].isel(time=0).shape) for name in timed}
    empty = {
        name: (first[name].dims, da.full(shape[name], np.nan, dtype="f4", chunks=(days, -1, -1)), first[name].attrs)
        for name in timed
    }
    fixed = first.drop_vars([*timed, "time"]).load()
    whole = fixed.assign(empty).assign_coords(time=("time", time, first.time.attrs)).drop_encoding()
    encoding: dict[str, Any] = {name: _encoding(str(name), (days, *shape[name][1:])) for name in timed}
    encoding |= {str(name): {"chunks": field.shape} for name, field in fixed.data_vars.items()}
    encoding["time"] = {"units": f"days since {str(time[0])[:10]}", "dtype": "i8", "chunks": (time.size,)}
    with warnings.catch_warnings():
        # It is outside the specification of zarr 3 still, but without it every plain open_zarr warns.
        warnings.filterwarnings("ignore", "Consolidated metadata")
        whole.to_zarr(path, mode="w", compute=False, encoding=encoding, zarr_format=3, consolidated=True)


def _encoding(name: str, chunks: tuple[int, ...]) -> dict[str, Any]:
    """How a variable lies on disk; one without a quantum keeps its 32 bits."""
    from zarr.codecs import BloscCodec

    codec = BloscCodec(cname="zstd", clevel=5, shuffle="bitshuffle")
    how: dict[str, Any] = {"chunks": chunks, "compressors": [codec]}
    if name not in QUANTUM:
        return {**how, "dtype": "f4"}
    step, offset = QUANTUM[name]
    return {**how, "dtype": "i2", "scale_factor": step, "add_offset": offset, "_FillValue": FILL}


def write(path: Path, block: xr.Dataset, start: int) -> None:
    """Write a block whose first time is number `start` of the store.

    Raises
    ------
    PackingError
        Where a value is beyond what its 16 bits can hold.
    """
    timed = block[[name for name, field in block.data_vars.items() if "time" in field.dims]].load()
    for name, field in timed.data_vars.items():
        if name in QUANTUM:
            _require_fits(str(name), field)
    region = {"time": slice(start, start + timed.sizes["time"])}
    inner = timed.drop_vars([name for name, c in timed.coords.items() if "time" not in c.dims]).drop_encoding()
    inner.drop_vars("time").to_zarr(path, region=region, zarr_format=3, consolidated=False)


def _require_fits(name: str, field: xr.DataArray) -> None:
    """Integers that overflow would wrap around without a word."""
    step, offset = QUANTUM[name]
    reach = float(np.abs(field.fillna(offset) - offset).max())
    if reach > LARGEST * step:
        raise PackingError(
            f"{name} lies up to {reach:g} {field.attrs.get('units', '')} from {offset:g}, and 16 bits in steps "
            f"of {step:g} reach {LARGEST * step:g}: the simulated sea has left what a sea can be"
        )


def same(one: xr.Dataset, other: xr.Dataset) -> bool:
    """Whether two blocks agree to the precision they are stored with."""
    return all(
        np.allclose(field, other[name], rtol=1e-5, atol=QUANTUM.get(str(name), (1e-5, 0.0))[0], equal_nan=True)
        for name, field in one.data_vars.items()
    )


def open_lazily(path: Path) -> xr.Dataset:
    """A store on dask arrays of 32 bit floats, a dask chunk for every chunk on disk."""
    ds = xr.open_zarr(path, chunks={}, consolidated=True)
    return ds.astype("f4", keep_attrs=True)


def consolidate(path: Path) -> None:
    """Gather metadata again after attributes were changed."""
    import zarr

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Consolidated metadata")
        zarr.consolidate_metadata(str(path))


def size_of(path: Path) -> int:
    """Bytes of a folder.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a").write_bytes(bytes(10))
    ...     size_of(Path(folder))
    10
    """
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
