"""Where a run keeps its things."""

from __future__ import annotations

import fcntl
import json
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adaf_xr.atomic import write_whole
from adaf_xr.training.configuration import Configuration, ConfigurationError, load

FREE = (
    "epochs",
    "validate_every",
    "save_every",
    "save_minutes",
    "early_stop",
    "micro_batch",
    "device",
    "threads",
    "tensorboard",
)
"""Keys that may change in a resumption: they decide how long and where, not what. A cosine is bound to its epochs."""


class BusyError(RuntimeError):
    """A run that another process is training."""


@dataclass(frozen=True)
class RunFolder:
    """Paths of a run, and what the small files in it say.

    Attributes
    ----------
    path : Path
        Must be seen by every rank.
    """

    path: Path

    configuration_file = property(lambda self: self.path / "config.yaml")
    data_file = property(lambda self: self.path / "data.json")
    log = property(lambda self: self.path / "log.csv")
    epochs = property(lambda self: self.path / "epochs.csv")
    tensorboard = property(lambda self: self.path / "tensorboard")
    last = property(lambda self: self.path / "checkpoints" / "last.safetensors")
    best = property(lambda self: self.path / "checkpoints" / "best.safetensors")
    state = property(lambda self: self.path / "checkpoints" / "state.pt")

    @property
    def begun(self) -> bool:
        """Whether it holds a run."""
        return self.configuration_file.exists()

    def require_free(self) -> None:
        """Refuse to begin where steps of a run lie already; one that made none leaves nothing worth keeping.

        Raises
        ------
        FileExistsError
        """
        if self.log.exists() or self.state.exists():
            raise FileExistsError(
                f"{self.path} holds a run already: go on with it by resume=True (--resume), remove it, or train into "
                "another folder"
            )

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep others from training here meanwhile; it ends with the process too, and needs a file system with locks.

        Raises
        ------
        BusyError
            Where somebody does. A job whose client was killed goes on until its lease runs out.
        """
        with (self.path / ".lock").open("a+") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                stream.seek(0)
                raise BusyError(
                    f"{self.path} is being trained by another process ({stream.read().strip() or 'unknown'}): wait "
                    "until it has ended, or end it, or train into another folder. The ranks of a job whose client was "
                    "killed end when its lease runs out, 30 s if nothing else was said"
                ) from None
            except OSError:
                pass
            with suppress(OSError):
                stream.truncate(0)
                print(f"process {os.getpid()} on {platform.node()}", file=stream, flush=True)
            yield

    def write(self, wanted: Configuration, data: Mapping[str, Any]) -> None:
        """Say what is trained and from what."""
        self.path.mkdir(parents=True, exist_ok=True)
        write_whole(self.data_file, json.dumps(data, indent=1).encode() + b"\n")
        write_whole(self.configuration_file, wanted.yaml().encode())

    def configuration(self) -> Configuration:
        """What is trained.

        Raises
        ------
        FileNotFoundError
            Where this rank sees no run.
        """
        if not self.begun:
            raise FileNotFoundError(
                f"{self.path} holds no run: it must be begun by adaf_xr.training.train, and every rank must see it "
                "under this path"
            )
        return load(self.configuration_file)

    def data(self) -> dict[str, Any]:
        """From what: "shards" (path, relative to the run if within it) and "provenance"."""
        return json.loads(self.data_file.read_text())

    def shards(self) -> Path:
        """The folder of the prepared data."""
        return self.path / self.data()["shards"]


def require_same(held: Mapping[str, Any], wanted: Configuration, where: Path) -> None:
    """Refuse to go on with another training than was begun.

    Parameters
    ----------
    held : mapping
        The configuration as it was (JSON).
    wanted : Configuration
    where : Path
        What holds it.

    Raises
    ------
    ConfigurationError
        Naming every key that differs and may not.

    Examples
    --------
    >>> begun = Configuration(name="toy", task="m:T", epochs=2, batch=4)
    >>> require_same(begun.model_dump(mode="json"), begun.model_copy(update={"epochs": 9}), Path("RUN"))
    >>> require_same(begun.model_dump(mode="json"), begun.model_copy(update={"batch": 2}), Path("RUN"))
    Traceback (most recent call last):
        ...
    adaf_xr.training.configuration.ConfigurationError: RUN was begun with another configuration: batch was 4 and is ...
    """
    free = set(FREE) - ({"epochs"} if wanted.schedule.name == "cosine" else set())
    before, now = _leaves(held), _leaves(wanted.model_dump(mode="json"))
    differing = [key for key in sorted({*before, *now} - free) if before.get(key) != now.get(key)]
    if differing:
        listed = "; ".join(f"{key} was {before.get(key)!r} and is now {now.get(key)!r}" for key in differing)
        raise ConfigurationError(
            f"{where} was begun with another configuration: {listed}. Resume with the same, or train into another "
            f"folder; what may change is {', '.join(sorted(free))}"
        )


def _leaves(section: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in section.items():
        found |= _leaves(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return found
