"""Which engine analyses what when none is named: each variable, at each level, the first that knows it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from adaf_xr.inference import engines
from adaf_xr.inference.together import Member, Together
from adaf_xr.models.base import AssimilationModel


def default_engine(background: xr.Dataset, window: Any = None, device: str | None = None) -> AssimilationModel:
    """The engine of a background: those of :data:`adaf_xr.inference.engines.ASSIMILATION_DEFAULT`, side by side.

    An engine that does not analyse all levels has a method ``reached``, which takes the depths [m] of levels and gives
    a mask of those that it does; the next engine that knows a variable analyses its other levels. An engine without
    anything to do is left out, and one that is left alone works as if it had been named.

    Parameters
    ----------
    background : Dataset
        Under canonical names.
    window : timedelta-like or pair, optional
        Time window instead of those of the engines.
    device : str, optional
        Where engines compute. Beside others one that runs on the CPU only stays there; alone it refuses.
    """
    depth = background.depth.values if "depth" in background.dims else np.empty(0)
    deep = {str(name) for name, field in background.items() if "depth" in field.dims}
    left, members = [str(name) for name in background], []
    for name in engines.ASSIMILATION_DEFAULT:
        engine = engines.ASSIMILATION[name]()
        reached = engine.reached(depth) if deep and hasattr(engine, "reached") else np.ones(depth.size, bool)
        known = [v for v in left if v in engine.spec.variables and (v not in deep or reached.any())]
        left = [v for v in left if v not in known or (v in deep and not reached.all())]
        if known:
            levels = None if reached.all() or deep.isdisjoint(known) else tuple(depth[reached].tolist())
            members.append(Member(engine, tuple(known), levels))
        if not left:
            break
    if len(members) < 2:
        # Where none knows any variable, the last one says so.
        alone = members[0].engine if members else engine
        return engines.with_window(engines.on_device(alone, device), window)
    at_work = (engines.with_window(engines.beside_others(member.engine, device), window) for member in members)
    return Together(tuple(replace(member, engine=engine) for member, engine in zip(members, at_work, strict=True)))
