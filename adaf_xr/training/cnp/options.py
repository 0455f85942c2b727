"""What the sections `model`, `data` and `loss` of a configuration may hold for the published network."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from adaf_xr.models.cnp import RELEASED, THINNED, Configuration
from adaf_xr.training.configuration import Section

BASES = {"released": RELEASED, "thinned": THINNED}


class Model(Section):
    """Which network.

    Attributes
    ----------
    base : {"released", "thinned"}
        The configuration to begin with: every source at its own resolution, or all at 1 degree.
    phase : {"node", "cell"}
        Where the cells of lattices lie: on whole degrees (as published), or half a cell from them, as in simulated
        experiments.
    sea_level : {"sla", "zos"}
        What altimeters give: anomalies (as published), or absolute topography, as in simulated experiments.
    first_weights : {"random", "local"}
        As torch draws them, or with tokens that begin as means of what is near the targets they serve, see
        :func:`adaf_xr.training.cnp.first_weights.make_local`.
    but : dict
        Anything else of :class:`adaf_xr.models.cnp.Configuration` that shall differ, in its JSON form.

    Examples
    --------
    >>> Model(base="thinned", phase="cell", but={"decoder_width": 64}).configuration().decoder_width
    64
    """

    base: Literal["released", "thinned"] = "released"
    phase: Literal["node", "cell"] = "node"
    sea_level: Literal["sla", "zos"] = "sla"
    first_weights: Literal["random", "local"] = "random"
    but: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        self.configuration()
        return self

    def configuration(self) -> Configuration:
        """The network's configuration."""
        begun = BASES[self.base].but(phase=self.phase).with_sea_level(self.sea_level)
        return Configuration.from_dict({**begun.as_dict(), **self.but}) if self.but else begun


class Data(Section):
    """Which days are prepared, and which windows of a day are seen.

    Attributes
    ----------
    every : int
        Of the analysis times of a period every so many are prepared: neighbouring days of an ocean are much alike.
    windows : int
        Random windows of a training day, drawn anew in every epoch among those that have sea.
    validation_windows : int
        The same of a validation day; they are the same every time.
    lat_step, lon_step : int
        Cells between the starts of windows that can be drawn.
    """

    every: PositiveInt = 1
    windows: PositiveInt = 128
    validation_windows: PositiveInt = 128
    lat_step: PositiveInt = 5
    lon_step: PositiveInt = 5


class Loss(Section):
    """What is minimised.

    Attributes
    ----------
    learn_residual : bool
        The network gives the increment (as published), which is what :class:`adaf_xr.models.cnp.AdafOceanCNP` adds to
        the background; otherwise the analysis itself.
    mask_land : bool
        On land prediction and label are zero and count (as published); otherwise land does not count.
    area_weights : bool
        Scores weigh cells by their area. The loss never does, as published.
    """

    learn_residual: bool = True
    mask_land: bool = True
    area_weights: bool = False
