"""Real columns, corrected by what satellites and floats would have seen of them.

Run ``python tests/benchmarks/real_columns.py [ROOT] --model FILE``. The truth is a piece of the GLORYS12 reanalysis (12
levels, 46-71 N, 18 W-8 E, 29 June 2021), which no network was trained on. Backgrounds are the same sea a degree off,
whose eddies are elsewhere, and one without eddies (blurred over 1.5 degrees). Observations are sampled from the truth:
sea surface temperature with errors of 0.3 K in three cells of ten, sea level with 3 cm along lines a degree and a half
apart, and 40 profiles (0.01 K, 0.01). RMSE is by band of depth, by area, over several draws.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import xarray as xr
from real_maps import data_root
from scipy.ndimage import gaussian_filter

import adaf_xr
from adaf_xr.sphere import cell_area

FILE = "reanalysis/GLORYS_coarse_test_data.v4621175.nc"
BELOW = ("thetao", "so", "uo", "vo")
BANDS = ((0.0, 12.0), (12.0, 100.0), (100.0, 300.0), (300.0, 700.0), (700.0, 2000.0))
SHIFT = {"latitude": 2, "longitude": 3}
"""Cells of a third of a degree: some 70 km northward, and 60 eastward."""
BLUR = 4.5
"""Standard deviation [cells]."""
FLOATS, SEEN, LINES = 40, 0.3, 5


def sea(root: Path) -> xr.Dataset:
    """The truth."""
    with xr.open_dataset(root / FILE) as ds:
        return ds.load().assign_coords(depth=ds.depth.astype("f8"))


def moved(truth: xr.Dataset) -> xr.Dataset:
    """The sea a degree off."""
    return truth.shift(SHIFT)


def blurred(truth: xr.Dataset) -> xr.Dataset:
    """The sea without eddies."""

    def smooth(field: xr.DataArray) -> xr.DataArray:
        known = field.notnull()
        sigma = [0.0] * (field.ndim - 2) + [BLUR, BLUR]
        total, share = (gaussian_filter(part.astype("f8"), sigma) for part in (field.fillna(0.0).values, known.values))
        return field.copy(data=np.where(known, total / np.maximum(share, 1e-6), np.nan))

    return truth.map(smooth, keep_attrs=True)


def table(values: dict[str, np.ndarray], place: dict[str, np.ndarray], source: str) -> xr.Dataset:
    """Points."""
    good = np.isfinite(np.stack(list(values.values()))).all(0)
    coords = {name: ("obs", axis[good]) for name, axis in place.items()}
    held = {name: ("obs", value[good]) for name, value in values.items()}
    return xr.Dataset(held, coords, {"featureType": "point", "source": source})


def observed(truth: xr.Dataset, seed: int) -> list[xr.Dataset]:
    """What satellites and floats see of it."""
    rng, time = np.random.default_rng(seed), truth.time.values.astype("M8[ns]")
    rows, columns = np.meshgrid(*(np.arange(truth.sizes[name]) for name in ("latitude", "longitude")), indexing="ij")

    def place(where: np.ndarray, depth: np.ndarray | float = 0.0) -> dict[str, np.ndarray]:
        axes = truth.latitude.values[rows[where]], truth.longitude.values[columns[where]]
        shape = np.broadcast_shapes(np.shape(depth), axes[0].shape)
        parts = {"latitude": axes[0], "longitude": axes[1], "depth": depth, "time": time}
        return {name: np.broadcast_to(part, shape).ravel() for name, part in parts.items()}

    clear = rng.random(rows.shape) < SEEN
    lines = (columns + rows // 2 + rng.integers(LINES)) % LINES == 0
    sst = truth.thetao.values[0][clear] + 0.3 * rng.standard_normal(clear.sum())
    ssh = truth.zos.values[lines] + 0.03 * rng.standard_normal(lines.sum())
    deep = np.flatnonzero(truth.thetao[8].notnull().values.ravel())
    floats = np.zeros(rows.size, bool)
    floats[rng.choice(deep, FLOATS, replace=False)] = True
    floats = floats.reshape(rows.shape)
    shape = (truth.sizes["depth"], FLOATS)
    profiles = {name: (truth[name].values[:, floats] + 0.01 * rng.standard_normal(shape)).ravel() for name in BELOW[:2]}
    profiles |= {f"{name}_error": np.full(shape, 0.01).ravel() for name in BELOW[:2]}
    return [
        table({"thetao": sst, "thetao_error": np.full(sst.shape, 0.3)}, place(clear), "sst"),
        table({"zos": ssh, "zos_error": np.full(ssh.shape, 0.03)}, place(lines), "ssh"),
        table(profiles, place(floats, truth.depth.values[:, None]), "insitu"),
    ]


def judged(truth: xr.Dataset, first: xr.Dataset, models: list[str], draws: int) -> None:
    """RMSE of background and analyses."""
    background = first.drop_vars("time", errors="ignore").expand_dims(time=[truth.time.values.astype("M8[ns]")])
    axes = truth[["latitude", "longitude"]]
    weight = cell_area(truth.latitude.values, truth.longitude.values)
    squares: dict[str, list[xr.Dataset]] = {"background": [first - truth], **{model: [] for model in models}}
    for seed in range(draws):
        points = observed(truth, seed)
        for model in models:
            made = adaf_xr.assimilate(points, background, model=model, grid=axes).isel(time=0, drop=True).compute()
            squares[model].append(made[list(BELOW)] - truth.drop_vars("time"))
    print(f"{'':22}" + " ".join(f"{Path(name).stem[-14:]:>14}" for name in squares))
    for name in BELOW:
        for top, bottom in BANDS:
            inside = (truth.depth.values > top) & (truth.depth.values <= bottom)
            rms = []
            for errors in squares.values():
                part = np.stack([ds[name].values[inside] for ds in errors])
                known = np.isfinite(part) & np.isfinite((first - truth)[name].values[inside])
                area = np.broadcast_to(weight, part.shape)
                rms.append(np.sqrt((area[known] * part[known] ** 2).sum() / area[known].sum()))
            print(f"{name:7} {top:4.0f}-{bottom:4.0f} m    " + " ".join(f"{x:14.4f}" for x in rms))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path, nargs="?", default=data_root())
    parser.add_argument("--model", nargs="*", default=[], help="names of engines or checkpoints to judge beside")
    parser.add_argument("--draws", type=int, default=3)
    how = parser.parse_args()
    truth = sea(how.root)
    for title, first in (("a degree off", moved(truth)), ("without eddies", blurred(truth))):
        print(f"\nbackground {title}; RMSE")
        judged(truth, first, ["oi", *how.model], how.draws)


if __name__ == "__main__":
    main()
