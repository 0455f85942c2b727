"""Departures are exact where the field is linear, and missing where there is no field."""

import numpy as np
import numpy.testing as npt
import pytest
import toy
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import adaf_xr


def test_the_offset_of_the_points_is_their_departure():
    departures = adaf_xr.innovations(toy.points(offset=0.1), toy.background())
    npt.assert_allclose(departures.zos, 0.1, atol=1e-6)
    assert departures.attrs["source"] == "ssh"


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 250), st.booleans(), st.booleans())
def test_lazy_is_eager(chunk, lazy_points, lazy_field):
    points = toy.lazy(toy.points(), chunk) if lazy_points else toy.points()
    field = toy.background() if lazy_field else toy.background().compute()
    npt.assert_array_equal(
        adaf_xr.innovations(points, field).zos, adaf_xr.innovations(toy.points(), toy.background().compute()).zos
    )


def test_building_computes_nothing(nothing_computes):
    adaf_xr.innovations(toy.lazy(toy.points(), 50), toy.background())


def test_linear_in_time_between_steps_and_constant_half_a_step_beyond():
    field = toy.background(2)
    field["zos"] = field.zos * 0 + xr.DataArray([0.0, 1.0], dims="time").astype("f4")
    noon = field.time.values[0]
    hours = np.array([-13, -12, 0, 6, 24, 36, 37])
    points = toy.points(7).assign_coords(time=("obs", noon + hours * np.timedelta64(1, "h")))
    field_at = points.zos - adaf_xr.innovations(points, field).zos
    npt.assert_allclose(field_at, [np.nan, 0, 0, 0.25, 1, 1, np.nan], atol=1e-6)


def test_linear_in_depth_constant_above_the_first_level_and_missing_below_the_last():
    field = toy.background(1, depth=[10.0, 20.0, 40.0])
    points = toy.points(5, names=("thetao",), source="insitu")
    points = points.assign_coords(depth=("obs", [0.0, 10.0, 30.0, 40.0, 41.0]))
    field_at = points.thetao - adaf_xr.innovations(points, field).thetao
    npt.assert_allclose(field_at, [14.9, 14.9, 14.7, 14.6, np.nan], atol=1e-5)


def test_a_surface_field_says_nothing_about_the_deep():
    points = toy.points(3).assign_coords(depth=("obs", [0.0, 9.0, 300.0]))
    assert np.isnan(adaf_xr.innovations(points, toy.background()).zos.values).tolist() == [False, False, True]


def test_a_field_without_time_is_constant():
    still = toy.background(1).isel(time=0, drop=True)
    npt.assert_allclose(adaf_xr.innovations(toy.points(days=300), still).zos, 0.1, atol=1e-6)


def test_outside_the_box_is_missing():
    away = toy.points(3).assign_coords(longitude=("obs", [-35.0, -29.4, 10.0]))
    assert np.isnan(adaf_xr.innovations(away, toy.background()).zos.values).tolist() == [False, True, True]


def test_the_errors_of_the_points_stay_and_other_variables_go():
    points = toy.points(names=("zos", "so")).assign(zos_error=("obs", np.full(200, 0.02)))
    departures = points.adaf.innovations(toy.background())
    assert set(departures.data_vars) == {"zos", "zos_error"}


def test_nothing_in_common_is_an_error_that_names_both_sides():
    with pytest.raises(ValueError, match=r"observations have .'so'. and the field .'zos'."):
        adaf_xr.innovations(toy.points(names=("so",)), toy.background())
