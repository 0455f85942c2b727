"""How the network is built: the few numbers that its weights depend on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

NAME = "adaf-ocean"
"""Of the engine and of its family of checkpoints."""

HEADS = 3
"""Coarse cells around one that the last layers see: the head; else the fine stage, three layers of half a degree, in
cells that are told what the trunk knows of the next."""

DEPTH_BLOCKS = (1, 2)
"""Residual blocks of the depth stage on cells, before the tokens and again after them, and on tokens."""

LARGEST = 2048
"""Of widths and numbers of blocks."""

VERSION = 2
"""Of what the network is fed: channels, features and their units. Weights of another version mean something else."""


@dataclass(frozen=True)
class Configuration:
    """Sizes of the network.

    Attributes
    ----------
    widths : tuple of int
        Channels of cells of 1 degree, and of tokens of 2 x 2 of them.
    blocks : tuple of int
        Residual blocks on cells, before the tokens and again after them, and on tokens.
    fine : int
        Channels of the fine stage; 0: there is none, and the network ends at 1 degree.
    depth : int
        Channels of the depth stage on cells of 1 degree; 0: there is none, and only the surface is analysed.
    version : int
        Of the features.

    Examples
    --------
    >>> Configuration.from_dict(Configuration().as_dict()) == Configuration()
    True
    """

    widths: tuple[int, ...] = (64, 144)
    blocks: tuple[int, ...] = (1, 6)
    fine: int = 32
    depth: int = 0
    version: int = VERSION

    def __post_init__(self) -> None:
        sizes, stages = (*self.widths, *self.blocks), (self.fine, self.depth)
        whole = all(isinstance(size, int) and not isinstance(size, bool) for size in (*sizes, *stages))
        if len(self.widths) != 2 or len(self.blocks) != 2 or not whole or min(sizes) < 1 or min(stages) < 0:
            raise ValueError(
                f"widths {self.widths}, blocks {self.blocks}, fine {self.fine}, depth {self.depth}: two widths and two "
                "numbers of blocks of at least 1, and 0 or more channels of the fine stage and of the depth stage"
            )
        if max(*sizes, *stages) > LARGEST:  # which takes hours to lay out, and cannot be meant
            raise ValueError(f"a network with {max(*sizes, *stages)} of something: {LARGEST} is the most there can be")
        if self.version != VERSION:
            raise ValueError(
                f"the weights are for features of version {self.version}, and this package makes version {VERSION}: "
                "install the adaf-xr that wrote them, or train again"
            )

    def as_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, held: Mapping[str, Any]) -> Self:
        """The configuration of a checkpoint.

        Raises
        ------
        ValueError
            For keys that are unknown, and for numbers that make no network.
        """
        if unknown := sorted(set(held) - set(cls.__dataclass_fields__)):
            raise ValueError(f"{', '.join(unknown)} unknown: a configuration has {', '.join(cls.__dataclass_fields__)}")
        plain: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in held.items()}
        return cls(**plain)

    @property
    def reach(self) -> int:
        """Coarse cells beyond which no feature matters to what the network says of a cell, at any depth."""
        # The depth stage looks at what is said of the surface; its head sees one cell more, for the slope of pressure.
        return _seen_by(self.blocks) + HEADS + (_seen_by(DEPTH_BLOCKS) + 1 if self.depth else 0)


def _seen_by(blocks: tuple[int, ...]) -> int:
    """Coarse cells that a trunk sees around one."""
    cells, tokens = blocks
    # Two convolutions of 3 x 3 in a block; a token is two cells wide, and a cell may lie on either side of it.
    return 2 * 2 * cells + 2 * 2 * tokens + 1
