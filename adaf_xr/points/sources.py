"""Which observing system a file comes from, judged by what it measures."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr

from adaf_xr.cf.coordinates import locate
from adaf_xr.cf.names import term_of
from adaf_xr.points.structure import Group

PRECEDENCE = ("insitu", "ssh", "sst", "sss", "wind", "ice")
"""Of several kinds in one file the first names it: a buoy measures wind too, an SST analysis carries ice."""

BY_NAME: dict[str, str] = {
    "zos": "ssh",
    "sla": "ssh",
    "siconc": "ice",
    "uas": "wind",
    "vas": "wind",
    "uo": "insitu",
    "vo": "insitu",
}
BY_KIND: dict[tuple[str, str], str] = {("thetao", "surface"): "sst", ("so", "surface"): "sss"}


def infer(found: Sequence[tuple[xr.Dataset, Group]]) -> str:
    """One of :data:`adaf_xr.cf.canonical.SOURCES`."""
    seen = {source for ds, group in found for source in _sources(ds, group)}
    return next(source for source in PRECEDENCE if source in seen)


def _sources(ds: xr.Dataset, group: Group) -> set[str]:
    """What the variables of one group speak for; wind with a depth is a buoy's."""
    sources = set()
    for canonical in group.canonical:
        term = term_of(ds, group.names[canonical]) if canonical in group.names else None
        kind = "any" if term is None else term.kind
        sources.add(BY_NAME.get(canonical) or BY_KIND.get((canonical, kind), "insitu"))
    in_situ = ds[group.any].size and any(locate(ds, ds[group.any], role) is not None for role in ("depth", "pressure"))
    return {"insitu"} if in_situ and sources == {"wind"} else sources
