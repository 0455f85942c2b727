"""The optimiser, the average of weights, and the precision that a configuration asks for."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from adaf_xr.training.configuration import Optimiser
from adaf_xr.training.muon import Muon


def optimiser(network: nn.Module, wanted: Optimiser) -> torch.optim.Optimizer:
    """Adam, AdamW or Muon over all weights that can be trained.

    Examples
    --------
    >>> type(optimiser(nn.Linear(1, 1), Optimiser(name="adamw"))).__name__
    'AdamW'
    """
    weights = {name: weight for name, weight in network.named_parameters() if weight.requires_grad}
    if wanted.adam_lr is not None:
        return Muon(weights.values(), wanted.lr, wanted.adam_lr, betas=wanted.betas, weight_decay=wanted.weight_decay)
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[wanted.name]
    return kind(_groups(weights, wanted.shares), lr=wanted.lr, betas=wanted.betas, weight_decay=wanted.weight_decay)


def _groups(weights: Mapping[str, nn.Parameter], shares: Mapping[str, float]) -> list[dict[str, Any]]:
    """Weights by the share of the learning rate that they have: 1 where no part of the network is named.

    Examples
    --------
    >>> named = dict(nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1)).named_parameters())
    >>> [(group["share"], len(group["params"])) for group in _groups(named, {"1": 0.5})]
    [(1.0, 2), (0.5, 2)]
    """
    parts: dict[str, list[nn.Parameter]] = {"": [], **{part: [] for part in shares}}
    for name, weight in weights.items():
        parts[next((part for part in shares if name.startswith(f"{part}.")), "")].append(weight)
    if empty := [part for part in shares if not parts[part]]:
        there = sorted({name.rpartition(".")[0] for name in weights})
        raise ValueError(f"optimiser.shares names {', '.join(empty)}, and the network has {', '.join(there)}")
    return [{"params": held, "share": shares.get(part, 1.0)} for part, held in parts.items() if held]


def averaged(network: nn.Module, decay: float | None) -> AveragedModel | None:
    """An exponential moving average of weights and buffers, if one is wanted.

    After the first step it holds the weights themselves; from then on each step takes `decay` of the average and the
    rest of the weights.

    Examples
    --------
    >>> line = nn.Linear(1, 1, bias=False)
    >>> average = averaged(line, 0.75)
    >>> for value in (1.0, 5.0):
    ...     _ = nn.init.constant_(line.weight, value)
    ...     average.update_parameters(line)
    >>> float(average.module.weight.detach())
    2.0
    """
    if decay is None:
        return None
    return AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)


def autocast(precision: str, device: torch.device) -> AbstractContextManager[Any]:
    """Where the forward pass runs, and with it the backward pass.

    bfloat16 has the range of float32, so that no gradient has to be scaled; it pays where matrix products are fast in
    it (GPUs since 2020, CPUs with AVX512-BF16 or AMX: `tests/benchmarks/bench_training.py` measures it), and costs
    elsewhere.

    Examples
    --------
    >>> line, cpu = nn.Linear(2, 1), torch.device("cpu")
    >>> with autocast("bf16", cpu):
    ...     line(torch.ones(1, 2)).dtype
    torch.bfloat16
    """
    return torch.autocast(device.type, dtype=torch.bfloat16) if precision == "bf16" else nullcontext()
