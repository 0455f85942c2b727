"""All observations of a catalog in a window of time, as one tree."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from adaf_xr.catalog.cutting import cut
from adaf_xr.catalog.files import NoFilesError, NotPartError
from adaf_xr.catalog.opening import check, known_parameters, load
from adaf_xr.catalog.times import Span, around

if TYPE_CHECKING:
    from intake.readers.entry import Catalog, ReaderDescription

WINDOW = "10D"
"""Default window: wider than that of any shipped model, which cut to their own."""


class EmptyCatalogWarning(UserWarning):
    """A source, or a whole catalog, has nothing in the window."""


def open_observations(
    catalog: str | Path,
    *,
    time: Any = None,
    window: Any = WINDOW,
    sources: Iterable[str] | None = None,
    **parameters: Any,
) -> xr.DataTree:
    """Open the observing systems of a catalog in a window around analysis times, lazily.

    Parameters
    ----------
    catalog : str or Path
        Name of a shipped catalog, or the path or URL of an intake 2 YAML. Entries whose metadata say
        ``role: observations`` and ``source: sst`` (or insitu, sss, ssh, wind, ice) are opened; those that also say
        ``on_request: true`` only when `sources` names them.
    time : date, pair, slice or sequence of dates, optional
        Analysis times; a date is its first instant. Default: all that the catalog has.
    window : str, timedelta or pair
        Total span centred on the time, [t - window / 2, t + window / 2), or (before, after).
    sources : iterable of str, optional
        Kinds of observing systems, or names of entries. Default: all that are part of the data set.
    **parameters
        Those of the catalog and its entries; each goes to the entries that take it.

    Returns
    -------
    DataTree
        A node per kind (``/sst``); where a catalog has several entries of a kind, a node per entry
        (``/argo_2901746/insitu``). Cut by file dates and by 1-D times in memory; exact cuts by lazy or 2-D
        times are made by those who compute.

    Raises
    ------
    TypeError
        For a parameter that no opened entry takes.
    ValueError
        For unknown sources or catalogs.

    Examples
    --------
    >>> sorted(open_observations("demo", time="2020-01-02", window="2D").children)
    ['ice', 'insitu', 'ssh', 'sss', 'sst', 'wind']
    """
    cat, span = load(catalog), around(time, window)
    wanted = _wanted(cat, sources)
    _check(cat, wanted, parameters)
    kinds = Counter(entry.metadata["source"] for entry in wanted.values())
    nodes = {}
    for name, entry in wanted.items():
        opened = _open(cat, name, entry, span, parameters, asked=sources is not None)
        if opened is not None:
            kind = entry.metadata["source"]
            nodes[f"/{kind}" if kinds[kind] == 1 else f"/{name}/{kind}"] = opened
    if not nodes:
        warnings.warn(f"{catalog} has no observations {_words(span)}", EmptyCatalogWarning, stacklevel=2)
    return _tree(nodes)


def _wanted(cat: Catalog, sources: Iterable[str] | None) -> dict[str, ReaderDescription]:
    """Entries of observing systems by name; `sources` are kinds or entries."""
    observing = {name: entry for name, entry in cat.entries.items() if entry.metadata.get("role") == "observations"}
    usual = {name: entry for name, entry in observing.items() if not entry.metadata.get("on_request")}
    if sources is None:
        return usual
    if isinstance(sources, str):
        raise TypeError(f"sources is a list of names, such as [{sources!r}], not one name")
    chosen: dict[str, ReaderDescription] = {}
    for wish in sources:
        of_kind = {name: entry for name, entry in usual.items() if entry.metadata.get("source") == wish}
        if not of_kind and wish not in observing:
            kinds = sorted({str(entry.metadata.get("source")) for entry in observing.values()})
            raise ValueError(
                f"the catalog has no observations {wish!r}; it has {', '.join(kinds) or 'none at all'}, "
                f"from {', '.join(observing)}"
            )
        chosen |= of_kind or {wish: observing[wish]}
    return chosen


def _check(cat: Catalog, wanted: dict[str, ReaderDescription], parameters: dict[str, Any]) -> None:
    """Refuse what no entry takes."""
    known = {name for entry in wanted.values() for name in known_parameters(cat, entry)}
    if unknown := sorted(set(parameters) - known):
        raise TypeError(
            f"unknown parameter(s) {', '.join(unknown)}; these sources take {', '.join(sorted(known)) or 'none'}"
        )
    for name, entry in wanted.items():
        check(cat, name, entry, {k: v for k, v in parameters.items() if k in known_parameters(cat, entry)})


def _open(
    cat: Catalog, name: str, entry: ReaderDescription, span: Span | None, parameters: dict[str, Any], *, asked: bool
) -> Any:
    """One entry, or None where the catalog or its files say that it has nothing in the span.

    What was never part of a data set is worth a word only to those who asked for it by name.
    """
    covers = entry.metadata.get("covers")
    if span is not None and covers is not None and not span.meets(*covers):
        return None
    known = known_parameters(cat, entry)
    given = {k: v for k, v in parameters.items() if k in known}
    if span is not None and "time" in known:
        given["time"] = span
    try:
        return cut(cat(**given)[name].read(), span)
    except NoFilesError as error:
        if isinstance(error, NotPartError) and not asked:
            return None
        warnings.warn(f"{name} gives nothing: {error}", EmptyCatalogWarning, stacklevel=3)
        return None


def _tree(nodes: dict[str, Any]) -> xr.DataTree:
    """A tree of datasets and trees at paths."""
    root = xr.DataTree()
    for path, node in nodes.items():
        root[path] = node if isinstance(node, xr.DataTree) else xr.DataTree(node)
    return root


def _words(span: Span | None) -> str:
    """A span, for messages."""
    if span is None:
        return "at all"
    return f"in {np.datetime_as_string(span.start, 's')} to {np.datetime_as_string(span.stop, 's')}"
