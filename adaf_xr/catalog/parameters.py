"""Parameters of catalogs beyond intake's own."""

from __future__ import annotations

import os
from typing import Any

from intake.readers.user_parameters import BaseUserParameter

from adaf_xr.catalog.times import period


class PathParameter(BaseUserParameter):
    """A path or URL: given, else in an environment variable, else a fallback, relative to the working folder.

    In YAML: ``cls: "adaf_xr.catalog:PathParameter"`` with ``environment``, ``fallback`` (either may be null) and
    ``description``.
    """

    environment: str | None = None
    fallback: str | None = None
    description: str = ""

    @property
    def default(self) -> str:
        """The path, or an error that says where it could come from."""
        found = self.__dict__.get("given") or os.environ.get(self.environment or "") or self.fallback
        if not found:
            way = f", or set the environment variable {self.environment}" if self.environment else ""
            raise ValueError(f"a path is needed, {self.description}: pass it as a parameter{way}")
        return str(found).rstrip("/")

    @default.setter
    def default(self, value: Any) -> None:
        self.__dict__["given"] = str(value)


class TimeParameter(BaseUserParameter):
    """A date, a pair of dates or a slice, handed to readers as a half-open span; null is no limit."""

    default: Any = None

    def coerce(self, value: Any) -> Any:
        """The span that a time names."""
        return period(value)
