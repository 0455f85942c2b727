"""Readers that catalogs name by dotted path: ``reader: "adaf_xr.catalog:DailyReader"``.

Each takes a ``span``, the half-open interval of times wanted, and returns lazy xarray objects.
"""

from __future__ import annotations

from typing import Any

from intake.readers.readers import BaseReader

from adaf_xr.catalog import cutting, files, joining
from adaf_xr.catalog.times import Span, period
from adaf_xr.osse import sample


class NetCDFReader(BaseReader):
    """One netCDF file, or several that a wildcard matches, local or on any fsspec file system.

    Keywords of the entry: ``url``, ``span``, ``storage_options``, whatever `xarray.open_dataset` takes, and

    - ``along``: the dimension that joins several files (default ``time``);
    - ``tree``: open groups as a DataTree;
    - ``threads``: several threads will open it at once, so that the library is chosen for that;
    - ``rename``: names in the file to names the conventions know;
    - ``epoch``: the date since which a time without units counts seconds;
    - ``dated``: files without any time are of the date in their name, at this time of day (``"12:00"``).
    """

    output_instance = "xarray:Dataset"
    engine: str | None = None
    threads: bool = False

    def _read(self, url: str, span: Any = None, along: str = "time", **how: Any) -> Any:
        how.pop("output_instance", None)
        interval = period(span)
        found = self._find(url, interval, how)
        return cutting.cut(joining.open_files(found, lambda each: self._open(each, **how), along), interval)

    def _find(self, url: str, span: Span | None, how: dict[str, Any]) -> list[str]:
        """Files to open; keywords that only matter here are taken out."""
        if not (found := files.find(url, how.get("storage_options"))):
            raise FileNotFoundError(f"no file matches {url}")
        return found

    def _open(
        self,
        url: str,
        *,
        rename: dict[str, str] | None = None,
        epoch: str | None = None,
        dated: str | None = None,
        **how: Any,
    ) -> Any:
        """One file, with the names and times that the catalog knows and the file lacks."""
        if how.pop("threads", self.threads):
            how.setdefault("engine", files.engine_of(url))
        how.setdefault("engine", self.engine)
        ds = files.open_file(url, **how)
        if rename:
            ds = ds.rename({old: new for old, new in rename.items() if old in ds.variables or old in ds.dims})
        if epoch is not None:
            ds = cutting.with_epoch(ds, epoch)
        return ds if dated is None else cutting.with_date(ds, url, dated)


class ZarrReader(NetCDFReader):
    """One zarr store, with the keywords of `NetCDFReader`."""

    engine = "zarr"


class DailyReader(NetCDFReader):
    """One file (or a few) a day: a ``url`` with %Y, %m, %d or %j, expanded over the days of the span.

    Days without a file are warned about. Keywords of the entry are those of `NetCDFReader`, and ``margin``: how far the
    data of a file stray from the day it is named by (``"1h"``).
    """

    def _find(self, url: str, span: Span | None, how: dict[str, Any]) -> list[str]:
        """Files of the days of the span."""
        return files.daily_files(url, span, how.get("storage_options"), how.pop("margin", None))


class SampleReader(BaseReader):
    """The embedded sample: ``name`` of one of its datasets, ``span``, ``random_seed``."""

    output_instance = "xarray:Dataset"

    def _read(self, name: str, span: Any = None, random_seed: int = sample.SEED, **_: Any) -> Any:
        interval = period(span)
        return cutting.cut(sample.open_sample(name, interval, random_seed), interval)
