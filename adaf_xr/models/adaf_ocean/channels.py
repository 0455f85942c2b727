"""What the network sees of observations: a channel for each pair of observing system and variable it can use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from adaf_xr.models.base import Background

STATE: tuple[str, ...] = ("zos", "thetao", "so", "uo", "vo")
"""What is analysed, in the order of the weights."""

FLOOR: Mapping[str, float] = MappingProxyType({"zos": 0.02, "thetao": 0.3, "so": 0.1, "uo": 0.05, "vo": 0.05})
"""Least scale of the errors of a background [m, degC, 1e-3, m/s, m/s], where it has no eddies at all."""

TOP = 12.0
"""Depth [m] down to which an observation speaks for the surface."""


@dataclass(frozen=True)
class Channel:
    """One quantity as one observing system measures it.

    Attributes
    ----------
    source : str
        Observing system, of :data:`adaf_xr.cf.canonical.SOURCES`.
    variable : str
        Canonical name of what is measured.
    error : float
        Error of a usual observation, in the canonical unit: the default, and the unit of weights.
    fine : bool
        Whether its cells are those of the fine lattice; else those of the coarse one.
    scale : float
        For what is not analysed: the size of usual values.
    """

    source: str
    variable: str
    error: float
    fine: bool = False
    scale: float = 1.0

    @property
    def of_state(self) -> bool:
        """Whether it measures what is analysed, so that it makes innovations; else it predicts."""
        return self.variable in STATE


CHANNELS: tuple[Channel, ...] = (
    Channel("ssh", "zos", 0.03, fine=True),
    Channel("sst", "thetao", 0.4, fine=True),
    Channel("sss", "so", 0.5),
    Channel("insitu", "thetao", 0.1, fine=True),
    Channel("insitu", "so", 0.05, fine=True),
    Channel("insitu", "uo", 0.05, fine=True),
    Channel("insitu", "vo", 0.05, fine=True),
    Channel("wind", "uas", 1.0, scale=8.0),
    Channel("wind", "vas", 1.0, scale=8.0),
    Channel("ice", "siconc", 0.05),
)
"""In the order of the weights: those of the state first."""

STATE_CHANNELS = tuple(channel for channel in CHANNELS if channel.of_state)
PREDICTORS = tuple(channel for channel in CHANNELS if not channel.of_state)

ANOMALY = "sla"
"""Sea level as altimeters measure it. A background that has it in place of ``zos`` is corrected as sea level is, by
observations of the same name."""

BESIDE = Channel("ssh", ANOMALY, 0.03, fine=True)
"""Sums of anomalies are kept beside those of the channels; which of the two counts, the background decides."""

KEPT = (*CHANNELS, BESIDE)
"""All that is kept of observations."""

DAYS = 5
"""Days before and after the analysis time that count."""

BINS = 5
"""Bins of time, of two days each."""

AGES = tuple(2.0 * bin_ - DAYS + 1.0 for bin_ in range(BINS))
"""Middle of every bin [days from the analysis time]."""


def sea_level_of(background: Background) -> str:
    """The variable that is the background's sea level."""
    return ANOMALY if "zos" not in background.fields and ANOMALY in background.fields else "zos"
