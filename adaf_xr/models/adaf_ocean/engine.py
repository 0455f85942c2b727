"""ADAF-Ocean as an engine of `assimilate`: sums of observations and a background in, an analysis at any place out."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from adaf_xr.checkpoint import CheckpointError, Reference
from adaf_xr.models.adaf_ocean.channels import ANOMALY, CHANNELS, DAYS, PREDICTORS, STATE, TOP
from adaf_xr.models.adaf_ocean.configuration import NAME, Configuration
from adaf_xr.models.adaf_ocean.deep_sums import deep_sums
from adaf_xr.models.adaf_ocean.depths import BELOW, CALIBRATED, has_levels
from adaf_xr.models.adaf_ocean.frame import Frame
from adaf_xr.models.adaf_ocean.header import calibration_of, configuration_of, depth_calibration_of
from adaf_xr.models.adaf_ocean.large_scale import HALO as WIDE_HALO
from adaf_xr.models.adaf_ocean.large_scale import with_large_scale
from adaf_xr.models.adaf_ocean.sums import FINE, Sums
from adaf_xr.models.base import Analysis, Background, ModelSpec, Targets
from adaf_xr.models.carrying import Held, described, network_on
from adaf_xr.models.first_guess import at_targets
from adaf_xr.models.loading import slot
from adaf_xr.points.arrays import Points
from adaf_xr.sphere import RADIUS

if TYPE_CHECKING:
    from adaf_xr.models.adaf_ocean.delivery import Lattice
    from adaf_xr.models.adaf_ocean.levels import Depths
    from adaf_xr.models.adaf_ocean.network import AdafOceanNetwork

REACH = 11
"""Coarse cells beyond which no observation matters to a feature, nor the network's answer to a target: three standard
deviations of the widest blur, one for the slope of sea level, one for what is interpolated."""


@dataclass(frozen=True, init=False)
class AdafOcean:
    """Background plus increments that a network reads from innovations, with standard errors.

    Observations count by the channels of :mod:`adaf_xr.models.adaf_ocean.channels`, down to 12 m, and temperature and
    salinity in situ down to 2500 m, where the background has levels; the others are left out. The surface is analysed,
    and levels down to 12 m with it; deeper ones by the depth stage, at any depth. Weights without a depth stage leave
    them as they are, without a standard error. Variables that the background lacks are not made. A background with
    ``sla`` in place of ``zos`` is corrected by observations of ``sla``.

    The analysis does not depend on the order of points, on how they are chunked, nor on how targets are. Without any
    observation within 8 degrees it is the background.

    Parameters
    ----------
    checkpoint : Reference, path or AdafOceanNetwork
        The weights. Only a Reference or a path keeps them out of task graphs.
    device : str
        Where the network computes.
    large_scale : bool
        Whether sea level is first corrected at the scale of basins, where altimeters say that it must be
        (:mod:`adaf_xr.models.adaf_ocean.large_scale`): the network does not look that far.

    Raises
    ------
    adaf_xr.checkpoint.CheckpointError
        If the file is missing, unusable, or of another family or version.

    Examples
    --------
    >>> from adaf_xr.models.adaf_ocean.network import AdafOceanNetwork
    >>> engine = AdafOcean(AdafOceanNetwork(Configuration((8, 8), (1, 1), 4)))
    >>> latitude, longitude = np.arange(30.5, 40.0), np.arange(-40.5, -30.0)
    >>> background = Background(latitude, longitude, np.empty(0), {"zos": np.zeros((10, 11))})
    >>> nothing = engine.encode(Points.empty(), background, np.datetime64("2020-01-01"))
    >>> analysis = engine.analyse(nothing, background, Targets(np.array([35.125]), np.array([-35.125, -34.875])))
    >>> analysis.mean["zos"].tolist(), bool((analysis.std["zos"] > 0.0).all())
    ([[0.0, 0.0]], True)
    """

    weights: Reference | Held
    configuration: Configuration
    calibration: tuple[float, ...] = field(repr=False)
    depth_calibration: tuple[tuple[float, ...], ...] = field(repr=False)
    trained_on: str = field(repr=False)
    device: str
    large_scale: bool

    def __init__(
        self,
        checkpoint: Reference | str | os.PathLike[str] | AdafOceanNetwork,
        *,
        device: str = "cpu",
        large_scale: bool = True,
    ) -> None:
        settings = {**_taken(checkpoint), "device": device, "large_scale": large_scale}
        for name, value in settings.items():
            object.__setattr__(self, name, value)

    @property
    def spec(self) -> ModelSpec:
        """What the engine needs and what it gives."""
        span = np.timedelta64(DAYS, "D")
        return ModelSpec(
            name=NAME,
            variables=(*STATE, ANOMALY),
            sources=tuple(dict.fromkeys(channel.source for channel in CHANNELS)),
            grid=FINE,
            window=(span, span),
            halo=max(
                float(np.radians(self.configuration.reach + REACH) * RADIUS), WIDE_HALO if self.large_scale else 0.0
            ),
            provenance=self._provenance(),
            predictors=tuple(channel.variable for channel in PREDICTORS),
            checkpoint=self.weights.sha256 if isinstance(self.weights, Reference) else "",
        )

    def _provenance(self) -> str:
        """One line for the history of results."""
        whose = "" if isinstance(self.weights, Reference) else ", from memory"
        return f"ADAF-Ocean network{whose}" + (f", trained on {self.trained_on}" if self.trained_on else "")

    def to(self, device: str) -> AdafOcean:
        """The same engine at work on a device."""
        moved = copy.copy(self)
        object.__setattr__(moved, "device", device)
        return moved

    def reached(self, depth: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which levels are analysed, of levels at depths [m]; the others keep the background.

        With a depth stage all of them are, where the first is at the surface.
        """
        near = np.asarray(depth, "f8") <= TOP
        return np.full_like(near, near.any()) if self.configuration.depth else near

    def encode(self, points: Points, background: Background, time: np.datetime64) -> Sums:
        """Reduce points to sums over cells.

        Parameters
        ----------
        points : Points
            Any number, in any order; those farther than 5 days from the analysis time count for nothing.
        background : Background
            Says where points can matter.
        time : datetime64
            The analysis time.
        """
        frame = Frame.around(background)
        inside = points.where(frame.holds(points.latitude, points.longitude))
        sums = Sums.of(inside, time)
        return sums + deep_sums(inside, background, time) if self.configuration.depth else sums

    def analyse(self, encoded: Sums, background: Background, targets: Targets) -> Analysis:
        """The background at the targets, corrected, and its standard error.

        Parameters
        ----------
        encoded : Sums
            From `encode`.
        background : Background
            On any rectilinear grid, regional or global, with any of the variables.
        targets : Targets
            Where. On grids of 1 degree and coarser ones increments are those of 1 degree; elsewhere, and at points,
            those of 0.25 degrees; both are bilinear between the centres of cells.

        Raises
        ------
        ValueError
            Where a background with levels has none down to 12 m.
        """
        top = _top(background)
        mean, std = {}, {}
        for given, names in _seas(background):
            part = with_large_scale(given, encoded) if self.large_scale else given
            surface, depths = self._found(encoded, part, top[0], targets)
            for name in names:
                values = part.fields[name]
                mean[name] = _at_all_levels(values, part, targets)
                std[name] = np.full_like(mean[name], np.nan)
            if depths is not None:
                self._descend(depths, part, targets, top, (mean, std))
            found = surface.delivered(targets)
            for name in names:
                levels, place = top if part.fields[name].ndim == 3 else [0], STATE.index(_as_state(name))
                mean[name][levels] += found.mean[place]
                known = np.isfinite(mean[name][levels])
                std[name][levels] = np.where(known, self.calibration[place] * found.std[place], np.nan)
                shape = (*part.fields[name].shape[:-2], *targets.shape)
                mean[name], std[name] = mean[name].reshape(shape), std[name].reshape(shape)
        return Analysis(mean, std)

    def _found(
        self, encoded: Sums, background: Background, level: int, targets: Targets
    ) -> tuple[Lattice, Depths | None]:
        """What to add to one level of a background, and what finds that of deeper ones."""
        import torch

        from adaf_xr.models.adaf_ocean.analysing import found

        with slot(self.device), torch.inference_mode():
            return found(self._network(), encoded, background, level, targets, self.device)

    def _descend(
        self,
        depths: Depths,
        background: Background,
        targets: Targets,
        top: list[int],
        analysis: tuple[dict[str, NDArray], dict[str, NDArray]],
    ) -> None:
        """Analyse the levels below the surface: the background is there, and its standard errors are missing."""
        import torch

        from adaf_xr.models.adaf_ocean.levels import descended

        mean, std = analysis
        names = [name for name in BELOW if has_levels(background, name)]
        levels = set(range(background.depth.size)) - set(top)
        with slot(self.device), torch.inference_mode():
            for found in descended(depths, {name: mean[name] for name in names}, background.depth, targets, levels):
                factors = self._factors(float(background.depth[found.level]), found.fade)
                for name in names:
                    place, here = BELOW.index(name), mean[name][found.level]
                    here += found.mean[place]
                    error = factors[place] * np.exp(found.log_std[place])
                    std[name][found.level] = np.where(np.isfinite(here), error, np.nan)

    def _factors(self, depth: float, fade: float) -> NDArray[np.float64]:
        """What standard errors at a depth [m] are multiplied by, in the order of `BELOW`."""
        surface = [self.calibration[STATE.index(name)] for name in BELOW]
        deep = [np.interp(depth, CALIBRATED, factors) for factors in self.depth_calibration]
        return np.exp((1.0 - fade) * np.log(surface) + fade * np.log(deep))

    def _network(self) -> AdafOceanNetwork:
        """The network at work, built once per process where it comes from a file."""
        from adaf_xr.models.adaf_ocean.weights import network_of

        return cast("AdafOceanNetwork", network_on(self.weights, self.device, network_of))


def _taken(given: Any) -> dict[str, Any]:
    """What an engine keeps of what it is given."""
    if isinstance(given, str | os.PathLike):
        given = Reference.of(given)
    if isinstance(given, Reference):
        about = described(given, NAME)
        try:
            known = {
                "configuration": configuration_of(about),
                "calibration": tuple(calibration_of(about).values()),
                "depth_calibration": tuple(depth_calibration_of(about).values()),
            }
        except CheckpointError as error:
            raise CheckpointError(f"{given.path}: {error}") from error
        return {"weights": given, "trained_on": _trained_on(about.provenance), **known}
    if not isinstance(configuration := getattr(given, "configuration", None), Configuration):
        raise TypeError(f"{type(given).__name__} is no network: give a checkpoint, its path, or an AdafOceanNetwork")
    ones = {"calibration": (1.0,) * len(STATE), "depth_calibration": ((1.0,) * len(CALIBRATED),) * len(BELOW)}
    return {"weights": Held(given), "configuration": configuration, "trained_on": "", **ones}


def _trained_on(provenance: Mapping[str, Any]) -> str:
    """The data that a checkpoint names: what its maker wrote, else the experiment."""
    experiment = provenance.get("data", {}).get("experiment", {})
    return str(provenance.get("trained_on") or experiment.get("name", ""))


def _at_all_levels(values: NDArray, background: Background, targets: Targets) -> NDArray[np.float64]:
    """A field of the background at the targets, (levels, *targets.shape)."""
    found = np.empty((len(values) if values.ndim == 3 else 1, *targets.shape))
    for level, here in enumerate(values if values.ndim == 3 else [values]):
        # One by one: what is made on the way is larger than the result.
        found[level] = at_targets(here, background, targets)[0]
    return found


def _top(background: Background) -> list[int]:
    """Numbers of the levels that are analysed, from the shallowest on; one stands for a background without levels."""
    if not any(has_levels(background, name) for name in background.fields if _as_state(name) in STATE):
        return [0]
    depth = np.asarray(background.depth, "f8")
    top = [int(level) for level in np.argsort(depth) if depth[level] <= TOP]
    if not top:
        raise ValueError(
            f"{NAME} analyses the surface, down to {TOP:g} m, and the shallowest level of the background lies at "
            f"{depth.min():g} m: add a level above, or take model='oi', which analyses every depth"
        )
    return top


def _seas(background: Background) -> list[tuple[Background, list[str]]]:
    """Backgrounds with one sea level each, and what of them is wanted; the first is the only one nearly always."""
    own = {name: values for name, values in background.fields.items() if _as_state(name) in STATE}
    if {"zos", ANOMALY} <= set(own):
        absolute, anomalies = ({n: v for n, v in own.items() if n != other} for other in (ANOMALY, "zos"))
        return [(replace(background, fields=absolute), [*absolute]), (replace(background, fields=anomalies), [ANOMALY])]
    return [(replace(background, fields=own), [*own])]


def _as_state(name: str) -> str:
    """The variable of the network that a variable is analysed as."""
    return "zos" if name == ANOMALY else name
