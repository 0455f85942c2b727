"""A regional truth: a jet with meanders and rings, its surface temperature and salinity, its currents and its wind.

A two-layer quasi-geostrophic flow (:mod:`adaf_xr.osse.quasigeostrophy`) makes the jet and its eddies; upon it live
temperature, salinity and a surface-trapped flow of their own (:mod:`adaf_xr.osse.upper_ocean`). Sea surface height is
their streamfunction; currents are geostrophic of it on the sphere plus what fronts, wind and waves add
(:mod:`adaf_xr.osse.surface_currents`). The defaults are the Gulf Stream east of Cape Hatteras.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from adaf_xr.kinematics import GRAVITY, RADIAN, RADIUS, ROTATION, coriolis
from adaf_xr.osse import labels, surface_currents, weather
from adaf_xr.osse.quasigeostrophy import TwoLayer
from adaf_xr.osse.request import refuse
from adaf_xr.osse.spectral import refine
from adaf_xr.osse.upper_ocean import CONTRACTION, EXPANSION, STRATIFICATION, Tracers, UpperOcean
from adaf_xr.osse.waves import Waves

DAY = 86400.0

NAMES = ("zos", "thetao", "so", "uo", "vo", "heave", "uas", "vas")
"""Variables of a snapshot that change with time."""

WARMEST = 240 / 365
"""When in the year the surface is warmest: the end of August."""


@dataclass(frozen=True)
class NatureRun:
    """A turbulent sea to sample, decided by its seed.

    Parameters
    ----------
    seed : int
        Decides everything random. One machine with one number of threads repeats a run bit for bit; others agree until
        chaos, weeks later, tells their rounding apart.
    start : datetime64
        Of the first snapshot, 00:00.
    days : int
        Number of daily snapshots.
    spacing : float
        Of the grid [degrees].
    shape : tuple of int
        Cells along latitude and longitude, multiples of four; products of small primes are fastest.
    latitude, longitude : float
        Centre of the region [degrees], north of the tropics.
    device : str
        Where torch computes.
    spin_up : int
        Days before the first snapshot, on a grid of half the resolution but for the last `refined` days.
    refined : int
        See `spin_up`.
    radius, depths : float, tuple of float
        First deformation radius [m] and depths of the layers [m].
    jet_speed, jet_width, jet_memory : float
        Shear of the jet between the layers [m s-1], its half-width [m], days in which its zonal mean is restored.
    drag_time : float
        Days of the bottom drag.
    viscous_time : float
        Hours in which the smallest scale decays.
    temperature, salinity : tuple of float
        At the centre; linear decrease per degree of latitude; drop across the jet; days of relaxation.
    season : float
        Amplitude [K] of the annual cycle of the surface temperature, warmest at the end of August.
    trapped_stratification : float
        Buoyancy frequency N [s-1] that sets the surface-trapped flow.
    mixed_layer, mixed_stratification : float
        Depth [m] and N [s-1] of the mixed layer in which fronts have their circulation.
    wave_speed : float
        Root-mean-square divergent current of waves, each component [m s-1].

    Examples
    --------
    >>> run = NatureRun(days=2, shape=(16, 16), spacing=0.4, spin_up=2, refined=1)
    >>> ds = run.run()
    >>> ds.zos.dims, ds.zos.shape, sorted(ds.data_vars)[:4]
    (('time', 'latitude', 'longitude'), (2, 16, 16), ['heave', 'so', 'so_mean', 'thetao'])
    """

    seed: int = 0
    start: np.datetime64 = np.datetime64("2012-10-01")  # noqa: RUF009 - immutable
    days: int = 400
    spacing: float = 0.1
    shape: tuple[int, int] = (256, 256)
    latitude: float = 38.0
    longitude: float = -60.0
    device: str = "cpu"
    spin_up: int = 400
    refined: int = 20
    radius: float = 33e3
    depths: tuple[float, float] = (700.0, 3800.0)
    jet_speed: float = 1.0
    jet_width: float = 45e3
    jet_memory: float = 20.0
    drag_time: float = 60.0
    viscous_time: float = 18.0
    temperature: tuple[float, float, float, float] = (18.5, 0.35, 8.0, 75.0)
    salinity: tuple[float, float, float, float] = (35.8, 0.03, 0.5, 120.0)
    season: float = 3.5
    trapped_stratification: float = STRATIFICATION
    mixed_layer: float = 100.0
    mixed_stratification: float = 2e-3
    wave_speed: float = 0.015

    def __post_init__(self) -> None:
        refuse(self.seed, self.start, self.days, self.spin_up)
        if len(self.shape) != 2 or any(n % 4 or n < 8 for n in self.shape):
            raise ValueError(
                f"a grid of {self.shape} cells cannot be spun up on half of it: give two multiples of four, from 8 on"
            )
        if not self.spacing > 0.0:
            raise ValueError(f"a grid of {self.spacing:g} degrees between cells is none: give a positive number")
        latitude, longitude = self.axes()
        if latitude[0] < 10.0 or latitude[-1] > 80.0:
            raise ValueError(
                f"the region reaches from {latitude[0]:g} to {latitude[-1]:g} degrees north, where one plane is no "
                "picture of the sphere: keep within 10 and 80 (osse.global_run for the globe)"
            )
        if longitude[0] < -180.0 or longitude[-1] >= 180.0:
            raise ValueError("the region crosses the date line, where longitude jumps: choose another centre")
        if not 0 <= self.refined <= self.spin_up:
            raise ValueError(
                f"refined={self.refined} days of the {self.spin_up} of the spin-up: give no more than those"
            )

    def axes(self) -> tuple[np.ndarray, np.ndarray]:
        """Latitudes and longitudes of the cells [degrees]."""
        n_lat, n_lon = self.shape
        latitude = self.latitude + (np.arange(n_lat) - (n_lat - 1) / 2) * self.spacing
        longitude = self.longitude + (np.arange(n_lon) - (n_lon - 1) / 2) * self.spacing
        return latitude.round(9), longitude.round(9)

    @property
    def f0(self) -> float:
        """Coriolis parameter at the centre [s-1]."""
        return 2.0 * ROTATION * math.sin(self.latitude * RADIAN)

    @property
    def reduced_gravity(self) -> float:
        """Of the interface between the layers [m s-2]."""
        upper, lower = self.depths
        return (self.f0 * self.radius) ** 2 * (upper + lower) / (upper * lower)

    def snapshots(self) -> Iterator[xr.Dataset]:
        """One dataset a day, in order, in bounded memory."""
        sea = self._sea(self.shape)
        state = self._spun_up(sea)
        waves = Waves(sea.flow.plane, self.wave_speed, self.seed)
        fixed = self._fixed()
        for day in range(self.days):
            time = self.start.astype("datetime64[ns]") + np.timedelta64(day, "D")
            yield self._snapshot(sea, state, waves, time, fixed)
            if day + 1 < self.days:
                state = sea.advance(state, DAY)
                waves.pass_day()

    def run(self) -> xr.Dataset:
        """The whole run in memory: 8 fields of 4 bytes a cell and day, twice while they are joined."""
        return labels.joined(self.snapshots())

    def _sea(self, shape: tuple[int, int]) -> UpperOcean:
        """The model on a grid of the region."""
        dlat = RADIUS * RADIAN * self.spacing * self.shape[0] / shape[0]
        dlon = RADIUS * RADIAN * self.spacing * self.shape[1] / shape[1] * math.cos(self.latitude * RADIAN)
        step = self._front(shape[0], dlat)
        rate = 1.0 / (self.viscous_time * 3600.0)
        flow = TwoLayer(
            shape,
            (dlat, dlon),
            f0=self.f0,
            beta=2.0 * ROTATION * math.cos(self.latitude * RADIAN) / RADIUS,
            radius=self.radius,
            depths=self.depths,
            drag=1.0 / (self.drag_time * DAY),
            hyperviscosity=rate,
            jet=2.0 * self.jet_width * self.jet_speed * step,
            relaxation=1.0 / (self.jet_memory * DAY),
            device=self.device,
        )
        metres = RADIUS * RADIAN
        drops = torch.tensor([[self.temperature[2]], [self.salinity[2]]], dtype=torch.float64)
        # A drop at the jet, recovered elsewhere in the periodic part, is made up for in the linear one.
        width = dlat * shape[0]
        linear = [-(held[1] / metres + held[2] / width) for held in (self.temperature, self.salinity)]
        tracers = Tracers(
            gradient=(linear[0], linear[1]),
            profile=drops * step,
            relaxation=(1.0 / (self.temperature[3] * DAY), 1.0 / (self.salinity[3] * DAY)),
            diffusivity=rate,
            stratification=self.trapped_stratification,
        )
        return UpperOcean(flow, self.f0, self.radius, tracers)

    def _front(self, rows: int, dlat: float) -> Tensor:
        """Periodic profile that drops by one across the jet and recovers elsewhere, without mean, (rows,)."""
        distance = (torch.arange(rows, dtype=torch.float64) - (rows - 1) / 2) * dlat
        drop = -0.5 * torch.tanh(distance / self.jet_width)
        profile = drop + distance / (rows * dlat)
        return profile - profile.mean()

    def _spun_up(self, sea: UpperOcean) -> Tensor:
        """State of the first snapshot."""
        coarse = self._sea((self.shape[0] // 2, self.shape[1] // 2))
        state = coarse.begin(coarse.flow.noise(self.seed, 1, 0.1, wavelength=4e5))
        for _ in range(self.spin_up - self.refined):
            state = coarse.advance(state, DAY)
        state = refine(state, self.shape)
        for _ in range(self.refined):
            state = sea.advance(state, DAY)
        return state

    def _snapshot(
        self, sea: UpperOcean, state: Tensor, waves: Waves, time: np.datetime64, fixed: xr.Dataset
    ) -> xr.Dataset:
        """Everything a day knows."""
        latitude, longitude = self.axes()
        surface = sea.surface(state)
        layers = sea.flow.streamfunction(state[:, :2])
        thickness, psi, warmth, salt = sea.flow.plane.to_grid(
            torch.cat([layers[:, :1] - layers[:, 1:], surface[:, None], state[:, 2:]], dim=1)
        )[0]
        zos, u, v = surface_currents.geostrophic(psi, latitude, self.spacing)
        wind = weather.wind(self.seed, time, latitude, longitude)
        extra_u, extra_v = self._ageostrophy(sea, state, surface, wind, waves)
        distance = torch.as_tensor((latitude - self.latitude) * RADIAN * RADIUS, device=self.device)[:, None]
        gradient = sea.tracers.gradient
        values = (
            zos,
            warmth + self.temperature[0] + gradient[0] * distance + self._season(time),
            salt + self.salinity[0] + gradient[1] * distance,
            u + extra_u,
            v + extra_v,
            self.f0 / self.reduced_gravity * thickness,
        )
        arrays = [value.cpu().numpy() for value in values]
        return labels.snapshot(fixed, time, dict(zip(NAMES, [*arrays, *wind], strict=True)))

    def _season(self, time: np.datetime64) -> float:
        """How much warmer than in the mean the surface is at that time of the year [K]."""
        year = float((time - time.astype("datetime64[Y]")) / np.timedelta64(365, "D"))
        return self.season * math.cos(2 * math.pi * (year - WARMEST))

    def _ageostrophy(
        self,
        sea: UpperOcean,
        state: Tensor,
        surface: Tensor,
        wind: tuple[np.ndarray, np.ndarray],
        waves: Waves,
    ) -> tuple[Tensor, Tensor]:
        """Currents of fronts, wind and waves."""
        plane = sea.flow.plane
        f = torch.as_tensor(coriolis(self.axes()[0]), dtype=plane.dtype, device=self.device)[:, None]
        buoyancy = GRAVITY * (EXPANSION * state[:, 2] - CONTRACTION * state[:, 3])
        east, north = surface_currents.of_potential(plane, buoyancy)
        linear = sea.tracers.gradient
        north = north + GRAVITY * (EXPANSION * linear[0] - CONTRACTION * linear[1])
        uas, vas = (torch.as_tensor(part, dtype=plane.dtype, device=self.device) for part in wind)
        mixing = surface_currents.viscosity(torch.hypot(uas, vas), self.mixed_layer)
        potential = surface_currents.frontogenetic(
            plane, surface, (east, north), self.f0, self.mixed_layer, self.mixed_stratification
        )
        parts = (
            surface_currents.turbulent_thermal_wind(east[0], north[0], mixing, f),
            tuple(part[0] for part in surface_currents.of_potential(plane, potential)),
            surface_currents.ekman(uas, vas, mixing, f),
            waves.current(),
        )
        return torch.stack([part[0] for part in parts]).sum(0), torch.stack([part[1] for part in parts]).sum(0)

    def _fixed(self) -> xr.Dataset:
        """What does not change: the mean profile at the surface, and what the run is."""
        latitude, longitude = self.axes()
        offset = (latitude - self.latitude)[:, None] + np.zeros(self.shape)
        degrees = self.shape[0] * self.spacing
        means = {
            "thetao": self.temperature[0] - (self.temperature[1] + self.temperature[2] / degrees) * offset,
            "so": self.salinity[0] - (self.salinity[1] + self.salinity[2] / degrees) * offset,
        }
        return labels.still(
            latitude,
            longitude,
            means,
            {
                "title": "Simulated jet and its eddies",
                "source": f"adaf_xr {type(self).__name__}: two-layer quasi-geostrophic flow with surface fronts",
                "seed": self.seed,
                "reduced_gravity": self.reduced_gravity,
                "thermocline_depth": self.depths[0],
            },
        )
