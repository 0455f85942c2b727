"""Checkpoints of the published programs: of the paper's, and of their lighter descendant."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adaf_xr.checkpoint import Checkpoint, CheckpointError, digest
from adaf_xr.models import torch_file
from adaf_xr.models.fourdvarnet.configuration import Configuration
from adaf_xr.models.fourdvarnet.experiments import published
from adaf_xr.models.fourdvarnet.published_names import DESCENDANT, Names, names_of
from adaf_xr.models.fourdvarnet.published_sizes import configuration_of, experiment_of
from adaf_xr.models.fourdvarnet.weights import checkpoint_of, shapes_due
from adaf_xr.models.torch_weights import arrays_of, tensors_of
from adaf_xr.models.weights import Shapes, folded, refuse_misfit, shapes_of
from adaf_xr.normalisation import Affine, standard

NORMALISATION = {
    "paper": {"ssh": standard(0.314463, 0.38866), "currents": standard(0.0, 0.50973)},
    "descendant": {"ssh": standard(0.333135, 0.389343)},
}
"""Of the training data by layout: heights [m] and currents [m s-1] of NATL60 over the Gulf Stream."""


def read_published(
    path: str | os.PathLike[str],
    experiment: str | None = None,
    normalisation: Mapping[str, Affine] | None = None,
    **options: Any,
) -> Checkpoint:
    """Weights of a published program, as a checkpoint of this package.

    No code in the file runs; objects in it are left out. Sizes are told by the shapes of the weights. Every name in
    the file is used, known to be stored for nothing, or stray: the provenance lists the last two as ``unused`` and
    ``stray``, and stray ones draw a warning.

    Parameters
    ----------
    path : path
        A ``.ckpt`` of Lightning or a ``.pth`` with a state, in the layout of the paper (``phi_r``, ``model_H``,
        ``model_Grad``, ``model_VarCost``) or of its descendant (``prior_cost``, ``grad_mod``), below any prefix.
    experiment : str, optional
        Which of :func:`adaf_xr.models.fourdvarnet.experiments.published` it is, where the file does not tell.
    normalisation : mapping of str to Affine, optional
        Of "ssh", "currents" and "sst", where it was not that of the published training.
    **options
        Of the :class:`adaf_xr.models.fourdvarnet.Configuration`, where they are not as published. The descendant is
        run as in its notebooks: 15 steps, and gaps as observations of 0.

    Returns
    -------
    Checkpoint
        Of family "4dvarnet".

    Raises
    ------
    CheckpointError
        If the file is missing, damaged or of another layout; if weights are missing or of another shape (all are
        listed), not of floating point or not finite; if the file leaves open which experiment it is from.

    Examples
    --------
    >>> import tempfile, torch
    >>> sizes = {"prior_cost.conv_in": (4, 3), "prior_cost.conv_hidden": (4, 4), "prior_cost.bilin_1": (4, 4)}
    >>> sizes |= {"prior_cost.bilin_21": (4, 4), "prior_cost.bilin_22": (4, 4), "prior_cost.conv_out": (3, 8)}
    >>> sizes |= {"grad_mod.gates": (20, 8), "grad_mod.conv_out": (3, 5)}
    >>> state = {f"{name}.weight": torch.zeros(*size, 3, 3) for name, size in sizes.items()}
    >>> state |= {f"{name}.bias": torch.zeros(size[0]) for name, size in sizes.items()}
    >>> path = tempfile.mkdtemp() + "/small.pth"
    >>> torch.save(state, path)
    >>> configuration = read_published(path).configuration
    >>> configuration["days"], configuration["width"], configuration["hidden"], configuration["steps"]
    (3, 4, 5, 15)
    """
    path = Path(path).expanduser()
    held = torch_file.read(path, husks=True)
    state = held["state_dict"] if isinstance(held.get("state_dict"), Mapping) else held
    names = _recognised(list(state), path)
    try:
        if names.layout != DESCENDANT:
            experiment = experiment or experiment_of(list(state), lambda name: _shape(state[name]), held)
            names = _recognised(list(state), path, published(experiment).direct)
        weights = _joined(names, state, path)
        configuration = configuration_of(names, shapes_of(weights), experiment or "", options)
    except CheckpointError:
        raise
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"{path}: {error}") from error
    weights = _in_our_shapes(weights, configuration, path)
    if names.stray:
        warnings.warn(f"{path} holds what is not known here and not used: {_listed(names.stray)}", stacklevel=2)
    return checkpoint_of(
        configuration, weights, normalisation or NORMALISATION[names.layout], _provenance(path, held, names, experiment)
    )


def _recognised(names: list[Any], path: Path, direct: bool = False) -> Names:
    found = names_of([name for name in names if isinstance(name, str)], direct)
    if found is None:
        there = ", ".join(folded(sorted(map(str, names))[:8])) or "nothing"
        raise CheckpointError(
            f"{path} is no checkpoint of 4DVarNet in a published layout: it has neither 'phi_r' nor 'prior_cost' among "
            f"its weights (but {there})"
        )
    return found


def _joined(names: Names, state: Mapping[str, Any], path: Path) -> dict[str, NDArray[np.float32]]:
    """What is used, under our names; layers that are one of ours side by side."""
    used = {name: state[name] for theirs in names.used.values() for name in theirs}
    arrays = arrays_of(tensors_of(used, path), path)
    plain = {name: array for name, array in zip(used, arrays.values(), strict=True)}
    try:
        return {ours: np.concatenate([plain[name] for name in theirs]) for ours, theirs in names.used.items()}
    except ValueError as error:
        raise CheckpointError(f"{path}: layers that are to be joined have different shapes ({error})") from error


def _in_our_shapes(
    weights: dict[str, NDArray[np.float32]], configuration: Configuration, path: Path
) -> dict[str, NDArray[np.float32]]:
    """Weights of terms, which are columns in some files and rows in others, as ours; the rest must fit as it is."""
    due = shapes_due(configuration)
    fitted = {
        name: array.reshape(due[name]) if _is_reordered(name, array, due) else array for name, array in weights.items()
    }
    refuse_misfit(shapes_of(fitted), due, str(path))
    return fitted


def _is_reordered(name: str, array: NDArray[np.float32], due: Shapes) -> bool:
    return name.startswith("cost.weights.") and name in due and array.size == np.prod(due[name])


def _provenance(path: Path, held: Mapping[str, Any], names: Names, experiment: str | None) -> dict[str, Any]:
    epoch = held.get("epoch")
    return {
        "origin": f"published 4DVarNet layout, of the {names.layout}",
        "experiment": experiment,
        "file": path.name,
        "sha256": digest(path),
        "epoch": epoch if isinstance(epoch, int | float) else None,
        "unused": names.unused,
        "stray": names.stray,
    }


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(getattr(value, "shape", ()))


def _listed(names: list[str]) -> str:
    listed = folded(names)
    return ", ".join(listed[:8]) + (f" and {len(listed) - 8} more" if len(listed) > 8 else "")
