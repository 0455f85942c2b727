"""From the numbers of a file to canonical ones: units, missing values, limits (conventions, sections 1 and 4)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from adaf_xr.cf.canonical import VARIABLES
from adaf_xr.cf.errors import UnitError
from adaf_xr.cf.missing import Missing, mask, missing_values, range_of_packing

Linear = tuple[float, float]
"""Factor and offset: canonical = factor * stored + offset."""

SAME: Linear = (1.0, 0.0)
KELVIN: Linear = (1.0, -273.15)
PERCENT: Linear = (0.01, 0.0)


def _table(*rows: tuple[str, Linear]) -> dict[str, Linear]:
    """Rows of spellings as one mapping."""
    return {spelling: linear for spellings, linear in rows for spelling in spellings.split()}


_LENGTH = _table(("m", SAME), ("cm", (1e-2, 0.0)), ("mm", (1e-3, 0.0)))
_SPEED = _table(("m/s ms-1 mpers m/sec msec-1", SAME), ("cm/s cms-1 cm/sec", (1e-2, 0.0)), ("mm/s mms-1", (1e-3, 0.0)))
_TEMPERATURE = _table(
    ("degc celsius degreecelsius degreescelsius degcelsius degreec degreesc c °c ºc ℃", SAME),
    ("k kelvin kelvins degk degreek degreesk degreekelvin degreeskelvin degkelvin", KELVIN),
)
_SALINITY = _table(("psu pss pss-78 pss78 1 1e-3 1e-03 0.001 practicalsalinityunit practicalsalinityunits", SAME))
_DEGREES = _table(("deg degree degrees ° degreetrue degreestrue degt degtrue", SAME))
_POSITION = _DEGREES | _table(
    (" ".join(f"{d}{c}" for d in ("deg", "degree", "degrees") for c in ("n", "e", "north", "east")), SAME),
    ("decimaldegrees decimaldegree", SAME),
)

UNITS: dict[str, dict[str, Linear]] = {
    "thetao": _TEMPERATURE,
    "so": _SALINITY,
    "zos": _LENGTH,
    "sla": _LENGTH,
    **dict.fromkeys(("uo", "vo", "uas", "vas", "wind speed", "current speed"), _SPEED),
    "siconc": _table(("1 fraction", SAME), ("% percent percentage", PERCENT)),
    "direction": _DEGREES,
    "latitude": _POSITION,
    "longitude": _POSITION,
    "depth": _LENGTH,
    "pressure": _table(("dbar dbars decibar decibars db decibar=10000pascals", SAME)),
}
"""For each quantity the units that are known, spelled as `spelling` does."""

LIMITS: dict[str, tuple[float, float]] = {
    **{v.name: v.limits for v in VARIABLES.values()},
    "wind speed": (0.0, 85.0),
    "current speed": (0.0, 7.1),
    "direction": (-360.0, 720.0),
    "latitude": (-90.0, 90.0),
    "longitude": (-360.0, 720.0),
    "depth": (-12000.0, 12000.0),
    "pressure": (-5.0, 12500.0),
}
"""Outside is missing. A speed is that of both components at their limit, a depth may still be a height. Longitude is
wrapped later: what is too far from any convention is a fill value."""

_WORDS = tuple(
    (re.compile(rf"\b{word}\b"), short)
    for word, short in (
        ("met(?:er|re)s?", "m"), ("centimet(?:er|re)s?", "cm"), ("millimet(?:er|re)s?", "mm"), ("seconds?", "s"),
    )
)  # fmt: skip
"""Words that stand for a symbol."""

UNITLESS = frozenset({"", "none", "n/a", "na", "unknown", "unitless", "nounits"})


@dataclass(frozen=True, slots=True)
class Decoding:
    """How the numbers of one variable become canonical.

    Attributes
    ----------
    missing : tuple
        See :func:`adaf_xr.cf.missing.missing_values`.
    linear : tuple of float
        Factor and offset.
    limits : tuple of float
        Canonical values outside are missing.
    question : {"kelvin", "percent", ""}
        What the numbers themselves decide: see :data:`COUNTS`.
    """

    missing: Missing
    linear: Linear
    limits: tuple[float, float]
    question: str = ""

    def apply(self, values: NDArray[Any], answer: bool = False) -> NDArray:
        """Canonical float64 values, NaN where missing.

        Parameters
        ----------
        values : array, any shape
            As the file gives them.
        answer : bool
            Whether the question is answered yes.
        """
        factor, offset = ALTERNATIVES[self.question] if answer else self.linear
        result = mask(np.asarray(values, "f8"), self.missing)
        if factor != 1.0:
            result = result * factor
        if offset != 0.0:
            result = result + offset
        low, high = self.limits
        with np.errstate(invalid="ignore"):
            inside = (result >= low) & (result <= high)
        return result if inside.all() else np.where(inside, result, np.nan)


ALTERNATIVES: dict[str, Linear] = {"kelvin": KELVIN, "percent": PERCENT}
"""What to do where the question is answered yes."""


LARGEST_CODE = 2.56
"""A larger ice concentration is a percentage, whatever its units say. What lies between one and this may be a code for
land or gaps, stored as a byte and scaled by 0.01, in a field of fractions."""


def _count_kelvin(values: NDArray[Any]) -> int:
    """How many more values lie above 100 than below: positive where the median does. Fill values are out of both."""
    return int(np.count_nonzero((values > 100) & (values < 400)) - np.count_nonzero((values > -100) & (values <= 100)))


def _count_percent(values: NDArray[Any]) -> int:
    """How many values are too large for a fraction or a code. Fill values are too large for a percentage as well."""
    return int(np.count_nonzero((values > LARGEST_CODE) & (values < 101)))


COUNTS = {"kelvin": _count_kelvin, "percent": _count_percent}
"""Counts that add up over the parts of an array; the answer is yes where the sum is positive."""


def count(question: str, missing: Missing, values: NDArray[Any]) -> int:
    """What the present values of one part of an array say to a question."""
    return COUNTS[question](mask(np.asarray(values, "f8"), missing))


def spelling(units: Any) -> str:
    """One spelling for the many of a unit.

    Examples
    --------
    >>> [spelling(u) for u in ("m s**-1", "meter second-1", "Meters/second", "degree_Celsius", "decibar")]
    ['ms-1', 'ms-1', 'm/s', 'degreecelsius', 'decibar']
    """
    text = str(units).strip().lower().replace("_", " ")
    for word, short in _WORDS:
        text = word.sub(short, text)
    return re.sub(r"[\s*^]|(?<=[a-z])\.(?=[a-z])", "", text)


def decoding(da: xr.DataArray, quantity: str) -> Decoding:
    """How a variable becomes canonical, from its metadata alone.

    Parameters
    ----------
    da : DataArray
        The variable as xarray opened it.
    quantity : str
        A canonical name, or one of ``wind speed``, ``current speed``, ``direction``, ``latitude``, ``longitude``,
        ``depth``, ``pressure``.

    Raises
    ------
    adaf_xr.cf.errors.UnitError
        Where the unit is unknown, or the numbers are still packed.
    """
    refuse_packed(da)
    units = spelling(da.attrs.get("units", ""))
    table, question = UNITS[quantity], ""
    if units in UNITLESS:
        linear = SAME
        question = "kelvin" if quantity == "thetao" else ""
    elif units in table:
        linear = table[units]
    else:
        known = ", ".join(sorted(table, key=len)[:8])
        raise UnitError(
            f"{str(da.name)!r} was taken for {quantity}, but its units {da.attrs['units']!r} are not among those known "
            f"for it ({known}, ...): set the attribute units to what the numbers are, for example "
            f"ds[{str(da.name)!r}].attrs['units'] = {_example(quantity)!r}"
        )
    if quantity == "siconc" and linear == SAME and range_of_packing(da)[1] > LARGEST_CODE:
        question = "percent"
    return Decoding(missing_values(da), linear, LIMITS[quantity], question)


def error_decoding(da: xr.DataArray, quantity: str) -> Decoding:
    """How the error of a quantity becomes canonical: scaled like it, never shifted, never negative."""
    whole = decoding(da, quantity)
    low, high = whole.limits
    return replace(whole, linear=(whole.linear[0], 0.0), limits=(0.0, high - low), question="")


def refuse_packed(da: xr.DataArray) -> None:
    """Numbers that still need their scale factor would be wrong by orders of magnitude."""
    packed = {k: float(da.attrs[k]) for k in ("scale_factor", "add_offset") if k in da.attrs}
    if packed.get("scale_factor", 1.0) != 1.0 or packed.get("add_offset", 0.0) != 0.0:
        raise UnitError(
            f"{str(da.name)!r} is still packed ({packed}): open the file with mask_and_scale=True, the default of "
            "xarray.open_dataset, or apply xarray.decode_cf"
        )


def to_canonical_units(da: xr.DataArray, name: str) -> xr.DataArray:
    """A variable in its canonical unit, with fill values and impossible values missing; lazy input stays lazy.

    Parameters
    ----------
    da : DataArray
        The variable as xarray opened it.
    name : str
        Canonical name.

    Returns
    -------
    DataArray
        Same dimensions and coordinates, float64, named `name`, with `standard_name`, `units` and `long_name`.

    Raises
    ------
    adaf_xr.cf.errors.UnitError
        Where the unit is unknown, or the numbers are still packed.

    Examples
    --------
    >>> to_canonical_units(xr.DataArray([290.15, -32768.0], dims="x", attrs={"units": "kelvin"}), "thetao").values
    array([17., nan])
    """
    variable, how = VARIABLES[name], decoding(da, name)
    answers = []
    if how.question:
        counts = xr.apply_ufunc(_counts, da, kwargs={"how": how}, dask="parallelized", output_dtypes=["i8"])
        answers.append(counts.sum() > 0)
    result = xr.apply_ufunc(
        _apply, da, *answers, kwargs={"how": how}, dask="parallelized", output_dtypes=["f8"], keep_attrs=False
    )
    attrs = {"standard_name": variable.standard_name, "long_name": variable.long_name, "units": variable.units}
    return result.rename(name).assign_attrs(attrs)


def _apply(values: NDArray[Any], *answer: NDArray[np.bool_], how: Decoding) -> NDArray[np.float64]:
    """Decode one block."""
    return how.apply(values, bool(np.any(answer[0])) if answer else False)


def _counts(values: NDArray[Any], how: Decoding) -> NDArray[np.int64]:
    """The count of one block, at its first element, so that it adds up by a sum over all."""
    result = np.zeros(np.shape(values), "i8")
    if result.size:
        result.flat[0] = count(how.question, how.missing, values)
    return result


def _example(quantity: str) -> str:
    """A unit to suggest."""
    examples = {
        "wind speed": "m s-1",
        "current speed": "m s-1",
        "direction": "degree",
        "latitude": "degrees_north",
        "longitude": "degrees_east",
    }
    examples |= {"depth": "m", "pressure": "dbar"}
    return examples.get(quantity) or VARIABLES[quantity].units
