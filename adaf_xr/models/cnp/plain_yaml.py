"""YAML files read as plain data of bounded size: no objects, no loops, nothing that grows as it is read."""

from __future__ import annotations

import datetime
import reprlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from adaf_xr.checkpoint import CheckpointError
from adaf_xr.models.torch_file import stand_in

LONGEST = 1_000_000
"""Bytes of a file of settings."""

LARGEST = 100_000
"""Values in it, those that are named once and used often (anchors) counted wherever they are used."""


def read(path: Path) -> Mapping[Any, Any]:
    """The mapping that a YAML file holds.

    Raises
    ------
    CheckpointError
        If it is too long, no YAML, refers to itself, makes objects, or holds no mapping.
    """
    with path.open("rb") as stream:
        data = stream.read(LONGEST + 1)
    if instead := stand_in(data[:512]):
        raise CheckpointError(f"{path} is {instead}")
    if len(data) > LONGEST:
        raise CheckpointError(f"{path} is longer than {LONGEST} bytes: that is no file of settings")
    try:
        loader = yaml.SafeLoader(data.decode())
        node = loader.get_single_node()
        size = 0 if node is None else _size(node, {})
        config = loader.construct_document(node) if 0 < size <= LARGEST else None
    except RecursionError as error:
        raise CheckpointError(f"{path} is no plain YAML: it is nested without end, or nearly so") from error
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise CheckpointError(f"{path} is no plain YAML: {error}") from error
    if size > LARGEST:
        raise CheckpointError(
            f"{path} holds more than {LARGEST} values where all that it names once and uses often is counted: "
            "that is no file of settings"
        )
    if not isinstance(config, Mapping):
        raise CheckpointError(f"{path} holds no groups of settings but {reprlib.repr(config)}")
    return config


def as_json(value: Any) -> Any:
    """A value of YAML as JSON knows it; dates as text.

    >>> import datetime
    >>> as_json({"time_range": (datetime.date(2018, 1, 10), None)})
    {'time_range': ['2018-01-10', None]}
    """
    if isinstance(value, Mapping):
        return {str(key): as_json(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(part) for part in value]
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, datetime.date):
        return value.isoformat()
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _size(node: yaml.Node, known: dict[int, int | None]) -> int:
    """How many values a node makes, aliases written out, in time that grows with the file only."""
    if id(node) not in known:
        known[id(node)] = None  # begun, and not yet done
        below = node.value if isinstance(node, yaml.CollectionNode) else []
        parts = [part for item in below for part in (item if isinstance(item, tuple) else (item,))]
        known[id(node)] = 1 + sum(_size(part, known) for part in parts)
    size = known[id(node)]
    if size is None:
        raise ValueError(f"a value contains itself (line {node.start_mark.line + 1})")
    return size
