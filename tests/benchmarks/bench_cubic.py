"""RMSE and time of cubic upsampling on real fields: ``python tests/benchmarks/bench_cubic.py``.

Global 0.25 degree fields are averaged to 1 degree over their sea cells and rebuilt. Needs the real sample files
(environment variable ADAF_XR_REALDATA, default ``../shared/data``).
"""

import itertools
import os
import time
from pathlib import Path

import numpy as np
import xarray as xr

from adaf_xr.grids import nest
from adaf_xr.models.cubic import Cubic
from adaf_xr.sphere import cell_area

ROOT = Path(os.environ.get("ADAF_XR_REALDATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
FIELDS = (
    ("sst/20151101*-NCEI-L4_GHRSST-*.nc", "analysed_sst"),
    ("ssh/nrt_global_allsat_phy_l4_*.nc", "adt"),
    ("ssh/nrt_global_allsat_phy_l4_*.nc", "ugos"),
)
LAT, LON = np.arange(-89.5, 90), np.arange(-179.5, 180)
AREA = cell_area(nest(LAT, 4), nest(LON, 4))


def blocks(fine: np.ndarray) -> np.ndarray:
    """Sum over 4 x 4 cells."""
    return fine.reshape(180, 4, 360, 4).sum(axis=(1, 3))


def main() -> None:
    """Print one line per field and method."""
    print(f"{'field':14}{'kernel':14}{'keep_means':12}{'RMSE':>9}{'seconds':>9}")
    for pattern, name in FIELDS:
        (file,) = ROOT.glob(pattern)
        with xr.open_dataset(file) as ds:
            truth = ds[name].values[0].astype("f8")
        sea = np.isfinite(truth)
        with np.errstate(invalid="ignore"):
            coarse = blocks(np.where(sea, truth, 0.0) * AREA) / blocks(AREA * sea)
        engines = {"repeated": None, "convolution": Cubic("convolution"), "spline": Cubic("spline")}
        for (label, engine), keep in itertools.product(engines.items(), (False, True)):
            start = time.perf_counter()
            fine = (
                coarse.repeat(4, 0).repeat(4, 1) if engine is None else engine.upsample(coarse, LAT, LON, 4, keep, sea)
            )
            seconds = time.perf_counter() - start
            rmse = np.sqrt(np.average((fine - truth)[sea] ** 2, weights=AREA[sea]))
            print(f"{name:14}{label:14}{'yes' if keep else 'no':12}{rmse:9.4f}{seconds:9.3f}")


if __name__ == "__main__":
    main()
