"""Seconds of the published scores of 43 days of 200 by 200 pixels: `python tests/benchmarks/bench_spectra.py`.

The scales are wanted in less than 2 s. The yardstick, in the same run, is what they cannot do without: numpy's 2-D
Fourier transform of the error and of the reference, one row of latitude after the other.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter

from adaf_xr import metrics

SHAPE = (43, 200, 200)
ROUNDS = 5


def maps(seed: int) -> xr.DataArray:
    """Smooth noise on the grid of the evaluation box of the 4DVarNet paper."""
    values = gaussian_filter(np.random.default_rng(seed).normal(size=SHAPE), (2.0, 4.0, 4.0), mode="wrap")
    axes = {
        "time": np.datetime64("2012-10-22", "ns") + np.arange(SHAPE[0]) * np.timedelta64(1, "D"),
        "latitude": 33.0 + 0.05 * np.arange(SHAPE[1]),
        "longitude": -65.0 + 0.05 * np.arange(SHAPE[2]),
    }
    return xr.DataArray(10.0 * values, axes, list(axes), "zos")


def transforms(rec: xr.DataArray, ref: xr.DataArray) -> float:
    """The Fourier transforms alone."""
    total = 0.0
    for field in (rec.values - ref.values, ref.values):
        for row in range(field.shape[1]):
            total += abs(np.fft.fft2(field[:, row])[1, 1])
    return total


def seconds(call: Callable[[], Any]) -> float:
    """Median time of some calls, after one to warm up."""
    call()
    spent = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        call()
        spent.append(time.perf_counter() - begin)
    return median(spent)


def main() -> None:
    """Print the figures."""
    u_ref, v_ref, ssh_ref = (maps(seed) for seed in range(3))
    u, v, ssh = (ref + 0.3 * maps(seed + 3) for seed, ref in enumerate((u_ref, v_ref, ssh_ref)))
    plain = seconds(lambda: transforms(ssh, ssh_ref))
    calls = {
        "lambda_x_t": lambda: metrics.lambda_x_t(ssh, ssh_ref),
        "mu_sigma": lambda: metrics.mu_sigma(ssh, ssh_ref),
        "effective_resolution": lambda: metrics.effective_resolution(ssh, ssh_ref),
        'tau, filter="paper"': lambda: metrics.tau(u, v, u_ref, v_ref).load(),
        "tau, filter=None": lambda: metrics.tau(u, v, u_ref, v_ref, filter=None).load(),
        "paper_scores": lambda: metrics.paper_scores(u, v, ssh, u_ref, v_ref, ssh_ref),
    }
    print(f"{'numpy.fft.fft2 of 2 x 200 rows':32s} {plain:7.3f} s")
    for name, call in calls.items():
        spent = seconds(call)
        wanted = " (wanted: < 2 s)" if name == "lambda_x_t" else ""
        print(f"{name:32s} {spent:7.3f} s   ratio to fft2 {spent / plain:6.2f}{wanted}")


if __name__ == "__main__":
    main()
