"""What somebody meant who wrote something that nobody knows."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that looks most like another, if any does.

    Parameters
    ----------
    word : str
        What was written; for a dotted key the whole of it.
    known : iterable of str
        What could have been meant.

    Returns
    -------
    str or None
        For a dotted key: a key of the same section before one of another section.

    Examples
    --------
    >>> nearest("optimiser.lrr", ["optimiser.lr", "schedule.gamma", "epochs"])
    'optimiser.lr'
    >>> nearest("lr", ["optimiser.lr", "schedule.gamma", "epochs"])
    'optimiser.lr'
    >>> nearest("EMA", ["ema", "epochs"])
    'ema'
    >>> nearest("zzz", ["epochs"]) is None
    True
    """
    choices = {key.casefold(): key for key in sorted(known)}
    word = word.casefold()
    section, _, leaf = word.rpartition(".")
    siblings = {key.rpartition(".")[2]: key for key in choices if key.rpartition(".")[0] == section}
    if found := get_close_matches(leaf, siblings, n=1, cutoff=0.5):
        return choices[siblings[found[0]]]
    leaves = {key.rpartition(".")[2]: key for key in choices}
    if found := get_close_matches(leaf, leaves, n=1, cutoff=0.7):
        return choices[leaves[found[0]]]
    return next((choices[key] for key in get_close_matches(word, choices, n=1, cutoff=0.8)), None)
