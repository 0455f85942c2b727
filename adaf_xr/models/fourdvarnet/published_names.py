"""Names of weights in published files, and ours.

Two layouts are known: that of the paper's programs (``phi_r``, ``model_H``, ``model_Grad``, ``model_VarCost``) and that
of their lighter descendant (``prior_cost``, ``grad_mod``). Both may stand below a prefix.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

PAPER, DESCENDANT = "paper", "descendant"

_LANDMARKS = {PAPER: "phi_r.", DESCENDANT: "prior_cost."}
"""By which a layout is known."""

_UNIT = r"^phi_r\.encoder\.(?:\w+\.)*?\w*{scale}\w*\.(?:\w+\.)*?{layer}\.weight$"
"""A layer of a unit of the two-scale prior, wherever in it the unit is kept."""

_PRIOR = {
    f"{ours}.{mine}.weight": [_UNIT.format(scale=theirs, layer=layer) for layer in layers]
    for ours, theirs in (("fine", "hr"), ("coarse", "lr"))
    for mine, layers in (
        ("first", ["conv1"]),
        ("second", ["conv2"]),
        ("forms", ["bilin0", "bilin1", "bilin2"]),
        ("last", ["conv3"]),
    )
} | {"up.weight": [r"^phi_r\.encoder\.(?:\w+\.)*?conv_tr\.weight$"]}

_FEATURES = {
    f"cost.temperature.{ours}.{number}.weight": [rf"^model_H\.conv{theirs}{layer}\.weight$"]
    for ours, theirs in (("of_state", "x"), ("of_sst", "y"))
    for number, layer in ((0, 11), (2, 12), (4, 21), (6, 22))
} | {
    f"cost.temperature.{ours}.{kind}": [rf"^model_H\.{theirs}\.{kind}$"]
    for ours, theirs in (("trust", "conv_m"), ("normalised", "bn_feat"))
    for kind in ("weight", "bias")
}

_WEIGHTS = {
    f"cost.weights.{ours}": [rf"^model_VarCost\.{theirs}$"]
    for ours, theirs in (
        ("prior_scale", "alphaReg"),
        ("prior_channels", "WReg"),
        ("scales", "alphaObs"),
        ("channels", "WObs"),
        ("prior_softening", "epsReg"),
        ("softening", "epsObs"),
    )
}

_SOLVER = {
    "solver.memory.gates.weight": [r"^model_Grad\.lstm\.Gates\.weight$"],
    "solver.memory.gates.bias": [r"^model_Grad\.lstm\.Gates\.bias$"],
    "solver.answer.weight": [r"^model_Grad\.convLayer\.(?:\d+\.)?weight$"],
}

_OF_DESCENDANT = {
    f"{ours}.{kind}": [rf"^{theirs}\.{kind}$" for theirs in parts]
    for ours, parts in (
        ("cost.prior.unit.first", [r"prior_cost\.conv_in"]),
        ("cost.prior.unit.second", [r"prior_cost\.conv_hidden"]),
        ("cost.prior.unit.forms", [r"prior_cost\.bilin_1", r"prior_cost\.bilin_21", r"prior_cost\.bilin_22"]),
        ("cost.prior.unit.last", [r"prior_cost\.conv_out"]),
        ("solver.memory.gates", [r"grad_mod\.gates"]),
        ("solver.answer", [r"grad_mod\.conv_out"]),
    )
    for kind in ("weight", "bias")
}

_STORED = (
    r"^phi_r\.encoder\.",  # networks of noise, never called
    r"^model_Grad\.",  # constants of a solver that the four experiments do not use, and of the whole one in a U-Net
    r"^model_(H|VarCost)\.",  # in a U-Net
    r"(^|\.)(patch_?weight\w*|w_loss)$",  # of the loss
)
"""What is stored in files of the paper and no network uses."""


@dataclass(frozen=True)
class Names:
    """Names of a file, each in one of three places.

    Attributes
    ----------
    layout : {"paper", "descendant"}
        What it was recognised as.
    prefix : str
        Before the names that a network has.
    used : dict of str to list of str
        By our name, theirs (several are joined along the first axis).
    unused, stray : list of str
        What is known to be stored for nothing, and what is not known.
    """

    layout: str
    prefix: str
    used: dict[str, list[str]] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)
    stray: list[str] = field(default_factory=list)

    def theirs(self, ours: str) -> list[str]:
        """Their names of one of ours; none where there is none."""
        return self.used.get(ours, [])


def names_of(names: Sequence[str], direct: bool = False) -> Names | None:
    """Where each name of a file belongs.

    Parameters
    ----------
    names : sequence of str
        Of all that the state in the file holds.
    direct : bool
        Whether direct inversion is wanted of it, which uses the prior alone.

    Returns
    -------
    Names or None
        None where the layout is neither of the two.

    Examples
    --------
    >>> found = names_of(["solver.prior_cost.conv_in.bias", "solver.grad_mod.gates.bias", "epoch"])
    >>> found.layout, found.prefix, found.stray
    ('descendant', 'solver.', ['epoch'])
    """
    landmark = next(((kind, mark, name) for kind, mark in _LANDMARKS.items() for name in names if mark in name), None)
    if landmark is None:
        return None
    kind, mark, name = landmark
    found = Names(kind, name[: name.index(mark)])
    wanted = _OF_DESCENDANT if kind == DESCENDANT else _of_paper(direct)
    short = {name: name.removeprefix(found.prefix) for name in names}
    for ours, patterns in wanted.items():
        theirs = [match for pattern in patterns for match in _matches(pattern, short)]
        if theirs:
            found.used[ours] = theirs
    taken = {name for theirs in found.used.values() for name in theirs}
    for name in names:
        if name not in taken:
            known = kind == PAPER and any(re.search(pattern, short[name]) for pattern in _STORED)
            (found.unused if known else found.stray).append(name)
    return found


def _of_paper(direct: bool) -> dict[str, list[str]]:
    prior = {f"prior.{name}" if direct else f"cost.prior.{name}": patterns for name, patterns in _PRIOR.items()}
    return prior if direct else prior | _FEATURES | _WEIGHTS | _SOLVER


def _matches(pattern: str, short: dict[str, str]) -> Iterable[str]:
    return [name for name, bare in short.items() if re.search(pattern, bare, re.IGNORECASE)]
