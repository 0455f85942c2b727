"""The published ADAF-Ocean network as it is: seven point-wise encoders, a linear map over points, an MLP decoder.

>>> from adaf_xr.models.cnp import RELEASED
>>> [source.key for source in RELEASED.sources]
['bg', 'in_situ_obs', 'sate_sss', 'sate_sst', 'sate_ssw', 'sate_sla', 'sate_sic']

Configurations are plain data. The names that need torch are fetched when they are first asked for.

References
----------
Xiang et al. 2025, ADAF-Ocean, arXiv 2511.06041.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from adaf_xr.models.cnp.configuration import RELEASED as RELEASED
from adaf_xr.models.cnp.configuration import THINNED as THINNED
from adaf_xr.models.cnp.configuration import Configuration as Configuration
from adaf_xr.models.cnp.configuration import Source as Source

if TYPE_CHECKING:
    from adaf_xr.models.cnp.engine import AdafOceanCNP as AdafOceanCNP
    from adaf_xr.models.cnp.network import ConditionalNeuralProcess as ConditionalNeuralProcess
    from adaf_xr.models.cnp.network import released as released
    from adaf_xr.models.cnp.network import thinned as thinned
    from adaf_xr.models.cnp.published import read_published as read_published
    from adaf_xr.models.cnp.published import write_published as write_published

_PUBLIC = {
    "AdafOceanCNP": "adaf_xr.models.cnp.engine",
    "ConditionalNeuralProcess": "adaf_xr.models.cnp.network",
    "read_published": "adaf_xr.models.cnp.published",
    "released": "adaf_xr.models.cnp.network",
    "thinned": "adaf_xr.models.cnp.network",
    "write_published": "adaf_xr.models.cnp.published",
}

__all__ = ["RELEASED", "THINNED", "Configuration", "Source", *_PUBLIC]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'adaf_xr.models.cnp' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
