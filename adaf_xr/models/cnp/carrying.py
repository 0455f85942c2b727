"""What the engine carries of the published network, by all the ways in which it can be given."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from adaf_xr.checkpoint import Reference
from adaf_xr.models import carrying
from adaf_xr.models.carrying import Held, described
from adaf_xr.models.cnp.configuration import Configuration

if TYPE_CHECKING:
    from adaf_xr.models.cnp.network import ConditionalNeuralProcess

NAME = "adaf-ocean-cnp"
"""Of the engine and of its family of checkpoints."""


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
        return given, Configuration.from_dict(described(given, NAME).configuration)
    if not isinstance(getattr(given, "configuration", None), Configuration):
        raise TypeError(
            f"{type(given).__name__} is no network: give a checkpoint, its path, or a ConditionalNeuralProcess"
        )
    return Held(given), given.configuration


def network_on(weights: Reference | Held, device: str) -> ConditionalNeuralProcess:
    """The network at work on a device; that of a file is loaded once per process."""
    from adaf_xr.models.cnp.weights import network_of

    return cast("ConditionalNeuralProcess", carrying.network_on(weights, device, network_of))
