"""The vertical: where innovations below the surface are kept, how errors shrink with depth, what fades in below it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adaf_xr.models.adaf_ocean.channels import TOP, Channel
from adaf_xr.models.base import Background

DEEP: tuple[Channel, ...] = (Channel("insitu", "thetao", 0.1), Channel("insitu", "so", 0.02))
"""What is observed below the surface and used there. The errors are those of a profile that speaks for its cell."""

BELOW: tuple[str, ...] = ("thetao", "so", "uo", "vo")
"""What is analysed there, in the order of the weights."""

NODES: tuple[float, ...] = (25.0, 75.0, 150.0, 250.0, 400.0, 650.0, 1000.0, 1500.0)
"""Depths [m] between which an observation is shared, by how near they are."""

DEEPEST = 2500.0
"""Depth [m] below which no observation counts."""

HEAVE = 450.0
"""Metres by which the thermocline usually lies deeper where sea level is one metre higher: the unit of displacements.
Density over its contrast between upper and deep water is about that."""

FADING = 50.0
"""Depth [m] over which what the surface does not know of comes in, below `TOP`."""

MIXED, MOVING = 100.0, 1000.0
"""Depths [m] over which increments of the surface, of water and of currents, fade where the network says nothing."""

_FLOORS = ((0.3, 0.03, 80.0), (0.1, 0.003, 80.0), (0.05, 0.01, 500.0), (0.05, 0.01, 500.0))
"""Least error of a background at the surface, in the deep, and the depth [m] between: by variable of `BELOW`."""


CALIBRATED: tuple[float, ...] = (50.0, 200.0, 500.0, 1100.0)
"""Depths [m] at which standard errors have factors of their own; between them factors are linear in depth."""


def floors(z: float) -> tuple[float, ...]:
    """Least errors of a background at a depth [m], in the order of `BELOW`.

    Examples
    --------
    >>> [round(least, 3) for least in floors(0.0)], [round(least, 3) for least in floors(1000.0)]
    ([0.3, 0.1, 0.05, 0.05], [0.03, 0.003, 0.015, 0.015])
    """
    return tuple(deep + (top - deep) * float(np.exp(-z / over)) for top, deep, over in _FLOORS)


def fading(z: float, over: float = FADING) -> float:
    """Share of what is below the surface alone: 0 down to `TOP`, towards 1 in the deep.

    Examples
    --------
    >>> fading(TOP), round(fading(TOP + FADING), 3)
    (0.0, 0.632)
    """
    return -float(np.expm1(-max(z - TOP, 0.0) / over))


def shares(z: ArrayLike) -> NDArray[np.float64]:
    """Share of each node in a depth [m], (n_nodes, ...): 1 together, two neighbours at most, continuous in depth.

    Examples
    --------
    >>> shares([10.0, 50.0, 2000.0])[:2].tolist(), shares(2000.0)[-1].tolist()
    ([[1.0, 0.5, 0.0], [0.0, 0.5, 0.0]], 1.0)
    """
    return np.stack([np.interp(np.asarray(z, "f8"), NODES, one) for one in np.eye(len(NODES))])


def has_levels(background: Background, name: str) -> bool:
    """Whether a background has a variable, with levels."""
    return name in background.fields and background.fields[name].ndim == 3
