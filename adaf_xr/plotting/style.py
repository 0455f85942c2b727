"""How a variable looks: colour map, colour limits and label. Tables, and nothing that draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from adaf_xr import cf
from adaf_xr.cf.canonical import VARIABLES

if TYPE_CHECKING:
    from matplotlib.colors import Colormap


@dataclass(frozen=True, slots=True)
class Style:
    """Colours of a quantity.

    Attributes
    ----------
    cmap : str
        Name of a colour map of cmocean.
    centre : float, "median" or None
        Value in the middle of a diverging map; None: the map is sequential.
    limits : pair of float or None
        Fixed ends of the scale; None at either end: from the data.
    """

    cmap: str
    centre: float | Literal["median"] | None = None
    limits: tuple[float | None, float | None] = (None, None)


SIGNED = Style("balance", centre=0.0)
SPREAD = Style("amp", limits=(0.0, None))
OTHER = Style("deep")

STYLES: dict[str, Style] = {
    "thetao": Style("thermal"),
    "so": Style("haline"),
    "zos": Style("balance", centre="median"),
    "sla": SIGNED,
    "uo": SIGNED,
    "vo": SIGNED,
    "uas": SIGNED,
    "vas": SIGNED,
    "siconc": Style("ice", limits=(0.0, 1.0)),
    "speed": Style("speed", limits=(0.0, None)),
}
"""Style by canonical name; ``*_std`` and ``*_error`` are `SPREAD`, ``*_increment`` is `SIGNED`."""

_SUFFIXES = {
    "_std": (SPREAD, "standard error of "),
    "_error": (SPREAD, "error of "),
    "_increment": (SIGNED, "increment of "),
}

_UNITS = {
    "degC": "°C",
    "degree_Celsius": "°C",
    "celsius": "°C",
    "kelvin": "K",
    "m s-1": "m s$^{-1}$",
    "m/s": "m s$^{-1}$",
    "degrees_C": "°C",
    "1": "",
    "1e-3": "",
}
"""Units as a journal prints them; practical salinity and fractions have none."""

_ROBUST = (2.0, 98.0)
"""Percentiles that a robust scale spans."""


def canonical_name(da: xr.DataArray) -> str:
    """The canonical name of a field where it has one, else its own."""
    name = "" if da.name is None else str(da.name)
    if name in VARIABLES or name in STYLES or _base(name):
        return name
    try:
        return cf.identify(da.to_dataset(name=name or "field")).get(name or "field", name)
    except cf.errors.CFError:
        return name


def _base(name: str) -> str:
    """What `name` is the spread or increment of, or nothing."""
    return next((name.removesuffix(s) for s in _SUFFIXES if name.endswith(s)), "")


def style_of(name: str, values: NDArray) -> Style:
    """Style of a variable by its canonical name; of one without, by whether its values are of both signs.

    Examples
    --------
    >>> style_of("thetao_std", np.ones(1)).cmap, style_of("vorticity", np.array([-1.0, np.nan, 1.0])).cmap
    ('amp', 'balance')
    """
    known = _SUFFIXES[name.removeprefix(base)][0] if (base := _base(name)) else STYLES.get(name)
    return known or (SIGNED if (values < 0).any() and (values > 0).any() else OTHER)


def colour_map(name: str) -> Colormap:
    """A colour map by its name in cmocean, or else in matplotlib.

    Raises
    ------
    ImportError
        Where the drawing libraries are not installed.
    """
    try:
        import cmocean
        import matplotlib as mpl
    except ImportError as error:
        raise ImportError(f"maps need matplotlib and cmocean ({error}): pip install 'adaf-xr[viz]'") from error
    return cmocean.cm.cmap_d.get(name) or mpl.colormaps[name]


def limits(values: NDArray, style: Style, robust: bool) -> tuple[float, float]:
    """Ends of the colour scale for a set of values.

    Examples
    --------
    >>> limits(np.array([-1.0, 0.0, 3.0]), SIGNED, robust=False)
    (-3.0, 3.0)
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = np.percentile(finite, _ROBUST if robust else (0.0, 100.0))
    if style.centre is not None:
        centre = float(np.median(finite)) if style.centre == "median" else style.centre
        reach = max(high - centre, centre - low)
        low, high = centre - reach, centre + reach
    low, high = (end if fixed is None else fixed for end, fixed in zip((low, high), style.limits, strict=True))
    return (float(low), float(high)) if high > low else (float(low) - 0.5, float(low) + 0.5)


def words(da: xr.DataArray, name: str) -> tuple[str, str]:
    """The quantity in words, and its unit as a journal prints it.

    Examples
    --------
    >>> words(xr.DataArray(0.0), "thetao"), words(xr.DataArray(0.0), "so_std")
    (('sea water potential temperature', '°C'), ('standard error of practical salinity', ''))
    """
    base = _base(name)
    known = VARIABLES.get(base or name)
    text = known.long_name if known else base or name
    if base:
        text = _SUFFIXES[name.removeprefix(base)][1] + text
    unit = str(da.attrs.get("units", known.units if known else ""))
    return str(da.attrs.get("long_name", text)), _UNITS.get(unit, unit)


def label(da: xr.DataArray, name: str) -> str:
    """What a colour bar says: the quantity and its unit.

    Examples
    --------
    >>> label(xr.DataArray(0.0), "zos_std")
    'standard error of absolute dynamic topography [m]'
    """
    text, unit = words(da, name)
    return f"{text} [{unit}]" if unit else text
