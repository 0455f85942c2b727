"""Pictures on disk."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def save(drawn: Figure | Axes, path: Path) -> Path:
    """Write a figure, or that of some axes, and let go of it, so that many can be drawn one after another.

    Examples
    --------
    >>> import matplotlib, tempfile; matplotlib.use("agg")
    >>> import matplotlib.pyplot as plt
    >>> figure = plt.figure()
    >>> save(figure, Path(tempfile.mkdtemp()) / "empty.png").read_bytes()[1:4], plt.fignum_exists(figure.number)
    (b'PNG', False)
    """
    import matplotlib.pyplot as plt

    figure: Any = drawn if hasattr(drawn, "savefig") else drawn.figure
    figure.savefig(path, dpi=150)
    plt.close(figure)
    # A figure is a ring of references that only the collector frees, and one of a global map holds 200 MB.
    gc.collect()
    return path
