"""Points: observations of any kind as longitude, latitude, depth, time and value."""

from adaf_xr.points.arrays import Points
from adaf_xr.points.bounds import time_bounds
from adaf_xr.points.table import to_points

__all__ = ["Points", "time_bounds", "to_points"]
