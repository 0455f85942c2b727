"""A model and the data that it analyses, in an evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from adaf_xr.cli.judging import target_grid

if TYPE_CHECKING:
    import xarray as xr

    from adaf_xr.training import Material

APART = np.timedelta64(2, "D")
"""Between two windows that share no file: those of images are of days, and their pixels stray by half a day."""


@dataclass(frozen=True)
class Run:
    """An engine and its data.

    Attributes
    ----------
    engine : AssimilationModel
        Which.
    material : Material
        What it sees.
    """

    engine: Any
    material: Material

    @property
    def of_days(self) -> bool:
        """Whether an analysis is made of several days."""
        return bool(self.engine.spec.days > 1)

    def analyses(self, times: NDArray[np.datetime64], grid: Any, how: Mapping[str, Any]) -> xr.Dataset:
        """Analyses of all times, lazily, without what is of the background.

        Parameters
        ----------
        times : datetime64 (n,)
            Days of the background.
        grid : float or axes, optional
            As :func:`adaf_xr.cli.judging.target_grid` takes it.
        how : mapping
            Further arguments of :func:`adaf_xr.assimilate`.
        """
        from adaf_xr.inference import assimilate

        spec, first, centres = self.engine.spec, self.material.background, times
        given = {"grid": target_grid(self.material, grid), **how}
        if self.of_days:
            given, centres = given | {"time": times}, windows(first, times, self.engine).centres
        else:
            first = first.sel(time=times)
        observe: Any = self.material.observe
        seen = [observe(group, spec.window) for group in apart(centres, spec.window)]
        lazy = assimilate(seen, first, model=self.engine, **given)
        # What a model does not analyse is the background, and no score of the model.
        made = {*spec.variables, *spec.adds}
        return lazy[[name for name in lazy.data_vars if str(name).removesuffix("_std") in made]]


def windows(series: xr.Dataset, times: NDArray[np.datetime64], engine: Any) -> Any:
    """The days that an engine of several makes its analyses of."""
    from adaf_xr.inference.consecutive import Windows

    return Windows(times.astype("M8[ns]"), series.time.values.astype("M8[ns]"), engine.spec.days, engine.spec.name)


def engines_of(models: Mapping[str, str], device: str | None) -> dict[str, Any]:
    """The engines that models mean, by the same names."""
    from adaf_xr.cli.engine_file import engine_of
    from adaf_xr.inference.assimilation import PROTOCOL
    from adaf_xr.inference.engines import ASSIMILATION, resolve

    return {name: resolve(engine_of(model), ASSIMILATION, PROTOCOL, device) for name, model in models.items()}


def apart(times: NDArray[np.datetime64], window: tuple[np.timedelta64, np.timedelta64]) -> list[NDArray[np.datetime64]]:
    """Analysis times in groups whose windows lie far apart.

    Windows that overlap are opened together, and what they share is made once. Those that do not are better opened
    alone: when the pixels of an image were seen is not known before it is read, so of a long span images of several
    days would be read for every analysis.

    Examples
    --------
    >>> days = np.array(["2020-01-01", "2020-01-02", "2020-01-07"], "M8[D]")
    >>> [len(group) for group in apart(days, (np.timedelta64(1, "D"), np.timedelta64(0, "D")))]
    [2, 1]
    """
    between = np.diff(times) - (window[0] + window[1])
    return np.split(times, np.flatnonzero(between >= APART) + 1)
