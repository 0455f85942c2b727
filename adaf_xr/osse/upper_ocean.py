"""The sea surface upon a two-layer flow: temperature, salinity, and the surface-trapped flow that they make.

The state is one spectral tensor (batch, 4, ...): PV of both layers, temperature [K] and salinity [1e-3] less their
linear decrease with latitude. Temperature and salinity are advected by the flow of the surface,

    psi_surface = psi_1 + psi_trapped,        psi_trapped(K) = filter(K) b(K) / (N K),

of which the second is the surface quasi-geostrophic response to the buoyancy of the surface (Held et al. 1995, J. Fluid
Mech. 282, 1; Lapeyre and Klein 2006, JPO 36, 165). The filter K^2 R^2 / (1 + K^2 R^2) leaves scales above the
deformation radius R to the interior, where Tulloch and Smith (2009, J. Atmos. Sci. 66, 450) put the transition too. So
the sea surface temperature tells something about small scales of the surface height.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from adaf_xr.kinematics import GRAVITY
from adaf_xr.osse.quasigeostrophy import VISCOUS_ORDER, TwoLayer
from adaf_xr.osse.spectral import courant_steps, integrate

EXPANSION = 2.2e-4
"""Thermal expansion of warm surface water [K-1] (TEOS-10 at 18 degC, 36)."""

CONTRACTION = 7.5e-4
"""Haline contraction [per 1e-3]."""


STRATIFICATION = 8e-3
"""Buoyancy frequency [s-1] below the surface, which holds down the flow that the surface's buoyancy makes."""


@dataclass(frozen=True)
class Tracers:
    """What holds temperature and salinity of the surface; the first of each pair is temperature.

    Attributes
    ----------
    gradient : tuple of float
        Northward derivative of the linear part [K m-1, 1e-3 m-1].
    profile : Tensor
        Periodic part towards which they relax, shape (2, latitude).
    relaxation : tuple of float
        Rates of that [s-1].
    diffusivity : float
        Rate at which the smallest kept scale decays [s-1].
    stratification : float
        Buoyancy frequency N [s-1] below the surface.
    """

    gradient: tuple[float, float]
    profile: Tensor
    relaxation: tuple[float, float]
    diffusivity: float
    stratification: float


class UpperOcean:
    """Two layers and the tracers of the surface, stepped together.

    Parameters
    ----------
    flow : TwoLayer
        The layers.
    f0 : float
        Coriolis parameter [s-1].
    radius : float
        Deformation radius [m] below which the surface makes its own flow.
    tracers : Tracers
        Temperature and salinity.

    Examples
    --------
    >>> flow = TwoLayer((16, 16), (2e4, 2e4), f0=1e-4, beta=2e-11, radius=4e4, depths=(500.0, 4500.0))
    >>> tracers = Tracers((-1e-5, -1e-6), torch.zeros(2, 16), (1e-7, 1e-7), 1e-6, 8e-3)
    >>> sea = UpperOcean(flow, 1e-4, 4e4, tracers)
    >>> state = sea.begin(flow.noise(seed=0, members=1, speed=0.1))
    >>> sea.advance(state, 86400.0).shape
    torch.Size([1, 4, 16, 9])
    """

    def __init__(self, flow: TwoLayer, f0: float, radius: float, tracers: Tracers) -> None:
        self.flow, self.tracers = flow, tracers
        plane = flow.plane
        wavenumber = plane.square.sqrt()
        trapped = plane.square * radius**2 / (1.0 + plane.square * radius**2)
        per_buoyancy = torch.where(wavenumber > 0, trapped / (tracers.stratification * wavenumber), 0.0)
        self._temperature_flow = plane.complex(GRAVITY * EXPANSION * per_buoyancy)
        self._salinity_flow = plane.complex(-GRAVITY * CONTRACTION * per_buoyancy)
        rates = torch.tensor(tracers.relaxation, dtype=torch.float64, device=plane.device)[:, None, None]
        smallest = tracers.diffusivity * (wavenumber / plane.cutoff) ** VISCOUS_ORDER
        self._decay = -(rates + smallest)
        profile = tracers.profile.to(plane.device, torch.float64)[:, :, None].expand(2, *plane.shape)
        self.profile = plane.complex(torch.fft.rfft2(profile, norm="forward") * plane.mask)
        self._supply = plane.complex(rates) * self.profile
        # Northward velocity against the linear part: ik psi times the gradient.
        gradient = torch.tensor(tracers.gradient, dtype=torch.float64, device=plane.device)[:, None, None]
        self._along_gradient = plane.complex(-1j * plane.zonal * gradient)
        self._decays: dict[float, Tensor] = {}

    def begin(self, q: Tensor) -> Tensor:
        """The state with layers of PV `q` and tracers on their profiles."""
        return torch.cat([q, self.profile.expand(q.shape[0], -1, -1, -1)], dim=1)

    def surface(self, state: Tensor) -> Tensor:
        """Spectral streamfunction of the surface [m2 s-1], (batch, ...)."""
        interior = self.flow.streamfunction(state[:, :2])[:, 0]
        return interior + self._temperature_flow * state[:, 2] + self._salinity_flow * state[:, 3]

    def tendency(self, state: Tensor) -> Tensor:
        """What is not linear, and what is constant."""
        to_grid = self.flow.plane.to_grid
        layers = self.flow.streamfunction(state[:, :2])
        surface = layers[:, 0] + self._temperature_flow * state[:, 2] + self._salinity_flow * state[:, 3]
        east, north = self.flow.spectral_velocity(torch.cat([layers, surface[:, None]], dim=1))
        u, v, values = to_grid(east), to_grid(north), to_grid(state)
        # The third velocity, the surface's, carries both tracers.
        flux_u, flux_v = (torch.cat([w[:, :2] * values[:, :2], w[:, 2:] * values[:, 2:]], dim=1) for w in (u, v))
        rate = -self.flow.divergence(flux_u, flux_v)
        rate[:, 2:] += self._along_gradient * surface[:, None] + self._supply
        if self.flow.forcing is not None:
            rate[:, :2] += self.flow.forcing
        return rate

    def propagate(self, state: Tensor, step: float) -> Tensor:
        """The linear terms alone over `step` seconds, exactly."""
        if step not in self._decays:
            self._decays = {step: torch.exp(self._decay * step).to(self.flow.plane.dtype)}
        return torch.cat([self.flow.propagate(state[:, :2], step), self._decays[step] * state[:, 2:]], dim=1)

    def advance(self, state: Tensor, seconds: float, steps: int | None = None) -> Tensor:
        """The state `seconds` later; arguments and errors as of :meth:`TwoLayer.advance`."""
        if steps is None:
            layers = self.flow.streamfunction(state[:, :2])
            velocity = self.flow.velocity(torch.cat([layers, self.surface(state)[:, None]], dim=1))
            steps = courant_steps(self.flow.plane, *velocity, seconds)
        return integrate(state, self.tendency, self.propagate, seconds, steps)
