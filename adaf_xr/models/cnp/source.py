"""One input of a network of the published family: what it carries, on which lattice, how many points of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from adaf_xr.cf.canonical import SOURCES
from adaf_xr.models.cnp.demands import as_many, group, number, refuse_unknown, require, text, whole

KINDS = ("background", *SOURCES)
"""What a source may be: the first guess, or one of the package's observing systems."""


def tuples(value: Any) -> Any:
    """Lists as JSON has them, as tuples, at any depth.

    >>> tuples([[1, 2], 3])
    ((1, 2), 3)
    """
    return tuple(tuples(part) for part in value) if isinstance(value, list | tuple) else value


@dataclass(frozen=True)
class Source:
    """One input of the network: what it carries, on which lattice, and how many points of it a window holds.

    Attributes
    ----------
    key : str
        Its name in the weights: bg, in_situ_obs, sate_sss, sate_sst, sate_ssw, sate_sla, sate_sic.
    kind : str
        "background", or the observing system: insitu, sst, sss, ssh, wind, ice.
    channels : tuple of str
        Quantities per point. ``thetao:day`` and ``thetao:night`` part one quantity by local solar time;
        ``wind_direction`` and ``wind_speed`` derive from uas and vas; the rest are canonical names.
    spacing : float
        Degrees between cells of its lattice; 0 for points that lie anywhere.
    shape : tuple of int
        Cells of a patch (latitude, longitude); for points (the number they are padded or cut to, 1).
    ranges : tuple of (float, float)
        Per channel, the values that become -1 and 1 [units of the channel].
    """

    key: str
    kind: str
    channels: tuple[str, ...]
    spacing: float
    shape: tuple[int, int]
    ranges: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if "." in text(self.key, "the key of a source"):
            raise ValueError(
                f"the key of a source is {self.key!r}: names of weights are parted by dots, so it has none"
            )
        if self.kind not in KINDS:
            raise ValueError(f"source {self.key!r} is of kind {self.kind!r}, which is none of {', '.join(KINDS)}")
        self._check_channels()
        self._check_lattice()

    def _check_channels(self) -> None:
        if not self.channels or len(self.channels) != len(self.ranges):
            raise ValueError(
                f"source {self.key!r} has {len(self.channels)} channels and {len(self.ranges)} ranges: "
                "give one range (low, high) per channel, and at least one channel"
            )
        if len({text(channel, "a channel") for channel in self.channels}) < len(self.channels):
            raise ValueError(f"source {self.key!r} names a channel twice: {', '.join(self.channels)}")
        for channel, limits in zip(self.channels, self.ranges, strict=True):
            name = f"source {self.key!r}: the range of {channel!r}"
            low, high = (number(limit, name) for limit in as_many(limits, 2, name))
            if not low < high:
                raise ValueError(f"{name} is [{low:g}, {high:g}]; low < high is due")

    def _check_lattice(self) -> None:
        name = f"source {self.key!r}: "
        for count in as_many(self.shape, 2, f"{name}shape"):
            whole(count, f"{name}a count of the patch")
        if number(self.spacing, f"{name}spacing") == 0:
            if self.shape[1] != 1:
                raise ValueError(f"source {self.key!r} holds points: its shape is (number, 1), not {self.shape}")
        elif self.spacing < 0 or abs(180 / self.spacing - round(180 / self.spacing)) > 1e-6:
            raise ValueError(
                f"{name}cells of {self.spacing} degrees do not fit between the poles; "
                "180 / spacing must be a whole number (or spacing 0 for points)"
            )

    @property
    def gridded(self) -> bool:
        """Whether its values lie on a lattice."""
        return self.spacing > 0

    @property
    def points(self) -> int:
        """How many points a window holds.

        >>> from adaf_xr.models.cnp import RELEASED
        >>> RELEASED.source("sate_sst").points
        125000
        """
        return math.prod(self.shape)

    @property
    def span(self) -> tuple[float, float]:
        """Degrees of latitude and of longitude across its patch.

        >>> from adaf_xr.models.cnp import RELEASED
        >>> RELEASED.source("sate_sss").span
        (10.0, 20.0)
        """
        return self.shape[0] * self.spacing, self.shape[1] * self.spacing

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any]) -> Source:
        """The source that :func:`dataclasses.asdict`, or JSON of it, describes; an unknown key is an error."""
        names = [field.name for field in fields(cls)]
        refuse_unknown(group(mapping, "a source"), names, "a source")
        require(mapping, names, "a source")
        return cls(**{key: tuples(value) for key, value in mapping.items()})
