"""Names, units and coordinates of CF datasets: tables, not ifs.

`identify` says which variable is which quantity, `coordinate` where and when it was measured, `to_canonical_units`
makes its numbers comparable. What makes an observation good is in :mod:`adaf_xr.cf.flags`.
"""

from adaf_xr.cf import errors
from adaf_xr.cf.coordinates import coordinate
from adaf_xr.cf.names import identify
from adaf_xr.cf.units import to_canonical_units

__all__ = ["coordinate", "errors", "identify", "to_canonical_units"]
