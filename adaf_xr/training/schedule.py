"""The learning rate as a function of the step: no state, so nothing of it can be lost or loaded wrongly."""

from __future__ import annotations

from bisect import bisect_right
from math import cos, pi

from adaf_xr.training.configuration import ConfigurationError, Schedule


def factor(schedule: Schedule, step: int, steps_per_epoch: int, epochs: int) -> float:
    """What the learning rate is multiplied by in a step.

    Milestones count whole epochs, as published training scripts step their schedules: milestone 80 means that epochs
    1 to 80 use the full rate, and epoch 81 the first reduced one. The warm-up and the cosine go on with every step:
    the warm-up rises to 1 at step `warmup`, the cosine falls from 1 in the step after that towards 0 in the one after
    the last.

    Parameters
    ----------
    schedule : Schedule
    step : int
        Counted from 1 over all epochs.
    steps_per_epoch, epochs : int

    Returns
    -------
    float

    Raises
    ------
    ConfigurationError
        Where the warm-up lasts as long as the whole training.

    Examples
    --------
    >>> published = Schedule(name="multistep", milestones=(80, 160, 200), gamma=0.5)
    >>> [factor(published, 91 * epoch, 91, 400) for epoch in (80, 81, 161, 201)]
    [1.0, 0.5, 0.25, 0.125]
    >>> [factor(Schedule(name="cosine", warmup=2), step, 3, 2) for step in (1, 2, 3, 5)]
    [0.5, 1.0, 1.0, 0.5]
    """
    total = steps_per_epoch * epochs
    if schedule.warmup >= total:
        raise ConfigurationError(
            f"schedule.warmup = {schedule.warmup} steps, and the whole training has {total}: warm up for fewer, or "
            "train for more epochs"
        )
    if step <= schedule.warmup:
        return step / schedule.warmup * _after_warmup(schedule, schedule.warmup + 1, steps_per_epoch, total)
    return _after_warmup(schedule, step, steps_per_epoch, total)


def _after_warmup(schedule: Schedule, step: int, steps_per_epoch: int, total: int) -> float:
    """The same without its warm-up."""
    if schedule.name == "multistep":
        return schedule.gamma ** bisect_right(schedule.milestones, (step - 1) // steps_per_epoch)
    if schedule.name == "cosine":
        return (1 + cos(pi * (step - 1 - schedule.warmup) / (total - schedule.warmup))) / 2
    return 1.0
