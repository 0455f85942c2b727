"""What has to be done to the arrays of one set of dimensions: plain data, built from metadata, carried into tasks."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Literal

import xarray as xr

from adaf_xr.cf.flags import Kept
from adaf_xr.cf.missing import Missing
from adaf_xr.cf.units import Decoding


@dataclass(frozen=True, slots=True)
class Reading:
    """A numeric array: its input, its decoding, and the question whose answer the decoding needs, if any."""

    key: int
    how: Decoding
    question: int | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A flag array and what is kept of it; not applied where the answer to its question is no."""

    key: int
    kept: Kept
    fills: tuple[float | str, ...] = ()
    question: int | None = None
    fractions: int | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a quantity, raw or adjusted, with its flags and error."""

    value: Reading
    checks: tuple[Check, ...] = ()
    error: Reading | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """A quantity as measured.

    Attributes
    ----------
    raw, adjusted : Version
        Without `mode` the adjusted version counts where it is not missing.
    mode : int, optional
        Input with the data mode; A and D choose the adjusted version.
    bias : Reading, optional
        Subtracted; zero where missing.
    flip : bool
        Whether the sign is turned (heights into depths).
    largest : float, optional
        Greatest absolute value of a good observation.
    """

    raw: Version
    adjusted: Version | None = None
    mode: int | None = None
    bias: Reading | None = None
    flip: bool = False
    largest: float | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """How one output variable is made.

    Attributes
    ----------
    parts : tuple of Measured
        One, or two to combine.
    rule : {"value", "in situ", "sum", "sine", "cosine"}
        The value itself; in-situ temperature to potential; the sum; a component of (speed, direction).
    sign : int
        For components: -1 where the direction is "from".
    """

    parts: tuple[Measured, ...]
    rule: Literal["value", "in situ", "sum", "sine", "cosine"] = "value"
    sign: int = 1

    @property
    def has_error(self) -> bool:
        """Whether the file gives errors for it."""
        if self.rule not in ("value", "in situ"):
            return False
        part = self.parts[0]
        return any(v is not None and v.error is not None for v in (part.raw, part.adjusted))


@dataclass(frozen=True)
class Plan:
    """Everything that is done to the arrays of one set of dimensions.

    Attributes
    ----------
    ndim : int
        Number of dimensions.
    axes : tuple of tuple of int
        For each input, the positions of its dimensions among those.
    longitude, latitude : Reading
    time : int, optional
        Input with datetime64[ns], the last one; None where the times stay outside of tasks.
    delay : int, optional
        Input with seconds to add to the time.
    depth, pressure : Measured, optional
        Depth where present, else from pressure; zero where neither exists.
    place_checks : tuple of Check
        Flags of position and time.
    salinity : Measured, optional
        What the conversion of in-situ temperature uses.
    columns : dict
        Canonical name -> how it is made.
    questions : tuple
        Input and kind of what the numbers themselves decide.
    """

    ndim: int
    axes: tuple[tuple[int, ...], ...]
    longitude: Reading
    latitude: Reading
    time: int | None
    delay: int | None
    depth: Measured | None
    pressure: Measured | None
    place_checks: tuple[Check, ...]
    salinity: Measured | None
    columns: dict[str, Column]
    questions: tuple[Question, ...]

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the output columns, in order."""
        errors = tuple(f"{name}_error" for name, column in self.columns.items() if column.has_error)
        place = ("longitude", "latitude", "depth") + (() if self.time is None else ("time",))
        return (*place, *self.columns, *errors)


@dataclass(frozen=True, slots=True)
class Question:
    """Something only the numbers know; the answer is yes where the counts of all blocks add up to more than zero.

    Attributes
    ----------
    key : int
        Input.
    kind : {"kelvin", "percent", "written", "fractions"}
        The first two are asked of quantities, see :data:`adaf_xr.cf.units.COUNTS`, the others of flags.
    fills, missing : tuple
        What to leave out, of flags and of quantities.
    """

    key: int
    kind: str
    fills: tuple[float | str, ...] = ()
    missing: Missing = ()


@dataclass
class Inputs:
    """Arrays that a plan refers to by number, and the questions about them."""

    dims: tuple[Hashable, ...]
    arrays: list[xr.DataArray] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)

    def add(self, da: xr.DataArray) -> int:
        """Number of an array; one of a name is taken once, because names are unique in a file."""
        for key, known in enumerate(self.arrays):
            if known.name == da.name:
                return key
        self.arrays.append(da)
        return len(self.arrays) - 1

    def ask(self, question: Question) -> int:
        """Number of a question; the same one is asked once."""
        if question not in self.questions:
            self.questions.append(question)
        return self.questions.index(question)

    def ordered(self) -> list[xr.DataArray]:
        """The arrays, dimensions in the order of the whole."""
        return [a.transpose(*(d for d in self.dims if d in a.dims)) for a in self.arrays]
