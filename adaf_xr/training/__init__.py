"""Training of learned models: on one process, by torchrun, or on a dask cluster.

Light: neither torch nor distributed is loaded before something is trained.
"""

from adaf_xr.training.configuration import Configuration, load
from adaf_xr.training.material import Material
from adaf_xr.training.starting import InterruptedTrainingError, train

__all__ = ["Configuration", "InterruptedTrainingError", "Material", "load", "train"]
