"""What lies below the surface of a nature run: profiles of temperature, salinity and current on demand.

A nature run keeps its surface and one number a column, the ``heave`` of its main thermocline. The rest is analytic:

- a mean profile from the surface mean to deep water, a seasonal thermocline upon a main one;
- the main thermocline moved up and down by the first baroclinic mode: the water at depth z is that of z - heave G(z);
- plus what the surface has beyond it, the season's and the weather's, held by the mixed layer and gone below it;
- currents by thermal wind: geostrophic of the surface height at the surface, of zos - (g'/g) heave Phi(z) at depth.

Temperature and salinity have one shape, so that heave only carries the water of a stable column up and down. A column
is stable where its mean is (:func:`saltiest` says how salt the surface may be) and where its surface anomaly is no
denser than the seasonal thermocline is light (:data:`SEASONAL` of the contrast with deep water).

Two things it does not know. A colder surface is not mixed down: where winter lies on the cold side of a front, water at
the top is denser than some 50 m below. And of the surface height it takes off what the thermocline shields, no more:
surface-trapped eddies, and the mean of a global run, have currents down to the bottom.

References
----------
Gill (1982), Atmosphere-Ocean Dynamics, chapter 6; Wunsch (1997, JPO 27, 1770) for the dominance of the first mode.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from adaf_xr.kinematics import GRAVITY
from adaf_xr.osse import currents

THERMOCLINE = 700.0
"""Depth [m] at which the main thermocline is half way to deep water, where a run states none."""

BOTTOM = 4000.0
"""Depth [m] at which heave vanishes."""

MIXED_LAYER = 100.0
"""Depth [m] over which a surface anomaly decays."""

EKMAN = 40.0
"""Depth [m] over which the ageostrophic current of the surface decays."""

SEASONAL = 0.3
"""Share of the contrast between surface and deep water that lies in the seasonal thermocline."""

DEEP_TEMPERATURE = 2.0
"""Potential temperature [degC] of deep water."""

DEEP_SALINITY = 34.75
"""Practical salinity of the deep water of the open ocean."""

OPEN_OCEAN = 37.3
"""Largest surface salinity of the open ocean; a salter sea is a basin of evaporation."""

_BASIN_SURFACE, _BASIN_DEEP = (OPEN_OCEAN, 38.3, 45.0), (DEEP_SALINITY, 37.9, 44.6)
"""Where evaporation makes the surface salter than the open ocean ever is, the basin's deep water is its own."""

_STABLE = (-2.0, 2.0, 5.0, 35.0), (34.05, 34.75, 35.05, 38.65)
"""Mean surface temperature and the surface salinity it holds up: per degree, warm water holds more than cold."""


def at_depth(ds: xr.Dataset, depth: float | Sequence[float]) -> xr.Dataset:
    """Temperature, salinity and currents of a nature run at depth.

    Parameters
    ----------
    ds : Dataset
        A nature run: `thetao`, `so`, `uo`, `vo`, `zos`, `heave` (time, latitude, longitude), `thetao_mean`, `so_mean`,
        and the attributes ``thermocline_depth`` [m] and ``reduced_gravity`` [m s-2].
    depth : float or sequence of float
        Depths [m], positive down.

    Returns
    -------
    Dataset
        `thetao`, `so`, `uo`, `vo` with a dimension ``depth`` before the horizontal ones, lazy where `ds` is. At depth
        0 they are the surface fields exactly.

    Raises
    ------
    ValueError
        Where `ds` is no nature run, or a depth is negative.

    Examples
    --------
    >>> axes = {"time": [0], "latitude": [30.0, 31.0, 32.0], "longitude": [10.0, 11.0, 12.0]}
    >>> rest = xr.DataArray(np.zeros((1, 3, 3)), coords=axes)
    >>> ds = xr.Dataset({v: rest for v in ("uo", "vo", "zos", "heave")})
    >>> ds = ds.assign(thetao=rest + 20, so=rest + 35, thetao_mean=rest[0] + 20, so_mean=rest[0] + 35)
    >>> below = at_depth(ds.assign_attrs(thermocline_depth=700.0, reduced_gravity=0.02), [0.0, 2000.0])
    >>> below.thetao.dims, below.thetao[0, :, 0, 0].round(1).values.tolist()
    (('time', 'depth', 'latitude', 'longitude'), [20.0, 3.4])
    """
    levels = np.atleast_1d(np.asarray(depth, dtype="f8"))
    _refuse(ds, levels)
    attrs = {"standard_name": "depth", "units": "m", "positive": "down"}
    z = xr.DataArray(levels, dims="depth", coords={"depth": ("depth", levels, attrs)})
    below = {
        "thetao": _profile(temperature, z, ds.thetao, ds.thetao_mean, ds.heave, ds.attrs["thermocline_depth"]),
        "so": _profile(salinity, z, ds.so, ds.so_mean, ds.heave, ds.attrs["thermocline_depth"]),
        **_currents(z, ds),
    }
    horizontal = ("latitude", "longitude")
    ordered = {
        name: field.transpose(..., "depth", *horizontal).assign_attrs(ds[name].attrs) for name, field in below.items()
    }
    return xr.Dataset(ordered, attrs=ds.attrs).assign_coords(depth=z.depth)


def temperature(
    depth: ArrayLike, surface: ArrayLike, mean: ArrayLike, heave: ArrayLike, thermocline: float = THERMOCLINE
) -> NDArray:
    """Potential temperature [degC] of water columns.

    Parameters
    ----------
    depth : array
        Depth [m], positive down; broadcasts against the others.
    surface, mean : array
        Surface temperature and its mean state [degC] at the place.
    heave : array
        How much deeper than in the mean state the main thermocline lies [m].
    thermocline : float
        Depth [m] of the main thermocline.

    Returns
    -------
    array
        Exactly `surface` at depth 0.

    Examples
    --------
    >>> temperature([0.0, 700.0, 4000.0], surface=21.0, mean=20.0, heave=[[0.0], [150.0]]).round(1).tolist()
    [[21.0, 8.3, 2.4], [21.0, 9.8, 2.4]]
    """
    return _column(depth, surface, mean, heave, DEEP_TEMPERATURE, thermocline)


def salinity(
    depth: ArrayLike, surface: ArrayLike, mean: ArrayLike, heave: ArrayLike, thermocline: float = THERMOCLINE
) -> NDArray:
    """Practical salinity of water columns; parameters as those of :func:`temperature`.

    Examples
    --------
    >>> salinity([0.0, 700.0, 4000.0], surface=36.0, mean=36.0, heave=0.0).round(2).tolist()
    [36.0, 35.19, 34.78]
    """
    return _column(depth, surface, mean, heave, deep_salinity(mean), thermocline)


def deep_salinity(mean: ArrayLike) -> NDArray:
    """Practical salinity of the deep water below a mean surface salinity: a basin of evaporation has its own.

    Examples
    --------
    >>> deep_salinity([33.0, 36.0, 38.3]).tolist()
    [34.75, 34.75, 37.9]
    """
    return np.interp(np.asarray(mean), _BASIN_SURFACE, _BASIN_DEEP)


def saltiest(mean_temperature: ArrayLike) -> NDArray:
    """Mean surface salinity above which a column of that mean surface temperature [degC] would overturn.

    Basins of evaporation are not held to it: their contrast in salinity is small whatever their surface is.

    Examples
    --------
    >>> saltiest([-1.8, 5.0, 20.0]).round(2).tolist()
    [34.08, 35.05, 36.85]
    """
    return np.interp(np.asarray(mean_temperature), *_STABLE)


def displacement(depth: ArrayLike, thermocline: float = THERMOCLINE) -> NDArray:
    """Share G of the heave at a depth [m]: 0 at the surface, 1 at the thermocline, 0 at the bottom.

    Concave down to the bottom, so that no heave turns the order of the water above the main thermocline round.

    Examples
    --------
    >>> displacement([0.0, 700.0, 4000.0, 6000.0]).tolist()
    [0.0, 1.0, 0.0, 0.0]
    """
    z = np.asarray(depth, dtype="f8")
    above, below = np.maximum(z, 0.0) / thermocline, np.maximum(BOTTOM - z, 0.0) / (BOTTOM - thermocline)
    # sqrt(2) / hypot(1 / above, 1 / below), without a division by zero at either end.
    return np.sqrt(2.0) * above * below / np.hypot(above, below)


def shielding(depth: ArrayLike, thermocline: float = THERMOCLINE) -> NDArray:
    """Share Phi of the thermocline's pressure that a depth [m] feels: 0 at the surface, to 1 in the deep.

    Phi is the integral of the stratification of the main thermocline times :func:`displacement` (for a bottom far
    below), so that the currents it makes are in thermal wind balance with the heaved water.

    Examples
    --------
    >>> shielding([0.0, 700.0, 1e6]).round(3).tolist()
    [0.0, 0.354, 1.0]
    """
    squared = np.square(np.asarray(depth, dtype="f8") / thermocline)
    return (squared / (1.0 + squared)) ** 1.5


def mixed(depth: ArrayLike) -> NDArray:
    """Share M of a surface anomaly that a depth [m] has: 1 at the surface, to 0 below the mixed layer.

    Examples
    --------
    >>> mixed([0.0, 100.0, 1000.0]).round(3).tolist()
    [1.0, 0.368, 0.0]
    """
    return np.exp(-np.square(np.asarray(depth, dtype="f8") / MIXED_LAYER))


def _column(
    depth: ArrayLike, surface: ArrayLike, mean: ArrayLike, heave: ArrayLike, deep: ArrayLike, thermocline: float
) -> NDArray:
    """Heaved main thermocline plus what the mixed layer holds beyond it."""
    z, contrast = np.asarray(depth), (1.0 - SEASONAL) * (np.asarray(mean) - deep)
    # Heave beyond the depth itself brings surface water, not air.
    origin = np.maximum(z - np.asarray(heave) * displacement(z, thermocline), 0.0)
    main = deep + contrast / (1.0 + np.square(origin / thermocline))
    return np.where(z <= 0.0, surface, main + (np.asarray(surface) - deep - contrast) * mixed(z))


def _refuse(ds: xr.Dataset, levels: NDArray) -> None:
    """Say what a dataset lacks to have columns."""
    needed = ("thetao", "so", "uo", "vo", "zos", "heave", "thetao_mean", "so_mean")
    missing = [name for name in needed if name not in ds]
    missing += [name for name in ("thermocline_depth", "reduced_gravity") if name not in ds.attrs]
    if missing:
        raise ValueError(
            f"the dataset lacks {', '.join(missing)}, without which nothing is known below the surface: "
            "take the truth of an experiment, or a snapshot of a nature run"
        )
    if not (np.isfinite(levels) & (levels >= 0.0)).all():
        raise ValueError(f"depths are positive down, in metres, and here is {levels.min():g}")


def _profile(
    law: Callable[..., NDArray],
    z: xr.DataArray,
    surface: xr.DataArray,
    mean: xr.DataArray,
    heave: xr.DataArray,
    thermocline: float,
) -> xr.DataArray:
    """:func:`temperature` or :func:`salinity` of labelled fields, in the precision of the surface."""

    def compute(*columns: NDArray) -> NDArray:
        return law(*columns, thermocline=thermocline).astype(surface.dtype)

    # The levels are a coordinate, in memory: a lazy run stays lazy because its fields are.
    return xr.apply_ufunc(
        compute, z, surface, mean, heave, dask="parallelized", output_dtypes=[surface.dtype], keep_attrs=False
    )


def _currents(z: xr.DataArray, ds: xr.Dataset) -> dict[str, xr.DataArray]:
    """Thermal wind below the surface current, whose ageostrophic part fades within the Ekman layer."""
    surface, tilt = _geostrophic(ds.zos), _geostrophic(ds.heave)
    fading = z.copy(data=np.exp(-z.values / EKMAN).astype(ds.uo.dtype))
    share = ds.attrs["reduced_gravity"] / GRAVITY * shielding(z.values, ds.attrs["thermocline_depth"])
    felt = z.copy(data=share.astype(ds.uo.dtype))
    return {
        name: fading * ds[name] + (1.0 - fading) * balanced - felt * sheared
        for name, balanced, sheared in zip(("uo", "vo"), surface, tilt, strict=True)
    }


def _geostrophic(height: xr.DataArray) -> tuple[xr.DataArray, ...]:
    """Geostrophic currents of a labelled field, map by map."""
    core = ["latitude", "longitude"]
    return xr.apply_ufunc(
        currents.geostrophic,
        height,
        height.latitude,
        height.longitude,
        input_core_dims=[core, core[:1], core[1:]],
        output_core_dims=[core, core],
        dask="parallelized",
        output_dtypes=[height.dtype, height.dtype],
        dask_gufunc_kwargs={"allow_rechunk": True},
        keep_attrs=False,
    )
