"""The depth stage: what holds of it for any weights, and where profiles pull."""

from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import numpy.testing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_depths import (
    ALL,
    BELOW_SMALL,
    DEEP_FIRST,
    DEPTH,
    HERE,
    deep,
    deep_engine,
    profile,
    profiles,
    pulling,
    with_levels,
)
from small_ocean import (
    FIRST,
    POINTS,
    WHEN,
    WHERE,
    analysed,
    axes,
    background,
    engine,
    increments,
    quarters,
    same,
    small,
)

from adaf_xr import checkpoint
from adaf_xr.checkpoint import CheckpointError
from adaf_xr.inference.sharing import default_engine
from adaf_xr.models.adaf_ocean.analysing import found
from adaf_xr.models.adaf_ocean.channels import KEPT, STATE, TOP
from adaf_xr.models.adaf_ocean.configuration import Configuration
from adaf_xr.models.adaf_ocean.deep_sums import deep_sums, place_of
from adaf_xr.models.adaf_ocean.depths import BELOW, CALIBRATED, NODES, fading, shares
from adaf_xr.models.adaf_ocean.engine import AdafOcean
from adaf_xr.models.adaf_ocean.network import AdafOceanNetwork
from adaf_xr.models.adaf_ocean.sums import PLACE, Sums
from adaf_xr.models.adaf_ocean.weights import checkpoint_of
from adaf_xr.models.base import Background, Targets
from adaf_xr.models.first_guess import at_targets
from adaf_xr.models.weights import laid_out, weights_of
from adaf_xr.points.arrays import Points

AT = Targets(np.array([HERE[0]]), np.array([HERE[1]]), gridded=False)


@cache
def whole():
    """All levels, from all observations."""
    return analysed(ALL, DEEP_FIRST, model=deep_engine())


def at_all_levels(first=DEEP_FIRST, points=ALL, where=WHERE, model=None):
    """Analysis minus background."""
    return increments(points, first, where, model or deep_engine())


class TestSurface:
    def test_is_what_it_is_without_a_depth_stage(self):
        plain = analysed(ALL, DEEP_FIRST, model=engine())
        npt.assert_array_equal(whole().mean["zos"], plain.mean["zos"])
        npt.assert_array_equal(whole().std["zos"], plain.std["zos"])
        for name in BELOW:
            npt.assert_array_equal(whole().mean[name][DEPTH <= TOP], plain.mean[name][DEPTH <= TOP])
            npt.assert_array_equal(whole().std[name][DEPTH <= TOP], plain.std[name][DEPTH <= TOP])
            assert np.isnan(plain.std[name][DEPTH > TOP]).all() and np.isfinite(whole().std[name]).all()

    def test_profiles_do_not_matter_to_it(self):
        without = analysed(POINTS, DEEP_FIRST, model=deep_engine())
        npt.assert_array_equal(without.mean["zos"], whole().mean["zos"])
        for name in ("thetao", "so"):
            npt.assert_array_equal(without.mean[name][DEPTH <= TOP], whole().mean[name][DEPTH <= TOP])
            assert np.abs(without.mean[name] - whole().mean[name])[DEPTH > TOP].max() > 1e-3

    def test_just_below_the_surface_is_as_the_surface(self):
        first = with_levels(np.array([0.5, 12.0, 12.02, 100.0, 700.0]))
        made, std = at_all_levels(first), analysed(ALL, first, model=deep_engine()).std
        for name in BELOW:
            npt.assert_allclose(made[name][2], made[name][1], atol=4e-3 * np.abs(made[name]).max())
            npt.assert_allclose(std[name][2], std[name][1], rtol=4e-3)
            assert np.abs(made[name][3] - made[name][1]).max() > 0.05 * np.abs(made[name]).max()


@cache
def stage():
    """The depth stage with all observations, ready to be asked for any depth."""
    sums = deep_engine().encode(ALL, DEEP_FIRST, WHEN)
    with torch.inference_mode():
        return found(deep(), sums, DEEP_FIRST, 0, WHERE, "cpu")[1]


class TestContinuity:
    @settings(max_examples=15)
    @given(st.floats(TOP, 1700.0))
    def test_in_depth(self, z):
        with torch.inference_mode():
            here, near, far = (stage().at(depth, WHERE)[0] for depth in (z, z + 0.01, z + 1.0))
        size = np.abs(here).max((1, 2)) + np.array([0, 0, 0, 0, 20.0, 0, 0, 0, 0])  # displacements begin with 0 m
        assert (np.abs(near - here).max((1, 2)) < 3e-3 * size).all()
        assert np.abs(far - here).max() > 0.0

    def test_across_levels_of_the_background(self):
        with torch.inference_mode():
            for z in DEPTH[3:-1]:
                below, above = (stage().at(z + step, WHERE)[0] for step in (1e-3, -1e-3))
                npt.assert_allclose(below, above, atol=1e-3 * np.abs(above).max())


class TestObservations:
    @settings(max_examples=5)
    @given(st.randoms(use_true_random=False), st.lists(st.integers(0, len(ALL)), min_size=1, max_size=4))
    def test_their_order_and_chunks_do_not_matter(self, random, cuts):
        order = list(range(len(ALL)))
        random.shuffle(order)
        shuffled, edges = ALL.take(np.array(order)), [0, *sorted(cuts), len(ALL)]
        parts = [deep_engine().encode(shuffled.take(slice(a, b)), DEEP_FIRST, WHEN) for a, b in pairwise(edges)]
        same(deep_engine().analyse(sum(parts[1:], start=parts[0]), DEEP_FIRST, WHERE), whole(), atol=1e-5)

    def test_none_at_all_leave_the_background_at_all_depths(self):
        nothing = analysed(Points.empty(), DEEP_FIRST, model=deep_engine())
        for name in STATE:
            guess = at_targets(DEEP_FIRST.fields[name], DEEP_FIRST, WHERE).reshape(nothing.mean[name].shape)
            npt.assert_array_equal(nothing.mean[name], guess)
            assert np.isfinite(nothing.std[name]).all() and (nothing.std[name] > 0.0).all()

    def test_far_away_change_nothing(self):
        far = profiles(box=(20.0, 60.0, -40.0, 0.0))
        assert not deep_engine().encode(far, DEEP_FIRST, WHEN).key.size

    def test_temperature_and_salinity_below_12_m_are_kept_and_nothing_else(self):
        deeper, lost = profile(depth=(2400.0,)), profile(depth=(2600.0,))
        first = with_levels(np.array([0.5, 100.0, 3000.0]))
        assert deep_sums(deeper, first, WHEN).key.size and not deep_sums(lost, first, WHEN).key.size
        assert not deep_sums(POINTS, DEEP_FIRST, WHEN).key.size
        assert not deep_sums(profile(), FIRST, WHEN).key.size
        assert not deep_sums(deeper, DEEP_FIRST, WHEN).key.size  # below the last level
        currents = replace(profile(), variable=np.full(7, 2, "i1"))
        assert not deep_sums(currents, DEEP_FIRST, WHEN).key.size
        old = replace(profile(), time=profile().time - np.timedelta64(6, "D"))
        assert not deep_sums(old, DEEP_FIRST, WHEN).key.size

    def test_innovations_are_counted_from_the_background_at_their_depth(self):
        column = np.tile(DEEP_FIRST.fields["thetao"].mean((1, 2))[:, None, None], (1, 24, 24))
        first = replace(DEEP_FIRST, fields={"thetao": column})
        value = np.interp([40.0, 500.0], DEPTH, column[:, 0, 0])
        sums = deep_sums(replace(profile(depth=(40.0, 500.0)), value=value + 0.7), first, WHEN)
        npt.assert_allclose(sums.sums[:, 1] / sums.sums[:, 0], 0.7, rtol=1e-6)

    @given(st.floats(0.0, 6000.0), st.floats(0.0, 6000.0))
    def test_are_shared_between_neighbouring_nodes(self, z, other):
        share = shares(z)
        assert share.sum() == pytest.approx(1.0) and (share >= 0.0).all() and (share > 0.0).sum() <= 2
        assert np.abs(share - shares(other)).max() <= abs(z - other) / np.diff(NODES).min() + 1e-12

    def test_add_up_beside_those_of_the_surface(self):
        total = deep_engine().encode(ALL, DEEP_FIRST, WHEN)
        plain = engine().encode(ALL, DEEP_FIRST, WHEN)
        surface = total.key < len(KEPT) * 5 * PLACE
        npt.assert_array_equal(total.key[surface], plain.key)
        npt.assert_array_equal(total.sums[surface], plain.sums)
        last = place_of(1, len(NODES) - 1)
        assert (
            any(total.of_channel(last, bin_)[0].size for bin_ in range(5)) and total.key.max() < (last + 1) * 5 * PLACE
        )
        npt.assert_array_equal((total + Sums.nothing(WHEN)).key, total.key)


class TestOneProfile:
    def change(self, first=DEEP_FIRST, where=AT, **options):
        """Increments of temperature at all levels."""
        return increments(profile(**options), first, where, AdafOcean(pulling()))["thetao"]

    def test_pulls_its_depths_towards_itself(self):
        warmer, colder = (self.change(change=sign)[DEPTH > TOP, 0] for sign in (1.0, -1.0))
        assert (warmer > 0.0).all() and (warmer < 1.0).all() and warmer[DEPTH[DEPTH > TOP] == 200.0] > 0.2
        npt.assert_allclose(colder, -warmer, atol=0.01)  # the background is bilinear between cells
        assert self.change()[0, 0] == 0.0  # what it says of the surface is not its own

    def test_and_no_other_depths(self):
        shallow = self.change(depth=(60.0, 80.0))[:, 0]
        assert shallow[DEPTH == 60.0] > 0.1
        npt.assert_array_equal(shallow[DEPTH >= 350.0], 0.0)

    def test_only_nearby(self):
        where = quarters((-40.0, -16.0, 24.0, 48.0))
        change = np.abs(self.change(where=where)[DEPTH == 200.0][0])
        distance = np.hypot(where.latitude[:, None] - HERE[0], where.longitude - HERE[1])
        assert change[distance < 0.5].max() > 0.1 and change[distance > 2.5].max() == 0.0

    def test_that_is_far_from_the_background_raises_standard_errors_around_it(self):
        def error(change):
            return analysed(profile(change=change), DEEP_FIRST, AT, AdafOcean(pulling())).std["thetao"][5, 0]

        assert error(5.0) > 2.0 * error(0.1) > 0.0
        assert error(0.1) == pytest.approx(error(0.0), rel=0.05)

    def test_less_where_it_errs_more(self):
        good, poor = (self.change(error=error)[DEPTH == 200.0, 0] for error in (0.05, 1.0))
        assert 0.0 < poor < 0.5 * good


class TestLevels:
    def test_others_give_the_same_where_the_sea_is_linear_between_them(self):
        """The first, the last and those about which is asked must be there."""
        few = DEPTH[[0, 3, 5, 8, 9]]
        some = at_all_levels(with_levels(few))
        every = at_all_levels()
        for name in BELOW:
            kept = every[name][np.isin(DEPTH, few)]
            npt.assert_allclose(some[name], kept, atol=1e-3 * np.abs(kept).max())

    @pytest.mark.parametrize("order", [np.arange(10)[::-1], np.array([3, 0, 9, 1, 7, 2, 8, 4, 6, 5])])
    def test_may_come_in_any_order(self, order):
        fields = {name: values[order] if name in BELOW else values for name, values in DEEP_FIRST.fields.items()}
        shuffled = analysed(ALL, replace(DEEP_FIRST, depth=DEPTH[order], fields=fields), model=deep_engine())
        for name in BELOW:
            npt.assert_allclose(shuffled.mean[name], whole().mean[name][order], atol=1e-5)
            npt.assert_allclose(shuffled.std[name], whole().std[name][order], rtol=1e-5)

    @pytest.mark.parametrize("depth", [[0.5], [0.5, 500.0], [5.0, 14.0], [0.0, 4000.0, 6000.0]])
    def test_may_be_few(self, depth):
        first = with_levels(np.array(depth))
        result = analysed(ALL, first, model=deep_engine())
        for name in BELOW:
            assert np.isfinite(result.mean[name]).all() and np.isfinite(result.std[name]).all()

    def test_below_the_bottom_are_missing_and_nothing_else(self):
        first = with_levels()
        fields = {name: values.copy() for name, values in first.fields.items()}
        for name in BELOW:
            fields[name][DEPTH > 300.0, :, 12:] = np.nan
        result = analysed(ALL, replace(first, fields=fields), model=deep_engine())
        for name in BELOW:
            guess = at_targets(fields[name], first, WHERE)
            npt.assert_array_equal(np.isfinite(result.mean[name]), np.isfinite(guess))
            npt.assert_array_equal(np.isfinite(result.std[name]), np.isfinite(guess))
            assert np.abs(result.mean[name] - guess)[:, np.isfinite(guess).all(0)].max() > 0.0

    def test_some_variables_may_have_none(self):
        flat = {name: FIRST.fields[name] for name in ("uo", "vo", "so")}
        first = replace(DEEP_FIRST, fields={**DEEP_FIRST.fields, **flat})
        result = analysed(ALL, first, model=deep_engine())
        assert result.mean["thetao"].shape == (10, *WHERE.shape) and result.mean["uo"].shape == WHERE.shape
        assert np.isfinite(result.std["thetao"]).all()
        npt.assert_array_equal(result.mean["uo"], analysed(ALL, first, model=engine()).mean["uo"])

    def test_currents_alone_stay_as_they_are(self):
        first = replace(DEEP_FIRST, fields={name: DEEP_FIRST.fields[name] for name in ("zos", "uo", "vo")})
        made = at_all_levels(first)
        assert np.abs(made["uo"][0]).max() > 0.0
        npt.assert_array_equal(made["uo"][DEPTH > TOP], 0.0)


class TestGrids:
    def test_at_1_degree_and_at_points(self):
        coarse = Targets(*axes(1.0, (-36.0, -20.0, 28.0, 44.0)))
        result = analysed(ALL, DEEP_FIRST, coarse, deep_engine())
        assert result.mean["thetao"].shape == (10, 16, 16) and np.isfinite(result.mean["thetao"]).all()
        grid = quarters()
        row, column = 20, 33
        points = Targets(grid.latitude[[row]], grid.longitude[[column]], gridded=False)
        at = analysed(ALL, DEEP_FIRST, points, deep_engine())
        for name in BELOW:
            npt.assert_allclose(at.mean[name][:, 0], whole().mean[name][:, row, column], atol=1e-5)

    def test_where_longitude_is_cut_does_not_matter(self):
        flat = background(*axes(1.0, None))
        where = quarters((170.0, 190.0, 30.0, 40.0), 1.0)
        points = Points.concatenate([profile(at=(35.2, 179.7)), profile(at=(33.1, -178.2), change=-1.0)])
        results = []
        for turn in (0, 100):
            rolled = {name: np.roll(values, -turn, 1) for name, values in flat.fields.items()}
            first = Background(flat.latitude, flat.longitude + turn, np.empty(0), rolled)
            results.append(analysed(points, with_levels(DEPTH[[0, 3, 5, 8]], first), where, deep_engine()))
        same(*results, atol=1e-5)
        assert np.abs(results[0].mean["thetao"][2] - results[0].mean["thetao"][2].mean()).max() > 0.0


class TestWeights:
    def test_without_a_depth_stage_load_and_leave_deep_levels_to_others(self, tmp_path):
        plain = engine().configuration
        held = checkpoint_of(plain, weights_of(AdafOceanNetwork(plain)))
        old = {key: value for key, value in held.configuration.items() if key != "depth"}
        checkpoint.write(replace(held, configuration=old), tmp_path / "old.safetensors")
        assert AdafOcean(tmp_path / "old.safetensors").reached(DEPTH).tolist() == (DEPTH <= TOP).tolist()

    def test_with_one_reach_all_levels_below_a_surface(self):
        assert deep_engine().reached(DEPTH).all()
        assert not deep_engine().reached(DEPTH[3:]).any()
        below, above = (AdafOcean(network, large_scale=False) for network in (deep(), small()))
        assert below.spec.halo > above.spec.halo

    def test_with_one_they_are_the_only_engine_of_a_background(self, monkeypatch):
        from adaf_xr.inference import engines

        monkeypatch.setitem(engines.ASSIMILATION, "adaf-ocean", deep_engine)
        import xarray as xr

        dims = ("depth", "latitude", "longitude")
        ds = xr.Dataset({"thetao": (dims, DEEP_FIRST.fields["thetao"])}, {"depth": DEPTH})
        assert default_engine(ds) is deep_engine()

    def test_of_the_surface_stay_as_they_are_in_a_file(self, tmp_path):
        path = tmp_path / "deep.safetensors"
        checkpoint.write(checkpoint_of(BELOW_SMALL, weights_of(deep())), path)
        filed = AdafOcean(path)
        assert filed.configuration == BELOW_SMALL and filed.spec.provenance
        result = analysed(ALL, DEEP_FIRST, model=filed)
        for name in BELOW:  # half precision
            npt.assert_allclose(result.mean[name], whole().mean[name], atol=0.03 * np.abs(at_all_levels()[name]).max())

    def test_all_together_are_small_enough_to_ship(self):
        network = laid_out(lambda: AdafOceanNetwork(Configuration(depth=48)))
        assert 2 * sum(weight.numel() for weight in network.parameters()) < 8e6


class TestCalibration:
    def written(self, path, **factors):
        checkpoint.write(checkpoint_of(BELOW_SMALL, weights_of(deep()), **factors), path)
        return analysed(ALL, DEEP_FIRST, model=AdafOcean(path))

    def test_goes_over_from_the_surface_s_to_that_of_the_depth(self, tmp_path):
        plain = self.written(tmp_path / "a.safetensors")
        deep_factors = {"thetao": [1.2, 1.4, 2.0, 3.0]}
        fitted = self.written(tmp_path / "b.safetensors", calibration={"thetao": 0.5}, depth_calibration=deep_factors)
        same(fitted.mean, plain.mean, atol=0)
        ratio = (fitted.std["thetao"] / plain.std["thetao"])[:, 3, 3]
        for level, z in enumerate(DEPTH):
            share, deeper = fading(z), np.interp(z, CALIBRATED, deep_factors["thetao"])
            assert ratio[level] == pytest.approx(0.5 ** (1.0 - share) * deeper**share, rel=1e-5)
        npt.assert_allclose(fitted.std["so"], plain.std["so"], rtol=1e-6)

    @pytest.mark.parametrize("factors", [{"zos": [1.0] * 4}, {"so": [1.0]}, {"so": [1.0, 0.0, 1.0, 1.0]}])
    def test_that_cannot_be_is_refused(self, factors):
        with pytest.raises(
            CheckpointError, match="it takes a positive factor at each of the depths 50, 200, 500, 1100 m"
        ):
            checkpoint_of(BELOW_SMALL, weights_of(deep()), depth_calibration=factors)
