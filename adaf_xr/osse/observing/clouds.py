"""Clouds with the sizes of real ones: where a random field of the right roughness exceeds a threshold.

Cloud chords of 0.1 to 1500 km are distributed as length**-1.66 (Wood and Field 2011, J. Climate 24, 4800). Chords of a
self-affine field of Hurst exponent H follow length**-(2 - H): with the H = 1/3 of a k**-5/3 spectrum, that of
turbulence, length**-5/3. Areas of its single clouds follow area**-(2 - H/2) = area**-1.83 (Kondev and Henley 1995,
Phys. Rev. Lett. 74, 4580).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft2
from scipy.special import ndtri

from adaf_xr.osse.observing.noise import Key, generator

HURST = 1.0 / 3.0
PERIOD = 45.0
"""Degrees after which the pattern repeats, in longitude and on a Mercator map."""

CELLS = 1536
"""Cells of the pattern a period: 3.3 km at the equator."""

OUTER = 15.0
"""Degrees: the largest systems."""

DRIFT = 8.0
"""Eastward drift of the pattern [degrees a day], some 8 m/s in middle latitudes."""

MEMORY = 1.0
"""Days that the largest systems last; smaller ones as the turnover time of their size, size**(2/3)."""


def cloudiness(key: Key, days: float, latitude: NDArray, longitude: NDArray) -> NDArray[np.float32]:
    """A field (...) at points, mean 0 and deviation 1, that is cloud where it is high.

    Parameters
    ----------
    key : tuple
        Seed and purpose.
    days : float
        Time.
    latitude, longitude : array (...)
        Degrees.
    """
    pattern = _pattern(key, days)
    # A Mercator map is conformal: the pattern has the same shape everywhere, and smaller clouds nearer the poles.
    northward = np.degrees(np.arctanh(np.sin(np.radians(np.clip(latitude, -89.0, 89.0)))))
    row, column = (np.floor(np.mod(a, PERIOD) * (CELLS / PERIOD)).astype("i8") for a in (northward, longitude))
    return pattern[np.minimum(row, CELLS - 1), np.minimum(column, CELLS - 1)]


def threshold(cover: float) -> float:
    """Above which value of :func:`cloudiness` a share of the globe is cloudy.

    Examples
    --------
    >>> round(threshold(0.65), 3)
    -0.385
    """
    return float(-ndtri(cover))


@lru_cache(maxsize=4)
def _pattern(key: Key, days: float) -> NDArray[np.float32]:
    """The field over one period at a time."""
    amplitude, frequency = _spectrum(key)
    phase = np.mod(frequency * days, 2.0 * np.pi).astype("f4")
    return irfft2(amplitude * np.exp(np.complex64(1j) * phase), s=(CELLS, CELLS))


@lru_cache(maxsize=2)
def _spectrum(key: Key) -> tuple[NDArray[np.complex64], NDArray[np.float64]]:
    """Amplitudes, and angular frequencies [per day], of the modes."""
    ky = np.fft.fftfreq(CELLS, 1.0 / CELLS)[:, None] / PERIOD
    kx = np.arange(CELLS // 2 + 1)[None, :] / PERIOD
    relative = np.hypot(kx, ky) * OUTER
    rng = generator(key)
    white = rng.standard_normal((2, *relative.shape))
    amplitude = (white[0] + 1j * white[1]) * (1.0 + relative**2) ** (-0.5 * (1.0 + HURST))
    amplitude[0, 0] = 0.0
    # A mode and its conjugate make a real field; those of the first and the last column keep their real half alone.
    share = np.where((kx > 0) & (kx < CELLS / 2 / PERIOD), 2.0, 0.5)
    amplitude *= CELLS**2 / np.sqrt((share * np.abs(amplitude) ** 2).sum())
    forgetting = rng.standard_normal(relative.shape) * relative ** (2.0 / 3.0) / MEMORY
    return amplitude.astype("c8"), -2.0 * np.pi * kx * DRIFT + forgetting
