"""The commands: ``adaf demo | catalog | assimilate | upsample | osse | sample | score | train | evaluate``."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adaf_xr._version import __version__
from adaf_xr.cli import inputs, options, report, terminal
from adaf_xr.cli.evaluate import evaluate
from adaf_xr.cli.osse import osse
from adaf_xr.cli.sample import sample
from adaf_xr.cli.score import score
from adaf_xr.cli.train import train

if TYPE_CHECKING:
    import xarray as xr

app = typer.Typer(
    cls=terminal.ReadableErrors,
    help="Ocean data assimilation for xarray: observations in as points, lazy fields out.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    """Print the version and leave."""
    if wanted:
        typer.echo(f"adaf_xr {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    traceback: Annotated[bool, typer.Option("--traceback", "-v", help="Show where an error came from.")] = False,
) -> None:
    """Options that stand before the command; others read them."""


@app.command()
def demo(
    folder: options.Folder = Path(),
    scheduler: options.Scheduler = None,
    workers: options.Workers = 0,
) -> None:
    """Analyse the embedded sample, and score it against the truth it was drawn from.

    Prints a table of scores, and writes analysis.zarr and maps, analysis.png.
    """
    import xarray as xr

    from adaf_xr.inference import assimilate as run
    from adaf_xr.inference import upsample as refine

    store = folder / "analysis.zarr"
    first, truth = (inputs.background("demo", name) for name in ("background", "truth"))
    with terminal.cluster(scheduler, workers):
        _write(run(inputs.observations("demo"), first), _vacated(store), resume=False)
        analysis = xr.open_zarr(store, consolidated=False)
        terminal.show(report.scores(truth, refine(first, model="cubic"), analysis))
        report.maps(first, analysis, folder / "analysis.png")
    terminal.show(f"\nanalysis: {store}\nmaps:     {folder / 'analysis.png'}")


@app.command()
def catalog(name: Annotated[str | None, typer.Argument(help="A catalog; without it, all are listed.")] = None) -> None:
    """List the catalogs, or the sources of one with their parameters."""
    from adaf_xr.catalog import describe, list_catalogs

    terminal.show(list_catalogs() if name is None else describe(name))


@app.command()
def assimilate(
    obs: options.Observations = None,
    catalog: options.Catalog = None,
    set_: options.Parameters = None,
    background: options.Background = "background",
    mdt: options.MDT = None,
    on_error: options.OnErrorOption = options.OnError.RAISE,
    time: options.Times = None,
    window: options.Window = None,
    region: options.Region = None,
    grid: options.Grid = None,
    model: options.Engine = None,
    store: options.Store = Path("analysis.zarr"),
    resume: options.Resume = False,
    device: options.Device = None,
    scheduler: options.Scheduler = None,
    workers: options.Workers = 0,
) -> None:
    """Assimilate observations into a background and write the analysis.

    From files: `adaf assimilate --obs insitu=argo.nc --obs track.nc --background first_guess.nc`

    From a catalog: `adaf assimilate --catalog demo`
    """
    from adaf_xr.inference import assimilate as run

    when, span, how = inputs.times(time), inputs.window(window), inputs.parameters(set_)
    around = {} if span is None else {"window": span}
    with terminal.cluster(scheduler, workers):
        analysis = run(
            inputs.observations(catalog, obs, on_error, time=when, **around, **how),
            inputs.background(catalog, background, when, **how),
            model=model,
            grid=grid,
            time=when,
            window=span,
            region=region,
            mdt=None if mdt is None else inputs.open_path(mdt),
            device=device,
            on_error=on_error.value,
        )
        _write(analysis, store, resume=resume)
    terminal.show(f"analysis: {store}")


@app.command()
def upsample(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A gridded file or zarr store.")],
    store: Annotated[Path, typer.Argument(metavar="OUT", help="The zarr store to write.")],
    factor: options.Factor = 4,
    keep_means: options.KeepMeans = False,
    model: options.Model = None,
    resume: options.Resume = False,
    scheduler: options.Scheduler = None,
    workers: options.Workers = 0,
) -> None:
    """Refine gridded fields, aware of land."""
    from adaf_xr.inference import upsample as run

    with terminal.cluster(scheduler, workers):
        fine = run(inputs.open_path(source), factor, model=model, keep_means=keep_means)
        _write(fine, store, resume=resume)
    terminal.show(f"fine fields: {store}")


app.command()(osse)
app.command()(sample)
app.command()(score)
app.command()(train)
app.command()(evaluate)


def _write(ds: xr.Dataset, path: Path, *, resume: bool) -> None:
    """Write a lazy dataset with a bar that counts its times."""
    from adaf_xr.inference import store

    with terminal.progress(f"writing {path.name}") as moved:
        if all("time" in field.dims for field in ds.data_vars.values()):
            # One time is one task and one shard, however the input was chunked.
            store.write(ds.chunk(time=1), path, resume=resume, progress=moved)
        elif path.exists():
            raise FileExistsError(f"{path} exists: remove it, or write to another path")
        else:
            ds.to_zarr(path, zarr_format=3, consolidated=False)


def _vacated(store: Path) -> Path:
    """The path of a store of an earlier demonstration, removed; anything else that is there stays and is an error."""
    if (store / "zarr.json").exists():
        shutil.rmtree(store)
    return store
