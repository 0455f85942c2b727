"""What a training is asked to do: one YAML file, checked as a whole before anything starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic import model_validator as checked

from adaf_xr.training.reading import parsed
from adaf_xr.training.suggestions import nearest
from adaf_xr.training.tasks import task_class

Fraction = Annotated[float, Field(gt=0, lt=1)]


class ConfigurationError(ValueError):
    """A configuration that cannot be trained; the message has a line for every reason."""


class Section(BaseModel):
    """A part of a configuration: it cannot be changed, and takes no key that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _yes_is_no_number(cls, value: Any, field: ValidationInfo) -> Any:
        if isinstance(value, bool) and cls.model_fields[field.field_name or ""].annotation is not bool:
            raise ValueError(f"{str(value).lower()} is not what it takes (YAML reads yes, no, on and off so too)")
        return value


class Optimiser(Section):
    """How weights follow gradients.

    Attributes
    ----------
    name : {"adam", "adamw", "muon"}
        Muon moves weights of two and more dimensions along their orthogonalised momentum (`adaf_xr.training.muon`),
        and the rest as adamw.
    lr : float
        Learning rate, before the schedule. For muon about 0.02 serves.
    adam_lr : float, optional
        For muon, and needed by it: the rate of weights with fewer than two dimensions; it follows the schedule too.
    weight_decay : float
        For adamw and muon decoupled from the gradient, for adam added to it.
    betas : pair of float
        Memory of Adam's two moments.
    clip : float, optional
        Largest norm of the gradient over all weights.
    shares : dict
        For adam and adamw: parts of the network by their dotted names, and the share of the rate that their weights
        have.
    """

    name: Literal["adam", "adamw", "muon"] = "adam"
    lr: PositiveFloat = 1e-4
    adam_lr: PositiveFloat | None = None
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    clip: PositiveFloat | None = None
    shares: dict[str, PositiveFloat] = Field(default_factory=dict)

    @checked(mode="after")
    def _shares_belong_to_adam(self) -> Self:
        if self.shares and self.name == "muon":
            raise ValueError("optimiser 'muon' has shares: they are for 'adam' and 'adamw'")
        return self

    @checked(mode="after")
    def _adam_lr_belongs_to_muon(self) -> Self:
        if (self.adam_lr is not None) != (self.name == "muon"):
            raise ValueError(
                f"optimiser {self.name!r} has {'no adam_lr' if self.adam_lr is None else 'an adam_lr'}: it is the rate "
                "that 'muon' needs for weights with fewer than two dimensions (0.002, say), and for no other"
            )
        return self


class Schedule(Section):
    """How the learning rate changes: `adaf_xr.training.schedule` has the formulae.

    Attributes
    ----------
    name : {"constant", "multistep", "cosine"}
    milestones : tuple of int
        For multistep: after so many whole epochs the rate is multiplied by `gamma`, each time.
    gamma : float
    warmup : int
        Optimiser steps in which the rate rises linearly from nothing, in every schedule.
    """

    name: Literal["constant", "multistep", "cosine"] = "constant"
    milestones: tuple[PositiveInt, ...] = ()
    gamma: Annotated[float, Field(gt=0, le=1)] = 0.5
    warmup: NonNegativeInt = 0

    @checked(mode="after")
    def _milestones_belong_to_multistep(self) -> Self:
        if bool(self.milestones) != (self.name == "multistep"):
            raise ValueError(
                f"schedule {self.name!r} has {'milestones' if self.milestones else 'none'}: milestones are for "
                "'multistep', which needs at least one"
            )
        if list(self.milestones) != sorted(set(self.milestones)):
            raise ValueError(f"milestones {list(self.milestones)} must rise")
        return self


class Configuration(Section):
    """All that decides what a training computes, but its data.

    Attributes
    ----------
    name : str
        What the result is called.
    task : str
        Key of `adaf_xr.training.tasks.TASKS`, or "module:class" of a task of your own.
    model, data, loss : dict
        Sections that the task defines (its classes `Model`, `Data`, `Loss`).
    optimiser : Optimiser
    schedule : Schedule
    epochs : int
    batch : int
        Samples per optimiser step, over all ranks together.
    micro_batch : int, optional
        Items of the leading dimension in one forward pass: memory, not meaning. None takes all at once.
    ema : float, optional
        Decay per step of an exponential moving average of the weights, which then is validated and delivered.
    precision : {"fp32", "bf16"}
        bf16 runs what gains by it in bfloat16 (autocast); weights, gradients and their moments stay float32.
    seed : int
        Of first weights, order of the data, samples and the network's own randomness.
    validate_every, save_every : int
        Epochs.
    save_minutes : float, optional
        Save also in the middle of an epoch, as often.
    early_stop : int, optional
        Stop after so many validations without a better one.
    device : str
        "auto" (CUDA where there is one), or what torch calls it.
    threads : int, optional
        Of torch, per rank.
    tensorboard : bool
        Write TensorBoard logs where it is installed.
    """

    name: str
    task: str
    model: dict[str, Any] = Field(default_factory=dict)
    data: dict[str, Any] = Field(default_factory=dict)
    loss: dict[str, Any] = Field(default_factory=dict)
    optimiser: Optimiser = Optimiser()
    schedule: Schedule = Schedule()
    epochs: PositiveInt
    batch: PositiveInt
    micro_batch: PositiveInt | None = None
    ema: Fraction | None = None
    precision: Literal["fp32", "bf16"] = "fp32"
    seed: NonNegativeInt = 0
    validate_every: PositiveInt = 1
    save_every: PositiveInt = 1
    save_minutes: PositiveFloat | None = None
    early_stop: PositiveInt | None = None
    device: str = "auto"
    threads: PositiveInt | None = None
    tensorboard: bool = True

    def yaml(self) -> str:
        """As YAML, every key written out: `load` reads the same from it.

        Examples
        --------
        >>> Configuration(name="toy", task="m:T", epochs=2, batch=4).yaml().splitlines()[0]
        'name: toy'
        """
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)

    def per_rank(self, world: int) -> int:
        """Samples of a step on each of so many ranks.

        Raises
        ------
        ConfigurationError
            Where they cannot be shared out evenly.

        Examples
        --------
        >>> Configuration(name="toy", task="m:T", epochs=2, batch=4).per_rank(2)
        2
        """
        if self.batch % world:
            raise ConfigurationError(
                f"batch = {self.batch} samples per step cannot be shared evenly by {world} ranks: choose a multiple "
                "of the ranks, or other ranks"
            )
        return self.batch // world


def load(
    source: str | Path | Mapping[str, Any] | Configuration, overrides: Mapping[str, Any] | None = None
) -> Configuration:
    """Read, override and check a configuration.

    Parameters
    ----------
    source : str, Path, mapping or Configuration
        Name of a recipe, path of a YAML file, or the thing itself.
    overrides : mapping, optional
        Dotted key -> value, as {"optimiser.lr": 1e-3}.

    Returns
    -------
    Configuration
        With the defaults of the task's sections filled in.

    Raises
    ------
    ConfigurationError
        For an unknown key (naming the nearest), a value that does not fit, or parts that contradict each other.
    FileNotFoundError
        Where there is neither such a recipe nor such a file.

    Examples
    --------
    >>> load({"name": "toy", "epochs": 2, "batch": 4}, {"optimiser.lrr": 1e-3})
    Traceback (most recent call last):
        ...
    adaf_xr.training.configuration.ConfigurationError: task is missing
    optimiser.lrr is unknown: did you mean optimiser.lr?
    """
    where, raw = _raw(source)
    problems: list[str] = []
    for key, value in (overrides or {}).items():
        _put(raw, key, value)
    sections = _sections(raw.get("task"))
    known = [*_keys(Configuration), *(f"{part}.{key}" for part, of in sections.items() for key in _keys(of))]
    for part, of in sections.items():
        try:
            raw[part] = of.model_validate(raw.get(part) or {}).model_dump(mode="json")
        except ValidationError as error:
            problems += _problems(error, known, part)
    try:
        configuration = Configuration.model_validate(raw)
    except ValidationError as error:
        problems += _problems(error, known)
    if problems:
        raise ConfigurationError("\n".join(where + problem for problem in problems))
    return configuration


def recipes() -> dict[str, Traversable]:
    """The recipes that are shipped, by name."""
    folder = resources.files("adaf_xr.training") / "recipes"
    files = folder.iterdir() if folder.is_dir() else ()
    return {file.name.removesuffix(".yaml"): file for file in files if file.name.endswith(".yaml")}


def _raw(source: str | Path | Mapping[str, Any] | Configuration) -> tuple[str, dict[str, Any]]:
    """What is written, and how to begin a sentence about it."""
    if isinstance(source, Configuration):
        return "", source.model_dump(mode="json")
    if isinstance(source, Mapping):
        return "", deepcopy(dict(source))
    shipped = recipes()
    if (name := str(source)) in shipped:
        return f"{name}: ", parsed(shipped[name].read_text(encoding="utf-8"))
    path = Path(source)
    if not path.is_file():
        guess = nearest(name, shipped)
        raise FileNotFoundError(
            f"{name!r} is neither a recipe nor a file: {f'did you mean {guess!r}? ' if guess else ''}Recipes are "
            f"{', '.join(sorted(shipped)) or 'none'}"
        )
    try:
        content = parsed(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is no YAML: {error}") from error
    if not isinstance(content, dict):
        raise ConfigurationError(
            f"{path} holds no configuration, which is keys and values: name, task, epochs, batch, ..."
        )
    return f"{path}: ", content


def _put(raw: dict[str, Any], key: str, value: Any) -> None:
    """Set a dotted key."""
    *sections, leaf = key.split(".")
    for section in sections:
        raw[section] = {} if raw.get(section) is None else raw[section]
        raw = raw[section]
        if not isinstance(raw, dict):
            raise ConfigurationError(f"{key} cannot be set: {section} is no section but {raw!r}")
    raw[leaf] = value


def _sections(task: Any) -> dict[str, type[BaseModel]]:
    """What the sections may hold that the task defines; none where no task is named, which is an error by itself."""
    if not isinstance(task, str):
        return {}
    try:
        found = task_class(task)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    return {"model": found.Model, "data": found.Data, "loss": found.Loss}


def _keys(of: type[BaseModel]) -> Iterator[str]:
    """Dotted keys of a model and of the models within it."""
    for name, field in of.model_fields.items():
        yield name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from (f"{name}.{key}" for key in _keys(field.annotation))


def _problems(error: ValidationError, known: list[str], part: str = "") -> Iterator[str]:
    """What pydantic found, one sentence each."""
    for found in error.errors(include_url=False):
        key = ".".join(str(step) for step in ((part,) if part else ()) + found["loc"])
        if found["type"] == "extra_forbidden":
            guess = nearest(key, known)
            beside = [other for other in known if other.rpartition(".")[0] == key.rpartition(".")[0]]
            yield f"{key} is unknown: " + (f"did you mean {guess}?" if guess else f"known are {', '.join(beside)}")
        elif found["type"] == "missing":
            yield f"{key} is missing"
        elif found["type"] == "value_error":
            yield f"{key + ': ' if key else ''}{found['ctx']['error']}"
        else:
            yield f"{key} = {found['input']!r}: {found['msg']}"
