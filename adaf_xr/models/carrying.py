"""What an engine carries of a network to where the work is done: a reference to a file, or the network itself."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from adaf_xr.checkpoint import Checkpoint, CheckpointError, Reference, describe
from adaf_xr.models.loading import device_of, loaded

if TYPE_CHECKING:
    from torch import nn

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Held:
    """A network that travels with its engine, for those that are in no file."""

    network: nn.Module = field(repr=False)

    def __dask_tokenize__(self) -> str:
        state = hashlib.sha256()
        for name, tensor in self.network.state_dict().items():
            state.update(name.encode() + tensor.detach().cpu().numpy().tobytes())
        return state.hexdigest()

    def on(self, device: str) -> nn.Module:
        """The network on a device; a copy where it is on another one."""
        place = device_of(device)
        here = next(self.network.parameters()).device == place
        return self.network if here else copy.deepcopy(self.network).to(place)


def network_on(weights: Reference | Held, device: str, build: Callable[[Checkpoint], nn.Module]) -> nn.Module:
    """The network at work on a device; that of a file is built once per process."""
    return weights.on(device) if isinstance(weights, Held) else loaded(weights, device, build)


def described(reference: Reference, family: str) -> Checkpoint:
    """What the file of a reference says of itself.

    Raises
    ------
    CheckpointError
        If it is missing, unusable or of another family.
    """
    about = describe(reference.path)
    if about.family != family:
        raise CheckpointError(f"{reference.path} holds a {about.family!r}, not a network of the family {family!r}")
    return about


def configuration_in(checkpoint: Checkpoint, family: str, read: Callable[[Mapping[str, Any]], T]) -> T:
    """How the network of a checkpoint is built, by a function that reads its JSON; its weights are not looked at.

    Raises
    ------
    CheckpointError
        If it is of another family, or its configuration means no network.
    """
    if checkpoint.family != family:
        raise CheckpointError(f"a checkpoint of family {checkpoint.family!r} holds no network of {family!r}")
    try:
        return read(checkpoint.configuration)
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"the checkpoint's configuration describes no network: {error}") from error
