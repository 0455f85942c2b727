"""Score cards: by how much analyses improve on their background, score by score, and whether that is chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from adaf_xr.plotting import geography, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = "RdBu"
"""Blue: better; red: worse. Told apart by colour-blind eyes too."""

_FULL = 100.0
"""Change [%] at which the colour is full, unless all are smaller."""


def plot_scorecard(card: xr.Dataset, *, title: str = "") -> Figure:
    """Change of scores relative to the background as a heat map of variables by scores, one panel per analysis.

    Parameters
    ----------
    card : Dataset (analysis, variable, score)
        ``improvement`` [%], positive where the analysis is better and missing where there is no such score; ``low`` and
        ``high``, the ends of its confidence interval, missing where it is unknown.
    title : str
        What is shown.

    Returns
    -------
    matplotlib Figure
        Numbers in bold with a dot are significant: their interval does not hold zero. Grey: no such score.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("agg")
    >>> one = ("analysis", "variable", "score")
    >>> card = xr.Dataset({"improvement": (one, [[[30.0]]]), "low": (one, [[[10.0]]]), "high": (one, [[[45.0]]])},
    ...                   {"analysis": ["oi"], "variable": ["zos"], "score": ["rmse"]})
    >>> [text.get_text() for text in plot_scorecard(card).axes[0].texts]
    ['+30 ●']
    """
    import matplotlib.pyplot as plt

    card = card.transpose("analysis", "variable", "score")
    panels, rows, columns = card.improvement.shape
    full = _reach(card.improvement.values)
    size = (max(5.6, 2.5 + panels * (0.82 * columns + 0.35)), 1.35 + 0.42 * rows)
    figure, axes = plt.subplots(1, panels, sharey=True, squeeze=False, figsize=size, layout="constrained")
    for ax, name in zip(axes[0], card.analysis.values, strict=True):
        drawn = _draw(ax, card.sel(analysis=name), full)
        ax.set_title(str(name), fontsize="medium", fontweight="bold")
    axes[0, 0].set_yticks(range(rows), [str(v) for v in card.variable.values], fontsize="small")
    bar = figure.colorbar(drawn, ax=list(axes[0]), aspect=max(6.0, 3.0 * rows), extend="both", pad=0.02)
    bar.set_label("better by [%]", fontsize="small")
    bar.ax.tick_params(labelsize="small", width=0.6)
    bar.outline.set_linewidth(0.6)
    figure.suptitle(title, fontsize="medium", x=0.01, ha="left")
    note = (
        "blue: better than the background   red: worse   grey: no such score   ●: its 95% interval does not hold zero"
    )
    figure.supxlabel(note, fontsize="x-small", x=0.01, ha="left")
    return figure


def _reach(improvement: NDArray) -> float:
    """Where the colours end: a round number that most changes fill."""
    finite = np.abs(improvement[np.isfinite(improvement)])
    largest = float(finite.max(initial=0.0))
    return float(np.clip(10.0 * np.ceil(largest / 10.0), 10.0, _FULL))


def _draw(ax: Axes, card: xr.Dataset, full: float) -> object:
    """One panel: colours, numbers and marks."""
    change = card.improvement.values
    shades = style.colour_map(_COLOURS)
    edges = [np.arange(n + 1) - 0.5 for n in change.shape]
    drawn = ax.pcolormesh(edges[1], edges[0], np.ma.masked_invalid(change), cmap=shades, vmin=-full, vmax=full)
    ax.set_facecolor(geography.LAND)
    sure = (card.low.values > 0.0) | (card.high.values < 0.0)
    for (row, column), value in np.ndenumerate(change):
        if np.isfinite(value):
            _write(ax, (column, row), value, bool(sure[row, column]), abs(value) > 0.6 * full)
    ax.set_xticks(range(change.shape[1]), [str(s) for s in card.score.values], fontsize="small")
    ax.set_ylim(change.shape[0] - 0.5, -0.5)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    for axis, line in ((edges[1], ax.axvline), (edges[0], ax.axhline)):
        for edge in axis:
            line(edge, color="white", linewidth=1.5)
    return drawn


def _write(ax: Axes, at: tuple[int, int], value: float, sure: bool, on_dark: bool) -> None:
    """A number; significant ones in bold with a dot."""
    text = f"{round(value):+d}" if abs(value) < 999.5 else f"{'+' if value > 0 else '−'}>999"
    ax.text(
        *at, (f"{text} ●" if sure else text).replace("-", "−"), ha="center", va="center", fontsize="small",
        color="white" if on_dark else "black", fontweight="bold" if sure else "normal",
    )  # fmt: skip
