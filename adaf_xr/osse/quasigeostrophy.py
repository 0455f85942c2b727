"""Two-layer quasi-geostrophic turbulence on a doubly periodic plane, many members at a time.

How to use it (tensors only; members along the first dimension; SI units)::

    flow = TwoLayer((128, 128), (dlat_m, dlon_m), f0=..., beta=..., radius=..., depths=(600.0, 3900.0),
                    mean_flow=(0.1, 0.0), drag=1e-7, hyperviscosity=2e-5)       # each: a float or a tensor (batch,)
    q = flow.noise(seed=0, members=batch, speed=0.05)     # spectral PV (batch, 2, n_lat, n_lon // 2 + 1), complex
    q = flow.advance(q, 86400.0)                          # a day, with as many steps as the Courant number asks for
    psi = flow.streamfunction(q)                          # spectral; flow.plane.to_grid(psi) is (batch, 2, lat, lon)
    u, v = flow.velocity(psi)                             # eddying velocity on the grid, without the mean flow
    flow.speed(q); flow.energy(q)                         # numbers, one a member

Equations (Vallis 2017, Atmospheric and Oceanic Fluid Dynamics, 2nd ed., sections 5.3.2 and 9.6; Phillips 1954)::

    dq_i/dt + J(psi_i, q_i) + U_i dq_i/dx + (dQ_i/dy) dpsi_i/dx = - nu K^8 q_i - (i = 2) r lap psi_2 + forcing
    q_1 = lap psi_1 - F_1 (psi_1 - psi_2)        q_2 = lap psi_2 + F_2 (psi_1 - psi_2)
    F_i = f0^2 / (g' H_i)                        F_1 + F_2 = 1 / radius^2
    dQ_1/dy = beta + F_1 (U_1 - U_2)             dQ_2/dy = beta - F_2 (U_1 - U_2)

All linear terms, mean shear and its instability included, are integrated exactly (matrix exponential of each
wavenumber); only advection is stepped, by a fourth-order scheme without memory, so that a state restarts anywhere.
Reproducible bit for bit on one machine with one number of threads; members of a batch do not see each other, but the
number of steps of a day is that of the fastest member unless `steps` is given.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from adaf_xr.osse.spectral import Plane, courant_steps, integrate, per_member

VISCOUS_ORDER = 8
"""Power of the wavenumber in the hyperviscosity."""


class TwoLayer:
    """Two-layer quasi-geostrophic flow on a doubly periodic beta plane.

    Parameters
    ----------
    shape : tuple of int
        Cells along latitude and longitude, even.
    spacing : tuple of float or tensor (batch,)
        Metres between cells along latitude and longitude.
    f0 : float or tensor (batch,)
        Coriolis parameter [s-1].
    beta : float or tensor (batch,)
        Its meridional gradient [m-1 s-1].
    radius : float or tensor (batch,)
        First baroclinic deformation radius [m].
    depths : tuple of float or tensor (batch,)
        Depths of the upper and the lower layer [m].
    mean_flow : tuple of float or tensor (batch,)
        Uniform eastward velocities of the layers [m s-1]: their difference feeds the eddies.
    drag : float or tensor (batch,)
        Rate of linear bottom drag [s-1].
    hyperviscosity : float or tensor (batch,)
        Rate at which the smallest kept scale decays [s-1]; falls with the eighth power of the wavenumber.
    jet : tensor (latitude,) or (batch, latitude), optional
        Zonal-mean ``psi_1 - psi_2`` [m2 s-1] to which the flow is pulled.
    relaxation : float or tensor (batch,)
        Rate of that pull [s-1].
    dtype, device
        As in :class:`~adaf_xr.osse.spectral.Plane`.

    Attributes
    ----------
    plane : Plane
        The plane, its wavenumbers and transforms.
    reduced_gravity : tensor (batch or 1, 1, 1)
        g' of the interface [m s-2], from `radius` and `depths`.
    share, coupling : tuple of tensor (batch or 1, 1, 1)
        Of the upper and the lower layer: its part of the depth, and its F [m-2].
    forcing : tensor or None
        Constant part of the pull towards the jet, spectral.

    Examples
    --------
    >>> flow = TwoLayer((16, 16), (2e4, 2e4), f0=1e-4, beta=2e-11, radius=4e4, depths=(500.0, 4500.0))
    >>> float(flow.reduced_gravity.round(decimals=5))
    0.03556
    >>> q = flow.noise(seed=0, members=1, speed=0.1)
    >>> round(float(flow.speed(q)), 4)
    0.1
    >>> flow.advance(q, 86400.0).shape
    torch.Size([1, 2, 16, 9])
    """

    def __init__(
        self,
        shape: tuple[int, int],
        spacing: tuple[float | Tensor, float | Tensor],
        *,
        f0: float | Tensor,
        beta: float | Tensor,
        radius: float | Tensor,
        depths: tuple[float | Tensor, float | Tensor],
        mean_flow: tuple[float | Tensor, float | Tensor] = (0.0, 0.0),
        drag: float | Tensor = 0.0,
        hyperviscosity: float | Tensor = 0.0,
        jet: Tensor | None = None,
        relaxation: float | Tensor = 0.0,
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
    ) -> None:
        self.plane = Plane(shape, spacing, dtype=dtype, device=device)
        f0, self.beta, radius = (per_member(value, device) for value in (f0, beta, radius))
        upper, lower = (per_member(depth, device) for depth in depths)
        if (radius <= 0).any() or (upper <= 0).any() or (lower <= 0).any():
            raise ValueError("a deformation radius and depths of layers are lengths in metres: give positive numbers")
        self.share = (upper / (upper + lower), lower / (upper + lower))
        self.coupling = (self.share[1] / radius**2, self.share[0] / radius**2)
        self.reduced_gravity = (f0 * radius) ** 2 * (upper + lower) / (upper * lower)
        self.mean_flow = tuple(per_member(u, device) for u in mean_flow)
        self.drag, self.relaxation = per_member(drag, device), per_member(relaxation, device)
        self.hyperviscosity = per_member(hyperviscosity, device)
        plane = self.plane
        self._inversion = [[plane.complex(entry) for entry in row] for row in self._inverse()]
        self._ddx, self._ddy = plane.complex(1j * plane.zonal), plane.complex(1j * plane.meridional)
        self._generator = self._linear()
        self._propagators: dict[float, list[list[Tensor]]] = {}
        self.forcing = None if jet is None else self._pull(jet)

    def _inverse(self) -> list[list[Tensor]]:
        """Matrix that takes PV of the layers to streamfunction, for each wavenumber; zero at the mean."""
        square = self.plane.square
        upper, lower = self.coupling
        determinant = square * (square + upper + lower)
        scale = -torch.where(determinant > 0, 1.0 / determinant, 0.0) * self.plane.mask.double()
        return [[scale * (square + lower), scale * upper], [scale * lower, scale * (square + upper)]]

    def _linear(self) -> list[list[Tensor]]:
        """Matrix L of the linear terms, ``dq/dt = L q``, for each wavenumber."""
        plane = self.plane
        inverse = self._inverse()
        shear = self.mean_flow[0] - self.mean_flow[1]
        gradient = (self.beta + self.coupling[0] * shear, self.beta - self.coupling[1] * shear)
        friction = -self.hyperviscosity * (plane.square.sqrt() / plane.cutoff) ** VISCOUS_ORDER
        # Only the zonal mean of the baroclinic part is held; the depth-mean transport is left alone.
        pull = self.relaxation * (plane.zonal == 0)
        held = ((-pull * self.share[1], pull * self.share[1]), (pull * self.share[0], -pull * self.share[0]))
        matrix = []
        for i in range(2):
            row = [-1j * plane.zonal * gradient[i] * inverse[i][j] + held[i][j] for j in range(2)]
            row[i] = row[i] - 1j * plane.zonal * self.mean_flow[i] + friction
            if i == 1:
                row = [entry + self.drag * plane.square * inverse[1][j] for j, entry in enumerate(row)]
            matrix.append(row)
        return matrix

    def _pull(self, jet: Tensor) -> Tensor:
        """Constant part of the relaxation, spectral (batch or 1, 2, latitude, longitude)."""
        plane = self.plane
        profile = torch.as_tensor(jet, dtype=torch.float64, device=plane.device).reshape(-1, plane.shape[0], 1)
        spectral = torch.fft.rfft2(profile.expand(-1, *plane.shape), norm="forward") * plane.mask
        target = -(plane.square + self.coupling[0] + self.coupling[1]) * spectral * self.relaxation
        target[..., 0, 0] = 0.0
        return plane.complex(torch.stack([self.share[1] * target, -self.share[0] * target], dim=1))

    def propagator(self, step: float) -> list[list[Tensor]]:
        """``exp(L step)`` for each wavenumber, a 2 x 2 matrix of tensors."""
        if step not in self._propagators:
            (a, b), (c, d) = ([entry * step for entry in row] for row in self._generator)
            half = (a + d) / 2
            root = torch.sqrt(((a - d) / 2) ** 2 + b * c)
            # sinh(x)/x, also at 0; both factors carry exp(half) inside, so that strong friction cannot overflow.
            grow, decay = torch.exp(half + root), torch.exp(half - root)
            cosh = (grow + decay) / 2
            small = root.abs() < 1e-6
            sinch = torch.where(small, torch.exp(half), (grow - decay) / (2 * torch.where(small, 1.0, root)))
            entries = [[cosh + sinch * (a - d) / 2, sinch * b], [sinch * c, cosh - sinch * (a - d) / 2]]
            if len(self._propagators) > 8:
                self._propagators.clear()
            self._propagators[step] = [[self.plane.complex(entry) for entry in row] for row in entries]
        return self._propagators[step]

    def propagate(self, q: Tensor, step: float) -> Tensor:
        """The linear terms alone over `step` seconds, exactly."""
        return _apply(self.propagator(step), q)

    def streamfunction(self, q: Tensor) -> Tensor:
        """Spectral streamfunction [m2 s-1] of spectral PV, both (batch, 2, ...)."""
        return _apply(self._inversion, q)

    def potential_vorticity(self, psi: Tensor) -> Tensor:
        """Spectral PV [s-1] of a spectral streamfunction, both (batch, 2, ...)."""
        upper, lower = psi[:, 0], psi[:, 1]
        square, stretch = self.plane.complex(self.plane.square), upper - lower
        one, two = (self.plane.complex(coupling) for coupling in self.coupling)
        return torch.stack([-square * upper - one * stretch, -square * lower + two * stretch], dim=1)

    def spectral_velocity(self, psi: Tensor) -> tuple[Tensor, Tensor]:
        """Spectral eastward and northward velocity of a spectral streamfunction (batch, n, ...)."""
        return -self._ddy[:, None] * psi, self._ddx[:, None] * psi

    def velocity(self, psi: Tensor) -> tuple[Tensor, Tensor]:
        """Eastward and northward velocity [m s-1] on the grid, without the mean flow."""
        u, v = self.spectral_velocity(psi)
        return self.plane.to_grid(u), self.plane.to_grid(v)

    def divergence(self, flux_u: Tensor, flux_v: Tensor) -> Tensor:
        """Spectral divergence of fluxes (batch, n, latitude, longitude) on the grid."""
        east, north = self.plane.to_spectral(torch.stack([flux_u, flux_v]))
        return self._ddx[:, None] * east + self._ddy[:, None] * north

    def tendency(self, q: Tensor) -> Tensor:
        """What is not linear: advection by the eddying flow, and the constant pull towards the jet."""
        u, v = self.spectral_velocity(self.streamfunction(q))
        u, v, pv = self.plane.to_grid(torch.stack([u, v, q]))
        rate = -self.divergence(u * pv, v * pv)
        return rate if self.forcing is None else rate + self.forcing

    def steps(self, q: Tensor, seconds: float, courant: float = 0.7) -> int:
        """Number of steps that keeps a stretch of time stable: `courant` of the limit for the fastest member."""
        u, v = self.velocity(self.streamfunction(q))
        return courant_steps(self.plane, u, v, seconds, courant)

    def advance(self, q: Tensor, seconds: float, steps: int | None = None) -> Tensor:
        """The state `seconds` later.

        Parameters
        ----------
        q : tensor (batch, 2, latitude, longitude // 2 + 1)
            Spectral PV.
        seconds : float
            Length of the stretch. The Courant number is looked at once, at its beginning: a day is a good length.
        steps : int, optional
            Number of equal steps; by default what :meth:`steps` asks for.

        Raises
        ------
        FloatingPointError
            The flow became infinite: too long a step or parameters without a balance.
        """
        return integrate(q, self.tendency, self.propagate, seconds, steps or self.steps(q, seconds))

    def noise(self, seed: int, members: int, speed: float, wavelength: float | Tensor | None = None) -> Tensor:
        """Random weak eddies to begin with, the same in both layers.

        Parameters
        ----------
        seed : int
            Decides the fields, the same on every device.
        members : int
            How many.
        speed : float
            Root-mean-square velocity of every member [m s-1].
        wavelength : float or tensor (members,), optional
            Scale of the eddies [m]; by default an eighth of the plane.

        Returns
        -------
        tensor (members, 2, latitude, longitude // 2 + 1)
            Spectral PV.
        """
        plane = self.plane
        eighth = float(plane.shape[0] * plane.spacing[0].mean()) / 8.0
        scale = per_member(eighth if wavelength is None else wavelength, plane.device)
        ratio = plane.square * (scale / (2 * math.pi)) ** 2
        spectrum = torch.where(plane.square > 0, ratio**2 * torch.exp(-2 * ratio), 0.0)
        psi = plane.noise(torch.Generator().manual_seed(seed), members, spectrum)
        psi = psi / (plane.mean_product(psi, psi * plane.square).sqrt()[:, None, None])
        return self.potential_vorticity(plane.complex(speed * psi)[:, None].repeat(1, 2, 1, 1))

    def speed(self, q: Tensor) -> Tensor:
        """Root-mean-square velocity of the upper layer [m s-1], shape (batch,)."""
        psi = self.streamfunction(q)[:, 0]
        return self.plane.mean_product(psi, psi * self.plane.square).sqrt()

    def energy(self, q: Tensor) -> Tensor:
        """Kinetic and available potential energy [m2 s-2], depth mean, shape (batch,)."""
        layers = self.plane.mean_product(self.streamfunction(q), q)
        return -0.5 * (self.share[0][:, 0, 0] * layers[:, 0] + self.share[1][:, 0, 0] * layers[:, 1])


def _apply(matrix: list[list[Tensor]], layers: Tensor) -> Tensor:
    """A 2 x 2 matrix of each wavenumber times (batch, 2, ...)."""
    upper, lower = layers[:, 0], layers[:, 1]
    return torch.stack([row[0] * upper + row[1] * lower for row in matrix], dim=1)
