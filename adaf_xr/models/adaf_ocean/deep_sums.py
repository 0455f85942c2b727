"""What is kept of observations below the surface: sums of innovations about depths, cell by cell.

Here the background is taken off before anything is added up, for what it says at a depth hangs on its own levels. The
sums lie beside those of the surface, under keys of their own, and add up with them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from adaf_xr import grids
from adaf_xr.cf.canonical import CODES, SOURCES
from adaf_xr.models.adaf_ocean.channels import BINS, KEPT, TOP
from adaf_xr.models.adaf_ocean.depths import DEEP, DEEPEST, NODES, has_levels, shares
from adaf_xr.models.adaf_ocean.sums import CHUNK, PLACE, SPAN, Sums, terms_of
from adaf_xr.models.base import Background
from adaf_xr.models.keyed_sums import reduced
from adaf_xr.points.arrays import Points


def place_of(variable: int, node: int) -> int:
    """Place of the sums about a node, beyond those of :data:`adaf_xr.models.adaf_ocean.channels.KEPT`."""
    return len(KEPT) + variable * len(NODES) + node


def deep_sums(points: Points, background: Background, time: np.datetime64) -> Sums:
    """Sums of the weight, and of weight times innovation, of the profiles among some points.

    Parameters
    ----------
    points : Points
        Any number, in any order; what is no temperature or salinity in situ, between 12 and 2500 m, is left out.
    background : Background
        What innovations are counted from, bilinear and linear in depth. A variable without levels keeps nothing.
    time : datetime64
        The analysis time; those farther than 5 days from it are left out.
    """
    time = time.astype("datetime64[ns]")
    order = np.argsort(background.depth)
    axes = background.latitude, background.longitude, background.depth[order]
    total = Sums.nothing(time)
    for start in range(0, len(points), CHUNK):
        part = points.take(slice(start, start + CHUNK)).within(time - SPAN, time + SPAN)
        for number, channel in enumerate(DEEP):
            if not has_levels(background, channel.variable):
                continue
            wanted = (part.source == SOURCES.index(channel.source)) & (part.variable == CODES[channel.variable])
            own = part.where(wanted & (part.depth > TOP) & (part.depth <= DEEPEST))
            field = background.fields[channel.variable]
            ordered = field if (np.diff(order) == 1).all() else field[order]
            first = grids.observe(ordered, axes, own.latitude, own.longitude, own.depth.astype("f8"))
            departures = replace(own, value=own.value - first).where(np.isfinite(own.value - first))
            if len(departures):
                total = total + _about_nodes(departures, number, time)
    return total


def _about_nodes(departures: Points, number: int, time: np.datetime64) -> Sums:
    """Sums of the departures of one variable, each shared between the nodes above and below it."""
    key, terms = terms_of(departures, place_of(number, 0), DEEP[number], time)
    share = shares(departures.depth)
    node, row = np.nonzero(share)
    parts = key[row] + node * np.int64(BINS * PLACE), terms[row] * share[node, row][:, None]
    return Sums(*reduced(*parts), time)
