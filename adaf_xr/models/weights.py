"""Weights by name: taken from a network, given to one, and a report where they do not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from adaf_xr.checkpoint import CheckpointError

Network = TypeVar("Network", bound=nn.Module)

Shapes = Mapping[str, tuple[int, ...]]
"""Shape of every parameter by its name."""


def weights_of(network: nn.Module) -> dict[str, NDArray]:
    """Copies of the parameters of a network, on the CPU, under their names."""
    return {name: tensor.detach().cpu().numpy().copy() for name, tensor in network.state_dict().items()}


def give(network: nn.Module, weights: Mapping[str, NDArray]) -> None:
    """Put weights into a network that they fit, which may be one without memory (of the device "meta")."""
    tensors = {name: torch.from_numpy(np.array(array, np.float32)) for name, array in weights.items()}
    network.load_state_dict(tensors, strict=True, assign=True)


def laid_out(build: Callable[[], Network]) -> Network:
    """A network without memory, so that no random weights are drawn that would be thrown away."""
    with torch.device("meta"):
        return build()


def filled(network: Network, weights: Mapping[str, NDArray]) -> Network:
    """A network that was laid out, with the weights of a checkpoint.

    Raises
    ------
    CheckpointError
        If they do not fit; all that does not is listed.
    """
    refuse_misfit(shapes_of(weights), shapes_of(network), "the checkpoint")
    give(network, weights)
    return network


def shapes_of(given: nn.Module | Mapping[str, NDArray]) -> dict[str, tuple[int, ...]]:
    """Shape of every parameter, of a network or of its weights."""
    held = given.state_dict() if isinstance(given, nn.Module) else given
    return {name: tuple(array.shape) for name, array in held.items()}


def refuse_misfit(found: Shapes, due: Shapes, where: str, explain: Callable[[], str] = str) -> None:
    """Raise if parameters are missing, surplus or of another shape, with all of them.

    Parameters
    ----------
    found, due : mapping of str to shape
        What there is, and what the network has.
    where : str
        What there is it in, for the message.
    explain : callable
        Called for the likeliest reason where they do not fit; empty if none is known.

    Raises
    ------
    CheckpointError

    Examples
    --------
    >>> refuse_misfit({"line.weight": (1, 2)}, {"line.weight": (1, 3), "line.bias": (1,)}, "the file")
    Traceback (most recent call last):
        ...
    adaf_xr.checkpoint.CheckpointError: the file: 1 missing, 0 surplus, 1 of another shape
      missing: line.bias
      line.weight is (1, 2), the configuration has (1, 3)
    """
    missing, surplus = [name for name in due if name not in found], [name for name in found if name not in due]
    other = [name for name in due if name in found and found[name] != due[name]]
    if not (missing or surplus or other):
        return
    lines = [f"{where}: {len(missing)} missing, {len(surplus)} surplus, {len(other)} of another shape"]
    if why := explain():
        lines.append(f"  {why}")
    lines += [f"  missing: {name}" for name in folded(missing)] + [f"  surplus: {name}" for name in folded(surplus)]
    lines += [f"  {name} is {found[name]}, the configuration has {due[name]}" for name in other]
    raise CheckpointError("\n".join(lines))


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
