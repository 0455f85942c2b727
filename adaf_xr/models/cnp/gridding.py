"""Observations on the lattices of the network: sums over cells, which add up.

The sums of the parts of an observation set are the sums of the whole, so chunks are encoded apart and merged in any
order. Several values in a cell count with their mean. Wind is averaged by components; speed and direction (towards
which it blows, degrees clockwise from north) are those of the mean. Nothing is interpolated: a product coarser than its
lattice leaves the cells between its pixels empty. In situ, only what measures temperature and salinity counts, as
published: a drifter makes no row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from adaf_xr.cf.canonical import CODES, SOURCES
from adaf_xr.models.base import Background
from adaf_xr.models.cnp.configuration import Configuration, Source
from adaf_xr.models.cnp.day import Day, background_grid
from adaf_xr.models.cnp.lattices import lattice_of
from adaf_xr.models.keyed_sums import reduced
from adaf_xr.points.arrays import Points

PLACE = 1 << 40
"""Place value of the quantity in the number of a cell; the cell itself is the rest."""

DAYLIGHT = (6.0, 18.0)
"""Hours of local solar time that count as day, half-open."""

CALM = 1e-6
"""Mean component of wind [m/s] that is rounding: its sign, and so the direction, would follow the order of sums."""

IN_RANGE = ("sss",)
"""Kinds of which values beyond the range of their channel are missing, as published; others reach beyond -1 and 1."""

COMPONENTS = {"wind_direction": ("uas", "vas"), "wind_speed": ("uas", "vas")}
"""What is averaged for channels that are derived from means."""


def quantities(configuration: Configuration) -> list[tuple[Source, str]]:
    """Everything that is averaged over cells: source and name, ``thetao:day`` and ``thetao:night`` apart.

    Examples
    --------
    >>> from adaf_xr.models.cnp.configuration import RELEASED
    >>> [name for _, name in quantities(RELEASED)]
    ['so', 'thetao:day', 'thetao:night', 'uas', 'vas', 'sla', 'siconc']
    """
    return [
        (source, name)
        for source in configuration.observed
        if source.gridded
        for name in dict.fromkeys(part for channel in source.channels for part in COMPONENTS.get(channel, (channel,)))
    ]


@dataclass(frozen=True)
class Encoded:
    """Sums over the cells of every lattice, and the rows of in-situ points; a commutative monoid under ``+``.

    Attributes
    ----------
    configuration : Configuration
        What the numbers in `key` mean.
    key : int64, (n,)
        Quantity and cell in one number, ascending, each once.
    total : float64, (n,)
        Sum of the values in the cell [canonical unit].
    count : int64, (n,)
        Their number.
    insitu : Points
        Temperatures and salinities, in any order.

    Examples
    --------
    >>> from adaf_xr.models.cnp.configuration import THINNED
    >>> place = {"longitude": np.zeros(2), "latitude": np.array([40.1, 39.9]), "depth": np.zeros(2)}
    >>> columns = {**place, "time": np.full(2, np.datetime64("2020-01-01", "ns")), "sla": np.array([0.1, 0.3])}
    >>> points = Points.from_columns(columns, "ssh")
    >>> whole = Encoded.of(points.take(slice(1)), THINNED) + Encoded.of(points.take(slice(1, 2)), THINNED)
    >>> whole.total.tolist(), whole.count.tolist()
    ([0.4], [2])
    """

    configuration: Configuration = field(repr=False)
    key: NDArray[np.int64] = field(repr=False)
    total: NDArray[np.float64] = field(repr=False)
    count: NDArray[np.int64] = field(repr=False)
    insitu: Points = field(repr=False)

    @classmethod
    def of(cls, points: Points, configuration: Configuration) -> Self:
        """Encode points of one window of time; none at all give the neutral element.

        Parameters
        ----------
        points : Points
            Of any sources, in any order. Sources and variables that the network does not read are left out.
        configuration : Configuration
            The sources of the network and their lattices.
        """
        number = points.source.astype("i8") * len(CODES) + points.variable
        present = set(np.flatnonzero(np.bincount(number)).tolist())
        keys, values = [np.empty(0, "i8")], [np.empty(0)]
        for place, (source, name) in enumerate(quantities(configuration)):
            variable, _, half = name.partition(":")
            wanted = SOURCES.index(source.kind) * len(CODES) + CODES[variable]
            if wanted not in present:
                continue
            mine = points.where(number == wanted)
            mine = mine.where(_in_daylight(mine) == (half == "day")) if half else mine
            cell, inside = _cells(mine, source, configuration)
            if source.kind in IN_RANGE:
                low, high = source.ranges[source.channels.index(name)]
                inside &= (mine.value >= low) & (mine.value <= high)
            keys.append((cell + place * PLACE)[inside])
            values.append(mine.value[inside])
        key, total = np.concatenate(keys), np.concatenate(values)
        sums = _summed(key, total, np.ones(key.size, "i8"))
        return cls(configuration, *sums, points.where(_insitu(points, configuration)))

    def __add__(self, other: Self) -> Encoded:
        if self.configuration != other.configuration:
            raise ValueError(
                "observations encoded for two different networks do not add up: encode both with the same configuration"
            )
        insitu = Points.concatenate([self.insitu, other.insitu])
        if not (self.key.size and other.key.size):
            one = self if self.key.size else other
            return Encoded(self.configuration, one.key, one.total, one.count, insitu)
        sums = _summed(
            np.concatenate([self.key, other.key]),
            np.concatenate([self.total, other.total]),
            np.concatenate([self.count, other.count]),
        )
        return Encoded(self.configuration, *sums, insitu)

    def day(self, configuration: Configuration, background: Background, level: int = 0) -> Day:
        """Means over cells, pairs of temperature and salinity, and one level of the background.

        Parameters
        ----------
        configuration : Configuration
            The one that the observations were encoded with.
        background : Background
            On any rectilinear grid, with every channel.
        level : int
            Level of a background with depth.
        """
        if configuration != self.configuration:
            raise ValueError("the observations were encoded for another network: encode them with this configuration")
        grids = {configuration.background.key: background_grid(background, configuration, level)}
        for source in configuration.observed:
            if source.gridded:
                grids[source.key] = self._grid(source)
        return Day(grids, _pairs(self.insitu))

    def _grid(self, source: Source) -> NDArray[np.float32]:
        """Every channel of a source on the whole of its lattice, NaN where there is no value."""
        shape = lattice_of(source, self.configuration).shape
        averaged = [
            (place, name) for place, (owner, name) in enumerate(quantities(self.configuration)) if owner == source
        ]
        grid = np.full((len(averaged), *shape), np.nan, "f4")
        for layer, (place, _) in zip(grid.reshape(len(averaged), -1), averaged, strict=True):
            rows = slice(*np.searchsorted(self.key, [place * PLACE, (place + 1) * PLACE]))
            layer[self.key[rows] - place * PLACE] = self.total[rows] / self.count[rows]
        means = {name: layer for layer, (_, name) in zip(grid, averaged, strict=True)}
        if tuple(means) == source.channels:
            return grid
        return np.stack([_channel(means, channel) for channel in source.channels])


def _cells(points: Points, source: Source, configuration: Configuration) -> tuple[NDArray, NDArray]:
    """Number of the cell of each point, and whether there is one: a lattice of nodes ends half a cell before 90 N."""
    lattice = lattice_of(source, configuration)
    row, (n_lat, n_lon) = lattice.row(points.latitude), lattice.shape
    return row * n_lon + lattice.column(points.longitude), (row >= 0) & (row < n_lat)


def _in_daylight(points: Points) -> NDArray[np.bool_]:
    """Whether it is day by local solar time, which the Sun's mean motion gives."""
    utc = points.time.astype("datetime64[ns]").astype("i8") % 86_400_000_000_000 / 3.6e12
    hour = (utc + points.longitude / 15.0) % 24.0
    return (hour >= DAYLIGHT[0]) & (hour < DAYLIGHT[1])


def _summed(key: NDArray, total: NDArray, count: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Keys once each, ascending, with the sums of what they stand for."""
    key, sums = reduced(key, np.column_stack([total, count]))
    return key, sums[:, 0], sums[:, 1].astype("i8")


def _insitu(points: Points, configuration: Configuration) -> NDArray[np.bool_]:
    """Which points are in-situ temperatures or salinities that some window can reach."""
    deepest = configuration.max_depth + configuration.box[2]
    known = (points.variable == CODES["thetao"]) | (points.variable == CODES["so"])
    return known & (points.source == SOURCES.index("insitu")) & (points.depth <= deepest)


def _pairs(points: Points) -> NDArray[np.float32]:
    """Rows with a temperature and a salinity at one place, depth and time; what comes twice counts with its mean.

    The published order is that of the files, which no chunk of observations knows: here it is time, longitude, latitude
    and depth, the same whatever the points came in.
    """
    where = (points.time, points.longitude, points.latitude, points.depth)
    order = np.lexsort((points.value, *reversed(where)))
    places = [column[order] for column in where]
    new = np.ones(order.size, bool)
    new[1:] = np.any([column[1:] != column[:-1] for column in places], axis=0)
    group, first = np.cumsum(new) - 1, np.flatnonzero(new)
    means = []
    for name in ("thetao", "so"):
        rows = points.variable[order] == CODES[name]
        count = np.bincount(group[rows], minlength=first.size)
        total = np.bincount(group[rows], points.value[order][rows], minlength=first.size)
        means.append(np.divide(total, count, out=np.full(first.size, np.nan), where=count > 0))
    _, longitude, latitude, depth = (column[first] for column in places)
    table = np.stack([latitude, longitude, depth, *means], axis=1)
    return table[np.isfinite(table).all(axis=1)].astype("f4")


def _channel(means: dict[str, NDArray], channel: str) -> NDArray[np.float32]:
    """A channel of a source from its means over cells."""
    if channel not in COMPONENTS:
        return means[channel]
    parts = (means[name] for name in COMPONENTS[channel])
    eastward, northward = (np.where(np.abs(part) < CALM, np.float32(0.0), part) for part in parts)
    if channel == "wind_speed":
        return np.hypot(eastward, northward)
    return np.asarray(np.degrees(np.arctan2(eastward, northward)) % 360.0, "f4")
