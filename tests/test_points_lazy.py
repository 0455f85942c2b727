"""Points of dask arrays: nothing computes, lengths are known, chunks change nothing."""

import pickle

import dask
import dask.array as da
import numpy as np
import pytest
import strategies
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from adaf_xr.points import build, time_bounds, to_points

FAMILIES = {
    "argo": strategies.argo("RDAR", ("141", "111", "111", "118"), ("   ", "151", "111", "   ")),
    "mooring": strategies.mooring(5, 3),
    "swath": strategies.swath_sst(4, 5),
    "track": strategies.along_track(7, sla_unfiltered=0.1, mdt=0.5),
    "wind": strategies.scatterometer((1.0, 2.0, 3.0), (0.0, 10.0, 20.0), (0, 131072, 0)),
    "kelvin": strategies.grid("sst", [280.0, np.nan, 285.0, 20.0, 290.0, 291.0]),
    "percent": strategies.grid("siconc", [0.0, 1.0, 55.0, 100.0]),
    "sets": xr.Dataset(
        {
            "thetao": (("time", "depth", "lat", "lon"), np.arange(24.0).reshape(2, 2, 2, 3), {"units": "degC"}),
            "so": (("time", "depth", "lat", "lon"), np.arange(24.0).reshape(2, 2, 2, 3)),
            "zos": (("time", "lat", "lon"), np.arange(12.0).reshape(2, 2, 3) / 3),
        },
        coords={"time": strategies.days(2), "depth": [5.0, 50.0], "lat": [0.0, 1.0], "lon": [0.0, 1.0, 2.0]},
    ),
}

MEASURED = ("TEMP", "sst", "siconc", "wind_speed", "sla_unfiltered", "sea_surface_temperature", "thetao", "zos")


def present(points: xr.Dataset) -> xr.Dataset:
    """Rows that were not rejected, in an order of their own."""
    rows = np.flatnonzero(np.isfinite(points.longitude.values))
    points = points.isel(obs=rows)
    keys = [points[name].values.astype("f8") for name in ("time", "depth", "latitude", "longitude", *points.data_vars)]
    return points.isel(obs=np.lexsort(keys))


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(sorted(FAMILIES)), st.data())
def test_chunks_change_nothing(family, data):
    ds = FAMILIES[family]
    chunks = data.draw(strategies.chunkings({d: s for d, s in ds.sizes.items() if s}))
    xr.testing.assert_identical(present(to_points(ds.chunk(chunks)).compute()), present(to_points(ds)))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size", [1, 5])
def test_pieces_change_nothing(family, size, monkeypatch):
    whole = to_points(FAMILIES[family])
    monkeypatch.setattr(build, "PIECE", size)
    xr.testing.assert_identical(to_points(FAMILIES[family]), whole)


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(["argo", "swath", "wind", "mooring"]), st.data())
def test_order_of_dimensions_changes_nothing(family, data):
    ds = FAMILIES[family]
    turned = ds.assign(
        {n: v.transpose(*data.draw(st.permutations(v.dims))) for n, v in ds.data_vars.items() if v.ndim > 1}
    )
    for each in (turned, turned.chunk(1)):
        xr.testing.assert_identical(present(to_points(each).compute()), present(to_points(ds)))


@settings(deadline=None, max_examples=20)
@given(st.sampled_from(sorted(FAMILIES)), st.data())
def test_any_part_may_be_empty(family, data):
    ds = FAMILIES[family]
    dim = data.draw(st.sampled_from([d for d in ds.sizes if d in {x for v in ds.data_vars.values() for x in v.dims}]))
    size = data.draw(st.integers(0, ds.sizes[dim]))
    alike = [d for d in ds.sizes if ds.sizes[d] == ds.sizes[dim]]  # positions of a mooring are as long as its times
    part = ds.isel({d: slice(size) for d in alike})
    eager = to_points(part)
    assert eager.sizes["obs"] <= to_points(ds).sizes["obs"] or family in ("kelvin", "percent")
    if size:
        xr.testing.assert_identical(present(to_points(part.chunk()).compute()), present(eager))


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_computes_and_lengths_are_known(family, nothing_computes):
    ds = FAMILIES[family]
    numbers = {n: v for n, v in ds.variables.items() if v.dtype.kind in "iuf" and n not in ds.indexes}
    lazy = ds.assign({n: (v.dims, da.from_array(v.values, chunks=1), v.attrs) for n, v in numbers.items()})
    points = to_points(lazy)
    sizes = {frozenset(ds[n].dims): ds[n].size for n in MEASURED if n in ds}
    assert points.sizes["obs"] == sum(sizes.values())
    cuts = {v.chunks for v in points.variables.values() if v.chunks}
    assert len(cuts) == 1
    assert np.isfinite(next(iter(cuts))[0]).all()


@pytest.mark.parametrize("family", ["swath", "wind", "argo"])
def test_rejected_rows_are_all_missing(family):
    points = to_points(FAMILIES[family].chunk()).compute()
    everything = to_points(FAMILIES[family])
    rejected = ~np.isfinite(points.longitude.values)
    assert rejected.sum() == points.sizes["obs"] - everything.sizes["obs"]
    for name in points.variables:
        assert points[name].isel(obs=rejected).isnull().all(), name


def test_chunks_follow_the_data():
    ds = strategies.swath_sst(6, 4).chunk(nj=2)
    assert to_points(ds).chunks["obs"] == (8, 8, 8)
    ds = strategies.swath_sst(6, 4).chunk(nj=2, ni=3)
    assert sorted(to_points(ds).chunks["obs"]) == [2, 2, 2, 6, 6, 6]


def test_chunks_that_differ_between_variables_are_unified():
    ds = strategies.swath_sst(6, 4)
    mixed = ds.assign(
        sea_surface_temperature=ds.sea_surface_temperature.chunk(nj=2), quality_level=ds.quality_level.chunk(nj=3)
    )
    assert to_points(mixed).chunks["obs"] == (8, 4, 4, 8)
    xr.testing.assert_identical(present(to_points(mixed).compute()), present(to_points(ds)))


def test_times_in_memory_stay_there():
    points = to_points(FAMILIES["track"].chunk(time=2))
    assert isinstance(points.time.data, np.ndarray)
    assert points.longitude.chunks == ((2, 2, 2, 1),)
    np.testing.assert_array_equal(points.time, FAMILIES["track"].time)


def test_every_chunk_is_converted_once():
    ds = strategies.swath_sst(6, 4)
    reads = []

    def read(block):
        reads.append(block.shape)
        return block

    sst = ds.sea_surface_temperature
    counted = da.from_array(sst.values, chunks=(1, 2, 4)).map_blocks(read, meta=np.empty((0, 0, 0)))
    ds = ds.chunk(nj=2).assign(sea_surface_temperature=(sst.dims, counted, sst.attrs))
    with dask.config.set(scheduler="synchronous"):
        to_points(ds).compute()
    assert reads == [(1, 2, 4)] * 3


def test_what_the_numbers_decide_is_decided_over_all_chunks():
    # The first chunk alone would be Celsius, and a fraction.
    kelvin = strategies.grid("sst", [20.0, 21.0, 290.0, 291.0, 292.0, 293.0]).chunk(lat=1)
    np.testing.assert_allclose(to_points(kelvin).thetao.dropna("obs").values, [16.85, 17.85, 18.85, 19.85])
    percent = strategies.grid("siconc", [0.0, 1.0, 55.0, 100.0]).chunk(lat=1)
    np.testing.assert_allclose(to_points(percent).siconc.values, [0.0, 0.01, 0.55, 1.0])
    # The flags of the first chunk were never written, those of the second were.
    ds = strategies.argo("RR", ("   ", "111"), ("   ", "   ")).chunk(N_PROF=1)
    assert np.isfinite(to_points(ds).longitude.values).sum() == 3


def year(shape: tuple[int, ...], chunk: int = 1) -> xr.Dataset:
    """A year of daily fields, never computed."""
    field = da.zeros((365, *shape), chunks=(chunk, *shape), dtype="f4")
    return xr.Dataset(
        {
            "analysed_sst": (("time", "lat", "lon"), field, {"units": "kelvin"}),
            "analysis_error": (("time", "lat", "lon"), field, {"units": "kelvin"}),
        },
        coords={
            "time": strategies.days(365),
            "lat": np.linspace(-89, 89, shape[0]),
            "lon": np.linspace(-179, 179, shape[1]),
        },
    )


def test_graph_of_a_year_is_small_and_does_not_grow_with_the_data(nothing_computes):
    def added(ds):
        graph = to_points(ds).__dask_graph__()
        return len(pickle.dumps({k: v for k, v in graph.layers.items() if k not in ds.__dask_graph__().layers}))

    small, large = added(year((18, 36))), added(year((720, 1440)))
    assert large < 300_000
    # Only the axes themselves, 17 kB, are longer.
    assert large - small < 50_000


def test_large_times_in_memory_are_not_carried_by_tasks(nothing_computes):
    count = 1_000_000
    columns = {name: ("time", da.zeros(count, chunks=100_000), {"units": units}) for name, units in [("adt", "m")]}
    ds = xr.Dataset(columns, coords={"time": strategies.WHEN + np.arange(count) * np.timedelta64(1, "s")})
    ds = ds.assign_coords({name: ("time", da.zeros(count, chunks=100_000)) for name in ("latitude", "longitude")})
    assert len(pickle.dumps(to_points(ds).__dask_graph__())) < 50_000


def test_trees_stay_lazy(nothing_computes):
    tree = strategies.ioda((280.0, 281.0, 282.0), (0, 1, 0))
    lazy = xr.DataTree.from_dict({node.path: node.to_dataset().chunk(1) for node in tree.subtree if node.path != "/"})
    assert to_points(lazy).chunks["obs"] == (1, 1, 1)


def bounds_of(points: xr.Dataset) -> tuple[list, list]:
    """First and last time of every chunk, from the numbers; rows that were rejected do not count."""
    parts = [points.time.data.blocks[k].compute() for k in range(points.time.data.numblocks[0])]
    return [p.min() if p.size else None for p in parts], [p.max() if p.size else None for p in parts]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.booleans(), min_size=3, max_size=3).filter(any),
    st.permutations(["depth", "lat", "lon"]),
    st.fixed_dictionaries({"depth": st.integers(1, 4), "lat": st.integers(1, 3), "lon": st.integers(1, 2)}),
    st.randoms(use_true_random=False),
)
def test_times_of_chunks_are_known_before_computing(timed, order, chunks, random):
    """Whatever dimensions carry the time, and however all are cut, every chunk has its own first and last time."""
    sizes = {"depth": 4, "lat": 3, "lon": 2}
    dims = [d for d, has in zip(sizes, timed, strict=True) if has]
    shape = tuple(sizes[d] for d in dims)
    when = strategies.WHEN + np.array(random.sample(range(100), int(np.prod(shape)))).reshape(shape).astype("m8[h]")
    ds = xr.Dataset(
        {"sst": (list(sizes), np.full(tuple(sizes.values()), 17.0), {"units": "degC"})},
        coords={"depth": [0.0, 1.0, 2.0, 3.0], "lat": [0.0, 1.0, 2.0], "lon": [0.0, 1.0]},
    ).transpose(*order)
    points = to_points(ds.chunk(chunks).assign_coords(when=(dims, when)))
    start, stop = time_bounds(points)
    first, last = bounds_of(points)
    assert start.tolist() == np.array(first).astype("i8").tolist()
    assert stop.tolist() == np.array(last).astype("i8").tolist()


def test_times_of_chunks_of_a_map_cut_in_space(nothing_computes):
    ds = FAMILIES["sets"].chunk(time=1, lat=1, depth=1)
    start, stop = time_bounds(to_points(ds, "zos"))
    np.testing.assert_array_equal(start, np.repeat(strategies.days(2), 2))
    np.testing.assert_array_equal(stop, start)
    start, stop = time_bounds(to_points(ds))  # levels and surface one after another
    np.testing.assert_array_equal(start, np.concatenate([np.repeat(strategies.days(2), n) for n in (4, 2)]))
    np.testing.assert_array_equal(stop, start)


def test_times_of_chunks_are_dropped_with_the_chunks():
    points = to_points(FAMILIES["sets"].chunk(time=1), "zos")
    assert not np.isnat(time_bounds(points)).any()
    for changed in (
        points.isel(obs=slice(0, 9)),
        points.isel(obs=slice(None, None, -1)),
        points.chunk(obs=3),
        points.assign_coords(time=points.time + np.timedelta64(1, "D")),
        xr.concat([points, points], "obs"),
    ):
        start, stop = time_bounds(changed)
        assert start.shape == stop.shape == (changed.chunksizes["obs"].__len__(),)
        assert np.isnat(start).all()
        assert np.isnat(stop).all()
    moved = pickle.loads(pickle.dumps(points[["zos"]]))
    np.testing.assert_array_equal(time_bounds(moved)[0], strategies.days(2))


def test_times_of_chunks_in_memory():
    points = to_points(FAMILIES["track"].chunk(time=3))
    start, stop = time_bounds(points)
    assert points.time.chunks is None
    times = FAMILIES["track"].time.values
    np.testing.assert_array_equal(start, times[[0, 3, 6]])
    np.testing.assert_array_equal(stop, times[[2, 5, 6]])
    missing = points.assign_coords(time=points.time.where(np.arange(7) > 2))
    start, stop = time_bounds(missing)
    assert (start > stop).tolist() == [True, False, False]
    start, stop = time_bounds(points.compute())
    assert (start, stop) == (times[:1], times[-1:])
    assert np.greater(*time_bounds(points.isel(obs=slice(0)))).tolist() == [True]
    with pytest.raises(ValueError, match=r"along a dimension obs.*to_points\(...\)"):
        time_bounds(FAMILIES["sets"])


@pytest.mark.parametrize(
    ("packing", "spread"),
    [
        ({"dtype": np.dtype("i2"), "scale_factor": 1.0}, (-32769, 32768)),
        ({"dtype": np.dtype("u1"), "scale_factor": 60.0, "add_offset": -600.0}, (-601, 14701)),
        ({"dtype": np.dtype("i4")}, None),
        ({}, None),
    ],
)
def test_delays_widen_the_times_of_chunks_as_far_as_their_packing_can(packing, spread):
    ds = strategies.swath_sst(4, 5)
    ds["sst_dtime"].encoding = packing
    start, stop = time_bounds(to_points(ds.chunk(nj=2)))
    assert start.size == stop.size == 2
    if spread is None:
        assert np.isnat(start).all()
    else:
        seconds = np.array(
            [(start - ds.time.values) / np.timedelta64(1, "s"), (stop - ds.time.values) / np.timedelta64(1, "s")]
        )
        np.testing.assert_array_equal(seconds, np.tile(np.array(spread)[:, None], 2))


def test_a_part_with_unknown_times_leaves_the_others_known():
    levels = FAMILIES["sets"].chunk(time=1)
    unknown = strategies.swath_sst(4, 5).chunk(nj=2)
    tree = xr.DataTree.from_dict({"/a": levels[["zos"]], "/b": unknown, "/c": strategies.grid("sss", [35.0, 36.0])})
    points = to_points(tree)
    start, stop = time_bounds(points)
    day = strategies.WHEN
    expected = [*strategies.days(2), np.datetime64("NaT"), np.datetime64("NaT"), day]
    assert start.size == points.time.data.numblocks[0]
    np.testing.assert_array_equal(start[:4], np.array(expected[:4], "M8[ns]"))
    np.testing.assert_array_equal(np.isnat(stop), [False, False, True, True, False])
