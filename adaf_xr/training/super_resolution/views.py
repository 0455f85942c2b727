"""From a fine field to a training pair: what the network would see, and what cubic upsampling lacks."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from adaf_xr.grids import is_periodic, nest, nest_latitude
from adaf_xr.models.cubic import Cubic
from adaf_xr.models.super_resolution import FACTOR
from adaf_xr.models.super_resolution.features import Features
from adaf_xr.models.super_resolution.means import block_means
from adaf_xr.sphere import cell_area
from adaf_xr.training.super_resolution.options import Data

LEAST = 4
"""Coarse cells along both axes without which a field teaches nothing."""


@dataclass(frozen=True)
class View:
    """How a field is looked at.

    Attributes
    ----------
    row, column : int
        Fine cells by which the coarse grid is moved.
    halved : bool
        Whether the field is brought to half its resolution first, which makes it rougher for its grid.
    gain, scale : float
        Scales below `scale` [fine cells] are made 1 + `gain` times as strong.
    turned, flipped, angle : int, bool, float
        The field of so many fine columns to the west, in the other hemisphere if flipped, is laid over it: the cosine
        of the angle of the one and its sine of the other, at sea in both.
    """

    row: int = 0
    column: int = 0
    halved: bool = False
    gain: float = 0.0
    scale: float = 1.0
    turned: int = 0
    flipped: bool = False
    angle: float = 0.0

    @classmethod
    def drawn(cls, random: np.random.Generator, options: Data, columns: int, globe: bool) -> View:
        """One of those that the options allow; halves and foreign places only where there is a globe."""
        row, column = (int(cells) for cells in random.integers(0, FACTOR, 2))
        shares = options.halved, options.textured, options.foreign, options.mixed
        halved, textured, foreign, mixed = random.random(4) < shares
        gain, scale = float(random.uniform(-1.0, 1.0)), float(random.uniform(0.5, 1.2))
        turned, flipped = int(random.integers(columns // 6, columns - columns // 6)), bool(random.random() < 0.5)
        angle = float(random.uniform(0.0, np.pi)) if mixed and globe else 0.0
        turned *= bool((foreign or mixed) and globe)
        return cls(row, column, bool(halved and globe), gain * bool(textured), scale, turned, flipped, angle)

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def pair_of(
    truth: NDArray[np.float64], latitude: NDArray[np.float64], longitude: NDArray[np.float64], view: View
) -> dict[str, NDArray[Any]] | None:
    """A training pair from a fine field, NaN on land; None where nothing can be learned.

    Returns
    -------
    dict
        On the coarse grid `pattern` and `amplitude` (of `Features`), `present`, `area` (the mean of all is one) and
        `longitude` of the columns from -180; on the fine grid `sea` and `residual`, truth less mean-keeping cubic
        upsampling in units of the features; `spread`, the root mean square of the residual at sea.
    """
    truth = _textured(_overlaid(truth, view), view, is_periodic(longitude))
    if view.halved:
        truth, latitude, longitude = averaged(truth, latitude, longitude, 2)
    if is_periodic(longitude):
        truth = np.roll(truth, -view.column, axis=1)
        longitude = longitude + view.column * (longitude[1] - longitude[0])
    else:
        truth, longitude = truth[:, view.column :], longitude[view.column :]
    truth, latitude = truth[view.row :], latitude[view.row :]
    if min(truth.shape) < LEAST * FACTOR:
        return None
    rows, columns = (size // FACTOR * FACTOR for size in truth.shape)
    truth, latitude, longitude = truth[:rows, :columns], latitude[:rows], longitude[:columns]
    coarse, lat, lon = averaged(truth, latitude, longitude, FACTOR)
    features = Features.of(coarse, is_periodic(lon))
    if features is None:
        return None
    sea = np.isfinite(truth)
    residual = np.where(sea, truth - Cubic().upsample(coarse, lat, lon, FACTOR, True, sea), 0.0) / features.unit
    area = cell_area(nest_latitude(lat, FACTOR), nest(lon, FACTOR)) * sea
    spread = np.sqrt((area * residual**2).sum() / area.sum())
    if not spread:
        return None
    return {
        "pattern": features.pattern,
        "amplitude": features.amplitude,
        "present": np.isfinite(coarse),
        "area": (np.cos(np.deg2rad(lat)) / np.cos(np.deg2rad(lat)).mean()).astype("f4"),
        "longitude": ((lon + 180.0) % 360.0 - 180.0).astype("f4"),
        "sea": sea,
        "residual": residual.astype("f2"),
        "spread": np.array([spread], "f4"),
    }


def _overlaid(truth: NDArray[np.float64], view: View) -> NDArray[np.float64]:
    """With the field of another place, or its land alone, over it."""
    if not view.turned:
        return truth
    other = np.roll(truth, view.turned, axis=1)
    other = other[::-1] if view.flipped else other
    return np.where(np.isnan(other), np.nan, np.cos(view.angle) * truth + np.sin(view.angle) * other)


def _textured(truth: NDArray[np.float64], view: View, periodic: bool) -> NDArray[np.float64]:
    """With its smallest scales weaker or stronger."""
    if not view.gain:
        return truth
    from scipy.ndimage import gaussian_filter

    sea = np.isfinite(truth)
    mode = ("nearest", "wrap" if periodic else "nearest")
    share = gaussian_filter(sea.astype("f8"), view.scale, mode=mode)
    smooth = gaussian_filter(np.where(sea, truth, 0.0), view.scale, mode=mode) / np.maximum(share, 1e-6)
    return np.where(sea, truth + view.gain * (truth - smooth), np.nan)


def averaged(
    fine: NDArray[np.float64], latitude: NDArray[np.float64], longitude: NDArray[np.float64], factor: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Means over the sea of blocks of `factor` x `factor` cells, and their axes; whole blocks only.

    Examples
    --------
    >>> fine = np.arange(16.0).reshape(4, 4)
    >>> averaged(fine, np.arange(4) - 1.5, np.arange(0.5, 4), 2)[0].round(2).tolist()
    [[2.5, 4.5], [10.5, 12.5]]
    """
    rows, columns = (size // factor * factor for size in fine.shape)
    fine, latitude, longitude = fine[:rows, :columns], latitude[:rows], longitude[:columns]
    lat, lon = (axis.reshape(-1, factor).mean(axis=1) for axis in (latitude, longitude))
    sea = np.isfinite(fine)
    weight = cell_area(nest_latitude(lat, factor), nest(lon, factor)) * sea
    held, total = (torch.from_numpy(array)[None, None] for array in (np.where(sea, fine, 0.0), weight))
    means = block_means(held, total, factor)[0, 0].numpy()
    wet = sea.reshape(lat.size, factor, lon.size, factor).any(axis=(1, 3))
    return np.where(wet, means, np.nan), lat, lon
