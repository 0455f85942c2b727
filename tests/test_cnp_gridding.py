"""Observations on the lattices of the published network: cells, means, and what adds up."""

from itertools import pairwise

import numpy as np
import numpy.testing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_network import SMALL, WHEN, background, made, observed

from adaf_xr.models.base import Targets
from adaf_xr.models.cnp import RELEASED
from adaf_xr.models.cnp.destinations import Destination
from adaf_xr.models.cnp.gridding import Encoded
from adaf_xr.models.cnp.lattices import lattice_of, lattice_of_phase
from adaf_xr.points.arrays import Points

CELLS = SMALL.but(phase="cell")
HOUR = np.timedelta64(3600, "s")


def day(*parts, configuration=SMALL):
    return Encoded.of(Points.concatenate(parts), configuration).day(configuration, background())


def only(grid):
    """Places and value of the one cell that has one."""
    ((channel, row, column),) = np.argwhere(np.isfinite(grid))
    return int(channel), int(row), int(column), float(grid[channel, row, column])


def same(a, b):
    """Whether two days are equal to the rounding of their means."""
    for key, grid in a.grids.items():
        npt.assert_allclose(b.grids[key], grid, rtol=1e-6, err_msg=key)
    npt.assert_array_equal(a.insitu, b.insitu)


class TestCells:
    @pytest.mark.parametrize(
        ("latitude", "longitude", "node", "cell"),
        [
            (14.9, 4.9, (10, 0), (10, 0)),
            (15.1, 5.1, (11, 1), (10, 0)),
            (-0.1, -0.1, (9, 0), (8, 35)),
            (-89.9, 354.9, (0, 35), (0, 35)),
            (84.9, -5.1, (17, 35), (17, 35)),
        ],
    )
    def test_coarse_cells_lie_about_whole_multiples_or_between_them(self, latitude, longitude, node, cell):
        point = made(latitude, longitude, 0.3, "sla", "ssh")
        assert only(day(point).grids["sate_sla"])[1:3] == node
        assert only(day(point, configuration=CELLS).grids["sate_sla"])[1:3] == cell

    @pytest.mark.parametrize("configuration", [SMALL, CELLS])
    def test_fine_cells_begin_at_the_pole_and_greenwich_in_both(self, configuration):
        point = made(-87.6, 2.6, 34.0, "so", "sss"), made(-87.6, 2.6, 3.0, "uas", "wind")
        assert only(day(point[0], configuration=configuration).grids["sate_sss"]) == (0, 0, 0, 34.0)
        winds = day(*point, made(-87.6, 2.6, 4.0, "vas", "wind"), configuration=configuration).grids["sate_ssw"]
        assert np.argwhere(np.isfinite(winds[1])).tolist() == [[0, 1]]

    def test_the_row_beyond_the_last_node_has_no_cell(self):
        points = made(89.0, 0.0, 0.5, "siconc", "ice")
        assert not np.isfinite(day(points).grids["sate_sic"]).any()
        assert only(day(points, configuration=CELLS).grids["sate_sic"]) == (0, 17, 0, 0.5)

    @pytest.mark.parametrize("key", ["sate_sst", "sate_sss", "sate_ssw", "sate_sla"])
    def test_a_product_on_the_lattice_keeps_its_pixels_even_in_single_precision(self, key):
        lattice = lattice_of(RELEASED.source(key), RELEASED)
        for axis, count, number in ((lattice.latitude, 0, lattice.row), (lattice.longitude, 1, lattice.column)):
            centres = axis(np.arange(lattice.shape[count])).astype("f4")
            npt.assert_array_equal(number(centres), np.arange(lattice.shape[count]))

    @given(st.sampled_from([1.0, 0.5, 0.25, 0.2, 1 / 12]), st.sampled_from(["node", "cell"]), st.data())
    @settings(max_examples=40, deadline=None)
    def test_a_box_of_the_networks_own_grid_is_served_directly_and_one_beside_it_is_not(self, spacing, phase, data):
        network, other = RELEASED.but(phase=phase), {"node": "cell", "cell": "node"}[phase]
        i = data.draw(st.integers(1, round(180 / spacing) - 4)) + np.arange(3)
        j = data.draw(st.integers(0, round(360 / spacing))) + np.arange(4)
        mine, beside = (
            Destination.of(Targets(at.latitude(i).astype("f4"), at.longitude(j).astype("f4") - 180.0), network)
            for at in (lattice_of_phase(spacing, phase), lattice_of_phase(spacing, other))
        )
        assert mine.direct and not beside.direct
        assert mine.lattice == beside.lattice
        assert mine.lattice.spacing == pytest.approx(spacing)


class TestMeans:
    @given(
        st.lists(st.tuples(st.integers(-850, 840), st.integers(-1800, 1790), st.floats(-1, 1)), min_size=1, max_size=30)
    )
    @settings(max_examples=40, deadline=None)
    def test_a_cell_has_the_mean_of_its_values(self, rows):
        tenths_north, tenths_east, value = np.array(rows).T
        latitude, longitude = tenths_north / 10 + 0.03, tenths_east / 10 + 0.03
        grid = day(made(latitude, longitude, value, "sla", "ssh"), configuration=CELLS).grids["sate_sla"][0]
        members = {}
        for north, east, x in rows:
            members.setdefault(((north + 900) // 100, east // 100 % 36), []).append(x)
        assert np.isfinite(grid).sum() == len(members)
        for cell, values in members.items():
            assert grid[cell] == pytest.approx(np.mean(values), abs=1e-6)

    @given(st.randoms(use_true_random=False), st.lists(st.integers(0, 1200), max_size=4))
    @settings(max_examples=20, deadline=None)
    def test_neither_order_nor_chunks_nor_conventions_matter(self, random, cuts):
        points = observed()
        order = np.array(random.sample(range(len(points)), len(points)))
        shuffled = points.take(order)
        bounds = [0, *sorted(cuts), len(points)]
        parts = [Encoded.of(shuffled.take(slice(*pair)), SMALL) for pair in pairwise(bounds)]
        random.shuffle(parts)
        total = parts[0]
        for part in parts[1:]:
            total = part + total
        same(Encoded.of(points, SMALL).day(SMALL, background()), total.day(SMALL, background()))

    def test_a_turn_of_the_longitudes_changes_no_cell(self):
        near, far = (made([10.0, -50.0], [-170.0 + turn, 20.0 + turn], [0.1, 0.2], "sla", "ssh") for turn in (0, 360))
        npt.assert_array_equal(day(near).grids["sate_sla"], day(far).grids["sate_sla"])

    def test_no_points_are_the_neutral_element_and_a_day_without_values(self):
        nothing, some = Encoded.of(Points.empty(), SMALL), Encoded.of(observed(), SMALL)
        for whole in (nothing + some, some + nothing):
            same(some.day(SMALL, background()), whole.day(SMALL, background()))
        empty = nothing.day(SMALL, background())
        assert not any(np.isfinite(grid).any() for key, grid in empty.grids.items() if key != "bg")
        assert empty.insitu.shape == (0, 5)
        assert {key: grid.shape for key, grid in empty.grids.items()} == {
            "bg": (5, 18, 36),
            "sate_sss": (1, 36, 72),
            "sate_sst": (2, 36, 72),
            "sate_ssw": (2, 72, 144),
            "sate_sla": (1, 18, 36),
            "sate_sic": (1, 18, 36),
        }

    def test_encodings_for_two_networks_do_not_mix(self):
        mine, other = Encoded.of(observed(), SMALL), Encoded.of(observed(), CELLS)
        with pytest.raises(ValueError, match="two different networks do not add up"):
            mine + other
        with pytest.raises(ValueError, match="encoded for another network"):
            mine.day(CELLS, background())


class TestChannels:
    @pytest.mark.parametrize(
        ("longitude", "hour", "channel"),
        [(0, 12, 0), (0, 0, 1), (0, 6, 0), (0, 5.99, 1), (0, 17.99, 0), (0, 18, 1), (180, 12, 1),
         (-90, 0, 1), (-91, 0, 0), (-179, 18.1, 0), (179.9, 0.1, 0)],
    )  # fmt: skip
    def test_the_sun_parts_day_from_night(self, longitude, hour, channel):
        time = np.datetime64("2020-01-01", "ns") + np.timedelta64(round(hour * 3600), "s")
        assert only(day(made(0.1, longitude, 20.0, "thetao", "sst", time=time)).grids["sate_sst"])[0] == channel

    def test_day_and_night_of_a_pixel_stand_side_by_side(self):
        noon, midnight = (made(1.0, 1.0, t, "thetao", "sst", time=WHEN - h * HOUR) for t, h in ((20.0, 12), (18.0, 24)))
        assert day(noon, midnight).grids["sate_sst"][:, 18, 0].tolist() == [20.0, 18.0]

    @pytest.mark.parametrize(
        ("eastward", "northward", "direction"),
        [(5.0, 0.0, 90.0), (0.0, 5.0, 0.0), (-5.0, 0.0, 270.0), (3.0, -3.0, 135.0), (-3.0, 3.0, 315.0)],
    )
    def test_wind_has_the_direction_it_blows_to_clockwise_from_north(self, eastward, northward, direction):
        parts = made(1.0, 1.0, eastward, "uas", "wind"), made(1.0, 1.0, northward, "vas", "wind")
        grid = day(*parts).grids["sate_ssw"]
        npt.assert_allclose(grid[:, 36, 0], [direction, np.hypot(eastward, northward)], rtol=1e-6)

    def test_winds_of_a_cell_are_averaged_as_vectors(self):
        """350 and 10 degrees average to north; as numbers they would average to south."""
        angle = np.radians([350.0, 10.0])
        grid = day(made(1.0, 1.0, np.sin(angle), "uas", "wind"), made(1.0, 1.0, np.cos(angle), "vas", "wind")).grids[
            "sate_ssw"
        ]
        assert min(grid[0, 36, 0], 360.0 - grid[0, 36, 0]) < 1e-4
        assert grid[1, 36, 0] == pytest.approx(np.cos(np.radians(10.0)))

    def test_a_wind_due_north_has_one_direction_whatever_its_rounding(self):
        """0 and 360 degrees are the two ends of the range: chunks in another order must not change them."""
        east, north = made([1.0] * 3, 1.0, [0.1, 0.2, -0.3], "uas", "wind"), made(1.0, 1.0, 5.0, "vas", "wind")
        for order in ([0, 1, 2], [2, 1, 0], [0, 2, 1]):
            parts = [Encoded.of(east.take(np.array([n])), SMALL) for n in order]
            whole = parts[0] + parts[1] + parts[2] + Encoded.of(north, SMALL)
            assert whole.day(SMALL, background()).grids["sate_ssw"][0, 36, 0] == 0.0

    @pytest.mark.parametrize("eastward", [[0.0], [-0.0], [0.1, 0.2, -0.3], [-0.3, 0.2, 0.1]])
    @pytest.mark.parametrize("northward", [[0.0], [-0.0], [-0.3, 0.1, 0.2]])
    def test_a_calm_has_no_speed_and_direction_zero(self, eastward, northward):
        parts = [made([1.0] * len(v), 1.0, v, name, "wind") for name, v in (("uas", eastward), ("vas", northward))]
        npt.assert_allclose(day(*parts).grids["sate_ssw"][:, 36, 0], [0.0, 0.0], atol=1e-6)

    def test_salinities_from_space_beyond_their_range_are_missing_as_published(self):
        points = made([1.0, 1.0, 11.0], [1.0, 1.0, 1.0], [40.5, 39.0, 41.0], "so", "sss")
        assert only(day(points).grids["sate_sss"]) == (0, 18, 0, 39.0)

    def test_altimeters_give_what_the_configuration_reads(self):
        both = made(1.0, 1.0, 0.1, "sla", "ssh"), made(1.0, 1.0, 0.7, "zos", "ssh")
        assert only(day(*both).grids["sate_sla"])[3] == pytest.approx(0.1)
        absolute = day(*both, configuration=SMALL.with_sea_level("zos"))
        assert only(absolute.grids["sate_sla"])[3] == pytest.approx(0.7)

    def test_a_temperature_belongs_to_its_source(self):
        found = day(made(1.0, 1.0, 20.0, "thetao", "insitu"), made(1.0, 1.0, 33.0, "so", "sss"))
        assert not np.isfinite(found.grids["sate_sst"]).any()
        assert found.insitu.shape == (0, 5)
        assert only(found.grids["sate_sss"])[3] == 33.0


class TestInSitu:
    @staticmethod
    def pair(temperature=12.0, salinity=35.0, **where):
        place = {"latitude": 1.0, "longitude": 2.0, **where}
        return [
            made(value=v, variable=n, source="insitu", **place) for n, v in (("thetao", temperature), ("so", salinity))
        ]

    def test_temperature_and_salinity_of_one_place_make_a_row(self):
        assert day(*self.pair(depth=3.0)).insitu.tolist() == [[1.0, 2.0, 3.0, 12.0, 35.0]]

    @pytest.mark.parametrize(
        "move", [{"latitude": 1.001}, {"longitude": 2.001}, {"depth": 0.1}, {"time": WHEN - np.timedelta64(1, "ns")}]
    )
    def test_elsewhere_or_at_another_time_they_are_no_pair(self, move):
        assert day(self.pair()[0], self.pair(**move)[1]).insitu.shape == (0, 5)

    def test_a_pair_may_come_in_two_chunks(self):
        parts = [Encoded.of(part, SMALL) for part in self.pair()]
        assert (parts[0] + parts[1]).day(SMALL, background()).insitu.tolist() == [[1.0, 2.0, 0.0, 12.0, 35.0]]

    def test_what_no_window_reaches_is_left_out(self):
        """20 m deep, and 10 m around a level: 30 m."""
        assert len(day(*self.pair(depth=30.0)).insitu) == 1
        assert len(day(*self.pair(depth=30.1)).insitu) == 0

    def test_a_report_that_comes_twice_counts_once(self):
        assert len(day(*self.pair(), *self.pair(), *self.pair(temperature=12.6)).insitu) == 1
        assert day(*self.pair(), *self.pair(temperature=13.0)).insitu[0, 3] == 12.5

    def test_rows_stand_in_the_order_of_time_longitude_latitude_and_depth(self):
        keys = [(h, lam, phi, z) for h in (20, 4) for lam in (-10.0, 3.0) for phi in (-5.0, 5.0) for z in (0.0, 8.0)]
        scrambled = np.random.default_rng(3).permutation(len(keys))
        parts = [
            part
            for n in scrambled
            for part in self.pair(
                time=WHEN - keys[n][0] * HOUR, longitude=keys[n][1], latitude=keys[n][2], depth=keys[n][3]
            )
        ]
        npt.assert_array_equal(day(*parts).insitu[:, [1, 0, 2]], [key[1:] for key in keys])
