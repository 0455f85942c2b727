"""4DVarNet: a variational cost whose terms are learned, and a solver that is learned with it.

A window of days is looked for that agrees with a learned prior and with what was observed of sea surface height, and
whose features are those of sea surface temperature. A recurrent network turns gradients of that cost into steps.

>>> from adaf_xr.models.fourdvarnet import published
>>> published("4dvarnet-ssh-sst").days
7

Configurations are plain data. The names that need torch are fetched when they are first asked for.

References
----------
Fablet, R., Chapron, B., Le Sommer, J., & Sévellec, F. (2024). Inversion of sea surface currents from satellite-derived
SST-SSH synergies with 4DVarNets. Journal of Advances in Modeling Earth Systems, 16. arXiv 2211.13059.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from adaf_xr.models.fourdvarnet.configuration import NAME as NAME
from adaf_xr.models.fourdvarnet.configuration import Configuration as Configuration
from adaf_xr.models.fourdvarnet.experiments import PUBLISHED as PUBLISHED
from adaf_xr.models.fourdvarnet.experiments import light as light
from adaf_xr.models.fourdvarnet.experiments import published as published
from adaf_xr.models.fourdvarnet.experiments import small as small

if TYPE_CHECKING:
    from adaf_xr.models.fourdvarnet.network import DirectInversion as DirectInversion
    from adaf_xr.models.fourdvarnet.network import Unrolled as Unrolled
    from adaf_xr.models.fourdvarnet.network import network_for as network_for
    from adaf_xr.models.fourdvarnet.published_file import read_published as read_published
    from adaf_xr.models.fourdvarnet.window import Estimate as Estimate
    from adaf_xr.models.fourdvarnet.window import Window as Window

_PUBLIC = {
    "DirectInversion": "adaf_xr.models.fourdvarnet.network",
    "Estimate": "adaf_xr.models.fourdvarnet.window",
    "Unrolled": "adaf_xr.models.fourdvarnet.network",
    "Window": "adaf_xr.models.fourdvarnet.window",
    "network_for": "adaf_xr.models.fourdvarnet.network",
    "read_published": "adaf_xr.models.fourdvarnet.published_file",
}

__all__ = ["NAME", "PUBLISHED", "Configuration", "light", "published", "small", *_PUBLIC]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'adaf_xr.models.fourdvarnet' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
