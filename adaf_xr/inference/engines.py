"""From the `model` argument to an engine."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

import numpy as np

from adaf_xr.cf.canonical import SOURCES, VARIABLES
from adaf_xr.instants import as_window
from adaf_xr.models.base import AssimilationModel, ModelSpec, UpsamplingModel


def _oi() -> AssimilationModel:
    from adaf_xr.models.optimal_interpolation import OptimalInterpolation

    return OptimalInterpolation()


def _cubic() -> UpsamplingModel:
    from adaf_xr.models.cubic import Cubic

    return Cubic()


ASSIMILATION: dict[str, Callable[[], AssimilationModel]] = {"oi": _oi}
"""Engines of `assimilate` by name; the first is the default."""

UPSAMPLING: dict[str, Callable[[], UpsamplingModel]] = {"cubic": _cubic}
"""Engines of `upsample` by name; the first is the default."""


def resolve(model: Any, names: dict[str, Callable[[], Any]], needs: tuple[str, ...], device: str | None) -> Any:
    """The engine that `model` means.

    Parameters
    ----------
    model : None, str or object
        None: the first of `names`; a name; or any object with the attributes in `needs`.
    names : mapping
        Engines by name.
    needs : tuple of str
        What an object must have.
    device : str, optional
        Where to compute.
    """
    if model is None:
        model = next(iter(names))
    if isinstance(model, str):
        if model not in names:
            close = get_close_matches(model, names, cutoff=0.4)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise ValueError(f"unknown model {model!r}: {hint}Shipped models are {sorted(names)}, or pass an object")
        model = names[model]()
    if isinstance(model, type):
        raise TypeError(f"model={model.__name__} is a class: pass an instance of it, {model.__name__}(...)")
    if missing := [name for name in needs if not hasattr(model, name)]:
        raise TypeError(
            f"{type(model).__name__} is no engine: it lacks {missing} of the protocol in adaf_xr.models.base"
        )
    if device not in (None, "cpu"):
        if not hasattr(model, "to"):
            raise ValueError(f"device={device!r}: the engine {type(model).__name__} runs on the CPU only")
        model = model.to(device)
    return model


def check_spec(model: AssimilationModel) -> None:
    """Refuse a specification that names what the package does not know."""
    spec = model.spec
    if not isinstance(spec, ModelSpec):
        raise TypeError(f"{type(model).__name__}.spec is a {type(spec).__name__}: it must be a ModelSpec")
    names, kinds = {*spec.variables, *spec.adds, *spec.predictors} - set(VARIABLES), set(spec.sources) - set(SOURCES)
    if names or kinds:
        raise ValueError(
            f"the spec of {spec.name!r} names {sorted(names | kinds)}, which do not exist: variables are "
            f"{', '.join(VARIABLES)}; sources are {', '.join(SOURCES)}"
        )


def with_window(model: AssimilationModel, window: Any) -> AssimilationModel:
    """The engine with another time window: a total span centred on the analysis time, or (before, after)."""
    if window is None:
        return model
    return _Respecified(model, dataclasses.replace(model.spec, window=as_window(window)))


@dataclasses.dataclass(frozen=True)
class _Respecified:
    """An engine under another specification."""

    model: AssimilationModel
    spec: Any

    def encode(self, points: Any, background: Any, time: np.datetime64) -> Any:
        return self.model.encode(points, background, time)

    def analyse(self, encoded: Any, background: Any, targets: Any) -> Any:
        return self.model.analyse(encoded, background, targets)
