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

from adaf_xr.points import build, to_points

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
