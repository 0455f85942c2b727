"""A grid cut into overlapping tiles, whose answers are blended by weights that add up to 1 everywhere.

Tiles lie where they lie whatever part of the grid is wanted, and begin at multiples of the cells that the network takes
means of, so that these means are over the same cells in every tile and in the whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

OVERLAP = 4
"""Neighbouring tiles share at least one in so many of their cells."""

RIM = 4
"""One in so many of these, at the edge of a tile where it knows least of what is around, has next to no weight."""

LEAST = 1e-6
"""What next to none is, in units of the weight in the middle."""


@dataclass(frozen=True)
class Cuts:
    """An axis cut into tiles.

    Attributes
    ----------
    size : int
        Cells of the axis.
    tile : int
        Cells of each tile.
    starts : tuple of int
        First cell of each tile, ascending.
    periodic : bool
        Whether the last cell is beside the first, and tiles go on across.

    Examples
    --------
    >>> cuts = Cuts.of(20, 12, 4)
    >>> cuts.starts, cuts.weights(0)[8:].round(3).tolist(), cuts.weights(1)[:4].round(3).tolist()
    ((0, 8), [0.857, 0.625, 0.375, 0.143], [0.143, 0.375, 0.625, 0.857])
    """

    size: int
    tile: int
    starts: tuple[int, ...]
    periodic: bool = False

    @classmethod
    def of(cls, size: int, tile: int, multiple: int, periodic: bool = False) -> Self:
        """Cut an axis.

        Parameters
        ----------
        size : int
            Cells of the axis; a multiple of `multiple` unless it is periodic.
        tile : int
            Cells of a tile; rounded down to a multiple, and at least one. An axis that is longer by no more than what
            two tiles share is a single one: two would be nearly the same.
        multiple : int
            Of what tiles begin at and are as long as.
        periodic : bool
            Whether the axis goes around the globe.
        """
        if size <= tile + tile // OVERLAP and not (periodic and size > tile):
            return cls(size, size, (0,))
        tile = max(multiple, tile // multiple * multiple)
        step = max(multiple, (tile - tile // OVERLAP) // multiple * multiple)
        number = 1 + -(-(size if periodic else size - tile) // step)
        firsts = np.linspace(0, size, number, endpoint=False) if periodic else np.linspace(0, size - tile, number)
        # Where a turn is no multiple there is a seam in these means anyway.
        whole = 1 if size % multiple else multiple
        return cls(size, tile, tuple(int(first) // whole * whole for first in firsts), periodic)

    def cells(self, number: int) -> NDArray[np.intp]:
        """Cells of a tile, (tile,)."""
        return (self.starts[number] + np.arange(self.tile)) % self.size

    def weights(self, number: int) -> NDArray[np.float64]:
        """Weights of the cells of a tile, (tile,): those of all tiles at a cell add up to 1."""
        return self._tapers[number] / self._sums[self.cells(number)]

    @cached_property
    def _tapers(self) -> NDArray[np.float64]:
        """For each tile, 1 in its middle and falling towards edges that it shares with others, (tiles, tile)."""
        shared = self.tile // OVERLAP
        rim = shared // RIM
        place = np.arange(self.tile) + 0.5 - rim
        rise = np.clip(place / max(shared - 2 * rim, 1), LEAST, 1.0)
        tapers = np.tile(rise * rise[::-1], (len(self.starts), 1))
        if not self.periodic:
            tapers[0] /= rise
            tapers[-1] /= rise[::-1]
        return tapers

    @cached_property
    def _sums(self) -> NDArray[np.float64]:
        """Of all tapers at each cell of the axis."""
        sums = np.zeros(self.size)
        for number, taper in enumerate(self._tapers):
            np.add.at(sums, self.cells(number), taper)
        return sums
