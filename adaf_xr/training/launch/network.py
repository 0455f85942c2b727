"""Which network interface an address belongs to."""

from __future__ import annotations

LOOPBACK = "127.0.0.1"


def interface(host: str) -> str | None:
    """The interface of this machine that bears an address, or None; gloo would guess it from the host's name.

    Parameters
    ----------
    host : str
        An address in numbers; a zone (``%eth0``) does not matter.

    Examples
    --------
    >>> from adaf_xr.training.launch.network import interface
    >>> interface("203.0.113.77") is None  # an address kept for documentation
    True
    """
    import psutil  # type: ignore[import-untyped]

    for name, addresses in psutil.net_if_addrs().items():
        if host in {address.address.split("%")[0] for address in addresses}:
            return name
    return None


def gloo(host: str) -> dict[str, str]:
    """The environment variable that keeps gloo on the interface of an address."""
    name = interface(host)
    return {"GLOO_SOCKET_IFNAME": name} if name else {}
