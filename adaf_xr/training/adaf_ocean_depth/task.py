"""Training of the depth stage, as the training room asks for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from adaf_xr.training.adaf_ocean_depth import options
from adaf_xr.training.shards import Shards, ShardsError

if TYPE_CHECKING:
    from torch import nn

    from adaf_xr.checkpoint import Checkpoint
    from adaf_xr.training.configuration import Configuration
    from adaf_xr.training.material import Material
    from adaf_xr.training.task import Batch, Sums


class AdafOceanDepthTask:
    """The depth stage beside a surface network that stays as it is: a sample of training is a crop of a day.

    Parameters
    ----------
    configuration : Configuration
        Of the training.
    folder : Path
        Shards that :meth:`prepare` wrote.

    Raises
    ------
    adaf_xr.training.shards.ShardsError
        Where they are incomplete, or were prepared with other surface weights.
    """

    Model, Data, Loss = options.Model, options.Data, options.Loss

    def __init__(self, configuration: Configuration, folder: Path) -> None:
        from adaf_xr import checkpoint
        from adaf_xr.training.adaf_ocean_depth import preparing
        from adaf_xr.training.adaf_ocean_depth.surface import run_of

        self.width = options.Model.model_validate(configuration.model).width
        self.data = options.Data.model_validate(configuration.data)
        self.options = options.Loss.model_validate(configuration.loss)
        self.shards = Shards.open(folder, preparing.fed())
        if checkpoint.digest(run_of(self.data.surface).best) != self.shards.fingerprint["surface"]:
            raise ShardsError(
                f"the shards in {folder} were prepared with other weights than {run_of(self.data.surface).best} has "
                "now: prepare again in another folder"
            )

    @classmethod
    def prepare(
        cls,
        configuration: Configuration,
        material: Material,
        folder: Path,
        *,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Write the shards with dask; those that are there and fit are kept."""
        from adaf_xr.training.adaf_ocean_depth.preparing import prepare

        prepare(material, Path(folder), options.Data.model_validate(configuration.data), progress)

    def network(self) -> nn.Module:
        """The depth stage with its first weights."""
        from adaf_xr.models.adaf_ocean.depth_network import DepthStage

        return DepthStage(self.width)

    def samples(self, split: str) -> int:
        """Crops of an epoch; of validation, days."""
        return self.shards.count(split) * (self.data.crops if split == "train" else 1)

    def batch(self, split: str, indices: Sequence[int], seeds: Sequence[int]) -> Batch:
        """Crops of some days, each with levels that its seed draws; of validation, days as they are."""
        import torch

        items = [
            self._sampler.crop(split, index // self.data.crops, np.random.default_rng(seed))
            if split == "train"
            else self._sampler.whole(split, index)
            for index, seed in zip(indices, seeds, strict=True)
        ]
        stacked = {name: torch.stack([item[name] for item in items]) for name in items[0]}
        return stacked | {"wraps": torch.full((len(items),), split != "train")}

    def loss(self, network: nn.Module, batch: Batch) -> Sums:
        """Squared errors, and the likelihood of standard errors."""
        return self._objective.loss(network, batch)

    def scores(self, network: nn.Module, batch: Batch) -> Sums:
        """The loss, and errors of analysis and background by band of depth."""
        return self._objective.scores(network, batch)

    def checkpoint(self, weights: Mapping[str, NDArray[np.generic]], provenance: Mapping[str, Any]) -> Checkpoint:
        """The surface's checkpoint with the depth stage in it."""
        from dataclasses import replace

        from adaf_xr.models.adaf_ocean.header import calibration_of, configuration_of
        from adaf_xr.models.adaf_ocean.weights import checkpoint_of
        from adaf_xr.training.adaf_ocean_depth.surface import trained

        surface = trained(self.data.surface)
        own = {f"depth.{name}": array for name, array in weights.items()}
        days = {split: self.shards.count(split) for split in self.shards.days}
        said = {**surface.provenance, "depth": {**provenance, "days": days}}
        whole = replace(configuration_of(surface), depth=self.width)
        return checkpoint_of(whole, {**surface.weights, **own}, said, calibration_of(surface))

    @cached_property
    def _sampler(self) -> Any:
        from adaf_xr.training.adaf_ocean_depth.sampling import Sampler

        return Sampler(self.shards, self.data)

    @cached_property
    def _objective(self) -> Any:
        from adaf_xr.training.adaf_ocean_depth.objective import Objective

        return Objective(self.options)
