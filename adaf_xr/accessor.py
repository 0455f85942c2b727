"""The `.adaf` accessor of Dataset, DataArray and DataTree: three lines a method, no arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import xarray as xr

if TYPE_CHECKING:
    from adaf_xr.lattice import Region


class _Accessor:
    """What every accessor has: the object, and a representation that computes nothing."""

    def __init__(self, obj: Any) -> None:
        self._obj = obj

    def __repr__(self) -> str:
        calls = sorted(name for name in dir(self) if not name.startswith("_"))
        return f"<{type(self).__name__} of a {type(self._obj).__name__}: {', '.join(calls)}>"


class _Observations(_Accessor):
    """Calls on observations: one dataset, or a tree with one node per source."""

    def points(
        self,
        variables: str | Sequence[str] | None = None,
        qc: Literal["good", "all"] = "good",
        source: str | None = None,
    ) -> xr.Dataset:
        """Point observations; see :func:`adaf_xr.points.to_points`."""
        from adaf_xr.points import to_points

        return to_points(self._obj, variables, qc=qc, source=source)

    def assimilate(
        self,
        background: xr.Dataset | xr.DataArray,
        *,
        model: Any = None,
        grid: Any = None,
        time: Any = None,
        window: Any = None,
        region: Region | None = None,
        mdt: xr.Dataset | xr.DataArray | None = None,
        device: str | None = None,
        on_error: Literal["raise", "skip"] = "raise",
    ) -> xr.Dataset:
        """Lazy analysis of a background; see :func:`adaf_xr.assimilate`."""
        from adaf_xr.inference import assimilate

        how = {"model": model, "grid": grid, "time": time, "window": window, "region": region}
        return assimilate(self._obj, background, **how, mdt=mdt, device=device, on_error=on_error)

    def innovations(self, field: xr.Dataset | xr.DataArray) -> xr.Dataset:
        """Departures, observation minus field, at the points; see :func:`adaf_xr.innovations`."""
        from adaf_xr.inference import innovations

        return innovations(self._obj, field)


class _Fields(_Accessor):
    """Calls on gridded fields."""

    def upsample(
        self,
        factor: int = 4,
        *,
        model: Any = None,
        keep_means: bool = False,
        mask: xr.DataArray | None = None,
        device: str | None = None,
    ) -> Any:
        """Fields on a finer grid, lazily; see :func:`adaf_xr.upsample`."""
        from adaf_xr.inference import upsample

        return upsample(self._obj, factor, model=model, keep_means=keep_means, mask=mask, device=device)

    def plot(self, **options: Any) -> Any:
        """Maps; see :mod:`adaf_xr.plotting`."""
        from adaf_xr import plotting

        draw = plotting.plot_dataset if isinstance(self._obj, xr.Dataset) else plotting.plot
        return draw(self._obj, **options)


@xr.register_dataset_accessor("adaf")
class DatasetAccessor(_Observations, _Fields):
    """``Dataset.adaf``: observations and fields alike."""


@xr.register_dataarray_accessor("adaf")
class DataArrayAccessor(_Fields):
    """``DataArray.adaf``: one field."""


@xr.register_datatree_accessor("adaf")
class DataTreeAccessor(_Observations):
    """``DataTree.adaf``: observations, one node per source."""
