"""A training of adaf-ocean: its network, which stays as it is, and its prepared days."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from adaf_xr import checkpoint
from adaf_xr.checkpoint import Checkpoint
from adaf_xr.models.adaf_ocean.features import Features
from adaf_xr.models.adaf_ocean.increments import Increments
from adaf_xr.models.adaf_ocean.network import AdafOceanNetwork
from adaf_xr.models.adaf_ocean.weights import network_of
from adaf_xr.training.adaf_ocean.options import Data
from adaf_xr.training.adaf_ocean.preparing import fed
from adaf_xr.training.adaf_ocean.sampling import Sampler
from adaf_xr.training.material import MaterialError
from adaf_xr.training.run_folder import RunFolder
from adaf_xr.training.shards import Shards


@dataclass(frozen=True)
class Surface:
    """The surface network of a run, and what it makes of a day.

    Attributes
    ----------
    network : AdafOceanNetwork
    sampler : Sampler
        Of the shards of the run.
    """

    network: AdafOceanNetwork
    sampler: Sampler

    @classmethod
    def of(cls, run: str | None) -> Self:
        """That of the folder of a run.

        Raises
        ------
        MaterialError
            Where none is named.
        """
        place = run_of(run)
        shards = Shards.open(place.shards(), fed())
        data = Data.model_validate(place.configuration().data)
        return cls(network_of(checkpoint.read(place.best)).eval(), Sampler(shards, data))

    def analysed(self, split: str, index: int, rng: np.random.Generator | None = None) -> dict[str, NDArray[Any]]:
        """The analysed surface of a day on the globe; with a generator, with some of the observations.

        Returns
        -------
        dict
            `mean` and `log_std` (5, rows, columns) on coarse cells, `fine_mean` and `fine_log_std` on fine ones,
            `scale` (5, rows, columns), `surface_gate`, `sea` and `has` (5,) of the background.
        """
        sampler = self.sampler
        seen = sampler.whole(split, index) if rng is None else sampler.thinned(split, index, rng)
        features = Features(*(seen[name] for name in ("coarse", "fine", "scale", "gate")))
        with torch.inference_mode():
            output, more = self.network(features.coarse[None], features.fine[None], True)
            coarse = Increments.of(output[0], features, seen["latitude"], True)
            fine = coarse if more is None else coarse.with_detail(more[0], features, True)
        known = np.isfinite(sampler.shards.read(split, index)["background"])
        return {
            "mean": coarse.mean.numpy(),
            "log_std": coarse.log_std.numpy(),
            "fine_mean": fine.mean.numpy().astype("f2"),
            "fine_log_std": fine.log_std.numpy().astype("f2"),
            "scale": features.scale.numpy(),
            "surface_gate": features.gate.numpy(),
            "sea": known.any(0),
            "has": known.any((1, 2)).astype("f4"),
        }


def run_of(run: str | None) -> RunFolder:
    """The folder of a training of adaf-ocean."""
    if run is None:
        raise MaterialError(
            "data.surface is not set, and the depth stage stands on a surface network: set it to the folder of a "
            "training of adaf-ocean (--set data.surface=RUN)"
        )
    return RunFolder(Path(run))


def trained(run: str | None) -> Checkpoint:
    """The best checkpoint of a training of adaf-ocean."""
    return checkpoint.read(run_of(run).best)
