"""Windows on a lattice: every target is in one, and the mean of windows that tell the truth is the truth."""

import numpy as np
import numpy.testing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from small_network import SMALL

from adaf_xr.cell_means import Lattice
from adaf_xr.models.cnp import RELEASED
from adaf_xr.models.cnp.lattices import lattice_of_phase
from adaf_xr.models.cnp.patches import corners
from adaf_xr.models.cnp.tiles import tile_shape, tiles
from adaf_xr.models.cnp.windows import OverlapMean, Tiling

SPACINGS = st.sampled_from([30.0, 20.0, 15.0, 10.0, 7.5, 5.0])


@st.composite
def tilings(draw):
    """Windows of any size and step on a globe of some hundred to some thousand cells."""
    spacing = draw(SPACINGS)
    lattice = Lattice(spacing, -90.0, 0.0)
    shape = tuple(draw(st.integers(1, n)) for n in lattice.shape)
    steps = tuple(draw(st.integers(1, n)) for n in shape)
    first = tuple(draw(st.integers(0, n - 1)) for n in shape)
    tiling = Tiling(lattice, shape, steps, first=first)
    assume(tiling.rows.size * tiling.columns.size < 3000)
    return tiling


def every(tiling):
    """First cells of all windows."""
    return [(row, column) for row in tiling.rows for column in tiling.columns]


def around(column, width, n_lon):
    """Numbers of columns from one on."""
    return (column + np.arange(width)) % n_lon


class TestOverlapMean:
    @given(tilings(), st.integers(0, 2**32 - 1))
    @settings(max_examples=60, deadline=None)
    def test_it_is_the_identity_on_its_own_input(self, tiling, seed):
        field = np.random.default_rng(seed).normal(15.0, 10.0, (3, *tiling.lattice.shape))
        mean = OverlapMean(tiling, tiling.rows, 3)
        for row, column in every(tiling):
            columns = around(column, tiling.shape[1], field.shape[2])
            mean.add(row, column, field[:, row : row + tiling.shape[0], columns].astype("f4"))
        assert mean.first == 0
        npt.assert_allclose(mean.values(), field, rtol=1e-6, atol=1e-6)

    @given(tilings())
    @settings(max_examples=40, deadline=None)
    def test_every_window_has_the_same_weight(self, tiling):
        mean = OverlapMean(tiling, tiling.rows, 1)
        told = np.zeros((2, *tiling.lattice.shape))
        for number, (row, column) in enumerate(every(tiling)):
            mean.add(row, column, np.full((1, *tiling.shape), float(number)))
            cells = np.ix_(np.arange(row, row + tiling.shape[0]), around(column, tiling.shape[1], told.shape[2]))
            told[0][cells] += number
            told[1][cells] += 1
        assert told[1].min() >= 1
        npt.assert_allclose(mean.values()[0], told[0] / told[1], rtol=1e-12)

    def test_what_no_window_covers_is_missing(self):
        tiling = Tiling(Lattice(10.0, -90.0, 0.0), (2, 3), (2, 3))
        mean = OverlapMean(tiling, np.array([4, 8]), 1)
        mean.add(8, 35, np.ones((1, 2, 3)))
        values = mean.values()[0]
        assert (mean.first, values.shape) == (4, (6, 36))
        assert np.argwhere(np.isfinite(values)).tolist() == [[4, 0], [4, 1], [4, 35], [5, 0], [5, 1], [5, 35]]


class TestWhereWindowsLie:
    @pytest.mark.parametrize("spacing", [1.0, 0.5, 0.25])
    def test_the_published_windows_and_those_across_the_prime_meridian(self, spacing):
        """35 x 69 were published, which end at the prime meridian; three more columns of windows cross it."""
        step = round(5 / spacing)
        tiling = Tiling.of(Lattice(spacing, -90.0, 0.0), RELEASED, step, step)
        assert (tiling.rows.size, tiling.columns.size) == (35, 72)
        inside = tiling.columns + tiling.shape[1] <= tiling.lattice.shape[1]
        assert inside.sum() == 69
        assert tiling.shape == (round(10 / spacing), round(20 / spacing))

    def test_steps_are_cells_of_the_lattice(self):
        """Published: 5 cells of 0.25 degrees, 40 x 80 of them to a window."""
        tiling = Tiling.of(Lattice(0.25, -90.0, 0.0), RELEASED, 5, 5)
        assert (tiling.rows.size, (tiling.columns + 80 <= 1440).sum()) == (137, 273)
        assert 137 * 273 == 37401

    def test_the_last_row_of_windows_ends_with_the_lattice(self):
        tiling = Tiling(Lattice(1.0, -90.0, 0.0), (10, 20), (7, 20))
        assert tiling.rows[-3:].tolist() == [161, 168, 170]

    def test_the_centre_is_the_published_one(self):
        """Of 10 x 20 cells from (i, j) on, cell (i + 5, j + 10)."""
        tiling = Tiling.of(Lattice(1.0, -90.0, 0.0), RELEASED)
        latitude, longitude = tiling.centres(np.array([0, 170]), np.array([0, 355]))
        assert (latitude.tolist(), longitude.tolist()) == ([-85.0, 85.0], [10.0, 365.0])

    @pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
    @pytest.mark.parametrize("phase", ["node", "cell"])
    def test_each_token_serves_the_targets_in_its_own_cell(self, k, phase):
        configuration = RELEASED.but(phase=phase)
        coarse = lattice_of_phase(1.0, phase)
        tiling = Tiling.of(lattice_of_phase(1.0 / k, phase), configuration)
        assert {0, 170 * k} <= set(tiling.rows) and {35, 36} >= {tiling.rows.size} and tiling.columns.size == 72
        rows, columns = (axis.ravel() for axis in np.meshgrid(tiling.rows[1:-1], tiling.columns))
        south, west = corners(configuration.background, *tiling.centres(rows, columns), configuration)
        i, j = np.arange(10 * k), np.arange(20 * k)
        npt.assert_array_equal(coarse.row(tiling.lattice.latitude(rows[:, None] + i)), south[:, None] + i // k)
        found = coarse.column(tiling.lattice.longitude(columns[:, None] + j))
        npt.assert_array_equal(found, (west[:, None] + j // k) % 360)

    @pytest.mark.parametrize("k", [1, 2, 4, 5])
    @pytest.mark.parametrize("phase", ["node", "cell"])
    def test_on_a_finer_lattice_the_centre_stays(self, k, phase):
        configuration = RELEASED.but(phase=phase)
        tiling = Tiling.of(lattice_of_phase(1.0 / k, phase), configuration, 5 * k, 5 * k)
        centres = tiling.centres(tiling.rows[:3], tiling.columns[:3])
        half = 0.0 if phase == "node" else 0.5
        npt.assert_allclose(centres[0], np.array([-85.0, -80.0, -75.0]) + half)
        npt.assert_allclose(centres[1], np.array([10.0, 15.0, 20.0]) + half)

    @given(tilings(), st.integers(0, 2**32 - 1), st.floats(0.0, 1.0))
    @settings(max_examples=60, deadline=None)
    def test_windows_are_chosen_that_hold_a_wanted_cell_and_no_others(self, tiling, seed, share):
        wanted = np.random.default_rng(seed).random(tiling.lattice.shape) < share**4
        rows, columns = tiling.touching(wanted)
        expected = [
            (row, column)
            for row, column in every(tiling)
            if wanted[row : row + tiling.shape[0]][:, around(column, tiling.shape[1], wanted.shape[1])].any()
        ]
        assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == expected

    @pytest.mark.parametrize(
        ("steps", "name"), [((11, 5), "lat_step=11"), ((5, 21), "lon_step=21"), ((0, 5), "lat_step=0")]
    )
    def test_steps_that_leave_targets_out_are_refused(self, steps, name):
        with pytest.raises(ValueError, match=rf"{name}: windows of 10 x 20 cells leave no target out"):
            Tiling(Lattice(1.0, -90.0, 0.0), (10, 20), steps)


class TestTiles:
    @given(tilings(), st.tuples(st.integers(1, 8), st.integers(1, 8)), st.integers(0, 2**32 - 1))
    @settings(max_examples=40, deadline=None)
    def test_each_window_is_in_one_tile_of_at_most_its_size(self, tiling, shape, seed):
        rows, columns = tiling.touching(np.random.default_rng(seed).random(tiling.lattice.shape) < 0.05)
        found = list(tiles((rows, columns), tiling, shape))
        together = sorted((int(row), int(column)) for tile in found for row, column in zip(*tile, strict=True))
        assert together == list(zip(rows.tolist(), columns.tolist(), strict=True))
        for tile_rows, tile_columns in found:
            assert np.unique(tile_rows).size <= shape[0] and np.unique(tile_columns).size <= shape[1]

    @given(st.integers(1, 400), st.integers(1, 10), st.integers(1, 20))
    @settings(max_examples=30, deadline=None)
    def test_a_tile_keeps_to_the_batch_and_to_memory(self, batch, lat_step, lon_step):
        tiling = Tiling.of(Lattice(1.0, -90.0, 0.0), RELEASED, lat_step, lon_step)
        down, across = tile_shape(RELEASED, tiling, batch)
        pixels = (250 + 24 * lat_step * (down - 1)) * (500 + 24 * lon_step * (across - 1))
        assert down * across <= batch
        assert pixels * 48 * 4 <= 2**29

    def test_small_networks_take_as_many_windows_as_the_batch(self):
        assert tile_shape(SMALL, Tiling.of(Lattice(10.0, -90.0, 0.0), SMALL), 300) == (16, 16)
