"""What the sections `model`, `data` and `loss` of a configuration may hold for the depth stage."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from adaf_xr.training.adaf_ocean.options import Crops, Share
from adaf_xr.training.configuration import Section


class Model(Section):
    """Which depth stage.

    Attributes
    ----------
    width : int
        Channels on cells of 1 degree.
    """

    width: PositiveInt = 48


class Data(Crops):
    """Which days are prepared, and what of them is seen; beside what `Crops` has.

    Attributes
    ----------
    surface : str, optional
        Folder of a training of adaf-ocean: its best weights, which stay as they are, and its prepared days. It must be
        given.
    days, validation_days : int
        Days of those periods that are prepared, spread over them.
    thinned : Share
        Share of the days of training with some of the observing systems, or few points.
    levels : int
        Levels that the background of a crop has, of those prepared: which ones is drawn, for the network must not know
        one set of levels by heart.
    bare : Share
        Share of the crops without profiles; of the others some have few.
    foreign, loosened : Share
        Shares of the crops with water of another origin at some depth, and of those whose thermocline moves otherwise
        with sea level than in the simulated sea (:mod:`adaf_xr.training.adaf_ocean_depth.water`).
    """

    surface: str | None = None
    days: PositiveInt = 60
    validation_days: PositiveInt = 8
    thinned: Share = 0.25
    levels: Annotated[int, Field(ge=8)] = 11
    bare: Share = 0.1
    foreign: Share = 0.35
    loosened: Share = 0.1


class Loss(Section):
    """What counts.

    Attributes
    ----------
    likelihood : float
        Weight of the likelihood of the standard errors, beside the squared error of the increments.
    fine : float
        Weight of the one level at a quarter of a degree, beside those at 1 degree.
    outlier : float
        Error, in units of its usual size, from which it counts linearly.
    """

    likelihood: NonNegativeFloat = 0.1
    fine: NonNegativeFloat = 0.5
    outlier: PositiveFloat = 4.0
