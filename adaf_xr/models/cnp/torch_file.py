"""Files of torch.save, read as data: no code in them runs, and what cannot be read says why."""

from __future__ import annotations

import _codecs
import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.serialization import safe_globals

from adaf_xr.checkpoint import CheckpointError


def read(path: Path) -> Mapping[str, Any]:
    """The mapping that a file of torch.save holds.

    Tensors stay on the CPU; those of a file of today's format are mapped, not read, so that an optimiser's state
    costs nothing. Only tensors, plain containers, numbers, texts and numpy's numbers are accepted.

    Raises
    ------
    CheckpointError
        If there is no such file, it is empty, truncated or not torch's, holds objects, or no mapping.
    """
    if not path.is_file():
        raise CheckpointError(f"no file {path}")
    archive = zipfile.is_zipfile(path)
    try:
        # mmap opens read-only maps of the archive; files of torch before 1.6 are no archives.
        with safe_globals(_numpy_numbers()):
            held = torch.load(path, map_location="cpu", weights_only=True, mmap=archive)
    except Exception as error:  # torch raises whatever its readers raise: OSError, KeyError, RuntimeError, EOFError
        objects = re.findall(r"GLOBAL:? ([\w.]+)", str(error)) if isinstance(error, pickle.UnpicklingError) else []
        raise CheckpointError(_refused(path, objects) if objects else _unreadable(path, error)) from error
    if not isinstance(held, Mapping):
        raise CheckpointError(f"{path} holds a {type(held).__name__}, not a mapping with 'model'")
    return held


def _numpy_numbers() -> list[Any]:
    """What numpy's scalars are pickled with: training scripts keep losses and epochs as such."""
    scalar: Any = np.float64(0).__reduce__()[0]
    kinds = [type(np.dtype(kind)) for kind in ("f2", "f4", "f8", "i4", "i8", "u1", "?")]
    names = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")
    encode: Any = _codecs.encode
    return [*[(scalar, name) for name in names], np.dtype, *kinds, encode]


def _refused(path: Path, objects: list[str]) -> str:
    """What to do about a file that holds objects."""
    return (
        f"{path} was not read: besides tensors, numbers and texts it holds objects ({', '.join(dict.fromkeys(objects))}"
        "), and reading those can run code. If you trust where it comes from, load it where its own code is installed, "
        "with torch.load(..., weights_only=False), and save what counts: "
        "torch.save({'model': {'state_dict': network.state_dict()}}, 'checkpoint.pth')"
    )


def _unreadable(path: Path, error: Exception) -> str:
    """Why torch could not read a file."""
    with path.open("rb") as stream:
        begins = stream.read(4)
    size = path.stat().st_size
    if not size:
        return f"{path} is empty: copy it again"
    truncated = begins == b"PK\x03\x04" and not zipfile.is_zipfile(path)
    if truncated or "unexpected EOF" in str(error) or isinstance(error, EOFError):
        return f"{path} is truncated (it ends after {size} bytes): copy it again"
    return f"{path} is no file of torch.save, or a damaged one ({type(error).__name__}: {str(error)[:200]})"
