"""What the values of a configuration must be: refusals that name the key, what it is and what is due.

Files give values of any type, and a wrong one must not come to light as an error in the middle of arithmetic, or never.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from numbers import Integral, Real
from typing import Any

MOST = 1_000_000
"""No count of a network is larger; with it, the size of no parameter overflows."""


def refuse_unknown(given: Iterable[Any], known: Collection[str], what: str) -> None:
    """Raise for a key that nothing here bears, with the nearest one that does.

    >>> refuse_unknown(["latend"], ["latent", "window"], "a configuration")
    Traceback (most recent call last):
        ...
    ValueError: a configuration has no 'latend'; did you mean 'latent'?
    """
    for key in given:
        if key not in known:
            near = get_close_matches(str(key), known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; it has: {', '.join(known)}"
            raise ValueError(f"{what} has no {key!r}{hint}")


def require(given: Collection[str], due: Iterable[str], what: str) -> None:
    """Raise for keys that cannot be left out.

    >>> require(["key"], ["key", "kind"], "a source")
    Traceback (most recent call last):
        ...
    ValueError: a source needs kind, which is not given
    """
    if missing := [key for key in due if key not in given]:
        raise ValueError(f"{what} needs {', '.join(missing)}, which is not given")


def whole(value: Any, name: str) -> int:
    """A count: a whole number from 1 to `MOST`.

    >>> whole("48", "encoder_width")
    Traceback (most recent call last):
        ...
    ValueError: encoder_width is '48': a whole number from 1 to 1000000 is due
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or not 1 <= int(value) <= MOST:
        raise refused(value, name, f"a whole number from 1 to {MOST}")
    return int(value)


def wholes(value: Any, name: str) -> tuple[int, ...]:
    """Counts; none is fine too.

    >>> wholes([2, 4], "encoder_skips")
    (2, 4)
    """
    if not isinstance(value, list | tuple):
        raise refused(value, name, "a list of whole numbers")
    return tuple(whole(part, f"a number of {name}") for part in value)


def number(value: Any, name: str, due: str = "a finite number") -> float:
    """A finite number.

    >>> number(None, "the range of 'so'")
    Traceback (most recent call last):
        ...
    ValueError: the range of 'so' is None: a finite number is due
    """
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise refused(value, name, due)
    return float(value)


def positive(value: Any, name: str) -> float:
    """A finite number above 0.

    >>> positive(0, "max_depth")
    Traceback (most recent call last):
        ...
    ValueError: max_depth is 0: a finite number above 0 is due
    """
    due = "a finite number above 0"
    if number(value, name, due) <= 0:
        raise refused(value, name, due)
    return float(value)


def text(value: Any, name: str) -> str:
    """A text that is not empty.

    >>> text("relu", "activation")
    'relu'
    """
    if not isinstance(value, str) or not value:
        raise refused(value, name, "a text")
    return value


def group(value: Any, name: str) -> Mapping[str, Any]:
    """A mapping; none at all is an empty one.

    >>> group([1], "train_dataset")
    Traceback (most recent call last):
        ...
    ValueError: train_dataset is [1]: a group of keys with values is due
    """
    if value is not None and not isinstance(value, Mapping):
        raise refused(value, name, "a group of keys with values")
    return value or {}


def as_many(value: Any, many: int, name: str) -> tuple[Any, ...]:
    """A list or tuple of so many values.

    >>> as_many([10, 20], 2, "window")
    (10, 20)
    """
    if not isinstance(value, list | tuple) or len(value) != many:
        raise refused(value, name, f"a list of {many} values")
    return tuple(value)


def refused(value: Any, name: str, due: str) -> ValueError:
    """The error of a value that is not what is due; long values are cut short."""
    return ValueError(f"{name} is {reprlib.repr(value)}: {due} is due")
