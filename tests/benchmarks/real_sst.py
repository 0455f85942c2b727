"""Real-input run 1: real Argo profiles and a buoy into a 1 degree SST, scored against the native 0.25 degree analysis.

Run ``python tests/benchmarks/real_sst.py [ROOT]``. Background: OISST of 2015-11-01 averaged to 1 degree. Observations:
every Argo profile and every report of buoy 61198 within five days. Argo profiles are withheld one at a time; so few
are an indication, not a score. Scores against the native OISST are over the cells within 300 km of an
assimilated profile, where the analysis can differ from its background at all, and over the globe.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import xarray as xr
from scipy.spatial import cKDTree

import adaf_xr
from adaf_xr.grids import regrid
from adaf_xr.models.optimal_interpolation import OptimalInterpolation
from adaf_xr.sphere import cell_area, chord, unit_vectors

SST = "sst/20151101120000-NCEI-L4_GHRSST-SSTblend-AVHRR_OI-GLOB-v02.0-fv02.0.nc"
BUOY = "insitu/IR_201511_TS_MO_61198.nc"
TOP = 10.0
"""Depth [m] to which an in-situ temperature counts as one of the surface."""
BUOY_LIKE = 100
"""Reports from which a file is a mooring, which is never withheld."""
NEAR = 300.0
"""Distance [km] from an assimilated profile within which maps are compared."""


def surface_points(root: Path, start: np.datetime64, stop: np.datetime64) -> list[xr.Dataset]:
    """Near-surface temperatures of every Argo file and the buoy in the window."""
    files = [*sorted((root / "argo").glob("*.nc")), root / BUOY]
    points = []
    for file in files:
        with xr.open_dataset(file) as ds:
            p = ds.adaf.points("thetao", source="insitu").load()
        keep = (p.depth <= TOP) & (p.time >= start) & (p.time < stop) & p.thetao.notnull()
        if keep.any():
            points.append(p.isel(obs=keep.values))
    return points


def profile_numbers(points: xr.Dataset) -> np.ndarray:
    """Which profile every row belongs to."""
    where = np.stack([points.longitude, points.latitude, points.time.astype("i8")], axis=1)
    return np.unique(where, axis=0, return_inverse=True)[1].ravel()


def near(latitude: np.ndarray, longitude: np.ndarray, points: list[xr.Dataset]) -> np.ndarray:
    """Cells within `NEAR` of a point."""
    tree = cKDTree(np.concatenate([unit_vectors(p.latitude, p.longitude) for p in points]))
    cells = unit_vectors(latitude[:, None], longitude[None, :])
    return tree.query(cells, distance_upper_bound=float(chord(NEAR)))[0] < np.inf


def rms(values: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Root mean square of the present values."""
    good = np.isfinite(values)
    return float(np.sqrt(np.average(values[good] ** 2, weights=None if weights is None else weights[good])))


def background_error(native: xr.Dataset, background: xr.Dataset) -> float:
    """Standard error [K] of the averaged background by the producer's own account: its analysis error, and what
    averaging to 1 degree took away. No observation is looked at.
    """
    inside = native.analysed_sst.coarsen(lat=4, lon=4).construct(lat=("row", "j"), lon=("column", "i")).values
    removed = np.nanvar(inside - background.analysed_sst.values[..., None, :, None])
    return float(np.sqrt(np.nanmean(native.analysis_error.values**2) + removed))


def leave_one_out(points: list[xr.Dataset], background: xr.Dataset, how: dict) -> np.ndarray:
    """Departures (profile, 3) of background and analysis at each Argo profile from all other data, and its error."""
    rows = []
    for k, p in enumerate(points):
        numbers = profile_numbers(p)
        for number in np.unique(numbers) if p.sizes["obs"] < BUOY_LIKE else ():
            out = p.isel(obs=numbers == number)
            rest = [*points[:k], p.isel(obs=numbers != number), *points[k + 1 :]]
            an = adaf_xr.assimilate(rest, background, grid=out[["longitude", "latitude"]].isel(obs=[0]), **how).load()
            guess = adaf_xr.innovations(out, background).thetao.mean().item()
            at = out.thetao.mean().item() - an.thetao.item()
            rows.append((guess, at, an.thetao_std.item()))
    return np.array(rows)


def main(root: Path) -> None:
    """Assimilate, score and print."""
    native = xr.open_dataset(root / SST, chunks={})[["analysed_sst", "analysis_error"]].load()
    background = native[["analysed_sst"]].coarsen(lat=4, lon=4).mean()
    time, span = native.time.values[0], np.timedelta64(5, "D")
    points = surface_points(root, time - span, time + span)
    std = background_error(native, background)
    how = {"window": 2 * span, "model": OptimalInterpolation(std={"thetao": std})}
    n = [len(np.unique(profile_numbers(p))) for p in points]
    print(
        f"background OISST {str(time)[:10]} at 1 degree, standard error {std:.2f} K; profiles or reports by file: {n}"
    )

    an = adaf_xr.assimilate(points, background, **how).compute()
    linear = (
        regrid(background.analysed_sst.values[0], background.lat, background.lon, an.latitude, an.longitude) - 273.15
    )
    truth = native.analysed_sst.values[0] - 273.15
    area = cell_area(an.latitude, an.longitude)
    close = near(an.latitude.values, an.longitude.values, points)

    print(f"\nRMSE [K] {'':38s} background   analysis")
    for label, cells in (("against OISST, globe", np.ones_like(close)), (f"against OISST, within {NEAR:g} km", close)):
        scores = [rms(np.where(cells, f - truth, np.nan), area) for f in (linear, an.thetao.values[0])]
        print(f"{label:46s} {scores[0]:10.3f} {scores[1]:10.3f}")
    departures = leave_one_out(points, background, how)
    label = f"at {len(departures)} profiles, each withheld in turn"
    print(f"{label:46s} {rms(departures[:, 0]):10.3f} {rms(departures[:, 1]):10.3f}")
    print(f"{'mean standard error there':46s} {std:10.3f} {departures[:, 2].mean():10.3f}")


if __name__ == "__main__":
    default = Path(__file__).resolve().parents[3] / "shared" / "data"
    main(Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("ADAF_XR_REALDATA", default)))
