"""Fixtures shared by all tests."""

import gc
import os
from pathlib import Path

# Before anything loads a library of linear algebra: tests run side by side, and threads of each would only wait for
# those of the others.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import dask
import hypothesis
import pytest
from xarray.backends.file_manager import FILE_CACHE

# How long an example takes is a matter of who else uses the machine, and no property.
hypothesis.settings.register_profile("shared machine", deadline=None)
hypothesis.settings.load_profile("shared machine")

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def realdata() -> Path:
    """The folder of real sample files; where it is absent, tests that need it skip and say so."""
    root = Path(os.environ.get("ADAF_XR_REALDATA", REPOSITORY.parent / "shared" / "data"))
    if not root.is_dir():
        pytest.skip(f"no real sample files at {root}: set ADAF_XR_REALDATA")
    return root


@pytest.fixture(scope="session")
def published_sample(tmp_path_factory) -> Path:
    """Three simulated days in the folder layout of the published data, coarse; tests read it and leave it as it is."""
    from adaf_xr.osse.published_layout import write

    return write(tmp_path_factory.mktemp("published") / "sample", seed=3, spacing=1.0, resolution=2.0)


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """Copies of remote checkpoints go where the tests end, not into the home of who runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADAF_XR_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def closed_files(request):
    """Collect what tests on real files leave open: trees are cycles that wait for the collector.

    Many netCDF4 handles at once outgrow xarray's cache of open files, whose evictions break groups that are still in
    use ("NetCDF: HDF error", or a crash). A collection takes longer than most of these tests, so that a few may wait.
    """
    yield
    if "realdata" in request.fixturenames and len(FILE_CACHE) > FILE_CACHE.maxsize // 4:
        gc.collect()


@pytest.fixture
def nothing_computes():
    """A dask scheduler that raises: building a lazy result must not compute."""

    def scheduler(dsk, keys, **kwargs):
        raise AssertionError("computed while building")

    with dask.config.set(scheduler=scheduler):
        yield
