"""Ocean data assimilation for xarray: observations in as points, lazy fields out.

Importing this package registers ``.adaf`` on Dataset, DataArray and DataTree. It loads neither torch, matplotlib,
intake nor distributed: the public functions below fetch what they need when they are first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from adaf_xr import accessor as _accessor  # registers .adaf  # noqa: F401
from adaf_xr._version import __version__ as __version__

if TYPE_CHECKING:
    from adaf_xr import metrics as metrics
    from adaf_xr import osse as osse
    from adaf_xr.catalog import open_observations as open_observations
    from adaf_xr.catalog import open_source as open_source
    from adaf_xr.inference import assimilate as assimilate
    from adaf_xr.inference import innovations as innovations
    from adaf_xr.inference import upsample as upsample

_PUBLIC = {
    "assimilate": "adaf_xr.inference",
    "innovations": "adaf_xr.inference",
    "open_observations": "adaf_xr.catalog",
    "open_source": "adaf_xr.catalog",
    "upsample": "adaf_xr.inference",
}

_ROOMS = ("metrics", "osse")
"""Rooms to walk into: ``adaf_xr.metrics.rmse``."""

__all__ = ["__version__", "assimilate", "innovations", "open_observations", "open_source", "upsample"]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"adaf_xr.{name}")
    if name not in _PUBLIC:
        raise AttributeError(f"module 'adaf_xr' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC, *_ROOMS})
