"""The same calls on a real dask cluster of two processes."""

import os
import signal
import time

import pytest
import toy
import xarray as xr
from distributed import Client, LocalCluster

import adaf_xr
from adaf_xr.inference.notices import NoObservationsWarning
from adaf_xr.inference.store import write


@pytest.fixture(scope="module")
def client():
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        yield client


@pytest.mark.parametrize("model", [None, "oi"])
def test_processes_give_what_threads_give(client, tmp_path, model):
    obs = toy.lazy(toy.points(2000, days=6), 100)
    an = adaf_xr.assimilate(obs, toy.background(6, names=("zos", "so", "siconc")), model=model)
    seen = []
    write(an, tmp_path / "an.zarr", progress=lambda done, n: seen.append(done))
    stored = xr.open_zarr(tmp_path / "an.zarr", consolidated=False, chunks=None).load()
    # A network adds up in another order where it has other numbers of threads.
    xr.testing.assert_allclose(stored, an.compute(scheduler="sync"), rtol=1e-6, atol=0.0 if model else 1e-5)
    assert seen[-1] == 6


def test_a_warning_in_a_worker_reaches_the_user(client):
    an = adaf_xr.assimilate(toy.lazy(toy.points(days=0.1), 100), toy.background(1), model="oi", window="1h")
    with pytest.warns(NoObservationsWarning, match="no usable observation at 2020-01-01T12:00"):
        an.compute()
        deadline = time.time() + 60
        while time.time() < deadline and not _arrived(client):
            time.sleep(0.05)


def test_a_worker_killed_in_the_middle_of_a_write_changes_nothing(client, tmp_path):
    obs = toy.lazy(toy.points(20_000, days=20), 2000)
    an = adaf_xr.assimilate(obs, toy.background(20), model="oi")
    victim = next(iter(client.scheduler_info(n_workers=-1)["workers"]))
    pid = client.run(os.getpid, workers=[victim])[victim]
    killed = []

    def kill_once(done, n):
        if done and not killed:
            os.kill(pid, signal.SIGKILL)
            killed.append(done)

    write(an, tmp_path / "an.zarr", progress=kill_once)
    stored = xr.open_zarr(tmp_path / "an.zarr", consolidated=False, chunks=None).load()
    xr.testing.assert_allclose(stored, an.compute(scheduler="sync"), rtol=1e-6)


def _arrived(client):
    """Worker warnings come as events; once the scheduler lists one, the client's handler has been called or will be."""
    return bool(client.get_events("warn"))
