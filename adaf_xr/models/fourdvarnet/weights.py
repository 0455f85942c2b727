"""Weights and the network they are for: a checkpoint of either from the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from adaf_xr.checkpoint import Checkpoint, CheckpointError
from adaf_xr.models.carrying import configuration_in
from adaf_xr.models.fourdvarnet.configuration import NAME, Configuration
from adaf_xr.models.fourdvarnet.network import DirectInversion, Unrolled, network_for
from adaf_xr.models.weights import filled, laid_out, refuse_misfit, shapes_of
from adaf_xr.normalisation import Affine

QUANTITIES = ("ssh", "currents", "sst")
"""What a checkpoint may say the normalisation of: heights [m], both currents [m s-1] and temperature [degC]."""


def checkpoint_of(
    configuration: Configuration,
    weights: Mapping[str, NDArray],
    normalisation: Mapping[str, Affine] | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> Checkpoint:
    """A checkpoint of this family.

    Parameters
    ----------
    configuration : Configuration
        What the weights are for.
    weights : mapping of str to array
        Under the names of the network's parameters.
    normalisation : mapping of str to Affine, optional
        Of the quantities "ssh", "currents" and "sst", as far as they are known.
    provenance : mapping, optional
        Where they come from; JSON.

    Raises
    ------
    CheckpointError
        If the weights do not fit the configuration, or a normalisation is of nothing that the network knows.

    Examples
    --------
    >>> from adaf_xr.models.fourdvarnet import small
    >>> from adaf_xr.models.weights import weights_of
    >>> network = network_for(small("4dvarnet-ssh"), seed=0)
    >>> checkpoint = checkpoint_of(network.configuration, weights_of(network), {"ssh": Affine(0.31, 0.39)})
    >>> checkpoint.family, normalisation_of(checkpoint)["ssh"].scale
    ('4dvarnet', 0.39)
    """
    refuse_misfit(shapes_of(weights), shapes_due(configuration), "these weights")
    known = {name: affine.as_dict() for name, affine in (normalisation or {}).items()}
    made = Checkpoint(NAME, weights, configuration.as_dict(), known, provenance or {})
    normalisation_of(made)
    return made


def configuration_of(checkpoint: Checkpoint) -> Configuration:
    """How the network of a checkpoint is built; its weights are not looked at.

    Raises
    ------
    CheckpointError
        If it is of another family, or its configuration means no network.
    """
    return configuration_in(checkpoint, NAME, Configuration.from_dict)


def normalisation_of(checkpoint: Checkpoint) -> dict[str, Affine]:
    """Of the quantities that a checkpoint knows one of.

    Raises
    ------
    CheckpointError
        For quantities that the network does not know, and for what is no normalisation.
    """
    if unknown := [name for name in checkpoint.normalisation if name not in QUANTITIES]:
        raise CheckpointError(f"a normalisation of {', '.join(unknown)}: a 4DVarNet knows {', '.join(QUANTITIES)}")
    try:
        return {name: Affine.from_dict(numbers) for name, numbers in checkpoint.normalisation.items()}
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"the checkpoint's normalisation is none: {error}") from error


def network_of(checkpoint: Checkpoint) -> Unrolled | DirectInversion:
    """The network of a checkpoint, its weights loaded, in single precision on the CPU.

    Raises
    ------
    CheckpointError
        As :func:`configuration_of`, and if its weights do not fit its configuration; all that does not is listed.
    """
    configuration = configuration_of(checkpoint)
    return filled(laid_out(lambda: network_for(configuration)), checkpoint.weights)


def shapes_due(configuration: Configuration) -> dict[str, tuple[int, ...]]:
    """Shape of every parameter of the network of a configuration."""
    return shapes_of(laid_out(lambda: network_for(configuration)))
