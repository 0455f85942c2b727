"""How maps are stored: compressed a little, and whole, for whoever reads a day reads its maps whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import xarray as xr

MAP = (1024, 2048)
"""Largest piece of a map that is compressed as one [rows, columns]."""


def pieces(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Shape of the chunks of an array whose last two dimensions are a map.

    Examples
    --------
    >>> pieces((23, 181, 360)), pieces((1, 4320, 8640))
    ((1, 181, 360), (1, 1024, 2048))
    """
    return (*(1 for _ in shape[:-2]), *map(min, shape[-2:], MAP))


def write_netcdf(ds: xr.Dataset, path: Path, **how: Any) -> None:
    """A file of maps; what else is given is the encoding of all its variables."""
    packed = {"zlib": True, "complevel": 1, "shuffle": True, **how}
    encoding = {str(name): {**packed, "chunksizes": pieces(da.shape)} for name, da in ds.data_vars.items()}
    ds.to_netcdf(path, engine="h5netcdf", encoding=encoding)
