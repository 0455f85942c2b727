"""The solver: steps that a network with a memory makes of the gradient of the cost."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from adaf_xr.models.fourdvarnet.configuration import Configuration
from adaf_xr.models.fourdvarnet.cost import Problem, VariationalCost

KERNEL = 3
"""Cells along the side of the kernel of the memory's gates."""


@dataclass(frozen=True, eq=False)
class Course:
    """Where the solver stands.

    Attributes
    ----------
    state : Tensor (batch, channels, rows, columns)
        What is looked for.
    hidden, cell : Tensor (batch, hidden channels, rows, columns), optional
        The memory; None before the first step.
    size : Tensor (batch, 1, 1, 1), optional
        Root-mean-square of the first gradient, in units of which all are seen.
    """

    state: Tensor
    hidden: Tensor | None = None
    cell: Tensor | None = None
    size: Tensor | None = None

    def detached(self) -> Course:
        """The same without its past: no gradient goes back beyond it."""
        past = (self.hidden, self.cell, self.size)
        return Course(self.state.detach(), *(x if x is None else x.detach() for x in past))


class Memory(nn.Module):
    """A convolutional long short-term memory: what it remembers of the gradients before.

    Parameters
    ----------
    inputs, hidden : int
        Channels of what it sees and of what it keeps.

    References
    ----------
    Shi, X., et al. (2015). Convolutional LSTM network. Advances in Neural Information Processing Systems, 28.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        # All four gates, in this order: input, forget, output, candidate.
        self.gates = nn.Conv2d(inputs + hidden, 4 * hidden, KERNEL, padding=KERNEL // 2)

    def forward(self, seen: Tensor, hidden: Tensor | None, cell: Tensor | None) -> tuple[Tensor, Tensor]:
        """What it says, and what it keeps."""
        if hidden is None or cell is None:  # nothing is remembered: zeros, by which nothing need be multiplied
            weight = self.gates.weight[:, : seen.shape[1]]
            gates = functional.conv2d(seen, weight, self.gates.bias, padding=KERNEL // 2)
            cell = torch.zeros_like(gates.chunk(4, 1)[0])
        else:
            gates = self.gates(torch.cat([seen, hidden], 1))
        return remembered(gates, cell) if torch.is_grad_enabled() else _remembered_in_place(gates, cell)


def remembered(gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """What a memory says and keeps, from its gates and from what it kept.

    >>> says, keeps = remembered(torch.tensor([-9.0, 9.0, 9.0, 0.0]).view(1, 4, 1, 1), torch.ones(1, 1, 1, 1))
    >>> round(keeps.item(), 2), round(says.item(), 2)
    (1.0, 0.76)
    """
    let_in, keep, let_out, candidate = gates.chunk(4, 1)
    cell = torch.sigmoid(keep) * cell + torch.sigmoid(let_in) * torch.tanh(candidate)
    return torch.sigmoid(let_out) * torch.tanh(cell), cell


def _remembered_in_place(gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """The same, written over the gates: to take fresh memory costs more than the arithmetic."""
    let_in, keep, let_out, candidate = gates.chunk(4, 1)
    kept = keep.sigmoid_().mul_(cell).addcmul_(let_in.sigmoid_(), candidate.tanh_())
    return torch.tanh(kept).mul_(let_out.sigmoid_()), kept


class Solver(nn.Module):
    """Blocks of steps down the cost.

    A step sees the gradient of the cost in units of the size of the first, and subtracts from the state what its
    memory says, and if so configured a part of the gradient itself.

    Parameters
    ----------
    configuration : Configuration
        Sizes, number of steps, and how far they go.
    """

    def __init__(self, configuration: Configuration) -> None:
        super().__init__()
        self.configuration = configuration
        channels, hidden = configuration.channels, configuration.hidden
        weighted = configuration.prior == "two-scale"
        self.memory = Memory(channels, hidden)
        kernel = 1 if weighted else 3
        self.answer = nn.Conv2d(hidden, channels, kernel, padding=kernel // 2, bias=not weighted)
        self.dropout = nn.Dropout(configuration.dropout)

    def forward(self, cost: VariationalCost, problem: Problem, course: Course, learning: bool) -> Course:
        """A block of steps.

        Parameters
        ----------
        cost, problem : VariationalCost, Problem
            What is made small.
        course : Course
            Where to start; detached, so that nothing is learned from how it came there.
        learning : bool
            Whether the result is differentiated: with respect to weights, through all steps of the block. Without, no
            more than one step is held in memory.
        """
        course = course.detached()
        for number in range(self.configuration.steps):
            course = self.step(cost, problem, course, number, learning)
        return course

    def step(self, cost: VariationalCost, problem: Problem, course: Course, number: int, learning: bool) -> Course:
        """One step; `number` counts from 0."""
        gradient = gradient_of(cost, problem, course.state, learning)
        with torch.set_grad_enabled(learning):
            size = course.size
            if size is None:
                # A gradient of 0 stays 0: there is nothing to do.
                tiny = torch.finfo(gradient.dtype).tiny
                size = (gradient**2).mean((1, 2, 3), keepdim=True).clamp_min(tiny).sqrt()
            hidden, cell = self.memory(self.dropout(gradient / size), course.hidden, course.cell)
            move = self.answer(self.dropout(hidden)) * self._share(number)
            if self.configuration.descent:
                move = move + gradient * (self.configuration.descent * (number + 1) / self.configuration.steps)
            return Course(course.state - move, hidden, cell, size)

    def _share(self, number: int) -> float:
        """Of what the memory says, how much a step goes."""
        return 1.0 / (number + 1 if self.configuration.pace == "falling" else self.configuration.steps)


def gradient_of(cost: VariationalCost, problem: Problem, state: Tensor, learning: bool = False) -> Tensor:
    """Gradient of the cost with respect to the state, whether or not gradients are enabled around.

    Windows of a batch have nothing to do with one another, so the gradient of the sum is that of each.

    Parameters
    ----------
    cost, problem : VariationalCost, Problem
        What is differentiated.
    state : Tensor (batch, channels, rows, columns)
        Where.
    learning : bool
        Whether the gradient can be differentiated once more.
    """
    with torch.enable_grad():
        if not (learning and state.requires_grad):
            state = state.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(cost(state, problem).sum(), state, create_graph=learning)
    return gradient
