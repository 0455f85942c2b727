"""Times of any spelling: section 3 of the conventions."""

from datetime import datetime, timedelta, timezone

import cftime
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from adaf_xr.cf import coordinate
from adaf_xr.cf.errors import CalendarError, TimeError
from adaf_xr.cf.times import as_nanoseconds


def located(**times: tuple) -> xr.Dataset:
    """A temperature along x with the given variables."""
    return xr.Dataset({"sst": ("x", [280.0, 281.0]), **times})


def time_of(ds: xr.Dataset) -> xr.DataArray | None:
    return coordinate(ds, ds.sst, "time")


UTC = np.array(["2020-01-01T06:00", "2020-01-02T06:00"], "M8[ns]")


@pytest.mark.parametrize(
    ("units", "numbers"),
    [
        ("days since 1950-01-01T00:00:00Z", [25567.25, 25568.25]),
        ("days since 1950-01-01 00:00:00 UTC", [25567.25, 25568.25]),
        ("hours since 2020-01-01 00:00:00+02:00", [8.0, 32.0]),
        ("seconds since 1970-01-01", [1577858400, 1577944800]),
        ("minutes since 2020-1-1 0:0:0", [360, 1800]),
        ("days since 0001-01-01", [737426.25, 737427.25]),
    ],
)
def test_undecoded_numbers(units, numbers):
    found = time_of(located(when=("x", numbers, {"units": units})))
    np.testing.assert_array_equal(found, UTC)
    assert found.dtype == np.dtype("M8[ns]")


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_any_resolution_becomes_nanoseconds(unit):
    found = time_of(located(time=("x", UTC.astype(f"M8[{unit}]"))))
    assert found.dtype == np.dtype("M8[ns]")
    np.testing.assert_array_equal(found, UTC)


def test_dates_beyond_nanoseconds_are_missing():
    # As nanoseconds the year 4687 would wrap around to a date in range.
    far = xr.DataArray(np.array(["4687-01-01", "2020-01-01"], "M8[s]"), dims="x", name="time")
    np.testing.assert_array_equal(np.isnat(as_nanoseconds(far)), [True, False])


def test_misspelt_fill_of_a_decoded_time():
    ds = located(JULD=("x", [99999.0, 25567.25], {"units": "days since 1950-01-01", "_fillvalue": 99999.0}))
    for decode in (True, False):
        found = time_of(xr.decode_cf(ds, decode_times=decode)).values
        assert np.isnat(found[0])
        assert found[1] == UTC[0]


def test_six_numbers():
    numbers = np.array([[2020, 1, 1, 6, 0, 0.25], [-9999] * 6])
    found = time_of(located(Scan_Time=(("x", "Time_Dimension"), numbers))).values
    assert found[0] == UTC[0] + np.timedelta64(250, "ms")
    assert np.isnat(found[1])


def test_days_of_smos_and_modified_julian_days():
    smos = time_of(located(Mean_acq_time=("x", [7305.25, np.nan], {"units": "dd"}))).values
    assert smos[0] == UTC[0]
    assert np.isnat(smos[1])
    assert time_of(located(time_mjd=("x", [58849.25, 58850.25]))).values[1] == UTC[1]


def test_preferences():
    later = UTC + np.timedelta64(1, "h")
    both = located(JULD_LOCATION=("x", later), JULD=("x", UTC))
    np.testing.assert_array_equal(time_of(both), UTC)
    np.testing.assert_array_equal(time_of(both.drop_vars("JULD")), later)
    tai = located(time_tai=("x", later, {"standard_name": "time"}), time=("x", UTC, {"standard_name": "time"}))
    np.testing.assert_array_equal(time_of(tai), UTC)
    stated = located(a=("x", UTC), b=("x", later))
    stated.sst.attrs["coordinates"] = "b"
    np.testing.assert_array_equal(time_of(stated), later)
    with pytest.raises(TimeError, match=r"several times, a, b.*assign_coords\(time="):
        time_of(located(a=("x", UTC), b=("x", later)))


def test_scalar_and_single_times():
    assert time_of(located(time=((), UTC[0]))).values == UTC[0]
    assert time_of(located(time=("time", UTC[:1]))).dims == ()


@pytest.mark.parametrize("calendar", ["360_day", "noleap", "all_leap"])
def test_calendars_without_civil_dates(calendar):
    dates = [cftime.datetime(2015, 1, d, calendar=calendar) for d in (1, 2)]
    decoded = located(time=("x", np.array(dates, object)))
    raw = located(time=("x", [0.0, 1.0], {"units": "days since 2015-01-01", "calendar": calendar}))
    for ds in (decoded, raw):
        with pytest.raises(CalendarError, match=rf"{calendar}.*assign datetime64.*assign_coords\(time="):
            time_of(ds)
        # The way out: an assigned time is usable, and the unusable one is passed over.
        assert time_of(ds.rename(time="t").assign_coords(time=UTC[0])).values == UTC[0]


def test_dates_of_civil_calendars_that_xarray_left_as_objects():
    dates = [cftime.DatetimeGregorian(2020, 1, d, 6) for d in (1, 2)]
    np.testing.assert_array_equal(time_of(located(time=("x", np.array(dates, object)))), UTC)


def test_dates_with_a_zone():
    zone = timezone(timedelta(hours=2))
    ds = located(time=((), np.array(datetime(2020, 1, 1, 8, tzinfo=zone), object)))
    assert time_of(ds).values == UTC[0]


@pytest.mark.parametrize("units", ["months since 1955-01-01", "years since 1955-01-01", "UTC seconds of day"])
def test_units_that_make_no_date(units):
    with pytest.raises(TimeError, match=rf"no usable time .*{units}.*assign_coords\(time="):
        time_of(located(when=("x", [1.0, 2.0], {"units": units, "standard_name": "time"})))


def test_nothing_like_a_time_is_none():
    assert time_of(located(dtime=("x", [1.0, 2.0]), forecast_reference_time=((), UTC[0]))) is None


@given(st.lists(st.floats(-1e5, 1e5), min_size=1, max_size=8), st.integers(1, 8))
def test_lazy_times_are_the_same_and_exact(numbers, chunk):
    eager = xr.DataArray(np.array(numbers), dims="x", name="time", attrs={"units": "days since 1970-01-01"})
    expected = np.rint(np.array(numbers) * 86400e6).astype("i8")
    lazy = as_nanoseconds(eager.copy(data=da.from_array(np.array(numbers), chunks=chunk)))
    xr.testing.assert_identical(lazy.compute(), as_nanoseconds(eager))
    difference = as_nanoseconds(eager).values.astype("M8[us]").astype("i8") - expected
    assert np.abs(difference).max() <= 1  # microseconds
