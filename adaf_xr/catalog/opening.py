"""Open one source of a catalog: the door that knows every parameter by name and refuses all others."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adaf_xr.catalog.listing import Listing
from adaf_xr.catalog.shipped import locate, names

if TYPE_CHECKING:
    import xarray as xr
    from intake.readers.entry import Catalog, ReaderDescription


def open_source(catalog: str | Path, source: str, **parameters: Any) -> xr.Dataset | xr.DataTree:
    """Open a source of a catalog, lazily.

    Parameters
    ----------
    catalog : str or Path
        Name of a shipped catalog (see :func:`list_catalogs`), or the path or URL of an intake 2 YAML.
    source : str
        Name of one of its entries (see :func:`describe`).
    **parameters
        Those of the entry and of the catalog. ``time`` names whole periods: a date, a pair, a slice
        (``"2020-01-02"``, ``"2020-01"``, ``("2020-01-01", "2020-01-03")``).

    Returns
    -------
    Dataset or DataTree
        On dask arrays; nothing is computed.

    Raises
    ------
    ValueError
        For an unknown catalog or source, or a parameter that cannot have that value.
    TypeError
        For a parameter that the source does not take.
    FileNotFoundError
        Where files are missing, naming them.
    ImportError
        Where a client library is missing, naming the extra that installs it.

    Examples
    --------
    >>> open_source("demo", "background", time="2020-01-02").zos.sizes["latitude"]
    50
    """
    cat = load(catalog)
    entry = find(cat, source)
    check(cat, source, entry, parameters)
    opened = cat(**parameters)[source].read()
    _require_something(opened, source, entry, parameters.get("time"))
    return opened


def _require_something(opened: xr.Dataset | xr.DataTree, source: str, entry: ReaderDescription, time: Any) -> None:
    """A background or truth without a single time is a mistake; observations may be none."""
    if time is not None and entry.metadata.get("role") != "observations" and 0 in opened.sizes.values():
        raise ValueError(f"{source} has no time within {time!r}: open it without time to see those it has")


def describe(catalog: str | Path) -> Listing:
    """The sources of a catalog: name, role, kind of observation, parameters and description of each.

    Examples
    --------
    >>> [row["source"] for row in describe("demo")][:2]
    ['background', 'truth']
    """
    cat = load(catalog)
    return Listing(
        {
            "source": name,
            "role": entry.metadata.get("role", ""),
            "kind": entry.metadata.get("source", ""),
            "parameters": ", ".join(sorted(known_parameters(cat, entry))),
            "description": entry.metadata.get("description", ""),
        }
        for name, entry in cat.entries.items()
    )


def list_catalogs() -> Listing:
    """The shipped catalogs: name and description of each.

    Examples
    --------
    >>> [row["catalog"] for row in list_catalogs()][:2]
    ['adaf_ocean', 'argo']
    """
    return Listing(
        {"catalog": name, "sources": len(cat.entries), "description": cat.metadata.get("description", "")}
        for name in names()
        for cat in [load(name)]
    )


def load(catalog: str | Path) -> Catalog:
    """The intake catalog behind a name, path or URL."""
    from intake.readers.entry import Catalog
    from yaml import YAMLError

    path = locate(catalog)
    try:
        return Catalog.from_yaml_file(path)
    except FileNotFoundError:
        raise FileNotFoundError(f"no catalog at {path}") from None
    except (KeyError, TypeError, AttributeError, ValueError, YAMLError) as error:
        raise ValueError(
            f"{path} is not an intake 2 catalog ({error}): it needs `version: 2` and the sections "
            "entries, data, user_parameters, aliases and metadata"
        ) from error


def find(cat: Catalog, source: str) -> ReaderDescription:
    """An entry by its name or alias."""
    name = cat.aliases.get(source, source)
    if name in cat.entries:
        return cat.entries[name]
    near = get_close_matches(source, cat.entries, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    title = cat.metadata.get("name", "this catalog")
    raise ValueError(f"{title} has no source {source!r}{hint}; it has {', '.join(cat.entries)}")


def known_parameters(cat: Catalog, entry: ReaderDescription) -> dict[str, Any]:
    """Parameters by name: those of the entry, and those of the catalog that its templates, or its data's, mention."""
    text = str(entry.kwargs)
    text += "".join(str(cat.data[name].kwargs) for name in re.findall(r"data\(([^)]+)\)", text) if name in cat.data)
    # Intake adds parameters of its own in capitals (CATALOG_DIR, ...), which are no business of users.
    shared = {name: value for name, value in cat.user_parameters.items() if not name.isupper()}
    return {**{name: value for name, value in shared.items() if f"{{{name}}}" in text}, **entry.user_parameters}


def check(cat: Catalog, source: str, entry: ReaderDescription, parameters: dict[str, Any]) -> None:
    """Refuse parameters that the source does not take: intake would ignore them and read the default."""
    known = known_parameters(cat, entry)
    if unknown := sorted(set(parameters) - set(known)):
        takes = f"it takes {', '.join(sorted(known))}" if known else "it takes none"
        raise TypeError(f"{source}: unknown parameter(s) {', '.join(unknown)}; {takes}")
    for name, value in parameters.items():
        try:
            fits = known[name].validate(known[name].coerce(value))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{source}: parameter {name} cannot be {value!r}: {error}") from error
        if not fits:
            raise ValueError(f"{source}: parameter {name} cannot be {value!r}: {known[name].description}")
