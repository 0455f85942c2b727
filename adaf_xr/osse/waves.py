"""What a daily mean leaves of inertia-gravity waves: a current that no height or temperature of the surface tells."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from adaf_xr.osse.red_noise import RedNoise
from adaf_xr.osse.spectral import Plane
from adaf_xr.osse.surface_currents import of_potential

TURNING = 0.6
"""Vorticity over divergence: the Coriolis parameter over the frequency of the waves."""

MEMORY = 86400.0
"""Seconds after which a daily mean of waves is another."""

LONG, SHORT = 1.5e5, 2.5e4
"""Wavelengths [m] between which velocity falls as the continuum of internal waves does, with the square of the
wavenumber (Garrett and Munk 1975, JGR 80, 291; Rocha et al. 2016, JPO 46, 601, for the surface)."""


class Waves:
    """Random currents over a plane, more divergent than rotational, that forget in a day.

    Parameters
    ----------
    plane : Plane
        Where.
    speed : float
        Root-mean-square divergent current, each component [m s-1].
    seed : int
        Decides them.

    Examples
    --------
    >>> waves = Waves(Plane((32, 32), (1e4, 1e4)), speed=0.01, seed=0)
    >>> waves.pass_day()
    >>> east, north = waves.current()
    >>> east.shape
    torch.Size([32, 32])
    """

    def __init__(self, plane: Plane, speed: float, seed: int) -> None:
        self.plane, self.speed = plane, speed
        long, short = (plane.square * (length / (2 * math.pi)) ** 2 for length in (LONG, SHORT))
        # A potential has the spectrum of its velocity over the square of the wavenumber; one power more is the ring's.
        spectrum = torch.exp(-short) / (1 + long) ** 2.5
        seeds = np.random.SeedSequence(seed).generate_state(2).tolist()
        self._potential, self._rotation = (RedNoise(plane, spectrum, MEMORY, each) for each in seeds)

    def pass_day(self) -> None:
        """Go on to the next day."""
        self._potential.after(86400.0)
        self._rotation.after(86400.0)

    def current(self) -> tuple[Tensor, Tensor]:
        """Eastward and northward current on the grid [m s-1]."""
        east, north = of_potential(self.plane, self._scaled(self._potential.field))
        along, across = of_potential(self.plane, self._scaled(self._rotation.field))
        return self.speed * (east - TURNING * across)[0], self.speed * (north + TURNING * along)[0]

    def _scaled(self, potential: Tensor) -> Tensor:
        """A potential whose gradient has components of unit variance."""
        variance = self.plane.mean_product(potential, potential * self.plane.square) / 2
        return potential / variance.sqrt().to(self.plane.dtype)[:, None, None]
