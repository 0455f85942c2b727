"""The published network: a small network per point, a learned weighting of points, a network per target.

Names of parameters are those of the published weights, so that they load as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from adaf_xr.models.cnp.configuration import RELEASED, THINNED, Configuration, Source

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": functional.relu,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "tanh": torch.tanh,
}

_BLOCK = 8192
"""Points that pass the point-wise layers together when no gradient is wanted: what fits a core's cache."""


def _layers(inputs: int, width: int, depth: int, skips: tuple[int, ...]) -> nn.ModuleList:
    """Linear layers of which the first, and those of `skips`, see the input."""
    seen = {layer: inputs + width for layer in skips} | {0: inputs}
    return nn.ModuleList(nn.Linear(seen.get(layer, width), width) for layer in range(depth))


class Encoder(nn.Module):
    """Per source: a network per point, then a linear map over the ordered points to tokens.

    The parameters of source ``S`` are ``S_encoders.{layer}`` and ``S_post_proc``.
    """

    def __init__(self, configuration: Configuration):
        super().__init__()
        self.skips = configuration.encoder_skips
        self.activation = _ACTIVATIONS[configuration.activation]
        for source in configuration.sources:
            inputs = configuration.coordinates + len(source.channels)
            layers = _layers(inputs, configuration.encoder_width, configuration.encoder_depth, self.skips)
            self.add_module(f"{source.key}_encoders", layers)
            self.add_module(f"{source.key}_post_proc", nn.Linear(source.points, configuration.latent))

    def points(self, key: str, inputs: Tensor) -> Tensor:
        """Features of every point by itself: (..., 5 + channels) to (..., width)."""
        if torch.is_grad_enabled():
            return self._pointwise(key, inputs)
        rows = inputs.reshape(-1, inputs.shape[-1])
        features = torch.cat([self._pointwise(key, block) for block in rows.split(_BLOCK)])
        return features.reshape(*inputs.shape[:-1], features.shape[-1])

    def _pointwise(self, key: str, inputs: Tensor) -> Tensor:
        first, *others = self.get_submodule(f"{key}_encoders").children()
        hidden = first(inputs)
        for number, layer in enumerate(others, start=1):
            hidden = self.activation(hidden)  # after every layer but the last
            hidden = layer(torch.cat([hidden, inputs], -1) if number in self.skips else hidden)
        return hidden

    def mix(self, key: str, features: Tensor) -> Tensor:
        """Tokens of a source: (B, points, width) to (B, latent, width), a weighted sum over the ordered points."""
        return self.get_submodule(f"{key}_post_proc")(features.transpose(-1, -2)).transpose(-1, -2)


class Decoder(nn.Module):
    """A network per target, whose input is its token and its position.

    Each token serves a run of consecutive targets. A layer is linear, so what it makes of a token is worked out once
    per token and not once per target: the published sums in another order, 2.4 times as fast at 16 targets a token.
    """

    def __init__(self, configuration: Configuration):
        super().__init__()
        self.skips = configuration.decoder_skips
        self.activation = _ACTIVATIONS[configuration.activation]
        self.tokens = configuration.token_width
        self.inputs = self.tokens + configuration.coordinates
        self.layers = _layers(self.inputs, configuration.decoder_width, configuration.decoder_depth, self.skips)
        self.output_layers = nn.Linear(configuration.decoder_width, len(configuration.variables))

    def forward(self, tokens: Tensor, targets: Tensor) -> Tensor:
        """Normalised residuals: (B, latent, token width) and (B, targets, 5) to (B, targets, variables)."""
        first, *others = self.layers.children()
        hidden = self.activation(self._of_input(first, tokens, targets))
        for number, layer in enumerate(others, start=1):
            if number in self.skips:  # [input, hidden], unlike the encoder's [hidden, input]
                weight = layer.get_parameter("weight")[:, self.inputs :]
                hidden = self._of_input(layer, tokens, targets) + functional.linear(hidden, weight)
            else:
                hidden = layer(hidden)
            hidden = self.activation(hidden)
        return self.output_layers(hidden)

    def _of_input(self, layer: nn.Module, tokens: Tensor, targets: Tensor) -> Tensor:
        """What a layer makes of [token, position], its bias included."""
        weight = layer.get_parameter("weight")
        of_tokens = functional.linear(tokens, weight[:, : self.tokens], layer.get_parameter("bias"))
        run = targets.shape[1] // tokens.shape[1]
        if run > 1:
            of_tokens = of_tokens.repeat_interleave(run, dim=1)
        return of_tokens + functional.linear(targets, weight[:, self.tokens : self.inputs])


class ConditionalNeuralProcess(nn.Module):
    """The published ADAF-Ocean network, in any configuration.

    Per source, six layers see each point by itself (the input comes back in the layers of ``encoder_skips``), and a
    linear map over the *ordered* points makes ``latent`` tokens; it is neither a mean nor attention, so the order of
    the points matters. Tokens of all sources lie side by side. Targets come in runs of equal length, and token k
    serves the k-th run; eight layers see token and position, and give the residual.

    Parameters
    ----------
    configuration : Configuration
        Sources, window and widths.

    References
    ----------
    Xiang et al. 2025, ADAF-Ocean, arXiv 2511.06041; Garnelo et al. 2018, Conditional neural processes, ICML.

    Examples
    --------
    >>> from adaf_xr.models.cnp import THINNED
    >>> network = ConditionalNeuralProcess(THINNED)
    >>> sum(parameter.numel() for parameter in network.parameters())
    682061
    >>> inputs = {s.key: torch.zeros(3, s.points, 5 + len(s.channels)) for s in THINNED.sources}
    >>> network(inputs, torch.zeros(3, 200, 5)).shape
    torch.Size([3, 200, 5])
    """

    def __init__(self, configuration: Configuration):
        super().__init__()
        self.configuration = configuration
        self.encoder = Encoder(configuration)
        self.decoder = Decoder(configuration)

    def forward(self, inputs: Mapping[str, Tensor], targets: Tensor) -> Tensor:
        """The residual (analysis minus background) at the targets, in units in which the ranges are [-1, 1].

        Parameters
        ----------
        inputs : mapping of str to tensor, (B, points, 5 + channels)
            Per source the position features and the normalised values of its points, missing values 0. Nothing here
            looks for NaN, of which one makes a whole window NaN: that there is none is the word of
            :func:`adaf_xr.models.cnp.patches.inputs`, which makes 0 of it.
        targets : tensor, (B, n, 5)
            Position features; n a multiple of ``latent``.

        Returns
        -------
        tensor, (B, n, variables)
            Empty where B is 0.

        Raises
        ------
        TypeError
            What is no tensor, or one of another type than the weights.
        ValueError
            Sources, channels or points that are not those of the configuration; n no multiple of ``latent``.
        """
        return self.decode(self.encode(inputs), targets)

    def encode(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Tokens of all sources side by side, (B, latent, sources x width)."""
        keys = [source.key for source in self.configuration.sources]
        missing, surplus = [key for key in keys if key not in inputs], [key for key in inputs if key not in keys]
        if missing or surplus:
            raise ValueError(
                f"the network takes the sources {', '.join(keys)}"
                + (f"; missing: {', '.join(missing)} (a source without data is zeros)" if missing else "")
                + (f"; unknown: {', '.join(map(str, surplus))}" if surplus else "")
            )
        for key in keys:
            self._refuse_other_type(inputs[key], f"source {key!r}")
            if inputs[key].ndim != 3:
                raise ValueError(f"source {key!r} is {tuple(inputs[key].shape)}: (windows, points, numbers) is due")
        if len({inputs[key].shape[0] for key in keys}) > 1:
            sizes = ", ".join(f"{key}: {inputs[key].shape[0]}" for key in keys)
            raise ValueError(f"sources differ in how many windows they hold: {sizes}")
        return torch.cat([self.mix(key, self.encode_points(key, inputs[key])) for key in keys], dim=-1)

    def encode_points(self, key: str, inputs: Tensor) -> Tensor:
        """Features of each point of a source by itself, (..., 5 + channels) to (..., width).

        What a point gives depends on nothing but that point: those that several windows share need it only once.
        """
        source = self.configuration.source(key)
        due = self.configuration.coordinates + len(source.channels)
        self._refuse_other_type(inputs, f"source {key!r}")
        if inputs.shape[-1:] != (due,):
            found = inputs.shape[-1] if inputs.ndim else 0
            raise ValueError(
                f"source {key!r} has {found} numbers per point, but the network takes {due}: "
                f"{self.configuration.coordinates} position features and {', '.join(source.channels)}"
            )
        return self.encoder.points(key, inputs)

    def mix(self, key: str, features: Tensor) -> Tensor:
        """Tokens of a source, (B, points, width) to (B, latent, width): its linear map over the ordered points."""
        source = self.configuration.source(key)
        if features.shape[-2] != source.points:
            raise ValueError(
                f"source {key!r} has {features.shape[-2]} points, but the network takes exactly {_counted(source)}"
            )
        return self.encoder.mix(key, features)

    def decode(self, tokens: Tensor, targets: Tensor) -> Tensor:
        """The residual at targets from tokens, (B, latent, token width) and (B, n, 5) to (B, n, variables)."""
        latent, wide, features = self.configuration.latent, self.decoder.tokens, self.configuration.coordinates
        self._refuse_other_type(targets, "the tensor of targets")
        if tokens.shape[-2:] != (latent, wide):
            raise ValueError(f"tokens are {tuple(tokens.shape)}, but (B, {latent}, {wide}) is due")
        if targets.ndim != 3 or targets.shape[0] != tokens.shape[0] or targets.shape[-1] != features:
            raise ValueError(f"targets are {tuple(targets.shape)}, but ({tokens.shape[0]}, n, {features}) is due")
        if targets.shape[1] % latent or not targets.shape[1]:
            raise ValueError(
                f"{targets.shape[1]} targets cannot be shared among {latent} tokens: each serves a run of equal "
                f"length, so give a multiple of {latent}"
            )
        return self.decoder(tokens, targets)

    def _refuse_other_type(self, inputs: object, what: str) -> None:
        """Raise for what is no tensor of the type of the weights; a product that torch refuses names no source."""
        wanted = self.decoder.output_layers.weight.dtype
        if not isinstance(inputs, Tensor):
            hint = "a source without data is a tensor of zeros" if inputs is None else "torch.from_numpy makes one"
            raise TypeError(f"{what} is a {type(inputs).__name__}, but a tensor of {wanted} is due: {hint}")
        if inputs.dtype != wanted and not torch.is_autocast_enabled(inputs.device.type):
            raise TypeError(f"{what} is of {inputs.dtype}, but the weights are of {wanted}: use .to({wanted})")


def _counted(source: Source) -> str:
    """How many points a source has, in words."""
    if not source.gridded:
        return f"{source.points} (pad with rows of zeros, or leave some out)"
    return f"{source.points}, {source.shape[0]} x {source.shape[1]} cells of {source.spacing:g} degrees"


def released(seed: int | None = None) -> ConditionalNeuralProcess:
    """The released configuration with random weights: 27,202,061 parameters, 92 % of them for the 4 km SST.

    Parameters
    ----------
    seed : int, optional
        Makes the weights reproducible, and leaves torch's own generator as it was.
    """
    return _built(RELEASED, seed)


def thinned(seed: int | None = None) -> ConditionalNeuralProcess:
    """The configuration with every gridded source at 1 degree, random weights: 682,061 parameters.

    Parameters
    ----------
    seed : int, optional
        Makes the weights reproducible, and leaves torch's own generator as it was.

    Examples
    --------
    >>> torch.equal(thinned(seed=1).decoder.output_layers.weight, thinned(seed=1).decoder.output_layers.weight)
    True
    """
    return _built(THINNED, seed)


def _built(configuration: Configuration, seed: int | None) -> ConditionalNeuralProcess:
    if seed is None:
        return ConditionalNeuralProcess(configuration)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ConditionalNeuralProcess(configuration)
