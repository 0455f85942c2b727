"""Temperature without gaps, for networks that were trained on it so: from the days around, then from the sea around."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from adaf_xr.models.extrapolation import Extrapolation


def without_gaps(fields: NDArray, periodic: bool) -> NDArray[np.float64]:
    """Fields of consecutive days whose missing cells are filled.

    A cell that is missing on a day is linear in time between the days next to it that have it; beyond the first and the
    last of these it is theirs. A cell that no day has goes on from those around it.

    Parameters
    ----------
    fields : array (days, rows, columns)
        NaN in gaps; at least one value.
    periodic : bool
        Whether the last column is beside the first.

    Examples
    --------
    >>> two_cells = np.array([[[1.0, np.nan]], [[np.nan, np.nan]], [[3.0, np.nan]], [[np.nan, np.nan]]])
    >>> without_gaps(two_cells, periodic=False)[:, 0].tolist()
    [[1.0, 1.0], [2.0, 2.0], [3.0, 3.0], [3.0, 3.0]]
    """
    there, number = np.isfinite(fields), len(fields)
    day = np.arange(number)[:, None, None]
    before = np.maximum.accumulate(np.where(there, day, -1))
    after = np.minimum.accumulate(np.where(there, day, number)[::-1])[::-1]
    before, after = np.where(before < 0, after, before), np.where(after == number, before, after)
    low, high = (np.take_along_axis(fields, np.clip(at, 0, number - 1), 0) for at in (before, after))
    share = (day - before) / np.maximum(after - before, 1)
    return Extrapolation(there.any(axis=0), periodic)(low + share * (high - low))
