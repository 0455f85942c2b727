"""Analyses of several models over the same days, computed and written one model after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from adaf_xr.cli import interpolated, terminal
from adaf_xr.cli.interpolated import STORE, Height, Temperature
from adaf_xr.cli.judging import target_grid
from adaf_xr.cli.refined import COARSE, Rule, refined, require_finer
from adaf_xr.cli.runs import Run

if TYPE_CHECKING:
    import xarray as xr

    from adaf_xr.training import Material


@dataclass(frozen=True)
class Seen:
    """What models of several days start from.

    Attributes
    ----------
    heights : Height
        The interpolated height.
    sst : Temperature
        The temperature.
    """

    heights: Height = Height.ANALYSIS
    sst: Temperature = Temperature.TRUTH

    def asks_for_heights(self, engines: Mapping[str, Any]) -> dict[str, Any]:
        """Engines for which heights are interpolated."""
        wanted = self.heights is Height.ANALYSIS
        return {name: engine for name, engine in engines.items() if wanted and engine.spec.days > 1}


@dataclass(frozen=True)
class Work:
    """What is analysed, and where analyses are written.

    Attributes
    ----------
    times : datetime64 (n,)
        Which days.
    grid : float, optional
        Spacing of analyses.
    how : mapping
        Arguments ``region`` and ``mdt`` of :func:`adaf_xr.assimilate`.
    out : Path
        The folder of the stores.
    resume : bool
        Whether to go on with what is there.
    at_once : int, optional
        How many days are analysed together; None: as many as dask likes.
    """

    times: NDArray[np.datetime64]
    grid: float | None
    how: Mapping[str, Any]
    out: Path
    resume: bool
    at_once: int | None

    def fields(
        self, engines: Mapping[str, Any], material: Material, seen: Seen, refine: Sequence[Rule], notes: list[str]
    ) -> dict[str, xr.Dataset]:
        """Analyses by name, written and opened again; heights that were interpolated are among them as `STORE`."""
        asking, first = seen.asks_for_heights(engines), None
        if asking:
            first = interpolated.heights(material, asking, self.times, self.how["mdt"])
            notes.append(f"{', '.join(asking)} start from an optimal interpolation of the observations, {STORE}.zarr")
        runs = interpolated.runs(engines, material, first, seen.sst, notes)
        name = next(iter(engines))
        if refine:
            require_finer(material, target_grid(material, self.grid))
        # What cannot be is said of all models before the first of them begins to work.
        lazy = {name: self._lazy(run) for name, run in runs.items()}
        if first is not None:
            # Each is the background of several days, and would be made again for each of them.
            first = self._written(first, STORE)
            runs = interpolated.runs(engines, material, first, seen.sst, [])
            lazy |= {name: self._lazy(runs[name]) for name in runs if runs[name].of_days}
        low = replace(self, grid=None)._lazy(runs[name]) if refine else None
        found = {name: self._written(ds, name) for name, ds in lazy.items()}
        if low is not None:
            coarse = self._written(low, COARSE.format(name))
            found |= {f"{name}-{rule}": refined(coarse, found[name], rule) for rule in refine}
        return found if first is None else {**found, STORE: first}

    def _lazy(self, run: Run) -> xr.Dataset:
        return run.analyses(self.times, self.grid, self.how)

    def _written(self, lazy: xr.Dataset, name: str) -> xr.Dataset:
        """Analyses computed and written some after the others, and opened again: never more than some in memory."""
        import xarray as xr

        from adaf_xr.inference import store

        path = self.out / f"{name}.zarr"
        path.parent.mkdir(parents=True, exist_ok=True)
        with terminal.progress(f"analysing with {path.stem}") as moved:
            store.write(lazy.chunk(time=1), path, resume=self.resume, progress=moved, at_once=self.at_once)
        return xr.open_zarr(path, consolidated=False)


def stores_of(engines: Mapping[str, Any], seen: Seen, refine: Sequence[Rule]) -> list[str]:
    """Names of all stores that are written."""
    asking = seen.asks_for_heights(engines)
    cloudy = interpolated.cloudy(engines) if seen.sst is Temperature.BOTH else []
    coarse = [COARSE.format(next(iter(engines)))] if refine else []
    return [*engines, *cloudy, *coarse, *([STORE] if asking else [])]


def require_free(stores: Iterable[Path], resume: bool) -> None:
    """Refuse to write over an evaluation."""
    if held := [str(store) for store in stores if store.exists() and not resume]:
        raise FileExistsError(
            f"{held[0]} exists: write to another folder, --out, or go on with what an interruption left, --resume"
        )
