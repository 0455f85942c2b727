"""Speed of turning an SST swath into points: `python tests/benchmarks/bench_points.py`.

Prints points per second from a swath in memory (median of several runs), and how the cost grows from 1 to 10 million
points. The wanted figures are at least 5 million points per second on two cores, and a growth of at most 11.
"""

import time
from statistics import median

import numpy as np
import xarray as xr

from adaf_xr.points import to_points

SCALE = 10


def swath(rows: int, columns: int = 1000, seed: int = 0) -> xr.Dataset:
    """A level-2 granule as xarray opens it: 2-D positions, SST in kelvin, quality, bias and time of each pixel."""
    rng = np.random.default_rng(seed)
    shape = (1, rows, columns)
    latitude = np.linspace(-80, 80, rows)[:, None] + np.linspace(0, 5, columns)
    longitude = np.linspace(0, 300, rows)[:, None] + np.linspace(0, 40, columns)
    sst = 285 + 10 * rng.random(shape, dtype="f4")
    sst[rng.random(shape) < 0.1] = np.nan
    pixel = ("time", "nj", "ni")
    return xr.Dataset(
        {
            "sea_surface_temperature": (
                pixel,
                sst,
                {"units": "kelvin", "standard_name": "sea_surface_subskin_temperature"},
            ),
            "sst_dtime": (pixel, rng.integers(0, 6000, shape).astype("f4"), {"units": "seconds"}),
            "sses_bias": (pixel, rng.normal(0, 0.1, shape).astype("f4"), {"units": "kelvin"}),
            "sses_standard_deviation": (pixel, rng.random(shape, dtype="f4"), {"units": "kelvin"}),
            "quality_level": (pixel, rng.choice([2, 4, 5], shape, p=[0.1, 0.1, 0.8]).astype("f4")),
        },
        coords={
            "lat": (("nj", "ni"), latitude.astype("f4"), {"units": "degrees_north", "standard_name": "latitude"}),
            "lon": (("nj", "ni"), longitude.astype("f4"), {"units": "degrees_east", "standard_name": "longitude"}),
            "time": ("time", np.array(["2020-01-01"], "datetime64[ns]")),
        },
    )


def seconds(ds: xr.Dataset, runs: int = 5) -> float:
    """Median time of one conversion."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        to_points(ds)
        times.append(time.perf_counter() - start)
    return median(times)


def main() -> None:
    """Print the figures."""
    small, large = swath(1_000), swath(1_000 * SCALE)
    one, ten = seconds(small), seconds(large)
    pixels = large.sea_surface_temperature.size
    print(f"points from a 2-D swath in memory: {pixels / ten / 1e6:.1f} million pixels/s ({pixels / 1e6:.0f} M)")
    print(f"cost of {SCALE} M against 1 M pixels: {ten / one:.1f} times")


if __name__ == "__main__":
    main()
