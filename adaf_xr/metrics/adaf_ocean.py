"""The table of ADAF-Ocean: RMSE, ACC and correlation of analysis, background and climatology, date by date."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Literal

import dask
import numpy as np
import pandas as pd
import xarray as xr

from adaf_xr.metrics.climatology import climatology_at
from adaf_xr.metrics.formulas import ANOMALY_METRICS, METRICS, from_sums
from adaf_xr.metrics.horizontal import Weights, axes, is_area
from adaf_xr.metrics.pairing import matched
from adaf_xr.metrics.scores import shared
from adaf_xr.metrics.statistics import STATISTICS, of, sums

Definition = Literal["exact", "published"]
Columns = dict[str, xr.DataArray]

COLUMNS = (
    *("rmse", "weighted_rmse", "rmse_bg", "weighted_rmse_bg", "rmse_clima", "weighted_rmse_clima"),
    *("acc", "weighted_acc", "acc_bg", "weighted_acc_bg", "corr", "corr_bg", "corr_clima"),
)
"""Columns of the table, in the order of ADAF-Ocean."""

SUFFIX = {"field": "", "background": "_bg", "climatology": "_clima"}
"""How columns say of whom a score is."""


def calc_metrics(
    analysis: xr.Dataset,
    truth: xr.Dataset,
    background: xr.Dataset | None = None,
    climatology: xr.Dataset | None = None,
    *,
    weights: Weights = "area",
    definition: Definition = "exact",
) -> pd.DataFrame:
    r"""Scores per date and variable under the names of ADAF-Ocean's table; this computes.

    Parameters
    ----------
    analysis, truth, background : Dataset
        On the same grid and times. Variables that the truth lacks are ignored.
    climatology : Dataset
        As for :func:`adaf_xr.metrics.scores.acc`.
    weights : "area", DataArray or None
        Those of the ``weighted_`` columns; the other columns count all cells alike.
    definition : {"exact", "published"}
        *exact*: every column of a row is of the same cells, those where all that is given is present; weighted means
        are divided by the weight of these cells; ACC is that of anomalies, weighted or not. *published*: as the script
        of ADAF-Ocean computes it, to compare with its figures. There, of n rows of latitude from north to south, a row
        weighs :math:`n \cos\varphi_i / \sum \cos\varphi` with φ in n equal steps from 90 to -90 degrees, whatever its
        latitude, and the weighted mean is divided by the number of cells, so land in the tropics lowers the error;
        the unweighted ACC is the correlation of the full fields about zero, for nothing is subtracted; in both ACCs a
        missing value is an anomaly of zero, even where the other side is present; each column is of the cells that it
        can have.

    Returns
    -------
    pandas.DataFrame
        Index: time, further dimensions such as depth, variable. Columns: :data:`COLUMNS`, missing where background or
        climatology are not given, or no cell counts. ``.groupby("variable").mean()`` averages over dates as ADAF-Ocean
        does, ``.to_csv(path)`` writes.

    Raises
    ------
    ValueError
        Where nothing is shared, grids or times differ, or published weights are asked of fields without latitude rows.

    References
    ----------
    Xiang, Y., et al. (2025). ADAF-Ocean. arXiv:2511.06041.

    Examples
    --------
    >>> axes = {"time": pd.date_range("2020-01-01", periods=2), "latitude": [-0.5, 0.5], "longitude": [0.5, 1.5]}
    >>> truth = xr.Dataset({"zos": (tuple(axes), np.arange(8.0).reshape(2, 2, 2))}, axes)
    >>> table = calc_metrics(truth + 1.0, truth, truth - 2.0, 0.0 * truth.isel(time=0, drop=True))
    >>> table.loc[("2020-01-01", "zos"), ["rmse", "weighted_rmse", "rmse_bg", "corr"]].tolist()
    [1.0, 1.0, 2.0, 1.0]
    """
    if definition not in ("exact", "published"):
        raise ValueError(f'definition={definition!r}: choose "exact" or "published"')
    if definition == "published" and not is_area(weights):
        raise ValueError(
            "the published definition has its own weights: leave weights=... out, or take definition='exact'"
        )
    others = {"background": background, "climatology": climatology}
    given = {name: ds for name, ds in others.items() if ds is not None}
    lazy = {}
    for name in shared(analysis, truth, *given.values()):
        arrays = {key: ds[name] for key, ds in given.items()}
        if climatology is not None:
            arrays["climatology"] = climatology_at(climatology[name], analysis[name])
        if definition == "exact":
            lazy[name] = _exact(analysis[name], truth[name], arrays, weights)
        else:
            lazy[name] = _published(analysis[name], truth[name], arrays)
    # One computation for all: what the columns share is read once.
    (computed,) = dask.compute(lazy)
    return _table(computed)


def _exact(field: xr.DataArray, truth: xr.DataArray, others: Columns, weights: Weights) -> xr.Dataset:
    """Columns of one variable, all of the same cells."""
    weighted = [METRICS["rmse"]] + ([ANOMALY_METRICS["acc"]] if "climatology" in others else [])
    names = [
        # A climatology has no anomaly of its own.
        sorted({of(k, who) for who in ("field", *others) for m in metrics for k in m.statistics} & set(STATISTICS))
        for metrics in ([*weighted, METRICS["correlation"]], weighted)
    ]
    plain, heavy = (
        sums(field, truth, weights=w, regions=None, names=keys, **others)
        for w, keys in zip((None, weights), names, strict=True)
    )
    columns: Columns = {}
    for who in ("field", *others):
        mine, weighty = from_sums(plain, who), from_sums(heavy, who)
        columns |= {f"rmse{SUFFIX[who]}": mine["rmse"], f"weighted_rmse{SUFFIX[who]}": weighty["rmse"]}
        columns[f"corr{SUFFIX[who]}"] = mine["correlation"]
        if "acc" in mine:
            columns |= {f"acc{SUFFIX[who]}": mine["acc"], f"weighted_acc{SUFFIX[who]}": weighty["acc"]}
    return xr.Dataset(columns)


def _published(field: xr.DataArray, truth: xr.DataArray, others: Columns) -> xr.Dataset:
    """Columns of one variable as the script has them."""
    truth = matched(field, truth, "the truth")
    rows = published_weights(field)
    usual = matched(field, others["climatology"], "the climatology") if "climatology" in others else None
    columns: Columns = {}
    for who, given in {"field": field, **others}.items():
        x, end = matched(field, given, f"the {who}"), SUFFIX[who]
        alike = sums(x, truth, weights=None, names=_statistics("rmse", "correlation"))
        plain, count = from_sums(alike), alike["weight"]
        heavy = sums(x, truth, weights=rows, names=["squared_error"])["squared_error"]
        columns |= {f"rmse{end}": plain["rmse"], f"corr{end}": plain["correlation"]}
        columns[f"weighted_rmse{end}"] = (heavy / count.where(count > 0.0)) ** 0.5
        if who != "climatology":
            columns[f"acc{end}"] = _about_zero(x, truth, None)
            if usual is not None:
                columns[f"weighted_acc{end}"] = _about_zero(x - usual, truth - usual, rows)
    return xr.Dataset(columns)


def _statistics(*metrics: str) -> list[str]:
    """Sums that some scores need."""
    return [key for name in metrics for key in METRICS[name].statistics]


def _about_zero(x: xr.DataArray, y: xr.DataArray, weights: xr.DataArray | None) -> xr.DataArray:
    """Correlation about zero in which what is missing is zero."""
    totals = sums(
        x.fillna(0.0), y.fillna(0.0), weights=weights, names=["product", "squared_field", "squared_truth"]
    )  # fmt: skip
    power = totals["squared_field"] * totals["squared_truth"]
    return totals["product"] / power.where(power > 0.0) ** 0.5


def published_weights(field: xr.DataArray) -> xr.DataArray:
    """Weights of the published table by row of latitude: of mean 1, zero in the first and the last row.

    Examples
    --------
    >>> x = xr.DataArray(np.zeros((3, 2)), {"latitude": [-60, 0, 60], "longitude": [0, 1]}, ("latitude", "longitude"))
    >>> published_weights(x).values.round(12).tolist()
    [0.0, 3.0, 0.0]
    """
    found = axes(field)
    if len(found) != 2 or any(axis.ndim != 1 for axis in found) or found[0].dims == found[1].dims:
        raise ValueError(
            f"{field.name!r} has no rows of latitude, which the published weights count: take definition='exact'"
        )
    latitude = found[0]
    cosine = np.cos(np.radians(np.linspace(90.0, -90.0, latitude.size)))
    # Symmetric: it does not matter whether the rows run from north to south.
    return xr.DataArray(latitude.size * cosine / cosine.sum(), dims=latitude.dims)


def _table(columns: dict[Hashable, xr.Dataset]) -> pd.DataFrame:
    """All variables in one frame."""
    dims = list(dict.fromkeys(dim for ds in columns.values() for dim in ds.dims))
    frames = []
    for name, ds in columns.items():
        bare = ds.reset_coords(drop=True)
        frame = bare.to_dataframe().reset_index() if bare.dims else bare.expand_dims("row").to_dataframe()
        frames.append(frame.reindex(columns=[*dims, *COLUMNS]).assign(variable=str(name)))
    return pd.concat(frames, ignore_index=True).set_index([*dims, "variable"])[list(COLUMNS)].sort_index()
