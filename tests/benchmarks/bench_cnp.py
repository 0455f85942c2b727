"""Cost of the published network over the globe: ``python tests/benchmarks/bench_cnp.py [--all] [--threads 2]``.

A day of random observations, random weights. Window by window, as a straightforward program runs it, against windows
that share the points they have in common; both in one run, on the windows of one tile, extrapolated to all windows of
the globe by their number, 2,520 at 1 degree. ``--all`` runs ours on all of them instead: the released network takes
minutes.
"""

import argparse
import resource
import time
from collections import defaultdict
from contextlib import contextmanager
from unittest.mock import patch

import numpy as np
import torch

from adaf_xr.models.base import Background, Targets
from adaf_xr.models.cnp import AdafOceanCNP, patches, released, thinned, tiles
from adaf_xr.models.cnp.day import Day
from adaf_xr.models.cnp.gridding import Encoded
from adaf_xr.models.cnp.lattices import lattice_of, lattice_of_phase
from adaf_xr.models.cnp.windows import Tiling
from adaf_xr.points.arrays import Points

AT_ONCE = {1.0: 8, 0.25: 4}
"""Windows per call of the straightforward program."""

CLOCK = [time.perf_counter]
"""What tells seconds."""

SMALL = 0.02
"""Share of the time below which a part is not worth a line."""

CORNER = 8, 32
"""The tile that is timed: row and column of its first window."""


def random_day(configuration, rng):
    """A tenth of the cells of every source, and 5,000 profiles."""
    grids = {}
    for source in configuration.sources:
        if source.gridded:
            low, high = np.array(source.ranges, "f4").T[:, :, None, None]
            share = rng.random((len(source.channels), *lattice_of(source, configuration).shape), dtype="f4")
            seen = 1.0 if source.kind == "background" else 0.1
            grids[source.key] = np.where(share < seen, low + (high - low) * share / seen, np.float32(np.nan))
    n = 5000
    insitu = [np.sort(rng.uniform(-90, 90, n)), rng.uniform(-180, 180, n), rng.uniform(0, 10, n)]
    return Day(grids, np.stack([*insitu, rng.uniform(0, 30, n), rng.uniform(30, 38, n)], axis=1).astype("f4"))


@contextmanager
def timed(network):
    """Seconds by part, of everything that runs meanwhile."""
    spent = defaultdict(float)

    def clocked(function, label):
        def run(*args, **kwargs):
            start = CLOCK[0]()
            result = function(*args, **kwargs)
            spent[label(args)] += CLOCK[0]() - start
            return result

        return run

    def of_source(what):
        return lambda args: f"{'SST' if args[0] == 'sate_sst' else 'other sources'}: {what}"

    with (
        patch.object(network, "encode_points", clocked(network.encode_points, of_source("points one by one"))),
        patch.object(network, "mix", clocked(network.mix, of_source("linear map over points"))),
        patch.object(network, "decode", clocked(network.decode, lambda _: "decoder")),
        patch.object(tiles, "patch", clocked(tiles.patch, lambda _: "patches")),
        patch.object(tiles, "nearby", clocked(tiles.nearby, lambda _: "patches")),
        patch.object(patches, "patch", clocked(patches.patch, lambda _: "patches")),
        patch.object(patches, "nearby", clocked(patches.nearby, lambda _: "patches")),
    ):
        yield spent


def plain(network, day, tiling, windows, at_once):
    """Residuals of a few windows at a time, each from its own points."""
    configuration = network.configuration
    for start in range(0, windows[0].size, at_once):
        rows, columns = (axis[start : start + at_once] for axis in windows)
        tables = patches.inputs(day, *tiling.centres(rows, columns), 0.0, configuration)
        yield network(tables, patches.targets(tiling.lattice, rows, columns, 0.0, configuration))


def run(what):
    """Seconds that a generator takes."""
    start = CLOCK[0]()
    for _ in what:
        pass
    return CLOCK[0]() - start


def compare(name, network, spacing, sample):
    """One line for a network and a spacing, and where its time goes."""
    configuration = network.configuration
    day = random_day(configuration, np.random.default_rng(0))
    tiling = Tiling.of(lattice_of_phase(spacing, configuration.phase), configuration)
    globe = tiling.touching(np.ones(tiling.lattice.shape, bool))
    down, across = tiles.tile_shape(configuration, tiling, 300)
    first = [axis[k - k % n] for axis, k, n in zip((tiling.rows, tiling.columns), CORNER, (down, across), strict=True)]
    inside = (globe[0] >= first[0]) & (globe[0] < first[0] + down * tiling.steps[0])
    inside &= (globe[1] >= first[1]) & (globe[1] < first[1] + across * tiling.steps[1])
    tile = tuple(axis[inside] for axis in globe)
    some = tuple(axis[:sample] for axis in tile)
    with torch.inference_mode():
        run(plain(network, day, tiling, tuple(axis[:1] for axis in some), 1))
        straightforward = run(plain(network, day, tiling, some, AT_ONCE[spacing])) / some[0].size
        with timed(network) as spent:
            ours = run(tiles.residuals(network, day, tiling, tile, 0.0, 300)) / tile[0].size
    total, each = globe[0].size, tile[0].size
    print(
        f"{name:9}{spacing:>6}{straightforward * total:>10.1f} ({some[0].size:>3}){ours * total:>10.1f} ({each:>3})"
        f"{straightforward / ours:>8.1f}"
    )
    spent["cutting and joining"] = ours * each - sum(spent.values())
    for part, seconds in sorted(spent.items(), key=lambda item: -item[1]):
        if (share := seconds / (ours * each)) >= SMALL:
            print(f"{'':17}{part:40}{seconds / each * total:>8.1f} s {100 * share:>4.0f} %")


def whole(name, network, spacing):
    """Seconds and memory of a global analysis by the engine, on cells that are all sea."""
    engine = AdafOceanCNP(network)
    rng = np.random.default_rng(0)
    lattice = lattice_of_phase(1.0, network.configuration.phase)
    axes = lattice.latitude(np.arange(180)), lattice.longitude(np.arange(360))
    fields = {name: rng.normal(size=(180, 360)) for name in network.configuration.variables}
    background = Background(*axes, np.empty(0), fields)
    day = random_day(network.configuration, rng)
    fine = lattice_of_phase(spacing, network.configuration.phase)
    where = Targets(*(axis(np.arange(n)) for axis, n in zip((fine.latitude, fine.longitude), fine.shape, strict=True)))
    encoded = Encoded.of(Points.empty(), network.configuration)
    tiling = Tiling.of(fine, network.configuration)
    windows = tiling.rows.size * tiling.columns.size
    with patch.object(Encoded, "day", lambda *_: day):
        start = time.perf_counter(), time.process_time()
        engine.analyse(encoded, background, where)
        wall, processor = time.perf_counter() - start[0], time.process_time() - start[1]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{name} at {spacing} degrees, all {windows} windows: {wall:.0f} s, {processor:.0f} s of processors, "
        f"{memory:.1f} GiB at most"
    )


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--all", action="store_true", help="all windows of the globe, ours only")
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--networks", nargs="*", default=["thinned", "released"])
    arguments.add_argument("--spacings", nargs="*", type=float, default=[1.0, 0.25])
    arguments.add_argument(
        "--cpu", action="store_true", help="processor time of all threads, on a machine that is busy"
    )
    options = arguments.parse_args()
    CLOCK[0] = time.process_time if options.cpu else time.perf_counter
    torch.set_num_threads(options.threads)
    networks = {"thinned": thinned, "released": released}
    if not options.all:
        clock = "processor" if options.cpu else "wall-clock"
        print(f"{clock} seconds for the globe, extrapolated from (n) windows; {options.threads} threads")
        print(f"{'network':9}{'deg':>6}{'plain (n)':>16}{'ours (n)':>16}{'ratio':>8}")
    for name in options.networks:
        network = networks[name](seed=0).eval().requires_grad_(False)
        for spacing in options.spacings:
            if options.all:
                whole(name, network, spacing)
            else:
                compare(name, network, spacing, 32 if name == "thinned" else 16)


if __name__ == "__main__":
    main()
