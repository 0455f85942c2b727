"""The networks: a solver unrolled over its steps, and direct inversion by the prior alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from adaf_xr.models.fourdvarnet.configuration import Configuration
from adaf_xr.models.fourdvarnet.cost import VariationalCost
from adaf_xr.models.fourdvarnet.prior import prior_of
from adaf_xr.models.fourdvarnet.solver import Course, Solver
from adaf_xr.models.fourdvarnet.state import (
    Observations,
    beginning,
    estimate_of,
    inverted,
    observations_of,
    stacked,
)
from adaf_xr.models.fourdvarnet.window import Estimate, Window, coarsened, refined, refuse_unfit

Estimates = tuple[Estimate, ...]
"""After each block of the solver, the last being the result."""


class Inversion(nn.Module):
    """What both networks share: a window is checked, brought to the network's grid, and the answer back.

    Parameters
    ----------
    configuration : Configuration
        What the network consists of.
    """

    def __init__(self, configuration: Configuration) -> None:
        super().__init__()
        self.configuration = configuration

    def forward(self, window: Window, refine: bool = True) -> Estimates:
        """Sea surface height and currents of a window.

        Parameters
        ----------
        window : Window
            What was observed, normalised.
        refine : bool
            Whether a network that works on means of cells interpolates its answer to the grid of the window. The
            published training of such a network compares it with means of the truth instead.

        Returns
        -------
        tuple of Estimate
            After each block of steps; the last is the result.

        Raises
        ------
        ValueError
            As :func:`adaf_xr.models.fourdvarnet.window.refuse_unfit`.
        TypeError
            For a window of another type than the weights.
        RuntimeError
            In inference mode of torch.
        """
        if torch.is_inference_mode_enabled():
            raise RuntimeError(
                "4DVarNet differentiates its cost as it runs, which torch.inference_mode() forbids: call it without, "
                "or under torch.no_grad(), where it keeps what it needs and no more"
            )
        refuse_unfit(window, self.configuration)
        weight = next(self.parameters())
        if window.ssh.dtype != weight.dtype:
            raise TypeError(
                f"ssh is of {window.ssh.dtype}, but the weights are of {weight.dtype}: use .to({weight.dtype})"
            )
        seen = coarsened(window.without_inference(), self.configuration.pooling)
        found = self.solve(observations_of(seen, self.configuration))
        return tuple(refined(estimate, self.configuration.pooling) for estimate in found) if refine else found

    def solve(self, observations: Observations) -> Estimates:
        """Estimates on the network's own grid."""
        raise NotImplementedError


class Unrolled(Inversion):
    """4DVarNet: blocks of solver steps down the variational cost.

    Parameters
    ----------
    configuration : Configuration
        Sizes and options.

    Examples
    --------
    >>> from adaf_xr.models.fourdvarnet import small
    >>> network = Unrolled(small("4dvarnet-ssh-sst", days=3, steps=2, blocks=2)).eval()
    >>> days = torch.zeros(1, 3, 8, 8)
    >>> first, last = network(Window(ssh=days + 0.5, oi=days, sst=days))
    >>> last.ssh.shape, last.u.shape
    (torch.Size([1, 3, 8, 8]), torch.Size([1, 3, 8, 8]))
    """

    def __init__(self, configuration: Configuration) -> None:
        super().__init__(configuration)
        self.cost = VariationalCost(configuration)
        self.solver = Solver(configuration)

    @property
    def prior(self) -> nn.Module:
        """The network that a plausible state passes through unchanged."""
        return self.cost.prior

    def solve(self, observations: Observations) -> Estimates:
        """Estimates after each block, on the network's own grid."""
        learning = torch.is_grad_enabled() and any(weight.requires_grad for weight in self.parameters())
        course = Course(_last(beginning(observations, self.configuration)))
        found = []
        for _ in range(self.configuration.blocks):
            with torch.set_grad_enabled(learning):
                # Of each block by itself, so that each can be differentiated by itself.
                problem = self.cost.problem(observations)
            course = self.solver(self.cost, problem, course, learning)
            found.append(estimate_of(course.state, self.configuration))
        if self.configuration.projection and not self.training:
            with torch.set_grad_enabled(learning):
                found[-1] = estimate_of(self.prior(course.state), self.configuration)
        return tuple(found)


class DirectInversion(Inversion):
    """One pass of the prior over what was observed: the "U-Net" of the paper's table.

    Parameters
    ----------
    configuration : Configuration
        With no blocks.

    Examples
    --------
    >>> from adaf_xr.models.fourdvarnet import small
    >>> days = torch.zeros(1, 7, 8, 8)
    >>> (only,) = DirectInversion(small("unet-ssh"))(Window(ssh=days, oi=days))
    >>> only.v.shape
    torch.Size([1, 7, 8, 8])
    """

    def __init__(self, configuration: Configuration) -> None:
        super().__init__(configuration)
        self.prior: nn.Module = prior_of(configuration)

    def solve(self, observations: Observations) -> Estimates:
        """The only estimate."""
        return (inverted(self.prior(_last(stacked(observations, self.configuration))), self.configuration),)


def network_for(configuration: Configuration, seed: int | None = None) -> Unrolled | DirectInversion:
    """The network of a configuration, with random weights.

    Parameters
    ----------
    configuration : Configuration
        What it consists of.
    seed : int, optional
        Makes the weights reproducible, and leaves torch's own generator as it was.

    Examples
    --------
    >>> from adaf_xr.models.fourdvarnet import published
    >>> sum(weight.numel() for weight in network_for(published("4dvarnet-ssh-sst")).parameters())
    1715201
    """
    kind = DirectInversion if configuration.direct else Unrolled
    if seed is None:
        return kind(configuration)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return kind(configuration)


def _last(x: Tensor) -> Tensor:
    """Channels last in memory, in which convolutions of these widths are faster."""
    return x.contiguous(memory_format=torch.channels_last)
