"""What the sections `model`, `data` and `loss` of a configuration may hold for super-resolution."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt

from adaf_xr.models.super_resolution import Configuration
from adaf_xr.training.configuration import Section

Share = Annotated[float, Field(ge=0, le=1)]


class Model(Section):
    """Which network.

    Attributes
    ----------
    width : int
        Channels of the hidden layers.
    blocks : int
        Residual blocks of two convolutions.
    """

    width: PositiveInt = 64
    blocks: PositiveInt = 4

    def configuration(self) -> Configuration:
        """The network's configuration."""
        return Configuration(**self.model_dump())


class Data(Section):
    """Which fields are prepared, and which patches of them are seen.

    Attributes
    ----------
    variables : dict
        Canonical names that are learned from, and their weights: views are drawn in proportion to the weight of their
        variable and the root of how much sea they have.
    simulated : float
        Share of the draws that are of simulated fields, where there are both kinds.
    views : int
        Prepared variants of every variable of every dataset: times, depths and origins of the coarse grid at random.
    validation_views : int
        The same for validation, where fields are left as they are.
    held_out : tuple of pair of float
        Longitudes [degrees east, from -180] from west to east whose fine fields are kept for validation. Simulated
        fields are kept apart by time instead.
    halved, textured, foreign, mixed : float
        Shares of the views that are fields at half the resolution, fields whose smallest scales are made weaker or
        stronger, and global fields with the land of another place laid over them, or its field and its land.
    patches, validation_patches : int
        Drawn for an epoch, and for a validation.
    size : int
        Coarse cells along a patch.
    """

    variables: dict[str, PositiveFloat] = Field(
        default_factory=lambda: {"thetao": 1.0, "zos": 2.0, "so": 0.3, "uo": 0.3, "vo": 0.3}
    )
    simulated: Share = 0.4
    views: PositiveInt = 48
    validation_views: PositiveInt = 4
    held_out: tuple[tuple[float, float], ...] = ((-70.0, -40.0), (60.0, 90.0), (150.0, 180.0))
    halved: Share = 0.2
    textured: Share = 0.4
    foreign: Share = 0.25
    mixed: Share = 0.4
    patches: PositiveInt = 4000
    validation_patches: PositiveInt = 384
    size: PositiveInt = 40


class Loss(Section):
    """What is minimised: squared errors over the local amplitude to some power.

    Attributes
    ----------
    power : float
        0 minimises the mean square, which is that of a few fronts; 2 counts quiet and lively places alike.
    """

    power: Annotated[float, Field(ge=0, le=2)] = 1.0
