"""Sparse observations on disk: whole datasets, opened lazily but for their times, which tell what can be left out."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from adaf_xr.osse.splits import Period

ROWS = 2**16
"""Rows of a chunk on disk."""

TIME_UNITS = "nanoseconds since 2000-01-01"
"""Times come back to the last digit, so that what is stored equals what is made on demand."""


def write_observations(path: Path, ds: xr.Dataset) -> None:
    """Compute observations and write them."""
    rows = ds.drop_encoding().chunk({dim: min(ROWS, max(1, size)) for dim, size in ds.sizes.items()})
    encoding = {name: _encoding(variable) for name, variable in rows.variables.items()}
    with warnings.catch_warnings():
        # Neither consolidated metadata nor fixed-length text is in the specification of zarr 3 yet.
        warnings.filterwarnings("ignore", "Consolidated metadata")
        warnings.filterwarnings("ignore", ".*does not have a Zarr V3 specification")
        rows.to_zarr(path, mode="w", encoding=encoding, zarr_format=3, consolidated=True)


def _encoding(variable: xr.Variable) -> dict[str, Any]:
    """How a variable lies on disk."""
    from zarr.codecs import BloscCodec

    how: dict[str, Any] = {"compressors": [BloscCodec(cname="zstd", clevel=5, shuffle="bitshuffle")]}
    return {**how, "units": TIME_UNITS, "dtype": "i8"} if variable.dtype.kind == "M" else how


def open_observations(path: Path, span: Period | None = None) -> xr.Dataset:
    """Observations, lazily but for their times, within a half-open span of time."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*does not have a Zarr V3 specification")
        ds = xr.open_zarr(path, chunks={}, consolidated=True)
    times = {name: v for name, v in ds.variables.items() if v.dtype.kind == "M" and v.ndim == 1}
    ds = ds.assign_coords({name: (v.dims, v.values, v.attrs) for name, v in times.items() if name in ds.coords})
    if span is None or not times:
        return ds
    rows = _rows(times, span)
    return ds.isel({dim: kept for dim, kept in rows.items() if dim in ds.dims})


def _rows(times: dict[Any, xr.Variable], span: Period) -> dict[Any, slice | np.ndarray]:
    """Rows within a span along the dimension of the first time; a run of them as a slice, which keeps chunks whole."""
    ((dim,), time) = next((v.dims, v.values) for v in times.values())
    kept = np.flatnonzero((time >= span[0]) & (time < span[1]))
    if not kept.size:
        return {dim: slice(0, 0)}
    run = kept[-1] - kept[0] + 1 == kept.size
    return {dim: slice(int(kept[0]), int(kept[-1]) + 1) if run else kept}
