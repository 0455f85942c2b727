"""Observations as points: any CF dataset becomes one dimension of rows."""

from adaf_xr.points.arrays import Points as Points
