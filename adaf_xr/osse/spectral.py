"""A doubly periodic plane: transforms, wavenumbers, and a Runge-Kutta step that treats the linear terms exactly.

Tensors in, tensors out; no labels. A field of the plane is a tensor (..., latitude, longitude), its spectral form the
complex tensor (..., latitude, longitude // 2 + 1) of `torch.fft.rfft2` with ``norm="forward"``, so that coefficients
mean the same on every resolution. A leading dimension counts members, each with its own spacing where wanted.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

DEALIASING = 2.0 / 3.0
"""Share of the wavenumbers that is kept: products of two fields then alias only onto wavenumbers that are cut."""

RK4_LIMIT = 2.8
"""Largest frequency times step on the imaginary axis for which the classical fourth-order scheme is stable."""


def per_member(value: float | Tensor, device: str | torch.device = "cpu") -> Tensor:
    """A number, or one per member (batch,), as a double tensor that broadcasts over (batch, latitude, longitude).

    Examples
    --------
    >>> per_member(torch.tensor([1.0, 2.0])).shape
    torch.Size([2, 1, 1])
    """
    return torch.as_tensor(value, dtype=torch.float64, device=device).reshape(-1, 1, 1)


class Plane:
    """Doubly periodic plane, cut at two thirds of the wavenumbers (Orszag 1971, J. Atmos. Sci. 28, 1074).

    Parameters
    ----------
    shape : tuple of int
        Cells along latitude and longitude, both even.
    spacing : tuple of float or tensor (batch,)
        Metres between cells along latitude and along longitude.
    dtype : torch.dtype
        Real type of fields.
    device : str
        Where tensors live.

    Attributes
    ----------
    zonal, meridional : tensor
        Wavenumbers [rad m-1], shapes (batch or 1, 1, n_lon // 2 + 1) and (batch or 1, n_lat, 1), double.
    square : tensor
        Squared wavenumber.
    mask : tensor
        1 where a wavenumber is kept.
    cutoff : tensor
        Largest wavenumber that is kept in every direction, shape (batch or 1, 1, 1).

    Examples
    --------
    >>> plane = Plane((8, 16), (1e4, 1e4))
    >>> field = torch.randn(8, 16)
    >>> once = plane.to_grid(plane.to_spectral(field))
    >>> torch.allclose(plane.to_grid(plane.to_spectral(once)), once, atol=1e-6)
    True
    """

    def __init__(
        self,
        shape: tuple[int, int],
        spacing: tuple[float | Tensor, float | Tensor],
        *,
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
    ) -> None:
        if any(n < 4 or n % 2 for n in shape):
            raise ValueError(
                f"a periodic plane of {shape} cells has no clear cut: give even numbers of at least 4 cells"
            )
        self.shape = shape
        self.spacing = tuple(per_member(d, device) for d in spacing)
        if any((d <= 0).any() for d in self.spacing):
            raise ValueError("spacings are lengths in metres: give positive numbers")
        self.dtype = dtype
        self.device = torch.device(device)
        n_lat, n_lon = shape
        rows = torch.fft.fftfreq(n_lat, dtype=torch.float64, device=device)[:, None]
        columns = torch.fft.rfftfreq(n_lon, dtype=torch.float64, device=device)[None, :]
        self.meridional = 2 * torch.pi * rows / self.spacing[0]
        self.zonal = 2 * torch.pi * columns / self.spacing[1]
        self.square = self.zonal**2 + self.meridional**2
        kept = (rows.abs() < DEALIASING / 2) & (columns < DEALIASING / 2)
        self.mask = kept.to(dtype)
        self.cutoff = DEALIASING * torch.pi / torch.maximum(*self.spacing)
        self.mean_weight = torch.where(columns > 0, 2.0, 1.0)

    def complex(self, operator: Tensor) -> Tensor:
        """An operator in the precision of the spectral fields."""
        return operator.to(self.device, torch.complex64 if self.dtype == torch.float32 else torch.complex128)

    def to_grid(self, spectral: Tensor) -> Tensor:
        """Field (..., latitude, longitude) of a spectral field."""
        return torch.fft.irfft2(spectral, s=self.shape, norm="forward")

    def to_spectral(self, field: Tensor) -> Tensor:
        """Spectral field, cut, of a field (..., latitude, longitude)."""
        return torch.fft.rfft2(field, norm="forward") * self.mask

    def mean_product(self, one: Tensor, other: Tensor) -> Tensor:
        """Mean over the plane of the product of two spectral fields, by Parseval, in double precision."""
        product = one.real.double() * other.real.double() + one.imag.double() * other.imag.double()
        return (product * self.mean_weight).sum((-2, -1))

    def noise(self, generator: torch.Generator, members: int, spectrum: Tensor) -> Tensor:
        """Random spectral fields (members, ...) of unit variance, isotropic, with a given shape of the spectrum.

        Parameters
        ----------
        generator : torch.Generator
            On the CPU, so that a seed means the same fields on every device.
        members : int
            How many.
        spectrum : tensor
            Variance of each wavenumber up to a factor; broadcasts over the spectral shape.
        """
        white = torch.randn(members, *self.shape, generator=generator, dtype=torch.float64).to(self.device)
        field = torch.fft.rfft2(white, norm="forward") * self.mask * spectrum.sqrt()
        field = field / self.mean_product(field, field).sqrt()[..., None, None]
        return self.complex(field)


def refine(spectral: Tensor, shape: tuple[int, int]) -> Tensor:
    """The same field on a grid of other size: zeros for new small scales, or small scales cut.

    Parameters
    ----------
    spectral : tensor (..., n_lat, n_lon // 2 + 1)
        Spectral field, empty at its Nyquist wavenumbers, as :class:`Plane` leaves it.
    shape : tuple of int
        Cells of the new grid.

    Examples
    --------
    >>> coarse, fine = Plane((8, 8), (2e4, 2e4)), Plane((16, 16), (1e4, 1e4))
    >>> wave = torch.cos(2 * torch.pi * torch.arange(16) / 16).expand(16, 16)
    >>> there = refine(coarse.to_spectral(wave[::2, ::2]), (16, 16))
    >>> torch.allclose(fine.to_grid(there), wave, atol=1e-6)
    True
    """
    rows = min(spectral.shape[-2], shape[0]) // 2
    columns = min(spectral.shape[-1], shape[1] // 2 + 1)
    result = spectral.new_zeros((*spectral.shape[:-2], shape[0], shape[1] // 2 + 1))
    result[..., :rows, :columns] = spectral[..., :rows, :columns]
    result[..., 1 - rows :, :columns] = spectral[..., 1 - rows :, :columns]
    return result


def courant_steps(plane: Plane, u: Tensor, v: Tensor, seconds: float, courant: float = 0.7) -> int:
    """Steps that keep `courant` of the limit of :func:`integrate` at the fastest place of the fastest member.

    Parameters
    ----------
    plane : Plane
        Where the flow is.
    u, v : tensor (batch, n, latitude, longitude)
        Velocities that advect [m s-1].
    seconds : float
        Length of the stretch.
    courant : float
        Share of the largest stable step.

    Examples
    --------
    >>> plane = Plane((16, 16), (1e4, 1e4))
    >>> east = torch.ones(1, 1, 16, 16)
    >>> courant_steps(plane, east, 0 * east, 86400.0, 1.0)  # 2/3 pi / 1e4 m * 1 m/s * 86400 s / 2.8
    7
    """
    north, east = (DEALIASING * math.pi / d.to(u.dtype)[:, None] for d in plane.spacing)
    frequency = float((u.abs() * east + v.abs() * north).max())
    if not math.isfinite(frequency):
        raise FloatingPointError("the flow is infinite at the beginning of the stretch: it has no stable step")
    return max(1, math.ceil(frequency * seconds / (courant * RK4_LIMIT)))


def integrate(
    state: Tensor,
    tendency: Callable[[Tensor], Tensor],
    propagate: Callable[[Tensor, float], Tensor],
    seconds: float,
    steps: int,
) -> Tensor:
    """Classical fourth-order Runge-Kutta for ``ds/dt = L s + N(s)``, in which `L` is exact.

    The integrating factor turns the equation into one for ``exp(-L t) s`` (Canuto et al. 2006, Spectral Methods,
    app. D); stiff hyperviscosity and fast waves of `L` then limit no step. A scheme without memory restarts anywhere.

    Parameters
    ----------
    state : tensor
        The state now.
    tendency : callable
        The nonlinear part N.
    propagate : callable
        Applies ``exp(L t)`` to a state, of which t seconds are the second argument.
    seconds : float
        How far to go.
    steps : int
        In how many equal steps.

    Raises
    ------
    FloatingPointError
        The state became infinite.

    Examples
    --------
    >>> growth = integrate(torch.ones(1), lambda s: s, lambda s, t: s, 1.0, steps=20)
    >>> round(float(growth), 5)
    2.71828
    """
    step = seconds / steps
    for _ in range(steps):
        first = tendency(state)
        there, carried = (propagate(field, step / 2) for field in (state, first))
        second = tendency(there + (step / 2) * carried)
        third = tendency(there + (step / 2) * second)
        fourth = tendency(propagate(there + step * third, step / 2))
        sum_inside = there + (step / 6) * carried + (step / 3) * (second + third)
        state = propagate(sum_inside, step / 2) + (step / 6) * fourth
    if not torch.isfinite(state.abs().sum()):
        raise FloatingPointError(
            f"the flow became infinite within {seconds:g} s in {steps} steps: give more steps, drag or hyperviscosity"
        )
    return state
