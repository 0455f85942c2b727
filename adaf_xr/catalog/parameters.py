"""Parameters of catalogs beyond intake's own."""

from __future__ import annotations

import os
from typing import Any

from intake.readers.user_parameters import BaseUserParameter

from adaf_xr.catalog.times import period


class FolderParameter(BaseUserParameter):
    """A folder or URL prefix: given, else in an environment variable, else a fallback beside the working folder.

    In YAML: ``cls: "adaf_xr.catalog:FolderParameter"`` with ``environment``, ``fallback`` (either may be null) and
    ``description``.
    """

    environment: str | None = None
    fallback: str | None = None
    description: str = ""

    @property
    def default(self) -> str:  # type: ignore[override]
        """The folder, or an error that says where it could come from."""
        found = self.__dict__.get("given") or os.environ.get(self.environment or "") or self.fallback
        if not found:
            way = f", or set {self.environment}" if self.environment else ""
            raise ValueError(f"where are the files? Pass root=... ({self.description}){way}")
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
