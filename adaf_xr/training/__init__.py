"""Training of learned models: on one process, by torchrun, or on a dask cluster.

Light: neither torch nor distributed is loaded before something is trained.
"""

from adaf_xr.training.configuration import Configuration, load
from adaf_xr.training.material import Material

__all__ = ["Configuration", "Material", "load"]
