"""Arrays of instruments that drift: one for each box of the sea, about which it wanders."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adaf_xr.osse.observing.noise import Key, uniform
from adaf_xr.sphere import wrap_longitude

POLEWARD = 60.0
"""Latitude to which arrays reach [degrees]."""


@dataclass(frozen=True)
class Boxes:
    """Boxes of equal degrees between `POLEWARD` south and north, numbered row by row.

    Attributes
    ----------
    height, width : float
        Of a box [degrees].
    rows, columns : int
        How many.
    """

    height: float
    width: float
    rows: int
    columns: int

    @property
    def count(self) -> int:
        """How many there are."""
        return self.rows * self.columns

    def places(
        self, key: Key, box: NDArray, days: NDArray, wander: float, periods: tuple[float, float]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where the instruments of boxes are at a time, (n,).

        Parameters
        ----------
        key : tuple
            Seed and purpose.
        box : array (n,)
            Numbers of boxes.
        days : array (n,) or float
            Time.
        wander : float
            Amplitude of the way about their places, in each direction [degrees].
        periods : tuple of float
            Shortest and longest period of that way [days].
        """
        row, column = np.divmod(box, self.columns)
        ways = []
        for number, direction in enumerate(("north", "east")):
            draw = [uniform((*key, direction, k), box) for k in range(5)]
            period = [periods[0] * (periods[1] / periods[0]) ** each for each in draw[1:3]]
            swing = [np.sin(2.0 * np.pi * (days / each + start)) for each, start in zip(period, draw[3:], strict=True)]
            home = ((row, column)[number] + draw[0]) * (self.height, self.width)[number]
            ways.append(home + 0.5 * wander * (swing[0] + swing[1]))
        return np.clip(ways[0] - POLEWARD, -89.0, 89.0), wrap_longitude(ways[1] - 180.0)


def drifting_array(spacing: float) -> tuple[NDArray[np.int64], Boxes]:
    """Numbers of all boxes of about `spacing` degrees, and the boxes.

    Examples
    --------
    >>> box, boxes = drifting_array(3.0)
    >>> box.size, boxes.rows, boxes.columns
    (4800, 40, 120)
    """
    rows, columns = (max(1, round(turn / spacing)) for turn in (2.0 * POLEWARD, 360.0))
    boxes = Boxes(2.0 * POLEWARD / rows, 360.0 / columns, rows, columns)
    return np.arange(boxes.count), boxes
