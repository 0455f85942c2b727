"""4DVarNet as an engine of `assimilate`: days of observations and of an interpolated height in, an analysis out."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from adaf_xr import grids
from adaf_xr.checkpoint import CheckpointError, Reference
from adaf_xr.models.base import Analysis, Background, ModelSpec, Targets
from adaf_xr.models.carrying import Held, network_on
from adaf_xr.models.first_guess import at_targets
from adaf_xr.models.fourdvarnet.configuration import Configuration
from adaf_xr.models.fourdvarnet.gridding import DAY, OBSERVED, DailySums
from adaf_xr.models.fourdvarnet.scene import Placing, Scene
from adaf_xr.models.fourdvarnet.told import taken
from adaf_xr.models.loading import slot
from adaf_xr.normalisation import Affine
from adaf_xr.points.arrays import Points
from adaf_xr.sphere import RADIUS

if TYPE_CHECKING:
    from adaf_xr.models.fourdvarnet.network import Inversion

DIGITS = 4
"""Decimals of a spacing: beyond them it is rounding, and two grids are one."""

NEAR = 1.3
"""By how much the spacing of a grid may differ from that of the training, as a factor: fronts keep their width."""

SIDE = 12.0
"""Degrees along the side of a tile: the box of the published training."""

CURRENTS = ("uo", "vo")


@dataclass(frozen=True, init=False)
class FourDVarNet:
    """Sea surface height, and surface currents beside it, that a 4DVarNet finds in a window of days.

    Observations of sea surface height, and of its temperature where the network sees that, are averaged by cell and
    day. The background is an interpolated sea surface height of every day, such as `oi` gives, on the grid that is
    worked on. Temperature may be in the background too, as an analysis of it: it counts where nothing at all of it was
    observed in a window. Its gaps are filled for networks that know none. A network of the lighter kind needs the
    background for its grid and its land only.

    Grids larger than a tile are done tile by tile, and blended.

    Parameters
    ----------
    checkpoint : Reference, path or Inversion
        The weights. Only a Reference or a path keeps them out of task graphs.
    normalisation : mapping of str to Affine, optional
        Of "ssh", "currents" and "sst", in place of those of the checkpoint. Temperature without any is seen in units of
        its own spread in each window.
    clouds : bool, optional
        Whether the network was trained on temperature with gaps. Default: as the checkpoint says, else not. Where it
        was not, gaps are filled from the days around.
    spacing : float, optional
        Degrees between the cells that the weights are for. Default: as the checkpoint says.
    tile : int, optional
        Cells along the side of a tile. Default: those of 12 degrees. A grid that is up to a quarter longer is one tile.
    device : str
        Where the network computes.

    Raises
    ------
    adaf_xr.checkpoint.CheckpointError
        If the file is missing, unusable, of another family or version, or lacks the normalisation of heights or
        currents.

    Examples
    --------
    >>> from adaf_xr.models.fourdvarnet import network_for, small
    >>> from adaf_xr.normalisation import standard
    >>> network = network_for(small("4dvarnet-ssh-sst"), seed=0)
    >>> engine = FourDVarNet(network, normalisation={"ssh": standard(0.3, 0.4), "currents": standard(0.0, 0.5)})
    >>> engine.spec.name, engine.spec.days, engine.spec.adds
    ('4dvarnet-ssh-sst', 7, ('uo', 'vo'))
    """

    weights: Reference | Held
    configuration: Configuration
    normalisation: Mapping[str, Affine] = field(repr=False)
    clouds: bool
    spacing: float
    tile: int
    trained_on: str = field(repr=False)
    device: str

    def __init__(
        self,
        checkpoint: Reference | str | os.PathLike[str] | Inversion,
        *,
        normalisation: Mapping[str, Affine] | None = None,
        clouds: bool | None = None,
        spacing: float | None = None,
        tile: int | None = None,
        device: str = "cpu",
    ) -> None:
        settings = taken(checkpoint)
        settings["normalisation"] = {**settings["normalisation"], **(normalisation or {})}
        settings["clouds"] = settings["clouds"] if clouds is None else clouds
        settings["spacing"] = round(float(spacing or settings["spacing"]), DIGITS)
        settings["tile"] = round(SIDE / settings["spacing"]) if tile is None else int(tile)
        for name, value in (settings | {"device": device}).items():
            object.__setattr__(self, name, value)
        wanted = ["ssh"] if self.configuration.state == "direct" else ["ssh", "currents"]
        if missing := [name for name in wanted if name not in self.normalisation]:
            raise CheckpointError(
                f"no normalisation of {' and '.join(missing)}, without which the network's numbers have no unit: pass "
                "normalisation={'ssh': Affine(mean, std), 'currents': Affine(0, scale)} of the training data"
            )

    @property
    def spec(self) -> ModelSpec:
        """What the engine needs and what it gives."""
        known = self.configuration
        half = known.days * DAY // 2
        return ModelSpec(
            name=f"{'unet' if known.direct else '4dvarnet'}-ssh{'-sst' if known.needs_sst else ''}",
            variables=("zos",),
            sources=tuple(OBSERVED) if known.needs_sst else ("ssh",),
            grid=self.spacing,
            window=(half, half),
            # An observation matters in all of a tile, and so do those beside it.
            halo=float(np.radians(self.tile * self.spacing * NEAR) * RADIUS),
            provenance=self._provenance(),
            adds=() if known.state == "direct" else CURRENTS,
            predictors=("thetao",) if known.needs_sst else (),
            needs=("zos",),
            gives_std=False,
            checkpoint=self.weights.sha256 if isinstance(self.weights, Reference) else "",
            days=known.days if known.needs_oi else 1,
            sees=("thetao",) if known.needs_sst else (),
        )

    def _provenance(self) -> str:
        """One line for the history of results."""
        whose = "" if isinstance(self.weights, Reference) else ", from memory"
        line = f"4DVarNet{whose}, windows of {self.configuration.days} days, tiles of {self.tile} cells"
        return line + (f", trained on {self.trained_on}" if self.trained_on else "")

    def to(self, device: str) -> FourDVarNet:
        """The same engine at work on a device."""
        moved = copy.copy(self)
        object.__setattr__(moved, "device", device)
        return moved

    def encode(self, points: Points, background: Background, time: np.datetime64) -> DailySums:
        """Reduce points to sums over the cells of the background, day by day.

        Parameters
        ----------
        points : Points
            Any number, in any order.
        background : Background
            Whose grid it is, and whose days, :attr:`Background.around`.
        time : datetime64
            The analysis time.

        Raises
        ------
        ValueError
            Where the background lacks days that the network sees, or has another spacing than it knows.
        """
        self._require_near(background)
        days = self._days(background, time)
        return DailySums.of(points, days, background.latitude, background.longitude, time)

    def analyse(self, encoded: DailySums, background: Background, targets: Targets) -> Analysis:
        """Sea surface height and currents at the targets.

        Parameters
        ----------
        encoded : DailySums
            From `encode`, with the same background.
        background : Background
            Its days, with land.
        targets : Targets
            Where. Between the cells of the background the analysis is bilinear.

        Raises
        ------
        ValueError
            Where the network sees temperature and there is none; where the background is missing on a day.
        RuntimeError
            In inference mode of torch.
        """
        import torch

        from adaf_xr.models.fourdvarnet.blending import blended

        scene = Scene.of(encoded, background, self.configuration, self.normalisation, self.clouds)
        place = Placing.of(background, self.configuration.multiple, scene.periodic)
        wanted = np.nan_to_num(place(_around(background, targets).astype("f8"))) > 0.0
        with slot(self.device), torch.no_grad():
            found = place.back(blended(self._network(), scene, self.tile, wanted))
        affines = [self.normalisation["ssh"], *([self.normalisation["currents"]] * 2)[: len(found) - 1]]
        fields = dict(
            zip(("zos", *CURRENTS), (a.backward(x) for a, x in zip(affines, found, strict=True)), strict=False)
        )
        return Analysis({name: _brought(name, values, background, targets) for name, values in fields.items()})

    def _days(self, background: Background, time: np.datetime64) -> NDArray[np.datetime64]:
        """The days of a window."""
        number = self.configuration.days
        if not self.configuration.needs_oi:
            return time.astype("M8[ns]") + (np.arange(number) - number // 2) * DAY
        if len(background.around) != number:
            raise ValueError(
                f"{self.spec.name} sees {number} days and was given {len(background.around)} backgrounds: set "
                "Background.around, the fields of each day by its time, as adaf_xr.assimilate does for series of days"
            )
        return np.array([*background.around], "M8[ns]")

    def _require_near(self, background: Background) -> None:
        """Refuse a grid on which fronts would be wider or narrower than those that the network knows."""
        axes = {"latitude": background.latitude, "longitude": background.longitude}
        steps = {name: float(np.median(np.abs(np.diff(axis)))) for name, axis in axes.items() if axis.size > 1}
        far = {name: step for name, step in steps.items() if not 1 / NEAR < step / self.spacing < NEAR}
        if far or len(steps) < 2:
            said = " and ".join(f"{step:g} degrees of {name}" for name, step in far.items()) or "a single row or column"
            raise ValueError(
                f"{self.spec.name} was trained on cells of {self.spacing:g} degrees, and the background has {said}: "
                "interpolate the background first, background.interp(latitude=np.arange(south, north, "
                f"{self.spacing:g}), longitude=np.arange(west, east, {self.spacing:g})), or make it so, "
                f"obs.adaf.assimilate(first_guess, model='oi', grid={self.spacing:g})"
            )

    def _network(self) -> Inversion:
        """The network at work, built once per process where it comes from a file."""
        from adaf_xr.models.fourdvarnet.weights import network_of

        return cast("Inversion", network_on(self.weights, self.device, network_of))


def _around(background: Background, targets: Targets) -> NDArray[np.bool_]:
    """The cells of a background that the analysis at targets is made of."""
    rows = grids.locate_latitude(background.latitude, targets.latitude)
    columns = grids.locate_longitude(background.longitude, targets.longitude)
    cells = np.zeros((background.latitude.size, background.longitude.size), bool)
    for row in (rows.lower, rows.upper):
        for column in (columns.lower, columns.upper):
            cells[np.ix_(row, column) if targets.gridded else (row, column)] = True
    return cells


def _brought(name: str, values: NDArray, background: Background, targets: Targets) -> NDArray[np.float64]:
    """A field at the targets, on the sea of the background; other levels, and what is not known, stay as they are."""
    known = background.fields.get(name)
    sea = np.isfinite(background.fields["zos"])
    top = replace(background, fields={}, depth=np.empty(0))
    if known is None:
        return at_targets(np.where(sea, values, np.nan), top, targets)[0]
    levels = known if known.ndim == 3 else known[None]
    level = int(np.argmin(background.depth)) if known.ndim == 3 else 0
    analysed = np.where(sea & np.isfinite(values), values, levels[level])
    found = at_targets(levels, top, targets)
    found[level] = at_targets(analysed, top, targets)[0]
    return found if known.ndim == 3 else found[0]
