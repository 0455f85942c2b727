"""An analysis on the grid of its background, interpolated to a finer one: a bar for analyses there."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adaf_xr.cli.judging import AXES, on_grid, spacing_of

if TYPE_CHECKING:
    import xarray as xr

    from adaf_xr.training import Material


class Rule(StrEnum):
    """How coarse fields come to a finer grid."""

    BILINEAR = "bilinear"
    CUBIC = "cubic"


Refined = Annotated[
    list[Rule] | None,
    typer.Option(
        "--refined",
        help="Beside it the analysis of MODEL on the grid of the background, interpolated to --grid; repeat it.",
        rich_help_panel="What is evaluated",
    ),
]

COARSE = "{}-coarse"
"""Name of the store of the analysis on the grid of the background."""


def require_finer(material: Material, grid: Any) -> None:
    """Refuse to interpolate to a grid that is no finer than the background's."""
    own = spacing_of(material.background)
    wanted = grid if isinstance(grid, float | int) else spacing_of(_grid(grid))
    factor = own / wanted
    if factor < 1.5 or abs(factor - round(factor)) > 1e-3 * factor:
        raise ValueError(
            f"--refined compares with the analysis on the {own:g} degrees of the background, and the analysis itself "
            f"lies on {wanted:g} degrees: choose --grid {own:g} divided by a whole number, such as {own / 4:g}"
        )


def _grid(axes: Any) -> xr.Dataset:
    import xarray as xr

    return xr.Dataset(coords={axis: axes[axis] for axis in AXES})


def refined(coarse: xr.Dataset, where: xr.Dataset, rule: Rule) -> xr.Dataset:
    """Analyses on a finer grid, lazily, without standard errors.

    Parameters
    ----------
    coarse : Dataset
        Analyses on cells in which those of `where` nest.
    where : Dataset
        Fields on the finer grid.
    rule : Rule
        Bilinear as the first guess of all engines is brought to a grid, or cubic as `adaf upsample --model cubic`.
    """
    from adaf_xr.inference import upsample

    fields = coarse[[name for name in coarse.data_vars if not str(name).endswith("_std")]]
    if rule is Rule.BILINEAR:
        return on_grid(fields, where)
    fine = upsample(fields, round(spacing_of(coarse) / spacing_of(where)), model="cubic")
    # Axes that are made by halving cells are those of the grid but for rounding.
    return fine.reindex({axis: where[axis] for axis in AXES}, method="nearest", tolerance=1e-3 * spacing_of(where))
