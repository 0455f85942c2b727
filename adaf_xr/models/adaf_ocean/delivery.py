"""From the lattice of the network to the targets: increments and standard errors where an analysis is wanted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adaf_xr import grids
from adaf_xr.models.adaf_ocean.channels import STATE
from adaf_xr.models.adaf_ocean.frame import REFINEMENT, Frame
from adaf_xr.models.adaf_ocean.increments import Increments
from adaf_xr.models.adaf_ocean.planes import refined
from adaf_xr.models.adaf_ocean.sums import COARSE
from adaf_xr.models.base import Targets
from adaf_xr.models.extrapolation import Extrapolation


@dataclass(frozen=True)
class Delivered:
    """Increments and standard errors at targets, ``(5, *targets.shape)`` in the order of `STATE`; never missing."""

    mean: NDArray
    std: NDArray


def wants_detail(targets: Targets) -> bool:
    """Whether targets are finer than the coarse lattice; points are.

    Examples
    --------
    >>> one, quarter = np.arange(0.5, 5.0), np.arange(0.125, 1.0, 0.25)
    >>> wants_detail(Targets(one, one)), wants_detail(Targets(quarter, quarter)), wants_detail(Targets(one, one, False))
    (False, True, True)
    """
    if not targets.gridded:
        return True
    # A tile may have one row only: then its columns tell.
    steps = [np.abs(np.diff(axis)).min() for axis in (targets.latitude, targets.longitude) if axis.size > 1]
    return bool(min(steps, default=0.0) < 0.999 * COARSE)


@dataclass(frozen=True)
class Lattice:
    """Increments and standard errors of the surface on cells without holes, to be brought to targets.

    Attributes
    ----------
    planes : Tensor (10, rows, columns)
        Increments, then standard errors, in the order of `STATE`.
    latitude, longitude : float64 array
        Centres of the cells [degrees].
    fine : bool
        Whether they are those of 0.25 degrees.
    """

    planes: Tensor
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    fine: bool

    @classmethod
    def of(cls, coarse: Increments, fine: Increments | None, sea: Tensor, fine_sea: Tensor, frame: Frame) -> Lattice:
        """On fine cells where there are increments for them; parameters as those of :func:`delivered`."""
        values = without_land(_planes(coarse), sea, frame.wraps)
        if fine is None:
            return cls(values, *frame.axes(1), False)
        values = torch.where(fine_sea, _planes(fine), refined(values, REFINEMENT, frame.wraps))
        return cls(values, *frame.axes(REFINEMENT), True)

    def brought(self, planes: Tensor, targets: Targets) -> NDArray[np.float32]:
        """Bilinear values of planes (n, rows, columns) on these cells, without holes, ``(n, *targets.shape)``."""
        return _brought(planes.numpy(), self.latitude, self.longitude, targets)

    def delivered(self, targets: Targets) -> Delivered:
        """The surface at the targets."""
        found = self.brought(self.planes, targets)
        return Delivered(found[: len(STATE)], found[len(STATE) :])


def delivered(
    coarse: Increments, fine: Increments | None, sea: Tensor, fine_sea: Tensor, frame: Frame, targets: Targets
) -> Delivered:
    """Bring increments from the lattice to the targets, bilinear between the centres of cells.

    On land the lattice goes on as the sea beside it, for targets may have more sea; land that only the fine lattice
    knows takes what the coarse one says.

    Parameters
    ----------
    coarse : Increments
        Of 1 degree.
    fine : Increments, optional
        Of 0.25 degrees; None: the coarse ones are brought.
    sea, fine_sea : bool Tensor
        Of the two lattices.
    frame : Frame
        Where they lie.
    targets : Targets
    """
    return Lattice.of(coarse, fine, sea, fine_sea, frame).delivered(targets)


def _brought(planes: NDArray[np.float32], latitude: NDArray, longitude: NDArray, targets: Targets) -> NDArray:
    """Bilinear values of planes without holes, (n, *targets.shape)."""
    if not targets.gridded:
        return grids.sample(planes, latitude, longitude, targets.latitude, targets.longitude)
    rows = grids.locate_latitude(latitude, targets.latitude)
    columns = grids.locate_longitude(longitude, targets.longitude)
    # One by one: what is made on the way to a fine grid is larger than the result.
    return np.stack([_mixed(_mixed(plane, rows, 0), columns, 1) for plane in planes])


def _mixed(plane: NDArray[np.float32], at: grids.Axis, dimension: int) -> NDArray[np.float32]:
    """Linear values along one dimension; where the targets are the cells themselves, those."""
    low = plane.take(at.lower, dimension)
    if not at.weight.any():
        return low
    weight = np.expand_dims(at.weight.astype("f4"), 1 - dimension)
    return low + weight * (plane.take(at.upper, dimension) - low)


def _planes(increments: Increments) -> Tensor:
    """Increments and standard errors as planes (10, rows, columns)."""
    return torch.cat([increments.mean, torch.exp(increments.log_std)]).cpu()


def without_land(planes: Tensor, sea: Tensor, wraps: bool) -> Tensor:
    """Planes that go on inland."""
    present = sea.numpy()
    if present.all() or not present.any():
        return planes
    return torch.from_numpy(Extrapolation(present, wraps)(planes.numpy()).astype("f4"))
