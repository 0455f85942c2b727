"""What the command line names, opened."""

from __future__ import annotations

import json
import warnings
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adaf_xr.cf.canonical import SOURCES
from adaf_xr.cli.options import OnError

if TYPE_CHECKING:
    import xarray as xr

PIECE = 2**24
"""Bytes of one variable that are read at once."""


def open_path(path: Path, **how: Any) -> Any:
    """A file or zarr store, lazily; one that is made of groups as a tree. What else is given goes to the opener."""
    from adaf_xr.catalog.files import open_file

    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    engine = "zarr" if path.is_dir() else None
    if engine == "zarr":
        how.setdefault("consolidated", _is_consolidated(path))
    ds = open_file(str(path), engine=engine, **how)
    return ds if ds.variables else open_file(str(path), engine=engine, tree=True, **how)


def open_in_pieces(path: Path) -> Any:
    """Gridded fields in pieces of some maps each, however their file is cut: all files alike, so that pieces meet."""
    import xarray as xr

    ds = open_path(path, chunks=None)
    if not isinstance(ds, xr.Dataset):
        return ds
    steps: dict[Hashable, int] = {}
    for v in ds.variables.values():
        if v.ndim > 2:
            # A stored chunk is read as a whole or several times: better as a whole, unless it holds half a file.
            native = int(v.encoding.get("preferred_chunks", {}).get(v.dims[0], 1))
            maps = max(1, PIECE * v.shape[0] // v.nbytes)
            step = max(1, maps // native) * native if native <= 8 * maps else maps
            steps[v.dims[0]] = min(step, steps.get(v.dims[0], step))
    return ds.chunk(steps)


def _is_consolidated(store: Path) -> bool:
    """Whether a zarr store has its metadata in one place: to look for them there in vain draws a warning."""
    root = store / "zarr.json"
    if not root.exists():
        return (store / ".zmetadata").exists()
    return bool(json.loads(root.read_text()).get("consolidated_metadata"))


def open_named(item: str) -> Any:
    """Observations of ``[SOURCE=]PATH``; the name of the source becomes that of a node."""
    import xarray as xr

    source, equals, path = item.partition("=")
    if not equals:
        return open_path(Path(item))
    if source not in SOURCES:
        raise ValueError(
            f"--obs {item}: {source!r} is no source, they are {', '.join(SOURCES)}; or give the path alone"
        )
    opened = open_path(Path(path))
    node = opened if isinstance(opened, xr.DataTree) else xr.DataTree(opened)
    return xr.DataTree(children={source: node})


def observations(
    catalog: str | None, files: Sequence[str] | None = None, on_error: OnError = OnError.RAISE, **how: Any
) -> list[xr.Dataset | xr.DataTree]:
    """Everything named on the command line, from a catalog, from files, or both."""
    from adaf_xr.catalog import open_observations

    if catalog is None and not files:
        raise ValueError("no observations: name files with --obs [SOURCE=]PATH, or a catalog with --catalog NAME")
    found: list[xr.Dataset | xr.DataTree] = [] if catalog is None else [open_observations(catalog, **how)]
    for item in files or []:
        try:
            found.append(open_named(item))
        except (ValueError, OSError) as error:
            if on_error is OnError.RAISE:
                raise
            warnings.warn(f"skipped {item}, all of it is lost: {error}", UserWarning, stacklevel=2)
    return found


def background(catalog: str | None, name: str, time: Any = None, **how: Any) -> Any:
    """The first guess: a file, or else a source of the catalog."""
    from adaf_xr.catalog import describe, open_source

    path = Path(name)
    if catalog is None or path.exists():
        return open_path(path)
    takes = {row["source"]: row["parameters"].split(", ") for row in describe(catalog)}
    if time is not None and "time" in takes.get(name, ()):
        how["time"] = time
    return open_source(catalog, name, **how)


def parameters(items: Sequence[str] | None) -> dict[str, str]:
    """``NAME=VALUE`` of a catalog's parameters.

    Examples
    --------
    >>> parameters(["root=/data"])
    {'root': '/data'}
    """
    pairs = [item.partition("=") for item in items or []]
    if wrong := [name for name, equals, _ in pairs if not equals]:
        raise ValueError(f"--set {wrong[0]}: write NAME=VALUE; `adaf catalog NAME` lists the parameters of its sources")
    return {name: value for name, _, value in pairs}


def window(text: str | None) -> str | tuple[str, str] | None:
    """``5D``, or ``3D,1D`` for before and after.

    Examples
    --------
    >>> window("5D"), window("3D,1D")
    ('5D', ('3D', '1D'))
    """
    if text is None or "," not in text:
        return text
    before, after = text.split(",", 1)
    return before.strip(), after.strip()


def times(given: Sequence[str] | None) -> str | list[str] | None:
    """One time stays a string: a day then means all times of that day, as everywhere in xarray."""
    if not given:
        return None
    return given[0] if len(given) == 1 else list(given)
