"""Cost of the default model: ``python tests/benchmarks/bench_adaf_ocean.py [--threads 2] [--points 10000000 ...]``.

A global analysis of five variables at 0.25 degrees, from a background of 1 degree and ten days of observations at their
native resolution: swaths of sea surface temperature, salinity, wind and ice, tracks of altimeters, floats and drifters.
Random weights, which cost what trained ones do. In the same run the forward passes of the published network over the
globe at 1 degree, from the windows of a sample as a straightforward program runs them (see ``bench_cnp.py``), and what
`assimilate` costs beyond the model alone, the observations being chunks of points in memory.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path

import numpy as np
import torch
import xarray as xr

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bench_cnp

import adaf_xr
from adaf_xr import ocean_mask
from adaf_xr.cf.canonical import CODES, SOURCES
from adaf_xr.models.adaf_ocean.channels import STATE
from adaf_xr.models.adaf_ocean.configuration import Configuration
from adaf_xr.models.adaf_ocean.engine import AdafOcean
from adaf_xr.models.adaf_ocean.network import AdafOceanNetwork
from adaf_xr.models.base import Background, Targets
from adaf_xr.models.cnp import released
from adaf_xr.models.cnp.lattices import lattice_of_phase
from adaf_xr.models.cnp.windows import Tiling
from adaf_xr.osse.orbits import Orbit
from adaf_xr.points.arrays import Points

WHEN = np.datetime64("2020-01-06", "ns")

SUN_SYNCHRONOUS = Orbit(98.7, 101.4, 10.0, 1.0)

SWATHS = {
    "sst": (0.62, SUN_SYNCHRONOUS, 1400.0, 1000, {"thetao": (15.0, 8.0)}),
    "wind": (0.2, SUN_SYNCHRONOUS, 900.0, 72, {"uas": (0.0, 8.0), "vas": (0.0, 8.0)}),
    "ssh": (0.09, Orbit.repeating(66.04, 9.9156, 127, 10), 0.0, 1, {"zos": (0.0, 0.3)}),
    "sss": (0.06, Orbit(98.1, 98.5, 70.0, 1.0), 500.0, 40, {"so": (35.0, 1.0)}),
    "ice": (0.025, SUN_SYNCHRONOUS, 700.0, 56, {"siconc": (0.5, 0.2)}),
}
"""Share of all points, orbit, half width [km], pixels across, and mean and spread of what is measured."""

INSITU = {"thetao": (15.0, 8.0), "so": (35.0, 1.0), "uo": (0.0, 0.3), "vo": (0.0, 0.3)}

FIELDS = {"zos": (0.0, 0.3), "thetao": (15.0, 8.0), "so": (35.0, 1.0), "uo": (0.0, 0.3), "vo": (0.0, 0.3)}

CHUNK = 1_000_000
"""Points in a chunk of the lazy path."""

CLOCK = [time.perf_counter]
"""What tells seconds."""

WINDOWS = 16
"""Windows of the published network that are timed."""


def points_of(latitude, longitude, days, source, name, mean, spread, rng) -> Points:
    """Points of one variable with random values."""
    n = latitude.size
    time_ = WHEN + (days * 86400e9).astype("m8[ns]")
    value = mean + spread * rng.uniform(-1.0, 1.0, n)
    codes = np.full(n, CODES[name], "i1"), np.full(n, SOURCES.index(source), "i1")
    return Points(longitude, latitude, np.zeros(n, "f4"), time_, value, np.full(n, np.nan, "f4"), *codes)


def observed(n: int) -> Points:
    """Close to `n` observations of all sources in ten days, in the order in which instruments give them."""
    rng, parts = np.random.default_rng(0), []
    for source, (share, orbit, half, pixels, what) in SWATHS.items():
        scans = max(1, int(n * share / len(what)) // pixels)
        days = np.sort(rng.uniform(-5.0, 5.0, scans))
        latitude, longitude = (
            orbit.track(days)
            if pixels == 1
            else (a.ravel() for a in orbit.swath(days, np.linspace(-half, half, pixels)))
        )
        for name, (mean, spread) in what.items():
            parts.append(points_of(latitude, longitude, np.repeat(days, pixels), source, name, mean, spread, rng))
    n_insitu = max(1, n // 800)
    latitude = np.degrees(np.arcsin(rng.uniform(-1.0, 1.0, n_insitu)))
    longitude, days = rng.uniform(-180.0, 180.0, n_insitu), rng.uniform(-5.0, 5.0, n_insitu)
    for name, (mean, spread) in INSITU.items():
        parts.append(points_of(latitude, longitude, days, "insitu", name, mean, spread, rng))
    return Points.concatenate(parts)


def first_guess() -> Background:
    """A global background of 1 degree."""
    latitude, longitude = np.arange(-89.5, 90.0), np.arange(-179.5, 180.0)
    rng, sea = np.random.default_rng(1), ocean_mask.sea(latitude, longitude)
    fields = {
        name: np.where(sea, mean + spread * rng.uniform(-1.0, 1.0, sea.shape), np.nan)
        for name, (mean, spread) in FIELDS.items()
    }
    return Background(latitude, longitude, np.empty(0), fields)


def quarter_degrees() -> Targets:
    """The globe at 0.25 degrees."""
    return Targets(np.arange(-89.875, 90.0, 0.25), np.arange(-179.875, 180.0, 0.25))


def bare(engine: AdafOcean, points: Points, first: Background, where: Targets) -> tuple[float, float]:
    """Seconds to encode and to analyse."""
    start = CLOCK[0]()
    encoded = engine.encode(points, first, WHEN)
    half = CLOCK[0]()
    engine.analyse(encoded, first, where)
    return half - start, CLOCK[0]() - half


def labelled(points: Points) -> list[xr.Dataset]:
    """The same points as lazy datasets, one for every source and variable."""
    found = []
    for code, source in enumerate(SOURCES):
        rows = points.take(points.source == code)
        for number in np.unique(rows.variable):
            part = rows.take(rows.variable == number)
            name = list(CODES)[number]
            where = {key: ("obs", getattr(part, key)) for key in ("longitude", "latitude", "depth", "time")}
            attrs = {"featureType": "point", "source": source}
            found.append(xr.Dataset({name: ("obs", part.value)}, where, attrs).chunk(obs=CHUNK))
    return found


def lazy(engine: AdafOcean, datasets: list[xr.Dataset], first: Background, threads: int) -> float:
    """Seconds of `assimilate`, from the call to the numbers."""
    units = {"zos": "m", "thetao": "degC", "so": "1e-3", "uo": "m s-1", "vo": "m s-1"}
    fields = {name: (("latitude", "longitude"), first.fields[name], {"units": units[name]}) for name in STATE}
    axes = {"latitude": first.latitude, "longitude": first.longitude, "time": WHEN}
    start = CLOCK[0]()
    an = adaf_xr.assimilate(datasets, xr.Dataset(fields, axes), model=engine)
    an.compute(scheduler="threads", num_workers=threads)
    return CLOCK[0]() - start


def published() -> float:
    """Seconds of the published network's forward passes over the globe at 1 degree, from some of its windows."""
    network = released(seed=0).eval().requires_grad_(False)
    day = bench_cnp.random_day(network.configuration, np.random.default_rng(0))
    tiling = Tiling.of(lattice_of_phase(1.0, network.configuration.phase), network.configuration)
    globe = tiling.touching(np.ones(tiling.lattice.shape, bool))
    some = tuple(axis[1000 : 1000 + WINDOWS] for axis in globe)
    with torch.inference_mode():
        bench_cnp.run(bench_cnp.plain(network, day, tiling, tuple(axis[:1] for axis in some), 1))
        each = bench_cnp.run(bench_cnp.plain(network, day, tiling, some, bench_cnp.AT_ONCE[1.0])) / WINDOWS
    return each * globe[0].size


def peak() -> float:
    """Largest memory of this process so far [GiB]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    """Print the tables."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--points", type=int, nargs="*", default=[10_000, 100_000, 1_000_000, 10_000_000])
    arguments.add_argument("--repeat", type=int, default=3, help="runs, of which the fastest counts")
    arguments.add_argument("--lazy", action="store_true", help="and `assimilate` beside the model alone")
    arguments.add_argument("--published", action="store_true", help="and the published network, in the same run")
    arguments.add_argument(
        "--cpu", action="store_true", help="processor time of all threads, on a machine that is busy"
    )
    options = arguments.parse_args()
    CLOCK[0] = bench_cnp.CLOCK[0] = time.process_time if options.cpu else time.perf_counter
    torch.set_num_threads(options.threads)
    engine = AdafOcean(AdafOceanNetwork(Configuration()).eval().requires_grad_(False))
    first, where = first_guess(), quarter_degrees()
    clock = "processor" if options.cpu else "wall-clock"
    print(f"global 0.25 degree analyses of {len(STATE)} variables, {options.threads} threads, {clock} seconds")
    print(f"{'points':>10}{'encode':>9}{'analyse':>9}{'together':>10}{'assimilate':>12}{'peak [GiB]':>12}")
    for n in options.points:
        points = observed(n)
        encode, analyse = min((bare(engine, points, first, where) for _ in range(options.repeat)), key=sum)
        memory, through = peak(), ""
        if options.lazy:
            datasets = labelled(points)
            through = f"{min(lazy(engine, datasets, first, options.threads) for _ in range(options.repeat)):.2f}"
        print(
            f"{len(points):>10}{encode:>9.2f}{analyse:>9.2f}{encode + analyse:>10.2f}{through:>12}{memory:>12.2f}",
            flush=True,
        )
    if options.published:
        whole = published()
        print(f"published network, forward passes over the globe at 1 degree: {whole:.0f}", end="")
        print(f", {whole / (encode + analyse):.0f} times as much as the last line")


if __name__ == "__main__":
    main()
