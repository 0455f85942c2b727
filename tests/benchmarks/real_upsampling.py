"""Real fields rebuilt from their means over 4 x 4 cells, on fields and longitudes that no shipped weights have seen.

Run ``python tests/benchmarks/real_upsampling.py [ROOT] [--model NAME|FILE ...] [--averaged] [--also FILE ...] [--zones]
[--spacing DEGREES]``. ROOT holds the real sample files (default: ADAF_XR_REALDATA, else ``../shared/data``). The cases
are

- sea surface temperature (NOAA OISST) and topography (DUACS), global: the longitudes that the recipe holds out;
- two analyses of the Black Sea, 2016-07-07, averaged to a quarter of a degree: temperature of CNR (1/24 degree) and
  topography (1/8 degree);
- with ``--also``, any other file of gridded temperature or topography, whole, averaged to a quarter of a degree where
  it is finer. Maps of anomalies of sea level as :mod:`real_maps` knows them are interpolated to a quarter of a degree
  where they are coarser.

A line for every method has its RMSE over the sea, weighted by area; how far that is below plain cubic upsampling; the
shortest wavelength that it resolves, mean over boxes of open ocean; and how long it took. ``--zones`` adds how far it
is below plain cubic upsampling beside coasts and in belts of open water. ``--spacing`` is that of the fine grid, 0.25
degrees by default: fields that are finer are averaged to it, and those that are coarser left out.
"""

from __future__ import annotations

import argparse
import time as clock
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from real_maps import LATITUDE, LONGITUDE, data_root, global_map
from scipy.ndimage import binary_erosion

from adaf_xr.fields import canonical
from adaf_xr.grids import nest, nest_latitude, regrid
from adaf_xr.inference import engines
from adaf_xr.inference.refiners import PROTOCOL
from adaf_xr.metrics import effective_resolution
from adaf_xr.models.cubic import Cubic
from adaf_xr.sphere import cell_area
from adaf_xr.training.super_resolution.options import Data
from adaf_xr.training.super_resolution.preparing import held_out
from adaf_xr.training.super_resolution.views import averaged

FACTOR = 4
BELTS = {"open 0-30": (0, 30), "30-55": (30, 55), "55-90": (55, 91)}
"""Of latitude, for cells two coarse cells or more from land."""
SEEN = ("sst/2005*NCEI*.nc", "sst/20151101*NCEI*.nc", "ssh/nrt_global_allsat_phy_l4_*.nc")
UNSEEN = ("sst/2016*GOS*.nc", "ssh/dt_blacksea_allsat_phy_l4_*.nc")
BOXES = ((-65.0, -42.0, 30.0, 42.0), (62.0, 88.0, -48.0, -34.0), (152.0, 178.0, 28.0, 42.0))
"""West, east, south, north: open ocean within the longitudes that are held out."""

Method = Callable[..., np.ndarray]


@dataclass(frozen=True)
class Case:
    """A truth and what is made of it."""

    label: str
    truth: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray
    scored: np.ndarray

    @classmethod
    def of(
        cls, label: str, field: np.ndarray, lat: np.ndarray, lon: np.ndarray, unseen: bool, spacing: float
    ) -> Case | None:
        """A field on whole coarse cells; None where it is coarser than the spacing."""
        times = round(spacing / abs(lat[1] - lat[0]))
        if times < 1:
            return None
        fine, lat, lon = averaged(field, even(lat), even(lon), times) if times > 1 else (field, even(lat), even(lon))
        rows, columns = (size // FACTOR * FACTOR for size in fine.shape)
        fine, lat, lon = fine[:rows, :columns], lat[:rows], lon[:columns]
        scored = np.isfinite(fine) & (held_out(lon, Data()) | unseen)
        return cls(label, fine, lat, lon, scored)


def even(axis: np.ndarray) -> np.ndarray:
    """An axis of single precision without its rounding."""
    return np.linspace(float(axis[0]), float(axis[-1]), axis.size)


def cases(root: Path, also: list[Path], spacing: float) -> Iterator[Case]:
    """All that is there and fine enough."""
    for patterns, unseen in ((SEEN, False), (UNSEEN, True)):
        for file in (file for pattern in patterns for file in sorted(root.glob(pattern))):
            yield from of_file(file, unseen, spacing)
    for file in also:
        yield from of_file(file, True, spacing)


def of_file(file: Path, unseen: bool, spacing: float) -> Iterator[Case]:
    """The first time of temperature or topography in a file."""
    if file.suffix == ".mat" or file.name.startswith("msla"):
        made = Case.of(file.stem, global_map(file).values, LATITUDE, LONGITUDE, unseen, spacing)
        return iter([made] if made else [])
    with xr.open_dataset(file) as ds:
        now = ds.isel({dim: 0 for dim in ("time", "depth") if dim in ds.dims}, drop=True)
        fields = canonical(now)
        field = fields[next(name for name in ("thetao", "zos", "sla") if name in fields)].load()
    axes = field.latitude.values.astype("f8"), field.longitude.values.astype("f8")
    made = Case.of(file.stem, field.values.astype("f8"), *axes, unseen, spacing)
    return iter([made] if made else [])


def bilinear(
    coarse: np.ndarray, lat: np.ndarray, lon: np.ndarray, factor: int, keep: bool, sea: np.ndarray
) -> np.ndarray:
    """Between coarse cells; beside land, where none has a value, the nearest one."""
    fine = regrid(coarse, lat, lon, nest_latitude(lat, factor), nest(lon, factor))
    repeated = coarse.repeat(factor, 0).repeat(factor, 1)
    return np.where(sea, np.where(np.isfinite(fine), fine, repeated), np.nan)


def resolved(fine: np.ndarray, case: Case) -> float:
    """Shortest wavelength [km], mean over the boxes in which nothing is missing."""
    lon = (case.longitude + 180.0) % 360.0 - 180.0
    order = np.argsort(lon)
    axes = {"latitude": case.latitude, "longitude": lon[order]}
    rec, ref = (xr.DataArray(field[:, order], axes, list(axes)).sortby("latitude") for field in (fine, case.truth))
    found = []
    for west, east, south, north in BOXES:
        inside = {"latitude": slice(south, north), "longitude": slice(west, east)}
        box = ref.sel(inside)
        if box.shape[0] > 40 and box.shape[1] > 40 and np.isfinite(box).all():
            found.append(effective_resolution(rec.sel(inside), box))
    return float(np.mean(found)) if found else np.nan


def zones(case: Case, coarse: np.ndarray) -> dict[str, np.ndarray]:
    """Parts of the sea, on the fine grid."""
    whole = np.isfinite(case.truth).reshape(coarse.shape[0], FACTOR, coarse.shape[1], FACTOR).all((1, 3))
    inner = binary_erosion(whole, iterations=2)
    fine = {name: part.repeat(FACTOR, 0).repeat(FACTOR, 1) for name, part in (("whole", whole), ("inner", inner))}
    height = np.abs(case.latitude)[:, None]
    belts = {name: fine["inner"] & (height >= low) & (height < high) for name, (low, high) in BELTS.items()}
    return {"coast cells": ~fine["whole"], "beside them": fine["whole"] & ~fine["inner"], **belts}


def compare(case: Case, methods: dict[str, tuple[Method, bool]], by_zone: bool) -> None:
    """Print a line for every method."""
    sea = np.isfinite(case.truth)
    coarse, lat, lon = averaged(case.truth, case.latitude, case.longitude, FACTOR)
    area = cell_area(case.latitude, case.longitude) * case.scored
    errors: dict[str, float] = {}
    parts = zones(case, coarse) if by_zone else {}
    squares: dict[str, np.ndarray] = {}
    print(f"\n{case.label}: {coarse.shape[0]} x {coarse.shape[1]} coarse cells, {case.scored.mean():.0%} scored")
    for label, (method, keep) in methods.items():
        start = clock.perf_counter()
        fine = method(coarse, lat, lon, FACTOR, keep, sea)
        seconds = clock.perf_counter() - start
        squares[label] = area * np.where(sea, fine - case.truth, 0.0) ** 2
        errors[label] = float(np.sqrt(squares[label].sum() / area.sum()))
        below = [100 * (1 - errors[label] / errors[name]) for name in ("cubic", "cubic keep_means") if name in errors]
        gains = "".join(f"{gain:8.1f} %" for gain in below)
        wavelength = resolved(fine, case)
        known = f"{wavelength:8.0f} km" if np.isfinite(wavelength) else f"{'-':>8}   "
        print(f"  {label:28}{errors[label]:9.5f}{known} {seconds:7.2f} s {gains}")
        for name, part in parts.items():
            if label != "bilinear" and squares["cubic"][part].any():
                gain = 100 * (1 - np.sqrt(squares[label][part].sum() / squares["cubic"][part].sum()))
                share = squares["cubic"][part].sum() / squares["cubic"].sum()
                print(f"    {name:26}{gain:8.1f} % below cubic, where {share:.0%} of its squared error is")


def main() -> None:
    """Print all cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", nargs="?", type=Path, default=data_root())
    parser.add_argument("--model", nargs="*", default=["adaf-ocean-sr"], help="names or checkpoints")
    parser.add_argument("--also", nargs="*", type=Path, default=[], help="more files, never trained on")
    parser.add_argument("--averaged", action="store_true", help="the models averaged over eight views, too")
    parser.add_argument("--zones", action="store_true", help="by distance from coasts and by latitude, too")
    parser.add_argument("--spacing", type=float, default=0.25, help="of the fine grid [degrees]")
    wanted = parser.parse_args()
    methods: dict[str, tuple[Method, bool]] = {"bilinear": (bilinear, False)}
    methods |= {f"cubic{' keep_means' * keep}": (Cubic().upsample, keep) for keep in (False, True)}
    for name in wanted.model:
        engine = engines.resolve(name, engines.UPSAMPLING, PROTOCOL, None)
        methods[Path(name).stem] = (engine.upsample, True)
        if wanted.averaged:
            methods[f"{Path(name).stem} of 8 views"] = (type(engine)(engine.weights, averaged=True).upsample, True)
    print("RMSE, shortest wavelength resolved, time, RMSE below cubic, below cubic keep_means")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case in cases(wanted.root, wanted.also, wanted.spacing):
            compare(case, methods, wanted.zones)


if __name__ == "__main__":
    main()
