"""Readers of the Copernicus Marine store, through its own client (extra ``copernicus``).

The client finds the account in its own places: ``copernicusmarine login``, or environment variables it documents.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
import xarray as xr
from intake.readers.readers import BaseReader

from adaf_xr.catalog import cutting, files, joining
from adaf_xr.catalog.times import Span, days, period

SIDES = ("minimum_longitude", "maximum_longitude", "minimum_latitude", "maximum_latitude")


class CopernicusReader(BaseReader):
    """A gridded dataset of the store: ``dataset_id``, ``span``, ``box`` (west, east, south, north), ``variables``."""

    output_instance = "xarray:Dataset"

    def _read(
        self,
        dataset_id: str,
        span: Any = None,
        box: Sequence[float] | None = None,
        variables: Sequence[str] | None = None,
        **_: Any,
    ) -> xr.Dataset:
        with files.naming_the_extra(dataset_id):
            copernicusmarine = import_module("copernicusmarine")
        interval = period(span)
        request: dict[str, Any] = dict(zip(SIDES, box, strict=True)) if box else {}
        if variables:
            request["variables"] = list(variables)
        if interval is not None:
            start, stop = interval
            last = stop - np.timedelta64(1, "s")
            request |= {"start_datetime": str(start.astype("M8[s]")), "end_datetime": str(last.astype("M8[s]"))}
        ds = copernicusmarine.open_dataset(dataset_id=dataset_id, **request)
        return cutting.cut(ds if ds.chunks else ds.chunk(), interval)


class CopernicusFilesReader(BaseReader):
    """A dataset that the store keeps as daily files (along-track sea level): ``dataset_id``, ``span``, ``along``."""

    output_instance = "xarray:Dataset"

    def _read(self, dataset_id: str, span: Any = None, along: str = "time", **_: Any) -> xr.Dataset:
        with files.naming_the_extra(dataset_id):
            copernicusmarine = import_module("copernicusmarine")
        interval = period(span)
        if interval is None:
            raise ValueError(
                f"{dataset_id} is kept as one file a day: pass time=..., a date, a pair of dates or a slice"
            )
        wanted = "|".join(day.strftime("%Y%m%d") for day in days(interval))
        # A file's own day is the first date in its name; the second is the day it was made.
        listed = copernicusmarine.get(dataset_id=dataset_id, regex=rf".*({wanted}).*\.nc$", dry_run=True)
        urls = sorted(each.https_url for each in listed.files if _is_of(each.https_url, interval))
        if not urls:
            raise files.NoFilesError(f"{dataset_id} has no file for {interval.start} to {interval.stop}")
        return cutting.cut(joining.open_files(urls, files.open_file, along), interval)


def _is_of(url: str, span: Span) -> bool:
    """Whether a file's day meets a span."""
    return files.date_of(url) in days(span)
