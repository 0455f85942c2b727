"""Training of the published ADAF-Ocean network, as the training room asks for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from adaf_xr.training.cnp import options, preparing
from adaf_xr.training.shards import Shards

if TYPE_CHECKING:
    from torch import nn

    from adaf_xr.checkpoint import Checkpoint
    from adaf_xr.models.cnp.configuration import Configuration as Network
    from adaf_xr.training.configuration import Configuration
    from adaf_xr.training.material import Material
    from adaf_xr.training.task import Batch, Sums


def network_of(configuration: Configuration) -> Network:
    """The network that a training configuration asks for."""
    return options.Model.model_validate(configuration.model).configuration()


class CNPTask:
    """The published network: a sample is a day, of which random windows are seen.

    Parameters
    ----------
    configuration : Configuration
        Of the training.
    folder : Path
        Shards that :meth:`prepare` wrote.

    Raises
    ------
    adaf_xr.training.shards.ShardsError
        Where they are incomplete, or were prepared for another network.
    """

    Model, Data, Loss = options.Model, options.Data, options.Loss

    def __init__(self, configuration: Configuration, folder: Path) -> None:
        self.model = options.Model.model_validate(configuration.model)
        self.configuration = self.model.configuration()
        self.data = options.Data.model_validate(configuration.data)
        self.options = options.Loss.model_validate(configuration.loss)
        self.shards = Shards.open(folder, {"network": preparing.what_sees(self.configuration)})

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
        every = options.Data.model_validate(configuration.data).every
        preparing.prepare(network_of(configuration), material, Path(folder), every, progress)

    def network(self) -> nn.Module:
        """The network with its first weights."""
        from adaf_xr.models.cnp.network import ConditionalNeuralProcess
        from adaf_xr.training.cnp.first_weights import make_local

        network = ConditionalNeuralProcess(self.configuration)
        return make_local(network) if self.model.first_weights == "local" else network

    def samples(self, split: str) -> int:
        """Days of a split."""
        return self.shards.count(split)

    def batch(self, split: str, indices: Sequence[int], seeds: Sequence[int]) -> Batch:
        """Random windows of some days, one day after another."""
        from adaf_xr.training.cnp.sampling import joined

        number = self.data.windows if split == "train" else self.data.validation_windows
        parts = []
        for index, seed in zip(indices, seeds, strict=True):
            day, truth = preparing.day_of(self.shards.read(split, index))
            parts.append(self._sampler.windows(day, truth, *self._sampler.draw(truth, number, seed)))
        return joined(parts)

    def loss(self, network: nn.Module, batch: Batch) -> Sums:
        """The published loss."""
        return self._objective.loss(network, batch)

    def scores(self, network: nn.Module, batch: Batch) -> Sums:
        """The loss, and root-mean-square errors of analysis and background."""
        return self._objective.scores(network, batch)

    def checkpoint(self, weights: Mapping[str, NDArray[np.generic]], provenance: Mapping[str, Any]) -> Checkpoint:
        """Weights with all that :class:`adaf_xr.models.cnp.AdafOceanCNP` needs.

        A network that was trained to give the analysis itself is of another family, for the engine would add it to
        the background.
        """
        from dataclasses import replace

        from adaf_xr.models.cnp.weights import checkpoint_of

        days = {split: self.shards.count(split) for split in self.shards.days}
        said = {**provenance, "material": self.shards.fingerprint.get("material", {}), "days": days}
        made = checkpoint_of(self.configuration, weights, said)
        return made if self.options.learn_residual else replace(made, family=f"{made.family}-analysis")

    @cached_property
    def _sampler(self) -> Any:
        from adaf_xr.training.cnp.sampling import Sampler

        return Sampler(self.configuration, self.data.lat_step, self.data.lon_step)

    @cached_property
    def _objective(self) -> Any:
        from adaf_xr.training.cnp.objective import Objective

        return Objective(self.configuration, self.options)
