"""The network in a checkpoint file of the published repository: found, or said what is there instead."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adaf_xr.checkpoint import CheckpointError


def model_of(held: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    """The part of the file that is the network.

    Raises
    ------
    CheckpointError
        If the file has another layout; it says which.
    """
    model = held.get("model")
    if not isinstance(model, Mapping) or not isinstance(model.get("state_dict"), Mapping):
        there = model if isinstance(model, Mapping) else held
        what = "its 'model' has no 'state_dict'" if isinstance(model, Mapping) else "it has no 'model'"
        keys = ", ".join(key if isinstance(key, str) else reprlib.repr(key) for key in list(there)[:8]) or "nothing"
        raise CheckpointError(
            f"{path} is no checkpoint in the published layout: {what} (but {keys}"
            f"{', ...' if len(there) > 8 else ''}). The layout is {{'model': {{'name', 'args', 'state_dict'}}, ...}}"
        )
    return model
