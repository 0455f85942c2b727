"""Fewer observations: without some sources, or a share of every source that is drawn by lot."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from adaf_xr.points.table import to_points
from adaf_xr.points.tree import source_nodes

STEP = 1e-5
"""Degrees to which a place is told when lots are drawn, about a metre."""


def names_in(tree: xr.DataTree) -> list[str]:
    """Kinds and systems of observations that a tree has: what :func:`without` takes.

    Examples
    --------
    >>> swath = xr.Dataset({"sst": ("row", [290.0])})
    >>> names_in(xr.DataTree.from_dict({"/sst/sst": swath, "/drifters/insitu": swath}))
    ['drifters', 'insitu', 'sst']
    """
    return sorted({part for _, node, _ in source_nodes(tree) for part in node.path.strip("/").split("/")})


def without(tree: xr.DataTree, names: Iterable[str]) -> xr.DataTree:
    """A tree of observations without some of its kinds or systems, lazily.

    Parameters
    ----------
    tree : DataTree
        With nodes named after kinds of :data:`adaf_xr.cf.canonical.SOURCES`, each alone or below its system.
    names : iterable of str
        Kinds, such as ``insitu``, or systems, such as ``argo``; one that the tree does not have takes nothing away.

    Examples
    --------
    >>> swath = xr.Dataset({"sst": ("row", [290.0])})
    >>> tree = xr.DataTree.from_dict({"/sst/sst": swath, "/argo/insitu": swath, "/drifters/insitu": swath})
    >>> [node.path for _, node, _ in source_nodes(without(tree, ["argo", "sst"]))]
    ['/drifters/insitu']
    """
    gone = set(names)
    kept = {node.path: obj for _, node, obj in source_nodes(tree) if gone.isdisjoint(node.path.split("/"))}
    return xr.DataTree.from_dict(kept)


def thinned(tree: xr.DataTree, share: float, seed: int = 0) -> xr.DataTree:
    """Points of a tree of observations, of which each place and time of observation stays with a probability, lazily.

    The lot of a place and time depends on nothing else: neither on the order of the observations, nor on how they are
    chunked, nor on what else was seen. So a smaller share is a part of a larger one, and a profile stays or goes as a
    whole.

    Parameters
    ----------
    tree : DataTree
        As for :func:`without`.
    share : float
        Probability, above 0 and at most 1.
    seed : int
        Of the lots.

    Returns
    -------
    DataTree
        The same nodes, each with points as :func:`adaf_xr.points.to_points` gives them. In memory those that go are
        left out, lazy ones are missing.

    Raises
    ------
    ValueError
        For a share that is none.

    Examples
    --------
    >>> time = np.datetime64("2020-01-01", "ns") + np.arange(1000) * np.timedelta64(1, "s")
    >>> where = {"time": ("row", time), "lat": ("row", np.linspace(0, 50, 1000)), "lon": ("row", np.zeros(1000))}
    >>> track = xr.Dataset({"adt": ("row", np.zeros(1000), {"units": "m"})}, where)
    >>> thinned(xr.DataTree.from_dict({"/ssh": track}), 0.1)["ssh"].sizes["obs"]
    97
    """
    if not 0.0 < share <= 1.0:
        raise ValueError(f"a share of {share:g} is none: give one above 0 and at most 1, such as 0.1")
    drawn = {node.path: _drawn(to_points(obj, source=kind), share, seed) for kind, node, obj in source_nodes(tree)}
    return xr.DataTree.from_dict(drawn)


def _drawn(points: xr.Dataset, share: float, seed: int) -> xr.Dataset:
    """The points whose lot is below the share."""
    kept = xr.apply_ufunc(
        lots, points["longitude"], points["latitude"], points["time"], kwargs={"seed": seed},
        dask="parallelized", output_dtypes=[np.float64],
    ) < share  # fmt: skip
    return points.isel(obs=np.flatnonzero(kept.values)) if kept.chunks is None else points.where(kept)


def lots(longitude: NDArray, latitude: NDArray, time: NDArray, seed: int = 0) -> NDArray[np.float64]:
    """A number in [0, 1) for each place and time, evenly spread and the same whenever it is asked for.

    Parameters
    ----------
    longitude, latitude : array (n,)
        Degrees, in any longitude convention.
    time : datetime64 array (n,)
        When.
    seed : int
        Another seed gives other numbers.

    References
    ----------
    Steele, G. L., Lea, D., and Flood, C. H. (2014). Fast splittable pseudorandom number generators. OOPSLA 2014,
    doi:10.1145/2660193.2660195: the last mixing step of SplitMix64, which turns a count into random bits.
    """
    turn = round(360.0 / STEP)
    columns = (
        np.rint(np.nan_to_num(longitude) / STEP).astype("i8") % turn,
        np.rint(np.nan_to_num(latitude) / STEP).astype("i8"),
        np.asarray(time, "M8[ns]").astype("i8"),
    )
    bits = np.full(np.shape(longitude), seed, "u8")
    for column in columns:
        bits = _mixed(bits ^ column.astype("u8"))
    return (bits >> np.uint64(11)).astype("f8") * 2.0**-53


def _mixed(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Every bit of the result depends on every bit of the input; sums and products wrap around."""
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
