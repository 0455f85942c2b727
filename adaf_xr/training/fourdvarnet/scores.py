"""Scores of validation: errors of the centre day, and how much of height, currents and divergence is explained."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from adaf_xr.models.fourdvarnet import Estimate
from adaf_xr.training.fourdvarnet.filters import reach
from adaf_xr.training.fourdvarnet.operators import Flow, away_from_land, inner
from adaf_xr.training.fourdvarnet.truth import Truth
from adaf_xr.training.task import Sums


def scored(estimate: Estimate, truth: Truth, flow: Flow, border: int, passes: int) -> Sums:
    """Scores of the centre day, away from the border of the region.

    Parameters
    ----------
    estimate : Estimate
        On the grid of the data.
    truth : Truth
        On the same.
    flow : Flow
        Of that grid.
    border : int
        Cells along each side that do not count.
    passes : int
        Of the filter of divergence.

    Returns
    -------
    dict
        ``rmse_zos`` and ``rmse_zos_oi`` [m], squared errors of the estimate and of the interpolated height; explained
        variances, at most 1: ``tau_geostrophic`` and ``tau_geostrophic_oi`` of the currents that follow from either,
        and where the estimate has currents ``tau_uv`` and ``tau_div``.
    """
    centre = truth.ssh.shape[1] // 2
    now, found = (
        truth.day(centre),
        [None if x is None else x[:, centre : centre + 1].float() for x in _fields(estimate)],
    )
    ssh, u, v = found
    assert ssh is not None
    sea, near = inner(now.sea, border), inner(away_from_land(now.sea, 1), border)
    due = (now.u, now.v)
    scores: dict[str, tuple[Tensor, Tensor]] = {}
    for ending, height in (("", ssh), ("_oi", now.oi)):
        error = flow.height * torch.where(sea, height - now.ssh, 0.0)
        scores[f"rmse_zos{ending}"] = (error**2).sum(), sea.sum()
        # The true height stands for land, where the difference does not count.
        level = torch.where(now.sea, height, now.ssh)
        scores[f"tau_geostrophic{ending}"] = _explained(flow.geostrophic(level, now.latitude), due, near)
    if u is not None and v is not None:
        scores["tau_uv"] = _explained((u, v), due, sea)
        far = inner(away_from_land(now.sea, 1 + reach(passes)), border)
        flows = [[torch.where(now.sea, part, 0.0) for part in pair] for pair in ((u, v), due)]
        spread = [(flow.divergence(*pair, now.latitude, passes),) for pair in flows]
        scores["tau_div"] = _explained(*spread, far)
    return scores


def _fields(estimate: Estimate) -> tuple[Tensor | None, ...]:
    return estimate.ssh, estimate.u, estimate.v


def _explained(found: Sequence[Tensor], due: Sequence[Tensor], counts: Tensor) -> tuple[Tensor, Tensor]:
    """Variance less that of the error, and variance: their quotient is what is explained."""
    variance = torch.stack([(counts * part**2).sum() for part in due]).sum()
    error = torch.stack([(counts * (x - y) ** 2).sum() for x, y in zip(found, due, strict=True)]).sum()
    return variance - error, variance
