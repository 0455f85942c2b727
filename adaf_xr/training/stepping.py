"""One step of the optimiser on all ranks together: exactly that of one rank on the joined batch."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from math import inf, isfinite

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from adaf_xr.training.batches import moved, pieces
from adaf_xr.training.configuration import Configuration
from adaf_xr.training.optimisation import autocast, averaged, optimiser
from adaf_xr.training.order import FIRST_WEIGHTS, NETWORK, Draw, derived
from adaf_xr.training.sums import Adding, Totals
from adaf_xr.training.task import Batch, Sums, Task


class NotFiniteError(RuntimeError):
    """A loss or a gradient that is no number: nothing was done with it."""


@dataclass(frozen=True)
class Done:
    """What a step gave.

    Attributes
    ----------
    totals : dict
        Sums and counts over the global batch.
    norm : float or None
        Of the gradient, before clipping; None where nothing counted and the weights stayed.
    stop : bool
        Whether any rank was asked to stop.
    """

    totals: Totals
    norm: float | None
    stop: bool


class Objective(nn.Module):
    """Network and loss in one, so that a task sees its own network, whatever wraps this."""

    def __init__(self, task: Task, network: nn.Module) -> None:
        super().__init__()
        self.network, self.task = network, task

    def forward(self, batch: Batch) -> Sums:
        """The sums of a batch."""
        return self.task.loss(self.network, batch)


def seed(number: int, device: torch.device) -> None:
    """Seed the processor, and the device if it is another; `torch.manual_seed` looks for every kind there could be."""
    torch.default_generator.manual_seed(number)
    if device.type == "cuda":
        torch.cuda.manual_seed(number)


class Stepper:
    """Weights, their average and the optimiser of one rank.

    Attributes
    ----------
    network : nn.Module
    average : AveragedModel or None
    optimiser : torch.optim.Optimizer
    """

    def __init__(self, task: Task, wanted: Configuration, device: torch.device, rank: int = 0, world: int = 1) -> None:
        self.wanted, self.device, self.rank, self.world = wanted, device, rank, world
        seed(derived(wanted.seed, FIRST_WEIGHTS), device)
        self.network = task.network().to(device)
        self.average = averaged(self.network, wanted.ema)
        self.optimiser = optimiser(self.network, wanted.optimiser)
        objective = Objective(task, self.network)
        self.objective: nn.Module = objective
        if torch.distributed.is_initialized():
            self.objective = DistributedDataParallel(objective, broadcast_buffers=False)

    @property
    def best_network(self) -> nn.Module:
        """What is validated and delivered: the average where there is one."""
        return self.network if self.average is None else self.average.module

    def step(self, draw: Draw, batch: Batch, rate: float, stop: bool = False) -> Done:
        """Forward, backward, all-reduce, clip, update.

        Parameters
        ----------
        draw : Draw
            Of the global batch.
        batch : mapping
            This rank's share of it, on the CPU.
        rate : float
            Learning rate.
        stop : bool
            Whether this rank was asked to stop.

        Raises
        ------
        NotFiniteError
            Before any weight is changed.
        """
        seed(derived(self.wanted.seed, NETWORK, draw.step, self.rank), self.device)
        self.network.train()
        self.optimiser.zero_grad(set_to_none=True)
        totals, (stop,) = self._accumulate(batch).over_ranks(stop)
        self._share_buffers()
        total, count = totals["loss"]
        if not isfinite(total):
            raise NotFiniteError(self._lament(f"the loss is {total}", draw))
        if not count:
            return Done(totals, None, stop)
        norm = self._scale_and_clip(self.world / count)
        if not isfinite(norm):
            raise NotFiniteError(
                self._lament(f"the loss is {total / count:g}, but the norm of its gradient {norm}", draw)
            )
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group.get("share", 1.0)
        self.optimiser.step()
        if self.average is not None:
            self.average.update_parameters(self.network)
        return Done(totals, norm, stop)

    def _accumulate(self, batch: Batch) -> Adding:
        """Gradients of the sum over this rank's share; ranks meet in the last piece only."""
        adding, parts = Adding(), list(pieces(batch, self.wanted.micro_batch))
        for number, part in enumerate(parts, start=1):
            alone = isinstance(self.objective, DistributedDataParallel) and number < len(parts)
            with self.objective.no_sync() if alone else nullcontext():  # type: ignore[operator]
                with autocast(self.wanted.precision, self.device):
                    sums = self.objective(moved(part, self.device))
                sums["loss"][0].backward()
            adding.add(sums)
        return adding

    def _share_buffers(self) -> None:
        """What a network remembers of the data it saw is that of the first rank: all are to score the same network."""
        if torch.distributed.is_initialized():
            for buffer in self.network.buffers():
                torch.distributed.broadcast(buffer, 0)

    def _scale_and_clip(self, scale: float) -> float:
        """Turn means over ranks of sums into the mean over all that counts, then clip; the norm in between."""
        gradients = [weight.grad for weight in self.network.parameters() if weight.grad is not None]
        for gradient in gradients:
            gradient.mul_(scale)
        limit = self.wanted.optimiser.clip or inf
        return float(nn.utils.clip_grad_norm_(self.network.parameters(), limit))

    def _lament(self, what: str, draw: Draw) -> str:
        return (
            f"{what} in step {draw.step} (epoch {draw.epoch}), of the training samples {list(draw.indices)}. The "
            "weights were left as they were and the saved state is that before: look at these samples, lower "
            "optimiser.lr or set optimiser.clip, and begin in a new folder"
        )
