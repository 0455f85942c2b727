"""What the depth stage is fed: the analysed surface, the column of the background, innovations of profiles.

Everything is on coarse cells and without units, as the features of the surface are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import cached_property

import torch
from torch import Tensor

from adaf_xr.models.adaf_ocean.channels import FLOOR, STATE
from adaf_xr.models.adaf_ocean.columns import Columns
from adaf_xr.models.adaf_ocean.depths import DEEP, HEAVE, NODES, floors, shares
from adaf_xr.models.adaf_ocean.features import EDDIES, FEW, NEAR, Features
from adaf_xr.models.adaf_ocean.frame import Frame
from adaf_xr.models.adaf_ocean.increments import Increments
from adaf_xr.models.adaf_ocean.planes import blurred, geostrophic, inverse_coriolis
from adaf_xr.models.adaf_ocean.profiles import about_nodes
from adaf_xr.models.adaf_ocean.scene import Scene
from adaf_xr.models.adaf_ocean.sums import Sums
from adaf_xr.models.base import Background

USUAL = ((10.0, 10.0), (35.0, 1.0))
"""Offset and size of temperature and salinity below the surface."""

STEEP = (0.005, 0.001)
"""Slopes [degC/m, 1e-3/m] that are told apart from none."""

TRUNK_PLANES = 4 * len(STATE) + 8 + 4 * len(DEEP) * len(NODES)
"""Planes of what is the same at all depths."""

LEVEL_PLANES = 5 * len(DEEP) + 4
"""Planes about one depth."""


@dataclass(frozen=True)
class Level:
    """One depth on coarse cells.

    Attributes
    ----------
    depth : float
        [m].
    features : Tensor (14, rows, columns)
    slopes : Tensor (2, rows, columns)
        Of temperature and salinity in the background [per m]; 0 where unknown.
    unit : Tensor (4, rows, columns)
        Of increments and errors of temperature, salinity and currents [canonical unit].
    known : Tensor (rows, columns)
        Where the background has water at this depth.
    """

    depth: float
    features: Tensor
    slopes: Tensor
    unit: Tensor
    known: Tensor


@dataclass(frozen=True)
class Below:
    """What is known before the sea below the surface is analysed; planes are (..., rows, columns).

    Attributes
    ----------
    mean, log_std, scale : Tensor (5, ...)
        Of the analysed surface: increments, logarithm of standard errors, and the unit of both; the increment of a
        variable that the background lacks is 0.
    has : Tensor (5,)
        Which variables the background has.
    sea : Tensor
    surface_gate : Tensor
        0 where nothing was observed of the surface nearby.
    columns : Columns
    weight, pull : Tensor (2, n_nodes, ...)
        Of profiles, see :func:`adaf_xr.models.adaf_ocean.profiles.about_nodes`.
    latitude : Tensor (rows,)
    wraps : bool
    """

    mean: Tensor
    log_std: Tensor
    scale: Tensor
    has: Tensor
    sea: Tensor
    surface_gate: Tensor
    columns: Columns
    weight: Tensor
    pull: Tensor
    latitude: Tensor
    wraps: bool

    @classmethod
    def of(
        cls, scene: Scene, features: Features, surface: Increments, sums: Sums, background: Background, frame: Frame
    ) -> Below:
        """Of the analysed surface of a background, and what was observed below it."""
        has = torch.isfinite(scene.coarse).flatten(1).any(1).float()
        known = (
            surface.mean.cpu() * has[:, None, None],
            surface.log_std,
            features.scale,
            has,
            scene.sea,
            features.gate,
        )
        planes = Columns.of(background, frame), *about_nodes(sums, frame)
        return cls(*known, *planes, torch.from_numpy(frame.latitude.astype("f4")), frame.wraps)

    def to(self, device: str) -> Below:
        """The same on a device."""
        return Below(
            *(
                part.to(device) if hasattr(part, "to") else part
                for part in (getattr(self, f.name) for f in fields(self))
            )
        )

    @cached_property
    def gate(self) -> Tensor:
        """0 where nothing was observed within three standard deviations of the blur, at any depth."""
        deep = blurred(torch.log1p(self.weight).sum((0, 1)), NEAR, self.wraps)
        return 1.0 - (1.0 - self.surface_gate) * torch.exp(-4.0 * deep)

    def features(self) -> Tensor:
        """Planes (100, rows, columns) of what is the same at all depths."""
        floor = torch.tensor([FLOOR[name] for name in STATE], device=self.scale.device)[:, None, None]
        flow = geostrophic(self.mean[0], self.latitude, self.wraps) / self.scale[3:]
        surface = [
            (self.mean / self.scale).clamp(-5.0, 5.0),
            self.log_std - torch.log(self.scale),
            torch.log(self.scale / floor),
            self.has[:, None, None].expand_as(self.mean),
            flow.clamp(-5.0, 5.0),
            torch.stack([self.sea.float(), self.surface_gate, self.gate]),
            self._place(),
        ]
        estimate, knowledge = self._profiles
        water = [torch.cat(_plain(*self.columns.at(node))) for node in NODES]
        return torch.cat([*surface, estimate.flatten(0, 1), knowledge.flatten(0, 1), *water])

    def _place(self) -> Tensor:
        """Where on the turning sphere."""
        angle = torch.deg2rad(self.latitude)
        turning = inverse_coriolis(self.latitude) / inverse_coriolis(torch.tensor(5.0))
        return torch.stack([torch.sin(angle), torch.cos(angle), turning])[..., None].expand(3, *self.sea.shape)

    @cached_property
    def _profiles(self) -> tuple[Tensor, Tensor]:
        """Of the profiles about every node: the best estimate of a cell from itself alone, and how much it knows."""
        unit = torch.stack([self._unit(node, self.columns.at(node)[1])[: len(DEEP)] for node in NODES], dim=1)
        estimate = self.pull / (self.weight + (self._error / unit) ** 2) / unit
        return estimate.clamp(-5.0, 5.0), torch.log1p(self.weight * (unit / self._error) ** 2)

    @property
    def _error(self) -> Tensor:
        """Usual errors of profiles (2, 1, 1, 1)."""
        return torch.tensor([channel.error for channel in DEEP], device=self.pull.device)[:, None, None, None]

    @cached_property
    def _misfit(self) -> Tensor:
        """Square of how far profiles are from the background around a place, beyond their errors, (2, n_nodes, ...)."""
        unit = torch.stack([self._expected(node, self.columns.at(node)[1])[: len(DEEP)] for node in NODES], dim=1)
        trust = self.weight + (self._error / unit) ** 2
        square = (self.pull**2 - self._error**2 * self.weight) / trust**2
        square, share = (blurred(part, EDDIES, self.wraps) for part in (square, (self.weight / trust) ** 2))
        return (square / (share + FEW)).clamp_min(0.0)

    def level(self, depth: float) -> Level:
        """What is known of one depth [m]."""
        values, slopes = self.columns.at(depth)
        unit = self._unit(depth, slopes)
        share = torch.from_numpy(shares(depth)).to(unit)[:, None, None]
        profiles = [(part * share).sum(1) for part in self._profiles]
        size = torch.log(unit[: len(DEEP)] / torch.tensor(floors(0.0)[: len(DEEP)], device=unit.device)[:, None, None])
        scales = (math.log1p(depth / 50.0), *(math.exp(-depth / over) for over in (50.0, 200.0, 1000.0)))
        where = torch.tensor(scales, device=unit.device)[:, None, None].expand(-1, *self.sea.shape)
        features = torch.cat([*_plain(values, slopes), size, *profiles, where])
        return Level(depth, features, torch.nan_to_num(slopes), unit, torch.isfinite(values).any(0))

    def _unit(self, depth: float, slopes: Tensor) -> Tensor:
        """Usual errors (4, rows, columns), and larger ones where profiles say so."""
        share = torch.from_numpy(shares(depth)).to(slopes)[:, None, None]
        misfit = torch.sqrt((self._misfit * share).sum(1))
        expected = self._expected(depth, slopes)
        return torch.cat([torch.maximum(expected[: len(DEEP)], misfit), expected[len(DEEP) :]])

    def _expected(self, depth: float, slopes: Tensor) -> Tensor:
        """Usual errors (4, rows, columns): what the usual heave makes of slopes, and currents that fade downwards."""
        least = torch.tensor(floors(depth), device=slopes.device)[:, None, None]
        heaved = HEAVE * self.scale[0].clamp(max=0.25) * torch.nan_to_num(slopes)
        faded = least[len(DEEP) :] * self.scale[3:] / FLOOR["uo"]
        return torch.cat([torch.sqrt(heaved**2 + least[: len(DEEP)] ** 2), faded])


def _plain(values: Tensor, slopes: Tensor) -> tuple[Tensor, Tensor]:
    """Temperature, salinity and their slopes without units; 0 where unknown."""
    offset, size = torch.tensor(USUAL, device=values.device).T[..., None, None]
    steep = torch.tensor(STEEP, device=values.device)[:, None, None]
    plain, bent = (values - offset) / size, torch.sign(slopes) * torch.log1p(slopes.abs() / steep)
    return torch.nan_to_num(plain).clamp(-4.0, 4.0), torch.nan_to_num(bent)
