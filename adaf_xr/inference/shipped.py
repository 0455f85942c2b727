"""Weights that come with the package: found by name, wherever a machine has it installed."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from adaf_xr._version import __version__
from adaf_xr.checkpoint import Checkpoint, CheckpointError, MissingCheckpointError, Reference, digest

FOLDER = Path(str(files("adaf_xr"))) / "weights"
"""Where they lie; a wheel is unpacked when it is installed, so that this is a folder."""

AGAIN = "Weights come with adaf_xr and are not copied alone: pip install --force-reinstall adaf-xr"
"""The way out where the file is damaged."""


@dataclass(frozen=True)
class ShippedReference(Reference):
    """Shipped weights as they travel in a graph.

    A worker may have the package elsewhere: what travels is the name of the file and what it must hold, and `path` is
    that of the installation on which the reference arrives.

    Attributes
    ----------
    version : str
        Of the package that the reference was made by.
    """

    version: str = __version__

    def __reduce__(self) -> tuple[Callable[..., ShippedReference], tuple[str, str, str]]:
        return _arrived, (Path(self.path).name, self.sha256, self.version)

    def read(self) -> Checkpoint:
        """What it refers to; an error if this machine has other weights under the name, or none."""
        here = f"adaf_xr {__version__} on {platform.node()}"
        made = f"the call was made with adaf_xr {self.version}: install that version on every machine"
        try:
            return super().read()
        except MissingCheckpointError as error:
            raise MissingCheckpointError(f"{here} has no {self.path}, and {made}") from error
        except CheckpointError as error:
            if (found := digest(self.path)) == self.sha256:
                raise CheckpointError(f"{error}. {AGAIN}") from error
            raise CheckpointError(
                f"{here} has other weights in {self.path} (sha256 {found[:12]}…, wanted {self.sha256[:12]}…): {made}, "
                "or install it again where the file is damaged"
            ) from error


def shipped(name: str) -> ShippedReference:
    """The weights of a name.

    Raises
    ------
    CheckpointError
        If this installation has none of that name, or a damaged file.
    """
    path = FOLDER / f"{name}.safetensors"
    try:
        return ShippedReference.of(path)
    except MissingCheckpointError:
        raise MissingCheckpointError(
            f"the weights of {name!r} are not in this installation: there is no {path}. Install adaf-xr from a wheel, "
            f"or train them (`adaf train {name} --data DATA --out RUN`) and pass "
            "model='RUN/checkpoints/best.safetensors'; the models 'oi' and 'cubic' need none"
        ) from None
    except CheckpointError as error:
        raise CheckpointError(f"{error}. {AGAIN}") from error


def _arrived(file: str, sha256: str, version: str) -> ShippedReference:
    """A reference on the machine it was sent to."""
    return ShippedReference(str(FOLDER / file), sha256, version)
