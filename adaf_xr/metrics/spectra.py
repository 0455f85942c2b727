"""Power spectra of maps in time and space, and the score of one spectrum against another.

Lengths are counted in degrees and days, frequencies in cycles per degree and per day: what the coordinates say.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from adaf_xr.cf.coordinates import Role
from adaf_xr.metrics.maps import MAP, as_maps, paired_maps, require_complete, roles_of, step

FEWEST = 5
"""Values along an axis that give two positive frequencies below that of Nyquist: fewer draw no contour."""

ROUNDING = 1e-26
"""Share of the mean square that may stand for a constant: the square of what arithmetic in double precision loses."""

DEFAULT: tuple[Role, ...] = ("time", "longitude")


def psd(field: xr.DataArray, dim: Role | Sequence[Role] = DEFAULT) -> xr.DataArray:
    r"""Power spectral density along some dimensions, for each place or time on the others.

    The mean over `dim` is taken off, and a periodic Hann window :math:`w` laid over each of them:

    .. math:: S(\mathbf f) = \frac{\prod \Delta}{\sum w^2} \left| \mathcal F [w (x - \bar x)] \right|^2

    doubled where the last frequency is positive and not that of Nyquist, for the other half of the plane mirrors it:
    the integral over all frequencies returned is the variance of the windowed field. Along a single dimension this is
    ``scipy.signal.periodogram(window="hann", detrend="constant")``.

    Parameters
    ----------
    field : DataArray
        On `time`, `latitude` and `longitude` in any order, as many as `dim` names and any others of these; evenly
        spaced along `dim`, without missing values.
    dim : {"time", "latitude", "longitude"} or several
        Directions of the spectrum.

    Returns
    -------
    DataArray
        Dimensions of `field` with ``frequency_*`` [day-1 or degree-1], ascending, for each of `dim`, at the end: both
        signs for all but the last of them, not negative for the last. Lazy where `field` is; unit that of the field
        squared, per unit of each frequency.

    Raises
    ------
    ValueError
        Where an axis is missing, short or uneven, or a value is missing (when it computes).

    Examples
    --------
    A wave of amplitude 2 and 10 days has a variance of 2, all of it about a frequency of 0.1 a day:

    >>> days = np.arange(100)
    >>> time = np.datetime64("2012-10-01", "ns") + days * np.timedelta64(1, "D")
    >>> spectrum = psd(xr.DataArray(2.0 * np.cos(2.0 * np.pi * days / 10), {"time": time}, ["time"]), "time")
    >>> float(spectrum.idxmax("frequency_time")), round(float(spectrum.sum() * 0.01), 12)
    (0.1, 2.0)
    """
    along = _directions(dim)
    return _spectrum(as_maps(field, roles_of(field, along)).astype("f8"), along)


def psd_score(rec: xr.DataArray, ref: xr.DataArray, dim: Role | Sequence[Role] = DEFAULT) -> xr.DataArray:
    r"""Share of the power at each scale that a reconstruction has right.

    .. math:: 1 - \frac{\langle S_{x - y} \rangle}{\langle S_y \rangle}

    where angle brackets are the mean over all but `dim`. With the default this is the score of the 2020a ocean data
    challenge. Unit: 1. Range: to 1; best 1; 0 for a reconstruction of nothing.

    Parameters
    ----------
    rec, ref : DataArray
        Reconstruction x and reference y with `time`, `latitude` and `longitude`, of which only `dim` are required.
    dim : {"time", "latitude", "longitude"} or several
        As for :func:`psd`.

    Returns
    -------
    DataArray
        On the frequencies of :func:`psd` that are positive along every direction and below that of Nyquist, with the
        wavelengths ``wavelength_*`` [degrees or days] as coordinates. Missing where the reference has no power
        but that of rounding. Lazy
        where the input is.

    Raises
    ------
    ValueError
        Where grids, times or units differ, an axis has fewer than five values or is uneven, or a value is missing
        (when it computes).

    Examples
    --------
    What is a tenth too small everywhere misses 1 % of the power at each scale:

    >>> rng = np.random.default_rng(0)
    >>> time = np.datetime64("2012-10-01", "ns") + np.arange(8) * np.timedelta64(1, "D")
    >>> axes = {"time": time, "latitude": np.arange(30.0, 33.0), "longitude": np.arange(9.0)}
    >>> ref = xr.DataArray(rng.normal(size=(8, 3, 9)), axes, list(axes))
    >>> psd_score(0.9 * ref, ref).round(12).values.tolist()
    [[0.99, 0.99, 0.99, 0.99], [0.99, 0.99, 0.99, 0.99], [0.99, 0.99, 0.99, 0.99]]
    """
    along = _directions(dim)
    x, y = paired_maps(rec, ref, roles_of(ref, along))
    for role in along:
        require_length(y, role)
    others = [d for d in y.dims if d not in along]
    error, power = (_spectrum(part, along).mean(others) for part in (x - y, y))
    # White noise of the variance of rounding has this density: what is below is none.
    floor = ROUNDING * (y**2).mean() * np.prod([step(y, role) for role in along])
    score = (1.0 - error / power.where(power > floor)).rename("psd_score")
    for role in along:
        name = frequency(role)
        # Nyquist's frequency has no sign: an even number of values has it once, with the negative ones.
        inside = (score[name] > 0.0) & (score[name] < 0.5 / step(y, role) * (1.0 - 1e-9))
        score = score.isel({name: inside.values})
        unit = "days" if role == "time" else "degrees"
        score = score.assign_coords({f"wavelength_{role}": (name, 1.0 / score[name].values, {"units": unit})})
    return score.assign_attrs(units="1", long_name="share of the power that is right")


def require_length(field: xr.DataArray, role: str, fewest: int = FEWEST) -> None:
    """Refuse an axis too short for a spectrum.

    Raises
    ------
    ValueError
        Where it has fewer than `fewest` values.
    """
    if field.sizes[role] < fewest:
        raise ValueError(
            f"{field.sizes[role]} values along {role} are too few for a score of scales, which needs {fewest} and "
            "means little below some tens: give a longer series or a larger box"
        )


def frequency(role: str) -> str:
    """Name of the frequencies along an axis."""
    return f"frequency_{role}"


def _directions(dim: Role | Sequence[Role]) -> tuple[Role, ...]:
    """Several roles, checked."""
    along: tuple[Role, ...] = (dim,) if isinstance(dim, str) else tuple(dim)
    if not along or len(set(along)) < len(along) or not set(along) <= set(MAP):
        raise ValueError(f"dim={dim!r}: name one or several of {', '.join(MAP)}, each once")
    return along


def _spectrum(field: xr.DataArray, along: tuple[Role, ...]) -> xr.DataArray:
    """Density on named frequencies, last dimensions."""
    for role in along:
        require_length(field, role, 2)
    sizes = {role: field.sizes[role] for role in along}
    steps = [step(field, role) for role in along]
    whole: dict[Hashable, int] = dict.fromkeys(along, -1)
    spectrum = xr.apply_ufunc(
        _density,
        field if field.chunks is None else field.chunk(whole),
        kwargs={"steps": steps, "name": field.name},
        input_core_dims=[list(along)],
        output_core_dims=[[frequency(role) for role in along]],
        dask="parallelized",
        keep_attrs=False,
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={
            "output_sizes": {frequency(role): n // 2 + 1 if role == along[-1] else n for role, n in sizes.items()}
        },
    )
    last = len(along) - 1
    for i, (role, n) in enumerate(sizes.items()):
        values = np.fft.rfftfreq(n, steps[i]) if i == last else np.fft.fftshift(np.fft.fftfreq(n, steps[i]))
        unit = "day-1" if role == "time" else "degree-1"
        spectrum = spectrum.assign_coords({frequency(role): (frequency(role), values, {"units": unit})})
    return spectrum


def hann(n: int) -> NDArray[np.float64]:
    """Periodic Hann window, that of spectra: its last value is not its first again.

    Examples
    --------
    >>> hann(4).round(12).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    return 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(n) / n)


def _density(values: NDArray, steps: list[float], name: object) -> NDArray[np.float64]:
    """Density over the last axes: both signs of frequency, in order, along all but the last of them."""
    require_complete(values, name)
    axes = tuple(range(-len(steps), 0))
    window = np.ones(())
    for axis in axes:
        window = np.multiply.outer(window, hann(values.shape[axis]))
    anomaly = (values - values.mean(axes, keepdims=True)) * window
    # scipy.fft would be threaded, but dask brings its own threads.
    transform = np.fft.rfftn(anomaly, axes=axes)
    power = (transform.real**2 + transform.imag**2) * (np.prod(steps) / (window**2).sum())
    # The last axis is half a plane: its other half holds as much, but for frequencies that are their own mirror.
    power[..., 1 : (values.shape[-1] + 1) // 2] *= 2.0
    return np.fft.fftshift(power, axes=axes[:-1])
