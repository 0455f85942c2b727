"""Cubic upsampling: the engine "cubic", the bar that a learned super-resolution must clear.

A separable cubic in index space refines each coarse cell into factor² nested ones, after the missing cells have
been filled by a smooth continuation of the sea. Two kernels: the interpolating B-spline (default) and cubic convolution
(Keys 1981, a = -1/2). RMSE of global 0.25 degree fields rebuilt from their 1 degree means:

=======================  ==============  ============  =========================  ==============
kernel                   `keep_means`    OISST [degC]  topography (DUACS L4) [m]  `ugos` [m s-1]
=======================  ==============  ============  =========================  ==============
none (repeated value)    yes             0.2845        0.0384                     0.0888
``"convolution"``        no              0.1712        0.0229                     0.0733
``"convolution"``        yes             0.1443        0.0187                     0.0658
``"spline"``             no              0.1592        0.0207                     0.0706
``"spline"``             yes             0.1377        0.0174                     0.0652
=======================  ==============  ============  =========================  ==============

(``python tests/benchmarks/bench_cubic.py`` prints the table.)

References
----------
Keys, R. (1981). Cubic convolution interpolation for digital image processing. IEEE Trans. ASSP 29, 1153-1160.
Unser, M. (1999). Splines: a perfect fit for signal and image processing. IEEE Signal Process. Mag. 16(6), 22-38.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from adaf_xr._version import __version__
from adaf_xr.grids import is_periodic, nest, nest_latitude
from adaf_xr.models.extrapolation import Extrapolation
from adaf_xr.sphere import cell_area

_MARGIN = 24
"""Cells added beyond each edge: what a spline knows of values farther away is below rounding (0.27 ** 24)."""

_TAPS = np.arange(-2, 3)
"""Coarse cells, counted from the one refined, that a fine value depends on."""

_SWEEPS = 4
"""Corrections of the coarse values before the last one that makes means exact; more gain less than 0.1 % RMSE."""


def _convolution(u: NDArray) -> NDArray:
    """Kernel of Keys (1981), a = -1/2, at distances `u` [cells]."""
    u = np.abs(u)
    near = (1.5 * u - 2.5) * u**2 + 1.0
    far = ((-0.5 * u + 2.5) * u - 4.0) * u + 2.0
    return np.where(u < 1.0, near, np.where(u < 2.0, far, 0.0))


def _b_spline(u: NDArray) -> NDArray:
    """Cubic B-spline at distances `u` [cells]; it interpolates after a prefilter of the values."""
    u = np.abs(u)
    return np.where(u < 1.0, 2.0 / 3.0 - u**2 + u**3 / 2.0, np.maximum(2.0 - u, 0.0) ** 3 / 6.0)


_KERNELS: dict[str, tuple[Callable[[NDArray], NDArray], bool]] = {
    "spline": (_b_spline, True),
    "convolution": (_convolution, False),
}
"""Kernel and whether it wants the spline prefilter, by name."""


@dataclass
class Cubic:
    """Upsampling by cubic interpolation, aware of land.

    Meets :class:`adaf_xr.models.base.UpsamplingModel`. Linear in the field; exact for constants, and for fields linear
    in latitude and longitude away from land; indifferent to the order of latitude and to where longitude is cut.

    Parameters
    ----------
    kernel : {"spline", "convolution"}
        The interpolating B-spline, or cubic convolution, which reaches no farther than two cells.

    Examples
    --------
    >>> field = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
    >>> Cubic().upsample(field, np.array([0.5, 1.5]), np.array([0.5, 1.5, 2.5]), 2).round(12)[0].tolist()
    [0.75, 1.25, 1.75, 2.25, 2.75, 3.25]
    """

    kernel: Literal["spline", "convolution"] = "spline"
    name: str = field(default="cubic", init=False)
    provenance: str = field(init=False)

    def __post_init__(self) -> None:
        if self.kernel not in _KERNELS:
            raise ValueError(f"unknown kernel {self.kernel!r}: choose one of {sorted(_KERNELS)}")
        self.provenance = f"cubic upsampling ({self.kernel}), adaf_xr {__version__}"

    def upsample(
        self,
        field: NDArray,
        latitude: NDArray,
        longitude: NDArray,
        factor: int,
        keep_means: bool = False,
        sea: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.float64]:
        """Refine each cell into factor² nested ones.

        Parameters
        ----------
        field : array (..., n_lat, n_lon)
            NaN on land.
        latitude, longitude : array (n_lat,), (n_lon,)
            Centres of the coarse cells [degrees], regular, two at least; longitude ascending. The fine centres are
            those of :func:`adaf_xr.grids.nest`.
        factor : int
            Fine cells per coarse one, along each axis.
        keep_means : bool
            Whether the mean over the sea cells nested in a coarse cell, weighted by their area, must be its value. It
            is closer to the truth too, where coarse values are means: the coarse values are corrected by the misfit of
            the means before they are interpolated, which leaves no steps between cells but what a last constant per
            cell, of rounding size in open water, adds.
        sea : bool array (n_lat * factor, n_lon * factor), optional
            Cells wanted; the rest is NaN. Default: the cells whose coarse cell has a value.

        Returns
        -------
        float64 array (..., n_lat * factor, n_lon * factor)

        Raises
        ------
        ValueError
            Where shapes do not fit, an axis is irregular or has a single cell, or a row of cells is centred on a pole.
        """
        lat, lon = np.asarray(latitude, dtype="f8"), np.asarray(longitude, dtype="f8")
        _check(field, lat, lon, factor, sea)
        stack = np.asarray(field, dtype="f8").reshape(-1, lat.size, lon.size)
        fine = np.full((len(stack), lat.size * factor, lon.size * factor), np.nan)
        present = np.isfinite(stack)
        for rows in _groups(present):
            mask = present[rows[0]]
            if mask.any():
                nested = _Nested(_KERNELS[self.kernel], mask, lat, lon, factor, sea)
                fine[rows] = nested.conserving(stack[rows]) if keep_means else nested.interpolated(stack[rows])
        return fine.reshape(*field.shape[:-2], *fine.shape[1:])


def _check(field: NDArray, lat: NDArray, lon: NDArray, factor: int, sea: NDArray | None) -> None:
    """Shapes at the door."""
    if field.shape[-2:] != (lat.size, lon.size):
        raise ValueError(
            f"the field has shape {field.shape}, and its axes {lat.size} latitudes and {lon.size} longitudes: "
            "put latitude and longitude last, in this order"
        )
    wanted = (nest_latitude(lat, factor).size, nest(lon, factor).size)
    if sea is not None and sea.shape != wanted:
        raise ValueError(f"sea has shape {sea.shape}, and the fine grid {wanted}: give it on the fine grid")


def _groups(present: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """Numbers of the fields that share a mask, for each mask."""
    cells = present.shape[1] * present.shape[2]
    packed = np.packbits(present.reshape(len(present), cells), axis=1)
    _, group = np.unique(packed, axis=0, return_inverse=True)
    return [np.flatnonzero(group == g) for g in range(group.max(initial=-1) + 1)]


class _Nested:
    """Everything that depends on the grid and the mask, and the two ways to refine fields (n, n_lat, n_lon) on them."""

    def __init__(
        self,
        kernel: tuple[Callable[[NDArray], NDArray], bool],
        present: NDArray[np.bool_],
        lat: NDArray,
        lon: NDArray,
        factor: int,
        sea: NDArray[np.bool_] | None,
    ) -> None:
        function, self._prefilter = kernel
        self._factor, self._present, self._periodic = factor, present, is_periodic(lon)
        self._sea = _repeat(present, factor) if sea is None else sea
        self._fill = Extrapolation(present, self._periodic)
        offsets = (np.arange(factor) + 0.5) / factor - 0.5
        self._weights = function(offsets[:, None] - _TAPS)
        self._area = cell_area(nest_latitude(lat, factor), nest(lon, factor)) * self._sea

    def interpolated(self, coarse: NDArray) -> NDArray[np.float64]:
        """Fine fields, NaN outside the sea."""
        return np.where(self._sea, self._interpolate(coarse), np.nan)

    def conserving(self, coarse: NDArray) -> NDArray[np.float64]:
        """Fine fields whose means are the coarse ones, NaN outside the sea."""
        total = _sums(self._area, self._factor)
        held = self._present & (total > 0.0)
        share = self._area / _repeat(np.where(total > 0.0, total, 1.0), self._factor)
        aim = coarse
        for _ in range(_SWEEPS + 1):
            fine = self._interpolate(aim)
            misfit = np.where(held, coarse - _sums(fine * share, self._factor), 0.0)
            aim = aim + misfit
        return np.where(self._sea, fine + _repeat(misfit, self._factor), np.nan)

    def _interpolate(self, coarse: NDArray) -> NDArray[np.float64]:
        """Fine fields everywhere, on land too."""
        filled = self._fill(coarse)
        rows = self._along_last(filled.swapaxes(-1, -2), periodic=False)
        return self._along_last(rows.swapaxes(-1, -2), self._periodic)

    def _along_last(self, values: NDArray, periodic: bool) -> NDArray[np.float64]:
        """Refine the last axis, (..., n) to (..., n * factor).

        Beyond an edge the values go on by reflection in the outer one: straight lines stay straight.
        """
        n = values.shape[-1]
        width = [(0, 0)] * (values.ndim - 1) + [(_MARGIN, _MARGIN)]
        wide = np.pad(values, width, mode="wrap") if periodic else np.pad(values, width, "reflect", reflect_type="odd")
        if self._prefilter:
            from scipy.ndimage import spline_filter1d

            wide = spline_filter1d(wide, order=3, axis=-1, mode="mirror")
        windows = sliding_window_view(wide, _TAPS.size, axis=-1)[..., _MARGIN + _TAPS[0] :, :][..., :n, :]
        return np.einsum("...nt,ft->...nf", windows, self._weights).reshape(*values.shape[:-1], -1)


def _repeat(coarse: NDArray, factor: int) -> NDArray:
    """Every cell as a block of `factor` x `factor`."""
    return coarse.repeat(factor, axis=-2).repeat(factor, axis=-1)


def _sums(fine: NDArray, factor: int) -> NDArray:
    """Sum over the cells nested in each coarse one."""
    n_lat, n_lon = (size // factor for size in fine.shape[-2:])
    return fine.reshape(*fine.shape[:-2], n_lat, factor, n_lon, factor).sum(axis=(-3, -1))
