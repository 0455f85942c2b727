"""The lattices of the network's sources and targets, and the order of the cells of a window."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from adaf_xr.cell_means import Lattice
from adaf_xr.models.cnp.configuration import Configuration, Source


def lattice_of(source: Source, configuration: Configuration) -> Lattice:
    """The lattice of a gridded source.

    Cells as wide as the background's lie in the configuration's phase: with their centres on whole multiples ("node")
    or half a cell from them ("cell"). Finer cells fill the globe from the South Pole and Greenwich on.

    Examples
    --------
    >>> from adaf_xr.models.cnp.configuration import RELEASED
    >>> lattice_of(RELEASED.source("sate_sla"), RELEASED), lattice_of(RELEASED.source("sate_ssw"), RELEASED)
    (Lattice(spacing=1.0, south=-90.0, west=0.0), Lattice(spacing=0.25, south=-89.875, west=0.125))
    """
    coarse = source.spacing >= configuration.background.spacing
    return lattice_of_phase(source.spacing, configuration.phase if coarse else "cell")


def lattice_of_phase(spacing: float, phase: str) -> Lattice:
    """The lattice of a spacing with its centres on whole multiples ("node") or half a cell from them ("cell").

    Examples
    --------
    >>> lattice_of_phase(0.5, "cell")
    Lattice(spacing=0.5, south=-89.75, west=0.25)
    """
    offset = 0.0 if phase == "node" else 0.5 * spacing
    return Lattice(spacing, offset - 90.0, offset)


def finer(lattice: Lattice, configuration: Configuration) -> int:
    """How many cells of a lattice of targets lie side by side in one of the background's lattice.

    Raises
    ------
    ValueError
        Where that is no whole number.
    """
    spacing = configuration.background.spacing
    factor = round(spacing / lattice.spacing)
    if factor < 1 or abs(factor * lattice.spacing - spacing) > 1e-6 * spacing:
        raise ValueError(
            f"targets {lattice.spacing:g} degrees apart do not nest in the network's cells of {spacing:g} degrees: "
            f"take {spacing:g}, or {spacing:g} divided by a whole number"
        )
    return factor


def cells(lattice: Lattice, configuration: Configuration) -> tuple[int, int]:
    """Rows and columns of a window on a lattice of targets.

    Examples
    --------
    >>> from adaf_xr.models.cnp.configuration import RELEASED
    >>> cells(Lattice(0.25, -90.0, 0.0), RELEASED)
    (40, 80)
    """
    high, wide = (round(degrees / configuration.background.spacing) for degrees in configuration.window)
    factor = finer(lattice, configuration)
    return high * factor, wide * factor


def order(lattice: Lattice, configuration: Configuration) -> NDArray[np.int64]:
    """Row-major numbers of the cells of a window in the order of the targets.

    Row-major on the background's own lattice. On a finer one the cells that lie in one coarse cell follow one another,
    for each token serves a run of targets.

    Examples
    --------
    >>> from adaf_xr.models.cnp.configuration import THINNED
    >>> order(Lattice(0.5, -89.75, 0.25), THINNED)[:5].tolist()
    [0, 1, 40, 41, 2]
    """
    (n_lat, n_lon), k = cells(lattice, configuration), finer(lattice, configuration)
    numbers = np.arange(n_lat * n_lon).reshape(n_lat // k, k, n_lon // k, k)
    return numbers.transpose(0, 2, 1, 3).ravel()
