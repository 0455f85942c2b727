"""An engine with settings of its own, written in a YAML file: what a name alone cannot say."""

from __future__ import annotations

from inspect import signature
from pathlib import Path
from typing import Any

SUFFIXES = (".yaml", ".yml")
"""Ends of the names of such files."""

NAME = "oi"
"""The one engine that has settings."""


def engine_of(model: str) -> Any:
    r"""What ``model=`` of :func:`adaf_xr.assimilate` takes: an engine for a file of settings, anything else as it is.

    Raises
    ------
    FileNotFoundError
        Where there is no such file.
    ValueError
        Where it is no YAML, is of another model, or names what optimal interpolation does not have.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "short.yaml"
    >>> _ = path.write_text("model: oi\nlength: {zos: 60}\nwindow: 6D")
    >>> engine_of(str(path)).scales["zos"].length, engine_of("oi")
    (60.0, 'oi')
    """
    path = Path(model)
    if path.suffix not in SUFFIXES:
        return model
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}: a name that ends in {path.suffix} means settings of an engine")
    return _interpolation(path, _settings(path))


def _settings(path: Path) -> dict[str, Any]:
    """What a file says, of the right model."""
    import yaml

    from adaf_xr.training.reading import parsed

    try:
        held = parsed(path.read_text())
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is no YAML: {error}") from None
    if not isinstance(held, dict) or held.get("model") != NAME:
        found = f"model: {held['model']}" if isinstance(held, dict) and "model" in held else "none"
        raise ValueError(
            f"{path} must say `model: {NAME}`, the engine that has settings, and below it what differs from its "
            f"defaults, such as `length: {{zos: 80}}`; it says {found}"
        )
    return {str(name): value for name, value in held.items() if name != "model"}


def _interpolation(path: Path, settings: dict[str, Any]) -> Any:
    """Optimal interpolation with these arguments."""
    from adaf_xr.instants import as_window
    from adaf_xr.models.optimal_interpolation import OptimalInterpolation
    from adaf_xr.training.suggestions import nearest

    known = list(signature(OptimalInterpolation.__init__).parameters)[1:]
    if unknown := [name for name in settings if name not in known]:
        close = nearest(unknown[0], known)
        hint = f"did you mean {close!r}? " if close else ""
        raise ValueError(f"{path}: {NAME} has no {unknown[0]!r}; {hint}It has {', '.join(known)}")
    try:
        if "window" in settings:
            settings["window"] = as_window(settings["window"])
        return OptimalInterpolation(**settings)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from error
