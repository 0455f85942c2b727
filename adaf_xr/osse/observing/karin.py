"""The wide-swath altimeter: two strips of sea level, 10 to 60 km to either side of the track."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adaf_xr.osse.observing.domain import Domain
from adaf_xr.osse.observing.instrument import Instrument
from adaf_xr.osse.observing.layout import INSTANT, LATITUDE, LONGITUDE, TIME, Arrays, Column, Layout
from adaf_xr.osse.observing.noise import white
from adaf_xr.osse.observing.sea_level import long_waves, sea_level, sea_level_columns
from adaf_xr.osse.observing.swaths import swath_lines
from adaf_xr.osse.orbits import Orbit

INNER, OUTER = 10.0, 60.0
"""Edges of a strip [km from the track]."""

NOISE = 0.0274
"""White noise [m] of a 1 km footprint over waves of 2 m, root mean square across the swath (Chelton et al. 2019)."""


@dataclass(frozen=True)
class WideSwath(Instrument):
    """KaRIn of SWOT, laid out like its level 3: (num_lines, num_pixels), a time a line.

    Attributes
    ----------
    orbit : Orbit
        Of the satellite.
    posting : float
        Size of a pixel [km], along and across; the noise falls with it, as that of independent footprints.
    wave_height : float
        Significant wave height [m].
    error : float
        Factor on the white noise of :func:`height_noise`.
    roll_error, phase_error : float
        Root mean square [m] at the outer edge of errors linear across the whole swath, and across each strip by itself,
        left after calibration at cross-overs: 1 to 2 cm together (Dibarboure et al. 2022, Remote Sens. 14, 6070).
    """

    orbit: Orbit
    posting: float = 2.0
    wave_height: float = 2.0
    error: float = 1.0
    roll_error: float = 0.01
    phase_error: float = 0.005

    @property
    def across(self) -> NDArray[np.float64]:
        """Distance of pixels from the track [km], left side negative as in the product, (n_pixels,)."""
        count = int((OUTER - INNER) / self.posting + 1e-9)
        if count < 1:
            raise ValueError(f"posting={self.posting} km is more than the width of a strip, {OUTER - INNER:g} km")
        strip = INNER + (np.arange(count) + 0.5) * self.posting
        return np.concatenate([-strip[::-1], strip])

    @property
    def interval(self) -> float:
        """Seconds from line to line."""
        return self.posting / self.orbit.speed

    def layout(self, domain: Domain) -> Layout:
        """As the level 3 of the low-rate mode."""
        domain.require(self.name, "zos")
        pixel = ("num_lines", "num_pixels")
        distance = {
            "long_name": "cross track distance",
            "units": "km",
            "comment": "Distance of the pixel from the track, negative on the left of it.",
        }
        return Layout(
            title=f"wide-swath sea level, {self.name}, pixels of {self.posting:g} km, waves of {self.wave_height:g} m",
            time="time",
            coordinates={
                "time": Column(pixel[:1], INSTANT, TIME),
                "cross_track_distance": Column(pixel[1:], "f4", distance),
            },
            variables={
                "latitude": Column(pixel, "f8", LATITUDE),
                "longitude": Column(pixel, "f8", LONGITUDE),
                **sea_level_columns(domain, pixel, "ssha_unfiltered"),
            },
            fixed={"cross_track_distance": self.across},
            inner={"num_pixels": self.across.size},
            located=("latitude", "longitude"),
        )

    def rows(self, day: int, seed: int, domain: Domain) -> Arrays:
        """Lines that touch the domain."""
        number, seconds = swath_lines(self.orbit, day, self.interval, self.across, domain)
        return {"number": number, "seconds": seconds}

    def read(self, day: int, seed: int, domain: Domain, noise: bool) -> Arrays:
        """Truth, noise of the pixels, and what calibration leaves of roll and phase."""
        lines = self.rows(day, seed, domain)
        latitude, longitude = self.orbit.swath(day + lines["seconds"] / 86400.0, self.across)
        at = (latitude, longitude, day, lines["seconds"][:, None])
        read = sea_level(domain, at, self._errors(lines, day, seed), noise, "ssha_unfiltered")
        return {"latitude": latitude, "longitude": longitude, **read}

    def _errors(self, lines: Arrays, day: int, seed: int) -> NDArray[np.float64]:
        """Errors (n_lines, n_pixels)."""
        across = self.across
        pixel = lines["number"][:, None] * across.size + np.arange(across.size)
        deviation = self.error * height_noise(across, self.wave_height) / self.posting
        error = deviation * white(self.key(seed, "noise"), pixel)
        for purpose, size, lever in (
            ("roll", self.roll_error, across / OUTER),
            ("left phase", self.phase_error, np.minimum(across, 0.0) / OUTER),
            ("right phase", self.phase_error, np.maximum(across, 0.0) / OUTER),
        ):
            tilt = long_waves(self.key(seed, purpose), day, lines["seconds"], self.orbit)
            error += size * tilt[:, None] * lever
        return error


def height_noise(across: ArrayLike, wave_height: float = 2.0) -> NDArray[np.float64]:
    """White noise [m] of footprints of 1 km at distances [km] from the track.

    Least in the middle of a strip, where the antenna looks, and 1.6 times that at its edges; its mean square over the
    strip is that of the error budget, 2.74 cm over waves of 2 m (Chelton et al. 2019, Prog. Oceanogr. 173, 256). It
    grows with the waves, which broaden the echo: here to twice as much at 8 m. The shape is a parabola that stands for
    the curves of the error budget (Esteban-Fernandez 2017, JPL D-79084), not one of them.

    Examples
    --------
    >>> height_noise([10.0, 35.0, 60.0]).round(4).tolist(), height_noise(60.0, 8.0).round(4).tolist()
    ([0.0361, 0.0226, 0.0361], 0.0723)
    """
    middle, half = 0.5 * (INNER + OUTER), 0.5 * (OUTER - INNER)
    shape = 1.0 + 0.6 * ((np.abs(np.asarray(across, dtype="f8")) - middle) / half) ** 2
    mean_square = 1.0 + 2.0 * 0.6 / 3.0 + 0.6**2 / 5.0
    waves = np.sqrt((1.0 + (wave_height / 4.0) ** 2) / (1.0 + (2.0 / 4.0) ** 2))
    return NOISE * waves * shape / np.sqrt(mean_square)
