"""Weights and the network they are for: a checkpoint of either from the other, and a report where they do not fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from adaf_xr.checkpoint import Checkpoint, CheckpointError
from adaf_xr.models.carrying import configuration_in
from adaf_xr.models.cnp.carrying import NAME
from adaf_xr.models.cnp.configuration import RELEASED, THINNED, Configuration
from adaf_xr.models.cnp.network import ConditionalNeuralProcess
from adaf_xr.models.weights import Shapes, give, laid_out, shapes_of
from adaf_xr.models.weights import refuse_misfit as refuse
from adaf_xr.normalisation import minmax

_KNOWN = {
    "released": (RELEASED, "every source at the resolution of its product"),
    "thinned": (THINNED, "every gridded source at 1 degree"),
}


def checkpoint_of(
    configuration: Configuration, weights: Mapping[str, NDArray], provenance: Mapping[str, Any] | None = None
) -> Checkpoint:
    """A checkpoint of this family.

    Parameters
    ----------
    configuration : Configuration
        What the weights are for.
    weights : mapping of str to array
        Under the names of the network's parameters.
    provenance : mapping, optional
        Where they come from; JSON.

    Raises
    ------
    CheckpointError
        If the weights do not fit the configuration.

    Examples
    --------
    >>> from adaf_xr.models.cnp import thinned
    >>> from adaf_xr.models.weights import weights_of
    >>> network = thinned(seed=0)
    >>> checkpoint = checkpoint_of(network.configuration, weights_of(network), {"seed": 0})
    >>> checkpoint.family, network_of(checkpoint).configuration == THINNED
    ('adaf-ocean-cnp', True)
    """
    refuse_misfit(shapes_of(weights), configuration, "these weights")
    return Checkpoint(NAME, weights, configuration.as_dict(), normalisation_of(configuration), provenance or {})


def normalisation_of(configuration: Configuration) -> dict[str, Any]:
    """Offset and scale of every channel of every source, as JSON; targets share those of the background."""
    return {
        source.key: {
            channel: minmax(*limits).as_dict() for channel, limits in zip(source.channels, source.ranges, strict=True)
        }
        for source in configuration.sources
    }


def network_of(checkpoint: Checkpoint) -> ConditionalNeuralProcess:
    """The network of a checkpoint, its weights loaded, in single precision on the CPU.

    Raises
    ------
    CheckpointError
        If it is of another family, its weights do not fit its configuration (all that does not is listed), or its
        normalisation is not that of its configuration.
    """
    configuration = configuration_in(checkpoint, NAME, Configuration.from_dict)
    if checkpoint.normalisation and dict(checkpoint.normalisation) != normalisation_of(configuration):
        raise CheckpointError(
            "the checkpoint's normalisation is not that of its configuration's ranges: one of the two was changed. "
            "Write it again with adaf_xr.models.cnp.weights.checkpoint_of"
        )
    refuse_misfit(shapes_of(checkpoint.weights), configuration, "the checkpoint")
    network = laid_out(lambda: ConditionalNeuralProcess(configuration))
    give(network, checkpoint.weights)
    return network


def refuse_misfit(found: Shapes, configuration: Configuration, where: str) -> None:
    """Raise if parameters are missing, surplus or of another shape than the configuration has, with all of them."""
    for part, depth in (("encoder", configuration.encoder_depth), ("decoder", configuration.decoder_depth)):
        if depth > max(len(found), 100):  # which takes hours to lay out, and cannot be this one
            raise CheckpointError(
                f"{where}: {part}_depth is {depth}, but there are {len(found)} weights in all, of which each layer has "
                "two: correct it, or these are weights of something else"
            )
    due = shapes_due(configuration)
    refuse(found, due, where, lambda: _explanation(found, due, configuration))


def shapes_due(configuration: Configuration) -> dict[str, tuple[int, ...]]:
    """Shape of every parameter of the network of a configuration."""
    return shapes_of(laid_out(lambda: ConditionalNeuralProcess(configuration)))


def points_of(shapes: Shapes) -> dict[str, int]:
    """How many points of each source the linear maps among the parameters take."""
    tail = "_post_proc.weight"
    return {
        name.removeprefix("encoder.").removesuffix(tail): shape[1]
        for name, shape in shapes.items()
        if name.startswith("encoder.") and name.endswith(tail) and len(shape) == 2
    }


def _explanation(found: Shapes, due: Shapes, configuration: Configuration) -> str:
    """The likeliest reason why weights do not fit, or nothing."""
    points, wanted = points_of(found), points_of(due)
    for name, (known, what) in _KNOWN.items():
        if points != wanted and points == points_of(shapes_due(known)):
            return (
                f"these are weights of the {name} configuration ({what}), and the configuration given takes others: "
                f"use adaf_xr.models.cnp.{name.upper()} (configuration=... where a folder is read)"
            )
    if not any(name in due for name in found):
        prefixes = {name[: name.find(part)] for name in found for part in ("encoder.", "decoder.") if part in name}
        if len(prefixes) == 1:
            return f"every name begins with {prefixes.pop()!r}: take that off"
        return "no name is one of this network: these are weights of something else"
    if absent := [key for key in wanted if not any(name.startswith(f"encoder.{key}_") for name in found)]:
        keys = ", ".join(absent)
        return f"there is nothing at all for {keys}: trained without? Leave {keys} out of the configuration's sources"
    if unknown := [key for key in points if key not in wanted]:
        return f"there are weights for {', '.join(unknown)}, which the configuration does not have"
    return ""
