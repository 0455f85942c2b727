"""What the channels of a state mean: where it begins, what of it is observed, and what is read from it.

The *augmented* state has five blocks, each of a channel per day: a coarse sea surface height, its anomaly where it was
observed, its anomaly everywhere, and eastward and northward currents. The first begins as the interpolated height and
is observed as such; the second is observed where there are observations; the others never are, and the prior alone
ties them to the rest. The height that it means is the first plus the third.

The *direct* state is the sea surface height of each day.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from adaf_xr.models.fourdvarnet.configuration import STATES, Configuration
from adaf_xr.models.fourdvarnet.window import Estimate, Window


@dataclass(frozen=True, eq=False)
class Observations:
    """A window as the cost sees it.

    Attributes
    ----------
    values : Tensor (batch, observed channels, rows, columns)
        Of the first channels of a state; 0 where nothing was observed.
    mask : Tensor
        Of the same shape: 1 where it counts, else 0.
    sst, sst_mask : Tensor (batch, days, rows, columns), optional
        Temperature, 0 in gaps, and 1 where it is known.
    """

    values: Tensor
    mask: Tensor
    sst: Tensor | None = None
    sst_mask: Tensor | None = None


def observations_of(window: Window, configuration: Configuration) -> Observations:
    """What of the state of a window was observed."""
    there = window.mask
    mask = torch.ones_like(window.ssh) if configuration.gaps == "zero" else there.to(window.ssh.dtype)
    # By choices, not products: 0 times NaN is NaN.
    if configuration.state == "direct":
        values = torch.where(there, window.ssh, 0.0)
    else:
        assert window.oi is not None
        values = torch.cat([window.oi, torch.where(there, window.ssh - window.oi, 0.0)], 1)
        mask = torch.cat([torch.ones_like(mask), mask], 1)
    if not configuration.needs_sst or window.sst is None:
        return Observations(values, mask)
    known = torch.isfinite(window.sst)
    return Observations(values, mask, torch.where(known, window.sst, 0.0), known.to(mask.dtype))


def beginning(observations: Observations, configuration: Configuration) -> Tensor:
    """The state that the solver starts from: what was observed, the free anomaly as the observed one, no current."""
    values = observations.values
    if configuration.state == "direct":
        return values
    oi, anomaly = values.chunk(2, 1)
    return torch.cat([oi, anomaly, anomaly, torch.zeros_like(values)], 1)


def stacked(observations: Observations, configuration: Configuration) -> Tensor:
    """What direct inversion sees: a state that holds what was observed and else 0, and temperature below it."""
    unseen = configuration.channels - observations.values.shape[1]
    values = observations.values
    parts = [values, values.new_zeros(values.shape[0], unseen, *values.shape[2:])]
    return torch.cat(parts if observations.sst is None else [*parts, observations.sst], 1)


def estimate_of(state: Tensor, configuration: Configuration) -> Estimate:
    """What a state means."""
    blocks = state.split(configuration.days, 1)
    if STATES[configuration.state] == 1:
        return Estimate(state, None, None, state)
    return Estimate(blocks[0] + blocks[2], blocks[3], blocks[4], state)


def inverted(answer: Tensor, configuration: Configuration) -> Estimate:
    """What an answer of direct inversion means: its first blocks are height and currents, and the rest nothing."""
    ssh, u, v = answer.split(configuration.days, 1)[:3]
    return Estimate(ssh, u, v, answer)
