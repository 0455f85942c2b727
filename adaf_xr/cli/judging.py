"""Analyses beside the truth of an experiment, on the grid of the analyses."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from adaf_xr._version import __version__
from adaf_xr.cli.ratios import ratios

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from adaf_xr.inference.comparison import Matched, Sheet
    from adaf_xr.training import Material

AXES = ("latitude", "longitude")

SMALL = 2**28
"""Bytes of fields that are scored in memory: graphs of many small pieces take longer than their sums."""

TRAINING = "train"
"""The period whose mean is the climatology."""


@dataclass(frozen=True)
class Judged:
    """Scores of analyses.

    Attributes
    ----------
    sheet : Sheet
        All scores, as `adaf score` has them.
    tables : dict of str to DataFrame
        The table of ADAF-Ocean of each analysis.
    notes : list of str
        What to know of them.
    """

    sheet: Sheet
    tables: dict[str, pd.DataFrame]
    notes: list[str]

    @classmethod
    def of(
        cls,
        truth: xr.Dataset,
        fields: Mapping[str, xr.Dataset],
        usual: xr.Dataset | None,
        notes: Sequence[str] = (),
    ) -> Judged:
        """Score fields where all of them have values; this computes, day by day.

        Parameters
        ----------
        truth : Dataset
            What is right.
        fields : mapping of str to Dataset
            Analyses, and their ``background``, on the grid of the truth.
        usual : Dataset, optional
            What anomalies are taken from.
        notes : sequence of str
            What is known of them already.
        """
        from adaf_xr.inference.comparison import Matched, calc_metrics_of, compare, everywhere, match

        whole = match(truth, fields, climatology=usual)
        if sum(ds.nbytes for ds in (whole.truth, *whole.fields.values())) < SMALL:
            whole = Matched(whole.truth.load(), {name: ds.load() for name, ds in whole.fields.items()}, whole.notes)
        alike = everywhere(whole)
        sheet = compare(alike, whole).sheet + resolved(alike)
        return cls(sheet, calc_metrics_of(alike), [*notes, *whole.notes])

    @property
    def ratios(self) -> pd.DataFrame:
        """Errors of every analysis as shares of those of the others."""
        return ratios(self.sheet.table())

    def write(self, folder: Path, about: Mapping[str, Any]) -> list[Path]:
        """scores.csv, ratios.csv, scores.json and calc_metrics_NAME.csv."""
        folder.mkdir(parents=True, exist_ok=True)
        written = [folder / "scores.csv", folder / "scores.json", folder / "ratios.csv"]
        self.sheet.table().to_csv(written[0], index=False)
        self.ratios.to_csv(written[2], index=False)
        said = {"adaf_xr": __version__, **about, "notes": self.notes, **self.sheet.records()}
        written[1].write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n")
        for name, table in self.tables.items():
            table.to_csv(path := folder / f"calc_metrics_{name}.csv")
            written.append(path)
        return written


def resolved(matched: Matched) -> Sheet:
    """Wavelengths that fields resolve in boxes of open sea, at the level nearest the surface; this computes."""
    from adaf_xr.inference.comparison import CLIMATOLOGY, joined, uppermost
    from adaf_xr.inference.comparison.scales import attempt
    from adaf_xr.metrics import resolution_in_boxes

    def of(field: xr.DataArray, truth: xr.DataArray) -> tuple[float]:
        return (resolution_in_boxes(uppermost(field), uppermost(truth)),)

    pairs = {name: matched.pair(name) for name in matched.fields if name != CLIMATOLOGY}
    return joined(
        attempt(name, str(key), (("resolved", "km"),), partial(of, field[key], truth[key]))
        for name, (field, truth) in pairs.items()
        for key in truth.data_vars
        if key in field
    )


def target_grid(material: Material, spacing: float | None) -> Any:
    """Where analyses lie: on the cells of the background, or of the truth, where one of them has the spacing."""
    for ds in (material.background, material.truth):
        own = spacing_of(ds)
        if spacing is None or abs(own - spacing) < 1e-3 * own:
            return {axis: ds[axis].values for axis in AXES}
    return spacing


def training_times(material: Material, scored: np.ndarray, notes: list[str]) -> np.ndarray | None:
    """Times whose mean truth is the climatology: those of training that are not scored; None where there are none.

    Notes say which they are, or why there are none.
    """
    if TRAINING not in material.periods:
        notes.append(f"no climatology: there is no period {TRAINING!r}; --period {TRAINING}=START,STOP names one")
        return None
    known = material.times(TRAINING)
    rest = np.setdiff1d(known, scored)
    if not rest.size:
        notes.append(f"no climatology: all of the {known.size} times of the period {TRAINING!r} are scored")
        return None
    first, last = (str(day) for day in rest[[0, -1]].astype("M8[D]").tolist())
    notes.append(
        f"climatology: mean truth of {rest.size} times of training from {first} to {last}, none of them scored"
    )
    return rest


def mean_truth(material: Material, times: np.ndarray, where: xr.Dataset) -> xr.Dataset:
    """Mean of the truth over some times, on the grid of an analysis, in memory."""
    named = [name for name in material.truth.data_vars if name in where]
    truth = material.truth[named].sel(time=times)
    return on_grid(truth.mean("time", keep_attrs=True).compute(), where)


def spacing_of(ds: xr.Dataset) -> float:
    """Degrees between rows."""
    return float(np.median(np.abs(np.diff(ds.latitude.values.astype("f8")))))


def told_of_grid(truth: xr.Dataset, where: xr.Dataset) -> list[str]:
    """What to know where a truth is coarser than what it judges."""
    coarse, fine = spacing_of(truth), spacing_of(where)
    if coarse <= fine * (1.0 + 1e-3):
        return []
    return [
        f"the truth of {coarse:g} degrees is interpolated to the {fine:g} degrees of the analysis: it does not know "
        "the scales between"
    ]


def on_grid(ds: xr.Dataset, where: xr.Dataset) -> xr.Dataset:
    """Fields on the grid of others, lazily: as they are, averaged over its cells, or interpolated to a finer one.

    Parameters
    ----------
    ds : Dataset
        Canonical fields on (..., latitude, longitude).
    where : Dataset
        Fields on the grid that is wanted.

    Raises
    ------
    ValueError
        Where cells of `ds` are finer and do not nest in those wanted.

    Examples
    --------
    >>> import xarray as xr
    >>> fine = {"latitude": [10.25, 10.75, 11.25, 11.75], "longitude": [20.25, 20.75, 21.25, 21.75]}
    >>> ds = xr.Dataset({"zos": (tuple(fine), np.arange(16.0).reshape(4, 4))}, fine)
    >>> coarse = xr.Dataset(coords={"latitude": [10.5, 11.5], "longitude": [20.5, 21.5]})
    >>> on_grid(ds, coarse).zos.values.round(1).tolist()
    [[2.5, 4.5], [10.5, 12.5]]
    """
    from adaf_xr.cell_means import cell_means, lattice_through
    from adaf_xr.grids import regrid

    mine, theirs = (tuple(each[axis].values.astype("f8") for axis in AXES) for each in (ds, where))
    if all(a.shape == b.shape and np.allclose(a, b, atol=1e-6) for a, b in zip(mine, theirs, strict=True)):
        return ds
    spacing, wanted = spacing_of(ds), spacing_of(where)
    (latitude, longitude), (rows, columns) = mine, theirs
    if spacing > wanted:
        to = {"to_latitude": rows, "to_longitude": columns}
        return _brought(ds, where, partial(regrid, latitude=latitude, longitude=longitude, **to))
    lattice = lattice_through(rows, columns, unit=wanted)
    if lattice is None:
        raise ValueError(
            f"the analysis lies on no regular grid of {wanted:g} degrees, and the truth is finer: choose --grid "
            f"{spacing:g}, that of the truth"
        )
    row, column = lattice.row(rows)[:, None], lattice.column(columns)[None, :]

    def means(values: NDArray) -> NDArray:
        return cell_means(values, latitude, longitude, lattice)[..., row, column]

    return _brought(ds, where, means)


def _brought(ds: xr.Dataset, where: xr.Dataset, rule: Any) -> xr.Dataset:
    """Fields through a rule for arrays (..., n_lat, n_lon), map by map."""
    import xarray as xr

    sizes = {axis: where.sizes[axis] for axis in AXES}
    result = xr.apply_ufunc(
        rule, ds, input_core_dims=[AXES], output_core_dims=[AXES], exclude_dims=set(AXES), dask="parallelized",
        output_dtypes=["f4"], dask_gufunc_kwargs={"output_sizes": sizes, "allow_rechunk": True}, keep_attrs=True,
    )  # fmt: skip
    return result.assign_coords({axis: where[axis] for axis in AXES})
