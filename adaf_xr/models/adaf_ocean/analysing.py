"""A network at work on one level of a background, and ready for the levels below it."""

from __future__ import annotations

import torch

from adaf_xr.models.adaf_ocean.below import Below
from adaf_xr.models.adaf_ocean.delivery import Lattice, wants_detail
from adaf_xr.models.adaf_ocean.depths import DEEP, has_levels
from adaf_xr.models.adaf_ocean.features import Features
from adaf_xr.models.adaf_ocean.frame import Frame
from adaf_xr.models.adaf_ocean.increments import Increments
from adaf_xr.models.adaf_ocean.levels import Depths
from adaf_xr.models.adaf_ocean.network import AdafOceanNetwork
from adaf_xr.models.adaf_ocean.scene import Scene
from adaf_xr.models.adaf_ocean.sums import Sums
from adaf_xr.models.base import Background, Targets


def found(
    network: AdafOceanNetwork, sums: Sums, background: Background, level: int, targets: Targets, device: str
) -> tuple[Lattice, Depths | None]:
    """What to add to one level of a background, and what finds that of deeper ones.

    Parameters
    ----------
    network : AdafOceanNetwork
        On the device.
    sums : Sums
        What was observed.
    background : Background
    level : int
        The one that counts as the surface.
    targets : Targets
        Where it is wanted, for that decides whether the fine stage is asked.
    device : str

    Returns
    -------
    Lattice, Depths or None
        None without a depth stage, or where the background has no water below its surface.
    """
    frame = Frame.around(background)
    scene = Scene.of(background, sums, frame, level)
    detail = wants_detail(targets) and network.configuration.fine > 0
    latitude = torch.from_numpy(frame.latitude.astype("f4")).to(device)
    features = Features.of(scene.to(device), latitude, frame.wraps)
    output, more = network(features.coarse[None], features.fine[None] if detail else None, frame.wraps)
    coarse = Increments.of(output[0], features, latitude, frame.wraps)
    fine = None if more is None else coarse.with_detail(more[0], features, frame.wraps)
    surface = Lattice.of(coarse, fine, scene.sea, scene.fine_sea, frame)
    if not network.configuration.depth or not any(has_levels(background, channel.variable) for channel in DEEP):
        return surface, None
    assert network.depth is not None
    below = Below.of(scene, features, coarse, sums, background, frame)
    return surface, Depths(network.depth, below.to(device), surface)
