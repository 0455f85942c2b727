"""The standard experiments, named and versioned: what a name holds does not change, a change makes a new name."""

from __future__ import annotations

import numpy as np

from adaf_xr.osse.background import Background
from adaf_xr.osse.global_run import GlobalRun
from adaf_xr.osse.nature_run import NatureRun
from adaf_xr.osse.observing import CONSTELLATIONS
from adaf_xr.osse.plan import Experiment
from adaf_xr.osse.splits import periods

FLOATING = ("argo", "drifters")
"""Systems that are carried by the sea."""

START, DAYS = np.datetime64("2012-10-01"), 540
"""Of the Gulf Stream, from three weeks before the test period of the challenge to ten days after a year of training."""


def _gulf_stream(name: str, title: str, spacing: float, cells: int) -> Experiment:
    """The set-up of the 4DVarNet paper and of the challenge before it, on a sea of our own."""
    return Experiment(
        name=name,
        title=title,
        nature=NatureRun(start=START, days=DAYS, spacing=spacing, shape=(cells, cells)),
        systems=(*CONSTELLATIONS["swot+4-nadirs"], "sst"),
        stored=CONSTELLATIONS["4-nadirs"],
        # The first guess of the challenge's optimal interpolation is a mean: what it adds is what observations told it.
        background=Background(climatology="train"),
        splits=periods(
            test=("2012-10-22", "2012-12-04"),
            validation=("2013-01-08", "2013-02-08"),
            train=("2013-03-15", "2014-03-15"),
        ),
        noise=False,
        region=(-66.0, -54.0, 32.0, 44.0),
        margin=1.0,
        evaluation=(-65.0, -55.0, 33.0, 43.0),
    )


def _globe(name: str, title: str, spacing: float) -> Experiment:
    """The set-up of ADAF-Ocean: a first guess at 1 degree, a truth at a quarter, and seven inputs."""
    return Experiment(
        name=name,
        title=title,
        nature=GlobalRun(start=START, days=405, spacing=spacing),
        systems=CONSTELLATIONS["adaf-ocean"],
        stored=tuple(name for name in CONSTELLATIONS["adaf-ocean"] if name.startswith("nadir") or name in FLOATING),
        # The radiometer's own 4 km are 75 million pixels a day, of a sea that has no more than a quarter of a degree.
        settings={"sst": {"posting": spacing}},
        # Eddies where they were twelve days ago are as wrong as a forecast has them, and wrong in one piece:
        # height, currents and temperature err together, or no height could mend a current. Fluxes err on their own.
        background=Background(lag=12, coarsening=4, perturbation={"thetao": 0.2, "so": 0.05}, scale=500.0, memory=5.0),
        splits=periods(
            train=("2012-10-18", "2013-04-16"),
            validation=("2013-06-08", "2013-07-08"),
            test=("2013-09-06", "2013-11-05"),
        ),
    )


EXPERIMENTS: dict[str, Experiment] = {
    each.name: each
    for each in (
        _gulf_stream(
            "gulf-stream-v1", "a jet and its eddies at 0.1 degrees, seen by four nadirs, SWOT and SST", 0.1, 256
        ),
        _gulf_stream("gulf-stream-v1-20th", "gulf-stream-v1 at 1/20 of a degree", 0.05, 512),
        _globe("global-v1", "a global sea at 0.25 degrees, seen by the seven sources of ADAF-Ocean", 0.25),
    )
}
"""Standard experiments by name."""
