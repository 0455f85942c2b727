"""What every instrument can say: how its product is laid out, where it looks on a day, and what it reads there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Self

from numpy.typing import NDArray

from adaf_xr.osse.observing.domain import Domain
from adaf_xr.osse.observing.layout import Arrays, Layout
from adaf_xr.osse.observing.noise import Key


@dataclass(frozen=True)
class Instrument(ABC):
    """An instrument with its geometry and errors; immutable, so that a name and a few numbers describe it.

    Attributes
    ----------
    name : str
        Distinguishes its errors from those of other instruments of the same seed.
    """

    name: str

    @abstractmethod
    def layout(self, domain: Domain) -> Layout:
        """How the product looks; raises ValueError where the ocean lacks what the instrument measures."""

    @abstractmethod
    def rows(self, day: int, seed: int, domain: Domain) -> Arrays:
        """What is known at once of a day: ``seconds`` of each row, and the coordinates of the layout that grow."""

    @abstractmethod
    def read(self, day: int, seed: int, domain: Domain, noise: bool) -> Arrays:
        """The variables of the layout on a day, row by row; without noise, the truth."""

    def but(self, **changes: object) -> Self:
        """The same instrument with other parameters.

        Examples
        --------
        >>> from adaf_xr.osse.observing import SYSTEMS
        >>> SYSTEMS["nadir-gfo"].but(interval=5.0).interval
        5.0
        """
        return replace(self, **changes)  # type: ignore[arg-type]

    def key(self, seed: int, purpose: str) -> Key:
        """A stream of errors of this instrument."""
        return (seed, self.name, purpose)


def noisy(value: NDArray, error: NDArray | float, noise: bool) -> NDArray:
    """A value with its error, or without."""
    return value + error if noise else value
