"""Reader of experiments on disk: a simulated truth, its background, and what instruments saw of it."""

from __future__ import annotations

from typing import Any

import xarray as xr
from intake.readers.readers import BaseReader

from adaf_xr.catalog import cutting, files
from adaf_xr.catalog.times import Span, period
from adaf_xr.cf.canonical import SOURCES
from adaf_xr.osse.opening import NothingObservedError, OpenExperiment, kind_of, open_experiment

FIELDS = ("truth", "background")


class ExperimentReader(BaseReader):
    """A part of the experiment in a folder.

    Keywords of the entry: ``folder``; ``part``: ``truth``, ``background``, an observing system, or a kind of
    them (``ssh``: all altimeters); and ``span``.
    """

    output_instance = "xarray:Dataset"

    def _read(self, folder: str, part: str, span: Any = None, **_: Any) -> xr.Dataset | xr.DataTree:
        experiment, interval = open_experiment(folder), period(span)
        if part in FIELDS:
            return cutting.cut(getattr(experiment, part), interval)
        systems = [name for name in experiment.systems if part in (name, kind_of(name))]
        if not systems:
            raise files.NotPartError(
                f"{experiment.name} at {folder} has no {part}, only {', '.join(experiment.systems)}"
            )
        seen = {name: _seen(experiment, name, interval) for name in systems}
        if len(systems) == 1 or part not in SOURCES:
            return seen[systems[0]]
        return xr.DataTree.from_dict({f"/{name}": ds for name, ds in seen.items()})


def _seen(experiment: OpenExperiment, system: str, interval: Span | None) -> xr.Dataset:
    """Observations of a system within a span."""
    if interval is None:
        return experiment.observations[system]
    try:
        return cutting.cut(experiment.observe(system, (interval.start, interval.stop)), interval)
    except NothingObservedError as error:
        raise files.NoFilesError(f"{experiment.name}: {error}") from None
