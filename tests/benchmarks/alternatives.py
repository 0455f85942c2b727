"""What the parts of adaf-ocean are worth: each replaced by an alternative, trained alike, judged on the same days.

Run ``python tests/benchmarks/alternatives.py SHARDS [--steps N] [--only NAME ...] [--seeds S ...] [--out FOLDER]``,
where SHARDS are those of a training of adaf-ocean (``adaf train adaf-ocean --data DIR --out RUN`` leaves them in
RUN/shards). The networks are small, and the training short, so that alternatives can be compared, not that
any is good. All of one seed see the same crops of the globe in the same order, with Muon and the same rates (but for
`adamw`); all have about the same number of weights. The first weights are drawn from the seed.

Printed are medians over seeds of the RMSE of the analysis as a share of that of the background, on days spread over the
validation period, on the globe; and the CPU seconds of a step: of making its sample, and of the network. FOLDER keeps a
file of each variant and seed; the same command goes on where it was stopped, and several may share a folder. ``--only``
without a name prints what is there.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import geometric_mean, median
from typing import Any
from unittest.mock import patch

import alternative_parts as parts
import alternative_pillars as pillars
import numpy as np
import torch
from torch import Tensor, nn

from adaf_xr.atomic import write_whole
from adaf_xr.models.adaf_ocean import network as model
from adaf_xr.models.adaf_ocean.channels import STATE
from adaf_xr.models.adaf_ocean.configuration import Configuration
from adaf_xr.training.adaf_ocean.objective import Objective
from adaf_xr.training.adaf_ocean.options import Data, Loss
from adaf_xr.training.adaf_ocean.sampling import Sampler
from adaf_xr.training.configuration import Schedule
from adaf_xr.training.muon import Muon
from adaf_xr.training.order import FIRST_WEIGHTS, derived, draws
from adaf_xr.training.schedule import factor
from adaf_xr.training.shards import Shards

SMALL = Configuration((32, 92), (1, 4), 16)
DATA = Data(rows=64, columns=128, sparse=0.13, aged=0.0, fine=0.0, maps=0.0)
"""Mostly all observations and the background of the day, as variants are judged."""

CLIP, WARMUP = 10.0, 20
LATTICES = {"0.25": "", "1": "_1deg"}
"""Spacing [degrees] by the suffix of its scores."""

FEATURES, SAMPLING = "adaf_xr.models.adaf_ocean.features", "adaf_xr.training.adaf_ocean.sampling"
NETWORK = "adaf_xr.models.adaf_ocean.network"


def muon(weights: Iterable[Tensor]) -> torch.optim.Optimizer:
    """With the rates of the recipe."""
    return Muon(weights, lr=0.008, adam_lr=1e-3)


def adamw(weights: Iterable[Tensor]) -> torch.optim.Optimizer:
    """With a usual rate of networks of this size."""
    return torch.optim.AdamW(weights, lr=2e-3, weight_decay=0.0)


@dataclass(frozen=True)
class Variant:
    """What is another way than in the model: parts by the names that they are known under."""

    what: str
    replaced: Mapping[str, Any] = field(default_factory=dict)
    network: Callable[[Configuration], nn.Module] = model.AdafOceanNetwork
    optimiser: Callable[[Iterable[Tensor]], torch.optim.Optimizer] = muon


VARIANTS = {
    "reference": Variant("as shipped, but small"),
    "raw": Variant(
        "observed values, not innovations",
        {
            "adaf_xr.models.adaf_ocean.scene.observed": parts.raw,
            f"{FEATURES}._channels": parts.raw_channels,
            f"{FEATURES}._seen_fine": parts.raw_seen_fine,
            f"{NETWORK}.widths_of_input": parts.raw_widths,
        },
    ),
    "pillars": Variant(
        "embedded pillars, not fixed sums",
        {
            "adaf_xr.training.adaf_ocean.days.BINS": pillars.DAILY,
            f"{SAMPLING}.seen": pillars.seen_as_pillars,
            f"{NETWORK}.widths_of_input": pillars.pillar_widths,
        },
        pillars.PillarNetwork,
    ),
    "attention": Variant("windowed attention among tokens", {f"{NETWORK}.Trunk": parts.WindowedTrunk}),
    "pooled": Variant("a U-Net, not tokens of 2 x 2 cells", {f"{NETWORK}.Trunk": parts.PooledTrunk}),
    "two-days": Variant("observations of two days, not of ten", {f"{SAMPLING}.window": parts.central}),
    "timeless": Variant("ten days not told apart", {f"{SAMPLING}.window": parts.timeless}),
    "blurred": Variant(
        "blurred estimates (set-convolution) too",
        {f"{FEATURES}._channels": parts.channels_and_blurs, f"{NETWORK}.widths_of_input": parts.widths_with_blurs},
    ),
    "no-geostrophy": Variant(
        "currents without a geostrophic part",
        {"adaf_xr.models.adaf_ocean.increments.geostrophic": parts.no_current},
    ),
    "constant-scale": Variant(
        "one scale for weak and strong eddies",
        {f"{FEATURES}._scale": parts.constant_scale, f"{FEATURES}._misfit": parts.no_misfit},
    ),
    "adamw": Variant("AdamW, not Muon", optimiser=adamw),
}


@dataclass(frozen=True)
class Budget:
    """What all variants have alike."""

    shards: Path
    steps: int
    days: int

    def run(self, variant: Variant, seed: int) -> dict[str, Any]:
        """Train and judge one variant."""
        with ExitStack() as stack:
            for name, part in variant.replaced.items():
                stack.enter_context(patch(name, part))
            sampler = Sampler(Shards.open(self.shards, {"task": "adaf-ocean"}), DATA)
            torch.manual_seed(derived(seed, FIRST_WEIGHTS))
            network = variant.network(SMALL)
            costs = self._train(network, sampler, variant.optimiser(network.parameters()), seed)
            weights = sum(weight.numel() for weight in network.parameters())
            return {"steps": self.steps, "weights": weights, **costs, "ratios": self._judged(network, sampler)}

    def _train(
        self, network: nn.Module, sampler: Sampler, optimiser: torch.optim.Optimizer, seed: int
    ) -> dict[str, float]:
        """CPU seconds of a step: of making the sample, and of all else."""
        count = sampler.shards.count("train")
        rates, schedule = [group["lr"] for group in optimiser.param_groups], Schedule(name="cosine", warmup=WARMUP)
        objective, making, learning = Objective(Loss()), 0.0, 0.0
        for draw in draws(seed, count, 1, -(-self.steps // count)):
            if draw.step > self.steps:
                break
            begun = time.process_time()
            batch = _batch(sampler.crop("train", draw.indices[0], np.random.default_rng(draw.seeds[0])), False)
            made = time.process_time()
            share = factor(schedule, draw.step, self.steps, 1)
            for group, rate in zip(optimiser.param_groups, rates, strict=True):
                group["lr"] = rate * share
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = objective.loss(network, _planes(network, batch))["loss"][0]
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), CLIP)
            optimiser.step()
            making, learning = making + made - begun, learning + time.process_time() - made
        return {"making": making / self.steps, "learning": learning / self.steps}

    @torch.no_grad()
    def _judged(self, network: nn.Module, sampler: Sampler) -> dict[str, list[float]]:
        """RMSE of the analysis over that of the background, by lattice and variable."""
        objective, found = Objective(Loss()), np.zeros((len(LATTICES), len(STATE), 2))
        for index in np.linspace(0, sampler.shards.count("validation") - 1, self.days).round():
            batch = _batch(sampler.whole("validation", int(index)), True)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                scores = objective.scores(network, _planes(network, batch))
            for lattice, suffix in enumerate(LATTICES.values()):
                for place, name in enumerate(STATE):
                    both = (scores[f"rmse_{name}{suffix}{end}"][0] for end in ("", "_background"))
                    found[lattice, place] += [float(total) for total in both]
        ratios = np.sqrt(found[..., 0] / found[..., 1])
        return dict(zip(LATTICES, ratios.tolist(), strict=True))


def _batch(sample: Mapping[str, Any], wraps: bool) -> dict[str, Any]:
    """A batch of one sample."""
    batch = {name: value[None] if isinstance(value, Tensor) else value for name, value in sample.items()}
    return batch | {"wraps": torch.tensor([wraps])}


def _planes(network: nn.Module, batch: dict[str, Any]) -> dict[str, Any]:
    """The batch with the planes that the network works on, which it may make by itself."""
    return network.embedded(batch) if isinstance(network, pillars.PillarNetwork) else batch


def table(kept: Mapping[str, list[dict[str, Any]]]) -> str:
    """Medians over seeds; `all` is the geometric mean over variables."""
    columns = [f"{name} {lattice}°" for lattice in LATTICES for name in (*STATE, "all")]
    lines = [["variant", "instead", "seeds", "weights", "s, sample", "s, network", *columns]]
    lines.append(["---"] * len(lines[0]))
    for name, runs in kept.items():
        if runs:
            costs = [f"{median(run[cost] for run in runs):.2f}" for cost in ("making", "learning")]
            line = [name, VARIANTS[name].what, str(len(runs)), f"{runs[0]['weights']:,}", *costs]
            for lattice in LATTICES:
                ratios = [median(several) for several in zip(*(run["ratios"][lattice] for run in runs), strict=True)]
                line += [f"{ratio:.3f}" for ratio in (*ratios, geometric_mean(ratios))]
            lines.append(line)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Train what is missing, and print the table of all that is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shards", type=Path)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--days", type=int, default=4, help="of the validation period")
    parser.add_argument("--only", nargs="*", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("alternatives"))
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    given.out.mkdir(parents=True, exist_ok=True)
    budget = Budget(given.shards, given.steps, given.days)
    files = {
        (name, seed): given.out / f"{name}-{given.steps}-{seed}.json" for seed in given.seeds for name in given.only
    }
    for (name, seed), file in files.items():
        if not file.exists():
            found = budget.run(VARIANTS[name], seed)
            write_whole(file, json.dumps(found, indent=1).encode())
            print(name, seed, json.dumps(found), flush=True)
    kept = {name: sorted(given.out.glob(f"{name}-{given.steps}-*.json")) for name in VARIANTS}
    print(table({name: [json.loads(file.read_text()) for file in held] for name, held in kept.items()}))


if __name__ == "__main__":
    main()
