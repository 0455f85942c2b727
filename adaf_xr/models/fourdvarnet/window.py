"""What a network is given and what it gives: tensors (batch, days, rows, columns), without units."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional

from adaf_xr.models.fourdvarnet.configuration import Configuration


@dataclass(frozen=True, eq=False)
class Window:
    """Some days in which sea surface height was observed here and there.

    Heights, observed and interpolated, have one normalisation; temperature has its own.

    Attributes
    ----------
    ssh : Tensor
        Observed sea surface height.
    oi : Tensor, optional
        The interpolated one, without gaps: give land any finite number.
    sst : Tensor, optional
        Sea surface temperature, NaN in gaps.
    observed : bool Tensor, optional
        Where `ssh` is an observation; what it holds elsewhere does not matter. Default: where it is finite.
    """

    ssh: Tensor
    oi: Tensor | None = None
    sst: Tensor | None = None
    observed: Tensor | None = None

    @property
    def mask(self) -> Tensor:
        """Where sea surface height was observed, bool."""
        finite = torch.isfinite(self.ssh)
        return finite if self.observed is None else finite & self.observed.bool()

    def without_inference(self) -> Self:
        """The same for gradients to pass through, which they do not where tensors were made in inference mode."""
        held = {field.name: getattr(self, field.name) for field in fields(self)}
        return type(self)(**{name: x.clone() if x is not None and x.is_inference() else x for name, x in held.items()})


@dataclass(frozen=True, eq=False)
class Estimate:
    """What is found of a window.

    Attributes
    ----------
    ssh : Tensor
        Sea surface height, in the normalisation of what was observed.
    u, v : Tensor, optional
        Currents in a normalisation that the two share; None of a network whose state has none.
    state : Tensor
        All channels of the network's state, on the grid that it works on: the terms of a loss that compare it with its
        prior need it.
    """

    ssh: Tensor
    u: Tensor | None
    v: Tensor | None
    state: Tensor


def refuse_unfit(window: Window, configuration: Configuration) -> None:
    """Raise if a network cannot work on a window.

    Raises
    ------
    ValueError
        What is missing, of another shape or not finite; a window without any observation.
    """
    if window.ssh.ndim != 4:
        raise ValueError(f"ssh is {tuple(window.ssh.shape)}: (batch, days, rows, columns) is due")
    days, *cells = window.ssh.shape[1:]
    if days != configuration.days:
        few = "more days around it, or days of NaN where there is nothing" if days < configuration.days else "fewer"
        raise ValueError(f"the window has {days} days and the network sees {configuration.days}: give it {few}")
    if odd := [n for n in cells if n % configuration.multiple or not n]:
        raise ValueError(
            f"the window has {cells[0]} rows and {cells[1]} columns: {odd[0]} is no multiple of "
            f"{configuration.multiple}, the cells that the network takes means of. Cut it, or continue it with NaN"
        )
    for name, needed, meaning in (
        ("oi", configuration.needs_oi, "an interpolated sea surface height, from which its state begins"),
        ("sst", configuration.needs_sst, "sea surface temperature (NaN in gaps): take one of SSH alone, or give it"),
    ):
        held = getattr(window, name)
        if held is None and needed:
            raise ValueError(f"the window has no {name}: this network needs {meaning}")
        if held is not None and held.shape != window.ssh.shape:
            raise ValueError(f"{name} is {tuple(held.shape)} and ssh {tuple(window.ssh.shape)}: they share one grid")
    if configuration.needs_oi and window.oi is not None and not torch.isfinite(window.oi).all():
        raise ValueError("oi has missing values: fill them, on land with any finite number")
    if not window.mask.any():
        raise ValueError(
            "no sea surface height was observed in the whole window: leave it out, or check the normalisation and the "
            "mask (a day without observations is fine)"
        )


def coarsened(window: Window, cells: int) -> Window:
    """Means over squares of some cells along each side; of observations, over those that are there.

    Examples
    --------
    >>> ssh = torch.tensor([[1.0, torch.nan], [3.0, torch.nan]]).expand(1, 1, 2, 2)
    >>> coarsened(Window(ssh), 2).ssh.item()
    2.0
    """
    if cells == 1:
        return window
    oi = None if window.oi is None else functional.avg_pool2d(window.oi, cells)
    sst = None if window.sst is None else _mean_of(window.sst, torch.isfinite(window.sst), cells)
    return Window(_mean_of(window.ssh, window.mask, cells), oi, sst)


def refined(estimate: Estimate, cells: int) -> Estimate:
    """Height and currents by bicubic interpolation to cells of a part of the side; the state stays as it is."""
    if cells == 1:
        return estimate

    def finer(field: Tensor | None) -> Tensor | None:
        if field is None:
            return None
        # With this flag torch takes the cubics of Keys, which keep linear fields, so that slopes have no ripples.
        return functional.interpolate(field, scale_factor=cells, mode="bicubic", align_corners=False, antialias=True)

    ssh = finer(estimate.ssh)
    assert ssh is not None
    return Estimate(ssh, finer(estimate.u), finer(estimate.v), estimate.state)


def _mean_of(field: Tensor, there: Tensor, cells: int) -> Tensor:
    """Means over what is there, NaN where nothing is."""
    share = functional.avg_pool2d(there.to(field.dtype), cells)
    return functional.avg_pool2d(torch.where(there, field, 0.0), cells) / torch.where(share > 0, share, torch.nan)
