"""Isotropic spectra of maps: the shortest wavelength that is right, and how steeply power falls."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from adaf_xr.cf.coordinates import Role
from adaf_xr.metrics.maps import as_maps, paired_maps, roles_of
from adaf_xr.metrics.spectra import ROUNDING, frequency, psd, require_length
from adaf_xr.sphere import RADIUS

HALF = 0.5
"""Score from which a scale counts as resolved: the error has half the power of the reference."""

DEGREE = float(np.radians(1.0)) * RADIUS
"""Length of one degree of latitude [km]."""

PLANE: tuple[Role, ...] = ("latitude", "longitude")


def isotropic_psd(field: xr.DataArray, *, kilometres_per_degree: float | None = None) -> xr.DataArray:
    """Power spectral density by wavenumber, whichever way the waves run.

    The :func:`adaf_xr.metrics.psd` over latitude and longitude is summed over rings as wide as the coarser of the two
    spacings of wavenumbers, up to the lower of the two frequencies of Nyquist: the integral over wavenumbers is the
    variance of the windowed field but for the corners of the plane beyond.

    Parameters
    ----------
    field : DataArray
        On `latitude` and `longitude`, and `time` or not; evenly spaced, nothing missing.
    kilometres_per_degree : float, optional
        Default: a degree of latitude is 111.19 km, and one of longitude that times the cosine of the mean latitude. A
        number holds for both: 100.0 is what the repository of the 4DVarNet paper takes.

    Returns
    -------
    DataArray
        On ``wavenumber`` [km-1] (cycles, not radians), and on time if the field has it. Lazy where `field` is; unit
        that of the field squared, times kilometres.

    Raises
    ------
    ValueError
        Where an axis is missing, short or uneven, or a value is missing (when it computes).

    Examples
    --------
    >>> degrees = 0.1 * np.arange(100)
    >>> wave = np.cos(2 * np.pi * degrees[:, None] / 1.0 + 0 * degrees)
    >>> field = xr.DataArray(wave, {"latitude": degrees - 5.0, "longitude": degrees}, ["latitude", "longitude"])
    >>> round(1.0 / float(isotropic_psd(field).idxmax("wavenumber")), -1)
    110.0
    """
    field = as_maps(field, roles_of(field, PLANE))
    for role in PLANE:
        require_length(field, role)
    plane = psd(field, PLANE)
    latitude = float(field.latitude.mean())
    scales = (DEGREE, DEGREE * np.cos(np.radians(latitude)))
    if kilometres_per_degree is not None:
        scales = (kilometres_per_degree, kilometres_per_degree)
    numbers = [plane[frequency(role)].values / scale for role, scale in zip(PLANE, scales, strict=True)]
    ring, width, mean = _rings(*numbers)
    summed = xr.apply_ufunc(
        _sum_rings,
        plane,
        kwargs={"ring": ring},
        input_core_dims=[[frequency(role) for role in PLANE]],
        output_core_dims=[["wavenumber"]],
        dask="parallelized",
        keep_attrs=False,
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": {"wavenumber": mean.size}},
    )
    cell = np.prod([number[1] - number[0] for number in numbers]) * np.prod(scales)
    return (summed * (cell / width)).assign_coords(wavenumber=("wavenumber", mean, {"units": "km-1"}))


def effective_resolution(rec: xr.DataArray, ref: xr.DataArray, *, kilometres_per_degree: float | None = None) -> float:
    r"""Shortest wavelength [km] that a reconstruction resolves, whichever way the waves run.

    .. math:: 1 - \frac{\langle E_{x - y}(k) \rangle_t}{\langle E_y(k) \rangle_t} = 0.5

    with E the :func:`isotropic_psd`, x the reconstruction and y the reference. From the longest wavelength
    down, the first fall of the score through 0.5 counts, linear in wavenumber: scales that are right by chance beyond a
    gap do not.

    Parameters
    ----------
    rec, ref : DataArray
        Maps with `latitude` and `longitude`, and `time` or not; evenly spaced, nothing missing.
    kilometres_per_degree : float, optional
        As for :func:`isotropic_psd`.

    Returns
    -------
    float
        [km]. The shortest wavelength of the spectrum where all scales are resolved, NaN where the longest is not. This
        computes.

    Raises
    ------
    ValueError
        Where grids, times or units differ, an axis is short or uneven, a value is missing, or the reference is flat.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> axes = {"latitude": np.arange(30.0, 42.0), "longitude": np.arange(14.0)}
    >>> ref = xr.DataArray(rng.normal(size=(12, 14)), axes, list(axes))
    >>> round(effective_resolution(0.9 * ref, ref)), effective_resolution(0.1 * ref, ref)
    (254, nan)
    """
    x, y = paired_maps(rec, ref, roles_of(ref, PLANE))
    parts = {"error": x - y, "power": y}
    spectra = {name: isotropic_psd(part, kilometres_per_degree=kilometres_per_degree) for name, part in parts.items()}
    means = xr.Dataset({name: part.mean([d for d in part.dims if d == "time"]) for name, part in spectra.items()})
    means = means.compute()
    floor = ROUNDING * float((y**2).mean()) / float(means.wavenumber[-1])
    if not (means["power"] > floor).all():
        raise ValueError(f"{ref.name!r} has no variation at some scales, and nothing to resolve: give one that has")
    return shortest_resolved(means.wavenumber.values, (1.0 - means["error"] / means["power"]).values)


def spectral_slope(spectrum: xr.DataArray, wavelengths: tuple[float, float]) -> float:
    """Exponent of a power law in a band of wavelengths, by least squares in logarithms.

    Parameters
    ----------
    spectrum : DataArray
        Density over one frequency or wavenumber, its only dimension.
    wavelengths : tuple of float
        Shortest and longest, in the unit of one over that dimension: km for :func:`isotropic_psd`, degrees or days for
        :func:`adaf_xr.metrics.psd`.

    Returns
    -------
    float
        -3 for a density that falls with the third power. This computes.

    Raises
    ------
    ValueError
        Where fewer than three wavelengths of the band have power.

    Examples
    --------
    >>> k = np.linspace(0.001, 0.02, 40)
    >>> round(spectral_slope(xr.DataArray(k**-3.0, {"wavenumber": k}, ["wavenumber"]), (70.0, 250.0)), 10)
    -3.0
    """
    if spectrum.ndim != 1:
        raise ValueError(f"the spectrum has dimensions {spectrum.dims}: average over all but its frequency first")
    number, power = spectrum[spectrum.dims[0]].values, spectrum.values
    shortest, longest = wavelengths
    band = (number * longest >= 1.0 - 1e-9) & (number * shortest <= 1.0 + 1e-9) & (power > 0.0)
    if np.count_nonzero(band) < 3:
        raise ValueError(
            f"{np.count_nonzero(band)} wavelengths from {shortest:g} to {longest:g} have power, and a slope needs "
            "three: widen the band, or take a larger box"
        )
    return float(np.polyfit(np.log(number[band]), np.log(power[band]), 1)[0])


def shortest_resolved(numbers: ArrayLike, score: ArrayLike, level: float = HALF) -> float:
    """Wavelength at which a score falls through a level for the first time, linear in wavenumber.

    Parameters
    ----------
    numbers : array (n,)
        Wavenumbers, ascending and positive.
    score : array (n,)
        Their scores.
    level : float
        Of the score.

    Returns
    -------
    float
        One over the last wavenumber where the score never falls; NaN where it begins below.

    Examples
    --------
    >>> shortest_resolved([1.0, 2.0, 3.0], [1.0, 0.75, 0.25]), shortest_resolved([1.0, 2.0], [0.1, 1.0])
    (0.4, nan)
    """
    k, s = np.asarray(numbers, "f8"), np.asarray(score, "f8")
    below = np.flatnonzero(s < level)
    if not below.size:
        return float(1.0 / k[-1])
    first = int(below[0])
    if first == 0:
        return float("nan")
    share = (s[first - 1] - level) / (s[first - 1] - s[first])
    return float(1.0 / (k[first - 1] + share * (k[first] - k[first - 1])))


def _rings(north: NDArray, east: NDArray) -> tuple[NDArray, float, NDArray]:
    """Number of the ring of each wavenumber (-1 outside all), width of the rings, and mean wavenumber in each."""
    width = float(max(north[1] - north[0], east[1] - east[0]))
    number = np.hypot(north[:, None], east[None, :])
    ring = np.rint(number / width).astype(int) - 1
    # Beyond the lower frequency of Nyquist a ring is not whole; within half a step of zero there is no wave.
    whole = int(min(np.abs(north).max(), east.max()) / width + 1e-9)
    if whole < 1:
        size = [f"{1.0 / (number[1] - number[0]):.3g}" for number in (north, east)]
        raise ValueError(
            f"the box is {size[0]} km by {size[1]} km, and pixels along one side do not resolve what fits the other: "
            "give a box as long as wide, away from the poles"
        )
    ring[ring >= whole] = -1
    inside = ring >= 0
    return ring, width, np.bincount(ring[inside], number[inside]) / np.bincount(ring[inside])


def _sum_rings(plane: NDArray, ring: NDArray) -> NDArray[np.float64]:
    """Sums over the rings of the last two axes."""
    flat = ring.ravel()
    order = np.argsort(flat, kind="stable")[np.count_nonzero(flat < 0) :]
    starts = np.flatnonzero(np.diff(flat[order], prepend=-1))
    return np.add.reduceat(plane.reshape(*plane.shape[:-2], -1)[..., order], starts, axis=-1)
