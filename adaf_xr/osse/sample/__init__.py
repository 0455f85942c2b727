"""The embedded sample: five days of a simulated North Atlantic and of all six kinds of observing systems.

It needs no download and no files: every number is computed from a seed when it is asked for. Datasets are laid out like
the published products of their kind and go through the same door as real files.

=========== ================================================================== ===========================
name        layout                                                             error of a good reading
=========== ================================================================== ===========================
truth       zos, thetao, so (3 levels), uo, vo, siconc at 0.25 degrees         none
background  the same at 1 degree                                               0.06 m, 0.5 degC, 0.1 (rms)
insitu      Argo multi-profile, raw and adjusted, about 40 profiles a day      0.01 degC, 0.01
sst         GHRSST L3, two cloudy passes a day at 0.2 degrees                  0.3 K about `sses_bias`
sss         salinity swaths at 0.25 degrees, two images a day                  0.5 in warm water, to 1.4
ssh         DUACS L3 along-track `sla_unfiltered` and `mdt`, two satellites    0.03 m
wind        ASCAT L2 swaths, 25 km                                             1 m/s a component
ice         daily sea ice concentration at 0.25 degrees, in percent            5 % at half cover
=========== ================================================================== ===========================

The region is 80 W to 0, 10 N to 60 N: small enough that a global machine is not needed to try things. Fields are
snapshots at 00:00 of 2020-01-01 to 2020-01-05; observations cover these five days, made by the instruments of
:mod:`adaf_xr.osse.observing`.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from adaf_xr.instants import DAY
from adaf_xr.osse.observing import observe
from adaf_xr.osse.observing.altimeters import NadirAltimeter
from adaf_xr.osse.observing.argo import Argo
from adaf_xr.osse.observing.ice import IceChart
from adaf_xr.osse.observing.instrument import Instrument
from adaf_xr.osse.observing.radiometer import Radiometer
from adaf_xr.osse.observing.salinity import SalinityRadiometer
from adaf_xr.osse.observing.scatterometer import Scatterometer
from adaf_xr.osse.observing.systems import JASON, METOP, SENTINEL3, SMOS
from adaf_xr.osse.sample import ocean
from adaf_xr.osse.sample.fields import Fields
from adaf_xr.osse.sample.ocean import DAYS, START, SampleOcean

SEED = 2020

PRESSURE = (5.0, 10.0, 20.0, 30.0, 50.0, 75.0, 100.0, 150.0, 200.0, 300.0, 400.0, 500.0)
"""Levels of the floats [dbar]: the sample is 500 m deep."""

SYSTEMS: dict[str, Instrument] = {
    each.name: each
    for each in (
        Fields("truth", "the simulated ocean at 0.25 degrees", ocean.truth),
        Fields(
            "background",
            "an old, coarse and partly wrong idea of it, at 1 degree",
            ocean.background,
            ocean.COARSENING,
        ),
        Argo("insitu", spacing=2.75, levels=PRESSURE),
        Radiometer("sst", METOP, posting=0.2, error=0.3, cover=0.4),
        SalinityRadiometer("sss", SMOS),
        NadirAltimeter("ssh", (JASON, SENTINEL3), error=0.03, long_error=0.0),
        Scatterometer("wind", METOP),
        IceChart("ice", error=0.05),
    )
}
"""Every dataset of the sample by its name."""

NAMES = tuple(SYSTEMS)
"""Names of the datasets of the sample."""


def open_sample(name: str, span: tuple[np.datetime64, np.datetime64] | None = None, seed: int = SEED) -> xr.Dataset:
    """A dataset of the embedded sample, lazy: one dask chunk a day, nothing computed but positions and times.

    Parameters
    ----------
    name : str
        One of `NAMES`.
    span : (start, stop), optional
        Keep the days that meet the half-open interval [start, stop). Default: all five.
    seed : int
        Another seed, another ocean.

    Returns
    -------
    Dataset

    Raises
    ------
    ValueError
        For an unknown name, or a span without a day of the sample.

    Examples
    --------
    >>> open_sample("background").zos.sizes["time"]
    5
    """
    if name not in SYSTEMS:
        raise ValueError(f"the embedded sample has no {name!r}; it has {', '.join(NAMES)}")
    days = _days(name, span)
    found = observe(SampleOcean(seed), SYSTEMS[name], (START + days[0] * DAY, START + (days[-1] + 1) * DAY), seed=seed)
    return found.assign_attrs(
        title=f"adaf_xr embedded sample, {name}: {found.attrs['title']}",
        source=f"adaf_xr.osse.sample, seed {seed}",
        comment="A simulation for demonstrations and tests; it describes no real ocean.",
    )


def _days(name: str, span: tuple[np.datetime64, np.datetime64] | None) -> list[int]:
    """Days of the sample that meet a span; a snapshot is at midnight, an observation anywhere in its day."""
    if span is None:
        return list(range(DAYS))
    length = np.timedelta64(1, "ns") if isinstance(SYSTEMS[name], Fields) else DAY
    start, stop = span
    days = [d for d in range(DAYS) if START + d * DAY < stop and START + d * DAY + length > start]
    if not days:
        asked = np.datetime_as_string([start, stop], "s")
        known = np.datetime_as_string([START, START + (DAYS - 1) * DAY], "D")
        raise ValueError(
            "the embedded sample has no {} between {} and {}: it covers {} to {}".format(name, *asked, *known)
        )
    return days
