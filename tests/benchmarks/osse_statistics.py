"""The regional nature run beside the ocean: ``python tests/benchmarks/osse_statistics.py --pictures docs/_static``.

Prints the table of docs/nature_run.md and draws its pictures. Without a file (zarr or netCDF of a nature run) it
simulates one first. Everything is measured in the box of the challenge, 33 to 43 N and 65 to 55 W, at the resolution of
the run. ``--duacs FILE`` measures a map of altimetry in the same box.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr

from adaf_xr import kinematics
from adaf_xr.metrics import psd, spectral_slope, tau_from_ssh
from adaf_xr.osse.nature_run import NatureRun
from adaf_xr.osse.splits import decorrelation_time

BOX = {"latitude": slice(33, 43), "longitude": slice(-65, -55)}

# What the ocean, or the model whose truth the challenge and the paper used, is known for; where no number could be
# traced to its source, the order of magnitude that oceanographers expect.
PUBLISHED = {
    "std of SSH, mean included [m]": "0.39 (NATL60, by the normalisation of a published network); 0.42 (DUACS)",
    "std of SSH in time [m]": "order of 0.3",
    "mean of u2 + v2 [m2 s-2]": "0.26 (NATL60, likewise); 0.28 (DUACS)",
    "EKE along the jet [m2 s-2]": "0.3 at its peak (drifters: Richardson 1983)",
    "EKE of the box [m2 s-2]": "order of 0.1",
    "slope of SSH spectrum, 70-250 km": "-11/3 to -5 (altimetry, its noise removed: Xu and Fu 2012)",
    "rms vorticity / f": "more than 0.14 (DUACS, which is smooth)",
    "rms divergence / f": "order of 0.01 to 0.1",
    "variance of divergence / vorticity [%]": "order of 1 to 10, as far as the flow is balanced",
    "decorrelation of SSH anomaly [d]": "order of 10 to 20",
    "99th percentile of SST gradient [K/10 km]": "order of 1",
    "tau_uv of geostrophy of true SSH [%]": "97 (NATL60: Fablet et al. 2024)",
    "tau_vorticity [%]": "96.3 (the same)",
    "tau_divergence [%]": "-1.0 (the same)",
    "tau_strain [%]": "92.1 (the same)",
    "divergence explained by lap SST [%]": "47 is what 4DVarNet makes of SSH and SST (the same)",
}


def derivatives(box: xr.Dataset) -> dict[str, np.ndarray]:
    """Vorticity and divergence over f, gradient and Laplacian of temperature, two cells off the edges."""
    latitude = box.latitude.values
    axes = (latitude, float(np.diff(latitude[:2])[0]), float(np.diff(box.longitude.values[:2])[0]))
    u, v, warmth = (box[name].values.astype("f8") for name in ("uo", "vo", "thetao"))
    f = kinematics.coriolis(latitude)[:, None]
    slope = kinematics.gradient(warmth, *axes)
    fields = {
        "vorticity": kinematics.vorticity(u, v, *axes) / f,
        "divergence": kinematics.divergence(u, v, *axes) / f,
        "front": np.hypot(*slope),
        "laplacian": kinematics.divergence(*slope, *axes),
    }
    return {name: field[..., 2:-2, 2:-2] for name, field in fields.items()}


def spectrum(box: xr.Dataset) -> xr.DataArray:
    """Density of SSH [m2 km] over zonal wavenumber [cycles/km], mean over rows and days, of kilometres at 38 N."""
    degree = 1e-3 * kinematics.RADIUS * kinematics.RADIAN * np.cos(np.radians(38.0))
    density = degree * psd(box.zos, "longitude").mean(("time", "latitude"))[1:]
    return density.assign_coords(frequency_longitude=density.frequency_longitude / degree)


def statistics(box: xr.Dataset) -> dict[str, float]:
    """The numbers of the table."""
    u, v, height = (box[name].values.astype("f8") for name in ("uo", "vo", "zos"))
    eddy = 0.5 * (u.var(0) + v.var(0))
    made = derivatives(box)
    scores = tau_from_ssh(box.zos, box.uo, box.vo)
    named = zip(
        PUBLISHED,
        (
            height.std(),
            np.sqrt(height.var(0).mean()),
            np.mean(u**2 + v**2),
            eddy.mean(1).max(),
            eddy.mean(),
            spectral_slope(spectrum(box), (70.0, 250.0)),
            np.sqrt(np.mean(made["vorticity"] ** 2)),
            np.sqrt(np.mean(made["divergence"] ** 2)),
            100 * np.mean(made["divergence"] ** 2) / np.mean(made["vorticity"] ** 2),
            decorrelation_time(box.zos),
            1e4 * np.percentile(made["front"], 99),
            *(scores[name] for name in ("uv", "vorticity", "divergence", "strain")),
            100 * np.corrcoef(made["divergence"].ravel(), made["laplacian"].ravel())[0, 1] ** 2,
        ),
        strict=True,
    )
    return {name: float(value) for name, value in named}


def observed(file: Path) -> dict[str, float]:
    """The numbers that one DUACS map of absolute dynamic topography has in the box."""
    with xr.open_dataset(file) as ds:
        turned = ds.assign_coords(longitude=(ds.longitude + 180) % 360 - 180).sortby("longitude")
        box = turned.sel(BOX)[["adt", "ugos", "vgos"]].isel(time=0).astype("f8").load()
    step = float(np.diff(box.latitude[:2])[0])
    spin = kinematics.vorticity(box.ugos.values, box.vgos.values, box.latitude.values, step, step)
    return {
        "std of SSH, mean included [m]": float(box.adt.std()),
        "mean of u2 + v2 [m2 s-2]": float((box.ugos**2 + box.vgos**2).mean()),
        "rms vorticity / f": float(np.sqrt(np.mean((spin / kinematics.coriolis(box.latitude.values)[:, None]) ** 2))),
    }


def draw(ds: xr.Dataset, folder: Path) -> None:
    """Maps of the last day and the spectrum, as small files."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    day = ds.isel(time=-1).sel(latitude=slice(30, 46), longitude=slice(-70, -50))
    made = derivatives(day)
    extent = (*day.longitude.values[[0, -1]], *day.latitude.values[[0, -1]])
    panels = (
        ("sea surface height [m]", day.zos, "RdBu_r", (-1.0, 1.0)),
        ("temperature [degC]", day.thetao, "inferno", tuple(np.percentile(day.thetao, (0.5, 99.5)))),
        ("vorticity / f", made["vorticity"], "RdBu_r", (-0.6, 0.6)),
        ("divergence / f", made["divergence"], "PuOr", (-0.1, 0.1)),
    )
    figure, axes = plt.subplots(2, 2, figsize=(9, 7.4), layout="constrained", sharex=True, sharey=True)
    for axis, (title, field, colours, limits) in zip(axes.flat, panels, strict=True):
        shown = axis.imshow(field, origin="lower", extent=extent, cmap=colours, vmin=limits[0], vmax=limits[1])
        axis.set_title(title, fontsize=10)
        axis.set_aspect(1 / np.cos(np.radians(38.0)))
        figure.colorbar(shown, ax=axis, shrink=0.8)
    save(figure, folder / "nature_run_maps.png", dpi=70)
    density = spectrum(ds.sel(BOX))
    wavenumber = density.frequency_longitude.values
    figure, axis = plt.subplots(figsize=(5, 3.8), layout="constrained")
    axis.loglog(wavenumber, density, color="black", label="nature run")
    for exponent, style in ((-4, ":"), (-5, "--")):
        middle = np.searchsorted(wavenumber, 1 / 150)
        line = density.values[middle] * (wavenumber / wavenumber[middle]) ** float(exponent)
        axis.loglog(wavenumber, line, style, color="tab:red", label=f"slope {exponent}")
    axis.axvspan(1 / 250, 1 / 70, color="0.9")
    axis.set(xlabel="zonal wavenumber [cycles/km]", ylabel="SSH density [m2 km]", ylim=(1e-7, 1e3))
    axis.legend()
    save(figure, folder / "nature_run_spectrum.png", dpi=80)


def save(figure: Any, path: Path, dpi: int) -> None:
    """A picture of 256 colours: half of the bytes."""
    from PIL import Image

    figure.savefig(path, dpi=dpi)
    Image.open(path).convert("RGB").quantize(256, method=Image.Quantize.FASTOCTREE).save(path, optimize=True)


def main() -> None:
    """Print the table; draw where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--truth", type=Path, help="zarr or netCDF of a nature run; else one is simulated")
    parser.add_argument("--days", type=int, default=400, help="of the simulation")
    parser.add_argument("--duacs", type=Path, help="a DUACS map to measure instead")
    parser.add_argument("--pictures", type=Path, help="folder for the pictures")
    options = parser.parse_args()
    if options.duacs:
        for name, value in observed(options.duacs).items():
            print(f"{name:44}{value:12.3f}")
        return
    torch.set_num_threads(1)
    if options.truth is None:
        ds = NatureRun(days=options.days).run()
    else:
        ds = xr.open_zarr(options.truth) if options.truth.is_dir() else xr.open_dataset(options.truth)
    box = ds.sel(BOX).load()
    print(f"{'':44}{'nature run':>12}   published")
    for name, value in statistics(box).items():
        print(f"{name:44}{value:12.3f}   {PUBLISHED[name]}")
    if options.pictures:
        options.pictures.mkdir(parents=True, exist_ok=True)
        draw(ds, options.pictures)


if __name__ == "__main__":
    main()
