"""Cost is linear in observations: 10 million points against 1 million, through `points` and `encode`.

Run ``python tests/benchmarks/bench_linear.py``. A satellite swath of sea surface temperature (2-D positions, quality
levels, biases, time offsets) is turned into points, decoded and encoded for one analysis; medians of three runs.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
import xarray as xr

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import toy

from adaf_xr.inference.encoding import Box, Encoding, Scene, in_cell
from adaf_xr.inference.observations import decode
from adaf_xr.models.base import Background
from adaf_xr.models.optimal_interpolation import OptimalInterpolation
from adaf_xr.points import to_points

NOON = np.datetime64("2020-01-01T12:00", "ns")


def swath(rows: int, columns: int = 1000) -> xr.Dataset:
    """A GHRSST-like L2P granule of rows x columns pixels over the Atlantic."""
    rng = np.random.default_rng(0)
    dims = ("nj", "ni")
    lat = np.linspace(-60, 60, rows)[:, None] + np.linspace(0, 0.5, columns)[None, :]
    lon = np.linspace(-60, -20, rows)[:, None] + np.linspace(0, 20, columns)[None, :]
    shape = lat.shape
    return xr.Dataset(
        {
            "sea_surface_temperature": (dims, 290 + rng.normal(size=shape).astype("f4"), {"units": "kelvin"}),
            "sst_dtime": (dims, rng.integers(0, 6000, shape).astype("f4"), {"units": "seconds"}),
            "sses_bias": (dims, np.full(shape, 0.1, "f4"), {"units": "kelvin"}),
            "sses_standard_deviation": (dims, np.full(shape, 0.4, "f4"), {"units": "kelvin"}),
            "quality_level": (dims, rng.integers(2, 6, shape).astype("i1")),
        },
        {"lat": (dims, lat.astype("f4")), "lon": (dims, lon.astype("f4")), "time": NOON},
    )


def through(ds: xr.Dataset, background: Background) -> tuple[float, float]:
    """Seconds in `points` and in decoding and encoding."""
    begin = time.perf_counter()
    points = to_points(ds)
    half = time.perf_counter()
    table = {str(name): points[name].values for name in (*points.coords, *points.data_vars)}
    work = Encoding(OptimalInterpolation(), Box(-180.0, 360.0, -90.0, 90.0), ("sst",))
    work.encode(in_cell(decode(table, "sst", None)), in_cell(Scene(NOON, background)))
    return half - begin, time.perf_counter() - half


def main() -> None:
    """Measure and print."""
    bg = toy.background(1, box=(-70.0, 10.0, -62.0, 62.0), names=("thetao",)).isel(time=0).compute()
    background = Background(bg.latitude.values, bg.longitude.values, np.empty(0), {"thetao": bg.thetao.values})
    totals = {}
    print(f"{'points':>12s} {'points [s]':>12s} {'encode [s]':>12s} {'total [s]':>12s}")
    for millions in (1, 10):
        runs = np.array([through(swath(1000 * millions), background) for _ in range(3)])
        totals[millions] = median(runs.sum(axis=1))
        print(f"{millions * 10**6:12d} {median(runs[:, 0]):12.2f} {median(runs[:, 1]):12.2f} {totals[millions]:12.2f}")
    print(f"ratio 10 M to 1 M: {totals[10] / totals[1]:.1f}")


if __name__ == "__main__":
    main()
