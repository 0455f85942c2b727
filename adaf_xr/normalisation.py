"""Quantities as networks want them: about 1 in size and without units, and back.

Only ``+ - * /`` are used, so that numbers, numpy and dask arrays, xarray objects and torch tensors all pass and keep
their type and, being multiplied with plain numbers, their precision.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Affine:
    """Shift and scale: ``(x - offset) / scale``.

    Attributes
    ----------
    offset : float
        What becomes 0 [unit of the quantity].
    scale : float
        What becomes 1 above that [unit of the quantity]; positive.

    Examples
    --------
    >>> celsius = minmax(-3.0, 36.0)
    >>> celsius.forward(36.0), celsius.backward(0.0)
    (1.0, 16.5)
    """

    offset: float
    scale: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "offset", float(self.offset))
        object.__setattr__(self, "scale", float(self.scale))
        if not (math.isfinite(self.offset) and math.isfinite(self.scale)):
            raise ValueError(f"a normalisation needs finite numbers, not offset {self.offset} and scale {self.scale}")
        if self.scale <= 0:
            raise ValueError(f"scale={self.scale} is not above 0: a quantity that never varies needs no normalisation")

    def forward(self, x: Any) -> Any:
        """From the unit of the quantity to none."""
        return (x - self.offset) / self.scale

    def backward(self, x: Any) -> Any:
        """From no unit to that of the quantity."""
        return x * self.scale + self.offset

    def as_dict(self) -> dict[str, float]:
        """The two numbers, for JSON."""
        return {"offset": self.offset, "scale": self.scale}

    @classmethod
    def from_dict(cls, numbers: Mapping[str, Any]) -> Self:
        """From what `as_dict` gave.

        Examples
        --------
        >>> Affine.from_dict({"offset": 1, "scale": 2})
        Affine(offset=1.0, scale=2.0)
        """
        if set(numbers) != {"offset", "scale"}:
            raise ValueError(f"a normalisation has offset and scale, this one {sorted(numbers)}")
        return cls(**numbers)


def minmax(low: float, high: float) -> Affine:
    """The normalisation that takes a range to [-1, 1].

    Parameters
    ----------
    low, high : float
        Bounds of the range [unit of the quantity]; values outside are not cut off.

    Raises
    ------
    ValueError
        For a range that is empty or not finite.

    Examples
    --------
    >>> minmax(0, 40).forward(10.0)
    -0.5
    """
    if not low < high:
        raise ValueError(
            f"the range from {low} to {high} is empty: give the lower bound first, and another one above it"
        )
    return Affine((low + high) / 2, (high - low) / 2)


def standard(mean: float, std: float) -> Affine:
    """The normalisation that takes a quantity to mean 0 and standard deviation 1.

    Parameters
    ----------
    mean, std : float
        Mean and standard deviation [unit of the quantity].

    Raises
    ------
    ValueError
        For a standard deviation of zero or less, or numbers that are not finite.

    Examples
    --------
    >>> standard(15.0, 5.0).forward(25.0)
    2.0
    """
    return Affine(mean, std)
