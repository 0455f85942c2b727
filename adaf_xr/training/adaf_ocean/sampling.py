"""From shards to samples: which background meets which observations, and which part of the globe is seen.

What the network is to be robust against, it must meet: backgrounds older and younger than usual, with quarter degrees
or without, without some of the variables; without some of the observing systems, or with few points; real sea level.
A mirror image of the globe (north for south, and northward currents and winds reversed) obeys the same physics.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adaf_xr.instants import DAY
from adaf_xr.models.adaf_ocean.channels import CHANNELS, PREDICTORS, STATE, STATE_CHANNELS
from adaf_xr.models.adaf_ocean.features import Features
from adaf_xr.models.adaf_ocean.frame import BLOCK, COLUMNS, REFINEMENT, Frame
from adaf_xr.models.adaf_ocean.scene import Scene, continued_and_guess
from adaf_xr.models.adaf_ocean.sums import Sums
from adaf_xr.training.adaf_ocean.days import Kept, of_map, window
from adaf_xr.training.adaf_ocean.maps import GLOBE, MAPS
from adaf_xr.training.adaf_ocean.options import Data
from adaf_xr.training.shards import Shards

KEEP = 0.65
"""Chance of an observing system to be there, where some are left out."""

THIN = (0.5, 0.2, 0.05, 0.005)
"""Shares of the observations, where they are thinned."""

NOISE = (0.01, 0.02, 0.03, 0.04)
"""Errors [m] of observations of maps."""

LEADS = (4, 21)
"""Ages [days] of backgrounds with quarter degrees."""

ANOMALIES, STEADY = 0.2, 0.35
"""Of samples made of maps: up to where their background is no anomaly at all, and up to where it is the steady sea."""

LATTICES = (("coarse", 1), ("fine", REFINEMENT))

SEA_LEVEL = next(place for place, channel in enumerate(CHANNELS) if channel.variable == "zos")


@dataclass(frozen=True)
class Case:
    """A sample on a frame.

    Attributes
    ----------
    frame : Frame
    coarse, fine : Tensor (5, rows, columns) and (5, 4 rows, 4 columns)
        The background; `fine` is NaN where there are coarse cells only.
    sums : Sums
        What is observed.
    truth, fine_truth : Tensor
        As the background; NaN where nothing is known.
    """

    frame: Frame
    coarse: Tensor
    fine: Tensor
    sums: Sums
    truth: Tensor
    fine_truth: Tensor


class Sampler:
    """Samples of a folder of shards.

    Parameters
    ----------
    shards : Shards
        Prepared by :func:`adaf_xr.training.adaf_ocean.preparing.prepare`.
    data : Data
        The variations and the size of crops.

    Notes
    -----
    A sample depends on split, index and what the generator draws only.
    """

    def __init__(self, shards: Shards, data: Data) -> None:
        self.shards, self.data = shards, data
        self.times = {
            split: np.array([shards.time(split, index) for index in range(shards.count(split))])
            for split in shards.days
        }

    def whole(self, split: str, index: int) -> dict[str, Tensor]:
        """A day as it is, on the globe."""
        return seen(self._usual(split, index, GLOBE, Kept(), np.random.default_rng(0)))

    def thinned(self, split: str, index: int, rng: np.random.Generator) -> dict[str, Tensor]:
        """A day on the globe, with some of the observing systems or a few of the points."""
        return seen(self._usual(split, index, GLOBE, _some(rng), rng))

    def crop(self, split: str, index: int, rng: np.random.Generator) -> dict[str, Tensor]:
        """A part of the globe on a day, in a variation that is drawn, and perhaps in the mirror."""
        south = int(rng.integers(0, (GLOBE.rows - self.data.rows) // BLOCK + 1)) * BLOCK
        west = int(rng.integers(0, COLUMNS // BLOCK)) * BLOCK
        frame = Frame(south, west, self.data.rows, self.data.columns)
        mirrored = bool(rng.random() < 0.5)
        return seen(self._varied(split, index, frame, rng), mirrored)

    def _varied(self, split: str, index: int, frame: Frame, rng: np.random.Generator) -> Case:
        """A day in a variation."""
        shares = (self.data.sparse, self.data.aged, self.data.fine, self.data.maps if MAPS in self.shards.days else 0.0)
        kind = int(np.searchsorted(np.cumsum(shares), rng.random(), side="right"))
        if kind in (1, 2, 3):
            return (self._aged, self._fine, self._maps)[kind - 1](split, index, frame, rng)
        return self._usual(split, index, frame, _some(rng) if kind == 0 else Kept(), rng)

    def _usual(self, split: str, index: int, frame: Frame, kept: Kept, rng: np.random.Generator) -> Case:
        """The background of the day."""
        arrays = self.shards.read(split, index)
        truth, coarse = (cut(arrays[name], frame, 1) for name in ("coarse", "background"))
        fine = cut(arrays["truth"], frame, REFINEMENT)
        sums = window(self.shards, self.shards.time(split, index), frame, kept, rng)
        return Case(frame, coarse, torch.full_like(fine, torch.nan), sums, truth, fine)

    def _aged(self, split: str, index: int, frame: Frame, rng: np.random.Generator) -> Case:
        """The background of another day, perhaps without some variables."""
        case = self._usual(split, index, frame, _some(rng), rng)
        age = int(rng.integers(-self.data.younger, self.data.older + 1))
        coarse = cut(self._before(split, index, age)["background"], frame, 1)
        if rng.random() < 0.5:
            missing = np.flatnonzero(rng.random(len(STATE)) < 0.5)
            coarse[missing[: len(STATE) - 1]] = torch.nan
        return replace(case, coarse=coarse)

    def _fine(self, split: str, index: int, frame: Frame, rng: np.random.Generator) -> Case:
        """A background with quarter degrees: the truth of some days before."""
        case = self._usual(split, index, frame, Kept(), rng)
        age = int(rng.integers(*LEADS))
        # The first days have none so long before. Their own truth would be no background: a later one is.
        early = self.times[split][index] - age * DAY < self.times[split][0]
        arrays = self._before(split, index, -age if early else age)
        return replace(case, coarse=cut(arrays["coarse"], frame, 1), fine=cut(arrays["truth"], frame, REFINEMENT))

    def _before(self, split: str, index: int, age: int) -> dict[str, NDArray]:
        """The shard of so many days before, or of the day of the split that is nearest to that."""
        times = self.times[split]
        return self.shards.read(split, int(np.abs(times - (times[index] - age * DAY)).argmin()))

    def _maps(self, split: str, index: int, frame: Frame, rng: np.random.Generator) -> Case:
        """One map of sea level observed where the day's altimeters were, another one as the background."""
        now, then = (self.shards.read(MAPS, int(k)) for k in rng.choice(self.shards.count(MAPS), 2, replace=False))
        kept = Kept([SEA_LEVEL], float(rng.choice([1.0, 1.0, *THIN[:2]])))
        where = window(self.shards, self.shards.time(split, index), frame, kept, rng)
        known, noise = rng.random(), float(rng.choice(NOISE))
        # What is known beforehand: an older map, the steady part of the sea, or, of anomalies about it, nothing.
        off = {name: now[f"steady_{name}"] if known < ANOMALIES else np.float32(0.0) for name in ("coarse", "fine")}
        first = {name: then[name] if known > STEADY else now[f"steady_{name}"] for name in ("coarse", "fine")}
        sums = of_map(where, SEA_LEVEL, now["fine"] - off["fine"], noise, rng)
        truth, old = ({n: _alone(m[n] - off[n], frame, k) for n, k in LATTICES} for m in (now, first))
        fine = old["fine"] if rng.random() < 0.5 else torch.full_like(old["fine"], torch.nan)
        return Case(frame, old["coarse"], fine, sums, truth["coarse"], truth["fine"])


def seen(case: Case, mirrored: bool = False) -> dict[str, Tensor]:
    """Features of a case, and what the network is to find there.

    Returns
    -------
    dict
        `coarse`, `fine`, `scale`, `gate` of the features; `latitude`; `target` and `fine_target`, truth minus
        background (5, rows, columns), NaN where either is missing.
    """
    wraps = case.frame.wraps
    scene = Scene.of_planes(case.coarse, case.fine, case.sums, case.frame)
    # Where the truth is, is the sea.
    scene = replace(scene, fine_sea=torch.isfinite(case.fine_truth).any(0))
    _, first = continued_and_guess(case.coarse, case.fine, wraps)
    targets = [case.truth - case.coarse, case.fine_truth - first]
    latitude = torch.from_numpy(case.frame.latitude).float()
    if mirrored:
        scene, latitude = _mirrored(scene), -latitude.flip(0)
        targets = [_reversed(target.flip(-2), STATE.index("vo")) for target in targets]
    features = Features.of(scene, latitude, wraps)
    parts = {part.name: getattr(features, part.name) for part in fields(features)}
    return parts | {"latitude": latitude, "target": targets[0], "fine_target": targets[1]}


def _mirrored(scene: Scene) -> Scene:
    """North for south."""
    planes = {part.name: getattr(scene, part.name).flip(-2) for part in fields(scene)}
    northward = STATE.index("vo")
    current = [channel.variable for channel in STATE_CHANNELS].index("vo")
    wind = [channel.variable for channel in PREDICTORS].index("vas")
    for name, place in (("coarse", northward), ("fine", northward), ("innovation", current), ("value", wind)):
        planes[name] = _reversed(planes[name], place)
    return Scene(**planes)


def _reversed(planes: Tensor, place: int) -> Tensor:
    """Planes of which one has the other sign."""
    signs = torch.ones(len(planes))
    signs[place] = -1.0
    return planes * signs.view(-1, *[1] * (planes.ndim - 1))


def _some(rng: np.random.Generator) -> Kept:
    """Some observing systems, perhaps altimeters alone; perhaps few points."""
    places = [place for place in range(len(CHANNELS)) if rng.random() < KEEP]
    if rng.random() < 0.25:
        places = [SEA_LEVEL]
    return Kept(places, float(rng.choice(THIN)) if rng.random() < 0.3 else 1.0)


def _alone(sea_level: NDArray, frame: Frame, refinement: int) -> Tensor:
    """Sea level as the only variable there is."""
    own = cut(sea_level, frame, refinement)
    planes = torch.full((len(STATE), *own.shape), torch.nan)
    planes[STATE.index("zos")] = own
    return planes


def cut(planes: NDArray, frame: Frame, refinement: int) -> Tensor:
    """A copy of the part of planes of the globe that lies on a frame."""
    rows = slice(frame.south * refinement, (frame.south + frame.rows) * refinement)
    west, east = frame.west * refinement, (frame.west + frame.columns) * refinement
    turn = planes.shape[-1]
    around = [planes[..., rows, west : min(east, turn)], planes[..., rows, : max(east - turn, 0)]]
    return torch.from_numpy(np.concatenate(around, axis=-1))
