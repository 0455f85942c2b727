"""Catalogs: named sources of observations, backgrounds and truths, opened lazily through intake."""

from adaf_xr.catalog.adaf_ocean import FieldsReader, ForecastReader, ReanalysisReader, TableReader
from adaf_xr.catalog.copernicus import CopernicusFilesReader, CopernicusReader
from adaf_xr.catalog.experiments import ExperimentReader
from adaf_xr.catalog.files import MissingDaysWarning
from adaf_xr.catalog.observations import EmptyCatalogWarning, open_observations
from adaf_xr.catalog.opening import describe, list_catalogs, open_source
from adaf_xr.catalog.parameters import PathParameter, TimeParameter
from adaf_xr.catalog.readers import DailyReader, NetCDFReader, SampleReader, ZarrReader

__all__ = [
    "CopernicusFilesReader",
    "CopernicusReader",
    "DailyReader",
    "EmptyCatalogWarning",
    "ExperimentReader",
    "FieldsReader",
    "ForecastReader",
    "MissingDaysWarning",
    "NetCDFReader",
    "PathParameter",
    "ReanalysisReader",
    "SampleReader",
    "TableReader",
    "TimeParameter",
    "ZarrReader",
    "describe",
    "list_catalogs",
    "open_observations",
    "open_source",
]
