"""Observations and a background in, a lazy analysis out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph

from adaf_xr.cf.canonical import VARIABLES
from adaf_xr.fields import canonical
from adaf_xr.grids import regrid, sample
from adaf_xr.inference import attributes, consecutive, engines
from adaf_xr.inference import background as first_guess
from adaf_xr.inference.encoding import Box, Encoding, Scene, in_cell
from adaf_xr.inference.observations import OnError, Stream, open_streams
from adaf_xr.inference.pairs import Overlaps, PairLayer
from adaf_xr.inference.sharing import default_engine
from adaf_xr.inference.targets import TargetGrid, choose
from adaf_xr.inference.together import Together
from adaf_xr.lattice import Region
from adaf_xr.models.base import AssimilationModel

PROTOCOL = ("spec", "encode", "analyse")


def assimilate(
    observations: xr.Dataset | xr.DataTree | Sequence[xr.Dataset | xr.DataTree],
    background: xr.Dataset | xr.DataArray,
    *,
    model: Any = None,
    grid: Any = None,
    time: Any = None,
    window: Any = None,
    region: Region | None = None,
    mdt: xr.Dataset | xr.DataArray | None = None,
    device: str | None = None,
    on_error: OnError = "raise",
) -> xr.Dataset:
    """Assimilate observations into a background, lazily.

    Parameters
    ----------
    observations : Dataset, DataTree or list of them
        CF observation datasets (or their points); in a DataTree one node per source, named insitu, sst, sss, ssh, wind
        or ice.
    background : Dataset or DataArray
        The first guess on any rectilinear latitude-longitude grid, with or without depth. Models that make one analysis
        of several days take a series of daily fields, and see the days around each analysis time in it.
    model : str, path or object, optional
        Name of an engine; path or URL of a checkpoint, or folder of a published experiment; or any object that meets
        :class:`adaf_xr.models.base.AssimilationModel`. Default: each variable of the background by the first engine of
        :data:`adaf_xr.inference.engines.ASSIMILATION_DEFAULT` that knows it, side by side; `history` names them.
    grid : float, Dataset or mapping, optional
        Output spacing in degrees, or something with ``latitude`` and ``longitude`` (axes, or points on one dimension).
        Default: the model's own spacing, 0.25. A background on that grid already keeps its own coordinates.
    time : datetime-like, str or sequence, optional
        Analysis times; default: the background's. Between those the background is linear in time, but for models of
        several days, which are asked for some of its days.
    window : timedelta-like or pair, optional
        Total span of observation times, half-open and centred on the analysis time (``"10D"``), or (before, after).
        Default: the model's.
    region : (west, east, south, north), optional
        Part of the output grid, degrees.
    mdt : Dataset or DataArray, optional
        Mean dynamic topography [m] on any grid, which turns sea level anomalies into the background's ``zos``.
    device : str, optional
        Where the model computes.
    on_error : {"raise", "skip"}
        What to do with a source, or a chunk of one, that cannot be read; skipping warns and counts what was lost.

    Returns
    -------
    Dataset
        The background's variables under their canonical names and units, each with its standard error
        ``<name>_std`` where the model gives standard errors, on ``(time, [depth,] latitude, longitude)``; one dask
        chunk per time. Nothing is computed yet.

    Raises
    ------
    ValueError
        For input that metadata show to be unusable; the message names the way out.

    Warns
    -----
    adaf_xr.inference.notices.NoObservationsWarning
        While computing, where no observation was usable: the result is the background there, or what a learned model
        makes of it.

    Examples
    --------
    >>> import adaf_xr
    >>> obs = adaf_xr.open_observations("demo", time="2020-01-02")
    >>> bg = adaf_xr.open_source("demo", "background", time="2020-01-02")
    >>> an = adaf_xr.assimilate(obs, bg[["zos"]])
    >>> list(an.data_vars), an.zos.dtype == bg.zos.dtype
    (['zos', 'zos_std'], True)
    """
    first = first_guess.prepare(background, time)
    engine = _engine(model, first, window, device)
    engines.check_background(engine, first.data_vars)
    target = choose(first, grid, engine.spec.grid, region)
    if isinstance(engine, Together):
        engine = engine.around(target.latitude, target.longitude)
    usable = {*first.data_vars, *engine.spec.adds, *engine.spec.predictors}
    streams, idle = open_streams(observations, usable, engine.spec.sources, _topography(mdt), on_error)
    engines.check_observed(engine, {name for stream in streams for name in stream.variables}, first.data_vars)
    sources = tuple(dict.fromkeys(stream.source for stream in streams))
    scenes, centres = first_guess.scenes(first), first.time.values
    if engine.spec.days > 1:
        series = first if time is None else first_guess.whole(background, first)
        scenes, centres = consecutive.widened(scenes, centres, series, engine.spec)
    box = Box.around(target.latitude, target.longitude, engine.spec.halo)
    encoded = _encode(streams, scenes, centres, Encoding(engine, box, sources, tuple(idle)))
    result = _analyse(encoded, scenes, first, target, engine)
    did = _account(sources, [str(name) for name in first.data_vars], engine)
    spec = engine.spec
    made = attributes.of_dataset(background.attrs, spec.name, spec.provenance, did, spec.checkpoint)
    return result.assign_attrs(made)


def _engine(model: Any, first: xr.Dataset, window: Any, device: str | None) -> AssimilationModel:
    """The engine that the arguments mean, for this background."""
    if model is None:
        return default_engine(first, window, device)
    engine = engines.resolve(model, engines.ASSIMILATION, PROTOCOL, device)
    engines.check_spec(engine)
    return engines.with_window(engine, window)


def _account(sources: tuple[str, ...], variables: list[str], engine: AssimilationModel) -> str:
    """What the call does, for the history of its result."""
    before, after = (span / np.timedelta64(1, "D") for span in engine.spec.window)
    made = {*engine.spec.variables, *engine.spec.adds}
    analysed, kept = ([name for name in variables if (name in made) == wanted] for wanted in (True, False))
    what = f"{', '.join(sources) or 'no source'} into {', '.join(analysed) or 'nothing'}"
    what += f"; {', '.join(kept)} as in the background" if kept else ""
    return f"assimilate({what}; observations from {before:g} days before to {after:g} days after)"


def _topography(mdt: xr.Dataset | xr.DataArray | None) -> dict[str, Any] | None:
    """Arrays of a mean dynamic topography on any grid."""
    if mdt is None:
        return None
    if not isinstance(mdt, xr.Dataset | xr.DataArray):
        raise TypeError(
            f"mdt must be a Dataset or DataArray, not {type(mdt).__name__}: open it with xarray.open_dataset"
        )
    if isinstance(mdt, xr.Dataset):
        names = [name for name in mdt.data_vars if str(name).lower() == "mdt"] or list(mdt.data_vars)
        if len(names) != 1:
            raise ValueError(f"mdt holds {names}, none of them called mdt: pass the DataArray itself")
        mdt = mdt[names[0]]
    flat = mdt.squeeze(drop=True)
    field = canonical(flat.rename("zos").assign_attrs(standard_name="", units=mdt.attrs.get("units", "m"))).zos
    if field.ndim != 2:
        raise ValueError(f"mdt has dimensions {mdt.dims} of sizes {mdt.shape}: it is one map, select it, .isel(time=0)")
    return {"latitude": field.latitude.values, "longitude": field.longitude.values, "mdt": field.data}


def _encode(streams: list[Stream], scenes: da.Array, centres: np.ndarray, work: Encoding) -> da.Array:
    """Object array (n_times,) of everything each analysis time keeps of the observations around a centre."""
    keys = [key for stream in streams for key in stream.chunks.__dask_keys__()]
    nothing = np.empty(0, "datetime64[ns]")
    start = np.concatenate([nothing, *(stream.start for stream in streams)])
    stop = np.concatenate([nothing, *(stream.stop for stream in streams)])
    pairs = Overlaps(start, stop, centres.astype("datetime64[ns]"), work.model.spec.window)
    name = "adaf-encoded-" + tokenize(keys, scenes.name, work)
    layer = PairLayer(name, work, keys, scenes.name, pairs)
    graph = HighLevelGraph.from_collections(name, layer, dependencies=[scenes, *(s.chunks for s in streams)])
    return da.Array(graph, name, scenes.chunks, dtype=object)


def _analyse(
    encoded: da.Array, scenes: da.Array, first: xr.Dataset, target: TargetGrid, engine: AssimilationModel
) -> xr.Dataset:
    """Labelled lazy variables, all picked from one task per time and band of rows."""
    names = [str(name) for name in first.data_vars] + [n for n in engine.spec.adds if n not in first]
    token = tokenize(encoded.name, target, engine)
    stops = np.cumsum(target.bands())
    bounds = np.stack([stops - target.bands(), stops], axis=1)
    rows = da.from_array(bounds, chunks=(1, 2), name="adaf-rows-" + tokenize(bounds), inline_array=True)
    analyses = da.blockwise(
        _analyse_block, "tb", encoded, "t", scenes, "t", rows, "br", target=target, engine=engine, names=tuple(names),
        concatenate=True, dtype=object, meta=np.empty((0, 0), dtype=object), name="adaf-analysis-" + token,
    )  # fmt: skip
    result = xr.Dataset(coords=_coordinates(first, target))
    sizes = {"z": (first.sizes.get("depth", 0),), "b": target.bands(), "x": target.shape[-1:]}
    for name in names:
        deep = name in first and "depth" in first[name].dims
        dims = ("time", "depth", *target.dims) if deep else ("time", *target.dims)
        letters = ("z" if deep else "") + ("b" if target.points else "bx")
        dtype = first[name].dtype if name in first else np.dtype("f4")
        has_error = engine.spec.gives_std and (name in engine.spec.variables or name in engine.spec.adds)
        for suffix in ("", "_std") if has_error else ("",):
            data = _pick_lazily(analyses, f"{name}{suffix}", letters, sizes, dtype)
            attrs = attributes.of_std(name) if suffix else attributes.of_mean(name, has_error)
            result[f"{name}{suffix}"] = (dims, data, attrs)
    return result


def _pick_lazily(analyses: da.Array, key: str, letters: str, sizes: dict[str, tuple], dtype: np.dtype) -> da.Array:
    """One variable of the analyses with its true shape: depth z, bands of rows b, columns x."""
    return da.blockwise(
        _pick, "t" + letters, analyses, "tb", key=key, name=f"adaf-{key}-{analyses.name}", dtype=dtype,
        new_axes={letter: sizes[letter] for letter in letters if letter != "b"}, adjust_chunks={"b": sizes["b"]},
        meta=np.empty((0,) * (1 + len(letters)), dtype),
    )  # fmt: skip


def _pick(analysis: np.ndarray, key: str) -> np.ndarray:
    return analysis[0, 0][key]


def _analyse_block(
    encoded: np.ndarray,
    scene: np.ndarray,
    rows: np.ndarray,
    target: TargetGrid,
    engine: AssimilationModel,
    names: tuple[str, ...],
) -> np.ndarray:
    """Analyse one time and band: a mapping of names to arrays (1, [depth,] ...)."""
    here: Scene = scene[0]
    band = target.band(*rows[0])
    analysis = engine.analyse(encoded[0], here.background, band.targets())
    result = {}
    for name in names:
        kept = here.background.fields.get(name)
        mean = analysis.mean[name] if name in analysis.mean else _decode(here, name, band)
        dtype = np.dtype("f4") if kept is None else kept.dtype
        # A linear analysis overshoots: ice fractions below 0 or above 1 are no fractions.
        mean = np.clip(mean, *VARIABLES[name].limits)
        parts = {name: mean}
        if engine.spec.gives_std:
            parts[f"{name}_std"] = analysis.std.get(name, np.full_like(mean, np.nan))
        wanted = (() if kept is None else kept.shape[:-2]) + band.shape
        if any(part.shape != wanted for part in parts.values()):
            pairs = zip(("mean", "std"), parts.values(), strict=False)
            shapes = " and ".join(f"{what} {part.shape}" for what, part in pairs)
            raise ValueError(f"the engine {engine.spec.name!r} gave {name!r} with {shapes}: the targets want {wanted}")
        result.update({key: part[None].astype(dtype, copy=False) for key, part in parts.items()})
    return in_cell(result)[:, None]


def _decode(scene: Scene, name: str, target: TargetGrid) -> np.ndarray:
    """The background itself at the targets, for a variable the model does not analyse."""
    guess = scene.background
    if name not in guess.fields:
        raise ValueError(f"the engine promised {name!r} (its spec says so) and gave {sorted(guess.fields)} only")
    look = sample if target.points else regrid
    return look(guess.fields[name], guess.latitude, guess.longitude, target.latitude, target.longitude)


def _coordinates(first: xr.Dataset, target: TargetGrid) -> dict[str, Any]:
    """Coordinates of the result, the same values as requested."""
    horizontal = {
        role: (target.points or role, getattr(target, role), first[role].attrs) for role in ("latitude", "longitude")
    }
    return {"time": first.time, **({"depth": first.depth} if "depth" in first.dims else {}), **horizontal}
