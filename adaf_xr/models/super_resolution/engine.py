"""Learned super-resolution as an engine of `upsample`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from adaf_xr.checkpoint import Reference
from adaf_xr.grids import is_periodic, nest, nest_latitude
from adaf_xr.models.carrying import described
from adaf_xr.models.cubic import Cubic
from adaf_xr.models.loading import loaded, slot
from adaf_xr.models.super_resolution.configuration import FACTOR, NAME
from adaf_xr.models.super_resolution.features import Features
from adaf_xr.models.super_resolution.nesting import resampled
from adaf_xr.sphere import cell_area

if TYPE_CHECKING:
    from torch import Tensor

    from adaf_xr.models.super_resolution.network import Network

FACTORS = (1, 2, 3, FACTOR)
"""What it refines by: the network gives quarters of cells, and coarser parts are means of them."""


@dataclass(frozen=True, init=False)
class AdafOceanSR:
    """Cubic upsampling that keeps means, and what a network has learned to add to it.

    Coarse values are taken for means over the sea of their cells, and are those of the result, whether `keep_means`
    asks for it or not: it is closer to the truth. The result scales with the field and moves with its offset (but for
    rounding in single precision), a constant stays constant, and nothing depends on the order of latitude nor on where
    longitude is cut. Every horizontal slice is refined alone.

    Meets :class:`adaf_xr.models.base.UpsamplingModel`.

    Parameters
    ----------
    checkpoint : Reference or path
        The weights.
    averaged : bool
        Whether to average over the eight views of a field flipped and transposed, which is a little more accurate and
        costs eight times as much.
    device : str
        Where the network computes.

    Raises
    ------
    adaf_xr.checkpoint.CheckpointError
        If the file is missing, unusable or of another family.

    Examples
    --------
    >>> import tempfile
    >>> from adaf_xr.checkpoint import Checkpoint, write
    >>> from adaf_xr.models.super_resolution import Configuration
    >>> from adaf_xr.models.super_resolution.network import Network
    >>> from adaf_xr.models.weights import weights_of
    >>> small = Configuration(width=4, blocks=1)
    >>> path = tempfile.mkdtemp() + "/small.safetensors"
    >>> _ = write(Checkpoint("adaf-ocean-sr", weights_of(Network(small)), small.as_dict()), path)
    >>> field = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
    >>> fine = AdafOceanSR(path).upsample(field, np.array([0.5, 1.5]), np.array([0.5, 1.5, 2.5]), 4)
    >>> fine.shape, fine[:4, :4].mean().round(6).item()
    ((8, 12), 1.0)
    """

    weights: Reference
    averaged: bool
    device: str

    name: ClassVar[str] = NAME
    variables: ClassVar[tuple[str, ...]] = ("thetao", "zos", "sla", "so", "uo", "vo")
    factors: ClassVar[tuple[int, ...]] = FACTORS
    spacings: ClassVar[tuple[float, float]] = (0.5, 2.0)

    def __init__(
        self, checkpoint: Reference | str | os.PathLike[str], *, averaged: bool = False, device: str = "cpu"
    ) -> None:
        reference = checkpoint if isinstance(checkpoint, Reference) else Reference.of(checkpoint)
        described(reference, NAME)
        for name, value in (("weights", reference), ("averaged", averaged), ("device", device)):
            object.__setattr__(self, name, value)

    @property
    def checkpoint(self) -> str:
        """sha256 of the file of its weights."""
        return self.weights.sha256

    @property
    def provenance(self) -> str:
        """One line for the history of results."""
        return "cubic upsampling that keeps means, and a learned residual" + (", of eight views" * self.averaged)

    def to(self, device: str) -> AdafOceanSR:
        """The same engine at work on a device."""
        return AdafOceanSR(self.weights, averaged=self.averaged, device=device)

    def upsample(
        self,
        field: NDArray,
        latitude: NDArray,
        longitude: NDArray,
        factor: int,
        keep_means: bool = False,
        sea: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.float64]:
        """Refine each cell into factor² nested ones.

        Parameters
        ----------
        field : array (..., n_lat, n_lon)
            NaN on land; any unit.
        latitude, longitude : array (n_lat,), (n_lon,)
            Centres of the coarse cells [degrees], regular, two at least; longitude ascending.
        factor : int
            1 to 4. The network was trained for 4; smaller factors take means of what it gives.
        keep_means : bool
            Means are kept in any case.
        sea : bool array (n_lat * factor, n_lon * factor), optional
            Cells wanted; the rest is NaN. Default: the cells whose coarse cell has a value.

        Returns
        -------
        float64 array (..., n_lat * factor, n_lon * factor)

        Raises
        ------
        ValueError
            For another factor, where shapes do not fit, and for axes that :class:`adaf_xr.models.cubic.Cubic` refuses.
        """
        if factor not in FACTORS:
            raise ValueError(
                f"{NAME} refines {', '.join(map(str, FACTORS[1:]))} times, not {factor}: refine its result further "
                "with model='cubic', or use that alone"
            )
        lat, lon = np.asarray(latitude, dtype="f8"), np.asarray(longitude, dtype="f8")
        fine = Cubic().upsample(field, lat, lon, factor, True, sea)
        area = cell_area(nest_latitude(lat, factor), nest(lon, factor))
        levels = fine.reshape(-1, *fine.shape[-2:])
        coarse = np.asarray(field, dtype="f8").reshape(-1, lat.size, lon.size)
        for level, values in zip(levels, coarse, strict=True):
            # Models see one order of latitude, so that rounding cannot tell them apart.
            up = slice(None, None, 1 if lat[-1] > lat[0] else -1)
            level[up] += self._residual(values[up], is_periodic(lon), np.isfinite(level[up]), area[up], factor)
        return fine

    def _residual(
        self,
        coarse: NDArray[np.float64],
        periodic: bool,
        sea: NDArray[np.bool_],
        area: NDArray[np.float64],
        factor: int,
    ) -> NDArray[np.float64]:
        """What to add to the cubic, (factor * n_lat, factor * n_lon); its means over coarse cells are zero."""
        features = Features.of(coarse, periodic) if factor > 1 and sea.any() else None
        if features is None:
            return np.zeros(sea.shape)
        import torch

        from adaf_xr.models.super_resolution.means import without_means

        wanted = resampled(sea, factor, FACTOR) > 0.5
        answer = self._answer(features.pattern, np.isfinite(coarse), wanted, periodic)
        answer *= features.unit * features.amplitude.astype("f8").repeat(FACTOR, 0).repeat(FACTOR, 1)
        share = resampled(wanted, FACTOR, factor)
        answer = resampled(answer * wanted, FACTOR, factor) / np.where(share > 0.0, share, 1.0)
        held, weight = (torch.from_numpy(array)[None, None] for array in (answer, area * sea))
        residual: NDArray[np.float64] = without_means(held, weight, factor)[0, 0].numpy()
        return residual

    def _answer(
        self, pattern: NDArray[np.float32], present: NDArray[np.bool_], sea: NDArray[np.bool_], periodic: bool
    ) -> NDArray[np.float64]:
        """Of the network, in local amplitudes, on its fine grid."""
        import torch

        from adaf_xr.models.super_resolution.network import network_of

        network = cast("Network", loaded(self.weights, self.device, network_of))
        halo = network.configuration.halo
        inputs = [
            torch.from_numpy(_framed(array.astype("f4"), reach, periodic, repeated))[None, None].to(self.device)
            for array, reach, repeated in ((pattern, halo, True), (present, halo, False), (sea, halo * FACTOR, False))
        ]
        with slot(self.device), torch.inference_mode():
            views = [_seen(network, inputs, view) for view in range(8 if self.averaged else 1)]
        answer = torch.stack(views).mean(0)[0, 0].cpu().double().numpy()
        inside = slice(FACTOR * halo, -FACTOR * halo)
        cut: NDArray[np.float64] = answer[inside, inside]
        return cut


def _seen(network: Network, inputs: list[Tensor], view: int) -> Tensor:
    """The answer to one of eight views, turned back."""
    import torch

    flips = [axis for axis, bit in ((-2, 1), (-1, 2)) if view & bit]

    def turn(array: Tensor) -> Tensor:
        return array.mT if view & 4 else array

    return torch.flip(turn(network(*(turn(torch.flip(array, flips)) for array in inputs))), flips)


def _framed(array: NDArray[np.float32], reach: int, periodic: bool, repeated: bool) -> NDArray[np.float32]:
    """With what lies around it: the other side of the globe, or beyond edges the outer value, or nothing."""
    beyond = "edge" if repeated else "constant"
    wide = np.pad(array, ((0, 0), (reach, reach)), mode="wrap" if periodic else beyond)  # type: ignore[call-overload]
    framed: NDArray[np.float32] = np.pad(wide, ((reach, reach), (0, 0)), mode=beyond)  # type: ignore[call-overload]
    return framed
