"""Eddies and weather draped on a mean state: the surface of the global ocean on one day.

Heights of eddies are scaled to their local amplitude; temperature and salinity are the mean's, of water that the eddies
have displaced by a mixing length, and add to the height at small scales, as surface quasi-geostrophy has it; currents
are geostrophic of the height plus what wind and fronts add; ice lies where water is at its freezing point. All is
computed on a globe without land and masked last, so that a coast makes no currents; eddies end towards it, so that none
blows through it.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from adaf_xr.kinematics import GRAVITY, coriolis, gradient
from adaf_xr.ocean_mask import sea
from adaf_xr.osse import currents, surface_currents, weather
from adaf_xr.osse.globe import gaussian, interpolated
from adaf_xr.osse.mean_state import mean_state
from adaf_xr.osse.upper_ocean import CONTRACTION, EXPANSION, STRATIFICATION

COAST = 0.6
"""Distance [degrees] of the coast, or 1.2 cells, within which eddies end."""

MIXING_LENGTH = 120e3
"""Displacement [m] of the surface water by the wildest eddies (Klocker and Abernathey 2014, JPO 44, 1030: some 10 to
150 km)."""

HALF_MIXED = 0.05
"""Amplitude of eddies [m] at which the displacement is half of that."""

IMPRINT = 3.0
"""Warming of the surface per height of an eddy [K m-1]: a deep thermocline cools the mixed layer less (Hausmann and
Czaja 2012, Deep-Sea Res. I 70, 60: 2 to 6)."""

AIR_TEMPERATURE, AIR_SALINITY = 0.2, 0.05
"""Standard deviation of what the air does to the surface [K, 1e-3]."""

AIR_PATCH, AIR_LIFE = 250.0, 12.0
"""Scale [km] and life [days] of that."""

FREEZING = -0.0545
"""Freezing point [degC] over practical salinity."""

ICE_ONSET, ICE_CLOSED = 0.8, 0.1
"""Degrees above freezing at which ice begins, and at which it covers all."""

BOUNDARY_LAYER = 60.0
"""Depth [m] to which the wind mixes."""

FRONTAL_LATITUDE = 5.0
"""Equatorward of this [degrees] the currents of wind and fronts see its Coriolis parameter."""


class Drape:
    """The mean ocean of a grid, and what eddies and weather make of it.

    Parameters
    ----------
    latitude, longitude : array (n_lat,), (n_lon,)
        Global cell-centred axes [degrees], ascending.
    mean : {"observed", "analytic"}
        The mean state.
    seed : int
        Decides the weather.
    reduced_gravity : float
        Of the thermocline [m s-2].
    """

    def __init__(self, latitude: NDArray, longitude: NDArray, *, mean: str, seed: int, reduced_gravity: float) -> None:
        self.latitude, self.longitude, self.seed = latitude, longitude, seed
        self.reduced_gravity = reduced_gravity
        self.spacing = float(longitude[1] - longitude[0])
        self.wet = sea(latitude, longitude)
        ocean = mean_state(mean, latitude, longitude)
        self.height = ocean.zos
        self.mean = {"thetao": np.maximum(ocean.thetao, FREEZING * ocean.so), "so": ocean.so}
        self.amplitude = (ocean.eddies * self._offshore()).astype("f4")
        reach = MIXING_LENGTH * ocean.eddies / (ocean.eddies + HALF_MIXED)
        self.per_displacement = {
            name: (-reach * self._gradient(field)[1]).astype("f4") for name, field in self.mean.items()
        }

        buoyancy = EXPANSION * self.per_displacement["thetao"] - CONTRACTION * self.per_displacement["so"]
        rotation = np.abs(coriolis(latitude))[:, None] / STRATIFICATION
        self.per_trapped = (rotation * buoyancy * self._offshore()).astype("f4")

    def _offshore(self) -> NDArray[np.float64]:
        """0 on land, 1 away from it."""
        near = gaussian(self.wet.astype("f8"), max(COAST, 1.2 * self.spacing))
        return np.clip(2.0 * near - 1.0, 0.0, 1.0)

    def _gradient(self, field: NDArray) -> tuple[NDArray, NDArray]:
        return gradient(field, self.latitude, self.spacing, self.spacing, periodic=True)

    def day(
        self, time: np.datetime64, surface: NDArray, deep: NDArray, displaced: NDArray, trapped: NDArray
    ) -> dict[str, NDArray[np.float32]]:
        """Every variable of a day.

        Parameters
        ----------
        time : datetime64
            Of the weather.
        surface, deep, displaced, trapped : array (n_lat, n_lon)
            Eddies as :meth:`adaf_xr.osse.bands.Bands.fields` gives them.

        Returns
        -------
        dict of float32 array (n_lat, n_lon)
            NaN on land, but for the wind.
        """
        eddies = self.amplitude * surface
        zos = self.height + eddies + self.per_trapped * trapped
        water = self._water(time, eddies, displaced)
        wind = weather.wind(self.seed, time, self.latitude, self.longitude)
        u, v = currents.geostrophic(zos, self.latitude, self.longitude)
        extra_u, extra_v = self._ageostrophic(water, wind)
        ocean = {
            "zos": zos,
            **water,
            "uo": u + extra_u,
            "vo": v + extra_v,
            "heave": GRAVITY / self.reduced_gravity * (eddies - self.amplitude * deep),
            "siconc": ice(water["thetao"], water["so"]),
        }
        masked = {name: np.where(self.wet, field, np.nan).astype("f4") for name, field in ocean.items()}
        return {**masked, "uas": wind[0], "vas": wind[1]}

    def _water(self, time: np.datetime64, eddies: NDArray, displaced: NDArray) -> dict[str, NDArray]:
        """Temperature, not below freezing, and salinity."""
        heat, rain = (
            interpolated(weather.patches(seed, time, AIR_PATCH, AIR_LIFE), self.latitude, self.longitude)
            for seed in np.random.SeedSequence(self.seed).generate_state(2).tolist()
        )
        so = self.mean["so"] + self.per_displacement["so"] * displaced + AIR_SALINITY * rain
        thetao = self.mean["thetao"] + self.per_displacement["thetao"] * displaced
        thetao += IMPRINT * eddies + AIR_TEMPERATURE * heat
        so = np.maximum(so, 0.0)
        return {"thetao": np.maximum(thetao, FREEZING * so), "so": so}

    def _ageostrophic(self, water: dict[str, NDArray], wind: tuple[NDArray, NDArray]) -> tuple[NDArray, NDArray]:
        """Drift of the wind and flow across fronts, turned the other way in the south.

        The formulae are those of the northern hemisphere; the southern is its mirror image. Between the two the turn
        passes through zero: at the equator zonal forces drive a zonal flow, and meridional ones none.
        """
        least = coriolis(np.array(FRONTAL_LATITUDE))
        f = torch.as_tensor(np.maximum(np.abs(coriolis(self.latitude)), least))[:, None].float()
        turn = torch.as_tensor(np.tanh(self.latitude / currents.EQUATORIAL))[:, None].float()
        east, north = self._gradient(GRAVITY * (EXPANSION * water["thetao"] - CONTRACTION * water["so"]))
        slope = torch.as_tensor(east).float(), turn * torch.as_tensor(north).float()
        air = torch.as_tensor(wind[0]), turn * torch.as_tensor(wind[1])
        mixing = surface_currents.viscosity(torch.hypot(*air), BOUNDARY_LAYER)
        drift = surface_currents.ekman(*air, mixing, f)
        across = surface_currents.turbulent_thermal_wind(*slope, mixing, f)
        return (drift[0] + across[0]).numpy(), (turn * (drift[1] + across[1])).numpy()


def ice(temperature: NDArray, salinity: NDArray) -> NDArray:
    """Share of the sea that ice covers, from how far the water is above freezing.

    Examples
    --------
    >>> ice(np.array([-1.9, -1.5, 0.0]), np.array([34.0, 34.0, 34.0])).round(2).tolist()
    [1.0, 0.7, 0.0]
    """
    closed = (ICE_ONSET - (temperature - FREEZING * salinity)) / (ICE_ONSET - ICE_CLOSED)
    share = np.clip(closed, 0.0, 1.0)
    return share**2 * (3.0 - 2.0 * share)
