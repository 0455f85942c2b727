"""What weights say of themselves to the engine that uses them."""

from __future__ import annotations

import copy
import os
from typing import Any

from adaf_xr.checkpoint import Checkpoint, CheckpointError, Reference
from adaf_xr.models.carrying import Held, described
from adaf_xr.models.fourdvarnet.configuration import NAME, Configuration

SPACING = {"paper": 0.05, "descendant": 0.1}
"""Degrees between the cells that published weights are for, by the layout of their files."""

USUAL = 0.1
"""The same of weights that do not say."""


def taken(given: Any) -> dict[str, Any]:
    """What an engine keeps of what it is given: a Reference, a path, or a network.

    Returns
    -------
    dict
        ``weights``, ``configuration``, ``normalisation``, ``clouds``, ``spacing`` and ``trained_on``.

    Raises
    ------
    CheckpointError
        If a file is missing, unusable or of another family.
    TypeError
        For what is no network.
    """
    if isinstance(given, str | os.PathLike):
        given = Reference.of(given)
    if isinstance(given, Reference):
        return {"weights": given, **_told(described(given, NAME), given.path)}
    if not isinstance(configuration := getattr(given, "configuration", None), Configuration):
        raise TypeError(f"{type(given).__name__} is no network: give a checkpoint, its path, or an Inversion")
    still = copy.deepcopy(given).eval().requires_grad_(False)  # what is dropped in training would be so at random
    plain = {"normalisation": {}, "clouds": False, "spacing": USUAL, "trained_on": ""}
    return {"weights": Held(still), "configuration": configuration, **plain}


def _told(about: Checkpoint, path: str) -> dict[str, Any]:
    """What a checkpoint says of itself."""
    from adaf_xr.models.fourdvarnet.weights import configuration_of, normalisation_of

    try:
        known = {"configuration": configuration_of(about), "normalisation": normalisation_of(about)}
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error
    parts = [about.provenance.get(part, {}).get("experiment", {}) for part in ("data", "material")]
    data: dict[str, Any] = next(filter(None, parts), {})
    origin = str(about.provenance.get("origin", ""))
    usual = next((spacing for layout, spacing in SPACING.items() if origin.endswith(layout)), USUAL)
    trained_on = str(about.provenance.get("trained_on") or data.get("name", "") or origin)
    clouds = bool(about.provenance.get("training", {}).get("data", {}).get("clouds", False))
    spacing = about.provenance.get("spacing") or usual
    return {**known, "clouds": clouds, "spacing": spacing, "trained_on": trained_on}
