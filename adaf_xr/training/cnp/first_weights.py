"""First weights from which the published network learns sooner than from random ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from adaf_xr.models.cnp.configuration import Configuration, Source

if TYPE_CHECKING:
    from adaf_xr.models.cnp.network import ConditionalNeuralProcess


def make_local(network: ConditionalNeuralProcess) -> ConditionalNeuralProcess:
    """Let every token begin as the mean of the points near the targets that it serves, and the analysis as background.

    The network mixes the points of a source by one matrix for all windows. A random one scatters every observation over
    all tokens, and much of a training goes into finding out what is where; the published shapes do not ask for that.
    In-situ points, which lie anywhere, keep random weights.

    Parameters
    ----------
    network : ConditionalNeuralProcess
        Changed in place, and returned.

    Examples
    --------
    >>> import torch
    >>> from adaf_xr.models.cnp import thinned
    >>> network = make_local(thinned(seed=0))
    >>> torch.equal(network.encoder.bg_post_proc.weight, torch.eye(200))
    True
    """
    import torch

    with torch.no_grad():
        for source in network.configuration.sources:
            if source.gridded:
                layer = network.encoder.get_submodule(f"{source.key}_post_proc")
                layer.get_parameter("weight").copy_(torch.from_numpy(_means(source, network.configuration)))
                layer.get_parameter("bias").zero_()
        network.decoder.output_layers.weight.zero_()
        network.decoder.output_layers.bias.zero_()
    return network


def _means(source: Source, configuration: Configuration) -> NDArray[np.float32]:
    """Weights (latent, points) of the mean over the points in the cells that a token serves."""
    high, wide = (round(degrees / configuration.background.spacing) for degrees in configuration.window)
    rows, columns = (
        np.arange(points) * cells // points for points, cells in zip(source.shape, (high, wide), strict=True)
    )
    token = (rows[:, None] * wide + columns).ravel() // (configuration.targets // configuration.latent)
    near = token == np.arange(configuration.latent)[:, None]
    return (near / np.maximum(near.sum(axis=1, keepdims=True), 1)).astype("f4")
