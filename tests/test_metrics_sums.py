"""Sums that merge: cuts, chunks, one pass or two, regions, places in any spelling."""

import dask
import dask.array as da
import numpy as np
import numpy.testing as npt
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from adaf_xr import metrics
from adaf_xr.metrics import reduction
from adaf_xr.metrics.horizontal import weights_of
from adaf_xr.metrics.pairing import matched
from adaf_xr.metrics.regions import masks
from adaf_xr.metrics.statistics import STATISTICS, sums_and_cells
from adaf_xr.sphere import RADIUS, cell_area

LAT, LON = np.arange(-75.0, 90, 30), np.arange(-165.0, 180, 30)
AXES = {"time": np.arange(4), "lead_time": np.arange(2), "latitude": LAT, "longitude": LON}
seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=5, deadline=None)


def field(seed: int, axes: dict = AXES, missing: float = 0.15) -> xr.DataArray:
    """White noise about 10 with holes."""
    rng = np.random.default_rng(seed)
    values = rng.normal(10.0, 2.0, size=[len(axis) for axis in axes.values()])
    values[rng.random(values.shape) < missing] = np.nan
    return xr.DataArray(values, axes, tuple(axes), "thetao", {"units": "degC"})


def given_all(seed: int) -> dict[str, xr.DataArray]:
    """Every input that a statistic may have."""
    names = ("field", "truth", "climatology", "background", "spread")
    return {name: field(seed + i) for i, name in enumerate(names)}


@few
@given(seeds)
def test_every_statistic_is_summed_as_numpy_would(seed):
    arrays = given_all(seed)
    got = metrics.sums(**arrays)
    values = {name: array.values for name, array in arrays.items()}
    good = np.isfinite(sum(values.values()))
    w = cell_area(LAT, LON)
    npt.assert_allclose(got["weight"], (good * w).sum(axis=(2, 3)))
    for name, statistic in STATISTICS.items():
        expected = np.where(good, statistic(values), 0.0) * w
        npt.assert_allclose(got[name], expected.sum(axis=(2, 3)), rtol=1e-10, atol=1e-6, err_msg=name)
    assert set(got.data_vars) == {*STATISTICS, "weight"}


@few
@given(seeds, st.lists(st.integers(1, 3), max_size=3), st.lists(st.integers(1, 11), max_size=3))
def test_random_cuts_in_time_and_space_merge_to_the_whole(seed, days, columns):
    arrays = given_all(seed)
    whole = metrics.sums(**arrays, dim=["time", "latitude", "longitude"])
    area = weights_of(arrays["field"], "area").assign_coords(latitude=LAT, longitude=LON)
    merged = None
    for t in np.split(np.arange(4), sorted(days)):
        for i in np.split(np.arange(LON.size), sorted(columns)):
            if t.size and i.size:
                part = {name: array.isel(time=t, longitude=i) for name, array in arrays.items()}
                got = metrics.sums(**part, dim=["time", "latitude", "longitude"], weights=area.isel(longitude=i))
                merged = got if merged is None else merged + got
    xr.testing.assert_allclose(merged, whole)
    for predictor in ("field", "background", "climatology"):
        xr.testing.assert_allclose(metrics.from_sums(merged, predictor), metrics.from_sums(whole, predictor))
    x, y, c = (arrays[name].where(np.isfinite(sum(arrays.values()))) for name in ("field", "truth", "climatology"))
    scores = metrics.from_sums(whole)
    everywhere = ["time", "latitude", "longitude"]
    npt.assert_allclose(scores["rmse"], metrics.rmse(x, y, dim=everywhere))
    npt.assert_allclose(scores["acc"], metrics.acc(x, y, c, dim=everywhere))
    npt.assert_allclose(scores["centred_acc"], metrics.acc(x, y, c, dim=everywhere, centred=True))


@few
@given(
    seeds,
    st.fixed_dictionaries({dim: st.integers((len(axis) + 2) // 3, len(axis)) for dim, axis in AXES.items()}),
    st.permutations([*AXES]),
)
def test_one_pass_gives_the_sums_of_two(seed, chunks, order):
    arrays = given_all(seed)
    names, cells = ["squared_error", "crps"], ["gain"]
    regions = {"north": (-180, 180, 0, 90), "pacific": (150, -90, -60, 60)}
    first, second = sums_and_cells(arrays, names, cells, "time", "area", regions)
    xr.testing.assert_allclose(first, metrics.sums(**arrays, names=names, regions=regions))
    xr.testing.assert_allclose(second, metrics.sums(**arrays, names=cells, dim="time", weights=None))
    lazy = {name: array.chunk(chunks).transpose(*order) for name, array in arrays.items()}
    lazy["truth"] = arrays["truth"].chunk(time=2)
    lazy["spread"] = arrays["spread"]
    for got, expected in zip(sums_and_cells(lazy, names, cells, "time", "area", regions), (first, second), strict=True):
        assert all(isinstance(total.data, da.Array) for total in got.data_vars.values())
        xr.testing.assert_allclose(got.compute().transpose(*expected.dims), expected)


@pytest.mark.parametrize("over", [["latitude", "longitude"], ["time"], ["time", "longitude"], []])
def test_pieces_that_fit_a_cache_add_up(over, monkeypatch):
    monkeypatch.setattr(reduction, "LEAF", 7)
    arrays = given_all(0)
    small = metrics.sums(**arrays, dim=over)
    monkeypatch.undo()
    xr.testing.assert_allclose(small, metrics.sums(**arrays, dim=over))


def test_the_card_makes_and_uses_each_block_of_a_field_once():
    made = []

    def block(of: int, block_info=None) -> np.ndarray:
        made.append((of, block_info[None]["chunk-location"]))
        return np.random.default_rng([of, block_info[None]["chunk-location"][0]]).random((1, LAT.size, LON.size))

    axes = {"time": np.arange(9), "latitude": LAT, "longitude": LON}
    chunks = ((1,) * 9, (LAT.size,), (LON.size,))
    analysis, truth, background = (
        xr.DataArray(da.map_blocks(block, of, chunks=chunks, dtype="f8", meta=np.empty((0, 0, 0))), axes, tuple(axes))
        for of in range(3)
    )
    card = metrics.scorecard(analysis, truth, background)
    dependents = dask.core.get_deps(dict(card.__dask_graph__()))[1]
    for field_ in (analysis, truth, background):
        assert [len(dependents[key]) for key in dask.core.flatten(field_.data.__dask_keys__())] == [1] * 9
    assert not made
    card.compute(scheduler="sync")
    assert sorted(made) == [(of, (day, 0, 0)) for of in range(3) for day in range(9)]


def test_a_score_of_one_day_needs_that_day_only():
    x, y = (field(seed).chunk(time=1) for seed in range(2))
    one = dask.optimize(metrics.rmse(x, y).isel(time=2))[0].__dask_graph__()
    read = [key for key in one if isinstance(key, tuple) and key[0] in (x.data.name, y.data.name)]
    assert sorted(key[1] for key in read) == [2, 2]


def test_depth_and_lead_time_are_kept_and_described():
    got = metrics.rmse(field(0).assign_coords(member=3), field(1))
    assert got.dims == ("time", "lead_time")
    assert got.attrs == {"long_name": "root-mean-square error", "units": "degC"}
    assert got.name == "thetao"
    assert metrics.correlation(field(0), field(1)).units == "1"


class TestRegions:
    def test_a_box_holds_the_cells_with_their_centre_inside(self):
        x, y = field(0), field(1)
        boxes = {"gulf": (-75, -45, 15, 45), "date line": (150, -150, -90, 0), "globe": (-180, 180, -90, 90)}
        got = metrics.rmse(x, y, regions=boxes)
        assert got.dims == ("region", "time", "lead_time")
        gulf = {"latitude": [15, 45], "longitude": [-75, -45]}
        area = xr.DataArray(cell_area(LAT, LON), {"latitude": LAT, "longitude": LON}, ("latitude", "longitude"))
        by_hand = metrics.rmse(x.sel(gulf), y.sel(gulf), weights=area.sel(gulf))
        npt.assert_allclose(got.sel(region="gulf"), by_hand)
        across = {"latitude": [-75, -45, -15], "longitude": [-165, 165]}
        by_hand = metrics.rmse(x.sel(across), y.sel(across), weights=area.sel(across))
        npt.assert_allclose(got.sel(region="date line"), by_hand)
        npt.assert_allclose(got.sel(region="globe"), metrics.rmse(x, y))

    @few
    @given(seeds, st.floats(-400, 400), st.floats(1, 359), st.floats(-80, 80))
    def test_the_parts_of_the_globe_sum_to_the_globe(self, seed, west, wide, middle):
        x, y = field(seed), field(seed + 1)
        east = west + wide
        # Edges that no centre lies on, so that no cell belongs to two.
        if np.any(np.abs((LON[:, None] - [west, east] + 180) % 360 - 180) < 1e-3) or np.any(
            np.abs(LAT - middle) < 1e-3
        ):
            return
        boxes = {f"{i}{j}": (w, e, s, n) for i, (w, e) in enumerate([(west, east), (east, west)])
                 for j, (s, n) in enumerate([(-90, middle), (middle, 90)])}  # fmt: skip
        found = {name: box for name, box in boxes.items() if _held(box)}
        parts = metrics.sums(x, y, regions=found)
        xr.testing.assert_allclose(parts.sum("region"), metrics.sums(x, y))

    def test_a_mask_is_a_region_in_any_order_of_its_axes(self):
        x, y = field(0), field(1)
        mask = xr.DataArray(np.add.outer(LAT, LON) > 0, {"lat": LAT, "lon": LON % 360}, ("lat", "lon"))
        shuffled = mask.sortby("lon").sortby("lat", ascending=False).transpose()
        got = metrics.bias(x, y, regions={"a": shuffled})
        renamed = mask.rename(lat="latitude", lon="longitude").assign_coords(longitude=LON)
        npt.assert_allclose(got.sel(region="a"), metrics.bias(x.where(renamed), y))

    def test_a_region_of_land_has_no_score_and_one_without_cells_is_an_error(self):
        x = field(0)
        x.loc[{"latitude": 45.0}] = np.nan
        got = metrics.rmse(x, x, regions={"land": (-180, 180, 40, 50), "sea": (-180, 180, -20, 20)})
        assert got.sel(region="land").isnull().all()
        assert got.sel(region="sea").notnull().all()
        with pytest.raises(ValueError, match="the region 'far' holds no cell of 'thetao': check its bounds"):
            metrics.rmse(x, x, regions={"far": (-20, -10, 17, 18)})

    @pytest.mark.parametrize("box", [(0, 10, 20, 10), (0, 0, 10, 20), (0, 10, 20), 3, np.ones((6, 12))])
    def test_bounds_in_the_wrong_order_are_refused(self, box):
        with pytest.raises(ValueError, match=r"the region 'a' is .* give \(west, east, south, north\)"):
            metrics.rmse(field(0), field(1), regions={"a": box})

    def test_points_lie_in_regions_too(self):
        rng = np.random.default_rng(0)
        where = {"latitude": ("obs", rng.uniform(-60, 60, 99)), "longitude": ("obs", rng.uniform(0, 360, 99))}
        x, y = (xr.DataArray(rng.normal(size=99), where, ["obs"]) for _ in range(2))
        inside = (x.latitude > 0) & ((x.longitude > 170) & (x.longitude < 200))
        got = metrics.mae(x, y, regions={"a": (170, -160, 0, 90)})
        npt.assert_allclose(got, [np.abs(x - y)[inside.values].mean()])
        lazy = x.chunk(obs=10).assign_coords({name: (dim, da.from_array(at)) for name, (dim, at) in where.items()})
        npt.assert_allclose(metrics.mae(lazy, y, regions={"a": (170, -160, 0, 90)}), got)

    def test_no_region_and_no_place_are_refused(self):
        with pytest.raises(ValueError, match="regions is empty"):
            metrics.rmse(field(0), field(1), regions={})
        bare = xr.DataArray([1.0], dims="obs", name="zos")
        with pytest.raises(ValueError, match="the region 'a' cannot be found on it"):
            masks(bare, {"a": (0, 1, 0, 1)})
        with pytest.raises(ValueError, match="has a dimension 'region' already"):
            metrics.rmse(*(field(i).rename(lead_time="region") for i in range(2)), regions={"a": (0, 90, 0, 90)})


def _held(box) -> bool:
    try:
        masks(field(0), {"a": box})
    except ValueError:
        return False
    return True


@few
@given(seeds, st.permutations([*AXES]), st.integers(0, 11), st.booleans(), st.sampled_from([0.0, 360.0]))
def test_spellings_of_places_do_not_matter(seed, order, turn, flip, start):
    x, y = field(seed), field(seed + 1)
    other = y.roll(longitude=turn, roll_coords=True)
    other = other.assign_coords(longitude=(other.longitude.values - start) % 360 + start)
    other = other.isel(latitude=slice(None, None, -1 if flip else 1)).transpose(*order).rename(latitude="lat")
    for score in (metrics.rmse, metrics.correlation):
        xr.testing.assert_allclose(score(x, other), score(x, y))
        npt.assert_allclose(score(other, x).transpose("time", "lead_time"), score(y, x))


def test_places_in_single_precision_are_the_same_places():
    fine = np.arange(-179.95, 180, 0.1)
    x = xr.DataArray(np.zeros((2, fine.size)), {"latitude": [0.05, 0.15], "longitude": fine}, ("latitude", "longitude"))
    single = x.assign_coords(longitude=(fine % 360).astype("f4"), latitude=x.latitude.astype("f4"))
    assert float(metrics.rmse(x, single.sortby("longitude"))) == 0.0
    off = x.assign_coords(longitude=fine + 1e-3)
    with pytest.raises(ValueError, match="differ along 'longitude'"):
        metrics.rmse(x, off)
    # At the seam rounding may move the first value to the end.
    seam = xr.DataArray([1.0, 2.0], {"longitude": [-180.0, 0.0]}, ["longitude"])
    turned = xr.DataArray([1.0, 2.0], {"longitude": [179.99999, 0.0]}, ["longitude"])
    assert matched(seam, turned, "the truth").values.tolist() == [1.0, 2.0]


def test_the_area_of_a_box_across_the_seam_is_that_of_the_same_box_elsewhere():
    lat, lon = np.arange(10.5, 20), np.array([178.5, 179.5, -179.5, -178.5])
    x = xr.DataArray(np.zeros((10, 4)), {"latitude": lat, "longitude": lon}, ("latitude", "longitude"), "zos")
    exact = RADIUS**2 * np.radians(4) * np.ptp(np.sin(np.radians([10, 20])))
    for each in (x, x.sortby("longitude"), x.assign_coords(longitude=lon % 360), x[::-1]):
        npt.assert_allclose(float(weights_of(each, "area").sum()), exact)
    with pytest.raises(ValueError, match="the latitudes are not in order"):
        weights_of(x.isel(latitude=[0, 2, 1]), "area")


def test_single_precision_is_summed_in_double():
    x = xr.DataArray(np.full((1000, 1000), 1e4, "f4"), dims=("a", "b"))
    y = x + np.float32(0.0009765625)
    assert float(metrics.bias(x, y, dim=["a", "b"], weights=None)) == -0.0009765625
    assert metrics.rmse(x, y, dim=["a", "b"], weights=None).dtype == "f8"


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"names": ["skill"]}, "unknown statistic 'skill': choose among"),
        ({"names": ["anomaly_product"]}, "the statistic 'anomaly_product' needs climatology: pass climatology="),
        ({"dim": "depth"}, "there is no dimension 'depth' to sum over: dim=... may name some of"),
        ({"weights": field(0) - 10.0}, "some weights are negative"),
    ],
)
def test_sums_that_make_no_sense_are_refused(how, message):
    with pytest.raises(ValueError, match=message):
        metrics.sums(field(0), field(1), **how)


def test_a_missing_weight_counts_for_nothing():
    x, y = field(0), field(1)
    area = weights_of(x, "area").assign_coords(latitude=LAT, longitude=LON)
    npt.assert_allclose(
        metrics.rmse(x, y, weights=area.where(area.latitude > 0)),
        metrics.rmse(x, y, weights=area * (area.latitude > 0)),
    )


@pytest.mark.parametrize(
    ("mine", "theirs", "same"),
    [
        ("degC", "K", False),
        ("m", "cm", False),
        ("%", "1", False),
        ("m s-1", "cm/s", False),
        ("degC", "degrees_Celsius", True),
        ("psu", "1e-3", True),
        ("m s-1", "m/s", True),
        ("m", "", True),
        ("furlong", "m", True),
    ],
)
def test_fields_in_other_units_are_refused_as_far_as_units_are_known(mine, theirs, same):
    x, y = field(0).assign_attrs(units=mine), field(1).assign_attrs(units=theirs)
    if same:
        npt.assert_allclose(metrics.rmse(x, y), metrics.rmse(field(0), field(1)))
        return
    with pytest.raises(
        ValueError, match=f"'thetao' is in '{mine}' and the truth in '{theirs}': bring both to one unit"
    ):
        metrics.rmse(x, y)
    with pytest.raises(ValueError, match="and the climatology in"):
        metrics.acc(x, x, y)


def test_a_spread_in_kelvin_is_one_in_degrees():
    x, y = field(0), field(1)
    spread = abs(field(2)).assign_attrs(units="K")
    npt.assert_allclose(metrics.crps(x, y, spread), metrics.crps(x, y, spread.assign_attrs(units="degC")))


def test_scores_need_their_sums():
    with pytest.raises(ValueError, match="these are no sums"):
        metrics.from_sums(xr.Dataset({"error": 1.0}))
    with pytest.raises(ValueError, match="no score of the background follows from the sums"):
        metrics.from_sums(metrics.sums(field(0), field(1)), "background")
