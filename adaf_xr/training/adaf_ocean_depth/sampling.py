"""From shards to samples: a part of the globe, a few of the levels, all or some of the profiles."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adaf_xr.models.adaf_ocean.channels import STATE, TOP
from adaf_xr.models.adaf_ocean.frame import BLOCK, COLUMNS, REFINEMENT, Frame
from adaf_xr.models.adaf_ocean.profiles import about_nodes
from adaf_xr.models.adaf_ocean.sums import Sums
from adaf_xr.training.adaf_ocean.maps import GLOBE
from adaf_xr.training.adaf_ocean.sampling import cut
from adaf_xr.training.adaf_ocean_depth.options import Data
from adaf_xr.training.adaf_ocean_depth.water import foreign, loosened
from adaf_xr.training.shards import Shards

EDGES = (TOP, 100.0, 300.0, 700.0, 1500.0, np.inf)
"""Depths [m] between bands, of each of which a sample has a target: so bands count alike."""

FEW = (0.5, 0.1)
"""Shares of profiles, where there are few; a third of the samples each, and another third has all."""

WITHOUT = 0.1
"""Chance of a crop to have a background without sea level, and of one without currents."""

Item = dict[str, Tensor]


class Sampler:
    """Samples of a folder of shards.

    Parameters
    ----------
    shards : Shards
        Prepared by :func:`adaf_xr.training.adaf_ocean_depth.preparing.prepare`.
    data : Data
        The size of crops, and how they vary.
    """

    def __init__(self, shards: Shards, data: Data) -> None:
        self.shards, self.data = shards, data

    def whole(self, split: str, index: int) -> Item:
        """A day as it is, on the globe, with targets at all levels below the surface."""
        arrays = self.shards.read(split, index)
        levels = np.arange(arrays["depth"].size)
        wanted = np.flatnonzero(arrays["depth"] > TOP)
        return self._item(arrays, GLOBE, levels, wanted, arrays["fine_level"], _sums(arrays, 1.0, None))

    def crop(self, split: str, index: int, rng: np.random.Generator) -> Item:
        """A part of the globe, with a level of each band and one at a quarter of a degree."""
        arrays = self.shards.read(split, index)
        south = int(rng.integers(0, (GLOBE.rows - self.data.rows) // BLOCK + 1)) * BLOCK
        frame = Frame(south, int(rng.integers(0, COLUMNS // BLOCK)) * BLOCK, self.data.rows, self.data.columns)
        depth, fine = arrays["depth"], rng.choice(arrays["fine_level"], 1)
        band = np.searchsorted(EDGES, depth)
        wanted = np.array([rng.choice(np.flatnonzero(band == k)) for k in np.unique(band[depth > TOP])])
        levels = _some_levels(depth, np.union1d(wanted, fine), self.data.levels, rng)
        share = 0.0 if rng.random() < self.data.bare else float(rng.choice([1.0, *FEW]))
        item = self._item(arrays, frame, levels, wanted, fine, _sums(arrays, share, rng))
        for change, chance in ((foreign, self.data.foreign), (loosened, self.data.loosened)):
            # Where hardly any profile tells of it, there is nothing to learn.
            if rng.random() < chance and share >= max(FEW):
                item = change(item, rng)
        return _poorer(item, rng)

    def _item(
        self, arrays: dict[str, NDArray], frame: Frame, levels: NDArray, wanted: NDArray, fine: NDArray, sums: Sums
    ) -> Item:
        """Planes on a frame: of the background at some levels, of the truth at those wanted."""
        weight, pull = about_nodes(sums, frame)
        coarse = ("mean", "log_std", "scale", "surface_gate", "sea")
        places = [int(np.flatnonzero(arrays["fine_level"] == level)[0]) for level in fine]
        item = {name: cut(arrays[name], frame, 1) for name in coarse}
        item |= {name: cut(arrays[name], frame, REFINEMENT).float() for name in ("fine_mean", "fine_log_std")}
        item |= {"weight": weight, "pull": pull, "latitude": torch.from_numpy(frame.latitude).float()}
        item |= {"has": torch.from_numpy(np.array(arrays["has"])), "levels": torch.from_numpy(arrays["depth"][levels])}
        return item | {
            "water": cut(arrays["water"][:, levels], frame, 1),
            "depth": torch.from_numpy(arrays["depth"][wanted]),
            "target": cut(arrays["target"][wanted], frame, 1).float(),
            "fine_depth": torch.from_numpy(arrays["depth"][fine]),
            "fine_target": cut(arrays["fine_target"][places], frame, REFINEMENT).float(),
        }


def _some_levels(depth: NDArray, needed: NDArray, number: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """The first level, those that are needed, and others up to a number, in order."""
    kept = np.union1d(needed, [0])
    others = np.setdiff1d(np.arange(depth.size), kept)
    more = rng.choice(others, min(max(number - kept.size, 0), others.size), replace=False)
    return np.union1d(kept, more)


def _sums(arrays: dict[str, NDArray], share: float, rng: np.random.Generator | None) -> Sums:
    """Sums of a share of the profiles, taken cell by cell: a cell has hardly more than one."""
    key, sums = np.array(arrays["key"]), np.array(arrays["sums"])
    if rng is not None and share < 1.0:
        cell = key % (1 << 32)
        chosen = (rng.random(int(cell.max(initial=0)) + 1) < share)[cell]
        key, sums = key[chosen], sums[chosen]
    return Sums(key, sums, np.datetime64("NaT", "ns"))


def _poorer(item: Item, rng: np.random.Generator) -> Item:
    """Perhaps as of a background without sea level, or without currents."""
    has = item["has"].clone()
    for names in (("zos",), ("uo", "vo")):
        if rng.random() < WITHOUT:
            has[[STATE.index(name) for name in names]] = 0.0
    known = has[:, None, None]
    fine: dict[str, Any] = {"fine_mean": item["fine_mean"] * known, "mean": item["mean"] * known}
    return item | fine | {"has": has}
