"""All that the network sees at one analysis time, on the lattices of its sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from adaf_xr import grids
from adaf_xr.models.base import Background
from adaf_xr.models.cnp.configuration import Configuration
from adaf_xr.models.cnp.lattices import lattice_of


@dataclass(frozen=True)
class Day:
    """Values in physical units, NaN where missing.

    Attributes
    ----------
    grids : mapping of str to float32 array (channels, n_lat, n_lon)
        By key of the source, on the whole of its lattice (:func:`~adaf_xr.models.cnp.lattices.lattice_of`).
    insitu : float32 array (n, 5)
        Latitude, longitude [degrees], depth [m], potential temperature [degC] and salinity of points that have both,
        in the order of time, longitude, latitude and depth.
    """

    grids: Mapping[str, NDArray[np.float32]] = field(repr=False)
    insitu: NDArray[np.float32] = field(repr=False)


def background_grid(background: Background, configuration: Configuration, level: int = 0) -> NDArray[np.float32]:
    """The background of one level on the lattice of the network, its land filled with the means of its rows.

    A background on the lattice stays what it is; another is interpolated to it. What lies beside a regional one is
    filled like land, with the mean of what the row has, and rows south or north of it stay missing, as a row that is
    land all around does: a regional background should reach a window (10 x 20 degrees) beyond what is analysed.

    Parameters
    ----------
    background : Background
        Every channel of the configuration's background; fields without depth count at every level.
    configuration : Configuration
        Channels and lattice.
    level : int
        Number of the level of those that have depth.

    Returns
    -------
    float32 array (channels, n_lat, n_lon)

    Raises
    ------
    ValueError
        Where a channel is missing: the weights know channels by their place.

    Examples
    --------
    >>> from adaf_xr.models.cnp.configuration import THINNED
    >>> half = np.where(np.arange(360) < 180, 1.0, np.nan) * np.ones((180, 1))
    >>> first = dict.fromkeys(THINNED.background.channels, half)
    >>> background = Background(np.arange(-90.0, 90.0), np.arange(360.0), np.empty(0), first)
    >>> float(background_grid(background, THINNED).min())
    1.0
    """
    source = configuration.background
    if missing := [name for name in source.channels if name not in background.fields]:
        raise ValueError(
            f"the network reads {', '.join(source.channels)} of the background by their place, and it lacks "
            f"{', '.join(missing)} (it has {', '.join(background.fields)}): give a background with all of them, or "
            "train a network with fewer channels"
        )
    lattice = lattice_of(source, configuration)
    rows, columns = (np.arange(n) for n in lattice.shape)
    fields = [background.fields[name] for name in source.channels]
    values = grids.regrid(
        np.stack([values[level] if values.ndim == 3 else values for values in fields]),
        background.latitude,
        background.longitude,
        lattice.latitude(rows),
        lattice.longitude(columns),
    )
    present = np.isfinite(values)
    count = present.sum(axis=-1, keepdims=True)
    total = np.where(present, values, 0.0).sum(axis=-1, keepdims=True)
    mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return np.where(present, values, mean).astype("f4")
