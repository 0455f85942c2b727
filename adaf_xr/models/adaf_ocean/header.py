"""What a checkpoint says beside its weights: how the network is built, the units it knows, factors of its errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from adaf_xr.checkpoint import Checkpoint, CheckpointError
from adaf_xr.models.adaf_ocean.channels import CHANNELS, FLOOR, STATE
from adaf_xr.models.adaf_ocean.configuration import NAME, Configuration
from adaf_xr.models.adaf_ocean.depths import BELOW, CALIBRATED
from adaf_xr.models.carrying import configuration_in

CALIBRATION, DEPTH_CALIBRATION = "calibration", "depth_calibration"
"""Keys in the normalisation: what standard errors are multiplied by, at the surface and below. They belong to the
weights, not to the features."""


def normalisation_of(
    calibration: Mapping[str, float], depth_calibration: Mapping[str, Sequence[float]] | None = None
) -> dict[str, Any]:
    """Units of the features, and factors of standard errors, as JSON.

    Parameters
    ----------
    calibration : mapping of str to float
        By variable; default 1.
    depth_calibration : mapping of str to sequence of float, optional
        By variable, at the depths of :data:`adaf_xr.models.adaf_ocean.depths.CALIBRATED`; default 1.

    Raises
    ------
    CheckpointError
        For a factor of no variable, or one that is not positive.
    """
    held = {**_units(), CALIBRATION: _checked(calibration)}
    return held if depth_calibration is None else {**held, DEPTH_CALIBRATION: _checked_below(depth_calibration)}


def calibration_of(checkpoint: Checkpoint) -> dict[str, float]:
    """Factor of the standard errors of every variable, in the order of `STATE`.

    Raises
    ------
    CheckpointError
        For a factor of no variable, or one that is not positive.
    """
    return _checked(checkpoint.normalisation.get(CALIBRATION, {}))


def depth_calibration_of(checkpoint: Checkpoint) -> dict[str, tuple[float, ...]]:
    """Factors of the standard errors below the surface of every variable, in the order of `BELOW`.

    Raises
    ------
    CheckpointError
        For factors of no variable, too many or too few, or one that is not positive.
    """
    return _checked_below(checkpoint.normalisation.get(DEPTH_CALIBRATION, {}))


def configuration_of(checkpoint: Checkpoint) -> Configuration:
    """How the network of a checkpoint is built; its weights are not looked at.

    Raises
    ------
    CheckpointError
        If it is of another family or of another version of the features, or was trained on other units than those of
        this package.
    """
    configuration = configuration_in(checkpoint, NAME, Configuration.from_dict)
    held = {
        key: value for key, value in checkpoint.normalisation.items() if key not in (CALIBRATION, DEPTH_CALIBRATION)
    }
    if held != (due := _units()):
        odd = sorted(key for key in {**held, **due} if held.get(key) != due.get(key))
        raise CheckpointError(
            f"the checkpoint's normalisation is not that of this package ({', '.join(odd)} differ): its weights were "
            "trained on features in other units. Install the adaf-xr that wrote it, or train again"
        )
    return configuration


def _units() -> dict[str, Any]:
    """Floors of the scale of each variable, and usual error and size of each channel."""
    channels = {f"{channel.source}:{channel.variable}": [channel.error, channel.scale] for channel in CHANNELS}
    return {"floor": {name: FLOOR[name] for name in STATE}, "channels": channels}


def _checked(calibration: Mapping[str, float]) -> dict[str, float]:
    """A factor for every variable, if they can be."""
    if unknown := [name for name in calibration if name not in STATE]:
        raise CheckpointError(f"a calibration of {', '.join(unknown)}: variables are {', '.join(STATE)}")
    if odd := {name: factor for name, factor in calibration.items() if not 0.0 < factor < np.inf}:
        raise CheckpointError(f"the calibration {odd} is not positive: standard errors are multiplied by it")
    return {name: float(calibration.get(name, 1.0)) for name in STATE}


def _checked_below(calibration: Mapping[str, Sequence[float]]) -> dict[str, tuple[float, ...]]:
    """Factors for every variable, if they can be."""
    for name, factors in calibration.items():
        if name not in BELOW or len(factors) != len(CALIBRATED) or not all(0.0 < each < np.inf for each in factors):
            raise CheckpointError(
                f"a calibration {list(factors)} of {name} below the surface: it takes a positive factor at each of the "
                f"depths {', '.join(f'{depth:g}' for depth in CALIBRATED)} m, of any of {', '.join(BELOW)}"
            )
    ones = (1.0,) * len(CALIBRATED)
    return {name: tuple(map(float, calibration.get(name, ones))) for name in BELOW}
