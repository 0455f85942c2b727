"""Catalogs: named sources of observations, backgrounds and truths, opened lazily through intake."""

from adaf_xr.catalog.files import MissingDaysWarning
from adaf_xr.catalog.observations import NoObservationsWarning, open_observations
from adaf_xr.catalog.opening import describe, open_source
from adaf_xr.catalog.parameters import FolderParameter, TimeParameter
from adaf_xr.catalog.readers import DailyReader, NetCDFReader, SampleReader, ZarrReader
from adaf_xr.catalog.shipped import list_catalogs

__all__ = [
    "DailyReader",
    "FolderParameter",
    "MissingDaysWarning",
    "NetCDFReader",
    "NoObservationsWarning",
    "SampleReader",
    "TimeParameter",
    "ZarrReader",
    "describe",
    "list_catalogs",
    "open_observations",
    "open_source",
]
