"""Which stored numbers mean "no value": section 4 of the conventions."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

FILL_ATTRIBUTE = re.compile(r"^_?fill_?value$|^missing_?value$", re.IGNORECASE)
"""Attributes that declare a fill value, misspelt ones included."""

DEFAULT_FILLS: dict[str, int] = {
    "i1": -127, "u1": 255, "i2": -32767, "u2": 65535, "i4": -2147483647, "u4": 4294967295,
    "i8": -9223372036854775806, "u8": 18446744073709551614,
}  # fmt: skip
"""What netCDF writes where nothing was written, by stored type."""

Missing = tuple[tuple[float, float], ...]
"""Values that mean missing, each with a tolerance."""


def missing_values(da: xr.DataArray) -> Missing:
    """Decoded values that mean "missing" although xarray did not mask them.

    Parameters
    ----------
    da : DataArray
        A numeric variable as xarray opened it.

    Returns
    -------
    tuple of (value, tolerance)
        In the units of the decoded variable.

    Examples
    --------
    >>> missing_values(xr.DataArray([1.0, -9999.0], dims="x", attrs={"FillValue": -9999.0}))
    ((-9999.0, 0.0),)
    """
    scale, offset = packing(da)
    packed = scale != 1.0 or offset != 0.0
    found = [(fill, 0.0) for fill in declared_fills(da) if isinstance(fill, float)]
    found += [(float(code), 0.0) for code in _codes(da)]
    if not packed:
        return tuple(dict.fromkeys(found))
    stored = np.dtype(da.encoding.get("dtype") or da.dtype)
    known = any(FILL_ATTRIBUTE.match(key) for key in da.encoding)
    raw = [fill for fill, _ in found]
    if not known and stored.kind in "iu":
        raw.append(float(DEFAULT_FILLS[f"{stored.kind}{stored.itemsize}"]))
    unpacked = [(fill * scale + offset, _tolerance(fill * scale + offset, scale, da.dtype)) for fill in raw]
    return tuple(dict.fromkeys(found + unpacked))


def declared_fills(da: xr.DataArray | xr.Variable) -> list[float | str]:
    """Fill values in attributes that xarray left alone: numbers, or text of character variables."""
    found: list[float | str] = []
    for key, value in da.attrs.items():
        if FILL_ATTRIBUTE.match(str(key)):
            found += [_fill(v) for v in np.atleast_1d(value).tolist()]
    return found


def packing(da: xr.DataArray) -> tuple[float, float]:
    """Scale factor and offset that xarray removed when it opened the variable."""
    return float(da.encoding.get("scale_factor", 1.0)), float(da.encoding.get("add_offset", 0.0))


def range_of_packing(da: xr.DataArray) -> tuple[float, float]:
    """The least and the largest number that the stored integers of a variable can hold; infinite for other types.

    Examples
    --------
    >>> fraction = xr.DataArray([0.5], dims="x")
    >>> fraction.encoding = {"dtype": np.dtype("i1"), "scale_factor": 0.01}
    >>> range_of_packing(fraction)
    (-1.28, 1.27)
    """
    (scale, offset), stored = packing(da), np.dtype(da.encoding.get("dtype") or da.dtype)
    if stored.kind not in "iu":
        return -np.inf, np.inf
    ends = [float(end) * scale + offset for end in (np.iinfo(stored).min, np.iinfo(stored).max)]
    return min(ends), max(ends)


def mask(values: NDArray[np.floating], missing: Missing) -> NDArray[np.floating]:
    """The same values, NaN where missing; the input is not changed."""
    for fill, tolerance in missing:
        if np.isfinite(fill):
            bad = values == fill if tolerance == 0.0 else np.abs(values - fill) <= tolerance
            values = np.where(bad, np.nan, values)
    return values


def _codes(da: xr.DataArray) -> list[float]:
    """Values of a quantity that are no amounts but codes, such as 254 for land in a concentration."""
    codes = np.atleast_1d(da.attrs.get("flag_values", []))
    return codes.tolist() if codes.dtype.kind in "iuf" else []


def _tolerance(fill: float, scale: float, dtype: np.dtype) -> float:
    """Half a packing step, or the rounding of the decoded type where that is coarser."""
    rounding = np.finfo(dtype).eps * abs(fill) if dtype.kind == "f" else 0.0
    return max(0.5 * abs(scale), 2.0 * float(rounding)) * (1.0 - 1e-6)


def _fill(value: Any) -> float | str:
    """A fill value as number if it is one, else as text."""
    text = value.decode("latin1") if isinstance(value, bytes) else value
    try:
        return float(text) if not isinstance(text, str) else text
    except (TypeError, ValueError):
        return str(text)
