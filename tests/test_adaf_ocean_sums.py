"""What the default model keeps of observations: weighted sums over cells that add up."""

from itertools import pairwise

import numpy as np
import numpy.testing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_ocean import WHEN, made, observed

from adaf_xr.cf.canonical import CODES, SOURCES
from adaf_xr.models.adaf_ocean.channels import ANOMALY, BINS, CHANNELS, KEPT, TOP
from adaf_xr.models.adaf_ocean.sums import LEAST, Sums, spacing
from adaf_xr.points.arrays import Points

POINTS = observed(40)
DAY = np.timedelta64(1, "D")


def same(found, expected, rtol=1e-9):
    npt.assert_array_equal(found.key, expected.key)
    npt.assert_allclose(found.sums, expected.sums, rtol=rtol, atol=1e-9)


def place_of(source, variable):
    return next(n for n, channel in enumerate(KEPT) if (channel.source, channel.variable) == (source, variable))


def only(points):
    """Channel, bin, cell and sums of points that fall into one cell."""
    sums = Sums.of(points, WHEN)
    found = [(p, b, *sums.of_channel(p, b)) for p in range(len(KEPT)) for b in range(BINS)]
    (channel, bin_, cells, terms) = next(part for part in found if len(part[2]))
    assert len(sums.key) == len(cells) == 1
    return channel, bin_, int(cells[0]), terms[0]


@settings(max_examples=30, deadline=None)
@given(st.randoms(use_true_random=False), st.lists(st.integers(0, len(POINTS)), max_size=6))
def test_order_and_chunks_do_not_matter(random, cuts):
    order = list(range(len(POINTS)))
    random.shuffle(order)
    shuffled = POINTS.take(np.array(order))
    edges = [0, *sorted(cuts), len(POINTS)]
    parts = [Sums.of(shuffled.take(slice(a, b)), WHEN) for a, b in pairwise(edges)]
    random.shuffle(parts)
    total = Sums.nothing(WHEN.astype("M8[ns]"))
    for part in parts:
        total = total + part
    same(total, Sums.of(POINTS, WHEN))


def test_adding_is_associative_and_nothing_is_neutral():
    a, b, c = (Sums.of(POINTS.take(slice(k, None, 3)), WHEN) for k in range(3))
    same((a + b) + c, a + (b + c))
    nothing = Sums.of(Points.empty(), WHEN)
    for total in (a + nothing, nothing + a):
        same(total, a, 0)
    assert (nothing + nothing).key.size == 0


def test_parts_without_a_cell_in_common_add_up_in_either_order():
    temperature, height = (Sums.of(POINTS.take(POINTS.variable == CODES[name]), WHEN) for name in ("thetao", "zos"))
    whole = Sums.of(POINTS.take(np.isin(POINTS.variable, [CODES["thetao"], CODES["zos"]])), WHEN)
    same(temperature + height, whole)
    same(height + temperature, whole)


def test_other_analysis_times_do_not_add_up():
    with pytest.raises(ValueError, match=r"2020-01-06.* and for 2020-01-07.*same analysis time"):
        Sums.of(POINTS, WHEN) + Sums.of(POINTS, WHEN + DAY)


def test_every_sum_against_a_loop_over_points():
    expected = {}
    for n in range(len(POINTS)):
        pair = SOURCES[POINTS.source[n]], list(CODES)[POINTS.variable[n]]
        place, channel = place_of(*pair), KEPT[place_of(*pair)]
        step = 0.25 if channel.fine else 1.0
        row, column = int((POINTS.latitude[n] + 90.0) // step), int((POINTS.longitude[n] + 180.0) // step)
        east = (POINTS.longitude[n] + 180.0) / step - column - 0.5
        north = (POINTS.latitude[n] + 90.0) / step - row - 0.5
        bin_ = int(((POINTS.time[n] - WHEN) / DAY + 5.0) // 2.0)
        error = channel.error if np.isnan(POINTS.error[n]) else max(POINTS.error[n], LEAST * channel.error)
        weight = (channel.error / error) ** 2
        key = place, bin_, row * round(360.0 / step) + column
        terms = weight * np.array([1.0, POINTS.value[n], east, north])
        expected[key] = expected.get(key, 0.0) + terms
    sums, count = Sums.of(POINTS, WHEN), 0
    for place in range(len(KEPT)):
        for bin_ in range(BINS):
            for cell, terms in zip(*sums.of_channel(place, bin_), strict=True):
                npt.assert_allclose(terms, expected[place, bin_, int(cell)], rtol=1e-9, atol=1e-12)
                count += 1
    assert count == len(expected) == sums.key.size


def test_cost_of_many_points_is_bounded_by_chunks(monkeypatch):
    whole = Sums.of(POINTS, WHEN)
    monkeypatch.setattr("adaf_xr.models.adaf_ocean.sums.CHUNK", 37)
    same(Sums.of(POINTS, WHEN), whole)


@pytest.mark.parametrize(
    ("days", "bin_"), [(-5.0, 0), (-3.001, 0), (-3.0, 1), (-0.999, 2), (0.0, 2), (1.0, 3), (3.0, 4), (4.999, 4)]
)
def test_bins_are_two_days_and_half_open(days, bin_):
    assert only(made(10.0, 20.0, 0.1, "zos", "ssh", days=days))[1] == bin_


@pytest.mark.parametrize("days", [-5.001, 5.0, 30.0])
def test_what_is_farther_in_time_counts_for_nothing(days):
    assert Sums.of(made(10.0, 20.0, 0.1, "zos", "ssh", days=days), WHEN).key.size == 0


def test_depth_to_which_an_observation_speaks_for_the_surface():
    assert only(made(10.0, 20.0, 15.0, "thetao", "insitu", depth=TOP))[0] == place_of("insitu", "thetao")
    assert Sums.of(made(10.0, 20.0, 15.0, "thetao", "insitu", depth=TOP + 0.1), WHEN).key.size == 0


@pytest.mark.parametrize(("source", "variable"), [("insitu", "zos"), ("ssh", "uo"), ("wind", "thetao")])
def test_pairs_that_are_no_channel_are_left_out(source, variable):
    assert Sums.of(made(10.0, 20.0, 1.0, variable, source), WHEN).key.size == 0


def test_sea_level_and_its_anomaly_are_kept_apart():
    assert only(made(10.0, 20.0, 0.1, "zos", "ssh"))[0] == place_of("ssh", "zos")
    assert only(made(10.0, 20.0, 0.1, ANOMALY, "ssh"))[0] == place_of("ssh", ANOMALY) >= len(CHANNELS)


class TestErrors:
    @pytest.mark.parametrize(("error", "weight"), [(np.nan, 1.0), (0.03, 1.0), (0.06, 0.25), (0.0, LEAST**-2)])
    def test_the_weight_is_inverse_variance_bounded(self, error, weight):
        assert only(made(10.0, 20.0, 0.1, "zos", "ssh", error))[3][0] == pytest.approx(weight, rel=1e-6)

    def test_an_infinite_error_is_no_missing_one(self):
        npt.assert_array_equal(only(made(10.0, 20.0, 0.1, "zos", "ssh", np.inf))[3], 0.0)

    def test_many_poor_observations_are_one_good_one(self):
        poor, good = made(10.0, 20.0, np.full(16, 0.1), "zos", "ssh", 0.06), made(10.0, 20.0, 0.1, "zos", "ssh", 0.015)
        npt.assert_allclose(only(poor)[3], only(good)[3], rtol=1e-6)


class TestPlaces:
    def test_cells_nest(self):
        fine = only(made(10.1, 20.9, 0.1, "zos", "ssh"))[2]
        coarse = only(made(10.1, 20.9, 35.0, "so", "sss"))[2]
        assert (fine // 1440 // 4, fine % 1440 // 4) == (coarse // 360, coarse % 360)

    @pytest.mark.parametrize("longitude", [-180.0, 180.0, 179.9999999, 359.99, -0.0, np.nextafter(-180.0, -200.0)])
    def test_conventions_of_longitude(self, longitude):
        here, turned = (only(made(5.1, lon, 0.1, "zos", "ssh")) for lon in (longitude, longitude + 360.0))
        assert here[2] == turned[2] or abs(abs(here[3][2]) - 0.5) < 1e-9  # on an edge rounding decides
        assert 0 <= here[2] < 720 * 1440

    @pytest.mark.parametrize("latitude", [-90.0, 90.0])
    def test_poles_belong_to_the_last_row(self, latitude):
        row = only(made(latitude, 20.0, 0.1, "zos", "ssh"))[2] // 1440
        assert row == (0 if latitude < 0 else 719)

    def test_place_in_the_cell_is_kept_within_half_of_one(self):
        sums = Sums.of(POINTS, WHEN)
        assert (np.abs(sums.sums[:, 2:]) <= 0.5 * sums.sums[:, :1] + 1e-9).all()

    def test_spacing(self):
        assert {spacing(channel) for channel in CHANNELS} == {0.25, 1.0}
