"""What the sections `model`, `data` and `loss` of a configuration may hold for adaf-ocean."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from adaf_xr.models.adaf_ocean.configuration import Configuration
from adaf_xr.models.adaf_ocean.frame import BLOCK, COLUMNS, ROWS
from adaf_xr.training.configuration import Section

Share = Annotated[float, Field(ge=0, le=1)]


class Model(Section):
    """Which network; see :class:`adaf_xr.models.adaf_ocean.configuration.Configuration`.

    Examples
    --------
    >>> Model(fine=0).configuration().fine
    0
    """

    widths: tuple[PositiveInt, PositiveInt] = (64, 144)
    blocks: tuple[PositiveInt, PositiveInt] = (1, 6)
    fine: Annotated[int, Field(ge=0)] = 32

    def configuration(self) -> Configuration:
        """The network's configuration."""
        return Configuration(self.widths, self.blocks, self.fine)


class Crops(Section):
    """How much of the globe a sample is.

    Attributes
    ----------
    rows, columns : int
        Coarse cells of a crop, multiples of 8.
    crops : int
        Crops of a day in an epoch.
    """

    rows: PositiveInt = 128
    columns: PositiveInt = 192
    crops: PositiveInt = 1

    @model_validator(mode="after")
    def _fits_the_globe(self) -> Self:
        if self.rows % BLOCK or self.columns % BLOCK or self.rows > ROWS or self.columns >= COLUMNS:
            raise ValueError(
                f"a crop of {self.rows} x {self.columns}: multiples of {BLOCK}, at most {ROWS} rows and fewer than "
                f"{COLUMNS} columns"
            )
        return self


class Data(Crops):
    """What of a day is seen, and in which variations; beside what `Crops` has.

    Shares are of the samples; what is left has the background of the day and all observations.

    Attributes
    ----------
    validation_days : int
        Days of the validation period that are looked at, spread over it.
    sparse : float
        Share of samples with the day's background and only some of the observing systems, or a few of the points.
    aged : float
        Share with the background of another day, up to `older` days before, or up to `younger` days after, and as few
        observations; some without some of the variables.
    fine : float
        Share whose background has quarter degrees: the truth of 4 to 20 days before; for the first days, after.
    maps : float
        Share made of real maps of sea level, where there are any.
    older, younger : int
        Days.
    sea_level : str, optional
        File with one real global map of absolute dynamic topography at a quarter of a degree, such as DUACS level 4.
    surrogates : int
        Older maps that are made from it.
    """

    validation_days: PositiveInt = 6
    sparse: Share = 0.13
    aged: Share = 0.15
    fine: Share = 0.1
    maps: Share = 0.16
    older: PositiveInt = 38
    younger: PositiveInt = 8
    sea_level: str | None = None
    surrogates: PositiveInt = 24

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.sparse + self.aged + self.fine + self.maps > 1.0:
            raise ValueError("the shares of sparse, aged, fine and maps add up to more than 1")
        return self


class Loss(Section):
    """What counts.

    Attributes
    ----------
    likelihood : float
        Weight of the likelihood of the standard errors, beside the squared error of the increments.
    coarse : float
        Weight of the analysis at 1 degree, beside that at a quarter.
    outlier : float
        Error, in units of its usual size, from which it counts linearly.
    """

    likelihood: NonNegativeFloat = 0.1
    coarse: NonNegativeFloat = 1.0
    outlier: PositiveFloat = 5.0
