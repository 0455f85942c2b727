"""What was observed around a time, put together from calendar days; and what a map would have been observed as."""

import numpy as np
import numpy.testing as npt
import pytest
import torch
from ocean_days import DAY, joined, tracks
from ocean_days import Kept as Days
from small_ocean import WHEN, axes, background, made, observed

from adaf_xr.models.adaf_ocean.backdrop import Backdrop
from adaf_xr.models.adaf_ocean.channels import BINS, CHANNELS
from adaf_xr.models.adaf_ocean.frame import Frame
from adaf_xr.models.adaf_ocean.innovations import observed as planes_of
from adaf_xr.models.adaf_ocean.sums import PLACE, Sums
from adaf_xr.training.adaf_ocean.days import Kept, of_map, window
from adaf_xr.training.adaf_ocean.maps import GLOBE
from adaf_xr.training.adaf_ocean.sampling import NOISE, SEA_LEVEL

EVERYTHING = observed(400, box=None)
EDGES = joined(*(made(10.0, 20.0, 0.1, "zos", "ssh", days=days) for days in (-5.0, -3.0, -1.0, 0.0, 1.0, 3.0, 5.0)))
ALL = joined(EVERYTHING, EDGES, observed(100, seed=1, box=(170.0, 190.0, -10.0, 10.0)))
FRAMES = {"globe": GLOBE, "seam": Frame(80, 344, 32, 40), "pole": Frame(144, 0, 40, 80), "box": Frame(96, 104, 40, 48)}

ANY = np.random.default_rng(0)


@pytest.fixture(scope="module")
def days():
    """Twelve days, of which the window of `WHEN` is ten."""
    return Days({}, ALL, WHEN - 6 * DAY, 12)


def inside(points, frame):
    """Those in cells of a frame."""
    return points.where(frame.holds(points.latitude, points.longitude))


def channel(sums):
    return sums.key // (PLACE * BINS)


class TestWindows:
    @pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
    def test_days_put_together_are_the_points_encoded_at_once(self, days, frame):
        found, whole = window(days, WHEN, frame, Kept(), ANY), Sums.of(inside(ALL, frame), WHEN)
        whole = Sums(*(part[channel(whole) < len(CHANNELS)] for part in (whole.key, whole.sums)), WHEN)
        npt.assert_array_equal(found.key, whole.key)
        npt.assert_allclose(found.sums, whole.sums, rtol=1e-6, atol=1e-6)
        assert found.time == whole.time
        assert len(found.key) > 50

    def test_the_first_instant_of_a_window_counts_and_the_last_does_not(self):
        found = window(Days({}, EDGES, WHEN - 6 * DAY, 12), WHEN, GLOBE, Kept(), ANY)
        assert found.sums[:, 0].sum() == len(EDGES) - 1
        npt.assert_array_equal(found.key // PLACE % BINS, np.arange(BINS))
        npt.assert_array_equal(found.sums[:, 0], [1, 1, 2, 1, 1])

    def test_other_times_see_other_windows(self, days):
        for shift in (-1, 1):
            found, whole = window(days, WHEN + shift * DAY, GLOBE, Kept(), ANY), Sums.of(ALL, WHEN + shift * DAY)
            npt.assert_array_equal(found.key, whole.key[channel(whole) < len(CHANNELS)])

    def test_days_that_are_not_there_were_not_observed(self):
        half = Days({}, ALL, WHEN, 5)
        found, whole = window(half, WHEN, GLOBE, Kept(), ANY), Sums.of(ALL.within(WHEN, WHEN + 5 * DAY), WHEN)
        npt.assert_array_equal(found.key, whole.key)
        assert window(half, WHEN + 30 * DAY, GLOBE, Kept(), ANY).key.size == 0

    def test_channels_that_are_left_out_leave_the_others_as_they_are(self, days):
        whole, some = window(days, WHEN, GLOBE, Kept(), ANY), window(days, WHEN, GLOBE, Kept([7, 0, 3]), ANY)
        wanted = np.isin(channel(whole), [0, 3, 7])
        npt.assert_array_equal(some.key, whole.key[wanted])
        npt.assert_array_equal(some.sums, whole.sums[wanted])
        assert window(days, WHEN, GLOBE, Kept([]), ANY).key.size == 0


class TestThinning:
    ONCE = tracks(20000, 3, days=(0.01, 0.99))
    """Of one day only, so that a cell is there whole or not at all."""

    def thinned(self, share, seed):
        return window(Days({}, self.ONCE, WHEN, 1), WHEN, GLOBE, Kept(share=share), np.random.default_rng(seed))

    @pytest.mark.parametrize("share", [0.5, 0.05])
    def test_a_share_of_the_cells_is_kept_and_each_as_it_was(self, share):
        whole, some = self.thinned(1.0, 0), self.thinned(share, 0)
        place = np.searchsorted(whole.key, some.key)
        npt.assert_array_equal(whole.key[place], some.key)
        npt.assert_array_equal(whole.sums[place], some.sums)
        n = whole.key.size
        assert abs(some.key.size - share * n) < 5.0 * np.sqrt(n * share * (1.0 - share))

    def test_the_seed_says_which(self):
        one, same, other = (self.thinned(0.5, seed) for seed in (1, 1, 2))
        npt.assert_array_equal(one.key, same.key)
        assert not np.array_equal(one.key, other.key)


@pytest.fixture(scope="module")
def still():
    """A sea that stands still on the fine cells of the globe [m], and its background, which is the same."""
    field = background(*axes(0.25, None), ("zos",), land=[(-10.0, 20.0, -30.0, 30.0)])
    return Backdrop.of(field, 0, GLOBE)


TRACKS = tracks(30000, 0)


class TestMaps:
    def innovations(self, sums, still):
        found = planes_of(sums, GLOBE, still.fine, still.coarse)
        seen = found["weight"][SEA_LEVEL] > 0
        return found["innovation"][SEA_LEVEL][seen].double(), found["weight"][SEA_LEVEL][seen].double()

    def test_a_map_observed_without_error_is_no_innovation_to_itself(self, still):
        sums = of_map(Sums.of(TRACKS, WHEN), SEA_LEVEL, still.fine[0].numpy(), 1e-6, np.random.default_rng(0))
        departure, weight = self.innovations(sums, still)
        assert weight.numel() > 20000
        assert (departure / weight).abs().max() < 1e-5

    def test_a_map_that_is_higher_is_seen_as_higher(self, still):
        higher = still.fine[0].numpy() + 0.25
        sums = of_map(Sums.of(TRACKS, WHEN), SEA_LEVEL, higher, 1e-6, np.random.default_rng(0))
        departure, weight = self.innovations(sums, still)
        npt.assert_allclose(departure / weight, 0.25, atol=1e-5)

    @pytest.mark.parametrize("error", [np.nan, 0.06])
    @pytest.mark.parametrize("noise", NOISE)
    def test_errors_are_as_large_as_the_weights_say(self, still, noise, error):
        points = tracks(30000, 0, box=(-180.0, -120.0, -40.0, 40.0), error=error)  # some cells hold several
        sums = of_map(Sums.of(points, WHEN), SEA_LEVEL, still.fine[0].numpy(), noise, np.random.default_rng(1))
        departure, weight = self.innovations(sums, still)
        z = departure / torch.sqrt(weight) / CHANNELS[SEA_LEVEL].error
        n = z.numel()
        assert n > 10000
        assert abs(z.mean()) < 4.0 / np.sqrt(n)
        assert abs(z.var() - 1.0) < 4.0 * np.sqrt(2.0 / n)

    def test_usual_observations_weigh_as_their_error_says(self, still):
        where = Sums.of(TRACKS, WHEN)
        for noise in NOISE:
            sums = of_map(where, SEA_LEVEL, still.fine[0].numpy(), noise, np.random.default_rng(0))
            kept = where.sums[np.isin(where.key, sums.key), 0]
            npt.assert_allclose(sums.sums[:, 0], kept * (CHANNELS[SEA_LEVEL].error / noise) ** 2)

    def test_there_are_no_observations_of_land_and_of_other_channels(self, still):
        sums = of_map(Sums.of(ALL, WHEN), SEA_LEVEL, still.fine[0].numpy(), 0.02, np.random.default_rng(0))
        assert set(channel(sums)) == {SEA_LEVEL}
        row, column = np.divmod(sums.key % PLACE, 1440)
        assert np.isfinite(still.fine[0].numpy()[row, column]).all()
        assert np.isfinite(sums.sums).all()

    def test_what_is_observed_stays_as_it_was(self, still):
        where = Sums.of(TRACKS, WHEN)
        before = where.sums.copy()
        of_map(where, SEA_LEVEL, still.fine[0].numpy(), 0.02, np.random.default_rng(0))
        npt.assert_array_equal(where.sums, before)
