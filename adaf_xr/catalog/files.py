"""Open files lazily, local or remote, and say which file is at fault when one is."""

from __future__ import annotations

import glob
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import fsspec
import numpy as np
import pandas as pd
import xarray as xr

from adaf_xr.catalog.times import Span, days

if TYPE_CHECKING:
    from collections.abc import Iterator

Options = Mapping[str, Any] | None
"""What a remote file system needs to be reached."""

DATE_CODES = {"%Y": "[0-9]" * 4, "%m": "[0-9]" * 2, "%d": "[0-9]" * 2, "%j": "[0-9]" * 3}
"""strftime codes of file templates, as patterns that match any date."""

EXTRAS = {"s3fs": "s3", "copernicusmarine": "copernicus", "argopy": "argo"}
"""Client libraries, and the extra of this package that installs each."""


class MissingDaysWarning(UserWarning):
    """Days without a file in a source of one file a day."""


def is_remote(url: str) -> bool:
    """Whether a URL has a protocol other than ``file``.

    Examples
    --------
    >>> is_remote("s3://bucket/a.nc"), is_remote("file:///data/a.nc")
    (True, False)
    """
    return "://" in url and not url.startswith("file://")


def find(url: str, storage_options: Options = None) -> list[str]:
    """Files that match a path or URL with wildcards, sorted; one without wildcards is returned as it is."""
    path = url.removeprefix("file://")
    if not glob.has_magic(path):
        return [path]
    if not is_remote(path):
        return sorted(glob.glob(path, recursive=True))
    with naming_the_extra(url):
        fs, pattern = fsspec.core.url_to_fs(path, **(storage_options or {}))
        return sorted(fs.unstrip_protocol(name) for name in fs.glob(pattern))


def open_file(
    url: str, *, engine: str | None = None, storage_options: Options = None, tree: bool = False, **how: Any
) -> Any:
    """One file or store as a lazy Dataset, or DataTree.

    Raises
    ------
    FileNotFoundError, OSError
        Naming the file: missing, or not readable.
    """
    opener = xr.open_datatree if tree else xr.open_dataset
    how.setdefault("chunks", {})
    with naming_the_file(url), naming_the_extra(url):
        if engine == "zarr":
            return opener(url, engine="zarr", storage_options=storage_options, **how)
        if is_remote(url):
            # The netCDF4 library reads local paths only; h5netcdf reads any file object.
            return opener(fsspec.open(url, **(storage_options or {})).open(), engine=engine or "h5netcdf", **how)
        return opener(url, engine=engine, **how)


def open_files(urls: Sequence[str], open_one: Callable[[str], Any], along: str) -> Any:
    """Several files, joined along a dimension; their other coordinates must agree."""
    parts = [open_one(url) for url in urls]
    if len(parts) == 1:
        return parts[0]
    try:
        return xr.concat(
            parts,
            along,
            data_vars="minimal",
            coords="minimal",
            compat="override",
            join="exact",
            combine_attrs="drop_conflicts",
        )
    except ValueError as error:
        raise ValueError(f"{urls[0]} … {urls[-1]} do not join along {along!r}: {error}") from error


def daily_files(template: str, span: Span | None, storage_options: Options = None) -> list[str]:
    """Files of the days that meet a span, from a template with %Y, %m, %d or %j.

    Days without a file are warned about; none at all is an error.
    """
    if span is None:
        return _all_days(template, storage_options)
    wanted = days(span)
    if len(wanted) > 100 * 366:
        raise ValueError(f"{template} has one file a day: give time a beginning and an end")
    found = {day: _files_of(template, day, storage_options) for day in wanted}
    urls = [url for each in found.values() for url in each]
    missing = [day for day, each in found.items() if not each]
    if not urls:
        raise FileNotFoundError(
            f"no file of {template} for {_days(missing)}: check the root, and that the product covers these days"
        )
    if missing:
        warnings.warn(f"{template} has no file for {_days(missing)}", MissingDaysWarning, stacklevel=2)
    return urls


def _all_days(template: str, storage_options: Options) -> list[str]:
    """Every file of a local template; a remote archive is not listed from end to end."""
    if is_remote(template):
        raise ValueError(
            f"{template} is an archive of one file a day: pass time=..., a date, a pair of dates or a slice"
        )
    for code, digits in DATE_CODES.items():
        template = template.replace(code, digits)
    if not (urls := find(template, storage_options)):
        raise FileNotFoundError(f"no file matches {template}")
    return urls


def _files_of(template: str, day: pd.Timestamp, storage_options: Options) -> list[str]:
    """Files of one day that exist."""
    url = re.sub("%[Ymdj]", lambda code: day.strftime(code.group()), template)
    if glob.has_magic(url):
        # A wildcard before the date would also take files that were only produced on that day.
        return [name for name in find(url, storage_options) if _first_date(name) in (None, day.strftime("%Y%m%d"))]
    with naming_the_extra(url):
        fs, path = fsspec.core.url_to_fs(url, **(storage_options or {}))
        return [url.removeprefix("file://")] if fs.exists(path) else []


def _first_date(url: str) -> str | None:
    """The first eight digits that stand together in a file's name."""
    found = re.search(r"\d{8}", url.rsplit("/", 1)[-1])
    return found.group() if found else None


def _days(missing: Sequence[pd.Timestamp]) -> str:
    """A few dates in words."""
    shown = ", ".join(str(day.date()) for day in missing[:3])
    return shown if len(missing) <= 3 else f"{shown} … {missing[-1].date()} ({len(missing)} days)"


def cut(obj: Any, span: Span | None) -> Any:
    """Drop what a 1-D time in memory shows to lie outside a span; a lazy or 2-D time is left to those who compute."""
    if span is None or not isinstance(obj, xr.Dataset):
        return obj
    for name, variable in obj.variables.items():
        if _is_time(name, variable) and variable.ndim == 1 and not variable.chunks:
            dim = variable.dims[0]
            inside = (variable.values >= span.start) & (variable.values < span.stop)
            return obj if inside.all() else obj.isel({dim: _as_slice(inside)})
    return obj


def _is_time(name: Any, variable: xr.Variable) -> bool:
    """Decoded times, by CF attribute or by name."""
    named = variable.attrs.get("standard_name") == "time" or str(name).lower() in ("time", "juld")
    return variable.dtype.kind == "M" and named


def _as_slice(inside: np.ndarray) -> slice | np.ndarray:
    """A run of true rows as a slice, which keeps chunks whole; anything else as row numbers."""
    rows = np.flatnonzero(inside)
    if rows.size == 0:
        return slice(0, 0)
    return slice(rows[0], rows[-1] + 1) if rows[-1] - rows[0] + 1 == rows.size else rows


@contextmanager
def naming_the_file(url: str) -> Iterator[None]:
    """Errors of readers, which seldom name the file, do so."""
    try:
        yield
    except FileNotFoundError:
        raise FileNotFoundError(f"no file {url}") from None
    except ImportError:
        raise
    except Exception as error:
        # Every backend raises errors of its own making; to the user they all mean that this file cannot be read.
        raise OSError(
            f"{url} cannot be read ({type(error).__name__}: {error}): it may be damaged, or no such format"
        ) from error


@contextmanager
def naming_the_extra(what: str) -> Iterator[None]:
    """A missing client library is named with the extra that installs it."""
    try:
        yield
    except ImportError as error:
        library = next((name for name in EXTRAS if name in str(error)), None)
        if library is None:
            raise
        raise ImportError(
            f"{what} needs {library}, which is not installed: pip install adaf-xr[{EXTRAS[library]}]"
        ) from error
