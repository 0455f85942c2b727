"""CF attributes and history of results, written before anything computes."""

from __future__ import annotations

from adaf_xr._version import __version__
from adaf_xr.cf.canonical import VARIABLES

CONVENTIONS = "CF-1.11"


def of_mean(name: str, with_error: bool) -> dict[str, str]:
    """Attributes of an analysed variable."""
    v = VARIABLES[name]
    attrs = {"standard_name": v.standard_name, "long_name": v.long_name, "units": v.units}
    return {**attrs, "ancillary_variables": f"{name}_std"} if with_error else attrs


def of_std(name: str) -> dict[str, str]:
    """Attributes of its standard error."""
    v = VARIABLES[name]
    return {
        "standard_name": f"{v.standard_name} standard_error",
        "long_name": f"standard error of {v.long_name}",
        "units": v.units,
    }


def of_dataset(before: dict, model: str, provenance: str, did: str, checkpoint: str = "") -> dict[str, str]:
    """Global attributes: what made this, with what (a model and the sha256 of its checkpoint, if any), after what.

    There is no time stamp on purpose: the same call gives the same dataset.
    """
    if checkpoint:
        provenance = f"{provenance}; checkpoint sha256 {checkpoint}"
    line = f"adaf_xr {__version__}: {did}; {provenance}"
    history = f"{before['history']}\n{line}" if before.get("history") else line
    return {
        "Conventions": CONVENTIONS,
        "history": history,
        "adaf_model": model,
        "adaf_provenance": provenance,
        "adaf_xr_version": __version__,
    }
