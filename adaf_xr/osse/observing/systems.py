"""The instruments by name, and the constellations they fly in."""

from __future__ import annotations

from adaf_xr.osse.observing.altimeters import NadirAltimeter
from adaf_xr.osse.observing.argo import Argo
from adaf_xr.osse.observing.drifters import Drifters
from adaf_xr.osse.observing.ice import IceChart
from adaf_xr.osse.observing.instrument import Instrument
from adaf_xr.osse.observing.karin import WideSwath
from adaf_xr.osse.observing.radiometer import Radiometer
from adaf_xr.osse.observing.salinity import SalinityRadiometer
from adaf_xr.osse.observing.scatterometer import Scatterometer
from adaf_xr.osse.orbits import Orbit

JASON = Orbit.repeating(66.04, 9.9156, 127, 10, node=99.92)
INTERLEAVED = Orbit.repeating(66.04, 9.9156, 127, 10, node=99.92 + 180.0 / 127)
GFO = Orbit.repeating(108.04, 17.0505, 244, 17, node=40.0)
ENVISAT = Orbit.repeating(98.55, 35.0, 501, 35, node=-30.0)
SENTINEL3 = Orbit.repeating(98.65, 27.0, 385, 27, node=-30.0)
CRYOSAT = Orbit.repeating(92.0, 368.24, 5344, 369, node=0.0)
SWOT = Orbit.repeating(77.6, 20.8646, 292, 21, node=10.0)
METOP = Orbit.repeating(98.7, 29.0, 412, 29, node=-37.5)
SMOS = Orbit.repeating(98.44, 149.0, 2144, 149, node=90.0)
"""Sun-synchronous ones cross the equator northward at 22:00 (Envisat, Sentinel-3), 21:30 (MetOp) and 6:00 (SMOS): their
node at midnight lies 15 degrees east of Greenwich for each hour that they are late."""

SYSTEMS: dict[str, Instrument] = {
    each.name: each
    for each in (
        NadirAltimeter("nadir-reference", (JASON,), error=0.028),
        NadirAltimeter("nadir-interleaved", (INTERLEAVED,), error=0.028),
        NadirAltimeter("nadir-gfo", (GFO,), error=0.03),
        NadirAltimeter("nadir-envisat", (ENVISAT,), error=0.025),
        NadirAltimeter("nadir-sentinel3", (SENTINEL3,), error=0.024),
        NadirAltimeter("nadir-cryosat", (CRYOSAT,), error=0.025),
        WideSwath("swot", SWOT),
        Radiometer("sst", METOP),
        SalinityRadiometer("sss", SMOS),
        Scatterometer("wind", METOP),
        IceChart("ice"),
        Argo("argo"),
        Drifters("drifters"),
    )
}
"""Every instrument by its name."""

CONSTELLATIONS: dict[str, tuple[str, ...]] = {
    "4-nadirs": ("nadir-reference", "nadir-interleaved", "nadir-gfo", "nadir-envisat"),
    "swot+4-nadirs": ("swot", "nadir-reference", "nadir-interleaved", "nadir-gfo", "nadir-envisat"),
    "adaf-ocean": ("nadir-reference", "nadir-interleaved", "sst", "sss", "wind", "ice", "argo", "drifters"),
}
"""Sets of instruments: the 2003 altimeters of the sea level challenge (Topex/Poseidon, its interleaved successor, GFO,
Envisat), the same with SWOT, and the kinds of sources that ADAF-Ocean learns from (Jason-2 and 3 on both tracks)."""
