"""Fewer observations: whose lot it is to go depends on the place and time alone."""

import numpy as np
import numpy.testing as npt
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from adaf_xr.points import to_points
from adaf_xr.points.selection import lots, names_in, thinned, without
from adaf_xr.points.tree import source_nodes

SECOND = np.timedelta64(1, "s")
START = np.datetime64("2020-01-01", "ns")
seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=15)


def places(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.uniform(-180, 180, n), rng.uniform(-80, 80, n), START + rng.integers(0, 10**6, n) * SECOND


def track(n: int = 4000, seed: int = 0) -> xr.Dataset:
    """Sea level along a track, no two readings at one time."""
    lon, lat, _ = places(n, seed)
    where = {"time": ("row", START + np.arange(n) * SECOND), "lat": ("row", lat), "lon": ("row", lon)}
    return xr.Dataset({"adt": ("row", 0.01 * lat, {"units": "m"})}, where)


def floats(n: int = 300, levels: int = 5) -> xr.Dataset:
    """Profiles of temperature."""
    lon, lat, time = places(n, 3)
    depth = np.broadcast_to(np.arange(5.0, 5.0 + 10 * levels, 10.0), (n, levels))
    where = {"TIME": ("profile", time), "LATITUDE": ("profile", lat), "LONGITUDE": ("profile", lon)}
    attrs = {"units": "degC", "standard_name": "sea_water_temperature"}
    beside = {"DEPTH": (("profile", "level"), depth, {"units": "m", "positive": "down", "standard_name": "depth"})}
    return xr.Dataset({"TEMP": (("profile", "level"), 15.0 - 0.01 * depth, attrs)}, where | beside)


def tree_of(**nodes: xr.Dataset) -> xr.DataTree:
    return xr.DataTree.from_dict({f"/{path.replace('__', '/')}": ds for path, ds in nodes.items()})


class TestLots:
    @given(seeds, seeds)
    @few
    def test_they_do_not_depend_on_the_order_or_the_company(self, seed, other):
        where = places(200, seed)
        order = np.random.default_rng(other).permutation(200)[:77]
        npt.assert_array_equal(lots(*(column[order] for column in where)), lots(*where)[order])

    @given(seeds, st.sampled_from([-720.0, -360.0, 360.0]))
    @few
    def test_they_do_not_depend_on_the_convention_of_longitude(self, seed, turn):
        lon, lat, time = places(200, seed)
        npt.assert_array_equal(lots(lon + turn, lat, time), lots(lon, lat, time))

    def test_they_are_evenly_spread_over_the_cells_of_an_image_seen_at_one_time(self):
        lat, lon = (x.ravel() for x in np.meshgrid(np.arange(-9.875, 10, 0.25), np.arange(0.125, 60, 0.25)))
        found = lots(lon, lat, np.full(lat.size, START))
        assert found.min() >= 0.0
        assert found.max() < 1.0
        assert kstest(found, "uniform").pvalue > 1e-3
        # Neighbours along either axis know nothing of one another: 1 / sqrt(19200) is the scatter of chance.
        image = found.reshape(240, 80) - 0.5
        for one, next_ in ((image[1:], image[:-1]), (image[:, 1:], image[:, :-1])):
            assert abs(np.corrcoef(one.ravel(), next_.ravel())[0, 1]) < 0.03

    def test_every_column_and_the_seed_matter(self):
        lon, lat, time = places(1000, 0)
        first = lots(lon, lat, time)
        for other in (lots(lon + 1, lat, time), lots(lon, lat + 1, time), lots(lon, lat, time + SECOND)):
            assert abs(np.corrcoef(first, other)[0, 1]) < 0.15
        assert abs(np.corrcoef(first, lots(lon, lat, time, seed=1))[0, 1]) < 0.15


class TestThinned:
    @given(st.floats(0.02, 1.0), st.floats(0.02, 1.0), st.integers(0, 5))
    @few
    def test_a_smaller_share_is_a_part_of_a_larger_one_and_both_have_their_size(self, one, other, seed):
        tree = tree_of(ssh=track())
        times = [set(thinned(tree, share, seed)["ssh"].time.values.tolist()) for share in sorted((one, other))]
        assert times[0] <= times[1]
        for share, found in zip(sorted((one, other)), times, strict=True):
            assert abs(len(found) - 4000 * share) < 5 * np.sqrt(4000 * share * (1 - share)) + 1

    def test_values_and_attributes_stay_what_they_were(self):
        whole = to_points(track(), source="ssh")
        part = thinned(tree_of(ssh=track()), 0.3)["ssh"].to_dataset()
        rows = np.flatnonzero(np.isin(whole.time.values, part.time.values))
        xr.testing.assert_identical(part, whole.isel(obs=rows))

    def test_lazy_observations_stay_lazy_and_the_same_ones_are_left(self, nothing_computes):
        part = thinned(tree_of(nadir__ssh=track().chunk(row=700)), 0.25)["nadir/ssh"].to_dataset()
        assert part.sizes["obs"] == 4000
        with xr.set_options(), __import__("dask").config.set(scheduler="synchronous"):
            values = part.zos.values
        want = lots(*(to_points(track(), source="ssh")[name].values for name in ("longitude", "latitude", "time")))
        npt.assert_array_equal(np.isfinite(values), want < 0.25)

    def test_a_profile_stays_or_goes_as_a_whole(self):
        left = thinned(tree_of(argo__insitu=floats()), 0.4)["argo/insitu"].to_dataset()
        _, levels = np.unique(left.time.values, return_counts=True)
        assert set(levels) == {5}
        assert 80 < levels.size < 160

    def test_points_are_taken_as_they_are(self):
        points = to_points(track(), source="ssh")
        xr.testing.assert_identical(
            thinned(tree_of(ssh=points), 0.5)["ssh"].to_dataset(),
            thinned(tree_of(ssh=track()), 0.5)["ssh"].to_dataset(),
        )

    @pytest.mark.parametrize("share", [0.0, -0.1, 1.5, float("nan")])
    def test_what_is_no_share_is_refused(self, share):
        with pytest.raises(ValueError, match=r"is none: give one above 0 and at most 1"):
            thinned(tree_of(ssh=track(5)), share)


class TestWithout:
    TREE = tree_of(reference__ssh=track(9), gfo__ssh=track(8), sst__sst=track(7), argo__insitu=track(6))

    @given(st.sets(st.sampled_from(["reference", "gfo", "ssh", "sst", "argo", "insitu", "ice"])))
    @few
    def test_what_is_named_goes_and_the_rest_stays_as_it_is(self, names):
        left = {node.path: obj for _, node, obj in source_nodes(without(self.TREE, names))}
        for _, node, obj in source_nodes(self.TREE):
            if names & set(node.path.split("/")):
                assert node.path not in left
            else:
                xr.testing.assert_identical(left[node.path], obj)

    def test_names_are_those_of_kinds_and_systems(self):
        assert names_in(self.TREE) == ["argo", "gfo", "insitu", "reference", "ssh", "sst"]
