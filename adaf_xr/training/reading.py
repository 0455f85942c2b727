"""Reading YAML so that nothing written in it is lost."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml


def parsed(text: str) -> Any:
    r"""What a YAML text says.

    Raises
    ------
    yaml.YAMLError
        Where it is no YAML, or a key stands twice in one section: YAML itself would forget the first.

    Examples
    --------
    >>> parsed("epochs: 3\nmodel: {width: 8}")
    {'epochs': 3, 'model': {'width': 8}}
    >>> parsed("optimiser: {lr: 1}\noptimiser: {clip: 1}")
    Traceback (most recent call last):
        ...
    yaml.constructor.ConstructorError: 'optimiser' stands here a second time
      in "<unicode string>", line 2, column 1:
        optimiser: {clip: 1}
        ^
    """
    return yaml.load(text, _Loader)


class _Loader(yaml.SafeLoader):
    """The safe one, without forgetting."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """A section, of which every key may stand once."""
        seen = set()
        for key, _ in node.value:
            if key.value in seen and isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value!r} stands here a second time", key.start_mark
                )
            if isinstance(key, yaml.ScalarNode):
                seen.add(key.value)
        return super().construct_mapping(node, deep)
