"""What sea surface temperature says of a state, by features that the two should share."""

from __future__ import annotations

import torch
from torch import Tensor, nn

KERNEL = 3


def _convolution(inputs: int, outputs: int, bias: bool = False) -> nn.Conv2d:
    """Mirrored at edges, where temperature goes on but is not given."""
    return nn.Conv2d(inputs, outputs, KERNEL, padding=KERNEL // 2, padding_mode="reflect", bias=bias)


def _features(inputs: int, features: int) -> nn.Sequential:
    """Four convolutions, with a bend between each and the next."""
    return nn.Sequential(
        _convolution(inputs, 2 * features),
        nn.Tanh(),
        _convolution(2 * features, features),
        nn.Tanh(),
        _convolution(features, 2 * features),
        nn.Tanh(),
        _convolution(2 * features, features),
    )


class TemperatureFeatures(nn.Module):
    """Departures of features of the state from features of temperature.

    Both are normalised by their own mean and variance over a window, with one scale and offset that they share.

    Parameters
    ----------
    channels, days, features : int
        Of the state, of temperature, and of what is compared.
    """

    def __init__(self, channels: int, days: int, features: int) -> None:
        super().__init__()
        self.of_state = _features(channels, features)
        self.of_sst = _features(days, features)
        self.trust = _convolution(days, features, bias=True)
        # Of a window, not of a batch: what is found in one does not depend on its company.
        self.normalised = nn.InstanceNorm2d(features, affine=True)

    def seen(self, sst: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """What does not depend on the state: features of temperature, and how far they are trusted, from 0 to 1."""
        return self.normalised(self.of_sst(sst)), torch.sigmoid(self.trust(mask))

    def forward(self, state: Tensor, seen: tuple[Tensor, Tensor]) -> Tensor:
        """Departures, (batch, features, rows, columns)."""
        due, trust = seen
        departures: Tensor = (self.normalised(self.of_state(state)) - due) * trust
        return departures
