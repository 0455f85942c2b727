"""Configurations with a name: the four experiments of the paper, its lighter descendant, and sizes for a CPU."""

from __future__ import annotations

from typing import Any

from adaf_xr.models.fourdvarnet.configuration import Configuration

PUBLISHED = {
    "4dvarnet-ssh-sst": Configuration(),
    "4dvarnet-ssh": Configuration(sst="none", features=0, pooling=2),
    "unet-ssh-sst": Configuration(sst="stacked", blocks=0, hidden=0, features=0),
    "unet-ssh": Configuration(sst="none", blocks=0, hidden=0, features=0),
}
"""The experiments of Fablet et al. at their published sizes. "U-Net" names direct inversion by the same prior."""

LIGHT = Configuration(
    days=15,
    state="direct",
    sst="none",
    features=0,
    blocks=1,
    steps=10,
    prior="pooled",
    width=32,
    prior_pooling=2,
    hidden=48,
    dropout=0.1,
    weighted=False,
    pace="falling",
    descent=1e3,
    projection=True,
)
"""The descendant that needs no interpolated sea surface height."""


def published(name: str) -> Configuration:
    """An experiment of the paper at its published size.

    Parameters
    ----------
    name : {"4dvarnet-ssh-sst", "4dvarnet-ssh", "unet-ssh-sst", "unet-ssh"}
        What it learns from. The second works on means of 2 x 2 cells, as published.

    Raises
    ------
    ValueError
        For another name.

    References
    ----------
    Fablet, R., Chapron, B., Le Sommer, J., & Sévellec, F. (2024). Inversion of sea surface currents from
    satellite-derived SST-SSH synergies with 4DVarNets. Journal of Advances in Modeling Earth Systems, 16.

    Examples
    --------
    >>> published("4dvarnet-ssh-sst").channels
    35
    >>> published("unet")
    Traceback (most recent call last):
        ...
    ValueError: no experiment 'unet' was published: 4dvarnet-ssh-sst, 4dvarnet-ssh, unet-ssh-sst, unet-ssh
    """
    if name not in PUBLISHED:
        raise ValueError(f"no experiment {name!r} was published: {', '.join(PUBLISHED)}")
    return PUBLISHED[name]


def light(**changes: Any) -> Configuration:
    """The descendant: sea surface height alone, 15 days, a smaller prior on means of 2 x 2 cells.

    Parameters
    ----------
    **changes
        Of the base size (165,550 parameters). The bigger published one has ``width=64, hidden=96, steps=15`` (570,686
        parameters), and with ``days=9`` 534,386.

    Examples
    --------
    >>> light().days, light(width=64, hidden=96).width
    (15, 64)
    """
    return LIGHT.but(**changes)


def small(name: str, **changes: Any) -> Configuration:
    """An experiment of the paper at a size that trains on a CPU.

    Parameters
    ----------
    name : str
        As for :func:`published`.
    **changes
        Of that size.

    Examples
    --------
    >>> small("4dvarnet-ssh-sst").hidden, small("unet-ssh").hidden, small("unet-ssh", width=24).width
    (32, 0, 24)
    """
    full = published(name)
    sizes = {"width": 16, "hidden": min(full.hidden, 32), "features": min(full.features, 8)}
    return full.but(**(sizes | changes))
