"""The door to experiments: what one is, how it is made, how it is opened, and the standard ones by name.

>>> from adaf_xr.osse.experiment import EXPERIMENTS
>>> EXPERIMENTS["gulf-stream-v1"].evaluation
(-65.0, -55.0, 33.0, 43.0)
"""

from typing import TYPE_CHECKING, Any

from adaf_xr.osse.background import Background
from adaf_xr.osse.opening import OpenExperiment, open_experiment
from adaf_xr.osse.plan import Experiment
from adaf_xr.osse.simulation import simulate

if TYPE_CHECKING:
    from adaf_xr.osse.standard import EXPERIMENTS

__all__ = ["EXPERIMENTS", "Background", "Experiment", "OpenExperiment", "open_experiment", "simulate"]


def __getattr__(name: str) -> Any:
    """Standard experiments have nature runs, and those load torch: who only opens one does without."""
    if name != "EXPERIMENTS":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from adaf_xr.osse import standard

    return standard.EXPERIMENTS
