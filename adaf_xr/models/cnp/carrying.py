"""What an engine carries of a network to where the work is done: a reference to a file, or the network itself."""

from __future__ import annotations

import copy
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from adaf_xr.checkpoint import CheckpointError, Reference, describe
from adaf_xr.models.cnp.configuration import Configuration
from adaf_xr.models.loading import device_of, loaded

if TYPE_CHECKING:
    from adaf_xr.models.cnp.network import ConditionalNeuralProcess

NAME = "adaf-ocean-cnp"
"""Of the engine and of its family of checkpoints."""


@dataclass(frozen=True, eq=False)
class Held:
    """A network that travels with its engine, for those that are in no file."""

    network: ConditionalNeuralProcess = field(repr=False)

    def __dask_tokenize__(self) -> str:
        state = hashlib.sha256()
        for name, tensor in self.network.state_dict().items():
            state.update(name.encode() + tensor.detach().cpu().numpy().tobytes())
        return state.hexdigest()

    def on(self, device: str) -> ConditionalNeuralProcess:
        """The network on a device; a copy where it is on another one."""
        place = device_of(device)
        here = next(self.network.parameters()).device == place
        return self.network if here else copy.deepcopy(self.network).to(place)


def weights_and_configuration(given: Any) -> tuple[Reference | Held, Configuration]:
    """What an engine keeps of a checkpoint, and how its network is built.

    Parameters
    ----------
    given : Reference, path or ConditionalNeuralProcess
        A path may be that of a checkpoint of this package, or of the folder of a published experiment, whose network is
        read now and carried along.

    Raises
    ------
    CheckpointError
        If the file is missing, unusable or of another family.
    TypeError
        For anything else.
    """
    if isinstance(given, str | os.PathLike):
        if Path(given).expanduser().is_dir():
            from adaf_xr.models.cnp.published import read_published
            from adaf_xr.models.cnp.weights import network_of

            given = network_of(read_published(Path(given).expanduser()))
        else:
            given = Reference.of(given)
    if isinstance(given, Reference):
        about = describe(given.path)
        if about.family != NAME:
            raise CheckpointError(f"{given.path} holds a {about.family!r}, not a network of the family {NAME!r}")
        return given, Configuration.from_dict(about.configuration)
    if not isinstance(getattr(given, "configuration", None), Configuration):
        raise TypeError(
            f"{type(given).__name__} is no network: give a checkpoint, its path, or a ConditionalNeuralProcess"
        )
    return Held(given), given.configuration


def network_on(weights: Reference | Held, device: str) -> ConditionalNeuralProcess:
    """The network at work on a device; that of a file is loaded once per process."""
    if isinstance(weights, Held):
        return weights.on(device)
    from adaf_xr.models.cnp.weights import network_of

    return cast("ConditionalNeuralProcess", loaded(weights, device, network_of))
