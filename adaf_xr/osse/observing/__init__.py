"""The observing system: simulated instruments that look at a nature run and hand out datasets like the real products.

>>> CONSTELLATIONS["swot+4-nadirs"][:2]
('swot', 'nadir-reference')

Positions and times follow from the geometry of the instrument; readings are the truth there plus errors of the size
that the literature states. Both are functions of the seed and the day, so that dense swaths need not be stored.
"""

from adaf_xr.osse.observing.domain import Domain
from adaf_xr.osse.observing.instrument import Instrument
from adaf_xr.osse.observing.lazy import observe
from adaf_xr.osse.observing.ocean import GriddedOcean, Ocean
from adaf_xr.osse.observing.systems import CONSTELLATIONS, SYSTEMS

__all__ = ["CONSTELLATIONS", "SYSTEMS", "Domain", "GriddedOcean", "Instrument", "Ocean", "observe"]
