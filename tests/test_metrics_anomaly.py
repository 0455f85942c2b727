"""Anomaly correlation and climatologies, against arithmetic written out by hand."""

import dask.array as da
import numpy as np
import numpy.testing as npt
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from adaf_xr import metrics
from adaf_xr.sphere import cell_area

LAT, LON = np.arange(-75.0, 90, 30), np.arange(-165.0, 180, 30)
few = settings(max_examples=6, deadline=None)
seeds = st.integers(0, 2**32 - 1)


def field(seed: int, days: int = 3, start: str = "2019-12-30", missing: float = 0.1) -> xr.DataArray:
    """White noise about 10 with holes, daily."""
    rng = np.random.default_rng(seed)
    values = rng.normal(10.0, 2.0, size=(days, LAT.size, LON.size))
    values[rng.random(values.shape) < missing] = np.nan
    coords = {"time": pd.date_range(start, periods=days), "latitude": LAT, "longitude": LON}
    return xr.DataArray(values, coords, tuple(coords), "thetao", attrs={"units": "degC"})


def by_hand(x, y, c, w, centred: bool) -> float:
    """The coefficient over flat arrays, as a loop would compute it."""
    good = np.isfinite(x) & np.isfinite(y) & np.isfinite(c)
    a, b, w = (x - c)[good], (y - c)[good], w[good] / w[good].sum()
    if centred:
        a, b = a - (w * a).sum(), b - (w * b).sum()
    return (w * a * b).sum() / np.sqrt((w * a * a).sum() * (w * b * b).sum())


@few
@given(seeds, st.booleans(), st.booleans())
def test_acc_is_its_definition(seed, centred, weighted):
    x, y, c = (field(seed + i) for i in range(3))
    got = metrics.acc(x, y, c, centred=centred, weights="area" if weighted else None)
    w = cell_area(LAT, LON) if weighted else np.ones((LAT.size, LON.size))
    expected = [by_hand(x.values[t], y.values[t], c.values[t], w, centred) for t in range(3)]
    npt.assert_allclose(got, expected, rtol=1e-9)
    assert got.dims == ("time",)
    assert got.attrs == {"long_name": got.long_name, "units": "1"}


@few
@given(seeds, st.floats(0.1, 10), st.floats(-20, 20))
def test_acc_is_blind_to_amplitude_and_centred_acc_to_offset_too(seed, amplitude, offset):
    y, c = field(seed), field(seed + 1)
    npt.assert_allclose(metrics.acc(c + amplitude * (y - c), y, c), 1.0)
    npt.assert_allclose(metrics.acc(c - amplitude * (y - c), y, c), -1.0)
    npt.assert_allclose(metrics.acc(c + amplitude * (y - c) + offset, y, c, centred=True), 1.0, rtol=1e-7)


def test_without_anomalies_there_is_no_acc():
    y, c = field(0), field(1)
    assert metrics.acc(c, y, c).isnull().all()
    assert metrics.acc(y, c, c).isnull().all()


def test_a_climatology_comes_with_times_with_days_or_with_neither():
    x, y = field(0), field(1)
    days = x["time"].dt.dayofyear
    assert days.values.tolist() == [364, 365, 1]
    fixed = field(2).isel(time=0, drop=True)
    yearly = fixed.expand_dims(dayofyear=np.arange(1, 367)) + xr.DataArray(np.arange(366.0), dims="dayofyear")
    timed = yearly.sel(dayofyear=days).drop_vars("dayofyear")
    expected = metrics.acc(x, y, timed)
    npt.assert_allclose(metrics.acc(x, y, yearly), expected)
    # A longer series is looked up, in whatever order it comes.
    longer = xr.concat([timed, timed.assign_coords(time=timed.time + np.timedelta64(9, "D"))], "time")
    npt.assert_allclose(metrics.acc(x, y, longer.isel(time=[4, 2, 1, 0, 5, 3])), expected)
    assert not np.allclose(metrics.acc(x, y, fixed), expected)
    npt.assert_allclose(metrics.acc(x, y, fixed), metrics.acc(x, y, fixed.expand_dims(time=x.time)))


def test_a_climatology_that_lacks_a_day_is_refused():
    x = field(0)
    short = field(1).isel(time=0, drop=True).expand_dims(dayofyear=np.arange(1, 365))
    with pytest.raises(ValueError, match="climatology has no dayofyear 365, which the field has: make one of all days"):
        metrics.acc(x, x, short)
    with pytest.raises(ValueError, match=r"climatology has no time 2019-12-3.*which the field has"):
        metrics.acc(x, x, field(1, start="2020-01-01"))
    with pytest.raises(ValueError, match="has no times, so it has no days of the year"):
        metrics.acc(x.isel(time=0, drop=True), x.isel(time=0, drop=True), short)
    monthly = field(1).isel(time=0, drop=True).expand_dims(month=np.arange(1, 13))
    with pytest.raises(ValueError, match=r"climatology has dimensions .'month'. that the field lacks"):
        metrics.acc(x, x, monthly)


@few
@given(seeds, st.sampled_from([1, 3, 31, 61, 365]))
def test_the_mean_of_a_day_is_that_of_all_days_in_the_window(seed, window):
    rng = np.random.default_rng(seed)
    when = pd.date_range("2015-03-01", "2017-02-20")
    when = when[rng.random(when.size) < 0.9]
    values = rng.normal(size=(when.size, 2))
    values[rng.random(values.shape) < 0.2] = np.nan
    truth = xr.DataArray(values, {"time": when}, ("time", "obs"))
    got = metrics.day_of_year_mean(truth, window=window)
    assert got.dims == ("dayofyear", "obs")
    assert got.dayofyear.values.tolist() == list(range(1, 367))
    for day in (1, 2, 59, 60, 200, 365, *([366] if window > 1 else [])):
        apart = np.abs(when.day_of_year.to_numpy() - day)
        inside = np.minimum(apart, 366 - apart) <= window // 2
        expected = pd.DataFrame(values[inside]).mean().to_numpy()
        npt.assert_allclose(got.sel(dayofyear=day), expected, atol=1e-12)


@few
@given(st.integers(50, 400), st.integers(2, 6), st.sampled_from([np.float32, np.float64]))
def test_a_climatology_in_chunks_is_the_same(chunk, rows, dtype):
    truth = field(0, days=400).astype(dtype)
    lazy = metrics.day_of_year_mean(truth.chunk(time=chunk, latitude=rows), window=31)
    assert isinstance(lazy.data, da.Array)
    assert lazy.dtype == dtype
    xr.testing.assert_allclose(lazy.compute(), metrics.day_of_year_mean(truth, window=31))


def test_the_last_day_of_leap_years_is_there_without_one():
    truth = field(0, days=365, start="2019-01-01", missing=0.0)
    usual = metrics.day_of_year_mean(truth, window=1)
    npt.assert_allclose(usual.sel(dayofyear=366), 0.5 * (truth[0] + truth[-1]))
    npt.assert_array_equal(usual.isel(dayofyear=slice(365)), truth)
    assert usual.attrs == truth.attrs


def test_a_smooth_season_survives_the_window():
    when = pd.date_range("2001-01-01", "2008-12-31")
    season = np.cos(2 * np.pi * (when.day_of_year.to_numpy() - 1) / 365.25)
    usual = metrics.day_of_year_mean(xr.Dataset({"zos": ("time", season), "depth_of_sea": 4000.0}, {"time": when}))
    assert set(usual.data_vars) == {"zos"}
    # A running mean over an angle a scales a cosine by sin(a / 2) / (a / 2), at both ends of the year too.
    angle = 2 * np.pi * 61 / 365.25
    factor = np.sin(angle / 2) / (angle / 2)
    phase = 2 * np.pi * np.arange(366) / 365.25
    npt.assert_allclose(usual.zos, factor * np.cos(phase), atol=0.01)


def test_a_climatology_needs_times_and_an_odd_window():
    for window in (0, 2, 367, 2.5):
        with pytest.raises(ValueError, match="give an odd number of days"):
            metrics.day_of_year_mean(field(0), window=window)
    with pytest.raises(ValueError, match="has no times"):
        metrics.day_of_year_mean(field(0).isel(time=0, drop=True))
    with pytest.raises(ValueError, match="the climatology of a single time is that time"):
        metrics.day_of_year_mean(field(0).isel(time=0))
    with pytest.raises(ValueError, match="no variable of numbers has times"):
        metrics.day_of_year_mean(xr.Dataset({"zos": field(0).isel(time=0, drop=True)}))


def test_what_is_no_number_has_no_climatology():
    ds = xr.Dataset({"zos": field(0), "flag": field(0) > 10.0, "text": field(0).astype(str)})
    assert list(metrics.day_of_year_mean(ds, window=3)) == ["zos"]


def test_nothing_computes_while_building(nothing_computes):
    x = field(0, days=4).chunk(time=2)
    metrics.acc(x, x, metrics.day_of_year_mean(x, window=3))
    metrics.acc(x, x, x, centred=True)


def test_the_acc_of_datasets_is_that_of_their_variables():
    x, y, c = (xr.Dataset({"thetao": field(i), "zos": field(i + 9)}) for i in range(3))
    got = metrics.acc(x.chunk(), y, c)
    xr.testing.assert_allclose(got.zos.compute(), metrics.acc(x.zos, y.zos, c.zos))
    with pytest.raises(TypeError, match="a Dataset cannot be scored against a Dataset and a DataArray"):
        metrics.acc(x, y, c.zos)
