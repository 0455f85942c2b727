"""Weights of a network with all that is needed to use them, in one file.

The file is safetensors, which holds arrays and text and can run no code. Its header carries one JSON text: which family
of networks the weights belong to, how the network is built, how its data are normalised, and where it comes from.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Self

import fsspec
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from adaf_xr.atomic import write_whole

FORMAT = 1
"""Version of what the header says. A file of a later one is refused."""

HEADER = "adaf_xr"
"""Key of our text among the metadata of a safetensors file."""

PARTS = ("family", "configuration", "normalisation", "provenance")
"""What the text says, of a `Checkpoint`."""

CACHE = "ADAF_XR_CACHE"
"""Environment variable that names the folder for copies of remote files; default ``~/.cache/adaf_xr``."""

STAMPS = ("ETag", "etag", "LastModified", "Last-Modified", "last_modified", "mtime", "md5Hash", "Content-MD5", "sha")
"""What file systems call that by which a changed file is known."""


class CheckpointError(ValueError):
    """A checkpoint that cannot be used, or not as what it is said to be."""


class MissingCheckpointError(CheckpointError, FileNotFoundError):
    """No checkpoint there."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A trained network, as arrays and text.

    Attributes
    ----------
    family : str
        The kind of network, a name that :mod:`adaf_xr.inference` knows an engine for.
    weights : mapping of str to array
        State of the network under the names of its parameters.
    configuration : mapping
        How the network is built; JSON.
    normalisation : mapping
        How its inputs and outputs are scaled; JSON.
    provenance : mapping
        Where it comes from: recipe, data, seed, versions, scores; JSON.
    """

    family: str
    weights: Mapping[str, NDArray] = field(repr=False)
    configuration: Mapping[str, Any] = field(default_factory=dict)
    normalisation: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reference:
    """A checkpoint as it travels in a graph: where it is and what it must hold, 100 bytes whatever its size.

    Attributes
    ----------
    path : str
        Absolute path or URL.
    sha256 : str
        Of the whole file.
    """

    path: str
    sha256: str

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> Self:
        """The checkpoint at a path or URL as it is now.

        Raises
        ------
        CheckpointError
            If there is none, or none of ours.
        """
        describe(path)
        where = os.fspath(path)
        return cls(where if _is_remote(where) else str(_as_path(where).absolute()), digest(path))

    def read(self) -> Checkpoint:
        """What it refers to; an error if the file has changed since."""
        return read(self.path, self.sha256)


def write(checkpoint: Checkpoint, path: str | os.PathLike[str]) -> str:
    """Write a checkpoint as one file, whole or not at all.

    Equal content gives equal bytes. The file takes its place in one step, so that a crash leaves the former one.

    Parameters
    ----------
    checkpoint : Checkpoint
        Its weights may have any floating (16 to 64 bits), integer or boolean type, and must be finite.
    path : path
        A local file, ``*.safetensors`` by custom. Missing folders are made.

    Returns
    -------
    str
        sha256 of the file.

    Raises
    ------
    CheckpointError
        For weights that are not finite, and for what cannot be written.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> path = tempfile.mkdtemp() + "/small.safetensors"
    >>> sha256 = write(Checkpoint("line", {"slope": np.float32([2.0])}, provenance={"seed": 1}), path)
    >>> read(path, sha256).weights["slope"]
    array([2.], dtype=float32)
    """
    if _is_remote(os.fspath(path)):
        raise CheckpointError(f"{path}: a checkpoint is written to a local file first; then copy it to its URL")
    header = _plain({name: getattr(checkpoint, name) for name in PARTS}, "checkpoint") | {"format": FORMAT}
    weights = {name: _writable(name, array) for name, array in checkpoint.weights.items()}
    header["content"] = _content(header, weights)
    data = save(weights, {HEADER: json.dumps(header, sort_keys=True)})
    write_whole(_as_path(path), data)
    return hashlib.sha256(data).hexdigest()


def read(path: str | os.PathLike[str], sha256: str | None = None) -> Checkpoint:
    """Read a checkpoint.

    Parameters
    ----------
    path : path or URL
        A URL is copied once to a folder on this machine, and again when it has changed. Credentials and endpoints are
        those of fsspec's configuration.
    sha256 : str, optional
        What the file must be.

    Raises
    ------
    CheckpointError
        If the file is missing, truncated, damaged, of another kind or of a later format, has another sha256, or holds
        weights that are not finite.
    """
    with _opened(path) as stream:
        data = stream.read()
    if sha256 is not None and (found := hashlib.sha256(data).hexdigest()) != sha256:
        raise CheckpointError(
            f"{path} has changed: its sha256 is {found[:12]}… and {sha256[:12]}… is wanted. If the new file is meant, "
            "build the analysis again; else put the former file back"
        )
    header = _header(io.BytesIO(data), path)
    try:
        weights = load(data)
    except (SafetensorError, KeyError) as error:
        raise CheckpointError(f"{path} is damaged ({error}): copy it again") from error
    _require_finite(weights, f"{path}: corrupted weights")
    # Files may come without this hash; their sha256 is then all that vouches for them.
    if header.get("content") not in (None, _content(header, weights)):
        raise CheckpointError(f"{path} is damaged: its content is not what was written. Copy it again")
    return _checkpoint(header, weights)


def describe(path: str | os.PathLike[str]) -> Checkpoint:
    """What a checkpoint says of itself: all but its weights, from the head of the file.

    Raises
    ------
    CheckpointError
        As `read` does, but for what only the weights show.
    """
    with _opened(path) as stream:
        return _checkpoint(_header(stream, path), {})


def digest(path: str | os.PathLike[str]) -> str:
    """sha256 of a file."""
    with _opened(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def cache_folder() -> Path:
    """Where copies of checkpoints are kept on this machine; everything in it can be deleted at any time.

    ``checkpoints`` below the folder that the environment variable ``ADAF_XR_CACHE`` names, else below
    ``~/.cache/adaf_xr``.
    """
    return Path(os.environ.get(CACHE, "~/.cache/adaf_xr")).expanduser() / "checkpoints"


LONGEST_HEADER = 100_000_000
"""Bytes; safetensors refuses longer ones, and the first bytes of another kind of file mean a longer one."""


def _header(stream: BinaryIO, path: str | os.PathLike[str]) -> dict[str, Any]:
    """Our part of a header; the file must be as long as its header says."""
    length = stream.read(8)
    n = int.from_bytes(length, "little")
    torch = length.startswith(b"PK\x03\x04")
    if torch or len(length) < 8 or not 2 <= n <= LONGEST_HEADER:
        known = " (but one of torch: of the published folder layout, pass the folder)" if torch else ""
        raise CheckpointError(f"{path} is no safetensors file{known}: checkpoints are written by adaf_xr.checkpoint")
    text, there = stream.read(n), stream.seek(0, os.SEEK_END)
    try:
        entries = json.loads(text) if len(text) == n else {}
        ours = json.loads(entries.pop("__metadata__", {}).get(HEADER, "null"))
        size = 8 + n + max((entry["data_offsets"][1] for entry in entries.values()), default=0)
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        raise CheckpointError(f"{path} is no safetensors file, or a damaged one ({error}): copy it again") from error
    if there != size:
        what = "is truncated" if there < size else "goes on after its end"
        raise CheckpointError(f"{path} {what}: it has {there} bytes and should have {size}. Copy it again")
    _require_ours(ours, path)
    return ours


def _require_ours(header: Any, path: str | os.PathLike[str]) -> None:
    """Refuse a text in the header that this package did not write, or cannot read."""
    if not isinstance(header, dict) or not isinstance(header.get("format"), int):
        raise CheckpointError(
            f"{path} holds weights but not what they are for: it was not written by adaf_xr. Read them with "
            "safetensors and write them again with adaf_xr.checkpoint.write, with their family and configuration"
        )
    if header["format"] > FORMAT:
        raise CheckpointError(
            f"{path} has format {header['format']}, this package knows up to {FORMAT}: upgrade adaf-xr"
        )
    if missing := [name for name in PARTS if name not in header]:
        raise CheckpointError(f"{path} lacks {missing[0]!r} in its header: write it again with adaf_xr.checkpoint")
    if surplus := sorted(set(header) - {*PARTS, "format", "content"}):
        raise CheckpointError(f"{path} has {surplus[0]!r} in its header, which format {FORMAT} has not: copy it again")


def _checkpoint(header: Mapping[str, Any], weights: Mapping[str, NDArray]) -> Checkpoint:
    return Checkpoint(weights=weights, **{name: header[name] for name in PARTS})


def _content(header: Mapping[str, Any], weights: Mapping[str, NDArray]) -> str:
    """A hash of all that is in a checkpoint, so that a damaged copy is known even where nobody has its sha256."""
    known = hashlib.sha256(json.dumps({name: header[name] for name in PARTS}, sort_keys=True).encode())
    for name, array in sorted(weights.items()):
        known.update(json.dumps([name, array.dtype.name, array.shape]).encode())
        known.update(array.tobytes())
    return known.hexdigest()


def _plain(value: Any, where: str) -> Any:
    """A value as JSON holds it; an error names the place of what JSON cannot hold."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        if odd := [key for key in value if not isinstance(key, str)]:
            raise CheckpointError(f"{where} has the key {odd[0]!r}, JSON has keys of text only: use {str(odd[0])!r}")
        return {key: _plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{where}[{n}]") for n, item in enumerate(value)]
    raise CheckpointError(f"{where} is a {type(value).__name__}, which JSON cannot hold: write it as text or numbers")


def _writable(name: str, array: NDArray) -> NDArray:
    """An array in the order of bytes that files have."""
    array = np.asarray(array)
    if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
        raise CheckpointError(
            f"{name!r} has type {array.dtype}: weights are floating up to 64 bits, integer or boolean"
        )
    _require_finite({name: array}, "weights that are not finite are not written")
    # safetensors copies memory as it lies, whatever its strides.
    return np.asarray(array, array.dtype.newbyteorder("<"), order="C")


def _require_finite(weights: Mapping[str, NDArray], what: str) -> None:
    bad = [name for name, array in weights.items() if array.dtype.kind == "f" and not np.isfinite(array).all()]
    if bad:
        more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
        raise CheckpointError(f"{what}: {bad[0]!r}{more} has NaN or infinity. Take the checkpoint before it")


@contextlib.contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[io.BufferedReader]:
    """A local file, or the local copy of a remote one."""
    where = os.fspath(path)
    local = _fetched(where) if _is_remote(where) else _as_path(where)
    if local.is_dir():
        raise CheckpointError(f"{path} is a folder: name the checkpoint in it")
    try:
        stream = local.open("rb")
    except FileNotFoundError:
        raise _missing(where) from None
    with stream:
        yield stream


def _missing(where: str) -> MissingCheckpointError:
    return MissingCheckpointError(
        f"no checkpoint {where}: check the path; on a cluster every worker must see it, so keep it on a shared file "
        "system or behind a URL"
    )


def _is_remote(where: str) -> bool:
    return "://" in where and not where.startswith("file://")


def _as_path(where: str | os.PathLike[str]) -> Path:
    return Path(os.fspath(where).removeprefix("file://")).expanduser()


def _fetched(url: str) -> Path:
    """The copy of a remote file on this machine, made anew when the file has changed."""
    fs, remote = fsspec.core.url_to_fs(url)
    fs.invalidate_cache(remote)
    try:
        about = fs.info(remote)
    except FileNotFoundError:
        raise _missing(url) from None
    stamp = [str(about[key]) for key in STAMPS if about.get(key)]
    name = hashlib.sha256(json.dumps([url, about.get("size"), stamp]).encode()).hexdigest()[:20]
    copy = cache_folder() / f"{name}.safetensors"
    # A server that gives no stamp may have changed the file unseen.
    if not (stamp and copy.exists()):
        write_whole(copy, fs.cat_file(remote))
    return copy
