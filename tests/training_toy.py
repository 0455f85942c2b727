"""A task whose answers are known: a small network learns a line through noisy rows, of which some have no label."""

from pathlib import Path

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict
from torch import nn

from adaf_xr.checkpoint import Checkpoint

SLOPE = np.array([[1.0, -2.0, 0.5], [0.3, 0.7, -1.1]], np.float32)
"""The truth: label = SLOPE @ feature (+ noise)."""


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ToyTask:
    """Samples are ragged (1 to 7 rows) and lack labels here and there, so that ranks have different counts."""

    class Model(Section):
        width: int = 8
        dropout: float = 0.0
        normed: bool = False

    class Data(Section):
        train: int = 12
        validation: int = 5
        noise: float = 0.1
        all_missing: tuple[int, ...] = ()
        poisoned: int | None = None
        broken: int | None = None
        delay: float = 0.0

    class Loss(Section):
        power: float = 2.0

    def __init__(self, configuration, folder: Path) -> None:
        self.model = self.Model(**configuration.model)
        self.data = self.Data(**configuration.data)
        self.power = self.Loss(**configuration.loss).power
        self.folder = folder

    @classmethod
    def prepare(cls, configuration, material, folder, *, progress=None) -> None:
        folder.mkdir(parents=True, exist_ok=True)

    def network(self) -> nn.Module:
        width = self.model.width
        between = nn.BatchNorm1d(width) if self.model.normed else nn.Tanh()
        return nn.Sequential(nn.Linear(3, width), between, nn.Dropout(self.model.dropout), nn.Linear(width, 2))

    def samples(self, split: str) -> int:
        return getattr(self.data, split)

    def batch(self, split, indices, seeds):
        if self.data.delay:
            import time

            time.sleep(self.data.delay)
        rows = [self.sample(split, index, seed) for index, seed in zip(indices, seeds, strict=True)]
        feature, label = (torch.from_numpy(np.concatenate(part)) for part in zip(*rows, strict=True))
        return {"inputs": {"feature": feature}, "label": label}

    def sample(self, split, index, seed):
        if split == "train" and index == self.data.broken:
            raise OSError(f"sample {index} cannot be read")
        random = np.random.default_rng(seed)
        feature = random.standard_normal((1 + index % 7, 3)).astype(np.float32)
        label = feature @ SLOPE.T + self.data.noise * random.standard_normal((len(feature), 2)).astype(np.float32)
        label[random.random(label.shape) < 0.3] = np.nan
        if index in self.data.all_missing:
            label[:] = np.nan
        if split == "train" and index == self.data.poisoned:
            feature[:] = np.inf
        return feature, label.astype(np.float32)

    def errors(self, network, batch):
        known = torch.isfinite(batch["label"])
        error = network(batch["inputs"]["feature"]).float() - torch.where(known, batch["label"], 0.0)
        return error * known, known.sum()

    def loss(self, network, batch):
        error, count = self.errors(network, batch)
        return {"loss": ((error.abs() ** self.power).sum(), count), "bias": (error.sum(), count)}

    def scores(self, network, batch):
        with torch.no_grad():
            error, count = self.errors(network, batch)
        squares = (error**2).sum()
        return {"loss": (squares, count), "rmse_label": (squares, count)}

    def checkpoint(self, weights, provenance) -> Checkpoint:
        return Checkpoint("toy", dict(weights), self.model.model_dump(mode="json"), {}, dict(provenance))


def configuration(**changed):
    """As a mapping, with changes by dotted key."""
    from adaf_xr.training import load

    basic = {
        "name": "toy",
        "task": "training_toy:ToyTask",
        "epochs": 3,
        "batch": 4,
        "device": "cpu",
        "tensorboard": False,
    }
    return load(basic, {"optimiser.lr": 0.01} | changed)
