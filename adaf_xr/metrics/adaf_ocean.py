"""The table of ADAF-Ocean: RMSE, ACC and correlation of analysis, background and climatology, date by date."""

from __future__ import annotations

from typing import Literal

import pandas as pd
import xarray as xr

from adaf_xr.metrics.horizontal import Weights

Definition = Literal["exact", "published"]

COLUMNS = (
    *("rmse", "weighted_rmse", "rmse_bg", "weighted_rmse_bg", "rmse_clima", "weighted_rmse_clima"),
    *("acc", "weighted_acc", "acc_bg", "weighted_acc_bg", "corr", "corr_bg", "corr_clima"),
)
"""Columns of the table, in the order of ADAF-Ocean."""


def calc_metrics(
    analysis: xr.Dataset,
    truth: xr.Dataset,
    background: xr.Dataset,
    climatology: xr.Dataset,
    *,
    weights: Weights = "area",
    definition: Definition = "exact",
) -> pd.DataFrame:
    """Scores per date and variable under ADAF-Ocean's names; this computes.

    Returns
    -------
    pandas.DataFrame
        Index: (time, variable), and dimensions such as depth between them. Columns: :data:`COLUMNS`.
    """
    raise NotImplementedError("the table of ADAF-Ocean is being written")
