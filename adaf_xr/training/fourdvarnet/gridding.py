"""Observations of a day on a grid: means over cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from adaf_xr.cf.canonical import CODES
from adaf_xr.points import Points
from adaf_xr.sphere import cell_edges, wrap_longitude


def cell_means_of(
    points: Points, variable: str, latitude: NDArray[np.floating], longitude: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Mean of the points in each cell, NaN where there is none.

    Parameters
    ----------
    points : Points
        Of any variables, anywhere.
    variable : str
        Which one.
    latitude, longitude : array (n_lat,), (n_lon,)
        Centres of the cells [degrees], from south to north and from west to east, in any convention.

    Returns
    -------
    float32 array (n_lat, n_lon)

    Examples
    --------
    >>> where = {"longitude": np.full(2, 359.1), "latitude": np.array([0.1, 0.3]), "depth": np.zeros(2)}
    >>> day = {"time": np.full(2, np.datetime64("2020-01-01", "ns"))}
    >>> points = Points.from_columns({**where, **day, "zos": np.array([1.0, 2.0])}, "ssh")
    >>> cell_means_of(points, "zos", np.array([0.0, 1.0]), np.array([-1.0, 0.0])).tolist()
    [[1.5, nan], [nan, nan]]
    """
    points = points.where(points.variable == CODES[variable])
    shape, place = (len(latitude), len(longitude)), []
    columns = cell_edges(np.unwrap(longitude, period=360.0))
    for edges, at in (
        (cell_edges(latitude, limit=90.0), points.latitude),
        (columns, wrap_longitude(points.longitude, columns[0])),
    ):
        place.append(np.searchsorted(edges, at, side="right") - 1)
    inside = (place[0] >= 0) & (place[0] < shape[0]) & (place[1] >= 0) & (place[1] < shape[1])
    cell = (place[0] * shape[1] + place[1])[inside]
    number = np.bincount(cell, minlength=shape[0] * shape[1])
    total = np.bincount(cell, points.value[inside], shape[0] * shape[1])
    with np.errstate(invalid="ignore"):
        return (total / number).reshape(shape).astype("f4")
