"""Spectra of fields and of their errors, and the scales that they resolve."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from adaf_xr.plotting import geography, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
"""Colours of analyses, told apart by colour-blind eyes too (Okabe and Ito 2008); they repeat after six."""

RESOLVED = 0.5
"""A wavelength is resolved where the error holds less than this share of the truth's power."""

_SCORE_COLOURS = "RdYlBu"
"""Blue: resolved; red: not; pale: between."""


def plot_spectra(spectra: xr.Dataset, *, title: str = "") -> Figure:
    """Power spectra of a truth, of analyses and of their errors, over the share of the power that each resolves.

    Parameters
    ----------
    spectra : Dataset
        On the dimension ``wavenumber`` [cycles km-1]: ``truth``; with a dimension ``analysis`` ahead: ``psd``,
        ``error`` (the spectrum of the difference) and ``score`` = 1 - error / truth. ``resolution`` (analysis) [km],
        missing where nothing is resolved. `truth` says its ``units``.
    title : str
        What is shown.

    Returns
    -------
    matplotlib Figure
        The spectra above, full lines and dashed ones for errors; the scores below. Resolutions are in the legend.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("agg")
    >>> k, one = np.array([0.001, 0.01, 0.1]), ("analysis", "wavenumber")
    >>> spectra = xr.Dataset(
    ...     {"truth": ("wavenumber", k**-3.0), "psd": (one, [k**-4.0]), "error": (one, [k**-2.0]),
    ...      "score": (one, [1.0 - k]), "resolution": ("analysis", [40.0])},
    ...     {"wavenumber": k, "analysis": ["oi"]},
    ... )
    >>> [line.get_label() for line in plot_spectra(spectra).axes[0].lines]
    ['truth', 'oi', 'oi, error']
    """
    import matplotlib.pyplot as plt

    spectra = spectra.isel(wavenumber=np.flatnonzero(spectra.wavenumber.values > 0))
    wavelength = 1.0 / spectra.wavenumber.values
    figure, (power, share) = plt.subplots(
        2, 1, sharex=True, figsize=(6.4, 6.4), height_ratios=(2.2, 1.0), layout="constrained"
    )
    power.loglog(wavelength, spectra.truth, color="black", linewidth=1.8, label="truth")
    for colour, name in _coloured(spectra.analysis.values):
        of = spectra.sel(analysis=name)
        power.loglog(wavelength, of.psd, color=colour, linewidth=1.4, label=name)
        power.loglog(wavelength, of.error, color=colour, linewidth=1.2, linestyle=(0, (4, 2)), label=f"{name}, error")
        km = float(of.resolution)
        share.semilogx(wavelength, of.score, color=colour, linewidth=1.4, label=_resolves(name, km))
        if np.isfinite(km):
            share.plot([km], [RESOLVED], "o", color=colour, markersize=5, zorder=4, label="_resolution")
    _finish(power, share, wavelength, _typeset(str(spectra.truth.attrs.get("units", ""))))
    power.set_title(title, fontsize="medium", loc="left")
    return figure


def _typeset(unit: str) -> str:
    """A unit with its exponents raised.

    Examples
    --------
    >>> _typeset("m2 s-2 km")
    'm$^{2}$ s$^{-2}$ km'
    """
    return re.sub(r"(?<=[A-Za-z])(-?\d+)", r"$^{\1}$", unit)


def _coloured(names: np.ndarray) -> list[tuple[str, str]]:
    return [(LINES[i % len(LINES)], str(name)) for i, name in enumerate(names)]


def _resolves(name: str, km: float) -> str:
    return f"{name}: {km:.0f} km" if np.isfinite(km) else f"{name}: none"


def _finish(power: Axes, share: Axes, wavelength: np.ndarray, unit: str) -> None:
    """Axes, legends and the line of one half."""
    power.set_ylabel(f"power spectral density [{unit}]" if unit else "power spectral density", fontsize="small")
    power.legend(fontsize="small", frameon=False, loc="lower left")
    share.axhline(RESOLVED, color=geography.COAST, linewidth=0.8, linestyle=":")
    share.set(ylim=(-0.05, 1.05), yticks=[0.0, RESOLVED, 1.0])
    share.set_ylabel("1 - error / truth", fontsize="small")
    share.set_xlabel("wavelength [km]", fontsize="small")
    share.legend(fontsize="small", frameon=False, loc="upper right", title="resolves", title_fontsize="small")
    share.set_xlim(wavelength.max(), wavelength.min())
    share.xaxis.set_major_formatter(_plain)
    share.xaxis.set_minor_formatter(_plain_of_few)
    for ax in (power, share):
        _dress(ax)


def _plain(value: float, position: float) -> str:
    return f"{value:g}"


def _plain_of_few(value: float, position: float) -> str:
    """Of the lines between powers of ten only those at 2, 3 and 5 say their number."""
    return f"{value:g}" if f"{value:e}"[0] in "235" else ""


def _dress(ax: Axes) -> None:
    """The house's thin frames, small labels and faint lines."""
    ax.tick_params(which="both", labelsize="small", color=geography.COAST, width=0.6, length=2.5, pad=3.0)
    ax.grid(color=geography.GRID, linewidth=0.5)
    for spine in ax.spines.values():
        spine.set(linewidth=0.6, color=geography.COAST)


def plot_psd_score(
    score: xr.DataArray,
    *,
    ax: Axes | None = None,
    lambda_x: float | None = None,
    lambda_t: float | None = None,
    title: str = "",
    colorbar: bool = True,
) -> Axes:
    """The share of the truth's power that is resolved, by zonal wavelength and period, with its contour of one half.

    Parameters
    ----------
    score : DataArray (frequency_time, frequency_longitude)
        1 - error / truth, dimensions in any order; frequencies in cycles per day and per degree.
    ax : matplotlib Axes, optional
        Where. Default: a new figure.
    lambda_x, lambda_t : float, optional
        Resolved scales [degrees], [days], drawn as lines that say their number.
    title : str
        What is shown.
    colorbar : bool
        Whether to draw one.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> import matplotlib; matplotlib.use("agg")
    >>> f = {"frequency_time": [0.1, 0.2], "frequency_longitude": [0.5, 1.0]}
    >>> plot_psd_score(xr.DataArray([[0.9, 0.6], [0.4, 0.1]], f), lambda_x=1.4).get_xlabel()
    'zonal wavelength [degrees]'
    """
    import matplotlib.pyplot as plt

    if ax is None:
        ax = plt.subplots(figsize=(5.4, 4.4), layout="constrained")[1]
    da = score.transpose("frequency_time", "frequency_longitude")
    da = da.isel(frequency_time=da.frequency_time.values > 0, frequency_longitude=da.frequency_longitude.values > 0)
    x, y = 1.0 / da.frequency_longitude.values, 1.0 / da.frequency_time.values
    shades = style.colour_map(_SCORE_COLOURS)
    # Where nothing is resolved the score scatters about zero: below it the colour stays the same.
    drawn = ax.contourf(x, y, np.maximum(da.values, 0.0), levels=np.linspace(0.0, 1.0, 11), cmap=shades)
    if np.nanmin(da.values) < RESOLVED < np.nanmax(da.values):
        ax.contour(x, y, da.values, levels=[RESOLVED], colors="black", linewidths=1.6)
    ax.set(xscale="log", yscale="log", xlim=(x.max(), x.min()), ylim=(y.max(), y.min()))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(_plain)
        axis.set_minor_formatter(_plain_of_few)
    ax.set_xlabel("zonal wavelength [degrees]", fontsize="small")
    ax.set_ylabel("period [days]", fontsize="small")
    ax.set_title(title, fontsize="medium", loc="left")
    _dress(ax)
    _mark_scales(ax, lambda_x, lambda_t)
    if colorbar:
        bar = ax.figure.colorbar(drawn, ax=ax, ticks=np.linspace(0.0, 1.0, 6))
        bar.set_label("1 - error / truth", fontsize="small")
        bar.ax.tick_params(labelsize="small")
        bar.outline.set_linewidth(0.6)
    return ax


def _mark_scales(ax: Axes, lambda_x: float | None, lambda_t: float | None) -> None:
    """Resolved scales as lines that say their number, where the axes show them."""
    thin: dict[str, Any] = {"color": "black", "linewidth": 0.9, "linestyle": (0, (4, 2))}
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5}
    words: dict[str, Any] = {"fontsize": "small", "bbox": box, "zorder": 5}
    if lambda_x is not None and np.isfinite(lambda_x):
        ax.axvline(lambda_x, **thin)
        # Long periods are at the bottom, where little is unresolved and the label hides nothing of interest.
        ax.text(lambda_x, 0.03, f"λx {lambda_x:.2f}°", transform=ax.get_xaxis_transform(), ha="center", **words)
    if lambda_t is not None and np.isfinite(lambda_t):
        ax.axhline(lambda_t, **thin)
        height = ax.transAxes.inverted().transform(ax.transData.transform((1.0, lambda_t)))[1]
        # Beside an end of the axis the label hangs inside.
        side = "top" if height > 0.95 else "bottom" if height < 0.05 else "center"
        ax.text(0.03, lambda_t, f"λt {lambda_t:.1f} d", transform=ax.get_yaxis_transform(), va=side, **words)
