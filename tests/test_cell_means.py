"""Square cells around the globe: any box of a grid means the same ones, and means over them are those of what nests."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adaf_xr.cell_means import Lattice, cell_means, lattice_through

NODES = Lattice(1.0, -90.0, 0.0)


@given(st.sampled_from([1.0, 0.5, 0.25, 0.2, 1 / 12]), st.integers(0, 99), st.data())
@settings(max_examples=60, deadline=None)
def test_any_box_of_a_grid_means_the_same_lattice(spacing, hundredths, data):
    rows, columns = round(180 / spacing), round(360 / spacing)
    latitude = -90.0 + spacing * (np.arange(rows) + hundredths / 100)
    longitude = -180.0 + spacing * (np.arange(columns) + hundredths / 100)
    whole = lattice_through(latitude, longitude, 1.0)
    i, j = data.draw(st.integers(0, rows - 2)), data.draw(st.integers(0, columns - 2))
    box = latitude[i : i + 7][:: data.draw(st.sampled_from([1, -1]))], longitude[j : j + 5]
    assert whole.spacing == pytest.approx(spacing)
    assert lattice_through(box[0].astype("f4").astype("f8"), box[1] + 360.0, 1.0) == whole
    assert set(whole.row(box[0])) <= set(range(rows))


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [([0.0, 1.0, 3.0], [0.0, 1.0]), ([0.0, 0.3], [0.0, 0.3]), ([0.0, 2.0], [0.0, 2.0]), ([5.0], [5.0])],
)
def test_other_axes_have_no_lattice(latitude, longitude):
    assert lattice_through(np.array(latitude), np.array(longitude), 1.0) is None


@settings(max_examples=25, deadline=None)
@given(
    factor=st.sampled_from([1, 2, 4]),
    turn=st.integers(0, 359),
    descending=st.booleans(),
    phase=st.sampled_from(["cell", "node"]),
    seed=st.integers(0, 99),
)
def test_means_are_those_of_nested_cells_wherever_longitude_is_cut(factor, turn, descending, phase, seed):
    lattice = Lattice(10.0, *((-85.0, 5.0) if phase == "cell" else (-90.0, 0.0)))
    step, first = 10.0 / factor, lattice.south - 5.0
    lat = first + step * (np.arange(18 * factor) + 0.5)
    lon = lattice.west - 5.0 + step * (np.arange(36 * factor) + 0.5)
    inside = np.abs(lat) < 90.0
    field = np.random.default_rng(seed).normal(size=(lat.size, lon.size))
    field[np.random.default_rng(seed + 1).random(field.shape) < 0.6] = np.nan
    weight = np.where(np.isfinite(field), np.cos(np.radians(lat))[:, None], 0.0)
    boxes = (18, factor, 36, factor)
    total = np.where(weight > 0, field * weight, 0.0).reshape(boxes).sum((1, 3))
    share = weight.reshape(boxes).sum((1, 3))
    wanted = np.divide(total, share, out=np.full(share.shape, np.nan), where=share > 0)
    places = np.roll(np.arange(lon.size), turn)
    rows = np.flatnonzero(inside)[:: -1 if descending else 1]
    means = cell_means(field[rows][:, places], lat[rows], np.unwrap(lon[places], period=360), lattice)
    # Rows cut by a pole have other areas than cos(latitude) says; all others agree.
    kept = slice(1, -1)
    np.testing.assert_allclose(means[kept], wanted[kept], rtol=2e-3 if factor > 1 else 1e-6, atol=1e-6)
    assert np.array_equal(np.isnan(means[kept]), np.isnan(wanted[kept]))


def test_a_field_on_the_lattice_stays_what_it_is_and_a_region_leaves_the_rest_missing():
    field = np.random.default_rng(0).normal(size=(2, 180, 360)).astype("f4")
    assert np.array_equal(cell_means(field, np.arange(-90.0, 90), np.arange(0.0, 360), NODES), field)
    piece = cell_means(field[:, :5, :7], np.arange(10.0, 15), np.arange(350.0, 357), NODES)
    assert np.isfinite(piece).sum() == 70
    assert np.array_equal(piece[:, 100:105, 350:357], field[:, :5, :7])


def test_cells_that_do_not_nest_are_refused_with_the_way_out():
    with pytest.raises(ValueError, match=r"latitude do not nest in those of 1 degrees.*10 to 11.*take cells in which"):
        cell_means(np.zeros((4, 4)), np.arange(10.5, 14), np.arange(20.5, 24), NODES)
