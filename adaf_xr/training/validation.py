"""Scores of the validation data, over all ranks."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from math import isfinite

import torch
from torch import nn

from adaf_xr.training.batches import moved, pieces
from adaf_xr.training.configuration import Configuration
from adaf_xr.training.loader import Loader
from adaf_xr.training.order import Draw, validation
from adaf_xr.training.stepping import NotFiniteError
from adaf_xr.training.sums import Adding, anywhere, gathered, means
from adaf_xr.training.task import Batch, Task


def validate(
    task: Task,
    network: nn.Module,
    wanted: Configuration,
    device: torch.device,
    make: Callable[[Draw], Batch],
    emit: Callable[..., object],
    asked: Callable[[], bool],
    rank: int = 0,
    world: int = 1,
) -> dict[str, float] | None:
    """Scores of a network: the same samples, of the same seeds, every time, in float32 as inference will be.

    Parameters
    ----------
    task : Task
    network : nn.Module
    wanted : Configuration
    device : torch.device
    make : callable
        A draw of the validation data -> its batch.
    emit : callable
        Hears of every batch.
    asked : callable
        Whether this rank was asked to stop.
    rank, world : int

    Returns
    -------
    dict or None
        Name -> mean over all samples and ranks; of names "rmse_*" the square root of it. None where any rank was asked
        to stop.

    Raises
    ------
    ValueError
        Where nothing counts.
    NotFiniteError
        Where the loss is no number.
    """
    samples = task.samples("validation")
    mine, most = (list(validation(wanted.seed, samples, wanted.per_rank(world), k, world)) for k in (rank, 0))
    adding = Adding()
    network.eval()
    with Loader(make, mine) as loader:
        batches = iter(loader)
        for done in range(1, len(most) + 1):
            # A rank may have a batch less than the first one.
            for _, batch in islice(batches, 1):
                for part in pieces(batch, wanted.micro_batch):
                    adding.add(task.scores(network, moved(part, device)))
            emit(kind="validating", done=done, total=len(most))
            if anywhere(asked(), device):
                return None
    totals = gathered(adding.totals())
    if not totals.get("loss", (0.0, 0.0))[1]:
        raise ValueError(
            f"nothing counts in the {samples} validation samples: the data of that period are all missing. Choose "
            "another period, or look at how they were prepared"
        )
    scores = means(totals)
    if not isfinite(scores["loss"]):
        raise NotFiniteError(f"the validation loss is {scores['loss']}: lower optimiser.lr or set optimiser.clip")
    return scores
