"""Published weights of 4DVarNet's lighter network on a real map: ``real_fourdvarnet.py [FILE ...]``.

FILE are states that others have published (``ckpt/*.pth`` on the branch maximebeauchamp of
github.com/CIA-Oceanix/4dvarnet-starter); default: those in ``4dvarnet`` below the folder of real data. The truth is one
real map of sea level over the Gulf Stream at 0.1 degrees, the same on every day, sampled without noise along five
straight tracks a day. RMSE is that of the centre day, ten cells within the edges, beside linear interpolation of all
days' observations at once, which the constant truth favours. Networks run with gaps as observations of 0, as they were
trained, and with gaps left out of the cost.
"""

import argparse
import time

import numpy as np
import torch
import xarray as xr
from real_maps import TODAY, data_root
from scipy.interpolate import griddata

from adaf_xr.models.fourdvarnet import Window, read_published
from adaf_xr.models.fourdvarnet.weights import network_of, normalisation_of

LATITUDE, LONGITUDE = np.arange(32.05, 44.0, 0.1), np.arange(294.05, 306.0, 0.1)
TRACKS, SLOPES, INSIDE = 5, (70.0, 110.0), slice(10, -10)


def truth_of(root):
    """Sea level [m] about its mean, 0 on land."""
    with xr.open_dataset(root / TODAY) as ds:
        adt = ds.adt.isel(time=0).assign_coords(longitude=ds.longitude % 360).sortby("longitude")
        field = adt.interp(latitude=LATITUDE, longitude=LONGITUDE).values
    return np.nan_to_num(field - np.nanmean(field))


def observed(truth, days, rng):
    """Values along tracks of each day, NaN elsewhere."""
    rows, columns = np.indices(truth.shape)
    seen = np.full((days, *truth.shape), np.nan, "f4")
    for day in seen:
        for _ in range(TRACKS):
            angle, start = np.radians(rng.choice(SLOPES)), rng.uniform(-20, truth.shape[1] + 20)
            away = (columns - start) * np.sin(angle) - (rows - truth.shape[0] / 2) * np.cos(angle)
            on = np.abs(away) < 0.6
            day[on] = truth[on]
    return seen


def rmse(field, truth):
    """Within the edges [cm]."""
    return 100 * np.sqrt(np.nanmean((field - truth)[INSIDE, INSIDE] ** 2))


def main():
    """One line for each file and way."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("files", nargs="*", default=sorted((data_root() / "4dvarnet").glob("*.pth")))
    options = arguments.parse_args()
    if not options.files:
        print(f"no published weights in {data_root() / '4dvarnet'}: name some")
    truth = truth_of(data_root())
    for file in options.files:
        for gaps in ("zero", "masked"):
            checkpoint = read_published(file, gaps=gaps)
            network, scale = network_of(checkpoint).eval(), normalisation_of(checkpoint)["ssh"].scale
            seen = observed(truth, network.configuration.days, np.random.default_rng(0))
            start = time.perf_counter()
            with torch.no_grad():
                found = network(Window(torch.from_numpy(seen / np.float32(scale))[None]))[-1].ssh[0].numpy() * scale
            seconds = time.perf_counter() - start
            anywhere = np.isfinite(seen).any(0)
            lines = griddata(np.argwhere(anywhere), truth[anywhere], tuple(np.indices(truth.shape)), "linear")
            print(
                f"{file} gaps={gaps}: {np.isfinite(seen).mean():.1%} observed, RMSE "
                f"{rmse(found[len(found) // 2], truth):.1f} cm, linear {rmse(lines, truth):.1f} cm, {seconds:.2f} s"
            )


if __name__ == "__main__":
    main()
