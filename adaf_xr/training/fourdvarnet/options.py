"""What the sections `model`, `data` and `loss` of a configuration may hold for 4DVarNet."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from adaf_xr.models.fourdvarnet import Configuration, light, published, small
from adaf_xr.training.configuration import Section

Share = Annotated[float, Field(ge=0, le=1)]
Dropout = Annotated[float, Field(ge=0, lt=1)]


class Model(Section):
    """Which network: an experiment at a size, and what differs from it.

    Attributes
    ----------
    experiment : str
        One of the paper's four, or "light", their descendant that needs no interpolated sea surface height.
    size : {"small", "published"}
        "small" trains on a CPU; "light" has its published base size in both.
    days, blocks, steps, width, hidden, features, pooling : int, optional
        What of :class:`adaf_xr.models.fourdvarnet.Configuration` differs.
    dropout : float, optional
        Likewise.
    """

    experiment: Literal["4dvarnet-ssh-sst", "4dvarnet-ssh", "unet-ssh-sst", "unet-ssh", "light"]
    size: Literal["small", "published"] = "small"
    days: PositiveInt | None = None
    blocks: PositiveInt | None = None
    steps: PositiveInt | None = None
    width: PositiveInt | None = None
    hidden: PositiveInt | None = None
    features: PositiveInt | None = None
    pooling: PositiveInt | None = None
    dropout: Dropout | None = None

    @model_validator(mode="after")
    def _is_a_network(self) -> Model:
        self.configuration()
        return self

    def configuration(self) -> Configuration:
        """The network's configuration."""
        changes: dict[str, Any] = self.model_dump(exclude={"experiment", "size"}, exclude_none=True)
        if self.experiment == "light":
            return light(**changes)
        return (published(self.experiment) if self.size == "published" else small(self.experiment)).but(**changes)


class Data(Section):
    """Which part of the material is prepared, and which windows of it are seen.

    Attributes
    ----------
    region : tuple of float, optional
        West, east, south, north [degrees]. Default: all that the truth covers.
    interpolated : {"analysis", "background"}
        Where the interpolated sea surface height comes from: the background brought nearer to the observations of the
        days around by optimal interpolation, or the background itself, if it is such an analysis.
    clouds : bool
        Whether temperature is that of the observations of the day, with their gaps, or the truth.
    rows, columns : int, optional
        Cells along the sides of a sample of training; the whole region where they are missing.
    crops : int
        Samples of each window in an epoch.
    permuted : float
        Share of the samples of training that see the truth where another window was observed.
    """

    region: tuple[float, float, float, float] | None = None
    interpolated: Literal["analysis", "background"] = "analysis"
    clouds: bool = False
    rows: PositiveInt | None = None
    columns: PositiveInt | None = None
    crops: PositiveInt = 1
    permuted: Share = 0.5


class Loss(Section):
    """Weights of the terms, and the constants of their operators: by default those of the paper.

    Attributes
    ----------
    ssh, gradients, currents, geostrophic, divergence : float
        Of squared errors of sea surface height, of its differences from cell to cell, of currents, of the geostrophic
        currents of the height, and of the divergence.
    prior : float
        Of squared departures of the state from its prior, and of the true state from its own.
    low_pass, coarse : float
        Of squared departures from the interpolated height of means over `low_pass_cells`, and of the coarse height of
        the state.
    sobel : float
        Factor of the differences from cell to cell.
    divergence_unit : float
        In which divergence counts [s-1].
    smoothing : int
        Passes of the filter that divergence goes through.
    low_pass_cells : int
        Along the side of those means.
    border : int
        Cells along the sides of a sample that do not count: too little is seen around them.
    later_blocks : float
        Weight of every block of solver steps but the first, which has 1.
    """

    ssh: NonNegativeFloat = 50.0
    gradients: NonNegativeFloat = 1000.0
    currents: NonNegativeFloat = 50.0
    geostrophic: NonNegativeFloat = 25.0
    divergence: NonNegativeFloat = 1000.0
    prior: NonNegativeFloat = 0.25
    low_pass: NonNegativeFloat = 0.5
    coarse: NonNegativeFloat = 0.5
    sobel: PositiveFloat = 2.0
    divergence_unit: PositiveFloat = 1e-4
    smoothing: NonNegativeInt = 5
    low_pass_cells: PositiveInt = 16
    border: NonNegativeInt = 20
    later_blocks: PositiveFloat = 2.0
