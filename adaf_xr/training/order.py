"""Which samples make which step, and all seeds: functions of the run's seed, so that nothing has to be remembered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

ORDER, SAMPLE, NETWORK, FIRST_WEIGHTS = range(4)
"""What a seed is for."""

VALIDATION = 0
"""Training epochs count from 1; the seeds of this one make the validation data, which are the same every time."""


def derived(seed: int, *purpose: int) -> int:
    """A seed of its own for every purpose.

    Examples
    --------
    >>> derived(1, SAMPLE, 2, 3) == derived(1, SAMPLE, 2, 3) != derived(1, SAMPLE, 3, 2)
    True
    """
    return int(np.random.SeedSequence(seed, spawn_key=purpose).generate_state(1, np.uint64)[0])


@dataclass(frozen=True)
class Draw:
    """The samples of one step.

    Attributes
    ----------
    epoch, step : int
        Counted from 1; steps are counted over all epochs.
    indices, seeds : tuple of int
        Of the samples.
    """

    epoch: int
    step: int
    indices: tuple[int, ...]
    seeds: tuple[int, ...]

    def share(self, rank: int, world: int) -> Self:
        """What one of several ranks takes: every world-th sample."""
        return replace(self, indices=self.indices[rank::world], seeds=self.seeds[rank::world])


def draws(seed: int, samples: int, batch: int, epochs: int, done: int = 0) -> Iterator[Draw]:
    """Every step of a training, in order, from the one after `done` on.

    An epoch visits each sample once in an order of its own. The samples that do not fill a last batch are left out of
    that epoch; others will be in the next.

    Examples
    --------
    >>> [len(draw.indices) for draw in draws(seed=0, samples=5, batch=2, epochs=1)]
    [2, 2]
    >>> later = list(draws(seed=0, samples=5, batch=2, epochs=2, done=3))
    >>> later == list(draws(seed=0, samples=5, batch=2, epochs=2))[3:]
    True
    """
    per_epoch = samples // batch
    for epoch in range(1 + done // per_epoch, epochs + 1):
        order = np.random.default_rng(derived(seed, ORDER, epoch)).permutation(samples)
        first = (epoch - 1) * per_epoch
        for within in range(max(done - first, 0), per_epoch):
            yield _draw(seed, epoch, first + within + 1, order[within * batch : (within + 1) * batch].tolist())


def validation(seed: int, samples: int, batch: int, rank: int = 0, world: int = 1) -> Iterator[Draw]:
    """Every sample of the validation data once, in order: the share of one rank, in batches of so many.

    Examples
    --------
    >>> [draw.indices for draw in validation(seed=0, samples=5, batch=2, rank=0, world=2)]
    [(0, 2), (4,)]
    """
    mine = range(rank, samples, world)
    for number, start in enumerate(range(0, len(mine), batch)):
        yield _draw(seed, VALIDATION, number + 1, list(mine[start : start + batch]))


def _draw(seed: int, epoch: int, step: int, indices: list[int]) -> Draw:
    return Draw(epoch, step, tuple(indices), tuple(derived(seed, SAMPLE, epoch, index) for index in indices))
