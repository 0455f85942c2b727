"""The global nature run beside altimetry: ``python tests/benchmarks/global_statistics.py --duacs FILE``.

Prints the table of docs/global_run.md for one day of the run and for one DUACS map of absolute dynamic topography, on
their common grid of 0.25 degrees, 10 to 65 degrees from the equator. Without ``--truth`` (zarr of a nature run) two
weeks are simulated first, which takes some minutes; ``--pictures docs/_static`` draws the last day.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from osse_statistics import save

from adaf_xr import kinematics
from adaf_xr.metrics import psd, spectral_slope
from adaf_xr.osse import currents
from adaf_xr.osse.global_run import GlobalRun
from adaf_xr.osse.globe import smooth
from adaf_xr.osse.mean_state_recipe import SMOOTHING

OPEN_WATER = {"latitude": slice(30, 45), "longitude": slice(-175, -130)}
GULF_STREAM = {"latitude": slice(33, 43), "longitude": slice(-65, -55)}


def average(field: NDArray, latitude: NDArray) -> float:
    """Mean over the water between 10 and 65 degrees, by area."""
    off = np.abs(latitude)
    weight = np.where((off > 10.0) & (off < 65.0), np.cos(np.radians(latitude)), 0.0)[:, None] * np.isfinite(field)
    return float(np.nansum(weight * field) / weight.sum())


def first_zero(eddies: NDArray, latitude: NDArray, at: float) -> float:
    """Zonal distance [km] at which the correlation of eddies about a latitude of either hemisphere is first zero."""
    row = eddies[np.abs(np.abs(latitude) - at) < 2.5]
    lag = next(i for i in range(1, 200) if np.nanmean(row * np.roll(row, i, axis=1)) < 0.0)
    cell = 1e-3 * kinematics.RADIUS * kinematics.RADIAN * (latitude[1] - latitude[0])
    return lag * cell * float(np.cos(np.radians(at)))


def of_height(height: xr.DataArray) -> dict[str, float]:
    """What one map of height tells of its eddies."""
    latitude, longitude = height.latitude.values, height.longitude.values
    values = height.values.astype("f8")
    eddies = values - smooth(values, SMOOTHING)
    u, v = currents.geostrophic(values, latitude, longitude)
    energy = height.copy(data=0.5e4 * (u**2 + v**2))
    box = height.copy(data=eddies).sel(OPEN_WATER)
    degree = 1e-3 * kinematics.RADIUS * kinematics.RADIAN * np.cos(np.radians(37.5))
    density = psd(box, "longitude").mean("latitude")
    density = density.assign_coords(frequency_longitude=density.frequency_longitude / degree)
    return {
        "rms height of eddies [cm]": 100.0 * np.sqrt(average(eddies**2, latitude)),
        "geostrophic kinetic energy [cm2 s-2]": average(energy.values, latitude),
        "the same, 33-43 N, 65-55 W": float(energy.sel(GULF_STREAM).mean()),
        **{
            f"first zero of the zonal correlation, {at} deg [km]": first_zero(eddies, latitude, at)
            for at in (15, 30, 40)
        },
        "slope of the zonal spectrum, 200-400 km": spectral_slope(density, (200.0, 400.0)),
        "the same, 100-250 km": spectral_slope(density, (100.0, 250.0)),
    }


def of_day(day: xr.Dataset) -> dict[str, float]:
    """What only the run knows."""
    latitude, step = day.latitude.values, float(np.diff(day.latitude[:2])[0])
    height, warmth = (day[name].values - smooth(day[name].values.astype("f8"), SMOOTHING) for name in ("zos", "thetao"))
    axes = (day.uo.values.astype("f8"), day.vo.values.astype("f8"), latitude, step, step)
    spin, spread = kinematics.vorticity(*axes, periodic=True), kinematics.divergence(*axes, periodic=True)
    f = kinematics.coriolis(latitude)[:, None]
    variance = {name: average(a * b, latitude) for name, a, b in (
        ("h", height, height), ("t", warmth, warmth), ("ht", height, warmth), ("spin", spin, spin),
        ("spread", spread, spread),
    )}  # fmt: skip
    return {
        "rms temperature of eddies [K]": np.sqrt(variance["t"]),
        "its correlation with height": variance["ht"] / np.sqrt(variance["h"] * variance["t"]),
        "rms vorticity / f": np.sqrt(average((spin / f) ** 2, latitude)),
        "variance of divergence / vorticity": variance["spread"] / variance["spin"],
    }


def draw(day: xr.Dataset, folder: Path) -> None:
    """Height, temperature and speed of a day."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    panels = (
        ("sea surface height [m]", day.zos, "RdBu_r", -1.7, 1.7),
        ("sea surface temperature [°C]", day.thetao, "inferno", -2.0, 31.0),
        ("speed of the surface current [m s⁻¹]", np.hypot(day.uo, day.vo), "viridis", 0.0, 0.8),
    )
    figure, axes = plt.subplots(3, 1, figsize=(9, 12.6), layout="constrained", sharex=True)
    for axis, (title, field, colours, low, high) in zip(axes, panels, strict=True):
        axis.set_facecolor("0.8")
        shown = axis.imshow(field, origin="lower", extent=(-180, 180, -90, 90), cmap=colours, vmin=low, vmax=high)
        axis.set(title=title, xticks=range(-180, 181, 60), yticks=range(-60, 61, 30), ylim=(-80, 90))
        figure.colorbar(shown, ax=axis, shrink=0.8, extend="both" if low < 0 else "max")
    save(figure, folder / "global_run.png", dpi=80)


def main() -> None:
    """Print the table; draw where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--truth", type=Path, help="zarr of a global nature run at 0.25 degrees; else one is simulated")
    parser.add_argument("--duacs", type=Path, help="a DUACS map")
    parser.add_argument("--pictures", type=Path, help="folder for the picture")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.truth is None:
        *_, whole = GlobalRun(days=14).snapshots()
    else:
        whole = xr.open_zarr(options.truth)
    day = whole.isel(time=-1).load()
    found = {"run": {**of_height(day.zos), **of_day(day)}}
    if options.duacs:
        with xr.open_dataset(options.duacs) as ds:
            turned = ds.adt.isel(time=0).assign_coords(longitude=(ds.longitude + 180) % 360 - 180).sortby("longitude")
            found["DUACS"] = of_height(turned.load())
    print(f"{'':52}" + "".join(f"{name:>10}" for name in found))
    for name in found["run"]:
        print(f"{name:52}" + "".join(f"{part[name]:10.3g}" if name in part else "" for part in found.values()))
    if options.pictures:
        draw(day, options.pictures)


if __name__ == "__main__":
    main()
