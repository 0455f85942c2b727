"""Weights in the state of a torch network that was read from a file: checked and copied."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from adaf_xr.checkpoint import CheckpointError

PREFIX = "module."
"""What training on several devices puts before every name."""

_ODDITIES: tuple[tuple[Callable[[Any], bool], str], ...] = (
    (lambda value: not isinstance(value, torch.Tensor), "no tensor"),
    (lambda tensor: tensor.is_meta, "a tensor without numbers, on the device 'meta'"),
    (lambda tensor: tensor.is_quantized, "a quantised tensor"),
    (lambda tensor: tensor.layout != torch.strided or tensor.is_nested, "a sparse or nested tensor"),
    (lambda tensor: tensor.is_complex(), "complex"),
    (lambda tensor: not tensor.is_floating_point(), "of whole numbers or truth values"),
    (
        lambda tensor: tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes(),
        "a tensor of more numbers than the file holds",
    ),
)
"""What keeps a value from being a weight; a later question may be asked only where the earlier ones are answered no."""


def tensors_of(state: Mapping[Any, Any], path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a state, under names without what parallel training adds.

    Raises
    ------
    CheckpointError
        If a name is no text or stands for two, or a value is anything but a dense tensor of floating-point numbers.
    """
    if odd := [name for name in state if not isinstance(name, str)]:
        raise CheckpointError(
            f"{path}: weights bear names, but {reprlib.repr(odd[0])} is no text ({len(odd)} such): these are weights "
            "of something else"
        )
    bad = {
        name: kind
        for name, value in state.items()
        if (kind := next((kind for is_so, kind in _ODDITIES if is_so(value)), ""))
    }
    if bad:
        name, kind = next(iter(bad.items()))
        raise CheckpointError(
            f"{path}: {name!r} among the weights is {kind} ({len(bad)} such), and dense tensors of floating-point "
            "numbers are due: save the state of the network as it was trained, network.float().state_dict()"
        )
    named = {name.removeprefix(PREFIX): tensor for name, tensor in state.items()}
    if len(named) < len(state):
        raise CheckpointError(f"{path} has some weights twice, with {PREFIX!r} and without: keep one set")
    return named


def arrays_of(tensors: Mapping[str, torch.Tensor], path: Path) -> dict[str, NDArray[np.float32]]:
    """Copies of tensors in single precision, which outlive the file.

    Raises
    ------
    CheckpointError
        If some are not finite.
    """
    arrays = {name: np.array(tensor.detach().float().resolve_neg().numpy()) for name, tensor in tensors.items()}
    if bad := [name for name, array in arrays.items() if not np.isfinite(array).all()]:
        raise CheckpointError(f"{path}: weights that are not finite, training had diverged: {', '.join(bad)}")
    return arrays
