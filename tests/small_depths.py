"""A small network with a depth stage, a sea with levels, and profiles of it."""

from dataclasses import replace
from functools import cache

import numpy as np
import torch
from small_ocean import FIRST, POINTS, SMALL, made, sea, small

from adaf_xr.models.adaf_ocean.depth_network import DepthStage
from adaf_xr.models.adaf_ocean.depths import BELOW
from adaf_xr.models.adaf_ocean.engine import AdafOcean
from adaf_xr.models.base import Background
from adaf_xr.points.arrays import Points

DEPTH = np.array([0.5, 10.0, 20.0, 60.0, 120.0, 200.0, 350.0, 600.0, 1000.0, 1800.0])
"""Levels [m]."""

LAPSE = {"thetao": -0.008, "so": -0.0006, "uo": 0.0, "vo": 0.0}
"""What a metre down changes of the sea."""

BELOW_SMALL = replace(SMALL, depth=8)

HERE = (36.3, -28.6)

ESTIMATE = 2 * 2 + 2
"""First of the planes of a level that say what profiles make of it, of temperature; that of salinity follows."""

REST = 7
"""First of the planes of the answer that add to temperature, salinity and currents."""


@cache
def deep_engine(seed=0):
    """Random weights; those of the surface are the small network's of the same seed."""
    return AdafOcean(deep(seed))


def deep(seed=0):
    """The network of it."""
    network = small(seed, BELOW_SMALL)
    with torch.no_grad():
        for name, weight in small(seed).named_parameters():
            network.get_parameter(name).copy_(weight)
    return network


def pulling():
    """A network whose depth stage adds what profiles say of a cell, and whose surface does nothing."""
    network = small(0, BELOW_SMALL)
    stage = DepthStage(8)
    for parameter in (*network.parameters(), *stage.parameters()):
        parameter.requires_grad_(False).zero_()
    for variable in range(2):
        up, down = 2 * variable, 2 * variable + 1
        stage.level.weight[up, ESTIMATE + variable], stage.level.weight[down, ESTIMATE + variable] = 1.0, -1.0
        # x / (1 + exp(-x)) of x less that of -x is x itself.
        stage.last.weight[REST + variable, up], stage.last.weight[REST + variable, down] = 1.0, -1.0
    network.depth = stage
    return network


def with_levels(depth=DEPTH, flat=FIRST, lapse=LAPSE):
    """The sea of `flat` at depths [m]: linear in depth."""
    fields = {}
    for name, values in flat.fields.items():
        levels = np.stack([values + lapse[name] * d for d in depth]) if name in BELOW else values
        fields[name] = levels
    return Background(flat.latitude, flat.longitude, np.asarray(depth, "f8"), fields)


def profile(change=1.0, depth=(40.0, 100.0, 180.0, 220.0, 300.0, 700.0, 1200.0), at=HERE, name="thetao", error=0.02):
    """A profile that finds the sea of `with_levels` changed."""
    first = sea(name, np.array(at[0]), np.array(at[1])) + LAPSE[name] * np.array(depth)
    return made(*at, first + change, name, "insitu", error, np.array(depth))


def profiles(n=12, seed=3, box=(-38.0, -18.0, 26.0, 46.0)):
    """Profiles of another sea at random places and times."""
    rng = np.random.default_rng(seed)
    parts = []
    for _ in range(n):
        at = rng.uniform(box[2], box[3]), rng.uniform(box[0], box[1])
        depth = np.sort(rng.uniform(13.0, 1900.0, 20))
        for name, size in (("thetao", 1.0), ("so", 0.2)):
            value = sea(name, np.array(at[0]), np.array(at[1])) + LAPSE[name] * depth + size * rng.standard_normal(20)
            parts.append(made(*at, value, name, "insitu", 0.02, depth, rng.uniform(-4.9, 4.9)))
    return Points.concatenate(parts)


DEEP_FIRST = with_levels()
ALL = Points.concatenate([POINTS, profiles()])
