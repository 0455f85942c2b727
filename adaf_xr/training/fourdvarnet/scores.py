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
    now, ssh = truth.day(centre), estimate.ssh[:, centre : centre + 1].float()
    sea, near = inner(now.sea, border), inner(away_from_land(now.sea, 1), border)
    due = (now.u, now.v)
    scores: dict[str, tuple[Tensor, Tensor]] = {}
    for ending, height in (("", ssh), ("_oi", now.oi)):
        error = flow.height * torch.where(sea, height - now.ssh, 0.0)
        scores[f"rmse_zos{ending}"] = (error**2).sum(), sea.sum()
        level = torch.where(now.sea, height, 0.0)
        scores[f"tau_geostrophic{ending}"] = _explained(flow.geostrophic(level, now.latitude), due, near)
    if estimate.u is not None and estimate.v is not None:
        u, v = (torch.where(now.sea, field[:, centre : centre + 1], 0.0).float() for field in (estimate.u, estimate.v))
        scores["tau_uv"] = _explained((u, v), due, sea)
        far = inner(away_from_land(now.sea, 1 + reach(passes)), border)
        spread = [flow.divergence(x, y, now.latitude, passes) for x, y in ((u, v), due)]
        scores["tau_div"] = _explained(spread[:1], spread[1:], far)
    return scores


def _explained(found: Sequence[Tensor], due: Sequence[Tensor], counts: Tensor) -> tuple[Tensor, Tensor]:
    """Variance less that of the error, and variance: their quotient is what is explained."""
    variance = torch.stack([(counts * part**2).sum() for part in due]).sum()
    error = torch.stack([(counts * (x - y) ** 2).sum() for x, y in zip(found, due, strict=True)]).sum()
    return variance - error, variance
