"""Readers that catalogs name by dotted path: ``reader: "adaf_xr.catalog:DailyReader"``.

Each takes a ``span``, the half-open interval of times wanted, and returns lazy xarray objects.
"""

from __future__ import annotations

from typing import Any

from intake.readers.readers import BaseReader

from adaf_xr.catalog import files
from adaf_xr.catalog.times import period
from adaf_xr.osse import sample


class NetCDFReader(BaseReader):
    """One netCDF file, or several that a wildcard matches, local or on any fsspec file system.

    Keywords of the entry: ``url``, ``span``, ``along`` (the dimension that joins several files), ``storage_options``,
    ``tree`` (open groups as a DataTree), and whatever `xarray.open_dataset` takes.
    """

    output_instance = "xarray:Dataset"
    engine: str | None = None

    def _read(
        self, url: str, span: Any = None, along: str = "time", storage_options: files.Options = None, **how: Any
    ) -> Any:
        how.pop("output_instance", None)
        found = files.find(url, storage_options)
        if not found:
            raise FileNotFoundError(f"no file matches {url}")
        return self._open(found, span, along, storage_options, how)

    def _open(self, urls: list[str], span: Any, along: str, storage_options: files.Options, how: dict[str, Any]) -> Any:
        """Open, join and cut."""
        how.setdefault("engine", self.engine)

        def open_one(url: str) -> Any:
            return files.open_file(url, storage_options=storage_options, **how)

        return files.cut(files.open_files(urls, open_one, along), period(span))


class ZarrReader(NetCDFReader):
    """One zarr store, with the keywords of `NetCDFReader`."""

    engine = "zarr"


class DailyReader(NetCDFReader):
    """One file (or a few) a day: a ``url`` with %Y, %m, %d or %j, expanded over the days of the span.

    Days without a file are warned about.
    """

    def _read(
        self, url: str, span: Any = None, along: str = "time", storage_options: files.Options = None, **how: Any
    ) -> Any:
        how.pop("output_instance", None)
        found = files.daily_files(url, period(span), storage_options)
        return self._open(found, span, along, storage_options, how)


class SampleReader(BaseReader):
    """The embedded sample: ``name`` of one of its datasets, ``span``, ``random_seed``."""

    output_instance = "xarray:Dataset"

    def _read(self, name: str, span: Any = None, random_seed: int = sample.SEED, **_: Any) -> Any:
        interval = period(span)
        return files.cut(sample.open_sample(name, interval, random_seed), interval)
