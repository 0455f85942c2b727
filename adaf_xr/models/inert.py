"""Pickles without objects: tensors and plain values are read, and of everything else there is a husk that does nothing.

Files of training frameworks hold, beside the weights, the whole run: settings, callbacks, coordinates. None of these is
built here, so none of their code runs, and what they need not be installed.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from typing import Any, BinaryIO

import torch

_BUILT: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch", "Size"): torch.Size,
    ("torch._utils", "_rebuild_tensor_v2"): getattr(torch._utils, "_rebuild_tensor_v2"),  # noqa: B009
    ("torch._utils", "_rebuild_parameter"): getattr(torch._utils, "_rebuild_parameter"),  # noqa: B009
}
"""All that a pickle may call; storages of tensors are torch's own affair."""


class Husk:
    """In place of an object: takes all that a pickle does to one, and keeps nothing."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __setstate__(self, _: Any) -> None:
        pass

    def __setitem__(self, _: Any, __: Any) -> None:
        pass

    def append(self, _: Any) -> None:
        """Takes what lists take."""

    extend = add = append


class Unpickler(pickle.Unpickler):
    """Finds nothing but what tensors are made with."""

    def find_class(self, module: str, name: str) -> Any:
        """What a name in a pickle stands for.

        >>> Unpickler.find_class(None, "os", "system")
        <class 'adaf_xr.models.inert.Husk'>
        """
        return _BUILT.get((module, name), Husk)


def load(stream: BinaryIO, **settings: Any) -> Any:
    """As pickle.load. With `Unpickler`, this is what torch asks of a module of pickles."""
    return Unpickler(stream, **settings).load()
