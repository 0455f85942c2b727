"""Errors as pure functions of where they fall: the same number for the same reading, whatever else is asked for.

A generator that is drawn from in order would give a reading another error in another region, span or chunk. Here every
reading has a number of its own, and its error is a hash of the seed and that number.
"""

from __future__ import annotations

from zlib import crc32

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adaf_xr.sphere import RADIUS, unit_vectors

Key = tuple[int | str, ...]
"""What a stream of random numbers is for: the seed, the instrument, the purpose."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MASK = 2**64 - 1


def uniform(key: Key, index: ArrayLike) -> NDArray[np.float64]:
    """Independent numbers within (0, 1), one for each index of a stream.

    SplitMix64 (Steele, Lea and Flood 2014) with random access.

    Examples
    --------
    >>> whole, part = uniform((1, "demo"), np.arange(1000)), uniform((1, "demo"), [998, 2])
    >>> bool((whole[[998, 2]] == part).all()), bool(abs(whole.mean() - 0.5) < 0.05)
    (True, True)
    """
    state = np.asarray(index).astype("u8")
    with np.errstate(over="ignore"):
        state = np.uint64(_stream(key)) + (state + np.uint64(1)) * _GOLDEN
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state ^= state >> np.uint64(31)
    return ((state >> np.uint64(11)).astype("f8") + 0.5) / 2.0**53


def white(key: Key, index: ArrayLike) -> NDArray[np.float64]:
    """Independent normal numbers, mean 0 and deviation 1, one for each index of a stream."""
    radius = np.sqrt(-2.0 * np.log(uniform((*key, "radius"), index)))
    return radius * np.cos(2.0 * np.pi * uniform((*key, "angle"), index))


def generator(key: Key) -> np.random.Generator:
    """A generator for what is drawn as a whole."""
    return np.random.default_rng(_stream(key))


def red(key: Key, seconds: NDArray, shortest: float, longest: float) -> NDArray[np.float64]:
    """A stationary process in time, mean 0 and deviation 1, of power ``f**-2`` between two periods [s].

    Sixty-four harmonics at random frequencies: it never repeats, and any time can be asked for by itself.
    """
    rng = generator(key)
    low, high = 1.0 / longest, 1.0 / shortest
    # Power f^-2: equal power in equal steps of 1/f.
    frequency = 1.0 / rng.uniform(1.0 / high, 1.0 / low, 64)
    phase = rng.uniform(0.0, 2.0 * np.pi, 64)
    waves = np.zeros(seconds.shape)
    for f, p in zip(frequency, phase, strict=True):
        waves += np.cos(2.0 * np.pi * f * seconds + p)
    return waves / np.sqrt(32.0)


def smooth(key: Key, latitude: ArrayLike, longitude: ArrayLike, wavelength: float) -> NDArray[np.float64]:
    """A smooth random field on the sphere, mean 0 and deviation 1, of one wavelength [km], at any positions.

    Thirty-two plane waves through the sphere.
    """
    rng = generator(key)
    direction = rng.standard_normal((3, 32))
    direction /= np.linalg.norm(direction, axis=0)
    phase = rng.uniform(0.0, 2.0 * np.pi, 32)
    place = unit_vectors(latitude, longitude) * (2.0 * np.pi * RADIUS / wavelength)
    field = np.zeros(place.shape[:-1])
    for way, p in zip(direction.T, phase, strict=True):
        field += np.cos(place @ way + p)
    return field / 4.0


def _stream(key: Key) -> int:
    """The 64-bit start of a stream: its key, mixed."""
    state = 0x243F6A8885A308D3
    for part in key:
        number = crc32(part.encode()) if isinstance(part, str) else int(part)
        state = ((state ^ (number & _MASK)) * 0xD1342543DE82EF95 + 0x2545F4914F6CDD1D) & _MASK
        state ^= state >> 29
    return state
