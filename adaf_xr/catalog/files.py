"""Open files lazily, local or remote, and say which file is at fault when one is."""

from __future__ import annotations

import glob
import re
import warnings
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec
import pandas as pd
import xarray as xr

from adaf_xr.catalog.times import Span, days

if TYPE_CHECKING:
    from collections.abc import Iterator

Options = Mapping[str, Any] | None
"""What a remote file system needs to be reached."""

DATE_CODES = {"%Y": "[0-9]" * 4, "%m": "[0-9]" * 2, "%d": "[0-9]" * 2, "%j": "[0-9]" * 3}
"""strftime codes of file templates, as patterns that match any date."""

EXTRAS = {"s3fs": "s3", "aiohttp": "s3", "copernicusmarine": "copernicus"}
"""Client libraries, and the extra of this package that installs each."""


class NoFilesError(FileNotFoundError):
    """A source of one file a day has none at all for the days wanted."""


class NotPartError(NoFilesError):
    """The data set was made without this source: it is missing at any time."""


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
    if tree and engine is None:
        # Groups opened by the netCDF4 library do not survive the eviction of their file from xarray's cache.
        engine = "h5netcdf"
    with naming_the_file(url), naming_the_extra(url):
        if engine == "zarr":
            return opener(url, engine="zarr", storage_options=storage_options, **how)
        if is_remote(url):
            # An open file object: the netCDF4 library reads local paths only, h5netcdf and scipy read anything.
            return opener(fsspec.open(url, **(storage_options or {})).open(), engine=engine, **how)
        return opener(url, engine=engine, **how)


HDF5 = b"\x89HDF\r\n\x1a\n"
"""How files of netCDF 4 begin."""


def engine_of(url: str) -> str | None:
    """The library for a file that several threads open: h5netcdf where it can read it.

    The netCDF4 library crashes where one thread opens a file while another reads.
    """
    if is_remote(url):
        return None
    with naming_the_file(url), open(url.removeprefix("file://"), "rb") as file:
        return "h5netcdf" if file.read(len(HDF5)) == HDF5 else None


def daily_files(
    template: str, span: Span | None, storage_options: Options = None, margin: str | None = None
) -> list[str]:
    """Files of the days that meet a span, from a template with %Y, %m, %d or %j.

    Files whose data stray by up to `margin` into other days are opened for those days as well. Days without a file are
    warned about; none at all is an error.
    """
    if span is None:
        return _all_days(template, storage_options)
    _require_root(template)
    wanted, near = days(span), days(span.widened(margin))
    if len(wanted) > 100 * 366:
        raise ValueError(f"{template} has one file a day: give time a beginning and an end")
    found = {day: _files_of(template, day, storage_options) for day in near}
    urls = [url for each in found.values() for url in each]
    missing = [day for day in wanted if not found[day]]
    if not urls:
        raise NoFilesError(
            f"no file of {template} for {_days(missing)}: check the root, and that the product covers these days"
        )
    if missing:
        warnings.warn(f"{template} has no file for {_days(missing)}", MissingDaysWarning, stacklevel=2)
    return urls


def _require_root(template: str) -> None:
    """A wrong root is an error; a folder of it that a partial copy lacks is one of missing files."""
    folder = re.split("[%*?[]", template.removeprefix("file://"))[0].rpartition("/")[0]
    if not is_remote(template) and not Path(folder).parent.is_dir():
        raise FileNotFoundError(f"no folder {Path(folder).parent}, where {template} was expected")


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
        # A wildcard before the date would also take files that were only made on that day.
        return [name for name in find(url, storage_options) if date_of(name) == day]
    with naming_the_extra(url):
        fs, path = fsspec.core.url_to_fs(url, **(storage_options or {}))
        return [url.removeprefix("file://")] if fs.exists(path) else []


def date_of(url: str) -> pd.Timestamp:
    """The date a file is named by: the first eight digits together in its name (a second date is when it was made).

    Examples
    --------
    >>> date_of("SSH/dt_global_j3_phy_l3_20200101_20210603.nc").isoformat()
    '2020-01-01T00:00:00'
    """
    found = re.search(r"(?<!\d)\d{8}", url.rsplit("/", 1)[-1])
    if found is None:
        raise ValueError(f"{url} is in a source of one file a day, and has no date of eight digits in its name")
    return pd.Timestamp(found.group())


def _days(missing: Sequence[pd.Timestamp]) -> str:
    """A few dates in words."""
    shown = ", ".join(str(day.date()) for day in missing[:3])
    return shown if len(missing) <= 3 else f"{shown} … {missing[-1].date()} ({len(missing)} days)"


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
