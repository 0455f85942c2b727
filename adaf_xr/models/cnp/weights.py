"""Weights and the network they are for: a checkpoint of either from the other, and a report where they do not fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from adaf_xr.checkpoint import Checkpoint, CheckpointError
from adaf_xr.models.cnp.carrying import NAME
from adaf_xr.models.cnp.configuration import RELEASED, THINNED, Configuration
from adaf_xr.models.cnp.network import ConditionalNeuralProcess
from adaf_xr.normalisation import minmax

Shapes = Mapping[str, tuple[int, ...]]
"""Shape of every parameter by its name."""

_KNOWN = {
    "released": (RELEASED, "every source at the resolution of its product"),
    "thinned": (THINNED, "every gridded source at 1 degree"),
}


def weights_of(network: torch.nn.Module) -> dict[str, NDArray]:
    """Copies of the parameters of a network, on the CPU, under their names."""
    return {name: tensor.detach().cpu().numpy().copy() for name, tensor in network.state_dict().items()}


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
    >>> network = thinned(seed=0)
    >>> checkpoint = checkpoint_of(network.configuration, weights_of(network), {"seed": 0})
    >>> checkpoint.family, network_of(checkpoint).configuration == THINNED
    ('adaf-ocean-cnp', True)
    """
    refuse_misfit({name: array.shape for name, array in weights.items()}, configuration, "these weights")
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
    if checkpoint.family != NAME:
        raise CheckpointError(f"a checkpoint of family {checkpoint.family!r} holds no network of {NAME!r}")
    try:
        configuration = Configuration.from_dict(checkpoint.configuration)
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"the checkpoint's configuration describes no network: {error}") from error
    if checkpoint.normalisation and dict(checkpoint.normalisation) != normalisation_of(configuration):
        raise CheckpointError(
            "the checkpoint's normalisation is not that of its configuration's ranges: one of the two was changed. "
            "Write it again with adaf_xr.models.cnp.weights.checkpoint_of"
        )
    weights = checkpoint.weights
    refuse_misfit({name: array.shape for name, array in weights.items()}, configuration, "the checkpoint")
    with torch.device("meta"):  # no random weights that would be thrown away
        network = ConditionalNeuralProcess(configuration)
    tensors = {name: torch.from_numpy(np.array(array, np.float32)) for name, array in weights.items()}
    network.load_state_dict(tensors, strict=True, assign=True)
    return network


def refuse_misfit(found: Shapes, configuration: Configuration, where: str) -> None:
    """Raise if parameters are missing, surplus or of another shape than the configuration has, with all of them."""
    for part, depth in (("encoder", configuration.encoder_depth), ("decoder", configuration.decoder_depth)):
        if depth > max(len(found), 100):  # which takes hours to lay out, and cannot be this one
            raise CheckpointError(
                f"{where}: {part}_depth is {depth}, but there are {len(found)} weights in all, of which each layer has "
                "two: correct it, or these are weights of something else"
            )
    due = shapes_of(configuration)
    missing, surplus = [name for name in due if name not in found], [name for name in found if name not in due]
    other = [name for name in due if name in found and found[name] != due[name]]
    if not (missing or surplus or other):
        return
    lines = [f"{where}: {len(missing)} missing, {len(surplus)} surplus, {len(other)} of another shape"]
    if why := _explanation(found, due, configuration):
        lines.append(f"  {why}")
    lines += [f"  missing: {name}" for name in folded(missing)] + [f"  surplus: {name}" for name in folded(surplus)]
    lines += [f"  {name} is {found[name]}, the configuration has {due[name]}" for name in other]
    raise CheckpointError("\n".join(lines))


def shapes_of(configuration: Configuration) -> dict[str, tuple[int, ...]]:
    """Shape of every parameter of the network of a configuration."""
    with torch.device("meta"):
        network = ConditionalNeuralProcess(configuration)
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def points_of(shapes: Shapes) -> dict[str, int]:
    """How many points of each source the linear maps among the parameters take."""
    tail = "_post_proc.weight"
    return {
        name.removeprefix("encoder.").removesuffix(tail): shape[1]
        for name, shape in shapes.items()
        if name.startswith("encoder.") and name.endswith(tail) and len(shape) == 2
    }


def folded(names: Iterable[str]) -> list[str]:
    """Names of parameters with layers and kinds drawn together.

    >>> folded(["layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias", "end.weight"])
    ['layers.{0,1}.{weight,bias}', 'end.weight']
    """
    kinds: dict[str, list[str]] = {}
    for name in names:
        module, _, kind = name.rpartition(".")
        kinds.setdefault(module, []).append(kind)
    layers: dict[tuple[str, str], list[str]] = {}
    for module, found in kinds.items():
        parent, _, layer = module.rpartition(".")
        if not layer.isdigit():
            parent, layer = module, ""
        layers.setdefault((parent, _braced(found)), []).append(layer)
    return [
        ".".join(part for part in (parent, _braced(found), kind) if part) for (parent, kind), found in layers.items()
    ]


def _braced(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else "{" + ",".join(parts) + "}"


def _explanation(found: Shapes, due: Shapes, configuration: Configuration) -> str:
    """The likeliest reason why weights do not fit, or nothing."""
    points, wanted = points_of(found), points_of(due)
    for name, (known, what) in _KNOWN.items():
        if points != wanted and points == points_of(shapes_of(known)):
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
