"""Prepared training data: one memory-mapped file a day, and a manifest that says what made them.

A day is a set of named arrays of any shape. Its file appears whole or not at all, so that preparing can be killed at
any time and goes on with the days that are missing; a folder of another making is refused, so that nothing is ever
trained on what the configuration does not say.
"""

from __future__ import annotations

import json
import shutil
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adaf_xr.atomic import write_whole

MANIFEST = "manifest.json"
FORMAT = 1
SUFFIX = ".safetensors"
CHECKSUM = "crc32"

TYPES = {
    "F64": "f8", "F32": "f4", "F16": "f2", "I64": "i8", "I32": "i4", "I16": "i2", "I8": "i1",
    "U64": "u8", "U32": "u4", "U16": "u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip
"""NumPy's names of the types of a safetensors header."""


class ShardsError(ValueError):
    """Prepared data that are missing, damaged or of another making."""


@dataclass(frozen=True)
class Shards:
    """Days on disk, by split and in order of time.

    Attributes
    ----------
    folder : Path
        Where they lie: ``manifest.json``, and ``SPLIT/TIME.safetensors`` for every day.
    fingerprint : mapping
        JSON: everything that decides what is in them.
    days : mapping of str to tuple of str
        Names of the days of every split, in order.

    Examples
    --------
    >>> import tempfile
    >>> days = {"train": np.array(["2020-01-01", "2020-01-02"], "M8[ns]")}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     shards = Shards.create(folder, {"spacing": 1.0}, days)
    ...     shards.write("train", 0, {"zos": np.zeros((2, 3), "f4"), "rows": np.arange(4)})
    ...     shards.missing("train"), shards.read("train", 0)["zos"].shape
    ((1,), (2, 3))
    """

    folder: Path
    fingerprint: Mapping[str, Any]
    days: Mapping[str, tuple[str, ...]]
    _sound: set[Path] = field(default_factory=set, repr=False, compare=False)

    @classmethod
    def create(
        cls, folder: str | Path, fingerprint: Mapping[str, Any], days: Mapping[str, NDArray[np.datetime64]]
    ) -> Shards:
        """Begin a folder of shards, or go on with one of the same making.

        Parameters
        ----------
        folder : str or Path
            Where; made if need be.
        fingerprint : mapping
            JSON: what decides what the shards hold.
        days : mapping of str to array of datetime64
            Analysis times of every split.

        Raises
        ------
        ShardsError
            Where shards of another making, or of other days, lie there.
        """
        made = cls(Path(folder), _plain(fingerprint), {split: _names(times) for split, times in days.items()})
        if (made.folder / MANIFEST).is_file():
            there = cls._of_manifest(made.folder)
            there._require(made.fingerprint)
            if there.days != made.days:
                raise ShardsError(
                    f"the shards in {made.folder} are of other days ({_spans(there.days)}) than are wanted "
                    f"({_spans(made.days)}): give another folder, or delete this one"
                )
            return there
        for split in made.days:
            (made.folder / split).mkdir(parents=True, exist_ok=True)
        held = {"format": FORMAT, "fingerprint": made.fingerprint, "days": made.days}
        write_whole(made.folder / MANIFEST, json.dumps(held, indent=1).encode())
        return made

    @classmethod
    def open(cls, folder: str | Path, fingerprint: Mapping[str, Any] | None = None) -> Shards:
        """Shards that are complete.

        Parameters
        ----------
        folder : str or Path
            Where they lie.
        fingerprint : mapping, optional
            What must have made them; keys that it lacks are not compared. Default: anything.

        Raises
        ------
        FileNotFoundError
            Where there are none.
        ShardsError
            Where something else made them, or days are missing.
        """
        shards = cls._of_manifest(Path(folder))
        if fingerprint is not None:
            shards._require({**shards.fingerprint, **_plain(fingerprint)})
        for split in shards.days:
            if missing := shards.missing(split):
                raise ShardsError(
                    f"{len(missing)} of {shards.count(split)} days of {split!r} are missing in {shards.folder} (the "
                    f"first is {shards.days[split][missing[0]]}): preparing them was interrupted; prepare again, which "
                    "keeps those that are there"
                )
        return shards

    @classmethod
    def _of_manifest(cls, folder: Path) -> Shards:
        """What the manifest of a folder says."""
        path = folder / MANIFEST
        if not path.is_file():
            raise FileNotFoundError(f"no prepared data at {folder}: there is no {MANIFEST}; prepare them first")
        try:
            held = json.loads(path.read_text())
            if held["format"] != FORMAT:
                raise ShardsError(
                    f"the shards in {folder} have format {held['format']!r} and this version reads {FORMAT}: delete "
                    "the folder and prepare again"
                )
            return cls(folder, held["fingerprint"], {split: tuple(names) for split, names in held["days"].items()})
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            raise ShardsError(f"{path} is damaged ({error!r}): delete {folder} and prepare again") from None

    def _require(self, fingerprint: Mapping[str, Any]) -> None:
        """Refuse to stand for something else."""
        if differing := _differences(self.fingerprint, fingerprint):
            raise ShardsError(
                f"the shards in {self.folder} were prepared from something else ({'; '.join(differing[:3])}): give "
                "another folder, delete this one and prepare again, or set the configuration back"
            )

    def count(self, split: str) -> int:
        """How many days a split has."""
        return len(self._days(split))

    def missing(self, split: str) -> tuple[int, ...]:
        """Positions of the days that have not been written."""
        return tuple(i for i in range(self.count(split)) if not self.path(split, i).is_file())

    def require_room(self, size: int) -> None:
        """Refuse to begin what the disk cannot hold.

        Parameters
        ----------
        size : int
            Bytes of a day, at least.

        Raises
        ------
        ShardsError
            Where the days that are missing need more than is free.
        """
        days = sum(len(self.missing(split)) for split in self.days)
        free = shutil.disk_usage(self.folder).free
        if days * size > free:
            raise ShardsError(
                f"{days} days of {size / 1e9:.3g} GB each do not fit into the {free / 1e9:.3g} GB that are free at "
                f"{self.folder}: take fewer of them (data.every, or shorter periods), or a folder with more room"
            )

    def path(self, split: str, index: int) -> Path:
        """The file of a day."""
        return self.folder / split / f"{self._days(split)[index]}{SUFFIX}"

    def time(self, split: str, index: int) -> np.datetime64:
        """The analysis time of a day."""
        return np.datetime64(_time_of(self._days(split)[index]), "ns")

    def _days(self, split: str) -> tuple[str, ...]:
        if split not in self.days:
            raise ShardsError(f"no split {split!r} in {self.folder}: it has {', '.join(self.days)}")
        return self.days[split]

    def write(self, split: str, index: int, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Write a day; its file is there whole or not at all."""
        from safetensors.numpy import save

        solid = {name: np.asarray(array, order="C") for name, array in arrays.items()}
        write_whole(self.path(split, index), save(solid, {CHECKSUM: str(_checksum(solid))}))

    def read(self, split: str, index: int) -> dict[str, NDArray[Any]]:
        """The arrays of a day, mapped into memory: what is not looked at is not read again.

        Raises
        ------
        ShardsError
            Where the file is missing or damaged. Every file is checked when a process reads it first.
        """
        path = self.path(split, index)
        try:
            arrays, said = _mapped(path)
            if path not in self._sound:
                if said != str(_checksum(arrays)):
                    raise ValueError("its checksum is wrong")
                self._sound.add(path)
            return arrays
        except FileNotFoundError:
            raise ShardsError(f"the shard of {path.stem} is missing in {path.parent}: prepare again") from None
        except Exception as error:  # what a damaged header raises depends on where it is damaged
            raise ShardsError(
                f"the shard of {path.stem} is damaged ({error}): delete {path} and prepare again"
            ) from None


def _mapped(path: Path) -> tuple[dict[str, NDArray[Any]], str | None]:
    """Arrays of a file as views of one memory map, and the checksum it bears."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as held:  # refuses a file whose size is not what its header says
        said = (held.metadata() or {}).get(CHECKSUM)
    whole = np.memmap(path, mode="r")
    start = 8 + int(whole[:8].view("<u8")[0])
    header = json.loads(bytes(whole[8:start]))
    arrays = {}
    for name in sorted(set(header) - {"__metadata__"}):
        entry = header[name]
        first, last = (start + offset for offset in entry["data_offsets"])
        arrays[name] = np.asarray(whole[first:last]).view(TYPES[entry["dtype"]]).reshape(entry["shape"])
    return arrays, said


def _checksum(arrays: Mapping[str, NDArray[Any]]) -> int:
    """Of names, types, shapes and all values, in order of names."""
    total = 0
    for name, array in sorted(arrays.items()):
        total = zlib.crc32(f"{name} {array.dtype.str} {array.shape}".encode(), total)
        total = zlib.crc32(array.reshape(-1).view("u1").data, total)
    return total


def _plain(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON gives it back."""
    plain: dict[str, Any] = json.loads(json.dumps(mapping, default=str))
    return plain


def _names(times: Sequence[Any] | NDArray[np.datetime64]) -> tuple[str, ...]:
    """File names of times, which sort as the times do."""
    seconds = np.sort(np.asarray(times, "datetime64[s]")).astype(str)
    names = tuple(text.replace("-", "").replace(":", "") for text in seconds.tolist())
    if len(set(names)) < len(names):
        raise ShardsError("analysis times of a split repeat, or lie less than a second apart: leave one of them out")
    return names


def _time_of(name: str) -> str:
    """The time that a file name stands for, as NumPy reads it."""
    return f"{name[:4]}-{name[4:6]}-{name[6:11]}:{name[11:13]}:{name[13:15]}"


def _spans(days: Mapping[str, tuple[str, ...]]) -> str:
    """Splits in words."""
    return ", ".join(f"{split}: {len(names)} from {names[0] if names else '-'}" for split, names in days.items())


def _differences(held: Any, wanted: Any, where: str = "") -> list[str]:
    """Dotted keys whose values differ, with both values."""
    if isinstance(held, Mapping) and isinstance(wanted, Mapping):
        keys = sorted({*held, *wanted})
        return [text for key in keys for text in _differences(held.get(key), wanted.get(key), f"{where}.{key}")]
    return [] if held == wanted else [f"{where.lstrip('.')} was {_short(held)} and is {_short(wanted)}"]


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
