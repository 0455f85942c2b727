"""What the instruments see of the simulated Gulf Stream in a day: counts, and the picture of docs/observing.md.

Run ``python tests/benchmarks/osse_observing.py DIR [--picture docs/_static/observing_day.png]``, where
``adaf osse gulf-stream-v1 --out DIR`` made DIR.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import xarray as xr

from adaf_xr.osse.observing import CONSTELLATIONS, GriddedOcean, observe

DAY = np.datetime64("2012-11-10", "ns")
BOX = (-65.0, -55.0, 33.0, 43.0)
LENGTHS = {"argo": 10}
"""Days that a panel shows, where it is not one."""

ALTIMETERS = CONSTELLATIONS["swot+4-nadirs"]


def seen(ocean: GriddedOcean, system: str) -> xr.Dataset:
    """Points of a system in the box, errors included."""
    stop = DAY + np.timedelta64(LENGTHS.get(system, 1), "D")
    return observe(ocean, system, (DAY, stop), seed=0, region=BOX).adaf.points().compute()


def present(points: xr.Dataset, name: str) -> xr.Dataset:
    """Rows with a value."""
    return points.isel(obs=np.isfinite(points[name].values))


def draw(truth: xr.Dataset, points: dict[str, xr.Dataset], file: Path) -> None:
    """Six panels: the truth, altimeters, temperature, salinity, wind, floats and drifters."""
    import cmocean
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, 3, figsize=(9.2, 6.4), sharex=True, sharey=True, layout="constrained")
    height = {"cmap": "RdBu_r", "vmin": -1.0, "vmax": 1.0}
    shown = axes[0, 0].pcolormesh(truth.longitude, truth.latitude, truth.zos, **height)
    figure.colorbar(shown, ax=axes[0, 0], label="m")
    axes[0, 0].set_title("truth: sea level")
    panels = (
        (axes[0, 1], ALTIMETERS, "zos", height, "four nadir altimeters and SWOT", "m"),
        (axes[0, 2], ("sst",), "thetao", {"cmap": cmocean.cm.thermal}, "sst: two passes of 4 km", "°C"),
        (axes[1, 0], ("sss",), "so", {"cmap": cmocean.cm.haline}, "sss: two swaths of 0.25°", ""),
    )
    for ax, systems, name, how, title, unit in panels:
        rows = xr.concat([present(points[s], name)[[name]].reset_coords() for s in systems], "obs", join="override")
        shown = ax.scatter(
            rows.longitude, rows.latitude, c=rows[name], s=1.2 if name != "so" else 13, marker="s", **how
        )
        figure.colorbar(shown, ax=ax, label=unit)
        ax.set_title(title)
    wind = present(points["wind"], "uas")
    speed = np.hypot(wind.uas, wind.vas)
    shown = axes[1, 1].quiver(
        wind.longitude, wind.latitude, wind.uas, wind.vas, speed, cmap=cmocean.cm.speed, width=0.005
    )
    figure.colorbar(shown, ax=axes[1, 1], label="m s⁻¹")
    axes[1, 1].set_title("wind: cells of 25 km")
    for system, style in (("argo", "k^"), ("drifters", "C3.")):
        axes[1, 2].plot(points[system].longitude, points[system].latitude, style, ms=5, label=system)
    axes[1, 2].legend(["argo, ten days", "drifters, one day"], loc="lower right", fontsize="small")
    axes[1, 2].set_title("floats and drifters")
    west, east, south, north = BOX
    axes[0, 0].set(xlim=(west, east), ylim=(south, north), ylabel="latitude")
    axes[1, 0].set(xlabel="longitude", ylabel="latitude")
    figure.savefig(file, dpi=80)


def main() -> None:
    """Print the counts, and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("experiment", type=Path)
    parser.add_argument("--picture", type=Path)
    how = parser.parse_args()
    ocean = GriddedOcean(how.experiment / "truth.zarr")
    points = {system: seen(ocean, system) for system in (*ALTIMETERS, "sst", "sss", "wind", "argo", "drifters")}
    for system, table in points.items():
        values = {str(n): int(np.isfinite(table[n]).sum()) for n in table.data_vars if not str(n).endswith("_error")}
        print(f"{system:20} {LENGTHS.get(system, 1):3d} d  " + ", ".join(f"{n} {count}" for n, count in values.items()))
    if how.picture:
        west, east, south, north = BOX
        whole = xr.open_zarr(how.experiment / "truth.zarr", consolidated=False).sel(time=DAY)
        draw(whole.sel(latitude=slice(south, north), longitude=slice(west, east)), points, how.picture)


if __name__ == "__main__":
    main()
