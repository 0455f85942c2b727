"""Random patches of prepared views."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from adaf_xr.models.super_resolution import FACTOR
from adaf_xr.training.shards import Shards
from adaf_xr.training.super_resolution.options import Data

MARGIN = 4
"""Cells along the border of a patch that do not count: the network sees too little around them."""

TRIES = {"train": 2, "validation": 6}
"""Places that are looked at, of which the one with most to learn is taken."""

Patch = dict[str, NDArray[Any]]


class Patches:
    """What a batch is made of.

    Parameters
    ----------
    shards : Shards
        Of :mod:`adaf_xr.training.super_resolution.preparing`.
    options : Data
        What is drawn how often.
    """

    def __init__(self, shards: Shards, options: Data) -> None:
        self.shards, self.options = shards, options
        self.names = list(options.variables)
        self._chances = {split: self._chances_of(split) for split in ("train", "validation")}

    def drawn(self, split: str, seed: int) -> Patch:
        """A patch, a function of its seed.

        Returns
        -------
        dict
            `pattern`, `present`, `amplitude` and `weight` (size, size); `sea` and `residual` on the fine grid;
            `variable`, its number among the names. Amplitude and residual are in units of the root mean square of the
            view's residual.
        """
        random = np.random.default_rng(seed)
        chances = self._chances[split]
        index = int(random.choice(chances.size, p=chances))
        view = self.shards.read(split, index)
        tries = [self._cut(view, random) for _ in range(TRIES[split])]
        best = max(tries, key=_energy)
        variable = self.shards.fingerprint["views"][split][index]["variable"]
        if split == "train":
            best = _turned(best, random)
        return {**best, "variable": np.array(self.names.index(variable))}

    def _chances_of(self, split: str) -> NDArray[np.float64]:
        """Of every view: by kind, and then by the weight of its variable and the root of how much sea it has."""
        views = self.shards.fingerprint["views"][split]
        cells = [self.shards.read(split, index).get("sea", np.zeros(1)).sum() for index in range(len(views))]
        weights = np.array([self.options.variables[view["variable"]] for view in views]) * np.sqrt(cells)
        simulated = np.array([view["simulated"] for view in views])
        shares = self.options.simulated, 1.0 - self.options.simulated
        parts = (
            share * _normalised(weights * kind) for share, kind in zip(shares, (simulated, ~simulated), strict=True)
        )
        return _normalised(sum(parts, np.zeros(len(views))))

    def _cut(self, view: dict[str, NDArray[Any]], random: np.random.Generator) -> Patch:
        """A patch at a random place; what lies beyond the edges of the field repeats them and does not count."""
        size = self.options.size
        n_lat, n_lon = view["present"].shape
        rows, inside_lat = _span(n_lat, size, random)
        columns, inside_lon = _span(n_lon, size, random)
        inside = inside_lat[:, None] & inside_lon
        fine = np.ix_(*((FACTOR * index[:, None] + np.arange(FACTOR)).ravel() for index in (rows, columns)))
        coarse, spread = np.ix_(rows, columns), view["spread"][0]
        within = inside.repeat(FACTOR, 0).repeat(FACTOR, 1)
        weight = view["area"][rows][:, None] * (view["counts"][columns] & inside)
        weight[:MARGIN], weight[-MARGIN:], weight[:, :MARGIN], weight[:, -MARGIN:] = 0.0, 0.0, 0.0, 0.0
        return {
            "pattern": view["pattern"][coarse],
            "amplitude": view["amplitude"][coarse] / spread,
            "present": view["present"][coarse] & inside,
            "weight": weight,
            "sea": view["sea"][fine] & within,
            "residual": view["residual"][fine].astype("f4") / spread * within,
        }


def _span(cells: int, size: int, random: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """So many neighbouring cells of an axis, those beyond its ends as the outermost, and which are no such ones."""
    spare = min(MARGIN, cells // 4)
    first = random.integers(min(-spare, cells - size), max(cells - size + spare, 0) + 1)
    index = first + np.arange(size)
    return index.clip(0, cells - 1), (index >= 0) & (index < cells)


def _energy(patch: Patch) -> float:
    """How much there is to learn."""
    square = (patch["residual"] ** 2).reshape(patch["weight"].shape[0], FACTOR, -1, FACTOR).mean(axis=(1, 3))
    return float((patch["weight"] * square).sum())


def _turned(patch: Patch, random: np.random.Generator) -> Patch:
    """Flipped, transposed and with its sign changed, each or not: as good a field."""
    down, left, across, negative = random.random(4) < 0.5

    def turn(array: NDArray[Any]) -> NDArray[Any]:
        array = array[::-1] if down else array
        array = array[:, ::-1] if left else array
        return array.T if across else array

    turned = {name: turn(array) for name, array in patch.items()}
    if negative:
        turned |= {name: -turned[name] for name in ("pattern", "residual")}
    return turned


def _normalised(chances: NDArray[np.float64]) -> NDArray[np.float64]:
    """With a sum of one, if there is any."""
    total = chances.sum()
    return chances / total if total else chances
