"""What is scored against what: the same places, times, depths and units in any spelling, or an error that says so."""

import numpy as np
import numpy.testing as npt
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from adaf_xr import metrics

LAT, LON = np.arange(-75.0, 90, 30), np.arange(-165.0, 180, 30)
DEPTH = [0.494025, 9.572997, 5727.917]
few = settings(max_examples=6, deadline=None)


def field(seed: int, **other) -> xr.DataArray:
    """White noise about 10 on some axes, daily."""
    axes = {"time": pd.date_range("2020-01-01", periods=4), "latitude": LAT, "longitude": LON} | other
    values = np.random.default_rng(seed).normal(10.0, 2.0, size=[len(axis) for axis in axes.values()])
    return xr.DataArray(values, axes, tuple(axes), "zos", {"units": "m"})


X, Y = field(0), field(1)


@few
@given(
    st.sampled_from([0.25, 1 / 12, 1 / 24, 0.05]),
    st.sampled_from([lambda v: v.astype("f4"), lambda v: np.round(v, 4), lambda v: np.round(v, 4).astype("f4")]),
    st.sampled_from([0.0, 360.0]),
)
def test_places_that_were_rounded_for_storage_are_the_same(spacing, stored, turn):
    lat, lon = 40 + spacing * np.arange(30), -65.0 + spacing * np.arange(40)
    x, y = (field(i, latitude=lat, longitude=lon) for i in range(2))
    rounded = y.assign_coords(latitude=stored(lat), longitude=stored(lon + turn))
    xr.testing.assert_allclose(metrics.rmse(x, rounded), metrics.rmse(x, y))
    assert metrics.mu_sigma(rounded, x) == metrics.mu_sigma(y, x)


@pytest.mark.parametrize("name", ["depth", "lead_time"])
def test_other_labels_in_single_precision_are_the_same_and_other_ones_are_not(name):
    x, y = (field(i, **{name: np.array(DEPTH)}) for i in range(2))
    single = y.assign_coords({name: np.array(DEPTH, "f4")})
    xr.testing.assert_identical(metrics.rmse(x, single), metrics.rmse(x, y))
    with pytest.raises(ValueError, match=f"differ along '{name}'.*at most 0.000975; if that is rounding, give both"):
        metrics.rmse(x, y.assign_coords({name: [DEPTH[0], DEPTH[1] + 0.000975, DEPTH[2]]}))
    with pytest.raises(ValueError, match=f"differ along '{name}'.*lacks 1 of them, the first 5727.917"):
        metrics.rmse(x, y.assign_coords({name: [*DEPTH[:2], 5000.0]}))


def test_numbers_of_members_and_times_have_no_precision():
    many = 10_000_000 + np.arange(4)
    x, y = (field(i).assign_coords(time=many) for i in range(2))
    with pytest.raises(ValueError, match="differ along 'time'"):
        metrics.rmse(x.assign_coords(time=many.astype("f8")), y.assign_coords(time=many + 0.5))
    x, y = (each.rename(time="member") for each in (x, y))
    with pytest.raises(ValueError, match="differ along 'member'"):
        metrics.rmse(x, y.assign_coords(member=many + 1))


def test_how_far_a_little_apart_is_is_said():
    with pytest.raises(ValueError, match=r"at most 0.000333; if that is rounding, .*\.assign_coords\(latitude"):
        lat = 40 + np.arange(30) / 12
        metrics.rmse(field(0, latitude=lat), field(1, latitude=np.round(lat, 3)))
    with pytest.raises(ValueError, match=r"at most 7 s; if that is rounding, .*\.assign_coords\(time"):
        metrics.rmse(X, Y.assign_coords(time=Y.time + np.timedelta64(7, "s")))
    with pytest.raises(ValueError, match=r"none in common; bring both to one axis, for example .interp\(time"):
        metrics.rmse(X, Y.assign_coords(time=Y.time + np.timedelta64(12, "h")))


SINGLE = {
    "another depth": (X.assign_coords(depth=0.0), Y.assign_coords(depth=100.0), "'depth' .* 0.0 against 100.0"),
    "a depth of many": (
        field(0, depth=DEPTH),
        Y.assign_coords(depth=DEPTH[1]),
        "'depth' along .* is not the same, 3 from 0.494025 to 5727.917 against 9.572997",
    ),
    "another time": (X[0], Y[2], "'time' is not the same, 2020-01-01 against 2020-01-03"),
    "one time of many": (X, Y[2], "'time' along .* 4 from 2020-01-01 to 2020-01-04 against 2020-01-03"),
    "another place": (X[:, 0, 0], Y[:, 1, 0], "'latitude' is not the same, -75.0 against -45.0"),
}


@pytest.mark.parametrize(("x", "y", "message"), SINGLE.values(), ids=SINGLE)
def test_a_single_place_or_time_must_be_the_same(x, y, message):
    how = {"dim": [d for d in x.dims if d != "depth"], "weights": None}
    with pytest.raises(ValueError, match=rf"{message}.*if that is meant, .drop_vars\("):
        metrics.rmse(x, y, **how)
    name = next(role for role in ("depth", "time", "latitude") if f"'{role}'" in message)
    assert metrics.rmse(x, y.drop_vars(name), **how).notnull().all()


@pytest.mark.parametrize("start", ["time", "init", "reference_time", "forecast_reference_time"])
def test_forecasts_are_scored_at_the_times_they_are_for(start):
    leads = np.array([1, 2], "m8[D]").astype("m8[ns]")
    forecast = field(0, lead_time=leads).transpose("time", "lead_time", ...)
    times = ("time", "lead_time"), np.add.outer(forecast.time.values, leads)
    forecast = forecast.assign_coords(valid_time=times).rename({"time": start} if start != "time" else {})
    # The days on which forecasts start are those of the truth, which they are not for.
    with pytest.raises(ValueError, match=r"unlike places or times|runs along"):
        metrics.rmse(forecast, Y)
    longer = field(1, time=pd.date_range("2020-01-01", periods=9))
    truth = longer.sel(time=forecast.valid_time)
    got = metrics.rmse(forecast, truth, weights=None)
    by_hand = [np.sqrt(np.mean((forecast.values[:, i] - longer.values[1 + i : 5 + i]) ** 2, (1, 2))) for i in range(2)]
    npt.assert_allclose(got, np.transpose(by_hand))
    npt.assert_allclose(metrics.rmse(forecast.drop_vars("valid_time"), truth, weights=None), got)
    assert metrics.rmse(forecast, forecast.drop_vars("valid_time") + 1.0).dims == (start, "lead_time")


def test_a_single_place_or_time_may_be_stored_in_single_precision_or_as_a_dimension():
    x, y = X.isel(latitude=[2]), Y.isel(latitude=2)
    want = metrics.rmse(x, y.expand_dims("latitude"), weights=None)
    npt.assert_allclose(metrics.rmse(x, y.assign_coords(latitude=np.float32(LAT[2])), weights=None), want)
    deep = X.assign_coords(depth=np.float32(DEPTH[2])), Y.assign_coords(depth=DEPTH[2])
    npt.assert_allclose(metrics.rmse(*deep), metrics.rmse(X, Y))


@pytest.mark.parametrize("deep", [lambda f, z: f.assign_coords(depth=z), lambda f, z: f.expand_dims(depth=[z])])
def test_maps_of_other_depths_are_refused(deep):
    for score in (metrics.mu_sigma, metrics.psd_score):
        with pytest.raises(ValueError, match=r"'depth'.* is not the same, 0.0 against 100.0"):
            score(deep(X, 100.0), deep(Y, 0.0))
    assert metrics.mu_sigma(deep(X, 5.0), deep(Y, 5.0)) == metrics.mu_sigma(X, Y)


def test_points_are_the_same_in_any_convention_of_longitude_and_name():
    where = {"latitude": ("obs", [0.0, 1.0]), "longitude": ("obs", [-10.0, 10.0])}
    x = xr.DataArray([1.0, 2.0], where, ["obs"], "zos")
    assert float(metrics.rmse(x, x.assign_coords(longitude=x.longitude % 360))) == 0.0
    renamed = x.rename(latitude="lat", longitude="lon")
    assert float(metrics.rmse(x, renamed)) == 0.0
    with pytest.raises(ValueError, match=r"'latitude' along .* is not the same"):
        metrics.rmse(x, renamed.assign_coords(lat=renamed.lat + 1.0))
    with pytest.raises(ValueError, match=r"latitude of 'zos' runs along \('obs',\) and that of the truth .*'points'"):
        metrics.rmse(x, x.rename(obs="points"))
    with pytest.raises(ValueError, match=r"runs along \('latitude',\) and that of the truth along \('obs',\)"):
        metrics.rmse(X, x)


def test_curvilinear_grids_of_other_dimensions_are_refused():
    axes = {
        "latitude": (("y", "x"), np.add.outer(LAT, 0.1 * LON)),
        "longitude": (("y", "x"), np.add.outer(0 * LAT, LON)),
    }
    x = xr.DataArray(X.values[0], axes, ("y", "x"), "zos")
    assert float(metrics.rmse(x, x, weights=None)) == 0.0
    with pytest.raises(ValueError, match="give their dimensions the same names"):
        metrics.rmse(x, x.rename(y="j", x="i"), weights=None)


def test_tracks_at_other_places_in_other_units_or_infinite_are_refused():
    time = np.datetime64("2017-01-01", "ns") + np.arange(20) * np.timedelta64(1, "s")
    x = xr.DataArray(np.ones(20), {"time": ("obs", time), "longitude": ("obs", np.arange(20.0))}, ["obs"], "sla")
    x = x.assign_attrs(units="m")
    assert metrics.mu_sigma(x.rename(obs="n"), x, "2021a") == (1.0, 0.0)
    for other, message in (
        (x.assign_coords(longitude=x.longitude + 5.0), "'longitude' along .* is not the same"),
        (x.assign_attrs(units="cm"), "'sla' is in 'm' and the reconstruction in 'cm'"),
        (x.where(x.longitude > 3, np.inf), "some values along the track are infinite"),
    ):
        with pytest.raises(ValueError, match=message):
            metrics.mu_sigma(other, x, "2021a")


def test_units_of_another_quantity_and_what_is_no_number_are_refused():
    with pytest.raises(ValueError, match="'zos' is in 'm' and the truth in 'K'"):
        metrics.rmse(X, Y.assign_attrs(units="K"))
    with pytest.raises(TypeError, match="the truth holds object, no numbers to score: convert it"):
        metrics.rmse(X, Y.astype(object))
    whole = metrics.rmse(X.astype("i4"), Y.astype("u1"))
    npt.assert_allclose(whole, metrics.rmse(X.astype("i4").astype("f8"), Y.astype("u1").astype("f8")))


@pytest.mark.parametrize(
    "call",
    [
        lambda ds: metrics.crps(ds, Y, X),
        lambda ds: metrics.improved(ds, Y, X),
        lambda ds: metrics.sums(X, ds),
        lambda ds: metrics.mu_sigma(ds, Y),
        lambda ds: metrics.mu_sigma(X, ds, "2021a"),
        lambda ds: metrics.tau(X, Y, X, ds),
        lambda ds: metrics.effective_resolution(X, ds),
    ],
)
def test_a_dataset_is_no_field(call):
    with pytest.raises(TypeError, match=r"a field must be a DataArray, not Dataset: pick a variable, such as ds.zos"):
        call(X.to_dataset())


@pytest.mark.parametrize("call", [metrics.calc_metrics, lambda x, y: metrics.score_table(y.to_dataset(), analysis=x)])
def test_a_field_is_no_dataset(call):
    with pytest.raises(TypeError, match=r"a Dataset is wanted, not a DataArray: .to_dataset\(name="):
        call(X, Y)


# What counts


@pytest.mark.parametrize("weights", [np.ones((6, 12)), 1.0, X.to_dataset()])
def test_weights_say_where_they_are(weights):
    with pytest.raises(ValueError, match=r"weights is a \w+: give \"area\", None, or a DataArray"):
        metrics.rmse(X, Y, weights=weights)
    with pytest.raises(ValueError, match="the published definition has its own weights"):
        metrics.calc_metrics(X.to_dataset(), Y.to_dataset(), weights=weights, definition="published")


def test_a_mask_is_zero_or_missing_outside():
    inside = X[0] > 10.0
    want = metrics.rmse(X, Y, regions={"a": inside})
    for mask in (inside.where(inside), xr.where(inside, 1, 0), inside.where(inside).chunk()):
        xr.testing.assert_allclose(metrics.rmse(X, Y, regions={"a": mask}).compute(), want)
    with pytest.raises(ValueError, match="the region 'a' holds no cell"):
        metrics.rmse(X, Y, regions={"a": inside * np.nan})


@pytest.mark.parametrize("bad", [-1.0, np.inf])
def test_lazy_weights_are_checked_too(bad, nothing_computes):
    lazy = metrics.rmse(X, Y, weights=xr.full_like(X, bad).chunk(time=1))
    with pytest.raises(ValueError, match="some weights are negative or infinite"):
        lazy.compute(scheduler="sync")


def test_weights_may_be_picked_from_any_time():
    area = abs(X)
    npt.assert_allclose(metrics.rmse(X, Y, weights=area[3]), metrics.rmse(X, Y, weights=area[3].drop_vars("time")))


def test_infinity_spoils_only_what_it_counts_in():
    spoilt = X.copy()
    spoilt[1, 0, 0] = np.inf
    halves = {"north": (-180, 180, 0, 90), "south": (-180, 180, -90, 0)}
    got, want = (metrics.sums(x, Y, regions=halves) for x in (spoilt, X))
    xr.testing.assert_identical(got.sel(region="north"), want.sel(region="north"))
    assert np.isinf(metrics.rmse(spoilt, Y)[1])
    assert metrics.correlation(spoilt, Y).isnull().values.tolist() == [False, True, False, False]
    north = (each.sel(latitude=slice(0, 90)) for each in (X, Y))
    npt.assert_allclose(metrics.rmse(spoilt, Y, weights=1.0 * (X.latitude > 0)), metrics.rmse(*north, weights=None))


def test_a_cell_counts_once_whatever_it_weighs_in_time():
    weights = abs(field(3))
    weights[0, :3] = np.nan
    want = metrics.improved(X, Y, Y + 1.5, weights=weights.fillna(0.0).mean("time"))
    xr.testing.assert_allclose(metrics.improved(X, Y, Y + 1.5, weights=weights), want)
    assert dict(metrics.scorecard(X, Y, Y + 1.5, weights=weights).sizes) == {"variable": 1}


def test_one_row_of_cells_has_no_area():
    row = X.isel(latitude=[2]), Y.isel(latitude=[2])
    with pytest.raises(ValueError, match=r"a single row or column of cells are unknown.*weights=None"):
        metrics.rmse(*row)
    by_hand = np.sqrt(((row[0] - row[1]).values ** 2).mean(axis=(1, 2)))
    npt.assert_allclose(metrics.rmse(*row, weights=None), by_hand)


def test_no_time_has_no_score():
    none = X.isel(time=slice(0)), Y.isel(time=slice(0))
    assert metrics.rmse(*none).shape == (0,)
    assert metrics.scorecard(*none).rmse.isnull().all()


def test_the_table_pools_what_only_the_truth_has():
    truth = field(1, depth=[0.5, 10.0]).rename("thetao")
    table = metrics.score_table(truth.to_dataset(), weights=None, field=X.rename("thetao").to_dataset())
    npt.assert_allclose(table.loc["thetao", ("rmse", "field")], np.sqrt(((X - truth) ** 2).mean()))


def test_a_negative_standard_deviation_is_refused():
    spread = abs(field(2))
    for score in (metrics.crps, metrics.coverage, metrics.spread_skill):
        assert score(X, Y, spread.where(spread > 9)).notnull().all()
        lazy = score(X, Y, (spread - 10.0).chunk(time=1))
        with pytest.raises(ValueError, match="some standard deviations are negative: is it an anomaly"):
            lazy.compute(scheduler="sync")


# Climatologies


def test_a_climatology_must_say_of_which_day_each_entry_is():
    yearly = X[0].drop_vars("time").expand_dims(dayofyear=np.arange(1, 367))
    for bad in (yearly.drop_vars("dayofyear"), yearly.assign_coords(dayofyear=np.arange(366))):
        with pytest.raises(ValueError, match="has no dayofyear to look up, or one twice, or days that count from 0"):
            metrics.acc(X, Y, bad)
    with pytest.raises(ValueError, match="has no time to look up, or one twice"):
        metrics.acc(X, Y, xr.concat([X, X], "time"))


def test_what_holds_always_has_no_time_of_its_own():
    usual = field(4)[2]
    xr.testing.assert_allclose(metrics.acc(X, Y, usual), metrics.acc(X, Y, usual.drop_vars("time")))


def test_missing_times_have_no_day():
    times = X.time.values.copy()
    times[1] = np.datetime64("NaT")
    with pytest.raises(ValueError, match=r"some times of 'zos' are missing .NaT.: drop them"):
        metrics.day_of_year_mean(X.assign_coords(time=times))
