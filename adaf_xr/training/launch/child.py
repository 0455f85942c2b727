"""The process of one rank. It is run by its path, and needs the standard library alone until it is told what to do."""

from __future__ import annotations

import datetime as dt
import json
from os import PathLike, fspath
from typing import Any


def encode(message: dict[str, Any]) -> str:
    """One line of JSON; numbers of numpy and torch, instants and paths become plain values.

    Raises
    ------
    TypeError
        Where a value is none of these.

    Examples
    --------
    >>> import numpy as np
    >>> from adaf_xr.training.launch.child import encode
    >>> encode({"loss": np.float32(0.5), "shape": (2, 3)})
    '{"loss": 0.5, "shape": [2, 3]}'
    """
    return json.dumps(message, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, PathLike):
        return fspath(value)
    if isinstance(value, dt.date | dt.timedelta) or type(value).__name__ in ("datetime64", "timedelta64"):
        return str(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"emit() takes numbers, text, and lists and mappings of them, not {type(value).__name__}")
