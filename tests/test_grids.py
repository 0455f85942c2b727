"""Bilinear sampling: exact where theory says so, periodic, aware of land."""

import numpy as np
import numpy.testing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaf_xr import grids

LAT = np.arange(-89.5, 90)
LON = np.arange(0.5, 360)
coefficients = st.floats(-5, 5)


@given(coefficients, coefficients, st.booleans())
def test_linear_fields_are_reproduced_inside_a_regional_grid(a, b, descending):
    lat, lon = np.linspace(10, 20, 11), np.linspace(-30, -18, 13)
    lat = lat[::-1] if descending else lat
    at_lat, at_lon = np.array([10.0, 13.3, 20.0]), np.array([-30.0, -21.7, -18.0])
    field = a * lat[:, None] + b * lon[None, :]
    npt.assert_allclose(grids.sample(field, lat, lon, at_lat, at_lon), a * at_lat + b * at_lon, atol=1e-9)


@given(st.floats(-180, 540), st.floats(-89, 89), st.integers(-2, 2), st.integers(0, 359))
def test_neither_whole_turns_nor_the_cut_of_longitude_matter(lon, lat, turns, shift):
    field = np.cos(np.radians(LAT))[:, None] * np.sin(3 * np.radians(LON))[None, :]
    here = grids.sample(field, LAT, LON, [lat], [lon])
    npt.assert_allclose(grids.sample(field, LAT, LON, [lat], [lon + 360 * turns]), here, atol=1e-9)
    cut = np.roll(LON, -shift)
    cut = np.where(cut < cut[0], cut + 360, cut)
    npt.assert_allclose(grids.sample(np.roll(field, -shift, axis=1), LAT, cut, [lat], [lon]), here, atol=1e-9)


def test_regrid_is_sample_on_the_outer_product():
    rng = np.random.default_rng(0)
    field = rng.normal(size=(2, 180, 360))
    field[:, rng.random((180, 360)) < 0.3] = np.nan
    to_lat, to_lon = np.arange(-80, 80, 7.3), np.arange(-180, 180, 11.1)
    on_grid = grids.regrid(field, LAT, LON, to_lat, to_lon)
    lat, lon = np.meshgrid(to_lat, to_lon, indexing="ij")
    npt.assert_array_equal(on_grid.reshape(2, -1), grids.sample(field, LAT, LON, lat.ravel(), lon.ravel()))


def test_a_field_on_its_own_grid_is_itself_even_beside_land():
    field = np.random.default_rng(1).normal(size=(180, 360))
    field[60:90, 100:140] = np.nan
    npt.assert_array_equal(grids.regrid(field, LAT, LON, LAT, LON), field)


def test_missing_corners_give_their_weight_to_the_others():
    field = np.array([[1.0, np.nan], [3.0, np.nan]])
    npt.assert_allclose(grids.sample(field, [0.0, 1.0], [0.0, 1.0], [0.5, 0.25], [0.9, 0.5]), [2.0, 1.5])


def test_all_corners_missing_or_position_missing_or_outside_is_missing():
    field = np.full((3, 3), np.nan)
    field[2, 2] = 1.0
    axis = np.array([0.0, 1.0, 2.0])
    got = grids.sample(field, axis, axis, [0.5, np.nan, 2.4, 2.6], [0.5, 2.0, 2.4, 2.0])
    npt.assert_array_equal(got, [np.nan, np.nan, 1.0, np.nan])


def test_the_pole_side_half_cell_belongs_to_the_grid():
    field = np.tile(LAT[:, None], (1, 360))
    npt.assert_allclose(grids.sample(field, LAT, LON, [90.0, -90.0], [12.0, 12.0]), [89.5, -89.5])


@pytest.mark.parametrize("order", [1, -1])
def test_depth_brackets_hold_above_the_first_level_and_end_at_the_last(order):
    levels = np.array([0.5, 10.0, 100.0])[::order]
    axis = grids.locate_depth(levels, np.array([0.0, 5.25, 100.0, 101.0]))
    value = levels[axis.lower] * (1 - axis.weight) + levels[axis.upper] * axis.weight
    npt.assert_allclose(value[:3], [0.5, 5.25, 100.0])
    npt.assert_array_equal(axis.inside, [True, True, True, False])
