"""Folders in the layout of the published repository: ``config.yaml`` and ``training_checkpoints/checkpoint.pth``."""

from __future__ import annotations

import datetime
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from adaf_xr.checkpoint import Checkpoint, CheckpointError, digest
from adaf_xr.models.cnp import torch_file
from adaf_xr.models.cnp.configuration import Configuration
from adaf_xr.models.cnp.network import ConditionalNeuralProcess
from adaf_xr.models.cnp.published_configuration import GROUP, NAME, derived, described, points_arguments
from adaf_xr.models.cnp.weights import checkpoint_of, network_of, refuse_misfit, weights_of

CONFIG = "config.yaml"
WEIGHTS = "training_checkpoints/checkpoint.pth"

_PREFIX = "module."
"""What training on several devices puts before every name."""


def is_published(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a local folder in the published layout.

    >>> is_published("/")
    False
    """
    return (Path(path).expanduser() / WEIGHTS).is_file()


def read_published(exp_dir: str | os.PathLike[str], configuration: Configuration | None = None) -> Checkpoint:
    """Weights of the published repository, as a checkpoint of this package.

    No code in the file runs. Names may begin with ``module.``. How many points each source has is told by the weights;
    patch shapes by ``config.yaml`` where it gives them (else n x 2n cells on 10 x 20 degrees); value ranges are the
    published ones. What else the files say (``bg_lead_time``, ``bg_interp``, periods, ...) is kept in the provenance.

    Parameters
    ----------
    exp_dir : path
        A local folder with ``config.yaml`` and ``training_checkpoints/checkpoint.pth``.
    configuration : Configuration, optional
        What the weights are for, instead of what the files say.

    Returns
    -------
    Checkpoint
        Of family "adaf-ocean-cnp".

    Raises
    ------
    CheckpointError
        If a file is missing, truncated or holds objects that could run code; if the files contradict one another; if
        weights are missing, surplus or of another shape (all are listed), or are not finite.

    Examples
    --------
    >>> import tempfile
    >>> from adaf_xr.models.cnp import thinned
    >>> folder = write_published(tempfile.mkdtemp() + "/exp", thinned(seed=0))
    >>> checkpoint = read_published(folder)
    >>> checkpoint.family, len(checkpoint.weights)
    ('adaf-ocean-cnp', 116)
    """
    folder = Path(exp_dir).expanduser()
    config, held = _config(folder), torch_file.read(_there(folder, WEIGHTS))
    model = _model(held, folder / WEIGHTS)
    weights = _without_prefix(model["state_dict"], folder / WEIGHTS)
    shapes = {name: array.shape for name, array in weights.items()}
    stated = config.get("model") or {}
    if configuration is None:
        arguments = {**(stated.get("args") or {}), **(model.get("args") or {})}
        try:
            configuration = derived(config, arguments, shapes)
        except (ValueError, TypeError) as error:
            raise CheckpointError(f"{folder}: {error}") from error
    refuse_misfit(shapes, configuration, str(folder / WEIGHTS))
    data = config.get("train_dataset") or {}
    provenance = {
        "origin": "published ADAF-Ocean layout",
        "folder": folder.resolve().name,
        "sha256": digest(folder / WEIGHTS),
        "model": str(model.get("name") or stated.get("name") or NAME),
        "epoch": _plain(held.get("epoch")),
        "bg_lead_time": _plain(data.get("bg_lead_time")),
        "bg_interp": _plain(data.get("bg_interp")),
        "config": _plain({group: value for group, value in config.items() if group != GROUP}),
    }
    return checkpoint_of(configuration, weights, provenance)


def write_published(
    exp_dir: str | os.PathLike[str], network: ConditionalNeuralProcess | Checkpoint, overwrite: bool = False
) -> Path:
    """Write a network in the published layout, to go back with, and for tests.

    The published groups of ``config.yaml`` say what they can; a group of our own, ``adaf_xr``, says all, so that
    reading gives the same configuration. An optimiser's state is not written.

    Parameters
    ----------
    exp_dir : path
        The folder; it and its parents are made.
    network : ConditionalNeuralProcess or Checkpoint
        What to write.
    overwrite : bool
        Take the place of weights that are there.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    CheckpointError
        If weights are there, or the checkpoint is of another family or does not fit its own configuration.
    """
    folder = Path(exp_dir).expanduser()
    if (folder / WEIGHTS).exists() and not overwrite:
        raise CheckpointError(f"{folder / WEIGHTS} is there: pass overwrite=True, or another folder")
    provenance: Mapping[str, Any] = network.provenance if isinstance(network, Checkpoint) else {}
    network = network_of(network) if isinstance(network, Checkpoint) else network
    ours = described(network.configuration)
    config = {**ours, **(provenance.get("config") or {}), GROUP: ours[GROUP]}
    state = {name: torch.from_numpy(array) for name, array in weights_of(network).items()}
    arguments = {**ours["model"]["args"], **points_arguments(network.configuration)}
    held = {"model": {"name": NAME, "args": arguments, "state_dict": state}, "epoch": provenance.get("epoch")}
    stream = io.BytesIO()
    torch.save(held, stream)
    _place(stream.getvalue(), folder / WEIGHTS)
    _place(yaml.safe_dump(config, sort_keys=False).encode(), folder / CONFIG)
    return folder


def _there(folder: Path, name: str) -> Path:
    """A file of the layout."""
    if not (folder / name).is_file():
        raise CheckpointError(
            f"{folder} is no folder in the published layout: it has no {name} (it should hold {CONFIG} and {WEIGHTS})"
        )
    return folder / name


def _config(folder: Path) -> Mapping[str, Any]:
    """What the configuration file says; YAML that makes objects is refused."""
    path = _there(folder, CONFIG)
    try:
        config = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path} is no plain YAML: {error}") from error
    if not isinstance(config, Mapping):
        raise CheckpointError(f"{path} holds no groups of settings but {config!r}")
    return config


def _model(held: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    """The part of the file that is the network."""
    model = held.get("model")
    if not isinstance(model, Mapping) or not isinstance(model.get("state_dict"), Mapping):
        there = model if isinstance(model, Mapping) else held
        what = "its 'model' has no 'state_dict'" if isinstance(model, Mapping) else "it has no 'model'"
        keys = ", ".join(map(str, list(there)[:8])) or "nothing"
        raise CheckpointError(
            f"{path} is no checkpoint in the published layout: {what} (but {keys}"
            f"{', ...' if len(there) > 8 else ''}). The layout is {{'model': {{'name', 'args', 'state_dict'}}, ...}}"
        )
    return model


def _without_prefix(state: Mapping[str, Any], path: Path) -> dict[str, np.ndarray]:
    """Arrays of their own, in single precision, under names without what parallel training adds."""
    if odd := [str(name) for name, value in state.items() if not isinstance(value, torch.Tensor)]:
        raise CheckpointError(f"{path}: {odd[0]!r} among the weights is no tensor ({len(odd)} such)")
    named = {name.removeprefix(_PREFIX): tensor for name, tensor in state.items()}
    if len(named) < len(state):
        raise CheckpointError(f"{path} has some weights twice, with {_PREFIX!r} and without: keep one set")
    weights = {name: np.array(tensor.detach().float().numpy()) for name, tensor in named.items()}
    if bad := [name for name, array in weights.items() if not np.isfinite(array).all()]:
        raise CheckpointError(f"{path}: weights that are not finite, training had diverged: {', '.join(bad)}")
    return weights


def _plain(value: Any) -> Any:
    """A value of YAML or of a checkpoint as JSON knows it; dates as text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, datetime.date):
        return value.isoformat()
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _place(data: bytes, path: Path) -> None:
    """Put a file in its place whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    beside.write_bytes(data)
    os.replace(beside, path)
