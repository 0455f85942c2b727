"""``adaf evaluate``: a model run over a period of an experiment, and scored against its truth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from adaf_xr.cli import options, ratios, score, terminal, training_data
from adaf_xr.cli.engine_file import engine_of
from adaf_xr.cli.judging import Judged, mean_truth, on_grid, target_grid, told_of_grid, training_times
from adaf_xr.cli.observed import Chosen, Seed, Thin, Without, names_of, require_known
from adaf_xr.cli.refined import COARSE, Refined, refined, require_finer

if TYPE_CHECKING:
    import xarray as xr

    from adaf_xr.training import Material

EVALUATION = "What is evaluated"

APART = np.timedelta64(2, "D")
"""Between two windows that share no file: those of images are of days, and their pixels stray by half a day."""

BEST = Path("checkpoints") / "best.safetensors"
"""The weights of a training run that are meant when its folder is named."""

AT_ONCE = 1
"""Days that are analysed together in this process: what was seen around two of them need not fit in memory."""

Model = Annotated[
    str,
    typer.Argument(
        metavar="[NAME=]MODEL",
        help="A checkpoint, the folder of a training run or of a published experiment, a model by name, such as oi, or "
        "a YAML file of its settings.",
    ),
]
Against = Annotated[
    list[str] | None,
    typer.Option(
        "--against", metavar="[NAME=]MODEL", help="Another model beside it; repeat it.", rich_help_panel=EVALUATION
    ),
]
Split = Annotated[str, typer.Option(metavar="NAME", help="The period.", rich_help_panel=EVALUATION)]
Times = Annotated[
    list[str] | None,
    typer.Option("--time", metavar="DAY", help="Days of it; repeat it. Default: all.", rich_help_panel=EVALUATION),
]
Every = Annotated[int, typer.Option(min=1, help="Every so many days of it.", rich_help_panel=EVALUATION)]
Grid = Annotated[
    float | None,
    typer.Option(
        metavar="DEGREES",
        help="Spacing of the analysis; a finer truth is averaged over its cells. Default: the background's.",
        rich_help_panel=EVALUATION,
    ),
]
Climatology = Annotated[
    bool,
    typer.Option(
        "--climatology/--no-climatology",
        help="Whether to take anomalies from the mean truth of the training period, for the ACC.",
        rich_help_panel=EVALUATION,
    ),
]
Out = Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where to write.", rich_help_panel=options.OUTPUT)]


def evaluate(
    model: Model,
    data: options.Data = None,
    split: Split = "test",
    time: Times = None,
    every: Every = 1,
    grid: Grid = None,
    region: options.Region = None,
    against: Against = None,
    refine: Refined = None,
    without: Without = None,
    thin: Thin = 1.0,
    seed: Seed = 0,
    period: options.Periods = None,
    climatology: Climatology = True,
    mdt: options.MDT = None,
    out: Out = Path("evaluation"),
    resume: options.Resume = False,
    device: options.Device = None,
    scheduler: options.Scheduler = None,
    workers: options.Workers = 0,
) -> None:
    """Run a model over the test period of an experiment, and score it against the truth and the background.

    `adaf evaluate RUN --data EXPERIMENT --against oi`

    Writes the analyses, scores.csv, ratios.csv of the errors of one model and those of another, scores.json, and the
    table of ADAF-Ocean, calc_metrics_NAME.csv.
    """
    if data is None:
        raise ValueError(f"an evaluation needs data: adaf evaluate {model} --data DIR")
    models = named([model, *(against or [])])
    first, coarse = next(iter(models)), COARSE.format(next(iter(models)))
    stores = {name: out / f"{name}.zarr" for name in [*models, *([coarse] if refine else [])]}
    _require_free(stores.values(), resume)
    source = training_data.opened(data, period)
    times = _chosen(source.material.times(split), time, every, split)
    _say_which(source.what, split, times)
    chosen = Chosen(source.material.observe, names_of(without), thin, seed)
    require_known(chosen, times[0])
    material = replace(source.material, observe=chosen)
    notes = chosen.said()
    usual = training_times(material, times, notes) if climatology else None
    again = "the same command with --resume goes on after the days that are written"
    at_once = None if scheduler or workers else AT_ONCE
    with terminal.resumable(again), terminal.cluster(scheduler, workers), terminal.remembering(notes):
        how = {"grid": target_grid(material, grid), "region": region, "mdt": _topography(mdt)}
        lazy = {name: _analyses(which, material, times, device, how) for name, which in models.items()}
        if refine:
            require_finer(material, how["grid"])
            lazy[coarse] = _analyses(
                models[first], material, times, device, how | {"grid": target_grid(material, None)}
            )
        # What cannot be is said of all models before the first of them begins to work.
        fields = {name: _written(ds, stores[name], resume, at_once) for name, ds in lazy.items()}
        if refine:
            low = fields.pop(coarse)
            fields |= {f"{first}-{rule}": refined(low, fields[first], rule) for rule in refine}
        judged = _judged(material, times, fields, usual, notes)
        about = {"data": source.what, "split": split, "models": models}
        written = [*judged.write(out, about), *stores.values()]
    for table in ratios.shown(judged.ratios):
        terminal.show(table)
        terminal.show("")
    score.tell([judged.sheet], judged.notes, written)


def _require_free(stores: Iterable[Path], resume: bool) -> None:
    """Refuse to write over an evaluation."""
    if held := [str(store) for store in stores if store.exists() and not resume]:
        raise FileExistsError(
            f"{held[0]} exists: write to another folder, --out, or go on with what an interruption left, --resume"
        )


def named(items: Sequence[str]) -> dict[str, str]:
    """Models of ``[NAME=]MODEL`` by name: that of the model, of its file, or of the folder of its run.

    Examples
    --------
    >>> named(["oi", "ours=oi"])
    {'oi': 'oi', 'ours': 'oi'}
    """
    found: dict[str, str] = {}
    for item in items:
        name, equals, which = item.partition("=")
        if not equals or Path(item).exists():
            name, which = _name_of(item), item
        if not name or "/" in name:
            raise ValueError(f"{item}: {name!r} is no name, for files bear it; write NAME=MODEL, such as ours={which}")
        if name in found or name in score.RESERVED:
            raise ValueError(f"a model cannot be named {name!r} here, for something else is: NAME={which} names it")
        found[name] = weights_of(which)
    return found


def _name_of(model: str) -> str:
    """A short name of a model."""
    path = Path(model).resolve() if Path(model).exists() else Path(model)
    if path.suffix and path.parent.name == "checkpoints":
        return path.parent.parent.name
    return path.stem if path.suffix else path.name


def weights_of(model: str) -> str:
    """The best checkpoint of a training run, for its folder; anything else as it is.

    Raises
    ------
    FileNotFoundError
        Where a run has no checkpoint yet.
    """
    folder = Path(model)
    if not (folder / "data.json").exists() or not (folder / "config.yaml").exists():
        return model
    if not (folder / BEST).exists():
        raise FileNotFoundError(
            f"{folder} has no {BEST} yet: weights are written after the first validation; go on with its training, "
            f"adaf train --resume --out {folder}"
        )
    return str(folder / BEST)


def _chosen(times: np.ndarray, days: Sequence[str] | None, every: int, split: str) -> np.ndarray:
    """Times of a period, those of some days or every so many."""
    if days:
        from adaf_xr.instants import as_times

        wanted = as_times(list(days)).astype("M8[D]")
        if missing := [str(day) for day in wanted if day not in times.astype("M8[D]")]:
            raise ValueError(
                f"the period {split!r} does not have {', '.join(missing)}: it has {len(times)} times from "
                f"{times[0].astype('M8[D]')} to {times[-1].astype('M8[D]')}"
            )
        times = times[np.isin(times.astype("M8[D]"), wanted)]
    return times[::every]


def _say_which(what: str, split: str, times: NDArray[np.datetime64]) -> None:
    """What is evaluated."""
    first, last = (str(day) for day in times[[0, -1]].astype("M8[D]").tolist())
    terminal.say("data", "bold", f"{what}; evaluated: {split}, {len(times)} times from {first} to {last}")


def _topography(path: Path | None) -> Any:
    """A mean dynamic topography."""
    from adaf_xr.cli.inputs import open_path

    return None if path is None else open_path(path)


def _analyses(
    model: str, material: Material, times: np.ndarray, device: str | None, how: Mapping[str, Any]
) -> xr.Dataset:
    """Analyses of all times, lazily."""
    from adaf_xr.inference import assimilate
    from adaf_xr.inference.assimilation import PROTOCOL
    from adaf_xr.inference.engines import ASSIMILATION, resolve

    engine = resolve(engine_of(model), ASSIMILATION, PROTOCOL, device)
    observe: Any = material.observe
    seen = [observe(group, engine.spec.window) for group in apart(times, engine.spec.window)]
    lazy = assimilate(seen, material.background.sel(time=times), model=engine, **how)
    # What a model does not analyse is the background, and no score of the model.
    given = {*engine.spec.variables, *engine.spec.adds}
    return lazy[[name for name in lazy.data_vars if str(name).removesuffix("_std") in given]]


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


def _written(lazy: xr.Dataset, path: Path, resume: bool, at_once: int | None) -> xr.Dataset:
    """Analyses computed and written some after the others, and opened again: no more than some are ever in memory."""
    import xarray as xr

    from adaf_xr.inference import store

    path.parent.mkdir(parents=True, exist_ok=True)
    with terminal.progress(f"analysing with {path.stem}") as moved:
        store.write(lazy.chunk(time=1), path, resume=resume, progress=moved, at_once=at_once)
    return xr.open_zarr(path, consolidated=False)


def _judged(
    material: Material,
    times: np.ndarray,
    fields: Mapping[str, xr.Dataset],
    usual: np.ndarray | None,
    notes: list[str],
) -> Judged:
    """Scores of analyses and of the background, on the grid of the analyses."""
    where = next(iter(fields.values()))
    climatology = None
    if usual is not None:
        with terminal.progress("averaging the training period"):
            climatology = mean_truth(material, usual, where)
    truth, first = (on_grid(ds.sel(time=times), where) for ds in (material.truth, material.background))
    notes.extend(told_of_grid(material.truth, where))
    with terminal.progress("scoring"):
        return Judged.of(truth, {**fields, "background": first}, climatology, notes)
