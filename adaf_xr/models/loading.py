"""Networks in memory: loaded once per process and device, and not more of them at work than a device can bear.

An engine travels to many tasks; its weights do not. Every task asks here, by the hash of the weights.
"""

from __future__ import annotations

import contextlib
import os
import platform
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from adaf_xr.checkpoint import Checkpoint, CheckpointError, Reference

if TYPE_CHECKING:
    import torch
    from torch import nn

KEPT = 4
"""Networks that stay in memory, those used last: enough to compare a few in turn, and bounded in a long session."""


class _Entry:
    """A network that is loaded or being loaded; who holds the lock loads it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.network: nn.Module | None = None


_networks: OrderedDict[tuple[str, str], _Entry] = OrderedDict()
_slots: dict[tuple[str, int], threading.BoundedSemaphore] = {}
_guard = threading.Lock()


def loaded(reference: Reference, device: str, build: Callable[[Checkpoint], nn.Module]) -> nn.Module:
    """The network of a checkpoint on a device, ready to be called.

    Threads of a process share it, so it must not change when called: it is in evaluation mode and its parameters want
    no gradient (its inputs may). The file is read when the first thread asks; the others wait for that. Whoever holds
    the same content under another path gets the same network. The last four networks are kept.

    Parameters
    ----------
    reference : Reference
        Which weights.
    device : str
        Where the network computes, as torch names it: "cpu", "cuda", "cuda:1", "mps".
    build : callable
        Makes the network from the checkpoint, on the CPU. The same content must always mean the same builder.

    Raises
    ------
    CheckpointError
        If the file is missing or unusable, has changed since the reference was made, or does not fit its network.
    ValueError
        If this machine has no such device.

    Examples
    --------
    >>> import tempfile, numpy as np, torch
    >>> from adaf_xr import checkpoint
    >>> path = tempfile.mkdtemp() + "/line.safetensors"
    >>> weights = {"weight": np.float32([[2.0]]), "bias": np.float32([1.0])}
    >>> _ = checkpoint.write(Checkpoint("line", weights), path)
    >>> def build(checkpoint):
    ...     network = torch.nn.Linear(1, 1)
    ...     network.load_state_dict({name: torch.from_numpy(array) for name, array in checkpoint.weights.items()})
    ...     return network
    >>> network = loaded(Reference.of(path), "cpu", build)
    >>> network(torch.tensor([3.0])).item(), network is loaded(Reference.of(path), "cpu", build)
    (7.0, True)
    """
    place = device_of(device)
    key = reference.sha256, str(place)
    with _guard:
        entry = _networks.setdefault(key, _Entry())
        _networks.move_to_end(key)
        while len(_networks) > KEPT:
            _networks.popitem(last=False)
    with entry.lock:
        if entry.network is None:
            entry.network = _load(reference, place, build)
        return entry.network


def forget() -> None:
    """Let go of every network, to free their memory."""
    with _guard:
        _networks.clear()


def device_of(device: str) -> torch.device:
    """The device of a name, with its number; an error tells which there are.

    Examples
    --------
    >>> device_of("cpu")
    device(type='cpu')
    """
    import torch

    there = _devices()
    try:
        named = torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"device={device!r} is no device that torch knows: {there} are here") from error
    index = named.index
    if named.type != "cpu" and index is None and torch.accelerator.is_available():
        index = torch.accelerator.current_device_index()
    # There is one CPU to torch, whatever its number.
    full = torch.device("cpu") if named.type == "cpu" else torch.device(named.type, index)
    if str(full) not in there:
        raise ValueError(
            f"device={device!r}: {platform.node()} has {', '.join(there)}. Choose one of these; on a cluster it is the "
            "workers' machines that count"
        )
    return full


def _devices() -> list[str]:
    """Names of the devices of this machine."""
    import torch

    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    if accelerator is None:
        return ["cpu"]
    return ["cpu", *(f"{accelerator.type}:{n}" for n in range(torch.accelerator.device_count()))]


@contextlib.contextmanager
def slot(device: str) -> Iterator[None]:
    """A turn on a device: one network at a time works on an accelerator, and on a CPU as many as fill its cores.

    On a CPU a call takes `torch.get_num_threads()` cores. Dask may run more tasks at once than that allows; their
    reading and gridding go on while they wait for a turn here. Do not ask for a second one inside the first.

    Examples
    --------
    >>> with slot("cpu"):
    ...     pass  # network(...)
    """
    place = device_of(device)
    turns = _turns(place)
    with _guard:
        semaphore = _slots.setdefault((str(place), turns), threading.BoundedSemaphore(turns))
    with semaphore:
        yield


def _turns(device: torch.device) -> int:
    import torch

    if device.type != "cpu":
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    return max(1, cores // torch.get_num_threads())


def _load(reference: Reference, device: torch.device, build: Callable[[Checkpoint], nn.Module]) -> nn.Module:
    content = reference.read()
    try:
        network = build(content)
    except CheckpointError as error:
        raise CheckpointError(f"{reference.path}: {error}") from error
    except (RuntimeError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{reference.path}: the weights do not fit the network that their {content.family!r} configuration means "
            f"({type(error).__name__}: {error})"
        ) from error
    return network.to(device).eval().requires_grad_(False)
