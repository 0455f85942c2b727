"""The data of the 4DVarNet paper, in its files and folders: from a folder to prepared windows."""

import numpy as np
import numpy.testing as npt
import pytest
import xarray as xr
from fourdvarnet_days import height

from adaf_xr.cli import natl60, training_data
from adaf_xr.training.fourdvarnet.options import Data
from adaf_xr.training.fourdvarnet.preparing import prepare
from adaf_xr.training.shards import Shards

START = 92 + 3
"""Days from 2012-10-01 to the first of these, in the validation period."""

LATITUDE, LONGITUDE = 32.0 + 0.05 * np.arange(12), -65.95 + 0.05 * np.arange(16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files as the paper has them, of some days around the end of the validation period."""
    root = tmp_path_factory.mktemp("natl60")
    days = np.arange(START, START + 40)
    ssh = height(LATITUDE[:, None], LONGITUDE, days[:, None, None]).astype("f4")
    seen = np.where(np.random.default_rng(0).random(ssh.shape) < 0.2, ssh, np.nan)
    fields = {"obs": ("ssh_mod", seen), "oi": ("ssh_mod", ssh - 0.1)}
    for name, (variable, field) in fields.items():
        write(root / "NATL" / natl60.PATHS[name], variable, field, days)
    for variable, field in {"ssh": ssh, "sst": 10.0 + ssh, "u": 0.1 * ssh, "v": 0.2 * ssh}.items():
        write(root / "NATL/ref" / f"NATL60-CJM165_NATL_{variable}_y2013.1y.nc", variable, field, days)
    return root


def write(path, variable, field, days):
    path.parent.mkdir(parents=True, exist_ok=True)
    coords = {"time": days * 86400.0 + 43200.0, "lat": LATITUDE, "lon": LONGITUDE}
    xr.Dataset({variable: (("time", "lat", "lon"), field)}, coords).to_netcdf(path)


def test_a_folder_of_it_is_material_with_the_periods_of_the_paper(folder):
    for at in (folder, folder / "NATL"):
        source = training_data.opened(at)
        assert "NATL60" in source.what and "test 2012-10-22 to 2012-12-03" in source.what
    first, last = source.material.times("validation")[[0, -1]]
    assert (str(first)[:13], str(last)[:13]) == ("2013-01-04T12", "2013-02-03T12")


def test_its_gridded_observations_and_interpolation_come_through_as_they_are(folder, tmp_path):
    data = Data(interpolated="background", region=(-66.0, -65.5, 32.0, 44.0))
    prepare(training_data.opened(folder).material, tmp_path, data)
    shards = Shards.open(tmp_path)
    day, number = shards.read("validation", 5), START + 5
    ssh = height(LATITUDE[:, None], LONGITUDE, number).astype("f4")[:, :10]
    npt.assert_allclose(day["ssh"], ssh, atol=1e-6)
    npt.assert_allclose(day["v"], 0.2 * ssh, atol=1e-6)
    npt.assert_allclose(day["oi"], ssh - 0.1, atol=1e-5)
    seen = np.isfinite(day["observed"])
    due = np.random.default_rng(0).random((40, 12, 16))[5, :, :10] < 0.2
    npt.assert_array_equal(seen, due)
    npt.assert_allclose(day["observed"][seen], ssh[seen], atol=1e-6)


def test_a_folder_that_lacks_a_part_is_none_of_it(tmp_path):
    (tmp_path / "NATL/ref").mkdir(parents=True)
    assert natl60.root_of(tmp_path) is None
