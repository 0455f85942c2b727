"""What a background's sea level lacks at the scale of basins: found before the network looks, which sees less far.

How strong that is is read from the innovations: means over some hundred kilometres covary at distances at which errors
of eddies and of observations do not. Where this is not clearly above zero, as in the simulated seas that the network
learned from, there is no such part, and nothing changes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial import cKDTree

from adaf_xr import grids
from adaf_xr.models.adaf_ocean.channels import AGES, KEPT, sea_level_of
from adaf_xr.models.adaf_ocean.sums import FINE, Sums
from adaf_xr.models.base import Background
from adaf_xr.models.neighbourhood import REACH, Nodes, widened
from adaf_xr.models.scales import SEA_LEVEL, Part
from adaf_xr.models.super_observations import SuperObservation
from adaf_xr.sphere import RADIUS, unit_vectors

APART = 350.0, 700.0
"""Distances [km] between which means covary by the large scale alone."""

SURE = 3.0
"""Standard errors that the covariance must be above zero to be believed."""

NEIGHBOURS = 32

HALO = (REACH + 1.0) * SEA_LEVEL.broad_length
"""Distance [km] beyond which no observation matters to an increment, but for how strong the large scale is."""

COLUMNS = round(360.0 / FINE)


def with_large_scale(background: Background, sums: Sums) -> Background:
    """A background whose sea level has been corrected at the scale of basins by optimal interpolation.

    Parameters
    ----------
    background : Background
        With ``zos``, or with ``sla`` and its own observations; without either it comes back as it is.
    sums : Sums
        What was observed.

    Returns
    -------
    Background
        The same one where the large scale is not known to be wrong.
    """
    name = sea_level_of(background)
    if name not in background.fields:
        return background
    wide = widened(_altimetry(sums, background, name), SEA_LEVEL.broad_part)
    broad, rest = variances(wide)
    if broad <= 0.0:
        return background
    part = Part(broad**0.5, SEA_LEVEL.broad_length, SEA_LEVEL.broad_time)
    nodes = Nodes.of(replace(wide, noise=wide.noise + rest), part, NEIGHBOURS)
    field = np.array(background.fields[name], "f8")
    row, column = np.nonzero(np.isfinite(field))
    increment, _ = nodes.analyse(background.latitude[row], background.longitude[column], 0.0, threads=1)
    field[row, column] += part.std * increment
    return replace(background, fields={**background.fields, name: field})


def variances(wide: SuperObservation) -> tuple[float, float]:
    """Variances of the large scale and of all else in means over wide bins; 0 of the first where chance may do it.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> latitude, longitude = (part.ravel() for part in np.mgrid[-30.0:31.0:2.0, -30.0:31.0:2.0])
    >>> zero, eddies = np.zeros(latitude.size), 0.05 * rng.standard_normal(latitude.size)
    >>> wide = SuperObservation(latitude, longitude, zero, zero, eddies, zero, zero + 1.0)
    >>> [round(float(variance), 4) for variance in variances(wide)]
    [0.0, 0.0024]
    >>> tide = 0.06 * np.cos(np.radians(8.0 * latitude))
    >>> [round(float(variance), 4) for variance in variances(replace(wide, innovation=eddies + tide))]
    [0.0021, 0.0023]
    """
    mean = wide.innovation
    if not mean.size:
        return 0.0, 0.0
    total = float(np.mean(mean**2))
    places = unit_vectors(wide.latitude, wide.longitude) * RADIUS
    one, other = cKDTree(places).query_pairs(APART[1], output_type="ndarray").T
    distance = np.linalg.norm(places[one] - places[other], axis=1)
    apart = distance > APART[0]
    correlation = np.exp(-0.5 * (distance[apart] / SEA_LEVEL.broad_length) ** 2)
    covariance = float(np.sum(correlation * mean[one[apart]] * mean[other[apart]]))
    broad = covariance / float(np.sum(correlation**2)) if apart.any() else 0.0
    if broad < SURE * total / mean.size**0.5:
        return 0.0, total
    return min(broad, total), max(total - broad, 0.0)


def _altimetry(sums: Sums, background: Background, name: str) -> SuperObservation:
    """Mean innovations of sea level, by cell and time."""
    place = next(place for place, channel in enumerate(KEPT) if channel.variable == name)
    columns = []
    for bin_, age in enumerate(AGES):
        cell, terms = sums.of_channel(place, bin_)
        row, column = np.divmod(cell, COLUMNS)
        value, east, north = terms[:, 1:].T / terms[:, 0]
        latitude, longitude = (row + 0.5 + north) * FINE - 90.0, (column + 0.5 + east) * FINE - 180.0
        axes = background.latitude, background.longitude
        innovation = value - grids.sample(background.fields[name], *axes, latitude, longitude)
        noise = KEPT[place].error ** 2 / terms[:, 0] + SEA_LEVEL.representativeness**2
        columns.append(np.stack([latitude, longitude, np.full(cell.size, age), innovation, noise]))
    known = np.concatenate(columns, 1)
    latitude, longitude, days, innovation, noise = known[:, np.isfinite(known[3])]
    zero = np.zeros(latitude.size)
    return SuperObservation(latitude, longitude, days, zero, innovation, noise, zero + 1.0)
