"""From the configuration files of the published repository to ours, and back.

What the weights themselves tell (how many points each source has) is taken from them; the files add patch shapes,
depths of layers and what was normalised how. Where files and weights contradict one another, nothing is guessed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from adaf_xr.checkpoint import CheckpointError
from adaf_xr.models.cnp.configuration import RELEASED, Configuration, Source
from adaf_xr.models.cnp.weights import Shapes, points_of

NAME = "CNP_determ_multi_encoders"
"""What the published repository calls this network."""

GROUP = "adaf_xr"
"""Our own group in their configuration file: it says all, where it is there."""

_ARGUMENTS = {
    "encoder_depth": "encoder_depth",
    "encoder_skip_layers": "encoder_skips",
    "encoder_hidden_dim": "encoder_width",
    "encoder_num_latent_size": "latent",
    "decoder_hidden_dim": "decoder_width",
    "decoder_depth": "decoder_depth",
    "decoder_skip_layers": "decoder_skips",
    "activation": "activation",
}
"""Their arguments of the network, and ours."""


def derived(config: Mapping[str, Any], arguments: Mapping[str, Any], shapes: Shapes) -> Configuration:
    """The configuration that published files and weights describe.

    Parameters
    ----------
    config : mapping
        ``config.yaml``.
    arguments : mapping
        Arguments of the network; those kept with the weights come before those of the file.
    shapes : mapping of str to tuple of int
        Shape of every weight.

    Raises
    ------
    CheckpointError
        If they contradict one another, or name a normalisation that is not the published one.
    """
    ours = config.get(GROUP)
    if isinstance(ours, Mapping) and "configuration" in ours:
        return Configuration.from_dict(ours["configuration"])
    data = config.get("train_dataset") or {}
    _refuse_other_scaling(data)
    changes = {name: arguments[theirs] for theirs, name in _ARGUMENTS.items() if theirs in arguments}
    points = points_of(shapes)
    # A source none of whose weights is there was left out in training, if the decoder has no room for it either.
    present = [source for source in RELEASED.sources if source.key in points]
    width, features = int(changes.get("encoder_width", RELEASED.encoder_width)), RELEASED.coordinates
    room = shapes.get("decoder.layers.0.weight", (0, 0))[-1]
    sources = present if width * len(present) + features == room else RELEASED.sources
    changes["sources"] = tuple(_source(source, data, arguments, points) for source in sources)
    if "max_depth" in data:
        changes["max_depth"] = float(data["max_depth"])
    if "time_window_sate" in data:
        changes["days"] = float(data["time_window_sate"])
    return RELEASED.but(**changes)


def described(configuration: Configuration) -> dict[str, Any]:
    """A configuration file as the published ones, for a network of ours, with all of ours in a group of its own."""
    data: dict[str, Any] = {f"{s.key}_block_shape": [*s.shape, 1] for s in configuration.sources if s.gridded}
    rows, columns = configuration.background.shape
    data |= {"target_block_shape": [rows, columns, 1], "normalization": "minmax_v2", "loc_normalization": "cycle"}
    data |= {"max_depth": configuration.max_depth, "time_window_sate": configuration.days}
    return {
        "train_dataset": data,
        "model": {"name": NAME, "args": _arguments(configuration)},
        GROUP: {"configuration": configuration.as_dict()},
    }


def points_arguments(configuration: Configuration) -> dict[str, int]:
    """Arguments of the network that the published files keep with the weights only."""
    return {_number(source): source.points for source in configuration.sources}


def _arguments(configuration: Configuration) -> dict[str, Any]:
    values = {theirs: configuration.as_dict()[name] for theirs, name in _ARGUMENTS.items()}
    for source in configuration.sources:
        values[f"in_ch_{source.key}"] = configuration.coordinates + len(source.channels)
    values["decoder_input_dim"] = configuration.token_width + configuration.coordinates
    values["decoder_output_dim"] = len(configuration.variables)
    return values


def _number(source: Source) -> str:
    return f"num_{source.key}_points"


def _refuse_other_scaling(data: Mapping[str, Any]) -> None:
    """Only the scalings of the published weights are known here."""
    for key, known in (("normalization", "minmax"), ("loc_normalization", "cycle")):
        value = data.get(key, known)
        if not (isinstance(value, str) and value.startswith(known)):
            raise CheckpointError(
                f"train_dataset.{key} is {value!r}: only the published {known!r} scaling is known. If the ranges or "
                "features are others, pass configuration=... with yours"
            )


def _source(source: Source, data: Mapping[str, Any], arguments: Mapping[str, Any], points: Mapping[str, int]) -> Source:
    """A released source as the files and the weights have it."""
    stated = {f"model.args.{_number(source)}": arguments.get(_number(source))}
    shape = None
    if source.gridded:
        key, shape = _patch(source.key, data)
        stated[f"train_dataset.{key}"] = math.prod(shape) if shape else None
    elif source.key == "in_situ_obs":
        stated["train_dataset.in_situ_obs_pad"] = data.get("in_situ_obs_pad")
    counts = {key: int(value) for key, value in stated.items() if value is not None}
    if len(set(counts.values())) > 1:
        said = " and ".join(f"{key} says {count}" for key, count in counts.items())
        raise CheckpointError(f"how many points has {source.key}? {said}: correct the file, or pass configuration=...")
    number = next(iter(counts.values()), points.get(source.key, source.points))
    if not source.gridded:
        return replace(source, shape=(number, 1))
    shape = shape or _inferred(source, number)
    spacing = source.spacing if shape == source.shape else RELEASED.window[0] / shape[0]
    return replace(source, shape=shape, spacing=spacing)


def _patch(key: str, data: Mapping[str, Any]) -> tuple[str, tuple[int, int] | None]:
    """The shape of a source's patch, under whatever name that begins with the source and has `shape` in it."""
    for name, value in data.items():
        if name.startswith(key) and "shape" in name and isinstance(value, list | tuple) and len(value) in (2, 3):
            if len(value) == 3 and value[2] != 1:
                raise CheckpointError(f"train_dataset.{name} is {value}: only patches of one depth are known here")
            return name, (int(value[0]), int(value[1]))
    return "", None


def _inferred(source: Source, points: int) -> tuple[int, int]:
    """Patches span 10 x 20 degrees: twice as many columns as rows."""
    rows = math.isqrt(points // 2)
    if 2 * rows * rows != points or not rows:
        raise CheckpointError(
            f"{source.key} has {points} points, which make no patch of n x 2n cells (as 10 x 20 degrees have), and the "
            f"configuration file gives no shape for it: add train_dataset.{source.key}_block_shape, or pass "
            "configuration=..."
        )
    return rows, 2 * rows
