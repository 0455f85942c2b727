"""Where the sea is: a 0.25 degree mask of the globe, shipped with the package.

A cell is sea where a global product says so: the union of OISST (AVHRR_OI) and of the DUACS absolute dynamic
topography, less the freshwater lakes that OISST analyses too. The Caspian stays: it is salt, and background fields that
leave it out are not changed by a mask that has it.

The recipe is this module: ``python -m adaf_xr.ocean_mask FOLDER`` makes the file again, bit for bit, from a folder that
holds the products under ``sst/`` and ``ssh/``.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adaf_xr.sphere import wrap_longitude

SPACING = 0.25
SHAPE = (720, 1440)
FILE = Path(__file__).parent / "data" / "ocean_mask.npy"
"""Rows from south to north, columns from 180 degrees west, eight cells to a byte."""

PRODUCTS = (
    ("sst/*-NCEI-L4_GHRSST-SSTblend-AVHRR_OI-GLOB-*.nc", "analysed_sst", ("lat", "lon")),
    ("ssh/nrt_global_allsat_phy_l4_*.nc", "adt", ("latitude", "longitude")),
)
"""File pattern, variable and axes of the fields whose values mark the sea."""

LAKES = {
    "Superior, Michigan, Huron": (47.6, -87.6),
    "Erie, Saint Clair": (42.1, -81.4),
    "Ontario": (43.6, -77.6),
    "Ladoga": (60.9, 31.4),
}
"""A place (latitude, longitude) in each freshwater lake of the products."""

_ROUNDING = 1e-7
"""Degrees: a coordinate that rounding has moved off the edge between two cells must not change its side."""


def sea(latitude: ArrayLike, longitude: ArrayLike) -> NDArray[np.bool_]:
    """Whether the cells of a latitude-longitude grid are sea.

    Parameters
    ----------
    latitude, longitude : array (n_lat,), (n_lon,)
        Axes of any grid [degrees], in any order and longitude convention.

    Returns
    -------
    bool array (n_lat, n_lon)
        The mask at the cell each centre lies in; on an edge, the cell to the north or east.

    Raises
    ------
    ValueError
        Where a latitude is beyond a pole.

    Examples
    --------
    >>> sea([0.0, 23.0], [-140.0, 10.0]).tolist()
    [[True, False], [True, False]]
    """
    rows, columns = _row(latitude), _column(longitude)
    known = (rows >= 0)[:, None] & (columns >= 0)[None, :]
    return _mask()[rows[:, None], columns[None, :]] & known


def sea_at(latitude: ArrayLike, longitude: ArrayLike) -> NDArray[np.bool_]:
    """Whether points are at sea; a missing position is not.

    Parameters
    ----------
    latitude, longitude : array (...)
        Positions [degrees], in any longitude convention.

    Returns
    -------
    bool array (...)

    Raises
    ------
    ValueError
        Where a latitude is beyond a pole.

    Examples
    --------
    >>> sea_at([43.0, 23.0], [-325.0, 370.0]).tolist()  # the Black Sea, the Sahara
    [True, False]
    """
    rows, columns = _row(latitude), _column(longitude)
    return _mask()[rows, columns] & (rows >= 0) & (columns >= 0)


def _row(latitude: ArrayLike) -> NDArray[np.intp]:
    """Row of each latitude; -1 where it is missing."""
    lat = np.asarray(latitude, dtype="f8")
    if np.any(np.abs(lat) > 90.0 + _ROUNDING):
        raise ValueError(
            f"latitudes run from {np.nanmin(lat):g} to {np.nanmax(lat):g}, beyond a pole: "
            "give degrees north, latitude first and longitude second"
        )
    return _cell(lat + _ROUNDING + 90.0, SHAPE[0] - 1)


def _column(longitude: ArrayLike) -> NDArray[np.intp]:
    """Column of each longitude; -1 where it is missing."""
    return _cell(wrap_longitude(np.asarray(longitude, dtype="f8") + _ROUNDING) + 180.0, SHAPE[1] - 1)


def _cell(distance: NDArray, last: int) -> NDArray[np.intp]:
    """Number of the cell at a distance [degrees] from the first edge."""
    finite = np.isfinite(distance)
    cell = np.floor(np.where(finite, distance, 0.0) / SPACING)
    return np.where(finite, np.clip(cell, 0, last), -1).astype(np.intp)


@lru_cache(maxsize=1)
def _mask() -> NDArray[np.bool_]:
    """The shipped mask, read once; callers share it and cannot write to it."""
    mask = np.unpackbits(np.load(FILE)).astype(bool).reshape(SHAPE)
    mask.flags.writeable = False
    return mask


def from_products(folder: Path) -> NDArray[np.bool_]:
    """Make the mask from the sample fields.

    Parameters
    ----------
    folder : Path
        Holds the files of :data:`PRODUCTS`.

    Returns
    -------
    bool array (720, 1440)

    Raises
    ------
    FileNotFoundError
        Where a product has no file there.
    """
    import xarray as xr

    mask = np.zeros(SHAPE, bool)
    for pattern, variable, axes in PRODUCTS:
        files = sorted(folder.glob(pattern))
        if not files:
            raise FileNotFoundError(
                f"no file matches {pattern!r} in {folder}: name the folder that holds sst/ and ssh/"
            )
        for file in files:
            with xr.open_dataset(file) as ds:
                present = ds[variable].notnull().any("time").transpose(*axes)
                cells = np.ix_(_row(ds[axes[0]]), _column(ds[axes[1]]))
                mask[cells] |= present.values
    return _without_lakes(mask)


def _without_lakes(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Drop the bodies of water, joined by edges or corners, that hold a place of :data:`LAKES`."""
    from scipy.ndimage import label

    bodies, _ = label(mask, structure=np.ones((3, 3)))
    places = np.array(list(LAKES.values()))
    lakes = bodies[_row(places[:, 0]), _column(places[:, 1])]
    return mask & ~np.isin(bodies, lakes)


def write(folder: Path, file: Path = FILE) -> None:
    """Make the mask from the products in `folder` and write it, packed, to `file`."""
    np.save(file, np.packbits(from_products(folder)))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m adaf_xr.ocean_mask FOLDER, which holds the products under sst/ and ssh/")
    write(Path(sys.argv[1]))
