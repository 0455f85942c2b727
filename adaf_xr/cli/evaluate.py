"""``adaf evaluate``: a model run over a period of an experiment, and scored against its truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from adaf_xr.cli import options, paper, ratios, score, terminal, training_data
from adaf_xr.cli.analysing import Seen, Work, require_free, stores_of
from adaf_xr.cli.interpolated import STORE, Height, Heights, Temperature, Temperatures
from adaf_xr.cli.judging import Judged, mean_truth, on_grid, told_of_grid, training_times
from adaf_xr.cli.observed import Chosen, Seed, Thin, Without, names_of, require_known
from adaf_xr.cli.refined import Refined
from adaf_xr.cli.runs import engines_of

if TYPE_CHECKING:
    import xarray as xr

    from adaf_xr.training import Material

EVALUATION = "What is evaluated"

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
Weights = Annotated[
    str | None,
    typer.Option(
        "--checkpoint",
        metavar="PATH",
        help="Weights of MODEL, which then is a name and nothing else: ours, or a published .ckpt of 4DVarNet.",
        rich_help_panel=EVALUATION,
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
    checkpoint: Weights = None,
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
    heights: Heights = Height.ANALYSIS,
    sst: Temperatures = Temperature.TRUTH,
    period: options.Periods = None,
    climatology: Climatology = True,
    mdt: options.MDT = None,
    out: Out = Path("evaluation"),
    table: paper.Paper = None,
    resume: options.Resume = False,
    device: options.Device = None,
    scheduler: options.Scheduler = None,
    workers: options.Workers = 0,
) -> None:
    """Run a model over the test period of an experiment, and score it against the truth and the background.

    `adaf evaluate RUN --data EXPERIMENT --against oi`

    Writes the analyses, scores.csv, ratios.csv of the errors of one model and those of another, scores.json, the table
    of ADAF-Ocean, calc_metrics_NAME.csv, and of models of 4DVarNet the table of its paper, paper.csv.
    """
    if data is None:
        raise ValueError(f"an evaluation needs data: adaf evaluate {model} --data DIR")
    models = named([model, *(against or [])], checkpoint)
    engines, seen = engines_of(models, device), Seen(heights, sst)
    stores = [out / f"{name}.zarr" for name in stores_of(engines, seen, refine or [])]
    require_free(stores, resume)
    source = training_data.opened(data, period)
    times = _chosen(source.material.times(split), time, every, split)
    _say_which(source.what, split, times)
    chosen = Chosen(source.material.observe, names_of(without), thin, seed)
    require_known(chosen, times[0])
    material = replace(source.material, observe=chosen)
    notes = chosen.said()
    usual = training_times(material, times, notes) if climatology else None
    again = "the same command with --resume goes on after the days that are written"
    with terminal.resumable(again), terminal.cluster(scheduler, workers), terminal.remembering(notes):
        how = {"region": region, "mdt": _topography(mdt)}
        work = Work(times, grid, how, out, resume, None if scheduler or workers else AT_ONCE)
        fields = work.fields(engines, material, seen, refine or [], notes)
        first = fields.pop(STORE, None)
        judged, tables, files = _judged(material, times, fields, usual, notes), [], []
        if _wants_paper(table, engines):
            rows = _paper(material, times, fields, first, engines, region, judged.sheet)
            tables, files = paper.shown(rows, terminal.width()), [paper.write(rows, out)]
        about = {"data": source.what, "split": split, "models": models}
        written = [*judged.write(out, about), *files, *stores]
    for each in [*tables, *ratios.shown(judged.ratios)]:
        terminal.show(each)
        terminal.show("")
    score.tell([judged.sheet], judged.notes, written)


def named(items: Sequence[str], checkpoint: str | None = None) -> dict[str, str]:
    """Models of ``[NAME=]MODEL`` by name: that of the model, of its file, or of the folder of its run.

    The weights of the first are those of a checkpoint, where one is given.

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
        if name in found or name in (*score.RESERVED, STORE):
            raise ValueError(f"a model cannot be named {name!r} here, for something else is: NAME={which} names it")
        found[name] = weights_of(which)
    if checkpoint is not None:
        first = next(iter(found))
        found[first] = _published(first, weights_of(checkpoint))
    return found


def _published(name: str, path: str) -> str:
    """Our copy of a published file, by the name of its experiment; any other weights as they are."""
    from adaf_xr.inference.engines import FOURDVARNET, TORCH, published_file

    if not path.endswith(TORCH):
        return path
    return published_file(Path(path).expanduser(), **({"experiment": name} if name in FOURDVARNET else {}))


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


def _wants_paper(table: bool | None, engines: Mapping[str, Any]) -> bool:
    """Whether the table of the paper of 4DVarNet is made: if asked for, or where a model is one of these."""
    return any(engine.spec.days > 1 for engine in engines.values()) if table is None else table


def _paper(
    material: Material,
    times: np.ndarray,
    fields: Mapping[str, xr.Dataset],
    first: xr.Dataset | None,
    engines: Mapping[str, Any],
    region: Any,
    sheet: Any,
) -> Any:
    """The table of the paper; what it lacks is said with the other scores."""
    where = next(iter(fields.values()))
    truth = on_grid(material.truth.sel(time=times), where)
    experiment = material.provenance.get("experiment", {})
    box = region or experiment.get("evaluation")
    currentless = [name for name, engine in engines.items() if engine.spec.name == "oi"]
    found = paper.sheet_of(truth, fields, first, currentless, box)
    sheet.missing.extend(found.missing)
    return paper.table_of(found, str(experiment.get("name", "data")))
