"""The published ADAF-Ocean network as an engine of `assimilate`: window by window, everywhere the targets are."""

from __future__ import annotations

import copy
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from adaf_xr import grids
from adaf_xr.checkpoint import Reference
from adaf_xr.models.base import Analysis, Background, ModelSpec, Targets
from adaf_xr.models.carrying import Held
from adaf_xr.models.cnp.carrying import NAME, network_on, weights_and_configuration
from adaf_xr.models.cnp.configuration import Configuration
from adaf_xr.models.cnp.day import Day, background_grid
from adaf_xr.models.cnp.demands import positive, whole
from adaf_xr.models.cnp.destinations import Destination
from adaf_xr.models.cnp.gridding import Encoded, quantities
from adaf_xr.models.cnp.lattices import finer, lattice_of_phase
from adaf_xr.models.cnp.windows import OverlapMean, Tiling
from adaf_xr.models.first_guess import at_targets
from adaf_xr.models.loading import slot
from adaf_xr.normalisation import minmax
from adaf_xr.points.arrays import Points
from adaf_xr.sphere import RADIUS

if TYPE_CHECKING:
    from adaf_xr.models.cnp.network import ConditionalNeuralProcess


@dataclass(frozen=True, init=False)
class AdafOceanCNP:
    """The published ADAF-Ocean network: background plus a residual that a neural process reads from observations.

    Every window of 10 x 20 degrees is analysed alone, and overlapping windows are averaged. The names of the options
    are the published ones. Differently from the published program, windows and patches go on across the prime meridian,
    and the last windows end with the grid, so that no cell is left out.

    Parameters
    ----------
    checkpoint : Reference, path or ConditionalNeuralProcess
        The weights: a checkpoint of this package, the folder of a published experiment, or a network. Only a Reference
        or the path of a file keeps them out of task graphs.
    lat_step, lon_step : int, optional
        Cells of the query grid between windows, counted from its first cell as published. None: 5 degrees, and on a
        finer query grid counted so that each token serves the targets in its own cell.
    depth_step : int, optional
        Every how many levels, of those the network reaches, are analysed, from the shallowest on; the others keep the
        background. None: the shallowest alone, for the published network is trained for the surface and nothing else.
    lat_res, lon_res : float, optional
        Spacing [degrees] of the query grid, equal, and the spacing of the background's lattice (1 degree) divided by a
        whole number. None: that of the targets where it is such a one, else 1 degree. The query grid lies as that of
        the training did; to targets that are none of its cells the increment is interpolated.
    batch_block : int
        Largest number of windows that are worked on together; memory bounds it too.
    device : str
        Where the network computes.

    Examples
    --------
    >>> from adaf_xr.models.cnp import thinned
    >>> engine = AdafOceanCNP(thinned(seed=0), lat_res=0.25, lon_res=0.25)
    >>> engine.spec.variables, engine.spec.predictors
    (('thetao', 'so', 'uo', 'vo', 'zos'), ('uas', 'vas', 'sla', 'siconc'))

    References
    ----------
    Xiang et al. 2025, ADAF-Ocean, arXiv 2511.06041.
    """

    weights: Reference | Held
    configuration: Configuration = field(repr=False)
    lat_step: int | None
    lon_step: int | None
    depth_step: int | None
    resolution: float | None
    batch_block: int
    device: str

    def __init__(
        self,
        checkpoint: Reference | str | os.PathLike[str] | ConditionalNeuralProcess,
        *,
        lat_step: int | None = None,
        lon_step: int | None = None,
        depth_step: int | None = None,
        lat_res: float | None = None,
        lon_res: float | None = None,
        batch_block: int = 300,
        device: str = "cpu",
    ) -> None:
        counts = {"lat_step": lat_step, "lon_step": lon_step, "depth_step": depth_step, "batch_block": batch_block}
        counts = {name: value if value is None else whole(value, name) for name, value in counts.items()}
        weights, configuration = weights_and_configuration(checkpoint)
        if lat_res is not None:
            positive(lat_res, "lat_res")
            finer(lattice_of_phase(lat_res, configuration.phase), configuration)  # refuses what does not nest
        if lat_res != lon_res:
            raise ValueError(f"lat_res={lat_res} and lon_res={lon_res} differ: query cells are square, give both alike")
        settings = {"weights": weights, "configuration": configuration, "resolution": lat_res, "device": device}
        for name, value in (settings | counts).items():
            object.__setattr__(self, name, value)

    @property
    def spec(self) -> ModelSpec:
        """What the engine needs and what it gives."""
        known = self.configuration
        observed = dict.fromkeys(name for _, name in quantities(known) if ":" not in name)
        unit = known.background.spacing
        return ModelSpec(
            name=NAME,
            variables=known.variables,
            sources=tuple(dict.fromkeys(source.kind for source in known.observed)),
            grid=unit,
            window=(np.timedelta64(round(known.days * 86400), "s"), np.timedelta64(0, "s")),
            halo=np.radians(_reach(known)) * RADIUS,
            provenance=self._provenance(),
            predictors=tuple(name for name in observed if name not in known.variables),
            needs=known.background.channels,
            gives_std=False,
            checkpoint=self.weights.sha256 if isinstance(self.weights, Reference) else "",
        )

    def _provenance(self) -> str:
        """One line for the history of results."""
        whose = "" if isinstance(self.weights, Reference) else ", from memory"
        high, wide = self.configuration.window
        step, deepest = self.depth_step, self.configuration.max_depth
        levels = "the surface" if step is None else f"depth_step {step} down to {deepest:g} m"
        return f"ADAF-Ocean network as published{whose}: windows of {high:g} x {wide:g} degrees, {levels}"

    def to(self, device: str) -> AdafOceanCNP:
        """The same engine at work on a device."""
        moved = copy.copy(self)
        object.__setattr__(moved, "device", device)
        return moved

    def encode(self, points: Points, background: Background, time: np.datetime64) -> Encoded:
        """Reduce points to sums over the cells of the network's lattices.

        Parameters
        ----------
        points : Points
            Any number, in any order.
        background : Background
            Not looked at: the network reads observations themselves.
        time : datetime64
            The analysis time; that points lie in the window before it is the caller's business.
        """
        return Encoded.of(points, self.configuration)

    def analyse(self, encoded: Encoded, background: Background, targets: Targets) -> Analysis:
        """The background at the targets, corrected.

        Windows without any sea among the targets are left out; on land the analysis is missing.

        Parameters
        ----------
        encoded : Encoded
            From `encode`.
        background : Background
            On any grid, regional or global, with all variables of the network. A field without depth is corrected with
            the shallowest level.
        targets : Targets
            Where.

        Raises
        ------
        ValueError
            Where the background lacks a variable, or has no level that the network reaches.
        """
        levels = self._levels(background)
        day = encoded.day(self.configuration, background, levels[0][0])
        fields = {name: background.fields[name] for name in self.configuration.variables}
        mean = {name: at_targets(values, background, targets) for name, values in fields.items()}
        where = Destination.of(targets, self.configuration, self.resolution)
        for place, (level, depth) in enumerate(levels):
            if place:
                key = self.configuration.background.key
                grids_of_level = {**day.grids, key: background_grid(background, self.configuration, level)}
                day = replace(day, grids=grids_of_level)
            # A field without depth is corrected once, with the shallowest level.
            layers = {
                name: mean[name][level if fields[name].ndim == 3 else 0]
                for name in fields
                if fields[name].ndim == 3 or not place
            }
            sea = np.any([np.isfinite(layer) for layer in layers.values()], axis=0)
            increments = self._increments(day, depth, where, sea)
            for name in layers:
                layers[name] += increments[name]  # in place: they are views of the mean
        return Analysis({name: mean[name] if fields[name].ndim == 3 else mean[name][0] for name in fields})

    def _levels(self, background: Background) -> list[tuple[int, float]]:
        """Number and depth [m] of the levels that are analysed, from the surface down."""
        if all(background.fields[name].ndim == 2 for name in self.configuration.variables if name in background.fields):
            return [(0, 0.0)]
        depth, deepest = np.asarray(background.depth, "f8"), self.configuration.max_depth
        reached = [(int(level), float(depth[level])) for level in np.argsort(depth) if depth[level] <= deepest]
        if not reached:
            raise ValueError(
                f"the network reaches {deepest:g} m, and the shallowest level of the background lies at "
                f"{depth.min():g} m: give its surface, background.isel(depth=0)"
            )
        (level, shallowest), *deeper = reached
        # The network knows one surface, at 0 m: in the published files, and in training, GLORYS' 0.494 m are that.
        levels = [(level, 0.0 if shallowest <= grids.SURFACE else shallowest), *deeper]
        return levels[:1] if self.depth_step is None else levels[:: self.depth_step]

    def _increments(
        self, day: Day, depth: float, where: Destination, sea: NDArray[np.bool_]
    ) -> dict[str, NDArray[np.float64]]:
        """Analysis minus background of every variable at the targets; 0 where there is no sea at all."""
        import torch

        from adaf_xr.models.cnp.tiles import residuals

        known = self.configuration
        tiling = Tiling.of(where.lattice, known, self.lat_step, self.lon_step)
        windows = tiling.touching(where.wanted(sea))
        if not windows[0].size:
            return dict.fromkeys(known.variables, np.zeros(sea.shape))
        mean = OverlapMean(tiling, windows[0], len(known.variables))
        with slot(self.device), torch.inference_mode():
            network = network_on(self.weights, self.device)
            for row, column, values in residuals(network, day, tiling, windows, depth, self.batch_block):
                mean.add(row, column, values)
        brought = where.bring(mean.values(), mean.first)
        scales = [minmax(*limits).scale for limits in known.ranges]
        return {name: scale * part for name, scale, part in zip(known.variables, scales, brought, strict=True)}


def _reach(configuration: Configuration) -> float:
    """How far [degrees of a great circle or less] from a target something in its windows can lie."""
    wide = max(configuration.window)
    patches = [max(source.shape) * source.spacing + 2 * source.spacing for source in configuration.observed]
    # Half a window to its centre, half a patch from there, and a cell for what is interpolated.
    return 0.5 * wide + max(0.5 * max(patches), *configuration.box[:2]) + 2.0 * configuration.background.spacing
