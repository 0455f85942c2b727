"""What was observed in a window, from the shards of its days, as the network's own sums would hold it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from adaf_xr.instants import DAY
from adaf_xr.models.adaf_ocean.channels import BINS, CHANNELS, DAYS, Channel
from adaf_xr.models.adaf_ocean.frame import COLUMNS, REFINEMENT, Frame
from adaf_xr.models.adaf_ocean.sums import PLACE, Sums
from adaf_xr.models.keyed_sums import reduced
from adaf_xr.training.adaf_ocean.preparing import CELL, OBSERVED, TERMS
from adaf_xr.training.shards import Shards


@dataclass(frozen=True)
class Kept:
    """Which of the observations a sample has.

    Attributes
    ----------
    places : collection of int
        Channels, by their place among `CHANNELS`.
    share : float
        Of the cells of a day.
    """

    places: Collection[int] = range(len(CHANNELS))
    share: float = 1.0


def window(shards: Shards, time: np.datetime64, frame: Frame, kept: Kept, rng: np.random.Generator) -> Sums:
    """Sums of the observations of the days around an analysis time, on a part of the globe.

    Parameters
    ----------
    shards : Shards
        With the split of calendar days; a day that it lacks was not observed.
    time : datetime64
        The analysis time.
    frame : Frame
        What lies outside is left out.
    kept : Kept
        What the sample has of them.
    rng : Generator
        Draws the cells that are kept.
    """
    known = {shards.time(OBSERVED, index): index for index in range(shards.count(OBSERVED))}
    wanted = [known.get(time + offset * DAY) for offset in range(-DAYS, DAYS)]
    days = [None if index is None else shards.read(OBSERVED, index) for index in wanted]
    parts = [(np.empty(0, "i8"), np.empty((0, 4)))]
    # Channel by channel and bin by bin: the keys are nearly in order, which makes sorting them cheap.
    for place, day in product(sorted(kept.places), range(2 * DAYS)):
        if (arrays := days[day]) is not None:
            cell, terms = _inside(arrays[f"{place}/{CELL}"], arrays[f"{place}/{TERMS}"], CHANNELS[place], frame)
            if kept.share < 1.0:
                chosen = rng.random(cell.size) < kept.share
                cell, terms = cell[chosen], terms[chosen]
            parts.append((cell + np.int64((place * BINS + day * BINS // (2 * DAYS)) * PLACE), terms))
    key, terms = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Sums(*reduced(key, terms), time)


def _inside(cell: NDArray, terms: NDArray, channel: Channel, frame: Frame) -> tuple[NDArray, NDArray]:
    """The cells of a channel (n,), which ascend, and the terms (n, 4) of those that lie on a frame."""
    refinement = REFINEMENT if channel.fine else 1
    turn = COLUMNS * refinement
    rows = slice(*np.searchsorted(cell, np.array([frame.south, frame.south + frame.rows]) * refinement * turn))
    cell, terms = cell[rows], terms[rows]
    if frame.wraps:
        return cell, terms
    columns = np.flatnonzero((cell - frame.west * refinement) % turn < frame.columns * refinement)
    return cell[columns], terms[columns]


def of_map(sums: Sums, place: int, fine: NDArray[np.float32], noise: float, rng: np.random.Generator) -> Sums:
    """What the observations of a channel would have been of another sea, which stands still, with errors of their own.

    Parameters
    ----------
    sums : Sums
        Where and how often was observed.
    place : int
        The channel, of fine cells; the others are left out.
    fine : array (736, 1440)
        The sea on the fine cells of the globe, NaN on land.
    noise : float
        Standard deviation of the error of an observation.
    rng : Generator
        Draws the errors.
    """
    rows = slice(*np.searchsorted(sums.key, [place * BINS * PLACE, (place + 1) * BINS * PLACE]))
    key, terms = sums.key[rows], sums.sums[rows].copy()
    n_columns = fine.shape[1]
    row, column = np.divmod(key % PLACE, n_columns)
    eastward = 0.5 * (fine[row, (column + 1) % n_columns] - fine[row, column - 1])
    northward = 0.5 * (fine[np.minimum(row + 1, len(fine) - 1), column] - fine[np.maximum(row - 1, 0), column])
    seen = terms[:, 0] * fine[row, column] + terms[:, 2] * eastward + terms[:, 3] * northward
    # Observations of a cell are those of one pass, a weight of 1 each; their errors are independent.
    terms[:, 1] = seen + noise * np.sqrt(terms[:, 0]) * rng.standard_normal(key.size)
    terms *= (CHANNELS[place].error / noise) ** 2
    good = np.isfinite(terms[:, 1])
    return Sums(key[good], terms[good], sums.time)
