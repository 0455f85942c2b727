"""Which flags, adjusted versions and errors belong to a variable of a file (section 5 of the conventions)."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from adaf_xr.cf import flags
from adaf_xr.cf.coordinates import align
from adaf_xr.cf.errors import QualityError, UnitError
from adaf_xr.cf.missing import declared_fills
from adaf_xr.cf.names import is_swath_sst, standard_name
from adaf_xr.cf.units import SAME, Decoding, decoding, error_decoding
from adaf_xr.points.plan import Check, Inputs, Measured, Question, Reading, Version

ERROR_NAMES = (
    *("{}_error", "{}_err", "err_{}", "{}_uncertainty", "{}_standard_error", "{}_stderr", "{}_random_error"),
    *("sigma_{}", "{}_obserror"),
)
"""Names of the error of a variable, lower case."""

PRODUCT_ERRORS: dict[str, tuple[str, ...]] = {
    "thetao": ("sses_standard_deviation", "analysis_error", "analysis_uncertainty", "err"),
    "sla": ("err",),
}
"""Names of errors that do not say whose they are, by quantity."""

PREQC = "_preqc"
"""How the tree reader names the PreQC group's flag of a variable."""


@dataclass
class Reader:
    """Turns variables of one file into readings and checks on one set of dimensions.

    Attributes
    ----------
    ds : Dataset
        The file.
    da : DataArray
        A variable on the set of dimensions.
    inputs : Inputs
        Collects the arrays.
    good : bool
        Whether flags are applied.
    """

    ds: xr.Dataset
    da: xr.DataArray
    inputs: Inputs
    good: bool

    def __post_init__(self) -> None:
        self.by_key: dict[str, Hashable] = {}
        for name in self.ds.variables:
            self.by_key.setdefault(str(name).lower(), name)
        self.keeps_nominal = not any(flags.ARGO.match(key) for key in self.by_key)

    def find(self, keys: Iterable[str]) -> xr.DataArray | None:
        """The first of some lower-case names that the file has on these dimensions."""
        for key in keys:
            if key in self.by_key:
                found = align(self.ds, self.ds[self.by_key[key]], self.da, "flag")
                if found is not None:
                    return found
        return None

    def reading(self, var: xr.DataArray, quantity: str) -> Reading:
        """A numeric variable with its decoding."""
        how = decoding(var, quantity)
        key = self.inputs.add(var)
        if not how.question:
            return Reading(key, how)
        return Reading(key, how, self.inputs.ask(Question(key, how.question, missing=how.missing)))

    def measured(self, name: Hashable, quantity: str, nominal: bool = False) -> Measured:
        """A variable with its adjusted version, mode, flags, errors and bias."""
        key = str(name).lower()
        var = align(self.ds, self.ds[name], self.da, quantity)
        assert var is not None
        swath = quantity == "thetao" and is_swath_sst(self.ds)
        value = self.reading(var, quantity)
        if swath:
            value = replace(value, how=unbounded(value.how))  # the limits hold for what remains after the bias
        raw = Version(value, self._checks(var, quantity, nominal), self._error(var, quantity))
        adjusted = self.find([f"{key}_adjusted"])
        later = None
        if adjusted is not None:
            checks = self._checks(adjusted, quantity, nominal)
            later = Version(self.reading(adjusted, quantity), checks, self._error(adjusted, quantity))
        limited = self.good and key == "ssha" and flags.is_altimeter_level_2(self.ds)
        return Measured(
            raw,
            later,
            mode=self._mode(name) if later is not None else None,
            bias=self._bias() if swath else None,
            flip=quantity == "depth" and str(var.attrs.get("positive", "down")).lower() == "up",
            largest=flags.LARGEST_SSHA if limited else None,
        )

    def place_checks(self, latitude: Hashable, longitude: Hashable, time: Hashable) -> tuple[Check, ...]:
        """Flags of position and time."""
        if not self.good:
            return ()
        nominal = self.keeps_nominal
        found = []
        for name in (latitude, longitude, time):
            if (flag := self.find([f"{str(name).lower()}_qc"])) is not None:
                found.append(self.check(flag, flags.parameter_rule(flag, nominal and name != time)))
        if (flag := self.find(["position_qc"])) is not None:
            found.append(self.check(flag, flags.parameter_rule(flag, nominal)))
        if str(time).lower().startswith("juld") and (flag := self.find(["juld_qc"])) is not None:
            found.append(self.check(flag, flags.parameter_rule(flag, False)))
        return tuple(dict.fromkeys(found))

    def check(self, flag: xr.DataArray, kept: flags.Kept, binding: bool = False, fractions: bool = False) -> Check:
        """A flag that is applied if it was ever written (always, if binding)."""
        key, fills = self.inputs.add(flag), tuple(declared_fills(flag))
        written = None if binding else self.inputs.ask(Question(key, "written", fills))
        no_flag = self.inputs.ask(Question(key, "fractions", fills)) if fractions else None
        return Check(key, kept, fills, written, no_flag)

    def _checks(self, var: xr.DataArray, quantity: str, nominal: bool) -> tuple[Check, ...]:
        """Every flag that speaks for a variable."""
        if not self.good:
            return ()
        key, found = str(var.name).lower(), []
        if (flag := self.find([f"{key}_qc", f"{key}_quality_control"])) is not None:
            found.append(self.check(flag, flags.parameter_rule(flag, nominal and self.keeps_nominal)))
        if (flag := self.find([key + PREQC])) is not None:
            found.append(self.check(flag, flags.ZERO, fractions=True))
        for rule in self._file_flags(key, quantity):
            if (flag := self.find(rule.names)) is not None:
                kept = flags.wind_vector_cells(flag) if rule.kept is None else rule.kept
                found.append(self.check(flag, kept, rule.binding))
        return tuple(found)

    def _file_flags(self, key: str, quantity: str) -> list[flags.FileFlag]:
        """Product flags that speak for a variable."""
        speaks = {"wind speed": "uas", "direction": "uas"}.get(quantity, quantity)
        rules = [
            rule
            for rule in flags.FILE_FLAGS
            if speaks in rule.quantities and (not rule.variables or key in rule.variables)
        ]
        if quantity != "thetao" or not is_swath_sst(self.ds):
            return rules
        if self.find(flags.QUALITY_LEVEL.names) is None:
            raise QualityError(
                f"{key!r} is a GHRSST L2P or L3 product without quality_level (looked for "
                f"{', '.join(flags.QUALITY_LEVEL.names)} on {self.da.dims}), so that good data cannot be told from "
                'bad: take everything with qc="all", or add the variable quality_level'
            )
        return [*rules, flags.QUALITY_LEVEL]

    def _error(self, var: xr.DataArray, quantity: str) -> Reading | None:
        """The standard deviation of the error of a variable; one in a unit of its own is none."""
        key = str(var.name).lower()
        names = [pattern.format(key) for pattern in ERROR_NAMES] + list(PRODUCT_ERRORS.get(quantity, ()))
        declared = f"{standard_name(var)} standard_error"
        names += [k for k, n in self.by_key.items() if standard_name(self.ds.variables[n]) == declared]
        found = self.find(names)
        if found is None or found.dtype.kind not in "iuf":
            return None
        try:
            how = error_decoding(found, quantity)
        except UnitError:
            return None
        return Reading(self.inputs.add(found), how)

    def _bias(self) -> Reading | None:
        """The sensor-specific bias of a GHRSST product."""
        found = self.find(["sses_bias"])
        if found is None:
            return None
        how = replace(unbounded(decoding(found, "thetao")), linear=SAME, question="")
        return Reading(self.inputs.add(found), how)

    def _mode(self, name: Hashable) -> int | None:
        """The data mode that chooses between raw and adjusted: per parameter if the file has it, else per profile."""
        found = self.find(["data_mode"])
        per_parameter, parameters = (self.by_key.get(k) for k in ("parameter_data_mode", "station_parameters"))
        if per_parameter is not None and parameters is not None:
            modes, names = self.ds[per_parameter], self.ds[parameters]
            if modes.dims == names.dims and set(modes.dims[:-1]) <= set(self.da.dims):
                return self.inputs.add(_mode_of(modes, names, found, str(name)))
        return None if found is None else self.inputs.add(found)


def unbounded(how: Decoding) -> Decoding:
    """The same without limits."""
    return replace(how, limits=(-np.inf, np.inf))


def _mode_of(modes: xr.DataArray, names: xr.DataArray, whole: xr.DataArray | None, parameter: str) -> xr.DataArray:
    """The column of the data modes that belongs to a parameter, and the profile's own mode where there is none."""
    core = modes.dims[-1]
    inputs = [modes, names]
    if whole is not None and set(whole.dims) <= set(modes.dims[:-1]):
        inputs.append(whole)
    found = xr.apply_ufunc(
        _select_mode,
        *(xr.DataArray(da.variable) for da in inputs),
        kwargs={"parameter": parameter.upper()},
        input_core_dims=[[core], [core], []][: len(inputs)],
        dask="parallelized",
        output_dtypes=["S1"],
        dask_gufunc_kwargs={"allow_rechunk": True},
    )
    return found.rename(f"mode of {parameter}")


def _select_mode(modes: np.ndarray, names: np.ndarray, *whole: np.ndarray, parameter: str) -> np.ndarray:
    """Mode per profile; that of the whole profile where none was written or the parameter is not listed."""
    texts = np.char.upper(np.char.strip(names.astype("S64")))
    mine, letters = texts == parameter.encode(), flags.letters(modes)
    found = np.take_along_axis(letters, mine.argmax(axis=-1)[..., None], axis=-1)[..., 0]
    written = mine.any(axis=-1) & (np.char.strip(letters) != b"").any(axis=-1)
    return np.where(written, found, flags.letters(whole[0]) if whole else b"")
