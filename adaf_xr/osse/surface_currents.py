"""Currents of the surface: geostrophic, and what fronts, wind and waves add.

What lies beyond geostrophy has four parts, each with its author. The first two are tied to fronts of buoyancy, which a
surface temperature shows; the last is tied to nothing that a satellite sees:

- turbulent thermal wind: mixing in a front drives water at the surface from warm to cold (Garrett and Loder 1981, Phil.
  Trans. R. Soc. A 302, 563; Gula et al. 2014, JPO 44, 2617; McWilliams 2016, Proc. R. Soc. A 472, 20160117);
- frontogenesis: the secondary circulation that keeps a sharpening front in thermal wind balance (Hoskins et al. 1978,
  QJRMS 104, 31: the omega equation with Q-vectors; Hakim et al. 2002, J. Atmos. Sci. 59, 2405, for the surface);
- Ekman drift of the wind, with the same mixing;
- a rest of inertia-gravity waves that a daily mean has not removed (:mod:`adaf_xr.osse.waves`).

Tensors (..., latitude, longitude) in SI units; northern hemisphere (f > 0).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from adaf_xr import kinematics
from adaf_xr.osse.spectral import Plane

AIR_OVER_WATER = 1.2 / 1025.0
"""Density of air over that of sea water."""

DRAG_COEFFICIENT = 1.3e-3
"""Of the wind at 10 m, moderate winds (Large and Pond 1981, JPO 11, 324)."""

MIXING_SHAPE = 4.0 / 27.0 * 0.4
"""Largest viscosity of a boundary layer over its depth times its velocity scale, von Karman's constant included: the
top of the cubic profile of Large et al. (1994, Rev. Geophys. 32, 363)."""

CONVECTIVE_SPEED = 5e-3
"""Velocity scale [m s-1] of night-time convection: a buoyancy flux of 1e-9 m2 s-3 over 100 m, cubic root."""


def geostrophic(psi: Tensor, latitude: np.ndarray, spacing: float) -> tuple[Tensor, Tensor, Tensor]:
    """Sea surface height and its geostrophic currents on the sphere, from a streamfunction of a periodic plane.

    Height is f psi / g with the f of its latitude, so that the flow which carried the tracers is the one that the
    height shows. Two rows beyond each edge spare the edges a one-sided difference.

    Parameters
    ----------
    psi : tensor (n_lat, n_lon)
        On the grid [m2 s-1].
    latitude : array (n_lat,)
        Ascending [degrees].
    spacing : float
        Of both axes [degrees].

    Returns
    -------
    height, u, v : tensor (n_lat, n_lon)
        [m], [m s-1], double.
    """
    beyond = spacing * np.arange(1, 3)
    rows = np.concatenate([latitude[0] - beyond[::-1], latitude, latitude[-1] + beyond])
    wide = torch.as_tensor(rows, dtype=torch.float64, device=psi.device)
    factor = kinematics.coriolis(wide)[:, None] / kinematics.GRAVITY
    height = torch.cat([psi[-2:], psi, psi[:2]]).double() * factor
    u, v = kinematics.geostrophic(height, wide, spacing, spacing, periodic=True)
    return height[2:-2], u[2:-2], v[2:-2]


def viscosity(wind_speed: Tensor, depth: float) -> Tensor:
    """Eddy viscosity [m2 s-1] of a boundary layer of a depth [m] under a wind [m s-1].

    Examples
    --------
    >>> [round(float(a), 3) for a in viscosity(torch.tensor([0.0, 10.0]), 100.0)]
    [0.03, 0.079]
    """
    squared = AIR_OVER_WATER * DRAG_COEFFICIENT * wind_speed**2
    return MIXING_SHAPE * depth * torch.sqrt(squared + CONVECTIVE_SPEED**2)


def boundary_layer_drift(
    stress_u: Tensor, stress_v: Tensor, mixing: Tensor, f: Tensor | float
) -> tuple[Tensor, Tensor]:
    """Ekman's surface current of a stress over density [m2 s-2]: 45 degrees to its right, ``stress / sqrt(A f)``.

    Examples
    --------
    >>> east, north = torch.tensor(1e-4), torch.tensor(0.0)
    >>> [round(float(x), 4) for x in boundary_layer_drift(east, north, torch.tensor(0.04), 1e-4)]
    [0.0354, -0.0354]
    """
    scale = 1.0 / torch.sqrt(2.0 * mixing * f)
    return scale * (stress_u + stress_v), scale * (stress_v - stress_u)


def ekman(wind_u: Tensor, wind_v: Tensor, mixing: Tensor, f: Tensor | float) -> tuple[Tensor, Tensor]:
    """Surface drift [m s-1] of a wind [m s-1]."""
    factor = AIR_OVER_WATER * DRAG_COEFFICIENT * torch.hypot(wind_u, wind_v)
    return boundary_layer_drift(factor * wind_u, factor * wind_v, mixing, f)


def turbulent_thermal_wind(
    buoyancy_east: Tensor, buoyancy_north: Tensor, mixing: Tensor, f: Tensor | float
) -> tuple[Tensor, Tensor]:
    """Surface current [m s-1] of a buoyancy gradient [s-2] in a boundary layer of viscosity `mixing`.

    No stress leaves the surface, yet the thermal wind has shear there: the boundary layer answers as to the stress
    ``-A du_g/dz``. Half of it flows down the gradient, from warm to cold, so that its divergence is minus a diffusivity
    times the Laplacian of buoyancy; the other half weakens the geostrophic current along the front.

    Examples
    --------
    Water warms to the south: the current runs north, to the cold, and west, against the jet.

    >>> gradient = torch.tensor(0.0), torch.tensor(-2e-7)
    >>> [round(float(x), 4) for x in turbulent_thermal_wind(*gradient, torch.tensor(0.05), 1e-4)]
    [-0.0316, 0.0316]
    """
    # The thermal wind shear is k x grad b / f.
    return boundary_layer_drift(mixing * buoyancy_north / f, -mixing * buoyancy_east / f, mixing, f)


def frontogenetic(
    plane: Plane, psi: Tensor, buoyancy: tuple[Tensor, Tensor], f: float, depth: float, stratification: float
) -> Tensor:
    """Velocity potential [m2 s-1] of the circulation across fronts that a flow sharpens.

    The omega equation of a mixed layer of depth h, ``N^2 lap w + f^2 w_zz = 2 div Q``, gives a surface divergence of
    ``-(h / f^2) div Q``, less at scales below ``N h / (pi f)``.

    Parameters
    ----------
    plane : Plane
        The plane.
    psi : tensor (batch, ...)
        Spectral streamfunction of the surface [m2 s-1].
    buoyancy : tuple of tensor (batch, latitude, longitude)
        Eastward and northward derivative of buoyancy on the grid [s-2].
    f : float
        Coriolis parameter [s-1].
    depth, stratification : float
        Of the mixed layer: h [m] and N [s-1].

    Returns
    -------
    tensor (batch, ...)
        Spectral.
    """
    ddx, ddy = plane.complex(1j * plane.zonal), plane.complex(1j * plane.meridional)
    east, north = buoyancy
    u_x, v_x = plane.to_grid(-ddx * ddy * psi), plane.to_grid(ddx * ddx * psi)
    u_y = plane.to_grid(-ddy * ddy * psi)
    q_east = plane.to_spectral(-(u_x * east + v_x * north))
    q_north = plane.to_spectral(-(u_y * east - u_x * north))
    damped = 1.0 + plane.square * (stratification * depth / (math.pi * f)) ** 2
    inverse_laplacian = torch.where(plane.square > 0, -1.0 / plane.square, 0.0)
    response = plane.complex(-(depth / f**2) * inverse_laplacian / damped)
    return response * (ddx * q_east + ddy * q_north)


def of_potential(plane: Plane, potential: Tensor) -> tuple[Tensor, Tensor]:
    """Current [m s-1] on the grid of a spectral velocity potential [m2 s-1]."""
    return plane.to_grid(plane.complex(1j * plane.zonal) * potential), plane.to_grid(
        plane.complex(1j * plane.meridional) * potential
    )
