"""Kinematics of a flow on the sphere: geostrophic currents, vorticity, divergence, strain.

Arithmetic and slices only, so that NumPy, dask and torch arrays come out as they went in: lazy, on their device, with
their gradients. Fields have shape (..., n_lat, n_lon). `latitude` [degrees] is an array of shape (n_lat,) of the same
library; `dlat` and `dlon` [degrees] are the steps from one row and one column to the next, with their sign: latitude
may descend. Currents are in m s-1, eastward u and northward v, and their derivatives in s-1.

Differences are centred, and one-sided at the edges, of second order in both places; ``periodic=True`` joins the last
column to the first instead. Where a value is missing so are its neighbours' derivatives. At a pole the metric divides
by zero, as does geostrophy at the equator: mask what is not meant there.

References
----------
Batchelor, G. K. (1967). An Introduction to Fluid Dynamics, appendix 2. Cambridge University Press.
"""

from __future__ import annotations

from typing import Any

Array = Any
"""A NumPy, dask or torch array; this floor knows none of them."""

RADIUS = 6_371_000.0
"""Mean Earth radius [m]."""

ROTATION = 7.2921e-5
"""Angular velocity of the Earth [s-1]."""

GRAVITY = 9.81
"""Acceleration of gravity [m s-2]."""

RADIAN = 3.141592653589793 / 180.0
"""One degree in radians."""


def coriolis(latitude: Array) -> Array:
    """Coriolis parameter [s-1], positive in the north.

    Examples
    --------
    >>> import numpy as np
    >>> [f"{f:.4e}" for f in coriolis(np.array([-90.0, 30.0]))]
    ['-1.4584e-04', '7.2921e-05']
    """
    return 2.0 * ROTATION * _cosine_sine(latitude)[1]


def gradient(field: Array, latitude: Array, dlat: float, dlon: float, *, periodic: bool = False) -> tuple[Array, Array]:
    """Eastward and northward derivative of a scalar field, per metre.

    Parameters
    ----------
    field : array, shape (..., n_lat, n_lon)
        At least three rows and columns.
    latitude : array, shape (n_lat,)
        [degrees].
    dlat, dlon : float
        Steps of the axes, with sign [degrees].
    periodic : bool
        Whether the last column is next to the first.

    Returns
    -------
    eastward, northward : array, shape (..., n_lat, n_lon)
        [unit of the field m-1].

    Examples
    --------
    >>> import numpy as np
    >>> latitude = np.array([0.0, 0.5, 1.0])
    >>> east, north = gradient(latitude[:, None] + np.zeros((3, 3)), latitude, 0.5, 0.5)
    >>> (1.0 / north).round().tolist()[1]
    [111195.0, 111195.0, 111195.0]
    """
    cosine = _column(_cosine_sine(latitude)[0])
    return _along(field, dlon, periodic) / cosine, _across(field, dlat)


def geostrophic(
    ssh: Array, latitude: Array, dlat: float, dlon: float, *, periodic: bool = False, gravity: float = GRAVITY
) -> tuple[Array, Array]:
    """Geostrophic currents of a sea surface height; infinite or missing at the equator.

    Parameters
    ----------
    ssh : array, shape (..., n_lat, n_lon)
        [m].
    latitude, dlat, dlon, periodic
        As for :func:`gradient`.
    gravity : float
        [m s-2]; the reduced gravity for the height of an interface.

    Returns
    -------
    u, v : array, shape (..., n_lat, n_lon)
        [m s-1].

    Examples
    --------
    A slope of 1 m per degree, up to the south, at 30 degrees north:

    >>> import numpy as np
    >>> latitude = np.array([29.0, 30.0, 31.0])
    >>> u, v = geostrophic(-latitude[:, None] + np.zeros((3, 3)), latitude, 1.0, 1.0)
    >>> float(u[1, 1].round(3)), float(abs(v).max())
    (1.21, 0.0)
    """
    east, north = gradient(ssh, latitude, dlat, dlon, periodic=periodic)
    factor = gravity / _column(coriolis(latitude))
    return -factor * north, factor * east


def vorticity(u: Array, v: Array, latitude: Array, dlat: float, dlon: float, *, periodic: bool = False) -> Array:
    r"""Vertical component of the vorticity, positive anticlockwise.

    .. math:: \zeta = \frac{1}{R \cos\varphi} \left(
                      \frac{\partial v}{\partial \lambda} - \frac{\partial (u \cos\varphi)}{\partial \varphi} \right)

    Arguments as for :func:`gradient`.

    Examples
    --------
    Solid-body rotation once a day:

    >>> import numpy as np
    >>> latitude = np.arange(29.9, 30.15, 0.1)
    >>> u = ROTATION * RADIUS * np.cos(np.radians(latitude))[:, None] + np.zeros((3, 3))
    >>> bool(np.isclose(vorticity(u, 0.0 * u, latitude, 0.1, 0.1)[1, 1], 2 * ROTATION * 0.5, rtol=1e-5))
    True
    """
    cosine = _column(_cosine_sine(latitude)[0])
    return (_along(v, dlon, periodic) - _across(u * cosine, dlat)) / cosine


def divergence(u: Array, v: Array, latitude: Array, dlat: float, dlon: float, *, periodic: bool = False) -> Array:
    r"""Horizontal divergence.

    .. math:: \delta = \frac{1}{R \cos\varphi} \left(
                       \frac{\partial u}{\partial \lambda} + \frac{\partial (v \cos\varphi)}{\partial \varphi} \right)

    Arguments as for :func:`gradient`.

    Examples
    --------
    Nothing is lost where what leaves a parallel is what fits the next:

    >>> import numpy as np
    >>> latitude = np.array([59.0, 60.0, 61.0])
    >>> v = 1.0 / np.cos(np.radians(latitude))[:, None] + np.zeros((3, 3))
    >>> float(abs(divergence(0.0 * v, v, latitude, 1.0, 1.0)).max().round(12))
    0.0
    """
    cosine = _column(_cosine_sine(latitude)[0])
    return (_along(u, dlon, periodic) + _across(v * cosine, dlat)) / cosine


def normal_strain(u: Array, v: Array, latitude: Array, dlat: float, dlon: float, *, periodic: bool = False) -> Array:
    r"""Rate of stretching eastward minus northward.

    .. math:: s_n = \frac{1}{R \cos\varphi} \frac{\partial u}{\partial \lambda}
                  - \frac{\cos\varphi}{R} \frac{\partial}{\partial \varphi} \frac{v}{\cos\varphi}

    Arguments as for :func:`gradient`.

    Examples
    --------
    >>> import numpy as np
    >>> latitude, east = np.array([-0.1, 0.0, 0.1]), np.array([[-1.0, 0.0, 1.0]])
    >>> u = 1e-5 * RADIUS * RADIAN * 0.1 * east + np.zeros((3, 3))
    >>> float(normal_strain(u, 0.0 * u, latitude, 0.1, 0.1)[1, 1].round(10))
    1e-05
    """
    cosine = _column(_cosine_sine(latitude)[0])
    return _along(u, dlon, periodic) / cosine - cosine * _across(v / cosine, dlat)


def shear_strain(u: Array, v: Array, latitude: Array, dlat: float, dlon: float, *, periodic: bool = False) -> Array:
    r"""Rate of shearing.

    .. math:: s_s = \frac{1}{R \cos\varphi} \frac{\partial v}{\partial \lambda}
                  + \frac{\cos\varphi}{R} \frac{\partial}{\partial \varphi} \frac{u}{\cos\varphi}

    Arguments as for :func:`gradient`.

    Examples
    --------
    A solid body turns without being sheared, however large it is:

    >>> import numpy as np
    >>> latitude = np.array([40.0, 50.0, 60.0])
    >>> u = np.cos(np.radians(latitude))[:, None] + np.zeros((3, 3))
    >>> float(abs(shear_strain(u, 0.0 * u, latitude, 10.0, 10.0)).max().round(12))
    0.0
    """
    cosine = _column(_cosine_sine(latitude)[0])
    return _along(v, dlon, periodic) / cosine + cosine * _across(u / cosine, dlat)


def strain(u: Array, v: Array, latitude: Array, dlat: float, dlon: float, *, periodic: bool = False) -> Array:
    r"""Strain rate, :math:`\sqrt{s_n^2 + s_s^2}`: the same whichever way the axes point.

    Arguments as for :func:`gradient`.

    Examples
    --------
    >>> import numpy as np
    >>> latitude, east = np.array([-0.1, 0.0, 0.1]), np.array([[-1.0, 0.0, 1.0]])
    >>> u = 1e-5 * RADIUS * RADIAN * 0.1 * (3.0 * east + 4.0 * east.T)
    >>> float(strain(u, 0.0 * u, latitude, 0.1, 0.1)[1, 1].round(10))
    5e-05
    """
    normal = normal_strain(u, v, latitude, dlat, dlon, periodic=periodic)
    shear = shear_strain(u, v, latitude, dlat, dlon, periodic=periodic)
    return (normal**2 + shear**2) ** 0.5


def _cosine_sine(degrees: Array) -> tuple[Array, Array]:
    """Cosine and sine of an angle: by Euler's formula (-1)**x is exp(i pi x), which needs no library."""
    turned = (-1.0 + 0.0j) ** (degrees / 180.0)
    return turned.real, turned.imag


def _column(rows: Array) -> Array:
    """One value per latitude, for every longitude."""
    return rows[..., None]


def _along(field: Array, dlon: float, periodic: bool) -> Array:
    """Derivative along a circle of the Earth's radius [m-1]: an eastward one times the cosine of latitude."""
    inner, outer, ahead, behind = _neighbours(field.shape[-1], periodic)
    edge = field[..., ahead] - field[..., behind]
    return (0.5 * (field[..., outer] - field[..., inner]) + 2.0 * edge) / (RADIUS * RADIAN * dlon)


def _across(field: Array, dlat: float) -> Array:
    """Northward derivative [m-1]."""
    inner, outer, ahead, behind = _neighbours(field.shape[-2], periodic=False)
    edge = field[..., ahead, :] - field[..., behind, :]
    return (0.5 * (field[..., outer, :] - field[..., inner, :]) + 2.0 * edge) / (RADIUS * RADIAN * dlat)


def _neighbours(n: int, periodic: bool) -> tuple[list[int], list[int], list[int], list[int]]:
    """Whose values make the derivative at each of n points: (x[outer] - x[inner]) / 2 + 2 (x[ahead] - x[behind]).

    Inside, the second difference vanishes. At the first edge the derivative is 2 (x1 - x0) - (x2 - x0) / 2, which is
    of second order too, and likewise at the last.
    """
    if n < 3:
        raise ValueError(f"a derivative needs at least 3 points along each axis, and here are {n}: take a larger field")
    here = list(range(n))
    if periodic:
        return here[-1:] + here[:-1], here[1:] + here[:1], here, here
    inner = [2, *here[:-2], n - 1]
    outer = [0, *here[2:], n - 3]
    return inner, outer, [1, *here[1:-1], n - 1], [0, *here[1:-1], n - 2]
