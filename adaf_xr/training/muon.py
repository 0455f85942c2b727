"""Muon: momentum made orthogonal, for weights that are matrices.

The momentum of a matrix is mostly a few directions; orthogonalising it (Newton-Schulz iteration, no decomposition)
moves the weights as far along the rare ones. Small convolutional networks get as far in a fraction of Adam's steps.

References
----------
Jordan, K., et al. (2024). Muon: an optimizer for hidden layers in neural networks. kellerjordan.github.io/posts/muon
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

COEFFICIENTS = 3.4445, -4.7750, 2.0315
"""Of the odd polynomial that is iterated: steepest at nothing, and singular values stay between 0.7 and 1.2."""

ITERATIONS = 5


def orthogonalised(matrix: Tensor) -> Tensor:
    """The nearest (half-)orthogonal matrix, roughly: the same singular vectors, singular values of about one.

    Parameters
    ----------
    matrix : Tensor (m, n)

    Examples
    --------
    >>> stretched = torch.diag(torch.tensor([100.0, 10.0, 1.0]))
    >>> bool((torch.linalg.svdvals(orthogonalised(stretched)) - 1 < 0.35).all())
    True
    """
    first, third, fifth = COEFFICIENTS
    upright = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if upright else matrix
    x = x / x.norm().clamp_min(torch.finfo(x.dtype).tiny)
    for _ in range(ITERATIONS):
        square = x @ x.T
        x = first * x + (third * square + fifth * square @ square) @ x
    return x.T if upright else x


class Muon(torch.optim.AdamW):
    """Muon for weights of two and more dimensions, AdamW for the rest: one optimiser, one state.

    All dimensions of a weight but the first are taken together, as a convolution multiplies them. (`torch.optim.Muon`
    takes matrices only and works in bfloat16.)

    Parameters
    ----------
    weights : iterable of Parameter
    lr : float
        Of the matrices: the size of a step, whatever that of the gradient. 0.02 is usual.
    adam_lr : float
        Of the rest. `lr` of both groups is what a schedule sets; AdamW's is multiplied by ``adam_lr / lr``.
    momentum : float
    betas : pair of float
        Memory of AdamW's two moments.
    weight_decay : float
        Decoupled from the gradient.

    Examples
    --------
    >>> line = torch.nn.Linear(2, 2)
    >>> optimiser = Muon(line.parameters(), lr=0.02, adam_lr=0.002)
    >>> line(torch.ones(1, 2)).sum().backward()
    >>> optimiser.step()
    >>> [len(group["params"]) for group in optimiser.param_groups]
    [1, 1]
    """

    def __init__(
        self,
        weights: Iterable[Tensor],
        lr: float,
        adam_lr: float,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.999),
        weight_decay: float = 0.0,
    ) -> None:
        weights = list(weights)
        matrices = [weight for weight in weights if weight.ndim >= 2]
        others = [weight for weight in weights if weight.ndim < 2]
        groups = [{"params": matrices, "momentum": momentum}, {"params": others, "ratio": adam_lr / lr}]
        super().__init__(groups, lr=lr, betas=betas, weight_decay=weight_decay)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move all weights that have a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        matrices, others = self.param_groups
        for weight in matrices["params"]:
            if weight.grad is not None:
                self._turn(weight, weight.grad, matrices)
        rate = others["lr"]
        self.param_groups = [{**others, "lr": rate * others["ratio"]}]
        try:
            super().step()
        finally:
            self.param_groups = [matrices, others]
        return loss

    def _turn(self, weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        """One matrix, along its momentum as Nesterov looks ahead."""
        state = self.state[weight]
        if not state:  # under the names of Adam, which wants to find a step when a state is loaded
            state["step"], state["exp_avg"] = torch.zeros(()), torch.zeros_like(weight)
        state["step"] += 1
        momentum = state["exp_avg"].lerp_(gradient, 1 - group["momentum"])
        ahead = gradient.lerp(momentum, group["momentum"]).flatten(1)
        # A tall matrix has as many directions as columns: this makes a step as large per output as that of a wide one.
        tall = max(1.0, ahead.shape[0] / ahead.shape[1]) ** 0.5
        weight.mul_(1 - group["lr"] * group["weight_decay"])
        weight.add_(orthogonalised(ahead).view_as(weight), alpha=-group["lr"] * tall)
