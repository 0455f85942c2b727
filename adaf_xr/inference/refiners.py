"""Which engine refines which field: the one that is named, or the first default that is made for the field."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from adaf_xr.inference import engines
from adaf_xr.inference.together import credits
from adaf_xr.models.base import UpsamplingModel

PROTOCOL = ("name", "upsample")


@dataclass(frozen=True)
class Choice:
    """The engine of a field.

    Attributes
    ----------
    engine : UpsamplingModel
        Which.
    instead : str
        Why no default before it was taken, for the history; empty where it is the first.
    """

    engine: UpsamplingModel
    instead: str = ""


class Refiners:
    """The engines of one call.

    An engine may say what it is made for: `variables` (canonical names), `factors`, and `spacings`, the finest and the
    coarsest [degrees] of the grids that it refines. One that says nothing refines everything.

    Parameters
    ----------
    model : str, path, object or None
        Argument of the call; None: the first of :data:`adaf_xr.inference.engines.UPSAMPLING_DEFAULT` that is made for
        a field.
    device : str, optional
        Where engines compute. Beside others one that runs on the CPU only stays there; alone it refuses.
    """

    def __init__(self, model: Any, device: str | None) -> None:
        self.named = model is not None
        names = [model] if self.named else engines.UPSAMPLING_DEFAULT
        found = [engines.resolve(name, engines.UPSAMPLING, PROTOCOL, None) for name in names]
        place = engines.on_device if len(found) == 1 else engines.beside_others
        self.engines = [place(engine, device) for engine in found]

    def of(self, variable: str | None, factor: int, spacing: float) -> Choice:
        """The engine of a field.

        Parameters
        ----------
        variable : str or None
            Its canonical name; None for a quantity that the package does not know.
        factor : int
            Fine cells along one side of a coarse one.
        spacing : float
            Of its grid [degrees].

        Raises
        ------
        ValueError
            Where the engine that was named does not do this factor. A field that it was not made for it refines all
            the same: who names an engine means it.
        """
        if self.named:
            (engine,) = self.engines
            if why := _wrong_factor(engine, factor):
                raise ValueError(f"{engine.name!r} {why}: choose such a factor, or model='cubic', which does any")
            return Choice(engine)
        passed: list[str] = []
        for engine in self.engines[:-1]:
            why = _wrong_factor(engine, factor) or _wrong_field(engine, variable, spacing)
            if not why:
                return Choice(engine, "; ".join(passed))
            passed.append(f"{engine.name} {why}")
        return Choice(self.engines[-1], "; ".join(passed))


def told(choices: Iterable[tuple[str, Choice]]) -> tuple[str, str]:
    """Names and provenance of all engines at work on fields, for the attributes of the result."""
    fields: dict[tuple[str, str, str], list[str]] = {}
    for name, choice in choices:
        fields.setdefault(_maker(choice), []).append(name)
    if not fields:
        return "none", "values repeated"
    names = ", ".join(dict.fromkeys(engine for engine, _, _ in fields))
    return names, credits((variables, *maker) for maker, variables in fields.items())


def _maker(choice: Choice) -> tuple[str, str, str]:
    """Name and provenance of an engine, with why it and no other, and the sha256 of its checkpoint."""
    engine, reason = choice.engine, f"; {choice.instead}" if choice.instead else ""
    return engine.name, f"{engine.provenance}{reason}", getattr(engine, "checkpoint", "")


def _wrong_factor(engine: Any, factor: int) -> str:
    """What an engine does instead of this factor; empty where it does it."""
    factors = getattr(engine, "factors", (factor,))
    if factor in factors:
        return ""
    *first, last = map(str, factors)
    return f"refines {', '.join(first)}{' or ' if first else ''}{last} times, not {factor}"


def _wrong_field(engine: Any, variable: str | None, spacing: float) -> str:
    """What an engine is made for instead of this field; empty where it is made for it."""
    known = getattr(engine, "variables", None)
    if known is not None and variable not in known:
        return f"is made for {', '.join(known)}"
    finest, coarsest = getattr(engine, "spacings", (spacing, spacing))
    if finest * 0.999 <= spacing <= coarsest * 1.001:
        return ""
    return f"is made for grids of {finest:g} to {coarsest:g} degrees, not {spacing:g}"
