"""What makes heights, currents and temperatures about 1 in size: moments of the truth over the training days."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adaf_xr.normalisation import Affine, standard
from adaf_xr.training.material import MaterialError
from adaf_xr.training.shards import Shards


def normalisation_of(shards: Shards) -> dict[str, Affine]:
    """Of the quantities of a checkpoint, from the days of training.

    Height and temperature have mean 0 and variance 1; currents keep their zero, and the squared speed has mean 1.

    Raises
    ------
    MaterialError
        Where a quantity has no value, or never varies.
    """
    days = (shards.read("train", index) for index in range(shards.count("train")))
    return normalisation_from(days)


def normalisation_from(days: Iterable[Mapping[str, NDArray[Any]]]) -> dict[str, Affine]:
    """The same from arrays by name: "ssh", "sst", "u" and "v", NaN where nothing is known.

    Examples
    --------
    >>> plane = np.array([[0.0, 2.0]])
    >>> day = {"ssh": plane, "sst": 10.0 * plane, "u": 0.0 * plane + 3.0, "v": 0.0 * plane + 4.0}
    >>> found = normalisation_from([day])
    >>> found["sst"], found["currents"]
    (Affine(offset=10.0, scale=10.0), Affine(offset=0.0, scale=5.0))
    """
    sums = {name: np.zeros(3) for name in ("ssh", "sst", "u", "v")}
    for day in days:
        for name in sums:
            values = day[name][np.isfinite(day[name])].astype("f8")
            sums[name] += values.size, values.sum(), (values**2).sum()
    if empty := [name for name, (number, *_) in sums.items() if not number]:
        raise MaterialError(f"the truth has no value of {', '.join(empty)} in the training period")
    mean = {name: total / number for name, (number, total, _) in sums.items()}
    square = {name: total / number for name, (number, _, total) in sums.items()}
    spread = {name: (square[name] - mean[name] ** 2) ** 0.5 for name in ("ssh", "sst")}
    spread["currents"] = (square["u"] + square["v"]) ** 0.5
    if still := [name for name, std in spread.items() if not std > 0.0]:
        raise MaterialError(f"{', '.join(still)} never varies in the training period: there is nothing to learn")
    return {name: standard(mean.get(name, 0.0), std) for name, std in spread.items()}
