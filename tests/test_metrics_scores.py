"""Scores as theorems: identity, constants, merging, weights, missing values, laziness."""

import dask.array as da
import numpy as np
import numpy.testing as npt
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from adaf_xr import metrics
from adaf_xr.metrics.formulas import METRICS
from adaf_xr.metrics.statistics import STATISTICS, sums
from adaf_xr.sphere import cell_area

SCORES = {name: getattr(metrics, name) for name in METRICS}
LAT, LON = np.arange(-82.5, 90, 15), np.arange(7.5, 360, 15)

seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=6, deadline=None)
each = pytest.mark.parametrize("name", SCORES)


def field(seed: int, missing: float = 0.2, name: str = "thetao") -> xr.DataArray:
    """White noise about 10 with holes, three times."""
    rng = np.random.default_rng(seed)
    values = rng.normal(10.0, 2.0, size=(3, LAT.size, LON.size))
    values[rng.random(values.shape) < missing] = np.nan
    coords = {"time": np.arange(3), "latitude": LAT, "longitude": LON}
    return xr.DataArray(values, coords, ("time", "latitude", "longitude"), name)


def by_hand(x: xr.DataArray, y: xr.DataArray) -> dict[str, float]:
    """The four scores of one time, from the definitions, over flat arrays."""
    pairs = np.isfinite(x.values) & np.isfinite(y.values)
    a, b = x.values[pairs], y.values[pairs]
    w = cell_area(LAT, LON)[pairs]
    w = w / w.sum()
    da_, db = a - (w * a).sum(), b - (w * b).sum()
    return {
        "rmse": np.sqrt((w * (a - b) ** 2).sum()),
        "bias": (w * (a - b)).sum(),
        "mae": (w * abs(a - b)).sum(),
        "correlation": (w * da_ * db).sum() / np.sqrt((w * da_**2).sum() * (w * db**2).sum()),
    }


@few
@given(seeds)
def test_the_scores_are_their_definitions(seed):
    x, y = field(seed), field(seed + 1)
    expected = by_hand(x.isel(time=1), y.isel(time=1))
    for name, score in SCORES.items():
        got = score(x, y)
        assert got.dims == ("time",)
        npt.assert_allclose(got[1], expected[name], rtol=1e-9, atol=1e-9)


@few
@given(seeds)
def test_a_field_is_perfect_against_itself(seed):
    x = field(seed)
    assert [float(score(x, x, dim=x.dims)) for score in SCORES.values()] == pytest.approx([0.0, 0.0, 0.0, 1.0])


@few
@given(seeds, st.floats(-50, 50))
def test_a_constant_offset_is_all_bias_and_no_decorrelation(seed, offset):
    x = field(seed)
    got = {name: score(x + offset, x, dim=x.dims).item() for name, score in SCORES.items()}
    assert got == pytest.approx({"rmse": abs(offset), "bias": offset, "mae": abs(offset), "correlation": 1.0})


@few
@given(seeds)
def test_squared_rmse_is_squared_bias_plus_the_variance_of_the_error_and_bounds_the_others(seed):
    x, y = field(seed), field(seed + 1)
    rmse, bias, mae = (SCORES[name](x, y) for name in ("rmse", "bias", "mae"))
    variance = metrics.rmse(x - bias, y) ** 2
    npt.assert_allclose(rmse**2, bias**2 + variance)
    assert (abs(bias) <= mae + 1e-12).all()
    assert (mae <= rmse + 1e-12).all()


@few
@given(seeds, st.integers(1, LAT.size - 1))
def test_the_sums_of_the_parts_are_the_sums_of_the_whole(seed, cut):
    x, y = field(seed), field(seed + 1)
    # The area of a cell is known from its neighbours: parts bring it along.
    area = xr.DataArray(cell_area(LAT, LON), {"latitude": LAT, "longitude": LON}, ("latitude", "longitude"))
    parts = [slice(None, cut), slice(cut, None)]
    north, south = (sums(*(v.isel(latitude=p) for v in (x, y)), weights=area.isel(latitude=p)) for p in parts)
    xr.testing.assert_allclose(north + south, sums(x, y))
    of_pairs = {name for name, s in STATISTICS.items() if set(s.inputs) <= {"field", "truth"}}
    assert set(north.data_vars) == {*of_pairs, "weight"}


@few
@given(seeds, st.integers(4, LAT.size), st.integers(5, LON.size), st.permutations(["time", "latitude", "longitude"]))
def test_neither_chunks_nor_the_order_of_dimensions_matter(seed, rows, columns, order):
    x, y = field(seed), field(seed + 1)
    chunked = x.chunk({"time": 1, "latitude": rows, "longitude": columns}).transpose(*order)
    for score in SCORES.values():
        lazy = score(chunked, y)
        assert isinstance(lazy.data, da.Array)
        xr.testing.assert_allclose(lazy.compute(), score(x, y))


@each
def test_nothing_computes_while_building(name, nothing_computes):
    x = field(0).chunk({"time": 1, "latitude": 5})
    ds = xr.Dataset({"thetao": x, "so": x + 1.0})
    SCORES[name](x, x + 1.0)
    SCORES[name](ds, ds + 1.0)


def test_cells_count_by_their_area_unless_told_otherwise():
    tropics = (np.abs(LAT) < 30)[:, None] & np.ones(LON.size, bool)
    error = xr.DataArray(tropics * 1.0, {"latitude": LAT, "longitude": LON}, ("latitude", "longitude"))
    # Half of the sphere lies within 30 degrees of the equator, on a third of the rows.
    assert float(metrics.bias(error, error * 0.0)) == pytest.approx(0.5)
    assert float(metrics.bias(error, error * 0.0, weights=None)) == pytest.approx(1 / 3)
    assert float(metrics.bias(error, error * 0.0, weights=error * 2.0)) == pytest.approx(1.0)


def test_names_and_order_of_the_axes_of_a_file_do_not_matter():
    x, y = field(0), field(1)
    other = {"latitude": "lat", "longitude": "lon"}
    for score in SCORES.values():
        got = score(x.rename(other)[:, ::-1], y.rename(other)[:, ::-1])
        xr.testing.assert_allclose(got, score(x, y))


def test_points_count_alike():
    rng = np.random.default_rng(0)
    where = {"latitude": ("obs", rng.uniform(-90, 90, 50)), "longitude": ("obs", rng.uniform(-180, 180, 50))}
    x, y = (xr.DataArray(rng.normal(size=50), where, "obs") for _ in range(2))
    npt.assert_allclose(metrics.rmse(x, y), np.sqrt(np.mean((x.values - y.values) ** 2)))


@each
def test_where_there_is_no_pair_there_is_no_score(name):
    x, y = field(0), field(1)
    x[0], y[1, 3:], x[1, :3] = np.nan, np.nan, np.nan
    npt.assert_array_equal(np.isfinite(SCORES[name](x, y)), [False, False, True])


def test_a_constant_correlates_with_nothing():
    x = field(0)
    # 290.15 is no sum of powers of two: its mean square and the square of its mean differ by rounding.
    assert metrics.correlation(x * 0.0 + 290.15, x).isnull().all()


def test_datasets_are_scored_by_the_variables_they_share():
    x, y = field(0), field(1)
    ds = xr.Dataset({"thetao": x, "thetao_std": x, "note": ("time", ["a", "b", "c"])})
    got = metrics.rmse(ds, xr.Dataset({"thetao": y, "zos": y, "note": ds.note}))
    assert set(got.data_vars) == {"thetao"}
    xr.testing.assert_equal(got.thetao, metrics.rmse(x, y))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: (x, x.assign_coords(longitude=LON + 1.0)), ValueError, "coordinates of 'thetao'.* differ.*interp"),
        (lambda x: (x, x.assign_coords(longitude=LON + 1e-3)), ValueError, r"if that is rounding, .*\.assign_coords"),
        (lambda x: (x, x.to_dataset()), TypeError, "a DataArray cannot be scored against a Dataset: give Datasets"),
        (lambda x: (x.to_dataset(), x.to_dataset(name="so")), ValueError, r"has \['thetao'\] and the truth \['so'\]"),
        (
            lambda x: (x[:, 0, 0].drop_vars(["latitude", "longitude"]),) * 2,
            ValueError,
            "no latitude and longitude.*dim=",
        ),
    ],
    ids=["other grid", "rounded grid", "other kind", "nothing shared", "nothing horizontal"],
)
def test_what_cannot_be_compared_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        metrics.rmse(*call(field(0)), weights=None)


def test_weights_that_make_no_sense_are_refused():
    x = field(0)
    with pytest.raises(ValueError, match=r"weights is 'cos': give \"area\", None, or a DataArray"):
        metrics.rmse(x, x, weights="cos")
    with pytest.raises(ValueError, match="to tell the area of a cell from: weights=None"):
        metrics.rmse(x[:, 0, 0], x[:, 0, 0], dim="time")
    square = xr.DataArray(
        np.zeros((2, 2)), {"lat": (("y", "x"), np.eye(2)), "lon": (("y", "x"), np.eye(2))}, ("y", "x")
    )
    with pytest.raises(ValueError, match="curvilinear grid: pass the area of its cells"):
        metrics.rmse(square, square)


class TestTable:
    truth = xr.Dataset({"thetao": field(0), "zos": field(1, name="zos")})
    background, analysis = truth + 2.0, truth[["thetao"]] + 1.0

    def test_it_holds_the_scores_over_all_dimensions(self):
        table = metrics.score_table(self.truth.chunk(), background=self.background.chunk(), analysis=self.analysis)
        assert list(table.index) == ["thetao", "zos"]
        assert list(table.columns[:2]) == [("rmse", "background"), ("rmse", "analysis")]
        npt.assert_allclose(table["bias"].to_numpy(), [[2.0, 1.0], [2.0, np.nan]])
        every = metrics.rmse(self.background, self.truth, dim=("time", "latitude", "longitude"))
        npt.assert_allclose(table.loc["zos", ("rmse", "background")], every.zos)

    def test_it_refuses_what_it_does_not_know(self):
        with pytest.raises(ValueError, match="unknown metric 'skill': choose among"):
            metrics.score_table(self.truth, metrics=["skill"], analysis=self.analysis)
        with pytest.raises(ValueError, match="name the fields, for example"):
            metrics.score_table(self.truth)
