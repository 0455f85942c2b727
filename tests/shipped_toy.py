"""A stand-in for shipped weights: an engine that tells by its result every point that it was given."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import toy

from adaf_xr import checkpoint
from adaf_xr.checkpoint import Checkpoint, Reference
from adaf_xr.inference import engines, shipped
from adaf_xr.models.base import Analysis, ModelSpec

WINDOW = (np.timedelta64(36, "h"), np.timedelta64(6, "h"))
"""Unlike that of optimal interpolation on both sides."""

HALO = 100.0
"""Much less than that of optimal interpolation."""

TOP = 12.0
"""Deepest level [m]."""

VARIABLES = ("thetao", "so", "zos")
PREDICTORS = ("uas",)


@dataclass(frozen=True)
class Count:
    """Number of points given."""

    n: int

    def __add__(self, other):
        return Count(self.n + other.n)


@dataclass(frozen=True)
class Counting:
    """Adds its weight to the background, and a hundredth for every point; the error is 1 / (1 + number of points)."""

    reference: Reference
    device: str = "cpu"

    @property
    def spec(self):
        return ModelSpec(
            name="adaf-ocean",
            variables=VARIABLES,
            sources=("ssh", "insitu", "wind"),
            grid=0.5,
            window=WINDOW,
            halo=HALO,
            provenance="a toy",
            predictors=PREDICTORS,
            checkpoint=self.reference.sha256,
        )

    def encode(self, points, background, time):
        return Count(len(points))

    def analyse(self, encoded, background, targets):
        shift = self.reference.read().weights["shift"].item() + 0.01 * encoded.n
        still = toy.MeanShift().analyse(toy.Sums({}, {}), background, targets)
        known = [name for name in VARIABLES if name in still.mean]
        return Analysis(
            {name: still.mean[name] + shift for name in known},
            {name: still.std[name] / (1 + encoded.n) for name in known},
        )

    def reached(self, depth):
        return depth <= TOP

    def to(self, device):
        return replace(self, device=device)


def install(monkeypatch, folder, shift=0.25):
    """Ship the toy as adaf-ocean in a folder, and make it the default before oi."""
    path = folder / "adaf-ocean.safetensors"
    sha256 = checkpoint.write(Checkpoint("toy-counting", {"shift": np.float32([shift])}), path)
    monkeypatch.setattr(shipped, "FOLDER", folder)
    monkeypatch.setitem(engines.FAMILIES, "toy-counting", f"{__name__}:Counting")
    monkeypatch.setattr(engines, "ASSIMILATION_DEFAULT", ("adaf-ocean", "oi"))
    return path, sha256
