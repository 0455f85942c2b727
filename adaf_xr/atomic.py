"""Files that are there as a whole or not at all, whatever happens while they are written."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import IO


def write_whole(path: Path, content: bytes | Callable[[IO[bytes]], object]) -> None:
    """Write a file beside its place, bring it to the disk, and move it into its place in one step.

    A crash on the way leaves what was there before. Missing folders are made.

    Parameters
    ----------
    path : Path
        Of the file.
    content : bytes or callable
        What it holds, or what writes that to a stream.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "folder" / "note.txt"
    >>> write_whole(path, b"written")
    >>> path.read_text(), len(list(path.parent.iterdir()))
    ('written', 1)
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own: two processes may write the same file at once, and the later one is then the one that stays.
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        with beside.open("xb") as stream:
            if callable(content):
                content(stream)
            else:
                stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
