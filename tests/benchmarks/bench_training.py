"""What a training step costs: our loop over a bare loop of torch, float32 over bfloat16, and the wait for data.

Run ``OMP_NUM_THREADS=1 python tests/benchmarks/bench_training.py``; a minute on an idle CPU. The bare loop takes the
same batches, made beforehand, through the same network, loss, clipping and optimiser; ours also makes them (in its
thread), reduces sums, checks them, writes the log and tells a listener of every step. Rounds of the two
alternate in one process, so that both see the same machine; figures are medians over rounds.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel
from torch import nn

from adaf_xr.checkpoint import Checkpoint
from adaf_xr.models.cnp import THINNED, ConditionalNeuralProcess
from adaf_xr.training import load, train
from adaf_xr.training.order import draws
from adaf_xr.training.stepping import Stepper

HERE = f"{Path(__file__).stem}:Random"


class Anything(BaseModel):
    """Which network, how many items a sample has, and how long one takes to read."""

    network: str = "mlp"
    items: int = 64
    reading: float = 0.0


class Random:
    """A task on random numbers."""

    Model = Data = Loss = Anything

    def __init__(self, configuration: Any, folder: Path | None) -> None:
        self.wanted = Anything(**configuration.model)

    def network(self) -> nn.Module:
        """The thinned network, or a small one."""
        if self.wanted.network == "cnp":
            return ConditionalNeuralProcess(THINNED)
        return nn.Sequential(nn.Linear(16, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 5))

    def samples(self, split: str) -> int:
        """As many as the steps take."""
        return 400 if split == "train" else 1

    def batch(self, split: str, indices: Sequence[int], seeds: Sequence[int]) -> dict[str, Any]:
        """Random inputs, and labels of which a tenth is missing."""
        time.sleep(self.wanted.reading)
        random, length = torch.Generator().manual_seed(seeds[0] % 2**63), self.wanted.items * len(indices)
        if self.wanted.network == "cnp":
            inputs = {
                source.key: torch.randn(length, source.points, 5 + len(source.channels), generator=random)
                for source in THINNED.sources
            }
            inputs["targets"] = torch.randn(length, 200, 5, generator=random)
            label = torch.randn(length, 200, 5, generator=random)
        else:
            inputs = {"all": torch.randn(length, 16, generator=random)}
            label = torch.randn(length, 5, generator=random)
        label[torch.rand(label.shape, generator=random) < 0.1] = torch.nan
        return {"inputs": inputs, "label": label}

    def loss(self, network: nn.Module, batch: Mapping[str, Any]) -> dict[str, Any]:
        """Masked squares."""
        inputs = dict(batch["inputs"])
        guess = network(inputs, inputs.pop("targets")) if self.wanted.network == "cnp" else network(inputs["all"])
        known = torch.isfinite(batch["label"])
        return {
            "loss": (((guess.float() - torch.where(known, batch["label"], 0.0)) * known).square().sum(), known.sum())
        }

    def scores(self, network: nn.Module, batch: Mapping[str, Any]) -> dict[str, Any]:
        """The loss."""
        with torch.no_grad():
            return self.loss(network, batch)

    def checkpoint(self, weights: Mapping[str, np.ndarray], provenance: Mapping[str, Any]) -> Checkpoint:
        """Just the weights."""
        return Checkpoint("random", weights, {}, {}, provenance)


def wanted(steps: int, **changed: Any) -> Any:
    """A configuration of one epoch."""
    basic = {"name": "bench", "task": HERE, "epochs": 1, "batch": 400 // steps, "device": "cpu", "tensorboard": False}
    return load(basic, {"optimiser.clip": 1.0} | changed)


def bare(configuration: Any) -> float:
    """Seconds per step of a loop with nothing around it."""
    task = Random(configuration, None)
    batches = [
        task.batch("train", draw.indices, draw.seeds)
        for draw in draws(0, task.samples("train"), configuration.batch, 1)
    ]
    network = task.network()
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-4)
    begin = time.perf_counter()
    for batch in batches:
        optimiser.zero_grad()
        total, count = task.loss(network, batch)["loss"]
        (total / count).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        total.item()
    return (time.perf_counter() - begin) / len(batches)


def ours(configuration: Any) -> tuple[float, float]:
    """Seconds per step of the training room, and the share of them that it waits for data."""
    heard: list[Mapping[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        train(configuration, folder, Path(folder) / "run", on_event=heard.append)
    steps = [event for event in heard if event["kind"] == "step"][1:]
    seconds = sum(step["seconds"] for step in steps)
    return seconds / len(steps), sum(step["seconds"] * step["waited"] for step in steps) / seconds


def overhead(rounds: int, steps: int, **changed: Any) -> None:
    """Print both, and what is between them."""
    configuration = wanted(steps, **changed)
    pairs = [(bare(configuration), *ours(configuration)) for _ in range(rounds)]
    plain, full, waited = (median(column) for column in zip(*pairs, strict=True))
    ratio = median(row[1] / row[0] for row in pairs)
    print(
        f"  bare {plain * 1e3:9.2f} ms a step, ours {full * 1e3:9.2f} ms ({1 / full:6.1f} steps/s): {ratio:.2f} times, "
        f"{(full - plain) * 1e3:+.2f} ms; waits for data {waited:.1%} of the time"
    )


def precisions(rounds: int, items: int) -> None:
    """Print what a step of the thinned network costs in either precision."""
    steppers = {}
    for precision in ("fp32", "bf16"):
        configuration = wanted(400, precision=precision, **{"model.network": "cnp", "model.items": items})
        steppers[precision] = Stepper(Random(configuration, None), configuration, torch.device("cpu"))
    draw = next(draws(0, 400, 1, 1))
    batch = Random(configuration, None).batch("train", draw.indices, draw.seeds)
    times: dict[str, list[float]] = {precision: [] for precision in steppers}
    for _ in range(rounds + 1):
        for precision, stepper in steppers.items():
            begin = time.perf_counter()
            stepper.step(draw, batch, 1e-4)
            times[precision].append(time.perf_counter() - begin)
    full, half = (median(times[precision][1:]) for precision in ("fp32", "bf16"))
    print(f"  fp32 {full:.3f} s, bf16 {half:.3f} s a step of {items} windows: {full / half:.2f} times as fast")


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    print("a small network, 64 rows a step, which costs next to nothing")
    overhead(rounds, 400, **{"model.items": 64})
    print("a small network, 4,096 rows a step")
    overhead(rounds, 50, **{"model.items": 512})
    print("the thinned network, 16 windows a step")
    overhead(rounds, 20, **{"model.network": "cnp", "model.items": 1, "batch": 16})
    print("the same, and every step's data take 50 ms to read")
    overhead(rounds, 20, **{"model.network": "cnp", "model.items": 1, "batch": 16, "model.reading": 0.05})
    print("precision, thinned network")
    precisions(rounds, 16)


if __name__ == "__main__":
    # Under this name tasks can be found by name.
    sys.path.insert(0, str(Path(__file__).parent))
    main()
