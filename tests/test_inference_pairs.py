"""The pair layer: every pair once, none that cannot matter, and a graph that costs nothing to carry."""

import cloudpickle
import dask.array as da
import numpy as np
import pytest
from dask.highlevelgraph import HighLevelGraph
from hypothesis import given, settings
from hypothesis import strategies as st

from adaf_xr.inference.pairs import FAN_IN, Overlaps, PairLayer


class Collect:
    """Encoding remembers the pair; merging concatenates."""

    def encode(self, chunk, scene):
        return [(int(chunk[0]), int(scene[0]))]

    def merge(self, parts):
        return [pair for part in parts for pair in part]

    def finish(self, whole, scene):
        cell = np.empty(1, object)
        cell[0] = (int(scene[0]), whole)
        return cell


def collect(n_chunks, pairs):
    chunks = da.arange(n_chunks, chunks=1) if n_chunks else None
    scenes = da.arange(len(pairs), chunks=1)
    keys = chunks.__dask_keys__() if n_chunks else []
    layer = PairLayer("collect", Collect(), keys, scenes.name, pairs)
    inputs = [scenes] + ([chunks] if n_chunks else [])
    graph = HighLevelGraph.from_collections("collect", layer, dependencies=inputs)
    return da.Array(graph, "collect", scenes.chunks, dtype=object)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 3 * FAN_IN), st.integers(1, 4), st.randoms())
def test_every_listed_pair_is_encoded_once_at_its_own_time(n_chunks, n_times, random):
    pairs = [
        np.array(sorted(random.sample(range(n_chunks), random.randint(0, n_chunks))), "intp") for _ in range(n_times)
    ]
    for t, (time, whole) in enumerate(collect(n_chunks, pairs).compute(scheduler="sync")):
        assert time == t
        assert sorted(whole) == [(c, t) for c in pairs[t]]


def test_a_slice_computes_its_own_times_only():
    result = collect(5, [np.arange(5)] * 4)[2:3].compute(scheduler="sync")
    assert [time for time, _ in result] == [2]


def test_tasks_are_not_written_when_building_or_pickling():
    array = collect(100, [np.arange(100)] * 365)
    layer = array.__dask_graph__().layers["collect"]
    assert not layer.is_materialized()
    copy = cloudpickle.loads(cloudpickle.dumps(layer))
    assert not copy.is_materialized()
    assert copy.keys() == layer.keys()


def test_a_year_of_chunks_with_unknown_times_is_carried_as_their_bounds():
    unknown = np.full(365, np.datetime64("NaT", "ns"))
    times = np.datetime64("2020-01-01", "ns") + np.arange(365) * np.timedelta64(1, "D")
    day = np.timedelta64(1, "D")
    array = collect(365, Overlaps(unknown, unknown, times, (day, day)))
    layer = array.__dask_graph__().layers["collect"]
    assert len(cloudpickle.dumps(layer)) < 50_000
    assert len(layer.pairs[200]) == 365


moments = st.integers(0, 40).map(lambda hour: np.datetime64("2020-01-01", "ns") + np.timedelta64(hour, "h"))


@given(st.lists(st.tuples(moments, moments)), st.lists(moments, min_size=1), st.integers(0, 9), st.integers(1, 9))
def test_overlap_is_that_of_closed_bounds_with_half_open_windows(bounds, times, before, after):
    start = np.array([min(b) for b in bounds], "datetime64[ns]")
    stop = np.array([max(b) for b in bounds], "datetime64[ns]")
    window = (np.timedelta64(before, "h"), np.timedelta64(after, "h"))
    got = Overlaps(start, stop, np.array(times), window)
    for time, chunks in zip(times, got, strict=True):
        for c, (first, last) in enumerate(zip(start, stop, strict=True)):
            meets = first < time + window[1] and last >= time - window[0]
            assert meets == (c in chunks)


@pytest.mark.parametrize("scheduler", ["sync", "threads"])
def test_schedulers_agree(scheduler):
    result = collect(20, [np.arange(20)] * 3).compute(scheduler=scheduler)
    assert [len(whole) for _, whole in result] == [20, 20, 20]
