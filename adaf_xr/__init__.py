"""Ocean data assimilation for xarray: observations in as points, lazy fields out."""

from adaf_xr._version import __version__ as __version__
