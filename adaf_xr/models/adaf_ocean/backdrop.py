"""A background on the cells of a frame, whatever grid it comes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor

from adaf_xr import grids
from adaf_xr.models.adaf_ocean.channels import STATE, sea_level_of
from adaf_xr.models.adaf_ocean.depths import has_levels
from adaf_xr.models.adaf_ocean.frame import REFINEMENT, Frame
from adaf_xr.models.base import Background
from adaf_xr.sphere import cell_edges

FINER = 0.9
"""Cells of a lattice between the rows of a background below which its means are taken, not its values at points."""

TELLING = 2.0
"""Fine cells between the rows of a background up to which it says something of them: 0.5 degrees."""

SHARE = 1e-3
"""Least share of a cell that must be known for its mean: what rounding makes known is not."""


@dataclass(frozen=True)
class Backdrop:
    """One level of a background, planes (5, rows, columns) in the order of `STATE`, NaN where it has nothing to say.

    Attributes
    ----------
    coarse : Tensor
        On coarse cells.
    fine : Tensor
        On fine cells, where the background knows more than its coarse cells.
    between : Tensor or None
        On fine cells the background itself, as observations are compared with it; None: `fine` and what lies between
        the centres of `coarse` are that.
    """

    coarse: Tensor
    fine: Tensor
    between: Tensor | None

    @classmethod
    def of(cls, background: Background, level: int, frame: Frame) -> Backdrop:
        """Lay one level of a background out on a frame."""
        fields = _level(background, level)
        coarse = _on_cells(background, fields, frame, 1)
        fine = _on_cells(background, fields, frame, REFINEMENT)
        told = not np.isnan(fine).all() or _is_lattice(background)
        between = None if told else _tensor(_at_centres(background, fields, frame, REFINEMENT))
        return cls(_tensor(coarse), _tensor(fine), between)


def coarse_cells(background: Background, names: Sequence[str], level: int, frame: Frame) -> Tensor:
    """One level of some variables on the coarse cells of a frame, NaN where one has nothing to say.

    Returns
    -------
    Tensor (variables, rows, columns)
        All NaN of a variable that is missing or has no levels.
    """
    held = {STATE.index(name): background.fields[name][level] for name in names if has_levels(background, name)}
    return _tensor(_on_cells(background, held, frame, 1)[[STATE.index(name) for name in names]])


def _level(background: Background, level: int) -> dict[int, NDArray]:
    """Maps of one level by the place of their variable in `STATE`."""
    names = {place: sea_level_of(background) if name == "zos" else name for place, name in enumerate(STATE)}
    held = {place: background.fields[name] for place, name in names.items() if name in background.fields}
    return {place: values if values.ndim == 2 else values[level] for place, values in held.items()}


def _on_cells(background: Background, fields: dict[int, NDArray], frame: Frame, refinement: int) -> NDArray[np.float64]:
    """Means of a finer background, values at the centres of cells of another one; nothing of one that is too coarse."""
    steps = _spacing(background) * refinement
    if steps < FINER:
        return _means(background, fields, frame, refinement)
    return _at_centres(background, fields if refinement == 1 or steps <= TELLING else {}, frame, refinement)


def _at_centres(
    background: Background, fields: dict[int, NDArray], frame: Frame, refinement: int
) -> NDArray[np.float64]:
    """Bilinear values at the centres of cells, (5, rows, columns)."""
    latitude, longitude = frame.axes(refinement)
    found = np.full((len(STATE), latitude.size, longitude.size), np.nan)
    for place, values in fields.items():
        found[place] = grids.regrid(values, background.latitude, background.longitude, latitude, longitude)
    return found


def _means(background: Background, fields: dict[int, NDArray], frame: Frame, refinement: int) -> NDArray[np.float64]:
    """Means over cells, weighted by area, of what of them is known, (5, rows, columns)."""
    latitude, longitude = frame.axes(refinement)
    side = 1.0 / refinement
    rows = _overlaps(np.sort(cell_edges(background.latitude, limit=90.0)), latitude, side)
    if background.latitude[0] > background.latitude[-1]:
        rows = rows[:, ::-1]
    rows = rows * np.cos(np.radians(background.latitude))
    edges = cell_edges(background.longitude)
    columns = sum(_overlaps(edges + turn, longitude, side) for turn in (-720.0, -360.0, 0.0, 360.0, 720.0))
    south_north, west_east = csr_array(rows), csr_array(columns)
    least = SHARE * np.cos(np.radians(np.clip(latitude, -90.0, 90.0)))[:, None] * side**2
    found = np.full((len(STATE), latitude.size, longitude.size), np.nan)
    for place, values in fields.items():
        known = np.isfinite(values)
        total, share = (
            (west_east @ (south_north @ part).T).T for part in (np.where(known, values, 0.0), known.astype("f8"))
        )
        np.divide(total, share, out=found[place], where=share > least)
    return found


def _overlaps(edges: NDArray[np.float64], centres: NDArray[np.float64], side: float) -> NDArray[np.float64]:
    """Length [degrees] that each cell around `centres` (n,) shares with each between ascending `edges` (m + 1,)."""
    low, high = centres[:, None] - 0.5 * side, centres[:, None] + 0.5 * side
    return np.clip(np.minimum(high, edges[1:]) - np.maximum(low, edges[:-1]), 0.0, None)


def _tensor(planes: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(planes.astype("f4"))


def _spacing(background: Background) -> float:
    """Degrees between the rows of a background, or its columns where these are wider apart; 1 if neither is known."""
    axes = [axis for axis in (background.latitude, background.longitude) if axis.size > 1]
    return max((float(np.median(np.abs(np.diff(axis)))) for axis in axes), default=1.0)


def _is_lattice(background: Background) -> bool:
    """Whether the cells of a background are coarse cells, so that what lies between their centres is known of them."""
    axes = background.latitude, background.longitude
    return all(
        axis.size > 1 and np.allclose(np.diff(np.sort(axis)), 1.0) and np.allclose(axis % 1.0, 0.5, rtol=0.0, atol=1e-4)
        for axis in axes
    )
