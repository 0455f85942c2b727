"""What the network knows of a position: five features without a seam at any meridian."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

COUNT = 5
"""Features of a position."""


def features(latitude: ArrayLike, longitude: ArrayLike, depth: ArrayLike, max_depth: float) -> NDArray[np.float32]:
    """Sine and cosine of latitude and of longitude, and depth scaled to -1 at the surface and 1 at `max_depth`.

    Parameters
    ----------
    latitude, longitude : array_like
        Degrees; the three broadcast against each other.
    depth : array_like
        Metres, positive down.
    max_depth : float
        Metres.

    Returns
    -------
    float32 array (..., 5)

    Examples
    --------
    >>> features(90.0, 180.0, 20.0, 20.0).round(6).tolist()
    [1.0, 0.0, 0.0, -1.0, 1.0]
    """
    phi, lam = np.radians(latitude), np.radians(longitude)
    parts = (np.sin(phi), np.cos(phi), np.sin(lam), np.cos(lam), 2.0 * np.asarray(depth) / max_depth - 1.0)
    result = np.empty((*np.broadcast_shapes(*(np.shape(part) for part in parts)), COUNT), "f4")
    for number, part in enumerate(parts):
        result[..., number] = part
    return result
