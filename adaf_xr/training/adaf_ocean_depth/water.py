"""What no surface shows of the water below it: seas that are less simple than the simulated one.

In the simulated sea the height of the surface says nearly all about the thermocline. Real columns differ by the origin
of their water too, and by how much of sea level is the thermocline's; there profiles must be believed. Truth and
profiles are changed alike, and the background and the surface left as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from adaf_xr.models.adaf_ocean.depths import DEEP, MIXED, NODES, fading
from adaf_xr.models.adaf_ocean.frame import REFINEMENT
from adaf_xr.models.adaf_ocean.planes import blurred, refined

WIDTHS = (1.5, 6.0)
"""Standard deviations [cells] of the blur of random fields, from the narrowest to the widest."""

STRENGTHS = (0.1, 1.5)
"""Standard deviations of foreign temperatures [degC]."""

SALT = 0.15
"""Salinity [1e-3] for a degree of temperature, at most, of either sign."""

DEPTHS, THICKNESSES = (60.0, 1500.0), (0.4, 1.0)
"""Depths [m] in whose middle foreign water lies, and its thickness in logarithms of depth."""

FREEST = 1.4
"""Most that the thermocline moves for what it moves in the simulated sea; the least is not at all."""

Item = dict[str, Tensor]
Change = Callable[[Tensor, Tensor, float], Tensor]
"""From values (2, ...), a random field and a depth [m] to other values."""


def foreign(item: Item, rng: np.random.Generator) -> Item:
    """A sample with water of another origin at some depth."""
    strength = math.exp(rng.uniform(*np.log(STRENGTHS)))
    size = torch.tensor([strength, strength * SALT * rng.uniform(-1.0, 1.0)]).float()[:, None, None]
    middle, thickness = rng.uniform(*np.log(DEPTHS)), rng.uniform(*THICKNESSES)

    def share(z: float) -> float:
        return fading(z) * math.exp(-0.5 * ((math.log(z) - middle) / thickness) ** 2)

    return _changed(item, _random(item, rng), lambda values, field, z: values + share(z) * size * field)


def loosened(item: Item, rng: np.random.Generator) -> Item:
    """A sample whose thermocline moves less with sea level, or more."""
    factor = rng.uniform(0.0, FREEST)

    def changed(values: Tensor, field: Tensor, z: float) -> Tensor:
        here = (factor + 0.3 * field).clamp(0.0, FREEST)
        return values * (1.0 + fading(z, MIXED) * (here - 1.0))

    return _changed(item, _random(item, rng), changed)


def _random(item: Item, rng: np.random.Generator) -> Tensor:
    """A smooth field (rows, columns) of unit variance."""
    white = torch.from_numpy(rng.standard_normal(item["sea"].shape, dtype="f4"))
    smooth = blurred(white[None], rng.uniform(*WIDTHS), wraps=False)[0]
    return smooth / smooth.std()


def _changed(item: Item, field: Tensor, change: Change) -> Item:
    """Targets and profiles with another sea."""
    detail, water = refined(field, REFINEMENT, False), slice(0, len(DEEP))
    weight = item["weight"].clamp_min(1e-6)
    mean = item["pull"] / weight
    made = {"pull": torch.stack([change(mean[:, k], field, z) * item["weight"][:, k] for k, z in enumerate(NODES)], 1)}
    for prefix, plane in (("", field), ("fine_", detail)):
        target = item[f"{prefix}target"].clone()
        for place, z in enumerate(item[f"{prefix}depth"].tolist()):
            target[place, water] = change(target[place, water], plane, z)
        made[f"{prefix}target"] = target
    return item | made
