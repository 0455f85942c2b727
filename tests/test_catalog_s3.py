"""A catalog and its data on a real S3 endpoint: a server on loopback, read lazily through s3fs."""

import pickle

import dask
import fsspec
import numpy as np
import pytest
import xarray as xr
import yaml

from adaf_xr.catalog import MissingDaysWarning, describe, open_observations, open_source

boto3 = pytest.importorskip("boto3")
moto_server = pytest.importorskip("moto.server")

TIME = {"cls": "adaf_xr.catalog:TimeParameter", "default": None, "description": "date"}


@pytest.fixture(scope="module")
def bucket():
    """Options that reach a bucket of our own."""
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "us-east-1"}
    boto3.client("s3", endpoint_url=endpoint, **keys).create_bucket(Bucket="adaf")
    client = {"endpoint_url": endpoint, "region_name": "us-east-1"}
    yield {"key": "testing", "secret": "testing", "client_kwargs": client}
    server.stop()


def background():
    """Four days of sea level."""
    time = np.arange("2020-01-01", "2020-01-05", dtype="M8[D]").astype("M8[ns]")
    lat, lon = np.arange(0.5, 3), np.arange(10.5, 15)
    values = np.arange(4 * 3 * 5, dtype="f4").reshape(4, 3, 5)
    attrs = {"standard_name": "sea_surface_height_above_geoid", "units": "m"}
    return xr.Dataset(
        {"zos": (("time", "latitude", "longitude"), values, attrs)},
        coords={"time": time, "latitude": lat, "longitude": lon},
    )


@pytest.fixture(scope="module")
def catalog(bucket, tmp_path_factory):
    """URL options of a catalog that lies in the bucket beside a zarr store and daily netCDF files of two formats."""
    folder = tmp_path_factory.mktemp("s3")
    ds = background()
    ds.chunk(time=1).to_zarr("s3://adaf/background.zarr", storage_options=bucket, consolidated=True)
    fs = fsspec.filesystem("s3", **bucket)
    for n, day in enumerate(("20200101", "20200102", "20200104")):
        for name, how in (("hdf", {"engine": "h5netcdf"}), ("classic", {"format": "NETCDF3_64BIT", "engine": "scipy"})):
            path = folder / f"{name}_{day}.nc"
            ds.isel(time=[(0, 1, 3)[n]]).to_netcdf(path, **how)
            fs.put(str(path), f"adaf/{name}/2020/{name}_{day}.nc")
    observing = {"role": "observations", "source": "ssh"}
    entries = {
        "background": ("ZarrReader", "{CATALOG_DIR}/background.zarr", {"role": "background"}),
        "hdf": ("DailyReader", "{CATALOG_DIR}/hdf/%Y/hdf_%Y%m%d.nc", {"role": "analysis"}),
        "classic": ("DailyReader", "{CATALOG_DIR}/classic/%Y/classic_%Y%m%d.nc", {"role": "analysis"}),
        "some": ("DailyReader", "{CATALOG_DIR}/hdf/%Y/*_%Y%m%d.nc", observing),
        "all": ("NetCDFReader", "{CATALOG_DIR}/hdf/**/*.nc", {"role": "analysis"}),
        "gone": ("NetCDFReader", "{CATALOG_DIR}/gone.nc", {"role": "analysis"}),
    }
    content = {
        "version": 2,
        "metadata": {"name": "bucket", "description": "on s3"},
        "aliases": {name: name for name in entries},
        "user_parameters": {"time": TIME},
        "data": {},
        "entries": {
            name: {
                "reader": f"adaf_xr.catalog:{reader}",
                "output_instance": "xarray:Dataset",
                "metadata": {"description": name, **metadata},
                "user_parameters": {},
                "kwargs": {
                    "url": url.replace("{CATALOG_DIR}", "s3://adaf"),
                    "storage_options": bucket,
                    "span": "{time}",
                },
            }
            for name, (reader, url, metadata) in entries.items()
        },
    }
    path = folder / "bucket.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def test_a_zarr_store_opens_lazily_and_reads_what_was_written(catalog, nothing_computes):
    ds = open_source(catalog, "background", time=("2020-01-02", "2020-01-03"))
    assert dask.is_dask_collection(ds.zos)
    with dask.config.set(scheduler="sync"):
        np.testing.assert_array_equal(ds.zos, background().zos.isel(time=slice(1, 3)))


@pytest.mark.parametrize("source", ["hdf", "classic"])
def test_daily_files_open_lazily_and_read_what_was_written(catalog, source, nothing_computes):
    ds = open_source(catalog, source, time=("2020-01-01", "2020-01-02"))
    assert dask.is_dask_collection(ds.zos)
    assert ds.chunksizes["time"] == (1, 1)
    with dask.config.set(scheduler="threads"):
        xr.testing.assert_equal(ds.compute(), background().isel(time=slice(0, 2)))


def test_a_lazy_remote_dataset_travels_to_another_process(catalog):
    ds = pickle.loads(pickle.dumps(open_source(catalog, "hdf", time="2020-01-04")))
    np.testing.assert_array_equal(ds.zos, background().zos.isel(time=[3]))


def test_missing_days_are_a_warning_on_s3_too(catalog):
    with pytest.warns(MissingDaysWarning, match="no file for 2020-01-03"):
        ds = open_source(catalog, "hdf", time=("2020-01-02", "2020-01-04"))
    assert ds.sizes["time"] == 2


def test_wildcards_are_expanded_on_s3(catalog):
    assert open_source(catalog, "all").sizes["time"] == 3
    tree = open_observations(catalog, time="2020-01-02", window="1D", sources=["ssh"])
    np.testing.assert_array_equal(tree["ssh"].time, np.array(["2020-01-02"], "M8[ns]"))


def test_a_missing_object_is_named(catalog):
    with pytest.raises(FileNotFoundError, match=r"no file s3://adaf/gone.nc"):
        open_source(catalog, "gone")


def test_an_unknown_parameter_is_refused(catalog):
    with pytest.raises(TypeError, match=r"unknown parameter\(s\) date; it takes time"):
        open_source(catalog, "hdf", date="20200102")


def test_the_catalog_itself_may_lie_in_the_bucket(catalog, bucket, monkeypatch):
    fsspec.filesystem("s3", **bucket).put(str(catalog), "adaf/bucket.yaml")
    # A catalog's URL takes the options of the file system from fsspec's own configuration.
    monkeypatch.setitem(fsspec.config.conf, "s3", bucket)
    assert [row["source"] for row in describe("s3://adaf/bucket.yaml")][:2] == ["background", "hdf"]
    assert open_source("s3://adaf/bucket.yaml", "background").zos.shape == (4, 3, 5)
