"""How much of currents, and of how they turn, spread and stretch, a reconstruction explains.

References
----------
Fablet, R., and others (2024). Inversion of sea surface currents from satellite-derived SST-SSH synergies with
4DVarNets. Journal of Advances in Modeling Earth Systems 16, e2023MS003609.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from adaf_xr import kinematics
from adaf_xr.cf.units import UNITS, spelling
from adaf_xr.grids import is_periodic
from adaf_xr.metrics import paper_filter
from adaf_xr.metrics.maps import MAP, as_maps, paired_maps, require_complete, step
from adaf_xr.metrics.resolution import DEGREE
from adaf_xr.metrics.spectra import ROUNDING

DERIVED = ("vorticity", "divergence", "strain")
"""What is made of the derivatives of currents, in the order of the published table."""

CROP = 1
"""Pixels along each side where derivatives on the sphere are one-sided."""

Filter = Literal["paper"] | None


def tau(
    u: xr.DataArray, v: xr.DataArray, u_ref: xr.DataArray, v_ref: xr.DataArray, filter: Filter = "paper"
) -> xr.Dataset:
    r"""Explained variance [percent] of currents, vorticity, divergence and strain rate.

    .. math:: \tau_{uv} = 100 \left(1 - \frac{\langle (u - u^*)^2 + (v - v^*)^2 \rangle}
                                             {\langle u^{*2} + v^{*2} \rangle} \right), \qquad
              \tau_q = 100 \left(1 - \frac{\langle (q - q^*)^2 \rangle}
                                          {\langle (q^* - \langle q^* \rangle)^2 \rangle} \right)

    where an asterisk is the reference and angle brackets are the mean over pixels and times, every pixel alike. The
    mean current counts in the first, as published.

    With ``filter="paper"`` derivatives are those of the 4DVarNet paper: u and v are smoothed by a Gaussian of one pixel
    and one time step, differentiated by the stencil 0.3, 0.4, -0.7 as on a plane, and three pixels are left out along
    each side (of the currents too, which are not smoothed). With ``filter=None`` they are centred differences on the
    sphere of what is given (:mod:`adaf_xr.kinematics`), and one pixel is left out along each side but for the seam of a
    globe.

    Parameters
    ----------
    u, v : DataArray
        Eastward and northward current, with `time`, `latitude` and `longitude` in any order, evenly spaced.
    u_ref, v_ref : DataArray
        Reference, on the same grid.
    filter : "paper" or None
        Which derivatives.

    Returns
    -------
    Dataset
        ``uv``, ``vorticity``, ``divergence`` and ``strain``; at most 100. Missing where the reference does not vary.
        Lazy where the input is. With ``filter=None`` only places where all are present count, and the score of land
        alone is missing.

    Raises
    ------
    ValueError
        Where grids, times or units differ, or the maps are smaller than what is left out; with ``filter="paper"`` where
        a value is missing (when it computes).

    Examples
    --------
    Currents a tenth too weak explain 99 %:

    >>> rng = np.random.default_rng(0)
    >>> time = np.datetime64("2012-10-22", "ns") + np.arange(4) * np.timedelta64(1, "D")
    >>> axes = {"time": time, "latitude": 30.0 + 0.1 * np.arange(10.0), "longitude": 0.1 * np.arange(12.0)}
    >>> u, v = (xr.DataArray(rng.normal(size=(4, 10, 12)), axes, list(axes)) for _ in range(2))
    >>> round(float(tau(0.9 * u, 0.9 * v, u, v).uv), 10)
    99.0
    """
    others = {"the eastward reconstruction": u, "the northward reconstruction": v, "the northward reference": v_ref}
    placed = {called: paired_maps(field, u_ref, called=called) for called, field in others.items()}
    (x, x_ref), (y, _), (y_ref, _) = placed.values()
    quantities = _quantities(filter)
    return _explained(quantities(x, y), quantities(x_ref, y_ref))


def tau_from_ssh(
    ssh: xr.DataArray,
    u_ref: xr.DataArray,
    v_ref: xr.DataArray,
    filter: Filter = "paper",
    *,
    sigma: float = paper_filter.SIGMA,
) -> xr.Dataset:
    """Explained variance [percent] of the geostrophic currents of a sea surface height, as :func:`tau`.

    With ``filter="paper"``, as for the rows of the published table that have no currents of their own: the currents are
    those of the height as it is; for vorticity, divergence and strain it is the height that is smoothed, and not the
    currents again. With ``filter=None`` they are :func:`adaf_xr.kinematics.geostrophic`, and nothing is smoothed.

    Parameters
    ----------
    ssh : DataArray
        Sea surface height [m unless its attribute says otherwise], with `time`, `latitude` and `longitude`, on one side
        of the equator.
    u_ref, v_ref : DataArray
        Reference currents [m s-1], on the same grid.
    filter : "paper" or None
        Which derivatives.
    sigma : float
        Width [pixels and days] of the Gaussian over the height: 1 for models, 4 for maps of optimal interpolation.

    Returns
    -------
    Dataset
        As :func:`tau`.

    Raises
    ------
    ValueError
        As :func:`tau`, and where the box holds the equator.

    Examples
    --------
    Geostrophy explains a geostrophic flow:

    >>> rng = np.random.default_rng(0)
    >>> time = np.datetime64("2012-10-22", "ns") + np.arange(2) * np.timedelta64(1, "D")
    >>> axes = {"time": time, "latitude": 30.0 + 0.1 * np.arange(10.0), "longitude": 0.1 * np.arange(12.0)}
    >>> ssh = xr.DataArray(rng.normal(size=(2, 10, 12)), axes, list(axes))
    >>> u, v = kinematics.geostrophic(ssh.values, axes["latitude"], 0.1, 0.1)
    >>> round(float(tau_from_ssh(ssh, ssh.copy(data=u), ssh.copy(data=v), filter=None).uv), 10)
    100.0
    """
    height = _height(ssh)
    # What is scored is no height but its currents.
    blank = height.assign_attrs(units="m s-1")
    if filter is None:
        return tau(*geostrophic_currents(ssh), u_ref, v_ref, filter=None)
    references = {"the eastward reference": u_ref, "the northward reference": v_ref}
    x_ref, y_ref = (paired_maps(field, blank, called=called)[0] for called, field in references.items())
    ref = _quantities(filter)(x_ref, y_ref)
    return _explained(_filtered(partial(_of_height, sigma=sigma), height), ref)


def geostrophic_currents(ssh: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """Geostrophic currents [m s-1] of maps of sea surface height, by centred differences on the sphere.

    Parameters
    ----------
    ssh : DataArray
        Sea surface height [m unless its attribute says otherwise], with `time`, `latitude` and `longitude`, on one side
        of the equator.

    Returns
    -------
    u, v : DataArray
        Eastward and northward; lazy where the height is.

    Raises
    ------
    ValueError
        Where the maps hold the equator or are uneven.

    Examples
    --------
    A slope of 1 m per degree, up to the south:

    >>> day, three = np.datetime64("2012-10-22", "ns"), np.arange(3.0)
    >>> axes = {"time": [day], "latitude": 29.0 + three, "longitude": three}
    >>> ssh = xr.DataArray(-three[None, :, None] + np.zeros((1, 3, 3)), axes, list(axes))
    >>> float(geostrophic_currents(ssh)[0][0, 1, 1].round(2))
    1.21
    """
    u, v = (part.assign_attrs(units="m s-1") for part in _mapped(kinematics.geostrophic, 2, _height(ssh)))
    return u, v


def _height(ssh: xr.DataArray) -> xr.DataArray:
    """Maps of height [m], refused where they hold the equator."""
    height = _metres(as_maps(ssh))
    lat = height.latitude.values
    if lat[0] <= 0.0 <= lat[-1]:
        raise ValueError(
            f"latitudes from {lat[0]:g} to {lat[-1]:g} hold the equator, where no current is geostrophic: choose a box "
            "on one side of it, several degrees away"
        )
    return height


def _quantities(filter: Filter) -> Callable[[xr.DataArray, xr.DataArray], xr.Dataset]:
    """How currents give what is explained."""
    if filter is None:
        return _on_the_sphere
    if filter == "paper":
        return lambda u, v: _filtered(_of_currents, u, v)
    raise ValueError(f'filter={filter!r}: give "paper" for the published scores, or None')


def _explained(rec: xr.Dataset, ref: xr.Dataset) -> xr.Dataset:
    """Percentages over the places where both have a quantity."""
    both = (rec.u + rec.v + ref.u + ref.v).notnull()
    error = ((rec.u - ref.u) ** 2 + (rec.v - ref.v) ** 2).where(both).mean()
    power = (ref.u**2 + ref.v**2).where(both).mean()
    shares = {"uv": error / power.where(power > 0.0)}
    # Differences of equal numbers are not quite zero: by less than this over a pixel, nothing varies.
    floor = power * (ROUNDING / (1000.0 * DEGREE * step(ref.u, "latitude")) ** 2)
    for name in DERIVED:
        truth = ref[name].where(rec[name].notnull())
        variance = ((truth - truth.mean()) ** 2).mean()
        shares[name] = ((rec[name] - truth) ** 2).mean() / variance.where(variance > floor)
    percent = {name: (100.0 * (1.0 - share)).assign_attrs(units="percent") for name, share in shares.items()}
    return xr.Dataset(percent, attrs={"long_name": "explained variance"})


def _on_the_sphere(u: xr.DataArray, v: xr.DataArray) -> xr.Dataset:
    """Currents and their centred derivatives."""
    flows = (kinematics.vorticity, kinematics.divergence, kinematics.strain)

    def derived(x: NDArray, y: NDArray, **grid: Any) -> tuple[NDArray, ...]:
        return tuple(flow(x, y, **grid) for flow in flows)

    parts = _mapped(derived, len(flows), u, v)
    return _cropped(xr.Dataset({"u": u, "v": v, **dict(zip(DERIVED, parts, strict=True))}), CROP, periodic=_periodic(u))


def _mapped(
    function: Callable[..., tuple[NDArray, ...]], count: int, *fields: xr.DataArray
) -> tuple[xr.DataArray, ...]:
    """Several maps by a function of :mod:`adaf_xr.kinematics`, one task for each chunk of time."""
    first, whole = fields[0], dict.fromkeys(MAP[1:], -1)
    dlat, dlon = _spacings(first)
    results: tuple[xr.DataArray, ...] = xr.apply_ufunc(
        function,
        *(field if field.chunks is None else field.chunk(whole) for field in fields),
        kwargs={"latitude": first.latitude.values, "dlat": dlat, "dlon": dlon, "periodic": _periodic(first)},
        input_core_dims=[MAP[1:]] * len(fields),
        output_core_dims=[MAP[1:]] * count,
        dask="parallelized",
        keep_attrs=False,
        output_dtypes=[np.float64] * count,
    )
    return results


def _filtered(function: Callable[..., tuple[NDArray, ...]], *fields: xr.DataArray) -> xr.Dataset:
    """Currents and their derivatives by a function of whole series of maps."""
    first = fields[0]
    grid = paper_filter.steps(first.latitude.values, *_spacings(first))
    results = xr.apply_ufunc(
        _of_complete,
        *(field if field.chunks is None else field.chunk(-1) for field in fields),
        kwargs={"function": function, "latitude": first.latitude.values, "grid": grid, "name": first.name},
        input_core_dims=[MAP] * len(fields),
        output_core_dims=[MAP] * 5,
        dask="parallelized",
        keep_attrs=False,
        output_dtypes=[np.float64] * 5,
    )
    return _cropped(xr.Dataset(dict(zip(("u", "v", *DERIVED), results, strict=True))), paper_filter.CROP)


def _of_complete(*fields: NDArray, function: Callable[..., tuple[NDArray, ...]], name: object, **kwargs: Any) -> Any:
    """Nothing missing, or a Gaussian would spread the hole."""
    for values in fields:
        require_complete(values, name)
    return function(*fields, **kwargs)


def _of_currents(u: NDArray, v: NDArray, latitude: NDArray, grid: paper_filter.Steps) -> tuple[NDArray, ...]:
    """Currents as they are, and derivatives of smoothed ones."""
    x, y = (paper_filter.smooth(part, paper_filter.SIGMA) for part in (u, v))
    return (u, v, *paper_filter.derived(x, y, grid))


def _of_height(ssh: NDArray, latitude: NDArray, grid: paper_filter.Steps, sigma: float) -> tuple[NDArray, ...]:
    """Geostrophic currents of the height as it is, and derivatives of those of the smoothed one."""
    smoothed = paper_filter.geostrophic(paper_filter.smooth(ssh, sigma), latitude, grid)
    return (*paper_filter.geostrophic(ssh, latitude, grid), *paper_filter.derived(*smoothed, grid))


def _cropped(maps: xr.Dataset, crop: int, *, periodic: bool = False) -> xr.Dataset:
    """Without the pixels along the sides."""
    whole = slice(None)
    for role in MAP[1:]:
        if maps.sizes[role] < 2 * crop + 2 and not (periodic and role == "longitude"):
            raise ValueError(
                f"{maps.sizes[role]} pixels along {role} are too few, for {crop} are left out along each side and two "
                "must be left: give a larger box"
            )
    inside = slice(crop, -crop)
    return maps.isel(latitude=inside, longitude=whole if periodic else inside)


def _spacings(maps: xr.DataArray) -> tuple[float, float]:
    """Steps of latitude and longitude [degrees], checked to be even."""
    return step(maps, "latitude"), step(maps, "longitude")


def _periodic(maps: xr.DataArray) -> bool:
    """Whether the maps go around the globe."""
    return is_periodic(maps.longitude.values)


def _metres(height: xr.DataArray) -> xr.DataArray:
    """A height in metres; without a unit it is one already."""
    unit = spelling(height.attrs.get("units", "m"))
    if unit not in UNITS["zos"]:
        raise ValueError(f"{height.name!r} is in {height.attrs['units']!r}, which is no length: give a height in m")
    scale, _ = UNITS["zos"][unit]
    return (height.astype("f8") * scale).rename(height.name)
