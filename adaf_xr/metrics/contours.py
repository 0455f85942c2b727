"""Where a score falls through a level: contour lines, without a plotting library."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

ALGORITHM = "mpl2014"
"""What matplotlib draws contours with unless told otherwise; which line comes first depends on it."""


def lines(x: ArrayLike, y: ArrayLike, z: ArrayLike, level: float) -> list[NDArray[np.float64]]:
    """Contour lines of one level, in the order in which ``matplotlib.pyplot.contour(x, y, z)`` has them.

    Parameters
    ----------
    x, y : array (n_x,), (n_y,)
        Axes, ascending or descending: the order of the lines follows it.
    z : array (n_y, n_x)
        Missing values are left out, corner by corner.
    level : float
        The level.

    Returns
    -------
    list of array (n, 2)
        Positions (x, y) along each line.

    Examples
    --------
    >>> z = [[0.0, 1.0, 2.0], [0.0, 1.0, 2.0]]
    >>> lines([0.0, 1.0, 2.0], [0.0, 1.0], z, 0.5)[0].tolist()
    [[0.5, 1.0], [0.5, 0.0]]
    """
    from contourpy import LineType, contour_generator

    columns, rows = np.meshgrid(np.asarray(x, "f8"), np.asarray(y, "f8"))
    values = np.ma.masked_invalid(np.asarray(z, "f8"))
    generator = contour_generator(
        columns, rows, values, name=ALGORITHM, corner_mask=True, line_type=LineType.SeparateCode
    )
    return [np.asarray(line) for line in generator.lines(level)[0]]
