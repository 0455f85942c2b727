"""Where catalogs are: the shipped ones by name, any other by path or URL."""

from __future__ import annotations

from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path


def folder() -> Path:
    """The folder of the shipped catalogs: inside an installed package, beside it in a checkout."""
    package = Path(str(files("adaf_xr")))
    return next(path for path in (package / "catalogs", package.parent / "catalogs") if path.is_dir())


def names() -> list[str]:
    """Names of the shipped catalogs.

    Examples
    --------
    >>> "demo" in names()
    True
    """
    return sorted(path.stem for path in folder().glob("*.yaml"))


def locate(catalog: str | Path) -> str:
    """Path or URL of a catalog given by name, path or URL.

    Raises
    ------
    ValueError
        Where it is neither a shipped name nor a file; the message lists the shipped names.
    """
    text = str(catalog)
    if text in names():
        return str(folder() / f"{text}.yaml")
    if "://" in text or Path(text).is_file():
        return text
    near = get_close_matches(text, names(), n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    raise ValueError(
        f"no catalog {text!r}{hint}: the package ships {', '.join(names())}; others go by the path or URL of their YAML"
    )
