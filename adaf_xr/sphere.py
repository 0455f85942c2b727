"""Geometry of the sphere: unit vectors, distances, areas, longitudes.

NumPy arrays in, NumPy arrays out; this floor knows no labels. Angles are degrees, lengths kilometres.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

RADIUS = 6371.0
"""Mean Earth radius [km]."""


def wrap_longitude(longitude: ArrayLike, start: float = -180.0) -> NDArray:
    """Longitude in ``[start, start + 360)``.

    Examples
    --------
    >>> wrap_longitude([190.0, -180.0, 180.0]).tolist()
    [-170.0, -180.0, -180.0]
    """
    wrapped = np.mod(np.asarray(longitude) - start, 360.0) + start
    # A longitude a rounding error below `start` comes back as start + 360, which is outside the half-open range.
    return np.where(wrapped >= start + 360.0, start, wrapped)


def unit_vectors(latitude: ArrayLike, longitude: ArrayLike) -> NDArray[np.float64]:
    """Points on the unit sphere, shape (..., 3).

    Examples
    --------
    >>> unit_vectors(90.0, 0.0).round(12).tolist()
    [0.0, 0.0, 1.0]
    """
    phi, lam = np.broadcast_arrays(np.radians(latitude), np.radians(longitude))
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1)


def chord(distance: ArrayLike) -> NDArray[np.float64]:
    """Straight-line distance on the unit sphere of points a great-circle `distance` [km] apart.

    Kd-trees measure chords; this translates a radius for them.

    Examples
    --------
    >>> float(chord(np.pi * RADIUS))
    2.0
    """
    return 2.0 * np.sin(np.asarray(distance) / (2.0 * RADIUS))


def great_circle(latitude1: ArrayLike, longitude1: ArrayLike, latitude2: ArrayLike, longitude2: ArrayLike) -> NDArray:
    """Great-circle distance [km], by the haversine formula (accurate for close points).

    Examples
    --------
    >>> float(great_circle(0.0, 179.5, 0.0, -179.5).round(2))
    111.19
    """
    phi1, phi2 = np.radians(latitude1), np.radians(latitude2)
    half_dphi = (phi2 - phi1) / 2.0
    half_dlam = np.radians(np.asarray(longitude2) - np.asarray(longitude1)) / 2.0
    h = np.sin(half_dphi) ** 2 + np.cos(phi1) * np.cos(phi2) * np.sin(half_dlam) ** 2
    return 2.0 * RADIUS * np.arcsin(np.sqrt(np.clip(h, 0.0, 1.0)))


def cell_edges(centres: ArrayLike, limit: float | None = None) -> NDArray[np.float64]:
    """Edges of cells, half-way between centres; the outer cells are symmetric, cut at ``±limit`` where one is given.

    Examples
    --------
    >>> cell_edges([-89.5, -88.5, -87.5], limit=90.0).tolist()
    [-90.0, -89.0, -88.0, -87.0]
    """
    c = np.asarray(centres, dtype="f8")
    if c.size == 1:
        raise ValueError("the edges of a single cell are unknown: give at least two centres")
    inner = 0.5 * (c[:-1] + c[1:])
    edges = np.concatenate([[2 * c[0] - inner[0]], inner, [2 * c[-1] - inner[-1]]])
    return edges if limit is None else np.clip(edges, -limit, limit)


def cell_area(latitude: ArrayLike, longitude: ArrayLike) -> NDArray[np.float64]:
    """Exact area [km2] of the cells of a latitude-longitude grid, shape (n_lat, n_lon).

    Examples
    --------
    >>> area = cell_area(np.arange(-89.5, 90), np.arange(-179.5, 180))
    >>> float(round(area.sum() / (4 * np.pi * RADIUS**2), 12))
    1.0
    """
    band = np.abs(np.diff(np.sin(np.radians(cell_edges(latitude, limit=90.0)))))
    width = np.abs(np.diff(np.radians(cell_edges(longitude))))
    return RADIUS**2 * band[:, None] * width[None, :]
