"""Which of the observations an evaluation sees: those of some sources left out, or a share of all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import xarray as xr

OBSERVED = "What is observed"

Without = Annotated[
    list[str] | None,
    typer.Option(
        "--without",
        metavar="SOURCE",
        help="Leave a kind of observations out (ssh, sst, sss, wind, ice, insitu) or a system of the experiment, such "
        "as argo; repeat it, or part names by commas.",
        rich_help_panel=OBSERVED,
    ),
]
Thin = Annotated[
    float,
    typer.Option(
        metavar="SHARE",
        help="Draw this share of the places and times of observation by lot, such as 0.1. Default: all.",
        rich_help_panel=OBSERVED,
    ),
]
Seed = Annotated[int, typer.Option(min=0, metavar="NUMBER", help="Of the lots of --thin.", rich_help_panel=OBSERVED)]


@dataclass(frozen=True)
class Chosen:
    """Some of the observations that a material has; it travels to workers.

    Attributes
    ----------
    observe : callable
        ``observe(time, window)`` of the material.
    without : tuple of str
        Kinds or systems that are left out.
    share : float
        Of the observations that stay.
    seed : int
        Of the lots.
    """

    observe: Callable[[Any, Any], xr.DataTree]
    without: tuple[str, ...] = ()
    share: float = 1.0
    seed: int = 0

    def __call__(self, time: Any, window: Any) -> xr.DataTree:
        """What was seen around analysis times, as far as it is chosen."""
        from adaf_xr.points import selection

        tree = self.observe(time, window)
        if self.without:
            tree = selection.without(tree, self.without)
        return selection.thinned(tree, self.share, self.seed) if self.share < 1.0 else tree

    def said(self) -> list[str]:
        """What is left out, in words."""
        lines = [f"left out of the observations: {', '.join(self.without)}"] if self.without else []
        if self.share < 1.0:
            lines.append(f"of the observations a share of {self.share:g} was drawn by lot, seed {self.seed}")
        return lines


def names_of(items: Sequence[str] | None) -> tuple[str, ...]:
    """Names given one by one or parted by commas, each once.

    Examples
    --------
    >>> names_of(["ssh,sst", "argo", "sst"])
    ('ssh', 'sst', 'argo')
    """
    names = [name.strip() for item in items or [] for name in item.split(",")]
    return tuple(dict.fromkeys(name for name in names if name))


def require_known(chosen: Chosen, time: Any) -> None:
    """Refuse to leave out what is no source: the scores would be those of all observations.

    Parameters
    ----------
    chosen : Chosen
        What is asked for.
    time : datetime64
        Of an analysis, around which the names of sources are looked up.
    """
    from adaf_xr.points.selection import names_in
    from adaf_xr.training.suggestions import nearest

    if not 0.0 < chosen.share <= 1.0:
        raise ValueError(f"--thin {chosen.share:g} is no share: give one above 0 and at most 1, such as 0.1")
    if not chosen.without:
        return
    there = names_in(chosen.observe(time, "1D"))
    if unknown := [name for name in chosen.without if name not in there]:
        close = nearest(unknown[0], there)
        hint = f"did you mean {close!r}? " if close else ""
        raise ValueError(
            f"--without {unknown[0]}: {hint}The observations are {', '.join(there) or 'none'}, and nothing else can be "
            "left out of them"
        )
