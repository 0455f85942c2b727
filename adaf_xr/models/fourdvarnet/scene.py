"""A window of days as a network wants it: what was observed, what was interpolated before, and where the sea is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from adaf_xr.grids import is_periodic
from adaf_xr.models.base import Background
from adaf_xr.models.extrapolation import Extrapolation
from adaf_xr.models.fourdvarnet.configuration import Configuration
from adaf_xr.models.fourdvarnet.gap_filling import without_gaps
from adaf_xr.models.fourdvarnet.gridding import DailySums
from adaf_xr.normalisation import Affine, standard


@dataclass(frozen=True)
class Scene:
    """Days on the grid of a background whose rows ascend, without units.

    Its rows and columns are filled up to multiples of what the network takes means of, beyond the last, but for the
    columns of a globe.

    Attributes
    ----------
    ssh : float32, (days, rows, columns)
        Observed sea surface height, NaN where there is none.
    oi : float32, (days, rows, columns), or None
        The interpolated one, which goes on inland.
    sst : float32, (days, rows, columns), or None
        Sea surface temperature, NaN in gaps.
    sea : bool, (rows, columns)
        Of the day that is analysed.
    day : int
        Number of that day.
    periodic : bool
        Whether the grid goes around the globe.
    """

    ssh: NDArray[np.float32]
    oi: NDArray[np.float32] | None
    sst: NDArray[np.float32] | None
    sea: NDArray[np.bool_]
    day: int
    periodic: bool

    @classmethod
    def of(
        cls,
        encoded: DailySums,
        background: Background,
        configuration: Configuration,
        normalisation: Mapping[str, Affine],
        clouds: bool = False,
    ) -> Self:
        """A window from what was observed in it and the backgrounds of its days.

        Parameters
        ----------
        encoded : DailySums
            The observations.
        background : Background
            Its days, or for a network that needs no interpolated height, one.
        configuration : Configuration
            Of the network.
        normalisation : mapping of str to Affine
            Of "ssh" and "sst".
        clouds : bool
            Whether the network knows gaps in temperature; else they are filled.

        Raises
        ------
        ValueError
            Where a network needs temperature and there is none, or the background of a day is missing altogether.
        """
        first = _zos(background, encoded)
        sea, periodic = np.isfinite(first), is_periodic(background.longitude)
        place = Placing.of(background, configuration.multiple, periodic)
        height = normalisation["ssh"]
        ssh = height.forward(place(np.where(sea, encoded.means("ssh"), np.nan))).astype("f4")
        oi = height.forward(_filled(place(first), periodic)).astype("f4") if configuration.needs_oi else None
        sst = None
        if configuration.needs_sst:
            known = _temperature(encoded, background, sea)
            known = place(known if clouds else np.where(sea, without_gaps(known, periodic), np.nan))
            sst = (normalisation.get("sst") or _own(known)).forward(known).astype("f4")
        day = int(np.flatnonzero(encoded.days == encoded.time)[0])
        return cls(ssh, oi, sst, np.isfinite(place(first[min(day, len(first) - 1)])), day, periodic)


@dataclass(frozen=True)
class Placing:
    """From the grid of a background to that of a scene, and back.

    Attributes
    ----------
    descends : bool
        Whether rows of the background go from north to south.
    shape : (rows, columns)
        Of the background.
    full : (rows, columns)
        Of the scene.
    """

    descends: bool
    shape: tuple[int, int]
    full: tuple[int, int]

    @classmethod
    def of(cls, background: Background, multiple: int, periodic: bool) -> Self:
        """The one of a background, for a network that takes means of `multiple` cells along a side."""
        shape = background.latitude.size, background.longitude.size
        full = tuple(-(-size // multiple) * multiple for size in shape)
        return cls(
            bool(background.latitude[0] > background.latitude[-1]), shape, (full[0], shape[1] if periodic else full[1])
        )

    def __call__(self, fields: NDArray) -> NDArray:
        """Fields (..., rows, columns) of a scene, NaN where the background has no cell."""
        turned = fields[..., ::-1, :] if self.descends else fields
        more = [(0, large - small) for large, small in zip(self.full, self.shape, strict=True)]
        return np.pad(turned, [(0, 0)] * (fields.ndim - 2) + more, constant_values=np.nan)

    def back(self, fields: NDArray) -> NDArray:
        """Fields on the grid of the background."""
        cut = fields[..., : self.shape[0], : self.shape[1]]
        return cut[..., ::-1, :] if self.descends else cut


def _zos(background: Background, encoded: DailySums) -> NDArray:
    """Sea surface height of the backgrounds of all days, or of the one there is, (days, n_lat, n_lon)."""
    if not background.around:
        return np.asarray(background.fields["zos"])[None]
    for time, fields in background.around.items():
        if not np.isfinite(fields["zos"]).any():
            raise ValueError(
                f"the background has no sea surface height at all on {time.astype('M8[D]')}, one of the days that the "
                f"analysis of {encoded.time.astype('M8[D]')} is made of: fill it, background.interpolate_na('time')"
            )
    return np.stack([fields["zos"] for fields in background.around.values()])


def _temperature(encoded: DailySums, background: Background, sea: NDArray[np.bool_]) -> NDArray:
    """Temperature of all days: what was observed, and only where nothing at all was, that of the background."""
    observed = np.where(sea, encoded.means("sst"), np.nan)
    if np.isfinite(observed).any():
        return observed
    held = [fields["thetao"] for fields in background.around.values() if "thetao" in fields]
    given = np.where(sea, np.stack(held), np.nan) if held else observed
    if not np.isfinite(given).any():
        first, last = encoded.days[[0, -1]].astype("M8[D]")
        raise ValueError(
            f"no sea surface temperature from {first} to {last}, and this network sees it beside sea level: give "
            "observations of it as a source 'sst', or an analysis of it as thetao of the background; or take a model "
            "that sees sea level alone, such as '4dvarnet-ssh'"
        )
    return given


def _own(known: NDArray) -> Affine:
    """The normalisation of a window by itself, for a network that came without one."""
    return standard(float(np.nanmean(known)), max(float(np.nanstd(known)), 1e-3))


def _filled(fields: NDArray, periodic: bool) -> NDArray[np.float64]:
    """Fields of days that go on inland, each from its own sea."""
    filled = np.empty(fields.shape)
    there = np.isfinite(fields)
    going_on: Extrapolation | None = None
    for day, (field, present) in enumerate(zip(fields, there, strict=True)):
        # Nearly always the same land: what depends on it alone is done once.
        if going_on is None or not np.array_equal(present, there[day - 1]):
            going_on = Extrapolation(present, periodic)
        filled[day] = going_on(field)
    return filled
