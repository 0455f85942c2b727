"""Many small Gaussian interpolations at once: each group of targets from its own few observations.

One elimination serves the whole group, and the groups lie along the fastest axis of every array, so that each
operation of the elimination runs over hundreds of groups. Covariances are made column by column as they are needed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def interpolate(
    sites: NDArray, value: NDArray, noise: NDArray, present: NDArray, targets: NDArray
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variance of a unit-variance Gaussian field with correlation exp(-distance^2 / 2).

    The targets are appended as rows below the observations' covariance matrix, and the values below them. Elimination
    of the observations (a Cholesky factorisation that runs on through the extra rows) leaves ``y`` in a target's row
    and ``z`` in the last, with mean = y . z and variance = 1 - y . y.

    Parameters
    ----------
    sites : array (n_axes, k, n_groups)
        Coordinates of the observations in correlation lengths, best from an origin near the group: products of
        coordinates enter, and rounding grows with them.
    value, noise : array (k, n_groups)
        Observed value and error variance, in units of the field's standard deviation and variance.
    present : bool array (k, n_groups)
        Where there is an observation at all.
    targets : array (n_axes, m, n_groups)
        Coordinates where the field is wanted.

    Returns
    -------
    array (m, n_groups), twice
        Mean and variance; 0 and 1 for a group without observations.

    Examples
    --------
    One observation of the value 2 with error variance 1, at the target: half of it is believed.

    >>> one = np.ones((1, 1))
    >>> mean, variance = interpolate(np.zeros((2, 1, 1)), 2 * one, one, one > 0, np.zeros((2, 1, 1)))
    >>> round(mean.item(), 12), round(variance.item(), 12)
    (1.0, 0.5)
    """
    k, n = value.shape
    where = np.concatenate([sites, targets], axis=1)
    half = 0.5 * np.einsum("arn,arn->rn", where, where)
    # An absent observation is infinitely far from everything: its weight is exactly zero.
    half[:k][~present] = np.inf
    m = targets.shape[1]
    factor = np.empty((k + m + 1, k, n))
    for j in range(k):
        column = factor[j:, j]
        np.einsum("arn,an->rn", where[:, j:], where[:, j], out=column[:-1])
        column[:-1] -= half[j:]
        column[:-1] -= half[j]
        np.exp(column[:-1], out=column[:-1])
        column[0] = 1.0 + noise[j]
        column[-1] = value[j]
        column -= np.einsum("rpn,pn->rn", factor[j:, :j], factor[j, :j])
        column /= np.sqrt(np.maximum(column[0], PIVOT))
    y, z = factor[k:-1], factor[-1]
    return np.einsum("mkn,kn->mn", y, z), np.clip(1.0 - np.einsum("mkn,mkn->mn", y, y), 0.0, 1.0)


PIVOT = 1e-12
"""Least variance an observation can add to those before it: keeps rounding from making it negative."""
