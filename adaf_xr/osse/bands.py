"""Eddies around the globe: two-layer turbulence in bands of latitude, blended into one field.

Each band is a periodic beta plane 24 degrees high that goes exactly around the globe, with the Coriolis parameter, its
gradient and the deformation radius of its central latitude and a uniform shear that feeds its eddies; all bands are one
batch of :class:`~adaf_xr.osse.quasigeostrophy.TwoLayer`. Bands overlap by 6 degrees, where they are blended by weights
whose squares sum to one: independent fields of unit variance give one of unit variance.

Eddies must be resolved: where the grid is too coarse for the deformation radius, eddies are as large as it allows and
the gradient of the Coriolis parameter is reduced with the square of that, so that the flow is as critical as it is in
the ocean. Equatorward of 30 degrees the shear is westward, as in the subtropical countercurrents and trades' drift,
elsewhere eastward; bottom drag goes with shear over radius, without which eddies would grow to the size of the band
(Thompson and Young 2006, JPO 36, 720).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adaf_xr.kinematics import RADIAN, RADIUS, ROTATION
from adaf_xr.osse.quasigeostrophy import TwoLayer

DAY = 86400.0

CENTRES = (-63.0, -45.0, -27.0, -9.0, 9.0, 27.0, 45.0, 63.0)
"""Central latitudes [degrees]."""

HEIGHT, STEP = 24.0, 18.0
"""Degrees of latitude that a band has, and from one to the next."""

FADE = 12.0
"""Degrees beyond the outermost bands over which eddies end."""

DEPTHS = (1000.0, 3000.0)
"""Of the layers [m]."""

WAVE_SPEED = 2.7
"""Of the first baroclinic mode [m s-1] (Chelton et al. 1998, JPO 28, 433: 2 to 3 in most of the ocean)."""

LARGEST_RADIUS = 70e3
"""Deformation radius [m] that is not exceeded towards the equator."""

RESOLVED = 0.9
"""Smallest deformation radius, in cells."""

SUPERCRITICAL = 0.065
"""Shear beyond the critical one [m s-1]."""

FRICTION = 0.8
"""Bottom drag over shear per radius."""

VISCOUS_TIME = 96.0
"""Hours in which the smallest scale decays."""

COURANT = 0.9
"""Share of the largest stable step."""

FIRST_SPEED = 0.28
"""Root-mean-square velocity [m s-1] of the random eddies at the beginning: about that of grown ones."""

FIRST_WAVELENGTH = 9.0
"""Wavelength of those, in deformation radii."""


class Bands:
    """The eddies of all bands.

    Parameters
    ----------
    spacing : float
        Of the global grid [degrees]: 6 degrees must be whole cells, and 24 an even number of them.
    device : str
        Where torch computes.

    Examples
    --------
    >>> bands = Bands(2.0)
    >>> q = bands.begin(seed=0)
    >>> [field.shape for field in bands.fields(bands.advance(q))]
    [(90, 180), (90, 180), (90, 180), (90, 180)]
    """

    def __init__(self, spacing: float, device: str = "cpu") -> None:
        self.rows, self.columns, self.spacing = rows_of(spacing), round(360.0 / spacing), spacing
        self.flow, self.radius, self.enlarged, self.retrograde = self._flow(device)
        self.weights = blending(spacing)

    def _flow(self, device: str) -> tuple[TwoLayer, Tensor, Tensor, Tensor]:
        """The solver, its radius and that over the ocean's, and whether PV of the upper layer grows southward."""
        centre = torch.tensor(CENTRES, dtype=torch.float64, device=device) * RADIAN
        cell = RADIUS * RADIAN * self.spacing
        f0, beta = 2.0 * ROTATION * torch.sin(centre), 2.0 * ROTATION * torch.cos(centre) / RADIUS
        ocean = (WAVE_SPEED / f0.abs()).clamp(max=LARGEST_RADIUS)
        radius = ocean.clamp(min=RESOLVED * cell)
        beta = beta * (ocean / radius) ** 2
        westward = centre.abs() < 30.0 * RADIAN
        share = centre.new_tensor([DEPTHS[1], DEPTHS[0]]) / sum(DEPTHS)
        critical = beta * radius**2 / torch.where(westward, share[0], share[1])
        shear = torch.where(westward, -1.0, 1.0) * (critical + SUPERCRITICAL)
        flow = TwoLayer(
            (self.rows, self.columns),
            (cell, cell * torch.cos(centre)),
            f0=f0,
            beta=beta,
            radius=radius,
            depths=DEPTHS,
            mean_flow=(share[0] * shear, -share[1] * shear),
            drag=FRICTION * shear.abs() / radius,
            hyperviscosity=1.0 / (VISCOUS_TIME * 3600.0),
            device=device,
        )
        return flow, radius, radius / ocean, (beta + share[0] * shear / radius**2) < 0.0

    def begin(self, seed: int) -> Tensor:
        """Random eddies of about the size and energy of grown ones, spectral PV."""
        q = self.flow.noise(seed, len(CENTRES), FIRST_SPEED, FIRST_WAVELENGTH * self.radius)
        psi = self.flow.streamfunction(q)
        # Surface-intensified, as grown eddies are.
        return self.flow.potential_vorticity(torch.stack([psi[:, 0], 0.3 * psi[:, 1]], dim=1))

    def advance(self, q: Tensor) -> Tensor:
        """The state a day later."""
        return self.flow.advance(q, DAY, self.flow.steps(q, DAY, COURANT))

    def fields(self, q: Tensor) -> tuple[NDArray, NDArray, NDArray, NDArray]:
        """What the eddies do to the sea.

        Returns
        -------
        surface, deep : float32 array (n_lat, n_lon)
            Pressure of the upper and of the lower layer, as heights: positive in anticyclones of either hemisphere, in
            units of the standard deviation of the upper.
        displaced : float32 array (n_lat, n_lon)
            How far north the water of the surface has come, in units of its standard deviation. Potential vorticity is
            carried by the flow as any tracer is, so that its departure from the mean gradient measures just that.
        trapped : float32 array (n_lat, n_lon)
            The same over its wavenumber [m], at scales below the deformation radius: what surface quasi-geostrophy
            multiplies by buoyancy per displacement (Lapeyre and Klein 2006, JPO 36, 165; the radius as the transition
            by Tulloch and Smith 2009, J. Atmos. Sci. 66, 450). As small as in the ocean where eddies are enlarged.
        """
        psi = self.flow.streamfunction(q)
        anticyclone = torch.tensor(np.sign(CENTRES), dtype=psi.real.dtype, device=psi.device)
        northward = torch.where(self.retrograde, 1.0, -1.0).to(anticyclone)
        square = self.flow.plane.square
        scale = self.radius[:, None, None] ** 2
        below = scale * square.sqrt() / (1.0 + scale * square) / self.enlarged[:, None, None]
        displaced = northward[:, None, None] * q[:, 0]
        spectral = torch.stack(
            [
                anticyclone[:, None, None] * psi[:, 0],
                anticyclone[:, None, None] * psi[:, 1],
                displaced,
                displaced * self.flow.plane.complex(below),
            ]
        )
        # Zonal means are jets, not eddies: the mean state has its own.
        spectral[..., 0] = 0.0
        grid = self.flow.plane.to_grid(spectral)
        upper, moved = (grid[i].square().mean((-2, -1), keepdim=True).sqrt() for i in (0, 2))
        first, second, third, fourth = (
            self.blended((field / unit).cpu().numpy())
            for field, unit in zip(grid, (upper, upper, moved, moved), strict=True)
        )
        return first, second, third, fourth

    def blended(self, bands: NDArray) -> NDArray[np.float32]:
        """One global field (n_lat, n_lon) of a field of each band (band, rows, columns)."""
        field = np.zeros((self.weights.shape[1], self.columns), "f4")
        for band, weight, centre in zip(bands, self.weights, CENTRES, strict=True):
            south = round((centre - HEIGHT / 2 + 90.0) / self.spacing)
            here = np.flatnonzero(weight)
            field[here] += weight[here, None].astype("f4") * band[(here - south) % self.rows]
        return field


def rows_of(spacing: float) -> int:
    """Rows of a band on a grid [degrees].

    Examples
    --------
    >>> rows_of(0.25)
    96
    """
    overlap = HEIGHT - STEP
    if not spacing > 0.0 or abs(round(overlap / spacing) * spacing - overlap) > 1e-6 or round(HEIGHT / spacing) % 2:
        raise ValueError(
            f"a spacing of {spacing:g} degrees does not cut 6 degrees, by which bands overlap, into whole cells, "
            "and 24, which they are high, into an even number: take 0.25, 0.5, 1 or 2"
        )
    return round(HEIGHT / spacing)


def blending(spacing: float) -> NDArray[np.float64]:
    """Weight of each band at each latitude, shape (band, n_lat).

    Squares sum to one from the southernmost band to the northernmost, and fade to zero beyond.

    Examples
    --------
    >>> weights = blending(2.0)
    >>> np.square(weights).sum(axis=0)[[0, 8, 20, 45, 89]].round(6).tolist()
    [0.0, 1.0, 1.0, 1.0, 0.0]
    """
    latitude = (np.arange(round(180.0 / spacing)) + 0.5) * spacing - 90.0
    inner, overlap = STEP - HEIGHT / 2, HEIGHT - STEP
    weights = []
    for centre in CENTRES:
        offset = latitude - centre
        outermost = np.abs(centre) == max(CENTRES)
        poleward = np.abs(latitude) > np.abs(centre)
        start = np.where(outermost & poleward, HEIGHT / 2, inner)
        across = np.clip((np.abs(offset) - start) / np.where(outermost & poleward, FADE, overlap), 0.0, 1.0)
        weights.append(np.where(across < 1.0, np.cos(0.5 * math.pi * across), 0.0))
    return np.array(weights)
