"""Patches about the centre of a window: where they lie, what is missing, and how values are scaled."""

import numpy as np
import numpy.testing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_network import SMALL, background, made

from adaf_xr.cell_means import Lattice
from adaf_xr.models.base import Background
from adaf_xr.models.cnp import RELEASED
from adaf_xr.models.cnp.coordinates import features
from adaf_xr.models.cnp.day import Day, background_grid
from adaf_xr.models.cnp.gridding import Encoded
from adaf_xr.models.cnp.lattices import lattice_of, lattice_of_phase, order
from adaf_xr.models.cnp.patches import corners, inputs, targets
from adaf_xr.models.cnp.windows import Tiling
from adaf_xr.points.arrays import Points

PHASES = pytest.mark.parametrize("phase", ["node", "cell"])


def numbered(configuration):
    """A day whose grids hold the numbers of their cells, scaled into the range of each channel."""
    grids = {}
    for source in configuration.sources:
        if source.gridded:
            shape = lattice_of(source, configuration).shape
            share = np.arange(np.prod(shape)).reshape(shape) / np.prod(shape)
            grids[source.key] = np.stack([low + (high - low) * share for low, high in source.ranges]).astype("f4")
    return Day(grids, np.empty((0, 5), "f4"))


class TestCoordinates:
    def test_poles_equator_and_meridians(self):
        found = features([90.0, 0.0, -90.0], [0.0, 90.0, 180.0], [0.0, 10.0, 20.0], 20.0)
        expected = [[1, 0, 0, 1, -1], [0, 1, 1, 0, 0], [-1, 0, 0, -1, 1]]
        npt.assert_allclose(found, expected, atol=1e-7)

    @given(st.floats(-90, 90), st.floats(-180, 180))
    @settings(max_examples=30, deadline=None)
    def test_they_have_no_seam(self, latitude, longitude):
        here, turned = (features(latitude, longitude + turn, 0.0, 20.0) for turn in (0.0, 360.0))
        npt.assert_allclose(here, turned, atol=1e-6)
        assert here[0] ** 2 + here[1] ** 2 == pytest.approx(1.0, abs=1e-6)


class TestWherePatchesLie:
    @PHASES
    def test_patches_of_coarse_sources_are_the_cells_of_the_window(self, phase):
        configuration = SMALL.but(phase=phase)
        tiling = Tiling.of(lattice_of_phase(10.0, phase), configuration, 1, 1)
        rows, columns = (axis.ravel() for axis in np.meshgrid(tiling.rows, tiling.columns, indexing="ij"))
        tables = inputs(numbered(configuration), *tiling.centres(rows, columns), 0.0, configuration)
        i = rows[:, None, None] + np.arange(4)[:, None]
        j = (columns[:, None, None] + np.arange(8)) % 36
        expected = 2.0 * (i * 36 + j) / (18 * 36) - 1.0
        for key in ("bg", "sate_sla", "sate_sic"):
            npt.assert_allclose(tables[key][..., 5].reshape(-1, 4, 8), expected, atol=1e-6)
        positions = targets(tiling.lattice, rows, columns, 0.0, configuration)
        npt.assert_allclose(tables["sate_sla"][..., :5], positions, atol=1e-6)

    @PHASES
    def test_a_window_of_a_finer_lattice_takes_the_same_patches(self, phase):
        configuration = SMALL.but(phase=phase)
        found = []
        for spacing in (10.0, 2.5):
            tiling = Tiling.of(lattice_of_phase(spacing, phase), configuration)
            start = np.array([round(40 / spacing)]), np.array([round(300 / spacing)])
            found.append(inputs(numbered(configuration), *tiling.centres(*start), 0.0, configuration))
        for key, table in found[0].items():
            npt.assert_array_equal(found[1][key], table, err_msg=key)

    def test_the_published_patch_of_4_km_pixels_begins_125_pixels_before_the_centre(self):
        day = Day({"sate_sst": np.zeros((2, 4320, 8640), "f4")}, np.empty((0, 5), "f4"))
        one = RELEASED.source("sate_sst")
        rows, columns = corners(one, np.array([10.0, -85.0]), np.array([2.0, 370.0]), RELEASED)
        assert rows.tolist() == [100 * 24 - 125, 5 * 24 - 125]
        assert columns.tolist() == [2 * 24 - 250, 10 * 24 - 250]
        assert one.shape == (250, 500) and day.grids["sate_sst"].shape[1:] == lattice_of(one, RELEASED).shape

    def test_patches_go_on_around_the_globe(self):
        day = numbered(SMALL)
        turned = Day({key: np.roll(grid, grid.shape[2] // 2, axis=2) for key, grid in day.grids.items()}, day.insitu)
        here = inputs(day, np.array([10.0]), np.array([0.0]), 0.0, SMALL)
        there = inputs(turned, np.array([10.0]), np.array([180.0]), 0.0, SMALL)
        for key, table in here.items():
            if key != "in_situ_obs":
                npt.assert_array_equal(table[..., 5:], there[key][..., 5:], err_msg=key)

    def test_rows_beyond_a_pole_are_missing(self):
        """The first window is centred at 70 S: a patch of ten 5 degree rows begins 25 degrees before, at 95 S."""
        source = SMALL.source("sate_sst")
        ones = {key: np.full_like(grid, 36.0) for key, grid in numbered(SMALL).grids.items()}
        table = inputs(Day(ones, np.empty((0, 5), "f4")), np.array([-70.0]), np.array([40.0]), 0.0, SMALL)["sate_sst"]
        values = table[0, :, 5].reshape(source.shape)
        assert not values[:1].any() and bool((values[1:] == 1.0).all())
        npt.assert_allclose(table[0, :18, 0], np.sin(np.radians(-92.5)), rtol=1e-6)

    def test_the_batch_has_the_sizes_of_the_network(self):
        day = Encoded.of(Points.empty(), RELEASED).day(RELEASED, background(1.0))
        tables = inputs(day, np.array([-85.0, 0.0]), np.array([10.0, 355.0]), 0.0, RELEASED)
        assert {key: tuple(table.shape) for key, table in tables.items()} == {
            "bg": (2, 200, 10),
            "in_situ_obs": (2, 300, 7),
            "sate_sss": (2, 5000, 6),
            "sate_sst": (2, 125000, 7),
            "sate_ssw": (2, 3200, 7),
            "sate_sla": (2, 200, 6),
            "sate_sic": (2, 200, 6),
        }
        assert all(table.dtype == torch.float32 and bool(table.isfinite().all()) for table in tables.values())


class TestValues:
    @pytest.mark.parametrize(
        ("variable", "source", "key", "low", "high"),
        [
            ("sla", "ssh", "sate_sla", -1.5, 1.5),
            ("siconc", "ice", "sate_sic", 0.0, 1.0),
            ("so", "sss", "sate_sss", 0.0, 40.0),
        ],
    )
    def test_ranges_become_minus_one_and_one_and_missing_becomes_zero(self, variable, source, key, low, high):
        points = made([2.0, 12.0], [2.0, 2.0], [low, high], variable, source)
        day = Encoded.of(points, SMALL).day(SMALL, background())
        table = inputs(day, np.array([10.0]), np.array([0.0]), 0.0, SMALL)[key][0, :, 5]
        assert sorted(table.unique().tolist()) == [-1.0, 0.0, 1.0]
        assert (table != 0.0).sum() == 2

    def test_only_the_background_is_at_depth(self):
        tables = inputs(numbered(SMALL), np.array([0.0]), np.array([0.0]), 15.0, SMALL)
        for key, table in tables.items():
            assert table[..., 4].unique().tolist() == [0.5 if key == "bg" else -1.0]


class TestInSitu:
    PAD = (0.0, 1.0, 0.0, 1.0, -1.0, 2.0 * 3.0 / 39.0 - 1.0, -1.0)

    @staticmethod
    def table(rows, latitude=0.0, longitude=0.0, depth=0.0):
        day = Day(numbered(SMALL).grids, np.array(rows, "f4").reshape(-1, 5))
        return inputs(day, np.array([latitude]), np.array([longitude]), depth, SMALL)["in_situ_obs"][0]

    def test_a_window_without_points_is_all_padding(self):
        """0 degC and 0 salinity at latitude, longitude and depth 0, as published."""
        npt.assert_allclose(self.table([]), [self.PAD] * 6, atol=1e-6)

    def test_a_point_comes_before_the_padding(self):
        table = self.table([[30.0, 90.0, 10.0, 36.0, 40.0]], latitude=20.0, longitude=80.0)
        npt.assert_allclose(table[0], [0.5, np.sqrt(0.75), 1.0, 0.0, 0.0, 1.0, 1.0], atol=1e-6)
        npt.assert_allclose(table[1:], [self.PAD] * 5, atol=1e-6)

    @pytest.mark.parametrize(
        ("move", "counts"),
        [((20, 0, 0), True), ((20.1, 0, 0), False), ((-20, 0, 0), True), ((0, 40, 0), True), ((0, 40.1, 0), False),
         ((0, -40, 0), True), ((0, 0, 10), True), ((0, 0, 10.1), False)],
    )  # fmt: skip
    @pytest.mark.parametrize("longitude", [0.0, 175.0, -175.0, 350.0])
    def test_the_box_around_the_centre_decides(self, move, counts, longitude):
        place = [move[0], (longitude + move[1] + 180.0) % 360.0 - 180.0, move[2]]
        assert (self.table([[*place, 20.0, 35.0]], longitude=longitude)[0, 5] > 0) == counts

    def test_the_first_points_are_kept_where_there_are_too_many(self):
        rows = [[0.0, 0.0, 0.0, temperature, 20.0] for temperature in range(10)]
        kept = self.table(rows)[:, 5]
        npt.assert_allclose(kept, [2.0 * (t + 3.0) / 39.0 - 1.0 for t in range(6)], atol=1e-6)


class TestBackground:
    def test_on_the_lattice_it_stays_what_it_is(self):
        first = background(phase="node")
        found = background_grid(first, SMALL)
        npt.assert_array_equal(found, np.stack([first.fields[n] for n in SMALL.variables]).astype("f4"))

    @PHASES
    def test_conventions_of_axes_do_not_matter(self, phase):
        first, configuration = background(phase=phase), SMALL.but(phase=phase)
        turned = background(phase=phase, west=-180.0)
        other = Background(
            turned.latitude[::-1],
            turned.longitude,
            turned.depth,
            {name: np.roll(values, 18, axis=1)[::-1] for name, values in first.fields.items()},
        )
        npt.assert_allclose(background_grid(other, configuration), background_grid(first, configuration), rtol=1e-6)

    def test_a_finer_one_is_interpolated(self):
        latitude, longitude = np.arange(-89.0, 90, 2.0), np.arange(1.0, 360, 2.0)
        fields = {name: np.repeat(latitude[:, None], longitude.size, axis=1) for name in SMALL.variables}
        found = background_grid(Background(latitude, longitude, np.empty(0), fields), SMALL)
        npt.assert_allclose(found[0, 1:, 0], np.arange(-80.0, 90, 10.0), rtol=1e-6)

    def test_land_takes_the_mean_of_its_row_and_a_row_of_land_stays_missing(self):
        first = background(phase="node")
        values = first.fields["thetao"]
        values[5, ::2] = np.nan
        values[0] = np.nan
        found = background_grid(first, SMALL)[0]
        npt.assert_allclose(found[5, ::2], values[5, 1::2].mean(), rtol=1e-6)
        npt.assert_allclose(found[5, 1::2], values[5, 1::2], rtol=1e-6)
        assert np.isnan(found[0]).all() and np.isfinite(found[1:]).all()

    @pytest.mark.parametrize("west", [0.0, 150.0, 340.0, -60.0])
    def test_beside_a_regional_one_its_rows_go_on_and_beyond_them_nothing_is_known(self, west):
        rng = np.random.default_rng(5)
        latitude, longitude = np.arange(-20.0, 31.0, 10.0), west + np.arange(0.0, 60.0, 10.0)
        values = rng.normal(15.0, 5.0, (6, 6))
        values[2, 3] = np.nan
        region = Background(latitude[::-1], longitude, np.empty(0), dict.fromkeys(SMALL.variables, values[::-1]))
        found = background_grid(region, SMALL)[0]
        assert np.isnan(found[:7]).all() and np.isnan(found[13:]).all()
        columns = (longitude / 10.0).astype(int) % 36
        filled = np.where(np.isnan(values), np.nanmean(values, axis=1, keepdims=True), values)
        npt.assert_allclose(found[7:13, columns], filled, rtol=1e-6)
        beside = np.delete(found[7:13], columns, axis=1)
        npt.assert_allclose(beside, np.repeat(np.nanmean(values, axis=1)[:, None], 30, axis=1), rtol=1e-6)

    def test_a_missing_variable_is_named(self):
        first = background()
        fields = {name: values for name, values in first.fields.items() if name not in ("uo", "vo")}
        with pytest.raises(ValueError, match=r"by their place, and it lacks uo, vo \(it has thetao, so, zos\)"):
            background_grid(Background(first.latitude, first.longitude, first.depth, fields), SMALL)


class TestTargets:
    @given(st.integers(1, 5))
    @settings(max_examples=5, deadline=None)
    def test_runs_of_targets_lie_in_one_coarse_cell(self, k):
        numbers = order(Lattice(10.0 / k, -90.0, 0.0), SMALL)
        rows, columns = np.divmod(numbers, 8 * k)
        coarse = (rows // k) * 8 + columns // k
        npt.assert_array_equal(coarse, np.repeat(np.arange(32), k * k))
        npt.assert_array_equal(np.sort(numbers), np.arange(32 * k * k))

    def test_their_positions_are_those_of_their_cells(self):
        lattice = lattice_of_phase(5.0, "cell")
        table = targets(lattice, np.array([2]), np.array([70]), 5.0, SMALL)[0]
        cells = order(lattice, SMALL)
        latitude, longitude = -87.5 + 5.0 * (2 + cells // 16), 2.5 + 5.0 * (70 + cells % 16)
        npt.assert_allclose(table, features(latitude, longitude, 5.0, 20.0), atol=1e-6)

    def test_a_spacing_that_does_not_nest_is_refused(self):
        with pytest.raises(ValueError, match=r"targets 3 degrees apart do not nest .* cells of 10 degrees: take 10"):
            targets(Lattice(3.0, -90.0, 0.0), np.array([0]), np.array([0]), 0.0, SMALL)
