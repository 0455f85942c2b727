"""Spectra of maps with land: averaged over the boxes of open sea that they hold."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from adaf_xr.metrics.maps import paired_maps, roles_of
from adaf_xr.metrics.resolution import DEGREE, PLANE, isotropic_psd, shortest_resolved

SIDE = 15.0
"""Length of the sides of a box [degrees]: the mesoscale fits several times, and oceans hold dozens of boxes."""

POLEWARD = 60.0
"""Latitude up to which boxes reach [degrees]: beyond it they are less than half as wide as they are long."""

VALUES = 2**25
"""Values of a field that are held at once: a month of global maps of 0.25 degrees."""


def resolution_in_boxes(rec: xr.DataArray, ref: xr.DataArray, *, side: float = SIDE) -> float:
    r"""Shortest wavelength [km] that a reconstruction resolves on average over boxes of open sea.

    .. math:: 1 - \frac{\langle E_{x - y}(k) \rangle}{\langle E_y(k) \rangle} = 0.5

    as :func:`adaf_xr.metrics.effective_resolution`, where angle brackets are means over time and, by their areas, over
    boxes of `side` degrees a side that lie within 60 degrees of the equator and lack no value at any time. Boxes begin
    at the first meridian of the fields; what is left over at the end is not looked at. Spectra of boxes of different
    latitudes meet on the wavenumbers of a meridian, by linear interpolation.

    Parameters
    ----------
    rec, ref : DataArray
        Maps with `latitude` and `longitude`, and `time` or not; evenly spaced. Land is missing.
    side : float
        Of a box [degrees].

    Returns
    -------
    float
        [km]. The shortest wavelength of the spectrum, some twice the spacing, where all scales are resolved, NaN where
        the longest is not. This computes, a month of global maps after the other.

    Raises
    ------
    ValueError
        Where no box is free of land, grids, times or units differ, or an axis is short or uneven.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> axes = {"latitude": np.arange(0.5, 30.0), "longitude": np.arange(0.5, 30.0)}
    >>> ref = xr.DataArray(rng.normal(size=(30, 30)), axes, list(axes)).where(lambda da: da.latitude + da.longitude > 9)
    >>> round(resolution_in_boxes(0.9 * ref, ref)), resolution_in_boxes(0.1 * ref, ref)
    (278, nan)
    """
    x, y = paired_maps(rec, ref, roles_of(ref, PLANE))
    kept = _boxes(x, y, side)
    step, nyquist = 1.0 / (side * DEGREE), 0.5 / (_spacing(y.latitude) * DEGREE)
    numbers = step * np.arange(1.0, nyquist / step + 1e-6)
    error, power = np.zeros((2, numbers.size))
    for part in _periods(y):
        theirs, mine = (da.isel(part).load() for da in (y, x))
        for rows, columns in kept:
            of_error, of_power = (_on(numbers, da.isel(latitude=rows), columns) for da in (mine - theirs, theirs))
            error, power = error + of_error, power + of_power
    seen = power > 0.0
    return shortest_resolved(numbers[seen], 1.0 - error[seen] / power[seen])


def _boxes(x: xr.DataArray, y: xr.DataArray, side: float) -> list[tuple[slice, list[slice]]]:
    """Boxes in which neither field lacks a value: rows, and the columns of those that share them."""
    times = [d for d in y.dims if d == "time"]
    present = (x.notnull() & y.notnull()).all(times).compute()
    rows = [each for each in _pieces(y.latitude, side) if np.abs(y.latitude.values[each]).max() <= POLEWARD]
    columns = list(_pieces(y.longitude, side))
    found = [(each, [other for other in columns if present.values[each, other].all()]) for each in rows]
    if not (kept := [band for band in found if band[1]]):
        raise ValueError(
            f"no box of {side:g} by {side:g} degrees within {POLEWARD:g} degrees of the equator lacks land"
        )
    return kept


def _pieces(axis: xr.DataArray, side: float) -> Iterator[slice]:
    """An axis cut into whole sides, that of latitude from the equator on."""
    cells = round(side / _spacing(axis))
    first = int(np.searchsorted(axis.values, 0.0)) if axis.name == "latitude" else 0
    for start in range(first % max(cells, 1), axis.size - cells + 1, max(cells, 1)):
        yield slice(start, start + cells)


def _spacing(axis: xr.DataArray) -> float:
    return float(np.median(np.abs(np.diff(axis.values)))) if axis.size > 1 else np.inf


def _periods(field: xr.DataArray) -> Iterator[dict[str, slice]]:
    """Pieces of the time axis, small enough to be held."""
    times = field.sizes.get("time", 1)
    step = max(1, VALUES * times // field.size)
    yield from ({"time": slice(i, i + step)} if "time" in field.dims else {} for i in range(0, times, step))


def _on(numbers: NDArray, band: xr.DataArray, columns: list[slice]) -> NDArray[np.float64]:
    """Spectra of the boxes of a band, summed, times the area of one, on given wavenumbers; zero where there is none."""
    maps = [band.isel(longitude=each).transpose(..., *PLANE).values for each in columns]
    first = band.isel(longitude=columns[0])
    axes = {role: first[role].values for role in PLANE}
    stacked = np.concatenate([each.reshape(-1, *(axes[role].size for role in PLANE)) for each in maps])
    # The spectrum of a box depends on its latitude and not on its longitude or time: one call serves all of them.
    time = np.datetime64(0, "ns") + np.arange(len(stacked))
    spectrum = isotropic_psd(xr.DataArray(stacked, {"time": time, **axes}, ["time", *PLANE]))
    area = np.cos(np.radians(float(first.latitude.mean())))
    return area * np.interp(numbers, spectrum.wavenumber.values, spectrum.sum("time").values, left=0.0, right=0.0)
