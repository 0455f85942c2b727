"""What can be wrong with a file: one class per cause, every message with its way out (section 6 of the conventions)."""

from __future__ import annotations


class CFError(ValueError):
    """A dataset that cannot be read by the conventions."""


class NoVariableError(CFError):
    """No variable of the conventions was found."""


class AmbiguousError(CFError):
    """Several variables claim one name and nothing orders them."""


class StructureError(CFError):
    """The arrangement of dimensions and coordinates cannot be used."""


class PositionError(StructureError):
    """Longitude or latitude is missing."""


class DepthError(StructureError):
    """A vertical dimension has neither depth nor pressure."""


class TimeError(StructureError):
    """No usable time."""


class CalendarError(TimeError):
    """The calendar has dates that no clock shows."""


class UnitError(CFError):
    """A unit that the conventions do not know, or numbers still packed."""


class QualityError(CFError):
    """Good data were asked for, and the file cannot say which they are."""
