"""The configuration that published weights mean: sizes from their shapes, the rest as published."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from adaf_xr.models.fourdvarnet.configuration import STATES, Configuration
from adaf_xr.models.fourdvarnet.experiments import LIGHT, PUBLISHED, published
from adaf_xr.models.fourdvarnet.published_names import DESCENDANT, Names
from adaf_xr.models.weights import Shapes

SETTINGS = "hyper_parameters"
"""Key of a run's settings in files of Lightning."""

NOTEBOOK: Mapping[str, Any] = {"steps": 15, "descent": 1e-3, "gaps": "zero"}
"""How the descendant's weights are run by those who published them: gaps are observations of 0, and without that they
go astray."""


def experiment_of(names: Sequence[str], shape_of: Callable[[str], tuple[int, ...]], held: Mapping[str, Any]) -> str:
    """Which of the four experiments a file of the paper's layout is from.

    Parameters
    ----------
    names : sequence of str
        In its state.
    shape_of : callable
        Shape under a name.
    held : mapping
        The whole file.

    Raises
    ------
    ValueError
        If weights leave it open, which they do between direct inversion and a solver without temperature.
    """
    first = next((name for name in names if name.endswith("conv1.weight")), "")
    days = next((shape_of(name)[0] for name in names if name.endswith("w_loss")), PUBLISHED["unet-ssh"].days)
    channels = shape_of(first)[1] if first else 0
    if channels == (STATES["augmented"] + 1) * days:
        return "unet-ssh-sst"
    if any(name.endswith("model_H.convx11.weight") for name in names):
        return "4dvarnet-ssh-sst"
    if not any(".lstm." in name for name in names):
        return "unet-ssh"
    steps = _found(held.get(SETTINGS), "n_grad")
    if not isinstance(steps, int) or isinstance(steps, bool):
        raise ValueError(
            "the weights do not tell a solver without temperature from direct inversion, since files of both hold the "
            "same: pass experiment='4dvarnet-ssh' or experiment='unet-ssh'"
        )
    return "4dvarnet-ssh" if steps else "unet-ssh"


def configuration_of(names: Names, shapes: Shapes, experiment: str, options: Mapping[str, Any]) -> Configuration:
    """The configuration of published weights.

    Parameters
    ----------
    names : Names
        Where each belongs.
    shapes : mapping of str to shape
        Of what is used, under our names.
    experiment : str
        Which of the four; of no meaning for the descendant.
    options : mapping
        What is not as published.

    Raises
    ------
    ValueError
        If a weight that tells a size is missing, or sizes or options make no network.
    """
    if names.layout == DESCENDANT:
        seen, said = (_size(shapes, f"cost.prior.unit.{end}.weight", axis) for end, axis in (("first", 1), ("last", 0)))
        if seen != said:
            raise ValueError(
                f"its prior sees {seen} channels and answers {said}: a network with more than sea surface height in "
                "its state, which this package does not have"
            )
        sizes = {"days": said, "width": _size(shapes, "cost.prior.unit.second.weight", 0)}
        sizes["hidden"] = _size(shapes, "solver.answer.weight", 1)
        return LIGHT.but(**{**sizes, **NOTEBOOK, **options})
    base = published(experiment)
    prior = "prior." if base.direct else "cost.prior."
    blocks = STATES[base.state] + (base.sst == "stacked")
    channels = _size(shapes, f"{prior}fine.first.weight", 1)
    if channels % blocks:
        raise ValueError(f"its prior has {channels} channels, and {experiment!r} has {blocks} for every day")
    sizes = {"days": channels // blocks, "width": _size(shapes, f"{prior}fine.second.weight", 0)}
    sizes["prior_pooling"] = _size(shapes, f"{prior}up.weight", 2)
    if not base.direct:
        sizes["hidden"] = _size(shapes, "solver.answer.weight", 1)
    if base.needs_sst and not base.direct:
        sizes["features"] = _size(shapes, "cost.temperature.trust.weight", 0)
    return base.but(**{**sizes, **options})


def _size(shapes: Shapes, name: str, axis: int) -> int:
    """Along an axis of a weight."""
    if name not in shapes or len(shapes[name]) <= axis:
        there = f"{name} is {shapes[name]}" if name in shapes else f"there is nothing for {name}"
        raise ValueError(f"{there}, by which a size would be known")
    return shapes[name][axis]


def _found(held: Any, key: str) -> Any:
    """What stands under a key, at whatever depth of plain mappings."""
    if not isinstance(held, Mapping):
        return None
    if key in held:
        return held[key]
    return next((value for part in held.values() if (value := _found(part, key)) is not None), None)
