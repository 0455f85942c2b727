"""The ocean of the embedded sample: an eddying North Atlantic, and a background that is wrong about it.

Random Gaussian eddies with a mesoscale spectrum drift west as Rossby waves over a large-scale mean with a western
boundary front; the eddies carry heat and salt, and the currents are in geostrophic balance with the sea level. It looks
like an ocean to an instrument and to a model; it is no forecast of one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from adaf_xr import kinematics, ocean_mask
from adaf_xr.grids import locate_depth, locate_latitude, locate_longitude, sample
from adaf_xr.instants import DAY
from adaf_xr.lattice import Region
from adaf_xr.sphere import RADIUS

START = np.datetime64("2020-01-01", "ns")
DAYS = 5
"""The sample covers [START, START + DAYS days)."""

SPACING, COARSENING = 0.25, 4
LATITUDE = np.arange(10.0 + SPACING / 2, 60.0, SPACING)
LONGITUDE = np.arange(-80.0 + SPACING / 2, 0.0, SPACING)
DEPTH = np.array([0.5, 100.0, 500.0])

ROSSBY_RADIUS = 40e3  # m
MEMORY = 20.0 * 86400.0  # s, of an eddy of the dominant wavelength; smaller ones forget faster
FREEZING = -1.8  # degC

SHARED = 0.75
"""Share of the truth's anomalies that the background knows; the rest of its anomalies is an ocean of its own."""
LAG = -6.0
"""Age [days] of what the background knows."""

EDDY_HEAT = np.array([6.0, 12.0, 8.0])[:, None, None]  # degC per m of sea level, by depth
EDDY_SALT = np.array([0.6, 1.2, 1.0])[:, None, None]  # 1e-3 per m
FADING = np.array([1.0, 0.3, 0.0])[:, None, None]  # of surface anomalies with depth


@dataclass(frozen=True)
class SampleOcean:
    """The ocean of a seed, for instruments to look at: bilinear in space, linear between midnights and depths.

    Attributes
    ----------
    seed : int
        Another seed, another ocean.

    Examples
    --------
    >>> SampleOcean(1).at("zos", np.array([35.0, 45.0]), np.array([-60.0, -100.0]), START + 0.5 * DAY).round(2).tolist()
    [0.34, nan]
    """

    seed: int

    names: ClassVar[frozenset[str]] = frozenset({"zos", "mdt", "thetao", "so", "uo", "vo", "siconc", "uas", "vas"})
    extent: ClassVar[Region] = (-80.0, 0.0, 10.0, 60.0)
    period: ClassVar[tuple[np.datetime64, np.datetime64]] = (START, START + DAYS * DAY)

    def wet(self, latitude: NDArray, longitude: NDArray) -> NDArray[np.bool_]:
        """Whether there is water at points (...), within the extent."""
        j, i = locate_latitude(LATITUDE, latitude), locate_longitude(LONGITUDE, longitude)
        inside = j.inside & i.inside
        inside[inside] = ocean_mask.sea_at(latitude[inside], longitude[inside])
        return inside

    def at(
        self, name: str, latitude: NDArray, longitude: NDArray, time: NDArray, depth: NDArray | None = None
    ) -> NDArray[np.float64]:
        """Truth (n,) at points and times (n,); missing on land, outside, and below the deepest level."""
        where = (LATITUDE, LONGITUDE, latitude, longitude)
        if name in ("uas", "vas"):
            return wind(latitude, longitude, self.seed)[name == "vas"]
        if name == "mdt":
            return sample(mean_topography(), *where)
        days = np.broadcast_to((time - START) / DAY, latitude.shape)
        value = np.full(latitude.shape, np.nan)
        for day in np.unique(np.floor(days)).astype(int):
            now = np.floor(days) == day
            weight = days[now] - day
            before, after = (
                sample(truth(d, self.seed)[name], *where[:2], latitude[now], longitude[now]) for d in (day, day + 1)
            )
            mixed = (1.0 - weight) * before + weight * after
            value[now] = _at_depth(mixed, None if depth is None else depth[now]) if mixed.ndim > 1 else mixed
        return value


@lru_cache(maxsize=64)
def truth(day: int, seed: int) -> dict[str, NDArray[np.float64]]:
    """Fields at 00:00 of a day since START, missing on land, ([n_depth,] n_lat, n_lon).

    Callers share the arrays and must not write to them.
    """
    at_sea = np.where(ocean_mask.sea(LATITUDE, LONGITUDE), 0.0, np.nan)
    return {name: field + at_sea for name, field in _assemble(_anomalies(day, seed)).items()}


@lru_cache(maxsize=64)
def background(day: int, seed: int) -> dict[str, NDArray[np.float64]]:
    """The same at 1 degree, from anomalies that are old and only partly right: a cell is the mean of its sea cells."""
    old, own = _anomalies(day + LAG, seed), _anomalies(day, seed + 1)
    mixed = {name: SHARED * old[name] + np.sqrt(1.0 - SHARED**2) * own[name] for name in old}
    at_sea = np.where(ocean_mask.sea(LATITUDE, LONGITUDE), 0.0, np.nan)
    return {name: _block_mean(field + at_sea) for name, field in _assemble(mixed).items()}


@lru_cache(maxsize=1)
def mean_topography() -> NDArray[np.float64]:
    """Sea level [m] without eddies, (n_lat, n_lon), on land too."""
    _, _, front = _mean_surface()
    return 0.3 * front + 0.15 * np.cos(np.radians(3.0 * (LATITUDE[:, None] - 28.0)))


def wind(latitude: NDArray, longitude: NDArray, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Eastward and northward wind (n,) [m s-1]: trades, westerlies and weather that stands still."""
    zonal = -6.0 * np.cos(np.radians(6.0 * (latitude - 15.0)))
    east, north = (
        5.0 * sample(noise_field(seed + number, 2500e3), LATITUDE, LONGITUDE, latitude, longitude)
        for number in (5000, 6000)
    )
    return zonal + east, north


def _at_depth(levels: NDArray, depth: NDArray | None) -> NDArray[np.float64]:
    """Values (n_levels, n) at depths (n,), or at the first level: linear in depth, missing below the last level."""
    if depth is None:
        return levels[0]
    axis = locate_depth(DEPTH, depth)
    column = np.arange(levels.shape[1])
    value = (1.0 - axis.weight) * levels[axis.lower, column] + axis.weight * levels[axis.upper, column]
    return np.where(axis.inside, value, np.nan)


def noise_field(seed: int, wavelength: float, days: float = 0.0) -> NDArray[np.float64]:
    """A smooth random field (n_lat, n_lon), mean 0, deviation 1, of a dominant wavelength [m]."""
    amplitude, frequency, scale = _spectrum(seed, wavelength)
    return scale * np.fft.irfft2(amplitude * np.exp(1j * frequency * days * 86400.0), s=(LATITUDE.size, LONGITUDE.size))


@lru_cache(maxsize=16)
def _spectrum(seed: int, wavelength: float) -> tuple[NDArray[np.complex128], NDArray[np.float64], float]:
    """Amplitudes, angular frequencies [s-1] of the modes, and the factor that makes the deviation 1 on day 0."""
    shape = (LATITUDE.size, LONGITUDE.size)
    dy = np.radians(SPACING) * RADIUS * 1e3
    dx = dy * np.cos(np.radians(LATITUDE.mean()))
    ky = 2.0 * np.pi * np.fft.fftfreq(shape[0], dy)[:, None]
    kx = 2.0 * np.pi * np.fft.rfftfreq(shape[1], dx)[None, :]
    k = np.hypot(kx, ky)
    relative = k * wavelength / (2.0 * np.pi)
    # Power k^3 at large scales, k^-5 at small ones: the mesoscale peak of altimetry between two power laws.
    power = relative**3 / (1.0 + relative**8)
    rng = np.random.default_rng([seed, round(wavelength)])
    white = rng.standard_normal((*k.shape, 2)) @ np.array([1.0, 1j])
    amplitude = white * np.sqrt(power)
    beta = 2.0 * kinematics.ROTATION * np.cos(np.radians(LATITUDE.mean())) / (RADIUS * 1e3)
    westward = beta * kx / (k**2 + ROSSBY_RADIUS**-2)
    forgetting = rng.standard_normal(k.shape) * relative / MEMORY
    return amplitude, westward + forgetting, 1.0 / float(np.fft.irfft2(amplitude, s=shape).std())


def _anomalies(days: float, seed: int) -> dict[str, NDArray[np.float64]]:
    """Random parts of the ocean at a time: sea level [m], surface temperature [degC] and salinity [1e-3]."""
    return {
        "zos": (0.05 + 0.15 * _storminess()) * noise_field(seed, 350e3, days),
        "thetao": 0.5 * noise_field(seed + 1000, 900e3, days),
        "so": 0.15 * noise_field(seed + 2000, 900e3, days),
    }


def _assemble(anomaly: dict[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """All variables from the mean ocean and anomalies, land included."""
    warmth, saltness, _ = _mean_surface()
    zos = mean_topography() + anomaly["zos"]
    thetao = _with_depth(warmth, 9.0) + EDDY_HEAT * anomaly["zos"] + FADING * anomaly["thetao"]
    so = _with_depth(saltness, 35.1) + EDDY_SALT * anomaly["zos"] + FADING * anomaly["so"]
    uo, vo = kinematics.geostrophic(zos, LATITUDE, SPACING, SPACING)
    return {
        "zos": zos,
        "thetao": np.maximum(thetao, FREEZING),
        "so": so,
        "uo": uo,
        "vo": vo,
        "siconc": np.clip(-0.8 - thetao[0], 0.0, 1.0),
    }


@lru_cache(maxsize=1)
def _mean_surface() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Large-scale surface temperature [degC] and salinity [1e-3], and the front: 1 south of it, -1 north of it."""
    lat, lon = LATITUDE[:, None], LONGITUDE[None, :]
    front = np.tanh((_front_latitude() - lat) / 1.5) * np.exp(-(((lon + 75.0) / 35.0) ** 2))
    labrador = np.exp(-(((lat - 60.0) / 6.0) ** 2) - ((lon + 60.0) / 8.0) ** 2)
    warmth = 27.5 - 0.2 * (lat - 10.0) - 0.003 * (lat - 10.0) ** 2 + 4.0 * front - 9.0 * labrador
    saltness = 35.0 + 1.8 * np.exp(-(((lat - 26.0) / 13.0) ** 2)) + 0.6 * front - 1.8 * labrador
    return warmth, saltness, front


def _front_latitude() -> NDArray[np.float64]:
    """Where the western boundary current runs, by longitude."""
    return 45.0 - 10.0 * np.exp(-(LONGITUDE[None, :] + 80.0) / 20.0)


def _storminess() -> NDArray[np.float64]:
    """Share of the strongest eddy amplitude: 1 along the front in the west."""
    offset = (LATITUDE[:, None] - _front_latitude()) / 5.0
    return np.exp(-(offset**2)) * np.exp(-(((LONGITUDE[None, :] + 60.0) / 25.0) ** 2))


def _with_depth(surface: NDArray, deep: float) -> NDArray[np.float64]:
    """A mean profile that relaxes to a deep value, (n_depth, n_lat, n_lon)."""
    return deep + np.exp(-DEPTH / 600.0)[:, None, None] * (surface - deep)


def _block_mean(field: NDArray) -> NDArray[np.float64]:
    """Mean of the present cells of each coarse cell; NaN where there is none."""
    n_lat, n_lon = field.shape[-2] // COARSENING, field.shape[-1] // COARSENING
    blocks = field.reshape(*field.shape[:-2], n_lat, COARSENING, n_lon, COARSENING)
    present = np.isfinite(blocks)
    count = present.sum(axis=(-3, -1))
    total = np.where(present, blocks, 0.0).sum(axis=(-3, -1))
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
