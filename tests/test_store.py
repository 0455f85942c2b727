"""Writing: shards are dask chunks, and a killed run goes on where it stopped."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import dask.array as da
import numpy as np
import pytest
import toy
import xarray as xr
import zarr

import adaf_xr
from adaf_xr.inference import store, targets
from adaf_xr.inference.store import write

TESTS = Path(__file__).parent


def analysis(n_times=3, **options):
    return adaf_xr.assimilate(toy.points(days=n_times), toy.background(n_times), model=toy.MeanShift(), **options)


def test_what_is_read_is_what_was_computed_with_attributes_and_history(tmp_path):
    an = analysis()
    write(an, tmp_path / "an.zarr")
    xr.testing.assert_identical(xr.open_zarr(tmp_path / "an.zarr", consolidated=False).load(), an.compute())


@pytest.mark.parametrize(("at_once", "computations"), [(None, [5]), (1, [1] * 5), (2, [2, 2, 1]), (9, [5])])
def test_no_more_times_are_computed_at_once_than_asked_for(tmp_path, monkeypatch, at_once, computations):
    sizes, lazily = [], store._write_lazily
    monkeypatch.setattr(store, "_write_lazily", lambda ds, *a: sizes.append(ds.sizes["time"]) or lazily(ds, *a))
    an = analysis(5)
    write(an, tmp_path / "an.zarr", at_once=at_once)
    assert sizes == computations
    xr.testing.assert_identical(xr.open_zarr(tmp_path / "an.zarr", consolidated=False).load(), an.compute())


def test_every_dask_chunk_is_one_shard_of_smaller_chunks(tmp_path):
    write(analysis(grid=0.05), tmp_path / "an.zarr")
    array = zarr.open_group(tmp_path / "an.zarr", mode="r")["zos"]
    assert array.shape == (3, 160, 200)
    assert array.shards == (1, 160, 200)
    assert array.chunks == (1, 160, 100)
    assert len(list((tmp_path / "an.zarr" / "zos" / "c").glob("*/*/*"))) == 3


def test_bands_of_rows_are_shards_of_their_own(tmp_path, monkeypatch):
    whole = analysis().compute()
    monkeypatch.setattr(targets, "CELLS_PER_CHUNK", 400)
    write(analysis(), tmp_path / "an.zarr")
    assert zarr.open_group(tmp_path / "an.zarr", mode="r")["zos"].shards == (1, 10, 40)
    xr.testing.assert_identical(xr.open_zarr(tmp_path / "an.zarr", consolidated=False).load(), whole)


def test_depth_and_point_targets_are_written_too(tmp_path):
    bg = toy.background(2, depth=[0.5, 100.0])
    where = xr.Dataset(coords={"latitude": ("station", [22.0, 25.5]), "longitude": ("station", [-35.0, -31.0])})
    for name, grid in (("levels", None), ("stations", where)):
        an = adaf_xr.assimilate(toy.points(), bg, model=toy.MeanShift(), grid=grid)
        write(an, tmp_path / name)
        xr.testing.assert_identical(xr.open_zarr(tmp_path / name, consolidated=False).load(), an.compute())


def test_chunks_that_would_cut_a_shard_are_refused(tmp_path):
    uneven = xr.Dataset(
        {"zos": (("time", "latitude"), da.zeros((4, 10), chunks=((1, 2, 1), 10)))}, {"time": np.arange(4)}
    )
    with pytest.raises(ValueError, match=r"would cut shards of 1: rechunk first"):
        write(uneven, tmp_path / "an.zarr")
    with pytest.raises(ValueError, match="not lazy along time"):
        write(uneven.compute(), tmp_path / "an.zarr")


def test_an_existing_store_is_not_overwritten_and_only_its_own_call_may_resume_it(tmp_path):
    write(analysis(), tmp_path / "an.zarr")
    with pytest.raises(FileExistsError, match="resume=True"):
        write(analysis(), tmp_path / "an.zarr")
    with pytest.raises(ValueError, match=r"begun by another call, with other coordinates \("):
        write(analysis(4), tmp_path / "an.zarr", resume=True)
    with pytest.raises(ValueError, match="other coordinates"):
        moved = toy.background().assign_coords(longitude=toy.background().longitude + 1)
        write(adaf_xr.assimilate(toy.points(), moved, model=toy.MeanShift()), tmp_path / "an.zarr", resume=True)
    with pytest.warns(UserWarning, match="from inputs that cannot be recognised as these"):
        other = adaf_xr.assimilate(toy.points(seed=1), toy.background(), model=toy.MeanShift())
        write(other, tmp_path / "an.zarr", resume=True)
    (tmp_path / "strange.zarr").mkdir()
    with pytest.raises(FileExistsError, match="no ledger to resume from"):
        write(analysis(), tmp_path / "strange.zarr", resume=True)


@pytest.mark.parametrize("left", ["template", "half a ledger", "only a ledger"])
def test_a_run_killed_at_its_very_beginning_resumes_too(tmp_path, left):
    store, ledger = tmp_path / "an.zarr", tmp_path / "an.zarr.done"
    write(analysis(), store)
    expected = xr.open_zarr(store).load()
    if left == "template":
        os.rename(ledger / "signature.json", ledger / "begun.json")
    elif left == "half a ledger":
        shutil.rmtree(ledger)
        ledger.mkdir()
        (ledger / "begun.json").write_text("{")
    else:
        shutil.rmtree(store)
    write(analysis(), store, resume=True)
    xr.testing.assert_identical(xr.open_zarr(store).load(), expected)


def test_no_warning_greets_who_opens_the_store(tmp_path, recwarn):
    write(analysis(), tmp_path / "an.zarr")
    xr.open_zarr(tmp_path / "an.zarr")
    assert not [w for w in recwarn if "onsolidated" in str(w.message)]


def test_prime_sizes_make_round_chunks(tmp_path):
    grid = {"latitude": np.linspace(20.6, 27.4, 211), "longitude": np.linspace(-39.4, -30.6, 367)}
    an = analysis(grid=grid)
    write(an, tmp_path / "an.zarr")
    array = zarr.open_group(tmp_path / "an.zarr", mode="r")["zos"]
    assert array.chunks == (1, 106, 123)
    assert len(list((tmp_path / "an.zarr" / "zos" / "c").glob("*/*/*"))) == 3
    xr.testing.assert_identical(xr.open_zarr(tmp_path / "an.zarr").load(), an.compute())


def test_a_bucket_is_refused_with_the_call_that_takes_it():
    with pytest.raises(ValueError, match=r"ds.to_zarr\('s3://bucket/an.zarr'\)"):
        write(analysis(), "s3://bucket/an.zarr")


def test_progress_counts_from_what_is_there_to_all(tmp_path):
    seen = []
    write(analysis(), tmp_path / "an.zarr", progress=lambda done, n: seen.append((done, n)))
    assert seen[0] == (0, 3)
    assert seen[-1] == (3, 3)
    again = []
    write(analysis(), tmp_path / "an.zarr", resume=True, progress=lambda done, n: again.append((done, n)))
    assert set(again) == {(3, 3)}


RUN = """
import sys, time
from dataclasses import dataclass
from pathlib import Path
sys.path.insert(0, {tests!r})
import toy
import adaf_xr
from adaf_xr.inference.store import write

@dataclass(frozen=True)
class Slow(toy.MeanShift):
    def analyse(self, encoded, background, targets):
        time.sleep(0.1)
        result = super().analyse(encoded, background, targets)
        with open({log!r}, "a") as log:
            print(float(encoded.count["zos"]), file=log)
        return result

if __name__ == "__main__":
    obs = toy.lazy(toy.points(3000, days=30), 500)
    an = adaf_xr.assimilate(obs, toy.background(30), model=Slow(), window="2D")
    write(an, {store!r}, resume=True)
"""


def test_after_kill_9_a_month_is_completed_without_doing_work_twice(tmp_path):
    store, log = tmp_path / "an.zarr", tmp_path / "log"
    script = tmp_path / "run.py"
    script.write_text(textwrap.dedent(RUN.format(tests=str(TESTS), store=str(store), log=str(log))))
    first = subprocess.Popen([sys.executable, script])
    ledger = Path(f"{store}.done")
    while sum(1 for _ in ledger.glob("*.0")) < 8:
        assert first.poll() is None, "the first run ended by itself"
        time.sleep(0.02)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    done = sum(1 for _ in ledger.glob("*.0"))
    assert 8 <= done < 30
    log.unlink()

    subprocess.run([sys.executable, script], check=True)
    assert len(log.read_text().splitlines()) == 30 - done
    obs = toy.lazy(toy.points(3000, days=30), 500)
    expected = adaf_xr.assimilate(obs, toy.background(30), model=toy.MeanShift(), window="2D").compute()
    xr.testing.assert_equal(xr.open_zarr(store, consolidated=False).load(), expected)
