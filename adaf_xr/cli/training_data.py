"""What a network is trained on or judged by, from a folder: an experiment, data in the published layout, or fields."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from adaf_xr.cli import natl60

if TYPE_CHECKING:
    import xarray as xr

    from adaf_xr.training import Material
    from adaf_xr.training.super_resolution.material import Truth

Period = tuple[np.datetime64, np.datetime64]

PUBLISHED = {
    "train": ("2018-01-10", "2019-01-10"),
    "validation": ("2019-01-10", "2020-01-07"),
    "test": ("2020-01-07", "2021-01-07"),
}
"""Periods of the published training, half-open."""

SHARES = {"train": 0.6, "validation": 0.2, "test": 0.2}
"""Of the days of data that do not cover those, in order of time."""

CATALOG = "adaf_ocean"

FIELDS = (".nc", ".nc4", ".zarr")
"""Ends of the names of fields in a folder of them."""


@dataclass(frozen=True)
class Source:
    """A folder of data, opened.

    Attributes
    ----------
    material : Material
        Truth, first guess, observations and periods; lazy.
    what : str
        What it is and which periods it has, in words.
    """

    material: Material
    what: str


def opened(folder: Path, given: Sequence[str] | None = None) -> Source:
    """A folder of data as material.

    Parameters
    ----------
    folder : Path
        An experiment that `adaf osse` made, a folder in the published layout of ADAF-Ocean or with the data of the
        4DVarNet paper (NATL60), or one with gridded fields (netCDF or zarr) and experiments, at any depth, which have
        no observations and serve super-resolution.
    given : sequence of str, optional
        ``NAME=START,STOP``: periods instead of those that the data have.

    Raises
    ------
    FileNotFoundError
        Where there is no folder.
    ValueError
        Where it is neither, and for periods that cannot be.
    """
    if not folder.is_dir():
        raise FileNotFoundError(
            f"no folder {folder}: --data is an experiment that `adaf osse` made, a folder in the published layout, or "
            "for adaf-ocean-sr one of fields"
        )
    if (folder / "experiment.json").exists():
        material, what, how = _experiment(folder)
    elif all((folder / name).is_dir() for name in ("forecast_bg", "glorys")):
        material, what, how = _published(folder)
    elif root := natl60.root_of(folder):
        material, what, how = natl60.material_of(root), f"NATL60 at {root}", "those of the 4DVarNet paper"
    elif found := _fields_in(folder):
        return _fields(folder, found, given)
    else:
        raise ValueError(
            f"{folder} is neither an experiment (it has no experiment.json; is it still being made?) nor in the "
            "published layout (it lacks forecast_bg/ or glorys/), nor has it any fields (*.nc, *.zarr): make one with "
            "`adaf osse`, or `adaf sample`"
        )
    if given:
        material, how = replace(material, periods=periods_of(given)), "as given"
    return Source(material, f"{what}\n{_spans(material.periods)} ({how})")


@contextmanager
def calm() -> Iterator[None]:
    """Sources that are silent on a day are counted by who prepares the days, and need no word for each."""
    from adaf_xr.catalog import EmptyCatalogWarning
    from adaf_xr.catalog.files import MissingDaysWarning

    with warnings.catch_warnings():
        for category in (EmptyCatalogWarning, MissingDaysWarning):
            warnings.simplefilter("ignore", category)
        yield


def _experiment(folder: Path) -> tuple[Material, str, str]:
    """An experiment, with its own periods."""
    from adaf_xr.osse import open_experiment
    from adaf_xr.training import Material

    experiment = open_experiment(folder)
    return Material.of_experiment(experiment), f"experiment {experiment.name} at {folder}", "of the experiment"


def _fields_in(folder: Path) -> list[Path]:
    """Files of fields and folders of experiments below a folder; what is inside one of them is part of it."""
    if (folder / "truth.zarr").exists():
        raise ValueError(f"{folder} is an experiment that is not complete: `adaf osse` goes on with it")
    found: list[Path] = []
    for path in sorted(folder.iterdir()):
        if path.suffix in FIELDS or (path / "experiment.json").exists():
            found.append(path)
        elif path.is_dir():
            found += _fields_in(path)
    return found


def _fields(folder: Path, found: Sequence[Path], given: Sequence[str] | None) -> Source:
    """Each file and experiment as a truth by itself."""
    from adaf_xr.training.super_resolution.material import Fields

    if given:
        raise ValueError(
            "--period is for data with observations: of fields in a folder, those of experiments are kept apart by "
            "their own periods, and the others by longitude (--set data.held_out=...)"
        )
    truths = [_truth(path, str(path.relative_to(folder))) for path in found]
    sizes = {truth.label: path.stat().st_size for truth, path in zip(truths, found, strict=True) if path.is_file()}
    labels = [truth.label for truth in truths]
    material = Fields.of(truths, {"fields": labels, "bytes": sizes})
    simulated = sum(truth.simulated for truth in truths)
    return Source(material, f"fields at {folder}: {len(truths) - simulated} datasets and {simulated} experiments")


def _truth(path: Path, label: str) -> Truth:
    """A file or an experiment, opened."""
    import xarray as xr

    from adaf_xr.osse import open_experiment
    from adaf_xr.training.super_resolution.material import truth_of

    if path.is_dir() and path.suffix not in FIELDS:
        experiment = open_experiment(path)
        return truth_of(experiment.truth, label, dict(experiment.splits))
    try:
        return truth_of(xr.open_dataset(path, chunks={}, engine="zarr" if path.suffix == ".zarr" else None), label)
    except ValueError as error:
        raise ValueError(f"{path} holds no fields to learn from ({error}): take it out of the folder") from error


def _published(folder: Path) -> tuple[Material, str, str]:
    """Data in the published layout, of the surface; with the published periods or shares of what there is."""
    import xarray as xr

    from adaf_xr.catalog import open_source
    from adaf_xr.training import Material

    root = str(folder.absolute())
    truth, background = (open_source(CATALOG, name, root=root) for name in ("glorys", "background"))
    assert isinstance(truth, xr.Dataset) and isinstance(background, xr.Dataset)
    truth = truth.isel(depth=0, drop=True)
    common = np.intersect1d(truth.time.values.astype("M8[ns]"), background.time.values.astype("M8[ns]"))
    periods, how = _usual_periods(common)
    provenance = {"catalog": CATALOG, "root": root, "days": len(common)}
    material = Material(truth, background, Published(root), periods, provenance)
    return material, f"published layout at {folder}, {len(common)} days", how


@dataclass(frozen=True)
class Published:
    """Observations of a folder in the published layout; it travels to workers as its path.

    Attributes
    ----------
    root : str
        The folder.
    """

    root: str

    def __call__(self, time: Any, window: Any) -> xr.DataTree:
        """What was seen around analysis times."""
        from adaf_xr.catalog import open_observations

        return open_observations(CATALOG, time=time, window=window, root=self.root)


def _usual_periods(times: np.ndarray) -> tuple[dict[str, Period], str]:
    """The published periods where all of them have days, else shares of the days there are."""
    known = periods_of([f"{name}={start},{stop}" for name, (start, stop) in PUBLISHED.items()])
    if all(((times >= start) & (times < stop)).any() for start, stop in known.values()):
        return known, "those of the published training"
    return shares_of(times), "60, 20 and 20 % of the days there are, in order of time: choose others with --period"


def shares_of(times: np.ndarray) -> dict[str, Period]:
    """Periods of `SHARES`, each of a day at least.

    Examples
    --------
    >>> days = np.arange("2020-01-01", "2020-01-11", dtype="M8[D]").astype("M8[ns]")
    >>> {name: str(start)[:10] for name, (start, _) in shares_of(days).items()}
    {'train': '2020-01-01', 'validation': '2020-01-07', 'test': '2020-01-09'}
    """
    count = len(times)
    if count < len(SHARES):
        raise ValueError(
            f"{count} days on which truth and first guess are both there are too few to train, to validate and to test "
            "on: there must be three"
        )
    second = min(max(1, round(SHARES["train"] * count)), count - 2)
    third = min(max(second + 1, round((SHARES["train"] + SHARES["validation"]) * count)), count - 1)
    ends = [*times[[0, second, third]], times[-1] + np.timedelta64(1, "ns")]
    return dict(zip(SHARES, pairwise(ends), strict=True))


def periods_of(given: Sequence[str]) -> dict[str, Period]:
    """Periods of ``NAME=START,STOP``, half-open.

    Examples
    --------
    >>> start, stop = periods_of(["train=2020-01-01,2020-02-01"])["train"]
    >>> str(stop - start)
    '2678400000000000 nanoseconds'
    """
    from adaf_xr.instants import as_times

    found: dict[str, Period] = {}
    for item in given:
        name, equals, span = item.partition("=")
        ends = span.split(",")
        if not equals or len(ends) != 2:
            raise ValueError(f"--period {item}: write NAME=START,STOP, such as train=2018-01-10,2019-01-10")
        start, stop = as_times([end.strip() for end in ends])
        if not start < stop:
            raise ValueError(f"--period {item}: its end is not after its start")
        found[name] = (start, stop)
    return found


def _spans(periods: Mapping[str, Period]) -> str:
    """Periods in words."""
    return "; ".join(f"{name} {str(start)[:10]} to {_last(stop)}" for name, (start, stop) in periods.items())


def _last(stop: np.datetime64) -> str:
    """The last day that a half-open period has."""
    return str((stop - np.timedelta64(1, "ns")).astype("M8[D]"))
