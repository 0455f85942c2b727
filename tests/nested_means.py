"""Means over the sea of nested cells: what a super-resolution is given of a truth."""

import numpy as np

from adaf_xr.sphere import cell_area


def means_of(truth, latitude, longitude, factor=4):
    """Area means over the sea of blocks of cells, their latitude and longitude, and the area of fine cells at sea."""
    shape = (latitude.size // factor, factor, longitude.size // factor, factor)
    area = cell_area(latitude, longitude) * np.isfinite(truth)
    total, water = (array.reshape(shape).sum((1, 3)) for array in (area * np.nan_to_num(truth), area))
    coarse = np.divide(total, water, out=np.full(total.shape, np.nan), where=water > 0)
    return coarse, *(axis.reshape(-1, factor).mean(1) for axis in (latitude, longitude)), area
