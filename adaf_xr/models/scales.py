"""What optimal interpolation believes of the ocean before it sees a number: one documented row per variable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adaf_xr.cf.canonical import SOURCES

Override = float | Mapping[str, float] | None
"""A number for every variable, numbers by name, or None for those of the table."""


@dataclass(frozen=True)
class Part:
    """A part of the background error with its own scales.

    Attributes
    ----------
    std : float
        Its standard deviation at the surface, in the canonical unit.
    length : float
        Correlation length L [km].
    time : float
        Correlation time T [days].
    """

    std: float
    length: float
    time: float


@dataclass(frozen=True)
class Scales:
    """Statistics of the errors of a background and of the observations of one variable.

    The covariance of background errors at two places is ``std1 std2 exp(-(r^2 / L^2 + dt^2 / T^2 + ds^2) / 2)``:
    `length` and `time` are the *standard deviations* of Gaussians (correlation 0.61 at one scale, 0.14 at two). A scale
    quoted for ``exp(-r^2 / L^2)`` must be divided by the square root of two. Where `broad` is not zero the error of a
    surface field is the sum of two such parts, the mesoscale and a broad one.

    Attributes
    ----------
    length : float
        L [km], along the chord, which is the great circle for all purposes at these scales.
    time : float
        T [days].
    vertical : float
        Vertical scale at the surface [m]. At depth z it is ``vertical + z * widening``; ``ds`` is the number of scales
        between two depths, :meth:`stretch`.
    std : float
        Standard deviation of the background error at the surface, in the canonical unit.
    decay : float
        Depth [m] over which `std`, `representativeness` and `error` fall by a factor e.
    representativeness : float
        Standard deviation of what an observation sees and a 0.25 degree analysis cannot hold: added once to every
        super-observation, however many observations it is made of: twice the same observation changes little.
    error : float
        Standard deviation of the instrument's error where neither the observation nor `source_error` gives one.
    source_error : mapping of str to float
        The same for particular observing systems.
    broad : float
        Standard deviation of the broad part of the background error of a surface field; 0: there is none.
    broad_length, broad_time : float
        Scales of the broad part [km, days].
    """

    length: float
    time: float
    vertical: float
    std: float
    decay: float
    representativeness: float
    error: float
    source_error: Mapping[str, float] = field(default_factory=dict, hash=False)
    broad: float = 0.0
    broad_length: float = 1200.0
    broad_time: float = 30.0

    @property
    def mesoscale_part(self) -> Part:
        """The error that every variable has."""
        return Part(self.std, self.length, self.time)

    @property
    def broad_part(self) -> Part:
        """The error of the scale of basins."""
        return Part(self.broad, self.broad_length, self.broad_time)

    def stretch(self, depth: ArrayLike) -> NDArray[np.float64]:
        """Depth in vertical scales: the integral of dz / (vertical + z * widening).

        A distance in this coordinate makes a valid covariance although the scale varies with depth.
        """
        return np.log1p(np.asarray(depth, "f8") * (WIDENING / self.vertical)) / WIDENING

    def depth(self, stretched: ArrayLike) -> NDArray[np.float64]:
        """Inverse of `stretch` [m]."""
        return np.expm1(np.asarray(stretched, "f8") * WIDENING) * (self.vertical / WIDENING)

    def fade(self, depth: ArrayLike) -> NDArray[np.float64]:
        """Background error at a depth as a share of that at the surface."""
        return np.exp(-np.asarray(depth, "f8") / self.decay)

    def default_errors(self) -> NDArray[np.float64]:
        """Instrument error by position in `SOURCES`, (n_sources,)."""
        return np.array([self.source_error.get(source, self.error) for source in SOURCES])


WIDENING = 0.15
"""Growth of the vertical scale with depth [m per m]: 30 m in the mixed layer, 180 m at 1000 m."""

SEA_LEVEL = Scales(
    # Mesoscale 80 km, 9 cm: cross-validation on along-track altimetry (tests/benchmarks/real_ssh.py); mapping of
    # altimetry uses 80-400 km and 10-45 days (Pujol et al. 2016, doi:10.5194/os-12-1067-2016).
    length=80.0,
    time=10.0,
    vertical=30.0,
    std=0.09,
    decay=1000.0,
    # Noise of 1 Hz altimetry is 2-3 cm (Dibarboure et al. 2014, doi:10.1175/JTECH-D-13-00081.1).
    representativeness=0.015,
    error=0.03,
    # What a season, the tropical Pacific or an orbit leave over basins; removing it first takes 5 % off the error.
    broad=0.06,
    broad_length=1200.0,
    broad_time=30.0,
)
CURRENT = Scales(
    # The scales of geostrophic currents are shorter than those of sea level by a factor sqrt(2) or so; Lagrangian time
    # scales are 2-5 days (Lumpkin et al. 2002, J. Phys. Oceanogr. 32, 2425).
    length=60.0,
    time=3.0,
    vertical=50.0,
    std=0.20,
    decay=1000.0,
    # Inertial and tidal currents, which a daily analysis cannot hold.
    representativeness=0.10,
    error=0.02,
)

SCALES: Mapping[str, Scales] = {
    "thetao": Scales(
        # OISST takes about 150 km and 3 days for exp(-r^2 / L^2), which is 106 km here (Reynolds et al. 2007,
        # doi:10.1175/2007JCLI1824.1).
        length=100.0,
        time=5.0,
        vertical=30.0,
        std=0.7,
        decay=1000.0,
        # Internal waves and the diurnal cycle against a quarter degree and a day (Oke and Sakov 2008,
        # doi:10.1175/2007JTECHO558.1); satellite retrievals are good to 0.4 K (GHRSST single-sensor errors).
        representativeness=0.3,
        error=0.05,
        source_error={"sst": 0.4},
    ),
    "so": Scales(
        # In situ analyses take the mesoscale part at about the deformation radius to 300 km (Gaillard et al. 2016,
        # doi:10.1175/JCLI-D-15-0028.1); surface salinity decorrelates more slowly than temperature.
        length=120.0,
        time=10.0,
        vertical=30.0,
        std=0.2,
        decay=800.0,
        representativeness=0.05,
        error=0.02,
        # Satellite retrievals at the weekly to monthly averages most products offer are good to 0.2-0.5.
        source_error={"sss": 0.4},
    ),
    "uo": CURRENT,
    "vo": CURRENT,
    "zos": SEA_LEVEL,
    "sla": SEA_LEVEL,
    "siconc": Scales(
        # The footprint of passive microwaves is 10-50 km, the ice edge moves 10-20 km a day.
        length=50.0,
        time=2.0,
        vertical=30.0,
        std=0.15,
        decay=1000.0,
        representativeness=0.05,
        error=0.10,
    ),
}
"""The defaults by variable. Sea level was tuned on real passes; the rest are orders of magnitude from the literature.

======  ======  =======  ========  ========  ===========  ==========================  ==========================
name    L [km]  T [day]  vertical  std       decay [m]    representativeness          instrument
======  ======  =======  ========  ========  ===========  ==========================  ==========================
thetao  100     5        30 m      0.7 K     1000         0.3 K                       0.05 K; satellite 0.4 K
so      120     10       30 m      0.2       800          0.05                        0.02; satellite 0.4
uo, vo  60      3        50 m      0.2 m/s   1000         0.10 m/s                    0.02 m/s
zos     80      10       -         0.09 m    -            0.015 m                     0.03 m
sla     80      10       -         0.09 m    -            0.015 m                     0.03 m
siconc  50      2        -         0.15      -            0.05                        0.10
======  ======  =======  ========  ========  ===========  ==========================  ==========================

Sea level has a broad part beside: 0.06 m, 1200 km, 30 days.
"""


def scales_with(
    length: Override = None,
    time: Override = None,
    vertical: Override = None,
    std: Override = None,
    representativeness: Override = None,
    error: Override = None,
    broad: Override = None,
) -> dict[str, Scales]:
    """The table with a user's own numbers in it.

    Each argument replaces a column of :class:`Scales`: a number for every variable, or a mapping from variables (for
    `error` also from observing systems) to numbers.

    Examples
    --------
    >>> table = scales_with(length={"zos": 60.0}, error={"sst": 0.3})
    >>> table["zos"].length, table["sla"].length, table["thetao"].source_error["sst"]
    (60.0, 80.0, 0.3)
    """
    table = dict(SCALES)
    columns = {"length": length, "time": time, "vertical": vertical, "std": std}
    for column, override in {
        **columns,
        "representativeness": representativeness,
        "error": error,
        "broad": broad,
    }.items():
        for name, number in _by_name(column, override).items():
            table.update(_replaced(table, column, name, _checked(column, name, number)))
    return table


def _by_name(column: str, override: Override) -> Mapping[str, float]:
    """The numbers of one argument by name."""
    if override is None:
        return {}
    if not isinstance(override, Mapping):
        return dict.fromkeys(SCALES, override)
    known = {*SCALES, *(SOURCES if column == "error" else ())}
    if unknown := sorted(set(override) - known):
        raise ValueError(f"{column}: nothing is called {unknown}; it takes {sorted(known)}")
    return override


def _checked(column: str, name: str, number: float) -> float:
    """A finite number of the right sign."""
    least = "at least 0" if column in ("representativeness", "error", "broad") else "above 0"
    if not np.isfinite(number) or number < 0 or (number == 0 and least == "above 0"):
        raise ValueError(f"{column}={number!r} for {name}: it is a scale and must be finite and {least}")
    return float(number)


def _replaced(table: Mapping[str, Scales], column: str, name: str, number: float) -> dict[str, Scales]:
    """The rows that one number changes: a variable's, or every row's error for an observing system."""
    if name in SOURCES:
        return {v: replace(s, source_error={**s.source_error, name: number}) for v, s in table.items()}
    changes: dict[str, Any] = {column: number}
    if column == "error":
        changes["source_error"] = {}
    return {name: replace(table[name], **changes)}
