"""What every nature run asks of the numbers that it is asked for."""

from __future__ import annotations

from numbers import Integral

import numpy as np


def refuse(seed: int, start: np.datetime64, days: int, spin_up: int) -> None:
    """Say what is wrong with a request before anything is simulated.

    Raises
    ------
    ValueError
        For a seed that is no whole number from 0 on, a start that is not 00:00 of a day, a run of less than a day, or
        a spin-up of less than none.

    Examples
    --------
    >>> refuse(seed=0, start=np.datetime64("2012-10-01"), days=1, spin_up=0)
    """
    if not isinstance(seed, Integral) or seed < 0:
        raise ValueError(f"a seed is a whole number from 0 on, and {seed!r} is none")
    if not isinstance(start, np.datetime64) or not start == start.astype("M8[D]"):
        raise ValueError(f"start={start!r}: a run starts at 00:00 of a day, say np.datetime64('2012-10-01')")
    if not all(isinstance(n, Integral) for n in (days, spin_up)) or days < 1 or spin_up < 0:
        raise ValueError(
            f"days={days}, spin_up={spin_up}: a run has at least one whole day and its spin-up none below zero"
        )
