"""Embedded pillars in place of fixed sums: what a cell and day holds goes through a network of its channel first.

A pillar is the sum of a channel over a cell and a day: its weight and so its error, mean innovation, place in the cell
and age. Its embedding has masses and values; those of a coarse cell are added up to means of values and the logarithm
of the mass. They begin as the mean innovation and its inverse error variance, so that fixed sums are a special case.

References
----------
Lang et al. 2019, arXiv 1812.05784 (pillars).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn

from adaf_xr.models.adaf_ocean import innovations, scene
from adaf_xr.models.adaf_ocean.channels import BINS, CHANNELS, DAYS, FLOOR, PREDICTORS, STATE, STATE_CHANNELS, Channel
from adaf_xr.models.adaf_ocean.frame import REFINEMENT, Frame
from adaf_xr.models.adaf_ocean.innovations import SEEN_FINE
from adaf_xr.models.adaf_ocean.network import AdafOceanNetwork, widths_of_input
from adaf_xr.models.adaf_ocean.sums import PLACE, Sums
from adaf_xr.models.keyed_sums import reduced
from adaf_xr.training.adaf_ocean.sampling import Case, seen

DAILY = 2 * DAYS
"""Bins of time of pillars, in place of `BINS` where the days of a window are put together."""

HIDDEN, MASSES, FINE_MASSES = 16, 8, 2
"""Channels of the network of a pillar; masses of it on coarse cells and, of what is seen there, on fine ones."""

MOST = 5.0
"""By which a network changes the logarithm of a mass."""

LARGEST = 10.0
"""Value that the networks of pillars are told, in units of the scale."""

FIRST_KEPT = 2 * BINS * len(STATE_CHANNELS) + BINS * len(PREDICTORS) + 2 * BINS
"""Coarse planes up to here are of observations; the next are of the background and the place, the last of fine sums."""

KEPT = slice(FIRST_KEPT, FIRST_KEPT + 4 * len(STATE) + 5)
KEPT_FINE = slice(2 * SEEN_FINE * 4, None)

Pillars = list[tuple[Tensor, Tensor]]
"""By channel: cells (n,), and (n, 5) mean innovation or value, weight, place east and north in the cell, and age."""


def fine_channels() -> list[int]:
    """Places of the channels that the fine stage sees."""
    return [place for place, channel in enumerate(CHANNELS) if channel.fine and channel.variable in STATE[:SEEN_FINE]]


def pillar_widths() -> tuple[int, int]:
    """In place of `widths_of_input`."""
    coarse, fine = widths_of_input()
    kept = len(range(coarse)[KEPT]), len(range(fine)[KEPT_FINE])
    return kept[0] + 2 * MASSES * len(CHANNELS), kept[1] + 4 * 2 * FINE_MASSES * len(fine_channels())


def seen_as_pillars(case: Case, mirrored: bool = False) -> dict[str, Any]:
    """In place of `seen`: with pillars beside the features. The sums of the case are of days."""
    daily, found = case.sums, []
    channel_day, cell = np.divmod(daily.key, PLACE)
    binned = Sums(*reduced(channel_day * BINS // DAILY * PLACE + cell, daily.sums), daily.time)

    def beside(sums: Sums, frame: Frame, fine: Tensor, coarse: Tensor, *rest: Any) -> dict[str, Tensor]:
        found.extend(_pillars(daily, frame, fine, coarse, mirrored))
        return innovations.observed(sums, frame, fine, coarse, *rest)

    with patch.object(scene, "observed", beside):
        return seen(replace(case, sums=binned), mirrored) | {"pillars": found}


def _pillars(daily: Sums, frame: Frame, fine: Tensor, coarse: Tensor, mirrored: bool) -> Pillars:
    found = []
    for place, channel in enumerate(CHANNELS):
        refinement = REFINEMENT if channel.fine else 1
        rows = slice(*np.searchsorted(daily.key, [place * DAILY * PLACE, (place + 1) * DAILY * PLACE]))
        day, number = np.divmod(daily.key[rows] - place * DAILY * PLACE, PLACE)
        inside, cell = frame.cells(number, refinement)
        terms, age = daily.sums[rows][inside], day[inside] + 0.5 - DAYS
        total = terms[:, 1]
        if channel.of_state:
            first = (fine if channel.fine else coarse)[STATE.index(channel.variable)].numpy()
            total = innovations._departure(terms, first, cell, frame.wraps)
        weight = terms[:, 0]
        columns = np.column_stack([total / weight, weight, terms[:, 2:] / weight[:, None], age])
        if mirrored:
            row, column = np.divmod(cell, frame.columns * refinement)
            cell = (frame.rows * refinement - 1 - row) * frame.columns * refinement + column
            columns[:, 3] *= -1.0
            columns[:, 0] *= -1.0 if channel.variable in ("vo", "vas") else 1.0
        good = np.isfinite(total)
        found.append((torch.from_numpy(cell[good]), torch.from_numpy(columns[good].astype("f4"))))
    return found


class Embedding(nn.Module):
    """Planes of the pillars of a channel."""

    def __init__(self, channel: Channel, masses: int, fine_masses: int) -> None:
        super().__init__()
        self.channel, self.masses = channel, (masses, fine_masses)
        last = nn.Linear(HIDDEN, 2 * (masses + fine_masses))
        last.weight.data.mul_(0.2)
        layers = (nn.Linear(6, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, HIDDEN), nn.SiLU(), last)
        self.layers = nn.Sequential(*layers)

    def forward(self, cell: Tensor, pillar: Tensor, scale: Tensor) -> list[Tensor]:
        """Planes (2 masses, rows, columns) on coarse cells and, where there are such masses, on fine ones.

        `scale` (5, rows, columns) is that of increments.
        """
        rows, columns = scale.shape[-2:]
        refinement = REFINEMENT if self.channel.fine else 1
        row, column = cell // (columns * refinement), cell % (columns * refinement)
        home = row // refinement * columns + column // refinement
        value, weight, east, north, age = pillar.unbind(1)
        unit, relative = self._unit(scale, home)
        value, precision = value / unit, weight * (unit / self.channel.error) ** 2
        x = (column % refinement + 0.5 + east) / refinement - 0.5
        y = (row % refinement + 0.5 + north) / refinement - 0.5
        known = value.clamp(-LARGEST, LARGEST), torch.log1p(precision), x, y, age / DAYS, relative
        said = self.layers(torch.stack(known, 1)).float()
        change, larger = said.chunk(2, 1)
        mass = precision[:, None] * larger.clamp(-MOST, MOST).exp()
        terms, n = (mass, mass * (value[:, None] + change)), self.masses[0]
        planes = [_means(*(term[:, :n] for term in terms), home, (rows, columns))]
        if self.masses[1]:
            size = rows * refinement, columns * refinement
            planes.append(_means(*(term[:, n:] for term in terms), cell, size))
        return planes

    def _unit(self, scale: Tensor, home: Tensor) -> tuple[Tensor, Tensor]:
        """Unit of values of each pillar, and its logarithm in that of the least one."""
        if not self.channel.of_state:
            unit = torch.full(home.shape, self.channel.scale)
            return unit, torch.zeros_like(unit)
        unit = scale[STATE.index(self.channel.variable)].flatten()[home]
        return unit, torch.log(unit / FLOOR[self.channel.variable])


def _means(mass: Tensor, total: Tensor, cell: Tensor, size: tuple[int, int]) -> Tensor:
    """Means of values and logarithms of masses as planes."""
    sums = torch.zeros(size[0] * size[1], 2 * mass.shape[1]).index_add(0, cell, torch.cat([mass, total], 1))
    mass, total = sums.T.unflatten(1, size).chunk(2)
    return torch.cat([total / (1.0 + mass), torch.log1p(mass)])


class PillarNetwork(AdafOceanNetwork):
    """The network, whose inputs are learned too; made with `pillar_widths`."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        fine = fine_channels()
        self.embeddings = nn.ModuleList(
            Embedding(channel, MASSES, FINE_MASSES if place in fine else 0) for place, channel in enumerate(CHANNELS)
        )

    def embedded(self, batch: dict[str, Any]) -> dict[str, Any]:
        """A batch of one sample whose planes of observations are those of its pillars."""
        made = [
            each(*pillars, batch["scale"][0]) for each, pillars in zip(self.embeddings, batch["pillars"], strict=True)
        ]
        coarse = torch.cat([*(planes[0] for planes in made), batch["coarse"][0, KEPT]])
        fine = torch.cat([planes[1] for planes in made if len(planes) > 1])
        fine = torch.cat([nn.functional.pixel_unshuffle(fine[None], 2)[0], batch["fine"][0, KEPT_FINE]])
        return batch | {"coarse": coarse[None], "fine": fine[None]}
