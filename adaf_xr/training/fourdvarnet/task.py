"""Training of 4DVarNet, as the training room asks for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from adaf_xr.training.fourdvarnet import options
from adaf_xr.training.shards import Shards

if TYPE_CHECKING:
    from torch import nn

    from adaf_xr.checkpoint import Checkpoint
    from adaf_xr.training.configuration import Configuration
    from adaf_xr.training.fourdvarnet.objective import Objective
    from adaf_xr.training.fourdvarnet.windows import Windows
    from adaf_xr.training.material import Material
    from adaf_xr.training.task import Batch, Sums


class FourDVarNetTask:
    """The four experiments: a sample of training is a crop of a window of days, one of validation a whole window.

    Parameters
    ----------
    configuration : Configuration
        Of the training.
    folder : Path
        Shards that :meth:`prepare` wrote; all four experiments can share them.

    Raises
    ------
    adaf_xr.training.shards.ShardsError
        Where they are incomplete, or of another region, interpolated height or temperature than is wanted.
    """

    Model, Data, Loss = options.Model, options.Data, options.Loss

    def __init__(self, configuration: Configuration, folder: Path) -> None:
        from adaf_xr.training.fourdvarnet import preparing

        self.configuration = options.Model.model_validate(configuration.model).configuration()
        self.data = options.Data.model_validate(configuration.data)
        self.options = options.Loss.model_validate(configuration.loss)
        self.shards = Shards.open(folder, preparing.fed(self.data))

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
        from adaf_xr.training.fourdvarnet.preparing import prepare

        prepare(material, Path(folder), options.Data.model_validate(configuration.data), progress)

    def network(self) -> nn.Module:
        """The network with its first weights."""
        from adaf_xr.models.fourdvarnet import network_for

        return network_for(self.configuration)

    def samples(self, split: str) -> int:
        """Crops of windows in an epoch; of validation, windows."""
        return self._windows.count(split) * (self.data.crops if split == "train" else 1)

    def batch(self, split: str, indices: Sequence[int], seeds: Sequence[int]) -> Batch:
        """Crops of some windows, which their seeds draw; of validation, windows as they are."""
        import torch

        samples = [
            self._windows.drawn(split, index // self.data.crops, np.random.default_rng(seed))
            if split == "train"
            else self._windows.whole(split, index)
            for index, seed in zip(indices, seeds, strict=True)
        ]
        return {name: torch.from_numpy(np.stack([sample[name] for sample in samples])) for name in samples[0]}

    def loss(self, network: nn.Module, batch: Batch) -> Sums:
        """The loss of the paper, and its terms after the last block."""
        return self._objective.loss(network, batch)

    def scores(self, network: nn.Module, batch: Batch) -> Sums:
        """The loss and its terms, and scores of the centre day on the grid of the data."""
        import torch

        from adaf_xr.models.fourdvarnet.window import refined
        from adaf_xr.training.fourdvarnet.operators import Flow
        from adaf_xr.training.fourdvarnet.scores import scored
        from adaf_xr.training.fourdvarnet.truth import Truth, window_of

        cells = self.configuration.pooling
        flow = Flow.of(self._windows.normalisation, self._windows.steps)
        with torch.no_grad():
            estimates = network(window_of(batch, self.configuration), refine=False)
            sums = self._objective.of(network, estimates, Truth.of(batch, cells))
            finest = refined(estimates[-1], cells)
            return {**sums, **scored(finest, Truth.of(batch), flow, self.options.border, self.options.smoothing)}

    def checkpoint(self, weights: Mapping[str, NDArray[np.generic]], provenance: Mapping[str, Any]) -> Checkpoint:
        """Weights with all that the engine needs."""
        from adaf_xr.models.fourdvarnet.weights import checkpoint_of

        rows, columns = (len(axis) for axis in self._windows.axes)
        said = {
            **provenance,
            "material": self.shards.fingerprint.get("material", {}),
            "days": {split: self.shards.count(split) for split in self.shards.days},
            "spacing": self._windows.steps[0],
            "crop": [self.data.rows or rows, self.data.columns or columns],
            "interpolated": self.data.interpolated,
        }
        return checkpoint_of(self.configuration, weights, self._windows.normalisation, said)

    @cached_property
    def _windows(self) -> Windows:
        from adaf_xr.training.fourdvarnet.windows import Windows

        return Windows(self.shards, self.data, self.configuration)

    @cached_property
    def _objective(self) -> Objective:
        from adaf_xr.training.fourdvarnet.objective import Objective

        return Objective(self.options, self.configuration, self._windows.normalisation, self._windows.steps)
