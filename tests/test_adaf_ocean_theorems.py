"""What holds of the default model for any weights: where observations come from, what is far away, how grids lie."""

from dataclasses import replace
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.testing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_ocean import (
    BOX,
    FIRST,
    MEAN,
    POINTS,
    SMALL,
    STATIC,
    WHEN,
    WHERE,
    Nearby,
    analysed,
    axes,
    background,
    differ,
    engine,
    increments,
    made,
    observed,
    quarters,
    same,
    small,
)
from small_ocean import sea as field

from adaf_xr import grids, ocean_mask
from adaf_xr.models.adaf_ocean.channels import STATE
from adaf_xr.models.adaf_ocean.delivery import delivered, wants_detail
from adaf_xr.models.adaf_ocean.engine import REACH, AdafOcean
from adaf_xr.models.adaf_ocean.features import Features
from adaf_xr.models.adaf_ocean.frame import BLOCK, Frame
from adaf_xr.models.adaf_ocean.increments import Increments
from adaf_xr.models.adaf_ocean.scene import Scene
from adaf_xr.models.base import Targets
from adaf_xr.models.first_guess import at_targets
from adaf_xr.points.arrays import Points


def all_sea(monkeypatch):
    """A planet without land that a mask would know."""
    monkeypatch.setattr(ocean_mask, "sea", lambda lat, lon: np.ones((np.size(lat), np.size(lon)), bool))


class TestObservations:
    @settings(max_examples=6)
    @given(st.randoms(use_true_random=False), st.lists(st.integers(0, len(POINTS)), min_size=1, max_size=4))
    def test_their_order_and_chunks_do_not_matter(self, random, cuts):
        order = list(range(len(POINTS)))
        random.shuffle(order)
        shuffled, edges = POINTS.take(np.array(order)), [0, *sorted(cuts), len(POINTS)]
        parts = [engine().encode(shuffled.take(slice(a, b)), FIRST, WHEN) for a, b in pairwise(edges)]
        total = sum(parts[1:], start=parts[0])
        found = engine().analyse(total, FIRST, WHERE)
        same(found, analysed(POINTS), atol=1e-6)

    def test_every_source_and_variable_matters(self):
        whole = analysed(POINTS)
        for source, variable in {(int(s), int(v)) for s, v in zip(POINTS.source, POINTS.variable, strict=True)}:
            rest = POINTS.take((POINTS.source != source) | (POINTS.variable != variable))
            differ(analysed(rest), whole, 1e-6)

    def test_none_at_all_give_the_background_and_a_standard_error(self):
        nothing = analysed(Points.empty())
        for name, mean in nothing.mean.items():
            npt.assert_array_equal(mean, at_targets(FIRST.fields[name], FIRST, WHERE)[0])
            assert np.isfinite(nothing.std[name]).all() and (nothing.std[name] > 0).all()

    def test_of_what_the_background_lacks_change_nothing(self):
        first = background(*axes(1.0, BOX), names=("zos", "so"))
        own = POINTS.take(~np.isin(POINTS.variable, [0, 2, 3]))
        found = analysed(POINTS, first)
        same(found, analysed(own, first), atol=0)
        assert set(found.mean) == {"zos", "so"}
        assert all(np.isfinite(mean).all() for mean in found.mean.values())

    def test_with_huge_errors_change_nothing(self):
        more = made(36.0, -28.0, 3.0, "zos", "ssh", 1e7)
        same(analysed(Points.concatenate([POINTS, more])), analysed(POINTS), atol=1e-5)
        differ(analysed(Points.concatenate([POINTS, replace(more, error=np.float32([0.03]))])), analysed(POINTS))

    def test_far_away_change_nothing(self):
        far = observed(30, seed=5, box=(20.0, 60.0, -40.0, 0.0))
        same(analysed(Points.concatenate([POINTS, far])), analysed(POINTS), atol=0)
        assert not engine().encode(far, FIRST, WHEN).key.size


class TestOnePoint:
    HERE = (36.3, -28.6)

    def of(self, value, error=0.03, first=FIRST, **options):
        """Increments by one observation of sea level, `value` above the background."""
        at = grids.sample(first.fields["zos"], first.latitude, first.longitude, *(np.array([x]) for x in self.HERE))
        return increments(made(*self.HERE, at + value, "zos", "ssh", error), first, **options)

    def test_whatever_the_weights_nothing_changes_beyond_eight_degrees(self):
        where = quarters((-39.0, -17.0, 25.0, 47.0))
        north, east = (np.abs(axis - centre) for axis, centre in ((where.latitude, 36.5), (where.longitude, -28.5)))
        near = (north < 8.0)[:, None] & (east < 8.0)[None]  # the gate, a slope, and what is interpolated
        for increment in self.of(0.2, where=where).values():
            npt.assert_array_equal(increment[~near], 0.0)
            assert np.abs(increment[near]).max() > 1e-3

    @pytest.mark.parametrize("value", [0.15, -0.3])
    def test_it_pulls_sea_level_towards_itself_and_only_nearby(self, value):
        model = AdafOcean(Nearby("zos"))
        at = Targets(np.array([36.3, 36.3, 36.3, 36.3]), np.array([-28.6, -27.5, -26.5, -23.4]), gridded=False)
        increment = self.of(value, where=at, model=model)["zos"] / value
        assert 1.0 > increment[0] > increment[1] > increment[2] > increment[3] == 0.0

    def test_the_surer_it_is_the_more_it_pulls(self):
        at = Targets(np.array([36.3]), np.array([-28.6]), gridded=False)
        model = AdafOcean(Nearby("zos"))
        pulls = [self.of(0.2, error, where=at, model=model)["zos"].item() for error in (0.01, 0.03, 0.1, 0.3, 10.0)]
        assert pulls == sorted(pulls, reverse=True) and pulls[-1] < 1e-3 < pulls[0]

    def test_currents_turn_around_a_rise_of_sea_level(self):
        """Clockwise in the northern hemisphere and anticlockwise in the southern one."""
        model = AdafOcean(Nearby("zos"))
        for north in (1.0, -1.0):
            first = background(*axes(1.0, (-40.0, -16.0, -12.0 + 36.0 * north, 12.0 + 36.0 * north)))
            latitude = 36.5 * north
            at = grids.sample(first.fields["zos"], first.latitude, first.longitude, [latitude], [-28.5])
            point = made(latitude, -28.5, at + 0.2, "zos", "ssh")
            around = Targets(latitude + np.array([1.0, -1.0, 0.0, 0.0]), np.array([-28.5, -28.5, -27.5, -29.5]), False)
            found = increments(point, first, around, model)
            assert found["uo"][0] * north > 0.01 and found["uo"][1] * north < -0.01
            assert found["vo"][2] * north < -0.01 and found["vo"][3] * north > 0.01
            npt.assert_allclose(found["thetao"], 0.0, atol=1e-6)

    def test_beside_others_it_changes_nothing_beyond_the_reach_of_the_engine(self):
        first = background(*axes(1.0, (-170.0, 30.0, -8.0, 8.0)))
        others = observed(200, box=(-170.0, 30.0, -8.0, 8.0))
        where = quarters((-169.0, 29.0, -2.0, 2.0), 0.5)
        one, two = (
            increments(points, first, where)
            for points in (others, Points.concatenate([others, made(0.3, -160.2, 3.0, "zos", "ssh")]))
        )
        reach = SMALL.reach + REACH
        distance = where.longitude + 160.2
        for name in STATE:
            change = np.abs(two[name] - one[name]).max(0)
            npt.assert_array_equal(change[distance > reach], 0.0)
            assert change[np.abs(distance) < 5.0].max() > 1e-3
        # The bound is no idle one: something arrives at half of it.
        assert (np.abs(two["zos"] - one["zos"]).max(0)[distance > reach / 2] > 0).any()


class TestGlobe:
    FIRST = background(*axes(1.0, None))
    POINTS = observed(400, box=None)
    WHERE = Targets(np.arange(-60.0, 70.0, 7.5) + 0.125, np.arange(-180.0, 180.0, 7.5) + 0.125)

    @cached_property
    def answer(self):
        """The analysis of the globe as it is."""
        return analysed(self.POINTS, self.FIRST, self.WHERE)

    def test_turning_it_turns_the_analysis(self, monkeypatch):
        all_sea(monkeypatch)
        turn = 25 * BLOCK
        turned = {name: np.roll(values, turn, 1) for name, values in self.FIRST.fields.items()}
        first = replace(self.FIRST, fields=turned)
        lon = np.mod(self.POINTS.longitude + turn + 180.0, 360.0) - 180.0
        where = replace(self.WHERE, longitude=self.WHERE.longitude + turn)
        found = analysed(replace(self.POINTS, longitude=lon), first, where)
        same(found, self.answer, atol=2e-5)
        differ(found, analysed(Points.empty(), first, where))

    def test_where_longitude_is_cut_does_not_matter(self):
        shift = 77
        longitude = self.FIRST.longitude + shift
        cut = {name: np.roll(values, -shift, 1) for name, values in self.FIRST.fields.items()}
        other = replace(self.WHERE, longitude=self.WHERE.longitude + 360.0)
        same(analysed(self.POINTS, replace(self.FIRST, longitude=longitude, fields=cut), other), self.answer)

    def test_a_region_sees_what_the_globe_sees(self):
        """Deep inside it, as deep as the network and the scale of the background reach, beyond that nothing is."""
        columns = slice(40, 300)
        part = {name: values[:, columns] for name, values in self.FIRST.fields.items()}
        region = replace(self.FIRST, longitude=self.FIRST.longitude[columns], fields=part)
        depth = SMALL.reach + 2 * 9 + 3
        low, high = region.longitude[0] + depth, region.longitude[-1] - depth
        inner, beside = np.arange(low, high, 4.25), region.longitude[:5]  # beside the edge it is another analysis
        where = Targets(np.arange(-60.0, 60.0, 4.25), np.concatenate([beside, inner]))
        found, expected = (analysed(self.POINTS, first, where) for first in (region, self.FIRST))
        assert inner.size > 15
        for name in STATE:
            npt.assert_allclose(found.mean[name][:, 5:], expected.mean[name][:, 5:], rtol=0, atol=1e-5)
            npt.assert_allclose(found.std[name][:, 5:], expected.std[name][:, 5:], rtol=0, atol=1e-5)
            assert np.abs(found.mean[name][:, :5] - expected.mean[name][:, :5]).max() > 1e-3

    def test_it_has_no_seam(self):
        """At the pole and at the cut nothing is missing, and the increment is continuous."""
        where = Targets(np.array([-78.3, 0.1, 89.9]), np.array([179.999, 180.001, -179.999]))
        for mean in increments(self.POINTS, self.FIRST, where).values():
            assert np.isfinite(mean).all() and np.ptp(mean, axis=1).max() < 1e-2


class TestGrids:
    def truth(self, where, name):
        return field(name, where.latitude[:, None], where.longitude[None], 1)

    @pytest.mark.parametrize(
        ("spacing", "phase"), [(1.0, 0.5), (1.0, 0.0), (0.25, 0.5), (0.25, 0.0), (1 / 12, 0.0), (2.0, 0.5), (0.7, 0.2)]
    )
    def test_observations_mend_a_background_on_any_grid(self, spacing, phase):
        """The same machinery halves the error wherever its cells lie."""
        first = background(*axes(spacing, (-40.0, -16.0, 24.0, 48.0), phase))
        model, where = AdafOcean(Nearby("zos", "thetao")), quarters((-32.0, -24.0, 32.0, 40.0))
        rng = np.random.default_rng(0)
        at = rng.uniform(28.0, 44.0, 9000), rng.uniform(-36.0, -20.0, 9000)
        parts = [
            made(*at, field(name, *at, 1), name, source, days=rng.uniform(-1.0, 1.0, 9000))
            for name, source in (("zos", "ssh"), ("thetao", "sst"))
        ]
        found = analysed(Points.concatenate(parts), first, where, model)
        for name in ("zos", "thetao"):
            truth = self.truth(where, name)
            guess = at_targets(first.fields[name], first, where)[0]
            left, before = (np.sqrt(np.mean((x - truth) ** 2)) for x in (found.mean[name], guess))
            assert left < 0.45 * before

    def test_order_of_latitude(self):
        fields = {name: values[::-1] for name, values in FIRST.fields.items()}
        turned = replace(FIRST, latitude=FIRST.latitude[::-1], fields=fields)
        same(analysed(POINTS, turned), analysed(POINTS), atol=1e-6)
        flipped = analysed(POINTS, where=replace(WHERE, latitude=WHERE.latitude[::-1]))
        same({n: v[::-1] for n, v in flipped.mean.items()}, analysed(POINTS).mean, atol=1e-6)

    def test_of_one_degree_get_what_the_network_says_of_coarse_cells(self):
        frame = Frame.around(FIRST)
        sums = engine().encode(POINTS, FIRST, WHEN)
        latitude = torch.from_numpy(frame.latitude).float()
        with torch.no_grad():
            features = Features.of(Scene.of(FIRST, sums, frame), latitude, frame.wraps)
            output, _ = small()(features.coarse[None], None, frame.wraps)
        expected = Increments.of(output[0], features, latitude, frame.wraps)
        cells = Targets(FIRST.latitude, FIRST.longitude)
        found = analysed(POINTS, where=cells)
        row, column = int(FIRST.latitude[0] + 90 - frame.south), int(FIRST.longitude[0] + 180 - frame.west)
        for place, name in enumerate(STATE):
            inner = slice(row, row + 24), slice(column, column + 24)
            npt.assert_allclose(found.mean[name] - FIRST.fields[name], expected.mean[place][inner], atol=1e-5)
            npt.assert_allclose(found.std[name], torch.exp(expected.log_std[place][inner]), rtol=1e-5)

    def test_finer_ones_get_more_than_the_coarse_answer_between_cells(self):
        coarse = AdafOcean(small(configuration=replace(SMALL, fine=0)))
        with_detail, without = (increments(POINTS, model=model) for model in (engine(), coarse))
        for name in STATE:
            assert np.abs(with_detail[name] - without[name]).max() > 1e-3
        smooth = without["zos"]
        assert np.abs(np.diff(smooth, 2, axis=0)).max() < np.abs(np.diff(with_detail["zos"], 2, axis=0)).max()

    def test_between_the_centres_of_fine_cells_increments_are_bilinear(self):
        shifted = quarters((-36.0, -20.0, 28.0, 44.0), 0.25, phase=0.0)
        cells, between = increments(POINTS), increments(POINTS, where=shifted)
        for name in STATE:
            corners = (cells[name][:-1, :-1], cells[name][1:, :-1], cells[name][:-1, 1:], cells[name][1:, 1:])
            npt.assert_allclose(between[name][1:, 1:], sum(corners) / 4.0, atol=1e-5)

    def test_points_get_what_a_grid_gets(self):
        rows, columns = np.meshgrid(WHERE.latitude, WHERE.longitude, indexing="ij")
        points = Targets(rows.ravel(), columns.ravel(), gridded=False)
        found, expected = analysed(POINTS, where=points), analysed(POINTS)
        same({n: v.reshape(WHERE.shape) for n, v in found.mean.items()}, expected.mean, atol=1e-6)
        same({n: v.reshape(WHERE.shape) for n, v in found.std.items()}, expected.std, atol=1e-6)

    @pytest.mark.parametrize("spacing", [1.0, 0.25, 0.1])
    def test_pieces_of_a_grid_are_pieces_of_its_analysis(self, spacing):
        where = quarters((-36.0, -28.0, 28.0, 36.0), spacing)
        whole = analysed(POINTS, where=where)
        for rows, columns in ((slice(3, None), slice(2, 5)), (slice(4, 5), slice(None)), (slice(None), slice(6, 7))):
            piece = analysed(POINTS, where=Targets(where.latitude[rows], where.longitude[columns]))
            same(piece.mean, {n: v[rows, columns] for n, v in whole.mean.items()}, atol=0)
            same(piece.std, {n: v[rows, columns] for n, v in whole.std.items()}, atol=0)

    def test_the_finest_step_of_a_grid_decides_which_answer_it_gets(self):
        one, uneven = np.arange(0.5, 5.0), np.array([0.5, 1.5, 1.75, 3.0])
        seam, quarter = np.array([178.5, 179.5, -179.5]), np.arange(0.125, 2.0, 0.25)
        assert not wants_detail(Targets(one, one)) and not wants_detail(Targets(2.0 * one, seam))
        for latitude, longitude in ((one, quarter), (quarter, one), (uneven, one), (one[:1], quarter)):
            assert wants_detail(Targets(latitude, longitude))
        assert not wants_detail(Targets(one[:1], one)) and wants_detail(Targets(one, one, gridded=False))

    def test_finer_backgrounds_tell_their_detail(self):
        """The same means over coarse cells, and something within them."""
        latitude, longitude = axes(0.25, BOX)
        plain, rough = background(latitude, longitude), background(latitude, longitude)
        pattern = 0.1 * np.tile([[1.0, -1.0], [-1.0, 1.0]], (48, 48))
        for name in STATE:
            rough.fields[name][:] += pattern
        found, expected = (increments(POINTS, first) for first in (rough, plain))
        assert max(np.abs(found[name] - expected[name]).max() for name in STATE) > 1e-3


class TestLand:
    LAND = ((-30.0, -27.0, 34.0, 38.0),)

    def test_it_is_missing_in_mean_and_error_and_nowhere_else(self):
        first = background(*axes(0.25, BOX), land=self.LAND)
        found = analysed(POINTS, first)
        for name in STATE:
            npt.assert_array_equal(np.isfinite(found.mean[name]), np.isfinite(found.std[name]))
            expected = np.isfinite(at_targets(first.fields[name], first, WHERE)[0])
            npt.assert_array_equal(np.isfinite(found.mean[name]), expected)
            assert not expected.all()

    def test_the_mask_of_the_targets_decides(self):
        mask = np.random.default_rng(0).random(WHERE.shape) < 0.7
        found, whole = analysed(POINTS, where=replace(WHERE, sea=mask)), analysed(POINTS)
        for name in STATE:
            npt.assert_array_equal(found.mean[name], np.where(mask, whole.mean[name], np.nan))
            npt.assert_array_equal(found.std[name], np.where(mask, whole.std[name], np.nan))

    def test_sea_that_the_lattice_does_not_know_takes_what_is_beside_it(self):
        """A strait of one cell at a twelfth of a degree, in a coarse cell that is land but for it."""
        latitude, longitude = axes(1 / 12, BOX)
        first = background(latitude, longitude, land=[(-30.0, -27.0, 30.0, 42.0)])
        column = np.abs(longitude + 29.5).argmin()
        for name in STATE:
            first.fields[name][:, column] = field(name, latitude, longitude[column])
        where = Targets(latitude[100:140], longitude[[column]], sea=np.ones((40, 1), bool))
        found = increments(POINTS, first, where)
        for name in STATE:
            assert np.isfinite(found[name]).all()

    @pytest.mark.parametrize("spacing", [1.0, 0.25, 0.1])
    def test_nothing_that_the_network_says_of_land_is_delivered(self, spacing):
        """Beside land the sea goes on: whatever is said of land, the answer is made of what is said of the sea."""
        frame = Frame(112, 136, 16, 16)
        rng, where = torch.Generator().manual_seed(0), quarters((-42.0, -30.0, 24.0, 36.0), spacing)
        sea = torch.rand(16, 16, generator=rng) < 0.5
        fine_sea = sea.repeat_interleave(4, 0).repeat_interleave(4, 1) & (torch.rand(64, 64, generator=rng) < 0.5)
        lattices = []
        for mask in (sea, fine_sea):
            mean, log_std = (torch.rand(5, *mask.shape, generator=rng) for _ in range(2))
            lattices.append(Increments(mean.where(mask, 1e6), log_std.where(mask, 13.0)))
        coarse, fine = lattices
        found = delivered(coarse, fine if wants_detail(where) else None, sea, fine_sea, frame, where)
        assert 0.0 <= found.mean.min() < found.mean.max() <= 1.0
        assert 1.0 <= found.std.min() < found.std.max() <= np.exp(1.0)
        if spacing == 1.0:
            row, column = int(24 + 90 - frame.south), int(-42 + 180 - frame.west)
            here = (..., slice(row, row + 12), slice(column, column + 12))
            expected = torch.where(sea, coarse.mean, torch.nan)[here].numpy()
            npt.assert_array_equal(np.where(np.isnan(expected), np.nan, found.mean), expected)

    def test_without_any_sea_everything_is_missing(self):
        first = replace(FIRST, fields={name: np.full_like(values, np.nan) for name, values in FIRST.fields.items()})
        for mean in analysed(POINTS, first).mean.values():
            assert np.isnan(mean).all()

    def test_variables_may_have_land_of_their_own(self):
        first = background(*axes(1.0, BOX))
        first.fields["zos"][5:12, 5:12] = np.nan
        found = analysed(POINTS, first)
        assert np.isnan(found.mean["zos"]).any() and np.isfinite(found.mean["thetao"]).all()


class TestUnits:
    def test_twice_the_eddies_innovations_and_errors_give_twice_the_increment(self):
        """But for floors, and for what the network knows of the large scale: here nothing."""
        network = small()
        for layer in (network.trunk.enter, network.direct):
            layer.weight[:, STATIC + 5 : STATIC + 15] = 0.0
        latitude, longitude = axes(1.0, (-52.0, -4.0, 12.0, 60.0))
        eddies = background(latitude, longitude)
        results = []
        for factor in (1e3, 2e3):
            fields = {name: factor * (values - MEAN.get(name, 0.0)) for name, values in eddies.fields.items()}
            first = replace(eddies, fields=fields)
            rng = np.random.default_rng(0)
            at = rng.uniform(32.0, 40.0, 80), rng.uniform(-32.0, -24.0, 80)
            points = Points.concatenate(
                made(*at, factor * rng.standard_normal(80), name, source, 0.2 * factor)
                for name, source in (("zos", "ssh"), ("thetao", "sst"), ("so", "insitu"), ("uo", "insitu"))
            )
            where = quarters((-34.0, -22.0, 30.0, 42.0))
            found = increments(points, first, where, AdafOcean(network))
            results.append((found, analysed(points, first, where, AdafOcean(network)).std))
        for one, two in zip(*results, strict=True):
            for name in STATE:
                npt.assert_allclose(two[name], 2.0 * one[name], rtol=0, atol=2e-3 * np.abs(two[name]).max())
                assert np.abs(one[name]).max() > 1.0
