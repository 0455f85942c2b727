"""What a sample shows: targets, mirror images, crops; and which variations are drawn."""

from dataclasses import replace

import numpy as np
import numpy.testing as npt
import pytest
import torch
from ocean_days import DAY, FIRST, STEADY_PART, joined, tracks
from ocean_days import Kept as Days
from small_ocean import WHEN, axes, background, observed

from adaf_xr.cf.canonical import CODES
from adaf_xr.grids import regrid
from adaf_xr.models.adaf_ocean.backdrop import Backdrop
from adaf_xr.models.adaf_ocean.channels import BINS, CHANNELS, STATE
from adaf_xr.models.adaf_ocean.features import EDDIES, NEAR
from adaf_xr.models.adaf_ocean.frame import Frame
from adaf_xr.models.adaf_ocean.scene import RINGS
from adaf_xr.models.adaf_ocean.sums import PLACE, Sums
from adaf_xr.models.base import Background
from adaf_xr.training.adaf_ocean.maps import GLOBE, MAPS
from adaf_xr.training.adaf_ocean.options import Data
from adaf_xr.training.adaf_ocean.sampling import LEADS, SEA_LEVEL, Case, Sampler, cut, seen

BOX = Frame(112, 130, 40, 48)
"""Cells of the North Atlantic; it need not be of whole blocks where no network sees it."""

ISLANDS = [(-40.0, -33.0, 30.0, 34.0), (-30.0, -28.6, 40.0, 41.6), (-24.0, -10.0, 24.0, 36.0)]


def laid(field, frame):
    return Backdrop.of(field, 0, frame)


def case_of(first, truth, points, frame, fine=False):
    """The sample of a background, a truth and points; quarter degrees of the background only if it is `fine`."""
    before, after = laid(first, frame), laid(truth, frame)
    detail = before.fine if fine else torch.full_like(after.fine, torch.nan)
    inside = points.where(frame.holds(points.latitude, points.longitude))
    return Case(frame, before.coarse, detail, Sums.of(inside, WHEN), after.coarse, after.fine)


def world(frame=BOX, seed=0):
    """A truth with islands on quarter degrees, a background of 1 degree, and points."""
    latitude, longitude = (np.arange(*ends, 0.25) + 0.125 for ends in ((18.0, 66.0), (-60.0, 8.0)))
    truth = background(latitude, longitude, seed=1, land=ISLANDS)
    first = background(np.arange(18.5, 66.0), np.arange(-59.5, 8.0), seed=2, land=ISLANDS)
    return first, truth, observed(300, seed, box=(-56.0, 4.0, 20.0, 64.0))


def same(found, expected, name, tolerance=3e-5):
    """Plane by plane, as a share of the largest value of each: what single precision leaves of differences."""
    largest = expected.nan_to_num().abs().amax((-2, -1), keepdim=True) if expected.ndim > 1 else expected.abs().max()
    npt.assert_array_equal(torch.isnan(found), torch.isnan(expected), err_msg=name)
    off = ((found - expected).nan_to_num().abs() / (largest + 1e-3)).max()
    assert off < tolerance, f"{name}: {off}"


class TestTargets:
    def test_background_and_target_are_the_truth_on_coarse_cells(self):
        first, truth, points = world()
        first.fields["so"][:, :12] = np.nan
        case = case_of(first, truth, points, BOX)
        found = seen(case)["target"]
        either = torch.isnan(case.coarse) | torch.isnan(case.truth)
        npt.assert_array_equal(torch.isnan(found), either)
        npt.assert_allclose((case.coarse + found)[~either], case.truth[~either], atol=1e-5)
        assert either.any(0).sum() > 50

    def test_on_fine_cells_the_background_lies_between_its_coarse_ones(self):
        first, truth, points = world()
        case = case_of(first, truth, points, BOX)
        found = case.fine_truth - seen(case)["fine_target"]
        near = torch.nn.functional.max_pool2d(torch.isnan(case.coarse).float()[None], 3, 1, 1)[0] > 0
        near[:, [0, -1]] = near[:, :, [0, -1]] = True
        interior = ~near.repeat_interleave(4, 1).repeat_interleave(4, 2) & torch.isfinite(case.fine_truth)
        for place, name in enumerate(STATE):
            axes_ = first.latitude, first.longitude, BOX.fine_latitude, BOX.fine_longitude
            expected = regrid(first.fields[name], *axes_)[interior[place].numpy()]
            npt.assert_allclose(found[place][interior[place]], expected, rtol=1e-5, atol=1e-5)
        assert interior[0].sum() > 10000

    def test_on_fine_cells_a_finer_background_is_itself(self):
        _, truth, points = world()
        fine = background(truth.latitude, truth.longitude, seed=2, land=ISLANDS[:1])
        case = case_of(fine, truth, points, BOX, fine=True)
        found = seen(case)["fine_target"]
        known = torch.isfinite(case.fine) & torch.isfinite(case.fine_truth)
        npt.assert_allclose((case.fine + found)[known], case.fine_truth[known], atol=1e-5)
        assert torch.isnan(found[torch.isnan(case.fine_truth)]).all()

    def test_where_the_background_ends_there_is_nothing_to_learn(self):
        first, truth, points = world()
        first.fields["thetao"][:, 30:] = np.nan
        case = case_of(first, truth, points, BOX)
        found = seen(case)
        place = STATE.index("thetao")
        missing = torch.isnan(case.coarse[place]).all(0)
        edge = int(missing.nonzero()[0])
        assert torch.isnan(found["target"][place][:, edge:]).all()
        beyond = found["fine_target"][place][:, 4 * (edge + RINGS + 1) :]
        assert torch.isnan(beyond).all() and beyond.numel() > 1000
        kept = found["fine_target"][place][:, : 4 * edge]
        npt.assert_array_equal(torch.isnan(kept), torch.isnan(case.fine_truth[place][:, : 4 * edge]))
        assert kept.nan_to_num().abs().max() < 15.0  # and not the whole temperature

    def test_a_variable_that_the_background_lacks_is_no_target(self):
        first, truth, points = world()
        case = case_of(first, truth, points, BOX)
        case.coarse[STATE.index("uo")] = torch.nan
        found = seen(case)
        for name in ("target", "fine_target"):
            missing = torch.isnan(found[name]).flatten(1).all(1)
            assert missing.tolist() == [name == "uo" for name in STATE]

    def test_the_sea_is_where_the_truth_is(self):
        first, truth, points = world()
        fine = seen(case_of(first, truth, points, BOX))["fine"]
        sea = torch.nn.functional.pixel_shuffle(fine[None], 2)[0, -1]
        npt.assert_array_equal(sea, torch.isfinite(laid(truth, BOX).fine).any(0))


def mirror_image(field):
    """North for south, northward currents reversed."""
    turned = {name: values[::-1] * (-1.0 if name == "vo" else 1.0) for name, values in field.fields.items()}
    return Background(-field.latitude[::-1], field.longitude, field.depth, turned)


def mirror_of_points(points):
    northward = np.isin(points.variable, [CODES["vo"], CODES["vas"]])
    return replace(points, latitude=-points.latitude, value=np.where(northward, -points.value, points.value))


class TestMirror:
    @pytest.mark.parametrize("fine", [False, True])
    @pytest.mark.parametrize("frame", [BOX, Frame(82, 140, 40, 48)], ids=["mid-latitudes", "equator"])
    def test_the_mirrored_sample_is_the_sample_of_the_mirrored_world(self, frame, fine):
        south = frame.south - 90.0
        latitude = np.arange(south + 2, south + 38, 0.25) + 0.125
        truth = background(latitude, np.arange(-36.0, 4.0, 0.25) + 0.125, seed=1, land=ISLANDS)
        spacing = 0.25 if fine else 1.0
        rows = np.arange(south + 2, south + 38, spacing) + 0.5 * spacing
        first = background(rows, np.arange(-36.0, 4.0, spacing) + 0.5 * spacing, seed=2, land=ISLANDS)
        points = observed(300, box=(-35.0, 3.0, south + 3.0, south + 37.0))
        there = Frame(180 - frame.south - frame.rows, frame.west, frame.rows, frame.columns)
        mirrored = seen(case_of(first, truth, points, frame, fine), mirrored=True)
        world = mirror_image(first), mirror_image(truth), mirror_of_points(points)
        other = seen(case_of(*world, there, fine))
        plain = seen(case_of(first, truth, points, frame, fine))
        assert set(mirrored) == set(other)
        for name in other:
            same(mirrored[name], other[name], name)
            if name != "gate":  # which may be saturated everywhere
                assert not np.allclose(mirrored[name].nan_to_num(), plain[name].nan_to_num(), atol=0.01), name


REACH = 2 * round(3 * EDDIES) + RINGS + 6
"""Cells from which a feature sees: the scale has two blurs of three of their deviations, of a background that goes on
some rings inland; the gate blurs with it once more."""


class TestCrops:
    @pytest.mark.parametrize("west", [104, 328], ids=["inside", "across the seam"])
    def test_a_crop_sees_what_the_globe_sees_but_at_its_edges(self, west):
        assert NEAR * 3 < REACH
        land = [(-30.0, -20.0, 20.0, 30.0), (170.0, 180.0, 20.0, 35.0)]
        first = background(*axes(1.0, None), seed=2, land=land)
        truth = background(*axes(0.5, None), seed=1, land=land)
        case = case_of(first, truth, observed(3000, box=None), GLOBE)
        frame = Frame(72, west, 80, 96)
        rows, columns = slice(frame.south, frame.south + frame.rows), (west + np.arange(frame.columns)) % 360
        cut = {name: getattr(case, name)[:, rows][:, :, columns] for name in ("coarse", "truth")}
        fine_columns = (4 * west + np.arange(4 * frame.columns)) % 1440
        fine_rows = slice(4 * rows.start, 4 * rows.stop)
        for name in ("fine", "fine_truth"):
            cut[name] = getattr(case, name)[:, fine_rows][:, :, fine_columns]
        whole, part = seen(case), seen(Case(frame=frame, sums=case.sums, **cut))
        assert set(whole) == set(part)
        for name in set(whole) - {"latitude"}:
            size = 4 if name == "fine_target" else 2 if name == "fine" else 1
            i, j = slice(size * rows.start, size * rows.stop), (size * west + np.arange(size * frame.columns))
            expected = whole[name][..., i, :][..., j % (360 * size)]
            middle = (..., *[slice(size * REACH, -size * REACH)] * 2)
            same(part[name][middle], expected[middle], name, 3e-5)
            assert part[name][middle].numel() > 500
            edge = not np.allclose(part[name].nan_to_num(), expected.nan_to_num(), atol=1e-3)
            assert edge == (name != "target"), name  # features at the edge do differ: the test can see it


@pytest.mark.parametrize("frame", [Frame(0, 40, 16, 24), Frame(96, 344, 16, 40), GLOBE], ids=["pole", "seam", "globe"])
@pytest.mark.parametrize("refinement", [1, 4])
def test_a_part_of_planes_is_what_lies_on_the_frame(frame, refinement):
    whole, part = (np.meshgrid(*of.axes(refinement), indexing="ij") for of in (GLOBE, frame))
    latitude, longitude = cut(np.stack(whole), frame, refinement).numpy()
    npt.assert_array_equal(latitude, part[0])
    npt.assert_allclose((longitude - part[1]) % 360.0, 0.0)


def sampler(times=None, **changes):
    """Of sixty days whose every plane holds the number of the day."""
    times = FIRST + np.arange(60) * DAY if times is None else times
    shards = Days({"train": times, "validation": times[:3]})
    return Sampler(shards, Data(rows=8, columns=8, **changes))


def drawn(sampler_, variation, index, number=400):
    """The day of the background in many samples of one variation."""
    cases = [getattr(sampler_, variation)("train", index, Frame(88, 0, 8, 8), generator(n)) for n in range(number)]
    for case in cases:
        assert (case.truth == index).all()
    return [case.coarse for case in cases], cases


def generator(seed):
    return np.random.default_rng(seed)


class TestVariations:
    def test_aged_backgrounds_are_of_all_days_between_older_and_younger(self):
        coarse, _ = drawn(sampler(older=10, younger=4), "_aged", 30)
        day = np.array([float(planes[torch.isfinite(planes)][0]) for planes in coarse])
        assert set(day) == set(range(20, 35))
        missing = np.array([torch.isnan(planes).flatten(1).all(1).sum() for planes in coarse])
        assert missing.max() == len(STATE) - 1
        assert 0.4 < np.mean(missing == 0) < 0.7  # half of the samples lack none, and chance leaves some more

    def test_ages_are_days_also_where_days_are_missing(self):
        coarse, _ = drawn(sampler(FIRST + np.arange(60) * 3 * DAY, older=9, younger=3), "_aged", 30)
        assert {float(planes.nanmean()) for planes in coarse} == {27, 28, 29, 30, 31}

    @pytest.mark.parametrize("index", [0, 2, 3, 4, 30, 59])
    def test_a_background_of_quarter_degrees_is_never_the_truth_itself(self, index):
        coarse, cases = drawn(sampler(), "_fine", index)
        ages = index - np.array([float(planes[0, 0, 0]) for planes in coarse])
        assert all((case.fine == case.coarse[0, 0, 0]).all() for case in cases)
        assert (np.abs(ages) >= LEADS[0]).all() and (np.abs(ages) < LEADS[1]).all()
        assert (ages > 0).all() or index < LEADS[1] - 1
        assert (ages > 0).any() or index < LEADS[0]

    def test_maps_are_observed_where_altimeters_were_from_another_one_the_steady_sea_or_no_anomaly(self):
        points = joined(
            tracks(2000, 0, box=(-180.0, -160.0, 0.0, 20.0)), observed(200, box=(-180.0, -160.0, 0.0, 20.0))
        )
        of = Sampler(Days({"train": [WHEN], MAPS: range(3)}, points, WHEN - 5 * DAY, 10), Data(rows=8, columns=8))
        cases = [of._maps("train", 0, Frame(96, 4, 8, 8), generator(seed)) for seed in range(60)]
        pairs, place = set(), STATE.index("zos")
        for case in cases:
            now, then = float(case.truth[place, 0, 0]), float(case.coarse[place, 0, 0])
            pairs.add((now, then))
            for planes in (case.truth, case.fine_truth, case.coarse):
                known = torch.isfinite(planes).flatten(1).all(1)
                assert known.tolist() == [name == "zos" for name in STATE]
            assert (case.fine_truth[place] == now).all()
            assert torch.isnan(case.fine).all() or (case.fine[place] == then).all()
            weight = case.sums.sums[:, 0]
            z = (case.sums.sums[:, 1] / weight - now) * np.sqrt(weight) / CHANNELS[SEA_LEVEL].error
            assert 0.1 < np.abs(z).max() < 6.0 and set(case.sums.key // (PLACE * BINS)) == {SEA_LEVEL}
        others = {(a, b) for a in range(3) for b in range(3) if a != b}
        assert pairs == others | {(a, a + STEADY_PART) for a in range(3)} | {(-STEADY_PART, 0.0)}
        assert 15 < sum(torch.isnan(case.fine).all() for case in cases) < 45

    def test_every_variation_has_its_share(self, monkeypatch):
        of = sampler(sparse=0.3, aged=0.2, fine=0.1, maps=0.15)
        counts = self.counted(of, monkeypatch)
        assert counts["_maps"] == 0  # there are none
        of.shards.days[MAPS] = np.empty(0, "M8[ns]")
        counts = self.counted(of, monkeypatch)
        for name, share in {"sparse": 0.3, "_aged": 0.2, "_fine": 0.1, "_maps": 0.15, "_usual": 0.25}.items():
            assert abs(counts[name] / 4000 - share) < 5 * np.sqrt(share * (1 - share) / 4000), name

    def counted(self, of, monkeypatch):
        counts = dict.fromkeys(("sparse", "_aged", "_fine", "_maps", "_usual"), 0)

        def count(name):
            def variation(*given):
                kept = given[3] if name == "_usual" else None
                counts["sparse" if kept and (len(kept.places) < 10 or kept.share < 1.0) else name] += 1

            return variation

        for name in ("_aged", "_fine", "_maps", "_usual"):
            monkeypatch.setattr(of, name, count(name))
        for seed in range(4000):
            of._varied("train", 30, BOX, generator(seed))
        return counts

    def test_crops_lie_on_blocks_anywhere_on_the_globe(self, monkeypatch):
        of, frames = sampler(), []
        monkeypatch.setattr(of, "_varied", lambda split, index, frame, rng: frames.append(frame))
        monkeypatch.setattr("adaf_xr.training.adaf_ocean.sampling.seen", lambda case, mirrored: None)
        for seed in range(8000):
            of.crop("train", 0, generator(seed))
        assert {frame.south for frame in frames} == set(range(0, 184, 8))
        assert {frame.west for frame in frames} == set(range(0, 360, 8))
        assert {frame.shape for frame in frames} == {(8, 8)}
