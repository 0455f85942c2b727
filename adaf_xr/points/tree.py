"""Grouped files as flat ones: IODA groups, and groups whose coordinates lie in an ancestor (section 3)."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator

import xarray as xr

from adaf_xr.cf.canonical import SOURCES
from adaf_xr.points.quality import PREQC

HIGH_RATE = re.compile(r"20_?hz|_20$", re.IGNORECASE)
"""Groups with the high-rate measurements of an altimeter."""


def source_nodes(tree: xr.DataTree) -> Iterator[tuple[str, xr.DataTree, xr.Dataset | xr.DataTree]]:
    """The nodes that bear the name of a kind of observations, each observation once.

    A system may bear the name of its kind (``/sst/sst``): the inner node holds the observations, and the outer one
    counts only for what it holds itself.

    Yields
    ------
    kind : str
        One of :data:`adaf_xr.cf.canonical.SOURCES`.
    node : DataTree
        Where.
    observations : Dataset or DataTree
        What it holds: a tree where it has groups.

    Examples
    --------
    >>> swath = xr.Dataset({"sst": ("row", [290.0])})
    >>> tree = xr.DataTree.from_dict({"/sst/sst": swath, "/drifters/insitu": swath})
    >>> [(kind, node.path) for kind, node, _ in source_nodes(tree)]
    [('sst', '/sst/sst'), ('insitu', '/drifters/insitu')]
    """
    for node in tree.subtree:
        if node.name not in SOURCES:
            continue
        nested = any(below.name in SOURCES for below in node.descendants)
        if not nested or node.has_data:
            yield str(node.name), node, (node.to_dataset() if nested or not node.children else node)


def flattened(tree: xr.DataTree) -> Iterator[xr.Dataset]:
    """Every group as a dataset that can stand alone.

    Parameters
    ----------
    tree : DataTree
        As `xarray.open_datatree` gives it.

    Yields
    ------
    Dataset
        Data variables are the group's own; what comes from elsewhere, the nearest ancestor first, are coordinates.
    """
    for node in tree.subtree:
        groups = {str(name).lower(): child for name, child in node.children.items()}
        if "obsvalue" in groups:
            yield _ioda(node, groups)
        elif not _is_ioda_part(node) and not any(HIGH_RATE.search(part) for part in node.path.split("/")):
            yield _with_ancestors(node)


def _ioda(node: xr.DataTree, groups: dict[str, xr.DataTree]) -> xr.Dataset:
    """Values, metadata, errors and flags of an IODA file side by side."""
    values = _variables(groups["obsvalue"])
    beside: dict[Hashable, xr.Variable] = {}
    for group, ending in (("metadata", ""), ("obserror", "_obserror"), ("preqc", PREQC)):
        if group in groups:
            beside |= {f"{name}{ending}": v for name, v in _variables(groups[group]).items()}
    return _dataset(values, beside, node)


def _with_ancestors(node: xr.DataTree) -> xr.Dataset:
    """A group with what it lacks from its ancestors."""
    own = _variables(node)
    sizes = {dim: size for v in own.values() for dim, size in v.sizes.items()}
    beside: dict[Hashable, xr.Variable] = {}
    for ancestor in node.parents:
        for name, variable in _variables(ancestor).items():
            if name not in own and name not in beside and _fits(variable, sizes):
                beside[name] = variable
    return _dataset(own, beside, node)


def _variables(node: xr.DataTree) -> dict[Hashable, xr.Variable]:
    """The variables of a group itself, not those it inherits."""
    return {name: v.to_base_variable() for name, v in node.to_dataset(inherit=False).variables.items()}


def _fits(variable: xr.Variable, sizes: dict[Hashable, int]) -> bool:
    """Whether an ancestor's variable is as long as the group along every dimension they share."""
    return all(sizes.get(dim, size) == size for dim, size in variable.sizes.items())


def _dataset(own: dict[Hashable, xr.Variable], beside: dict[Hashable, xr.Variable], node: xr.DataTree) -> xr.Dataset:
    """Variables as one dataset, with the attributes of file and group."""
    borrowed = {name: v for name, v in beside.items() if name not in own}
    return xr.Dataset(own, coords=borrowed, attrs=dict(node.root.attrs) | dict(node.attrs))


def _is_ioda_part(node: xr.DataTree) -> bool:
    """Whether a group is a part of an IODA file."""
    siblings = node.parent.children if node.parent is not None else {}
    return "obsvalue" in {str(name).lower() for name in siblings}
