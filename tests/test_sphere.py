"""Geometry against closed forms."""

import numpy as np
import numpy.testing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaf_xr import sphere

latitudes = st.floats(-90, 90)
longitudes = st.floats(-720, 720)


@given(longitudes, st.sampled_from([-180.0, 0.0, 20.0]))
def test_wrapping_changes_a_longitude_by_whole_turns_into_the_half_open_range(lon, start):
    wrapped = sphere.wrap_longitude(lon, start)
    assert start <= wrapped < start + 360
    npt.assert_allclose((wrapped - lon + 180) % 360 - 180, 0, atol=1e-9)


@given(latitudes, longitudes, latitudes, longitudes)
def test_chord_of_the_great_circle_is_the_distance_of_the_unit_vectors(lat1, lon1, lat2, lon2):
    straight = np.linalg.norm(sphere.unit_vectors(lat1, lon1) - sphere.unit_vectors(lat2, lon2))
    npt.assert_allclose(sphere.chord(sphere.great_circle(lat1, lon1, lat2, lon2)), straight, atol=1e-7)


@given(latitudes, longitudes, latitudes, longitudes)
def test_distance_is_symmetric_and_blind_to_whole_turns(lat1, lon1, lat2, lon2):
    there = sphere.great_circle(lat1, lon1, lat2, lon2)
    npt.assert_allclose(there, sphere.great_circle(lat2, lon2, lat1, lon1), rtol=1e-12, atol=1e-9)
    npt.assert_allclose(there, sphere.great_circle(lat1, lon1 + 360, lat2, lon2), rtol=1e-7, atol=1e-6)


@pytest.mark.parametrize("spacing", [0.25, 1.0, 2.5])
def test_cells_of_a_global_grid_tile_the_sphere(spacing):
    lat = np.arange(-90 + spacing / 2, 90, spacing)
    lon = np.arange(-180 + spacing / 2, 180, spacing)
    area = sphere.cell_area(lat[::-1], lon)
    npt.assert_allclose(area.sum(), 4 * np.pi * sphere.RADIUS**2, rtol=1e-12)
    assert (area > 0).all()


def test_edges_of_one_cell_are_unknown():
    with pytest.raises(ValueError, match="give at least two centres"):
        sphere.cell_edges([10.0])
