"""Series of maps scored as the 4DVarNet paper does, under the names of its repository."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Literal

import xarray as xr

from adaf_xr import metrics
from adaf_xr.inference.comparison.cells import cut_out
from adaf_xr.inference.comparison.levels import uppermost
from adaf_xr.inference.comparison.scales import attempt
from adaf_xr.inference.comparison.sheet import Sheet, joined
from adaf_xr.lattice import Region

HEIGHT, CURRENTS = "zos", ("uo", "vo")

Scored = tuple[tuple[str, str], ...]

OF = ", ".join((HEIGHT, *CURRENTS))
"""What is scored, in a sheet."""

ALL = "_all"
"""Ending of scales that are taken from every line of a contour, where the paper takes the first that is found."""

SCALES = tuple(
    (f"test_lambda_{axis}{of}", unit) for of in ("", "_u", "_v") for axis, unit in (("x", "degrees"), ("t", "days"))
)

SCORES = (
    ("test_mu", "1"),
    ("test_sigma", "1"),
    *SCALES,
    ("test_spatial_res", "km"),
    *((f"test_var_mse_{part}", "%") for part in ("uv", "curl", "div", "strain")),
)
"""Scores of :func:`adaf_xr.metrics.paper_scores` with their units."""

GEOSTROPHY = "{}, geostrophy"
"""Name of a row whose currents are those of its height."""


def paper_sheet(
    truth: xr.Dataset, fields: Mapping[str, xr.Dataset], box: Region | None, smoothed: Mapping[str, float]
) -> Sheet:
    """Scores of heights and currents in a box; this computes.

    Parameters
    ----------
    truth : Dataset
        Canonical ``zos``, ``uo`` and ``vo``, daily maps.
    fields : mapping of str to Dataset
        Analyses on the grid of the truth, which may have more days.
    box : (west, east, south, north), optional
        Where scores are taken; it should keep clear of the edges of the fields.
    smoothed : mapping of str to float
        Fields of which the geostrophic currents are scored, whether or not they have others, and the width of the
        Gaussian over their height as :func:`adaf_xr.metrics.tau_from_ssh` has it. Fields without currents are scored
        so too, with a width of 1.

    Returns
    -------
    Sheet
        A row per score; reasons for those that cannot be had.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> time = np.datetime64("2012-10-22", "ns") + np.arange(7) * np.timedelta64(1, "D")
    >>> axes = {"time": time, "latitude": 33.0 + 0.1 * np.arange(12.0), "longitude": 0.1 * np.arange(12.0)}
    >>> truth = xr.Dataset({name: (tuple(axes), rng.normal(size=(7, 12, 12))) for name in ("zos", "uo", "vo")}, axes)
    >>> table = paper_sheet(truth, {"ours": 0.9 * truth}, None, {}).table().set_index("score")["value"]
    >>> table[["test_mu", "test_var_mse_uv"]].round(10).tolist()
    [0.9, 99.0]
    """
    return joined(_of_row(name, field, truth, box, smoothed.get(name)) for name, field in fields.items())


def _of_row(name: str, field: xr.Dataset, truth: xr.Dataset, box: Region | None, smoothed: float | None) -> Sheet:
    """Scores of one field."""
    field = field.sel(time=truth.time)
    height = field[HEIGHT]
    if smoothed is None and all(key in field for key in CURRENTS):
        maps = [uppermost(field[key]) for key in CURRENTS]
    else:
        # Of the whole field, so that in the box differences are centred up to its edges.
        maps, smoothed, name = [*metrics.geostrophic_currents(height)], smoothed or 1.0, GEOSTROPHY.format(name)
    found = xr.Dataset(dict(zip((*CURRENTS, HEIGHT), (*maps, height), strict=True)))
    due = xr.Dataset({key: uppermost(truth[key]) for key in (*CURRENTS, HEIGHT)})
    scored = [cut_out(ds, box)[key].load() for ds in (found, due) for key in (*CURRENTS, HEIGHT)]

    def scores(names: Scored, path: Literal["first", "all"]) -> tuple[float, ...]:
        found = metrics.paper_scores(*scored, path=path, smoothed=smoothed)
        return tuple(found[score] for score, _ in names)

    robust = tuple((f"{score}{ALL}", unit) for score, unit in SCALES)
    return attempt(name, OF, SCORES, partial(scores, SCORES, "first")) + attempt(
        name, OF, robust, partial(scores, SCALES, "all")
    )
