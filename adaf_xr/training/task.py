"""What the training room asks of whoever wants something trained: one protocol, whatever the network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

if TYPE_CHECKING:
    from torch import Tensor, nn

    from adaf_xr.checkpoint import Checkpoint
    from adaf_xr.training.configuration import Configuration
    from adaf_xr.training.material import Material

Batch: TypeAlias = "Mapping[str, Tensor | Batch]"
"""Tensors by name, nested as the task likes; all have the same leading dimension, the items of the batch."""

Sums: TypeAlias = "Mapping[str, tuple[Tensor, Tensor]]"
"""Name -> (sum, count), both 0-d. They add up over micro-batches and ranks; their quotient is the mean over all."""


class Task(Protocol):
    """Something that can be trained: its data, its network, its loss.

    The training room knows how to train (ranks, order of the data, optimiser, precision, averages, resumption); a task
    knows what. It is made once on each rank, from the configuration of the run and the folder of its prepared shards.

    Attributes
    ----------
    Model, Data, Loss : type of pydantic.BaseModel
        What the sections `model`, `data` and `loss` of its configuration may hold (forbid what is extra).
    """

    Model: ClassVar[type[BaseModel]]
    Data: ClassVar[type[BaseModel]]
    Loss: ClassVar[type[BaseModel]]

    def __init__(self, configuration: Configuration, folder: Path) -> None: ...

    @classmethod
    def prepare(
        cls,
        configuration: Configuration,
        material: Material,
        folder: Path,
        *,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Write the shards, with dask, on the client: resumable, skipping what is there and fits."""

    def network(self) -> nn.Module:
        """The network with its first weights, which depend on torch's random state only (it is seeded before)."""

    def samples(self, split: str) -> int:
        """How many samples there are in "train" or "validation"."""

    def batch(self, split: str, indices: Sequence[int], seeds: Sequence[int]) -> Batch:
        """Samples as tensors on the CPU.

        It runs in a thread of the loader; in two at once while training data are made ahead of a validation. A sample
        depends on the split, its index and its seed only, never on what was asked before nor on random numbers that
        others draw too: this is what makes a run the same after a resumption and on any number of ranks.
        """

    def loss(self, network: nn.Module, batch: Batch) -> Sums:
        """What is minimised: sum / count of "loss", over the global batch.

        Further names are logged. The names are the same for every batch, and the sum of "loss" hangs on every weight
        of the network even where nothing counts (sum over a mask rather than choose by it and return a constant).
        Sums are to be float32 or better under bfloat16.
        """

    def scores(self, network: nn.Module, batch: Batch) -> Sums:
        """What is reported of the validation data: "loss" is a must, and the least is the best.

        Names "rmse_*" are reported as square roots of their means. The task decides what needs gradients: the room
        turns them neither on nor off.
        """

    def checkpoint(self, weights: Mapping[str, NDArray[np.generic]], provenance: Mapping[str, Any]) -> Checkpoint:
        """What inference needs to use these weights."""
