"""The shipped ocean mask: known places, known areas, any grid, and the recipe that makes it again."""

import subprocess
import sys

import numpy as np
import numpy.testing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import label

from adaf_xr import ocean_mask
from adaf_xr.sphere import cell_area

LAT, LON = np.arange(-89.875, 90, 0.25), np.arange(-179.875, 180, 0.25)

PLACES = {
    "mid Pacific": (0.0, -140.0, True),
    "Pacific beside the date line": (10.0, 179.9, True),
    "Gulf Stream": (38.0, -65.0, True),
    "Mediterranean": (35.0, 18.0, True),
    "Black Sea": (43.2, 34.5, True),
    "Azov Sea": (46.1, 36.6, True),
    "Baltic": (57.0, 19.5, True),
    "Red Sea": (20.0, 38.5, True),
    "Persian Gulf": (27.0, 51.5, True),
    "Hudson Bay": (60.0, -86.0, True),
    "Caspian": (41.5, 51.0, True),
    "Sea of Japan": (40.0, 135.0, True),
    "North Pole": (90.0, 0.0, True),
    "Ross Sea": (-74.0, -175.0, True),
    "Sahara": (23.0, 10.0, False),
    "Central Asia": (40.0, 85.0, False),
    "Amazonia": (-5.0, -63.0, False),
    "Australia": (-25.0, 134.0, False),
    "Greenland": (72.0, -40.0, False),
    "Antarctica": (-80.0, 90.0, False),
    "South Pole": (-90.0, 0.0, False),
    **{f"lake: {name}": (*place, False) for name, place in ocean_mask.LAKES.items()},
}


@pytest.mark.parametrize(("lat", "lon", "wet"), PLACES.values(), ids=PLACES)
def test_known_places(lat, lon, wet):
    assert ocean_mask.sea_at(lat, lon) == wet


def test_the_ocean_covers_what_the_atlas_says():
    # Charette and Smith (2010, Oceanography 23): 361.9 million km2, 0.710 of the globe. The mask measures 0.718.
    area = cell_area(LAT, LON)
    share = area[ocean_mask.sea(LAT, LON)].sum() / area.sum()
    assert share == pytest.approx(0.710, abs=0.01)


def test_almost_all_of_it_is_one_ocean():
    bodies, _ = label(ocean_mask.sea(LAT, LON), structure=np.ones((3, 3)))
    cells = np.sort(np.bincount(bodies[bodies > 0]))[::-1]
    assert cells[0] / cells.sum() > 0.995


@given(
    st.lists(st.floats(-90, 90), max_size=5),
    st.lists(st.floats(-180, 179.99), max_size=5),
    st.integers(-2, 2),
)
def test_a_grid_is_its_points_in_any_longitude_convention(lat, lon, turns):
    lat, lon = np.array(lat), np.array(lon)
    grid = ocean_mask.sea(lat, lon)
    assert grid.shape == (lat.size, lon.size)
    pairs = np.broadcast_arrays(lat[:, None], lon[None, :] + 360.0 * turns)
    npt.assert_array_equal(grid, ocean_mask.sea_at(*pairs))


@given(st.integers(0, 719), st.integers(0, 1439), st.floats(-0.124, 0.124), st.floats(-0.124, 0.124))
def test_every_point_of_a_cell_is_what_its_centre_is(row, column, north, east):
    centre = ocean_mask.sea(LAT, LON)[row, column]
    assert ocean_mask.sea_at(LAT[row] + north, LON[column] + east) == centre


def test_rounding_at_the_seam_and_on_edges_does_not_change_the_cell():
    lat = np.array([10.25, 52.0])[:, None]
    edges = np.array([-180.0, -90.25, -5.0, 0.0, 100.5])
    for noise in (-1e-9, 1e-9):
        for turn in (-360.0, 0.0, 360.0):
            npt.assert_array_equal(
                ocean_mask.sea_at(lat + noise, edges + noise + turn), ocean_mask.sea_at(lat + 0.1, edges + 0.1)
            )


def test_descending_latitude_flips_the_mask():
    npt.assert_array_equal(ocean_mask.sea(LAT[::-1], LON), ocean_mask.sea(LAT, LON)[::-1])


def test_a_missing_position_is_no_sea():
    npt.assert_array_equal(ocean_mask.sea_at([np.nan, 0.0, 0.0], [-140.0, np.nan, -140.0]), [False, False, True])
    npt.assert_array_equal(ocean_mask.sea([np.nan, 0.0], [-140.0, np.nan]), [[False, False], [True, False]])


def test_a_latitude_beyond_a_pole_is_refused():
    with pytest.raises(ValueError, match=r"from -140 to 0, beyond a pole: give degrees north, latitude first"):
        ocean_mask.sea([-140.0, 0.0], [0.0])


def test_callers_cannot_spoil_the_shared_mask():
    whole = ocean_mask.sea(LAT, LON)
    whole[:] = False
    assert ocean_mask.sea_at(0.0, -140.0)


def test_the_recipe_makes_the_shipped_file_bit_for_bit(realdata, tmp_path):
    ocean_mask.write(realdata, tmp_path / "again.npy")
    assert (tmp_path / "again.npy").read_bytes() == ocean_mask.FILE.read_bytes()


def test_the_recipe_says_what_it_needs(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file matches 'sst/.*name the folder that holds sst/ and ssh/"):
        ocean_mask.from_products(tmp_path)
    run = subprocess.run([sys.executable, "-m", "adaf_xr.ocean_mask"], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "usage: python -m adaf_xr.ocean_mask FOLDER" in run.stderr
