"""From the `model` argument to an engine."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Callable, Hashable, Iterable
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from adaf_xr._version import __version__
from adaf_xr.cf.canonical import SOURCES, VARIABLES
from adaf_xr.checkpoint import CheckpointError, Reference, cache_folder, describe, digest, write
from adaf_xr.inference.shipped import shipped
from adaf_xr.instants import as_window
from adaf_xr.models.base import AssimilationModel, ModelSpec, UpsamplingModel


def _oi() -> AssimilationModel:
    from adaf_xr.models.optimal_interpolation import OptimalInterpolation

    return OptimalInterpolation()


def _cubic() -> UpsamplingModel:
    from adaf_xr.models.cubic import Cubic

    return Cubic()


def _shipped(name: str) -> Any:
    return _of_reference(shipped(name))


FOURDVARNET = ("4dvarnet-ssh-sst", "4dvarnet-ssh", "unet-ssh-sst", "unet-ssh")
"""The experiments of the paper of 4DVarNet."""

ASSIMILATION: dict[str, Callable[[], AssimilationModel]] = {
    "adaf-ocean": partial(_shipped, "adaf-ocean"),
    "oi": _oi,
    **{name: partial(_shipped, name) for name in FOURDVARNET},
}
"""Engines of `assimilate` by name."""

ASSIMILATION_DEFAULT: tuple[str, ...] = ("adaf-ocean", "oi")
"""Without a model each variable is analysed by the first of these that knows it."""

UPSAMPLING: dict[str, Callable[[], UpsamplingModel]] = {
    "adaf-ocean-sr": partial(_shipped, "adaf-ocean-sr"),
    "cubic": _cubic,
}
"""Engines of `upsample` by name."""

UPSAMPLING_DEFAULT: tuple[str, ...] = ("adaf-ocean-sr", "cubic")
"""Without a model each field is refined by the first of these that is made for it."""

FAMILIES: dict[str, str] = {
    "4dvarnet": "adaf_xr.models.fourdvarnet.engine:FourDVarNet",
    "adaf-ocean": "adaf_xr.models.adaf_ocean.engine:AdafOcean",
    "adaf-ocean-cnp": "adaf_xr.models.cnp.engine:AdafOceanCNP",
    "adaf-ocean-sr": "adaf_xr.models.super_resolution.engine:AdafOceanSR",
}
"""Engines of checkpoints by family, as module:class; the class takes a Reference."""

TRAINABLE = (
    "adaf-ocean-cnp",
    "adaf-ocean-cnp-thinned",
    "adaf-ocean-depth",
    *(f"{name}-published" for name in FOURDVARNET),
)
"""Networks that the package can train, and has no weights of."""

PUBLISHED: dict[str, str] = {
    "training_checkpoints/checkpoint.pth": "adaf_xr.models.cnp.published:read_published",
}
"""What a folder of a published layout holds beside its config.yaml, and what makes a Checkpoint of the folder."""

PUBLISHED_FILE = "adaf_xr.models.fourdvarnet.published_file:read_published"
"""What makes a Checkpoint of a published file that stands alone."""

TORCH = (".pth", ".pt", ".ckpt")
"""Ends of names of such files."""

SUFFIXES = (".safetensors", *TORCH)
"""Ends of names that mean a file."""


def resolve(model: Any, names: dict[str, Callable[[], Any]], needs: tuple[str, ...], device: str | None) -> Any:
    """The engine that `model` means.

    Parameters
    ----------
    model : str, path or object
        A name; a path or URL of a checkpoint, or a folder of a published layout; or any object with the attributes in
        `needs`.
    names : mapping
        Engines by name.
    needs : tuple of str
        What an object must have.
    device : str, optional
        Where to compute.

    Raises
    ------
    ValueError
        For a name that is unknown or has no weights, a checkpoint that is missing or unusable (a
        :class:`adaf_xr.checkpoint.CheckpointError`), and a device that the engine cannot use.
    TypeError
        For an object that is no engine.
    """
    if isinstance(model, str) and model in names:
        model = names[model]()
    elif isinstance(model, str | os.PathLike):
        if not _is_path(model):
            raise _unknown(str(model), names)
        model = _of_checkpoint(os.fspath(model))
    if isinstance(model, type):
        raise TypeError(f"model={model.__name__} is a class: pass an instance of it, {model.__name__}(...)")
    if missing := [name for name in needs if not hasattr(model, name)]:
        raise TypeError(
            f"{type(model).__name__} is no engine: it lacks {missing} of the protocol in adaf_xr.models.base"
        )
    return on_device(model, device)


def on_device(model: Any, device: str | None) -> Any:
    """The engine at work on a device; whether a machine has it is seen where the work is done."""
    if device is None:
        return model
    if hasattr(model, "to"):
        return model.to(device)
    if device != "cpu":
        raise ValueError(f"device={device!r}: the engine {type(model).__name__} runs on the CPU only")
    return model


def beside_others(model: Any, device: str | None) -> Any:
    """The engine among others at work on a device; one that runs on the CPU only stays there."""
    return on_device(model, device) if hasattr(model, "to") else model


def _is_path(model: str | os.PathLike[str]) -> bool:
    """Whether a text means a file: names of engines have neither slashes nor suffixes."""
    return not isinstance(model, str) or any(
        (os.sep in model, "/" in model, model.endswith(SUFFIXES), model not in TRAINABLE and os.path.exists(model))
    )


def _unknown(name: str, names: dict[str, Any]) -> ValueError:
    """Why a name means no engine."""
    if name in TRAINABLE:
        return ValueError(
            f"model={name!r} comes without weights: train it, `adaf train {name} --data DATA --out RUN`, and pass "
            "model='RUN/checkpoints/best.safetensors'; or pass the folder of a published experiment"
        )
    close = get_close_matches(name, [*names, *TRAINABLE], cutoff=0.4)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return ValueError(
        f"unknown model {name!r}: {hint}Shipped models are {sorted(names)}; else pass the path of a checkpoint, or an "
        "object"
    )


def _of_checkpoint(path: str) -> Any:
    """The engine of a checkpoint; it holds a reference, and loads the weights where it works."""
    local = Path(path).expanduser()
    if local.is_dir():
        path = _of_folder(local)
    elif local.suffix in TORCH and local.is_file():
        path = published_file(local)
    return _of_reference(Reference.of(path))


def _of_reference(reference: Reference) -> Any:
    family = describe(reference.path).family
    if family not in FAMILIES:
        raise CheckpointError(
            f"{reference.path} is of the family {family!r}, which adaf_xr {__version__} does not know (it knows "
            f"{', '.join(sorted(FAMILIES))}): upgrade adaf-xr if a later one wrote it"
        )
    return _named(FAMILIES[family])(reference)


def _of_folder(folder: Path) -> str:
    """The checkpoint that a folder means, once a published one is written in our format."""
    for weights, reader in PUBLISHED.items():
        files = folder / weights, folder / "config.yaml"
        if all(file.is_file() for file in files):
            return _converted(reader, files, folder)
    if own := sorted((folder / "checkpoints").glob("*.safetensors")):
        raise CheckpointError(f"{folder} is a training run: pass one of its checkpoints, {' or '.join(map(str, own))}")
    raise CheckpointError(
        f"{folder} is a folder without a checkpoint: pass a file that adaf_xr wrote, or the folder of a published "
        f"experiment, with config.yaml and {' or '.join(PUBLISHED)}"
    )


def published_file(path: Path, **options: Any) -> str:
    """Our copy of a published file of 4DVarNet, such as a ``.ckpt``.

    Parameters
    ----------
    path : Path
        Of torch.
    **options
        Of :func:`adaf_xr.models.fourdvarnet.read_published`, such as which ``experiment`` it is.

    Raises
    ------
    CheckpointError
        As that function does.
    """
    return _converted(PUBLISHED_FILE, (path,), path, **options)


def _converted(reader: str, files: Iterable[Path], what: Path, **options: Any) -> str:
    """The checkpoint that a reader makes of files; once, for what makes the result another one is in its name."""
    made_of = "".join((__version__, reader, *map(digest, files), repr(options or "")))
    copy = cache_folder() / f"published-{hashlib.sha256(made_of.encode()).hexdigest()[:20]}.safetensors"
    if not copy.exists():
        write(_named(reader)(what, **options), copy)
    return str(copy)


def _named(dotted: str) -> Any:
    """What module:name means, imported now and not before."""
    module, _, name = dotted.partition(":")
    return getattr(import_module(module), name)


def check_spec(model: AssimilationModel) -> None:
    """Refuse a specification that names what the package does not know."""
    spec = model.spec
    if not isinstance(spec, ModelSpec):
        raise TypeError(f"{type(model).__name__}.spec is a {type(spec).__name__}: it must be a ModelSpec")
    named = {*spec.variables, *spec.adds, *spec.predictors, *spec.needs, *spec.sees}
    names, kinds = named - set(VARIABLES), set(spec.sources) - set(SOURCES)
    if names or kinds:
        raise ValueError(
            f"the spec of {spec.name!r} names {sorted(names | kinds)}, which do not exist: variables are "
            f"{', '.join(VARIABLES)}; sources are {', '.join(SOURCES)}"
        )


def check_background(model: AssimilationModel, names: Iterable[Hashable]) -> None:
    """Refuse a background without what the engine cannot do without, or without anything that it analyses."""
    held = [str(name) for name in names]
    spec = model.spec
    if missing := [name for name in spec.needs if name not in held]:
        raise ValueError(
            f"the engine {spec.name!r} needs {', '.join(missing)} of the background too, which has "
            f"{', '.join(held)}: give a background with all of {', '.join(spec.needs)}, or take model='oi', "
            "which takes variables one by one"
        )
    if not spec.adds and not set(held) & set(spec.variables):
        raise ValueError(
            f"the engine {spec.name!r} analyses {', '.join(spec.variables)}, and the background has {', '.join(held)}: "
            "nothing of it would change. Give a background with one of these, or take a model that knows what it has"
        )


def check_observed(model: AssimilationModel, observed: Iterable[str], held: Iterable[Hashable]) -> None:
    """Refuse observations and a background that both lack what the engine must see."""
    if missing := [name for name in model.spec.sees if name not in {*observed, *held}]:
        raise ValueError(
            f"the engine {model.spec.name!r} sees {', '.join(missing)}, which neither the observations nor the "
            f"background have: give a source of it ({', '.join(model.spec.sources)} are used), or a background with "
            "it; or take a model that does without"
        )


def with_window(model: AssimilationModel, window: Any) -> AssimilationModel:
    """The engine with another time window: a total span centred on the analysis time, or (before, after)."""
    if window is None:
        return model
    return _Respecified(model, dataclasses.replace(model.spec, window=as_window(window)))


@dataclasses.dataclass(frozen=True)
class _Respecified:
    """An engine under another specification."""

    model: AssimilationModel
    spec: Any

    def encode(self, points: Any, background: Any, time: np.datetime64) -> Any:
        return self.model.encode(points, background, time)

    def analyse(self, encoded: Any, background: Any, targets: Any) -> Any:
        return self.model.analyse(encoded, background, targets)

    def to(self, device: str) -> AssimilationModel:
        return dataclasses.replace(self, model=on_device(self.model, device))
