"""Folders in the layout of the published repository: ``config.yaml`` and ``training_checkpoints/checkpoint.pth``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from adaf_xr.atomic import write_whole
from adaf_xr.checkpoint import Checkpoint, CheckpointError, digest
from adaf_xr.models import torch_file
from adaf_xr.models.cnp import plain_yaml
from adaf_xr.models.cnp.configuration import Configuration
from adaf_xr.models.cnp.demands import group
from adaf_xr.models.cnp.network import ConditionalNeuralProcess
from adaf_xr.models.cnp.published_configuration import (
    GROUP,
    NAME,
    arguments_of,
    derived,
    described,
    points_arguments,
    refuse_other_sizes,
    stated,
)
from adaf_xr.models.cnp.published_weights import model_of
from adaf_xr.models.cnp.weights import checkpoint_of, network_of, refuse_misfit
from adaf_xr.models.torch_weights import arrays_of, tensors_of
from adaf_xr.models.weights import weights_of

CONFIG = "config.yaml"
WEIGHTS = "training_checkpoints/checkpoint.pth"


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
        If a file is missing, truncated, damaged, no plain data or one that could run code; if the files contradict one
        another; if weights are missing, surplus or of another shape (all are listed), not of floating point or not
        finite.

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
    config, held = plain_yaml.read(_there(folder, CONFIG)), torch_file.read(_there(folder, WEIGHTS))
    model = model_of(held, folder / WEIGHTS)
    tensors = tensors_of(model["state_dict"], folder / WEIGHTS)
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    try:
        configuration = configuration or stated(config)
        arguments = {} if configuration else arguments_of(config, model)
        configuration = configuration or derived(config, arguments, shapes)
        refuse_misfit(shapes, configuration, str(folder / WEIGHTS))
        refuse_other_sizes(arguments, configuration)
        provenance = _provenance(folder, config, held)
    except ValueError as error:
        raise CheckpointError(str(error) if str(folder) in str(error) else f"{folder}: {error}") from error
    return checkpoint_of(configuration, arrays_of(tensors, folder / WEIGHTS), provenance)


def _provenance(folder: Path, config: Mapping[Any, Any], held: Mapping[str, Any]) -> dict[str, Any]:
    """What the files say beyond the network."""
    data, epoch = group(config.get("train_dataset"), "train_dataset"), held.get("epoch")
    names = [held["model"].get("name"), group(config.get("model"), "model").get("name"), NAME]
    return {
        "origin": "published ADAF-Ocean layout",
        "folder": folder.resolve().name,
        "sha256": digest(folder / WEIGHTS),
        "model": next(name for name in names if isinstance(name, str)),
        # Pickles, unlike our YAML, are of any size: only numbers are taken from them.
        "epoch": plain_yaml.as_json(epoch) if isinstance(epoch, int | float | np.integer | np.floating) else None,
        "bg_lead_time": plain_yaml.as_json(data.get("bg_lead_time")),
        "bg_interp": plain_yaml.as_json(data.get("bg_interp")),
        "config": plain_yaml.as_json({name: value for name, value in config.items() if name != GROUP}),
    }


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
    write_whole(folder / WEIGHTS, lambda stream: torch.save(held, stream))
    write_whole(folder / CONFIG, yaml.safe_dump(config, sort_keys=False).encode())
    return folder


def _there(folder: Path, name: str) -> Path:
    """A file of the layout."""
    if not (folder / name).is_file():
        raise CheckpointError(
            f"{folder} is no folder in the published layout: it has no {name} (it should hold {CONFIG} and {WEIGHTS})"
        )
    return folder / name
