"""Learned super-resolution: what a small network adds to cubic upsampling that keeps means.

All that need not be learned is built in. The network sees differences from a local mean in units of a local amplitude,
so that its answer turns with the unit of a field and not with its offset, and what it gives has no mean over a coarse
cell. It works on the coarse grid, where a convolution costs a sixteenth, and gives the 16 cells nested in each.

>>> from adaf_xr.models.super_resolution import FACTOR, Configuration
>>> FACTOR, Configuration().halo
(4, 10)
"""

from adaf_xr.models.super_resolution.configuration import FACTOR as FACTOR
from adaf_xr.models.super_resolution.configuration import NAME as NAME
from adaf_xr.models.super_resolution.configuration import Configuration as Configuration
