"""Sums of observations as planes of cells: less the background where it is to be corrected."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adaf_xr.models.adaf_ocean.channels import AGES, BESIDE, BINS, CHANNELS, KEPT, PREDICTORS, STATE, STATE_CHANNELS
from adaf_xr.models.adaf_ocean.frame import REFINEMENT, Frame
from adaf_xr.models.adaf_ocean.sums import Sums

MEMORY = 3.0
"""Days over which an observation loses weight where times are not told apart."""

RECENCY = tuple(float(np.exp(-0.5 * (age / MEMORY) ** 2)) for age in AGES)
"""Weight of every bin of time there."""

SEEN_FINE = 2
"""Variables, the first of `STATE`, of which the network sees innovations on fine cells."""


def observed(sums: Sums, frame: Frame, fine: Tensor, coarse: Tensor, sea_level: str = "zos") -> dict[str, Tensor]:
    """Planes of observations, by their names in :class:`adaf_xr.models.adaf_ocean.scene.Scene`.

    Parameters
    ----------
    sums : Sums
    frame : Frame
    fine, coarse : Tensor (5, rows, columns)
        The background to take off, on the cells of both lattices; observations where it is missing are left out.
    sea_level : {"zos", "sla"}
        What the background's sea level is, and which observations of it count.
    """
    size = frame.rows * frame.columns
    weight, innovation = np.zeros((2, len(STATE_CHANNELS), BINS, size), "f4")
    value, value_weight = np.zeros((2, len(PREDICTORS), BINS, size), "f4")
    precision, pull = np.zeros((2, SEEN_FINE, size * REFINEMENT**2), "f4")
    for place, channel in enumerate(CHANNELS):
        kept = KEPT.index(BESIDE) if channel.variable == "zos" and sea_level == BESIDE.variable else place
        for bin_ in range(BINS):
            number, terms = sums.of_channel(kept, bin_)
            inside, cell = frame.cells(number, REFINEMENT if channel.fine else 1)
            terms = terms[inside]
            if not channel.of_state:
                other = place - len(STATE_CHANNELS)
                value[other, bin_, cell], value_weight[other, bin_, cell] = terms[:, 1], terms[:, 0]
                continue
            variable = STATE.index(channel.variable)
            departure = _departure(terms, (fine if channel.fine else coarse)[variable].numpy(), cell, frame.wraps)
            known = np.isfinite(departure)
            cell, departure, mass = cell[known], departure[known], terms[known, 0]
            home = _coarse_cell(cell, frame) if channel.fine else cell
            weight[place, bin_] = np.bincount(home, mass, size)
            innovation[place, bin_] = np.bincount(home, departure, size)
            if channel.fine and variable < SEEN_FINE:
                share = RECENCY[bin_] / channel.error**2
                precision[variable, cell] += share * mass
                pull[variable, cell] += share * departure
    planes = {"weight": weight, "innovation": innovation, "value": value, "value_weight": value_weight}
    found = {name: torch.from_numpy(plane).unflatten(-1, frame.shape) for name, plane in planes.items()}
    fine_shape = frame.rows * REFINEMENT, frame.columns * REFINEMENT
    fines = {"precision": precision, "pull": pull}
    return found | {name: torch.from_numpy(plane).unflatten(-1, fine_shape) for name, plane in fines.items()}


def _departure(terms: NDArray, first: NDArray, cell: NDArray, wraps: bool) -> NDArray[np.float64]:
    """Sum of weight times innovation in each cell, the background being linear in it; NaN where it is missing."""
    rows, columns = first.shape
    row, column = np.divmod(cell, columns)
    east, west = (column + 1) % columns, (column - 1) % columns
    if not wraps:
        east, west = np.minimum(column + 1, columns - 1), np.maximum(column - 1, 0)
    north, south = np.minimum(row + 1, rows - 1), np.maximum(row - 1, 0)
    eastward = 0.5 * (first[row, east] - first[row, west])
    northward = 0.5 * (first[north, column] - first[south, column])
    moved = terms[:, 2] * np.nan_to_num(eastward) + terms[:, 3] * np.nan_to_num(northward)
    return terms[:, 1] - terms[:, 0] * first[row, column] - moved


def _coarse_cell(cell: NDArray, frame: Frame) -> NDArray:
    """Number in the frame of the coarse cell of each fine one."""
    row, column = np.divmod(cell, frame.columns * REFINEMENT)
    return row // REFINEMENT * frame.columns + column // REFINEMENT
