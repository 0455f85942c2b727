"""Output grids nest, keep conventions and cut consistently."""

import numpy as np
import numpy.testing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adaf_xr.lattice import cut, output_axes, unroll


@given(
    st.sampled_from([0.25, 0.5]), st.booleans(), st.sampled_from([-180.0, 0.0]), st.integers(0, 50), st.integers(2, 40)
)
def test_fine_cells_nest_in_coarse_ones_in_the_same_order_and_convention(spacing, descending, start, first, size):
    lat = np.arange(-40.5, -40.5 + size)
    lat = lat[::-1] if descending else lat
    lon = start + 0.5 + first + np.arange(size)
    fine_lat, fine_lon = output_axes(lat, lon, spacing)
    factor = round(1 / spacing)
    npt.assert_allclose(fine_lat.reshape(-1, factor).mean(axis=1), lat, atol=1e-12)
    npt.assert_allclose(fine_lon.reshape(-1, factor).mean(axis=1), lon, atol=1e-12)


@pytest.mark.parametrize("start", [-180.0, 0.0])
@pytest.mark.parametrize("offset", [0.0, 0.5])
def test_a_global_background_gives_the_whole_lattice(start, offset):
    lat, lon = output_axes(np.arange(-89.5, 90), start + offset + np.arange(360), 0.25)
    npt.assert_array_equal(lat, np.arange(-89.875, 90, 0.25))
    npt.assert_array_equal(lon, start + 0.125 + 0.25 * np.arange(1440))


def test_own_coordinates_are_used_exactly_where_the_spacing_is_the_requested_one():
    lat = np.float32([-10.1, -9.85, -9.6]).astype("f8")
    lon = np.float32([3.01, 3.26, 3.51]).astype("f8")
    got = output_axes(lat, lon, 0.25)
    npt.assert_array_equal(got[0], lat)
    npt.assert_array_equal(got[1], lon)


def test_a_regional_grid_is_a_piece_of_the_global_one():
    whole = output_axes(np.arange(-89.5, 90), np.arange(-179.5, 180), 0.25)
    piece = output_axes(np.arange(30.3, 42, 1.0), np.arange(-71.7, -60, 1.0), 0.25)
    assert np.isin(piece[0], whole[0]).all()
    assert np.isin(piece[1], whole[1]).all()


@given(st.floats(-180, 180), st.floats(1, 359))
def test_a_cut_keeps_just_the_cells_inside_in_order_from_west_to_east(west, extent):
    lon = np.arange(-179.5, 180)
    _, kept = cut([0.5, 1.5], lon, (west, west + extent, 0, 2))
    eastward = np.mod(kept - west, 360)
    assert (np.diff(eastward) > 0).all()
    assert set(kept) == set(lon[np.mod(lon - west, 360) <= extent + 1e-6])


@given(st.integers(0, 359), st.integers(2, 300), st.sampled_from([-180.0, 0.0]), st.booleans(), st.booleans())
def test_unrolling_finds_the_arc_however_it_was_cut_turned_or_sorted(west, size, start, descending, sort):
    arc = west + 0.5 + np.arange(size)
    lon = (arc - start) % 360 + start
    lon = np.sort(lon) if sort else lon[::-1] if descending else lon
    order, values = unroll(lon)
    npt.assert_allclose(np.diff(values), 1.0)
    npt.assert_allclose((values - lon[order] + 180) % 360, 180)
    npt.assert_allclose((values[0] - arc[0] + 180) % 360, 180)


@pytest.mark.parametrize("lon", [np.arange(350.5, 371), np.arange(-190.5, -170), np.arange(20.5, 380)])
def test_an_axis_that_ascends_is_left_in_its_own_convention(lon):
    npt.assert_array_equal(unroll(lon)[1], lon)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: output_axes([0.5, 1.5], [0.5, 1.5], 0), "is no spacing"),
        (lambda: output_axes(np.arange(-89.5, 90), np.arange(0.5, 360), 0.7), "does not divide 360"),
        (lambda: output_axes([0.1, 0.2], [0.1, 0.2], 5.0), "ask for a finer grid"),
        (lambda: unroll(np.arange(0.5, 361)), "drop the cyclic column"),
        (lambda: cut([0.5, 1.5], [0.5, 1.5], (40, 50, 0, 2)), "holds no cell of the grid"),
    ],
)
def test_impossible_grids_say_why(call, message):
    with pytest.raises(ValueError, match=message):
        call()
