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
from adaf_xr.models import inert

_ARCHIVE = b"PK\x03\x04"
"""How a file of torch 1.6 and later begins."""


def read(path: Path, husks: bool = False) -> Mapping[str, Any]:
    """The mapping that a file of torch.save holds.

    Tensors stay on the CPU; those of a file of today's format are mapped, and memory is taken for what is used only,
    not for an optimiser's state. The checksums of that format are verified, all of them; the format of torch before
    1.6 has none. Only tensors, plain containers, numbers, texts and numpy's numbers are accepted.

    Parameters
    ----------
    path : Path
        The file.
    husks : bool
        Whether objects, numpy's numbers among them, are left out (:class:`adaf_xr.models.inert.Husk` is in their
        place) rather than refused. No code of theirs runs either way.

    Raises
    ------
    CheckpointError
        If there is no such file, it is empty, truncated, damaged, something else put in its place or not torch's, or
        holds no mapping, or objects that are to be refused.
    """
    if not path.is_file():
        raise CheckpointError(f"no file {path}")
    with path.open("rb") as stream:
        begins = stream.read(512)
    if not begins:
        raise CheckpointError(f"{path} is empty: copy it again")
    if instead := stand_in(begins):
        raise CheckpointError(f"{path} is {instead}")
    archive = begins.startswith(_ARCHIVE)
    if archive:
        _refuse_damaged(path)
    try:
        held = _without_objects(path, archive) if husks else _without_code(path, archive)
    except Exception as error:  # torch raises whatever its readers raise: OSError, KeyError, RuntimeError, EOFError
        objects = re.findall(r"GLOBAL:? ([\w.]+)", str(error)) if isinstance(error, pickle.UnpicklingError) else []
        raise CheckpointError(_refused(path, objects) if objects else _unreadable(path, error)) from error
    if not isinstance(held, Mapping):
        raise CheckpointError(f"{path} holds a {type(held).__name__}, not a mapping of names to what they are")
    return held


def _without_code(path: Path, archive: bool) -> Any:
    """By torch's own restricted reader, which raises where there are objects."""
    with safe_globals(_numpy_numbers()):
        return torch.load(path, map_location="cpu", weights_only=True, mmap=archive)


def _without_objects(path: Path, archive: bool) -> Any:
    """By ours, which builds none."""
    return torch.load(path, map_location="cpu", weights_only=False, pickle_module=inert, mmap=archive)


def stand_in(begins: bytes) -> str:
    """What a file is that a download or a clone left in place of the one wanted, told by how it begins; or nothing.

    >>> stand_in(b"<!DOCTYPE html><html>404")
    'a web page that was saved in place of the file: open it to see what it says, and download the file again'
    """
    if begins.startswith(b"version https://git-lfs"):
        return "a pointer of git-lfs, not the file itself: get that with `git lfs pull`"
    if begins.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype html", b"<html", b"<?xml")):
        return (
            "a web page that was saved in place of the file: open it to see what it says, and download the file again"
        )
    return ""


def _refuse_damaged(path: Path) -> None:
    """Verify the checksum of every record: torch, which maps the file, looks at none."""
    if not zipfile.is_zipfile(path):
        raise CheckpointError(f"{path} is truncated (it ends after {path.stat().st_size} bytes): copy it again")
    try:
        with zipfile.ZipFile(path) as archive:
            # Records of torch are stored as they are, side by side: longer ones are meant to fill a memory.
            if sum(record.file_size for record in archive.infolist()) > path.stat().st_size:
                raise CheckpointError(f"{path} is no file of torch.save: its records claim to be longer than the file")
            damaged = archive.testzip()
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, ValueError, NotImplementedError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"{path} is damaged ({error}): copy it again") from error
    if damaged:
        raise CheckpointError(
            f"{path} is damaged: the content of its record {damaged!r} is not what its checksum says. Copy it again "
            "(or, if torch.serialization.set_crc32_options(False) was in force as it was saved, save it without that)"
        )


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
    if "unexpected EOF" in str(error) or isinstance(error, EOFError):
        return f"{path} is truncated (it ends after {path.stat().st_size} bytes): copy it again"
    # What torch says of a damaged pickle is advice to read it without care.
    unpickling = isinstance(error, pickle.UnpicklingError) or "weights_only" in str(error)
    why = "its pickle is none" if unpickling else f"{type(error).__name__}: {str(error)[:200]}"
    return f"{path} is no file of torch.save, or a damaged one ({why}): copy it again"
