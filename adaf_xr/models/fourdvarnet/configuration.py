"""How a network is built: its sizes, and which of the published variants of each part it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

NAME = "4dvarnet"
"""Of the engine and of its family of checkpoints."""

STATES = {"augmented": 5, "direct": 1}
"""Blocks of `days` channels that a state has; :mod:`adaf_xr.models.fourdvarnet.state` says which."""

CHOICES: dict[str, tuple[str, ...]] = {
    "state": tuple(STATES),
    "sst": ("none", "features", "stacked"),
    "prior": ("two-scale", "pooled"),
    "norm": ("square", "robust"),
    "gaps": ("masked", "zero"),
    "pace": ("even", "falling"),
}
"""What the options that are names may be."""

LARGEST = 4096
"""Of every size: beyond it a checkpoint cannot be meant."""

NONE_MAY_BE = ("blocks", "hidden", "features")
"""Sizes that may be 0, where the part that they are of is left out."""


@dataclass(frozen=True)
class Configuration:
    """Sizes and options of a network. The defaults are those of the paper's experiment with SST.

    Attributes
    ----------
    days : int
        Of a window; its centre day is the one that is best known.
    state : {"augmented", "direct"}
        Sea surface height as a coarse one, initially the interpolated one, and anomalies, with currents beside it; or
        sea surface height alone, which needs no interpolated one.
    sst : {"none", "features", "stacked"}
        Whether the cost compares features of the state with features of temperature, or temperature is stacked onto
        what the prior sees, which has a meaning for direct inversion only.
    blocks, steps : int
        Blocks of solver steps, between which training cuts the chain of gradients. 0 blocks: direct inversion, one
        pass of the prior over the observations.
    prior : {"two-scale", "pooled"}
        Bilinear networks on the full grid and on means of cells, summed; or one on means alone.
    width, prior_pooling : int
        Its hidden channels, and the cells along the side of those means.
    hidden : int
        Channels of the solver's memory.
    features : int
        Of the state and of temperature, where `sst` says "features".
    dropout : float
        Share of what the solver sees and says that training leaves out.
    weighted : bool
        Whether the terms of the cost have trained weights.
    norm : {"square", "robust"}
        Of departures, where the terms are weighted.
    gaps : {"masked", "zero"}
        What the cost makes of cells without observation: nothing, or an observation of 0.
    pace : {"even", "falling"}
        Whether each of n steps of a block goes 1/n of what the memory says, or the k-th goes 1/k of it.
    descent : float
        Steps along the gradient itself that come on top, growing to this factor at the last of a block.
    projection : bool
        Whether evaluation ends with a pass of the prior.
    pooling : int
        The network works on means of this many cells along both directions, and what it finds is interpolated.

    Examples
    --------
    >>> Configuration(days=5).channels, Configuration(days=15, state="direct").channels
    (25, 15)
    """

    days: int = 7
    state: str = "augmented"
    sst: str = "features"
    blocks: int = 3
    steps: int = 5
    prior: str = "two-scale"
    width: int = 50
    prior_pooling: int = 4
    hidden: int = 150
    features: int = 20
    dropout: float = 0.25
    weighted: bool = True
    norm: str = "square"
    gaps: str = "masked"
    pace: str = "even"
    descent: float = 0.0
    projection: bool = False
    pooling: int = 1

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in CHOICES:
                self._require(value in CHOICES[field.name], field.name, f"one of {', '.join(CHOICES[field.name])}")
            elif field.type == "bool":
                self._require(isinstance(value, bool), field.name, "true or false")
            elif field.type == "int":
                least = 0 if field.name in NONE_MAY_BE else 1
                whole = isinstance(value, int) and not isinstance(value, bool)
                self._require(whole and least <= value <= LARGEST, field.name, f"a whole number, {least} to {LARGEST}")
            else:
                number = isinstance(value, int | float) and not isinstance(value, bool)
                self._require(number and 0 <= value <= 1e6, field.name, "a number, 0 to 1e6")
        self._require(self.dropout < 1, "dropout", "less than 1, for something must be left")
        self._require(bool(self.hidden) or self.direct, "hidden", "at least 1, for the solver has a memory")
        wants = self.sst == "features"
        self._require(bool(self.features) or not wants, "features", "at least 1 where sst='features'")
        self._require(not wants or not self.direct, "sst", "'none' or 'stacked' where blocks=0: there is no cost")
        self._require(self.sst != "stacked" or self.direct, "sst", "'none' or 'features' where there are blocks")
        self._require(self.norm == "square" or self.weighted, "norm", "'square' where weighted is false")
        self._require(self.state == "augmented" or not self.direct, "blocks", "at least 1 where state='direct'")

    def _require(self, met: bool, name: str, due: str) -> None:
        if not met:
            raise ValueError(f"{name}={getattr(self, name)!r}: {due}")

    @property
    def direct(self) -> bool:
        """Whether one pass of the prior is all."""
        return self.blocks == 0

    @property
    def channels(self) -> int:
        """Of the state."""
        return self.days * STATES[self.state]

    @property
    def terms(self) -> int:
        """Of the cost, besides the prior's: sea surface height, and temperature."""
        return 1 + (self.sst == "features")

    @property
    def needs_oi(self) -> bool:
        """Whether a window must have an interpolated sea surface height."""
        return self.state == "augmented"

    @property
    def needs_sst(self) -> bool:
        """Whether a window must have sea surface temperature."""
        return self.sst != "none"

    @property
    def multiple(self) -> int:
        """What the number of rows and of columns of a window must be a multiple of."""
        return self.pooling * self.prior_pooling

    def but(self, **changes: Any) -> Self:
        """The same with some values changed.

        >>> Configuration().but(width=16).width
        16
        """
        return replace(self, **changes)

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, held: Mapping[str, Any]) -> Self:
        """From JSON.

        Examples
        --------
        >>> Configuration.from_dict({"widths": 8})
        Traceback (most recent call last):
            ...
        ValueError: a network of 4dvarnet has no 'widths': it has days, state, sst, ...
        """
        if unknown := set(held) - set(cls.__dataclass_fields__):
            raise ValueError(
                f"a network of {NAME} has no {', '.join(map(repr, sorted(unknown)))}: it has "
                f"{', '.join(cls.__dataclass_fields__)}"
            )
        return cls(**held)
