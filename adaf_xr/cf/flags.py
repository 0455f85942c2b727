"""Which observations are good: section 5 of the conventions, as tables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Kept:
    """Which flag values are kept. A blank flag never is.

    Attributes
    ----------
    rule : {"codes", "at least", "at most", "no bits"}
    value : tuple of int, or number
        The codes, the bound, or the bits that must be clear.
    """

    rule: Literal["codes", "at least", "at most", "no bits"]
    value: Any

    def passes(self, flags: NDArray[Any]) -> NDArray[np.bool_]:
        """Where the flags, as :func:`numbers` gives them, say "good"."""
        with np.errstate(invalid="ignore"):
            if self.rule == "codes":
                return np.logical_or.reduce([flags == code for code in self.value])
            if self.rule == "at least":
                return flags >= self.value
            if self.rule == "at most":
                return flags <= self.value
            present = np.isfinite(flags)
            return present & ((np.where(present, flags, 0).astype("i8") & self.value) == 0)


GOOD = Kept("codes", (1, 2, 5, 8))
GOOD_OR_NOMINAL = Kept("codes", (1, 2, 5, 7, 8))
ZERO = Kept("codes", (0,))
ACCEPTABLE = Kept("codes", (2,))


@dataclass(frozen=True, slots=True)
class FileFlag:
    """A flag that speaks for certain variables of a product.

    Attributes
    ----------
    names : tuple of str
        Lower-case names of the flag; the first that the file has counts.
    kept : Kept or None
        What is kept; None where the flag's own meanings say it, see :func:`wind_vector_cells`.
    quantities : frozenset of str
        Canonical names it speaks for.
    variables : frozenset of str
        Lower-case names of the variables it speaks for; empty for all.
    binding : bool
        Whether a flag that was never written rejects everything, instead of not being applied.
    """

    names: tuple[str, ...]
    kept: Kept | None
    quantities: frozenset[str]
    variables: frozenset[str] = frozenset()
    binding: bool = False


_SLA, _ICE, _WIND = frozenset({"sla"}), frozenset({"siconc"}), frozenset({"uas", "vas"})
_SSHA = frozenset({"ssha"})
_AMSR2_ICE = frozenset({"nasa_team_2_ice_concentration", "bootstrap_ice_concentration"})

ALTIMETER_FLAGS = (
    FileFlag(("qual_alt_1hz_range_ku", "range_ocean_qual"), ZERO, _SLA, _SSHA),
    FileFlag(("surface_type", "surface_classification_flag"), ZERO, _SLA, _SSHA),
    FileFlag(("rad_sea_ice_flag", "ice_flag"), ZERO, _SLA, _SSHA),
    FileFlag(("rad_rain_flag", "rain_flag"), ZERO, _SLA, _SSHA),
)
"""Jason GDR and Sentinel-6; where one of them is present, anomalies beyond :data:`LARGEST_SSHA` are rejected too."""

LARGEST_SSHA = 2.0


def is_altimeter_level_2(ds: xr.Dataset) -> bool:
    """Whether a file has flags of Jason GDR or Sentinel-6."""
    known = {name for rule in ALTIMETER_FLAGS for name in rule.names}
    return any(str(name).lower() in known for name in ds.variables)


QUALITY_LEVEL = FileFlag(("quality_level",), Kept("at least", 4), frozenset({"thetao"}), binding=True)

FILE_FLAGS: tuple[FileFlag, ...] = (
    *ALTIMETER_FLAGS,
    FileFlag(("nasa_flag",), ZERO, _SLA),
    FileFlag(("wvc_quality_flag",), None, _WIND),
    FileFlag(("dg_quality_sss_corr",), Kept("at most", 150), frozenset({"so"}), frozenset({"sss_corr"})),
    FileFlag(("quality_flag",), Kept("no bits", 1), frozenset({"so"}), frozenset({"smap_sss"})),
    FileFlag(("flags",), ZERO, _ICE, _AMSR2_ICE),
    FileFlag(("summaryqc_ice_concentration",), ZERO, _ICE),
)

WIND_VECTOR_CELL_BITS: dict[str, int] = {
    "wind_inversion_not_successful": 8192,
    "some_portion_of_wvc_is_over_ice": 16384,
    "variational_quality_control_fails": 65536,
    "knmi_quality_control_fails": 131072,
    "product_monitoring_event_flag": 262144,
    "not_enough_good_sigma0_for_wind_retrieval": 4194304,
}
"""Reasons to reject a wind vector cell, with their usual bits; the file's own masks come first."""


def wind_vector_cells(flag: xr.DataArray) -> Kept:
    """The rule of a scatterometer's flag, from its own meanings and masks where it has them."""
    meanings = str(flag.attrs.get("flag_meanings", "")).split()
    masks = np.atleast_1d(flag.attrs.get("flag_masks", []))
    stated = dict(zip(meanings, masks.tolist(), strict=False)) if len(meanings) == masks.size else {}
    bits = stated or WIND_VECTOR_CELL_BITS
    return Kept("no bits", sum(int(bits[reason]) for reason in WIND_VECTOR_CELL_BITS if reason in bits))


def parameter_rule(flag: xr.DataArray, nominal: bool) -> Kept:
    """The rule of a parameter's ``_QC`` flag: its scheme, as far as it says so itself.

    Parameters
    ----------
    flag : DataArray
        The flag with its attributes.
    nominal : bool
        Whether nominal values (7) are kept: depth and position of OceanSITES-like files.
    """
    meanings = str(flag.attrs.get("flag_meanings", "")).lower().split()
    scheme = f"{flag.attrs.get('conventions', '')} {flag.attrs.get('Conventions', '')}".lower()
    if "woce" in scheme or "acceptable_measurement" in meanings:
        return ACCEPTABLE
    values = np.atleast_1d(flag.attrs.get("flag_values", np.arange(len(meanings))))
    if "good" in meanings and len(meanings) == values.size and values.dtype.kind in "iuf":
        code = int(values[meanings.index("good")])
        if code not in GOOD.value:  # a scheme of its own
            return Kept("codes", (code,))
    return GOOD_OR_NOMINAL if nominal else GOOD


def numbers(values: NDArray[Any], fills: tuple[float | str, ...] = ()) -> NDArray[Any]:
    """Flags of any type as numbers, NaN where fill or blank.

    Parameters
    ----------
    values : array, any shape
        Integers, floats, characters, or objects holding text or bytes.
    fills : tuple
        Fill values that xarray left alone.

    Examples
    --------
    >>> numbers(np.array([b"1", b"4", b" ", b""]))
    array([ 1.,  4., nan, nan], dtype=float32)
    """
    if values.dtype.kind not in "iufb":
        letters = values.astype("S1").view("u1").reshape(values.shape)
        digits = letters.astype("f4") - ord("0")
        blank = (digits < 0) | (digits > 9)
        blank |= np.isin(letters, [ord(f[0]) for f in fills if isinstance(f, str) and f])
        return np.where(blank, np.float32(np.nan), digits)
    found = values if values.dtype.kind == "f" else values.astype("f8" if values.dtype.itemsize > 2 else "f4")
    bad = [f for f in fills if isinstance(f, float)]
    return np.where(np.isin(found, bad), np.nan, found) if bad else found


def count_written(flags: NDArray[Any]) -> int:
    """How many flags were set at all; OceanSITES fills bytes with negative numbers."""
    with np.errstate(invalid="ignore"):
        return int(np.count_nonzero(flags >= 0))


def count_fractions(flags: NDArray[Any]) -> int:
    """How many "flags" are no whole numbers, so that they are something else."""
    with np.errstate(invalid="ignore"):
        return int(np.count_nonzero(flags != np.floor(flags)) - np.count_nonzero(np.isnan(flags)))


def letters(values: NDArray[Any]) -> NDArray[np.bytes_]:
    """First characters of text of any type, as bytes."""
    return values.astype("S1")


ADJUSTED_MODES = (b"A", b"D")
"""Data modes in which the adjusted values count."""

ARGO = re.compile(r"^(juld|juld_location|cycle_number)$")
"""Variables that only Argo and Met Office files have: there a nominal position (7) is not kept."""
