"""What one network of the published ADAF-Ocean family looks like: its sources, its window, its widths.

Plain frozen dataclasses that go to JSON and back, so that a checkpoint, a training recipe and an engine speak of the
same network. No torch is needed to read them.

References
----------
Xiang et al. 2025, ADAF-Ocean, arXiv 2511.06041, and its public repository for shapes and ranges.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from adaf_xr.models.cnp.demands import as_many, group, positive, refuse_unknown, refused, require, whole
from adaf_xr.models.cnp.source import Source, tuples

PHASES = ("node", "cell")
"""Where the cells of a lattice lie: on multiples of its spacing (published), or half a spacing from them."""

ACTIVATIONS = ("relu", "gelu", "silu", "tanh")
"""Functions between layers that a configuration can name."""


def _lists(value: Any) -> Any:
    """Tuples as lists, at any depth: what JSON gives back."""
    if isinstance(value, dict):
        return {key: _lists(part) for key, part in value.items()}
    return [_lists(part) for part in value] if isinstance(value, list | tuple) else value


@dataclass(frozen=True)
class Configuration:
    """One network: its sources in the order of the weights, its window, its layers.

    Attributes
    ----------
    sources : tuple of Source
        In the order in which their tokens are concatenated; exactly one is the background.
    variables : tuple of str
        What is analysed; all are channels of the background, whose ranges they share.
    window : tuple of float
        Degrees of latitude and of longitude that one pass sees.
    phase : "node" or "cell"
        Where the cells of a lattice of spacing d lie: on -90, -90 + d, ... and 0, d, ... as the weights were
        published for, or half a spacing further, cell centres.
    max_depth : float
        Depth [m] that the scaled depth feature reaches 1 at.
    box : tuple of float
        How far from the centre of a window points count: degrees of latitude, of longitude, and metres of depth.
    days : float
        Observations of [t - days, t) count.
    encoder_width, encoder_depth, encoder_skips
        Point-wise networks: features, layers, layers that see the input again.
    latent : int
        Tokens per source.
    decoder_width, decoder_depth, decoder_skips
        The same of the decoder.
    coordinates : int
        Features of a position: sin and cos of latitude and of longitude, scaled depth.
    activation : str
        The function between layers: relu (published), gelu, silu or tanh.

    Examples
    --------
    >>> RELEASED.targets, RELEASED.token_width
    (200, 336)
    >>> cells = THINNED.but(phase="cell")
    >>> Configuration.from_dict(cells.as_dict()) == cells
    True
    """

    sources: tuple[Source, ...]
    variables: tuple[str, ...] = ("thetao", "so", "uo", "vo", "zos")
    window: tuple[float, float] = (10, 20)
    phase: str = "node"
    max_depth: float = 20.0
    box: tuple[float, float, float] = (5.0, 10.0, 10.0)
    days: float = 1.0
    encoder_width: int = 48
    encoder_depth: int = 6
    encoder_skips: tuple[int, ...] = (2, 4)
    latent: int = 200
    decoder_width: int = 128
    decoder_depth: int = 8
    decoder_skips: tuple[int, ...] = (2, 4, 6)
    coordinates: int = 5
    activation: str = "relu"

    def __post_init__(self) -> None:
        self._check_sources()
        self._check_layers()
        self._check_window()
        self._check_patches()

    def _check_sources(self) -> None:
        if odd := [source for source in self.sources if not isinstance(source, Source)]:
            raise refused(odd[0], "one of a configuration's sources", "a Source")
        keys = [source.key for source in self.sources]
        if twice := sorted({key for key in keys if keys.count(key) > 1}):
            raise ValueError(f"a configuration names a source once, but these come more often: {', '.join(twice)}")
        backgrounds = [source for source in self.sources if source.kind == "background"]
        if len(backgrounds) != 1:
            raise ValueError(f"a configuration needs exactly one source of kind 'background', not {len(backgrounds)}")
        if not self.background.gridded:
            raise ValueError("the background lies on a lattice: its spacing is above 0")
        if missing := [str(name) for name in self.variables if name not in self.background.channels]:
            raise ValueError(
                f"the network corrects the background, which has no {', '.join(missing)} "
                f"(its channels: {', '.join(self.background.channels)})"
            )
        if not self.variables or len(set(self.variables)) < len(self.variables):
            raise refused(self.variables, "variables", "each analysed quantity once, at least one,")

    def _check_layers(self) -> None:
        for name in ("encoder_width", "encoder_depth", "latent", "decoder_width", "decoder_depth", "coordinates"):
            whole(getattr(self, name), name)
        for part, depth, skips in (
            ("encoder", self.encoder_depth, self.encoder_skips),
            ("decoder", self.decoder_depth, self.decoder_skips),
        ):
            if not isinstance(skips, list | tuple) or any(layer not in range(1, depth) for layer in skips):
                raise ValueError(
                    f"{part}_skips {skips} must lie between 1 and {part}_depth - 1 = {depth - 1}: "
                    "layers are counted from 0, and the first sees the input anyway"
                )
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"no activation {self.activation!r}: one of {', '.join(ACTIVATIONS)}")

    def _check_window(self) -> None:
        if self.phase not in PHASES:
            raise ValueError(f"no phase {self.phase!r}: 'node' (cells on whole degrees) or 'cell' (cell centres)")
        positive(self.max_depth, "max_depth")
        positive(self.days, "days")
        for name, many in (("box", 3), ("window", 2)):
            for part in as_many(getattr(self, name), many, name):
                positive(part, f"a number of {name}")
        cells = [degrees / self.background.spacing for degrees in self.window]
        if any(abs(count - round(count)) > 1e-6 or not round(count) for count in cells):
            raise ValueError(
                f"a window of {self.window} degrees is no whole number of cells of {self.background.spacing} degrees"
            )
        if self.targets % self.latent:
            raise ValueError(
                f"a window of {self.window} degrees has {self.targets} cells of {self.background.spacing} degrees, "
                f"no multiple of the {self.latent} tokens (latent) that serve them: change window, latent or the "
                "background's spacing"
            )

    def _check_patches(self) -> None:
        """A patch may look beyond its window, as the published one of the 4 km SST does, but has to see all of it."""
        for source in self.sources:
            if source.gridded and any(
                span < due * (1 - 1e-6) for span, due in zip(source.span, self.window, strict=True)
            ):
                rows, columns = source.shape
                raise ValueError(
                    f"source {source.key!r}: {rows} x {columns} cells of {source.spacing:g} degrees span "
                    f"{source.span[0]:g} x {source.span[1]:g} degrees (latitude, longitude), and the window that they "
                    f"are to cover spans {self.window[0]:g} x {self.window[1]:g}"
                )

    @property
    def background(self) -> Source:
        """The first guess."""
        return next(source for source in self.sources if source.kind == "background")

    @property
    def observed(self) -> tuple[Source, ...]:
        """Every source but the background."""
        return tuple(source for source in self.sources if source.kind != "background")

    @property
    def ranges(self) -> tuple[tuple[float, float], ...]:
        """Per analysed variable, the values that become -1 and 1: those of the background's channel."""
        background = dict(zip(self.background.channels, self.background.ranges, strict=True))
        return tuple(background[name] for name in self.variables)

    @property
    def targets(self) -> int:
        """Cells of a window on the background's lattice."""
        return math.prod(round(degrees / self.background.spacing) for degrees in self.window)

    @property
    def token_width(self) -> int:
        """Features of a token: those of every source side by side."""
        return self.encoder_width * len(self.sources)

    def source(self, key: str) -> Source:
        """The source of that key."""
        by_key = {source.key: source for source in self.sources}
        refuse_unknown([key], by_key, "the configuration")
        return by_key[key]

    def but(self, **changes: Any) -> Configuration:
        """The same configuration but for some of its values.

        Raises
        ------
        ValueError
            A name that a configuration has not (the nearest is suggested), or values that do not fit together.

        Examples
        --------
        >>> THINNED.but(phase="cell").phase
        'cell'
        >>> THINNED.but(phases="cell")
        Traceback (most recent call last):
            ...
        ValueError: a configuration has no 'phases'; did you mean 'phase'?
        """
        refuse_unknown(changes, [field.name for field in fields(self)], "a configuration")
        return replace(self, **{key: tuples(value) for key, value in changes.items()})

    def with_sea_level(self, channel: str) -> Configuration:
        """The same configuration with altimeters that give ``sla`` (published) or ``zos``, in that one's range.

        Examples
        --------
        >>> THINNED.with_sea_level("zos").source("sate_sla").ranges
        ((-2.5, 2.5),)
        """
        refuse_unknown([channel], SEA_LEVEL, "an altimeter source")
        return replace(
            self,
            sources=tuple(
                replace(source, channels=(channel,), ranges=(SEA_LEVEL[channel],)) if source.kind == "ssh" else source
                for source in self.sources
            ),
        )

    def as_dict(self) -> dict[str, Any]:
        """The configuration as JSON knows it: dicts, lists, numbers and strings."""
        return _lists(asdict(self))

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any]) -> Configuration:
        """The configuration of :meth:`as_dict`; an unknown key is an error that suggests the nearest."""
        refuse_unknown(group(mapping, "a configuration"), [field.name for field in fields(cls)], "a configuration")
        require(mapping, ["sources"], "a configuration")
        if not isinstance(mapping["sources"], list | tuple):
            raise refused(mapping["sources"], "sources", "a list of sources")
        values = {key: tuples(value) for key, value in mapping.items() if key != "sources"}
        return cls(sources=tuple(Source.from_dict(source) for source in mapping["sources"]), **values)


SEA_LEVEL = {"sla": (-1.5, 1.5), "zos": (-2.5, 2.5)}
"""Range [m] of what an altimeter source may give."""

_T, _S, _UV, _SSH, _ICE = (-3.0, 36.0), (0.0, 40.0), (-3.0, 3.0), SEA_LEVEL["zos"], (0.0, 1.0)

RELEASED = Configuration(
    sources=(
        Source("bg", "background", ("thetao", "so", "uo", "vo", "zos"), 1.0, (10, 20), (_T, _S, _UV, _UV, _SSH)),
        Source("in_situ_obs", "insitu", ("thetao", "so"), 0.0, (300, 1), (_T, _S)),
        Source("sate_sss", "sss", ("so",), 0.2, (50, 100), (_S,)),
        # The published patch counts on 0.04 degrees; Pathfinder's pixels are 1/24, so it spans 10.4 x 20.8 degrees.
        Source("sate_sst", "sst", ("thetao:day", "thetao:night"), 1 / 24, (250, 500), (_T, _T)),
        Source("sate_ssw", "wind", ("wind_direction", "wind_speed"), 0.25, (40, 80), ((0.0, 360.0), (0.0, 40.0))),
        Source("sate_sla", "ssh", ("sla",), 1.0, (10, 20), (SEA_LEVEL["sla"],)),
        Source("sate_sic", "ice", ("siconc",), 1.0, (10, 20), (_ICE,)),
    )
)
"""The published network: every source at the resolution of its product, 27,202,061 parameters."""

THINNED = replace(
    RELEASED,
    sources=tuple(
        replace(source, spacing=1.0, shape=(10, 20)) if source.gridded else source for source in RELEASED.sources
    ),
)
"""The paper's control: every gridded source at 1 degree, 682,061 parameters."""
