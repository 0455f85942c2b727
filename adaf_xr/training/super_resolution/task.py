"""Training of super-resolution, as the training room asks for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from adaf_xr.models.super_resolution import FACTOR, NAME
from adaf_xr.training.shards import Shards
from adaf_xr.training.super_resolution import options

if TYPE_CHECKING:
    from torch import Tensor, nn

    from adaf_xr.checkpoint import Checkpoint
    from adaf_xr.training.configuration import Configuration
    from adaf_xr.training.material import Material
    from adaf_xr.training.task import Batch, Sums


class SuperResolutionTask:
    """A network that adds to cubic upsampling what it lacks: a sample is a patch of a field.

    Parameters
    ----------
    configuration : Configuration
        Of the training.
    folder : Path
        Shards that :meth:`prepare` wrote.

    Raises
    ------
    adaf_xr.training.shards.ShardsError
        Where they are incomplete, or other longitudes were held out of them.
    """

    Model, Data, Loss = options.Model, options.Data, options.Loss

    def __init__(self, configuration: Configuration, folder: Path) -> None:
        from adaf_xr.training.super_resolution.patches import Patches

        self.model = options.Model.model_validate(configuration.model)
        self.data = options.Data.model_validate(configuration.data)
        self.power = options.Loss.model_validate(configuration.loss).power
        shards = Shards.open(folder, {"task": NAME, "held_out": self.data.held_out})
        self.patches = Patches(shards, self.data)

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
        from adaf_xr.training.super_resolution.preparing import prepare

        data = options.Data.model_validate(configuration.data)
        prepare(material, data, configuration.seed, Path(folder), progress)

    def network(self) -> nn.Module:
        """The network with its first weights, which give cubic upsampling."""
        from adaf_xr.models.super_resolution.network import Network

        return Network(self.model.configuration())

    def samples(self, split: str) -> int:
        """Patches of an epoch or a validation."""
        return self.data.patches if split == "train" else self.data.validation_patches

    def batch(self, split: str, indices: Sequence[int], seeds: Sequence[int]) -> Batch:
        """Random patches; which ones, only the seeds say."""
        import torch

        drawn = [self.patches.drawn(split, seed) for seed in seeds]
        joined = {name: np.stack([patch[name] for patch in drawn]) for name in drawn[0]}
        numbers = torch.from_numpy(joined.pop("variable"))
        return {**{name: torch.from_numpy(a.astype("f4"))[:, None] for name, a in joined.items()}, "variable": numbers}

    def loss(self, network: nn.Module, batch: Batch) -> Sums:
        """Squared errors, relative to those of cubic upsampling."""
        error, before, weight = self._errors(network, batch)
        weight = weight / _fine(batch["amplitude"]) ** self.power  # type: ignore[arg-type]
        return {"loss": ((weight * error**2).sum(), (weight * before**2).sum())}

    def scores(self, network: nn.Module, batch: Batch) -> Sums:
        """Squared errors relative to those of mean-keeping cubic upsampling, over all and by variable."""
        import torch

        with torch.no_grad():
            error, before, weight = self._errors(network, batch)
            left, all_ = ((weight * square).sum((1, 2, 3)) for square in (error**2, before**2))
            sums = {"loss": (left.sum(), all_.sum())}
            for number, name in enumerate(self.patches.names):
                mine = batch["variable"] == number
                sums[f"share_{name}"] = (left * mine).sum(), (all_ * mine).sum()
        return sums

    def _errors(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Errors of the network and of cubic upsampling, and what they weigh, on the fine grid."""
        from adaf_xr.models.super_resolution.means import without_means

        held: Any = batch
        answer = network(held["pattern"], held["present"], held["sea"]) * _fine(held["amplitude"])
        error = without_means(answer, held["sea"], FACTOR) - held["residual"]
        return error, held["residual"], _fine(held["weight"]) * held["sea"]

    def checkpoint(self, weights: Mapping[str, NDArray[np.generic]], provenance: Mapping[str, Any]) -> Checkpoint:
        """Weights, in half precision, with all that the engine needs."""
        from adaf_xr.checkpoint import Checkpoint

        half = {name: array.astype("f2") for name, array in weights.items()}
        shards = self.patches.shards
        labels = sorted({view["label"] for view in shards.fingerprint["views"]["train"]})
        said = {**provenance, "material": shards.fingerprint.get("material", {}), "fields": labels}
        return Checkpoint(NAME, half, self.model.configuration().as_dict(), provenance=said)


def _fine(coarse: Tensor) -> Tensor:
    """Every cell as a block."""
    return coarse.repeat_interleave(FACTOR, -2).repeat_interleave(FACTOR, -1)
