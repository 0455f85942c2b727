"""Sums of innovations below the surface as planes of cells."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from adaf_xr.models.adaf_ocean.deep_sums import place_of
from adaf_xr.models.adaf_ocean.depths import DEEP, NODES
from adaf_xr.models.adaf_ocean.frame import Frame
from adaf_xr.models.adaf_ocean.innovations import RECENCY
from adaf_xr.models.adaf_ocean.sums import Sums


def about_nodes(sums: Sums, frame: Frame) -> tuple[Tensor, Tensor]:
    """Weights, and sums of weight times innovation, on the coarse cells of a frame.

    Returns
    -------
    weight, pull : Tensor (2, n_nodes, rows, columns)
        Of temperature and salinity; older observations have less weight.
    """
    planes = np.zeros((2, len(DEEP), len(NODES), frame.rows * frame.columns), "f4")
    for variable in range(len(DEEP)):
        for node in range(len(NODES)):
            for bin_, recency in enumerate(RECENCY):
                number, terms = sums.of_channel(place_of(variable, node), bin_)
                inside, cell = frame.cells(number, 1)
                planes[:, variable, node, cell] += recency * terms[inside, :2].T
    weight, pull = torch.from_numpy(planes).unflatten(-1, frame.shape)
    return weight, pull
