"""Training of adaf-ocean, as the training room asks for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from adaf_xr.training.adaf_ocean import options
from adaf_xr.training.shards import Shards, ShardsError

if TYPE_CHECKING:
    from torch import nn

    from adaf_xr.checkpoint import Checkpoint
    from adaf_xr.training.configuration import Configuration
    from adaf_xr.training.material import Material
    from adaf_xr.training.task import Batch, Sums


class AdafOceanTask:
    """The default model: a sample of training is a crop of a day, one of validation the globe.

    Parameters
    ----------
    configuration : Configuration
        Of the training.
    folder : Path
        Shards that :meth:`prepare` wrote.

    Raises
    ------
    adaf_xr.training.shards.ShardsError
        Where they are incomplete, were prepared for another network, or lack the maps of sea level that are wanted.
    """

    Model, Data, Loss = options.Model, options.Data, options.Loss

    def __init__(self, configuration: Configuration, folder: Path) -> None:
        from adaf_xr.training.adaf_ocean import preparing
        from adaf_xr.training.adaf_ocean.maps import MAPS

        self.configuration = options.Model.model_validate(configuration.model).configuration()
        self.data = options.Data.model_validate(configuration.data)
        self.options = options.Loss.model_validate(configuration.loss)
        self.shards = Shards.open(folder, preparing.fed())
        if self.data.sea_level and MAPS not in self.shards.days:
            raise ShardsError(
                f"the shards in {folder} were prepared without maps of sea level, and data.sea_level asks for them: "
                "prepare again in another folder, or set data.sea_level to null"
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
        from adaf_xr.training.adaf_ocean.preparing import prepare

        prepare(material, Path(folder), options.Data.model_validate(configuration.data), progress)

    def network(self) -> nn.Module:
        """The network with its first weights."""
        from adaf_xr.models.adaf_ocean.network import AdafOceanNetwork

        return AdafOceanNetwork(self.configuration)

    def samples(self, split: str) -> int:
        """Crops of a split in an epoch; of validation, days."""
        days = self.shards.count(split)
        return days * self.data.crops if split == "train" else min(days, self.data.validation_days)

    def batch(self, split: str, indices: Sequence[int], seeds: Sequence[int]) -> Batch:
        """Crops of some days, each in a variation that its seed draws; of validation, days as they are."""
        import torch

        items = [
            self._sampler.crop(split, index // self.data.crops, np.random.default_rng(seed))
            if split == "train"
            else self._sampler.whole(split, index * self.shards.count(split) // self.samples(split))
            for index, seed in zip(indices, seeds, strict=True)
        ]
        stacked = {name: torch.stack([item[name] for item in items]) for name in items[0]}
        return stacked | {"wraps": torch.full((len(items),), split != "train")}

    def loss(self, network: nn.Module, batch: Batch) -> Sums:
        """Squared errors, and the likelihood of standard errors."""
        return self._objective.loss(network, batch)

    def scores(self, network: nn.Module, batch: Batch) -> Sums:
        """The loss, and errors of analysis and background."""
        return self._objective.scores(network, batch)

    def checkpoint(self, weights: Mapping[str, NDArray[np.generic]], provenance: Mapping[str, Any]) -> Checkpoint:
        """Weights with all that :class:`adaf_xr.models.adaf_ocean.engine.AdafOcean` needs."""
        from adaf_xr.models.adaf_ocean.weights import checkpoint_of

        days = {split: self.shards.count(split) for split in self.shards.days}
        said = {**provenance, "material": self.shards.fingerprint.get("material", {}), "days": days}
        return checkpoint_of(self.configuration, weights, said)

    @cached_property
    def _sampler(self) -> Any:
        from adaf_xr.training.adaf_ocean.sampling import Sampler

        return Sampler(self.shards, self.data)

    @cached_property
    def _objective(self) -> Any:
        from adaf_xr.training.adaf_ocean.objective import Objective

        return Objective(self.options)
