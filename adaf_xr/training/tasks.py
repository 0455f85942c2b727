"""Which tasks can be trained, by the name a configuration calls them."""

from __future__ import annotations

from importlib import import_module

from adaf_xr.training.suggestions import nearest
from adaf_xr.training.task import Task

TASKS = {
    "4dvarnet": "adaf_xr.training.fourdvarnet.task:FourDVarNetTask",
    "adaf-ocean": "adaf_xr.training.adaf_ocean.task:AdafOceanTask",
    "adaf-ocean-cnp": "adaf_xr.training.cnp.task:CNPTask",
    "adaf-ocean-depth": "adaf_xr.training.adaf_ocean_depth.task:AdafOceanDepthTask",
    "adaf-ocean-sr": "adaf_xr.training.super_resolution.task:SuperResolutionTask",
}
"""Name -> "module:class". Nothing is imported before somebody asks for it."""


def task_class(name: str) -> type[Task]:
    """The class of a task.

    Parameters
    ----------
    name : str
        One of `TASKS`, or "module:class" of a task of your own, which every rank can import.

    Returns
    -------
    type
        A class that meets `adaf_xr.training.task.Task`.

    Raises
    ------
    ValueError
        For a name that is not known, cannot be imported, or is no task.

    Examples
    --------
    >>> task_class("adaf-ocean-cmp")
    Traceback (most recent call last):
        ...
    ValueError: task 'adaf-ocean-cmp' is unknown: did you mean 'adaf-ocean-cnp'? Known are 4dvarnet, ...
    """
    if name not in TASKS and ":" not in name:
        guess = nearest(name, TASKS)
        raise ValueError(
            f"task {name!r} is unknown: {f'did you mean {guess!r}? ' if guess else ''}Known are "
            f"{', '.join(sorted(TASKS))}, and 'module:class' names one of your own"
        )
    where, _, what = TASKS.get(name, name).partition(":")
    try:
        found = getattr(import_module(where), what)
    except (ImportError, AttributeError) as error:
        raise ValueError(
            f"task {name!r}: {where}:{what} cannot be imported ({error}); is its folder in PYTHONPATH, here and where "
            "the ranks run?"
        ) from error
    if lacking := [name for name in ("Model", "Data", "Loss") if not hasattr(found, name)]:
        raise ValueError(
            f"task {name!r} lacks {', '.join(lacking)}: a task is a class as adaf_xr.training.task describes"
        )
    return found
