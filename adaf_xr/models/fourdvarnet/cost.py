"""The variational cost: how far a state is from its prior and from what was observed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from adaf_xr.models.fourdvarnet.configuration import Configuration
from adaf_xr.models.fourdvarnet.prior import prior_of
from adaf_xr.models.fourdvarnet.state import Observations
from adaf_xr.models.fourdvarnet.temperature import TemperatureFeatures


class TrainedWeights(nn.Module):
    """Norms of departures with a trained weight for every term and for every channel of each.

    The norm of a term is the mean over cells of its squares times the squared weights of their channels, summed over
    channels; cells that do not count add 0 to the mean. The robust norm has ``sqrt(softening**2 + departure**2)`` in
    place of squares.

    Parameters
    ----------
    channels, terms : int
        Of the state, and of the cost besides the prior's.
    robust : bool
        Which norm.
    """

    def __init__(self, channels: int, terms: int, robust: bool) -> None:
        super().__init__()
        self.robust = robust
        self.prior_scale = nn.Parameter(torch.ones(1))
        self.prior_channels = nn.Parameter(torch.ones(channels))
        self.scales = nn.Parameter(torch.ones(terms))
        self.channels = nn.Parameter(torch.ones(terms, channels))
        # The other norm has no use for these, and published files hold them for both.
        self.prior_softening = nn.Parameter(torch.full((1,), 0.1), requires_grad=robust)
        self.softening = nn.Parameter(torch.full((terms,), 0.1), requires_grad=robust)

    def of_prior(self, departures: Tensor) -> Tensor:
        """Of a state from its prior, one number for each of a batch."""
        return self._norm(departures, self.prior_scale[0], self.prior_channels, self.prior_softening[0])

    def of_term(self, number: int, departures: Tensor, mask: Tensor | None) -> Tensor:
        """Of a state from observations, one number for each of a batch."""
        weights = self.channels[number, : departures.shape[1]]
        return self._norm(departures, self.scales[number], weights, self.softening[number])

    def _norm(self, departures: Tensor, scale: Tensor, channels: Tensor, softening: Tensor) -> Tensor:
        size = torch.sqrt(softening**2 + departures**2) if self.robust else departures**2
        return scale**2 * (size.mean((2, 3)) @ channels**2)


class PlainMeans(nn.Module):
    """Mean squares of departures, over what counts."""

    def of_prior(self, departures: Tensor) -> Tensor:
        """Of a state from its prior, one number for each of a batch."""
        return (departures**2).mean((1, 2, 3))

    def of_term(self, number: int, departures: Tensor, mask: Tensor | None) -> Tensor:
        """Of a state from observations, one number for each of a batch; 0 where there is none."""
        if mask is None:
            return self.of_prior(departures)
        return (departures**2).sum((1, 2, 3)) / mask.sum((1, 2, 3)).clamp_min(1.0)


@dataclass(frozen=True, eq=False)
class Problem:
    """What a state is compared with.

    Attributes
    ----------
    observations : Observations
        Of sea surface height.
    sst : pair of Tensor, optional
        Of :meth:`adaf_xr.models.fourdvarnet.temperature.TemperatureFeatures.seen`.
    """

    observations: Observations
    sst: tuple[Tensor, Tensor] | None = None


class VariationalCost(nn.Module):
    r"""The cost of a state.

    .. math:: J(x) = a_0^2 \, \|x - \Phi(x)\|^2_{W_0}
                   + a_1^2 \, \|m \, (x - y)\|^2_{W_1} + a_2^2 \, \|s \, (G(x) - H(z))\|^2_{W_2}

    with the prior Φ, observations y where the mask m is 1, features G of the state and H of temperature z that are
    trusted by s, and norms with weights that are trained (:class:`TrainedWeights`) or not (:class:`PlainMeans`).

    Parameters
    ----------
    configuration : Configuration
        What it consists of.

    Examples
    --------
    A prior that knows any state leaves the mean square of the departure from the observation:

    >>> from adaf_xr.models.fourdvarnet import light
    >>> cost = VariationalCost(light(days=1))
    >>> cost.prior = nn.Identity()
    >>> observed = torch.tensor([[[[2.0, 0.0]]]])
    >>> problem = cost.problem(Observations(observed, (observed > 0).float()))
    >>> cost(torch.tensor([[[[3.0, 5.0]]]]), problem).tolist()
    [1.0]
    """

    def __init__(self, configuration: Configuration) -> None:
        super().__init__()
        channels, features = configuration.channels, configuration.features
        self.prior: nn.Module = prior_of(configuration)
        self.temperature = (
            TemperatureFeatures(channels, configuration.days, features) if configuration.sst == "features" else None
        )
        self.weights: TrainedWeights | PlainMeans = PlainMeans()
        if configuration.weighted:
            most = max(channels, features)
            self.weights = TrainedWeights(most, configuration.terms, configuration.norm == "robust")

    def problem(self, observations: Observations) -> Problem:
        """What does not change as the state does."""
        if self.temperature is None or observations.sst is None or observations.sst_mask is None:
            return Problem(observations)
        return Problem(observations, self.temperature.seen(observations.sst, observations.sst_mask))

    def forward(self, state: Tensor, problem: Problem) -> Tensor:
        """J of each of a batch of states (batch, channels, rows, columns)."""
        values, mask = problem.observations.values, problem.observations.mask
        # Only the first channels of a state are observed.
        misfit = (state[:, : values.shape[1]] - values) * mask
        cost: Tensor = self.weights.of_prior(state - self.prior(state)) + self.weights.of_term(0, misfit, mask)
        if self.temperature is not None and problem.sst is not None:
            cost = cost + self.weights.of_term(1, self.temperature(state, problem.sst), None)
        return cost
