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
from adaf_xr.catalog.times import days, period

MARGIN = "1h"
"""How far along-track data stray from the day their file is named by."""

SIDES = ("minimum_longitude", "maximum_longitude", "minimum_latitude", "maximum_latitude")


class CopernicusReader(BaseReader):
    """A gridded dataset of the store.

    Keywords of the entry: ``dataset_id``, ``part`` (of a dataset that has several), ``span``, ``variables`` and ``box``
    (west, east, south, north).
    """

    output_instance = "xarray:Dataset"

    def _read(
        self,
        dataset_id: str,
        part: str | None = None,
        span: Any = None,
        box: Sequence[float] | None = None,
        variables: Sequence[str] | None = None,
        **_: Any,
    ) -> xr.Dataset:
        with files.naming_the_extra(dataset_id):
            copernicusmarine = import_module("copernicusmarine")
        interval = period(span)
        request: dict[str, Any] = dict(zip(SIDES, box, strict=True)) if box else {}
        if part:
            request["dataset_part"] = part
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
        near = days(interval.widened(MARGIN))
        wanted = "|".join(day.strftime("%Y%m%d") for day in near)
        # The pattern also finds files that were only made on these days.
        listed = copernicusmarine.get(dataset_id=dataset_id, regex=rf".*({wanted}).*\.nc$", dry_run=True)
        urls = sorted(each.https_url for each in listed.files if files.date_of(each.https_url) in near)
        if not urls:
            raise files.NoFilesError(f"{dataset_id} has no file for {interval.start} to {interval.stop}")
        return cutting.cut(joining.open_files(urls, files.open_file, along), interval)
