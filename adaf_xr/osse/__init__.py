"""Simulated oceans and instruments: observing-system simulation experiments.

>>> from adaf_xr.osse import EXPERIMENTS
>>> sorted(EXPERIMENTS)
['global-v1', 'gulf-stream-v1', 'gulf-stream-v1-20th']

The names below are fetched when they are first asked for: nature runs load torch, and who opens an experiment that is
on disk already, or the embedded sample, does without.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adaf_xr.osse.background import Background as Background
    from adaf_xr.osse.global_run import GlobalRun as GlobalRun
    from adaf_xr.osse.nature_run import NatureRun as NatureRun
    from adaf_xr.osse.opening import OpenExperiment as OpenExperiment
    from adaf_xr.osse.opening import open_experiment as open_experiment
    from adaf_xr.osse.plan import Experiment as Experiment
    from adaf_xr.osse.simulation import simulate as simulate
    from adaf_xr.osse.standard import EXPERIMENTS as EXPERIMENTS

_PUBLIC = {
    "EXPERIMENTS": "adaf_xr.osse.standard",
    "Background": "adaf_xr.osse.background",
    "Experiment": "adaf_xr.osse.plan",
    "GlobalRun": "adaf_xr.osse.global_run",
    "NatureRun": "adaf_xr.osse.nature_run",
    "OpenExperiment": "adaf_xr.osse.opening",
    "open_experiment": "adaf_xr.osse.opening",
    "simulate": "adaf_xr.osse.simulation",
}

__all__ = [
    "EXPERIMENTS",
    "Background",
    "Experiment",
    "GlobalRun",
    "NatureRun",
    "OpenExperiment",
    "open_experiment",
    "simulate",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'adaf_xr.osse' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
