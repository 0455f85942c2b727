"""Scores of probabilities at one place and time: NumPy arrays in, NumPy arrays out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Array = NDArray[np.float64]


def gaussian_crps(mean: Array, truth: Array, spread: Array) -> Array:
    r"""Continuous ranked probability score of a normal distribution; of one without spread, the absolute error.

    .. math:: s \left( z (2 \Phi(z) - 1) + 2 \varphi(z) - \pi^{-1/2} \right), \quad z = (y - m) / s

    Parameters
    ----------
    mean, truth, spread : array
        m, y and s, of one shape; where s is negative the score is missing.

    References
    ----------
    Gneiting, T., et al. (2005). Calibrated probabilistic forecasting using ensemble model output statistics and minimum
    CRPS estimation. Monthly Weather Review 133, 1098-1118, eq. 5.

    Examples
    --------
    >>> gaussian_crps(np.zeros(2), np.array([0.0, 3.0]), np.array([1.0, 0.0])).round(4).tolist()
    [0.2337, 3.0]
    """
    error = truth - mean
    certain = checked(spread) <= 0.0
    z = error / np.where(certain, 1.0, spread)
    density = np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)
    score = spread * (z * (2.0 * ndtr(z) - 1.0) + 2.0 * density - 1.0 / np.sqrt(np.pi))
    return np.where(certain, np.abs(error), score)


def ensemble_crps(members: Array, truth: Array, *, fair: bool) -> Array:
    r"""Continuous ranked probability score of an ensemble, its members along the last axis.

    .. math:: \frac1M \sum_i |x_i - y| - \frac{1}{2 M (M - f)} \sum_{ij} |x_i - x_j|

    with f = 1 for the fair score, whose expectation does not depend on the number of members, and f = 0 for the score
    of the ensemble as the distribution that it is.

    References
    ----------
    Ferro, C. A. T. (2014). Fair scores for ensemble forecasts. Q. J. R. Meteorol. Soc. 140, 1917-1923.

    Examples
    --------
    >>> float(ensemble_crps(np.array([0.0, 2.0]), np.array(1.0), fair=True))
    0.0
    """
    count = members.shape[-1]
    ordered = np.sort(members.astype("f8"), axis=-1)
    distance = np.abs(ordered - truth[..., None]).mean(axis=-1)
    # Of sorted members, sum_ij |x_i - x_j| = 2 sum_i (2 i - M + 1) x_i, i from 0.
    rank = 2.0 * np.arange(count) - count + 1.0
    return distance - (ordered * rank).sum(axis=-1) / (count * (count - fair))


def within(share: float) -> Callable[[Array, Array, Array], Array]:
    """A test of whether the truth lies in the central interval of a normal distribution that holds this share of it.

    Examples
    --------
    >>> within(0.9)(np.zeros(2), np.array([1.6, 1.7]), np.ones(2)).tolist()
    [1.0, 0.0]
    """
    half_width = float(ndtri(0.5 + 0.5 * share))
    return lambda mean, truth, spread: (np.abs(truth - mean) <= half_width * checked(spread)).astype("f8")


def checked(spread: Array) -> Array:
    """A standard deviation, which is not negative; missing ones are left as they are.

    Raises
    ------
    ValueError
        Where one is.
    """
    if (spread < 0.0).any():
        raise ValueError("some standard deviations are negative: is it an anomaly or the logarithm of one?")
    return spread
