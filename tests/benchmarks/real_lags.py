"""Surrogates of old maps of sea level beside real old maps: RMSE by age, by latitude and by wavelength.

Run ``python tests/benchmarks/real_lags.py [ROOT] [--maps FILE ...]``. Real pairs are all that are so many weeks apart:
daily maps of the Mediterranean of spring 2005, and the global maps given (real_maps.py says where some are). Beside
each age stand surrogates as old: in the Mediterranean of the map of 2019-02-23, else of the youngest of the maps. Of a
difference "basins" is what a Gaussian of 3 degrees leaves, "eddies" the rest; power is that of waves along parallels.
"""

from __future__ import annotations

import argparse
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import xarray as xr
from real_maps import LONGITUDE, MEDITERRANEAN, TODAY, WEEK, SeaLevel, data_root, global_map, pairs, with_topography
from scipy.ndimage import gaussian_filter

from adaf_xr.grids import regrid
from adaf_xr.sphere import cell_area
from adaf_xr.training.adaf_ocean.surrogates import LATITUDE, background, split

AGES = (1, 2, 3, 4, 5, 7, 9, 11, 13)
DRAWS = 3
BANDS = ((-66, 66), (-66, -45), (-45, -25), (-25, -10), (-10, 10), (10, 25), (25, 45), (45, 66))
PIECE = 160
"""Cells of a piece of a parallel: 40 degrees."""
WAVELENGTHS = (40.0, 13.4, 6.7, 4.0, 2.6, 1.6, 1.0)
AREA = np.broadcast_to(cell_area(LATITUDE, LONGITUDE), (LATITUDE.size, LONGITUDE.size))


def rms(difference: np.ndarray, cells: np.ndarray) -> float:
    """RMS [cm] over cells of the globe by area."""
    here = cells & np.isfinite(difference)
    return 100.0 * float(np.sqrt(np.average(difference[here] ** 2, weights=AREA[here])))


def apart(adt: np.ndarray, weeks: float) -> list[np.ndarray]:
    """Differences of surrogates of one age from the map."""
    parts = split(adt)
    return [background(parts, weeks, np.random.default_rng([seed, 11])) - adt for seed in range(DRAWS)]


def basins(difference: np.ndarray) -> np.ndarray:
    """What is wide of a difference."""
    ocean, how = np.isfinite(difference), {"sigma": 12.0, "mode": ("nearest", "wrap")}
    share = gaussian_filter(ocean.astype("f8"), **how)
    return np.where(ocean, gaussian_filter(np.where(ocean, difference, 0.0), **how) / np.maximum(share, 1e-9), np.nan)


def power(field: np.ndarray, south: float, north: float) -> np.ndarray:
    """Power [cm2] in the bands between `WAVELENGTHS`, of pieces of parallels without land."""
    window = np.hanning(PIECE) * np.sqrt(8.0 / 3.0)
    rows = field[(south <= LATITUDE) & (north > LATITUDE)].reshape(-1, PIECE)
    rows = rows[np.isfinite(rows).all(1)]
    spectrum = np.abs(np.fft.rfft((rows - rows.mean(1, keepdims=True)) * window)) ** 2
    spectrum = spectrum.mean(0) * 2.0 / PIECE**2 * 1e4
    waves = 0.25 * PIECE / np.maximum(np.arange(spectrum.size), 0.5)
    return np.array([spectrum[(waves <= long) & (waves > short)].sum() for long, short in pairwise(WAVELENGTHS)])


def kinds(difference: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The whole, basins and eddies."""
    wide = basins(difference)
    return difference, wide, difference - wide


def rows(south: float, north: float) -> np.ndarray:
    """Cells between parallels."""
    return np.broadcast_to(((south <= LATITUDE) & (north > LATITUDE))[:, None], AREA.shape)


def quadratic(values: list) -> np.ndarray:
    """Root of the mean square over the first axis."""
    return np.sqrt(np.mean(np.square(values), axis=0))


def mediterranean(days: xr.DataArray, adt: np.ndarray) -> None:
    """By age."""
    sea = np.isfinite(regrid(days[0].values, days.latitude.values, days.longitude.values, LATITUDE, LONGITUDE))
    area = xr.DataArray(np.cos(np.radians(days.latitude)))
    print(f"Mediterranean, RMSE [cm]\n{'weeks':>6} {'real':>6} {'surrogate':>10}")
    for weeks in AGES[:-1]:
        change = days[7 * weeks :].values - days[: -7 * weeks]
        real = 100.0 * float(np.sqrt((change**2).weighted(area).mean()))
        print(f"{weeks:6d} {real:6.2f} {quadratic([rms(made, sea) for made in apart(adt, weeks)]):10.2f}")


def by_age(maps: list[SeaLevel]) -> None:
    """The globe."""
    print(f"\nGlobe, RMSE [cm], real / surrogate\n{'weeks':>6} {'pairs':>6} {'all':>13} {'basins':>13} {'eddies':>13}")
    for weeks in AGES:
        changes = [old.values - new.values for old, new in product(maps, maps) if new.date - old.date == weeks * WEEK]
        if changes:
            real, made = (
                quadratic([[rms(kind, rows(*BANDS[0])) for kind in kinds(x)] for x in differences])
                for differences in (changes, apart(maps[-1].values, weeks))
            )
            print(
                f"{weeks:6d} {len(changes):6d} "
                + " ".join(f"{a:6.2f}/{b:6.2f}" for a, b in zip(real, made, strict=True))
            )


def by_place(maps: list[SeaLevel]) -> None:
    """Pairs seven weeks apart or more, by latitude and wavelength."""
    scores: tuple[list, list] = ([], [])
    spectra: tuple[list, list] = ([], [])
    for old, new in pairs(maps, 7, 14):
        both = np.where(np.isfinite(old.values), new.values, np.nan)
        weeks = float((new.date - old.date) / WEEK)
        for score, spectrum, changes in zip(scores, spectra, ([old.values - both], apart(both, weeks)), strict=True):
            score += [[[rms(kind, rows(*band)) for kind in kinds(x)] for band in BANDS] for x in changes]
            spectrum += [[power(x, *band) for band in BANDS] for x in changes]
    if not scores[0]:
        return
    ratio = np.mean(spectra[1], axis=0) / np.mean(spectra[0], axis=0)
    ranges = [f"{long:g}-{short:g}" for long, short in pairwise(WAVELENGTHS)]
    print(f"\nGlobe, {len(scores[0])} pairs 7 weeks apart or more; RMSE [cm], real / surrogate")
    print(f"{'latitude':>12} {'all':>13} {'basins':>13} {'eddies':>13}   power, surrogate / real, at wavelengths [deg]")
    print(f"{'':57} " + " ".join(f"{name:>8}" for name in ranges))
    for band, a, b, share in zip(BANDS, quadratic(scores[0]), quadratic(scores[1]), ratio, strict=True):
        both = " ".join(f"{x:6.2f}/{y:6.2f}" for x, y in zip(a, b, strict=True))
        print(f"{band[0]:5d} to {band[1]:3d} {both}    " + " ".join(f"{x:8.2f}" for x in share))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path, nargs="?", default=data_root())
    parser.add_argument("--maps", type=Path, nargs="*", default=[], help="global maps weeks apart")
    how = parser.parse_args()
    with xr.open_dataset(how.root / MEDITERRANEAN) as ds:
        mediterranean(ds.adt.load(), global_map(how.root / TODAY).values)
    if maps := with_topography(how.maps, how.root):
        by_age(maps)
        by_place(maps)


if __name__ == "__main__":
    main()
