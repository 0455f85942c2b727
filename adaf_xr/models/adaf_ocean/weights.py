"""Weights and the network they are for: a checkpoint of either from the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adaf_xr.checkpoint import Checkpoint
from adaf_xr.models.adaf_ocean.configuration import NAME, Configuration
from adaf_xr.models.adaf_ocean.header import configuration_of, normalisation_of
from adaf_xr.models.adaf_ocean.network import AdafOceanNetwork
from adaf_xr.models.weights import filled, laid_out, refuse_misfit, shapes_of


def checkpoint_of(
    configuration: Configuration,
    weights: Mapping[str, NDArray],
    provenance: Mapping[str, Any] | None = None,
    calibration: Mapping[str, float] | None = None,
    depth_calibration: Mapping[str, Sequence[float]] | None = None,
) -> Checkpoint:
    """A checkpoint of this family; its weights are stored in half precision.

    Parameters
    ----------
    configuration : Configuration
        What the weights are for.
    weights : mapping of str to array
        Under the names of the network's parameters.
    provenance : mapping, optional
        Where they come from; JSON. ``trained_on``, a text, stands in the history of results.
    calibration : mapping of str to float, optional
        By variable, the factor that makes standard errors right, fitted on data that were not trained on. Default 1.
    depth_calibration : mapping of str to sequence of float, optional
        The same below the surface, see :func:`adaf_xr.models.adaf_ocean.header.normalisation_of`.

    Raises
    ------
    CheckpointError
        If the weights do not fit the configuration, or a factor is of no variable or not positive.

    Examples
    --------
    >>> from adaf_xr.models.weights import weights_of
    >>> small = Configuration((8, 8), (1, 1), 4)
    >>> checkpoint = checkpoint_of(small, weights_of(AdafOceanNetwork(small)), calibration={"zos": 1.1})
    >>> checkpoint.family, network_of(checkpoint).configuration == small
    ('adaf-ocean', True)
    """
    refuse_misfit(shapes_of(weights), shapes_due(configuration), "these weights")
    halves = {name: np.asarray(array, np.float16) for name, array in weights.items()}
    normalisation = normalisation_of(calibration or {}, depth_calibration)
    return Checkpoint(NAME, halves, configuration.as_dict(), normalisation, provenance or {})


def network_of(checkpoint: Checkpoint) -> AdafOceanNetwork:
    """The network of a checkpoint, its weights loaded, in single precision on the CPU.

    Raises
    ------
    CheckpointError
        As :func:`configuration_of`, and if its weights do not fit its configuration; all that does not is listed.
    """
    configuration = configuration_of(checkpoint)
    return filled(laid_out(lambda: AdafOceanNetwork(configuration)), checkpoint.weights)


def shapes_due(configuration: Configuration) -> dict[str, tuple[int, ...]]:
    """Shape of every parameter of the network of a configuration."""
    return shapes_of(laid_out(lambda: AdafOceanNetwork(configuration)))
