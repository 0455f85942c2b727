"""How the network of super-resolution is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

NAME = "adaf-ocean-sr"
"""Of the engine and of its family of checkpoints."""

FACTOR = 4
"""Fine cells along a coarse one, as the network gives them."""

LARGEST = 1024
"""Width or depth beyond which a checkpoint cannot be meant."""


@dataclass(frozen=True)
class Configuration:
    """Size of the network.

    Attributes
    ----------
    width : int
        Channels of the hidden layers.
    blocks : int
        Residual blocks, of two convolutions each.
    """

    width: int = 64
    blocks: int = 4

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST:
                raise ValueError(f"{name}={value!r}: a whole number from 1 to {LARGEST}")

    @property
    def halo(self) -> int:
        """Coarse cells around one that its answer depends on."""
        return 2 + 2 * self.blocks

    def as_dict(self) -> dict[str, int]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, held: Mapping[str, Any]) -> Self:
        """From JSON.

        Examples
        --------
        >>> Configuration.from_dict({"width": 8, "depth": 2})
        Traceback (most recent call last):
            ...
        ValueError: a network of adaf-ocean-sr has no 'depth': it has width, blocks
        """
        if unknown := set(held) - set(cls.__dataclass_fields__):
            raise ValueError(
                f"a network of {NAME} has no {', '.join(map(repr, sorted(unknown)))}: it has "
                f"{', '.join(cls.__dataclass_fields__)}"
            )
        return cls(**held)
