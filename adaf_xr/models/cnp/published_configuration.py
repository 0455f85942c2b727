"""From the configuration files of the published repository to ours, and back.

What the weights themselves tell (how many points each source has) is taken from them; the files add patch shapes,
depths of layers and what was normalised how. Where files and weights contradict one another, nothing is guessed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from adaf_xr.models.cnp.configuration import RELEASED, Configuration
from adaf_xr.models.cnp.demands import group, positive, refused, text, whole, wholes
from adaf_xr.models.cnp.source import Source
from adaf_xr.models.cnp.weights import points_of
from adaf_xr.models.weights import Shapes

NAME = "CNP_determ_multi_encoders"
"""What the published repository calls this network."""

GROUP = "adaf_xr"
"""Our own group in their configuration file: it says all, where it is there."""

_ARGUMENTS: dict[str, tuple[str, Callable[[Any, str], Any]]] = {
    "encoder_depth": ("encoder_depth", whole),
    "encoder_skip_layers": ("encoder_skips", wholes),
    "encoder_hidden_dim": ("encoder_width", whole),
    "encoder_num_latent_size": ("latent", whole),
    "decoder_hidden_dim": ("decoder_width", whole),
    "decoder_depth": ("decoder_depth", whole),
    "decoder_skip_layers": ("decoder_skips", wholes),
    "activation": ("activation", text),
}
"""Their arguments of the network, ours, and what they have to be."""

_ALMOST = 0.05
"""By what part a patch may span more than its window: the published 250 x 500 pixels of SST span 4 % more, since they
were counted on 0.04 degrees, and those of Pathfinder are 1/24 degree."""


def stated(config: Mapping[str, Any]) -> Configuration | None:
    """The configuration that our own group of the file says, where it is there.

    Raises
    ------
    ValueError
        If what it says is none.
    """
    ours = group(config.get(GROUP), GROUP)
    return Configuration.from_dict(ours["configuration"]) if "configuration" in ours else None


def arguments_of(config: Mapping[str, Any], model: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of the network, from `config.yaml` and from those that are kept with the weights.

    Raises
    ------
    ValueError
        If the two differ in what makes the network, or one of them is no group.
    """
    file = group(group(config.get("model"), "model").get("args"), "model.args")
    kept = group(model.get("args"), "model.args of the weights")
    for key, (_, kind) in _ARGUMENTS.items():
        if key in file and key in kept:
            ours, theirs = kind(file[key], _argument(key)), kind(kept[key], f"{_argument(key)} of the weights")
            if ours != theirs:
                raise ValueError(
                    f"{_argument(key)} is {ours!r} in the configuration file and {theirs!r} with the weights: correct "
                    "the file, or pass configuration=..."
                )
    return {**file, **kept}


def derived(config: Mapping[str, Any], arguments: Mapping[str, Any], shapes: Shapes) -> Configuration:
    """The configuration that published files and weights describe.

    Parameters
    ----------
    config : mapping
        ``config.yaml``.
    arguments : mapping
        Arguments of the network.
    shapes : mapping of str to tuple of int
        Shape of every weight.

    Raises
    ------
    ValueError
        If they contradict one another, name a normalisation that is not the published one, or are not what is due.
    """
    data = group(config.get("train_dataset"), "train_dataset")
    _refuse_other_scaling(data)
    _refuse_other_window(data)
    changes: dict[str, Any] = {
        name: kind(arguments[theirs], _argument(theirs))
        for theirs, (name, kind) in _ARGUMENTS.items()
        if theirs in arguments
    }
    points = points_of(shapes)
    # A source none of whose weights is there was left out in training, if the decoder has no room for it either.
    present = [source for source in RELEASED.sources if source.key in points]
    width, features = changes.get("encoder_width", RELEASED.encoder_width), RELEASED.coordinates
    room = (shapes.get("decoder.layers.0.weight") or (0,))[-1]
    sources = present if width * len(present) + features == room else RELEASED.sources
    changes["sources"] = tuple(_source(source, data, arguments, points) for source in sources)
    for theirs, name in (("max_depth", "max_depth"), ("time_window_sate", "days")):
        if theirs in data:
            changes[name] = positive(data[theirs], f"train_dataset.{theirs}")
    return RELEASED.but(**changes)


def refuse_other_sizes(arguments: Mapping[str, Any], configuration: Configuration) -> None:
    """Raise if the file says other widths of inputs and outputs than weights that fit a configuration have.

    The numbers would come out right, but for a network that is not the one that the file speaks of.
    """
    for key, due in _sizes(configuration).items():
        if key in arguments and whole(arguments[key], _argument(key)) != due:
            raise ValueError(
                f"{_argument(key)} is {arguments[key]}, but the weights take {due}: the file was written for others. "
                "Correct it, or pass configuration=..."
            )


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
    values = configuration.as_dict()
    return {theirs: values[name] for theirs, (name, _) in _ARGUMENTS.items()} | _sizes(configuration)


def _sizes(configuration: Configuration) -> dict[str, int]:
    """What their arguments say of a network that ours says of its sources and variables."""
    features = configuration.coordinates
    sizes = {f"in_ch_{source.key}": features + len(source.channels) for source in configuration.sources}
    sizes["decoder_input_dim"] = configuration.token_width + features
    sizes["decoder_output_dim"] = len(configuration.variables)
    return sizes


def _argument(key: str) -> str:
    return f"model.args.{key}"


def _number(source: Source) -> str:
    return f"num_{source.key}_points"


def _refuse_other_scaling(data: Mapping[str, Any]) -> None:
    """Only the scalings of the published weights are known here."""
    for key, known in (("normalization", "minmax"), ("loc_normalization", "cycle")):
        value = data.get(key, known)
        if not (isinstance(value, str) and value.startswith(known)):
            raise ValueError(
                f"train_dataset.{key} is {value!r}: only the published {known!r} scaling is known. If the ranges or "
                "features are others, pass configuration=... with yours"
            )


def _refuse_other_window(data: Mapping[str, Any]) -> None:
    """Windows span 10 x 20 degrees: their cells are twice as many along latitudes."""
    key, shape = _patch("target", data)
    if shape and shape[1] * RELEASED.window[0] != shape[0] * RELEASED.window[1]:
        raise ValueError(
            f"train_dataset.{key} is {list(data[key])}, but windows of the published network span "
            f"{RELEASED.window[0]} x {RELEASED.window[1]} degrees: if yours are others, pass configuration=..."
        )


def _source(source: Source, data: Mapping[str, Any], arguments: Mapping[str, Any], points: Mapping[str, int]) -> Source:
    """A released source as the files and the weights have it."""
    said = {_argument(_number(source)): arguments.get(_number(source))}
    key, shape = _patch(source.key, data) if source.gridded else ("", None)
    if shape:
        said[f"train_dataset.{key}"] = math.prod(shape)
    if source.key == "in_situ_obs":
        said["train_dataset.in_situ_obs_pad"] = data.get("in_situ_obs_pad")
    counts = {key: whole(value, key) for key, value in said.items() if value is not None}
    if len(set(counts.values())) > 1:
        both = " and ".join(f"{key} says {count}" for key, count in counts.items())
        raise ValueError(f"how many points has {source.key}? {both}: correct the file, or pass configuration=...")
    number = next(iter(counts.values()), points.get(source.key, source.points))
    if not source.gridded:
        return replace(source, shape=(number, 1))
    shape = shape or _inferred(source, number)
    spacing = source.spacing if shape == source.shape else RELEASED.window[0] / shape[0]
    found = replace(source, shape=shape, spacing=spacing)
    if any(abs(span / due - 1) > _ALMOST for span, due in zip(found.span, RELEASED.window, strict=True)):
        raise ValueError(
            f"train_dataset.{key} is {list(data[key])}: cells of {spacing:g} degrees span {found.span[0]:g} x "
            f"{found.span[1]:g} degrees (latitude, longitude), and a patch spans its window, {RELEASED.window[0]} x "
            f"{RELEASED.window[1]}: correct the file, or pass configuration=... with the spacing of yours"
        )
    return found


def _patch(key: str, data: Mapping[str, Any]) -> tuple[str, tuple[int, int] | None]:
    """The shape of a source's patch, under whatever name that begins with the source and has `shape` in it."""
    for name, value in data.items():
        if isinstance(name, str) and name.startswith(key) and "shape" in name and value is not None:
            full = f"train_dataset.{name}"
            if not isinstance(value, list | tuple) or len(value) not in (2, 3):
                raise refused(value, full, "cells of a patch, [latitude, longitude, 1],")
            rows, columns, depths = (whole(count, f"a number of {full}") for count in (*value, 1)[:3])
            if depths != 1:
                raise ValueError(f"{full} is {list(value)}: only patches of one depth are known here")
            return name, (rows, columns)
    return "", None


def _inferred(source: Source, points: int) -> tuple[int, int]:
    """Patches span 10 x 20 degrees: twice as many columns as rows."""
    rows = math.isqrt(points // 2)
    if 2 * rows * rows != points or not rows:
        raise ValueError(
            f"{source.key} has {points} points, which make no patch of n x 2n cells (as 10 x 20 degrees have), and the "
            f"configuration file gives no shape for it: add train_dataset.{source.key}_block_shape, or pass "
            "configuration=..."
        )
    return rows, 2 * rows
