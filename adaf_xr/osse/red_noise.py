"""Random fields with a memory: weather and waves that no equation here makes."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from adaf_xr.osse.spectral import Plane


class RedNoise:
    """Gaussian field of unit variance on a periodic plane that forgets at a rate and travels east.

    A first-order autoregressive process of each wavenumber (von Storch and Zwiers 1999, Statistical Analysis in
    Climate Research, section 10.3).

    Parameters
    ----------
    plane : Plane
        Where the field is.
    spectrum : tensor
        Variance of each wavenumber, up to a factor; the mean is left out.
    memory : float
        Seconds after which the correlation is 1/e.
    seed : int
        Decides the fields, the same on every device.
    drift : float
        Eastward speed of the pattern [m s-1].

    Examples
    --------
    >>> plane = Plane((32, 32), (1e4, 1e4))
    >>> noise = RedNoise(plane, torch.exp(-plane.square * 2e4**2), memory=86400.0, seed=0)
    >>> noise.after(3600.0).shape
    torch.Size([1, 32, 17])
    """

    def __init__(self, plane: Plane, spectrum: Tensor, memory: float, seed: int, drift: float = 0.0) -> None:
        if memory <= 0:
            raise ValueError(f"a memory of {memory:g} s is none: give a positive number of seconds")
        self.plane, self.memory, self.drift = plane, memory, drift
        self.spectrum = torch.where(plane.square > 0, spectrum, 0.0)
        self._generator = torch.Generator().manual_seed(seed)
        self.field = plane.noise(self._generator, 1, self.spectrum)

    def after(self, seconds: float) -> Tensor:
        """The spectral field (1, ...) `seconds` later."""
        kept = math.exp(-seconds / self.memory)
        carried = self.field * self.plane.complex(torch.exp(-1j * self.plane.zonal * self.drift * seconds))
        fresh = self.plane.noise(self._generator, 1, self.spectrum)
        self.field = kept * carried + math.sqrt(1.0 - kept**2) * fresh
        return self.field
