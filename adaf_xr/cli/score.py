"""``adaf score``: analyses against a truth or observations, as a table, as files and as pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adaf_xr._version import __version__
from adaf_xr.cli import inputs, options, pictures, report, terminal

if TYPE_CHECKING:
    import xarray as xr

    from adaf_xr.inference.comparison import Comparison, Matched, Sheet

SCORING = "What is scored"

RESERVED = ("truth", "background", "climatology")
"""Names of what analyses are held against."""

Analyses = Annotated[
    list[str],
    typer.Argument(metavar="[NAME=]PATH...", help="Analyses: gridded files or zarr stores. Default name: the file's."),
]
Truth = Annotated[
    str | None,
    typer.Option(
        metavar="PATH|NAME", help="A gridded file, or a source of the catalog.", rich_help_panel=options.INPUT
    ),
]
Catalog = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="The catalog whose sources --truth, --background and --climatology may name. Without --truth its "
        "observations are what is scored against.",
        rich_help_panel=options.INPUT,
    ),
]
Background = Annotated[
    str | None,
    typer.Option(
        metavar="PATH|NAME",
        help="What the analyses should improve on: a gridded file, or a source of the catalog.",
        rich_help_panel=options.INPUT,
    ),
]
Climatology = Annotated[
    str | None,
    typer.Option(
        metavar="PATH|NAME",
        help="What anomalies are from. A series is averaged by day of the year, over times that are not scored.",
        rich_help_panel=options.INPUT,
    ),
]
Variables = Annotated[
    list[str] | None,
    typer.Option("--variable", metavar="NAME", help="A variable; repeat it for more.", rich_help_panel=SCORING),
]
Times = Annotated[
    list[str] | None,
    typer.Option("--time", metavar="TIME", help="A time or day; repeat it for more.", rich_help_panel=SCORING),
]
Period = Annotated[
    tuple[str, str] | None,
    typer.Option(metavar="START STOP", help="Times from START until before STOP.", rich_help_panel=SCORING),
]
Region = Annotated[
    tuple[float, float, float, float] | None,
    typer.Option(metavar="W E S N", help="Part of the Earth, degrees.", rich_help_panel=SCORING),
]
Depth = Annotated[
    list[float] | None,
    typer.Option("--depth", metavar="METRES", help="A level; repeat it for more.", rich_help_panel=SCORING),
]
Regrid = Annotated[
    bool,
    typer.Option(
        "--regrid",
        help="Interpolate what lies on another grid than the truth, bilinearly; its land stays out. Without it unlike "
        "grids are an error.",
        rich_help_panel=SCORING,
    ),
]
Out = Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where to write.", rich_help_panel=options.OUTPUT)]
CalcMetrics = Annotated[
    bool,
    typer.Option(
        "--calc-metrics",
        help="Write the table of ADAF-Ocean too, by date: calc_metrics_NAME.csv.",
        rich_help_panel=options.OUTPUT,
    ),
]
Pictures = Annotated[
    bool, typer.Option("--pictures/--no-pictures", help="Whether to draw.", rich_help_panel=options.OUTPUT)
]


def score(
    analyses: Analyses,
    truth: Truth = None,
    obs: options.Observations = None,
    catalog: Catalog = None,
    set_: options.Parameters = None,
    background: Background = None,
    climatology: Climatology = None,
    variable: Variables = None,
    time: Times = None,
    period: Period = None,
    region: Region = None,
    depth: Depth = None,
    regrid: Regrid = False,
    out: Out = Path("scores"),
    calc_metrics: CalcMetrics = False,
    draw: Pictures = True,
    scheduler: options.Scheduler = None,
    workers: options.Workers = 0,
) -> None:
    """Score analyses against a truth or observations: tables, files and pictures.

    Against a truth: `adaf score oi=oi.zarr duacs=duacs.nc --truth truth.zarr --background first.zarr`

    Against observations that were held back: `adaf score oi.zarr --obs ssh=cryosat.nc`

    Writes scores.csv, scores.json and pictures.
    """
    if truth is None and not obs and catalog is None:
        raise ValueError("nothing to score against: name a truth with --truth, or observations with --obs")
    if truth is None and (depth or regrid or climatology or calc_metrics):
        raise ValueError("--depth, --regrid, --climatology and --calc-metrics are for a truth: name one with --truth")
    how = inputs.parameters(set_)
    where: dict[str, Any] = {"variables": variable or None, "time": time or None, "period": period, "region": region}
    with terminal.cluster(scheduler, workers):
        fields = named(analyses)
        if background is not None:
            fields["background"] = _field(background, catalog, where, how)
        sheets: list[Sheet] = []
        notes: list[str] = []
        written: list[Path] = []
        shown: tuple[Matched, Comparison] | None = None
        if truth is not None:
            # Of all its times: those that are scored are what a climatology leaves out.
            usual = None if climatology is None else _field(climatology, catalog, None, how)
            beside = {"climatology": usual, "depth": depth or None, "regrid": regrid, **where}
            matched, compared = _beside(_field(truth, catalog, where, how), fields, beside)
            sheets, notes, shown = [compared.sheet], matched.notes, (matched, compared)
            out.mkdir(parents=True, exist_ok=True)
            written += _calc_metrics(matched, out) if calc_metrics else []
        if obs or truth is None:
            sheets += _at_points(_seen(None if truth else catalog, obs, fields, where, how), fields, where)
        # Numbers first: what goes wrong in a picture takes none of them away.
        written = _write(sheets, notes, out) + written
        written += _pictures(*shown, out) if shown and draw else []
    tell(sheets, notes, written)


def named(items: Sequence[str]) -> dict[str, xr.Dataset]:
    """Analyses of ``[NAME=]PATH``, opened; the default name is that of the file.

    Raises
    ------
    ValueError
        Where two have the same name, or one of a field that others are held against.
    """
    found: dict[str, xr.Dataset] = {}
    for item in items:
        name, equals, path = item.partition("=")
        if not equals or Path(item).exists():
            name, path = Path(item).stem, item
        if name in found:
            raise ValueError(f"two analyses are named {name!r}: tell them apart, NAME=PATH")
        if name in RESERVED:
            raise ValueError(f"an analysis cannot be named {name!r}: give it another name, NAME={path}")
        found[name] = inputs.open_in_pieces(Path(path))
    return found


def _field(name: str, catalog: str | None, where: Mapping[str, Any] | None, how: Mapping[str, str]) -> Any:
    """A gridded file, or else a source of the catalog, at least at the times that are scored."""
    if catalog is None or Path(name).exists():
        return inputs.open_in_pieces(Path(name))
    times = None if where is None else inputs.times(where["time"]) or where["period"]
    return inputs.background(catalog, name, times, **how)


def _seen(
    catalog: str | None, files: list[str] | None, fields: dict[str, Any], where: Mapping[str, Any], how: dict[str, str]
) -> list[Any]:
    """Observations, those of a catalog around the times that are scored and no others."""
    from adaf_xr.inference.comparison import span_of

    given: dict[str, Any] = dict(how)
    times = where["period"] or where["time"] or span_of(fields)
    if catalog is not None and times is not None:
        given |= {"time": times, "window": ("0h", "24h")}
    return inputs.observations(catalog, files, **given)


def _beside(truth: Any, fields: dict[str, Any], how: Mapping[str, Any]) -> tuple[Matched, Comparison]:
    """Fields on the axes of a truth, and their scores."""
    from adaf_xr.inference.comparison import compare, match

    with terminal.progress("scoring"):
        matched = match(truth, fields, **how)
        return matched, compare(matched)


def _at_points(observations: list[Any], fields: dict[str, Any], where: Mapping[str, Any]) -> list[Sheet]:
    """Scores at the places and times of observations."""
    from adaf_xr.inference.comparison import compare_at_points, sampled

    with terminal.progress("scoring against observations"):
        seen = sampled(observations, fields, **where)
        return [compare_at_points(matched, against).sheet for against, matched in seen.items()]


def _calc_metrics(matched: Matched, folder: Path) -> list[Path]:
    """The table of ADAF-Ocean of each analysis."""
    from adaf_xr.inference.comparison import calc_metrics_of

    written = []
    for name, table in calc_metrics_of(matched).items():
        table.to_csv(written_to := folder / f"calc_metrics_{name}.csv")
        written.append(written_to)
    return written


def _pictures(matched: Matched, compared: Comparison, folder: Path) -> list[Path]:
    """All pictures."""
    with terminal.progress("drawing"):
        return pictures.draw(matched, compared, folder)


def _write(sheets: list[Sheet], notes: list[str], folder: Path) -> list[Path]:
    """scores.csv and scores.json."""
    from adaf_xr.inference.comparison import joined

    sheet = joined(sheets)
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / "scores.csv", folder / "scores.json"]
    sheet.table().to_csv(written[0], index=False)
    about = {"adaf_xr": __version__, "notes": notes, **sheet.records()}
    written[1].write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n")
    return written


def tell(sheets: list[Sheet], notes: list[str], written: list[Path]) -> None:
    """Tables, what they leave out, and where the files are."""
    from adaf_xr.inference.comparison import joined

    sheet = joined(sheets)
    for table in report.tables(sheet.table(), terminal.width()):
        terminal.show(table)
        terminal.show("")
    for line in [*notes, *sheet.reasons()]:
        terminal.show(f"- {line}")
    names = [path.name for path in written]
    terminal.show(f"\n{written[0].parent}: {', '.join(names)}")
